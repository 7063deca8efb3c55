package outbound

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

const (
	// timeout bounds one request.
	timeout = 30 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 256 << 10
	// maxText bounds what of a foreign text is repeated, in bytes.
	maxText = 600
)

// Keys finds the private key of a certificate; org.Organization does.
type Keys interface {
	CertificateKey(ctx context.Context, thumbprint string) (crypto.Signer, error)
}

// Options are what a Client needs from the wiring.
type Options struct {
	Keys Keys             // required
	Now  func() time.Time // required
	// Roots are the authorities that the other side is trusted by; nil means the machine's.
	Roots *x509.CertPool
	// Transport replaces the connection altogether, for tests; nil uses Roots.
	Transport http.RoundTripper
}

// Client signs in elsewhere as the organisation and keeps the tokens that it got.
// It is safe for concurrent use.
type Client struct {
	keys Keys
	now  func() time.Time
	http *http.Client

	mu     sync.Mutex
	tokens map[string]kept
}

// New returns a Client that has no tokens.
func New(o Options) *Client {
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12, Time: o.Now},
			TLSHandshakeTimeout:    timeout,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true, // a test of a connection makes one
		}
	}
	return &Client{keys: o.Keys, now: o.Now, tokens: make(map[string]kept), http: &http.Client{Transport: o.Transport, Timeout: timeout,
		// A token goes to nobody but the one it was asked for.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// failed is a failure that the administrator may read as it is.
type failed string

func (f failed) Error() string { return string(f) }

func fail(format string, args ...any) error { return failed(fmt.Sprintf(format, args...)) }

// unreachable says why there was no answer, without the URL that the error repeats.
func unreachable(host string, err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fail("The remote server %s could not be reached: %v", host, err)
}

// printable is foreign text that may stand in an answer: one line of bounded length.
func printable(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(text, "")
}

// The services that can be called.
const (
	EWS     = "EWS"
	AutoD   = "AutoD"
	Generic = "Generic"
)

// Call is one call of a service.
type Call struct {
	// Service is EWS, AutoD or Generic.
	Service string
	// Target is an https URL. For EWS and AutoD only its authority counts, for Generic all of it.
	Target string
	// User is for whom the organisation calls; nil means for itself.
	User *org.Recipient
	// UseCached takes a token that an earlier call has got; otherwise all are forgotten first.
	UseCached bool
}

// Report is what became of a Call.
type Report struct {
	// RequestID is the call's client-request-id.
	RequestID string
	// Log tells step by step what was done, without secrets.
	Log []string
	// Response is what the service answered, one fact a line.
	Response []string
	// Err is why the call is no success, nil when the service took the token. Its text is for the
	// administrator. What a service that took the token then said of the mailbox is no failure.
	Err error
}

// journal collects the log of a call.
type journal struct{ lines []string }

func (j *journal) add(format string, args ...any) {
	j.lines = append(j.lines, "Information:"+fmt.Sprintf(format, args...))
}

// paths are where services answer.
var paths = map[string]string{EWS: "/EWS/Exchange.asmx", AutoD: "/autodiscover/autodiscover.svc"}

// Call asks the target whom it trusts, gets a token from there as the server of the snapshot, and
// calls the target with it.
func (c *Client) Call(ctx context.Context, s *org.Snapshot, call Call) *Report {
	log := &journal{}
	report := &Report{RequestID: guid.New().String()}
	report.Response, report.Err = c.call(ctx, s, call, report.RequestID, log)
	report.Log = log.lines
	return report
}

func (c *Client) call(ctx context.Context, s *org.Snapshot, call Call, id string, log *journal) ([]string, error) {
	if !call.UseCached {
		c.mu.Lock()
		clear(c.tokens)
		c.mu.Unlock()
	}
	u, err := url.Parse(call.Target)
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" || u.User != nil {
		return nil, fail("'%s' is no https URL.", printable(call.Target))
	}
	target := *u
	if path := paths[call.Service]; path != "" {
		target = url.URL{Scheme: "https", Host: u.Host, Path: path}
	}
	log.add("[OAuthCredentials:Authenticate] entering")
	challenged, err := c.send(ctx, target.String(), call, "", false, id)
	if err != nil {
		return nil, err
	}
	scheme, found := bearer.Find(bearer.Parse(challenged.header["Www-Authenticate"]), "Bearer")
	if challenged.status != http.StatusUnauthorized || !found {
		return challenged.facts(), fail("The remote server %s answered %d to an empty bearer token and not with a Bearer challenge: it does not offer OAuth.", u.Host, challenged.status)
	}
	challenge := scheme.Challenge()
	log.add("[OAuthCredentials:Authenticate] challenge from '%s' received: client_id=\"%s\", trusted_issuers=\"%s\"", target.String(), printable(challenge.ClientID), printable(challenge.TrustedIssuers))
	acs, err := trusted(s, challenge, call.User)
	if err != nil {
		return challenged.facts(), err
	}
	g := c.grant(s, acs, u.Host)
	log.add("[OAuthTokenBuilder:GetAppToken] trusted_issuers includes the auth server '%s'; trying to get the apptoken from '%s' for resource '%s', tenantId '%s'",
		acs.Name, g.server.Name, g.resource, g.server.Realm)
	token, err := c.token(ctx, s, g, log)
	if err != nil {
		return challenged.facts(), err
	}
	impersonate := call.User != nil && g.application != ""
	if call.User != nil && !impersonate {
		log.add("[OAuthTokenBuilder:GetAppWithUserToken] acting for '%s'", call.User.PrimarySMTP)
		if token, err = actAs(token, g.resource, g.server.Realm, call.User, c.now()); err != nil {
			return nil, err
		}
	}
	log.add("[OAuthCredentials:Authenticate] send request to '%s' with the bearer token", target.String())
	answered, err := c.send(ctx, target.String(), call, token, impersonate, id)
	if err != nil {
		return nil, err
	}
	return answered.facts(), answered.judge(u.Host)
}

// trusted returns the enabled AuthServer of the Access Control Service that a challenge trusts: of
// several tenants' that of the user's domain, else the first.
func trusted(s *org.Snapshot, challenge bearer.Challenge, user *org.Recipient) (*org.AuthServer, error) {
	var list []*org.AuthServer
	for _, a := range s.AuthServers {
		if !a.Enabled || a.Type != org.MicrosoftACS || a.Realm == "" {
			continue
		}
		for issuer := range strings.SplitSeq(challenge.TrustedIssuers, ",") {
			if id, realm, _ := strings.Cut(strings.TrimSpace(issuer), "@"); id == wellknown.ACS && (realm == "*" || strings.EqualFold(realm, a.Realm)) {
				list = append(list, a)
				break
			}
		}
	}
	if len(list) == 0 {
		return nil, fail("No enabled AuthServer of type MicrosoftACS is among the trusted issuers of the remote server, '%s'. Run the Hybrid Configuration Wizard, or New-AuthServer.", printable(challenge.TrustedIssuers))
	}
	if user != nil {
		_, domain, _ := strings.Cut(user.PrimarySMTP, "@")
		if i := slices.IndexFunc(list, func(a *org.AuthServer) bool {
			return slices.ContainsFunc(a.DomainName, func(d string) bool { return strings.EqualFold(d, domain) })
		}); i >= 0 {
			return list[i], nil
		}
	}
	return list[0], nil
}

// send makes the service's small request with a bearer token; "" is the empty one that asks for the challenge.
func (c *Client) send(ctx context.Context, target string, call Call, token string, impersonate bool, id string) (*answer, error) {
	method, body := http.MethodGet, []byte(nil)
	if call.Service != Generic {
		method, body = http.MethodPost, envelope(call, target, impersonate)
	}
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fail("'%s' is no https URL.", printable(target))
	}
	r.Header.Set("Authorization", strings.TrimSpace("Bearer "+token))
	r.Header.Set("User-Agent", "ExchangeInternalEwsClient-Test-OAuthConnectivity")
	r.Header.Set("client-request-id", id)
	if body != nil {
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	}
	if call.User != nil {
		r.Header.Set("X-AnchorMailbox", call.User.PrimarySMTP)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, unreachable(r.URL.Host, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, unreachable(r.URL.Host, err)
	}
	return &answer{resp.StatusCode, resp.Header, text}, nil
}

// answer is what a service said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// facts are what an administrator wants to know of an answer.
func (a *answer) facts() []string {
	list := []string{fmt.Sprintf("HTTP response message: %d %s", a.status, http.StatusText(a.status))}
	for _, name := range []string{"request-id", bearer.DiagnosticsHeader, "Location"} {
		if v := a.header.Get(name); v != "" {
			list = append(list, name+": "+printable(v))
		}
	}
	return append(list, a.words()...)
}

// words are the codes and texts of a SOAP answer, in the order in which they stand there.
func (a *answer) words() []string {
	var list []string
	name := ""
	for d := xml.NewDecoder(bytes.NewReader(a.body)); len(list) < 8; {
		token, err := d.Token()
		if err != nil {
			break // not XML, or its end
		}
		switch token := token.(type) {
		case xml.StartElement:
			name = token.Name.Local
		case xml.EndElement:
			name = ""
		case xml.CharData:
			switch name {
			case "ResponseCode", "MessageText", "faultcode", "faultstring", "ErrorCode", "ErrorMessage":
				if text := printable(string(token)); text != "" {
					list = append(list, name+": "+text)
				}
			}
		}
	}
	return list
}

// judge tells whether the service took the token. A SOAP fault comes after that.
func (a *answer) judge(host string) error {
	fault := a.status == http.StatusInternalServerError && slices.ContainsFunc(a.words(), func(w string) bool { return strings.HasPrefix(w, "faultcode: ") })
	if a.status/100 == 2 || fault {
		return nil
	}
	return fail("The remote server %s returned an error: (%d) %s.", host, a.status, http.StatusText(a.status))
}

// envelope is the request: the inbox's folder of EWS, the EWS address of Autodiscover.
func envelope(call Call, target string, impersonate bool) []byte {
	address := ""
	if call.User != nil {
		address = escape(call.User.PrimarySMTP)
	}
	if call.Service == AutoD {
		return []byte(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:w="http://www.w3.org/2005/08/addressing">` +
			`<s:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion>` +
			`<w:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</w:Action><w:To>` + escape(target) + `</w:To></s:Header>` +
			`<s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>` + address + `</a:Mailbox></a:User></a:Users>` +
			`<a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`)
	}
	who := ""
	if impersonate {
		who = `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + address + `</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
	}
	return []byte(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<s:Header><t:RequestServerVersion Version="Exchange2013"/>` + who + `</s:Header>` +
		`<s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`)
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}
