package conformance

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"hma/client/mail"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// site is one host, at one address, and everything that it answered.
type site struct {
	origin, host string // https://host[:port], host[:port]
	via          string // host:port where it is reached instead of where its name leads, or ""
	server       string // its name in the report
	address      string // SMTP address that is asked about
	invented     bool   // nobody gave the address
	reachErr     error  // there was no TLS handshake
	secure       mail.Secure
	now          time.Time
	looks        []*look
	asked        bool // autodiscover.json was asked
	detect       reply
	unknown      reply
	detected     detected
	eas          mail.Handshake // the probe at the URL that AutoDetect is told
	authority    *authority
	wanted       bool  // somebody is to sign in
	signIn       bool  // and it was tried for this host
	signInErr    error // ErrNotAsked while nobody was signed in for this host
}

// reply is the answer to a request that is no handshake.
type reply struct {
	mail.Answer
	err error
}

// authority is the address that all doors of a run must name: that of the first that names a good one.
type authority struct{ uri, at string }

// look is one door and everything that it answered.
type look struct {
	*site
	name   string // the door's name in the report
	door   mail.Door
	absent string // why there is no such door here, "" when there is one

	probe, lower, anonymous, stranger, unsigned, token mail.Handshake
}

// challenge returns the first Bearer challenge of an answer.
func challenge(h mail.Handshake) (bearer.Challenge, bool) {
	s, ok := bearer.Find(bearer.Parse(h.Challenges), "Bearer")
	return s.Challenge(), ok
}

// paths are where the doors of Exchange are.
var paths = []struct {
	name     string
	protocol mail.Protocol
	path     string
}{
	{"Autodiscover", mail.Autodiscover, "/autodiscover/autodiscover.xml"},
	{"Autodiscover SOAP", mail.Autodiscover, "/autodiscover/autodiscover.svc"},
	{"MAPI", mail.MAPI, "/mapi"},
	{"EWS", mail.EWS, "/EWS/Exchange.asmx"},
	{"ActiveSync", mail.ActiveSync, "/Microsoft-Server-ActiveSync"},
	{"OAB", mail.OAB, "/OAB"},
	{"OWA", mail.OWA, "/owa"},
	{"ECP", mail.ECP, "/ecp"},
}

// newSite reads the URL of a server, or of one of its doors, and takes the doors
// that only names; none means all. via is where the server is reached, "" where its name leads.
func newSite(raw, via string, only []mail.Protocol) (*site, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s: want https://HOST, or the https URL of one door", raw)
	}
	origin := mail.Door{URL: raw}.Resource()
	s := &site{origin: origin, host: strings.TrimPrefix(origin, "https://"), signInErr: ErrNotAsked}
	s.server = s.host
	if via != "" {
		s.server, s.via = s.host+" at "+via, via
		if _, _, err := net.SplitHostPort(via); err != nil {
			s.via = net.JoinHostPort(strings.Trim(via, "[]"), cmp.Or(u.Port(), "443"))
		}
	}
	path := strings.ToLower(strings.Trim(u.Path, "/"))
	for _, p := range paths {
		known := strings.ToLower(strings.Trim(p.path, "/"))
		// Either may go on where the other ends: /EWS means /EWS/Exchange.asmx, /OAB/GUID/oab.xml is below /OAB.
		if path != "" && !strings.HasPrefix(known+"/", path+"/") && !strings.HasPrefix(path+"/", known+"/") || only != nil && !slices.Contains(only, p.protocol) {
			continue
		}
		at := p.path
		if len(path) > len(known) {
			at = u.Path
		}
		s.looks = append(s.looks, &look{site: s, name: p.name, door: mail.Door{Protocol: p.protocol, URL: origin + at, Address: s.via}})
	}
	if s.looks == nil {
		return nil, fmt.Errorf("%s: no door of Exchange is there that was asked for", raw)
	}
	return s, nil
}

// invent makes an address of the host's domain that nobody should have. Only the
// domain counts to Autodiscover. "" for a host that has none.
func invent(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	labels := strings.Split(name, ".")
	if len(labels) < 2 || net.ParseIP(name) != nil {
		return ""
	}
	if len(labels) > 2 {
		labels = labels[1:]
	}
	return "hma-verify@" + strings.Join(labels, ".")
}

// unsignedToken is a token that anybody can write: alg none (RFC 7519 6.1), for nobody.
var unsignedToken = func() string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode([]byte(`{"sub":"hma-verify"}`)) + "."
}()

