package autodiscover

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/guid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

// ex1 is a server as setup leaves it: Autodiscover and Rpc have no URL.
func ex1() *org.Snapshot {
	s := &org.Snapshot{
		Org:             org.OrganizationConfig{GUID: guid.MustParse("5ab3a3a0-0000-4000-8000-000000000001"), MapiHttpEnabled: true},
		Server:          org.Server{Name: "EX1", Version: org.Version{15, 2, 1544, 11}},
		Service:         org.ClientAccessService{Server: "EX1", AutoDiscoverServiceInternalURI: "https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml"},
		Hosts:           map[string]bool{"localhost:8443": true, "mail.contoso.com": true, "autodiscover.contoso.com": true},
		AcceptedDomains: []string{"contoso.com"},
	}
	for kind, path := range map[org.Kind]string{
		org.Mapi: "/mapi", org.WebServices: "/EWS/Exchange.asmx", org.Oab: "/OAB",
		org.ActiveSync: "/Microsoft-Server-ActiveSync", org.Ecp: "/ecp", org.Owa: "/owa",
	} {
		s.VirtualDirectories = append(s.VirtualDirectories, &org.VirtualDirectory{
			Kind: kind, Server: "EX1", InternalURL: "https://localhost:8443" + path, ExternalURL: "https://mail.contoso.com" + path})
	}
	for _, kind := range []org.Kind{org.Autodiscover, org.Rpc} {
		s.VirtualDirectories = append(s.VirtualDirectories, &org.VirtualDirectory{Kind: kind, Server: "EX1"})
	}
	return s
}

var jane = &org.Recipient{
	GUID: guid.MustParse("0a000000-0000-4000-8000-000000000001"), DisplayName: "Jane & Co <Müller>", UPN: "jane.upn@contoso.com",
	PrimarySMTP: "jane@contoso.com", Addresses: []string{"jane@contoso.com", "j.mueller@contoso.com"},
	LegacyDN:    "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=jane",
	MailboxGUID: guid.MustParse("0b000000-0000-4000-8000-000000000001"), Enabled: true, MAPIEnabled: true,
}

var noon = time.Date(2026, 11, 23, 12, 34, 56, 789_000_000, time.UTC)

type call struct {
	method, host, path, contentType string
	header                          http.Header
	body                            io.Reader
	who                             *org.Recipient
	anonymous                       bool
	snapshot                        *org.Snapshot
	people                          directory
}

// directory is a few people.
type directory struct {
	list   []*org.Recipient
	mapped []*org.Recipient
}

func (d directory) BySMTP(_ context.Context, address string) (found []*org.Recipient, _ error) {
	for _, r := range d.list {
		if strings.EqualFold(r.PrimarySMTP, address) {
			found = append(found, r)
		}
	}
	return found, nil
}

func (d directory) Holds(_ context.Context, list []guid.GUID, who guid.GUID) (bool, error) {
	return slices.Contains(list, who), nil
}

func (d directory) MappedTo(context.Context, guid.GUID) ([]*org.Recipient, error) {
	return d.mapped, nil
}

func (c call) do(t *testing.T) *http.Response {
	t.Helper()
	u, err := url.Parse("https://server" + c.path)
	if err != nil {
		t.Fatal(err)
	}
	if c.host == "" {
		c.host = "mail.contoso.com"
	}
	if c.snapshot == nil {
		c.snapshot = ex1()
	}
	hr := httptest.NewRequest(c.method, "/", c.body)
	hr.URL, hr.Host = u, c.host
	if c.header != nil {
		hr.Header = c.header
	}
	if c.contentType != "" {
		hr.Header.Set("Content-Type", c.contentType)
	}
	r := &clientaccess.Request{Request: hr, ID: "id", Snapshot: c.snapshot, VirtualDirectory: c.snapshot.VirtualDirectory(org.Autodiscover),
		Rest: u.Path[len("/autodiscover"):], Record: &clientaccess.Record{}}
	if !c.anonymous {
		r.Identity = &auth.Identity{Recipient: c.who, AuthN: "Bearer*"}
	}
	w := httptest.NewRecorder()
	New(Options{Now: func() time.Time { return noon }, People: c.people}).ServeDoor(w, r)
	return w.Result()
}

