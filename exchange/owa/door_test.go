package owa

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
	"hma/exchange/auth/forms"
	"hma/exchange/auth/openid"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/internal/sealed"
)

type fixed struct{ s *org.Snapshot }

func (f fixed) Snapshot() *org.Snapshot { return f.s }

type world struct {
	authtest.Env
	snapshot *org.Snapshot
	front    http.Handler
}

func newWorld() *world {
	e := authtest.New()
	e.UPN, e.SID, e.ObjectID = "admin@contoso.com", "S-1-5-21-1-2-3-1105", ""
	now := func() time.Time { return e.Now }
	a := auth.New(auth.Options{People: authtest.NewPeople()})
	s := e.Snapshot()
	door := New(openid.New(openid.Options{Auth: a, Key: sealed.New(), Now: now}), forms.New(forms.Options{Auth: a, Key: sealed.New(), Now: now}), nil, "This is a lab.")
	return &world{e, s, clientaccess.New(clientaccess.Options{Snapshots: fixed{s}, Auth: a, Doors: map[org.Kind]clientaccess.Door{org.Owa: door}, Now: now})}
}

func (w *world) do(method, path, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://"+w.Host+path, strings.NewReader(body))
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	w.front.ServeHTTP(answer, r)
	return answer
}

// pairs returns the cookies that an answer sets, as a Cookie header.
func pairs(a *httptest.ResponseRecorder) http.Header {
	var list []string
	for _, c := range a.Result().Cookies() {
		if c.MaxAge >= 0 {
			list = append(list, c.Name+"="+c.Value)
		}
	}
	return http.Header{"Cookie": {strings.Join(list, "; ")}}
}

func TestOAuth(t *testing.T) {
	w := newWorld()
	away := w.do("GET", "/owa", "", nil)
	to, err := url.Parse(away.Header().Get("Location"))
	if err != nil || away.Code != http.StatusFound || to.Query().Get("redirect_uri") != "https://mail.contoso.com/owa" {
		t.Fatalf("%d %s", away.Code, to)
	}
	w.Nonce = to.Query().Get("nonce")
	form := url.Values{"code": {w.Code}, "id_token": {w.Sign(w.IDToken())}, "state": {to.Query().Get("state")}}
	back := w.do("POST", "/owa", form.Encode(), pairs(away))
	if back.Code != http.StatusSeeOther || back.Header().Get("Location") != "/owa" {
		t.Fatalf("%d %v %s", back.Code, back.Header(), back.Body)
	}
	session := pairs(back)
	home := w.do("GET", "/owa", "", session)
	for _, want := range []string{"Adam Admin", "admin@contoso.com", "OpenID", "EX1", "This is a lab.", "Sign out"} {
		if home.Code != 200 || !strings.Contains(home.Body.String(), want) {
			t.Errorf("%d, no %s in %s", home.Code, want, home.Body)
		}
	}
	if a := w.do("GET", "/owa/nothing", "", session); a.Code != 404 {
		t.Errorf("%d", a.Code)
	}
	if a := w.do("GET", "/owa/", "", http.Header{"Authorization": {"Bearer " + w.Sign(w.Delegated())}}); a.Code != http.StatusFound {
		t.Errorf("a bearer opened the page: %d", a.Code)
	}
}

func TestSignOut(t *testing.T) {
	w := newWorld()
	for _, c := range w.do("GET", signOutPath, "", nil).Result().Cookies() {
		if c.MaxAge >= 0 {
			t.Errorf("cookie %v", c)
		}
	}
	if a := w.do("GET", signOutPath, "", nil); a.Code != http.StatusFound || a.Header().Get("Location") != "https://login.windows.net/common/oauth2/logout" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}

func TestBasic(t *testing.T) {
	w := newWorld()
	vd := w.snapshot.VirtualDirectory(org.Owa)
	vd.OAuthAuthentication, vd.BasicAuthentication = false, true
	if a := w.do("GET", "/owa/", "", nil); a.Code != 401 || a.Header().Get("WWW-Authenticate") != `Basic realm="mail.contoso.com"` {
		t.Errorf("%d %v", a.Code, a.Header())
	}
	good := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("admin@contoso.com:"+authtest.Password))}}
	if a := w.do("GET", "/owa/", "", good); a.Code != 200 || !strings.Contains(a.Body.String(), "Basic*") || strings.Contains(a.Body.String(), "Sign out") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

const signOutPath = "/owa/logoff.owa"

func TestForms(t *testing.T) {
	w := newWorld()
	vd := w.snapshot.VirtualDirectory(org.Owa)
	vd.OAuthAuthentication, vd.BasicAuthentication, vd.FormsAuthentication = false, true, true
	if a := w.do("GET", "/owa/", "", nil); a.Code != 302 || !strings.HasPrefix(a.Header().Get("Location"), "https://mail.contoso.com/owa/auth/logon.aspx?") {
		t.Fatalf("%d %v", a.Code, a.Header())
	}
	form := url.Values{"username": {"admin@contoso.com"}, "password": {authtest.Password}, "destination": {"https://mail.contoso.com/owa/"}}
	in := w.do("POST", "/owa/auth.owa", form.Encode(), nil)
	session := pairs(in)
	if in.Code != 302 || in.Header().Get("Location") != "/owa/" {
		t.Fatalf("%d %v", in.Code, in.Header())
	}
	if a := w.do("GET", "/owa/", "", session); a.Code != 200 || !strings.Contains(a.Body.String(), "FBA") || !strings.Contains(a.Body.String(), "/owa/logoff.owa") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if a := w.do("GET", "/owa/logoff.owa", "", session); a.Code != 302 || !strings.HasSuffix(a.Header().Get("Location"), "reason=1") || len(a.Result().Cookies()) != 1 {
		t.Errorf("%d %v", a.Code, a.Header())
	}
	// Who brings the password in a header needs no page.
	header := func(password string) http.Header {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("admin@contoso.com:"+password))}}
	}
	if a := w.do("GET", "/owa/", "", header(authtest.Password)); a.Code != 200 || !strings.Contains(a.Body.String(), "Basic*") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if a := w.do("GET", "/owa/", "", header("wrong")); a.Code != 401 {
		t.Errorf("%d", a.Code)
	}
	// The switch to OAuth ends the session.
	vd.OAuthAuthentication, vd.BasicAuthentication, vd.FormsAuthentication = true, false, false
	if a := w.do("GET", "/owa/", "", session); a.Code != 302 || !strings.HasPrefix(a.Header().Get("Location"), "https://login.windows.net/") || !strings.Contains(strings.Join(a.Header()["Set-Cookie"], " "), "__Host-cadata-") {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}
