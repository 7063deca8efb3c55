package online

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"golang.org/x/crypto/bcrypt"

	"hma/entra"
	"hma/internal/sealed"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

const (
	tenantID = "11111111-2222-4333-8444-555555555555"
	fabrikam = "99999999-2222-4333-8444-555555555555"
	origin   = "https://localhost:9443"
	host     = "localhost:9443"
)

type env struct {
	t       testing.TB
	dir     *entra.Directory
	handler http.Handler
	clock   time.Time
	alice   string
	app     string // service principal of a client with full_access_as_app
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
	now := func() time.Time { return e.clock }
	var err error
	e.dir, err = entra.Open(ctx, sqldbtest.Memory(t), entra.Options{Now: now, Key: sealed.New(), PasswordCost: bcrypt.MinCost})
	must(err)
	for id, domain := range map[string]string{tenantID: "contoso", fabrikam: "fabrikam"} {
		_, err = e.dir.CreateTenant(ctx, entra.NewTenant{ID: id, DisplayName: domain, Initial: domain + ".onmicrosoft.com", Domains: []string{domain + ".com"}})
		must(err)
		must(e.dir.SeedExchange(ctx, id, []string{"https://mail." + domain + ".com/", wellknown.Exchange + "/" + host}, nil))
	}
	app, err := e.dir.CreateApplication(ctx, entra.Application{Tenant: tenantID, DisplayName: "ExchangeServerApp"})
	must(err)
	must(e.dir.AssignRole(ctx, tenantID, app, wellknown.Exchange, "full_access_as_app"))
	e.app = e.snapshot().Tenant(tenantID).ServicePrincipalByAppID(app).ID
	e.alice, err = e.dir.CreateUser(ctx, entra.User{Tenant: tenantID, UPN: "alice@contoso.com", Mail: "a.novak@contoso.com", DisplayName: "Alice", Enabled: true}, entra.Secret{})
	must(err)
	for _, u := range []entra.User{{Tenant: tenantID, UPN: "bob@contoso.com", DisplayName: "Bob", Enabled: true}, {Tenant: tenantID, UPN: "off@contoso.com", DisplayName: "Off"},
		{Tenant: fabrikam, UPN: "eve@fabrikam.com", DisplayName: "Eve", Enabled: true}} {
		_, err = e.dir.CreateUser(ctx, u, entra.Secret{})
		must(err)
	}
	e.handler, err = New(e.dir, Options{Origin: origin, Now: now})
	must(err)
	return e
}

