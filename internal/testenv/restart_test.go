package testenv

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"hma/lab"
)

const inboxRequest = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header><s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`

// TestRestartDropsNothing: a request that is under way when the web service restarts ends as it began, and
// the next one meets the new configuration, although the servers would take it up by themselves only in an hour.
func TestRestartDropsNothing(t *testing.T) {
	t.Parallel()
	e := Start(t, lab.Options{Messages: 1, Healthy: true, PickUp: time.Hour})
	restart := func() { e.Run(t, "Restart-Service", "Name", []string{"W3SVC", "WAS"}, "Force", true) }
	evoSts := ""
	for _, o := range e.Run(t, "Get-AuthServer") {
		if o.String("Type") == "AzureAD" {
			evoSts = o.String("Guid")
		}
	}
	e.Run(t, "Set-AuthServer", "Identity", evoSts, "IsDefaultAuthorizationEndpoint", true)
	e.Run(t, "Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true)
	restart()

	server := e.Endpoints.Servers[0].URL
	token := e.Token(t, e.User("user"), server)
	request := func(body io.Reader) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/EWS/Exchange.asmx", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
		r.Header.Set("Authorization", "Bearer "+token)
		return r
	}
	ask := func() int {
		t.Helper()
		resp, err := e.HTTP.Do(request(strings.NewReader(inboxRequest)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if status := ask(); status != 200 {
		t.Fatalf("before: %d", status)
	}

	// The server asks for the body (100 Continue) once the request is in its door.
	body, half := io.Pipe()
	under := make(chan struct{})
	slow := request(body)
	slow.Header.Set("Expect", "100-continue")
	slow = slow.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(under) }}))
	type answer struct {
		status int
		text   string
		err    error
	}
	answered := make(chan answer, 1)
	transport := e.HTTP.Transport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = time.Minute
	defer transport.CloseIdleConnections()
	go func() {
		resp, err := (&http.Client{Transport: transport}).Do(slow)
		if err != nil {
			answered <- answer{err: err}
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		answered <- answer{resp.StatusCode, string(text), err}
	}()
	select {
	case <-under:
	case a := <-answered:
		t.Fatalf("answered before its body came: %+v", a)
	}
	io.WriteString(half, inboxRequest[:100])

	e.Run(t, "Set-WebServicesVirtualDirectory", "Identity", `EX1\EWS (Default Web Site)`, "OAuthAuthentication", false)
	if status := ask(); status != 200 {
		t.Errorf("before the restart: %d, want the old configuration", status)
	}
	restart()
	if status := ask(); status != 401 {
		t.Errorf("after the restart: %d, want the new configuration", status)
	}
	io.WriteString(half, inboxRequest[100:])
	half.Close()
	if a := <-answered; a.err != nil || a.status != 200 || !strings.Contains(a.text, "NoError") {
		t.Errorf("the request across the restart: %+v", a)
	}
	for _, o := range e.Run(t, "Test-ServiceHealth") {
		if !o.Bool("RequiredServicesRunning") {
			t.Errorf("after the restart: %v", o)
		}
	}
}
