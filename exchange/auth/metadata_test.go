package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
	"hma/wire/guid"
)

// cloud answers metadata requests without a network.
type cloud struct {
	mu     sync.Mutex
	body   string
	status int
	err    error
	asked  int
}

func (c *cloud) RoundTrip(*http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.err != nil {
		return nil, c.err
	}
	return &http.Response{StatusCode: c.status, Body: io.NopCloser(strings.NewReader(c.body)), Header: http.Header{}}, nil
}

type stored struct {
	issuer, realm string
	certs         []string
	times         int
}

func (s *stored) SetAuthServerMetadata(_ context.Context, _ guid.GUID, _, issuer, realm string, certs []string, _ time.Time) error {
	s.issuer, s.realm, s.certs = issuer, realm, certs
	s.times++
	return nil
}

func federation(issuer string, certs ...[]byte) string {
	var keys strings.Builder
	for _, c := range certs {
		fmt.Fprintf(&keys, `<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`,
			base64.StdEncoding.EncodeToString(c))
	}
	return `<?xml version="1.0" encoding="utf-8"?><EntityDescriptor ID="_1" entityID="` + issuer + `" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` +
		`<RoleDescriptor xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706">` + keys.String() + `</RoleDescriptor>` +
		`<RoleDescriptor xsi:type="fed:ApplicationServiceType" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="x"><KeyDescriptor use="signing"/></RoleDescriptor></EntityDescriptor>`
}

func newMetadata(c *cloud, s *stored, now *time.Time) *auth.Metadata {
	return auth.NewMetadata(auth.MetadataOptions{Store: s, Now: func() time.Time { return *now }, Transport: c})
}

func TestFetch(t *testing.T) {
	_, first := authtest.MakeKey()
	_, second := authtest.MakeKey()
	now := authtest.Now
	want := []string{base64.StdEncoding.EncodeToString(first), base64.StdEncoding.EncodeToString(second)}
	acs := `{"issuer":"00000001-0000-0000-c000-000000000000@` + authtest.Tenant + `","realm":"` + authtest.Tenant + `","keys":[{"usage":"signing","keyinfo":{"x5t":"x"},"keyvalue":{"type":"x509Certificate","value":"` +
		want[0] + `"}},{"usage":"signing","keyvalue":{"type":"x509Certificate","value":"` + want[1] + `"}}]}`
	for _, tt := range []struct{ kind, body, issuer, realm string }{
		{org.AzureAD, federation(authtest.Issuer, first, second, first), authtest.Issuer, authtest.Tenant},
		{org.ADFS, federation("http://adfs.contoso.com/adfs/services/trust", first, second), "http://adfs.contoso.com/adfs/services/trust", ""},
		{org.MicrosoftACS, acs, "00000001-0000-0000-c000-000000000000", authtest.Tenant},
	} {
		issuer, realm, certs, err := newMetadata(&cloud{body: tt.body, status: 200}, &stored{}, &now).Fetch(t.Context(), "https://cloud.test/x", tt.kind)
		if err != nil || issuer != tt.issuer || realm != tt.realm || !slices.Equal(certs, want) {
			t.Errorf("%s: %s %s %d %v", tt.kind, issuer, realm, len(certs), err)
		}
	}
}

func TestFetchRefuses(t *testing.T) {
	_, cert := authtest.MakeKey()
	now := authtest.Now
	good := federation(authtest.Issuer, cert)
	for name, tt := range map[string]struct {
		url  string
		kind string
		c    *cloud
	}{
		"plain http":       {"http://cloud.test/x", org.AzureAD, &cloud{body: good, status: 200}},
		"no URL":           {"x", org.AzureAD, &cloud{body: good, status: 200}},
		"password in URL":  {"https://a:b@cloud.test/x", org.AzureAD, &cloud{body: good, status: 200}},
		"away":             {"https://cloud.test/x", org.AzureAD, &cloud{err: errors.New("no route")}},
		"error":            {"https://cloud.test/x", org.AzureAD, &cloud{body: good, status: 500}},
		"no certificate":   {"https://cloud.test/x", org.AzureAD, &cloud{body: federation(authtest.Issuer), status: 200}},
		"bad certificate":  {"https://cloud.test/x", org.AzureAD, &cloud{body: federation(authtest.Issuer, []byte("x")), status: 200}},
		"no issuer":        {"https://cloud.test/x", org.AzureAD, &cloud{body: federation("", cert), status: 200}},
		"too long":         {"https://cloud.test/x", org.AzureAD, &cloud{body: good + strings.Repeat(" ", 1<<20), status: 200}},
		"DOCTYPE":          {"https://cloud.test/x", org.AzureAD, &cloud{body: "<!DOCTYPE x>" + good, status: 200}},
		"too many":         {"https://cloud.test/x", org.AzureAD, &cloud{body: strings.Repeat("<a>", 30_000), status: 200}},
		"cut off":          {"https://cloud.test/x", org.AzureAD, &cloud{body: good[:len(good)/2], status: 200}},
		"JSON for XML":     {"https://cloud.test/x", org.AzureAD, &cloud{body: "{}", status: 200}},
		"XML for JSON":     {"https://cloud.test/x", org.MicrosoftACS, &cloud{body: good, status: 200}},
		"JSON without key": {"https://cloud.test/x", org.MicrosoftACS, &cloud{body: `{"issuer":"a@b"}`, status: 200}},
	} {
		if issuer, _, certs, err := newMetadata(tt.c, &stored{}, &now).Fetch(t.Context(), tt.url, tt.kind); err == nil {
			t.Errorf("%s: %s %v", name, issuer, certs)
		}
	}
}

