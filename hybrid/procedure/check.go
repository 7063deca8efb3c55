package procedure

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"hma/client/mail"
	"hma/hybrid/journal"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
)

// Report is what a check found.
type Report struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	// Snapshot is the hash of the facts that were judged.
	Snapshot string         `json:"snapshot"`
	Findings []rule.Finding `json:"findings"`
	// Rules is how many rules were run.
	Rules int `json:"rules"`
	// Collected says of each part of a snapshot when it was collected. Dates are judged at At.
	Collected []target.Collection `json:"collected,omitempty"`
}

// Count returns how many findings have the severity.
func (r *Report) Count(s rule.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Check reads the organisation and runs every rule. The error is for ctx and for
// journals that cannot be read; what the target did not tell is in the Report as "not checked".
func (p *Procedure) Check(ctx context.Context) (*Report, error) {
	f, err := p.facts(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.answers(ctx, f); err != nil {
		return nil, err
	}
	return p.judge(f), nil
}

// answers asks each server once at each of its hosts, without a credential: its
// clock, and what stands in front of it, are in the answer. OWA is asked where the
// host has it, since a browser's way shows most.
func (p *Procedure) answers(ctx context.Context, f *facts.Facts) error {
	if p.o.Target.Probe == nil {
		for _, s := range []facts.Source{facts.SourceAnswers, facts.SourceFrontEnds} {
			f.Unread = append(f.Unread, facts.Unread{Source: s, Object: "every server", Problem: target.ErrNoFace.Error(), NotGiven: true})
		}
		return nil
	}
	var asking []mail.Door
	asked, doors := map[string]bool{}, p.doors(f)
	for _, protocol := range []mail.Protocol{mail.OWA, mail.ECP, mail.EWS, mail.ActiveSync, mail.MAPI, mail.OAB, mail.Autodiscover} {
		for _, g := range doors {
			for _, d := range g.doors {
				if key := d.Server + " " + d.Resource(); g.protocol == protocol && !asked[key] {
					asked[key] = true
					asking = append(asking, d)
				}
			}
		}
	}
	f.Answers = make([]facts.Answer, len(asking))
	atOnce(askedAtOnce, len(asking), func(i int) {
		if ctx.Err() == nil {
			began := p.o.Now()
			f.Answers[i] = answer(p.o.Target.Probe.Offer(ctx, asking[i], ""))
			f.Answers[i].Took = p.o.Now().Sub(began)
		}
	})
	for i, a := range f.Answers {
		if a.Problem != "" {
			f.Unread = append(f.Unread, facts.Unread{Source: facts.SourceAnswers, Object: asking[i].URL, Problem: a.Problem})
		}
		if a.Status == 0 {
			f.Unread = append(f.Unread, facts.Unread{Source: facts.SourceFrontEnds, Object: asking[i].URL, Problem: a.Problem})
		}
	}
	return ctx.Err()
}

// answer reads the headers of a handshake's answer.
func answer(h mail.Handshake) facts.Answer {
	a := facts.Answer{Server: h.Door.Server, URL: h.Door.URL, Status: h.Status, Problem: h.Problem}
	if h.Status == 0 {
		return a
	}
	head, _, _ := strings.Cut(strings.ReplaceAll(h.Response, "\r\n", "\n"), "\n\n")
	_, lines, _ := strings.Cut(head, "\n")
	fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(lines + "\n\n"))).ReadMIMEHeader()
	if err != nil {
		return a // cut too short to be read
	}
	a.Header = http.Header(fields)
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		a.Date = date
	}
	return a
}

func (p *Procedure) judge(f *facts.Facts) *Report {
	now := p.o.Now()
	return &Report{Version: 1, At: now.UTC(), Snapshot: f.Hash(), Findings: rule.Judge(f, now), Rules: len(rule.All()), Collected: f.Collected}
}

// facts reads the target, and from the journals who was proven to be able to sign in.
func (p *Procedure) facts(ctx context.Context) (*facts.Facts, error) {
	f, err := facts.Read(ctx, p.o.Target)
	if err != nil {
		return nil, fmt.Errorf("read the organisation: %w", err)
	}
	if p.o.Dir == "" {
		return f, nil
	}
	ids, err := journal.List(p.o.Dir)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		entries, err := journal.Read(p.o.Dir, id)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Kind == journal.Proved {
				f.Proven = append(f.Proven, e.Detail)
			}
		}
	}
	return f, nil
}

// complete reads the target, of which nothing may be missing that a plan needs: else ErrUnreadable.
func (p *Procedure) complete(ctx context.Context) (*facts.Facts, error) {
	if missing := p.o.Target.Missing(); missing != nil {
		return nil, fmt.Errorf("%w: %s is missing: hma collect has the script for it", ErrUnreadable, strings.Join(missing, " and "))
	}
	f, err := p.facts(ctx)
	if err == nil {
		err = unreadable(f)
	}
	return f, err
}

// aside are sources that rules judge and no change depends on.
var aside = []facts.Source{facts.SourceConnectors, facts.SourcePartners, facts.SourceOverrides, facts.SourceMailboxes, facts.SourceProtocols,
	facts.SourceFirewall, facts.SourceRecords, facts.SourceNameOwners, facts.SourceGrants, facts.SourceAnswers, facts.SourceFrontEnds}

// unreadable turns what a plan needs and could not be read into an error, nil when everything was.
func unreadable(f *facts.Facts) error {
	var all []string
	for _, u := range f.Unread {
		if slices.Contains(aside, u.Source) || u.NotGiven {
			continue
		}
		all = append(all, fmt.Sprintf("%s (%s): %s", u.Source, u.Object, u.Problem))
	}
	if all == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnreadable, strings.Join(all, "; "))
}
