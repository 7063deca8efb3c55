package sts

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hma/entra"
	"hma/wire/aadsts"
	"hma/wire/guid"
)

// Error is a refusal: a code of wire/aadsts with what its text is about. It is
// made where the rule is and written at the edge.
type Error struct {
	Code aadsts.Code
	Args []string
	word string // OAuth error in place of the table's
}

// Error returns the code and its sentence.
func (e *Error) Error() string {
	entry, _ := aadsts.Lookup(e.Code)
	return e.Code.String() + ": " + entry.Describe(e.Args...)
}

func refuse(c aadsts.Code, args ...string) *Error { return &Error{Code: c, Args: args} }

// codes says which code a refusal of the directory goes with.
var codes = []struct {
	err  error
	code aadsts.Code
}{
	{entra.ErrBadPassword, aadsts.PasswordWrong},
	{entra.ErrLocked, aadsts.AccountLocked},
	{entra.ErrDisabled, aadsts.AccountDisabled},
	{entra.ErrTokenUnknown, aadsts.GrantInvalid},
	{entra.ErrTokenReused, aadsts.GrantInvalid},
	{entra.ErrTokenExpired, aadsts.RefreshInactive},
	{entra.ErrTokenFixedExpired, aadsts.RefreshSPAExpired},
	{entra.ErrTokenRevoked, aadsts.TokensRevoked},
	{entra.ErrCodeUnknown, aadsts.GrantInvalid},
	{entra.ErrCodeExpired, aadsts.GrantExpired},
	{entra.ErrCodeRedeemed, aadsts.CodeRedeemed},
}

// refusal turns any error into a refusal. What is no rule's answer is logged
// and answered as a transient fault: nothing internal leaks.
func (s *service) refusal(ctx context.Context, trace trace, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return refuse(c.code)
		}
	}
	if !errors.Is(err, context.Canceled) {
		s.log.ErrorContext(ctx, "token service", "trace", trace.id, "error", err)
	}
	return refuse(aadsts.ServerBusy)
}

// trace are the ids that an answer and the log share.
type trace struct {
	id          string
	correlation string
	time        time.Time
}

// newTrace makes a trace. The client's own id may come as a header, in the
// query or in the body; anything but a GUID is ignored.
func newTrace(r *http.Request, p params) trace {
	t := trace{id: guid.New().String()}
	for _, given := range []string{r.Header.Get("client-request-id"), p["client-request-id"]} {
		if g, err := guid.Parse(given); err == nil {
			t.correlation = g.String()
			return t
		}
	}
	t.correlation = guid.New().String()
	return t
}

// header writes the ids into an answer's header.
func (t trace) header(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-ms-request-id", t.id)
	if r.Header.Get("return-client-request-id") == "true" {
		w.Header().Set("client-request-id", t.correlation)
	}
}

const timestamp = "2006-01-02 15:04:05Z"

// description is an error ready to be written.
type description struct {
	entry aadsts.Entry
	text  string // with ids and time, as error_description carries it
	short string // the sentence alone
	trace trace
	word  string
	allow string // methods, when another was used
}

func (s *service) describe(t trace, e *Error) description {
	entry, ok := aadsts.Lookup(e.Code)
	if !ok {
		entry, _ = aadsts.Lookup(aadsts.ServerBusy)
	}
	t.time = s.now().UTC()
	short := entry.Describe(e.Args...)
	allow := ""
	if e.Code == aadsts.MethodNotAllowed {
		allow = strings.ReplaceAll(strings.Join(e.Args, ""), " and", ",")
	}
	return description{entry: entry, short: short, trace: t, word: first(e.word, entry.Error), allow: allow,
		text: entry.Code.String() + ": " + short + " Trace ID: " + t.id + " Correlation ID: " + t.correlation + " Timestamp: " + t.time.Format(timestamp)}
}

type errorBody struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	URI           string `json:"error_uri"`
	Suberror      string `json:"suberror,omitempty"`
}

// writeError answers in Entra's JSON.
func writeError(w http.ResponseWriter, d description, origin string) {
	h := w.Header()
	h.Set("x-ms-request-id", d.trace.id)
	switch d.entry.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Basic realm="client"`) // RFC 6749 5.2
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", d.allow)
	}
	writeJSON(w, d.entry.Status, errorBody{Error: d.word, Description: d.text, Codes: []int{int(d.entry.Code)}, Timestamp: d.trace.time.Format(timestamp),
		TraceID: d.trace.id, CorrelationID: d.trace.correlation, URI: origin + "/error?code=" + strconv.Itoa(int(d.entry.Code)), Suberror: d.entry.Suberror})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic("sts: " + err.Error()) // plain structs always marshal
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text)
}

// showError draws the page of an error that must not be sent to the application.
func (s *service) showError(w http.ResponseWriter, r *http.Request, err error, client string) {
	s.showErrorStatus(w, r, err, client, 0)
}

func (s *service) showErrorStatus(w http.ResponseWriter, r *http.Request, err error, client string, status int) {
	t := newTrace(r, nil)
	d := s.describe(t, s.refusal(r.Context(), t, err))
	if status == 0 {
		status = d.entry.Status
	}
	t.header(w, r)
	s.pages.ServeError(w, r, ErrorPage{Code: d.entry.Code, Text: d.short, Explain: d.entry.Explain, Fix: d.entry.Fix, ClientName: client,
		TraceID: d.trace.id, CorrelationID: d.trace.correlation, Time: d.trace.time, Status: status})
}

// serveErrorLookup is the page behind error_uri.
func (s *service) serveErrorLookup(w http.ResponseWriter, r *http.Request) {
	p, err := query(r)
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	code, _ := aadsts.Find(p["code"])
	entry, ok := aadsts.Lookup(code)
	if !ok {
		s.showErrorStatus(w, r, refuse(aadsts.RequestMalformed, "the code is not one that this service gives"), "", http.StatusNotFound)
		return
	}
	t := newTrace(r, nil)
	t.header(w, r)
	s.pages.ServeError(w, r, ErrorPage{Code: code, Text: entry.Describe(), Explain: entry.Explain, Fix: entry.Fix,
		TraceID: t.id, CorrelationID: t.correlation, Time: s.now().UTC(), Status: http.StatusOK})
}
