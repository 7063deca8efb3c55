package sts

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/entra"
	"hma/wire/s2s"
	"hma/wire/wellknown"
)

// signer is a certificate with its key, as a server or an application holds it.
type signer struct {
	key *rsa.PrivateKey
	der []byte
}

func newSigner(t testing.TB, from, until time.Time) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(from.Unix()), Subject: pkix.Name{CommonName: "OAuth"}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key, der}
}

func (s *signer) credential(t testing.TB) entra.KeyCredential {
	t.Helper()
	k, err := entra.NewKeyCredential(s.der, "OAuth", time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (s *signer) x5t() string {
	sum := sha1.Sum(s.der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *signer) x5tS256() string {
	sum := sha256.Sum256(s.der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// jws signs a payload as it stands, under a header as it stands.
func (s *signer) jws(t testing.TB, header map[string]any, payload string) string {
	t.Helper()
	head, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// sign signs claims with RS256 under the certificate's thumbprint.
func (s *signer) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return s.jws(t, map[string]any{"typ": "JWT", "alg": "RS256", "x5t": s.x5t()}, string(payload))
}

// exchangeKeys sets the key credentials of the Exchange service principal.
func (e *env) exchangeKeys(keys ...entra.KeyCredential) {
	e.t.Helper()
	snapshot, err := e.dir.Snapshot(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	sp := snapshot.Tenant(tenantID).ServicePrincipalByAppID(wellknown.Exchange)
	if err := e.dir.UpdateServicePrincipal(context.Background(), tenantID, sp.ID, func(sp *entra.ServicePrincipal) error {
		sp.KeyCredentials = keys
		return nil
	}); err != nil {
		e.t.Fatal(err)
	}
}

const (
	serverTokenPath = "/" + tenantID + "/tokens/OAuth/2"
	exchangeTarget  = wellknown.Exchange + "/outlook.office365.com@contoso.com"
)

// serverForm is a server's request; claims are changed by pairs.
func (e *env) serverForm(s *signer, change map[string]any) url.Values {
	e.t.Helper()
	return values("grant_type", grantServer, "resource", exchangeTarget, "assertion", s.sign(e.t, e.serverClaims(change)))
}

func (e *env) serverClaims(change map[string]any) map[string]any {
	c := map[string]any{"iss": wellknown.Exchange + "@contoso.com", "nameid": wellknown.Exchange + "@contoso.com",
		"aud": wellknown.ACS + "/localhost:9443@contoso.com", "nbf": e.clock.Unix(), "exp": e.clock.Add(time.Hour).Unix()}
	for name, value := range change {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func TestServerToken(t *testing.T) {
	e := newEnv(t)
	old, current := newSigner(t, e.clock.Add(-time.Hour), e.clock.AddDate(5, 0, 0)), newSigner(t, e.clock.Add(-time.Hour), e.clock.AddDate(5, 0, 0))
	e.exchangeKeys(old.credential(t), current.credential(t))
	texts := func(at time.Time) string { return json.Number(big.NewInt(at.Unix()).String()).String() }
	for name, form := range map[string]url.Values{
		"by domain":          e.serverForm(current, nil),
		"by tenant id":       e.serverForm(current, map[string]any{"iss": wellknown.Exchange + "@" + tenantID, "nameid": nil, "aud": wellknown.ACS + "/localhost:9443@" + tenantID}),
		"the key before":     e.serverForm(old, nil),
		"times as texts":     e.serverForm(current, map[string]any{"nbf": texts(e.clock), "exp": texts(e.clock.Add(time.Hour))}),
		"times as fractions": e.serverForm(current, map[string]any{"nbf": float64(e.clock.Unix()) + 0.5}),
		"RFC 7523's grant":   func() url.Values { f := e.serverForm(current, nil); f.Set("grant_type", grantJWTBearer); return f }(),
		"resource by URL": func() url.Values {
			f := e.serverForm(current, nil)
			f.Set("resource", "https://outlook.office365.com/")
			return f
		}(),
	} {
		code, out := e.token(serverTokenPath, form)
		if code != 200 || out["token_type"] != "Bearer" || out["resource"] != form.Get("resource") {
			t.Errorf("%s: %d %v", name, code, out)
			continue
		}
		c := claimsOf(t, out["access_token"])
		issuer := wellknown.ACS + "@" + tenantID
		for claim, want := range map[string]any{"iss": issuer, "identityprovider": issuer, "nameid": wellknown.Exchange + "@" + tenantID,
			"aud": wellknown.Exchange + "/outlook.office365.com@" + tenantID, "trustedfordelegation": "true"} {
			if c[claim] != want {
				t.Errorf("%s: %s is %v, want %v", name, claim, c[claim], want)
			}
		}
		if c["oid"] == "" || c["oid"] != c["sub"] || c["scp"] != nil || c["upn"] != nil {
			t.Errorf("%s: %v", name, c)
		}
		snapshot, err := e.dir.Snapshot(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jwt.ParseSigned(out["access_token"].(string), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil || parsed.Claims(snapshot.Keys()[0].Certificate.PublicKey, new(map[string]any)) != nil || parsed.Headers[0].ExtraHeaders["x5t"] != snapshot.Keys()[0].ID {
			t.Errorf("%s: signature: %v", name, err)
		}
	}
}

func TestServerTokenRefused(t *testing.T) {
	e := newEnv(t)
	const otherTenant = "99999999-2222-4333-8444-555555555555"
	if _, err := e.dir.CreateTenant(context.Background(), entra.NewTenant{ID: otherTenant, DisplayName: "Fabrikam", Initial: "fabrikam.onmicrosoft.com", Domains: []string{"fabrikam.com"}}); err != nil {
		t.Fatal(err)
	}
	if err := e.dir.SeedExchange(context.Background(), otherTenant, nil, nil); err != nil {
		t.Fatal(err)
	}
	good, stranger := newSigner(t, e.clock.Add(-time.Hour), e.clock.AddDate(5, 0, 0)), newSigner(t, e.clock.Add(-time.Hour), e.clock.AddDate(5, 0, 0))
	expired, future := newSigner(t, e.clock.AddDate(-1, 0, 0), e.clock.Add(-time.Minute)), newSigner(t, e.clock.Add(time.Minute), e.clock.AddDate(1, 0, 0))
	e.exchangeKeys(good.credential(t), expired.credential(t), future.credential(t))
	claims := func(name string, value any) map[string]any { return map[string]any{name: value} }
	text := func(assertion string) url.Values {
		return values("grant_type", grantServer, "resource", exchangeTarget, "assertion", assertion)
	}
	raw := func(c map[string]any) string {
		body, err := json.Marshal(e.serverClaims(c))
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	with := func(name, value string) url.Values {
		f := e.serverForm(good, nil)
		if f.Set(name, value); value == "" {
			f.Del(name)
		}
		return f
	}
	header := map[string]any{"typ": "JWT", "alg": "RS256", "x5t": good.x5t()}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"none","x5t":"`+good.x5t()+`"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(raw(nil))) + "."
	hmac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: good.der}, (&jose.SignerOptions{}).WithHeader("x5t", good.x5t()))
	if err != nil {
		t.Fatal(err)
	}
	byPublicKey, err := hmac.Sign([]byte(raw(nil)))
	if err != nil {
		t.Fatal(err)
	}
	hs256, err := byPublicKey.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	tampered := good.sign(t, e.serverClaims(nil))
	parts := strings.Split(tampered, ".")
	tampered = parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(raw(claims("nbf", e.clock.Unix()-1)))) + "." + parts[2]
	for _, c := range []struct {
		name string
		path string
		form url.Values
		code float64
		http int
	}{
		{"no grant", "", with("grant_type", ""), 900144, 400},
		{"another grant", "", with("grant_type", "client_credentials"), 70003, 400},
		{"no assertion", "", with("assertion", ""), 900144, 400},
		{"no resource", "", with("resource", ""), 900144, 400},
		{"unregistered resource", "", with("resource", wellknown.Exchange+"/evil.example@contoso.com"), 500011, 400},
		{"resource of another tenant", "", with("resource", wellknown.Exchange+"/outlook.office365.com@fabrikam.com"), 500011, 400},
		{"resource of no tenant", "", with("resource", wellknown.Exchange+"/outlook.office365.com@"), 500011, 400},
		{"common", "/common/tokens/OAuth/2", with("", ""), 9001023, 400},
		{"unknown tenant", "/nobody.example/tokens/OAuth/2", with("", ""), 90002, 400},
		{"another tenant, which has no key", "/fabrikam.com/tokens/OAuth/2", with("", ""), 50012, 401},
		{"no JWT", "", text("x"), 50027, 400},
		{"five parts", "", text("a.b.c.d.e"), 50027, 400},
		{"JSON serialization", "", text(`{"payload":"x"}`), 50027, 400},
		{"oversize", "", text(strings.Repeat("a", maxAssertion+1)), 50027, 400},
		{"alg none", "", text(none), 50027, 400},
		{"HS256 with the certificate as secret", "", text(hs256), 50027, 400},
		{"unknown key", "", e.serverForm(stranger, nil), 50012, 401},
		{"another's key under our thumbprint", "", text(stranger.jws(t, header, raw(nil))), 50012, 401},
		{"thumbprints of two keys", "", text(good.jws(t, map[string]any{"alg": "RS256", "x5t": good.x5t(), "x5t#S256": stranger.x5tS256()}, raw(nil))), 50012, 401},
		{"no thumbprint", "", text(good.jws(t, map[string]any{"alg": "RS256"}, raw(nil))), 50012, 401},
		{"a key in the header", "", text(stranger.jws(t, map[string]any{"alg": "RS256", "x5c": []string{base64.StdEncoding.EncodeToString(stranger.der)}}, raw(nil))), 50012, 401},
		{"expired key", "", e.serverForm(expired, nil), 50012, 401},
		{"key not yet valid", "", e.serverForm(future, nil), 50012, 401},
		{"tampered claims", "", text(tampered), 50012, 401},
		{"unknown critical header", "", text(good.jws(t, map[string]any{"alg": "RS256", "x5t": good.x5t(), "crit": []string{"x"}, "x": 1}, raw(nil))), 50027, 400},
		{"a claim twice", "", text(good.jws(t, header, strings.Replace(raw(nil), "{", `{"iss":"x",`, 1))), 50027, 400},
		{"claims are no object", "", text(good.jws(t, header, `[]`)), 50027, 400},
		{"several audiences", "", e.serverForm(good, claims("aud", []string{wellknown.ACS + "/localhost:9443@contoso.com"})), 50027, 400},
		{"no audience", "", e.serverForm(good, claims("aud", nil)), 50012, 401},
		{"another host", "", e.serverForm(good, claims("aud", wellknown.ACS+"/accounts.accesscontrol.windows.net@contoso.com")), 50012, 401},
		{"audience of another tenant", "", e.serverForm(good, claims("aud", wellknown.ACS+"/localhost:9443@fabrikam.com")), 50012, 401},
		{"audience is Exchange", "", e.serverForm(good, claims("aud", wellknown.Exchange+"/localhost:9443@contoso.com")), 50012, 401},
		{"issuer of another tenant", "", e.serverForm(good, map[string]any{"iss": wellknown.Exchange + "@fabrikam.com", "nameid": nil}), 700016, 400},
		{"issuer without realm", "", e.serverForm(good, map[string]any{"iss": wellknown.Exchange, "nameid": nil}), 700016, 400},
		{"issuer is another application", "", e.serverForm(good, map[string]any{"iss": confidential + "@contoso.com", "nameid": nil}), 700016, 400},
		{"another name", "", e.serverForm(good, claims("nameid", wellknown.Graph+"@contoso.com")), 50048, 401},
		{"another subject", "", e.serverForm(good, claims("sub", "x")), 50048, 401},
		{"no exp", "", e.serverForm(good, claims("exp", nil)), 50027, 400},
		{"exp is no number", "", e.serverForm(good, claims("exp", "soon")), 50027, 400},
		{"exp is huge", "", e.serverForm(good, claims("exp", 1e300)), 50027, 400},
		{"expired", "", e.serverForm(good, claims("exp", e.clock.Add(-6*time.Minute).Unix())), 700024, 401},
		{"not yet valid", "", e.serverForm(good, claims("nbf", e.clock.Add(6*time.Minute).Unix())), 700024, 401},
		{"valid too long", "", e.serverForm(good, claims("exp", e.clock.Add(2*time.Hour).Unix())), 700024, 401},
	} {
		path := c.path
		if path == "" {
			path = serverTokenPath
		}
		code, out := e.token(path, c.form)
		codes, _ := out["error_codes"].([]any)
		if code != c.http || len(codes) != 1 || codes[0] != c.code || out["access_token"] != nil {
			t.Errorf("%s: %d %v", c.name, code, out)
		}
	}
	if _, out := e.token(serverTokenPath, e.serverForm(stranger, nil)); !strings.Contains(out["error_description"].(string), "[Reason - The key was not found., Thumbprint of key used by client: '"+strings.ToUpper(hexOf(stranger.der))+"']") {
		t.Errorf("the text names no key: %v", out["error_description"])
	}
	if w := e.do("GET", serverTokenPath, nil); w.Code != 405 {
		t.Errorf("GET: %d", w.Code)
	}
	// What was good is not once the credential is gone.
	e.exchangeKeys()
	if code, _ := e.token(serverTokenPath, e.serverForm(good, nil)); code != 401 {
		t.Errorf("without credentials: %d", code)
	}
}

// TestClientAssertion: a confidential client proves itself with a certificate, in any grant.
func TestClientAssertion(t *testing.T) {
	e := newEnv(t)
	good, stranger := newSigner(t, e.clock.Add(-time.Hour), e.clock.AddDate(5, 0, 0)), newSigner(t, e.clock.Add(-time.Hour), e.clock.AddDate(5, 0, 0))
	expired := newSigner(t, e.clock.AddDate(-1, 0, 0), e.clock.Add(-time.Minute))
	if err := e.dir.UpdateApplication(context.Background(), tenantID, confidential, func(a *entra.Application) error {
		a.KeyCredentials = []entra.KeyCredential{good.credential(t), expired.credential(t)}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	claims := func(pairs ...any) map[string]any {
		c := map[string]any{"iss": confidential, "sub": confidential, "aud": e.origin + v2Token, "jti": "1", "exp": e.clock.Add(10 * time.Minute).Unix()}
		for i := 0; i+1 < len(pairs); i += 2 {
			c[pairs[i].(string)] = pairs[i+1]
		}
		return c
	}
	form := func(assertion string, pairs ...string) url.Values {
		v := values("grant_type", "client_credentials", "client_id", confidential, "scope", mail+".default", "client_assertion_type", assertionType, "client_assertion", assertion)
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	payload, err := json.Marshal(claims())
	if err != nil {
		t.Fatal(err)
	}
	signed := func(header map[string]any) string { return good.jws(t, header, string(payload)) }
	for name, f := range map[string]url.Values{
		"x5t":              form(good.sign(t, claims())),
		"padded x5t":       form(signed(map[string]any{"alg": "RS256", "x5t": good.x5t() + "="})),
		"x5t#S256":         form(signed(map[string]any{"alg": "RS256", "x5t#S256": good.x5tS256()})),
		"kid":              form(signed(map[string]any{"alg": "RS256", "kid": strings.ToUpper(hexOf(good.der))})),
		"v1 token address": form(good.sign(t, claims("aud", e.origin+v1Token))),
		"issuer":           form(good.sign(t, claims("aud", e.origin+"/"+tenantID+"/v2.0"))),
	} {
		code, out := e.token(v2Token, f)
		if code != 200 {
			t.Errorf("%s: %d %v", name, code, out)
			continue
		}
		if c := claimsOf(t, out["access_token"]); c["appidacr"] != "2" || c["appid"] != confidential || c["roles"].([]any)[0] != "full_access_as_app" {
			t.Errorf("%s: %v", name, c)
		}
	}
	for _, c := range []struct {
		name string
		form url.Values
		code float64
	}{
		{"not a JWT", form("x"), 50027},
		{"oversize", form(strings.Repeat("a", maxAssertion+1)), 50027},
		{"SAML", form(good.sign(t, claims()), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), 9002313},
		{"unknown key", form(stranger.sign(t, claims())), 700027},
		{"another's key under our thumbprint", form(stranger.jws(t, map[string]any{"alg": "RS256", "x5t": good.x5t()}, string(payload))), 700027},
		{"expired key", form(expired.sign(t, claims())), 700027},
		{"audience of another tenant", form(good.sign(t, claims("aud", e.origin+"/fabrikam.com/oauth2/v2.0/token"))), 700027},
		{"audience of another cloud", form(good.sign(t, claims("aud", "https://login.microsoftonline.com/"+tenantID+"/oauth2/v2.0/token"))), 700027},
		{"audience that begins alike", form(good.sign(t, claims("aud", e.origin+".evil.example/"+tenantID+"/oauth2/v2.0/token"))), 700027},
		{"another address", form(good.sign(t, claims("aud", e.origin+"/"+tenantID+"/oauth2/v2.0/authorize"))), 700027},
		{"several audiences", form(good.sign(t, claims("aud", []string{e.origin + v2Token}))), 50027},
		{"another client", form(good.sign(t, claims("iss", mailClient, "sub", mailClient))), 700021},
		{"subject", form(good.sign(t, claims("sub", mailClient))), 50048},
		{"a server's assertion", form(good.sign(t, e.serverClaims(nil))), 50048},
		{"expired", form(good.sign(t, claims("exp", e.clock.Add(-6*time.Minute).Unix()))), 700024},
		{"valid too long", form(good.sign(t, claims("exp", e.clock.Add(25*time.Hour).Unix()))), 700024},
		{"public client", form(good.sign(t, claims("iss", mailClient, "sub", mailClient)), "client_id", mailClient), 700025},
	} {
		code, out := e.token(v2Token, c.form)
		codes, _ := out["error_codes"].([]any)
		if code/100 != 4 || len(codes) != 1 || codes[0] != c.code || out["access_token"] != nil {
			t.Errorf("%s: %d %v", c.name, code, out)
		}
	}
	if code, out := e.token(v2Token, form(good.sign(t, claims())), "Origin", "https://any.example"); code != 400 || out["access_token"] != nil {
		t.Errorf("in a browser: %d %v", code, out)
	}
	// An assertion is proof in the other grants too: the refusal is the code's, not the client's.
	if code, out := e.token(v2Token, form(good.sign(t, claims()), "grant_type", "refresh_token", "refresh_token", "none")); code != 400 || out["error"] != "invalid_grant" {
		t.Errorf("refresh: %d %v", code, out)
	}
}

func TestServerMetadata(t *testing.T) {
	e := newEnv(t)
	w := e.do("GET", "/contoso.com/metadata/json/1", nil)
	var m s2s.Metadata
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != 200 {
		t.Fatalf("%d %v", w.Code, err)
	}
	if m.Issuer != wellknown.ACS+"@"+tenantID || m.Realm != tenantID || len(m.Endpoints) != 1 || m.Endpoints[0].Location != e.origin+serverTokenPath || len(m.Keys) != 2 {
		t.Errorf("%s", w.Body)
	}
	snapshot, err := e.dir.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if m.Keys[0] != s2s.SigningKey(snapshot.Keys()[0].ID, snapshot.Keys()[0].Certificate.Raw) {
		t.Error("the first key is not the one that signs")
	}
	if w := e.do("GET", "/common/metadata/json/1", nil); w.Code != 400 {
		t.Errorf("common: %d", w.Code)
	}
}

func hexOf(der []byte) string {
	sum := sha1.Sum(der)
	return hex.EncodeToString(sum[:])
}

// FuzzAssertion: whatever is sent ends in a refusal, and no time overflows.
func FuzzAssertion(f *testing.F) {
	e := newEnv(f)
	s := newSigner(f, e.clock.Add(-time.Hour), e.clock.AddDate(5, 0, 0))
	e.exchangeKeys(s.credential(f))
	f.Add(`{"iss":"x","exp":"1","nbf":1e9}`, "x5t")
	f.Add(`{"exp":-1e18,"aud":["x"]}`, "kid")
	f.Fuzz(func(t *testing.T, payload, named string) {
		e.t = t
		code, out := e.token(serverTokenPath, values("grant_type", grantServer, "resource", exchangeTarget,
			"assertion", s.jws(t, map[string]any{"alg": "RS256", named: s.x5t()}, payload)))
		if code != 400 && code != 401 || out["access_token"] != nil {
			t.Errorf("%d %v", code, out)
		}
	})
}
