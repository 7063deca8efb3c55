package sts

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"hma/wire/wellknown"
)

func basic(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
}

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func ask(pairs ...string) url.Values {
	v := values("client_id", mailClient, "response_type", "code", "redirect_uri", redirect, "scope", mail+".default openid offline_access", "state", "s&t=1",
		"nonce", "n1", "code_challenge", challenge(), "code_challenge_method", "S256")
	for i := 0; i+1 < len(pairs); i += 2 {
		if v.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	return v
}

const v2Authorize = "/common/oauth2/v2.0/authorize"

func TestCode(t *testing.T) {
	e := newEnv(t)
	got := e.signIn(v2Authorize, ask())
	if got.Get("state") != "s&t=1" || got.Get("session_state") == "" {
		t.Errorf("answer %v", got)
	}
	redeem := func(pairs ...string) (int, map[string]any) {
		form := values("grant_type", "authorization_code", "client_id", mailClient, "code", got.Get("code"), "redirect_uri", redirect, "code_verifier", verifier)
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return e.token("/common/oauth2/v2.0/token", form)
	}
	// What is refused leaves the code good.
	for code, pairs := range map[string][]string{"AADSTS501481": {"code_verifier", strings.Repeat("x", 43)}, "AADSTS500112": {"redirect_uri", "https://evil.example/"},
		"AADSTS70000": {"client_id", onceClient}, "AADSTS500011": {"scope", "https://other.example/.default"}} {
		if _, out := redeem(pairs...); !strings.HasPrefix(out["error_description"].(string), code+":") {
			t.Errorf("want %s, got %v", code, out)
		}
	}
	status, out := redeem()
	if status != 200 || claimsOf(t, out["id_token"])["nonce"] != "n1" {
		t.Fatalf("redeem: %v", out)
	}
	refresh := out["refresh_token"].(string)
	if _, out := redeem(); !strings.HasPrefix(out["error_description"].(string), "AADSTS54005") {
		t.Errorf("second redemption: %v", out)
	}
	if status, out := e.token(v2Token, values("grant_type", "refresh_token", "client_id", mailClient, "refresh_token", refresh)); status == 200 {
		t.Errorf("tokens of a code that was used twice live on: %v", out)
	}
	// The session is there: no page is shown, and prompt=none works.
	if w := e.do("GET", v2Authorize+"?"+ask("prompt", "none").Encode(), nil); w.Code != 303 || !strings.Contains(w.Header().Get("Location"), "?code=") {
		t.Errorf("silent sign-in: %d %s", w.Code, w.Header().Get("Location"))
	}
	got = e.signIn(v2Authorize, ask())
	e.clock = e.clock.Add(11 * time.Minute)
	if _, out := redeem("code", got.Get("code")); !strings.HasPrefix(out["error_description"].(string), "AADSTS70008") {
		t.Errorf("old code: %v", out)
	}
}

// TestPages are errors that must not be sent anywhere.
func TestPages(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct {
		name, path string
		query      url.Values
		code       string
	}{
		{"unregistered reply URL", v2Authorize, ask("redirect_uri", "https://evil.example/"), "AADSTS50011"},
		{"a slash more", v2Authorize, ask("redirect_uri", redirect+"/"), "AADSTS50011"},
		{"other case", v2Authorize, ask("redirect_uri", "https://app.contoso.com/Answer"), "AADSTS50011"},
		{"localhost, other path", v2Authorize, ask("redirect_uri", "http://localhost:5000/x"), "AADSTS50011"},
		{"localhost as a user", v2Authorize, ask("redirect_uri", "http://localhost:1@evil.example/"), "AADSTS50011"},
		{"localhost as a prefix", v2Authorize, ask("redirect_uri", "http://localhost.evil.example/"), "AADSTS50011"},
		{"OWA with a slash", "/common/oauth2/authorize", ask("client_id", wellknown.Exchange, "redirect_uri", "https://mail.contoso.com/owa/"), "AADSTS50011"},
		{"unknown client", v2Authorize, ask("client_id", "bbbbbbbb-0000-4000-8000-000000000001"), "AADSTS700016"},
		{"no client", v2Authorize, ask("client_id", ""), "AADSTS900144"},
		{"unknown tenant", "/nobody.example/oauth2/v2.0/authorize", ask(), "AADSTS90002"},
		{"personal accounts", "/consumers/oauth2/v2.0/authorize", ask(), "AADSTS9001023"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := e.do("GET", c.path+"?"+c.query.Encode(), nil)
			if w.Code != 400 || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), c.code+":") {
				t.Errorf("got %d %s %s", w.Code, w.Header().Get("Location"), w.Body)
			}
		})
	}
	if w := e.do("GET", v2Authorize+"?client_id=a&client_id=b", nil); !strings.Contains(w.Body.String(), "AADSTS9002313") {
		t.Errorf("twice: %s", w.Body)
	}
}