func read(t *testing.T, res *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestJSON(t *testing.T) {
	const ask = "/autodiscover/autodiscover.json?Email=jane@contoso.com&Protocol="
	for _, tt := range []struct {
		name, host, path string
		status           int
		want             string
	}{
		{"ActiveSync", "", ask + "ActiveSync&RedirectCount=3", 200, `{"Protocol":"ActiveSync","Url":"https://mail.contoso.com/Microsoft-Server-ActiveSync"}`},
		{"spelling echoed", "", ask + "activesync", 200, `{"Protocol":"activesync","Url":"https://mail.contoso.com/Microsoft-Server-ActiveSync"}`},
		{"EWS", "", ask + "EWS", 200, `{"Protocol":"EWS","Url":"https://mail.contoso.com/EWS/Exchange.asmx"}`},
		{"internal host", "LOCALHOST:8443", ask + "EWS", 200, `{"Protocol":"EWS","Url":"https://localhost:8443/EWS/Exchange.asmx"}`},
		{"other port is not internal", "localhost:8444", ask + "EWS", 200, `{"Protocol":"EWS","Url":"https://mail.contoso.com/EWS/Exchange.asmx"}`},
		{"AutodiscoverV1 on a host of the server", "localhost:8443", ask + "AutodiscoverV1", 200, `{"Protocol":"AutodiscoverV1","Url":"https://localhost:8443/autodiscover/autodiscover.xml"}`},
		{"default port", "autodiscover.contoso.com:443", ask + "AutodiscoverV1", 200, `{"Protocol":"AutodiscoverV1","Url":"https://autodiscover.contoso.com/autodiscover/autodiscover.xml"}`},
		{"AutodiscoverV1 on a foreign host", "evil.example", ask + "AutodiscoverV1", 200, `{"Protocol":"AutodiscoverV1","Url":"https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml"}`},
		{"path form", "", "/autodiscover/autodiscover.json/v1.0/jane@contoso.com?Protocol=EWS", 200, `{"Protocol":"EWS","Url":"https://mail.contoso.com/EWS/Exchange.asmx"}`},
		{"names and path without case", "", "/autodiscover/Autodiscover.JSON/V1.0/jane@CONTOSO.com?protocol=EWS", 200, `{"Protocol":"EWS","Url":"https://mail.contoso.com/EWS/Exchange.asmx"}`},
		{"no protocol", "", "/autodiscover/autodiscover.json?Email=jane@contoso.com", 400, `{"ErrorCode":"MissingProtocol","ErrorMessage":"A valid value must be provided for the query parameter 'Protocol'."}`},
		{"REST is not offered", "", ask + "REST", 400, `{"ErrorCode":"InvalidProtocol","ErrorMessage":"The given protocol value 'REST' is invalid. Supported values are 'ActiveSync,AutodiscoverV1,EWS'"}`},
		{"markup in the protocol", "", ask + "%3Cscript%3E", 400, `{"ErrorCode":"InvalidProtocol","ErrorMessage":"The given protocol value '\u003cscript\u003e' is invalid. Supported values are 'ActiveSync,AutodiscoverV1,EWS'"}`},
		{"no address", "", "/autodiscover/autodiscover.json?Protocol=EWS", 400, `{"ErrorCode":"MandatoryParameterMissing","ErrorMessage":"A valid SMTP address must be provided for the parameter 'Email'."}`},
		{"no query", "", "/autodiscover/autodiscover.json", 400, `{"ErrorCode":"MandatoryParameterMissing","ErrorMessage":"A valid SMTP address must be provided for the parameter 'Email'."}`},
		{"broken query", "", "/autodiscover/autodiscover.json?Email=%zz", 400, `{"ErrorCode":"MandatoryParameterMissing","ErrorMessage":"A valid SMTP address must be provided for the parameter 'Email'."}`},
		{"foreign domain", "", "/autodiscover/autodiscover.json?Email=a@fabrikam.com&Protocol=EWS", 404, `{"ErrorCode":"UserNotFound","ErrorMessage":"The domain of the address is not one of this organization."}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := call{method: "GET", host: tt.host, path: tt.path, anonymous: true}.do(t)
			if got := string(read(t, res)); res.StatusCode != tt.status || got != tt.want {
				t.Errorf("got %d %s\nwant %d %s", res.StatusCode, got, tt.status, tt.want)
			}
			if got := res.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
}

func TestJSONDoesNotTellWhoExists(t *testing.T) {
	answer := func(email string) string {
		return string(read(t, call{method: "GET", path: "/autodiscover/autodiscover.json?Protocol=EWS&Email=" + email, anonymous: true}.do(t)))
	}
	if known, unknown := answer("jane@contoso.com"), answer("nobody@contoso.com"); known != unknown {
		t.Errorf("known address: %s\nunknown address: %s", known, unknown)
	}
}

func TestJSONWithoutExternalURL(t *testing.T) {
	s := ex1()
	s.VirtualDirectory(org.WebServices).ExternalURL = ""
	res := call{method: "GET", path: "/autodiscover/autodiscover.json?Email=a@contoso.com&Protocol=EWS", anonymous: true, snapshot: s}.do(t)
	if got := string(read(t, res)); res.StatusCode != 400 || !strings.Contains(got, "ProtocolNotSupported") {
		t.Errorf("got %d %s", res.StatusCode, got)
	}
}

func TestOnlyJSONIsAnonymous(t *testing.T) {
	for _, path := range []string{"/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.svc", "/autodiscover/autodiscover.svc/wssecurity"} {
		if res := (call{method: "POST", path: path, anonymous: true}).do(t); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without identity: %d", path, res.StatusCode)
		}
	}
	if res := (call{method: "GET", path: "/autodiscover/other", anonymous: true}).do(t); res.StatusCode != http.StatusNotFound {
		t.Errorf("another path: %d", res.StatusCode)
	}
	if res := (call{method: "POST", path: "/autodiscover/autodiscover.json", anonymous: true}).do(t); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST of JSON: %d", res.StatusCode)
	}
}

func pox(email, schema string) io.Reader {
	space := strings.NewReplacer("responseschema/2006a", "requestschema/2006", "responseschema/2006", "requestschema/2006").Replace(schema)
	return strings.NewReader(fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns=%q><Request>`+
		`<EMailAddress>%s</EMailAddress><AcceptableResponseSchema>%s</AcceptableResponseSchema></Request></Autodiscover>`, space, email, schema))
}

func TestPOX(t *testing.T) {
	mapi := http.Header{"X-Mapihttpcapability": {"1"}}
	noMAPI := *jane
	noMAPI.MAPIEnabled = false
	withRPC := ex1()
	withRPC.VirtualDirectory(org.Rpc).ExternalURL = "https://mail.contoso.com/rpc"
	for _, tt := range []struct {
		golden string
		call
	}{
		{"outlook-mapihttp.xml", call{body: pox("jane@contoso.com", nsOutlookResponse), header: mapi.Clone()}},
		{"outlook-mapihttp.xml", call{body: pox("J.Mueller@contoso.com", nsOutlookResponse), header: mapi.Clone()}},
		{"outlook-mapihttp.xml", call{body: pox("jane.upn@contoso.com", nsOutlookResponse), header: mapi.Clone()}},
		{"outlook-exch.xml", call{body: pox("jane@contoso.com", nsOutlookResponse)}},
		{"outlook-exch.xml", call{body: pox("jane@contoso.com", nsOutlookResponse), header: mapi.Clone(), who: &noMAPI}},
		{"outlook-exch-expr.xml", call{body: pox("jane@contoso.com", nsOutlookResponse), snapshot: withRPC}},
		{"outlook-not-found.xml", call{body: pox("administrator@contoso.com", nsOutlookResponse), header: mapi.Clone()}},
		{"outlook-not-found.xml", call{body: pox("nobody@contoso.com", nsOutlookResponse)}},
		{"mobilesync.xml", call{body: pox("jane@contoso.com", nsMobileSyncResponse)}},
		{"mobilesync-internal.xml", call{body: pox("jane@contoso.com", nsMobileSyncResponse), host: "localhost:8443"}},
		{"mobilesync-not-found.xml", call{body: pox("nobody@contoso.com", nsMobileSyncResponse)}},
		{"no-provider.xml", call{body: pox("jane@contoso.com", "http://example.com/schema")}},
		{"invalid-request.xml", call{method: "GET"}},
		{"invalid-request.xml", call{body: strings.NewReader("")}},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			c := tt.call
			c.path = "/autodiscover/Autodiscover.xml"
			if c.method == "" {
				c.method, c.contentType = "POST", "text/xml; charset=utf-8"
			}
			if c.who == nil {
				c.who = jane
			}
			res := c.do(t)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("status %d", res.StatusCode)
			}
			body := read(t, res)
			var any struct{ XMLName xml.Name }
			if err := xml.Unmarshal(body, &any); err != nil || any.XMLName.Space != nsResponse {
				t.Errorf("not a response document: %v, %v", any, err)
			}
			golden(t, tt.golden, body)
		})
	}
}

