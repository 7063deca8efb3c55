package forms

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/auth/openid"
	"hma/exchange/org"
	"hma/internal/sealed"
)

const jane = "jane@contoso.com"

type world struct {
	authtest.Env
	people   *authtest.People
	snapshot *org.Snapshot
	signIn   *SignIn
	now      time.Time
	cookies  map[string]*http.Cookie // of the browser
	reason   string                  // of the last answer
	id       *auth.Identity          // whom it admitted
}

func newWorld() *world {
	w := &world{Env: authtest.New(), people: authtest.NewPeople(), now: authtest.Now, cookies: map[string]*http.Cookie{}}
	w.snapshot = w.Snapshot()
	for _, kind := range []org.Kind{org.Owa, org.Ecp} {
		vd := w.snapshot.VirtualDirectory(kind)
		vd.OAuthAuthentication, vd.FormsAuthentication, vd.BasicAuthentication = false, true, true
	}
	w.signIn = New(Options{Auth: auth.New(auth.Options{People: w.people}), Key: sealed.New(), Now: func() time.Time { return w.now }})
	return w
}

// do sends a request as the browser does and keeps the cookies of the answer.
func (w *world) do(method, address, form string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, address, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range w.cookies {
		r.AddCookie(c)
	}
	vd := w.snapshot.VirtualDirectory(org.Owa)
	if strings.HasPrefix(strings.ToLower(r.URL.Path), "/ecp") {
		vd = w.snapshot.VirtualDirectory(org.Ecp)
	}
	answer := httptest.NewRecorder()
	v := &openid.Visit{Request: r, ID: "id", Rest: r.URL.Path[len(vd.Path):], Snapshot: w.snapshot, VirtualDirectory: vd}
	if w.id, w.reason = w.signIn.Admit(answer, v); w.id != nil {
		answer.WriteHeader(http.StatusOK)
	}
	for _, c := range answer.Result().Cookies() {
		if w.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(w.cookies, c.Name)
		}
	}
	return answer
}

func credentials(user, password string, more ...string) string {
	form := url.Values{"username": {user}, "password": {password}, "destination": {"https://mail.contoso.com/owa/"}, "forcedownlevel": {"0"}, "isUtf8": {"1"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form.Encode()
}

func TestSignIn(t *testing.T) {
	w := newWorld()
	a := w.do("GET", "https://mail.contoso.com/owa", "")
	if to := a.Header().Get("Location"); a.Code != 302 || to != "https://mail.contoso.com/owa/auth/logon.aspx?url=https%3A%2F%2Fmail.contoso.com%2Fowa&reason=0" {
		t.Fatalf("%d to %s", a.Code, to)
	}
	a = w.do("GET", a.Header().Get("Location"), "")
	for _, want := range []string{`action="/owa/auth.owa"`, `name="destination" value="https://mail.contoso.com/owa"`, `name="username"`, `name="password"`, `name="flags"`} {
		if a.Code != 200 || !strings.Contains(a.Body.String(), want) {
			t.Errorf("%d, no %s in %s", a.Code, want, a.Body)
		}
	}
	a = w.do("POST", "https://mail.contoso.com/owa/auth.owa", credentials(jane, "wrong"), "Origin", "https://mail.contoso.com")
	if to := a.Header().Get("Location"); a.Code != 302 || !strings.HasSuffix(to, "&reason=2") || len(w.cookies) != 0 || w.reason != "unknown user or wrong password" {
		t.Fatalf("wrong password: %d to %s, %s", a.Code, to, w.reason)
	}
	if a = w.do("GET", a.Header().Get("Location"), ""); !strings.Contains(a.Body.String(), "is not correct") {
		t.Errorf("the page does not say so: %s", a.Body)
	}
	a = w.do("POST", "https://mail.contoso.com/owa/auth.owa", credentials(jane, authtest.Password), "Sec-Fetch-Site", "same-origin")
	if to := a.Header().Get("Location"); a.Code != 302 || to != "/owa/" || len(w.cookies) != 1 {
		t.Fatalf("%d to %s, cookies %v", a.Code, to, w.cookies)
	}
	for _, c := range a.Result().Cookies() {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(c.Name, "__Host-") || c.MaxAge != 0 {
			t.Errorf("cookie %v", c)
		}
	}
	// One session for both doors.
	for _, path := range []string{"/owa/", "/ecp/"} {
		if w.do("GET", "https://mail.contoso.com"+path, ""); w.id == nil || w.id.Recipient.UPN != jane || w.id.AuthN != "FBA" {
			t.Errorf("%s: %+v %s", path, w.id, w.reason)
		}
	}
	w.people.Change(jane, func(r *org.Recipient) { r.ECPEnabled = false })
	if a := w.do("GET", "https://mail.contoso.com/ecp/", ""); a.Code != 403 || len(w.cookies) != 1 {
		t.Errorf("ECP is off: %d", a.Code)
	}
	w.people.Change(jane, func(r *org.Recipient) { r.Enabled = false })
	if a := w.do("GET", "https://mail.contoso.com/owa/", ""); a.Code != 302 || len(w.cookies) != 0 {
		t.Errorf("a disabled person: %d, cookies %v", a.Code, w.cookies)
	}
	w.people.Change(jane, func(r *org.Recipient) { r.Enabled = true })
	w.do("POST", "https://mail.contoso.com/owa/auth.owa", credentials(jane, authtest.Password))
	w.people.PasswordSet = w.now
	if a := w.do("GET", "https://mail.contoso.com/owa/", ""); a.Code != 302 || len(w.cookies) != 0 || w.reason != "the session's password has changed" {
		t.Errorf("another password: %d, cookies %v, %s", a.Code, w.cookies, w.reason)
	}
}

// TestLife holds how long a session lasts that is not used, and that using it keeps it.
func TestLife(t *testing.T) {
	for name, tt := range map[string]struct {
		flags string
		life  time.Duration
	}{"public": {"", PublicLife}, "private": {"4", PrivateLife}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.do("POST", "https://mail.contoso.com/owa/auth.owa", credentials(jane, authtest.Password, "flags", tt.flags))
			for range 5 {
				w.now = w.now.Add(tt.life * 3 / 4)
				if w.do("GET", "https://mail.contoso.com/owa/", ""); w.id == nil {
					t.Fatal("a session in use has ended")
				}
			}
			w.now = w.now.Add(tt.life)
			a := w.do("GET", "https://mail.contoso.com/owa/", "")
			if w.id != nil || !strings.HasSuffix(a.Header().Get("Location"), "&reason=3") || len(w.cookies) != 0 {
				t.Errorf("%d %v, cookies %v", a.Code, a.Header(), w.cookies)
			}
		})
	}
}

