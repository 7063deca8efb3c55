package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hma/client/mail"
	"hma/lab"
	"hma/wire/bearer"
)

// patient is a lab that is made to suffer, with the commands that its administrator has.
type patient struct {
	*lab.Lab
	t   *testing.T
	dir string
	// on sees what a command prints as it is printed; nil is nobody.
	on func(text string)
}

func newPatient(t *testing.T, o lab.Options) *patient {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	o.Dir, o.FreePorts, o.Messages = t.TempDir(), true, 5
	l, err := lab.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(l); err != nil {
			t.Error(err)
		}
	})
	return &patient{Lab: l, t: t, dir: filepath.Dir(l.Endpoints.CA)}
}

// Write takes what a command prints.
func (p *patient) Write(text []byte) (int, error) {
	if p.on != nil {
		p.on(string(text))
	}
	return len(text), nil
}

// hma runs a command, which exits with the code, and returns what it printed: output, then errors.
func (p *patient) hma(code int, args ...string) string {
	p.t.Helper()
	var out bytes.Buffer
	seen := p.on
	p.on = func(text string) {
		out.WriteString(text)
		if seen != nil {
			seen(text)
		}
	}
	defer func() { p.on = seen }()
	if got := run(p.t.Context(), append(args, "--data", p.dir), stdio{in: strings.NewReader(""), out: p, err: &out}); got != code {
		p.t.Fatalf("hma %s exits %d, want %d:\n%s", strings.Join(args, " "), got, code, out.String())
	}
	return out.String()
}

// says holds that a text has each of the parts.
func (p *patient) says(what, text string, parts ...string) {
	p.t.Helper()
	for _, part := range parts {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), part) {
			p.t.Errorf("%s does not say %q:\n%s", what, part, text)
		}
	}
}

// snapshot is the hash of what the procedure reads of the organisation and its tenant.
func (p *patient) snapshot() string {
	p.t.Helper()
	var report struct{ Snapshot string }
	if err := json.Unmarshal([]byte(p.hma(exitFound, "check", "--json")), &report); err != nil {
		p.t.Fatal(err)
	}
	return report.Snapshot
}

