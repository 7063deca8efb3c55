package roles

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
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hma/exchange/cmdlet"
	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/wire/psobject"
)

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { close(l.closed); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (l *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	l.conns <- there
	return here, nil
}

func certificate(t *testing.T) Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
	}
}

// TestPickUp changes what all seven doors offer and watches the clock: nothing is to be seen before the pick-up
// delay of 15 minutes has passed, all of it afterwards, and at once after Refresh or Restart-Service.
func TestPickUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pickUp = 15 * time.Minute
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		r, err := Open(ctx, Config{Entra: "sqlite::memory:", Org: "sqlite::memory:", Mailbox: "sqlite::memory:", Key: sealed.New(), Now: time.Now,
			Log: slog.New(slog.DiscardHandler), PickUp: pickUp, Origin: "https://cloud.test", MailHost: "mail.contoso.com"})
		must(err)
		defer func() { must(r.Close(context.Background())) }()
		must(r.Org.CreateOrganization(ctx, org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}))
		must(r.Org.CreateServer(ctx, org.NewServer{Name: "EX1", FQDN: "ex1.contoso.com", Version: org.MinimumSignIn, ExternalHost: "mail.contoso.com"}))
		id, err := r.Org.CreateAuthServer(ctx, org.NewAuthServer{Name: "EvoSts", Type: org.AzureAD, Enabled: true, AuthMetadataURL: "https://127.0.0.1:1/t/federationmetadata.xml",
			IssuerIdentifier: "https://sts.test/t/", Realm: "t", CertificateStrings: []string{"AA=="}, Fetched: time.Now()})
		must(err)
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		must(r.ServeServer(ctx, "EX1", l, certificate(t)))
		client := &http.Client{Transport: &http.Transport{DialContext: l.dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // the certificate is this test's
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

		// offers returns the doors that lead to the cloud.
		offers := func() string {
			t.Helper()
			var list []string
			for _, kind := range []org.Kind{org.Autodiscover, org.WebServices, org.Mapi, org.ActiveSync, org.Oab, org.Owa, org.Ecp} {
				q, err := http.NewRequest(http.MethodGet, "https://mail.contoso.com/"+kind.Folder()+"/", nil)
				must(err)
				if kind != org.Owa && kind != org.Ecp {
					q.Header.Set("Authorization", "Bearer")
				}
				answer, err := client.Do(q)
				must(err)
				answer.Body.Close()
				if strings.Contains(answer.Header.Get("Location")+strings.Join(answer.Header.Values("WWW-Authenticate"), " "), "/common/oauth2/authorize") {
					list = append(list, string(kind))
				}
			}
			return strings.Join(list, " ")
		}
		set := func(on bool) {
			t.Helper()
			_, _, err := r.Org.Change(ctx, func(c *org.Configuration) error {
				c.Org.OAuth2ClientProfileEnabled, c.AuthServer(id).IsDefaultAuthorizationEndpoint = on, on
				for _, kind := range []org.Kind{org.Owa, org.Ecp} {
					vd := c.VirtualDirectory("EX1", kind)
					vd.OAuthAuthentication, vd.BasicAuthentication, vd.FormsAuthentication = on, !on, !on
				}
				return nil
			})
			must(err)
		}
		run := func(name string, parameters ...psobject.Property) {
			t.Helper()
			res := r.cmdlets.Run(ctx, cmdlet.Caller{Name: "test", Administrator: true, Server: "EX1"}, psobject.Invocation{Cmdlet: name, Parameters: parameters})
			if res.Error != nil || len(res.Warnings) > 0 {
				t.Fatal(res.Error, res.Warnings)
			}
		}
		const all = "Autodiscover WebServices Mapi ActiveSync Oab Owa Ecp"
		expect := func(what, want string) {
			t.Helper()
			if got := offers(); got != want {
				t.Errorf("%s the doors that lead to the cloud are %q, want %q", what, got, want)
			}
		}
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		must(r.Org.RefreshServer(ctx, "EX1"))
		wait(pickUp + time.Second) // just after a pick-up
		set(true)
		expect("after the change", "")
		wait(pickUp - 2*time.Second)
		expect("before the pick-up", "")
		wait(2 * time.Second)
		expect("after the pick-up", all)
		set(false)
		expect("after the next change", all)
		run("Restart-Service", psobject.Property{Name: "Name", Value: []string{"W3SVC", "WAS"}}, psobject.Property{Name: "Force", Value: true})
		expect("after Restart-Service", "")
		set(true)
		expect("after the third change", "")
		run("Get-ExchangeDiagnosticInfo", psobject.Property{Name: "Process", Value: "Microsoft.Exchange.Directory.TopologyService"},
			psobject.Property{Name: "Component", Value: "VariantConfiguration"}, psobject.Property{Name: "Argument", Value: "Refresh"})
		expect("after Refresh", all)
	})
}