// The way to sign in that the answer names is the best that the virtual directory takes and the client can.
func TestAuthPackage(t *testing.T) {
	for _, c := range []struct {
		name, canHandle string
		vd              org.VirtualDirectory
		want            string
	}{
		{"Windows, a client that can Negotiate", "Negotiate, ExHttpInfo", org.VirtualDirectory{WindowsAuthentication: true, OAuthAuthentication: true}, "<AuthPackage>negotiate</AuthPackage>"},
		{"Windows, another client", "ExHttpInfo", org.VirtualDirectory{WindowsAuthentication: true, BasicAuthentication: true}, "<AuthPackage>ntlm</AuthPackage>"},
		{"Basic", "Negotiate", org.VirtualDirectory{BasicAuthentication: true}, "<AuthPackage>basic</AuthPackage>"},
		{"OAuth alone", "Negotiate", org.VirtualDirectory{OAuthAuthentication: true}, ""},
	} {
		s := ex1()
		vd := s.VirtualDirectory(org.WebServices)
		vd.WindowsAuthentication, vd.BasicAuthentication, vd.OAuthAuthentication = c.vd.WindowsAuthentication, c.vd.BasicAuthentication, c.vd.OAuthAuthentication
		body := string(read(t, call{method: "POST", path: "/autodiscover/autodiscover.xml", contentType: "text/xml", who: jane, snapshot: s, header: http.Header{"X-Clientcanhandle": {c.canHandle}},
			body: pox("jane@contoso.com", "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a")}.do(t)))
		if c.want == "" && strings.Contains(body, "AuthPackage") || !strings.Contains(body, c.want) || !strings.Contains(body, "<EwsUrl>") {
			t.Errorf("%s: want %q in\n%s", c.name, c.want, body)
		}
	}
}

