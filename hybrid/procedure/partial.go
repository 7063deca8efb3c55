package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// RollbackPart is Rollback for some changes of a finished run, by their numbers. What
// stays must not stand on what goes: a change without which people could not sign in,
// or which the how-to makes only behind another, goes with it or not at all (ErrStands
// names which are missing). OWA and ECP of one server go together. Rollback takes back
// what is left later.
func (p *Procedure) RollbackPart(ctx context.Context, id string, changes []int, leaveMoved bool) (*Run, error) {
	if len(changes) == 0 {
		return nil, fmt.Errorf("roll back %s in part: %w: no changes are named", id, ErrInvalid)
	}
	return p.rollback(ctx, id, changes, leaveMoved)
}

// choose checks which changes are to be taken back, nil being all.
func (r *Run) choose(part []int) error {
	if part == nil {
		return nil
	}
	// What began as the whole way back goes on as that: some of it may be of a run that was never finished.
	goesOn := r.Outcome == OutcomeRollingBack && r.Part != nil
	if !goesOn && r.Outcome != OutcomeApplied && r.Outcome != OutcomeRolledBackInPart {
		return fmt.Errorf("roll back %s in part: %w: it is %s; finish it first, or take it back as a whole", r.ID, ErrUnfinished, r.Outcome)
	}
	for _, n := range part {
		rec := r.records[n]
		switch {
		case rec == nil:
			return fmt.Errorf("roll back %s in part: %w: it has no change %d", r.ID, ErrInvalid, n)
		case !rec.intended():
			return fmt.Errorf("roll back %s in part: %w: change %d is not the run's to take back: %s", r.ID, ErrInvalid, n, rec.state())
		}
	}
	var missing []int
	var why string
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		rec := r.records[c.Number]
		if slices.Contains(part, c.Number) || !rec.intended() || rec.undone || rec.left {
			continue
		}
		for j := range r.plan.Changes {
			if goes := &r.plan.Changes[j]; slices.Contains(part, goes.Number) && c.standsOn(goes) {
				if missing = append(missing, c.Number); why == "" {
					why = fmt.Sprintf("%d, %s, stands on %d", c.Number, c.Address, goes.Number)
				}
				break
			}
		}
	}
	if missing != nil {
		return fmt.Errorf("roll back %s in part: %w: %s; take it back with all that does: %s", r.ID, ErrStands, why, strings.TrimSpace(flagOf(append(slices.Clone(part), missing...))))
	}
	return nil
}

// standsOn tells whether the change must not stay when another one of its run goes.
func (c *Change) standsOn(other *Change) bool {
	if c.touchesBrowser() && other.touchesBrowser() && strings.EqualFold(c.Server, other.Server) {
		return true // passwords off and tokens on, of OWA and ECP: half of it is a page where nobody gets in
	}
	if c.Number < other.Number {
		return false
	}
	offers := c.Step == StepClientProfile || c.touchesBrowser()
	switch other.Step {
	case StepSPN: // clients ask the cloud for these names once tokens are offered
		return offers
	case StepPolicy: // who is offered tokens is decided before they are
		return offers || c.Step == StepPolicy
	case StepEndpoint, StepClientProfile:
		return offers || other.Step == StepClientProfile && c.Step == StepPolicy
	case StepReplyURL:
		return c.touchesBrowser()
	}
	return false
}
