package sts

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hma/entra"
	"hma/wire/wellknown"
)

const (
	ines       = "ines@contoso.com"
	v2Consent  = "/contoso.com/oauth2/v2.0/authorize"
	loopback   = "http://localhost:50001"
	everything = "Application.ReadWrite.All User.Read openid profile offline_access"
)

// consentEnv is an env with an administrator.
func consentEnv(t *testing.T) *env {
	e := newEnv(t)
	if _, err := e.dir.CreateUser(t.Context(), entra.User{Tenant: tenantID, UPN: ines, DisplayName: "Inês Duarte", Enabled: true, Roles: []string{entra.RoleGlobalAdministrator}}, entra.Secret{Password: password}); err != nil {
		t.Fatal(err)
	}
	return e
}

// asks opens authorize in a fresh browser, signs somebody in and returns what comes then.
func (e *env) asks(who string, more ...string) *httptest.ResponseRecorder {
	e.t.Helper()
	e.cookies = map[string]string{}
	q := values("client_id", wellknown.GraphPowerShell, "redirect_uri", loopback, "response_type", "code", "scope", everything, "state", "s1")
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	w := e.do("GET", v2Consent+"?"+q.Encode(), nil)
	if w.Code != 200 {
		return w
	}
	action, flow := flowOf(e.t, w.Body.String())
	return e.do("POST", action, values("flow", flow, "login", who, "passwd", password))
}

// press posts the page's form with a button.
func (e *env) press(w *httptest.ResponseRecorder, pairs ...string) *httptest.ResponseRecorder {
	e.t.Helper()
	action, flow := flowOf(e.t, w.Body.String())
	return e.do("POST", action, values(append([]string{"flow", flow}, pairs...)...))
}

// back is what a redirect to the client brings along.
func back(t *testing.T, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(w.Header().Get("Location"))
	if w.Code != 303 || err != nil || !strings.HasPrefix(u.String(), loopback) && !strings.HasPrefix(u.String(), redirect) {
		t.Fatalf("%d %s %s", w.Code, u, w.Body)
	}
	if u.Query().Get("state") != "s1" {
		t.Errorf("state of %s", u)
	}
	return u.Query()
}

// scopesOf redeems a code and returns the token's scp.
func (e *env) scopesOf(client, at string, q url.Values) string {
	e.t.Helper()
	status, out := e.token("/contoso.com/oauth2/v2.0/token", values("grant_type", "authorization_code", "client_id", client, "redirect_uri", at, "code", q.Get("code")))
	if status != 200 {
		e.t.Fatalf("%d %v", status, out)
	}
	return claimsOf(e.t, out["access_token"])["scp"].(string)
}