func TestRefresh(t *testing.T) {
	e := authtest.New()
	_, newer := authtest.MakeKey()
	now := authtest.Now
	c, s := &cloud{body: federation(e.Issuer, newer), status: 200}, &stored{}
	m := newMetadata(c, s, &now)
	if err := m.Refresh(t.Context(), e.AuthServer()); err != nil || s.times != 1 || s.realm != e.Tenant {
		t.Fatalf("%v %+v", err, s)
	}
	c.body = federation("https://sts.windows.net/99999999-2222-3333-4444-555555555555/", newer)
	if err := m.Refresh(t.Context(), e.AuthServer()); err == nil || s.times != 1 {
		t.Errorf("another tenant's document was stored: %v", err)
	}
}

// Unknown keys cause one fetch a minute, whoever asks and how many at once; what could not be fetched is not stored.
func TestUnknownKeyRate(t *testing.T) {
	e := authtest.New()
	_, newer := authtest.MakeKey()
	now := authtest.Now
	c, s := &cloud{body: federation(e.Issuer, newer), status: 200}, &stored{}
	m := newMetadata(c, s, &now)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if certs := m.UnknownKey(context.Background(), e.AuthServer()); len(certs) != 1 {
				t.Errorf("%d certificates", len(certs))
			}
		})
	}
	all.Wait()
	if c.asked != 1 {
		t.Errorf("asked %d times", c.asked)
	}
	now = now.Add(2 * time.Minute)
	c.err = errors.New("no route")
	for range 3 {
		if certs := m.UnknownKey(t.Context(), e.AuthServer()); certs != nil {
			t.Error("certificates from nowhere")
		}
	}
	if c.asked != 2 || s.times != 1 {
		t.Errorf("asked %d, stored %d", c.asked, s.times)
	}
}

// A key that an administrator's refresh took out does not come back through what was fetched before.
func TestUnknownKeyAfterAnAdministratorsRefresh(t *testing.T) {
	e := authtest.New()
	now := authtest.Now
	c := &cloud{body: federation(e.Issuer, e.Public), status: 200}
	m := newMetadata(c, &stored{}, &now)
	server := e.AuthServer()
	if certs := m.UnknownKey(t.Context(), server); len(certs) != 1 {
		t.Fatalf("%d certificates", len(certs))
	}
	refreshed := e.AuthServer()
	refreshed.CertificateStrings, refreshed.MetadataFetched = nil, now.Add(10*time.Second)
	now = now.Add(20 * time.Second)
	if certs := m.UnknownKey(t.Context(), refreshed); certs != nil || c.asked != 1 {
		t.Errorf("%d certificates, asked %d times", len(certs), c.asked)
	}
}

func FuzzFederation(f *testing.F) {
	f.Add(federation(authtest.Issuer, []byte("certificate")))
	f.Add(`{"issuer":"a@b","keys":[{"usage":"signing","keyvalue":{"type":"x509Certificate","value":"AA=="}}]}`)
	now := authtest.Now
	f.Fuzz(func(t *testing.T, body string) {
		for _, kind := range []string{org.AzureAD, org.MicrosoftACS} {
			issuer, _, certs, err := newMetadata(&cloud{body: body, status: 200}, &stored{}, &now).Fetch(t.Context(), "https://cloud.test/x", kind)
			if err == nil && (issuer == "" || len(certs) == 0) {
				t.Fatal("nothing read without an error")
			}
		}
	})
}

// TestSchedule holds when keys are fetched without anybody asking: at the start, and when the last attempt is
// RefreshInterval ago by the clock, which may run on or be moved either way. What cannot be fetched is asked for again
// at the next time, and keeps what was stored.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := authtest.New()
		_, cert := authtest.MakeKey()
		var moved atomic.Int64
		c, s := &cloud{body: federation(e.Issuer, cert), status: 200}, &stored{}
		m := auth.NewMetadata(auth.MetadataOptions{Store: s, Now: func() time.Time { return time.Now().Add(time.Duration(moved.Load())) }, Transport: c})
		off := e.AuthServer()
		off.GUID, off.Enabled = guid.New(), false
		snapshot := &org.Snapshot{AuthServers: []*org.AuthServer{e.AuthServer(), off}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go m.Run(ctx, func() *org.Snapshot { return snapshot })
		expect := func(when string, wait time.Duration, asked, kept int) {
			t.Helper()
			time.Sleep(wait)
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.asked != asked || s.times != kept {
				t.Errorf("%s: asked %d times and stored %d, want %d and %d", when, c.asked, s.times, asked, kept)
			}
		}
		away := func(err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.err = err
		}
		expect("at the start", time.Second, 1, 1)
		expect("before the interval is over", auth.RefreshInterval-2*time.Minute, 1, 1)
		expect("after it", 2*time.Minute, 2, 2)
		moved.Store(int64(90 * 24 * time.Hour))
		expect("a clock moved on by 90 days", time.Minute, 3, 3)
		away(errors.New("no route"))
		expect("with the cloud away", auth.RefreshInterval+time.Minute, 4, 3)
		away(nil)
		expect("the cloud is back, before it is due", time.Hour, 4, 3)
		expect("and when it is", auth.RefreshInterval, 5, 4)
		moved.Store(0)
		expect("a clock put back by 90 days", time.Minute, 6, 5)
	})
}
