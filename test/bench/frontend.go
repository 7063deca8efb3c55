package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"syscall"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
)

const (
	connections  = 64
	frontendTime = 150 * time.Millisecond
)

// doorFunc is a door that is one function.
type doorFunc func(http.ResponseWriter, *clientaccess.Request)

func (f doorFunc) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) { f(w, r) }

// admitAll is the check switched off: whoever comes is the same person.
type admitAll struct{ identity *auth.Identity }

func (a admitAll) Authenticate(context.Context, *auth.Facts) (*auth.Identity, *auth.Denial) {
	return a.identity, nil
}

// oneSnapshot is a configuration that never changes.
type oneSnapshot struct{ s *org.Snapshot }

func (o oneSnapshot) Snapshot() *org.Snapshot { return o.s }

// kib answers answerSize bytes.
func kib(w http.ResponseWriter) {
	w.Header()["Content-Length"] = []string{fmt.Sprint(answerSize)}
	w.Write(answer)
}

var answer = make([]byte, answerSize)

// frontend measures what the check costs a request over loopback.
func frontend(ctx context.Context, b *bench) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	e := authtest.New()
	e.Now = time.Now()
	requests := func(n int) [][]byte {
		list := make([][]byte, n)
		for i := range list {
			list[i] = fmt.Appendf(nil, "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n", e.Host, token(e, i))
		}
		return list
	}
	one, thousand := requests(1), requests(1000)
	checked := auth.New(auth.Options{People: authtest.NewPeople()})
	jane, err := authtest.NewPeople().BySID(ctx, e.SID)
	if err != nil {
		return err
	}
	off := admitAll{&auth.Identity{Recipient: jane, AuthN: "Bearer*", Application: "d3590ed6-52b3-4102-aeff-aad2292ab01c"}}

	for _, m := range []struct {
		id       string
		secure   bool
		requests [][]byte
	}{
		{"frontend.bearer.ratio", false, one},
		{"frontend.bearer.tokens1000.ratio", false, thousand},
		{"frontend.bearer.tls.ratio", true, one},
		{"frontend.bearer.tls.tokens1000.ratio", true, thousand},
	} {
		f, err := frontendRatio(ctx, m.id, m.secure, m.requests, checked, off, e.Snapshot())
		if err := b.print(f, err); err != nil {
			return err
		}
	}
	line, err := haproxy(ctx, b, e, one)
	if err != nil {
		return fmt.Errorf("haproxy: %w", err)
	}
	fmt.Fprintf(b.text, "beside frontend.bearer.ratio: %s\n", line)
	return nil
}

func frontendRatio(ctx context.Context, id string, secure bool, requests [][]byte, on, off clientaccess.Authenticator, s *org.Snapshot) (figure, error) {
	ours, err := startSide(ctx, secure, requests, frontEnd(s, on))
	if err != nil {
		return figure{}, err
	}
	defer ours.stop()
	yardstick, err := startSide(ctx, secure, requests, frontEnd(s, off))
	if err != nil {
		return figure{}, err
	}
	defer yardstick.stop()
	f, err := ratio(id, atLeast(0.90), "", ours.measure, yardstick.measure)
	f.Note = fmt.Sprintf("stretch 0.95; %s, with the check switched off %s", ours, yardstick)
	return f, err
}

func frontEnd(s *org.Snapshot, a clientaccess.Authenticator) http.Handler {
	return clientaccess.New(clientaccess.Options{Snapshots: oneSnapshot{s}, Auth: a, Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Doors: map[org.Kind]clientaccess.Door{
			org.WebServices: doorFunc(func(w http.ResponseWriter, _ *clientaccess.Request) { kib(w) }),
		}})
}

// side is a server in this process with its load.
type side struct {
	server *httptest.Server
	load   *load
	cpu    []float64 // microseconds of a request
	rates  []float64 // requests a second
}

func startSide(ctx context.Context, secure bool, requests [][]byte, h http.Handler) (*side, error) {
	s := &side{server: newServer(h, secure)}
	var err error
	s.load, err = startLoad(ctx, loadSpec{Address: s.server.Listener.Addr().String(), Secure: secure, Connections: connections, Requests: requests})
	if err != nil {
		s.server.Close()
		return nil, err
	}
	return s, nil
}

func newServer(h http.Handler, secure bool) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.MaxHeaderBytes = clientaccess.MaxHeaderBytes
	if secure {
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

func (s *side) stop() {
	s.load.stop()
	s.server.Close()
}

// measure returns how many requests one second of this process's CPU time answers.
func (s *side) measure() (float64, error) {
	runtime.GC()
	before, err := cpuTime()
	if err != nil {
		return 0, err
	}
	r, err := s.load.run(frontendTime)
	if err != nil {
		return 0, err
	}
	after, err := cpuTime()
	if err != nil {
		return 0, err
	}
	each := (after - before).Seconds() / float64(r.Requests)
	s.cpu, s.rates = append(s.cpu, each*1e6), append(s.rates, float64(r.Requests)/r.Seconds)
	return 1 / each, nil
}

// String says what was measured so far, for a note.
func (s *side) String() string {
	return fmt.Sprintf("%.1f us of CPU a request at %.0f requests/s", median(s.cpu), median(s.rates))
}

// cpuTime is what this process has used, in user and kernel.
func cpuTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
