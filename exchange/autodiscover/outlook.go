package autodiscover

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"hma/exchange/addressbook"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
)

// outlookDocument is the answer in the Outlook schema (MS-OXDSCLI 2.2.4.1).
type outlookDocument struct {
	XMLName  xml.Name `xml:"Autodiscover"`
	Space    string   `xml:"xmlns,attr"`
	Response outlookResponse
}

type outlookResponse struct {
	Space   string `xml:"xmlns,attr"`
	User    *outlookUser
	Account outlookAccount
}

type outlookUser struct {
	DisplayName             string
	LegacyDN                string
	AutoDiscoverSMTPAddress string
	DeploymentID            string `xml:"DeploymentId"`
}

type outlookAccount struct {
	AccountType     string `xml:",omitempty"`
	Action          string
	RedirectAddr    string        `xml:",omitempty"`
	RedirectURL     string        `xml:"RedirectUrl,omitempty"`
	MicrosoftOnline string        `xml:",omitempty"`
	ConsumerMailbox string        `xml:",omitempty"`
	Protocols       []protocol    `xml:"Protocol"`
	Alternatives    []alternative `xml:"AlternativeMailbox"`
}

// alternative is a mailbox that Outlook opens beside the own one (MS-OXDSCLI 2.2.4.1.1.2.2).
type alternative struct {
	Type             string
	DisplayName      string
	LegacyDN         string
	Server           string
	SMTPAddress      string `xml:"SmtpAddress"`
	OwnerSMTPAddress string `xml:"OwnerSmtpAddress"`
}

// redirected makes the answer that sends a client to another address or to
// another organisation's Autodiscover (MS-OXDSCLI 2.2.4.1.1.2.1, 3.1.5.4).
func redirected(to destination) *outlookDocument {
	account := outlookAccount{Action: "redirectAddr", RedirectAddr: to.address}
	if to.url != "" {
		account = outlookAccount{Action: "redirectUrl", RedirectURL: form(to.url, "autodiscover.xml")}
	}
	return &outlookDocument{Space: nsResponse, Response: outlookResponse{Space: nsOutlookResponse, Account: account}}
}

// protocol is one Protocol block. The mapiHttp block has its type as an
// attribute, all others as an element.
type protocol struct {
	TypeAttribute          string `xml:"Type,attr,omitempty"`
	Version                string `xml:"Version,attr,omitempty"`
	Type                   string `xml:",omitempty"`
	Server                 string `xml:",omitempty"`
	ServerDN               string `xml:",omitempty"`
	ServerVersion          string `xml:",omitempty"`
	MdbDN                  string `xml:",omitempty"`
	SSL                    string `xml:",omitempty"`
	AuthPackage            string `xml:",omitempty"`
	ServerExclusiveConnect string `xml:",omitempty"`
	ASURL                  string `xml:"ASUrl,omitempty"`
	EwsURL                 string `xml:"EwsUrl,omitempty"`
	EmwsURL                string `xml:"EmwsUrl,omitempty"`
	EcpURL                 string `xml:"EcpUrl,omitempty"`
	OOFURL                 string `xml:"OOFUrl,omitempty"`
	OABURL                 string `xml:"OABUrl,omitempty"`
	MailStore              *endpoint
	AddressBook            *endpoint
	Internal               *web
	External               *web
}

// web is one side of the WEB block (MS-OXDSCLI 2.2.4.1.1.2.6).
type web struct {
	OWAURL   owaURL `xml:"OWAUrl"`
	Protocol *webProtocol
}

// webProtocol is where the availability service is, of which clients outside
// Outlook learn the EWS URL.
type webProtocol struct {
	Type  string
	ASURL string `xml:"ASUrl"`
}

type owaURL struct {
	// AuthenticationMethod lists passwords' ways only: Autodiscover never announces tokens.
	AuthenticationMethod string `xml:"AuthenticationMethod,attr,omitempty"`
	URL                  string `xml:",chardata"`
}

type endpoint struct {
	InternalURL string `xml:"InternalUrl,omitempty"`
	ExternalURL string `xml:"ExternalUrl,omitempty"`
}

