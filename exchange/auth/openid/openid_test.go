package openid

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// browser visits one door and keeps its cookies.
type browser struct {
	authtest.Env
	t        *testing.T
	kind     org.Kind
	people   *authtest.People
	snapshot *org.Snapshot
	signIn   *SignIn
	now      time.Time
	cookies  map[string]string
	reason   string
}

func newBrowser(t *testing.T, kind org.Kind) *browser {
	e := authtest.New()
	b := &browser{Env: e, t: t, kind: kind, people: authtest.NewPeople(), snapshot: e.Snapshot(), now: e.Now, cookies: map[string]string{}}
	b.signIn = New(Options{Auth: auth.New(auth.Options{People: b.people}), Key: sealed.New(), Now: func() time.Time { return b.now }})
	return b
}

func (b *browser) base() string { return "/" + strings.ToLower(string(b.kind)) }

func (b *browser) do(method, target string, form url.Values, header ...string) *http.Response {
	b.t.Helper()
	var body io.Reader = http.NoBody
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "https://"+b.Host+target, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if h := r.Header.Get("Host"); h != "" {
		r.Host = h
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	v := &Visit{Request: r, ID: "id", Rest: r.URL.Path[len(b.base()):], Snapshot: b.snapshot, VirtualDirectory: b.snapshot.VirtualDirectory(b.kind)}
	w := httptest.NewRecorder()
	var id *auth.Identity
	if strings.HasPrefix(v.Rest, "/logoff") {
		b.signIn.SignOut(w, v)
	} else if id, b.reason = b.signIn.Admit(w, v); id != nil {
		io.WriteString(w, "hello "+id.Recipient.UPN+" "+id.AuthN)
	}
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			b.t.Errorf("cookie %v", c)
		}
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return resp
}

// begin visits a page and returns the query with which the browser was sent away.
func (b *browser) begin(target string) url.Values {
	b.t.Helper()
	resp := b.do("GET", target, nil)
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusFound || !strings.HasPrefix(u.String(), "https://login.windows.net/common/oauth2/authorize?") {
		b.t.Fatalf("%d %s", resp.StatusCode, u)
	}
	return u.Query()
}

// form is the good answer of the cloud.
func (b *browser) form(q url.Values) url.Values {
	e := b.Env
	e.Nonce = q.Get("nonce")
	return url.Values{"code": {e.Code}, "id_token": {e.Sign(e.IDToken())}, "state": {q.Get("state")}, "session_state": {"x"}}
}

func (b *browser) signedIn(target string) {
	b.t.Helper()
	if resp := b.do("POST", b.base(), b.form(b.begin(target)), "Origin", "null"); resp.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("sign-in: %d %s", resp.StatusCode, b.reason)
	}
}

var kinds = []org.Kind{org.Owa, org.Ecp}

func TestSignIn(t *testing.T) {
	for _, kind := range kinds {
		b := newBrowser(t, kind)
		q := b.begin(b.base() + "/?path=/mail&x=%2f")
		for name, want := range map[string]string{"client_id": wellknown.Exchange, "resource": wellknown.Exchange, "redirect_uri": "https://mail.contoso.com" + b.base(),
			"response_type": "code id_token", "response_mode": "form_post", "scope": "openid", "domain_hint": "contoso.com", "client-request-id": "id"} {
			if q.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, q.Get(name), want)
			}
		}
		resp := b.do("POST", b.base(), b.form(q), "Origin", "null", "Sec-Fetch-Mode", "navigate")
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != b.base()+"/?path=/mail&x=%2f" {
			t.Fatalf("%d %s %s", resp.StatusCode, resp.Header.Get("Location"), b.reason)
		}
		if len(b.cookies) != 1 {
			t.Errorf("cookies %v", b.cookies)
		}
		body, _ := io.ReadAll(b.do("GET", b.base()+"/", nil).Body)
		if string(body) != "hello jane@contoso.com OpenID" {
			t.Errorf("%s", body)
		}
		resp = b.do("GET", b.base()+"/logoff.owa", nil)
		if want := "https://login.windows.net/common/oauth2/logout"; resp.Header.Get("Location") != want || len(b.cookies) != 0 {
			t.Errorf("%s %v", resp.Header.Get("Location"), b.cookies)
		}
	}
}

