package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hma/client/mail"
	"hma/wire/aadsts"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// quote shows what somebody else wrote: printable, and short.
func quote(text string) string {
	const most = 160
	quoted := fmt.Sprintf("%+q", text[:min(len(text), most)])
	if plain := "'" + text + "'"; len(text) <= most && quoted != `"`+text+`"` && strings.ReplaceAll(quoted, `\"`, `"`) == `"`+text+`"` {
		quoted = plain // nothing is special about it but its own quotes
	}
	if len(text) > most {
		quoted += fmt.Sprintf("... (%d bytes)", len(text))
	}
	return quoted
}

// TLS.

func tlsVersion(s *site) finding {
	if s.secure.Version != "TLS 1.2" && s.secure.Version != "TLS 1.3" {
		return fail("%s", s.secure.Version)
	}
	return pass("%s", s.secure.Version)
}

func tlsName(s *site) finding {
	if s.secure.NotNamed != "" {
		return fail("%s", s.secure.NotNamed)
	}
	return pass("%s", s.secure.Subject)
}

func tlsTrust(s *site) finding {
	if s.secure.NoTrust != "" {
		return fail("%s", s.secure.NoTrust)
	}
	return pass("issued by %s", s.secure.Issuer)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func tlsNow(s *site) finding {
	switch {
	case s.now.After(s.secure.Ends):
		return fail("ended on %s", day(s.secure.Ends))
	case s.now.Before(s.secure.Begins):
		return fail("begins on %s", day(s.secure.Begins))
	}
	return pass("until %s", day(s.secure.Ends))
}

func tlsSoon(s *site) finding {
	if s.now.AddDate(0, 0, 30).After(s.secure.Ends) {
		return fail("ends on %s", day(s.secure.Ends))
	}
	return pass("until %s", day(s.secure.Ends))
}

// Challenges.

func probe401(l *look) finding {
	h := l.probe
	switch {
	case h.Status == 0:
		return fail("no answer: %s", h.Problem)
	case h.Status == http.StatusUnauthorized:
		return pass("401")
	case h.Status/100 == 3:
		return fail("%d to %s", h.Status, quote(h.Redirect))
	}
	return fail("%d", h.Status)
}

func grammar(l *look) finding {
	for _, line := range l.probe.Challenges {
		if err := bearer.WellFormed(line); err != nil {
			return fail("%s: %v", quote(line), err)
		}
	}
	return pass("%d lines", len(l.probe.Challenges))
}

func bearerOnce(l *look) finding {
	n := 0
	for _, s := range bearer.Parse(l.probe.Challenges) {
		if strings.EqualFold(s.Name, "Bearer") {
			n++
		}
	}
	offered := cmp.Or(strings.Join(l.probe.Offered, ", "), "nothing")
	if n != 1 {
		return fail("%s", offered)
	}
	return pass("%s", offered)
}

// parameter judges one parameter of the Bearer challenge.
func (l *look) parameter(value func(bearer.Challenge) string, good func(string) bool) finding {
	c, _ := challenge(l.probe)
	v := value(c)
	if !good(v) {
		return fail("%s", cmp.Or(quoteUnlessEmpty(v), "none"))
	}
	return pass("%s", cmp.Or(quoteUnlessEmpty(v), "none"))
}

func quoteUnlessEmpty(text string) string {
	if text == "" {
		return ""
	}
	return quote(text)
}

func clientID(l *look) finding {
	return l.parameter(func(c bearer.Challenge) string { return c.ClientID }, func(v string) bool { return strings.EqualFold(v, wellknown.Exchange) })
}

func authorizationURI(l *look) finding {
	f := l.parameter(func(c bearer.Challenge) string { return c.AuthorizationURI }, func(v string) bool { return v != "" })
	if d, ok := bearer.ParseDiagnostics(l.probe.Diagnostics); ok && f.outcome == Fail {
		f.found += ", x-ms-diagnostics " + quote(l.probe.Diagnostics)
		if info, ok := bearer.Lookup(d.Code); ok {
			f.fix = info.Fix
		}
	}
	return f
}

func authorizationForm(l *look) finding {
	return l.parameter(func(c bearer.Challenge) string { return c.AuthorizationURI }, goodAuthority)
}

// goodAuthority tells whether the token endpoint can be found beside an authorization_uri.
func goodAuthority(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" && strings.HasSuffix(u.Path, "/authorize")
}

func noError(l *look) finding {
	c, _ := challenge(l.probe)
	if c.Error != "" || l.probe.Diagnostics != "" {
		return fail("error %s, x-ms-diagnostics %s", quote(c.Error), quote(l.probe.Diagnostics))
	}
	return pass("none")
}

func trustedIssuers(l *look) finding {
	c, _ := challenge(l.probe)
	if strings.EqualFold(c.IssuerKind, "ADFS") {
		return notTried("the default authorization endpoint is AD FS")
	}
	return l.parameter(func(c bearer.Challenge) string { return c.TrustedIssuers }, func(v string) bool {
		named := false
		for issuer := range strings.SplitSeq(v, ",") {
			id, realm, ok := strings.Cut(strings.TrimSpace(issuer), "@")
			if !ok || realm == "" {
				return false
			}
			named = named || id == wellknown.ACS
		}
		return named
	})
}

func tokenTypes(l *look) finding {
	return l.parameter(func(c bearer.Challenge) string { return c.TokenTypes }, func(v string) bool { return v == bearer.TokenTypes })
}

func issuerKind(l *look) finding {
	return l.parameter(func(c bearer.Challenge) string { return c.IssuerKind }, func(v string) bool { return v == "" || v == "AzureAD" || v == "ADFS" })
}

func sameAuthority(l *look) finding {
	c, _ := challenge(l.probe)
	if c.AuthorizationURI != l.authority.uri {
		return fail("%s, where %s names %s", quote(c.AuthorizationURI), l.authority.at, quote(l.authority.uri))
	}
	return pass("%s", quote(c.AuthorizationURI))
}

func lowerCase(l *look) finding {
	if _, ok := challenge(l.lower); !ok {
		return fail("%s without Bearer", answer(l.lower))
	}
	return pass("the same challenge")
}

// answer says how somebody was answered.
func answer(h mail.Handshake) string {
	if h.Status == 0 {
		return "no answer: " + h.Problem
	}
	return fmt.Sprint(h.Status)
}

func anonymous401(l *look) finding {
	if l.anonymous.Status != http.StatusUnauthorized {
		return fail("%s", answer(l.anonymous))
	}
	return pass("401 with %s", cmp.Or(strings.Join(l.anonymous.Offered, ", "), "no scheme"))
}

func anonymousBearer(l *look) finding {
	if _, ok := challenge(l.anonymous); ok {
		return fail("%s", strings.Join(l.anonymous.Offered, ", "))
	}
	return pass("%s", cmp.Or(strings.Join(l.anonymous.Offered, ", "), "no scheme"))
}

func stranger(l *look) finding {
	if l.stranger.Status == 0 {
		return notTried("no domain is known: give --user")
	}
	a, _ := challenge(l.lower)
	b, _ := challenge(l.stranger)
	if a != b || l.lower.Status != l.stranger.Status {
		return fail("%s without a name, %s with one: another challenge", answer(l.lower), answer(l.stranger))
	}
	return pass("the same challenge")
}

// Refusals.

func unsigned(l *look) finding {
	if l.unsigned.Status != http.StatusUnauthorized {
		return fail("%s", answer(l.unsigned))
	}
	return pass("401")
}

func invalidToken(l *look) finding {
	c, ok := challenge(l.unsigned)
	if !ok || c.Error != bearer.InvalidToken {
		return fail("Bearer %v, error %s", ok, quote(c.Error))
	}
	return pass("%s", c.Error)
}

func diagnosed(l *look) finding {
	d, ok := bearer.ParseDiagnostics(l.unsigned.Diagnostics)
	info, known := bearer.Lookup(d.Code)
	if !ok || !known || d.Category != info.Category {
		return fail("%s", cmp.Or(quoteUnlessEmpty(l.unsigned.Diagnostics), "none"))
	}
	return pass("%d %s", d.Code, d.Category)
}

func stillOffered(l *look) finding {
	offer, _ := challenge(l.probe)
	c, _ := challenge(l.unsigned)
	if offer.AuthorizationURI == "" {
		return notTried("modern authentication is not offered")
	}
	if c.AuthorizationURI != offer.AuthorizationURI {
		return fail("%s", cmp.Or(quoteUnlessEmpty(c.AuthorizationURI), "none"))
	}
	return pass("%s", quote(c.AuthorizationURI))
}

// Autodiscover.

// detected is the answer of autodiscover.json.
type detected struct {
	Protocol     string
	URL          string `json:"Url"`
	ErrorCode    string
	ErrorMessage string
}

// maxDetected bounds an answer of autodiscover.json: Exchange's has some hundred bytes.
const maxDetected = 64 << 10

func parseDetected(body []byte) (detected, error) {
	var d detected
	if len(body) > maxDetected {
		return d, fmt.Errorf("%d bytes", len(body))
	}
	if err := json.Unmarshal(body, &d); err != nil {
		return detected{}, errors.New("no JSON object")
	}
	return d, nil
}

func detect(s *site) finding {
	if !s.asked {
		return notTried("no address is known: give --user")
	}
	if s.detect.err != nil {
		return fail("no answer: %v", s.detect.err)
	}
	d, err := parseDetected(s.detect.Body)
	switch {
	case s.detect.Status/100 == 3:
		return fail("%d to %s", s.detect.Status, quote(s.detect.Location))
	case s.invented && (d.ErrorCode != "" || s.detect.Status == http.StatusNotFound):
		return notTried("%d %s for %s, which nobody gave: give --user", s.detect.Status, d.ErrorCode, s.address)
	case s.detect.Status != http.StatusOK || err != nil:
		return fail("%d, %s", s.detect.Status, cmp.Or(quoteUnlessEmpty(d.ErrorCode), fmt.Sprintf("content type %s", quote(s.detect.ContentType))))
	case !strings.EqualFold(d.Protocol, "ActiveSync") || d.URL == "":
		return fail("Protocol %s, Url %s", quote(d.Protocol), quote(d.URL))
	}
	return pass("%s", quote(d.URL))
}

func detectURL(s *site) finding {
	if (mail.Door{URL: s.detected.URL}).Resource() == "" {
		return fail("%s", quote(s.detected.URL))
	}
	return pass("%s", quote(s.detected.URL))
}

func detectOffer(s *site) finding {
	c, _ := challenge(s.eas)
	if s.eas.Status != http.StatusUnauthorized || c.AuthorizationURI == "" {
		f := fail("%s at %s, authorization_uri %s", answer(s.eas), quote(s.detected.URL), cmp.Or(quoteUnlessEmpty(c.AuthorizationURI), "none"))
		return f
	}
	return pass("%s", quote(c.AuthorizationURI))
}

func unknownProtocol(s *site) finding {
	d, err := parseDetected(s.unknown.Body)
	switch {
	case s.unknown.err != nil:
		return fail("no answer: %v", s.unknown.err)
	case s.unknown.Status != http.StatusBadRequest || err != nil || d.ErrorCode == "":
		return fail("%d, ErrorCode %s", s.unknown.Status, quote(d.ErrorCode))
	}
	return pass("400 %s", quote(d.ErrorCode))
}

// OWA and ECP.

// asked is the query of the redirect to the cloud.
func (l *look) query() url.Values {
	u, err := url.Parse(l.probe.Redirect)
	if err != nil {
		return nil
	}
	return u.Query()
}

func browserRedirect(l *look) finding {
	h := l.probe
	to, _, _ := strings.Cut(h.Redirect, "?")
	switch {
	case h.Redirect == "" && h.Problem != "":
		return fail("no answer: %s", h.Problem)
	case h.Redirect == "":
		return fail("%d, %s", h.Status, cmp.Or(h.AuthN, strings.Join(h.Offered, ", "), "no redirect"))
	case l.authority != nil && !sameEndpoint(to, l.authority.uri):
		return fail("%s, where %s names %s", quote(to), l.authority.at, quote(l.authority.uri))
	case !goodAuthority(to):
		return fail("%s", quote(to))
	}
	return pass("%s", quote(to))
}

func sameEndpoint(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host) && x.Path == y.Path
}

