package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hma/entra"
	"hma/wire/guid"
)

// Options are what the wiring gives the service.
type Options struct {
	Origin string           // scheme://host[:port] of the cloud, the same as the token service's
	Now    func() time.Time // the one clock
	Log    *slog.Logger     // nil discards
}

type service struct {
	dir    *entra.Directory
	origin string
	now    func() time.Time
	log    *slog.Logger
}

// New returns the handler of /v1.0/.
func New(dir *entra.Directory, o Options) (http.Handler, error) {
	if dir == nil || o.Now == nil || o.Origin == "" {
		return nil, errors.New("graph: a directory, a clock and an origin are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &service{dir: dir, origin: o.Origin, now: o.Now, log: o.Log}, nil
}

// Limits of what a request may carry.
const (
	maxQuery = 16 << 10
	maxBody  = 1 << 20
	maxPath  = 2 << 10
)

// graphError is an OData error. Its code is Graph's word, which clients branch on.
type graphError struct {
	status  int
	code    string
	message string
}

func (e *graphError) Error() string { return e.code + ": " + e.message }

func fail(status int, code, format string, args ...any) *graphError {
	return &graphError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *graphError {
	return fail(http.StatusBadRequest, "Request_BadRequest", format, args...)
}

func unsupported(format string, args ...any) *graphError {
	return fail(http.StatusBadRequest, "Request_UnsupportedQuery", format, args...)
}

func notFound(id string) *graphError {
	return fail(http.StatusNotFound, "Request_ResourceNotFound", "Resource '%s' does not exist or one of its queried reference-property objects are not present.", clip(id))
}

var errForbidden = fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

// request is one request, parsed once.
type request struct {
	http     *http.Request
	caller   *caller
	snapshot *entra.Snapshot
	tenant   *entra.Tenant
	path     []string // below /v1.0/
	key      string   // of an alternate key such as (appId='...')
	options  options
	advanced bool // ConsistencyLevel: eventual
}

// answer is what a handler returns; body nil is 204.
type answer struct {
	status int
	body   any
}

// ServeHTTP authenticates the caller and hands over by the first segment.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := guid.New().String()
	client := id
	if g, err := guid.Parse(r.Header.Get("client-request-id")); err == nil {
		client = g.String()
	}
	h := w.Header()
	h.Set("request-id", id)
	h.Set("client-request-id", client)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	a, err := s.serve(w, r)
	if err == nil {
		if a.body == nil {
			w.WriteHeader(a.status)
			return
		}
		writeJSON(w, a.status, a.body)
		return
	}
	e, ok := errors.AsType[*graphError](err)
	if !ok {
		s.log.ErrorContext(r.Context(), "graph", "request", id, "error", err)
		e = fail(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is temporarily unavailable.")
		h.Set("Retry-After", "1")
	}
	if e.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="", authorization_uri="`+s.origin+`/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`)
	}
	writeJSON(w, e.status, map[string]any{"error": map[string]any{"code": e.code, "message": e.message,
		"innerError": map[string]string{"date": s.now().UTC().Format("2006-01-02T15:04:05"), "request-id": id, "client-request-id": client}}})
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) (*answer, error) {
	if len(r.URL.Path) > maxPath || len(r.URL.RawQuery) > maxQuery || !plain(r.URL.Path) {
		return nil, badRequest("The address cannot be read.")
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	c, tenant, err := s.authenticate(r, snapshot)
	if err != nil {
		return nil, err
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v1.0/")
	if !ok {
		return nil, badRequest("Resource not found for the segment '%s'.", clip(r.URL.Path))
	}
	req := &request{http: r, caller: c, snapshot: snapshot, tenant: tenant, path: strings.Split(strings.TrimSuffix(path, "/"), "/"),
		advanced: strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual")}
	if req.options, err = parseOptions(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if open := strings.IndexByte(req.path[0], '('); open >= 0 {
		req.path[0], req.key = req.path[0][:open], req.path[0][open:]
	}
	switch strings.ToLower(req.path[0]) {
	case "serviceprincipals":
		return s.servicePrincipals(w, req)
	case "applications":
		return s.applications(w, req)
	case "users":
		return s.users(req)
	case "me":
		return s.me(req)
	case "organization":
		return s.organization(req)
	case "domains":
		return s.domains(req)
	case "oauth2permissiongrants":
		return s.grants(req)
	}
	return nil, badRequest("Resource not found for the segment '%s'.", clip(req.path[0]))
}

// reading refuses other methods than GET.
func (req *request) reading() error {
	if req.http.Method != http.MethodGet && req.http.Method != http.MethodHead {
		return fail(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	}
	return nil
}

// options are the system query options of a request.
type options struct {
	filter    string
	selected  []string
	top       int
	skipToken string
	count     bool
}

// Page sizes of directory objects.
const (
	defaultTop = 100
	maxTop     = 999
)

func parseOptions(raw string) (options, error) {
	o := options{top: defaultTop}
	if strings.Count(raw, "&") > 50 {
		return o, badRequest("Too many query options.")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return o, badRequest("The query cannot be read.")
	}
	seen := make(map[string]bool)
	for name, all := range values {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "$") {
			continue // custom options are not ours to judge
		}
		if len(all) > 1 || seen[lower] {
			return o, badRequest("Query option '%s' was specified more than once, but it must be specified at most once.", clip(name))
		}
		seen[lower] = true
		value := all[0]
		if !plain(value) {
			return o, badRequest("The query option '%s' cannot be read.", clip(name))
		}
		switch lower {
		case "$filter":
			o.filter = value
		case "$select":
			for property := range strings.SplitSeq(value, ",") {
				if property = strings.TrimSpace(property); property != "" {
					o.selected = append(o.selected, property)
				}
			}
		case "$top":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > maxTop {
				return o, badRequest("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", clip(value), maxTop)
			}
			o.top = n
		case "$skiptoken":
			o.skipToken = value
		case "$count":
			if o.count, err = strconv.ParseBool(value); err != nil {
				return o, badRequest("Invalid value '%s' for $count.", clip(value))
			}
		case "$format":
		default:
			return o, unsupported("The query option '%s' is not supported.", clip(name))
		}
	}
	return o, nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic("graph: " + err.Error()) // plain values always marshal
	}
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.WriteHeader(status)
	w.Write(text)
}

func plain(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// clip shortens what an error repeats from the request.
func clip(s string) string {
	if len(s) <= 200 {
		return s
	}
	end := 200
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}
