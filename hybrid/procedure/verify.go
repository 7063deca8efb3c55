package procedure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hma/client/mail"
	"hma/hybrid/journal"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/wire/bearer"
)

// Survey is how every door of every server signs clients in at one moment.
type Survey struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	Cells   []Cell    `json:"cells"`
}

// Cell is one door of one server.
type Cell struct {
	Server   string        `json:"server"`
	Protocol mail.Protocol `json:"protocol"`
	// AuthN is what Connection Status would show: Bearer*, Basic*, OpenID, or the
	// schemes that were offered.
	AuthN string `json:"authn"`
	// Handshakes are those behind AuthN, at every URL that the door has.
	Handshakes []mail.Handshake `json:"handshakes"`
	// Problems say what is not as it should be; none means that the door passed. A survey judges nothing.
	Problems []string `json:"problems,omitempty"`
}

// Verification is the before/after table.
type Verification struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	// Run is the run whose survey gave the "before" column, "" when there is none.
	Run  string `json:"run,omitempty"`
	Rows []Row  `json:"rows"`
	// Passed tells that no row has a problem.
	Passed bool `json:"passed"`
	// Notes say what holds for all rows.
	Notes []string `json:"notes,omitempty"`
}

// Row is one door of one server, before and after.
type Row struct {
	Server   string        `json:"server"`
	Protocol mail.Protocol `json:"protocol"`
	Before   string        `json:"before"` // AuthN; "" when no survey was kept
	After    string        `json:"after"`
	Problems []string      `json:"problems,omitempty"`
	// Notes say what was not tried, and why; a row with notes alone has passed.
	Notes []string `json:"notes,omitempty"`
	// Later tells that a pilot is on its way and the door not in it: it signs people in as before.
	Later bool `json:"later,omitempty"`
	// Handshakes are those of Before, then those of After.
	BeforeHandshakes []mail.Handshake `json:"before_handshakes,omitempty"`
	Handshakes       []mail.Handshake `json:"handshakes"`
}

// Survey shakes hands with every door as a client would, and judges nothing.
func (p *Procedure) Survey(ctx context.Context) (*Survey, error) {
	f, err := p.facts(ctx)
	if err != nil {
		return nil, err
	}
	return p.survey(ctx, f)
}

func (p *Procedure) survey(ctx context.Context, f *facts.Facts) (*Survey, error) {
	s := &Survey{Version: 1, At: p.o.Now().UTC()}
	if p.o.Target.Probe == nil {
		return s, nil
	}
	groups := p.doors(f)
	s.Cells = make([]Cell, len(groups))
	for i, g := range groups {
		s.Cells[i] = Cell{Server: g.server, Protocol: g.protocol}
	}
	var telling sync.Mutex
	atOnce(askedAtOnce, len(groups), func(i int) {
		cell := &s.Cells[i]
		for _, d := range groups[i].doors {
			if ctx.Err() != nil {
				return
			}
			telling.Lock()
			p.o.Progress(Event{Phase: PhaseSurvey, Detail: string(cell.Protocol) + " on " + cell.Server})
			telling.Unlock()
			cell.Handshakes = append(cell.Handshakes, p.connect(ctx, d)...)
		}
		cell.AuthN = authN(cell.Handshakes)
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// askedAtOnce is how many doors are asked side by side.
const askedAtOnce = 8

// atOnce calls fn with 0 to n-1, at most limit at once, and returns when all calls have.
func atOnce(limit, n int, fn func(i int)) {
	room := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			fn(i)
		})
	}
	wg.Wait()
}

// connect does what a client does: it probes, and presents a token where one is
// asked for, else the password where that is.
func (p *Procedure) connect(ctx context.Context, d mail.Door) []mail.Handshake {
	offer := p.o.Target.Probe.Offer(ctx, d, p.upn())
	all := []mail.Handshake{offer}
	if p.o.SignIn == nil || d.Protocol.Browser() && offer.Redirect != "" {
		return all
	}
	switch {
	case offer.AuthorizationURI != "" && p.o.SignIn.Token != nil:
		if token, err := p.o.SignIn.Token(ctx, d.Resource()); err == nil {
			all = append(all, p.o.Target.Probe.Present(ctx, d, mail.Credential{User: p.upn(), Token: token}))
		}
	case p.o.SignIn.Password != "" && offer.TakesPassword():
		all = append(all, p.o.Target.Probe.Present(ctx, d, mail.Credential{User: p.o.SignIn.UPN, Password: p.o.SignIn.Password, Offered: offer.Offered}))
	}
	return all
}

func (p *Procedure) upn() string {
	if p.o.SignIn == nil {
		return ""
	}
	return p.o.SignIn.UPN
}

