package procedure

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/hybrid/procedure/rule"
	"hma/wire/aadsts"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// Explanation is something in plain words.
type Explanation struct {
	Version int `json:"version"`
	// Kind is token, challenge, diagnostics, AADSTS, rule or unknown.
	Kind    string `json:"kind"`
	Title   string `json:"title"`
	Lines   []Fact `json:"lines,omitempty"`
	Meaning string `json:"meaning"`
	Fix     string `json:"fix,omitempty"`
}

// Fact is one part of what is explained: its name, its value, what it means.
type Fact struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Meaning string `json:"meaning,omitempty"`
}

// Kinds of explanation.
const (
	KindToken       = "token"
	KindChallenge   = "challenge"
	KindDiagnostics = "diagnostics"
	KindAADSTS      = "AADSTS"
	KindRule        = "rule"
	KindUnknown     = "unknown"
)

// maxExplain bounds what Explain reads: a token that a server takes is far shorter.
const maxExplain = 64 << 10

// Explain says in plain words what a token, a WWW-Authenticate line, an
// x-ms-diagnostics line or code, an AADSTS code or text, or a rule id means, and
// how to put it right. What it does not know it says (KindUnknown). A token is
// decoded, never verified; now is what its times are compared with.
func Explain(text string, now time.Time) Explanation {
	x := explain(strings.TrimSpace(text), now)
	x.Version = 1
	return x
}

func explain(text string, now time.Time) Explanation {
	unknown := Explanation{Kind: KindUnknown, Title: "not known",
		Meaning: "this is no token, WWW-Authenticate line, x-ms-diagnostics line or code, AADSTS code or rule id that hma knows"}
	if text == "" || len(text) > maxExplain {
		unknown.Meaning = fmt.Sprintf("nothing, or more than %d bytes: this cannot be explained", maxExplain)
		return unknown
	}
	if r, ok := rule.Find(strings.ToLower(text)); ok {
		return explainRule(&r)
	}
	bare := text
	for _, prefix := range []string{"authorization:", "bearer "} {
		if len(bare) > len(prefix) && strings.EqualFold(bare[:len(prefix)], prefix) {
			bare = strings.TrimSpace(bare[len(prefix):])
		}
	}
	if strings.Count(bare, ".") >= 2 && !strings.ContainsAny(bare, " =,\"") {
		return explainToken(bare, now)
	}
	name, value, _ := strings.Cut(text, ":")
	if strings.EqualFold(strings.TrimSpace(name), bearer.DiagnosticsHeader) {
		return explainDiagnostics(strings.TrimSpace(value), unknown)
	}
	if strings.EqualFold(strings.TrimSpace(name), "www-authenticate") {
		return explainChallenge(strings.TrimSpace(value), unknown)
	}
	if d, ok := bearer.ParseDiagnostics(text); ok {
		if _, known := bearer.Lookup(d.Code); known || d.Category != "" {
			return explainDiagnostics(text, unknown)
		}
	}
	if code, ok := aadsts.Find(text); ok {
		return explainAADSTS(code, unknown)
	}
	return explainChallenge(text, unknown)
}

func explainRule(r *rule.Rule) Explanation {
	x := Explanation{Kind: KindRule, Title: r.ID + ": " + r.Title, Meaning: r.Why, Fix: r.Repair,
		Lines: []Fact{{"how-to", r.Source, "the heading that the rule comes from"}}}
	if r.When != "" {
		x.Lines = append(x.Lines, Fact{"applies", r.When, ""})
	}
	var reads []string
	for _, s := range r.Needs {
		reads = append(reads, string(s))
	}
	if reads != nil {
		x.Lines = append(x.Lines, Fact{"reads", strings.Join(reads, ", "), "without one of them it is not checked"})
	}
	for _, a := range r.Allow() {
		x.Lines = append(x.Lines, Fact{a.Firewall, strings.Join(a.Commands, "; "), ""})
	}
	return x
}

func explainAADSTS(code aadsts.Code, unknown Explanation) Explanation {
	e, ok := aadsts.Lookup(code)
	if !ok {
		unknown.Title = code.String() + ": not known"
		unknown.Meaning = "hma does not know this code; Microsoft lists all of them at https://login.microsoftonline.com/error."
		return unknown
	}
	lines := []Fact{{"error", e.Error, "what a client branches on"}}
	if e.Suberror != "" {
		lines = append(lines, Fact{"suberror", e.Suberror, "the reason beside it"})
	}
	return Explanation{Kind: KindAADSTS, Title: code.String() + ": " + e.Describe("...", "...", "...", "..."), Lines: lines, Meaning: e.Explain, Fix: e.Fix}
}