func TestHostileAnswers(t *testing.T) {
	for _, kind := range kinds {
		b := newBrowser(t, kind)
		q := b.begin(b.base())
		e := b.Env
		e.Nonce = q.Get("nonce")
		kept := b.cookies
		for _, c := range authtest.Cases(e, kind) {
			b.cookies = map[string]string{}
			for k, v := range kept {
				b.cookies[k] = v
			}
			form := b.form(q)
			form.Set("id_token", c.Token)
			resp := b.do("POST", b.base(), form)
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.Status || b.reason == "" || len(b.cookies) != 0 {
				t.Errorf("%s: %s: %d %q %v", kind, c.Name, resp.StatusCode, b.reason, b.cookies)
			}
			if c.Code != 0 && !strings.Contains(string(body), bearer.Diagnose(c.Code, "").String()[:7]) {
				t.Errorf("%s: %s: page without the code", kind, c.Name)
			}
		}
		other := newBrowser(t, kind)
		otherState := other.begin(b.base()).Get("state") // sealed under another key
		ecp := newBrowser(t, map[org.Kind]org.Kind{org.Owa: org.Ecp, org.Ecp: org.Owa}[kind])
		ecp.signIn.key = b.signIn.key
		doorState := ecp.begin(ecp.base()).Get("state")
		for name, tt := range map[string]struct {
			change func(url.Values)
			status int
		}{
			"no state":                {func(f url.Values) { f.Del("state") }, 400},
			"state of another key":    {func(f url.Values) { f.Set("state", otherState) }, 400},
			"state of the other door": {func(f url.Values) { f.Set("state", doorState) }, 400},
			"changed state":           {func(f url.Values) { f.Set("state", f.Get("state")[:40]+"AAAA"+f.Get("state")[44:]) }, 400},
			"endless state":           {func(f url.Values) { f.Set("state", strings.Repeat("A", 100_000)) }, 400},
			"no code":                 {func(f url.Values) { f.Del("code") }, 400},
			"other code":              {func(f url.Values) { f.Set("code", "0.other") }, 403},
			"no id_token":             {func(f url.Values) { f.Del("id_token") }, 400},
			"two id_tokens":           {func(f url.Values) { f.Add("id_token", "x") }, 400},
			"the cloud's error":       {func(f url.Values) { f.Set("error", "access_denied"); f.Set("error_description", "<b>AADSTS65004") }, 403},
			"endless form":            {func(f url.Values) { f.Set("x", strings.Repeat("A", 300_000)) }, 400},
		} {
			b.cookies = map[string]string{}
			for k, v := range kept {
				b.cookies[k] = v
			}
			form := b.form(q)
			tt.change(form)
			resp := b.do("POST", b.base(), form)
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status || b.reason == "" || strings.Contains(string(body), "<b>") {
				t.Errorf("%s: %d %q", name, resp.StatusCode, b.reason)
			}
		}
		b.cookies = map[string]string{} // another browser, or a cookie that was dropped
		if resp := b.do("POST", b.base(), b.form(q)); resp.StatusCode != 403 || b.reason == "" {
			t.Errorf("no nonce cookie: %d", resp.StatusCode)
		}
		for k := range kept {
			b.cookies[k] = "other"
		}
		if resp := b.do("POST", b.base(), b.form(q)); resp.StatusCode != 403 {
			t.Errorf("other nonce cookie: %d", resp.StatusCode)
		}
		b.cookies = kept
		b.now = b.now.Add(16 * time.Minute)
		if resp := b.do("POST", b.base(), b.form(q)); resp.StatusCode != 400 {
			t.Errorf("state too old: %d", resp.StatusCode)
		}
	}
}

func TestForgedSessions(t *testing.T) {
	for _, kind := range kinds {
		b := newBrowser(t, kind)
		b.signedIn(b.base())
		var name, good string
		for name, good = range b.cookies {
		}
		other := newBrowser(t, map[org.Kind]org.Kind{org.Owa: org.Ecp, org.Ecp: org.Owa}[kind])
		other.signIn.key = b.signIn.key
		other.signedIn(other.base())
		forged := append(authtest.ForgedSessions(), good[:len(good)-4]+"AAAA", good+"A", b.begin2())
		for _, value := range other.cookies {
			forged = append(forged, value)
		}
		for _, value := range forged {
			b.cookies = map[string]string{name: value}
			if resp := b.do("GET", b.base()+"/", nil); resp.StatusCode != 403 || b.reason == "" || len(b.cookies) != 0 {
				t.Errorf("%s: %.40q: %d %v", kind, value, resp.StatusCode, b.cookies)
			}
		}
	}
}

// begin2 is a state, which is sealed by the same key for another purpose.
func (b *browser) begin2() string {
	b.cookies = map[string]string{}
	return b.begin(b.base()).Get("state")
}

func TestSessionEnds(t *testing.T) {
	for _, kind := range kinds {
		b := newBrowser(t, kind)
		b.signedIn(b.base())
		kept := b.cookies
		again := func() *http.Response {
			b.cookies = map[string]string{}
			for k, v := range kept {
				b.cookies[k] = v
			}
			return b.do("GET", b.base()+"/", nil)
		}
		if resp := again(); resp.StatusCode != 200 {
			t.Fatalf("%d", resp.StatusCode)
		}
		b.people.Change(b.UPN, func(r *org.Recipient) { r.Enabled = false })
		if resp := again(); resp.StatusCode != 401 || len(b.cookies) != 0 {
			t.Errorf("disabled: %d", resp.StatusCode)
		}
		b.people.Change(b.UPN, func(r *org.Recipient) { r.Enabled, r.OWAEnabled, r.ECPEnabled = true, false, false })
		if resp := again(); resp.StatusCode != 403 {
			t.Errorf("off for the mailbox: %d", resp.StatusCode)
		}
		b.people.Change(b.UPN, func(r *org.Recipient) { r.OWAEnabled, r.ECPEnabled = true, true })
		if resp := again(); resp.StatusCode != 200 {
			t.Errorf("on again: %d", resp.StatusCode)
		}
		b.now = b.now.Add(SessionLife)
		if resp := again(); resp.StatusCode != 302 {
			t.Errorf("after its life: %d", resp.StatusCode)
		}
		b.cookies = kept
		if resp := b.do("GET", b.base()+"/x", nil, "X-Requested-With", "XMLHttpRequest"); resp.StatusCode != StatusLoginTimeout {
			t.Errorf("script after its life: %d", resp.StatusCode)
		}
	}
}

