package sts

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hma/entra"
	"hma/wire/aadsts"
)

// Options are what the wiring gives a token service.
type Options struct {
	Origin string           // scheme://host[:port] without a slash at the end; the issuers begin with it
	Now    func() time.Time // the one clock
	Log    *slog.Logger     // nil discards
	SignIn SignInPages      // draws the pages
}

// service is the token service over one directory.
type service struct {
	dir    *entra.Directory
	origin string
	host   string // of origin, with its port
	now    func() time.Time
	log    *slog.Logger
	pages  SignInPages
	mux    *http.ServeMux
	cross  *http.CrossOriginProtection
	fed    federationCache
}

// New returns the handler of all endpoints. It is mounted at the root of the
// cloud's origin; what it does not know is answered with an error page.
func New(dir *entra.Directory, o Options) (http.Handler, error) {
	u, err := url.Parse(o.Origin)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("token service: origin %q: want https://host[:port]", o.Origin)
	}
	if dir == nil || o.Now == nil || o.SignIn == nil {
		return nil, errors.New("token service: a directory, a clock and sign-in pages are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &service{dir: dir, origin: o.Origin, host: u.Host, now: o.Now, log: o.Log, pages: o.SignIn, mux: http.NewServeMux(), cross: http.NewCrossOriginProtection()}
	s.routes()
	return s, nil
}

// routes lists every endpoint. {tenant} is a GUID, a verified domain, common or organizations.
func (s *service) routes() {
	for pattern, handler := range map[string]http.HandlerFunc{
		"/{tenant}/.well-known/openid-configuration":                  s.version(v1, s.serveMetadata),
		"/{tenant}/v2.0/.well-known/openid-configuration":             s.version(v2, s.serveMetadata),
		"/{tenant}/discovery/keys":                                    s.version(v1, s.serveKeys),
		"/{tenant}/discovery/v2.0/keys":                               s.version(v2, s.serveKeys),
		"/{tenant}/federationmetadata/2007-06/federationmetadata.xml": s.serveFederationMetadata,
		"/{tenant}/FederationMetadata/2007-06/FederationMetadata.xml": s.serveFederationMetadata,
		"/{tenant}/metadata/json/1":                                   s.serveServerMetadata,
		"/{tenant}/tokens/OAuth/2":                                    s.serveServerToken,
		"/common/discovery/instance":                                  s.serveInstance,
		"/common/userrealm/{user}":                                    s.serveUserRealm,
		"/common/UserRealm/{user}":                                    s.serveUserRealm,
		"/common/userrealm":                                           s.serveUserRealm,
		"/common/UserRealm":                                           s.serveUserRealm,
		"/GetUserRealm.srf":                                           s.serveUserRealmSRF,
		"/getuserrealm.srf":                                           s.serveUserRealmSRF,
		"/{tenant}/oauth2/authorize":                                  s.version(v1, s.serveAuthorize),
		"/{tenant}/oauth2/v2.0/authorize":                             s.version(v2, s.serveAuthorize),
		"/{tenant}/oauth2/token":                                      s.version(v1, s.serveToken),
		"/{tenant}/oauth2/v2.0/token":                                 s.version(v2, s.serveToken),
		"/{tenant}/oauth2/devicecode":                                 s.version(v1, s.serveDeviceCode),
		"/{tenant}/oauth2/v2.0/devicecode":                            s.version(v2, s.serveDeviceCode),
		"/common/oauth2/deviceauth":                                   s.serveDeviceAuth,
		"/{tenant}/oauth2/logout":                                     s.serveLogout,
		"/{tenant}/oauth2/v2.0/logout":                                s.serveLogout,
		"/common/oauth2/nativeclient":                                 s.serveNativeClient,
		"/{tenant}/login":                                             s.serveLogin,
		"/{tenant}/consent":                                           s.serveConsent,
		"/{tenant}/adminconsent":                                      s.serveAdminConsent,
		"/{tenant}/v2.0/adminconsent":                                 s.serveAdminConsent,
		"/error":                                                      s.serveErrorLookup,
	} {
		s.mux.HandleFunc(pattern, handler)
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.showErrorStatus(w, r, refuse(aadsts.RequestMalformed, "there is nothing at this address"), "", http.StatusNotFound)
	})
}

// version is the generation of endpoints that a request came to.
type version int

const (
	v1 version = 1
	v2 version = 2
)

// version binds an endpoint's generation to its handler.
func (s *service) version(v version, h func(http.ResponseWriter, *http.Request, version)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { h(w, r, v) }
}

// ServeHTTP sets what every answer carries and hands over.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if len(r.URL.Path) > maxPath || !plain(r.URL.Path) {
		writeError(w, s.describe(newTrace(r, nil), refuse(aadsts.RequestMalformed, "the path cannot be read")), s.origin)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// issuer returns the issuer of a tenant's tokens. tenant may be the template of a shared address.
func (s *service) issuer(v version, tenant string) string {
	if v == v1 {
		return s.origin + "/" + tenant + "/"
	}
	return s.origin + "/" + tenant + "/v2.0"
}

// authority is the tenant segment of a request's path.
type authority struct {
	segment string        // as given
	tenant  *entra.Tenant // nil: common or organizations
}

// shared tells whether any tenant of this cloud may be meant.
func (a authority) shared() bool { return a.tenant == nil }

// admits tells whether a person of the tenant may sign in here.
func (a authority) admits(tenant string) bool { return a.tenant == nil || a.tenant.ID == tenant }

// addressed returns the directory as it is now and the authority that the request names in its path.
func (s *service) addressed(r *http.Request) (*entra.Snapshot, authority, error) {
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		return nil, authority{}, err
	}
	a, err := s.authority(r, snapshot)
	return snapshot, a, err
}

// authority resolves the path's tenant. Personal accounts do not exist here.
func (s *service) authority(r *http.Request, snapshot *entra.Snapshot) (authority, error) {
	segment := r.PathValue("tenant")
	switch strings.ToLower(segment) {
	case "common", "organizations":
		return authority{segment: strings.ToLower(segment)}, nil
	case "consumers":
		return authority{}, refuse(aadsts.TenantRequired, "consumers")
	}
	t := snapshot.Tenant(segment)
	if t == nil {
		return authority{}, refuse(aadsts.TenantUnknown, clip(segment))
	}
	return authority{segment: segment, tenant: t}, nil
}

// candidates are the tenants in which a request's client may be registered.
func (a authority) candidates(snapshot *entra.Snapshot) []*entra.Tenant {
	if a.tenant != nil {
		return []*entra.Tenant{a.tenant}
	}
	return snapshot.Tenants()
}

// name is the authority as an error text shows it.
func (a authority) name() string {
	if a.tenant != nil {
		return a.tenant.DisplayName
	}
	return a.segment
}
