package activesync

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/wbxml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// probe is the document that Microsoft's Test-HMAEAS posts: Settings, UserInformation, Get.
var probe = []byte{0x03, 0x01, 0x6A, 0x00, 0x00, 0x12, 0x45, 0x5D, 0x07, 0x01, 0x01}

func jane() *org.Recipient {
	return &org.Recipient{DisplayName: "Jane Müller", PrimarySMTP: "jane@contoso.com", MailboxGUID: guid.New(),
		Addresses: []string{"jane@contoso.com", "j.mueller@contoso.com"}, ActiveSyncEnabled: true}
}

type call struct {
	method, query, contentType, version string
	body                                io.Reader
	who                                 *org.Recipient
}

func (c call) do(t *testing.T) (*http.Response, *clientaccess.Record) {
	t.Helper()
	if c.who == nil {
		c.who = jane()
	}
	if c.method == "" {
		c.method = http.MethodPost
	}
	hr := httptest.NewRequest(c.method, "https://mail.contoso.com/Microsoft-Server-ActiveSync?"+c.query, c.body)
	if c.contentType != "" {
		hr.Header.Set("Content-Type", c.contentType)
	}
	if c.version != "" {
		hr.Header.Set("MS-ASProtocolVersion", c.version)
	}
	record := &clientaccess.Record{}
	w := httptest.NewRecorder()
	New().ServeDoor(w, &clientaccess.Request{Request: hr, Record: record, Identity: &auth.Identity{Recipient: c.who},
		Snapshot: &org.Snapshot{Server: org.Server{Version: org.Version{15, 2, 1544, 11}}}})
	return w.Result(), record
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const plain = "Cmd=Settings&User=jane&DeviceId=OutlookService&DeviceType=OutlookService"

func TestOptions(t *testing.T) {
	res, _ := call{method: "OPTIONS", contentType: contentType}.do(t)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status %d", res.StatusCode)
	}
	for name, want := range map[string]string{
		"MS-ASProtocolVersions": "14.0,14.1", "MS-ASProtocolCommands": "Settings", "MS-Server-ActiveSync": "15.2", "Cache-Control": "private",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// show writes a document as indented text, for golden files.
func show(e *wbxml.Element, indent string) string {
	line := fmt.Sprintf("%s%v %s\n", indent, e.Tag, e.Text)
	for _, c := range e.Children {
		line += show(c, indent+"  ")
	}
	return line
}

func TestSettings(t *testing.T) {
	tag := wbxml.MustTag
	part := func(name string, children ...*wbxml.Element) *wbxml.Element {
		return wbxml.New(tag("Settings:"+name), children...)
	}
	get := part("Get")
	for _, tt := range []struct {
		golden, version string
		request         []byte
	}{
		{"user-information-14.1", "14.1", probe},
		{"user-information-14.0", "14.0", probe},
		{"other-parts", "14.1", wbxml.Encode(part("Settings", part("DeviceInformation", part("Set", wbxml.Text(tag("Settings:Model"), "Phone"))),
			part("UserInformation", get), part("Oof", part("Get", wbxml.Text(tag("Settings:BodyType"), "TEXT"))), part("DevicePassword"), part("RightsManagementInformation", get)))},
		{"no-get", "14.1", wbxml.Encode(part("Settings", part("UserInformation")))},
		{"protocol-error", "14.1", nil},
		{"protocol-error", "14.1", wbxml.Encode(part("Settings"))},
		{"protocol-error", "14.1", wbxml.Encode(part("Get"))},
		{"protocol-error", "14.1", wbxml.Encode(part("Settings", part("UserAgent")))},
		{"protocol-error", "14.1", wbxml.Encode(part("Settings", part("UserInformation", get), part("UserInformation", get)))},
		{"invalid-wbxml", "14.1", probe[:9]},
		{"invalid-wbxml", "14.1", []byte("<Settings/>")},
		{"invalid-wbxml", "14.1", append([]byte{3, 1, 0x6A, 0, 0, 0x12}, bytes.Repeat([]byte{0x45}, 10000)...)},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			res, record := call{query: plain, contentType: contentType, version: tt.version, body: bytes.NewReader(tt.request)}.do(t)
			wire := body(t, res)
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != contentType || record.Operation != "Settings" {
				t.Fatalf("status %d, %q, operation %q", res.StatusCode, res.Header.Get("Content-Type"), record.Operation)
			}
			answer, err := wbxml.Decode(wire, limits)
			if err != nil {
				t.Fatal(err)
			}
			got := hex.Dump(wire) + "\n" + show(answer, "")
			path := filepath.Join("testdata", tt.golden+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(path); err != nil || got != string(want) {
				t.Errorf("%s differs (%v); got:\n%s", path, err, got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	disabled, noMailbox := jane(), jane()
	disabled.ActiveSyncEnabled = false
	noMailbox.MailboxGUID = guid.Nil
	for name, tt := range map[string]struct {
		call
		status int
	}{
		"GET":                      {call{method: "GET"}, 405},
		"not enabled":              {call{method: "OPTIONS", who: disabled}, 403},
		"no mailbox":               {call{method: "OPTIONS", who: noMailbox}, 403},
		"no query":                 {call{version: "14.1"}, 400},
		"no version":               {call{query: plain}, 400},
		"version not served":       {call{query: plain, version: "16.1"}, 400},
		"no device":                {call{query: "Cmd=Settings", version: "14.1"}, 400},
		"bad policy key":           {call{query: "%%%", version: "14.1"}, 400},
		"unknown command":          {call{query: strings.Replace(plain, "Settings", "Reboot", 1), version: "14.1"}, 501},
		"command not implemented":  {call{query: strings.Replace(plain, "Settings", "FolderSync", 1), version: "14.1"}, 501},
		"GetAttachment":            {call{query: strings.Replace(plain, "Settings", "GetAttachment", 1), version: "14.1"}, 501},
		"wrong content type":       {call{query: plain, version: "14.1", contentType: "text/xml", body: strings.NewReader("<a/>")}, 400},
		"no content type":          {call{query: plain, version: "14.1", body: bytes.NewReader(probe)}, 400},
		"Sync in base64 form 14.0": {call{query: "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l"}, 501},
	} {
		t.Run(name, func(t *testing.T) {
			if res, _ := tt.do(t); res.StatusCode != tt.status || len(body(t, res)) != 0 {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
		})
	}
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLargeBodyIsNotRead(t *testing.T) {
	b := &counted{r: io.MultiReader(bytes.NewReader(probe), io.LimitReader(zeroes{}, 100<<20))}
	res, _ := call{query: plain, version: "14.1", contentType: contentType, body: b}.do(t)
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", res.StatusCode)
	}
	if b.n > 2*maxRequest {
		t.Errorf("%d bytes were read", b.n)
	}
}

func TestParseQuery(t *testing.T) {
	header := http.Header{}
	header.Set("MS-ASProtocolVersion", "14.1")
	header.Set("X-MS-PolicyKey", "4294967295")
	for _, tt := range []struct {
		name, query string
		want        Query
	}{
		// The sample of MS-ASHTTP 2.2.1.1.1.1.
		{"documented sample", "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l", Query{Version: "14.0", Command: "Sync", DeviceID: "v140device", DeviceType: "SmartPhone"}},
		{"policy key and parameters", "jREJBAR0ZXN0BAEAAAAFUGhvbmUHAQE=", Query{Version: "14.1", Command: "Settings", DeviceID: "test", DeviceType: "Phone", PolicyKey: 1}},
		{"padding escaped", "jREJBAR0ZXN0BAEAAAAFUGhvbmUHAQE%3D", Query{Version: "14.1", Command: "Settings", DeviceID: "test", DeviceType: "Phone", PolicyKey: 1}},
		{"raw device id", "jREJBAT/AAECAAVQaG9uZQ==", Query{Version: "14.1", Command: "Settings", DeviceID: "ff000102", DeviceType: "Phone"}},
		{"unknown code", "jWMJBAR0ZXN0AAVQaG9uZQ", Query{Version: "14.1", Command: "99", DeviceID: "test", DeviceType: "Phone"}},
		{"plain", plain, Query{Version: "14.1", Command: "Settings", DeviceID: "outlookservice", DeviceType: "OutlookService", PolicyKey: 4294967295}},
		{"plain without case", "cmd=settings&deviceid=ABC&devicetype=iPhone", Query{Version: "14.1", Command: "Settings", DeviceID: "abc", DeviceType: "iPhone", PolicyKey: 4294967295}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := ParseQuery(tt.query, header); err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	header.Set("X-MS-PolicyKey", "many")
	for _, query := range []string{"", "!", "jA==", "jAAJ", "jAAJBA", "jAAJBAp2MTQw", "jREJBAR0ZXN0AwEAAAVQaG9uZQ==", "jREJBAAABVBob25l", plain} {
		if q, err := ParseQuery(query, header); err == nil {
			t.Errorf("%q was read as %+v", query, q)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l", "")
	f.Add(plain, "14.1")
	f.Fuzz(func(t *testing.T, query, version string) {
		header := http.Header{}
		header.Set("MS-ASProtocolVersion", version)
		q, err := ParseQuery(query, header)
		if err == nil && (q.Version == "" || q.Command == "" || q.DeviceID == "" || q.DeviceType == "" || len(q.DeviceID) > 2*maxField) {
			t.Errorf("accepted %+v", q)
		}
	})
}
