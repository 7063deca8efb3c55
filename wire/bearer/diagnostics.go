package bearer

import (
	"strconv"
	"strings"
)

// DiagnosticsHeader is the header that tells why a token was refused.
const DiagnosticsHeader = "x-ms-diagnostics"

// Code is a code of x-ms-diagnostics.
type Code int

// The codes that Exchange Server is known to send. 2000002, 2000006, 2000007 and
// 2000010 were never seen and stay unused.
const (
	InvalidSignature   Code = 2000000
	Unparsable         Code = 2000001
	InvalidResource    Code = 2000003
	InvalidTenant      Code = 2000004
	InvalidUser        Code = 2000005
	InvalidGrant       Code = 2000008
	InvalidIssuer      Code = 2000009
	InsufficientClaims Code = 2000020
	NotAvailable       Code = 4000000
)

// Reason texts without a parameter.
const (
	ReasonSignature   = "The token has an invalid signature."
	ReasonUnparsable  = "OAuth token submitted with the request can not be parsed."
	ReasonExpired     = "The token has expired or is not yet valid."
	ReasonAudience    = "The audience claim value is invalid 'aud'."
	ReasonNoUser      = "The user specified by the user-context in the token does not exist."
	ReasonAmbiguous   = "The user specified by the user-context in the token is ambiguous."
	ReasonPermissions = "The token contains no permissions, or permissions can not be understood."
)

// ReasonHost says which audience the token names and which one the server expects to see for the request.
func ReasonHost(expected, actual string) string {
	return "The hostname component of the audience claim value is invalid. Expected '" + clean(expected) + "'. Actual '" + clean(actual) + "'."
}

// ReasonTenant says that no enabled AuthServer has the tenant as its realm.
func ReasonTenant(tenant string) string {
	return "The tenant for tenant guid '" + clean(tenant) + "' does not exist."
}

// ReasonIssuer says that no enabled AuthServer has the issuer.
func ReasonIssuer(issuer string) string {
	return "The issuer of the token is unknown. Issuer was '" + clean(issuer) + "'."
}

// ReasonProfile says that the virtual directory takes no tokens of the profile, for example V1AppOnly.
func ReasonProfile(profile string) string {
	return "This token profile '" + clean(profile) + "' is not applicable for the current protocol."
}

// ReasonFlighting says that modern authentication is not offered to whom the request names: user or host.
func ReasonFlighting(whom string) string {
	return "Flighting is not enabled for domain '" + clean(whom) + "'."
}

// clean makes foreign text fit for a reason: printable ASCII without quotes and backslash, at most 200 characters.
func clean(text string) string {
	fits := func(c rune) bool { return c >= 0x20 && c < 0x7f && c != '"' && c != '\'' && c != '\\' }
	text = strings.Map(func(c rune) rune {
		if fits(c) {
			return c
		}
		return -1
	}, text[:min(len(text), 4096)])
	return text[:min(len(text), 200)]
}

// Diagnostics is a value of x-ms-diagnostics.
type Diagnostics struct {
	Code     Code
	Reason   string
	Category string // error_category
}

// Diagnose returns the value for a code of the table with its category.
func Diagnose(code Code, reason string) Diagnostics {
	d := Diagnostics{Code: code, Reason: reason}
	if info, ok := Lookup(code); ok {
		d.Category = info.Category
	}
	return d
}

// String returns the value as Exchange writes it: code;reason="text";error_category="category".
func (d Diagnostics) String() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(int(d.Code)))
	b.WriteString(";reason=")
	writeQuoted(&b, d.Reason)
	b.WriteString(";error_category=")
	writeQuoted(&b, d.Category)
	return b.String()
}

