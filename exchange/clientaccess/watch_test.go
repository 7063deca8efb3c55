package clientaccess

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
)

// watched is a world whose front end is watched by a clock that the test moves.
type watched struct {
	*world
	watch    *Watch
	registry *prometheus.Registry
	ahead    atomic.Int64 // nanoseconds
	healthy  bool
}

func newWatched(door doorFunc) *watched {
	w := &watched{world: newWorld(door), registry: prometheus.NewRegistry(), healthy: true}
	now := func() time.Time { return authtest.Now.Add(time.Duration(w.ahead.Load())) }
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.watch = NewWatch(w.registry, now, 0, log)
	doors := map[org.Kind]Door{}
	for _, kind := range authtest.Kinds {
		doors[kind] = door
	}
	w.front = New(Options{Snapshots: fixed{w.Snapshot()}, Auth: auth.New(auth.Options{People: authtest.NewPeople()}), Doors: doors,
		Now: now, Log: log, Watch: w.watch, Healthy: func() bool { return w.healthy }})
	return w
}

func (w *watched) wait(d time.Duration) { w.ahead.Add(int64(d)) }

func (w *watched) good() map[string]string {
	return map[string]string{"Authorization": "Bearer " + w.Sign(w.Delegated())}
}

// slowBody takes a second of the test's clock to send.
type slowBody struct {
	io.Reader
	w *watched
}

func (b slowBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if n > 0 {
		b.w.wait(time.Second)
	}
	return n, err
}

// slowClient takes two seconds to take an answer.
type slowClient struct {
	*httptest.ResponseRecorder
	w *watched
}

func (c slowClient) Write(p []byte) (int, error) {
	c.w.wait(2 * time.Second)
	return c.ResponseRecorder.Write(p)
}

func TestSlowRequest(t *testing.T) {
	var w *watched
	w = newWatched(func(rw http.ResponseWriter, r *Request) {
		r.Record.Begin("Slow", false)
		io.Copy(io.Discard, r.Body)
		w.wait(4 * time.Second) // the door's own work
		io.WriteString(rw, "done")
	})
	r := httptest.NewRequest("POST", "https://"+w.Host+"/ews/exchange.asmx", slowBody{strings.NewReader("x"), w})
	r.Header.Set("Authorization", w.good()["Authorization"])
	w.front.ServeHTTP(slowClient{httptest.NewRecorder(), w}, r)
	line := ""
	for l := range strings.Lines(w.log.String()) {
		if strings.Contains(l, "slow request") {
			line = l
		}
	}
	for _, want := range []string{"operation=Slow", "status=200", "duration=7s", "receive=1s", "send=2s", "own=4s", "credential=0s", "database.read=0s"} {
		if !strings.Contains(line, want) {
			t.Errorf("the slow request's line lacks %s: %s", want, line)
		}
	}
	if n := testutil.ToFloat64(w.watch.slowed.WithLabelValues("EX1", "WebServices")); n != 1 {
		t.Errorf("%v slow requests counted", n)
	}
}

// TestThrottled holds that a request which a door throttles is counted by its operation.
func TestThrottled(t *testing.T) {
	w := newWatched(func(rw http.ResponseWriter, r *Request) {
		r.Record.Begin("Busy", false)
		r.Record.Throttled, r.Record.Reason = r.Header.Get("X-Much") != "", "throttled"
	})
	w.do("POST", "/ews/exchange.asmx", w.good(), nil)
	busy := w.good()
	busy["X-Much"] = "yes"
	w.do("POST", "/ews/exchange.asmx", busy, nil)
	if n := testutil.ToFloat64(w.watch.busy.WithLabelValues("EX1", "WebServices", "Busy")); n != 1 {
		t.Errorf("%v throttled requests counted", n)
	}
	if !strings.Contains(w.log.String(), "reason=throttled") {
		t.Errorf("the record does not say why: %s", w.log.String())
	}
}

