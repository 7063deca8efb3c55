package autodiscover

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/guid"
)

// info is a shared mailbox, of which Jane has full access.
var info = &org.Recipient{
	GUID: guid.MustParse("0a000000-0000-4000-8000-000000000002"), Type: org.TypeShared, DisplayName: "Info & Desk", UPN: "info@contoso.com",
	PrimarySMTP: "info@contoso.com", Addresses: []string{"info@contoso.com"}, LegacyDN: "/o=Contoso/ou=X/cn=Recipients/cn=info",
	MailboxGUID: guid.MustParse("0b000000-0000-4000-8000-000000000002"), FullAccess: []guid.GUID{jane.GUID},
}

// boss is a person whose mailbox nobody else may open.
var boss = &org.Recipient{
	GUID: guid.MustParse("0a000000-0000-4000-8000-000000000003"), DisplayName: "Boss", PrimarySMTP: "boss@contoso.com", Addresses: []string{"boss@contoso.com"},
	MailboxGUID: guid.MustParse("0b000000-0000-4000-8000-000000000003"), Enabled: true,
}

// moved is a person whose mailbox is in the cloud.
var moved = &org.Recipient{
	GUID: guid.MustParse("0a000000-0000-4000-8000-000000000004"), DisplayName: "Moved", UPN: "moved@contoso.com", PrimarySMTP: "moved@contoso.com", Addresses: []string{"moved@contoso.com"},
	RemoteRoutingAddress: "moved@contoso.mail.onmicrosoft.com", Enabled: true,
}

var contoso = directory{list: []*org.Recipient{jane, info, boss, moved}, mapped: []*org.Recipient{info}}

// hybrid is ex1 with the connector to the cloud that the wizard makes.
func hybrid() *org.Snapshot {
	s := ex1()
	s.Connectors = []*org.IntraOrganizationConnector{{Name: "cloud", TargetAddressDomains: []string{"Contoso.mail.onmicrosoft.com"}, Enabled: true,
		DiscoveryEndpoint: "https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc"}}
	return s
}

// askUsers asks for settings of users.
func askUsers(users, settings []string) io.Reader {
	var b strings.Builder
	b.WriteString(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:wsa="http://www.w3.org/2005/08/addressing">` +
		`<s:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion><wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</wsa:Action></s:Header>` +
		`<s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users>`)
	for _, u := range users {
		fmt.Fprintf(&b, "<a:User><a:Mailbox>%s</a:Mailbox></a:User>", u)
	}
	b.WriteString("</a:Users><a:RequestedSettings>")
	for _, s := range settings {
		fmt.Fprintf(&b, "<a:Setting>%s</a:Setting>", s)
	}
	b.WriteString("</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>")
	return strings.NewReader(b.String())
}

func askDomains(domains ...string) io.Reader {
	var b strings.Builder
	b.WriteString(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetDomainSettingsRequestMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Request><Domains>`)
	for _, d := range domains {
		fmt.Fprintf(&b, "<Domain>%s</Domain>", d)
	}
	b.WriteString(`</Domains><RequestedSettings><Setting>ExternalEwsUrl</Setting><Setting>ExternalEwsVersion</Setting><Setting>Other</Setting></RequestedSettings></Request></GetDomainSettingsRequestMessage></s:Body></s:Envelope>`)
	return strings.NewReader(b.String())
}

func TestSOAP(t *testing.T) {
	var all []string
	for name := range userSettings {
		all = append(all, name)
	}
	slices.Sort(all)
	for _, tt := range []struct {
		golden string
		call
	}{
		{"soap-all.xml", call{body: askUsers([]string{"jane@contoso.com"}, all)}},
		{"soap-users.xml", call{body: askUsers([]string{"J.Mueller@contoso.com", "info@contoso.com", "boss@contoso.com", "nobody@contoso.com", "a@fabrikam.com", "", "x@contoso.mail.onmicrosoft.com"},
			[]string{"UserDisplayName", "ExternalEwsUrl", "NoSuchSetting", "UserDisplayName"})}},
		{"soap-moved.xml", call{who: moved, body: askUsers([]string{"moved@contoso.com"}, []string{"ExternalEwsUrl"})}},
		{"soap-domains.xml", call{body: askDomains("Contoso.com", "fabrikam.com", "contoso.mail.onmicrosoft.com")}},
		{"soap-no-settings.xml", call{body: askUsers([]string{"jane@contoso.com"}, nil)}},
		{"soap-too-many.xml", call{body: askUsers(make([]string, maxAsked+1), []string{"UserDN"})}},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			c := tt.call
			c.method, c.path, c.contentType, c.people, c.snapshot = "POST", "/autodiscover/Autodiscover.svc", "text/xml; charset=utf-8", contoso, hybrid()
			if c.who == nil {
				c.who = jane
			}
			res := c.do(t)
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
				t.Fatalf("status %d, %s", res.StatusCode, res.Header.Get("Content-Type"))
			}
			golden(t, tt.golden, indented(t, read(t, res)))
		})
	}
}

