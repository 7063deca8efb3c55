package auth

import (
	"hma/exchange/org"
)

// Identity is who a request speaks for, after every check has passed. It is
// immutable and shared between requests.
type Identity struct {
	// Recipient is the person; nil only for an application that acts for itself.
	Recipient *org.Recipient
	// AuthN is what Outlook's Connection Status would show: "Bearer*" for a
	// token, "Basic*" for a password, "NTLM" for bare NTLM and "Nego*" for NTLM inside
	// Negotiate; and "OpenID" for a session of OWA or ECP that the cloud began, "FBA" for
	// one that a password began on their own page.
	AuthN string
	// Issuer is the IssuerIdentifier of the AuthServer that vouched for the person, "" for a password.
	Issuer string
	// Application is the client's application id (appid), "" for a password.
	Application string
	// Scopes are the delegated permissions (scp), Roles an application's (roles).
	Scopes []string
	Roles  []string
}
