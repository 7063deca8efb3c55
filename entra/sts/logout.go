package sts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hma/entra"
)

// serveLogout ends the browser's session and goes back to the application
// where the address is one of its tenant's reply URLs (OpenID Connect
// RP-Initiated Logout 1.0, 2). Tokens live on.
func (s *service) serveLogout(w http.ResponseWriter, r *http.Request) {
	p, err := query(r)
	if err == nil && r.Method == http.MethodPost {
		p, err = form(w, r)
	}
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	snapshot, a, err := s.addressed(r)
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	if c, err := r.Cookie(sessionCookie); err == nil && len(c.Value) <= maxName {
		if err := s.dir.EndSession(r.Context(), c.Value); err != nil {
			s.showError(w, r, err, "")
			return
		}
		setCookie(w, sessionCookie, "", 0)
	}
	newTrace(r, nil).header(w, r)
	target := p["post_logout_redirect_uri"]
	if target == "" || !registered(a.candidates(snapshot), target) {
		s.pages.ServeDone(w, r, DonePage{Kind: DoneSignedOut, Status: http.StatusOK})
		return
	}
	if state := p["state"]; state != "" && len(state) <= maxState {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "state=" + url.QueryEscape(state)
	}
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

func registered(tenants []*entra.Tenant, uri string) bool {
	return slices.ContainsFunc(tenants, func(t *entra.Tenant) bool {
		return slices.ContainsFunc(t.ServicePrincipals(), func(sp *entra.ServicePrincipal) bool { return slices.Contains(sp.ReplyURLs, uri) })
	})
}
