// Package testenv starts a whole lab organisation for a test: the same lab and
// the same wiring that hma up runs, on free ports, ended with the test.
package testenv

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"hma/lab"
)

// Env is a running lab with a client that trusts it.
type Env struct {
	*lab.Lab
	// HTTP trusts the lab's authority alone, finds its names (mail.contoso.com),
	// and follows no redirect.
	HTTP *http.Client
}

// Start starts a lab. Options that are zero get what a test wants: a folder of
// its own, free ports, few messages.
func Start(t testing.TB, o lab.Options) *Env {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.FreePorts = true
	if o.Messages == 0 {
		o.Messages = 20
	}
	l, err := lab.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Errorf("close lab: %v", err)
		}
	})
	return attach(t, l)
}

// attach gives a running lab a client that trusts it.
func attach(t testing.TB, l *lab.Lab) *Env {
	t.Helper()
	ca, err := os.ReadFile(l.Endpoints.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Time: l.Now},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, _, err := net.SplitHostPort(address); err == nil {
				if at, ok := l.Endpoints.Names[strings.ToLower(host)]; ok {
					address = at
				}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Env{Lab: l, HTTP: &http.Client{Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// User returns the lab's first plain user, or its first administrator that can sign in through the cloud.
func (e *Env) User(role string) lab.User {
	for _, u := range e.Endpoints.Users {
		if u.Role == role && u.Synced {
			return u
		}
	}
	panic("testenv: the lab has no " + role)
}

// Token returns an access token for the user and resource by the password grant of the first client.
func (e *Env) Token(t testing.TB, u lab.User, resource string) string {
	t.Helper()
	form := url.Values{"grant_type": {"password"}, "client_id": {e.Endpoints.Clients[0].ID}, "resource": {resource},
		"username": {u.UPN}, "password": {u.Password}}
	resp, err := e.HTTP.PostForm(e.Endpoints.Cloud+"/"+cmp.Or(u.Tenant, e.Endpoints.Tenant.ID)+"/oauth2/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("no token for %s: %d %s", resource, resp.StatusCode, body)
	}
	return answer.AccessToken
}
