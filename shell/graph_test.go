package shell

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hma/client/graph"
	"hma/client/mail"
)

// directory is a Graph with one service principal.
type directory struct {
	names, urls []string
	patches     []string // bodies
	status      int      // of a PATCH; 0 carries it out
	expired     int      // so many requests find their token expired
	renewed     int
}

func newDirectory() *directory {
	return &directory{names: []string{"https://a.contoso.com/", "https://b.contoso.com/"}, urls: []string{"https://a.contoso.com/owa"}}
}

func (d *directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entity := map[string]any{"id": "77", "appId": "00000002-0000-0ff1-ce00-000000000000", "displayName": "Office 365 Exchange Online", "servicePrincipalNames": d.names, "replyUrls": d.urls,
		"servicePrincipalType": "Application", "signInAudience": "AzureADMultipleOrgs", "createdDateTime": "2026-03-01T12:00:00Z", "odd": 1,
		"appRoles": []any{map[string]any{"value": "full_access_as_app"}}}
	fail := func(status int, code, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
		d.renewed++
		fmt.Fprintf(w, `{"access_token":"t%d","refresh_token":"r%d","expires_in":3600}`, d.renewed, d.renewed)
	case d.expired > 0:
		d.expired--
		fail(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	case r.Method == "GET" && r.URL.Path == "/v1.0/servicePrincipals":
		found := []any{entity}
		if f := r.URL.Query().Get("$filter"); f != "" && !strings.Contains(strings.ToLower(f), "appid eq '00000002-0000-0ff1-ce00-000000000000'") {
			found = []any{}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"@odata.context": "x", "value": found})
	case r.Method == "GET" && r.URL.Path == "/v1.0/servicePrincipals/77":
		_ = json.NewEncoder(w).Encode(entity)
	case r.Method == "PATCH" && r.URL.Path == "/v1.0/servicePrincipals/77" && d.status == 0:
		body, _ := io.ReadAll(r.Body)
		d.patches = append(d.patches, string(body))
		var p struct {
			Names *[]string `json:"servicePrincipalNames"`
			URLs  *[]string `json:"replyUrls"`
		}
		if json.Unmarshal(body, &p) != nil {
			fail(400, "Request_BadRequest", "Unable to read JSON request payload.")
			return
		}
		if p.Names != nil {
			d.names = *p.Names
		}
		if p.URLs != nil {
			d.urls = *p.URLs
		}
		w.WriteHeader(204)
	case r.Method == "PATCH":
		fail(d.status, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	default:
		fail(404, "Request_ResourceNotFound", "Resource '"+r.URL.Path+"' does not exist.")
	}
}

// cloudOf serves a directory and returns the session's end of it.
func cloudOf(t *testing.T, d http.Handler) *Graph {
	t.Helper()
	s := httptest.NewTLSServer(d)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	m := mail.New(mail.Options{Roots: roots})
	t.Cleanup(m.Close)
	return &Graph{Cloud: graph.Cloud{Login: s.URL, Endpoint: s.URL + "/v1.0", Mail: m},
		SignIn: func(_ context.Context, tenant string, scopes []string, say func(string)) (*graph.Connection, error) {
			say("Signed in as ines@contoso.com.")
			return &graph.Connection{ClientID: "14d82eec-204b-4c2f-b7e8-296a70dab67e", AppName: "Microsoft Graph Command Line Tools", Tenant: "11111111-2222-4333-8444-555555555555",
				Account: "ines@contoso.com", Scopes: append(slices.Clone(scopes), "openid", "profile"), How: graph.InteractiveBrowser, Refresh: "r0", Access: "t0"}, nil
		}}
}

// connected is a session that is connected to a directory.
func connected(t *testing.T, d *directory, ask Prompter) (s *Session, out, errs *strings.Builder) {
	t.Helper()
	out, errs = &strings.Builder{}, &strings.Builder{}
	s = &Session{Client: &recorder{}, Out: out, Err: errs, Width: 120, Graph: cloudOf(t, d), Ask: ask}
	if err := s.Run(t.Context(), "Connect-MgGraph -Scopes Application.ReadWrite.All -NoWelcome"); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	return s, out, errs
}

// chooser takes one choice of each question.
type chooser struct {
	key   string
	asked []string
	then  func()
}

func (c *chooser) Choose(_ context.Context, caption, message string, choices []Choice, def int) (int, error) {
	c.asked = append(c.asked, caption+"\n"+message)
	if c.then != nil {
		c.then()
	}
	if c.key == "" {
		return def, nil
	}
	return slices.IndexFunc(choices, func(one Choice) bool { return one.Key == c.key }), nil
}

func (c *chooser) Value(context.Context, string) (string, error) { return "", context.Canceled }

// TestUpdateKeepsEntries is the trap in the how-to's snippet: it says add, and sends a list that
// Graph replaces the old one with.
func TestUpdateKeepsEntries(t *testing.T) {
	const new2 = "-ServicePrincipalNames 'https://mail.contoso.com/','HTTPS://A.contoso.com/'"
	for _, c := range []struct {
		name, text, answer string
		names, urls        string // after it
		patches            int
		warned, asked      string
	}{
		{name: "union", text: new2, names: "https://a.contoso.com/ https://b.contoso.com/ https://mail.contoso.com/", patches: 1, warned: "1 entry that the new list leaves out was kept: https://b.contoso.com/. With -Force"},
		{name: "forced", text: new2 + " -Force", names: "https://mail.contoso.com/ HTTPS://A.contoso.com/", patches: 1},
		{name: "nothing lost", text: "-ReplyUrls ($sp.ReplyUrls + 'https://b.contoso.com/owa')", urls: "https://a.contoso.com/owa https://b.contoso.com/owa", patches: 1},
		{name: "nothing new", text: "-ReplyUrls $sp.ReplyUrls", patches: 0},
		{name: "twice in the list", text: "-ReplyUrls ($sp.ReplyUrls + $sp.ReplyUrls)", patches: 0},
		{name: "what if", text: new2 + " -WhatIf", patches: 0, warned: "was kept"},
		{name: "asked, add", text: new2, answer: "default", names: "https://a.contoso.com/ https://b.contoso.com/ https://mail.contoso.com/", patches: 1, asked: "The new ServicePrincipalNames leave out 1 of 2 entries: https://b.contoso.com/"},
		{name: "asked, replace", text: new2, answer: "R", names: "https://mail.contoso.com/ HTTPS://A.contoso.com/", patches: 1, asked: "leave out"},
		{name: "asked, cancel", text: new2, answer: "C", patches: 0, asked: "leave out"},
		{name: "nothing lost, not asked", text: "-ReplyUrls ($sp.ReplyUrls + 'https://b.contoso.com/owa')", answer: "C", urls: "https://a.contoso.com/owa https://b.contoso.com/owa", patches: 1},
		{name: "body", text: "-BodyParameter @{ replyUrls = @('https://c.contoso.com/owa'); tags = @('x') }", urls: "https://a.contoso.com/owa https://c.contoso.com/owa", patches: 1, warned: "ReplyUrls: 1 entry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, ask := newDirectory(), &chooser{key: strings.TrimPrefix(c.answer, "default")}
			var prompter Prompter
			if c.answer != "" {
				prompter = ask
			}
			s, out, errs := connected(t, d, prompter)
			if err := s.Run(t.Context(), `$sp = Get-MgServicePrincipal -ServicePrincipalId 77; Update-MgServicePrincipal -ServicePrincipalId $sp.Id `+c.text); err != nil {
				t.Fatal(err, errs)
			}
			if c.names == "" {
				c.names = "https://a.contoso.com/ https://b.contoso.com/"
			}
			if c.urls == "" {
				c.urls = "https://a.contoso.com/owa"
			}
			if got := strings.Join(d.names, " "); got != c.names {
				t.Errorf("names %s", got)
			}
			if got := strings.Join(d.urls, " "); got != c.urls {
				t.Errorf("reply URLs %s", got)
			}
			if len(d.patches) != c.patches {
				t.Errorf("patches %q", d.patches)
			}
			if c.warned == "" && errs.Len() > 0 || !strings.Contains(errs.String(), c.warned) {
				t.Errorf("said %q", errs)
			}
			if asked := strings.Join(ask.asked, "|"); c.asked == "" && asked != "" || !strings.Contains(asked, c.asked) {
				t.Errorf("asked %q", asked)
			}
			if c.name == "what if" && !strings.HasPrefix(out.String(), "What if: ") {
				t.Errorf("what if: %q", out)
			}
		})
	}
}

func TestUpdateRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"-AppId 00000003-0000-0000-c000-000000000000 -ReplyUrls 'https://x/'": "application's id cannot be changed",
		"-ReplyUrls $null":                      "An entry is empty",
		"-ReplyUrls 'https://x/', ''":           "An entry is empty",
		"-BodyParameter 1":                      "give a hashtable",
		"":                                      "There is nothing to change",
		"-ReplyUrls 'https://x/' -Confirm":      "-Confirm needs a terminal",
		"-ServicePrincipalId 78 -ReplyUrls 'x'": "ErrorCode: Request_ResourceNotFound",
	} {
		d := newDirectory()
		s, _, errs := connected(t, d, nil)
		id := "-ServicePrincipalId 77 "
		if strings.Contains(text, "78") {
			id = ""
		}
		err := s.Run(t.Context(), "Update-MgServicePrincipal "+id+text)
		if _, ok := errors.AsType[*Failure](err); !ok || !strings.Contains(errs.String(), want) || len(d.patches) > 0 {
			t.Errorf("%s: %v, %q, %d patches", text, err, errs, len(d.patches))
		}
	}
	d := newDirectory()
	d.status = 403
	s, _, errs := connected(t, d, nil)
	if err := s.Run(t.Context(), "Update-MgServicePrincipal 77 -ReplyUrls 'https://x/'"); err == nil || !strings.Contains(errs.String(), "Insufficient privileges to complete the operation.\n\nStatus: 403 (Forbidden)\nErrorCode: Authorization_RequestDenied\nConnected with: Application.ReadWrite.All") {
		t.Errorf("%v, %s", err, errs)
	}
	// Whoever is asked may find that another was faster.
	d = newDirectory()
	s, _, errs = connected(t, d, &chooser{then: func() { d.names = append(d.names, "https://new/") }})
	if err := s.Run(t.Context(), "Update-MgServicePrincipal 77 -ServicePrincipalNames 'https://x/'"); err == nil || !strings.Contains(errs.String(), "changed by somebody else") || len(d.patches) > 0 {
		t.Errorf("%v, %s, %q", err, errs, d.patches)
	}
}

