package outbound_test

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/exchange/auth/outbound"
	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	tenant = "11111111-2222-3333-4444-555555555555"
	app    = "7b1f1d53-0b3f-4d0e-8c33-0f4c39d2c7f1"
)

// world is an organisation with an OAuth certificate, and a cloud that is a token service and a service in one.
type world struct {
	*testing.T
	org      *org.Organization
	snapshot *org.Snapshot
	client   *outbound.Client
	host     string
	url      string

	mu      sync.Mutex
	asked   []url.Values // token requests
	called  []*http.Request
	bodies  []string
	token   func(w http.ResponseWriter)
	service func(w http.ResponseWriter, r *http.Request)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t}
	var err error
	w.org, err = org.Open(t.Context(), sqldbtest.Memory(t), org.Options{Now: func() time.Time { return now }, PickUp: time.Hour, Key: sealed.New()})
	w.must(err)
	t.Cleanup(w.org.Close)
	w.must(w.org.CreateOrganization(t.Context(), org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}))
	w.must(w.org.CreateServer(t.Context(), org.NewServer{Name: "EX1", FQDN: "ex1.contoso.com", Version: org.Version{15, 2, 1544, 25}}))
	_, err = w.org.CreateOAuthCertificate(t.Context(), now.Add(-time.Hour), now.AddDate(5, 0, 0))
	w.must(err)
	s := httptest.NewTLSServer(w)
	t.Cleanup(s.Close)
	w.url, w.host = s.URL, strings.TrimPrefix(s.URL, "https://")
	w.client = outbound.New(outbound.Options{Keys: w.org, Now: func() time.Time { return now }, Transport: s.Client().Transport})
	w.token = func(rw http.ResponseWriter) {
		fmt.Fprint(rw, `{"token_type":"Bearer","expires_in":"3600","access_token":"a.b.c"}`)
	}
	w.service = func(rw http.ResponseWriter, r *http.Request) { fmt.Fprint(rw, "<ResponseCode>NoError</ResponseCode>") }
	for _, n := range []org.NewAuthServer{
		{Name: "ACS - 1", Type: org.MicrosoftACS, Enabled: true, AuthMetadataURL: s.URL + "/" + tenant + "/metadata/json/1", IssuerIdentifier: wellknown.ACS,
			Realm: tenant, CertificateStrings: []string{"MII="}, DomainName: []string{"contoso.com"}},
		{Name: "EvoSts - 1", Type: org.AzureAD, Enabled: true, AuthMetadataURL: s.URL + "/" + tenant + "/federationmetadata/2007-06/federationmetadata.xml",
			IssuerIdentifier: "https://sts/" + tenant + "/", Realm: tenant, CertificateStrings: []string{"MII="}},
	} {
		_, err := w.org.CreateAuthServer(t.Context(), n)
		w.must(err)
	}
	w.reload()
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) reload() {
	w.Helper()
	cfg, err := w.org.Configuration(w.Context())
	w.must(err)
	w.snapshot, err = cfg.Snapshot("EX1")
	w.must(err)
}

