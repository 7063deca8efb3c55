package procedure

import (
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
		d.Events = append(d.Events, Entry{e.Time, string(e.Kind), e.Operator, e.Change, e.Detail})
	}
	return d, nil
}