func (p *patient) running() *running {
	p.t.Helper()
	r, err := (&app{data: p.dir}).running()
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

var runID = regexp.MustCompile(`run (\S+):`)

// TestCloudDown takes the cloud away in the middle of a run, from people who are signed in, and from a rollback.
func TestCloudDown(t *testing.T) {
	t.Parallel()
	p := newPatient(t, lab.Options{})
	before := p.snapshot()

	// A run stops with its state told, says why it cannot go on, and goes on when the cloud is back.
	p.hma(exitOK, "plan")
	p.on = func(text string) {
		if strings.Contains(text, "1/13 done") {
			if err := p.SetFaults(t.Context(), "cloud-down"); err != nil {
				t.Error(err)
			}
		}
	}
	text := p.hma(exitUnreachable, "apply", "--yes")
	p.on = nil
	id := runID.FindStringSubmatch(text)
	if id == nil {
		t.Fatalf("no run is named:\n%s", text)
	}
	p.says("apply", text, "3/13 done", "FAILED tenant service principal", id[1]+": failed", "does not answer", "go on with hma apply, or go back with hma rollback "+id[1])
	p.says("apply again", p.hma(exitUnreachable, "apply", "--yes"), "could not be read: Exchange service principal", "does not answer")
	p.says("fault list", p.hma(exitOK, "fault", "clear", "cloud-down"), "cloud-down -")
	p.says("apply with the cloud back", p.hma(exitOK, "apply", "--yes"), "13/13 done", id[1]+": applied")
	p.hma(exitOK, "verify")

	// Who is signed in goes on, also when the servers' keys are due and cannot be fetched.
	const nearly = 7*time.Hour + 40*time.Minute
	if err := p.SetClock(nearly); err != nil {
		t.Fatal(err)
	}
	r := p.running()
	user, err := r.user("")
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{}
	for _, s := range r.Servers {
		token, err := r.mail.Password(t.Context(), r.authorityOf(user), s.URL, user.UPN, user.Password)
		if err != nil {
			t.Fatal(err)
		}
		tokens[s.URL] = token.Access
	}
	p.hma(exitOK, "fault", "set", "cloud-down")
	if err := p.SetClock(nearly + 40*time.Minute); err != nil {
		t.Fatal(err)
	}
	p.Roles.RefreshKeys(t.Context())
	for origin, token := range tokens {
		for protocol, path := range map[mail.Protocol]string{mail.Autodiscover: "/autodiscover/autodiscover.xml", mail.MAPI: "/mapi",
			mail.EWS: "/EWS/Exchange.asmx", mail.ActiveSync: "/Microsoft-Server-ActiveSync", mail.OAB: "/OAB"} {
			d := mail.Door{Protocol: protocol, URL: origin + path}
			if h := r.mail.Present(t.Context(), d, mail.Credential{User: user.UPN, Token: token}); !h.Accepted {
				t.Errorf("%s with the cloud away: %d %s %s", d.URL, h.Status, h.Diagnostics, h.Problem)
			}
		}
		// The door is there; the page to which it sends the browser is not.
		d := mail.Door{Protocol: mail.OWA, URL: origin + "/owa"}
		if h := r.mail.Offer(t.Context(), d, ""); h.AuthN != mail.AuthNOpenID || !strings.HasPrefix(h.Problem, strings.TrimPrefix(r.Cloud, "https://")+" does not answer") {
			t.Errorf("%s with the cloud away: %s, %q", d.URL, h.AuthN, h.Problem)
		}
	}
	// A person is told so, on a page.
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.Servers[0].URL+"/owa/", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Sec-Fetch-Mode", "navigate")
	resp, err := r.mail.HTTP().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(page), strings.TrimPrefix(r.Cloud, "https://")+", which does not answer this server") {
		t.Errorf("a person with the cloud away: %d %s", resp.StatusCode, page)
	}
	p.says("connect", p.hma(exitFound, "connect"), "sign in: "+strings.TrimPrefix(r.Cloud, "https://")+" does not answer")
	p.says("check", p.hma(exitUnreachable, "check"), "The metadata document of EvoSts", "[evosts-metadata]", "does not answer", "-RefreshAuthMetadata")
	p.says("verify", p.hma(exitUnreachable, "verify"), "does not answer")
	p.says("explain", p.hma(exitOK, "explain", "evosts-metadata"), "let the servers reach the URL")

	// Cmdlets run, and a rollback restores what the organisation itself holds and says what it could not.
	p.says("shell", p.hma(exitOK, "shell", "-c", "Get-OrganizationConfig | fl OAuth*"), "OAuth2ClientProfileEnabled : True")
	p.says("rollback", p.hma(exitUnreachable, "rollback", "--yes", id[1]), "13/13 restored", "2/13 restored", id[1]+": rolling back",
		"the organisation's own values are restored, not yet tenant service principal", "replyUrls", "servicePrincipalNames", "does not answer", "go on with hma rollback "+id[1])
	p.says("shell", p.hma(exitOK, "shell", "-c", "Get-OrganizationConfig | fl OAuth*"), "OAuth2ClientProfileEnabled : False")
	p.says("connect", p.hma(exitOK, "connect"), "FBA OWA")
	p.hma(exitOK, "fault", "clear")
	p.says("rollback with the cloud back", p.hma(exitOK, "rollback", "--yes", id[1]), "1/13 restored", id[1]+": rolled back")
	if after := p.snapshot(); after != before {
		t.Error("the organisation is not what it was before the run")
	}
}

