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

// Certificate gives a listener its TLS certificate of the moment, as tls.Config's GetCertificate does: it may be renewed while the listener is up.
type Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// serveHTTPS is serve under TLS, with the application protocols that the listener speaks.
func (r *Roles) serveHTTPS(name string, l net.Listener, cert Certificate, server *http.Server, protocols ...string) {
	if r.cfg.Front != nil {
		server.Handler = r.cfg.Front(name, server.Handler)
	}
	server.Handler = r.dated(server.Handler)
	r.serve(name, tls.NewListener(l, &tls.Config{
		GetCertificate: cert,
		MinVersion:     tls.VersionTLS12,
		NextProtos:     protocols,
	}), server)
}

// dated has answers say what time it is by the one clock: net/http knows only the machine's.
func (r *Roles) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Date", r.cfg.Now().UTC().Format(http.TimeFormat))
		next.ServeHTTP(w, q)
	})
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
