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

	"hma/client/mail"
	"hma/wire/bearer"
	"hma/wire/jwt"
	"hma/wire/wellknown"
)

// explainToken decodes a JSON Web Token (RFC 7519) without verifying it.
func explainToken(text, host string, now time.Time) Explanation {
	x := Explanation{Kind: KindToken, Title: "JSON Web Token, decoded and not verified", Doors: JudgeToken(text, host, now),
		Meaning: "Anybody can write such a text: only its signature makes it true. Signature, issuer, tenant and person are for the server to compare; here they are taken for good."}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		x.Meaning = fmt.Sprintf("It has %d parts, a signed token has 3. A server answers x-ms-diagnostics 2000001.", len(parts))
		return x
	}
	header, err := claims(parts[0])
	if err == nil {
		var body []claim
		if body, err = claims(parts[1]); err == nil {
			if x.Server = host; host == "" {
				x.Server = audienceHost(text)
			}
			x.token(header, body, now)
			return x
		}
	}
	x.Meaning = "It looks like a token but cannot be decoded (" + err.Error() + "). A server answers x-ms-diagnostics 2000001."
	x.Fix = "Copy it whole, without line breaks."
	return x
}

// audienceHost is the host that a token is for, "" for one that cannot be read or names none.
func audienceHost(text string) string {
	t, refusal := jwt.Parse(text)
	if refusal != nil {
		return ""
	}
	host, _ := namedBy(t)
	return host
}

// namedBy returns the host that a token's audience names, and whether ACS issued it.
func namedBy(t *jwt.Token) (host string, fromACS bool) {
	realm := t.Tenant
	of, fromACS := strings.CutPrefix(t.Issuer, wellknown.ACS+"@")
	if fromACS {
		realm = of
	}
	return jwt.AudienceHost(t.Audience, realm), fromACS
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

func (x *Explanation) token(header, body []claim, now time.Time) {
	for _, c := range slices.Concat(header, body) {
		f := Fact{Name: c.name, Value: claimText(c.value), Meaning: claimMeanings[c.name]}
		if n, ok := c.value.(json.Number); ok && slices.Contains([]string{"exp", "nbf", "iat", "auth_time"}, c.name) {
			f.Meaning = when(c.name, n, now)
		}
		if c.name == "ver" && f.Value == "2.0" {
			f.Meaning += "; Exchange's tokens are of version 1.0, and the issuer of this one is not the AuthServer's: 2000009"
		}
		x.Lines = append(x.Lines, f)
	}
	x.Fix = x.advice()
}

// advice says what to do about the refusals, the most frequent one first.
func (x *Explanation) advice() string {
	count := map[bearer.Code]int{}
	found := map[bearer.Code]AtDoor{}
	var passes []string
	for _, d := range x.Doors {
		if d.Refused {
			count[d.Code]++
			found[d.Code] = d
		} else {
			passes = append(passes, string(d.Door))
		}
	}
	if passes != nil {
		at := ""
		if x.Server != "" {
			at = " of " + x.Server
		}
		return "Nothing in it speaks against it at " + strings.Join(passes, ", ") + at + "; the other doors ask for another kind of token or permission."
	}
	var worst bearer.Code
	for code, n := range count {
		if n > count[worst] || n == count[worst] && code < worst {
			worst = code
		}
	}
	return "No door takes it. " + found[worst].fix()
}

// fix says what to do about the refusal. A server's 2000001 leaves open what it means; what was found in the token does not.
func (d AtDoor) fix() string {
	switch {
	case d.Why == jwt.Expired:
		return "Sign in again. If the new token is refused too, compare the clocks of client, server and identity service."
	case d.Why == jwt.NotYetValid:
		return "Compare the clocks of client, server and identity service: the one that issued it is ahead."
	case d.Why == jwt.Endless:
		return "Get one with an exp claim, as the identity service issues them."
	case d.Reason == bearer.ReasonUnparsable:
		return "Get one as the identity service issues it: signed with RS256, copied whole and unaltered."
	case d.Code == bearer.Unparsable: // its profile
		return "Ask for a delegated access token for the mail server's URL instead of an ID token or an application's token."
	}
	info, _ := bearer.Lookup(d.Code)
	return info.Fix
}

// AtDoor is what one door says to a token by what the token carries alone: its
// signature, issuer, tenant and person are taken for good, as nobody can tell offline.
type AtDoor struct {
	Door    mail.Protocol `json:"door"`
	Refused bool          `json:"refused"`
	// Code and Reason are those of the x-ms-diagnostics with which it is refused.
	Code   bearer.Code `json:"code,omitempty"`
	Reason string      `json:"reason,omitempty"`
	// Why says in plain words what was found.
	Why string `json:"why,omitempty"`
}

// demands is what each door asks of a token; the validator of the on-premises half asks the same.
var demands = map[mail.Protocol]jwt.Demand{mail.Autodiscover: jwt.Autodiscover, mail.MAPI: jwt.MAPI, mail.EWS: jwt.EWS, mail.ActiveSync: jwt.ActiveSync,
	mail.OAB: jwt.OAB, mail.OWA: jwt.OWA, mail.ECP: jwt.ECP}

// JudgeToken returns what every door at the host (as Explain takes it) says to the token, in
// the order of mail.Protocols: by its form, lifetime, audience, profile and
// permissions, the first of which that fails is told, as the validator does.
func JudgeToken(text, host string, now time.Time) []AtDoor {
	parsed, refusal := jwt.Parse(text)
	if refusal == nil && parsed.Issuer == "" {
		refusal = &jwt.Refusal{Code: bearer.InvalidIssuer, Reason: bearer.ReasonIssuer(""), Found: "token names no issuer"}
	}
	if refusal == nil {
		refusal = parsed.Lifetime(now)
	}
	var all []AtDoor
	for _, p := range mail.Protocols {
		at := AtDoor{Door: p}
		found := refusal
		if found == nil {
			found = judgeAt(parsed, p, host)
		}
		if found != nil {
			at.Refused, at.Code, at.Reason, at.Why = true, found.Code, found.Reason, found.Found
		}
		all = append(all, at)
	}
	return all
}

// judgeAt does the checks that depend on the door.
func judgeAt(t *jwt.Token, p mail.Protocol, host string) *jwt.Refusal {
	named, fromACS := namedBy(t)
	if host == "" {
		host = named
	}
	switch {
	case p.Browser() && t.Audience != wellknown.Exchange:
		return &jwt.Refusal{Code: bearer.InvalidResource, Reason: bearer.ReasonAudience, Found: "takes the ID token of a browser's sign-in and nothing else"}
	case !p.Browser() && (named == "" || named != jwt.PublicHost(host)):
		return jwt.WrongAudience(t.Audience, host)
	}
	return demands[p].Refuse(t.Grant(fromACS))
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
