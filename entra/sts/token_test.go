package sts

import (
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hma/entra"
	"hma/wire/wellknown"
)

const (
	v2Token = "/" + tenantID + "/oauth2/v2.0/token"
	v1Token = "/contoso.com/oauth2/token"
)

func ropc(pairs ...string) url.Values {
	v := values("grant_type", "password", "client_id", mailClient, "username", alice, "password", password, "scope", mail+"/.default")
	for i := 0; i+1 < len(pairs); i += 2 {
		if v.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	return v
}

func TestRefusals(t *testing.T) {
	e := newEnv(t)
	app := func(pairs ...string) url.Values {
		v := values("grant_type", "client_credentials", "client_id", confidential, "client_secret", secret, "scope", mail+".default")
		for i := 0; i+1 < len(pairs); i += 2 {
			if v.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
				v.Del(pairs[i])
			}
		}
		return v
	}
	twice := ropc()
	twice.Add("scope", "openid")
	many := ropc()
	for i := range 200 {
		many.Add("x"+strings.Repeat("y", i), "1")
	}
	for _, c := range []struct {
		name string
		path string
		form url.Values
		code float64
		word string
		http int
	}{
		{"unknown tenant", "/nobody.example/oauth2/v2.0/token", ropc(), 90002, "invalid_tenant", 400},
		{"personal accounts", "/consumers/oauth2/v2.0/token", ropc(), 9001023, "invalid_request", 400},
		{"no grant", v2Token, ropc("grant_type", ""), 900144, "invalid_request", 400},
		{"unknown grant", v2Token, ropc("grant_type", "urn:x"), 70003, "unsupported_grant_type", 400},
		{"no client", v2Token, ropc("client_id", ""), 900144, "invalid_request", 400},
		{"unknown client", v2Token, ropc("client_id", "bbbbbbbb-0000-4000-8000-000000000001"), 700016, "unauthorized_client", 400},
		{"parameter twice", v2Token, twice, 9002313, "invalid_request", 400},
		{"too many parameters", v2Token, many, 9002313, "invalid_request", 400},
		{"too long", v2Token, ropc("password", strings.Repeat("x", 70000)), 9002313, "invalid_request", 400},
		{"NUL", v2Token, ropc("username", "a\x00b"), 9002313, "invalid_request", 400},
		{"not UTF-8", v2Token, ropc("username", "a\xffb"), 9002313, "invalid_request", 400},
		{"no username", v2Token, ropc("username", ""), 900144, "invalid_request", 400},
		{"wrong password", v2Token, ropc("password", "wrong"), 50126, "invalid_grant", 400},
		{"unknown user", v2Token, ropc("username", "nobody@contoso.com"), 50126, "invalid_grant", 400},
		{"user of nowhere", v2Token, ropc("username", "x@fabrikam.com"), 50126, "invalid_grant", 400},
		{"password on common", "/common/oauth2/v2.0/token", ropc(), 9001023, "invalid_request", 400},
		{"organizations, unknown domain", "/organizations/oauth2/v2.0/token", ropc("username", "x@fabrikam.com"), 50059, "invalid_request", 400},
		{"secret of a public client", v2Token, ropc("client_secret", secret), 700025, "invalid_client", 401},
		{"unregistered resource", v2Token, ropc("scope", "https://autodiscover.contoso.com//.default"), 500011, "invalid_resource", 400},
		{"unregistered resource on v1", v1Token, ropc("scope", "", "resource", "https://autodiscover.contoso.com/"), 500011, "invalid_resource", 400},
		{"a host that begins alike", v2Token, ropc("scope", "https://mail.contoso.com.evil.example/.default"), 500011, "invalid_resource", 400},
		{"user information", v2Token, ropc("scope", "https://x@mail.contoso.com/.default"), 500011, "invalid_resource", 400},
		{"plain http", v2Token, ropc("scope", "http://mail.contoso.com/.default"), 500011, "invalid_resource", 400},
		{"resource on v2", v2Token, ropc("resource", mail), 901002, "invalid_request", 400},
		{"no resource on v1", v1Token, ropc(), 900144, "invalid_request", 400},
		{"no scope", v2Token, ropc("scope", ""), 28003, "invalid_scope", 400},
		{"two resources", v2Token, ropc("scope", mail+"EWS.AccessAsUser.All User.Read"), 700022, "invalid_request", 400},
		{"default with others", v2Token, ropc("scope", mail+".default "+mail+"EWS.AccessAsUser.All"), 70011, "invalid_scope", 400},
		{"garbled scope", v2Token, ropc("scope", "https:///x"), 70011, "invalid_scope", 400},
		{"unknown permission", v2Token, ropc("scope", mail+"Nothing.At.All"), 650053, "invalid_scope", 400},
		{"permission not consented", v2Token, ropc("scope", mail+"IMAP.AccessAsUser.All"), 65001, "invalid_grant", 400},
		{"client without consent", v2Token, ropc("client_id", strangerApp), 65001, "invalid_grant", 400},
		{"no secret", v2Token, app("client_secret", ""), 7000218, "invalid_client", 401},
		{"wrong secret", v2Token, app("client_secret", "something-else-altogether"), 7000215, "invalid_client", 401},
		{"assertion of no type", v2Token, app("client_secret", "", "client_assertion", "x"), 9002313, "invalid_request", 400},
		{"secret and assertion", v2Token, app("client_assertion", "x", "client_assertion_type", assertionType), 9002313, "invalid_request", 400},
		{"application on common", "/common/oauth2/v2.0/token", app(), 9001023, "invalid_request", 400},
		{"application, one permission", v2Token, app("scope", mail+"EWS.AccessAsUser.All"), 700023, "invalid_scope", 400},
		{"application, unregistered resource", v2Token, app("scope", "https://other.contoso.com/.default"), 500011, "invalid_resource", 400},
		{"public client for itself", v2Token, app("client_id", mailClient, "client_secret", ""), 7000218, "invalid_client", 401},
		{"forged refresh token", v2Token, values("grant_type", "refresh_token", "client_id", mailClient, "refresh_token", "1.Axyz"), 70000, "invalid_grant", 400},
		{"no refresh token", v2Token, values("grant_type", "refresh_token", "client_id", mailClient), 900144, "invalid_request", 400},
		{"forged code", v2Token, values("grant_type", "authorization_code", "client_id", mailClient, "code", "x", "redirect_uri", redirect), 70000, "invalid_grant", 400},
		{"code without redirect_uri", v2Token, values("grant_type", "authorization_code", "client_id", mailClient, "code", "x"), 900144, "invalid_request", 400},
		{"forged device code", v2Token, values("grant_type", "device_code", "client_id", mailClient, "device_code", "x"), 70018, "bad_verification_code", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, out := e.token(c.path, c.form)
			codes, _ := out["error_codes"].([]any)
			if status != c.http || out["error"] != c.word || len(codes) != 1 || codes[0] != c.code {
				t.Errorf("got %d %v", status, out)
			}
			for _, member := range []string{"error_description", "timestamp", "trace_id", "correlation_id", "error_uri"} {
				if out[member] == nil {
					t.Errorf("no %s", member)
				}
			}
			text, _ := out["error_description"].(string)
			if strings.Contains(text, password) || strings.Contains(text, secret) {
				t.Errorf("a secret in %q", text)
			}
		})
	}
	if w := e.do("GET", v2Token, nil); w.Code != 405 || !strings.Contains(w.Body.String(), "AADSTS900561") || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET gave %d %s", w.Code, w.Body)
	}
	if w := e.do("POST", v2Token, nil, "Content-Type", "application/json"); !strings.Contains(w.Body.String(), "AADSTS9002313") {
		t.Errorf("JSON gave %d %s", w.Code, w.Body)
	}
}

