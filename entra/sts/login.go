package sts

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"hma/entra"
	"hma/wire/aadsts"
)

// Cookies. Both are bound to this host and sent on cross-site posts too,
// because OWA's redirect and silent frames come from other sites.
const (
	sessionCookie = "__Host-ESTSAUTH"
	browserCookie = "__Host-esctx"
)

// setCookie gives the browser a cookie for life, 0 for as long as it is open; a duration, since its clock may be another.
func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, MaxAge: int(life / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func encodeBox(box []byte) string           { return base64.RawURLEncoding.EncodeToString(box) }
func decodeBox(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

// browserHash is what a flow knows of the browser's cookie.
func browserHash(r *http.Request) string {
	c, err := r.Cookie(browserCookie)
	if err != nil || len(c.Value) > maxName {
		return ""
	}
	return hashText(c.Value)
}

func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// bindBrowser gives the browser its cookie, and its hash to the flow.
func bindBrowser(w http.ResponseWriter, r *http.Request, req *authorizeRequest) {
	if req.Browser = browserHash(r); req.Browser == "" {
		value := rand.Text()
		setCookie(w, browserCookie, value, 0)
		req.Browser = hashText(value)
	}
}

// session finds the person behind the browser's session cookie; nil: nobody is signed in.
func (s *service) session(r *http.Request) (entra.SignIn, *entra.User) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || len(c.Value) > maxName {
		return entra.SignIn{}, nil
	}
	signIn, user, err := s.dir.Session(r.Context(), c.Value)
	if err != nil {
		if !errors.Is(err, entra.ErrNotFound) {
			s.log.ErrorContext(r.Context(), "read session", "error", err)
		}
		return entra.SignIn{}, nil
	}
	return signIn, user
}

// showSignIn fills in what every sign-in page needs and draws it.
func (s *service) showSignIn(w http.ResponseWriter, r *http.Request, req *authorizeRequest, page SignInPage) {
	bindBrowser(w, r, req)
	flow, err := s.sealFlow(req)
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	tenant := snapshot.Tenant(req.Segment)
	if tenant == nil && page.UsernameKnown {
		tenant = snapshot.TenantOf(page.Username)
	}
	if tenant != nil {
		page.TenantName = tenant.DisplayName
	}
	page.Action, page.Flow, page.ClientName, page.FormTarget = "/"+req.Segment+"/login", flow, req.ClientName, req.formTarget()
	if page.Error != 0 {
		entry, _ := aadsts.Lookup(page.Error)
		page.ErrorText = entry.Describe()
	}
	page.Status = http.StatusOK
	newTrace(r, nil).header(w, r)
	s.pages.ServeSignIn(w, r, page)
}

// posted reads a form of one of the service's own pages, and the sealed request that it carries.
func (s *service) posted(w http.ResponseWriter, r *http.Request) (params, *authorizeRequest, error) {
	if r.Method != http.MethodPost {
		return nil, nil, refuse(aadsts.MethodNotAllowed, http.MethodPost)
	}
	if err := s.cross.Check(r); err != nil {
		return nil, nil, refuse(aadsts.RequestMalformed, "the form was sent from another site")
	}
	p, err := form(w, r)
	if err != nil {
		return nil, nil, err
	}
	req, err := s.openFlow(r, p[FieldFlow])
	return p, req, err
}

// serveLogin takes what a sign-in page posts.
func (s *service) serveLogin(w http.ResponseWriter, r *http.Request) {
	p, req, err := s.posted(w, r)
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	switch p[FieldDo] {
	case DoCancel:
		if req.UserCode != "" {
			s.pages.ServeDone(w, r, DonePage{Kind: DoneDeviceRefused, ClientName: req.ClientName, Status: http.StatusOK})
			return
		}
		s.answerError(w, r, req, refuse(aadsts.ConsentDeclined))
		return
	case DoContinue:
		if session, user := s.session(r); user != nil {
			s.answer(w, r, req, session, user)
			return
		}
		s.showSignIn(w, r, req, SignInPage{Username: req.LoginHint})
		return
	}
	login, password := p[FieldLogin], p[FieldPassword]
	if password == "" {
		s.showSignIn(w, r, req, SignInPage{Username: clip(login), UsernameKnown: login != ""})
		return
	}
	user, err := s.checkLogin(r, req, login, password)
	if err != nil {
		t := newTrace(r, nil)
		e := s.refusal(r.Context(), t, err)
		s.log.InfoContext(r.Context(), "sign-in refused", "trace", t.id, "code", int(e.Code), "client", req.ClientID)
		s.showSignIn(w, r, req, SignInPage{Username: clip(login), UsernameKnown: true, Error: e.Code})
		return
	}
	stay := p[FieldStay] == "1"
	cookie, signIn, expires, err := s.dir.BeginSession(r.Context(), user, []string{"pwd"}, stay)
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	var life time.Duration
	if stay {
		life = expires.Sub(s.now())
	}
	setCookie(w, sessionCookie, cookie, life)
	s.answer(w, r, req, signIn, user)
}

// checkLogin verifies a name and password typed under an authority. A name of
// an unknown domain or of another tenant is answered like a wrong password.
func (s *service) checkLogin(r *http.Request, req *authorizeRequest, login, password string) (*entra.User, error) {
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	tenant := ""
	if t := snapshot.TenantOf(login); t != nil {
		tenant = t.ID
	}
	if own := snapshot.Tenant(req.Segment); own != nil && own.ID != tenant {
		tenant = "" // in no tenant: checked all the same, for the time it takes
	}
	return s.dir.CheckPassword(r.Context(), tenant, login, password)
}