// ParseDiagnostics reads a value of x-ms-diagnostics, with blanks after the
// semicolons as some copies have them, and tells whether it begins with a code.
func ParseDiagnostics(value string) (Diagnostics, bool) {
	if len(value) > maxLine {
		value = value[:maxLine]
	}
	number, rest, _ := strings.Cut(value, ";")
	code, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
	if err != nil {
		return Diagnostics{}, false
	}
	d := Diagnostics{Code: Code(code)}
	for p := (parser{rest: rest}); ; {
		p.skip(" \t;,")
		if p.rest == "" {
			return d, true
		}
		name := p.token()
		text, ok := p.value()
		switch {
		case ok && strings.EqualFold(name, "reason"):
			d.Reason = text
		case ok && strings.EqualFold(name, "error_category"):
			d.Category = strings.TrimRight(text, ";")
		case !ok && name == "":
			p.rest = p.rest[1:]
		}
	}
}

// Info is what is known about a code: its category, and in our own words what it means and what to do.
type Info struct {
	Code     Code
	Category string
	Meaning  string
	Fix      string
}

// Codes is the table of all known codes, in ascending order.
var Codes = []Info{
	{InvalidSignature, "invalid_signature",
		"The server has no key that matches the token's signature. Usually the identity service has changed its signing keys and the server still holds old metadata, or the token was altered on the way.",
		"Refresh the metadata with Set-AuthServer -RefreshAuthMetadata and see that the server can reach the AuthMetadataUrl. If the keys are current, get a new token."},
	{Unparsable, "invalid_token",
		"The server could not take the token at all: it is no signed JWT, it uses an algorithm or header that is not allowed, its lifetime is over or has not begun, or tokens of its kind are not taken by this protocol. The reason text says which.",
		"Decode the token. If it has expired, sign in again and compare the clocks of client, server and identity service. If its profile is refused, ask for a delegated access token for the mail server's URL instead of an ID token or an application's token."},
	{InvalidResource, "invalid_resource",
		"The audience of the token is not the URL by which the server was asked. Expected is what the token names, Actual what the server sees.",
		"Ask for a token for https:// and the host of the URL that is called. If the client did so, a load balancer changes the host name or ends TLS: keep the Host header and use TLS to the server. The host must also be in an InternalUrl or ExternalUrl of the server."},
	{InvalidTenant, "invalid_tenant",
		"The token comes from a tenant that no AuthServer of the organisation has as its realm.",
		"Compare the tid claim with Realm in Get-AuthServer. Sign in with an account of the tenant that the organisation is connected with, or add an AuthServer for the other tenant."},
	{InvalidUser, "invalid_user",
		"The token is good, but the user it names has no usable mailbox account here, or more than one account matches.",
		"Compare the token's upn with the user principal name on premises, see that the account is enabled and synchronised, and look for a second object with the same UPN or address."},
	{InvalidGrant, "invalid_grant",
		"The token does not carry the permission that the protocol asks for, or carries none.",
		"Look at the scp claim. MAPI and the offline address book want user_impersonation, ActiveSync wants EAS.AccessAsUser.All, EWS.AccessAsUser.All or full_access_as_user, EWS and Autodiscover any. Grant the client the permission and sign in again."},
	{InvalidIssuer, "invalid_issuer",
		"No enabled AuthServer of the organisation has the issuer of the token.",
		"Compare the iss claim with IssuerIdentifier in Get-AuthServer. The AuthServer is missing, disabled, or was replaced by that of another tenant; create it again from the right metadata URL."},
	{InsufficientClaims, "insufficient_claims",
		"A claim for tenant restrictions is missing. This is an answer of the cloud service, not of a server on premises.",
		"Look at the tenant restrictions of the network that the client is in."},
	{NotAvailable, "oauth_not_available",
		"Modern authentication is not offered to this user or host: the organisation has it off, there is no default authorization endpoint, or an authentication policy blocks it.",
		"Look at OAuth2ClientProfileEnabled in Get-OrganizationConfig, IsDefaultAuthorizationEndpoint in Get-AuthServer, and the user's AuthenticationPolicy or the organisation's DefaultAuthenticationPolicy for a BlockModernAuth switch."},
}

// Lookup returns the table's entry for the code, and whether there is one.
func Lookup(code Code) (Info, bool) {
	for _, info := range Codes {
		if info.Code == code {
			return info, true
		}
	}
	return Info{}, false
}