func TestScript(t *testing.T) {
	w := newWorld()
	if a := w.do("GET", "https://mail.contoso.com/owa/", "", "X-Requested-With", "XMLHttpRequest"); a.Code != openid.StatusLoginTimeout || a.Header().Get("Location") != "" {
		t.Errorf("a script: %d %v", a.Code, a.Header())
	}
	if a := w.do("POST", "https://mail.contoso.com/owa/", "x=y"); a.Code != openid.StatusLoginTimeout {
		t.Errorf("a form without a session: %d", a.Code)
	}
}

// TestReturn holds where a browser may be sent after signing in: nowhere but into the same
// virtual directory on the same host.
func TestReturn(t *testing.T) {
	for destination, want := range map[string]string{
		"https://mail.contoso.com/owa":                              "/owa",
		"https://mail.contoso.com/owa/?path=/mail":                  "/owa/?path=/mail",
		"https://MAIL.contoso.com:443/OWA/x":                        "/OWA/x",
		"https://mail.contoso.com/owa/a%2Fb":                        "/owa/a%2Fb",
		"":                                                          "/owa/",
		"/owa/x":                                                    "/owa/",
		"https://evil.example/owa/":                                 "/owa/",
		"https://mail.contoso.com.evil.example/owa/":                "/owa/",
		"https://mail.contoso.com@evil.example/owa/":                "/owa/",
		"https://jane@mail.contoso.com/owa/":                        "/owa/",
		"https://mail.contoso.com:8443/owa/":                        "/owa/",
		"https://localhost:8443/owa/":                               "/owa/",
		"http://mail.contoso.com/owa/":                              "/owa/",
		"//evil.example/owa/":                                       "/owa/",
		"javascript:alert(1)":                                       "/owa/",
		"https://mail.contoso.com/ecp/":                             "/owa/",
		"https://mail.contoso.com/owauth":                           "/owa/",
		"https://mail.contoso.com/owa/../ecp/":                      "/owa/",
		"https://mail.contoso.com/owa/%2e%2E/ecp/":                  "/owa/",
		"https://mail.contoso.com/owa/x/.%2e/%2e./ecp/":             "/owa/",
		"https://mail.contoso.com/owa/%6cogoff.owa":                 "/owa/",
		"https://mail.contoso.com/owa/%61uth.owa":                   "/owa/",
		"https://mail.contoso.com/%6fwa/x":                          "/%6fwa/x",
		"https://mail.contoso.com/owa/auth/logon.aspx":              "/owa/",
		"https://mail.contoso.com/owa/auth.owa":                     "/owa/",
		"https://mail.contoso.com/owa/logoff.owa":                   "/owa/",
		"https://mail.contoso.com/owa/\r\nx: y":                     "/owa/",
		"https://mail.contoso.com/owa/" + strings.Repeat("x", 2000): "/owa/",
	} {
		w := newWorld()
		a := w.do("POST", "https://mail.contoso.com/owa/auth.owa", credentials(jane, authtest.Password, "destination", destination))
		if got := a.Header().Get("Location"); a.Code != 302 || got != want {
			t.Errorf("%.80q: %d to %q, want %q", destination, a.Code, got, want)
		}
		page := w.do("GET", "https://mail.contoso.com/owa/auth/logon.aspx?url="+url.QueryEscape(destination), "")
		if show := `value="https://mail.contoso.com` + want + `"`; !strings.Contains(page.Body.String(), show) {
			t.Errorf("%.80q: the page has no %s", destination, show)
		}
	}
}

