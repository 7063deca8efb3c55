package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/entra"
	"hma/internal/sealed"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/wellknown"
)

var update = flag.Bool("update", false, "rewrite golden files")

const (
	tenantID     = "11111111-2222-4333-8444-555555555555"
	mailClient   = "aaaaaaaa-0000-4000-8000-000000000001" // public, consented
	strangerApp  = "aaaaaaaa-0000-4000-8000-000000000002" // public, nothing consented
	confidential = "aaaaaaaa-0000-4000-8000-000000000003"
	spaClient    = "aaaaaaaa-0000-4000-8000-000000000004"
	onceClient   = "aaaaaaaa-0000-4000-8000-000000000005" // refresh tokens are single use
	secret       = "a-secret-of-more-than-twenty-bytes"
	alice        = "alice@contoso.com"
	password     = "Correct horse 1!"
	mail         = "https://mail.contoso.com/"
	redirect     = "https://app.contoso.com/answer"
)

// pages is the least that a browser can sign in with.
type pages struct{}

var formPage = template.Must(template.New("page").Parse(`<form method="post" action="{{.Action}}"><input type="hidden" name="flow" value="{{.Flow}}">{{.Text}}</form>`))

func draw(w http.ResponseWriter, status int, action, flow, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := formPage.Execute(w, map[string]string{"Action": action, "Flow": flow, "Text": text}); err != nil {
		panic(err)
	}
}

func (pages) ServeSignIn(w http.ResponseWriter, _ *http.Request, p SignInPage) {
	draw(w, p.Status, p.Action, p.Flow, p.ClientName+"|"+p.Username+"|"+p.SignedIn+"|"+p.ErrorText)
}

func (pages) ServeDevice(w http.ResponseWriter, _ *http.Request, p DevicePage) {
	draw(w, p.Status, p.Action, p.Flow, p.ClientName+"|"+p.Username+"|"+p.ErrorText)
}

func (pages) ServeConsent(w http.ResponseWriter, _ *http.Request, p ConsentPage) {
	var asked []string
	for _, one := range append(p.Permissions, p.Basics...) {
		asked = append(asked, one.Value)
	}
	draw(w, p.Status, p.Action, p.Flow, fmt.Sprintf("consent|%s|%s|%s|admin %v|all %v", p.ClientName, p.Username, strings.Join(asked, " "), p.NeedsAdmin, p.ForAll))
}

func (pages) ServeError(w http.ResponseWriter, _ *http.Request, p ErrorPage) {
	draw(w, p.Status, "", "", p.Code.String()+": "+p.Text)
}

func (pages) ServeDone(w http.ResponseWriter, _ *http.Request, p DonePage) {
	draw(w, p.Status, "", "", []string{"signed out", "device allowed", "device refused"}[p.Kind])
}

// env is a token service over a small directory, with a clock that tests move.
type env struct {
	t       testing.TB
	dir     *entra.Directory
	handler http.Handler
	origin  string
	clock   time.Time
	alice   string // object id
	cookies map[string]string
}

func newEnv(t testing.TB) *env { return newEnvOn(t, sqldbtest.Memory(t), "https://localhost:9443") }

