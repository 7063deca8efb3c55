package graph

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"golang.org/x/crypto/bcrypt"

	"hma/entra"
	"hma/internal/sealed"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/wellknown"
)

const (
	tenantID = "11111111-2222-4333-8444-555555555555"
	origin   = "https://localhost:9443"
)

type env struct {
	t       testing.TB
	dir     *entra.Directory
	handler http.Handler
	clock   time.Time
	admin   string
	reader  string
	app     string
}

func newEnv(t testing.TB) *env {
	t.Helper()
	e := &env{t: t, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	e.dir, err = entra.Open(ctx, sqldbtest.Memory(t), entra.Options{Now: func() time.Time { return e.clock }, Key: sealed.New(), PasswordCost: bcrypt.MinCost})
	must(err)
	_, err = e.dir.CreateTenant(ctx, entra.NewTenant{ID: tenantID, DisplayName: "Contoso", Initial: "contoso.onmicrosoft.com", Domains: []string{"contoso.com"}})
	must(err)
	must(e.dir.SeedExchange(ctx, tenantID, []string{"https://mail.contoso.com/"}, nil))
	must(e.dir.SeedGraph(ctx, tenantID, origin))
	e.app, err = e.dir.CreateApplication(ctx, entra.Application{Tenant: tenantID, DisplayName: "Tool", Names: []string{"https://tool.contoso.com"}})
	must(err)
	must(e.dir.Consent(ctx, tenantID, e.app, wellknown.Graph, "", "User.Read"))
	e.admin, err = e.dir.CreateUser(ctx, entra.User{Tenant: tenantID, UPN: "ines@contoso.com", DisplayName: "Inês", Enabled: true, Roles: []string{entra.RoleApplicationAdministrator},
		SyncEnabled: true, ImmutableID: "aW5lcw==", OnPremSID: "S-1-5-21-1-1105"}, entra.Secret{})
	must(err)
	e.reader, err = e.dir.CreateUser(ctx, entra.User{Tenant: tenantID, UPN: "alice@contoso.com", DisplayName: "Alice O'Hara", Enabled: true}, entra.Secret{})
	must(err)
	e.handler, err = New(e.dir, Options{Origin: origin, Now: func() time.Time { return e.clock }})
	must(err)
	return e
}

// token signs claims with the directory's key.
func (e *env) token(user, scopes string, change func(map[string]any)) string {
	e.t.Helper()
	snapshot, err := e.dir.Snapshot(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	key := snapshot.Keys()[0]
	c := map[string]any{"aud": "https://graph.microsoft.com", "iss": origin + "/" + tenantID + "/", "tid": tenantID, "oid": user, "sub": "x", "scp": scopes, "ver": "1.0",
		"iat": e.clock.Unix(), "nbf": e.clock.Unix(), "exp": e.clock.Add(time.Hour).Unix()}
	if change != nil {
		change(c)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key.Private(), KeyID: key.ID}}, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		e.t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		e.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		e.t.Fatal(err)
	}
	return text
}

func (e *env) do(token, method, path, body string, header ...string) (int, map[string]any, http.Header) {
	e.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	if w.Code == 500 || w.Code == 503 {
		e.t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	var out map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			e.t.Fatalf("%s: %v in %s", path, err, w.Body)
		}
	}
	return w.Code, out, w.Header()
}

func errorCode(out map[string]any) any {
	body, _ := out["error"].(map[string]any)
	return body["code"]
}

func names(t testing.TB, out map[string]any, property string) []string {
	t.Helper()
	list, ok := out[property].([]any)
	if !ok {
		t.Fatalf("no %s in %v", property, out)
	}
	var all []string
	for _, v := range list {
		all = append(all, v.(string))
	}
	return all
}

const readWrite = "Application.ReadWrite.All Directory.Read.All User.Read"