func (w *world) change(fn func(*org.Configuration)) {
	w.Helper()
	_, _, err := w.org.Change(w.Context(), func(c *org.Configuration) error { fn(c); return nil })
	w.must(err)
	w.reload()
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(strings.ToLower(r.URL.Path), "/token") {
		if err := r.ParseForm(); err != nil {
			w.Error(err)
		}
		w.asked = append(w.asked, r.PostForm)
		w.token(rw)
		return
	}
	if r.Header.Get("Authorization") == "Bearer" {
		rw.Header().Set("WWW-Authenticate", `Bearer client_id="`+wellknown.Exchange+`", trusted_issuers="`+wellknown.ACS+`@*", token_types="app_asserted_user_v1 service_asserted_app_v1", error="invalid_token"`)
		rw.WriteHeader(401)
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.called, w.bodies = append(w.called, r), append(w.bodies, string(body))
	w.service(rw, r)
}

// verify checks an assertion with the certificate of the thumbprint and returns its claims.
func (w *world) verify(text string) map[string]any {
	w.Helper()
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	w.must(err)
	cert := w.snapshot.Certificate(w.snapshot.Auth.CurrentCertificateThumbprint)
	x, err := cert.X509()
	w.must(err)
	claims := map[string]any{}
	w.must(parsed.Claims(x.PublicKey.(*rsa.PublicKey), &claims))
	sum, _ := base64.RawURLEncoding.DecodeString(parsed.Headers[0].ExtraHeaders["x5t"].(string))
	if fmt.Sprintf("%X", sum) != cert.Thumbprint || parsed.Headers[0].ExtraHeaders["typ"] != "JWT" {
		w.Errorf("header %v", parsed.Headers[0])
	}
	if life := claims["exp"].(float64) - float64(now.Unix()); life <= 0 || life > 3600 || claims["nbf"].(float64) > float64(now.Unix()) || claims["jti"] == "" {
		w.Errorf("lifetime %v", claims)
	}
	return claims
}

var alice = &org.Recipient{GUID: guid.GUID{15: 1}, UPN: "alice@contoso.com", PrimarySMTP: "alice@contoso.com"}

func TestForSomebody(t *testing.T) {
	w := newWorld(t)
	report := w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url + "/metadata/json/1", User: alice})
	w.must(report.Err)
	form := w.asked[0]
	resource := wellknown.Exchange + "/" + w.host + "@" + tenant
	if form.Get("grant_type") != "http://oauth.net/grant_type/jwt/1.0/bearer" || form.Get("resource") != resource {
		t.Errorf("asked %v", form)
	}
	self := wellknown.Exchange + "@" + tenant
	if c := w.verify(form.Get("assertion")); c["iss"] != self || c["nameid"] != self || c["aud"] != wellknown.ACS+"/"+w.host+"@"+tenant {
		t.Errorf("assertion %v", c)
	}
	if len(w.called) != 1 || w.called[0].URL.Path != "/EWS/Exchange.asmx" || w.called[0].Header.Get("Client-Request-Id") != report.RequestID {
		t.Fatalf("called %v", w.called)
	}
	// The bearer is an unsigned token around the one that came.
	header, rest, _ := strings.Cut(strings.TrimPrefix(w.called[0].Header.Get("Authorization"), "Bearer "), ".")
	payload, signature, _ := strings.Cut(rest, ".")
	first, _ := base64.RawURLEncoding.DecodeString(header)
	second, _ := base64.RawURLEncoding.DecodeString(payload)
	var claims map[string]any
	w.must(json.Unmarshal(second, &claims))
	if string(first) != `{"typ":"JWT","alg":"none"}` || signature != "" || claims["actortoken"] != "a.b.c" || claims["smtp"] != "alice@contoso.com" ||
		claims["iss"] != self || claims["aud"] != resource {
		t.Errorf("%s.%s.%s", first, second, signature)
	}
	log := strings.Join(report.Log, "\n")
	if strings.Contains(log, "a.b.c") || strings.Contains(log, form.Get("assertion")) || !strings.Contains(log, "'ACS - 1'") {
		t.Errorf("log %s", log)
	}
}

func TestForItself(t *testing.T) {
	w := newWorld(t)
	w.must(w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.AutoD, Target: w.url}).Err)
	if got := w.called[0]; got.Header.Get("Authorization") != "Bearer a.b.c" || got.URL.Path != "/autodiscover/autodiscover.svc" || !strings.Contains(w.bodies[0], "GetUserSettings") {
		t.Errorf("called %v %s", got, w.bodies[0])
	}
	// A kept token is used when that is asked for, and only then.
	w.must(w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url, UseCached: true}).Err)
	if len(w.asked) != 1 {
		t.Errorf("%d tokens were asked for, want 1", len(w.asked))
	}
	w.must(w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url}).Err)
	if len(w.asked) != 2 {
		t.Errorf("%d tokens were asked for, want 2", len(w.asked))
	}
}

func TestDedicatedApplication(t *testing.T) {
	w := newWorld(t)
	w.change(func(c *org.Configuration) {
		c.AuthServers[1].ApplicationIdentifier = app
		c.Overrides = append(c.Overrides, &org.SettingOverride{Name: "x", Component: "Global", Section: "ExchangeOnpremAsThirdPartyAppId", Parameters: []string{"Enabled=true"}, Reason: "r"})
	})
	w.must(w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url, User: alice}).Err)
	form := w.asked[0]
	endpoint := w.url + "/" + tenant + "/oauth2/v2.0/token"
	if form.Get("grant_type") != "client_credentials" || form.Get("client_id") != app || form.Get("scope") != wellknown.Exchange+"/.default" {
		t.Errorf("asked %v", form)
	}
	if c := w.verify(form.Get("client_assertion")); c["iss"] != app || c["sub"] != app || c["aud"] != endpoint {
		t.Errorf("assertion %v", c)
	}
	if w.called[0].Header.Get("Authorization") != "Bearer a.b.c" || !strings.Contains(w.bodies[0], "<t:PrimarySmtpAddress>alice@contoso.com<") {
		t.Errorf("called %v %s", w.called[0], w.bodies[0])
	}
}