// TestRedirectedErrors are errors that the application is told.
func TestRedirectedErrors(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct {
		name  string
		query url.Values
		code  string
		word  string
	}{
		{"token", ask("response_type", "token"), "AADSTS70005", "unsupported_response_type"},
		{"no type", ask("response_type", ""), "AADSTS900144", "invalid_request"},
		{"mode", ask("response_mode", "web_message"), "AADSTS70007", "unsupported_response_mode"},
		{"ID token in a query", ask("response_type", "id_token", "response_mode", "query"), "AADSTS70007", "unsupported_response_mode"},
		{"ID token not enabled", ask("response_type", "code id_token"), "AADSTS700054", "unsupported_response_type"},
		{"no nonce", ask("response_type", "id_token", "nonce", ""), "AADSTS900144", "invalid_request"},
		{"short challenge", ask("code_challenge", "short"), "AADSTS50147", "invalid_request"},
		{"unknown method", ask("code_challenge_method", "S512"), "AADSTS50147", "invalid_request"},
		{"resource on v2", ask("resource", mail), "AADSTS901002", "invalid_request"},
		{"unregistered resource", ask("scope", "https://autodiscover.contoso.com//.default"), "AADSTS500011", "invalid_resource"},
		{"nobody signed in", ask("prompt", "none"), "AADSTS50058", "login_required"},
		{"prompt", ask("prompt", "dance"), "AADSTS9002313", "invalid_request"},
		{"script without PKCE", ask("client_id", spaClient, "redirect_uri", "https://spa.contoso.com/", "code_challenge", "", "code_challenge_method", ""), "AADSTS900144", "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := e.do("GET", v2Authorize+"?"+c.query.Encode(), nil)
			u, err := url.Parse(w.Header().Get("Location"))
			if err != nil || w.Code != 303 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			q := u.Query()
			if u.Fragment != "" {
				q, _ = url.ParseQuery(u.EscapedFragment())
			}
			if q.Get("error") != c.word || !strings.HasPrefix(q.Get("error_description"), c.code+":") || q.Get("state") != "s&t=1" {
				t.Errorf("got %v", q)
			}
		})
	}
	got := e.signIn(v2Authorize, ask("client_id", strangerApp))
	if got.Get("error") != "consent_required" {
		t.Errorf("without consent: %v", got)
	}
}