// TestFaults makes an organisation on tokens suffer one fault after the other: each is found by what is meant for it,
// says what to do, and is over when that was done.
func TestFaults(t *testing.T) {
	t.Parallel()
	p := newPatient(t, lab.Options{Healthy: true})
	p.hma(exitOK, "enable", "--yes")
	// After an hour nobody waits for servers to take the run's changes up.
	if err := p.SetClock(time.Hour); err != nil {
		t.Fatal(err)
	}
	p.hma(exitOK, "check")
	r := p.running()
	user, err := r.user("")
	if err != nil {
		t.Fatal(err)
	}
	ews := mail.Door{Protocol: mail.EWS, URL: r.Servers[0].URL + "/EWS/Exchange.asmx"}
	token := func() string {
		t.Helper()
		token, err := r.mail.Password(t.Context(), r.authorityOf(user), r.Servers[0].URL, user.UPN, user.Password)
		if err != nil {
			t.Fatal(err)
		}
		return token.Access
	}
	present := func(token string) mail.Handshake {
		return r.mail.Present(t.Context(), ews, mail.Credential{User: user.UPN, Token: token})
	}

	// Keys: servers fetch one that they do not know when they meet it, but no more than once a minute; the old ones
	// are still published.
	old := token()
	p.hma(exitOK, "fault", "set", "roll-keys")
	p.says("check", p.hma(exitFound, "check"), "The keys of EvoSts", "[evosts-keys]")
	if h := present(token()); !h.Accepted {
		t.Errorf("a token of a new key: %d %s", h.Status, h.Diagnostics)
	}
	p.hma(exitOK, "check")
	p.hma(exitOK, "fault", "set", "roll-keys")
	text := p.hma(exitFound, "check")
	h := present(token())
	if d, _ := bearer.ParseDiagnostics(h.Diagnostics); h.Accepted || d.Code != bearer.InvalidSignature {
		t.Errorf("a token of the next new key: %d %s", h.Status, h.Diagnostics)
	}
	p.says("explain", p.hma(exitOK, "explain", h.Diagnostics), "-RefreshAuthMetadata")
	p.says("fault clear", p.hma(exitUsage, "fault", "clear", "roll-keys"), "it happens once and leaves nothing to clear")
	p.hma(exitOK, "shell", "-c", regexp.MustCompile(`Set-AuthServer -Identity '[^']+' -RefreshAuthMetadata`).FindString(strings.Join(strings.Fields(text), " "))+
		"; Restart-Service -Name W3SVC, WAS -Force") // or wait for the servers to pick it up
	for name, bearer := range map[string]string{"new": token(), "old": old} {
		if h := present(bearer); !h.Accepted {
			t.Errorf("a token of the %s key after the refresh: %d %s", name, h.Status, h.Diagnostics)
		}
	}
	p.hma(exitOK, "check")

	// IIS alone: the door is found closed, and a plan sets it again.
	p.hma(exitOK, "fault", "set", "iis-drift:EX2/oab", "iis-drift:ex1/MAPI", "iis-drift:EX2/ecp")
	p.says("check", p.hma(exitFound, "check"), `OAuth is missing on EX2\OAB (Default Web Site). [oauth-virtual-directories]`, "authentication methods (running)",
		`Set-OabVirtualDirectory -Identity 'EX2\OAB (Default Web Site)' -OAuthAuthentication $true`, `OAuth is missing on EX1\mapi`, "[owa-ecp-methods]")
	p.says("verify", p.hma(exitFound, "verify"), "x OAB on EX2: https://", "x MAPI on EX1: https://", "x ECP on EX2: https://")
	p.hma(exitOK, "plan")
	p.says("apply", p.hma(exitOK, "apply", "--yes"), "3/3 done")
	p.hma(exitOK, "verify")
	if err := p.SetClock(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	p.hma(exitOK, "check")

	// A front end that answers 503.
	p.hma(exitOK, "fault", "set", "503:EX1")
	p.says("check", p.hma(exitUnreachable, "check"), "A server does not serve its doors. [servers-answer]", "status on EX1: 503", "Test-ServiceHealth -Server 'EX1'")
	p.says("verify", p.hma(exitFound, "verify"), "x EWS on EX1: "+ews.URL+": answers 503", "EWS EX2 Bearer* Bearer* verified", "x OWA on EX1: https://mail.contoso.com/owa: answers 503")
	p.says("connect", p.hma(exitUnreachable, "connect"), "503")
	p.hma(exitOK, "shell", "-c", "Get-OrganizationConfig | fl OAuth*")
	p.hma(exitOK, "fault", "clear", "503:EX1")
	p.hma(exitOK, "check")

	// A front end, and a cloud, that answer late.
	p.hma(exitOK, "fault", "set", "slow:EX2=2100ms")
	p.says("check", p.hma(exitOK, "check"), "i A server answers late. [servers-answer]", "time on EX2: 2.", "(wanted: less than 2s)")
	p.hma(exitOK, "fault", "clear")
	p.hma(exitOK, "fault", "set", "slow:cloud=1m", "503:cloud")
	hasty, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = r.mail.Password(hasty, r.authorityOf(user), r.Servers[0].URL, user.UPN, user.Password)
	if err == nil || !strings.Contains(err.Error(), "does not answer: context deadline exceeded") {
		t.Errorf("a sign-in at a slow cloud: %v", err)
	}
	p.hma(exitOK, "fault", "clear", "slow:cloud")
	p.says("token", p.hma(exitUnreachable, "token"), "the token endpoint of "+strings.TrimPrefix(r.Cloud, "https://")+" answered 503")
	p.hma(exitOK, "fault", "clear")
	p.hma(exitOK, "check")

	// The organisation's certificate.
	p.hma(exitOK, "fault", "set", "cert-expired")
	p.says("check", p.hma(exitFound, "check"), "The OAuth certificate has expired on EX1. [oauth-certificate]", "Set-AuthConfig -CertificateThumbprint $c.Thumbprint -Force")
	p.says("wizard", p.hma(exitUsage, "wizard", "--yes"), "is not in its validity")
	p.hma(exitOK, "shell", "-c", "$c = New-ExchangeCertificate -KeySize 2048 -PrivateKeyExportable $true -SubjectName 'CN=Microsoft Exchange Server Auth Certificate' -Services SMTP\nSet-AuthConfig -CertificateThumbprint $c.Thumbprint -Force")
	p.hma(exitOK, "wizard", "--yes")
	p.hma(exitOK, "check")
}
