package clientaccess

import (
	"container/list"
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"hma/exchange/auth"
	"hma/exchange/org"
	"hma/internal/sqldb"
	"hma/wire/bearer"
	"hma/wire/guid"
)

// MaxHeaderBytes is what the listener's http.Server should allow for a request's
// headers: enough that an oversized token is answered as such and not as a broken request.
const MaxHeaderBytes = 128 << 10

const (
	// maxBody bounds a request's body in bytes: the largest item whole, with its encoding.
	maxBody = 160 << 20
	// bodyTime bounds how long a client may take to send a body.
	bodyTime = 5 * time.Minute
	// drainRefused and drainAdmitted bound what is read and dropped of a body after
	// the answer, so that the connection can be used again.
	drainRefused  = 1 << 20
	drainAdmitted = 128 << 20
)

// Snapshots gives the configuration that a server runs now; org.ServerConfig does.
type Snapshots interface {
	Snapshot() *org.Snapshot
}

// Authenticator checks the credential of a request; *auth.Authenticator does.
// Exactly one of what it returns is not nil.
type Authenticator interface {
	Authenticate(ctx context.Context, f *auth.Facts) (*auth.Identity, *auth.Denial)
}

// Options are what a FrontEnd needs from the wiring; all are required but Log.
type Options struct {
	Snapshots Snapshots
	Auth      Authenticator
	// Doors serve the kinds of virtual directory; a kind without one is not found once the caller is admitted.
	Doors map[org.Kind]Door
	Now   func() time.Time
	// Log takes the request records; nil discards them.
	Log *slog.Logger
	// Watch sees every request; nil is none.
	Watch *Watch
	// Healthy tells whether the server can serve; nil is always. Load balancers ask it
	// at healthcheck.htm below each virtual directory.
	Healthy func() bool
}

// FrontEnd is the HTTP handler of one server.
type FrontEnd struct {
	snapshots Snapshots
	doors     map[org.Kind]Door
	now       func() time.Time
	log       *slog.Logger
	watch     *Watch
	healthy   func() bool
	check     func(ctx context.Context, f *auth.Facts) (*auth.Identity, *auth.Denial)
}

// New returns the front end of one server.
func New(o Options) *FrontEnd {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &FrontEnd{snapshots: o.Snapshots, doors: o.Doors, now: o.Now, log: o.Log, watch: o.Watch, healthy: o.Healthy, check: o.Auth.Authenticate}
}

