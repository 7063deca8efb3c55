package procedure

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"hma/hybrid/journal"
)

// Outcome is where a run stands.
type Outcome string

// The outcomes.
const (
	OutcomeApplied     Outcome = "applied"
	OutcomeUnfinished  Outcome = "unfinished" // died or was stopped on the way
	OutcomeFailed      Outcome = "failed"     // stopped at a change that could not be made
	OutcomeRollingBack Outcome = "rolling back"
	OutcomeRolledBack  Outcome = "rolled back"
	// OutcomeRolledBackInPart: some changes were taken back, others stand.
	OutcomeRolledBackInPart Outcome = "rolled back in part"
)

// Run is one run of apply as its journal tells it.
type Run struct {
	ID       string     `json:"id"`
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended"` // null while it is not over
	Operator string     `json:"operator"`
	Outcome  Outcome    `json:"outcome"`
	Plan     string     `json:"plan"` // id of the plan
	// Changes tells what became of each change.
	Changes []ChangeState `json:"changes,omitempty"`
	// Part are the numbers of the changes that the last way back takes, nil being all.
	Part []int `json:"part,omitempty"`
	// Problem is why it failed.
	Problem string `json:"problem,omitempty"`

	plan    *Plan
	records map[int]*record
}

// ChangeState is one change of a run and how far it got.
type ChangeState struct {
	Number  int    `json:"number"`
	Address string `json:"address"`
	// State is pending, intended, done, already, undone or left.
	State string `json:"state"`
}

// stands tells whether the change may be in force because of its run.
func (s ChangeState) stands() bool { return s.State == "done" || s.State == "intended" }

// Unfinished tells whether the run has to be resumed or rolled back.
func (r *Run) Unfinished() bool {
	return r.Outcome == OutcomeUnfinished || r.Outcome == OutcomeFailed || r.Outcome == OutcomeRollingBack
}

// record is what the journal holds about one change.
type record struct {
	done, already, undone, left bool
	intents                     []intent // in order, without those that were dropped
}

// intended tells that the run was about to make the change, and may have.
func (r *record) intended() bool { return len(r.intents) > 0 }

// before is what was read before the run touched anything.
func (r *record) before() intent { return r.intents[0] }

// added tells whether the run was about to add the entry to a list that did not have it.
func (r *record) added(entry string) bool {
	return !slices.Contains(r.before().List, entry) &&
		slices.ContainsFunc(r.intents, func(in intent) bool { return slices.Contains(in.Adding, entry) })
}

// intent is the Values of an Intend entry: what was read just before.
type intent struct {
	// Settings are the values of a cmdlet's properties, in the order of the change's settings.
	Settings []Value `json:"settings,omitempty"`
	// List is the whole list of the tenant, Adding what is about to be added.
	List   []string `json:"list,omitempty"`
	Adding []string `json:"adding,omitempty"`
}

// replay turns a journal's entries into a run.
func replay(id string, entries []journal.Entry) (*Run, error) {
	if len(entries) == 0 || entries[0].Kind != journal.Begin {
		return nil, fmt.Errorf("run %s: %w: no beginning", id, ErrInvalid)
	}
	plan, err := ParsePlan(entries[0].Plan)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	r := &Run{ID: id, Started: entries[0].Time, Operator: entries[0].Operator, Outcome: OutcomeUnfinished, Plan: plan.ID, plan: plan, records: map[int]*record{}}
	for _, c := range plan.Changes {
		r.records[c.Number] = &record{}
	}
	for _, e := range entries[1:] {
		rec := r.records[e.Change]
		switch e.Kind {
		case journal.Intend, journal.Dropped, journal.Done, journal.Already, journal.Unintend, journal.Undone, journal.Left:
			if rec == nil {
				return nil, fmt.Errorf("run %s: %w: an entry for change %d", id, ErrInvalid, e.Change)
			}
		}
		switch e.Kind {
		case journal.Resume:
			r.Outcome, r.Problem = OutcomeUnfinished, ""
		case journal.Intend:
			var in intent
			if err := json.Unmarshal(e.Values, &in); err != nil {
				return nil, fmt.Errorf("run %s: %w: %w", id, ErrInvalid, err)
			}
			rec.intents = append(rec.intents, in)
		case journal.Dropped:
			if !rec.intended() {
				return nil, fmt.Errorf("run %s: %w: change %d was dropped before it was intended", id, ErrInvalid, e.Change)
			}
			rec.intents = rec.intents[:len(rec.intents)-1]
		case journal.Done:
			rec.done = true
		case journal.Already:
			rec.already = true
		case journal.Failed:
			if r.Outcome != OutcomeRollingBack {
				r.Outcome = OutcomeFailed
			}
			r.Problem = e.Detail
		case journal.End:
			r.Outcome, r.Problem, r.Ended = OutcomeApplied, "", new(e.Time)
		case journal.Rollback:
			r.Outcome, r.Problem, r.Ended, r.Part = OutcomeRollingBack, "", nil, nil
			if e.Values != nil {
				var w way
				if err := json.Unmarshal(e.Values, &w); err != nil || len(w.Changes) == 0 {
					return nil, fmt.Errorf("run %s: %w: a way back in part without its changes", id, ErrInvalid)
				}
				r.Part = w.Changes
			}
		case journal.Undone:
			rec.undone = true
		case journal.Left:
			rec.left = true
		case journal.RolledBack:
			r.Outcome, r.Problem, r.Ended = OutcomeRolledBack, "", new(e.Time)
			if r.Part != nil && r.stands() {
				r.Outcome = OutcomeRolledBackInPart
			}
		}
	}
	for _, c := range plan.Changes {
		r.Changes = append(r.Changes, ChangeState{c.Number, c.Address, r.records[c.Number].state()})
	}
	return r, nil
}

// stands tells whether any change of the run may still be in force.
func (r *Run) stands() bool {
	for _, rec := range r.records {
		if rec.intended() && !rec.undone && !rec.left {
			return true
		}
	}
	return false
}

func (r *record) state() string {
	switch {
	case r.undone:
		return "undone"
	case r.left:
		return "left"
	case r.done:
		return "done"
	case r.already:
		return "already"
	case r.intended():
		return "intended"
	}
	return "pending"
}

// Run reads one run.
func (p *Procedure) Run(id string) (*Run, error) {
	entries, err := journal.Read(p.o.Dir, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoRun, id)
	}
	if err != nil {
		return nil, err
	}
	return replay(id, entries)
}

// History are all runs, newest first: `hma history --json`.
type History struct {
	Version int   `json:"version"`
	Runs    []Run `json:"runs"`
}

// History reads the journals.
func (p *Procedure) History() (*History, error) {
	ids, err := journal.List(p.o.Dir)
	if err != nil {
		return nil, err
	}
	h := &History{Version: 1, Runs: []Run{}}
	for _, id := range slices.Backward(ids) {
		r, err := p.Run(id)
		if err != nil {
			return nil, err
		}
		h.Runs = append(h.Runs, *r)
	}
	return h, nil
}

// Unfinished returns the run that has to be resumed or rolled back first, nil when there is none.
func (p *Procedure) Unfinished() (*Run, error) {
	h, err := p.History()
	if err != nil {
		return nil, err
	}
	for i := range h.Runs {
		if h.Runs[i].Unfinished() {
			return &h.Runs[i], nil
		}
	}
	return nil, nil
}

var errLost = errors.New("the lock was lost")
