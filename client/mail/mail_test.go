package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

const challenge = `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", authorization_uri="https://login.example/common/oauth2/authorize"`

func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, *Client) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	address := s.Listener.Addr().String()
	// httptest's certificate is for example.com and its subdomains.
	c := New(Options{Roots: roots, Names: map[string]string{"example.com": address, "login.example.com": address}})
	t.Cleanup(c.Close)
	return s, c
}

func TestHandshake(t *testing.T) {
	secret := strings.Repeat("secret-token-", 20)
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session="+secret+"; Path=/")
		switch a := r.Header.Get("Authorization"); {
		case a == "Bearer" && r.Header.Get("X-User-Identity") == "ada@contoso.com":
			w.Header().Add("WWW-Authenticate", challenge)
			w.Header().Add("WWW-Authenticate", `Basic realm="example.com"`)
			w.WriteHeader(401)
		case a == "Bearer "+secret, strings.HasPrefix(a, "Basic "):
			fmt.Fprint(w, "ok")
		default:
			w.Header().Set("x-ms-diagnostics", `2000003;reason="r";error_category="invalid_resource"`)
			w.WriteHeader(401)
		}
	})
	for _, p := range Protocols {
		if p.Browser() {
			continue
		}
		d := Door{Protocol: p, Server: "EX1", URL: "https://example.com/x"}
		h := c.Offer(t.Context(), d, "ada@contoso.com")
		if h.Status != 401 || h.AuthorizationURI != "https://login.example/common/oauth2/authorize" || h.AuthN != "Bearer, Basic" || h.Accepted || h.Problem != "" {
			t.Errorf("%s offer: %+v", p, h)
		}
		if !strings.Contains(h.Request, "Authorization: Bearer\r\n") || !strings.Contains(h.Response, "Www-Authenticate: "+challenge) {
			t.Errorf("%s: bytes are missing:\n%s\n%s", p, h.Request, h.Response)
		}
		good := c.Present(t.Context(), d, Credential{User: "ada@contoso.com", Token: secret})
		if !good.Accepted || good.AuthN != AuthNBearer {
			t.Errorf("%s token: %+v", p, good)
		}
		bad := c.Present(t.Context(), d, Credential{Token: "other"})
		if bad.Accepted || !strings.HasPrefix(bad.Diagnostics, "2000003") {
			t.Errorf("%s bad token: %+v", p, bad)
		}
		basic := c.Present(t.Context(), d, Credential{User: "ada@contoso.com", Password: "correct horse"})
		if !basic.Accepted || basic.AuthN != AuthNBasic {
			t.Errorf("%s basic: %+v", p, basic)
		}
		encoded := base64.StdEncoding.EncodeToString([]byte("ada@contoso.com:correct horse"))
		for _, h := range []Handshake{good, basic} {
			if strings.Contains(h.Request+h.Response, secret) || strings.Contains(h.Request+h.Response, encoded[:12]) {
				t.Errorf("%s: a secret is kept:\n%s\n%s", p, h.Request, h.Response)
			}
		}
		if !strings.Contains(good.Request, "(260 characters)") || !strings.Contains(good.Response, "session=secret-t...(260 characters); Path=/") {
			t.Errorf("%s: the length is not kept:\n%s\n%s", p, good.Request, good.Response)
		}
	}
}

// What people read of a server that does not answer is its name and the reason, and no address of either end.
func TestNoAnswer(t *testing.T) {
	s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		tcp := conn.(*tls.Conn).NetConn().(*net.TCPConn)
		tcp.SetLinger(0)
		tcp.Close()
	})
	_, err := c.Get(t.Context(), "https://example.com/x", "")
	if !errors.Is(err, syscall.ECONNRESET) || err.Error() != "example.com does not answer: connection reset by peer" {
		t.Errorf("a reset: %v", err)
	}
	s.Close()
	if _, err = c.Get(t.Context(), "https://example.com/x", ""); !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != "example.com does not answer: connection refused" {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err = c.Inspect(t.Context(), "example.com", ""); err == nil || err.Error() != "connection refused" {
		t.Errorf("nobody listens for a handshake: %v", err)
	}
	lookup := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "mail.example", Server: "10.0.0.53:53", IsNotFound: true}}
	if got := reason(fmt.Errorf("transport: %w", lookup)).Error(); got != "lookup mail.example: no such host" {
		t.Errorf("no such name: %s", got)
	}
}

// The password must not go where the redirect leads, and the cloud's page is fetched.
func TestBrowse(t *testing.T) {
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == "login.example.com":
			if r.Header.Get("Authorization") != "" {
				t.Error("the credential followed the redirect")
			}
			fmt.Fprint(w, "sign in")
		case r.URL.Path == "/owa":
			http.Redirect(w, r, "/owa/", http.StatusFound)
		default:
			http.Redirect(w, r, "https://login.example.com/authorize?redirect_uri="+url.QueryEscape("https://example.com/owa"), http.StatusFound)
		}
	})
	h := c.Present(t.Context(), Door{Protocol: OWA, URL: "https://example.com/owa"}, Credential{User: "a", Password: "b"})
	if h.AuthN != AuthNOpenID || h.RedirectURI != "https://example.com/owa" || h.SignInPage != 200 || h.Problem != "" {
		t.Errorf("%+v", h)
	}
}

