package mail

import (
	"net/url"
	"strings"
)

// Protocol is a protocol's name in the Connection Status table.
type Protocol string

// The seven protocols that Hybrid Modern Authentication works for, in the order of the table.
const (
	Autodiscover Protocol = "Autodiscover"
	MAPI         Protocol = "MAPI"
	EWS          Protocol = "EWS"
	ActiveSync   Protocol = "ActiveSync"
	OAB          Protocol = "OAB"
	OWA          Protocol = "OWA"
	ECP          Protocol = "ECP"
)

// Protocols are all seven.
var Protocols = []Protocol{Autodiscover, MAPI, EWS, ActiveSync, OAB, OWA, ECP}

// Browser tells whether the door redirects a browser to the cloud instead of
// challenging for a bearer token.
func (p Protocol) Browser() bool { return p == OWA || p == ECP }

// Door is one protocol's URL on one server.
type Door struct {
	Protocol Protocol `json:"protocol"`
	// Server is the server's short name, "" when only the URL is known.
	Server string `json:"server,omitempty"`
	// URL is what a client calls, for example https://mail.contoso.com/mapi.
	URL string `json:"url"`
	// Address is host:port where this server is reached when the URL's host leads
	// elsewhere (a load balancer's name); "" goes where the name goes.
	Address string `json:"address,omitempty"`
}

// Resource is what a token for the door is asked for: scheme, host and any
// port other than 443 of its URL, "" when the URL is no https URL.
func (d Door) Resource() string {
	u, err := url.Parse(d.URL)
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Port() == "443" {
		host = strings.ToLower(strings.TrimSuffix(u.Host, ":443"))
	}
	return "https://" + host
}

// Credential is what is presented at a door: a token, or, where it is empty, a
// password. User is the SMTP address or UPN in both cases.
type Credential struct {
	User     string
	Token    string
	Password string
	// Offered are the ways of the door's offer (Handshake.Offered) to send the password by:
	// Negotiate, NTLM, FBA or Basic, in this order until it is taken. None means Basic.
	Offered []string
}