// TestAudience is the rule that the product turns on: servicePrincipalNames decide.
func TestAudience(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct{ scope, resource, aud string }{
		{"https://mail.contoso.com/.default", "", "https://mail.contoso.com"},
		{"https://mail.contoso.com//.default", "", "https://mail.contoso.com/"},
		{"https://mail.contoso.com/EWS.AccessAsUser.All", "", "https://mail.contoso.com"},
		{"", "https://mail.contoso.com/", "https://mail.contoso.com/"},
		{"", "https://mail.contoso.com", "https://mail.contoso.com"},
		{"", "https://MAIL.contoso.com/", "https://MAIL.contoso.com/"},
		{"", wellknown.Exchange, wellknown.Exchange},
		{"", wellknown.Exchange + "/outlook.com", wellknown.Exchange + "/outlook.com"},
		{"", "https://eu.outlook.com/", "https://eu.outlook.com/"},
		{"https://localhost:8443/.default", "", "https://localhost:8443"},
	} {
		path := v2Token
		if c.resource != "" {
			path = v1Token
		}
		status, out := e.token(path, ropc("scope", c.scope, "resource", c.resource))
		if status != 200 {
			t.Errorf("%s%s: %v", c.scope, c.resource, out)
			continue
		}
		if got := claimsOf(t, out["access_token"]); got["aud"] != c.aud || got["iss"] != e.origin+"/"+tenantID+"/" || got["ver"] != "1.0" {
			t.Errorf("%s%s: aud %v, iss %v", c.scope, c.resource, got["aud"], got["iss"])
		}
	}
}