func explainDiagnostics(text string, unknown Explanation) Explanation {
	d, ok := bearer.ParseDiagnostics(text)
	if !ok {
		return unknown
	}
	info, known := bearer.Lookup(d.Code)
	if !known {
		unknown.Title = fmt.Sprintf("x-ms-diagnostics %d: not known", d.Code)
		return unknown
	}
	x := Explanation{Kind: KindDiagnostics, Title: fmt.Sprintf("x-ms-diagnostics %d (%s)", d.Code, info.Category), Meaning: info.Meaning, Fix: info.Fix}
	if d.Reason != "" {
		x.Lines = []Fact{{"reason", d.Reason, "the server's own words"}}
	}
	return x
}

func explainChallenge(text string, unknown Explanation) Explanation {
	known := map[string]string{"bearer": "tokens", "basic": "a password, sent with each request", "negotiate": "Kerberos, or NTLM in its frame",
		"ntlm": "a password's hash, by challenge and answer", "digest": "a password's hash"}
	schemes := bearer.Parse([]string{text})
	schemes = slices.DeleteFunc(schemes, func(s bearer.Scheme) bool { return known[strings.ToLower(s.Name)] == "" })
	if len(schemes) == 0 {
		return unknown
	}
	x := Explanation{Kind: KindChallenge, Title: "WWW-Authenticate challenge"}
	meaning := map[string]string{
		"client_id":         "the application that tokens are for; " + wellknown.Exchange + " is Exchange",
		"trusted_issuers":   "who may issue server-to-server tokens, as issuer@tenant",
		"token_types":       "kinds of token that are taken",
		"authorization_uri": "where the client signs its user in: modern authentication is offered",
		"issuer_kind":       "the type of the default AuthServer",
		"error":             "a token was refused, or modern authentication is not offered; x-ms-diagnostics says why",
		"realm":             "the name of what the password is for",
	}
	for _, s := range schemes {
		x.Lines = append(x.Lines, Fact{s.Name, "", known[strings.ToLower(s.Name)]})
		for _, p := range s.Params {
			x.Lines = append(x.Lines, Fact{p.Name, p.Value, meaning[p.Name]})
		}
	}
	b, has := bearer.Find(schemes, "Bearer")
	switch c := b.Challenge(); {
	case !has:
		x.Meaning = "The server takes passwords here and no tokens. Exchange shows Bearer only to a request that came with the scheme Bearer."
		x.Fix = "Send \"Authorization: Bearer\" without a token to see whether tokens are offered; if not, look at the rule oauth-virtual-directories."
	case c.AuthorizationURI == "":
		x.Meaning = "The server takes tokens but does not offer modern authentication to this client: there is no authorization_uri."
		x.Fix = "Look at the rules default-authorization-endpoint and oauth2-client-profile, and at the authentication policy of the user."
	case c.Error != "":
		x.Meaning = "Modern authentication is offered, and the token that came was refused."
		x.Fix = "Read x-ms-diagnostics of the same answer: hma explain knows its codes."
	default:
		x.Meaning = "Modern authentication is offered: the client signs in at authorization_uri and comes back with a token."
	}
	return x
}

// explainToken decodes a JSON Web Token (RFC 7519) without verifying it.
func explainToken(text string, now time.Time) Explanation {
	x := Explanation{Kind: KindToken, Title: "JSON Web Token, decoded and not verified",
		Meaning: "Anybody can write such a text: only its signature, which is not checked here, makes it true."}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		x.Meaning = fmt.Sprintf("It has %d parts, a signed token has 3. A server answers x-ms-diagnostics 2000001.", len(parts))
		return x
	}
	header, err := claims(parts[0])
	if err == nil {
		var body []claim
		if body, err = claims(parts[1]); err == nil {
			x.token(header, body, parts[2], now)
			return x
		}
	}
	x.Meaning = "It looks like a token but cannot be decoded (" + err.Error() + "). A server answers x-ms-diagnostics 2000001."
	x.Fix = "Copy it whole, without line breaks."
	return x
}

type claim struct {
	name  string
	value any
}

// maxClaims bounds how many members of a token's part are read.
const maxClaims = 200