// authN is the door's entry: what the last accepted handshake used, else what was offered.
func authN(all []mail.Handshake) string {
	for _, h := range slices.Backward(all) {
		if h.AuthN == mail.AuthNOpenID || h.Accepted && h.AuthN != "" {
			return h.AuthN
		}
	}
	for _, h := range all {
		if h.AuthN != "" {
			return h.AuthN
		}
	}
	if slices.ContainsFunc(all, func(h mail.Handshake) bool { return h.Status != 0 }) {
		return "none offered"
	}
	return "no answer"
}

// group are the URLs of one protocol on one server.
type group struct {
	server   string
	protocol mail.Protocol
	doors    []mail.Door
}

// autodiscoverPath is where Autodiscover is on every server; its virtual
// directory has no URLs of its own.
const autodiscoverPath = "/Autodiscover/Autodiscover.xml"

// doors returns every door of every server with every URL that it has.
func (p *Procedure) doors(f *facts.Facts) []group {
	type place struct {
		server string
		kind   facts.Kind
	}
	at := map[place][]string{}
	for _, a := range f.Addresses() {
		at[place{a.Server, a.Kind}] = append(at[place{a.Server, a.Kind}], a.URL)
	}
	var all []group
	for _, s := range f.Servers {
		for _, kind := range facts.Kinds {
			g := group{server: s.Name, protocol: kind.Protocol()}
			add := func(raw string) {
				d := mail.Door{Protocol: g.protocol, Server: s.Name, URL: raw, Address: p.o.Addresses[s.Name]}
				if d.Resource() != "" && !slices.Contains(g.doors, d) {
					g.doors = append(g.doors, d)
				}
			}
			for _, address := range at[place{s.Name, kind}] {
				add(address)
			}
			if urls := at[place{s.Name, facts.WebServices}]; kind == facts.Autodiscover && len(urls) > 0 { // the internal one comes first
				if r := facts.Resource(urls[0]); r != "" {
					add(strings.TrimSuffix(r, "/") + autodiscoverPath)
				}
			}
			all = append(all, g)
		}
	}
	return all
}

// Verify shakes hands with every door of every server: it must be offered the
// cloud's sign-in address, take a good token, and refuse one for another
// audience with x-ms-diagnostics 2000003; OWA and ECP must send the browser to the
// cloud with a registered redirect_uri, open no session for a token that the cloud
// did not give them, and sign somebody in up to their page. Servers take configuration up with a
// delay, so a door that does not pass is asked again while patience after the last run lasts.
//
// ErrUnreadable when the facts or the sign-in that it needs cannot be had.
func (p *Procedure) Verify(ctx context.Context) (*Verification, error) {
	f, err := p.facts(ctx)
	if err != nil {
		return nil, err
	}
	if err := unreadable(f); err != nil {
		return nil, err
	}
	if p.o.Target.Probe == nil || p.o.SignIn == nil || p.o.SignIn.Token == nil {
		return nil, fmt.Errorf("verify: %w: a probe and somebody who signs in are needed", ErrUnreadable)
	}
	wrong := otherAudience(f)
	if wrong == "" {
		return nil, fmt.Errorf("verify: %w: the tenant knows no other audience to try", ErrUnreadable)
	}
	wrongToken, err := p.o.SignIn.Token(ctx, wrong)
	if err != nil {
		return nil, fmt.Errorf("verify: %w: token for %s: %w", ErrUnreadable, wrong, err)
	}
	v := &Verification{Version: 1, At: p.o.Now().UTC(), Passed: true}
	before, err := p.lastSurvey(v)
	if err != nil {
		return nil, err
	}
	pilots, piloted := f.Pilots()
	switch heldBack := rule.Enabled(f) && f.HeldBack(p.upn(), mail.EWS); {
	case piloted && heldBack && len(pilots) > 0:
		v.Notes = []string{fmt.Sprintf("%s: %s is in it, %s is not, so each door must offer tokens to the first alone", pilotUnderWay, pilots[0].UPN, p.upn())}
	case piloted:
		v.Notes = []string{pilotUnderWay}
	case heldBack:
		v.Notes = []string{"an authentication policy holds " + p.upn() + " back, so no door may offer him tokens; what they offer to others was not asked"}
	}
	patience, err := p.patience(v.Run)
	if err != nil {
		return nil, err
	}
	if a := f.EvoSTS(); a == nil || !a.IsDefaultAuthorizationEndpoint || !f.Organization.OAuth2ClientProfileEnabled {
		patience = 0 // not enabled: no server is about to offer anything
	}
	var spent time.Duration
	for _, g := range p.doors(f) {
		row := Row{Server: g.server, Protocol: g.protocol}
		p.o.Progress(Event{Phase: PhaseSurvey, Detail: string(g.protocol) + " on " + g.server})
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
			row.Handshakes, row.Problems, row.Notes, row.Later = nil, nil, nil, false
			for _, d := range g.doors {
				p.examine(ctx, f, d, wrongToken, &row)
			}
			if len(g.doors) == 0 {
				row.Problems = []string{"has no https URL"}
				break
			}
			if len(row.Problems) == 0 || spent >= patience {
				break
			}
			if err := p.o.Sleep(ctx, pause); err != nil {
				return nil, err
			}
			spent += pause
		}
		row.After = authN(row.Handshakes)
		for _, c := range before {
			if c.Server == row.Server && c.Protocol == row.Protocol {
				row.Before, row.BeforeHandshakes = c.AuthN, c.Handshakes
			}
		}
		v.Passed = v.Passed && len(row.Problems) == 0
		v.Rows = append(v.Rows, row)
	}
	return v, nil
}

