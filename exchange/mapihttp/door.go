package mapihttp

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
)

// Door is the MAPI over HTTP door of one server: it holds that server's session
// contexts. It is safe for concurrent use.
type Door struct {
	now      func() time.Time
	sessions *sessions
}

// New returns the door of one server. now decides when a context has ended.
func New(now func() time.Time) *Door { return &Door{now: now, sessions: newSessions()} }

// Names of the two cookies, as Exchange has them; clients send back what they get.
const (
	contextCookie  = "MapiContext"
	sequenceCookie = "MapiSequence"
)

const (
	contentType = "application/mapi-http"
	// maxRequest bounds a body: an extended buffer of Execute has at most 0x40000
	// bytes (MS-OXCRPC 2.2.2.1), with room for the fields around it.
	maxRequest = 0x40000 + 0x2000
	// maxHeader bounds the headers that are echoed.
	maxHeader = 512
	// pendingPeriod is how often a long request says that it still works (MS-OXCMAPIHTTP 2.2.3.3).
	pendingPeriod = 30 * time.Second
)

// endpoint is one of the two endpoints.
type endpoint string

const (
	emsmdb endpoint = "emsmdb"
	nspi   endpoint = "nspi"
)

// request is a request that has passed the checks which need no session context.
type request struct {
	http     *clientaccess.Request
	person   *org.Recipient
	endpoint endpoint
	kind     requestType
	id       string // X-RequestId
	body     []byte
	started  time.Time
}

// answer is what a request is answered with.
type answer struct {
	code  code
	body  []byte
	opens bool // of Connect and Bind: a context is to be made
	// context and sequence are the cookies to set, "" for none.
	context  string
	sequence string
}

// ServeDoor answers one request under /mapi.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	var e endpoint
	switch strings.ToLower(strings.TrimSuffix(r.Rest, "/")) {
	case "/emsmdb":
		e = emsmdb
	case "/nspi":
		e = nspi
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	q, refused := d.read(e, r)
	a := answer{code: refused}
	if refused == codeSuccess {
		r.Record.Begin(q.kind.name, false)
		a = d.serve(q)
	}
	d.write(w, r, e, q, a)
}

// read makes the checks that need no session context, cheapest first.
func (d *Door) read(e endpoint, r *clientaccess.Request) (*request, code) {
	q := &request{http: r, endpoint: e, id: r.Header.Get("X-RequestId"), started: d.now()}
	if r.Method != http.MethodPost {
		return q, codeInvalidVerb
	}
	if r.Identity == nil {
		return q, codeAnonymous
	}
	q.person = r.Identity.Recipient
	if q.person == nil || q.person.MailboxGUID.IsNil() || !q.person.MAPIEnabled {
		return q, codeNoPrivilege
	}
	if !r.Snapshot.MapiHTTP(q.person) {
		return q, codeEndpointDisabled
	}
	name := r.Header.Get("X-RequestType")
	if name == "" || q.id == "" {
		return q, codeMissingHeader
	}
	for _, text := range []string{name, q.id, r.Header.Get("X-ClientInfo")} {
		if len(text) > maxHeader {
			return q, codeInvalidHeader
		}
	}
	kind, ok := requestTypes[e][strings.ToLower(name)]
	if !ok {
		return q, codeInvalidRequestType
	}
	q.kind = kind
	if r.ContentLength > maxRequest {
		return q, codeTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return q, codeInvalidBody
	}
	if len(body) > maxRequest {
		return q, codeTooLarge
	}
	// Outlook has been seen to send Bind as octets.
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if len(body) > 0 && (err != nil || t != contentType && t != "application/octet-stream") {
		return q, codeInvalidHeader
	}
	q.body = body
	return q, codeSuccess
}

// serve finds the session context that the request needs and answers it.
func (d *Door) serve(q *request) answer {
	switch q.kind.needs {
	case needsNothing:
		return d.ping(q)
	case opensContext:
		return d.openContext(q)
	}
	s, refused := d.context(q)
	if refused != codeSuccess {
		return answer{code: refused}
	}
	if q.kind.needs == needsContext {
		return q.kind.serve(d, q, s)
	}
	return d.sequenced(q, s)
}

// context returns the caller's own session context that the cookie names.
func (d *Door) context(q *request) (*session, code) {
	cookie, err := q.http.Cookie(contextCookie)
	if err != nil {
		return nil, codeMissingCookie
	}
	if len(cookie.Value) != cookieLength {
		return nil, codeInvalidCookie
	}
	s := d.sessions.find(q.endpoint, cookie.Value, q.started)
	if s == nil {
		return nil, codeContextNotFound
	}
	if s.owner != q.person.MailboxGUID {
		return nil, codeNoPrivilege
	}
	d.sessions.touch(s, q.started)
	return s, codeSuccess
}

