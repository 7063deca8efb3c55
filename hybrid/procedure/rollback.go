package procedure

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hma/hybrid/journal"
)

// Rollback restores what run id found, newest change first: recorded values are
// set again, and from the tenant's lists exactly the entries are taken that the
// run added. It works on finished, failed and interrupted runs, and goes on with
// a rollback that was interrupted. A run on which a later one stands is refused with
// ErrLater: without what it set the later one's state may be one in which nobody can
// sign in, as OWA on tokens without an authorization endpoint is.
//
// A list of a tenant that cannot be restored, because the cloud is away, does not keep the organisation's own values from
// being restored: nothing of theirs needs a name less. The error says which are still to come.
//
// A value that somebody moved since is not overwritten: before anything is
// restored Rollback fails with ErrMoved and names them all, unless leaveMoved,
// when they are left as they are and the rest is restored. So with a way in that would be missing
// afterwards, because somebody else made it stand on what the run set (ErrStands). A policy that the run made
// and that applies to somebody by then is left in any case.
func (p *Procedure) Rollback(ctx context.Context, id string, leaveMoved bool) (*Run, error) {
	return p.rollback(ctx, id, nil, leaveMoved)
}

// rollback takes back the changes with the numbers in part, nil being all.
func (p *Procedure) rollback(ctx context.Context, id string, part []int, leaveMoved bool) (*Run, error) {
	lease, err := p.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	run, err := p.Run(id)
	if err != nil {
		return nil, err
	}
	if run.Outcome == OutcomeRolledBack {
		return run, nil
	}
	if err := p.newest(run); err != nil {
		return run, err
	}
	if err := run.choose(part); err != nil {
		return nil, err
	}
	found, err := p.readFound(id)
	if err != nil {
		return run, err
	}
	if part != nil || found != nil && !leaveMoved {
		f, err := p.facts(ctx)
		if err != nil {
			return run, err
		}
		var known []string
		if part == nil {
			known = closed(found)
		}
		if err := run.keepsDoors(f, part, known...); err != nil {
			return nil, err
		}
	}
	moved, err := p.moved(ctx, run, part)
	if err != nil {
		return run, err
	}
	if len(moved) > 0 && !leaveMoved {
		return run, fmt.Errorf("roll back %s: %w: %s; nothing was restored", id, ErrMoved, strings.Join(slices.Sorted(maps.Values(moved)), "; "))
	}
	j, err := journal.Open(p.o.Dir, id)
	if err != nil {
		return run, err
	}
	defer j.Close()
	begin := journal.Entry{Kind: journal.Rollback, Operator: p.o.Operator}
	if part != nil {
		if begin.Values, err = json.Marshal(way{Changes: part}); err != nil {
			return run, err
		}
	}
	if err := p.write(j, begin); err != nil {
		return run, err
	}
	var waiting []string // lists of a tenant that could not be restored
	var last error
	for _, c := range slices.Backward(run.plan.Changes) {
		rec := run.records[c.Number]
		if !rec.intended() || rec.undone || rec.left || !within(part, c.Number) {
			continue
		}
		if err := held(ctx, lease); err != nil {
			return run, err
		}
		why := moved[c.Number]
		if why == "" {
			why, err = p.used(ctx, &c)
		}
		switch {
		case err != nil:
		case why != "":
			err = p.write(j, journal.Entry{Kind: journal.Left, Change: c.Number, Detail: why})
			p.tell(run, &c, PhaseLeft, why)
		default:
			err = p.restore(ctx, j, run, &c, rec)
		}
		if err == nil {
			continue
		}
		if werr := p.write(j, journal.Entry{Kind: journal.Failed, Change: c.Number, Detail: err.Error()}); werr != nil {
			err = fmt.Errorf("%w (and the journal: %w)", err, werr)
		}
		p.tell(run, &c, PhaseFailed, err.Error())
		if c.Cmdlet == "" && ctx.Err() == nil {
			waiting, last = append(waiting, c.Address+" "+c.Settings[0].Property), err
			continue
		}
		return p.stopped(j, run), fmt.Errorf("restore %s: %w; go on with hma rollback %s", c.Address, err, flagOf(part)+id)
	}
	if waiting != nil {
		return p.stopped(j, run), fmt.Errorf("the organisation's own values are restored, not yet %s: %w; go on with hma rollback %s", strings.Join(waiting, ", "), last, flagOf(part)+id)
	}
	if err := p.write(j, journal.Entry{Kind: journal.RolledBack}); err != nil {
		return run, err
	}
	p.saveAfter(ctx, id)
	return replay(j.ID, j.Entries)
}

