package procedure

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hma/hybrid/journal"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
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
	return p.judge(f), nil
}

func (p *Procedure) judge(f *facts.Facts) *Report {
	now := p.o.Now()
	return &Report{Version: 1, At: now.UTC(), Snapshot: f.Hash(), Findings: rule.Judge(f, now), Rules: len(rule.All())}
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

// unreadable turns what could not be read into an error, nil when everything was.
func unreadable(f *facts.Facts) error {
	if len(f.Unread) == 0 {
		return nil
	}
	var all []string
	for _, u := range f.Unread {
		all = append(all, fmt.Sprintf("%s (%s): %s", u.Source, u.Object, u.Problem))
	}
	return fmt.Errorf("%w: %s", ErrUnreadable, strings.Join(all, "; "))
}
