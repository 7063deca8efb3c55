package auth

import (
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// issuerKindSince is Exchange Server 2019 CU13, the first build whose challenge has issuer_kind.
var issuerKindSince = org.Version{15, 2, 1258, 12}

// challenge returns what every Bearer challenge of the organisation has in common.
func challenge(s *org.Snapshot) bearer.Challenge {
	return bearer.Challenge{ClientID: wellknown.Exchange, TrustedIssuers: trustedIssuers(s), TokenTypes: bearer.TokenTypes}
}

// trustedIssuers lists the cloud's token service once for each tenant that an
// enabled AuthServer of the cloud stands for. The issuer URL itself is never listed.
func trustedIssuers(s *org.Snapshot) string {
	var list []string
	for _, server := range s.AuthServers {
		if !server.Enabled || server.Realm == "" || server.Type == org.ADFS {
			continue
		}
		if issuer := wellknown.ACS + "@" + server.Realm; !slices.Contains(list, issuer) {
			list = append(list, issuer)
		}
	}
	return strings.Join(list, ",")
}

// hostname returns the host without a port.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}

// asciiLower is strings.ToLower for A to Z only: names that differ in other letters stay different.
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

// AdminChallenge is the challenge of the Admin API. Any enabled AuthServer of the cloud says where
// administrators sign in, the default one first: they must get in before modern authentication is
// offered to mail clients. presented tells that the request had a token, which was no good.
func AdminChallenge(s *org.Snapshot, presented bool) string {
	c := challenge(s)
	for _, server := range s.AuthServers {
		if server.Enabled && server.Type == org.AzureAD && (c.AuthorizationURI == "" || server.IsDefaultAuthorizationEndpoint) {
			c.AuthorizationURI, c.IssuerKind = server.AuthorizationEndpoint, server.Type
		}
	}
	if presented {
		c.Error = bearer.InvalidToken
	}
	return c.String()
}
