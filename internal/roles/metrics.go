package roles

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hma/exchange/clientaccess"
)

// Where ServeMetrics answers.
const (
	MetricsPath = "/metrics"
	// HealthPath answers 200 while the process serves; ReadyPath only while it can do so,
	// else 503 with one line that says what is missing.
	HealthPath = "/healthz"
	ReadyPath  = "/readyz"
)

// LoadPath is where the admin socket shows a clientaccess.Load: query window (a
// duration; a minute without).
const LoadPath = "/load/v1"

// newMetrics makes what is counted: requests, the runtime and the process.
func (r *Roles) newMetrics() {
	r.registry = prometheus.NewRegistry()
	r.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.watch = clientaccess.NewWatch(r.registry, r.cfg.Now, r.cfg.Slow, r.log)
}

// ServeMetrics answers Prometheus, and whoever asks whether the process lives, on
// the listener until the roles close. What it tells is for operators: keep the
// listener from others.
func (r *Roles) ServeMetrics(l net.Listener) {
	mux := http.NewServeMux()
	mux.Handle("GET "+MetricsPath, promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	mux.HandleFunc("GET "+HealthPath, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET "+ReadyPath, func(w http.ResponseWriter, _ *http.Request) {
		if why := r.unready(); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n")
	})
	r.serve("metrics", l, &http.Server{Handler: mux, ReadTimeout: 10 * time.Second})
}

// readyTime bounds the question whether the databases answer, and readyFor is how long
// its answer holds, either way: whoever asks more often makes no work.
const (
	readyTime = 3 * time.Second
	readyFor  = time.Second
)

// readiness is the last answer of the databases. Whoever asks while they are asked waits
// for that answer.
type readiness struct {
	mu    sync.Mutex
	until time.Time // by Config.Now
	why   string
}

// unready says why the process cannot serve now, "" when it can.
func (r *Roles) unready() string {
	if r.ctx.Err() != nil || r.draining.Load() {
		return "the process is stopping"
	}
	r.ready.mu.Lock()
	defer r.ready.mu.Unlock()
	// A clock that was set back must not keep an old answer.
	if left := r.ready.until.Sub(r.cfg.Now()); left <= 0 || left > readyFor {
		r.ready.why = r.askDatabases()
		r.ready.until = r.cfg.Now().Add(readyFor)
	}
	return r.ready.why
}

// askDatabases says which of the databases does not answer, "" for none.
func (r *Roles) askDatabases() string {
	ctx, cancel := context.WithTimeout(r.ctx, readyTime)
	defer cancel()
	for i, name := range []string{"entra", "organisation", "mailbox"} {
		var one int
		if err := r.dbs[i].QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
			r.log.Error("not ready", "database", name, "error", err)
			return "the " + name + " database does not answer"
		}
	}
	return ""
}

// maxWindow is the longest time that LoadPath looks back.
const maxWindow = time.Hour

func (r *Roles) showLoad(w http.ResponseWriter, q *http.Request) {
	window := time.Minute
	if text := q.URL.Query().Get("window"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 || d > maxWindow {
			http.Error(w, "window is no duration from above 0 to 1h", http.StatusBadRequest)
			return
		}
		window = d
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(r.watch.Load(window)) // whoever asked is gone when it fails
}
