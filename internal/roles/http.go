package roles

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"hma/exchange/clientaccess"
)

// serveHTTPS answers on the listener in the background until Close. readTimeout
// bounds a whole request; 0 leaves that to the handler, which has long waits.
func (r *Roles) serveHTTPS(l net.Listener, cert tls.Certificate, readTimeout time.Duration, h http.Handler) {
	r.serve(tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}), readTimeout, h)
}

func (r *Roles) serve(l net.Listener, readTimeout time.Duration, h http.Handler) {
	server := &http.Server{
		Handler:           h,
		ReadTimeout:       readTimeout,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    clientaccess.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return r.ctx },
	}
	r.mu.Lock()
	r.servers = append(r.servers, server)
	r.mu.Unlock()
	r.running.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			r.log.Error("listener ended", "address", l.Addr(), "error", err)
		}
	})
}