func TestDelegatedToken(t *testing.T) {
	e := newEnv(t)
	status, out := e.token(v1Token, ropc("scope", "", "resource", mail, "client_info", "1"))
	if status != 200 {
		t.Fatal(out)
	}
	// v1 numbers are strings; DavMail wants EWS in scope and a refresh token.
	if _, ok := out["expires_in"].(string); !ok || out["resource"] != mail || out["token_type"] != "Bearer" || out["refresh_token"] == nil || out["id_token"] == nil ||
		out["client_info"] == nil || out["scope"] != "EWS.AccessAsUser.All user_impersonation" {
		t.Errorf("answer %v", out)
	}
	c := claimsOf(t, out["access_token"])
	for name, want := range map[string]any{"upn": alice, "unique_name": alice, "oid": e.alice, "tid": tenantID, "onprem_sid": "S-1-5-21-1-2-3-1104",
		"scp": "EWS.AccessAsUser.All user_impersonation", "appid": mailClient, "appidacr": "0", "name": "Alice Novak", "ver": "1.0"} {
		if c[name] != want {
			t.Errorf("%s is %v", name, c[name])
		}
	}
	life := time.Unix(int64(c["exp"].(float64)), 0).Sub(e.clock)
	if life < time.Hour || life > 90*time.Minute || c["iat"] != c["nbf"] || int64(c["iat"].(float64)) != e.clock.Unix()-300 {
		t.Errorf("life %v, iat %v", life, c["iat"])
	}
	if puid, _ := c["puid"].(string); len(puid) != 16 {
		t.Errorf("puid %q", puid)
	}
	id := claimsOf(t, out["id_token"])
	if id["aud"] != mailClient || id["unique_name"] != alice || id["sub"] == c["sub"] {
		t.Errorf("ID token %v", id)
	}
	// v2: numbers, full names, no refresh token unless asked for, the client's own words back.
	_, out = e.token(v2Token, ropc("scope", "openid "+mail+".default"))
	if _, ok := out["expires_in"].(float64); !ok || out["refresh_token"] != nil || out["id_token"] == nil ||
		out["scope"] != mail+"EWS.AccessAsUser.All "+mail+"user_impersonation openid "+mail+".default" {
		t.Errorf("v2 answer %v", out)
	}
	if id := claimsOf(t, out["id_token"]); id["iss"] != e.origin+"/"+tenantID+"/v2.0" || id["preferred_username"] != alice || id["ver"] != "2.0" {
		t.Errorf("v2 ID token %v", id)
	}
}

func TestApplicationToken(t *testing.T) {
	e := newEnv(t)
	form := values("grant_type", "client_credentials", "scope", mail+".default openid offline_access profile")
	status, out := e.token(v2Token, form, "Authorization", "Basic "+basic(confidential, secret))
	if status != 200 {
		t.Fatal(out)
	}
	c := claimsOf(t, out["access_token"])
	if c["idtyp"] != "app" || c["scp"] != nil || c["upn"] != nil || c["oid"] != c["sub"] || c["appidacr"] != "1" || len(c["roles"].([]any)) != 1 || c["roles"].([]any)[0] != "full_access_as_app" {
		t.Errorf("claims %v", c)
	}
	if out["refresh_token"] != nil || out["id_token"] != nil {
		t.Errorf("answer %v", out)
	}
}

