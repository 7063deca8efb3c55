package graph

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hma/client/mail"
	"hma/wire/wellknown"
)

// TestRaw: an administrator types addresses as they come; the token goes below the endpoint and nowhere else.
func TestRaw(t *testing.T) {
	var asked string
	c, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.RequestURI()
		switch r.Method {
		case http.MethodPatch:
			w.WriteHeader(http.StatusNoContent)
		default:
			fmt.Fprint(w, `{"id":"1"}`)
		}
	})
	for target, want := range map[string]string{
		"/servicePrincipals/1":       "/v1.0/servicePrincipals/1",
		"servicePrincipals":          "/v1.0/servicePrincipals",
		"/v1.0/me":                   "/v1.0/me",
		"v1.0/me":                    "/v1.0/me",
		base + "/users?$top=1":       "/v1.0/users?$top=1",
		"/users?$filter=mail eq 'x'": "/v1.0/users?$filter=mail%20eq%20%27x%27",
	} {
		body, err := c.Raw(t.Context(), "GET", target, nil)
		if err != nil || string(body) != `{"id":"1"}` || asked != "GET "+want {
			t.Errorf("%s: %s, %v", target, asked, err)
		}
	}
	if body, err := c.Raw(t.Context(), "PATCH", "/servicePrincipals/1", []byte(`{"replyUrls":[]}`)); err != nil || body != nil {
		t.Errorf("PATCH: %s, %v", body, err)
	}
	asked = ""
	for _, target := range []string{"https://evil.example/v1.0/me", base + "evil/me", "http" + strings.TrimPrefix(base, "https") + "/me", "//evil.example/me/../..", "/../oauth2/token", "/me#x", "https://user@" + strings.TrimPrefix(base, "https://") + "/me"} {
		_, err := c.Raw(t.Context(), "GET", target, nil)
		if _, ok := errors.AsType[*AddressError](err); !ok || asked != "" {
			t.Errorf("%s: %v, asked %s", target, err, asked)
		}
	}
}

func TestEntities(t *testing.T) {
	var asked []string
	base := ""
	c, root := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery+"|"+r.Header.Get("ConsistencyLevel"))
		if r.URL.Query().Get("$skiptoken") == "" {
			fmt.Fprintf(w, `{"value":[{"id":"1"},{"id":"2"}],"@odata.nextLink":"%s/users?$skiptoken=x"}`, base)
			return
		}
		fmt.Fprint(w, `{"value":[{"id":"3"}]}`)
	})
	base = root
	for _, q := range []struct {
		Query
		found, requests int
	}{{Query{}, 2, 1}, {Query{All: true}, 3, 2}, {Query{Top: 3}, 3, 2}, {Query{Top: 1}, 1, 1}, {Query{Top: 2000, All: true}, 3, 2}} {
		asked = nil
		found, err := c.Entities(t.Context(), "/users", q.Query)
		if err != nil || len(found) != q.found || len(asked) != q.requests {
			t.Errorf("%+v: %d found with %d requests, %v", q.Query, len(found), len(asked), err)
		}
	}
	asked = nil
	if _, err := c.Entities(t.Context(), "/users", Query{Filter: "displayName ne 'x'", Select: []string{"id", "mail"}, Top: 2000, Eventual: true}); err != nil ||
		asked[0] != "%24filter=displayName+ne+%27x%27&%24select=id%2Cmail&%24top=999|eventual" {
		t.Errorf("%q, %v", asked, err)
	}
	if _, err := c.Entities(t.Context(), "/users", Query{}); err != nil || strings.HasSuffix(asked[len(asked)-1], "eventual") {
		t.Error("the header stays")
	}
}

// TestCloud: what the token endpoint is asked, and what becomes of its answers.
func TestCloud(t *testing.T) {
	idToken := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"`+wellknown.GraphPowerShell+`","tid":"tenant","oid":"o","preferred_username":"ines@contoso.com"}`)) + "."
	var asked []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.FormValue("grant_type")+" "+r.FormValue("scope")+" "+r.FormValue("refresh_token"))
		if strings.HasSuffix(r.URL.Path, "devicecode") {
			fmt.Fprint(w, `{"device_code":"d","message":"type ABC","interval":1,"expires_in":9}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":"at%d","refresh_token":"rt%[1]d","id_token":%q,"expires_in":3599,"scope":"https://graph.microsoft.com/User.Read openid"}`, len(asked), idToken)
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	cloud := Cloud{Login: s.URL, Endpoint: s.URL + "/v1.0", Mail: mail.New(mail.Options{Roots: roots})}
	t.Cleanup(cloud.Mail.Close)
	shown := ""
	conn, err := cloud.DeviceCode(t.Context(), "contoso.com", []string{"User.Read"}, func(m string) { shown = m })
	if err != nil || shown != "type ABC" || conn.Tenant != "tenant" || conn.Account != "ines@contoso.com" || conn.How != DeviceCode || conn.Access != "at2" {
		t.Fatalf("%+v, %v, %q", conn, err, shown)
	}
	if !conn.Covers([]string{"user.read", "openid"}) || conn.Covers([]string{"User.Read.All"}) || !slices.Equal(conn.Permissions(), []string{"User.Read"}) {
		t.Errorf("scopes %v", conn.Scopes)
	}
	if err := cloud.Renew(t.Context(), conn); err != nil || conn.Access != "at3" || conn.Refresh != "rt3" {
		t.Errorf("%+v, %v", conn, err)
	}
	const scope = "https://graph.microsoft.com/User.Read openid profile offline_access "
	if want := []string{"/contoso.com/oauth2/v2.0/devicecode  " + scope, "/contoso.com/oauth2/v2.0/token urn:ietf:params:oauth:grant-type:device_code " + scope,
		"/tenant/oauth2/v2.0/token refresh_token " + scope + "rt2"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
	if err := cloud.Renew(t.Context(), &Connection{}); err == nil {
		t.Error("renewed without a refresh token")
	}
}