func TestGraphRequest(t *testing.T) {
	d := newDirectory()
	s, out, errs := connected(t, d, nil)
	endpoint := s.Graph.Cloud.Endpoint
	for _, c := range [][2]string{
		{"(Invoke-MgGraphRequest -Method GET -Uri /v1.0/servicePrincipals/77).displayName", "Office 365 Exchange Online"},
		{"(Invoke-MgGraphRequest -Uri servicePrincipals/77).id", "77"},
		{"(Invoke-MgGraphRequest -Uri '" + endpoint + "/servicePrincipals').value[0].id", "77"},
		{"Invoke-MgGraphRequest -Method PATCH -Uri /servicePrincipals/77 -Body @{ replyUrls = @('https://x/owa') }", ""},
		{"(Get-MgServicePrincipal -ServicePrincipalId 77).ReplyUrls", "https://x/owa"}, // replaced
		{`Invoke-MgGraphRequest -Method PATCH -Uri /servicePrincipals/77 -Body '{"replyUrls":[]}'; (Get-MgServicePrincipal 77).ReplyUrls.Count`, "0"},
	} {
		out.Reset()
		if err := s.Run(t.Context(), c[0]); err != nil || strings.TrimSpace(out.String()) != c[1] {
			t.Errorf("%s: %v, %q, %s", c[0], err, out, errs)
		}
	}
	for _, uri := range []string{"https://evil.example/v1.0/me", strings.Replace(endpoint, "/v1.0", "/v1.0evil/me", 1), "../oauth2", "http" + strings.TrimPrefix(endpoint, "https")} {
		errs.Reset()
		if err := s.Run(t.Context(), "Invoke-MgGraphRequest -Uri '"+uri+"'"); err == nil || !strings.Contains(errs.String(), "is no address below") {
			t.Errorf("%s: %v, %s", uri, err, errs)
		}
	}
}

