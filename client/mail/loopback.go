package mail

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Loopback waits on this machine for a person's own browser to come back from a sign-in (RFC 8252 7.3).
type Loopback struct {
	listener net.Listener
	// Open shows the address to the person, or opens it in a browser.
	Open func(address string)
}

// NewLoopback listens on a free port of 127.0.0.1. Close it.
func NewLoopback(open func(address string)) (*Loopback, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return &Loopback{listener: l, Open: open}, nil
}

// Close stops listening.
func (l *Loopback) Close() error { return l.listener.Close() }

// Redirect is the redirect URI for Authority.
func (l *Loopback) Redirect() string {
	return fmt.Sprintf("http://localhost:%d", l.listener.Addr().(*net.TCPAddr).Port)
}

// Browser opens the address and returns where the browser came back to, for Client.Code. It waits until ctx ends.
func (l *Loopback) Browser(ctx context.Context, address string) (string, error) {
	came := make(chan string, 1)
	server := &http.Server{ReadTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		// Browsers ask for an icon too.
		if r.Method != http.MethodGet || r.URL.Path != "/" || !q.Has("code") && !q.Has("error") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Connection", "close")
		io.WriteString(w, "Signed in. You can close this window.\n")
		select {
		case came <- l.Redirect() + "/?" + r.URL.RawQuery:
		default: // once is enough
		}
	})}
	go server.Serve(l.listener)
	// Shutdown lets the page arrive.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		server.Shutdown(ctx)
	}()
	l.Open(address)
	select {
	case final := <-came:
		return final, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
