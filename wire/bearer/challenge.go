package bearer

import (
	"strings"
)

// TokenTypes is the token_types parameter of every Exchange challenge.
const TokenTypes = "app_asserted_user_v1 service_asserted_app_v1"

// InvalidToken is the one value that Exchange gives the error parameter.
const InvalidToken = "invalid_token"

// Challenge is a Bearer challenge of Exchange by its parameters; an empty one is not sent.
type Challenge struct {
	ClientID         string // the Exchange application id
	TrustedIssuers   string // comma list of issuer@realm
	TokenTypes       string // TokenTypes
	AuthorizationURI string // only when modern authentication is offered to the user
	IssuerKind       string // AzureAD or ADFS
	Error            string // InvalidToken, or "" in the answer to a probe
}

// String returns the value of a WWW-Authenticate line. The order of the
// parameters is the one that Exchange Server has on the wire.
func (c Challenge) String() string {
	var b strings.Builder
	b.WriteString("Bearer")
	sep := " "
	for _, p := range [...]struct{ name, value string }{
		{"client_id", c.ClientID},
		{"trusted_issuers", c.TrustedIssuers},
		{"token_types", c.TokenTypes},
		{"authorization_uri", c.AuthorizationURI},
		{"issuer_kind", c.IssuerKind},
		{"error", c.Error},
	} {
		if !strings.ContainsFunc(p.value, printable) {
			continue
		}
		b.WriteString(sep)
		b.WriteString(p.name)
		b.WriteByte('=')
		writeQuoted(&b, p.value)
		sep = ", "
	}
	return b.String()
}

// BasicChallenge returns the value of a WWW-Authenticate line for Basic (RFC 7617).
func BasicChallenge(realm string) string {
	var b strings.Builder
	b.WriteString("Basic realm=")
	writeQuoted(&b, realm)
	return b.String()
}

// writeQuoted writes a quoted-string (RFC 9110 5.6.4); control and non-ASCII characters are left out.
func writeQuoted(b *strings.Builder, value string) {
	b.WriteByte('"')
	for i := range len(value) {
		c := value[i]
		if !printable(rune(c)) {
			continue
		}
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
}

func printable(c rune) bool { return c >= 0x20 && c < 0x7f }

// Scheme is one challenge of any authentication scheme, as it was read.
type Scheme struct {
	// Name is the scheme in the sender's spelling, for example "Negotiate".
	Name string
	// Token is the token68 after the scheme, "" when there is none.
	Token string
	// Params are the parameters in their order, names in lower case.
	Params []Param
}

// Param is one auth-param. Value is unquoted.
type Param struct{ Name, Value string }

// Get returns the first parameter of the name, and whether there is one.
func (s Scheme) Get(name string) (string, bool) {
	for _, p := range s.Params {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// Challenge returns the parameters of an Exchange challenge by their meaning.
func (s Scheme) Challenge() Challenge {
	get := func(name string) string { v, _ := s.Get(name); return v }
	return Challenge{
		ClientID:         get("client_id"),
		TrustedIssuers:   get("trusted_issuers"),
		TokenTypes:       get("token_types"),
		AuthorizationURI: get("authorization_uri"),
		IssuerKind:       get("issuer_kind"),
		Error:            get("error"),
	}
}

// Find returns the first scheme of the name, in any case, and whether there is one.
func Find(schemes []Scheme, name string) (Scheme, bool) {
	for _, s := range schemes {
		if strings.EqualFold(s.Name, name) {
			return s, true
		}
	}
	return Scheme{}, false
}

// Limits of Parse: what lies beyond them is not read.
const (
	maxLine    = 16 << 10
	maxSchemes = 64
	maxParams  = 64
)

// Parse reads all WWW-Authenticate values of an answer (RFC 9110 11.6.1): one
// line may hold several challenges, separated by commas as their parameters are.
// Junk is skipped, so the result holds what could be understood, never an error.
func Parse(lines []string) []Scheme {
	var all []Scheme
	for _, line := range lines {
		if len(line) > maxLine {
			line = line[:maxLine]
		}
		p := parser{rest: line}
		all = p.challenges(all)
	}
	return all
}

type parser struct{ rest string }

func (p *parser) challenges(all []Scheme) []Scheme {
	own := len(all) // parameters belong to a scheme of the same line only
	for {
		p.skip(" \t,")
		if p.rest == "" {
			return all
		}
		word := p.token()
		if word == "" {
			p.rest = p.rest[1:]
			continue
		}
		if value, ok := p.value(); ok {
			if len(all) > own {
				s := &all[len(all)-1]
				if len(s.Params) < maxParams {
					s.Params = append(s.Params, Param{strings.ToLower(word), value})
				}
			}
			continue
		}
		if len(all) >= maxSchemes {
			return all
		}
		s := Scheme{Name: word}
		if strings.HasPrefix(p.rest, " ") {
			s.Token = p.token68()
		}
		all = append(all, s)
	}
}

func (p *parser) skip(set string) { p.rest = strings.TrimLeft(p.rest, set) }

// token reads a token (RFC 9110 5.6.2).
func (p *parser) token() string {
	n := 0
	for n < len(p.rest) && isTokenChar(p.rest[n]) {
		n++
	}
	word := p.rest[:n]
	p.rest = p.rest[n:]
	return word
}

// value reads "=" and a value, with blanks around "=" as senders should not but do.
func (p *parser) value() (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.rest, " \t"), "=")
	if !ok {
		return "", false
	}
	p.rest = strings.TrimLeft(rest, " \t")
	if !strings.HasPrefix(p.rest, `"`) {
		n := strings.IndexAny(p.rest, ", \t")
		if n < 0 {
			n = len(p.rest)
		}
		value := p.rest[:n]
		p.rest = p.rest[n:]
		return value, true
	}
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	p.rest = ""
	return b.String(), true
}

// token68 reads what stands alone between a scheme and the next comma, when it
// is a token68 (RFC 9110 11.2) and no parameter begins there.
func (p *parser) token68() string {
	rest := strings.TrimLeft(p.rest, " ")
	n := 0
	for n < len(rest) && isToken68Char(rest[n]) {
		n++
	}
	end := n
	for end < len(rest) && rest[end] == '=' {
		end++
	}
	if n == 0 {
		return ""
	}
	if after := strings.TrimLeft(rest[end:], " \t"); after != "" && after[0] != ',' {
		return ""
	}
	word := rest[:end]
	p.rest = rest[end:]
	return word
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isTokenChar(c byte) bool { return isAlnum(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 }

func isToken68Char(c byte) bool { return isAlnum(c) || strings.IndexByte("-._~+/", c) >= 0 }