func TestHostile(t *testing.T) {
	w := newWorld()
	good := credentials(jane, authtest.Password)
	refused := func(name string, status int, a *httptest.ResponseRecorder) {
		t.Helper()
		if a.Code != status || len(w.cookies) != 0 || w.id != nil {
			t.Errorf("%s: %d, want %d; cookies %v", name, a.Code, status, w.cookies)
		}
	}
	const target = "https://mail.contoso.com/owa/auth.owa"
	refused("another site's form", 403, w.do("POST", target, good, "Sec-Fetch-Site", "cross-site"))
	refused("another origin's form", 403, w.do("POST", target, good, "Origin", "https://evil.example"))
	refused("no form", 415, w.do("POST", target, good, "Content-Type", "text/plain"))
	refused("long form", 400, w.do("POST", target, credentials(jane, strings.Repeat("x", maxForm))))
	refused("malformed form", 400, w.do("POST", target, "username=%zz"))
	refused("GET with a password", 302, w.do("GET", target+"?"+good, ""))
	refused("empty password", 302, w.do("POST", target, credentials(jane, "")))
	refused("unknown user", 302, w.do("POST", target, credentials("nobody@contoso.com", authtest.Password)))
	refused("disabled user", 302, w.do("POST", target, credentials("gone@contoso.com", authtest.Password)))
	refused("a host that is not ours", 400, w.do("POST", "https://evil.example/owa/auth.owa", good))
	w.people.Change(jane, func(r *org.Recipient) { r.OWAEnabled = false })
	refused("OWA is off", 403, w.do("POST", target, good))
	w.people.Change(jane, func(r *org.Recipient) { r.OWAEnabled = true })

	if a := w.do("POST", target, good); a.Code != 302 || len(w.cookies) != 1 {
		t.Fatalf("%d", a.Code)
	}
	var session *http.Cookie
	for _, c := range w.cookies {
		session = c
	}
	for name, change := range map[string]func(*world, *http.Cookie){
		"changed":        func(_ *world, c *http.Cookie) { c.Value = c.Value[:len(c.Value)-4] + "AAAA" },
		"of another key": func(w *world, _ *http.Cookie) { w.signIn.key = sealed.New() },
		"empty":          func(_ *world, c *http.Cookie) { c.Value = "" },
		"too long":       func(_ *world, c *http.Cookie) { c.Value = strings.Repeat("A", 8<<10) },
		"made for another purpose": func(w *world, c *http.Cookie) {
			box, err := base64.RawURLEncoding.DecodeString(c.Value)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := w.signIn.key.Open(purposeSession, box)
			if err != nil {
				t.Fatal(err)
			}
			c.Value = base64.RawURLEncoding.EncodeToString(w.signIn.key.Seal("openid session", plain))
		},
	} {
		key := w.signIn.key
		w := newWorld()
		w.signIn.key = key
		c := new(*session)
		change(w, c)
		w.cookies[c.Name] = c
		if a := w.do("GET", "https://mail.contoso.com/owa/", ""); w.id != nil || a.Code != 302 {
			t.Errorf("a session that is %s: %d", name, a.Code)
		}
	}
	// A session of one of the server's hosts is none at another.
	c := new(*session)
	other := "https://localhost:8443/owa/"
	r := httptest.NewRequest("GET", other, nil)
	c.Name = cookieName(&openid.Visit{Request: r})
	w.cookies = map[string]*http.Cookie{c.Name: c}
	if a := w.do("GET", other, ""); w.id != nil || a.Code != 302 {
		t.Errorf("a session of another host: %d", a.Code)
	}
}

func TestSignOut(t *testing.T) {
	w := newWorld()
	w.do("POST", "https://mail.contoso.com/owa/auth.owa", credentials(jane, authtest.Password))
	r := httptest.NewRequest("GET", "https://mail.contoso.com/owa/logoff.owa", nil)
	for _, c := range w.cookies {
		r.AddCookie(c)
	}
	a := httptest.NewRecorder()
	w.signIn.SignOut(a, &openid.Visit{Request: r, Snapshot: w.snapshot, VirtualDirectory: w.snapshot.VirtualDirectory(org.Owa)})
	if c := a.Result().Cookies(); a.Code != 302 || !strings.HasSuffix(a.Header().Get("Location"), "&reason=1") || len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}