// side is one of the two URLs of a virtual directory.
type side func(*org.VirtualDirectory) string

func inside(vd *org.VirtualDirectory) string  { return vd.InternalURL }
func outside(vd *org.VirtualDirectory) string { return vd.ExternalURL }

// url returns this side's URL of the kind without a trailing slash, "" for none.
func (s side) url(r *clientaccess.Request, kind org.Kind) string {
	vd := r.Snapshot.VirtualDirectory(kind)
	if vd == nil {
		return ""
	}
	return strings.TrimSuffix(s(vd), "/")
}

// outlook makes the answer about the caller's own mailbox: the mapiHttp block
// for a client that says it can (MS-OXDSCLI 2.2.2), EXCH and EXPR for others,
// and for both the EXHTTP blocks, which hold the addresses of the other doors, and
// the WEB block, which holds that of OWA.
func outlook(r *clientaccess.Request, person *org.Recipient, mapped []*org.Recipient) *outlookDocument {
	account := outlookAccount{AccountType: "email", Action: "settings", MicrosoftOnline: "False", ConsumerMailbox: "False"}
	if canMAPIHTTP(r, person) {
		account.Protocols = append(account.Protocols, mapiHTTP(r, person))
	} else {
		account.Protocols = append(account.Protocols, exch(r, person))
		if server := host(side(outside).url(r, org.Rpc)); server != "" {
			account.Protocols = append(account.Protocols, expr(r, server))
		}
	}
	account.Protocols = append(account.Protocols, exhttp(r, inside, "Off"))
	if side(outside).url(r, org.WebServices) != "" {
		account.Protocols = append(account.Protocols, exhttp(r, outside, "On"))
	}
	if p, ok := browser(r); ok {
		account.Protocols = append(account.Protocols, p)
	}
	for _, m := range mapped {
		account.Alternatives = append(account.Alternatives, alternative{Type: alternateDelegate, DisplayName: m.DisplayName, LegacyDN: m.LegacyDN,
			Server: mailboxAddress(m), SMTPAddress: m.PrimarySMTP, OwnerSMTPAddress: m.PrimarySMTP})
	}
	return &outlookDocument{Space: nsResponse, Response: outlookResponse{
		Space: nsOutlookResponse,
		User: &outlookUser{
			DisplayName: person.DisplayName, LegacyDN: person.LegacyDN, AutoDiscoverSMTPAddress: person.PrimarySMTP,
			DeploymentID: r.Snapshot.Org.GUID.String(),
		},
		Account: account,
	}}
}

// canMAPIHTTP tells whether the client, the organisation and the person all want MAPI over HTTP.
func canMAPIHTTP(r *clientaccess.Request, person *org.Recipient) bool {
	capability, err := strconv.Atoi(r.Header.Get("X-MapiHttpCapability"))
	return err == nil && capability >= 1 && r.Snapshot.MapiHTTP(person) && person.MAPIEnabled && r.Snapshot.VirtualDirectory(org.Mapi) != nil
}

// mailboxAddress is the personalised server name, GUID@domain.
func mailboxAddress(person *org.Recipient) string {
	_, domain, _ := strings.Cut(person.PrimarySMTP, "@")
	return person.MailboxGUID.String() + "@" + domain
}

func mapiHTTP(r *clientaccess.Request, person *org.Recipient) protocol {
	at := func(s side, endpoint string) string {
		base := s.url(r, org.Mapi)
		if base == "" {
			return ""
		}
		return base + "/" + endpoint + "/?MailboxId=" + mailboxAddress(person)
	}
	return protocol{
		TypeAttribute: "mapiHttp", Version: "1",
		MailStore:   &endpoint{InternalURL: at(inside, "emsmdb"), ExternalURL: at(outside, "emsmdb")},
		AddressBook: &endpoint{InternalURL: at(inside, "nspi"), ExternalURL: at(outside, "nspi")},
	}
}