func TestConsent(t *testing.T) {
	e := consentEnv(t)
	want := func(w *httptest.ResponseRecorder, text string) {
		t.Helper()
		if w.Code != 200 || !strings.Contains(w.Body.String(), text) {
			t.Fatalf("want %q, got %d %s %s", text, w.Code, w.Header().Get("Location"), w.Body)
		}
	}
	refusedWith := func(w *httptest.ResponseRecorder, word, code string) {
		t.Helper()
		if q := back(t, w); q.Get("error") != word || !strings.HasPrefix(q.Get("error_description"), code+":") {
			t.Errorf("want %s %s, got %v", word, code, q)
		}
	}
	// What reaches beyond one's own data wants an administrator.
	w := e.asks(alice)
	want(w, "consent|Microsoft Graph Command Line Tools|alice@contoso.com|Application.ReadWrite.All User.Read openid profile offline_access|admin true|all false")
	refusedWith(e.press(w, "do", "accept"), "access_denied", "AADSTS90094")
	refusedWith(e.press(w, "do", "cancel"), "access_denied", "AADSTS90094")
	w = e.press(w, "do", "other")
	want(w, "Microsoft Graph Command Line Tools|||")
	want(e.press(w, "login", ines, "passwd", password), "|ines@contoso.com|")

	// An administrator declines, then accepts for herself.
	w = e.asks(ines)
	want(w, "|admin false|all true")
	refused := e.press(w, "do", "cancel")
	refusedWith(refused, "access_denied", "AADSTS65004")
	if back(t, refused).Get("error_subcode") != "cancel" {
		t.Error("no error_subcode")
	}
	w = e.asks(ines)
	want(w, "consent|")
	if got := e.scopesOf(wellknown.GraphPowerShell, loopback, back(t, e.press(w, "do", "accept"))); got != "Application.ReadWrite.All User.Read" {
		t.Errorf("scp %q", got)
	}
	if q := back(t, e.asks(ines)); q.Get("code") == "" {
		t.Errorf("asked again: %v", q)
	}
	want(e.asks(alice), "|admin true")
	// prompt=consent asks in any case, once.
	w = e.asks(ines, "prompt", "consent")
	want(w, "consent|")
	// For everybody.
	back(t, e.press(w, "do", "accept", "all", "1"))
	if got := e.scopesOf(wellknown.GraphPowerShell, loopback, back(t, e.asks(alice))); got != "Application.ReadWrite.All User.Read" {
		t.Errorf("alice: scp %q", got)
	}

	// Without a page there is no consent.
	refusedWith(e.do("GET", v2Consent+"?"+values("client_id", wellknown.GraphPowerShell, "redirect_uri", loopback, "response_type", "code", "scope", "Domain.Read.All", "state", "s1", "prompt", "none").Encode(), nil), "consent_required", "AADSTS65001")
	// What nobody publishes cannot be asked for.
	if q := back(t, e.asks(ines, "scope", "Nothing.At.All")); !strings.HasPrefix(q.Get("error_description"), "AADSTS650053") {
		t.Errorf("unknown scope: %v", q)
	}

	// Of their own data people decide themselves, for themselves.
	w = e.asks(alice, "client_id", strangerApp, "redirect_uri", redirect, "scope", mail+"EWS.AccessAsUser.All openid")
	want(w, "consent|Stranger|alice@contoso.com|EWS.AccessAsUser.All openid|admin false|all false")
	if got := e.scopesOf(strangerApp, redirect, back(t, e.press(w, "do", "accept", "all", "1"))); got != "EWS.AccessAsUser.All" {
		t.Errorf("stranger: scp %q", got)
	}
	want(e.asks(ines, "client_id", strangerApp, "redirect_uri", redirect, "scope", mail+"EWS.AccessAsUser.All"), "consent|Stranger|ines")
}

