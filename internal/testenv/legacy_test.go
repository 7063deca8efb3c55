package testenv

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"hma/client/mail"
	"hma/lab"
	"hma/wire/bearer"
	"hma/wire/ntlm"
)

// legacyClient is somebody who has signed in with a password and goes on working.
type legacyClient struct {
	t    *testing.T
	http *http.Client
}

// newLegacyClient returns a client with one connection a host and cookies of its own.
func newLegacyClient(t *testing.T, e *Env) *legacyClient {
	t.Helper()
	transport := e.HTTP.Transport.(*http.Transport).Clone()
	transport.MaxConnsPerHost = 1
	t.Cleanup(transport.CloseIdleConnections)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &legacyClient{t, &http.Client{Transport: transport, Jar: jar, CheckRedirect: e.HTTP.CheckRedirect}}
}

func (c *legacyClient) send(method, address, authorization, kind, body string) (*http.Response, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(text)
}

// inbox reads the inbox over EWS; authorization "" is a connection that is signed in.
func (c *legacyClient) inbox(site, authorization string) (*http.Response, bool) {
	c.t.Helper()
	resp, text := c.send("POST", site+"/EWS/Exchange.asmx", authorization, "text/xml", inboxRequest)
	return resp, resp.StatusCode == 200 && strings.Contains(text, "<m:ResponseCode>NoError</m:ResponseCode>")
}

// until asks again until the answer is yes: servers take up a change within their own time.
func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !yes(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// TestUndisturbed holds that nobody is thrown out by the switch: clients that signed in by
// NTLM, Basic or the form go on, and their next sign-in is the first to be offered a token. The
// form's session ends when OWA itself goes over to the cloud, and a policy ends the rest.
func TestUndisturbed(t *testing.T) {
	t.Parallel()
	e := Start(t, lab.Options{Messages: 5, Healthy: true})
	user, site := e.User("user"), "https://mail.contoso.com"
	account, _, _ := strings.Cut(user.UPN, "@")

	outlook, phone, browser := newLegacyClient(t, e), newLegacyClient(t, e), newLegacyClient(t, e)
	client := &ntlm.Client{Domain: "CONTOSO", User: account, Hash: ntlm.HashPassword(user.Password)}
	resp, _ := outlook.inbox(site, "NTLM "+base64.StdEncoding.EncodeToString(client.Negotiate()))
	found, _ := bearer.Find(bearer.Parse(resp.Header.Values("WWW-Authenticate")), "NTLM")
	challenge, err := base64.StdEncoding.DecodeString(found.Token)
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := client.Authenticate(challenge, [8]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	if resp, ok := outlook.inbox(site, "NTLM "+base64.StdEncoding.EncodeToString(answer)); !ok {
		t.Fatalf("NTLM at EWS: %d %v", resp.StatusCode, resp.Header)
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(`contoso\`+account+":"+user.Password))
	sync := func() int {
		resp, _ := phone.send("OPTIONS", site+"/Microsoft-Server-ActiveSync", basic, "", "")
		return resp.StatusCode
	}
	form := url.Values{"username": {user.UPN}, "password": {user.Password}, "destination": {site + "/owa/"}}
	if resp, _ := browser.send("POST", site+"/owa/auth.owa", "", "application/x-www-form-urlencoded", form.Encode()); resp.StatusCode != 302 || resp.Header.Get("Location") != "/owa/" {
		t.Fatalf("the form: %d %v", resp.StatusCode, resp.Header)
	}
	working := func(when string) {
		t.Helper()
		if resp, ok := outlook.inbox(site, ""); !ok {
			t.Errorf("%s: the connection of NTLM: %d", when, resp.StatusCode)
		}
		if status := sync(); status != 200 {
			t.Errorf("%s: Basic at ActiveSync: %d", when, status)
		}
	}
	page := func() (*http.Response, bool) {
		resp, text := browser.send("GET", site+"/owa/", "", "", "")
		return resp, resp.StatusCode == 200 && strings.Contains(text, user.Name) && strings.Contains(text, "FBA")
	}
	c := clientOf(t, e)
	ews := mail.Door{Protocol: mail.EWS, URL: site + "/EWS/Exchange.asmx"}
	offered := func() bool { return c.Offer(t.Context(), ews, user.UPN).AuthorizationURI != "" }
	working("before")
	if resp, ok := page(); !ok || offered() {
		t.Fatalf("before: OWA answers %d, modern authentication is offered: %t", resp.StatusCode, offered())
	}

	for _, server := range e.Run(t, "Get-AuthServer") {
		if name := server.String("Name"); strings.HasPrefix(name, "EvoSts - ") {
			e.Run(t, "Set-AuthServer", "Identity", name, "DomainName", []string{e.Endpoints.Tenant.Domain}, "IsDefaultAuthorizationEndpoint", true)
		}
	}
	e.Run(t, "Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true)
	until(t, "modern authentication is not offered", offered)
	working("on for Outlook")
	if resp, ok := page(); !ok {
		t.Errorf("on for Outlook: OWA answers %d", resp.StatusCode)
	}

	e.Enable(t)
	working("on for OWA and ECP")
	if resp, _ := page(); resp.StatusCode != 302 || !strings.HasPrefix(resp.Header.Get("Location"), e.Endpoints.Cloud) {
		t.Errorf("on for OWA and ECP: OWA answers %d %v, want the way to the cloud", resp.StatusCode, resp.Header)
	}

	e.Run(t, "New-AuthenticationPolicy", "Name", "No passwords at EWS", "BlockLegacyAuthWebServices", true)
	e.Run(t, "Set-User", "Identity", user.UPN, "AuthenticationPolicy", "No passwords at EWS")
	until(t, "the policy does not stop the connection of NTLM", func() bool { resp, _ := outlook.inbox(site, ""); return resp.StatusCode == 401 })
	if status := sync(); status != 200 {
		t.Errorf("the policy for EWS stops ActiveSync: %d", status)
	}
}
