package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/lab"
)

// TestClock moves the clock of a lab while it runs: its TLS certificate is good by the lab's time and, while the two are not
// too far apart, by the machine's; answers are dated by it; endpoints.json tells; a time before its authority is refused.
func TestClock(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	dir := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, FreePorts: true, Messages: 5, Clock: 90 * day})
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceValue(func() error { return l.Close(context.Background()) })
	t.Cleanup(func() { stop() })
	ca, err := os.ReadFile(l.Endpoints.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	// get asks the cloud as a client with the clock, and returns how far its answer's date is from the machine's.
	get := func(clock func() time.Time) (time.Duration, error) {
		hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Time: clock}}}
		resp, err := hc.Get(l.Endpoints.Cloud + "/common/.well-known/openid-configuration")
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		at, err := http.ParseTime(resp.Header.Get("Date"))
		return time.Until(at), err
	}
	expect := func(offset time.Duration, machines bool) {
		t.Helper()
		e, err := lab.ReadEndpoints(dir)
		if err != nil || time.Duration(e.Clock)*time.Second != offset {
			t.Fatalf("endpoints.json says %+v, %v; want %s", e, err, offset)
		}
		ahead, err := get(l.Now)
		if err != nil || (ahead-offset).Abs() > time.Minute {
			t.Errorf("at %s a client with the lab's clock: %s, %v", offset, ahead, err)
		}
		if _, err := get(time.Now); (err == nil) != machines {
			t.Errorf("at %s a client with the machine's clock: %v", offset, err)
		}
	}
	expect(90*day, true)
	for _, move := range []struct {
		to       time.Duration
		machines bool
	}{{0, true}, {-2 * time.Hour, true}, {299 * day, true}, {500 * day, false}, {-200 * day, true}} {
		if err := l.SetClock(move.to); err != nil {
			t.Fatal(err)
		}
		expect(move.to, move.machines)
	}
	for _, far := range []time.Duration{-2 * 366 * day, 12 * 366 * day} {
		if err := l.SetClock(far); !errors.Is(err, lab.ErrClock) || !strings.Contains(err.Error(), "ca.pem") {
			t.Errorf("%s: %v", far, err)
		}
	}
	expect(-200*day, true)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Start(t.Context(), lab.Options{Dir: dir, FreePorts: true, Clock: -2 * 366 * day}); !errors.Is(err, lab.ErrClock) {
		t.Errorf("a start before the authority: %v", err)
	}
}