// queried judges one field of the redirect's query.
func (l *look) queried(name string, good func(string) bool) finding {
	v := l.query().Get(name)
	if !good(v) {
		return fail("%s", cmp.Or(quoteUnlessEmpty(v), "none"))
	}
	return pass("%s", quote(v))
}

func browserClient(l *look) finding {
	return l.queried("client_id", func(v string) bool { return strings.EqualFold(v, wellknown.Exchange) })
}

func browserResource(l *look) finding {
	return l.queried("resource", func(v string) bool { return strings.EqualFold(v, wellknown.Exchange) })
}

func browserResponse(l *look) finding {
	q := l.query()
	kinds := strings.Fields(q.Get("response_type"))
	for _, kind := range kinds {
		if kind == "id_token" && q.Get("response_mode") == "form_post" {
			return pass("%s, form_post", quote(q.Get("response_type")))
		}
	}
	return fail("response_type %s, response_mode %s", quote(q.Get("response_type")), quote(q.Get("response_mode")))
}

func browserBack(l *look) finding {
	back, err := url.Parse(l.probe.RedirectURI)
	door, _ := url.Parse(l.door.URL) // was parsed when the site was made
	path := func(u *url.URL) string { return strings.ToLower(strings.TrimSuffix(u.Path, "/")) + "/" }
	if err != nil || (mail.Door{URL: l.probe.RedirectURI}).Resource() != l.origin || !strings.HasPrefix(path(back), path(door)) {
		return fail("%s", cmp.Or(quoteUnlessEmpty(l.probe.RedirectURI), "none"))
	}
	return pass("%s", quote(l.probe.RedirectURI))
}

