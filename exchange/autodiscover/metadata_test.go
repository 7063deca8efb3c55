package autodiscover

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
	"hma/wire/s2s"
	"hma/wire/wellknown"
)

// served answers every request with a document.
type served []byte

func (s served) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(s))}, nil
}

// TestMetadata: what the organisation publishes is what an AuthServer of a partner can read.
func TestMetadata(t *testing.T) {
	_, one := authtest.MakeKey()
	_, two := authtest.MakeKey()
	s := ex1()
	s.Auth = org.AuthConfig{CurrentCertificateThumbprint: "AA", NextCertificateThumbprint: "BB"}
	s.Certificates = []*org.Certificate{{Server: "EX1", Thumbprint: "AA", DER: one}, {Server: "EX1", Thumbprint: "BB", DER: two}, {Server: "EX1", Thumbprint: "CC", DER: one}}
	for _, path := range []string{"/autodiscover/metadata/json/1", "/autodiscover/Metadata/JSON/1", "/autodiscover/metadata/json/ex1"} {
		res := (call{method: "GET", path: path, anonymous: true, snapshot: s}).do(t)
		body := read(t, res)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Fatalf("%s: %d %s", path, res.StatusCode, body)
		}
		m := auth.NewMetadata(auth.MetadataOptions{Now: func() time.Time { return noon }, Transport: served(body)})
		issuer, realm, certs, err := m.Fetch(t.Context(), "https://mail.contoso.com/autodiscover/metadata/json/1", org.MicrosoftACS)
		want := []string{base64.StdEncoding.EncodeToString(one), base64.StdEncoding.EncodeToString(two)}
		if err != nil || issuer != wellknown.Exchange || realm != "contoso.com" || !slices.Equal(certs, want) {
			t.Errorf("%s: %s %s %d certificates, %v", path, issuer, realm, len(certs), err)
		}
		var doc s2s.Metadata
		if err := json.Unmarshal(body, &doc); err != nil || doc.Keys[0].KeyInfo.X5T != authtest.Thumbprint(one) ||
			doc.AllowedAudiences[0] != wellknown.Exchange+"/mail.contoso.com@contoso.com" || doc.Endpoints[0].Location != "https://mail.contoso.com/autodiscover/metadata/json/1" {
			t.Errorf("%s: %s %v", path, body, err)
		}
	}
	if res := (call{method: "GET", path: "/autodiscover/metadata/json/1", host: "elsewhere.example", anonymous: true, snapshot: s}).do(t); res.StatusCode != http.StatusNotFound {
		t.Errorf("for another host: %d", res.StatusCode)
	}
	if res := (call{method: "POST", path: "/autodiscover/metadata/json/1", anonymous: true, snapshot: s}).do(t); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", res.StatusCode)
	}
	s.Auth = org.AuthConfig{}
	if res := (call{method: "GET", path: "/autodiscover/metadata/json/1", anonymous: true, snapshot: s}).do(t); res.StatusCode != http.StatusNotFound {
		t.Errorf("without a certificate: %d", res.StatusCode)
	}
}
