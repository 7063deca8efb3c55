package jwt

import (
	"strings"

	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// Profile is a kind of token by whom it speaks for, under the names that
// Exchange's configuration has for them.
type Profile uint8

// The profiles; a Demand holds a set of them.
const (
	V1AppActAs     Profile = 1 << iota // delegated: an application for a user
	V1AppOnly                          // an application for itself
	V1IDToken                          // who signed in, for the application itself
	ServerToServer                     // server-to-server tokens of the Access Control Service
)

// String returns the profile's name in Exchange's configuration.
func (p Profile) String() string {
	switch p {
	case V1AppActAs:
		return "V1AppActAs"
	case V1AppOnly:
		return "V1AppOnly"
	case V1IDToken:
		return "V1IdToken"
	}
	return "V1S2SAppOnly"
}

// Scopes is a set of the delegated permissions that protocols ask for by name.
type Scopes uint8

// The permissions.
const (
	UserImpersonation Scopes = 1 << iota
	FullAccessAsUser
	EASAccess
	EWSAccess
)

// ParseScopes reads a scp claim; permissions that no protocol asks for by name are not in the set.
func ParseScopes(list []string) Scopes {
	var set Scopes
	for _, scope := range list {
		switch {
		case strings.EqualFold(scope, "user_impersonation"):
			set |= UserImpersonation
		case strings.EqualFold(scope, "full_access_as_user"):
			set |= FullAccessAsUser
		case strings.EqualFold(scope, "EAS.AccessAsUser.All"):
			set |= EASAccess
		case strings.EqualFold(scope, "EWS.AccessAsUser.All"):
			set |= EWSAccess
		}
	}
	return set
}

// Grant is whom a token speaks for, and with which permissions.
type Grant struct {
	Profile Profile
	Scopes  Scopes // of scp, those that a protocol asks for by name
	Scoped  bool   // scp names a permission
	Roled   bool   // roles names one
}

// Grant returns what the claims make. ofACS tells that the issuer is the Access Control
// Service: what it signs speaks for a server, whatever else it says.
func (c *Claims) Grant(ofACS bool) Grant {
	list := strings.Fields(c.Scopes)
	g := Grant{Profile: V1AppActAs, Scopes: ParseScopes(list), Scoped: len(list) > 0, Roled: len(c.Roles) > 0}
	switch {
	case c.Actor != "" || ofACS:
		g.Profile = ServerToServer
	case c.Audience == wellknown.Exchange && c.Scopes == "" && !g.Roled && c.IDType != "app":
		g.Profile = V1IDToken
	case c.IDType == "app", c.Scopes == "" && g.Roled && c.SID == "" && c.PrimarySID == "" && c.Name() == "" && c.SMTP == "":
		g.Profile = V1AppOnly
	}
	return g
}

// Demand is what a protocol asks of a token.
type Demand struct {
	Profiles Profile // those that it takes
	Scopes   Scopes  // one of these must be in scp; 0 means any scope will do
}

// What each protocol asks. The zero Demand takes no token.
var (
	Autodiscover = Demand{Profiles: V1AppActAs | V1AppOnly}
	MAPI         = Demand{V1AppActAs, UserImpersonation}
	EWS          = Demand{Profiles: V1AppActAs | V1AppOnly}
	ActiveSync   = Demand{V1AppActAs, FullAccessAsUser | EASAccess | EWSAccess}
	OAB          = Demand{V1AppActAs, UserImpersonation}
	OWA          = Demand{Profiles: V1IDToken}
	ECP          = Demand{Profiles: V1IDToken}
)

// Refuse tells why the protocol does not take a token with the grant, nil when it does: by
// profile, then permissions. An ID token has no permissions, and an application's own has them in roles.
func (d Demand) Refuse(g Grant) *Refusal {
	permissions := func(found string) *Refusal {
		return &Refusal{bearer.InvalidGrant, bearer.ReasonPermissions, found}
	}
	switch {
	case d.Profiles&g.Profile == 0:
		return &Refusal{bearer.Unparsable, bearer.ReasonProfile(g.Profile.String()), "token profile " + g.Profile.String() + " is not taken here"}
	case g.Profile == V1IDToken:
		return nil
	case !g.Scoped && !g.Roled:
		return permissions("token has neither scp nor roles")
	case g.Profile == V1AppOnly && !g.Roled:
		return permissions("token of an application has no roles")
	case g.Profile == V1AppOnly:
		return nil
	case !g.Scoped || d.Scopes != 0 && d.Scopes&g.Scopes == 0:
		return permissions("token lacks the protocol's scope")
	}
	return nil
}

// AudienceHost returns the host that an audience names, as PublicHost writes
// it: of https://host, https://host/ and
// 00000002-0000-0ff1-ce00-000000000000/host@realm. A path beyond one slash, user
// information or another scheme give "".
func AudienceHost(aud, realm string) string {
	if rest, ok := strings.CutPrefix(aud, wellknown.Exchange+"/"); ok {
		host, of, ok := strings.Cut(rest, "@")
		if !ok || realm == "" || !strings.EqualFold(of, realm) {
			return ""
		}
		return PublicHost(host)
	}
	const https = "https://"
	if len(aud) < len(https) || !strings.EqualFold(aud[:len(https)], https) {
		return ""
	}
	host := strings.TrimSuffix(aud[len(https):], "/")
	if strings.ContainsAny(host, "/@?#\\") {
		return ""
	}
	return PublicHost(host)
}

// PublicHost returns a Host header, or the authority of an https URL, as hosts are
// compared: host or host:port in lower case, never with :443. Only A to Z are
// folded: names that differ in other letters stay different.
func PublicHost(authority string) string {
	return strings.TrimSuffix(asciiLower(authority), ":443")
}

// asciiLower is strings.ToLower for A to Z only.
func asciiLower(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= 'A' && c <= 'Z' {
			lower := []byte(text)
			for ; i < len(lower); i++ {
				if c := lower[i]; c >= 'A' && c <= 'Z' {
					lower[i] = c + 'a' - 'A'
				}
			}
			return string(lower)
		}
	}
	return text
}

// WrongAudience is the refusal of a token that is for something else than the
// host that was called.
func WrongAudience(aud, host string) *Refusal {
	reason := bearer.ReasonAudience
	if strings.Contains(aud, "://") {
		reason = bearer.ReasonHost(aud, "https://"+host)
	}
	return &Refusal{bearer.InvalidResource, reason, "audience is not the request's public host"}
}