// way is the Values of a Rollback entry that takes back some changes only.
type way struct {
	Changes []int `json:"changes"`
}

// within tells whether a change is among those that are taken back, nil being all.
func within(part []int, number int) bool { return part == nil || slices.Contains(part, number) }

// PartFlag is how hma rollback is told, before the run's id, what the last way back takes: "" for all of it.
func (r *Run) PartFlag() string { return flagOf(r.Part) }

func flagOf(part []int) string {
	if part == nil {
		return ""
	}
	part = slices.Sorted(slices.Values(part))
	return "--change " + strings.ReplaceAll(strings.Trim(fmt.Sprint(part), "[]"), " ", ",") + " "
}

// stopped is the run as its journal tells it now.
func (p *Procedure) stopped(j *journal.Journal, run *Run) *Run {
	if now, err := replay(j.ID, j.Entries); err == nil {
		return now
	}
	return run
}

// newest refuses a run after which another one began whose changes still stand.
func (p *Procedure) newest(run *Run) error {
	h, err := p.History()
	if err != nil {
		return err
	}
	for _, later := range h.Runs {
		if later.Started.After(run.Started) && slices.ContainsFunc(later.Changes, ChangeState.stands) {
			return fmt.Errorf("roll back %s: %w: first %s", run.ID, ErrLater, later.ID)
		}
	}
	return nil
}

// moved returns, by change, what is neither what the run set nor what it found.
func (p *Procedure) moved(ctx context.Context, run *Run, part []int) (map[int]string, error) {
	moved := map[int]string{}
	for i := range run.plan.Changes {
		c := &run.plan.Changes[i]
		rec := run.records[c.Number]
		if !rec.intended() || rec.undone || rec.left || c.Cmdlet == "" || !within(part, c.Number) {
			continue
		}
		known := []values{rec.before().Settings, c.planned(), c.wanted()}
		s, err := p.settings(ctx, c, known...)
		if err != nil {
			return nil, err
		}
		if !s.among(known...) {
			moved[c.Number] = fmt.Sprintf("%s (%s)", c.Address, s.live)
		}
	}
	return moved, nil
}

// restore undoes one change, or finds it undone.
func (p *Procedure) restore(ctx context.Context, j *journal.Journal, run *Run, c *Change, rec *record) error {
	p.tell(run, c, PhaseStarting, "")
	undo, check, err := p.undo(ctx, c, rec)
	if err != nil {
		return err
	}
	if undo != nil {
		if err := p.write(j, journal.Entry{Kind: journal.Unintend, Change: c.Number}); err != nil {
			return err
		}
		p.fault(fmt.Sprintf("before undoing %d", c.Number))
		if err := undo(); err != nil {
			return err
		}
		p.fault(fmt.Sprintf("after undoing %d", c.Number))
		p.tell(run, c, PhaseWaiting, "")
		if err := check(); err != nil {
			return err
		}
	}
	if err := p.write(j, journal.Entry{Kind: journal.Undone, Change: c.Number}); err != nil {
		return err
	}
	p.tell(run, c, PhaseUndone, "")
	return nil
}

// undo returns what has to be done and how it is read back; nil when nothing has to be.
func (p *Procedure) undo(ctx context.Context, c *Change, rec *record) (undo, check func() error, err error) {
	if c.Cmdlet != "" {
		s, err := p.settings(ctx, c, rec.before().Settings, c.wanted())
		if err != nil || s.all(rec.before().Settings) {
			return nil, nil, err
		}
		return func() error { return p.set(ctx, c, c.wanted(), rec.before().Settings) },
			func() error { return p.await(ctx, c, rec.before().Settings) }, nil
	}
	list, err := p.list(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(list, rec.added) {
		return nil, nil, nil
	}
	return func() error {
			again, err := p.list(ctx, c)
			if err != nil {
				return err
			}
			if !slices.Equal(list, again) {
				return fmt.Errorf("%w: %s of the tenant changed while it was read", ErrMoved, c.Settings[0].Property)
			}
			return p.setList(ctx, c, slices.DeleteFunc(slices.Clone(list), rec.added))
		}, func() error {
			return p.awaitList(ctx, c, func(now []string) bool { return !slices.ContainsFunc(now, rec.added) })
		}, nil
}