// TestGraphConnection: what is kept for the next session, and that a token is renewed.
func TestGraphConnection(t *testing.T) {
	d := newDirectory()
	g := cloudOf(t, d)
	var kept *graph.Connection
	saves := 0
	g.Load = func() (*graph.Connection, error) {
		if kept == nil {
			return nil, nil
		}
		c := *kept
		c.Access = "" // is not kept
		return &c, nil
	}
	g.Save = func(c *graph.Connection) error { kept = c; saves++; return nil }
	play := func(text string) string {
		t.Helper()
		var out strings.Builder
		s := &Session{Client: &recorder{}, Out: &out, Err: &out, Graph: g}
		_ = s.Run(t.Context(), text)
		return out.String()
	}
	if out := play("Get-MgServicePrincipal"); !strings.Contains(out, "Authentication needed. Please call Connect-MgGraph.") || !strings.Contains(out, "[Get-MgServicePrincipal], AuthenticationException") {
		t.Error(out)
	}
	if out := play("Get-MgContext; Disconnect-MgGraph"); !strings.Contains(out, "There is no connection") {
		t.Error(out)
	}
	if out := play("Connect-Graph -Scopes User.Read, Application.ReadWrite.All"); !strings.Contains(out, "Welcome to Microsoft Graph!") || !strings.Contains(out, "Signed in as ines@contoso.com.") || kept == nil {
		t.Error(out, kept)
	}
	if out := play("(Get-MgServicePrincipal 77).Id"); out != "77\n" || d.renewed != 1 || kept.Refresh != "r1" {
		t.Error(out, d.renewed, kept)
	}
	d.expired = 1
	if out := play("(Get-MgServicePrincipal 77).Id"); out != "77\n" || d.renewed != 3 { // once for the session, once for the expired token
		t.Error(out, d.renewed)
	}
	d.expired = 2
	if out := play("(Get-MgServicePrincipal 77).Id"); !strings.Contains(out, "InvalidAuthenticationToken") {
		t.Error(out)
	}
	if out := play("Connect-MgGraph -Scopes application.readwrite.all -NoWelcome; (Get-MgContext).Account"); out != "ines@contoso.com\n" {
		t.Error(out) // nobody had to sign in
	}
	if out := play("Connect-MgGraph -Scopes Domain.Read.All -NoWelcome; (Get-MgContext).Scopes -join ' '"); !strings.Contains(out, "Domain.Read.All User.Read Application.ReadWrite.All") {
		t.Error(out) // permissions add up
	}
	before := saves
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"appid":"a","tid":"t","upn":"x@contoso.com","scp":"User.Read"}`))
	if out := play("Connect-MgGraph -AccessToken h." + payload + ".s -NoWelcome; Get-MgContext | select Account, TokenCredentialType, AuthType | fl"); !strings.Contains(out, "UserProvidedAccessToken") || saves != before {
		t.Error(out)
	}
	if out := play("Connect-MgGraph -AccessToken x"); !strings.Contains(out, "no JSON Web Token") {
		t.Error(out)
	}
	if out := play("Connect-MgGraph -TenantId a/b"); !strings.Contains(out, "is no tenant") {
		t.Error(out)
	}
	if out := play("Disconnect-Graph | fl Account"); !strings.Contains(out, "Account : ines@contoso.com") || kept != nil {
		t.Error(out, kept)
	}
	if out := play("Connect-MgGraph -ContextScope Process -NoWelcome; (Get-MgContext).ContextScope; (Disconnect-MgGraph).ContextScope"); !strings.HasSuffix(out, "\nProcess\nProcess\n") || kept != nil {
		t.Error(out, kept)
	}
	play("Connect-MgGraph")
	before, d.expired = saves, 1
	if out := play("Connect-MgGraph -Scopes Domain.Read.All -ContextScope Process -NoWelcome; (Get-MgServicePrincipal 77).Id"); !strings.HasSuffix(out, "\n77\n") || d.expired != 0 || saves != before {
		t.Error(out, d.expired, saves-before) // a renewed token keeps no connection of one session alone
	}
	play("Disconnect-MgGraph")
	g.SignIn = func(context.Context, string, []string, func(string)) (*graph.Connection, error) {
		return nil, &mail.SignInError{Code: "access_denied", Description: "AADSTS65004: The user declined. Trace ID: x"}
	}
	if out := play("Connect-MgGraph"); !strings.Contains(out, "AADSTS65004: The user declined.\n") || !strings.Contains(out, "AuthenticationError: (:) [Connect-MgGraph], AuthenticationFailedException") {
		t.Error(out)
	}
}
