package testenv

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"hma/client/mail"
	"hma/exchange/org"
	"hma/lab"
	"hma/wire/bearer"
)

// built is the program, made once for all tests, in folder.
var (
	folder string
	built  = sync.OnceValues(func() (string, error) {
		bin := filepath.Join(folder, "hma")
		out, err := exec.Command("go", "build", "-o", bin, "hma/cmd/hma").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("build hma: %w\n%s", err, out)
		}
		return bin, err
	})
)

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "hma-testenv"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// program returns the path of the program.
func program(t *testing.T) string {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// clientOf returns a mail client that trusts the lab and finds its names.
func clientOf(t *testing.T, e *Env) *mail.Client {
	c := mail.New(mail.Options{Roots: e.HTTP.Transport.(*http.Transport).TLSClientConfig.RootCAs, Names: e.Endpoints.Names, Now: e.Now})
	t.Cleanup(c.Close)
	return c
}

// paths are where the seven doors of a server are.
var paths = map[mail.Protocol]string{
	mail.Autodiscover: "/autodiscover/autodiscover.xml", mail.MAPI: "/mapi", mail.EWS: "/EWS/Exchange.asmx",
	mail.ActiveSync: "/Microsoft-Server-ActiveSync", mail.OAB: "/OAB", mail.OWA: "/owa", mail.ECP: "/ecp",
}

// doors returns the seven doors below an origin.
func doors(origin string) (list []mail.Door) {
	for _, p := range mail.Protocols {
		list = append(list, mail.Door{Protocol: p, URL: origin + paths[p]})
	}
	return list
}

func diagnostics(h mail.Handshake) bearer.Code {
	d, _ := bearer.ParseDiagnostics(h.Diagnostics)
	return d.Code
}

// TestSmallOrganisation is the one whole organisation that also runs under the
// race detector: every door before and after modern authentication is enabled.
func TestSmallOrganisation(t *testing.T) {
	t.Parallel()
	e := Start(t, lab.Options{Messages: 10})
	c := clientOf(t, e)
	user := e.User("user")
	origins := []string{"https://mail.contoso.com", e.Endpoints.Servers[0].URL, e.Endpoints.Servers[1].URL}

	for _, origin := range origins {
		for _, d := range doors(origin) {
			h := c.Offer(t.Context(), d, user.UPN)
			if h.AuthorizationURI != "" || h.Redirect != "" || d.Protocol.Browser() != (h.AuthN == mail.AuthNForms) {
				t.Errorf("before: %s offers modern authentication: %s %q %q", d.URL, h.AuthN, h.AuthorizationURI, h.Redirect)
			}
			// The planted fault: OAuth was forgotten on one virtual directory, which knows nothing of bearers.
			forgotten := d.Protocol == mail.OAB && origin == origins[2]
			if !d.Protocol.Browser() && !forgotten && diagnostics(h) != bearer.NotAvailable {
				t.Errorf("before: %s: %q, want %d", d.URL, h.Diagnostics, bearer.NotAvailable)
			}
			for _, way := range h.Offered {
				if strings.EqualFold(way, "Bearer") {
					continue
				}
				if h := c.Present(t.Context(), d, mail.Credential{User: user.UPN, Password: user.Password, Offered: []string{way}}); !h.Accepted {
					t.Errorf("before: %s does not take the password by %s: %d %s", d.URL, way, h.Status, h.Problem)
				}
				if h := c.Present(t.Context(), d, mail.Credential{User: user.UPN, Password: user.Password + "x", Offered: []string{way}}); h.Accepted || h.Status != 401 {
					t.Errorf("before: %s takes a wrong password by %s: %d", d.URL, way, h.Status)
				}
			}
		}
	}

	e.Enable(t)
	for _, origin := range origins {
		token := e.Token(t, user, origin)
		for _, d := range doors(origin) {
			h := c.Offer(t.Context(), d, user.UPN)
			if d.Protocol.Browser() {
				if h.AuthN != mail.AuthNOpenID || h.RedirectURI != d.URL || h.SignInPage != 200 {
					t.Errorf("after: %s: %s, redirect_uri %q, page %d\n%s", d.URL, h.AuthN, h.RedirectURI, h.SignInPage, h.Response)
				}
				continue
			}
			if want := e.Endpoints.Cloud + "/common/oauth2/authorize"; h.Status != 401 || h.AuthorizationURI != want {
				t.Errorf("after: %s: %d, authorization_uri %q, want %q", d.URL, h.Status, h.AuthorizationURI, want)
			}
			if d.Protocol == mail.OAB {
				d.URL = origin + oabPath(t, e, origin, user.UPN, token)
			}
			h = c.Present(t.Context(), d, mail.Credential{User: user.UPN, Token: token})
			if !h.Accepted || h.Status != 200 {
				t.Errorf("after: %s refuses a good token: %d %s\n%s", d.URL, h.Status, h.Diagnostics, h.Response)
			}
		}
	}

	ex1, ex2 := e.Endpoints.Servers[0].URL, e.Endpoints.Servers[1].URL
	foreign := e.Token(t, user, ex2)
	for _, d := range doors(ex1) {
		if d.Protocol.Browser() {
			continue
		}
		h := c.Present(t.Context(), d, mail.Credential{User: user.UPN, Token: foreign})
		if h.Status != 401 || diagnostics(h) != bearer.InvalidResource {
			t.Errorf("EX2's token at EX1's %s: %d %s, want %d", d.Protocol, h.Status, h.Diagnostics, bearer.InvalidResource)
		}
	}

	ews := mail.Door{Protocol: mail.EWS, URL: ex1 + paths[mail.EWS]}
	windows := []string{"Negotiate", "NTLM"}
	if h := c.Present(t.Context(), ews, mail.Credential{User: user.UPN, Password: user.Password, Offered: windows}); h.Status != 200 || !strings.Contains(h.Response, "NoError") {
		t.Errorf("Negotiate at EWS: %d\n%s", h.Status, h.Response)
	}
	if h := c.Present(t.Context(), ews, mail.Credential{User: user.UPN, Password: user.Password + "x", Offered: windows}); h.Status != 401 {
		t.Errorf("a wrong password at EWS: %d", h.Status)
	}

	token := e.Token(t, user, ex1)
	for _, authorization := range []string{"", "Bearer", "Bearer " + token} {
		header := http.Header{}
		if authorization != "" {
			header.Set("Authorization", authorization)
		}
		resp, _ := ask(t, e.HTTP, "RPC_IN_DATA", ex1+"/rpc/rpcproxy.dll?ex1.contoso.com:6001", header, nil)
		challenges := resp.Header.Values("WWW-Authenticate")
		if resp.StatusCode != 401 || strings.Contains(strings.Join(challenges, ","), "Bearer") {
			t.Errorf("/rpc with %.10q: %d %q, want legacy challenges only", authorization, resp.StatusCode, challenges)
		}
	}

	// The token is in the cache and good for an hour, but its person is not any more.
	other := e.Endpoints.Users[1]
	token = e.Token(t, other, ex1)
	credential := mail.Credential{User: other.UPN, Token: token}
	if h := c.Present(t.Context(), ews, credential); h.Status != 200 {
		t.Fatalf("%s before: %d", other.UPN, h.Status)
	}
	person := recipient(t, e, other.UPN)
	if _, err := e.Roles.Org.UpdateRecipient(t.Context(), person.GUID, func(r *org.Recipient) error { r.Enabled = false; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, d := range doors(ex1) {
		if d.Protocol.Browser() {
			continue
		}
		if h := c.Present(t.Context(), d, credential); h.Status != 401 || diagnostics(h) != bearer.InvalidUser {
			t.Errorf("a disabled user at %s: %d %s", d.Protocol, h.Status, h.Diagnostics)
		}
	}
}

var oabURL = regexp.MustCompile(`<OABUrl>https://[^/<]*(/[^<]*?)/?</OABUrl>`)

// oabPath returns the path of the offline address book that Autodiscover tells.
func oabPath(t *testing.T, e *Env, origin, address, token string) string {
	t.Helper()
	resp, body := ask(t, e.HTTP, http.MethodPost, origin+paths[mail.Autodiscover], http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"text/xml"}},
		strings.NewReader(`<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>`+address+
			`</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`))
	m := oabURL.FindSubmatch(body)
	if m == nil {
		t.Fatalf("Autodiscover names no offline address book: %d\n%s", resp.StatusCode, body)
	}
	return string(m[1])
}

// ask sends one request and reads the answer.
func ask(t *testing.T, c *http.Client, method, url string, header http.Header, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return resp, answer
}

// recipient returns the person with the UPN.
func recipient(t *testing.T, e *Env, upn string) *org.Recipient {
	t.Helper()
	found, err := e.Roles.Org.ByUPN(t.Context(), upn)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", upn, found, err)
	}
	return found[0]
}
