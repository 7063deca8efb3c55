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

// serveHTTPS is serve under TLS, with the application protocols that the listener speaks.
func (r *Roles) serveHTTPS(name string, l net.Listener, cert tls.Certificate, server *http.Server, protocols ...string) {
	r.serve(name, tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   protocols,
	}), server)
}

// serve answers on the listener in the background until Close, and counts under the name while it does, with limits that are the
// same for all servers. Where server has no ReadTimeout a whole request may take as long as
// its handler lets it, which has long waits.
func (r *Roles) serve(name string, l net.Listener, server *http.Server) {
	server.ReadHeaderTimeout = 10 * time.Second
	server.IdleTimeout = 2 * time.Minute
	server.MaxHeaderBytes = clientaccess.MaxHeaderBytes
	server.ErrorLog = slog.NewLogLogger(r.log.Handler(), slog.LevelDebug)
	server.BaseContext = func(net.Listener) context.Context { return r.ctx }
	r.mu.Lock()
	r.servers = append(r.servers, server)
	r.mu.Unlock()
	end := r.begin(name)
	r.running.Go(func() {
		defer end()
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			r.log.Error("listener ended", "address", l.Addr(), "error", err)
		}
	})
}