// pilotUnderWay says what a verification does not expect then.
const pilotUnderWay = "a pilot is on its way, and OWA and ECP not in it"

// pickUp is how long a door that does not pass is given when no run has changed anything of late.
const pickUp = 2 * time.Second

// patience is how long a verification waits for doors that do not pass: the procedure's, from the end of the last run on.
func (p *Procedure) patience(run string) (time.Duration, error) {
	since := p.o.Patience
	if run != "" {
		r, err := p.Run(run)
		if err != nil {
			return 0, err
		}
		if since = 0; r.Ended != nil {
			since = p.o.Now().Sub(*r.Ended)
		}
	}
	return min(p.o.Patience, max(pickUp, p.o.Patience-since)), nil
}

// problem says what is wrong with a URL of the door.
func (r *Row) problem(d mail.Door, format string, args ...any) {
	r.Problems = append(r.Problems, d.URL+": "+fmt.Sprintf(format, args...))
}

// examine does the handshakes of one door's URL and says what is wrong with them.
func (p *Procedure) examine(ctx context.Context, f *facts.Facts, d mail.Door, wrongToken string, row *Row) {
	problem := func(format string, args ...any) { row.problem(d, format, args...) }
	offer := p.o.Target.Probe.Offer(ctx, d, p.upn())
	row.Handshakes = append(row.Handshakes, offer)
	if offer.Problem != "" {
		problem("%s", offer.Problem)
		return
	}
	endpoint := ""
	if a := f.EvoSTS(); a != nil {
		endpoint = a.AuthorizationEndpoint
	}
	pilots, piloted := f.Pilots()
	if d.Protocol.Browser() {
		if row.Later = piloted && offer.AuthN != mail.AuthNOpenID; !row.Later {
			p.examineBrowser(ctx, f, d, offer, endpoint, wrongToken, row)
		}
		return
	}
	heldBack := rule.Enabled(f) && f.HeldBack(p.upn(), d.Protocol)
	if heldBack && len(pilots) > 0 {
		toPilot := p.o.Target.Probe.Offer(ctx, d, pilots[0].UPN)
		row.Handshakes = append(row.Handshakes, toPilot)
		if !strings.EqualFold(toPilot.AuthorizationURI, endpoint) {
			problem("does not send the pilot %s to %s", pilots[0].UPN, endpoint)
		}
	}
	switch {
	case !slices.ContainsFunc(offer.Offered, func(s string) bool { return strings.EqualFold(s, "Bearer") }):
		problem("offers no Bearer")
	case heldBack && offer.AuthorizationURI != "":
		problem("offers tokens to %s, whom an authentication policy holds back", p.upn())
	case heldBack:
	case offer.AuthorizationURI == "":
		problem("offers Bearer without authorization_uri")
	case !strings.EqualFold(offer.AuthorizationURI, endpoint):
		problem("names the authorization_uri %s instead of %s", offer.AuthorizationURI, endpoint)
	}
	token, err := p.o.SignIn.Token(ctx, d.Resource())
	if err != nil {
		problem("no token for %s: %v", d.Resource(), err)
		return
	}
	bad := p.o.Target.Probe.Present(ctx, d, mail.Credential{User: p.upn(), Token: wrongToken})
	bad.Sent = sentWrong
	good := p.o.Target.Probe.Present(ctx, d, mail.Credential{User: p.upn(), Token: token})
	row.Handshakes = append(row.Handshakes, bad, good)
	diagnostics, _ := bearer.ParseDiagnostics(bad.Diagnostics)
	switch {
	case bad.Problem != "":
		problem("%s", bad.Problem)
	case bad.Accepted:
		problem("takes a token for another audience")
	case diagnostics.Code != bearer.InvalidResource:
		problem("refuses a token for another audience with %q instead of %d", bad.Diagnostics, bearer.InvalidResource)
	}
	switch {
	case good.Problem != "":
		problem("%s", good.Problem)
	case !good.Accepted:
		problem("refuses a good token: %d %s", good.Status, good.Diagnostics)
	}
}