func TestRefreshRotation(t *testing.T) {
	e := newEnv(t)
	begin := func(client string) string {
		_, out := e.token(v2Token, ropc("client_id", client, "scope", mail+".default offline_access"))
		token, _ := out["refresh_token"].(string)
		if token == "" {
			t.Fatalf("no refresh token: %v", out)
		}
		return token
	}
	refresh := func(client, token string) (string, any) {
		_, out := e.token(v2Token, values("grant_type", "refresh_token", "client_id", client, "refresh_token", token))
		next, _ := out["refresh_token"].(string)
		return next, out["error_description"]
	}
	t.Run("window", func(t *testing.T) {
		first := begin(mailClient)
		second, _ := refresh(mailClient, first)
		if second == "" || second == first {
			t.Fatal("not rotated")
		}
		e.clock = e.clock.Add(23 * time.Hour)
		if again, why := refresh(mailClient, first); again == "" {
			t.Errorf("inside the window: %v", why)
		}
		e.clock = e.clock.Add(time.Hour)
		if again, _ := refresh(mailClient, first); again != "" {
			t.Error("good after the window")
		}
		if again, why := refresh(mailClient, second); again == "" {
			t.Errorf("the successor must live on: %v", why)
		}
	})
	t.Run("single use", func(t *testing.T) {
		first := begin(onceClient)
		second, _ := refresh(onceClient, first)
		if again, why := refresh(onceClient, first); again != "" {
			t.Errorf("used twice: %v", why)
		}
		if again, _ := refresh(onceClient, second); again != "" {
			t.Error("the family lives on after a reuse")
		}
	})
	t.Run("other client", func(t *testing.T) {
		first := begin(mailClient)
		if again, _ := refresh(onceClient, first); again != "" {
			t.Error("another client used the token")
		}
		if again, why := refresh(mailClient, first); again == "" {
			t.Errorf("and spoilt it: %v", why)
		}
	})
	t.Run("family of clients", func(t *testing.T) {
		_, out := e.token(v2Token, ropc("client_id", wellknown.Office, "scope", mail+".default offline_access"))
		if out["foci"] != "1" {
			t.Fatalf("no foci: %v", out)
		}
		if again, why := refresh(wellknown.OutlookMobile, out["refresh_token"].(string)); again == "" {
			t.Errorf("a family client was refused: %v", why)
		}
	})
	t.Run("silence", func(t *testing.T) {
		first := begin(mailClient)
		e.clock = e.clock.Add(91 * 24 * time.Hour)
		if _, why := refresh(mailClient, first); why == nil || !strings.HasPrefix(why.(string), "AADSTS700082") {
			t.Errorf("after 91 days: %v", why)
		}
	})
	t.Run("revoked", func(t *testing.T) {
		first := begin(mailClient)
		e.clock = e.clock.Add(time.Second)
		if err := e.dir.RevokeSignIns(t.Context(), e.alice); err != nil {
			t.Fatal(err)
		}
		if _, why := refresh(mailClient, first); why == nil || !strings.HasPrefix(why.(string), "AADSTS50173") {
			t.Errorf("after revocation: %v", why)
		}
	})
	t.Run("disabled", func(t *testing.T) {
		first := begin(mailClient)
		if err := e.dir.UpdateUser(t.Context(), e.alice, func(u *entra.User) error { u.Enabled = false; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, why := refresh(mailClient, first); why == nil || !strings.HasPrefix(why.(string), "AADSTS50057") {
			t.Errorf("disabled: %v", why)
		}
	})
}

// A fault while a renewal is signed is the answer to that request, and not the end of the process.
func TestRenewalThatCannotBeSigned(t *testing.T) {
	e := newEnv(t)
	_, out := e.token(v2Token, ropc("client_id", mailClient, "scope", mail+".default offline_access"))
	var asked atomic.Int32
	var err error
	e.handler, err = New(e.dir, Options{Origin: e.origin, SignIn: pages{}, Now: func() time.Time {
		if asked.Add(1) == 1 { // a public client's renewal asks for the time when it is signed
			panic("no clock")
		}
		return e.clock
	}})
	if err != nil {
		t.Fatal(err)
	}
	form := values("grant_type", "refresh_token", "client_id", mailClient, "refresh_token", out["refresh_token"].(string))
	status, out := e.token(v2Token, form)
	if why, _ := out["error_description"].(string); status != 503 || !strings.HasPrefix(why, "AADSTS90033") || strings.Contains(why, "clock") {
		t.Errorf("%d %v", status, out)
	}
	if status, out := e.token(v2Token, form); status != 200 || out["refresh_token"] == nil {
		t.Errorf("asked again: %d %v", status, out)
	}
}

func TestLockout(t *testing.T) {
	e := newEnv(t)
	try := func(user, password string) any {
		_, out := e.token(v2Token, ropc("username", user, "password", password))
		return out["error_codes"]
	}
	for _, name := range []string{alice, "nobody@contoso.com"} { // a lock is no answer to who exists
		for range 12 {
			try(name, "the same wrong password")
		}
		if got := try(name, "again"); got.([]any)[0] != float64(50126) {
			t.Errorf("%s: the same wrong password counted: %v", name, got)
		}
		for i := range 9 {
			try(name, "wrong "+strings.Repeat("x", i))
		}
		if got := try(name, password); got.([]any)[0] != float64(50053) {
			t.Errorf("%s: not locked: %v", name, got)
		}
	}
	e.clock = e.clock.Add(time.Minute)
	if got := try(alice, password); got != nil {
		t.Errorf("after a minute: %v", got)
	}
}