func TestAddressWins(t *testing.T) {
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := New(Options{Roots: roots})
	h := c.Present(t.Context(), Door{Protocol: EWS, URL: "https://example.com/EWS", Address: s.Listener.Addr().String()}, Credential{Token: "t"})
	if !h.Accepted || !strings.HasSuffix(h.Response, "example.com") {
		t.Errorf("%+v", h)
	}
	stranger := New(Options{Roots: x509.NewCertPool()})
	if h := stranger.Offer(t.Context(), Door{Protocol: EWS, URL: "https://example.com/EWS", Address: s.Listener.Addr().String()}, ""); h.Problem == "" {
		t.Error("an unknown certificate was trusted")
	}
	if h := c.Offer(t.Context(), Door{Protocol: EWS, URL: "http://example.com/EWS"}, ""); h.Problem == "" {
		t.Error("plain http was asked")
	}
}

func TestSignIn(t *testing.T) {
	var last url.Values
	polls := 0
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last, _ = url.ParseQuery(string(body))
		switch {
		case strings.HasSuffix(r.URL.Path, "/devicecode"):
			fmt.Fprint(w, `{"device_code":"d","message":"go there","interval":"1","expires_in":"9"}`)
		case last.Get("grant_type") == "urn:ietf:params:oauth:grant-type:device_code" && polls == 0:
			polls++
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"authorization_pending"}`)
		case last.Get("password") == "wrong":
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"AADSTS50126: no.\r\nTrace ID: x","error_codes":[50126]}`)
		default:
			fmt.Fprint(w, `{"access_token":"at","refresh_token":"rt","expires_in":"3599"}`)
		}
	})
	a, err := AuthorityFrom("https://login.example.com/common/oauth2/authorize", "tid", "client", "http://localhost")
	if err != nil || a.Token != "https://login.example.com/tid/oauth2/token" || a.V2 {
		t.Fatal(a, err)
	}
	tok, err := c.Password(t.Context(), a, "https://mail.contoso.com", "ada", "right")
	if err != nil || tok.Access != "at" || tok.Life.Seconds() != 3599 || last.Get("resource") != "https://mail.contoso.com" {
		t.Error(tok, err, last)
	}
	_, err = c.Password(t.Context(), a, "https://mail.contoso.com", "ada", "wrong")
	if e, ok := errors.AsType[*SignInError](err); !ok || e.Numbers[0] != 50126 || strings.Contains(err.Error(), "Trace") {
		t.Error(err)
	}
	shown := ""
	if tok, err = c.DeviceCode(t.Context(), a, "https://mail.contoso.com", func(m string) { shown = m }); err != nil || tok.Access != "at" || shown != "go there" {
		t.Error(tok, err, shown)
	}
	a.V2 = true
	browser := func(final func(q url.Values) string) func(context.Context, string) (string, error) {
		return func(_ context.Context, address string) (string, error) {
			u, err := url.Parse(address)
			if err != nil {
				return "", err
			}
			return final(u.Query()), nil
		}
	}
	tok, err = c.Code(t.Context(), a, "https://mail.contoso.com", "ada", browser(func(q url.Values) string {
		if q.Get("code_challenge_method") != "S256" || q.Get("scope") != "https://mail.contoso.com/.default openid profile offline_access" {
			t.Error(q)
		}
		return "http://localhost?code=c&state=" + q.Get("state")
	}))
	if err != nil || tok.Access != "at" || last.Get("code") != "c" || len(last.Get("code_verifier")) < 43 {
		t.Error(tok, err, last)
	}
	if _, err = c.Code(t.Context(), a, "https://a", "", browser(func(url.Values) string { return "http://localhost?code=c&state=forged" })); err == nil {
		t.Error("a forged state was taken")
	}
}

func TestResource(t *testing.T) {
	for in, want := range map[string]string{"https://Mail.Contoso.com:443/EWS": "https://mail.contoso.com", "https://localhost:8443/x": "https://localhost:8443", "http://a": "", "%": ""} {
		if got := (Door{URL: in}).Resource(); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestInbox(t *testing.T) {
	const answer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:FindItemResponse xmlns:m="m" xmlns:t="t"><m:ResponseMessages><m:FindItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RootFolder><t:Items><t:Message><t:Subject>Hi</t:Subject><t:DateTimeReceived>2026-11-23T10:00:00Z</t:DateTimeReceived><t:From><t:Mailbox><t:Name>Ada</t:Name><t:EmailAddress>ada@contoso.com</t:EmailAddress></t:Mailbox></t:From></t:Message></t:Items></m:RootFolder></m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse></s:Body></s:Envelope>`
	list, err := parseInbox([]byte(answer))
	if err != nil || len(list) != 1 || list[0].Subject != "Hi" || list[0].From != "Ada" || list[0].Received.Hour() != 10 {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := parseInbox([]byte(strings.ReplaceAll(answer, "Success", "Error"))); err == nil {
		t.Error("an error was read as an inbox")
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`<Autodiscover><Response><Account><Protocol Type="mapiHttp"><MailStore><ExternalUrl>https://a/mapi</ExternalUrl></MailStore></Protocol></Account></Response></Autodiscover>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		doors, err := ParseSettings(data)
		for _, d := range doors {
			if err != nil || !strings.HasPrefix(d.URL, "https://") {
				t.Errorf("%+v, %v", d, err)
			}
		}
		parseInbox(data)
	})
}
