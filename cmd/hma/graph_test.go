package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hma/client/graph"
	"hma/client/mail"
	"hma/lab"
	"hma/wire/wellknown"
)

// TestWithBrowser is a person's sign-in: the shell listens, the browser comes back to it.
func TestWithBrowser(t *testing.T) {
	t.Parallel()
	idToken := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"`+wellknown.GraphPowerShell+`","tid":"t","oid":"o","preferred_username":"ines@contoso.com"}`)) + "."
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/organizations/oauth2/v2.0/token" || r.FormValue("code") != "c" || r.FormValue("code_verifier") == "" || r.FormValue("client_id") != wellknown.GraphPowerShell {
			t.Errorf("asked for %s with %v", r.URL, r.Form)
		}
		fmt.Fprintf(w, `{"access_token":"at","refresh_token":"rt","id_token":%q,"expires_in":3599,"scope":"https://graph.microsoft.com/User.Read openid"}`, idToken)
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	cloud := graph.Cloud{Login: s.URL, Endpoint: s.URL + "/v1.0", Mail: mail.New(mail.Options{Roots: roots})}
	t.Cleanup(cloud.Mail.Close)
	visit := func(address string) (int, string) {
		resp, err := http.Get(address)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp.StatusCode, string(text)
	}
	var said strings.Builder
	say := func(line string) { said.WriteString(line + "\n") }
	comesBack := func(answer string) func(string) error {
		return func(address string) error {
			u, err := url.Parse(address)
			if err != nil {
				return err
			}
			q := u.Query()
			if got := q.Get("scope"); got != "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Domain.Read.All openid profile offline_access" || q.Get("code_challenge_method") != "S256" {
				t.Errorf("asked %v", q)
			}
			back := q.Get("redirect_uri")
			if status, _ := visit(back + "/favicon.ico"); status != http.StatusNotFound {
				t.Errorf("the icon: %d", status)
			}
			if status, text := visit(back + "/?" + strings.ReplaceAll(answer, "STATE", url.QueryEscape(q.Get("state")))); status != http.StatusOK || !strings.Contains(text, "close this window") {
				t.Errorf("%d %s", status, text)
			}
			return errors.New("no such program") // said, and the sign-in goes on
		}
	}
	scopes := []string{"User.Read", "Domain.Read.All"}
	conn, err := withBrowser(t.Context(), cloud, "", scopes, say, comesBack("code=c&state=STATE"))
	want := &graph.Connection{ClientID: wellknown.GraphPowerShell, AppName: "Microsoft Graph Command Line Tools", Tenant: "t", Account: "ines@contoso.com", Scopes: []string{"User.Read", "openid"},
		How: graph.InteractiveBrowser, Refresh: "rt", Access: "at"}
	if err != nil || !reflect.DeepEqual(conn, want) {
		t.Errorf("%+v, %v", conn, err)
	}
	if !strings.Contains(said.String(), s.URL+"/organizations/oauth2/v2.0/authorize?") || !strings.Contains(said.String(), "No browser was opened: no such program") {
		t.Errorf("said %s", &said)
	}
	_, err = withBrowser(t.Context(), cloud, "", scopes, say, comesBack("error=access_denied&error_description=AADSTS65004%3A+no&state=STATE"))
	if e, ok := errors.AsType[*mail.SignInError](err); !ok || e.Code != "access_denied" {
		t.Error(err)
	}
	if _, err = withBrowser(t.Context(), cloud, "", scopes, say, comesBack("code=c&state=other")); err == nil || !strings.Contains(err.Error(), "state") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err = withBrowser(ctx, cloud, "", scopes, say, func(string) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestKeptConnection(t *testing.T) {
	t.Parallel()
	k := keptConnection{t.TempDir()}
	path := filepath.Join(k.dir, connectionFile)
	if conn, err := k.load(); conn != nil || err != nil {
		t.Error(conn, err)
	}
	conn := &graph.Connection{Tenant: "t", Account: "ines@contoso.com", Scopes: []string{"User.Read"}, Refresh: "secret refresh token", Access: "at"}
	if err := k.save(conn); err != nil {
		t.Fatal(err)
	}
	conn.Access = "" // ends with the session
	if again, err := k.load(); err != nil || !reflect.DeepEqual(again, conn) {
		t.Error(again, err)
	}
	box, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(box), "refresh") {
		t.Error("not sealed", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	box[len(box)-1] ^= 1
	if err := os.WriteFile(path, box, 0o600); err != nil {
		t.Fatal(err)
	}
	if conn, err := k.load(); conn != nil || err == nil || !strings.Contains(err.Error(), "Disconnect-MgGraph removes it") {
		t.Error(conn, err)
	}
	for range 2 { // also what is gone already
		if err := k.save(nil); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(k.dir); err != nil || len(entries) != 1 { // the key
		t.Error(entries, err)
	}
}

func TestAdministratorOf(t *testing.T) {
	t.Parallel()
	r := &running{Endpoints: &lab.Endpoints{Tenant: lab.TenantEndpoint{ID: "1", Domain: "contoso.onmicrosoft.com"},
		Tenants: []lab.TenantEndpoint{{ID: "1", Domain: "contoso.onmicrosoft.com"}, {ID: "2", Domain: "fabrikam.onmicrosoft.com"}},
		Users: []lab.User{{UPN: "alice@contoso.com", Role: "user", Synced: true}, {UPN: "administrator@contoso.com", Role: "admin"}, {UPN: "ines@contoso.com", Role: "admin", Synced: true},
			{UPN: "gus@fabrikam.com", Role: "admin", Synced: true, Tenant: "fabrikam.onmicrosoft.com"}}}}
	for tenant, want := range map[string]string{"": "ines@contoso.com", "1": "ines@contoso.com", "Contoso.com": "ines@contoso.com", "contoso.onmicrosoft.com": "ines@contoso.com",
		"2": "gus@fabrikam.com", "fabrikam.com": "gus@fabrikam.com", "fabrikam.onmicrosoft.com": "gus@fabrikam.com", "other.com": ""} {
		if u, err := r.administratorOf(tenant); u.UPN != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v", tenant, u.UPN, err)
		}
	}
}
