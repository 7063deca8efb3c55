package mail

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Discover asks Autodiscover version 2 on the host (JSON, anonymous) where the
// protocol of an address is: ActiveSync, EWS or AutodiscoverV1.
func (c *Client) Discover(ctx context.Context, host, address, protocol string) (string, error) {
	u := url.URL{Scheme: "https", Host: host, Path: "/autodiscover/autodiscover.json",
		RawQuery: url.Values{"Email": {address}, "Protocol": {protocol}, "RedirectCount": {"1"}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", fmt.Errorf("discover %s: %w", protocol, err)
	}
	resp, body, err := fetch(c.HTTP(), req)
	if err != nil {
		return "", fmt.Errorf("discover %s: %w", protocol, err)
	}
	var answer struct {
		URL          string `json:"Url"`
		ErrorCode    string
		ErrorMessage string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("discover %s: %s answered %d and no JSON", protocol, host, resp.StatusCode)
	}
	if answer.ErrorCode != "" {
		return "", fmt.Errorf("discover %s: %s: %s", protocol, answer.ErrorCode, answer.ErrorMessage)
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(answer.URL, "https://") {
		return "", fmt.Errorf("discover %s: %s answered %d without an https URL", protocol, host, resp.StatusCode)
	}
	return answer.URL, nil
}

// TokenSource signs in where a challenge says and returns an access token for the resource.
type TokenSource func(ctx context.Context, authorizationURI, resource string) (string, error)

// Connection is one row of the Connection Status table.
type Connection struct {
	SMTP     string   `json:"smtp"`
	AuthN    string   `json:"authn"`
	Protocol Protocol `json:"protocol"`
	Server   string   `json:"server"` // host of the URL
	Status   string   `json:"status"` // Established, Ready (a sign-in page is there), or why not
	// Refused tells that the door let nobody in.
	Refused    bool        `json:"refused,omitempty"`
	Handshakes []Handshake `json:"handshakes"`
}

// ConnectOptions are what Connect is given.
type ConnectOptions struct {
	Address string // SMTP address
	Host    string // Autodiscover host; "" is autodiscover. and the address's domain
	Tokens  TokenSource
	// Password is presented where no token is asked for; "" presents none.
	Password string
}

// Connect does what Outlook does with an address: Autodiscover, then a
// connection to each door that it names. The error says that Autodiscover
// itself could not be reached; a door that refuses is a row.
func (c *Client) Connect(ctx context.Context, o ConnectOptions) ([]Connection, error) {
	_, domain, ok := strings.Cut(o.Address, "@")
	if !ok || domain == "" {
		return nil, fmt.Errorf("connect: %q is no SMTP address", o.Address)
	}
	host := o.Host
	if host == "" {
		host = "autodiscover." + domain
	}
	self, err := c.Discover(ctx, host, o.Address, "AutodiscoverV1")
	if err != nil {
		return nil, err
	}
	tokens := map[string]string{}
	first, settings := c.open(ctx, o, tokens, Door{Protocol: Autodiscover, URL: self})
	rows := []Connection{first}
	doors, err := ParseSettings(settings)
	if err != nil {
		// Without settings the anonymous form still names two of the doors.
		doors = nil
		for _, p := range []Protocol{EWS, ActiveSync} {
			if u, err := c.Discover(ctx, host, o.Address, string(p)); err == nil {
				doors = append(doors, Door{Protocol: p, URL: u})
			}
		}
	} else if u, err := c.Discover(ctx, host, o.Address, string(ActiveSync)); err == nil {
		doors = append(doors, Door{Protocol: ActiveSync, URL: u})
	}
	for _, p := range Protocols {
		for _, d := range doors {
			if d.Protocol != p {
				continue
			}
			row, _ := c.open(ctx, o, tokens, d)
			rows = append(rows, row)
			break
		}
	}
	return rows, ctx.Err()
}

// open connects to one door: it probes, signs in where the challenge says, and presents what it got.
func (c *Client) open(ctx context.Context, o ConnectOptions, tokens map[string]string, d Door) (Connection, []byte) {
	row := Connection{SMTP: o.Address, Protocol: d.Protocol}
	if u, err := url.Parse(d.URL); err == nil {
		row.Server = u.Host
	}
	h := c.Offer(ctx, d, o.Address)
	row.Handshakes = []Handshake{h}
	row.AuthN = h.AuthN
	switch {
	case h.Problem != "":
		row.Status, row.Refused = h.Problem, true
	case h.AuthN == AuthNOpenID:
		row.Status, row.Refused = "Ready", h.SignInPage != http.StatusOK
		if row.Refused {
			row.Status = fmt.Sprintf("the sign-in page answers %d", h.SignInPage)
		}
	case h.AuthorizationURI != "" && o.Tokens != nil:
		resource := d.Resource()
		if tokens[resource] == "" {
			token, err := o.Tokens(ctx, h.AuthorizationURI, resource)
			if err != nil {
				row.Status, row.Refused = err.Error(), true
				return row, nil
			}
			tokens[resource] = token
		}
		return row.present(c.Present(ctx, d, Credential{User: o.Address, Token: tokens[resource]}))
	case h.TakesPassword() && o.Password != "":
		return row.present(c.Present(ctx, d, Credential{User: o.Address, Password: o.Password, Offered: h.Offered}))
	default:
		row.Status, row.Refused = "not signed in: nothing that was offered could be used", true
	}
	return row, nil
}

func (row Connection) present(h Handshake) (Connection, []byte) {
	row.Handshakes = append(row.Handshakes, h)
	row.AuthN, row.Status, row.Refused = h.AuthN, "Established", !h.Accepted
	if row.Refused {
		row.Status = strings.TrimSpace(fmt.Sprintf("refused: %d %s %s", h.Status, h.Diagnostics, h.Problem))
	}
	return row, h.body
}

// storeURLs are the URLs of MAPI's mail store (MS-OXDSCLI 2.2.4.1.1.2.6).
type storeURLs struct {
	Internal string `xml:"InternalUrl"`
	External string `xml:"ExternalUrl"`
}

// protocolSettings is one Protocol block of an Autodiscover answer.
type protocolSettings struct {
	Kind      string    `xml:"Type"`
	Exclusive string    `xml:"ServerExclusiveConnect"`
	MailStore storeURLs `xml:"MailStore"`
	EWS       string    `xml:"EwsUrl"`
	OAB       string    `xml:"OABUrl"`
	ECP       string    `xml:"EcpUrl"`
	OWA       []string  `xml:"OWAUrl"`
	External  struct {
		OWA []string `xml:"OWAUrl"`
	} `xml:"External"`
	Internal struct {
		OWA []string `xml:"OWAUrl"`
	} `xml:"Internal"`
}

// ParseSettings reads the doors out of a plain XML Autodiscover answer (MS-OXDSCLI
// 2.2.4): mapiHttp, and the URLs of EWS, OAB, OWA and ECP of the EXHTTP, EXPR or
// EXCH block, external ones first.
func ParseSettings(answer []byte) ([]Door, error) {
	var doc struct {
		Protocols []protocolSettings `xml:"Response>Account>Protocol"`
	}
	if err := xml.Unmarshal(answer, &doc); err != nil {
		return nil, fmt.Errorf("autodiscover settings: %w", err)
	}
	found := map[Protocol]string{}
	note := func(p Protocol, candidates ...string) {
		for _, u := range candidates {
			if u = strings.TrimSpace(u); found[p] == "" && strings.HasPrefix(u, "https://") {
				found[p] = u
			}
		}
	}
	// From outside: EXPR and the EXHTTP block with ServerExclusiveConnect are the
	// external ones, the other EXHTTP and EXCH the internal ones (MS-OXDSCLI 2.2.4.1.1.2.6).
	internal := func(kind, exclusive string) int {
		switch {
		case strings.EqualFold(kind, "EXPR"), strings.EqualFold(exclusive, "on"):
			return 0
		case strings.EqualFold(kind, "EXHTTP"):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(doc.Protocols, func(a, b protocolSettings) int {
		return cmp.Compare(internal(a.Kind, a.Exclusive), internal(b.Kind, b.Exclusive))
	})
	for _, p := range doc.Protocols {
		note(MAPI, p.MailStore.External, p.MailStore.Internal)
		note(EWS, p.EWS)
		note(OAB, p.OAB)
		note(ECP, p.ECP)
		note(OWA, append(append(p.External.OWA, p.Internal.OWA...), p.OWA...)...)
	}
	var doors []Door
	for _, p := range Protocols {
		if u := found[p]; u != "" {
			doors = append(doors, Door{Protocol: p, URL: u})
		}
	}
	if doors == nil {
		return nil, errors.New("autodiscover settings: no doors in the answer")
	}
	return doors, nil
}
