package sts

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	dsig "github.com/russellhaering/goxmldsig"
)

func TestMetadataDocuments(t *testing.T) {
	e := newEnv(t)
	for name, path := range map[string]string{
		"openid-v1-tenant.json":     "/" + tenantID + "/.well-known/openid-configuration",
		"openid-v2-tenant.json":     "/CONTOSO.com/v2.0/.well-known/openid-configuration?",
		"openid-v2-common.json":     "/common/v2.0/.well-known/openid-configuration",
		"realm-v1-managed.json":     "/common/userrealm/alice@contoso.com?api-version=1.0",
		"realm-v1-unknown.json":     "/common/UserRealm/alice@fabrikam.com?api-version=1.0",
		"realm-v2-managed.json":     "/common/userrealm/nobody@contoso.com?api-version=2.0",
		"realm-srf-managed.json":    "/GetUserRealm.srf?login=alice@contoso.com",
		"instance-discovery.json":   "/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2Flocalhost%3A9443%2Fcommon%2Foauth2%2Fv2.0%2Fauthorize",
		"instance-discovery-1.json": "/common/discovery/instance?api-version=1.0&authorization_endpoint=https%3A%2F%2Flocalhost%3A9443%2Fcontoso.com%2Foauth2%2Fauthorize",
	} {
		w := e.do("GET", path, nil, "Origin", "https://any.example")
		if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		var out bytes.Buffer
		if err := json.Indent(&out, w.Body.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		golden(t, name, append(out.Bytes(), '\n'))
	}
	for path, code := range map[string]string{
		"/nobody.example/v2.0/.well-known/openid-configuration":                                     "AADSTS90002",
		"/common/discovery/instance?authorization_endpoint=https%3A%2F%2Fevil.example%2Fcommon%2Fx": "AADSTS50049",
		"/common/discovery/instance": "AADSTS900144",
	} {
		if w := e.do("GET", path, nil); w.Code != 400 || !strings.Contains(w.Body.String(), code) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	// Existence of a person is not told.
	known, unknown := e.do("GET", "/common/userrealm/alice@contoso.com", nil).Body.String(), e.do("GET", "/common/userrealm/nobody@contoso.com", nil).Body.String()
	if known != unknown {
		t.Errorf("%s\n%s", known, unknown)
	}
}

// TestKeys verifies a token by the published keys, across a rotation.
func TestKeys(t *testing.T) {
	e := newEnv(t)
	keys := func() jose.JSONWebKeySet {
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(e.do("GET", "/common/discovery/keys", nil).Body.Bytes(), &set); err != nil {
			t.Fatal(err)
		}
		return set
	}
	token := func() *jwt.JSONWebToken {
		_, out := e.token(v1Token, ropc("scope", "", "resource", mail))
		parsed, err := jwt.ParseSigned(out["access_token"].(string), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	before := keys()
	old := token()
	if len(before.Keys) != 2 || old.Headers[0].KeyID != before.Keys[0].KeyID || old.Headers[0].ExtraHeaders["x5t"] != before.Keys[0].KeyID {
		t.Fatalf("%d keys, header %+v", len(before.Keys), old.Headers[0])
	}
	if err := e.dir.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, fresh := keys(), token()
	if fresh.Headers[0].KeyID != before.Keys[1].KeyID {
		t.Error("the key that signs now was not published before")
	}
	for _, parsed := range []*jwt.JSONWebToken{old, fresh} {
		var c jwt.Claims
		if err := parsed.Claims(after.Key(parsed.Headers[0].KeyID)[0].Key, &c); err != nil {
			t.Error(err)
		}
	}
}

func TestFederationMetadata(t *testing.T) {
	e := newEnv(t)
	path := "/contoso.com/federationmetadata/2007-06/federationmetadata.xml"
	text := e.do("GET", path, nil).Body.Bytes()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(text); err != nil {
		t.Fatal(err)
	}
	snapshot, err := e.dir.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	if got := root.SelectAttrValue("entityID", ""); got != e.origin+"/"+tenantID+"/" {
		t.Errorf("entityID %s", got)
	}
	check := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{snapshot.Keys()[0].Certificate}})
	check.Clock = dsig.NewFakeClockAt(e.clock)
	if _, err := check.Validate(root); err != nil {
		t.Errorf("signature: %v", err)
	}
	var certs []string
	for _, c := range root.FindElements("./RoleDescriptor/KeyDescriptor[@use='signing']/KeyInfo/X509Data/X509Certificate") {
		certs = append(certs, c.Text())
	}
	if len(certs) != 2 || certs[0] != base64.StdEncoding.EncodeToString(snapshot.Keys()[0].Certificate.Raw) {
		t.Errorf("%d certificates", len(certs))
	}
	if again := e.do("GET", path, nil).Body.Bytes(); !bytes.Equal(text, again) {
		t.Error("the document changes between reads")
	}
	if err := e.dir.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := e.do("GET", path, nil).Body.Bytes(); bytes.Equal(text, again) {
		t.Error("the document did not follow the rotation")
	}
}

func TestErrorPage(t *testing.T) {
	e := newEnv(t)
	if w := e.do("GET", "/error?code=50011", nil); w.Code != 200 || !strings.Contains(w.Body.String(), "AADSTS50011") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := e.do("GET", "/error?code=1", nil); w.Code != 404 {
		t.Errorf("unknown code: %d", w.Code)
	}
	if w := e.do("GET", "/common/oauth2/nativeclient?code=x", nil); w.Code != 200 {
		t.Errorf("native client page: %d", w.Code)
	}
	if w := e.do("GET", "/nothing/here", nil); w.Code != 404 {
		t.Errorf("nothing: %d", w.Code)
	}
}