func TestPOXForAnApplication(t *testing.T) {
	res := call{method: "POST", path: "/autodiscover/autodiscover.xml", contentType: "text/xml", body: pox("jane@contoso.com", nsOutlookResponse)}.do(t)
	golden(t, "outlook-not-found.xml", read(t, res))
}

// counted counts what is read of a body.
type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

type repeat string

func (s repeat) Read(p []byte) (int, error) {
	n := 0
	for n+len(s) <= len(p) {
		n += copy(p[n:], s)
	}
	return n, nil
}

func TestBadPOX(t *testing.T) {
	const open = `<Autodiscover xmlns="` + nsOutlookRequest + `"><Request>`
	const tail = `<EMailAddress>jane@contoso.com</EMailAddress><AcceptableResponseSchema>` + nsOutlookResponse + `</AcceptableResponseSchema></Request></Autodiscover>`
	for name, c := range map[string]call{
		"wrong content type": {contentType: "application/x-www-form-urlencoded", body: pox("jane@contoso.com", nsOutlookResponse)},
		"DOCTYPE":            {body: strings.NewReader(`<!DOCTYPE a [<!ENTITY x "y">]>` + open + tail)},
		"entity":             {body: strings.NewReader(open + "<a>&x;</a>" + tail)},
		"truncated":          {body: strings.NewReader(open + tail[:40])},
		"no root end":        {body: strings.NewReader(strings.TrimSuffix(open+tail, "</Autodiscover>"))},
		"other namespace":    {body: strings.NewReader(strings.ReplaceAll(open+tail, nsOutlookRequest, "urn:x"))},
		"no address":         {body: pox("", nsOutlookResponse)},
		"10,000 nested":      {body: strings.NewReader(open + strings.Repeat("<a>", 10000))},
		"many elements":      {body: strings.NewReader(open + strings.Repeat("<a/>", 10000) + tail)},
		"other charset":      {body: strings.NewReader(`<?xml version="1.0" encoding="koi8-r"?>` + open + tail)},
		"not XML":            {body: strings.NewReader("\x00\x01\x02")},
		"100 MB of text":     {body: io.MultiReader(strings.NewReader(open+"<EMailAddress>"), io.LimitReader(repeat("aaaa"), 100<<20))},
		"100 MB of white":    {body: io.LimitReader(repeat("    "), 100<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			body := &counted{r: c.body}
			c.method, c.path, c.who, c.body = "POST", "/autodiscover/autodiscover.xml", jane, body
			if c.contentType == "" {
				c.contentType = "text/xml"
			}
			res := c.do(t)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("status %d", res.StatusCode)
			}
			golden(t, "invalid-request.xml", read(t, res))
			if body.n > 2*maxRequest {
				t.Errorf("%d bytes of the body were read", body.n)
			}
		})
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, schema := range []string{nsOutlookResponse, nsMobileSyncResponse} {
		text, _ := io.ReadAll(pox("jane@contoso.com", schema))
		f.Add(text)
	}
	f.Add([]byte(`<!DOCTYPE a>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		req, err := parseRequest(bytes.NewReader(data))
		if err == nil && (req.Schema == "" || req.Email == "" && req.LegacyDN == "") {
			t.Errorf("accepted %+v", req)
		}
	})
}
