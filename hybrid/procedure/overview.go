package procedure

import (
	"context"
	"fmt"
	"strings"

	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
)

// Overview is what an organisation looks like, judged and planned from one reading.
type Overview struct {
	Facts *facts.Facts
	Check *Report
	// Losses are who loses access when Hybrid Modern Authentication is on everywhere.
	Losses []rule.Loss
	// Plan is what enables it; nil when it cannot be planned, and Unplanned says why.
	Plan      *Plan
	Unplanned string
	History   *History
}

// Overview reads the organisation once. The error is for ctx and for journals that cannot be
// read; what the target did not tell is in it as "not checked".
func (p *Procedure) Overview(ctx context.Context) (*Overview, error) {
	f, err := p.facts(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.answers(ctx, f); err != nil {
		return nil, err
	}
	o := &Overview{Facts: f, Check: p.judge(f), Losses: rule.Losses(f), History: &History{Version: 1, Runs: []Run{}}}
	if missing := p.o.Target.Missing(); missing != nil {
		o.Unplanned = strings.Join(missing, " and ") + " is missing"
	} else if err := unreadable(f); err != nil {
		o.Unplanned = err.Error()
	} else if o.Plan, err = p.planOf(f, Choices{}); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if p.o.Dir != "" {
		if o.History, err = p.History(); err != nil {
			return nil, err
		}
	}
	return o, nil
}