func newEnvOn(t testing.TB, db *sqldb.DB, origin string) *env {
	t.Helper()
	e := &env{t: t, origin: origin, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), cookies: map[string]string{}}
	now := func() time.Time { return e.clock }
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	e.dir, err = entra.Open(ctx, db, entra.Options{Now: now, Key: sealed.New(), PasswordCost: bcrypt.MinCost})
	must(err)
	_, err = e.dir.CreateTenant(ctx, entra.NewTenant{ID: tenantID, DisplayName: "Contoso", Initial: "contoso.onmicrosoft.com", Domains: []string{"contoso.com"}, SyncEnabled: true})
	must(err)
	must(e.dir.SeedExchange(ctx, tenantID, []string{mail, "https://localhost:8443/"}, []string{"https://mail.contoso.com/owa"}))
	must(e.dir.SeedGraph(ctx, tenantID, origin, origin+"/"))
	must(e.dir.SeedWellKnownClients(ctx, tenantID))
	for _, a := range []entra.Application{
		{AppID: mailClient, DisplayName: "Lab mail", Public: true, RefreshWindow: entra.DefaultRefreshWindow, Redirects: []entra.Redirect{{URI: redirect, Type: entra.Native}, {URI: "http://localhost", Type: entra.Native}}},
		{AppID: strangerApp, DisplayName: "Stranger", Public: true, Redirects: []entra.Redirect{{URI: redirect, Type: entra.Native}}},
		{AppID: confidential, DisplayName: "Daemon", RefreshWindow: entra.DefaultRefreshWindow, Redirects: []entra.Redirect{{URI: "https://daemon.contoso.com/cb", Type: entra.Web}}},
		{AppID: spaClient, DisplayName: "Script", Public: true, RefreshWindow: entra.DefaultRefreshWindow, Redirects: []entra.Redirect{{URI: "https://spa.contoso.com/", Type: entra.SPA}}},
		{AppID: onceClient, DisplayName: "Once", Public: true, Redirects: []entra.Redirect{{URI: redirect, Type: entra.Native}}},
	} {
		a.Tenant = tenantID
		_, err := e.dir.CreateApplication(ctx, a)
		must(err)
		if a.AppID != strangerApp {
			must(e.dir.Consent(ctx, tenantID, a.AppID, wellknown.Exchange, "", "EWS.AccessAsUser.All", "user_impersonation"))
			must(e.dir.Consent(ctx, tenantID, a.AppID, wellknown.Graph, "", "User.Read"))
		}
	}
	must(e.dir.SetSecret(ctx, tenantID, confidential, secret, time.Time{}))
	must(e.dir.AssignRole(ctx, tenantID, confidential, wellknown.Exchange, "full_access_as_app"))
	e.alice, err = e.dir.CreateUser(ctx, entra.User{Tenant: tenantID, UPN: alice, DisplayName: "Alice Novak", GivenName: "Alice", Surname: "Novak", Mail: alice,
		Enabled: true, SyncEnabled: true, ImmutableID: "abc=", OnPremSID: "S-1-5-21-1-2-3-1104"}, entra.Secret{Password: password})
	must(err)
	e.handler, err = New(e.dir, Options{Origin: origin, Now: now, SignIn: pages{}})
	must(err)
	return e
}

// do sends a request and keeps cookies as a browser does.
func (e *env) do(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	e.t.Helper()
	r := httptest.NewRequest(method, e.origin+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, value := range e.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	if w.Code == http.StatusInternalServerError {
		e.t.Errorf("%s %s gave 500: %s", method, path, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(e.cookies, c.Name)
		} else {
			e.cookies[c.Name] = c.Value
		}
	}
	return w
}

// token posts to a token endpoint and decodes the answer.
func (e *env) token(path string, form url.Values, header ...string) (int, map[string]any) {
	e.t.Helper()
	w := e.do("POST", path, form, header...)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		e.t.Fatalf("%s: %v in %s", path, err, w.Body)
	}
	return w.Code, out
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// claimsOf reads a token's claims without verifying it.
func claimsOf(t testing.TB, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %v", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// golden compares with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs:\n%s", name, got)
	}
}

// flowOf reads action and flow of a test page.
func flowOf(t testing.TB, body string) (action, flow string) {
	t.Helper()
	_, rest, ok := strings.Cut(body, `action="`)
	action, rest, ok2 := strings.Cut(rest, `"`)
	_, rest, ok3 := strings.Cut(rest, `value="`)
	flow, _, ok4 := strings.Cut(rest, `"`)
	if !ok || !ok2 || !ok3 || !ok4 || flow == "" {
		t.Fatalf("no form in %s", body)
	}
	return action, flow
}

// signIn runs authorize and the sign-in page and returns the answer's parameters.
func (e *env) signIn(path string, query url.Values) url.Values {
	e.t.Helper()
	w := e.do("GET", path+"?"+query.Encode(), nil)
	if w.Code == http.StatusOK {
		action, flow := flowOf(e.t, w.Body.String())
		w = e.do("POST", action, values("flow", flow, "login", alice, "passwd", password))
	}
	if w.Code != http.StatusSeeOther {
		e.t.Fatalf("sign-in gave %d: %s", w.Code, w.Body)
	}
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		e.t.Fatal(err)
	}
	if u.Fragment != "" {
		q, err := url.ParseQuery(u.EscapedFragment())
		if err != nil {
			e.t.Fatal(err)
		}
		return q
	}
	return u.Query()
}
