package procedure

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"hma/hybrid/conformance"
	"hma/hybrid/procedure/rule"
	"hma/wire/aadsts"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// Explanation is something in plain words.
type Explanation struct {
	Version int `json:"version"`
	// Kind is token, challenge, diagnostics, AADSTS, rule, requirement, status or unknown.
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Lines []Fact `json:"lines,omitempty"`
	// Server is the host at whose doors a token is judged, and Doors what each says to it, in
	// the order of mail.Protocols.
	Server  string   `json:"server,omitempty"`
	Doors   []AtDoor `json:"doors,omitempty"`
	Meaning string   `json:"meaning"`
	Fix     string   `json:"fix,omitempty"`
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
	KindRequirement = "requirement" // of hma verify --url
	KindStatus      = "status"      // a text of Outlook's Connection Status window
	KindUnknown     = "unknown"
)

// maxExplain bounds what Explain reads: a token that a server takes is far shorter.
const maxExplain = 64 << 10

// Explain says in plain words what a token, a WWW-Authenticate line, an
// x-ms-diagnostics line or code, an AADSTS code or text, the id of a rule or of a conformance requirement, or a text of Outlook's
// Connection Status window means, and
// how to put it right. What it does not know it says (KindUnknown). A token is
// decoded, never verified: now is what its times are compared with, host the public host
// (with any port other than 443) whose doors it is shown to, "" the one that it is for.
func Explain(text, host string, now time.Time) Explanation {
	x := explain(strings.TrimSpace(text), host, now)
	x.Version = 1
	return x
}

func explain(text, host string, now time.Time) Explanation {
	unknown := Explanation{Kind: KindUnknown, Title: "not known",
		Meaning: "this is no token, WWW-Authenticate line, x-ms-diagnostics line or code, AADSTS code, rule id or Connection Status text that hma knows"}
	if text == "" || len(text) > maxExplain {
		unknown.Meaning = fmt.Sprintf("nothing, or more than %d bytes: this cannot be explained", maxExplain)
		return unknown
	}
	if r, ok := rule.Find(strings.ToLower(text)); ok {
		return explainRule(&r)
	}
	if r, ok := conformance.Find(strings.ToUpper(text)); ok {
		x := Explanation{Kind: KindRequirement, Title: r.ID + ": the server " + r.Expected, Fix: r.Fix,
			Lines: []Fact{{"level", string(r.Level), "must: some client cannot sign in without it; should: as Exchange Server does it"}, {"clause", r.Clause, "who asks for it"}}}
		x.Meaning = "One of the numbered requirements to which hma verify --url holds a server."
		if r.Needs != "" {
			x.Lines = append(x.Lines, Fact{"needs", r.Needs, "is not tried where that is not met"})
		}
		return x
	}
	bare := text
	for _, prefix := range []string{"authorization:", "bearer "} {
		if len(bare) > len(prefix) && strings.EqualFold(bare[:len(prefix)], prefix) {
			bare = strings.TrimSpace(bare[len(prefix):])
		}
	}
	if strings.Count(bare, ".") >= 2 && !strings.ContainsAny(bare, " =,\"") {
		return explainToken(bare, host, now)
	}
	if challenges, diagnostics := answerHeader(text); challenges != nil {
		return explainAnswer(challenges, diagnostics, unknown)
	} else if diagnostics != "" {
		return explainDiagnostics(diagnostics, unknown)
	}
	if d, ok := bearer.ParseDiagnostics(text); ok {
		if _, known := bearer.Lookup(d.Code); known || d.Category != "" {
			return explainDiagnostics(text, unknown)
		}
	}
	if code, ok := aadsts.Find(text); ok {
		return explainAADSTS(code, unknown)
	}
	if x, ok := explainStatus(text); ok {
		return x
	}
	return explainChallenge([]string{text}, unknown)
}

// answerHeader finds the challenges and the diagnostics in the header of an answer,
// as curl -D prints it, or in one line of it.
func answerHeader(text string) (challenges []string, diagnostics string) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "www-authenticate":
			challenges = append(challenges, strings.TrimSpace(value))
		case bearer.DiagnosticsHeader:
			diagnostics = strings.TrimSpace(value)
		}
	}
	return challenges, diagnostics
}

// explainAnswer explains the challenges of an answer, and why it refused where it says so.
func explainAnswer(challenges []string, diagnostics string, unknown Explanation) Explanation {
	x := explainChallenge(challenges, unknown)
	if why := explainDiagnostics(diagnostics, unknown); why.Kind == KindDiagnostics && x.Kind == KindChallenge {
		x.Lines = append(x.Lines, Fact{bearer.DiagnosticsHeader, diagnostics, why.Meaning})
		x.Fix = why.Fix
	}
	return x
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

func explainChallenge(lines []string, unknown Explanation) Explanation {
	known := map[string]string{"bearer": "tokens", "basic": "a password, sent with each request", "negotiate": "Kerberos, or NTLM in its frame",
		"ntlm": "a password's hash, by challenge and answer", "digest": "a password's hash"}
	schemes := bearer.Parse(lines)
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
	for _, line := range lines {
		if err := bearer.WellFormed(line); err != nil {
			x.Lines = append(x.Lines, Fact{"grammar", err.Error(), "not as RFC 9110 11.6.1 wants it: some client may read it otherwise"})
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
	if host := foreign(b.Challenge().AuthorizationURI); host != "" {
		x.Meaning += fmt.Sprintf(" But the client would be sent to %q, which is none of Microsoft's: the cloud of a lab, an AD FS of your own, or an attack that collects passwords.", host)
		x.Fix = strings.TrimSpace(fmt.Sprintf("%s If %q is not yours, let nobody sign in there: look at AuthorizationEndpoint in Get-AuthServer, and for who changes the answer on its way.", x.Fix, host))
	}
	return x
}

// foreign returns the host to which an authorization_uri sends the client, "" for one of Microsoft's where people sign in, and for none.
func foreign(authorizationURI string) string {
	u, err := url.Parse(authorizationURI)
	if err != nil || slices.Contains(wellknown.SignInHosts, strings.ToLower(u.Host)) {
		return ""
	}
	return u.Host
}