func browserNonce(l *look) finding {
	q := l.query()
	nonce, state := q.Get("nonce") != "", q.Get("state") != ""
	if !state || !nonce && strings.Contains(q.Get("response_type"), "id_token") {
		return fail("nonce %v, state %v", nonce, state)
	}
	return pass("nonce %v, state %v", nonce, state)
}

func browserPage(l *look) finding {
	h := l.probe
	switch {
	case h.SignInPage == 0:
		return notTried("the cloud was not reached: %s", h.Problem)
	case h.SignInError != "":
		f := fail("%s for the redirect_uri %s", h.SignInError, quote(h.RedirectURI))
		if code, ok := aadsts.Find(h.SignInError); ok {
			if e, ok := aadsts.Lookup(code); ok {
				f.fix = e.Fix
			}
		}
		return f
	case h.SignInPage != http.StatusOK:
		return fail("%d", h.SignInPage)
	}
	return pass("200")
}

func browserCookies(l *look) finding {
	crossSite := false
	for _, line := range l.probe.Cookies {
		name, attributes, _ := strings.Cut(line, ";")
		name, _, _ = strings.Cut(name, "=")
		has := map[string]string{}
		for a := range strings.SplitSeq(strings.ToLower(attributes), ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(a), "=")
			has[k] = v
		}
		_, secure := has["secure"]
		_, hidden := has["httponly"]
		if !secure || !hidden {
			return fail("%s: Secure %v, HttpOnly %v", quote(name), secure, hidden)
		}
		crossSite = crossSite || has["samesite"] == "none"
	}
	if !crossSite {
		return fail("%d cookies, none with SameSite=None", len(l.probe.Cookies))
	}
	return pass("%d", len(l.probe.Cookies))
}