func (e *env) snapshot() *entra.Snapshot {
	e.t.Helper()
	s, err := e.dir.Snapshot(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	return s
}

// sign signs claims as the cloud does.
func (e *env) sign(c map[string]any) string {
	e.t.Helper()
	key := e.snapshot().Keys()[0]
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

func change(c map[string]any, pairs []any) map[string]any {
	for i := 0; i+1 < len(pairs); i += 2 {
		if c[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(c, pairs[i].(string))
		}
	}
	return c
}

// server is a token that the token service gives to a server.
func (e *env) server(pairs ...any) string {
	sp := e.snapshot().Tenant(tenantID).ServicePrincipalByAppID(wellknown.Exchange)
	return e.sign(change(map[string]any{"iss": wellknown.ACS + "@" + tenantID, "aud": wellknown.Exchange + "/" + host + "@" + tenantID, "nameid": wellknown.Exchange + "@" + tenantID,
		"oid": sp.ID, "sub": sp.ID, "trustedfordelegation": "true", "nbf": e.clock.Unix(), "exp": e.clock.Add(time.Hour).Unix()}, pairs))
}

// acting is a server's own token around it.
func (e *env) acting(inner string, pairs ...any) string {
	e.t.Helper()
	body, err := json.Marshal(change(map[string]any{"iss": wellknown.Exchange + "@contoso.com", "aud": wellknown.Exchange + "/" + host + "@contoso.com", "nii": "urn:federation:MicrosoftOnline",
		"upn": "alice@contoso.com", "smtp": "a.novak@contoso.com", "nbf": e.clock.Unix(), "exp": e.clock.Add(time.Hour).Unix(), "actortoken": inner}, pairs))
	if err != nil {
		e.t.Fatal(err)
	}
	return outer(`{"typ":"JWT","alg":"none"}`, string(body))
}

func outer(header, body string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(body)) + "."
}

// application is a token of the token service for an application.
func (e *env) application(pairs ...any) string {
	return e.sign(change(map[string]any{"iss": origin + "/" + tenantID + "/", "tid": tenantID, "aud": wellknown.Exchange + "/" + host, "oid": e.app, "sub": e.app,
		"roles": []string{"full_access_as_app"}, "ver": "1.0", "nbf": e.clock.Unix(), "exp": e.clock.Add(time.Hour).Unix()}, pairs))
}

func (e *env) post(path, token, body string) *httptest.ResponseRecorder {
	e.t.Helper()
	r := httptest.NewRequest("POST", origin+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	if w.Code == http.StatusServiceUnavailable {
		e.t.Errorf("%s: %d %s", path, w.Code, w.Body)
	}
	return w
}

const (
	envelope  = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover">`
	getFolder = `<s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`
)

func impersonating(address string) string {
	return envelope + `<s:Header><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + address + `</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header>` + getFolder
}

func TestChallenge(t *testing.T) {
	e := newEnv(t)
	for _, path := range []string{"/EWS/Exchange.asmx", "/ews/exchange.asmx", "/autodiscover/autodiscover.svc"} {
		w := e.post(path, "", "")
		found, _ := bearer.Find(bearer.Parse(w.Header().Values("WWW-Authenticate")), "Bearer")
		if c := found.Challenge(); w.Code != 401 || c.TrustedIssuers != wellknown.ACS+"@*" || c.ClientID != wellknown.Exchange || w.Header().Get(bearer.DiagnosticsHeader) != "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if w := e.post("/EWS/Services.wsdl", "", ""); w.Code != 404 {
		t.Errorf("another path: %d", w.Code)
	}
}

// TestTokens: who is taken, and with which reason the others are not.
func TestTokens(t *testing.T) {
	e := newEnv(t)
	code := func(token string) (int, bearer.Code) {
		w := e.post("/EWS/Exchange.asmx", token, envelope+getFolder)
		d, _ := bearer.ParseDiagnostics(w.Header().Get(bearer.DiagnosticsHeader))
		return w.Code, d.Code
	}
	for name, token := range map[string]string{
		"a server":                      e.server(),
		"a server for a person":         e.acting(e.server()),
		"by object id":                  e.acting(e.server(), "oid", e.alice),
		"by SIP":                        e.acting(e.server(), "upn", nil, "smtp", nil, "sip", "sip:alice@contoso.com"),
		"times as texts":                e.acting(e.server(), "exp", "1772370000"),
		"the dedicated application":     e.application(),
		"addressed to the service":      e.application("aud", "https://outlook.office365.com"),
		"addressed to the principal":    e.application("aud", wellknown.Exchange),
		"a person's client":             e.application("roles", nil, "scp", "EWS.AccessAsUser.All", "oid", e.alice),
		"realm of the actor's audience": e.acting(e.server(), "aud", wellknown.Exchange+"/"+host+"@"+tenantID),
	} {
		if status, why := code(token); status != 500 {
			t.Errorf("%s: %d %d", name, status, why)
		}
	}
	server := e.server()
	parts := strings.Split(server, ".")
	for _, c := range []struct {
		name  string
		token string
		why   bearer.Code
	}{
		{"no JWT", "x", bearer.Unparsable},
		{"oversize", strings.Repeat("a", maxToken+1), bearer.Unparsable},
		{"unsigned", outer(`{"alg":"none"}`, `{"iss":"`+wellknown.ACS+`@`+tenantID+`"}`), bearer.Unparsable},
		{"another's signature", parts[0] + "." + parts[1] + "." + strings.Split(e.server("nameid", "x"), ".")[2], bearer.InvalidSignature},
		{"expired", e.server("exp", e.clock.Add(-time.Hour).Unix()), bearer.Unparsable},
		{"no expiry", e.server("exp", nil), bearer.Unparsable},
		{"not yet", e.server("nbf", e.clock.Add(time.Hour).Unix()), bearer.Unparsable},
		{"a server of no tenant", e.server("iss", wellknown.ACS+"@nobody.example"), bearer.InvalidIssuer},
		{"a server named by domain", e.server("iss", wellknown.ACS+"@contoso.com"), bearer.InvalidIssuer},
		{"a server's token for another tenant", e.server("aud", wellknown.Exchange+"/"+host+"@"+fabrikam), bearer.InvalidResource},
		{"a server's token for another host", e.server("aud", wellknown.Exchange+"/mail.contoso.com@"+tenantID), bearer.InvalidResource},
		{"another principal's", e.server("oid", e.app), bearer.InvalidGrant},
		{"another name", e.server("nameid", "x@"+tenantID), bearer.InvalidGrant},
		{"actor that may not", e.acting(e.server("trustedfordelegation", "false")), bearer.InvalidGrant},
		{"actor is an application", e.acting(e.application()), bearer.InvalidIssuer},
		{"actor unsigned", e.acting(outer(`{"alg":"none"}`, `{}`)), bearer.Unparsable},
		{"actor in actor", e.acting(e.acting(e.server())), bearer.Unparsable},
		{"actor expired", e.acting(e.server("exp", e.clock.Add(-time.Hour).Unix())), bearer.Unparsable},
		{"expired around", e.acting(e.server(), "exp", e.clock.Add(-time.Hour).Unix()), bearer.Unparsable},
		{"no expiry around", e.acting(e.server(), "exp", nil), bearer.Unparsable},
		{"issuer of another tenant", e.acting(e.server(), "iss", wellknown.Exchange+"@fabrikam.com"), bearer.InvalidIssuer},
		{"issuer is another application", e.acting(e.server(), "iss", wellknown.Graph+"@contoso.com"), bearer.InvalidIssuer},
		{"for another host", e.acting(e.server(), "aud", wellknown.Exchange+"/x@contoso.com"), bearer.InvalidResource},
		{"for another tenant", e.acting(e.server(), "aud", wellknown.Exchange+"/"+host+"@fabrikam.com"), bearer.InvalidResource},
		{"a person of another tenant", e.acting(e.server(), "upn", "eve@fabrikam.com", "smtp", nil), bearer.InvalidUser},
		{"nobody named", e.acting(e.server(), "upn", nil, "smtp", nil), bearer.InvalidUser},
		{"two people", e.acting(e.server(), "smtp", "bob@contoso.com"), bearer.InvalidUser},
		{"a disabled person", e.acting(e.server(), "upn", "off@contoso.com", "smtp", nil), bearer.InvalidUser},
		{"a claim twice", outer(`{"alg":"none"}`, `{"actortoken":"x","actortoken":"`+server+`"}`), bearer.Unparsable},
		{"application without the role", e.application("roles", []string{"Mail.Read"}), bearer.InvalidGrant},
		{"application for a server on premises", e.application("aud", "https://mail.contoso.com/"), bearer.InvalidResource},
		{"application of another tenant", e.application("tid", fabrikam), bearer.InvalidIssuer},
		{"application of no tenant", e.application("iss", "https://sts.windows.net/"+tenantID+"/"), bearer.InvalidIssuer},
		{"person without scope", e.application("roles", nil, "scp", "User.Read", "oid", e.alice), bearer.InvalidGrant},
		{"unknown person", e.application("roles", nil, "scp", "EWS.AccessAsUser.All", "oid", fabrikam), bearer.InvalidUser},
	} {
		if status, why := code(c.token); status != 401 || why != c.why {
			t.Errorf("%s: %d %d, want %d", c.name, status, why, c.why)
		}
	}
}

func TestEWS(t *testing.T) {
	e := newEnv(t)
	availability := envelope + `<s:Body><m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData/><t:MailboxData/></m:MailboxDataArray></m:GetUserAvailabilityRequest></s:Body></s:Envelope>`
	for _, c := range []struct {
		name, token, body string
		status            int
		holds             string
	}{
		{"for a person", e.acting(e.server()), envelope + getFolder, 500, codeNoMailbox},
		{"for nobody", e.server(), envelope + getFolder, 500, "ErrorMissingEmailAddress"},
		{"application for nobody", e.application(), envelope + getFolder, 500, "ErrorMissingEmailAddress"},
		{"application for a person", e.application(), impersonating("alice@contoso.com"), 500, codeNoMailbox},
		{"application for another tenant's", e.application(), impersonating("eve@fabrikam.com"), 500, codeNoMailbox},
		{"a person for another", e.acting(e.server()), impersonating("bob@contoso.com"), 500, "ErrorImpersonateUserDenied"},
		{"free/busy", e.application(), availability, 200, "ErrorMailRecipientNotFound"},
		{"free/busy of nobody", e.application(), strings.ReplaceAll(availability, "<t:MailboxData/>", ""), 500, "ErrorInvalidParameter"},
		{"no XML", e.application(), "x", 500, "ErrorSchemaValidation"},
		{"a document type", e.application(), `<!DOCTYPE a>` + envelope + getFolder, 500, "ErrorSchemaValidation"},
		{"deep", e.application(), envelope + "<s:Body>" + strings.Repeat("<a>", 1000), 500, "ErrorSchemaValidation"},
		{"another namespace", e.application(), envelope + "<s:Body><GetFolder/></s:Body></s:Envelope>", 500, "ErrorInvalidRequest"},
	} {
		w := e.post("/EWS/Exchange.asmx", c.token, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	if w := e.post("/EWS/Exchange.asmx", e.application(), availability); strings.Count(w.Body.String(), "<m:FreeBusyResponse>") != 2 {
		t.Errorf("not an answer for each: %s", w.Body)
	}
	// The shared principal is blocked by tenant; the tenant's own application goes on.
	if err := e.dir.BlockSharedPrincipal(t.Context(), tenantID, true); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{e.server(): 403, e.acting(e.server()): 403, e.application(): 500} {
		if w := e.post("/EWS/Exchange.asmx", token, envelope+getFolder); w.Code != want {
			t.Errorf("blocked: %d, want %d", w.Code, want)
		}
	}
	if w := e.post("/autodiscover/autodiscover.svc", e.server(), userSettings("alice@contoso.com", "ExternalEwsUrl")); w.Code != 200 {
		t.Errorf("Autodiscover is not EWS: %d", w.Code)
	}
}

func userSettings(address, setting string) string {
	return envelope + `<s:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>` + address +
		`</a:Mailbox></a:User></a:Users><a:RequestedSettings><a:Setting>` + setting + `</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`
}

func TestAutodiscover(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct {
		name, body string
		status     int
		holds      string
	}{
		{"known", userSettings("a.novak@contoso.com", "ExternalEwsUrl"), 200, "<a:Value>" + origin + "/EWS/Exchange.asmx</a:Value>"},
		{"unknown", userSettings("eve@fabrikam.com", "ExternalEwsUrl"), 200, "<a:ErrorCode>InvalidUser</a:ErrorCode>"},
		{"nobody", userSettings("", "ExternalEwsUrl"), 200, "<a:ErrorCode>InvalidUser</a:ErrorCode>"},
		{"another setting", userSettings("alice@contoso.com", "InternalEwsUrl"), 200, "<a:SettingName>InternalEwsUrl</a:SettingName>"},
		{"no users", envelope + `<s:Body><a:GetUserSettingsRequestMessage/></s:Body></s:Envelope>`, 200, "InvalidRequest"},
		{"another action", envelope + `<s:Body><a:GetDomainSettingsRequestMessage/></s:Body></s:Envelope>`, 500, "not supported"},
		{"no XML", "x", 500, "cannot be read"},
	} {
		w := e.post("/autodiscover/autodiscover.svc", e.server(), c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}

// FuzzActing: an unsigned token is never taken without a signed one inside, whatever it says.
func FuzzActing(f *testing.F) {
	e := newEnv(f)
	f.Add(`{"alg":"none"}`, `{"actortoken":"x","exp":1e12}`)
	f.Add(`{"alg":"none"}`, `{"actortoken":"a.b.","upn":"alice@contoso.com"}`)
	f.Fuzz(func(t *testing.T, header, body string) {
		e.t = t
		if w := e.post("/EWS/Exchange.asmx", outer(header, body), envelope+getFolder); w.Code != 401 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