// sentWrong is what a handshake with a token for another audience sent.
const sentWrong = "token for another audience"

// examineBrowser does the rest of the handshakes of OWA or ECP. A door that sends
// the browser elsewhere is shown no token and nobody signs in there.
func (p *Procedure) examineBrowser(ctx context.Context, f *facts.Facts, d mail.Door, offer mail.Handshake, endpoint, wrongToken string, row *Row) {
	problem := func(format string, args ...any) { row.problem(d, format, args...) }
	found := len(row.Problems)
	switch {
	case offer.AuthN != mail.AuthNOpenID:
		problem("does not send the browser to the cloud (%s)", cmp.Or(offer.AuthN, "no challenge"))
	case !sameAddress(offer.Redirect, endpoint):
		problem("sends the browser to %s instead of %s", address(offer.Redirect), endpoint)
	case slices.ContainsFunc(f.Tenants, func(t facts.Tenant) bool { return !facts.ReplyRegistered(t.Principal.ReplyURLs, offer.RedirectURI) }):
		problem("names the redirect_uri %q, which is not registered", offer.RedirectURI)
	case offer.SignInPage != 200:
		problem("the cloud answers its redirect with %d", offer.SignInPage)
	}
	if len(row.Problems) > found {
		return
	}
	forged := p.o.Target.Probe.Forge(ctx, d, wrongToken)
	bad := &forged[len(forged)-1]
	if bad.Sent == mail.SentAnswer {
		bad.Sent = sentWrong
	}
	row.Handshakes = append(row.Handshakes, forged...)
	switch {
	case bad.Accepted:
		problem("opens a session for a token for another audience")
	case bad.Problem != "":
		problem("%s", bad.Problem)
	case bad.Status != 400 && bad.Status != 401 && bad.Status != 403:
		problem("answers a token for another audience with %d instead of a refusal", bad.Status)
	}
	if p.o.SignIn.Browser == nil {
		row.Notes = append(row.Notes, d.URL+": nobody was signed in, since no browser was given")
		return
	}
	signedIn := p.o.Target.Probe.SignIn(ctx, d, func(ctx context.Context, to string) (mail.Form, error) {
		if !sameAddress(to, endpoint) {
			return mail.Form{}, fmt.Errorf("the browser is sent to %s instead of %s", address(to), endpoint)
		}
		return p.o.SignIn.Browser(ctx, to)
	})
	row.Handshakes = append(row.Handshakes, signedIn...)
	switch last := signedIn[len(signedIn)-1]; {
	case last.Problem != "":
		problem("%s", last.Problem)
	case last.Sent != mail.SentSession:
		problem("opens no session for a good sign-in: %d", last.Status)
	case !last.Accepted:
		problem("shows no page to somebody who is signed in: %d", last.Status)
	}
}

// address is a URL without its query.
func address(raw string) string {
	before, _, _ := strings.Cut(raw, "?")
	return before
}

// sameAddress compares a redirect with an endpoint, without queries.
func sameAddress(redirect, endpoint string) bool {
	a, errA := url.Parse(redirect)
	b, errB := url.Parse(endpoint)
	return errA == nil && errB == nil && strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Host, b.Host) && a.Path == b.Path
}

// otherAudience returns a resource of Exchange in the tenant that is no URL of
// this organisation: the cloud issues a token for it, and no door may take it.
func otherAudience(f *facts.Facts) string {
	ours := map[string]bool{}
	for _, a := range f.Addresses() {
		ours[facts.Resource(a.URL)] = true
	}
	if len(f.Tenants) == 0 {
		return ""
	}
	for _, n := range f.Tenants[0].Principal.ServicePrincipalNames { // whoever signs in is of the first tenant
		if r := facts.Resource(n); r != "" && !ours[r] && !strings.Contains(r, "*") {
			return n
		}
	}
	return ""
}

func surveyPath(dir, run string) string { return filepath.Join(dir, "journal", run+".before.json") }

func (p *Procedure) saveSurvey(run string, s *Survey) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save survey: %w", err)
	}
	if err := journal.WriteFile(surveyPath(p.o.Dir, run), data); err != nil {
		return fmt.Errorf("save survey: %w", err)
	}
	return nil
}

// lastSurvey returns the cells that the newest run found before it, and notes the run in v.
func (p *Procedure) lastSurvey(v *Verification) ([]Cell, error) {
	if p.o.Dir == "" {
		return nil, nil
	}
	ids, err := journal.List(p.o.Dir)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	run := ids[len(ids)-1]
	data, err := os.ReadFile(surveyPath(p.o.Dir, run))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read survey: %w", err)
	}
	var s Survey
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read survey of run %s: %w: %w", run, ErrInvalid, err)
	}
	v.Run = run
	return s.Cells, nil
}
