package testenv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hma/client/mail"
	"hma/internal/roles"
	"hma/internal/sealed"
	"hma/lab"
	"hma/wire/bearer"
)

// TestKeyRotation lets the cloud change its signing key: the key that was
// published as the next one is known already, the one after that is fetched when
// the first token names it.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	log := newRecords()
	e := Start(t, lab.Options{Messages: 5, Log: slog.New(log), Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	e.Enable(t)
	c := clientOf(t, e)
	origin := e.Endpoints.Servers[0].URL
	user := e.User("user")
	ews := mail.Door{Protocol: mail.EWS, URL: origin + paths[mail.EWS]}
	present := func(token string) mail.Handshake {
		return c.Present(t.Context(), ews, mail.Credential{User: user.UPN, Token: token})
	}
	tokens := []string{e.Token(t, user, origin)}
	for range 2 {
		if err := e.Roles.Entra.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, e.Token(t, user, origin))
	}
	kids := map[string]bool{}
	for _, token := range tokens {
		header, _, _ := strings.Cut(token, ".")
		kids[header] = true
	}
	if len(kids) != len(tokens) {
		t.Fatalf("%d keys signed %d tokens: the cloud did not change its key", len(kids), len(tokens))
	}
	for i, token := range tokens[:2] {
		if h := present(token); h.Status != 200 {
			t.Errorf("key %d, published before it signs: %d %s", i, h.Status, h.Diagnostics)
		}
	}
	// The servers fetched the keys when they started: they do not ask again within a minute.
	if h := present(tokens[2]); h.Status != 401 {
		t.Errorf("an unknown key, asked for too soon: %d", h.Status)
	} else if d, _ := bearer.ParseDiagnostics(h.Diagnostics); d.Code != bearer.InvalidSignature {
		t.Errorf("an unknown key: %s", h.Diagnostics)
	}
	later.Store(int64(2 * time.Minute))
	if h := present(tokens[2]); h.Status != 200 {
		t.Errorf("an unknown key after the pause: %d %s", h.Status, h.Diagnostics)
	}
	// And the configuration holds it now, for every server.
	door := mail.Door{Protocol: mail.EWS, URL: e.Endpoints.Servers[1].URL + paths[mail.EWS]}
	credential := mail.Credential{User: user.UPN, Token: e.Token(t, user, e.Endpoints.Servers[1].URL)}
	if h := c.Present(t.Context(), door, credential); h.Status != 200 {
		t.Errorf("the new key at EX2: %d %s", h.Status, h.Diagnostics)
	}
	for _, token := range tokens[:2] {
		if h := present(token); h.Status != 200 {
			t.Errorf("a token of a retired key that is still published: %d %s", h.Status, h.Diagnostics)
		}
	}
}

// TestCloudAway starts the servers of an enabled organisation again without the
// cloud: the last good keys open the doors, and everything that needs the cloud is
// refused, not broken.
func TestCloudAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, FreePorts: true, Messages: 5})
	if err != nil {
		t.Fatal(err)
	}
	e := attach(t, l)
	e.Enable(t)
	user, origin := e.User("user"), e.Endpoints.Servers[0].URL
	known := e.Token(t, user, origin)
	for range 2 {
		if err := e.Roles.Entra.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	unknown := e.Token(t, user, origin)
	e.HTTP.CloseIdleConnections()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	key, err := sealed.LoadOrCreate(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	log := newRecords()
	r, err := roles.Open(t.Context(), roles.Config{Entra: "sqlite::memory:", Org: "sqlite:" + filepath.Join(dir, "org.db"), Mailbox: "sqlite:" + filepath.Join(dir, "mailbox.db"),
		Key: key, Now: time.Now, Log: slog.New(log), PickUp: time.Second, Origin: e.Endpoints.Cloud, Roots: e.HTTP.Transport.(*http.Transport).TLSClientConfig.RootCAs, MailHost: "mail.contoso.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+origin[strings.LastIndexByte(origin, ':')+1:])
	if err != nil {
		t.Fatal(err)
	}
	cert, roots := selfSigned(t)
	if err := r.ServeServer(t.Context(), "EX1", listener, cert); err != nil {
		t.Fatal(err)
	}
	c := mail.New(mail.Options{Roots: roots})
	defer c.Close()
	for _, d := range doors(origin) {
		if d.Protocol.Browser() {
			// The door itself is up; the page that it sends to is not there.
			if h := c.Offer(t.Context(), d, ""); h.Status != http.StatusFound || h.SignInPage != 0 {
				t.Errorf("%s: %d, page %d", d.URL, h.Status, h.SignInPage)
			}
			continue
		}
		if h := c.Present(t.Context(), d, mail.Credential{User: user.UPN, Token: known}); !h.Accepted {
			t.Errorf("%s with the cloud away: %d %s", d.URL, h.Status, h.Diagnostics)
		}
		if h := c.Present(t.Context(), d, mail.Credential{User: user.UPN, Token: unknown}); h.Status != 401 {
			t.Errorf("%s, a key that cannot be fetched: %d", d.URL, h.Status)
		}
		if h := c.Offer(t.Context(), d, user.UPN); h.AuthorizationURI == "" {
			t.Errorf("%s does not offer modern authentication any more: %s", d.URL, h.Diagnostics)
		}
	}
	if _, text := log.all(); !strings.Contains(text, "keys not refreshed") {
		t.Error("the log does not say that the keys could not be fetched")
	}
}

// selfSigned returns a certificate for localhost and a pool that trusts it.
func selfSigned(t *testing.T) (roles.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
	}, roots
}
