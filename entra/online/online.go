package online

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hma/entra"
	"hma/wire/bearer"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

// Options are what the wiring gives the service.
type Options struct {
	Origin string           // scheme://host[:port] of the cloud, the same as the token service's
	Now    func() time.Time // the one clock
	Log    *slog.Logger     // nil discards
}

type service struct {
	dir    *entra.Directory
	origin string
	host   string // of origin, with its port
	now    func() time.Time
	log    *slog.Logger
}

// The two addresses, in lower case: servers write them in many ways.
const (
	ewsPath          = "/ews/exchange.asmx"
	autodiscoverPath = "/autodiscover/autodiscover.svc"
)

// New returns the handler of /EWS/ and /autodiscover/, in any case.
func New(dir *entra.Directory, o Options) (http.Handler, error) {
	u, err := url.Parse(o.Origin)
	if err != nil || u.Host == "" || dir == nil || o.Now == nil {
		return nil, errors.New("online: a directory, a clock and an origin are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &service{dir: dir, origin: o.Origin, host: strings.ToLower(u.Host), now: o.Now, log: o.Log}, nil
}

// ServeHTTP asks for a token before anything else and hands over by the path.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := guid.New().String()
	h := w.Header()
	h.Set("request-id", id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	path := strings.ToLower(r.URL.Path)
	if path != ewsPath && path != autodiscoverPath {
		http.NotFound(w, r)
		return
	}
	c, err := s.authenticate(r)
	if no, ok := errors.AsType[*refusal](err); ok {
		s.challenge(w, no)
		return
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "online", "request", id, "error", err)
		http.Error(w, "The service is temporarily unavailable.", http.StatusServiceUnavailable)
		return
	}
	if r.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		http.Error(w, "Requests are posted.", http.StatusMethodNotAllowed)
		return
	}
	if path == autodiscoverPath {
		s.serveAutodiscover(w, r, id, c)
		return
	}
	if c.shared && c.tenant.SharedPrincipalBlocked {
		// Since 2025-10-31 the real service refuses EWS through the service principal that all tenants share.
		http.Error(w, "EWS access through the shared service principal is blocked. Use the dedicated Exchange hybrid application.", http.StatusForbidden)
		return
	}
	s.serveEWS(w, r, id, c)
}

// challenge asks for a token as Exchange Online does: any tenant's issuer is
// trusted, and the error stands there for a probe too.
func (s *service) challenge(w http.ResponseWriter, no *refusal) {
	h := w.Header()
	h.Set("WWW-Authenticate", bearer.Challenge{ClientID: wellknown.Exchange, TrustedIssuers: wellknown.ACS + "@*", TokenTypes: bearer.TokenTypes,
		AuthorizationURI: s.origin + "/common/oauth2/authorize", Error: bearer.InvalidToken}.String())
	if no.reason != "" {
		h.Set(bearer.DiagnosticsHeader, bearer.Diagnose(no.code, no.reason).String())
	}
	w.WriteHeader(http.StatusUnauthorized)
}