// claims decodes a part of a token in the order of its text; a name that comes twice is an error.
func claims(part string) ([]claim, error) {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("no JSON object")
	}
	var list []claim
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, errors.New("no JSON object")
		}
		if slices.ContainsFunc(list, func(c claim) bool { return strings.EqualFold(c.name, name) }) {
			return nil, fmt.Errorf("the claim %s comes twice", strconv.Quote(name))
		}
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, errors.New("no JSON object")
		}
		if list = append(list, claim{name, v}); len(list) > maxClaims {
			return nil, fmt.Errorf("more than %d claims", maxClaims)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("no JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return list, nil
}

// claimMeanings are the claims that Exchange reads or an administrator asks about.
var claimMeanings = map[string]string{
	"alg": "how it is signed; only RS256 is taken", "kid": "which key of the issuer signed it", "x5t": "the signing certificate's thumbprint", "typ": "what it is",
	"iss": "who issued it: must be the IssuerIdentifier of an enabled AuthServer",
	"aud": "what it is for: must be https:// and the host by which the server is called",
	"tid": "the tenant: must be the Realm of the AuthServer", "ver": "version of the token",
	"upn": "the person: looked up as user principal name", "unique_name": "the person, for display", "onprem_sid": "the on-premises SID: looked up first",
	"smtp": "an address of the person", "oid": "the person's object in the tenant", "sub": "the person as this application sees him", "name": "display name",
	"scp":   "delegated permissions: MAPI and OAB want user_impersonation, ActiveSync EAS or EWS.AccessAsUser.All, EWS and Autodiscover any",
	"roles": "application permissions: good for EWS and Autodiscover only", "appid": "the client that asked for it", "azp": "the client that asked for it",
	"appidacr": "how the client proved itself: 0 not, 1 secret, 2 certificate", "nonce": "ties an ID token to one sign-in",
}

func (x *Explanation) token(header, body []claim, signature string, now time.Time) {
	value := map[string]string{}
	for _, c := range slices.Concat(header, body) {
		f := Fact{Name: c.name, Value: claimText(c.value), Meaning: claimMeanings[c.name]}
		if n, ok := c.value.(json.Number); ok && slices.Contains([]string{"exp", "nbf", "iat", "auth_time"}, c.name) {
			f.Meaning = when(c.name, n, now)
		}
		if _, twice := value[c.name]; !twice {
			value[c.name] = f.Value
		}
		x.Lines = append(x.Lines, f)
	}
	var wrong []string
	complain := func(bad bool, text string) {
		if bad {
			wrong = append(wrong, text)
		}
	}
	at := func(name string) (time.Time, bool) {
		n, err := strconv.ParseFloat(value[name], 64)
		return time.Unix(int64(n), 0), err == nil && n > 0 && n < 1e11
	}
	complain(value["alg"] != "RS256", "alg is not RS256 (2000001)")
	complain(signature == "", "it is not signed (2000001)")
	exp, ok := at("exp")
	complain(!ok || !now.Before(exp), "it has expired, or says no end (2000001)")
	nbf, ok := at("nbf")
	complain(ok && now.Before(nbf), "it is not valid yet (2000001)")
	complain(value["nonce"] != "" && value["scp"] == "", "it is an ID token: doors that take bearer tokens refuse it (2000001)")
	complain(!strings.HasPrefix(value["aud"], "https://") && !strings.HasPrefix(value["aud"], wellknown.Exchange), "aud is no https URL of a mail server (2000003)")
	complain(value["scp"] == "" && value["roles"] == "" && value["nonce"] == "", "it carries no permission (2000008)")
	if wrong != nil {
		x.Fix = "A server would refuse it: " + strings.Join(wrong, "; ") + "."
		return
	}
	x.Fix = "Nothing in it speaks against it. A server further compares the signature, iss, tid, the host of aud, the person and the permission."
}

func claimText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(data)
}

// when says a time claim in words, relative to now.
func when(name string, n json.Number, now time.Time) string {
	seconds, err := n.Float64()
	if err != nil || seconds < 0 || seconds > 1e11 {
		return "no time"
	}
	t := time.Unix(int64(seconds), 0).UTC()
	word := map[string]string{"exp": "ends", "nbf": "begins", "iat": "issued", "auth_time": "signed in"}[name]
	distance := now.Sub(t).Round(time.Second)
	if distance < 0 {
		return fmt.Sprintf("%s %s, in %s", word, t.Format(time.RFC3339), -distance)
	}
	return fmt.Sprintf("%s %s, %s ago", word, t.Format(time.RFC3339), distance)
}