func exch(r *clientaccess.Request, person *org.Recipient) protocol {
	p := urls(r, inside)
	p.Type, p.Server = "EXCH", mailboxAddress(person)
	if group, _, ok := strings.Cut(strings.ToLower(person.LegacyDN), "/cn="); ok {
		p.ServerDN = person.LegacyDN[:len(group)] + "/cn=Configuration/cn=Servers/cn=" + p.Server
		p.MdbDN = p.ServerDN + "/cn=Microsoft Private MDB"
	}
	p.ServerVersion = fmt.Sprintf("%X", serverVersion(r.Snapshot.Server.Version))
	p.AuthPackage = authPackage(r, org.WebServices)
	return p
}

// authPackage is the best legacy way to sign in at the kind's virtual directory: negotiate
// for a client that says it can (X-ClientCanHandle), ntlm, basic, or none. There is no
// word for tokens (MS-OXDSCLI 2.2.2 and 2.2.4.1.1.2.6).
func authPackage(r *clientaccess.Request, kind org.Kind) string {
	vd := r.Snapshot.VirtualDirectory(kind)
	switch {
	case vd == nil:
		return ""
	case vd.Negotiate() && canHandle(r, "Negotiate"):
		return "negotiate"
	case vd.Ntlm():
		return "ntlm"
	case vd.Basic():
		return "basic"
	}
	return ""
}

// canHandle tells whether the client lists a word in X-ClientCanHandle.
func canHandle(r *clientaccess.Request, word string) bool {
	for _, listed := range strings.Split(r.Header.Get("X-ClientCanHandle"), ",") {
		if strings.EqualFold(strings.TrimSpace(listed), word) {
			return true
		}
	}
	return false
}

// serverVersion packs a build number as the ServerVersion element does: 4 bits
// of 7, major, minor in 6 bits each, a set bit, build in 15 bits.
func serverVersion(v org.Version) uint32 {
	return 7<<28 | uint32(v[0]&0x3f)<<22 | uint32(v[1]&0x3f)<<16 | 1<<15 | uint32(v[2]&0x7fff)
}

func expr(r *clientaccess.Request, server string) protocol {
	p := urls(r, outside)
	p.Type, p.Server, p.SSL, p.AuthPackage = "EXPR", server, "On", authPackage(r, org.Rpc)
	return p
}

func exhttp(r *clientaccess.Request, s side, exclusive string) protocol {
	p := urls(r, s)
	p.Type, p.Server, p.SSL, p.AuthPackage, p.ServerExclusiveConnect = "EXHTTP", host(s.url(r, org.WebServices)), "On", authPackage(r, org.WebServices), exclusive
	return p
}

// browser makes the WEB block; false when OWA has no URL.
func browser(r *clientaccess.Request) (protocol, bool) {
	p := protocol{Type: "WEB", Internal: owa(r, inside, "EXCH"), External: owa(r, outside, "EXPR")}
	return p, p.Internal != nil || p.External != nil
}

// owa returns a side's URL of OWA with the ways to sign in there that have a
// word, and the side's EWS under the name of a kind of block; nil for no OWA.
func owa(r *clientaccess.Request, s side, kind string) *web {
	u := s.url(r, org.Owa)
	if u == "" {
		return nil
	}
	var methods []string
	for _, m := range r.Snapshot.VirtualDirectory(org.Owa).Methods() {
		if m != org.MethodOAuth {
			methods = append(methods, string(m))
		}
	}
	w := &web{OWAURL: owaURL{strings.Join(methods, ", "), u + "/"}}
	if ews := s.url(r, org.WebServices); ews != "" {
		w.Protocol = &webProtocol{kind, ews}
	}
	return w
}

// urls fills in the addresses that all blocks but mapiHttp have.
func urls(r *clientaccess.Request, s side) protocol {
	ews := s.url(r, org.WebServices)
	p := protocol{ASURL: ews, EwsURL: ews, EmwsURL: ews, OOFURL: ews}
	if ecp := s.url(r, org.Ecp); ecp != "" {
		p.EcpURL = ecp + "/"
	}
	if oab := s.url(r, org.Oab); oab != "" {
		p.OABURL = oab + "/" + addressbook.OfflineGUID(r.Snapshot.Org.GUID).String() + "/"
	}
	return p
}
