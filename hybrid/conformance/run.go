package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/client/mail"
)

// Options are what Run is given.
type Options struct {
	// URLs are the servers: https://HOST[:PORT] for all doors, or the URL of one door.
	URLs []string
	// Via are addresses (host, or host:port) at each of which every URL is asked, as the servers behind a
	// load balancer; none asks where the names lead.
	Via []string
	// Only are the protocols that are asked, nil all.
	Only []mail.Protocol
	// User is the SMTP address of who signs in, and is told as X-User-Identity; "" asks for nobody.
	User string
	// SignIn returns an access token for the resource, from the cloud at the authorization_uri that the
	// server's challenge names, of the tenant in it ("" when there is not just one). It must decide
	// whether that cloud is one to sign in at. nil signs nobody in.
	SignIn func(ctx context.Context, authorizationURI, tenant, resource string) (string, error)
	Client *mail.Client
	Now    func() time.Time
	// Progress is told what is asked next; nil tells nobody.
	Progress func(string)
}

// Report is what was found.
type Report struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	User    string    `json:"user,omitempty"`
	// Passed tells that every host was reached, a door is there, and no Must failed.
	Passed bool   `json:"passed"`
	Sites  []Site `json:"sites"`
	Rows   []Row  `json:"rows"`
	// Judgements are every requirement at every door or host that it is asked of.
	Judgements []Judgement `json:"judgements"`
}

// Site is one host.
type Site struct {
	URL string `json:"url"`
	// Server names it in rows and judgements: the host, and where it was reached.
	Server string       `json:"server"`
	TLS    *mail.Secure `json:"tls,omitempty"`
	// Unreached says why the host did not answer at all.
	Unreached string `json:"unreached,omitempty"`
	// AutoDetect is the ActiveSync URL that phones are told.
	AutoDetect string `json:"autodetect,omitempty"`
	// Problems are those of the host and of no door.
	Problems []Problem `json:"problems,omitempty"`
	// Notes say what should be so and is not, and what was not asked.
	Notes []string `json:"notes,omitempty"`
}

// Verdict is how a door stands.
type Verdict string

// The verdicts.
const (
	Verified Verdict = "verified"  // a token was taken
	Offered  Verdict = "offered"   // modern authentication is offered as it should be; nobody signed in
	Failed   Verdict = "failed"    // a Must failed
	Absent   Verdict = "absent"    // there is no such door
	NotAsked Verdict = "not asked" // the host was not fit to be asked
)