func TestFailures(t *testing.T) {
	refused := func(w http.ResponseWriter) {
		w.WriteHeader(401)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS70002: Error validating credentials.\r\nAADSTS50012: The key was not found."}`)
	}
	for _, tt := range []struct {
		name string
		edit func(w *world)
		want string
	}{
		{"no certificate", func(w *world) {
			w.change(func(c *org.Configuration) { c.Auth.CurrentCertificateThumbprint = "" })
		}, "has no OAuth certificate"},
		{"certificate on another server", func(w *world) { w.change(func(c *org.Configuration) { c.Certificates = nil }) }, "is not on the server EX1"},
		{"expired certificate", func(w *world) {
			_, err := w.org.CreateOAuthCertificate(w.Context(), now.AddDate(-5, 0, 0), now.Add(-time.Second))
			w.must(err)
			w.reload()
		}, "is not valid now"},
		{"not uploaded", func(w *world) { w.token = refused }, "AADSTS70002: Error validating credentials. AADSTS50012: The key was not found."},
		{"no JSON", func(w *world) { w.token = func(rw http.ResponseWriter) { fmt.Fprint(rw, "<html>") } }, "not in JSON"},
		{"header in the token", func(w *world) {
			w.token = func(rw http.ResponseWriter) { fmt.Fprint(rw, `{"expires_in":3600,"access_token":"a\r\nX: y"}`) }
		}, "no usable token"},
		{"token for ever", func(w *world) {
			w.token = func(rw http.ResponseWriter) { fmt.Fprint(rw, `{"expires_in":99999999,"access_token":"a"}`) }
		}, "no usable token"},
		{"no ACS", func(w *world) { w.change(func(c *org.Configuration) { c.AuthServers[0].Enabled = false }) }, "No enabled AuthServer"},
		{"refused", func(w *world) {
			w.service = func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(401) }
		}, "returned an error: (401) Unauthorized."},
		{"sent away", func(w *world) {
			w.service = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, w.url+"/elsewhere", http.StatusFound)
			}
		}, "returned an error: (302) Found."},
		{"nobody there", func(w *world) { w.url = "https://127.0.0.1:1" }, "could not be reached"},
		{"plain http", func(w *world) { w.url = "http://localhost" }, "is no https URL"},
		{"a name in the URL", func(w *world) { w.url = "https://a:b@localhost" }, "is no https URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.edit(w)
			report := w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url, User: alice})
			if report.Err == nil || !strings.Contains(report.Err.Error(), tt.want) {
				t.Errorf("%v; want %s", report.Err, tt.want)
			}
			if len(w.called) > 1 {
				t.Errorf("called %d times", len(w.called))
			}
		})
	}
}

// TestTaken: whatever a service that took the token then says of the mailbox is no failure of OAuth.
func TestTaken(t *testing.T) {
	w := newWorld(t)
	w.service = func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(500)
		fmt.Fprint(rw, `<s:Fault><faultcode>a:ErrorNonExistentMailbox</faultcode><faultstring>The SMTP address has no mailbox associated with it.</faultstring></s:Fault>`)
	}
	report := w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url, User: alice})
	if report.Err != nil || !strings.Contains(strings.Join(report.Response, "\n"), "faultstring: The SMTP address has no mailbox") {
		t.Errorf("%v %v", report.Err, report.Response)
	}
	w.service = func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(500) }
	if w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url, User: alice}).Err == nil {
		t.Error("a bare 500 passes")
	}
}

// TestSeveralTenants: the AuthServer of the user's domain is the one that is asked.
func TestSeveralTenants(t *testing.T) {
	w := newWorld(t)
	const other = "99999999-2222-3333-4444-555555555555"
	_, err := w.org.CreateAuthServer(t.Context(), org.NewAuthServer{Name: "ACS - 2", Type: org.MicrosoftACS, Enabled: true, AuthMetadataURL: w.url + "/" + other + "/metadata/json/1",
		IssuerIdentifier: wellknown.ACS, Realm: other, CertificateStrings: []string{"MII="}, DomainName: []string{"fabrikam.com"}})
	w.must(err)
	w.reload()
	fred := &org.Recipient{UPN: "fred@fabrikam.com", PrimarySMTP: "fred@Fabrikam.com"}
	w.must(w.client.Call(t.Context(), w.snapshot, outbound.Call{Service: outbound.EWS, Target: w.url, User: fred}).Err)
	if got := w.asked[0].Get("resource"); !strings.HasSuffix(got, "@"+other) {
		t.Errorf("asked for %s", got)
	}
}