func TestTokens(t *testing.T) {
	e := newEnv(t)
	other := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { c[name] = value }
	}
	for name, token := range map[string]string{
		"none":           "",
		"garbage":        "x.y.z",
		"other audience": e.token(e.admin, readWrite, other("aud", "https://mail.contoso.com/")),
		"other issuer":   e.token(e.admin, readWrite, other("iss", "https://sts.windows.net/"+tenantID+"/")),
		"other tenant":   e.token(e.admin, readWrite, other("tid", "99999999-2222-4333-8444-555555555555")),
		"expired":        e.token(e.admin, readWrite, other("exp", e.clock.Add(-time.Hour).Unix())),
		"no expiry":      e.token(e.admin, readWrite, other("exp", nil)),
		"not yet":        e.token(e.admin, readWrite, other("nbf", e.clock.Add(time.Hour).Unix())),
		"unknown user":   e.token(tenantID, readWrite, nil),
		"ID token":       e.token(e.admin, readWrite, other("ver", "2.0")),
		"unsigned":       "eyJhbGciOiJub25lIn0." + strings.Split(e.token(e.admin, readWrite, nil), ".")[1] + ".",
	} {
		status, out, header := e.do(token, "GET", "/v1.0/me", "")
		if status != 401 || errorCode(out) != "InvalidAuthenticationToken" || !strings.Contains(header.Get("WWW-Authenticate"), "authorization_uri=") || header.Get("request-id") == "" {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
	good := e.token(e.admin, readWrite, nil)
	if status, out, _ := e.do(good, "GET", "/v1.0/me", ""); status != 200 || out["userPrincipalName"] != "ines@contoso.com" {
		t.Errorf("good: %d %v", status, out)
	}
	if err := e.dir.UpdateUser(t.Context(), e.admin, func(u *entra.User) error { u.Enabled = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := e.do(good, "GET", "/v1.0/me", ""); status != 401 {
		t.Errorf("disabled: %d", status)
	}
}

func TestPermissions(t *testing.T) {
	e := newEnv(t)
	exchange := "/v1.0/servicePrincipals(appId='" + wellknown.Exchange + "')"
	for _, c := range []struct {
		name, user, scopes, method, path string
		want                             int
	}{
		{"no permission", e.admin, "User.Read", "GET", exchange, 403},
		{"read", e.reader, "Application.Read.All", "GET", exchange, 200},
		{"write without permission", e.admin, "Application.Read.All", "PATCH", exchange, 403},
		{"write without role", e.reader, readWrite, "PATCH", exchange, 403},
		{"write", e.admin, readWrite, "PATCH", exchange, 204},
		{"users without permission", e.admin, "User.Read", "GET", "/v1.0/users", 403},
		{"delete", e.admin, readWrite, "DELETE", exchange, 405},
		{"nothing", e.admin, readWrite, "GET", "/v1.0/groups", 400},
	} {
		if status, out, _ := e.do(e.token(c.user, c.scopes, nil), c.method, c.path, "{}"); status != c.want {
			t.Errorf("%s: %d %v", c.name, status, out)
		}
	}
}

// TestPatchReplaces is the trap in the how-to's own snippet: a list in the body is the new list.
func TestPatchReplaces(t *testing.T) {
	e := newEnv(t)
	token := e.token(e.admin, readWrite, nil)
	exchange := "/v1.0/servicePrincipals(appId='" + wellknown.Exchange + "')"
	_, before, _ := e.do(token, "GET", exchange, "")
	old := names(t, before, "servicePrincipalNames")
	if old[0] != "https://mail.contoso.com/" || len(old) < 15 {
		t.Fatalf("names %v", old)
	}
	byID := "/v1.0/servicePrincipals/" + before["id"].(string)
	patch := func(path, body string, want int, code any) {
		t.Helper()
		if status, out, _ := e.do(token, "PATCH", path, body); status != want || errorCode(out) != code {
			t.Errorf("%s: %d %v", body, status, out)
		}
	}
	full, err := json.Marshal(map[string]any{"servicePrincipalNames": append(old, "https://autodiscover.contoso.com/")})
	if err != nil {
		t.Fatal(err)
	}
	patch(exchange, string(full), 204, nil)
	_, after, _ := e.do(token, "GET", byID+"?$select=servicePrincipalNames", "")
	if got := names(t, after, "servicePrincipalNames"); len(got) != len(old)+1 || !slices.Equal(got[:len(old)], old) {
		t.Errorf("appended: %v", got)
	}
	patch(byID, `{"servicePrincipalNames":["https://a.contoso.com/","https://A.contoso.com"]}`, 204, nil)
	_, after, _ = e.do(token, "GET", byID, "")
	if got := names(t, after, "servicePrincipalNames"); !slices.Equal(got, []string{"https://a.contoso.com/", "https://A.contoso.com"}) {
		t.Errorf("replaced: %v", got)
	}
	if got := names(t, after, "replyUrls"); len(got) != 4 {
		t.Errorf("what the body does not name must stay: %v", got)
	}
	patch(byID, `{"appId":"`+wellknown.Exchange+`","replyUrls":["https://mail.contoso.com/owa","https://mail.contoso.com/ecp"]}`, 204, nil)
	patch(byID, `{"servicePrincipalNames":["https://tool.contoso.com"]}`, 409, "Request_MultipleObjectsWithSameKeyValue")
	for _, body := range []string{
		`{"servicePrincipalNames":["https://b/","https://B/"]}`, `{"replyUrls":["https://b/","https://b/"]}`, `{"servicePrincipalNames":null}`,
		`{"servicePrincipalNames":[null]}`, `{"servicePrincipalNames":"https://b/"}`, `{"servicePrincipalNames":[""]}`, `{"servicePrincipalNames":["a b"]}`,
		`{"replyUrls":["javascript:alert(1)"]}`, `{"replyUrls":["https://b/#x"]}`, `{"appId":"` + wellknown.Graph + `"}`, `{"nothing":1}`, `[]`, `{`, `{} {}`,
		`{"replyUrls":[],"replyUrls":[]}`,
	} {
		patch(byID, body, 400, "Request_BadRequest")
	}
	_, after, _ = e.do(token, "GET", byID, "")
	if got := names(t, after, "servicePrincipalNames"); len(got) != 2 {
		t.Errorf("a refused change changed something: %v", got)
	}
	patch("/v1.0/servicePrincipals/"+tenantID, `{}`, 404, "Request_ResourceNotFound")
	if status, out, _ := e.do(token, "PATCH", byID, `{"tags":["x"]}`, "Prefer", "return=representation"); status != 200 || names(t, out, "tags")[0] != "x" {
		t.Errorf("representation: %d %v", status, out)
	}
	if status, _, _ := e.do(token, "PATCH", byID, `{"tags":["`+strings.Repeat("x", maxBody)+`"]}`); status != 413 {
		t.Errorf("large body: %d", status)
	}
}

func TestQueries(t *testing.T) {
	e := newEnv(t)
	token := e.token(e.admin, readWrite, nil)
	count := func(path, query string) (int, any) {
		status, out, _ := e.do(token, "GET", "/v1.0/"+path+"?"+(url.Values{"$filter": {query}}).Encode(), "")
		list, _ := out["value"].([]any)
		if status != 200 {
			return -1, errorCode(out)
		}
		return len(list), nil
	}
	for _, c := range []struct {
		path, filter string
		want         int
	}{
		{"servicePrincipals", "AppId eq '" + wellknown.Exchange + "'", 1},
		{"servicePrincipals", "appid EQ '" + strings.ToUpper(wellknown.Exchange) + "'", 1},
		{"servicePrincipals", "servicePrincipalNames/any(n:n eq 'https://mail.contoso.com/')", 1},
		{"servicePrincipals", "servicePrincipalNames/any(n:n eq 'https://none.contoso.com/')", 0},
		{"servicePrincipals", "servicePrincipalNames/any(n:startsWith(n,'https://'))", 3},
		{"servicePrincipals", "startswith(displayName,'micro') or displayName eq 'Tool'", 2},
		{"servicePrincipals", "(accountEnabled eq true) and displayName eq 'Tool'", 1},
		{"servicePrincipals", "displayName ne 'Tool'", -1},
		{"servicePrincipals", "nothing eq 'x'", -1},
		{"servicePrincipals", "servicePrincipalNames eq 'x'", -1},
		{"servicePrincipals", "displayName eq true", -1},
		{"servicePrincipals", "displayName eq", -1},
		{"servicePrincipals", "displayName gt 'x'", -1},
		{"servicePrincipals", strings.Repeat("(", 100), -1},
		{"users", "userPrincipalName eq 'ALICE@contoso.com'", 1},
		{"users", "onPremisesImmutableId eq 'aW5lcw=='", 1},
		{"users", "onPremisesSyncEnabled eq true", 1},
		{"users", "onPremisesSecurityIdentifier eq 'S-1-5-21-1-1105' and accountEnabled eq false", 0},
		{"users", "displayName eq 'Alice O''Hara'", 1},
		{"users", "nothing eq 'x'", -1},
	} {
		if got, code := count(c.path, c.filter); got != c.want {
			t.Errorf("%s %s: %d %v", c.path, c.filter, got, code)
		}
	}
	if status, out, _ := e.do(token, "GET", "/v1.0/servicePrincipals?$filter=displayName%20ne%20'Tool'&$count=true", "", "ConsistencyLevel", "eventual"); status != 200 || out["@odata.count"] != float64(2) {
		t.Errorf("advanced: %d %v", status, out)
	}
	for _, path := range []string{"servicePrincipals", "users"} {
		seen, next := 0, "/v1.0/"+path+"?$top=1&$select=id"
		for next != "" && seen < 10 {
			_, out, _ := e.do(token, "GET", next, "")
			for _, v := range out["value"].([]any) {
				if len(v.(map[string]any)) != 1 {
					t.Errorf("$select: %v", v)
				}
				seen++
			}
			next, _ = out["@odata.nextLink"].(string)
			next = strings.TrimPrefix(next, origin)
		}
		if want := map[string]int{"servicePrincipals": 3, "users": 2}[path]; seen != want {
			t.Errorf("%s: %d in pages", path, seen)
		}
	}
	for _, query := range []string{"$select=nothing", "$top=0", "$top=1000", "$orderby=id", "$top=1&$top=2", "$skiptoken=%21", "$count=true"} {
		if status, _, _ := e.do(token, "GET", "/v1.0/servicePrincipals?"+query, ""); status != 400 {
			t.Errorf("%s: %d", query, status)
		}
	}
	for path, want := range map[string]int{"users/alice@contoso.com": 200, "users/" + e.reader: 200, "users/nobody@contoso.com": 404, "organization": 200, "organization/" + tenantID: 200,
		"domains": 200, "domains/contoso.com": 200, "domains/none.example": 404, "oauth2PermissionGrants": 200, "servicePrincipals(appId='x')": 400,
		"servicePrincipals(appId='" + wellknown.Graph + "')/oauth2PermissionGrants": 200, "users/a%00b": 400} {
		if status, out, _ := e.do(token, "GET", "/v1.0/"+path, ""); status != want {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"appId eq 'x'", "not (a eq null) or b/any(n:n eq 'it''s')", "startsWith(a,'b') and c ne true", "((("} {
		f.Add(seed)
	}
	o := object{{"a", "x"}, {"b", []string{"y"}}, {"c", true}, {"d", nil}}
	f.Fuzz(func(t *testing.T, text string) {
		compiled, err := parseFilter(text)
		if err != nil {
			return
		}
		if _, err := compiled.match(o); err == nil {
			// What an object answers it answers again.
			a, _ := compiled.match(o)
			if b, _ := compiled.match(o); a != b {
				t.Error("not deterministic")
			}
		}
		compiled.advanced()
	})
}