// siteTime bounds everything that is asked of one host before somebody signs in.
const siteTime = 3 * time.Minute

// visit asks a host everything that needs nobody who signs in.
func (r *runner) visit(ctx context.Context, s *site) {
	ctx, cancel := context.WithTimeout(ctx, siteTime)
	defer cancel()
	s.now, s.wanted = r.o.Now(), r.o.SignIn != nil
	s.address = r.o.User
	if s.address == "" {
		s.address, s.invented = invent(s.host), true
	}
	if s.secure, s.reachErr = r.o.Client.Inspect(ctx, s.host, s.via); s.reachErr != nil {
		return
	}
	if s.secure.NotNamed != "" || s.secure.NoTrust != "" || s.now.After(s.secure.Ends) || s.now.Before(s.secure.Begins) || tlsVersion(s).outcome != Pass {
		return // no client would go on
	}
	for _, l := range s.looks {
		r.o.Progress(l.name + " on " + s.server)
		if l.door.Protocol.Browser() {
			l.probe = r.o.Client.Offer(ctx, l.door, "")
		} else {
			r.knock(ctx, l)
		}
		if l.probe.Redirect == "" && slices.Contains([]int{403, 404, 410}, l.probe.Status) {
			l.absent = fmt.Sprintf("answers %d: not published here", l.probe.Status)
		}
	}
	if slices.ContainsFunc(s.looks, func(l *look) bool { return l.door.Protocol == mail.Autodiscover }) && s.address != "" {
		r.detect(ctx, s)
	}
}

// knock sends what is asked of a door that takes bearer tokens. A door that does not
// answer the first time is left alone.
func (r *runner) knock(ctx context.Context, l *look) {
	ask := func(user, authorization string) mail.Handshake {
		return r.o.Client.Ask(ctx, l.door, user, authorization)
	}
	if l.probe = ask(r.o.User, "Bearer"); l.probe.Status == 0 {
		return
	}
	l.lower = ask("", "bearer")
	l.anonymous = ask("", "")
	if _, domain, ok := strings.Cut(l.address, "@"); ok {
		l.stranger = ask("hma-verify-nobody@"+domain, "Bearer")
	}
	l.unsigned = ask("", "Bearer "+unsignedToken)
}

// detect asks autodiscover.json as AutoDetect does, and the URL that it tells.
func (r *runner) detect(ctx context.Context, s *site) {
	s.asked = true
	get := func(protocol string) reply {
		q := url.Values{"Email": {s.address}, "Protocol": {protocol}, "RedirectCount": {"3"}}
		a, err := r.o.Client.Get(ctx, s.origin+"/autodiscover/autodiscover.json?"+q.Encode(), s.via)
		return reply{a, err}
	}
	s.detect = get("activesync")
	s.unknown = get("hma-no-protocol")
	s.detected, _ = parseDetected(s.detect.Body)
	if d := (mail.Door{Protocol: mail.ActiveSync, URL: s.detected.URL}); d.Resource() != "" {
		if d.Resource() == s.origin {
			d.Address = s.via
		}
		s.eas = r.o.Client.Ask(ctx, d, r.o.User, "Bearer")
	}
}

// ErrNotAsked says that nobody was to sign in.
var ErrNotAsked = errors.New("nobody was given who signs in")

// signIn has a token issued for each host that offers modern authentication, and
// presents it to the doors of that host alone.
func (r *runner) signIn(ctx context.Context, s *site) {
	if r.o.SignIn == nil || s.authority == nil {
		return
	}
	for _, l := range s.looks {
		c, ok := challenge(l.probe)
		if !ok || c.AuthorizationURI != s.authority.uri || l.absent != "" {
			continue
		}
		s.signIn = true
		token, err := r.o.SignIn(ctx, c.AuthorizationURI, tenantOf(c), s.origin)
		if s.signInErr = err; err != nil {
			return // it would be the same for every door
		}
		l.token = r.o.Client.Ask(ctx, l.door, r.o.User, "Bearer "+token)
	}
}

// tenantOf is the one tenant whose tokens a challenge says are taken, "" for none or several.
func tenantOf(c bearer.Challenge) string {
	found := ""
	for issuer := range strings.SplitSeq(c.TrustedIssuers, ",") {
		id, tenant, ok := strings.Cut(strings.TrimSpace(issuer), "@")
		if !ok || id != wellknown.ACS || tenant == "*" {
			continue
		}
		if found != "" && found != tenant {
			return ""
		}
		found = tenant
	}
	return found
}