// An application without a person learns nothing, and an unknown address is no different from one that is another's.
func TestSOAPForAnApplication(t *testing.T) {
	res := call{method: "POST", path: "/autodiscover/autodiscover.svc", people: contoso, body: askUsers([]string{"jane@contoso.com", "nobody@contoso.com"}, []string{"UserDN"})}.do(t)
	if text := string(read(t, res)); strings.Count(text, "<ErrorCode>InvalidUser</ErrorCode>") != 2 || strings.Contains(text, "cn=jane") {
		t.Errorf("got %s", text)
	}
}

func TestSOAPFaults(t *testing.T) {
	const open = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="` + nsAutodiscover + `"><s:Body>`
	const end = `</s:Body></s:Envelope>`
	for name, tt := range map[string]struct {
		body io.Reader
		code string
	}{
		"another operation": {strings.NewReader(open + "<a:GetFederationInformationRequestMessage/>" + end), "a:ActionNotSupported"},
		"another namespace": {strings.NewReader(open + "<GetUserSettingsRequestMessage/>" + end), "a:ActionNotSupported"},
		"no Request":        {strings.NewReader(open + "<a:GetUserSettingsRequestMessage/>" + end), "s:Client"},
		"no envelope":       {strings.NewReader("<a/>"), "s:Client"},
		"nothing":           {strings.NewReader(""), "s:Client"},
		"document type":     {strings.NewReader("<!DOCTYPE a>" + open + end), "s:Client"},
		"100 MB of text":    {io.MultiReader(strings.NewReader(open+"<a:GetUserSettingsRequestMessage><a:Request>"), io.LimitReader(repeat("aaaa"), 100<<20)), "s:Client"},
		"100,000 settings":  {askUsers([]string{"jane@contoso.com"}, make([]string, 100_000)), "s:Client"},
		"10,000 nested":     {strings.NewReader(open + "<a:GetUserSettingsRequestMessage>" + strings.Repeat("<a:x>", 10_000)), "s:Client"},
		"not the end of it": {strings.NewReader(open + "<a:GetUserSettingsRequestMessage><a:Request>"), "s:Client"},
	} {
		t.Run(name, func(t *testing.T) {
			body := &counted{r: tt.body}
			res := call{method: "POST", path: "/autodiscover/autodiscover.svc", who: jane, people: contoso, body: body}.do(t)
			if res.StatusCode != http.StatusInternalServerError { // SOAP 1.1 6.2: a fault is a 500
				t.Errorf("status %d", res.StatusCode)
			}
			var env struct {
				Body struct {
					Fault struct {
						Code string `xml:"faultcode"`
					}
				}
			}
			if err := xml.Unmarshal(read(t, res), &env); err != nil || env.Body.Fault.Code != tt.code {
				t.Errorf("fault %+v, %v", env, err)
			}
			if body.n > 4*maxSOAP {
				t.Errorf("%d bytes of the body were read", body.n)
			}
		})
	}
	if res := (call{method: "GET", path: "/autodiscover/autodiscover.svc", who: jane}).do(t); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
}

// TestElsewhere holds the redirects of the other forms.
func TestElsewhere(t *testing.T) {
	ask := func(path string) *http.Response {
		return call{method: "GET", path: path, anonymous: true, snapshot: hybrid(), people: contoso}.do(t)
	}
	res := ask("/autodiscover/autodiscover.json?Email=x%2By@contoso.mail.onmicrosoft.com&Protocol=EWS&RedirectCount=2")
	if want := "https://autodiscover-s.outlook.com/autodiscover/autodiscover.json?Email=x%2By%40contoso.mail.onmicrosoft.com&Protocol=EWS&RedirectCount=3"; res.StatusCode != http.StatusFound || res.Header.Get("Location") != want {
		t.Errorf("JSON: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if res := ask("/autodiscover/autodiscover.json?Email=x@contoso.mail.onmicrosoft.com&Protocol=EWS&RedirectCount=10"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("JSON, ten times: %d", res.StatusCode)
	}
	for name, c := range map[string]call{
		"pox-redirect-address.xml":        {who: moved, body: pox("moved@contoso.com", nsOutlookResponse)},
		"pox-redirect-url.xml":            {who: jane, body: pox("x@contoso.mail.onmicrosoft.com", nsOutlookResponse)},
		"mobilesync-redirect-address.xml": {who: moved, body: pox("moved@contoso.com", nsMobileSyncResponse)},
		"outlook-mapped.xml":              {who: jane, body: pox("jane@contoso.com", nsOutlookResponse)},
		"outlook-shared.xml":              {who: jane, body: pox("info@contoso.com", nsOutlookResponse)},
		"outlook-not-found.xml":           {who: jane, body: pox("boss@contoso.com", nsOutlookResponse)},
	} {
		c.method, c.path, c.contentType, c.people, c.snapshot = "POST", "/autodiscover/autodiscover.xml", "text/xml", contoso, hybrid()
		golden(t, name, read(t, c.do(t)))
	}
}

// indented is a document with a line for each element, for reading.
func indented(t *testing.T, doc []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	depth, leaf := 0, false
	for _, part := range strings.SplitAfter(string(doc), ">") {
		text, tag, ok := strings.Cut(part, "<")
		switch {
		case !ok:
			out.WriteString(part)
		case strings.HasPrefix(tag, "/"):
			depth--
			if !leaf {
				out.WriteString("\n" + strings.Repeat("  ", depth))
			}
			out.WriteString(text + "<" + tag)
			leaf = false
		default:
			if out.Len() > 0 {
				out.WriteString("\n" + strings.Repeat("  ", depth))
			}
			out.WriteString(text + "<" + tag)
			if leaf = !strings.HasSuffix(tag, "/>") && !strings.HasPrefix(tag, "?"); leaf {
				depth++
			}
		}
	}
	out.WriteString("\n")
	return out.Bytes()
}

func FuzzSOAP(f *testing.F) {
	for _, r := range []io.Reader{askUsers([]string{"jane@contoso.com", "boss@contoso.com"}, []string{"UserDN", "x"}), askDomains("contoso.com")} {
		text, _ := io.ReadAll(r)
		f.Add(text)
	}
	door := New(Options{Now: nil, People: contoso})
	f.Fuzz(func(t *testing.T, data []byte) {
		w := httptest.NewRecorder()
		r := &clientaccess.Request{Request: httptest.NewRequest("POST", "/autodiscover/autodiscover.svc", bytes.NewReader(data)), Snapshot: hybrid(), Rest: "/autodiscover.svc", Record: &clientaccess.Record{}, Identity: &auth.Identity{Recipient: jane}}
		door.ServeDoor(w, r)
		if strings.Contains(w.Body.String(), "Boss") {
			t.Error("the answer tells of somebody else")
		}
		if err := xml.Unmarshal(w.Body.Bytes(), new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("the answer is no document: %v", err)
		}
	})
}

// TestClients answers what clients ask, in the shape in which they ask it
// (testdata/clients: method, path, headers and body as documents and sources of
// theirs show them).
func TestClients(t *testing.T) {
	files, err := filepath.Glob("testdata/clients/*.http")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d requests, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".http")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			hr, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
			if err != nil {
				t.Fatal(err)
			}
			c := call{method: hr.Method, host: hr.Host, path: hr.URL.RequestURI(), header: hr.Header, body: hr.Body, who: jane, people: contoso, snapshot: hybrid(), anonymous: hr.Method == "GET"}
			res := c.do(t)
			answer := read(t, res)
			if strings.HasPrefix(res.Header.Get("Content-Type"), "text/xml") && bytes.Contains(answer, []byte("Envelope")) {
				answer = indented(t, answer)
			}
			golden(t, "clients/"+name+".answer", append(fmt.Appendf(nil, "%d %s\n\n", res.StatusCode, res.Header.Get("Content-Type")), answer...))
		})
	}
}