func browserPair(l *look) finding {
	for _, other := range l.looks {
		if other == l || !other.door.Protocol.Browser() {
			continue
		}
		if other.absent != "" {
			return notTried("%s %s", other.name, other.absent)
		}
		if (other.probe.AuthN == mail.AuthNOpenID) != (l.probe.AuthN == mail.AuthNOpenID) {
			return fail("%s here, %s at %s", cmp.Or(l.probe.AuthN, "nothing"), cmp.Or(other.probe.AuthN, "nothing"), other.name)
		}
		return pass("both %s", cmp.Or(l.probe.AuthN, "nothing"))
	}
	return notTried("the other one was not asked")
}

// With a token.

func issued(s *site) finding {
	switch e, refused := errors.AsType[*mail.SignInError](s.signInErr); {
	case s.signInErr == nil:
		return pass("a token for %s", s.origin)
	case !s.signIn && s.wanted:
		return notTried("no door names an address to sign in at")
	case !s.signIn:
		return notTried("%v", ErrNotAsked)
	case refused:
		f := fail("%s", e.Error())
		if code, ok := aadsts.Find(e.Description); ok {
			if known, ok := aadsts.Lookup(code); ok {
				f.fix = known.Fix
			}
		}
		return f
	default:
		return fail("%v", s.signInErr)
	}
}