// TestConsentIsGivenOnThePage: no other way leads to a grant.
func TestConsentIsGivenOnThePage(t *testing.T) {
	e := consentEnv(t)
	e.cookies = map[string]string{}
	q := values("client_id", wellknown.GraphPowerShell, "redirect_uri", loopback, "response_type", "code", "scope", everything)
	_, early := flowOf(t, e.do("GET", v2Consent+"?"+q.Encode(), nil).Body.String())
	page := e.asks(ines)
	action, flow := flowOf(t, page.Body.String())
	hers := e.cookies
	accept := values("flow", flow, "do", "accept")
	for name, try := range map[string]func() *httptest.ResponseRecorder{
		"a flow without the page": func() *httptest.ResponseRecorder {
			return e.do("POST", action, values("flow", early, "do", "accept"))
		},
		"another site": func() *httptest.ResponseRecorder { return e.do("POST", action, accept, "Sec-Fetch-Site", "cross-site") },
		"another origin": func() *httptest.ResponseRecorder {
			return e.do("POST", action, accept, "Origin", "https://evil.example")
		},
		"a GET": func() *httptest.ResponseRecorder { return e.do("GET", action+"?"+accept.Encode(), nil) },
		"a forged flow": func() *httptest.ResponseRecorder {
			return e.do("POST", action, values("flow", flow[1:], "do", "accept"))
		},
		"another browser": func() *httptest.ResponseRecorder {
			e.cookies = map[string]string{}
			return e.do("POST", action, accept)
		},
		"another person": func() *httptest.ResponseRecorder {
			e.asks(alice)
			theirs := e.cookies[sessionCookie]
			e.cookies = map[string]string{sessionCookie: theirs, browserCookie: hers[browserCookie]}
			return e.do("POST", action, accept)
		},
		"too late": func() *httptest.ResponseRecorder {
			e.clock = e.clock.Add(flowLife + 1)
			defer func() { e.clock = e.clock.Add(-flowLife - 1) }()
			return e.do("POST", action, accept)
		},
	} {
		e.cookies = map[string]string{sessionCookie: hers[sessionCookie], browserCookie: hers[browserCookie]}
		if w := try(); w.Code < 400 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := e.asks(ines); !strings.Contains(w.Body.String(), "consent|") {
		t.Error("something was granted")
	}
}

// TestAdminConsent is the address where an administrator consents for everybody ahead of time.
func TestAdminConsent(t *testing.T) {
	e := consentEnv(t)
	asks := func(who, path string, more ...string) *httptest.ResponseRecorder {
		e.cookies = map[string]string{}
		q := values(append([]string{"client_id", wellknown.GraphPowerShell, "redirect_uri", loopback, "state", "s1"}, more...)...)
		w := e.do("GET", path+"?"+q.Encode(), nil)
		if w.Code != 200 {
			return w
		}
		return e.press(w, "login", who, "passwd", password)
	}
	const scope = "https://graph.microsoft.com/Domain.Read.All https://graph.microsoft.com/User.Read"
	w := asks(alice, "/contoso.com/v2.0/adminconsent", "scope", scope)
	if !strings.Contains(w.Body.String(), "|admin true|all false") {
		t.Fatal(w.Body)
	}
	if q := back(t, e.press(w, "do", "accept")); q.Get("error") != "access_denied" || q.Has("admin_consent") {
		t.Error(q)
	}
	w = asks(alice, "/contoso.com/adminconsent", "scope", "User.Read") // for everybody nobody but an administrator
	if !strings.Contains(w.Body.String(), "|admin true|all false") {
		t.Error(w.Body)
	}
	w = asks(ines, "/organizations/v2.0/adminconsent", "scope", scope)
	if !strings.Contains(w.Body.String(), "consent|Microsoft Graph Command Line Tools|ines@contoso.com|Domain.Read.All User.Read|admin false|all false") {
		t.Fatal(w.Body)
	}
	if q := back(t, e.press(w, "do", "cancel")); q.Get("error") != "access_denied" {
		t.Error(q)
	}
	w = asks(ines, "/contoso.com/v2.0/adminconsent", "scope", scope)
	if q := back(t, e.press(w, "do", "accept")); q.Get("admin_consent") != "True" || q.Get("tenant") != tenantID || q.Get("scope") != scope || q.Has("code") {
		t.Error(q)
	}
	if q := back(t, e.asks(alice, "scope", scope)); q.Get("code") == "" {
		t.Errorf("alice is asked: %v", q)
	}
	for _, scope := range []string{"", "https://graph.microsoft.com/.default", "User.Read " + mail + "EWS.AccessAsUser.All", "openid"} {
		w := asks(ines, "/contoso.com/v2.0/adminconsent", "scope", scope)
		if q := back(t, w); q.Get("error") != "invalid_scope" {
			t.Errorf("%q: %v", scope, q)
		}
	}
	if w := asks(ines, "/contoso.com/v2.0/adminconsent", "scope", scope, "redirect_uri", "x"); w.Code < 400 {
		t.Errorf("two redirect URIs: %d", w.Code)
	}
	if w := e.do("GET", "/contoso.com/v2.0/adminconsent?"+values("client_id", wellknown.GraphPowerShell, "redirect_uri", "https://evil.example/", "scope", scope).Encode(), nil); w.Code != 400 || w.Header().Get("Location") != "" {
		t.Errorf("elsewhere: %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestConsentOfADevice(t *testing.T) {
	e := consentEnv(t)
	device := func() (code string, w *httptest.ResponseRecorder) {
		t.Helper()
		e.cookies = map[string]string{}
		_, out := e.token("/contoso.com/oauth2/v2.0/devicecode", values("client_id", wellknown.GraphPowerShell, "scope", everything))
		w = e.do("POST", devicePath, values("usercode", out["user_code"].(string)))
		return out["device_code"].(string), e.press(e.press(w, "login", ines, "passwd", password), "do", "continue")
	}
	poll := func(code string) map[string]any {
		_, out := e.token("/contoso.com/oauth2/v2.0/token", values("grant_type", "device_code", "client_id", wellknown.GraphPowerShell, "device_code", code))
		return out
	}
	code, w := device()
	if !strings.Contains(w.Body.String(), "consent|Microsoft Graph Command Line Tools|ines@contoso.com|") {
		t.Fatal(w.Body)
	}
	if w := e.press(w, "do", "cancel"); !strings.Contains(w.Body.String(), "device refused") {
		t.Error(w.Body)
	}
	if out := poll(code); out["error"] != "authorization_declined" {
		t.Error(out)
	}
	code, w = device()
	if w := e.press(w, "do", "accept"); !strings.Contains(w.Body.String(), "device allowed") {
		t.Error(w.Body)
	}
	if out := poll(code); claimsOf(t, out["access_token"])["scp"] != "Application.ReadWrite.All User.Read" {
		t.Error(out)
	}
	if _, w = device(); !strings.Contains(w.Body.String(), "device allowed") {
		t.Error("asked again", w.Body)
	}
}
