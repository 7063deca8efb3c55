package procedure

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"hma/hybrid/journal"
)

// Details are one run with everything that its journal tells.
type Details struct {
	Version int  `json:"version"`
	Run     *Run `json:"run"`
	// Changes are those of the run's plan, in order; their states stand in Run.
	Changes []Change `json:"changes"`
	Events  []Entry  `json:"events"`
}

// Entry is one line of a journal: who did what when. Values that were read are left out.
type Entry struct {
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	Operator string    `json:"operator,omitempty"` // of whoever began, resumed or took back
	Change   int       `json:"change,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	// Part are the numbers of the changes that a way back takes, when it does not take all.
	Part []int `json:"part,omitempty"`
}

// Details reads one run. ErrNoRun when there is none.
func (p *Procedure) Details(id string) (*Details, error) {
	entries, err := journal.Read(p.o.Dir, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoRun, id)
	}
	if err != nil {
		return nil, err
	}
	run, err := replay(id, entries)
	if err != nil {
		return nil, err
	}
	d := &Details{Version: 1, Run: run, Changes: run.plan.Changes}
	for _, e := range entries {
		entry := Entry{Time: e.Time, Kind: string(e.Kind), Operator: e.Operator, Change: e.Change, Detail: e.Detail}
		if e.Kind == journal.Rollback && e.Values != nil {
			var w way
			if err := json.Unmarshal(e.Values, &w); err != nil {
				return nil, fmt.Errorf("run %s: %w: %w", id, ErrInvalid, err)
			}
			entry.Part = w.Changes
		}
		d.Events = append(d.Events, entry)
	}
	return d, nil
}
