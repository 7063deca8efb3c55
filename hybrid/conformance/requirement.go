package conformance

import (
	"fmt"
	"strings"
	"unicode"

	"hma/client/mail"
)

// Level is how much a requirement weighs.
type Level string

// The levels: without a Must some client cannot sign in, or somebody gets in who may not; a Should is how
// Exchange does it, and nobody knows which client relies on it.
const (
	Must   Level = "must"
	Should Level = "should"
)

// Outcome is how a server stands to a requirement.
type Outcome string

// The outcomes.
const (
	Pass     Outcome = "pass"
	Fail     Outcome = "fail"
	NotTried Outcome = "not tried"
)

// Requirement is one thing that is asked of a server.
type Requirement struct {
	ID    string // stable, for example C5
	Level Level
	// Expected is what must be so, as a sentence without its subject's door or host.
	Expected string
	// Clause is who asks for it.
	Clause string
	// Fix says what to do at an Exchange server that fails.
	Fix string
	// Needs is the requirement that must have passed at the same door or host, "" for none.
	Needs string

	of   func(mail.Protocol) bool // the doors it is asked of; nil with site
	door func(*look) finding
	site func(*site) finding
}

// finding is what was found: the outcome, and with a failure a better Fix where the answer itself tells one.
type finding struct {
	outcome Outcome
	found   string
	fix     string
}

func pass(format string, args ...any) finding     { return finding{Pass, line(format, args), ""} }
func fail(format string, args ...any) finding     { return finding{Fail, line(format, args), ""} }
func notTried(format string, args ...any) finding { return finding{NotTried, line(format, args), ""} }

// line makes one line of what a server says, however much that is, fit for any terminal.
func line(format string, args []any) string {
	const most = 600
	text := strings.ToValidUTF8(fmt.Sprintf(format, args...), "?")
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
	if letters := []rune(text); len(letters) > most {
		text = string(letters[:most]) + "..."
	}
	return text
}

func bearerDoor(p mail.Protocol) bool { return !p.Browser() }

// What clauses name.
const (
	outlookMobile = "Microsoft Learn, Using hybrid Modern Authentication with Outlook for iOS and Android"
	howTo         = "Microsoft Learn, Configure Exchange Server to use Hybrid Modern Auth"
	capture       = "public captures of Exchange Server"
	openID        = "OpenID Connect Core 1.0"
)

const (
	checkOffer = "Look at OAuth2ClientProfileEnabled, IsDefaultAuthorizationEndpoint and the authentication policies (rules oauth2-client-profile, default-authorization-endpoint, modern-auth-blocked); hma plan --snapshot writes the commands for an organisation of your own."
	checkProxy = "Ask a server behind the load balancer or gateway directly (--via ADDRESS): if its answer is right, the device in front changes it or answers itself. No pre-authentication may stand before these paths."
	checkOWA   = "OWA and ECP want OAuth on and Adfs, Basic, Forms and Digest off, ECP first, at every server (rule owa-ecp-methods); the servers must be Exchange Server 2019 CU14 with the April 2024 update, or newer."
)