// TestOWA is the sign-in of OWA and ECP: v1, code id_token by form_post.
func TestOWA(t *testing.T) {
	e := newEnv(t)
	q := values("client_id", wellknown.Exchange, "redirect_uri", "https://mail.contoso.com/owa", "resource", wellknown.Exchange, "response_mode", "form_post",
		"response_type", "code id_token", "scope", "openid", "nonce", "637.abc", "state", `"><script>`)
	w := e.do("GET", "/common/oauth2/authorize?"+q.Encode(), nil)
	action, flow := flowOf(t, w.Body.String())
	wrong := e.do("POST", action, values("flow", flow, "login", alice, "passwd", "wrong"))
	if wrong.Code != 200 || !strings.Contains(wrong.Body.String(), "password is not valid") {
		t.Errorf("wrong password: %d %s", wrong.Code, wrong.Body)
	}
	w = e.do("POST", action, values("flow", flow, "login", alice, "passwd", password))
	body := w.Body.String()
	if w.Code != 200 || !strings.Contains(body, `action="https://mail.contoso.com/owa"`) || strings.Contains(body, `"><script>`) {
		t.Fatalf("answer %d %s", w.Code, body)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-") || strings.Contains(policy, "form-action") {
		t.Errorf("policy %q", policy)
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(body, `name="`+name+`" value="`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	c := claimsOf(t, field("id_token"))
	sum := sha256.Sum256([]byte(field("code")))
	if c["aud"] != wellknown.Exchange || c["nonce"] != "637.abc" || c["iss"] != e.origin+"/"+tenantID+"/" || c["upn"] != alice ||
		c["c_hash"] != base64.RawURLEncoding.EncodeToString(sum[:16]) {
		t.Errorf("ID token %v", c)
	}
	// Signing out ends the session; only a registered address is gone back to.
	if w := e.do("GET", "/common/oauth2/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example", nil); w.Code != 200 || !strings.Contains(w.Body.String(), "signed out") {
		t.Errorf("logout: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := e.do("GET", "/common/oauth2/logout?post_logout_redirect_uri=https%3A%2F%2Fmail.contoso.com%2Fowa", nil); w.Header().Get("Location") != "https://mail.contoso.com/owa" {
		t.Errorf("logout: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := e.do("GET", "/common/oauth2/authorize?"+q.Encode(), nil); !strings.Contains(w.Body.String(), `name="flow"`) {
		t.Errorf("still signed in: %s", w.Body)
	}
}

func TestFlowIsBoundToTheBrowser(t *testing.T) {
	e := newEnv(t)
	w := e.do("GET", v2Authorize+"?"+ask().Encode(), nil)
	action, flow := flowOf(t, w.Body.String())
	good := e.cookies
	for name, attempt := range map[string]func() (string, map[string]string, []string){
		"other browser": func() (string, map[string]string, []string) { return flow, map[string]string{}, nil },
		"changed flow":  func() (string, map[string]string, []string) { return flow[:len(flow)-2] + "AA", good, nil },
		"other site": func() (string, map[string]string, []string) {
			return flow, good, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
		},
	} {
		f, cookies, header := attempt()
		e.cookies = cookies
		if w := e.do("POST", action, values("flow", f, "login", alice, "passwd", password), header...); w.Code != 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	e.cookies = good
	e.clock = e.clock.Add(2 * time.Hour)
	if w := e.do("POST", action, values("flow", flow, "login", alice, "passwd", password)); w.Code != 400 {
		t.Errorf("old flow: %d", w.Code)
	}
}

func TestDevice(t *testing.T) {
	for _, parameter := range []string{"device_code", "code"} {
		e := newEnv(t)
		status, out := e.token("/organizations/oauth2/v2.0/devicecode", values("client_id", mailClient, "scope", mail+".default offline_access"))
		if status != 200 || len(out["user_code"].(string)) != 9 || out["expires_in"] != float64(900) || out["interval"] != float64(5) {
			t.Fatalf("device code: %v", out)
		}
		poll := values("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", mailClient, parameter, out["device_code"].(string))
		if _, out := e.token("/organizations/oauth2/v2.0/token", poll); out["error"] != "authorization_pending" {
			t.Errorf("poll: %v", out)
		}
		if _, out := e.token("/organizations/oauth2/v2.0/token", poll); out["error"] != "slow_down" {
			t.Errorf("poll at once: %v", out)
		}
		typed := strings.ToLower(out["user_code"].(string)[:4]) + "-" + out["user_code"].(string)[4:]
		w := e.do("POST", devicePath, values("usercode", typed))
		action, flow := flowOf(t, w.Body.String())
		w = e.do("POST", action, values("flow", flow, "login", alice, "passwd", password))
		action, flow = flowOf(t, w.Body.String())
		if action != devicePath || !strings.Contains(w.Body.String(), "Lab mail|"+alice) {
			t.Fatalf("confirmation: %s", w.Body)
		}
		if w = e.do("POST", action, values("flow", flow, "do", "continue")); !strings.Contains(w.Body.String(), "device allowed") {
			t.Fatalf("allow: %s", w.Body)
		}
		if status, out := e.token("/organizations/oauth2/v2.0/token", poll); status != 200 || out["refresh_token"] == nil {
			t.Errorf("allowed: %v", out)
		}
		if _, out := e.token("/organizations/oauth2/v2.0/token", poll); out["error"] != "bad_verification_code" {
			t.Errorf("twice: %v", out)
		}
	}
}

func TestDeviceRefusedAndLate(t *testing.T) {
	e := newEnv(t)
	begin := func() (url.Values, string) {
		_, out := e.token(strings.Replace(v2Token, "token", "devicecode", 1), values("client_id", mailClient, "scope", mail+".default"))
		return values("grant_type", "device_code", "client_id", mailClient, "device_code", out["device_code"].(string)), out["user_code"].(string)
	}
	poll, user := begin()
	_, flow := flowOf(t, e.do("POST", devicePath, values("usercode", user)).Body.String())
	w := e.do("POST", "/common/login", values("flow", flow, "login", alice, "passwd", password))
	_, flow = flowOf(t, w.Body.String())
	e.do("POST", devicePath, values("flow", flow, "do", "cancel"))
	if _, out := e.token(v2Token, poll); out["error"] != "authorization_declined" {
		t.Errorf("declined: %v", out)
	}
	poll, user = begin()
	e.clock = e.clock.Add(16 * time.Minute)
	if _, out := e.token(v2Token, poll); out["error"] != "expired_token" {
		t.Errorf("late: %v", out)
	}
	if w := e.do("POST", devicePath, values("usercode", user)); !strings.Contains(w.Body.String(), "expired") {
		t.Errorf("late page: %s", w.Body)
	}
}

func TestSPA(t *testing.T) {
	e := newEnv(t)
	got := e.signIn(v2Authorize, ask("client_id", spaClient, "redirect_uri", "https://spa.contoso.com/", "response_mode", "fragment"))
	form := values("grant_type", "authorization_code", "client_id", spaClient, "code", got.Get("code"), "redirect_uri", "https://spa.contoso.com/", "code_verifier", verifier)
	if _, out := e.token(v2Token, form); !strings.HasPrefix(out["error_description"].(string), "AADSTS9002327") {
		t.Errorf("without Origin: %v", out)
	}
	status, out := e.token(v2Token, form, "Origin", "https://spa.contoso.com")
	if status != 200 {
		t.Fatal(out)
	}
	e.clock = e.clock.Add(25 * time.Hour)
	if _, out := e.token(v2Token, values("grant_type", "refresh_token", "client_id", spaClient, "refresh_token", out["refresh_token"].(string)), "Origin", "https://spa.contoso.com"); !strings.HasPrefix(out["error_description"].(string), "AADSTS700084") {
		t.Errorf("after a day: %v", out)
	}
	got = e.signIn(v2Authorize, ask())
	if _, out := e.token(v2Token, values("grant_type", "authorization_code", "client_id", mailClient, "code", got.Get("code"), "redirect_uri", redirect, "code_verifier", verifier),
		"Origin", "https://evil.example"); !strings.HasPrefix(out["error_description"].(string), "AADSTS9002326") {
		t.Errorf("a script redeemed a program's code: %v", out)
	}
}

func FuzzAuthorize(f *testing.F) {
	e := newEnv(f)
	f.Add(ask().Encode())
	f.Add("client_id=" + wellknown.Exchange + "&redirect_uri=https://mail.contoso.com/owa&response_type=code%20id_token&nonce=1&resource=x")
	f.Add("client_id=%00&&;=")
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, " \r\n#") {
			return
		}
		u := &url.URL{Path: v2Authorize, RawQuery: query}
		if _, err := url.Parse(u.String()); err != nil {
			return
		}
		e.t = t
		w := e.do("GET", u.String(), nil)
		target := w.Header().Get("Location")
		if i := strings.LastIndexAny(target, "?#"); i >= 0 {
			target = target[:i]
		}
		snapshot, err := e.dir.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if target != "" && !registered(snapshot.Tenants(), target) && !strings.HasPrefix(target, "http://localhost") && !strings.HasPrefix(target, "https://localhost") {
			t.Errorf("redirected to %q", target)
		}
	})
}

func FuzzToken(f *testing.F) {
	e := newEnv(f)
	f.Add("grant_type=client_credentials&client_id=" + confidential + "&client_secret=" + secret + "&scope=" + mail + ".default")
	f.Add("grant_type=refresh_token&client_id=" + mailClient + "&refresh_token=1.AAAA")
	f.Add("grant_type=device_code&client_id=" + mailClient + "&code=%ff")
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "grant_type=password") {
			return // slow on purpose
		}
		p, err := parseParams(body)
		if err != nil {
			return
		}
		form := url.Values{}
		for name, value := range p {
			form.Set(name, value)
		}
		e.t = t
		status, out := e.token(v2Token, form)
		if status != 200 && (out["error"] == nil || out["error"] == "temporarily_unavailable") {
			t.Errorf("%d %v", status, out)
		}
	})
}