func TestFromToken(t *testing.T) {
	token := func(claims string) string { return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s" }
	for text, want := range map[string]string{
		token(`{"appid":"a","tid":"t","upn":"x@contoso.com","scp":"User.Read Domain.Read.All"}`): "a t x@contoso.com [User.Read Domain.Read.All]",
		token(`{"appid":"a","tid":"t","roles":["Application.Read.All"]}`):                        "a t  [Application.Read.All]",
		token(`{"tid":"t","preferred_username":"y@contoso.com"}`):                                " t y@contoso.com []",
		token(`[]`): "", "x": "", "a.b.c": "", "": "",
	} {
		got := ""
		c, err := FromToken(text)
		if err == nil {
			got = fmt.Sprint(c.ClientID, " ", c.Tenant, " ", c.Account, " ", c.Scopes)
		}
		if got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// A client goes on with the refresh token when Graph no longer takes the access token.
func TestClientRenews(t *testing.T) {
	var asked []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.FormValue("refresh_token")+r.FormValue("client_id")+r.Header.Get("Authorization"))
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			fmt.Fprint(w, `{"access_token":"at2","refresh_token":"rt2","expires_in":3600}`)
		case r.Header.Get("Authorization") != "Bearer at2":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprint(w, `{"value":[{"id":"1"}]}`)
		}
	}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	cloud := Cloud{Login: s.URL, Endpoint: s.URL + "/v1.0", Mail: mail.New(mail.Options{Roots: roots}), ClientID: "mine"}
	conn := &Connection{Tenant: "tenant", Access: "at1", Refresh: "rt1"}
	told := 0
	g, err := cloud.Client(conn, func() error { told++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Organization(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/v1.0/organization Bearer at1", "/tenant/oauth2/v2.0/token rt1mine", "/v1.0/organization Bearer at2"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
	if conn.Refresh != "rt2" || told != 1 {
		t.Errorf("%s, told %d times", conn.Refresh, told)
	}
	conn.Access = "" // as a kept connection is
	if _, err := g.Organization(t.Context()); err != nil || conn.Access != "at2" || told != 2 {
		t.Errorf("without an access token: %v, %s, told %d times", err, conn.Access, told)
	}
	conn.Refresh, conn.Access = "", "at1"
	if _, err := g.Organization(t.Context()); err == nil || !strings.Contains(err.Error(), "connect again") {
		t.Errorf("without a refresh token: %v", err)
	}
	given := &Connection{Access: "at1"}
	if g, err = cloud.Client(given, nil); err != nil {
		t.Fatal(err)
	}
	_, err = g.Organization(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusUnauthorized {
		t.Errorf("a token that somebody brought along: %v", err)
	}
}

// Documents come from the sign-in service alone: their addresses are what a server was told.
func TestDocument(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a credential")
		}
		fmt.Fprint(w, r.URL.Path)
	}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	cloud := Cloud{Login: s.URL, Mail: mail.New(mail.Options{Roots: roots}), Metadata: []string{"login.windows.net"}}
	if text, err := cloud.Document(t.Context(), s.URL+"/contoso.com/metadata.xml"); err != nil || string(text) != "/contoso.com/metadata.xml" {
		t.Errorf("%s, %v", text, err)
	}
	for _, address := range []string{"https://evil.example/x", "http" + strings.TrimPrefix(s.URL, "https"), "https://login.windows.net@evil.example/x", "https://login.windows.net.evil.example/", "https://a@login.windows.net/", "%", "https://169.254.169.254/"} {
		_, err := cloud.Document(t.Context(), address)
		if _, ok := errors.AsType[*AddressError](err); !ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if m := Microsoft(nil); !slices.Equal(m.Metadata, []string{"login.windows.net"}) {
		t.Error(m.Metadata)
	}
}