// TestWaits holds that a long wait is no slow request and stands in no figure of how long requests take.
func TestWaits(t *testing.T) {
	var w *watched
	w = newWatched(func(rw http.ResponseWriter, r *Request) {
		r.Record.Begin("Stream", true)
		w.wait(time.Minute)
	})
	w.do("POST", "/ews/exchange.asmx", w.good(), nil)
	if strings.Contains(w.log.String(), "slow request") {
		t.Error("a long wait was logged as slow")
	}
	if n := testutil.CollectAndCount(w.watch.duration); n != 1 { // the series exists, without a sample
		t.Errorf("%d series of durations", n)
	}
	load := w.watch.Load(time.Hour)
	if load.Total.Requests != 1 || load.Total.Longest != 0 {
		t.Errorf("load %+v", load.Total)
	}
}

func TestLoad(t *testing.T) {
	var w *watched
	var during Load
	w = newWatched(func(rw http.ResponseWriter, r *Request) {
		r.Record.Begin("Hello", false)
		w.wait(10 * time.Millisecond)
		during = w.watch.Load(time.Minute)
		io.WriteString(rw, "hello")
	})
	w.do("POST", "/ews/exchange.asmx", w.good(), nil)
	if len(during.Running) != 1 || during.InFlight != 1 {
		t.Fatalf("while it ran: %+v", during)
	}
	if r := during.Running[0]; r.Operation != "Hello" || r.Door != "WebServices" || r.Server != "EX1" || !strings.Contains(r.User, "@") || r.Seconds != 0.01 {
		t.Errorf("while it ran: %+v", r)
	}
	w.do("POST", "/ews/exchange.asmx", nil, nil)
	w.do("POST", "/ews/exchange.asmx", map[string]string{"Authorization": "Bearer x"}, nil)
	w.do("GET", "/nowhere", nil, nil)
	load := w.watch.Load(time.Minute)
	if load.InFlight != 0 || load.Total.Requests != 4 || load.Total.Refused != 2 {
		t.Errorf("load %+v", load)
	}
	if len(load.Doors) != 2 || load.Doors[0].Name != "WebServices" || load.Doors[0].Requests != 3 || load.Doors[1].Name != "none" {
		t.Errorf("doors %+v", load.Doors)
	}
	if len(load.Operations) != 1 || load.Operations[0].Name != "WebServices Hello" || load.Operations[0].Bytes != 5 {
		t.Errorf("operations %+v", load.Operations)
	}
	if len(load.Refusals) != 2 || len(load.Users) != 1 {
		t.Errorf("refusals %+v, users %+v", load.Refusals, load.Users)
	}
	for diagnostics, want := range map[string]float64{"none": 1, "2000001": 1} {
		if got := testutil.ToFloat64(w.watch.denied.WithLabelValues("EX1", "WebServices", "401", diagnostics)); got != want {
			t.Errorf("denied with diagnostics %s: %v, want %v", diagnostics, got, want)
		}
	}
	w.wait(2 * time.Minute)
	if late := w.watch.Load(time.Minute); late.Total.Requests != 0 {
		t.Errorf("two minutes later: %+v", late.Total)
	}
}

// TestRemembered holds that more requests than are kept shorten the time that a load tells of.
func TestRemembered(t *testing.T) {
	w := newWatched(hello)
	for range remembered + 10 {
		w.wait(time.Millisecond)
		w.do("GET", "/nowhere", nil, nil)
	}
	load := w.watch.Load(time.Hour)
	if load.Total.Requests != remembered || load.Seconds > 8.2 || load.Seconds < 8.1 {
		t.Errorf("%d requests in %v s", load.Total.Requests, load.Seconds)
	}
}

func TestHealthCheck(t *testing.T) {
	w := newWatched(hello)
	if a := w.do("GET", "/ews/HealthCheck.htm", nil, nil); a.Code != 200 || a.Body.String() != "200 OK<br/>EX1" {
		t.Errorf("healthy: %d %q", a.Code, a.Body)
	}
	w.healthy = false
	if a := w.do("GET", "/owa/healthcheck.htm", nil, nil); a.Code != 503 {
		t.Errorf("not healthy: %d", a.Code)
	}
	if a := w.do("GET", "/ews/healthcheck.htm/x", nil, nil); a.Code != 401 {
		t.Errorf("below it: %d", a.Code)
	}
}