// Requirements are all, in the order in which they are judged.
var Requirements = []Requirement{
	{ID: "T1", Level: Must, Expected: "speaks TLS 1.2 or newer", Clause: "RFC 9325 3.1.1; clients of today refuse less", site: tlsVersion,
		Fix: "Turn TLS 1.2 on at the server or the device in front of it."},
	{ID: "T2", Level: Must, Expected: "has a certificate for the host that was asked", Clause: "RFC 9525 6", Needs: "T1", site: tlsName,
		Fix: "Get a certificate that names the host, and give it to IIS on every server and to the device in front."},
	{ID: "T3", Level: Must, Expected: "has a certificate that clients trust", Clause: "RFC 5280 6; phones and the cloud take no private authority", Needs: "T1", site: tlsTrust,
		Fix: "Use a certificate of a public authority and send its intermediates too. For an authority of your own give --ca FILE."},
	{ID: "T4", Level: Must, Expected: "has a certificate that is valid now", Clause: "RFC 5280 4.1.2.5", Needs: "T1", site: tlsNow,
		Fix: "Renew the certificate."},
	{ID: "T5", Level: Should, Expected: "has a certificate that is valid for 30 days more", Clause: "good practice", Needs: "T4", site: tlsSoon,
		Fix: "Renew the certificate in time."},

	{ID: "C1", Level: Must, Expected: "answers an empty Bearer with 401", Clause: outlookMobile + "; RFC 6750 3", of: bearerDoor, door: probe401, Fix: checkProxy},
	{ID: "C2", Level: Must, Expected: "writes its challenges by the grammar", Clause: "RFC 9110 11.6.1", Needs: "C1", of: bearerDoor, door: grammar, Fix: checkProxy},
	{ID: "C3", Level: Must, Expected: "offers Bearer, once", Clause: outlookMobile, Needs: "C1", of: bearerDoor, door: bearerOnce,
		Fix: "Turn OAuth on at the virtual directory (rule oauth-virtual-directories). " + checkProxy},
	{ID: "C4", Level: Should, Expected: "names client_id 00000002-0000-0ff1-ce00-000000000000, the Exchange application", Clause: outlookMobile, Needs: "C3", of: bearerDoor, door: clientID, Fix: checkProxy},
	{ID: "C5", Level: Must, Expected: "names an authorization_uri", Clause: outlookMobile, Needs: "C3", of: bearerDoor, door: authorizationURI, Fix: checkOffer},
	{ID: "C6", Level: Must, Expected: "names as authorization_uri an https URL that ends in /authorize, without a query", Clause: outlookMobile + " (its sample); that the token endpoint is found beside it is seen in clients",
		Needs: "C5", of: bearerDoor, door: authorizationForm, Fix: "Set the AuthServer's metadata URL right (rule evosts-metadata-url): the address comes from it."},
	{ID: "C7", Level: Should, Expected: "says no error and no x-ms-diagnostics where it offers", Clause: capture, Needs: "C5", of: bearerDoor, door: noError, Fix: checkOffer},
	{ID: "C8", Level: Should, Expected: "lists in trusted_issuers 00000001-0000-0000-c000-000000000000@TENANT", Clause: outlookMobile, Needs: "C3", of: bearerDoor, door: trustedIssuers,
		Fix: "Run the Hybrid Configuration Wizard again: an AuthServer of the cloud is missing or disabled (rules evosts and acs)."},
	{ID: "C9", Level: Should, Expected: "names token_types app_asserted_user_v1 service_asserted_app_v1", Clause: outlookMobile, Needs: "C3", of: bearerDoor, door: tokenTypes, Fix: checkProxy},
	{ID: "C10", Level: Should, Expected: "says AzureAD or ADFS where it has issuer_kind", Clause: capture, Needs: "C3", of: bearerDoor, door: issuerKind, Fix: checkProxy},
	{ID: "C11", Level: Must, Expected: "names the authorization_uri that every other door names", Clause: howTo + ": all servers alike", Needs: "C6", of: bearerDoor, door: sameAuthority,
		Fix: "The servers run different configuration: compare Get-AuthServer on each of them, and restart W3SVC and WAS where it is old."},
	{ID: "C12", Level: Must, Expected: "knows the scheme in lower case too", Clause: "RFC 9110 11.1", Needs: "C3", of: bearerDoor, door: lowerCase, Fix: checkProxy},
	{ID: "C13", Level: Must, Expected: "answers a request without a credential with 401", Clause: "RFC 9110 15.5.2", Needs: "C1", of: bearerDoor, door: anonymous401,
		Fix: "Nobody may get in here unasked: look at anonymous authentication of the path in IIS or at the gateway."},
	{ID: "C14", Level: Should, Expected: "announces no Bearer to a request without a credential", Clause: capture, Needs: "C13", of: bearerDoor, door: anonymousBearer, Fix: checkProxy},
	{ID: "C15", Level: Should, Expected: "answers the same whoever X-User-Identity names, if nobody has the name", Clause: "ours: an answer may not tell who exists", Needs: "C12", of: bearerDoor, door: stranger,
		Fix: "The server tells who exists. Exchange Server does not; look at the gateway."},

	{ID: "R1", Level: Must, Expected: "refuses an unsigned token with 401", Clause: "RFC 8725 3.1, 3.2", Needs: "C3", of: bearerDoor, door: unsigned,
		Fix: "Whatever answers there takes tokens that anybody can write: take it off the network."},
	{ID: "R2", Level: Should, Expected: "says error=\"invalid_token\" to it", Clause: "RFC 6750 3.1 (a should there); " + outlookMobile, Needs: "R1", of: bearerDoor, door: invalidToken, Fix: checkProxy},
	{ID: "R3", Level: Should, Expected: "says why in x-ms-diagnostics, with a code that is known", Clause: outlookMobile, Needs: "R1", of: bearerDoor, door: diagnosed, Fix: checkProxy},
	{ID: "R4", Level: Must, Expected: "names the authorization_uri to it as before", Clause: outlookMobile + " (its sample); Outlook for Mac needs it, says Microsoft Learn, Enabling Modern Auth in Exchange on-premises", Needs: "R1", of: bearerDoor, door: stillOffered, Fix: checkOffer},

	{ID: "A1", Level: Must, Expected: "answers autodiscover.json without a credential with Protocol and Url, as AutoDetect asks", Clause: outlookMobile + "; Autodiscover version 2", site: detect,
		Fix: "Publish /autodiscover/autodiscover.json without pre-authentication, and give the ActiveSync virtual directory an ExternalUrl (rules urls-present and autodetect)."},
	{ID: "A2", Level: Must, Expected: "names an https URL there", Clause: outlookMobile, Needs: "A1", site: detectURL, Fix: "Set ExternalUrl of the ActiveSync virtual directory to an https URL."},
	{ID: "A3", Level: Must, Expected: "offers modern authentication at that URL", Clause: outlookMobile, Needs: "A2", site: detectOffer, Fix: checkOffer},
	{ID: "A4", Level: Should, Expected: "answers an unknown protocol there with 400 and ErrorCode", Clause: capture, Needs: "A1", site: unknownProtocol, Fix: checkProxy},

	{ID: "B1", Level: Must, Expected: "sends a browser without a session to the cloud's authorization endpoint", Clause: howTo, of: mail.Protocol.Browser, door: browserRedirect, Fix: checkOWA},
	{ID: "B2", Level: Must, Expected: "asks as client_id 00000002-0000-0ff1-ce00-000000000000, the Exchange application", Clause: openID + " 3.1.2.1; " + howTo, Needs: "B1", of: mail.Protocol.Browser, door: browserClient, Fix: checkOWA},
	{ID: "B3", Level: Should, Expected: "asks for the resource 00000002-0000-0ff1-ce00-000000000000", Clause: "seen in the cloud's OWA; that the on-premises query is the same is a guess", Needs: "B1", of: mail.Protocol.Browser, door: browserResource, Fix: checkOWA},
	{ID: "B4", Level: Should, Expected: "asks for an ID token that the browser posts (response_type with id_token, response_mode form_post)", Clause: openID + " 3.3.2.1; OAuth 2.0 Form Post Response Mode", Needs: "B1", of: mail.Protocol.Browser, door: browserResponse, Fix: checkOWA},
	{ID: "B5", Level: Must, Expected: "names a redirect_uri at its own host, below its own path", Clause: openID + " 3.1.2.1; " + howTo, Needs: "B1", of: mail.Protocol.Browser, door: browserBack,
		Fix: "Keep the Host header at the device in front, and set InternalUrl and ExternalUrl of OWA and ECP to the names that browsers use."},
	{ID: "B6", Level: Must, Expected: "sends a state along, and a nonce where it asks for an ID token", Clause: "RFC 6749 10.12; " + openID + " 3.3.2.1", Needs: "B1", of: mail.Protocol.Browser, door: browserNonce, Fix: checkProxy},
	{ID: "B7", Level: Must, Expected: "is known to the cloud: its sign-in page answers without an error", Clause: howTo + ": reply URLs", Needs: "B5", of: mail.Protocol.Browser, door: browserPage,
		Fix: "Add the redirect_uri to the reply URLs of the Exchange service principal (rule reply-urls)."},
	{ID: "B8", Level: Should, Expected: "sets cookies that come back with a posted form and are hidden from scripts (Secure, HttpOnly, one with SameSite=None)", Clause: "RFC 6265 4.1.2.5, 4.1.2.6; SameSite by RFC 6265bis 4.1.2.7", Needs: "B1", of: mail.Protocol.Browser, door: browserCookies, Fix: checkProxy},
	{ID: "B9", Level: Must, Expected: "signs in as its sibling does: OWA and ECP together", Clause: howTo, of: mail.Protocol.Browser, door: browserPair, Fix: checkOWA},

	{ID: "S1", Level: Must, Expected: "is known to the cloud: a token is issued for https:// and the host", Clause: howTo + ": service principal names", site: issued,
		Fix: "Add the host to servicePrincipalNames of the Exchange service principal (rule spn-list)."},
	{ID: "S2", Level: Must, Expected: "takes the token", Clause: outlookMobile, Needs: "C6", of: bearerDoor, door: takes, Fix: "hma explain knows the x-ms-diagnostics line of the answer."},
	{ID: "S3", Level: Should, Expected: "announces no token in AuthPackage of Autodiscover's answer", Clause: "POX Autodiscover reference: there is no such word; discovery is by challenge alone", Needs: "S2",
		of: func(p mail.Protocol) bool { return p == mail.Autodiscover }, door: authPackage, Fix: checkProxy},
}

// Find returns the requirement with the ID, and whether there is one.
func Find(id string) (Requirement, bool) {
	for _, r := range Requirements {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}