func takes(l *look) finding {
	h := l.token
	switch d, ok := bearer.ParseDiagnostics(h.Diagnostics); {
	case h.Door.URL == "" && l.wanted:
		return notTried("there is no token for it")
	case h.Door.URL == "":
		return notTried("%v", ErrNotAsked)
	case h.Accepted:
		return pass("%d", h.Status)
	case ok:
		f := fail("%d, x-ms-diagnostics %s", h.Status, quote(h.Diagnostics))
		if info, known := bearer.Lookup(d.Code); known {
			f.fix = info.Fix
		}
		return f
	case h.Status == http.StatusInternalServerError && strings.HasSuffix(strings.ToLower(l.door.URL), ".svc"):
		return pass("500 with a SOAP fault, behind the sign-in")
	}
	return fail("%s", answer(h))
}

func authPackage(l *look) finding {
	if strings.HasSuffix(strings.ToLower(l.door.URL), ".svc") {
		return notTried("the SOAP form has no AuthPackage")
	}
	words, err := authPackages(l.token.Body())
	if err != nil {
		return fail("%v", err)
	}
	for _, w := range words {
		if strings.Contains(strings.ToLower(w), "bearer") || strings.Contains(strings.ToLower(w), "oauth") {
			return fail("%s", quote(w))
		}
	}
	return pass("%s", cmp.Or(strings.Join(words, ", "), "none"))
}

// maxElements bounds what is read of a POX answer.
const maxElements = 4096

// authPackages returns the words of AuthPackage in a POX answer (MS-OXDSCLI 2.2.4.1.1.2.3), each once.
func authPackages(answer []byte) (words []string, err error) {
	decoder := xml.NewDecoder(bytes.NewReader(answer))
	seen := map[string]bool{}
	for n := 0; ; n++ {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && n > 0 {
			return words, nil
		}
		if err != nil || n > maxElements {
			return nil, errors.New("the answer is no XML that can be read")
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "AuthPackage" {
			continue
		}
		var word string
		if err := decoder.DecodeElement(&word, &start); err != nil {
			return nil, errors.New("the answer is no XML that can be read")
		}
		if word = strings.TrimSpace(word); !seen[word] {
			seen[word] = true
			words = append(words, quote(word))
		}
	}
}