func TestWithoutSession(t *testing.T) {
	b := newBrowser(t, org.Owa)
	for _, header := range [][]string{{"X-Requested-With", "XMLHttpRequest"}, {"Sec-Fetch-Mode", "cors"}} {
		if resp := b.do("GET", "/owa/", nil, header...); resp.StatusCode != StatusLoginTimeout || resp.Header.Get("Location") != "" {
			t.Errorf("%v: %d", header, resp.StatusCode)
		}
	}
	if resp := b.do("POST", "/owa/service.svc", url.Values{"a": {"b"}}); resp.StatusCode != StatusLoginTimeout {
		t.Errorf("%d", resp.StatusCode)
	}
	if resp := b.do("GET", "/owa/", nil, "Host", "evil.example"); resp.StatusCode != 400 || resp.Header.Get("Location") != "" {
		t.Errorf("foreign host: %d %v", resp.StatusCode, resp.Header)
	}
	q := b.begin("/owa//evil.example/%5c?a=%0d%0aX:1")
	resp := b.do("POST", "/owa", b.form(q))
	if to := resp.Header.Get("Location"); !strings.HasPrefix(to, "/owa/") || strings.ContainsAny(to, "\r\n\\") {
		t.Errorf("sent to %q", to)
	}
	b.snapshot.AuthServers = nil
	b.cookies = map[string]string{}
	if resp := b.do("GET", "/owa/", nil); resp.StatusCode != 503 {
		t.Errorf("no AuthServer: %d", resp.StatusCode)
	}
}

// A session lasts no longer than the trust in the AuthServer that it came from.
func TestSessionEndsWithTheTrust(t *testing.T) {
	for name, change := range map[string]func(*org.Snapshot){
		"disabled":           func(s *org.Snapshot) { s.AuthServers[0].Enabled = false },
		"removed":            func(s *org.Snapshot) { s.AuthServers = nil },
		"of another tenant":  func(s *org.Snapshot) { s.AuthServers[0].IssuerIdentifier = "https://sts.windows.net/other/" },
		"new keys only":      func(s *org.Snapshot) { s.AuthServers[0].CertificateStrings = nil },
		"no longer default":  func(s *org.Snapshot) { s.AuthServers[0].IsDefaultAuthorizationEndpoint = false },
		"other organisation": func(s *org.Snapshot) { s.Org.OAuth2ClientProfileEnabled = false },
	} {
		b := newBrowser(t, org.Owa)
		b.signedIn("/owa")
		next := b.Env.Snapshot()
		next.Version++
		change(next)
		b.snapshot = next
		want := http.StatusOK
		if name == "disabled" || name == "removed" || name == "of another tenant" {
			want = http.StatusUnauthorized
		}
		if resp := b.do("GET", "/owa/", nil); resp.StatusCode != want || want != http.StatusOK && len(b.cookies) != 0 {
			t.Errorf("AuthServer %s: %d, want %d; cookies %v", name, resp.StatusCode, want, b.cookies)
		}
	}
}

// Sign-ins that are never finished do not fill the browser's jar.
func TestNoncesAreBounded(t *testing.T) {
	b := newBrowser(t, org.Owa)
	for range 40 {
		b.begin("/owa/")
		if len(b.cookies) > maxNonces {
			t.Fatalf("%d cookies", len(b.cookies))
		}
	}
}

// TestCloudAway holds that who cannot sign in is told why, with a way on, and that
// who is signed in notices nothing.
func TestCloudAway(t *testing.T) {
	b := newBrowser(t, org.Owa)
	away := false
	b.signIn.reaches = func(_ context.Context, endpoint string) bool {
		if endpoint != b.snapshot.DefaultAuthorizationEndpoint().AuthorizationEndpoint {
			t.Errorf("asked %s", endpoint)
		}
		return !away
	}
	const mode = "Sec-Fetch-Mode"
	if resp := b.do("GET", "/owa/", nil, mode, "navigate"); resp.StatusCode != http.StatusFound {
		t.Fatalf("status %d", resp.StatusCode)
	}
	away = true
	if resp := b.do("GET", "/owa/", nil); resp.StatusCode != http.StatusFound {
		t.Errorf("a client that shows no pages: status %d", resp.StatusCode)
	}
	resp := b.do("GET", "/owa/", nil, mode, "navigate")
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Location") != "" || !strings.Contains(string(body), "does not answer this server") ||
		!strings.Contains(string(body), "/oauth2/authorize?") || b.reason == "" {
		t.Errorf("status %d, %q: %s", resp.StatusCode, b.reason, body)
	}
}
