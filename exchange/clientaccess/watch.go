package clientaccess

import (
	"cmp"
	"container/list"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hma/exchange/auth"
	"hma/wire/bearer"
)

// DefaultSlow is from which duration on a request is logged as a slow one.
const DefaultSlow = time.Second

// remembered is how many of the last requests a Watch keeps.
const remembered = 8192

// Watch sees the requests of the front ends of one process: it feeds the metrics,
// says of a slow request what took the time, and knows what runs now. It is safe
// for concurrent use.
type Watch struct {
	now  func() time.Time
	slow time.Duration
	log  *slog.Logger

	requests *prometheus.CounterVec   // server, door, operation, status
	duration *prometheus.HistogramVec // server, door, operation
	bytes    *prometheus.CounterVec   // server, door
	denied   *prometheus.CounterVec   // server, door, status, diagnostics
	running  *prometheus.GaugeVec     // server, door
	slowed   *prometheus.CounterVec   // server, door
	busy     *prometheus.CounterVec   // server, door, operation

	mu     sync.Mutex
	open   list.List // *exchange, the oldest first
	last   []ended   // a ring
	next   int
	series map[labels]series
}

// labels name a series; operation comes from the doors' tables, never from a client.
type labels struct{ server, door, operation string }

// series are the metrics of one operation, looked up once.
type series struct {
	duration prometheus.Observer
	status   map[int]prometheus.Counter
}

// ended is a request that ended.
type ended struct {
	server, door, operation, user string
	status                        int
	reason                        string // why it was refused
	waits                         bool
	at                            time.Time
	took                          time.Duration
	bytes                         int64
}

// NewWatch registers the metrics and returns a Watch. A request that takes slow
// or longer is logged with what it spent its time on; 0 is DefaultSlow, below 0
// none is. log may be nil.
func NewWatch(registry prometheus.Registerer, now func() time.Time, slow time.Duration, log *slog.Logger) *Watch {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w := &Watch{now: now, slow: cmp.Or(slow, DefaultSlow), log: log, series: map[labels]series{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hma_http_requests_total",
			Help: "Requests that ended, by server, door, operation and status."}, []string{"server", "door", "operation", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hma_http_request_duration_seconds",
			Help:    "How long requests took, long waits left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"server", "door", "operation"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hma_http_response_bytes_total",
			Help: "Bytes of answers' bodies."}, []string{"server", "door"}),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hma_authentication_denied_total",
			Help: "Requests that the front end refused for their credential, by status and the code of x-ms-diagnostics; handshake is a step of NTLM, none a refusal without a code."},
			[]string{"server", "door", "status", "diagnostics"}),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hma_http_requests_in_flight",
			Help: "Requests that run, long waits among them."}, []string{"server", "door"}),
		slowed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hma_http_slow_requests_total",
			Help: "Requests that were logged as slow."}, []string{"server", "door"}),
		busy: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hma_http_throttled_requests_total",
			Help: "Requests that were refused because too many of the person's were under way."}, []string{"server", "door", "operation"}),
	}
	registry.MustRegister(w.requests, w.duration, w.bytes, w.denied, w.running, w.slowed, w.busy)
	return w
}

// begin takes note of a request that found its virtual directory or none.
func (w *Watch) begin(x *exchange) {
	w.mu.Lock()
	x.place = w.open.PushBack(x)
	w.mu.Unlock()
	w.running.WithLabelValues(x.server(), x.door()).Inc()
}

// end takes note of a request's end.
func (w *Watch) end(x *exchange) {
	e := x.ended(w.now())
	w.mu.Lock()
	w.open.Remove(x.place)
	if len(w.last) < remembered {
		w.last = append(w.last, e)
	} else {
		w.last[w.next] = e
	}
	w.next = (w.next + 1) % remembered
	s, total := w.of(&e)
	w.mu.Unlock()
	total.Inc()
	w.running.WithLabelValues(e.server, e.door).Dec()
	w.bytes.WithLabelValues(e.server, e.door).Add(float64(e.bytes))
	if x.denied {
		w.denied.WithLabelValues(e.server, e.door, strconv.Itoa(e.status), x.diagnostics()).Inc()
	}
	if x.record.Throttled {
		w.busy.WithLabelValues(e.server, e.door, e.operation).Inc()
	}
	if e.waits {
		return
	}
	s.duration.Observe(e.took.Seconds())
	if w.slow >= 0 && e.took >= w.slow {
		w.slowed.WithLabelValues(e.server, e.door).Inc()
		w.tell(x, &e)
	}
}

// of returns the metrics of a request's operation. The caller holds the lock.
func (w *Watch) of(e *ended) (series, prometheus.Counter) {
	l := labels{e.server, e.door, e.operation}
	s, known := w.series[l]
	if !known {
		s = series{w.duration.WithLabelValues(l.server, l.door, l.operation), map[int]prometheus.Counter{}}
		w.series[l] = s
	}
	total := s.status[e.status]
	if total == nil {
		total = w.requests.WithLabelValues(l.server, l.door, l.operation, strconv.Itoa(e.status))
		s.status[e.status] = total
	}
	return s, total
}

// tell logs a slow request with what took the time: the check of the credential,
// the client's sending, databases, the client's taking of the answer, and what is
// left, which is the door's own work.
func (w *Watch) tell(x *exchange, e *ended) {
	db := x.cost.Spent()
	rest := e.took - x.checking - x.reading - db.Reading - db.Writing - x.response.writing
	w.log.Warn("slow request", "id", x.request.ID, "server", e.server, "door", e.door, "operation", e.operation, "user", e.user,
		"status", e.status, "duration", e.took, "credential", x.checking, "receive", x.reading,
		"database.read", db.Reading, "database.reads", db.Reads, "database.write", db.Writing, "database.writes", db.Writes,
		"send", x.response.writing, "own", max(rest, 0), "bytes", x.response.bytes)
}

func (x *exchange) server() string { return x.request.Snapshot.Server.Name }

func (x *exchange) door() string {
	if vd := x.request.VirtualDirectory; vd != nil {
		return string(vd.Kind)
	}
	return ""
}

// ended returns a request that ended.
func (x *exchange) ended(now time.Time) ended {
	e := ended{server: x.server(), door: x.door(), operation: x.record.Operation, user: x.record.user, status: x.response.status,
		reason: clip(x.record.Reason, 200), waits: x.record.Waits, at: now, took: now.Sub(x.start), bytes: x.response.bytes}
	if e.status == 0 {
		e.status = http.StatusOK // the door wrote nothing
	}
	return e
}

// userOf returns an identity's user principal name, or its application's id.
func userOf(id *auth.Identity) string {
	switch {
	case id == nil:
		return ""
	case id.Recipient != nil:
		return id.Recipient.UPN
	}
	return clip(id.Application, 64)
}

// diagnostics returns the code of x-ms-diagnostics that the answer carries.
func (x *exchange) diagnostics() string {
	if x.handshake {
		return "handshake"
	}
	code, _, _ := strings.Cut(x.response.Header().Get(bearer.DiagnosticsHeader), ";")
	return cmp.Or(code, "none")
}
