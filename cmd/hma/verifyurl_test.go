package main

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hma/client/mail"
	"hma/hybrid/conformance"
)

// Somebody signs in at a cloud that he may trust, once, for all hosts; what that cloud says reaches the
// terminal as one line.
func TestOutsideSignIn(t *testing.T) {
	t.Parallel()
	var asked []string
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/oauth2/devicecode", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.PathValue("tenant")+" "+r.FormValue("client_id")+" "+r.FormValue("resource"))
		fmt.Fprintf(w, `{"device_code":"d","message":"go to \u001b[2Jhttps://a/\r\nand enter %s","interval":"1","expires_in":"9"}`, strings.Repeat("X", 5000))
	})
	mux.HandleFunc("POST /{tenant}/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.FormValue("grant_type")+" "+r.FormValue("resource"))
		fmt.Fprintf(w, `{"access_token":%q,"refresh_token":"rt","expires_in":"3599"}`, "for "+r.FormValue("resource"))
	})
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	here, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	web := mail.New(mail.Options{Roots: roots})
	t.Cleanup(web.Close)
	var shown bytes.Buffer
	signIn := func(at string) *outsideSignIn {
		shown.Reset()
		return &outsideSignIn{app: &app{stdio: stdio{err: &shown}}, web: web, o: outside{user: "jane@example.org", signInAt: at}, tokens: map[string]string{}}
	}
	for _, uri := range []string{s.URL + "/common/oauth2/authorize", "https://login.microsoftonline.com@" + here.Host + "/common/oauth2/authorize",
		"https://login.microsoftonline.com:8443/common/oauth2/authorize", "https://login.microsoftonline.com.evil.test/common/oauth2/authorize"} {
		if token, err := signIn("").token(t.Context(), uri, "", "https://mail.example.org"); err == nil || !strings.Contains(err.Error(), "--sign-in") {
			t.Errorf("%s: %q, %v", uri, token, err)
		}
	}
	for _, uri := range []string{strings.Replace(s.URL, "https", "http", 1) + "/common/oauth2/authorize", s.URL + "/common/oauth2/token"} {
		if token, err := signIn(here.Host).token(t.Context(), uri, "", "https://mail.example.org"); err == nil {
			t.Errorf("%s: %q", uri, token)
		}
	}
	if len(asked) > 0 {
		t.Fatalf("a cloud was asked that nobody named: %v", asked)
	}
	one := signIn(here.Host)
	for _, resource := range []string{"https://mail.example.org", "https://autodiscover.example.org", "https://mail.example.org"} {
		token, err := one.token(t.Context(), s.URL+"/common/oauth2/authorize", "11111111-2222-3333-4444-555555555555", resource)
		if err != nil || token != "for "+resource {
			t.Errorf("%s: %q, %v", resource, token, err)
		}
	}
	want := "11111111-2222-3333-4444-555555555555 d3590ed6-52b3-4102-aeff-aad2292ab01c https://mail.example.org, " +
		"urn:ietf:params:oauth:grant-type:device_code https://mail.example.org, refresh_token https://autodiscover.example.org"
	if got := strings.Join(asked, ", "); got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	if line := shown.String(); strings.Count(line, "\n") != 1 || strings.ContainsAny(line, "\x1b\r") || len(line) > 500 || !strings.HasPrefix(line, "go to [2Jhttps://a/ and enter X") {
		t.Errorf("shown: %q", line)
	}
	if token, err := one.token(t.Context(), s.URL+"/other/oauth2/authorize", "", "https://third.example.org"); err == nil {
		t.Errorf("a second cloud: %q", token)
	}
}

// The JUnit document counts what fails, and only a Must fails.
func TestJUnit(t *testing.T) {
	t.Parallel()
	r := &conformance.Report{At: time.Unix(0, 0), Sites: []conformance.Site{{URL: "https://a.example", Server: "a.example"}, {URL: "https://a.example", Server: "a.example"}, {URL: "https://b.example", Server: "b.example", Unreached: "no route <&> \x01"}},
		Judgements: []conformance.Judgement{
			{Requirement: "C1", Level: conformance.Must, Server: "a.example", Door: "EWS", Expected: "answers", Outcome: conformance.Pass},
			{Requirement: "C5", Level: conformance.Must, Server: "a.example", Door: "EWS", Expected: "names", Outcome: conformance.Fail, Found: `none "x"`, Clause: "clause", Fix: "fix"},
			{Requirement: "C9", Level: conformance.Should, Server: "a.example", Door: "EWS", Expected: "names", Outcome: conformance.Fail, Found: "x"},
			{Requirement: "S2", Level: conformance.Must, Server: "a.example", Door: "EWS", Expected: "takes", Outcome: conformance.NotTried, Found: "nobody"},
		}}
	text, err := xml.Marshal(junitConformance(r))
	if err != nil {
		t.Fatal(err)
	}
	var back junitSuites
	if err := xml.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	a, b := back.Suites[0], back.Suites[1]
	if back.Tests != 6 || back.Failures != 2 || back.Skipped != 1 || a.Tests != 5 || a.Failures != 1 || b.Tests != 1 || b.Failures != 1 {
		t.Errorf("%+v", back)
	}
	if c := a.Cases[2]; c.Class != "a.example.EWS" || c.Name != "C5 names" || c.Failure.Message != `found none "x"` || c.Failure.Text != "clause\nfix" {
		t.Errorf("%+v", c)
	}
}

// TestFilesOfPeople: the JUnit document names people, so it is its owner's alone; and a report's data goes where it is printed.
func TestFilesOfPeople(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "hma.xml")
	if err := writeJUnit(name, junitConformance(&conformance.Report{})); err != nil {
		t.Fatal(err)
	}
	if at, err := os.Stat(name); err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", at, err)
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"report", "--json", "--out", name}, stdio{in: strings.NewReader(""), out: &errs, err: &errs}); code != exitUsage || !strings.Contains(errs.String(), "--out goes with --html") {
		t.Errorf("exits %d: %s", code, errs.String())
	}
	errs.Reset()
	if code := run(t.Context(), []string{"verify", "--url", "http://mail.example.org"}, stdio{in: strings.NewReader(""), out: &errs, err: &errs}); code != exitUsage || strings.Contains(errs.String(), "usage:") {
		t.Errorf("exits %d: %s", code, errs.String())
	}
}