// ServeHTTP takes one request through the front end: id, virtual directory,
// method, credential, door, record.
func (fe *FrontEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := fe.snapshots.Snapshot()
	x := &exchange{start: fe.now(), response: response{ResponseWriter: w}}
	x.request = Request{Request: r, ID: guid.New().String(), Snapshot: s, Record: &x.record}
	defer fe.end(x)

	h := w.Header()
	h["Request-Id"] = []string{x.request.ID}
	h["X-Feserver"] = []string{s.Server.Name}

	vd, rest := match(s, r.URL.Path)
	x.request.VirtualDirectory, x.request.Rest = vd, rest
	if fe.watch != nil {
		fe.watch.begin(x)
		x.cost = sqldb.NewCost(fe.now)
		r = r.WithContext(sqldb.WithCost(r.Context(), x.cost))
		x.request.Request, x.response.now = r, fe.now
	}
	if vd == nil {
		fe.answer(x, http.StatusNotFound, "no virtual directory has this path")
		return
	}
	if len(s.DownloadHosts) > 0 && s.DownloadHosts[org.PublicHost(r.Host)] && !(vd.Kind == org.Owa && IsAttachment(rest)) {
		fe.answer(x, http.StatusNotFound, "a download host serves attachments only")
		return
	}
	switch vd.Kind {
	case org.ActiveSync, org.Owa, org.Ecp:
		h["X-Owa-Version"] = []string{s.Server.Version.String()}
	}
	if !slices.Contains(methods, r.Method) && !(vd.Kind == org.Rpc && slices.Contains(rpcMethods, r.Method)) {
		h.Set("Allow", strings.Join(methods, ", "))
		fe.answer(x, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	if strings.EqualFold(rest, healthPath) {
		fe.health(x)
		return
	}
	if !anonymous(vd, rest, r) {
		x.facts = auth.Facts{Snapshot: s, VirtualDirectory: vd, Authorization: r.Header["Authorization"], UserIdentity: r.Header.Get("X-User-Identity"),
			Host: r.Host, Now: x.start}
		id, denial := fe.check(r.Context(), &x.facts)
		if fe.watch != nil {
			x.checking = fe.now().Sub(x.start)
		}
		if denial != nil {
			x.denied = true
			fe.deny(x, denial)
			return
		}
		if x.facts.Final != "" {
			h["Www-Authenticate"] = []string{x.facts.Final}
		}
		x.request.Identity = id
		x.record.setUser(userOf(id))
	}
	door := fe.doors[vd.Kind]
	if door == nil {
		fe.answer(x, http.StatusNotFound, "no door serves this virtual directory")
		return
	}
	if r.Body != nil && r.Body != http.NoBody {
		b := &body{ReadCloser: r.Body, left: maxBody, control: http.NewResponseController(w)}
		if fe.watch != nil {
			b.now, b.reading = fe.now, &x.reading
		}
		defer b.drain(drainAdmitted)
		r.Body = b
	}
	door.ServeDoor(&x.response, &x.request)
}

// healthPath is where load balancers ask whether a virtual directory can be served.
const healthPath = "/healthcheck.htm"

// health answers as Exchange's managed availability does: 200 with the server's
// name, without asking for a credential, or 503.
func (fe *FrontEnd) health(x *exchange) {
	x.record.Begin("HealthCheck", false)
	if fe.healthy != nil && !fe.healthy() {
		fe.answer(x, http.StatusServiceUnavailable, "not healthy")
		return
	}
	x.response.Header().Set("Content-Type", "text/html")
	io.WriteString(&x.response, "200 OK<br/>"+html.EscapeString(x.request.Snapshot.Server.Name)) // who asked may be gone
}

// methods are those that some door knows; the doors refuse the others of these themselves.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost}

// rpcMethods are those of Outlook Anywhere (MS-RPCH). No door serves them, but
// the challenge is an answer to them.
var rpcMethods = []string{"RPC_IN_DATA", "RPC_OUT_DATA"}

// anonymous tells whether a request is for the door to judge: Autodiscover's JSON and the
// organisation's metadata are for everybody, and OWA and ECP on OAuth or Forms have sessions
// of their own. On Forms a request with a credential in its header is judged here all the same.
func anonymous(vd *org.VirtualDirectory, rest string, r *http.Request) bool {
	switch vd.Kind {
	case org.Autodiscover:
		return below(rest, "/autodiscover.json") || strings.EqualFold(rest, "/metadata/json/1") || strings.EqualFold(rest, "/metadata/json/ex1")
	case org.Owa, org.Ecp:
		return vd.OAuth() || vd.FormsAuthentication && len(r.Header["Authorization"]) == 0 || vd.Kind == org.Owa && IsAttachment(rest)
	}
	return false
}

// AttachmentsPath is where OWA's attachments lie below its virtual directory. Their links carry what decides, and a
// download host (org.Snapshot.DownloadHosts) serves nothing else.
const AttachmentsPath = "/attachments"

// IsAttachment tells whether the path behind OWA's virtual directory is for an attachment.
func IsAttachment(rest string) bool { return below(rest, AttachmentsPath) }

// match finds the virtual directory of a path: the longest one that the path
// begins with, without case and on a segment's border. rest is what follows.
func match(s *org.Snapshot, path string) (vd *org.VirtualDirectory, rest string) {
	for _, candidate := range s.VirtualDirectories {
		if below(path, candidate.Path) && (vd == nil || len(candidate.Path) > len(vd.Path)) {
			vd = candidate
		}
	}
	if vd == nil {
		return nil, ""
	}
	return vd, path[len(vd.Path):]
}

// below tells whether path is prefix or lies below it, compared without case.
func below(path, prefix string) bool {
	return prefix != "" && len(path) >= len(prefix) && strings.EqualFold(path[:len(prefix)], prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

// deny answers a refused credential.
func (fe *FrontEnd) deny(x *exchange, d *auth.Denial) {
	h := x.response.Header()
	if len(d.Challenges) > 0 {
		h["Www-Authenticate"] = d.Challenges
	}
	if d.Diagnostics != "" {
		h.Set(bearer.DiagnosticsHeader, d.Diagnostics)
	}
	x.handshake = d.Handshake
	fe.answer(x, d.Status, d.Reason)
}

// answer ends a request without a body in the answer.
func (fe *FrontEnd) answer(x *exchange, status int, reason string) {
	x.record.Reason = reason
	b := x.request.Body
	switch {
	case b == nil || b == http.NoBody:
	case x.handshake:
		// Read before the answer, which is what a client waits for that asks before it sends
		// (Expect): an answer instead would end the connection, and the handshake with it.
		(&body{ReadCloser: b, left: maxBody, control: http.NewResponseController(x.response.ResponseWriter)}).drain(maxBody)
	case x.request.Header.Get("Expect") == "": // else it has sent nothing, and reading would make it
		limited := &body{ReadCloser: b, left: drainRefused, control: http.NewResponseController(x.response.ResponseWriter)}
		defer limited.drain(drainRefused)
	}
	x.response.Header()["Content-Length"] = []string{"0"}
	x.response.WriteHeader(status)
}

// exchange is one request on its way through the front end, in one piece of memory.
type exchange struct {
	start    time.Time
	request  Request
	facts    auth.Facts
	response response
	record   Record
	denied   bool // for its credential
	// For the Watch: where it is kept, and what it spent.
	place    *list.Element
	cost     *sqldb.Cost
	checking time.Duration // of the credential
	reading  time.Duration // of the body
	// handshake tells that the answer is a step of one, which hangs on the connection.
	handshake bool
}

// end writes the record. A door's panic becomes a 500 that tells nothing, or ends
// the connection where the answer has begun, so that no half answer looks whole.
func (fe *FrontEnd) end(x *exchange) {
	failed := recover()
	if failed != nil && failed != http.ErrAbortHandler {
		fe.log.Error("door failed", "id", x.request.ID, "panic", failed, "stack", string(debug.Stack()))
		if x.response.status == 0 {
			h := x.response.Header()
			clear(h)
			h["Request-Id"] = []string{x.request.ID}
			fe.answer(x, http.StatusInternalServerError, "door failed")
			failed = nil
		} else {
			failed = http.ErrAbortHandler
		}
	}
	if x.request.Identity != nil && x.record.user == "" {
		x.record.setUser(userOf(x.request.Identity)) // the door found out who it is
	}
	fe.write(x)
	if x.place != nil {
		fe.watch.end(x)
	}
	if failed != nil {
		panic(failed)
	}
}

func (fe *FrontEnd) write(x *exchange) {
	ctx := x.request.Context()
	if !fe.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	status := x.response.status
	if status == 0 {
		status = http.StatusOK // the door wrote nothing
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("id", x.request.ID),
		slog.String("server", x.request.Snapshot.Server.Name),
		slog.String("method", clip(x.request.Method, 16)),
		slog.Int("status", status),
		slog.Int64("bytes", x.response.bytes),
		slog.Duration("duration", fe.now().Sub(x.start)))
	if vd := x.request.VirtualDirectory; vd != nil {
		attrs = append(attrs, slog.String("door", string(vd.Kind)))
	} else {
		attrs = append(attrs, slog.String("path", clip(x.request.URL.Path, 100)))
	}
	if x.record.Operation != "" {
		attrs = append(attrs, slog.String("operation", clip(x.record.Operation, 100)))
	}
	if id := x.request.Identity; id != nil {
		attrs = append(attrs, slog.String("authn", id.AuthN))
		if id.Recipient != nil {
			attrs = append(attrs, slog.String("user", id.Recipient.UPN))
		}
		if id.Application != "" {
			attrs = append(attrs, slog.String("application", clip(id.Application, 64)))
		}
	}
	if x.record.Impersonated != "" {
		attrs = append(attrs, slog.String("impersonated", x.record.Impersonated))
	}
	if agent := x.request.Header.Get("User-Agent"); agent != "" {
		attrs = append(attrs, slog.String("agent", clip(agent, 100)))
	}
	if x.record.Reason != "" {
		attrs = append(attrs, slog.String("reason", clip(x.record.Reason, 200)))
	}
	fe.log.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

func clip(text string, n int) string { return text[:min(len(text), n)] }

// response counts what a door writes.
type response struct {
	http.ResponseWriter
	status  int
	bytes   int64
	now     func() time.Time // nil: nobody wants to know how long writing takes
	writing time.Duration
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.now != nil {
		begun := w.now()
		defer func() { w.writing += w.now().Sub(begun) }()
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush implements http.Flusher for doors that answer piece by piece.
func (w *response) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a connection that cannot flush sends at the end
}

// Unwrap gives http.ResponseController the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// body bounds a request's body in size and time. Beyond the size its reader gets
// an http.MaxBytesError, and the connection stays usable if the rest is not too long.
type body struct {
	io.ReadCloser
	left    int64
	ended   bool
	timer   *time.Timer
	control *http.ResponseController
	now     func() time.Time // with reading: how long reading took is added to it
	reading *time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &http.MaxBytesError{Limit: maxBody}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.read(p)
	b.left -= int64(n)
	return n, err
}

// read reads under the time limit, which begins with the first byte that is asked for.
func (b *body) read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(bodyTime, func() {
			_ = b.control.SetReadDeadline(time.Unix(1, 0)) // past: whoever reads is woken
		})
	}
	if b.now != nil {
		begun := b.now()
		defer func() { *b.reading += b.now().Sub(begun) }()
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.timer.Stop() // from here on the door may take as long as it wants
		b.ended = errors.Is(err, io.EOF)
	}
	return n, err
}

// drain reads and drops at most limit bytes of what the door left.
func (b *body) drain(limit int64) {
	if b.ended {
		return
	}
	buffer := make([]byte, 4<<10)
	for limit > 0 && !b.ended {
		n, err := b.read(buffer)
		if limit -= int64(n); err != nil {
			break
		}
	}
	if b.timer != nil {
		b.timer.Stop()
	}
}