// sequenced answers a request that must bring the newest sequence cookie: one
// at a time, the others wait. The last request, when it comes again, gets the
// answer that it had.
func (d *Door) sequenced(q *request, s *session) answer {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.last.is(q) {
		return s.last.answer
	}
	if s.closed {
		return answer{code: codeContextNotFound}
	}
	cookie, err := q.http.Cookie(sequenceCookie)
	if err != nil {
		return answer{code: codeMissingCookie}
	}
	if cookie.Value != s.sequence {
		return answer{code: codeInvalidSequence}
	}
	a := q.kind.serve(d, q, s)
	if a.code == codeInvalidBody {
		return a // nothing was done: the cookie stays good
	}
	if !s.closed {
		s.sequence = rand.Text()
		a.context, a.sequence = s.context, s.sequence
	}
	s.last = &answered{requestType: q.kind.name, requestID: q.id, body: sha256.Sum256(q.body), answer: a}
	return a
}

// openContext answers Connect and Bind. A request that comes again because its
// answer was lost gets the same context; an old context that the client still
// names is replaced.
func (d *Door) openContext(q *request) answer {
	for _, s := range d.sessions.owned(q.person.MailboxGUID) {
		s.turn.Lock()
		last, again := s.last, s.endpoint == q.endpoint && !s.closed && s.last.is(q)
		s.turn.Unlock()
		if again {
			return last.answer
		}
	}
	a := q.kind.serve(d, q, nil)
	if !a.opens {
		return a
	}
	old, _ := d.context(q)
	s, err := d.sessions.open(q.endpoint, q.person.MailboxGUID, q.started)
	if err != nil {
		return answer{code: codeUnknownFailure}
	}
	if old != nil {
		d.sessions.end(old)
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	a.context, a.sequence = s.context, s.sequence
	s.last = &answered{requestType: q.kind.name, requestID: q.id, body: sha256.Sum256(q.body), answer: a}
	return a
}

// ping tells that the endpoint works, and keeps a context alive that the
// request names (MS-OXCMAPIHTTP 2.2.6).
func (d *Door) ping(q *request) answer {
	if _, err := q.http.Cookie(contextCookie); err != nil {
		return answer{}
	}
	s, refused := d.context(q)
	if refused != codeSuccess {
		return answer{code: refused}
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.closed {
		return answer{code: codeContextNotFound}
	}
	return answer{}
}

// write sends the answer in the form of MS-OXCMAPIHTTP 2.2.2.2: headers at once,
// then PROCESSING, DONE, the headers that are known at the end, and the body. A
// refusal is a short page instead.
func (d *Door) write(w http.ResponseWriter, r *clientaccess.Request, e endpoint, q *request, a answer) {
	h := w.Header()
	for _, name := range []string{"X-RequestType", "X-RequestId", "X-ClientInfo"} {
		if text := r.Header.Get(name); text != "" && len(text) <= maxHeader {
			h.Set(name, text)
		}
	}
	v := r.Snapshot.Server.Version
	h.Set("Cache-Control", "private")
	h.Set("X-ServerApplication", fmt.Sprintf("Exchange/%d.%02d.%04d.%03d", v[0], v[1], v[2], v[3]))
	h.Set("X-ResponseCode", strconv.Itoa(int(a.code)))
	for name, value := range map[string]string{contextCookie: a.context, sequenceCookie: a.sequence} {
		if value != "" {
			http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/mapi/" + string(e), Secure: true, HttpOnly: true})
		}
	}
	if a.code != codeSuccess {
		r.Record.Reason = fmt.Sprintf("X-ResponseCode %d", a.code)
		h.Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<html><body><h1>X-ResponseCode %d</h1><p>%s</p></body></html>\r\n", a.code, texts[a.code])
		return
	}
	h.Set("Content-Type", contentType)
	h.Set("X-PendingPeriod", strconv.FormatInt(pendingPeriod.Milliseconds(), 10))
	h.Set("X-ExpirationInfo", strconv.FormatInt(life.Milliseconds(), 10))
	io.WriteString(w, "PROCESSING\r\n")
	// Without the flush the whole answer would go out with a length instead of in chunks.
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	fmt.Fprintf(w, "DONE\r\nX-ElapsedTime: %d\r\nX-StartTime: %s\r\n\r\n",
		max(0, d.now().Sub(q.started).Milliseconds()), q.started.UTC().Format(http.TimeFormat))
	w.Write(a.body)
}
