package main

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hma/client/mail"
	"hma/hybrid/procedure/facts"
	"hma/lab"
)

// cloud is a cloud where somebody signs in by device code at once, or with the
// password "right", and whose ID token has the claims. It returns a lab that
// reaches it, whose only administrator has the password.
func cloud(t *testing.T, password, claims string) *running {
	t.Helper()
	idToken := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tenant/oauth2/devicecode", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_id") != "client" {
			t.Errorf("client %q asks for a device code", r.FormValue("client_id"))
		}
		fmt.Fprint(w, `{"device_code":"d","message":"open the page and enter JENDAQXEF","interval":"1","expires_in":"9"}`)
	})
	mux.HandleFunc("GET /tenant/oauth2/authorize", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<form action="/login"><input name="state" value="%s"><input name="login"><input name="passwd"></form>`, r.FormValue("state"))
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("login") != "ines@contoso.com" || r.FormValue("passwd") != "right" {
			fmt.Fprint(w, `<form action="/login"><p role="alert">wrong password</p></form>`)
			return
		}
		http.Redirect(w, r, "http://localhost?code=c&state="+r.FormValue("state"), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /tenant/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("device_code") != "d" && r.FormValue("code") != "c" {
			t.Errorf("the token endpoint was asked %v", r.Form)
		}
		fmt.Fprintf(w, `{"access_token":"at","id_token":%q,"expires_in":"3599"}`, idToken)
	})
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	e := &lab.Endpoints{Cloud: s.URL, Tenant: lab.TenantEndpoint{ID: "tenant"}, Clients: []lab.Client{{ID: "client", Redirect: "http://localhost"}}}
	e.Users = []lab.User{{UPN: "ines@contoso.com", Role: "admin", Synced: true, Password: password}}
	r := &running{Endpoints: e, mail: mail.New(mail.Options{Roots: roots})}
	t.Cleanup(r.mail.Close)
	return r
}

func TestProve(t *testing.T) {
	t.Parallel()
	administrators := []facts.Person{
		{UPN: "omar@contoso.com", Cloud: "omar@contoso.com", CloudID: "1", Synced: true, Administrator: true},
		{UPN: "ines@contoso.com", Cloud: "ines@contoso.com", CloudID: "2", Synced: true, Administrator: true},
	}
	const ines = `{"aud":"client","tid":"tenant","oid":"2","upn":"ines@contoso.com"}`
	for name, tc := range map[string]struct {
		how, password, claims string
		who, refusal          string
		device                bool // a device code was shown
	}{
		"password":                  {how: proveBrowser, password: "right", claims: ines, who: "ines@contoso.com"},
		"wrong password":            {how: proveBrowser, password: "wrong", claims: ines, refusal: "wrong password"},
		"no password":               {how: proveBrowser, claims: ines, who: "ines@contoso.com", device: true},
		"device asked for":          {how: proveDevice, password: "right", claims: ines, who: "ines@contoso.com", device: true},
		"renamed since":             {how: proveDevice, claims: strings.Replace(ines, "ines@", "i.duarte@", 1), who: "ines@contoso.com", device: true},
		"the other one":             {how: proveDevice, claims: `{"aud":"client","tid":"tenant","oid":"1","upn":"omar@contoso.com"}`, who: "omar@contoso.com", device: true},
		"somebody with her name":    {how: proveDevice, claims: strings.Replace(ines, `"2"`, `"3"`, 1), refusal: "none of the administrators", device: true},
		"a user":                    {how: proveDevice, claims: `{"aud":"client","tid":"tenant","oid":"9","upn":"alice@contoso.com"}`, refusal: "alice@contoso.com", device: true},
		"another tenant":            {how: proveDevice, claims: strings.Replace(ines, `"tenant"`, `"other"`, 1), refusal: "another tenant", device: true},
		"token of another client":   {how: proveDevice, claims: strings.Replace(ines, `"client"`, `"other"`, 1), refusal: "another client", device: true},
		"password, another account": {how: proveBrowser, password: "right", claims: strings.Replace(ines, `"2"`, `"3"`, 1), refusal: "none of the administrators"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown := ""
			who, err := cloud(t, tc.password, tc.claims).prove(t.Context(), tc.how, administrators, func(message string) { shown += message })
			if who != tc.who || (err == nil) != (tc.refusal == "") || err != nil && !strings.Contains(err.Error(), tc.refusal) {
				t.Errorf("%q, %v; want %q, %q", who, err, tc.who, tc.refusal)
			}
			if (shown == "open the page and enter JENDAQXEF") != tc.device {
				t.Errorf("shown: %q", shown)
			}
		})
	}
}

// The password is typed at the cloud's own origin and nowhere else.
func TestBrowserStaysAtTheCloud(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) }))
	t.Cleanup(elsewhere.Close)
	r := cloud(t, "right", "")
	b := r.browser(r.Users[0])
	if _, err := b.Posted(t.Context(), elsewhere.URL+"/authorize"); err == nil {
		t.Error("a sign-in elsewhere was gone to")
	}
	if to, err := b.Redirected(t.Context(), r.Cloud+"/tenant/oauth2/authorize?state=s"); err != nil || to != "http://localhost?code=c&state=s" {
		t.Error(to, err)
	}
	if form, err := b.Posted(t.Context(), r.Cloud+"/tenant/oauth2/authorize?state=s"); err == nil {
		t.Errorf("a redirect is the form %v", form)
	}
}