// Row is one door.
type Row struct {
	Door   string `json:"door"`
	Server string `json:"server"` // as in Site
	URL    string `json:"url"`
	// AuthN is what Connection Status would show: Bearer*, OpenID, or what was offered.
	AuthN      string           `json:"authn"`
	Verdict    Verdict          `json:"verdict"`
	Problems   []Problem        `json:"problems,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
	Handshakes []mail.Handshake `json:"handshakes,omitempty"`
}

// Problem is a Must that failed, with what to do.
type Problem struct {
	Requirement string `json:"requirement"`
	Expected    string `json:"expected"`
	Found       string `json:"found"`
	Fix         string `json:"fix"`
}

// Judgement is a requirement at one door, or at a host.
type Judgement struct {
	Requirement string  `json:"requirement"`
	Level       Level   `json:"level"`
	Server      string  `json:"server"`
	Door        string  `json:"door,omitempty"`
	Expected    string  `json:"expected"`
	Clause      string  `json:"clause"`
	Outcome     Outcome `json:"outcome"`
	Found       string  `json:"found"`
	Fix         string  `json:"fix,omitempty"` // of a failure
}

// ErrUsage says that a URL cannot be asked.
var ErrUsage = errors.New("cannot be asked")

type runner struct{ o Options }

// Run asks every door and judges it. A host that does not answer is in the report;
// an error means that nothing could be asked: ErrUsage for a bad URL, or what ended ctx.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	r := &runner{o}
	var sites []*site
	via := o.Via
	if via == nil {
		via = []string{""}
	}
	for _, raw := range o.URLs {
		for _, at := range via {
			s, err := newSite(raw, at, o.Only)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrUsage, err)
			}
			sites = append(sites, s)
		}
	}
	for _, s := range sites {
		r.visit(ctx, s)
	}
	common := commonAuthority(sites)
	for _, s := range sites {
		s.authority = common
		r.signIn(ctx, s)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.report(sites), nil
}

// commonAuthority is the first good authorization_uri that a door names.
func commonAuthority(sites []*site) *authority {
	for _, s := range sites {
		for _, l := range s.looks {
			if c, ok := challenge(l.probe); ok && goodAuthority(c.AuthorizationURI) {
				return &authority{c.AuthorizationURI, l.name + " on " + s.server}
			}
		}
	}
	return nil
}

func (r *runner) report(sites []*site) *Report {
	report := &Report{Version: 1, At: r.o.Now().UTC(), User: r.o.User, Passed: true, Sites: []Site{}, Rows: []Row{}, Judgements: []Judgement{}}
	there := false
	for _, s := range sites {
		out := Site{URL: s.origin, Server: s.server, AutoDetect: s.detected.URL}
		if s.reachErr != nil {
			out.Unreached, report.Passed = s.reachErr.Error(), false
			report.Sites = append(report.Sites, out)
			for _, l := range s.looks {
				report.Rows = append(report.Rows, l.row(NotAsked))
			}
			continue
		}
		out.TLS = &s.secure
		fit, outcomes := true, map[string]Outcome{}
		for _, q := range Requirements {
			if q.site == nil || !s.isAsked(q) {
				continue
			}
			f := notTried("needs a certificate that is good")
			if fit || q.ID[0] == 'T' {
				f = judged(q, outcomes, func() finding { return q.site(s) })
			}
			report.Judgements = append(report.Judgements, judgement(q, s.server, "", f))
			if f.outcome == Fail && q.Level == Must {
				out.Problems = append(out.Problems, problem(q, f))
				report.Passed = false
				fit = fit && !strings.HasPrefix(q.ID, "T")
			} else if f.outcome == Fail {
				out.Notes = append(out.Notes, shouldBe(q, f))
			}
		}
		if fit {
			out.Notes = append(out.Notes, unasked(s, sites)...)
		}
		report.Sites = append(report.Sites, out)
		for _, l := range s.looks {
			if !fit {
				report.Rows = append(report.Rows, l.row(NotAsked))
				continue
			}
			row := l.judge(report)
			there = there || row.Verdict != Absent
			report.Passed = report.Passed && row.Verdict != Failed
			report.Rows = append(report.Rows, row)
		}
	}
	report.Passed = report.Passed && there
	return report
}

func shouldBe(q Requirement, f finding) string {
	return fmt.Sprintf("%s, should be: %s; found %s", q.ID, q.Expected, f.found)
}

// unasked names the hosts that phones ask and the run did not.
func unasked(s *site, sites []*site) (notes []string) {
	asked := func(host string) bool {
		return slices.ContainsFunc(sites, func(other *site) bool { return other.host == host })
	}
	if to := (mail.Door{URL: s.detected.URL}).Resource(); to != "" && !asked(strings.TrimPrefix(to, "https://")) {
		notes = append(notes, line("phones are sent to %s, which was not judged: give it with --url", []any{to}))
	}
	_, domain, _ := strings.Cut(s.address, "@")
	if host := "autodiscover." + domain; s.asked && !s.invented && !asked(host) {
		notes = append(notes, line("phones ask https://%s first, which was not judged: give it with --url", []any{host}))
	}
	return notes
}

// isAsked leaves out what the doors that were asked for have no part in.
func (s *site) isAsked(q Requirement) bool {
	switch q.ID[0] {
	case 'A':
		return slices.ContainsFunc(s.looks, func(l *look) bool { return l.door.Protocol == mail.Autodiscover })
	case 'S':
		return slices.ContainsFunc(s.looks, func(l *look) bool { return !l.door.Protocol.Browser() })
	}
	return true
}

// judged is what a judge finds, unless what it needs did not pass.
func judged(q Requirement, outcomes map[string]Outcome, judge func() finding) finding {
	f := notTried("needs %s", q.Needs)
	if q.Needs == "" || outcomes[q.Needs] == Pass {
		f = judge()
	}
	outcomes[q.ID] = f.outcome
	return f
}

func judgement(q Requirement, server, door string, f finding) Judgement {
	j := Judgement{Requirement: q.ID, Level: q.Level, Server: server, Door: door, Expected: q.Expected, Clause: q.Clause, Outcome: f.outcome, Found: f.found}
	if f.outcome == Fail {
		j.Fix = fixOf(q, f)
	}
	return j
}

func problem(q Requirement, f finding) Problem {
	return Problem{q.ID, q.Expected, f.found, fixOf(q, f)}
}

func fixOf(q Requirement, f finding) string {
	if f.fix != "" {
		return f.fix
	}
	return q.Fix
}

func (l *look) row(v Verdict) Row {
	return Row{Door: l.name, Server: l.server, URL: l.door.URL, Verdict: v}
}

// judge holds a door to its requirements.
func (l *look) judge(report *Report) Row {
	row := l.row(Offered)
	for _, h := range []mail.Handshake{l.probe, l.lower, l.anonymous, l.stranger, l.unsigned, l.token} {
		if h.Door.URL != "" {
			row.Handshakes = append(row.Handshakes, h)
		}
	}
	row.AuthN = line("%s", []any{l.probe.AuthN[:min(len(l.probe.AuthN), 40)]})
	if l.absent != "" {
		row.Verdict, row.Notes = Absent, []string{l.absent}
		return row
	}
	outcomes := map[string]Outcome{}
	for _, q := range Requirements {
		if q.door == nil || !q.of(l.door.Protocol) {
			continue
		}
		f := judged(q, outcomes, func() finding { return q.door(l) })
		report.Judgements = append(report.Judgements, judgement(q, l.server, l.name, f))
		switch {
		case f.outcome == Fail && q.Level == Must:
			row.Problems = append(row.Problems, problem(q, f))
		case f.outcome == Fail:
			row.Notes = append(row.Notes, shouldBe(q, f))
		case q.ID == "B7" && f.outcome == NotTried && outcomes["B5"] == Pass:
			row.Notes = append(row.Notes, fmt.Sprintf("%s, not tried: %s; %s", q.ID, q.Expected, f.found)) // it passes, but nobody saw the cloud
		}
	}
	switch {
	case row.Problems != nil:
		row.Verdict = Failed
	case outcomes["S2"] == Pass:
		row.Verdict = Verified
	}
	if outcomes["S2"] == Pass {
		row.AuthN = mail.AuthNBearer
	}
	return row
}
