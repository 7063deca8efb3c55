package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/hybrid/procedure/facts"
	"hma/wire/psobject"
)

// farm is an organisation in which EWS and the offline address book take no tokens on either server.
func farm() *organisation {
	o := newOrganisation()
	for _, d := range o.dirs {
		if d.kind == facts.Oab || d.kind == facts.WebServices {
			d.ad["OAuthAuthentication"], d.live["OAuthAuthentication"] = false, false
		}
	}
	return o
}

// meeting lets a Set cmdlet of EWS go on when it has been called for both servers.
type meeting struct {
	*organisation
	arrived chan struct{}
}

func (m *meeting) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	if call.Cmdlet == "Set-WebServicesVirtualDirectory" {
		m.arrived <- struct{}{}
		for len(m.arrived) < cap(m.arrived) {
			select {
			case <-ctx.Done():
				return psobject.Result{}, ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
	}
	return m.organisation.Invoke(ctx, call)
}

// The same directory of two servers is changed side by side; everything else one after the other, each in the journal before.
func TestSideBySide(t *testing.T) {
	o := farm()
	p := engine(t, o, t.TempDir())
	p.o.Target.Cmdlets = &meeting{o, make(chan struct{}, 2)}
	var seen []string
	p.fault = func(point string) { seen = append(seen, point) }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := p.Apply(ctx, plan(t, p)); err != nil {
		t.Fatalf("not side by side: %v", err)
	}
	text := strings.Join(seen, "; ")
	for _, want := range []string{"after intend 2; before intend 3; after intend 3; before change 2; before change 3; after change 2; after change 3; before done 2",
		"before change 4; before change 5", "after done 5; before intend 6; after intend 6; before change 6; after change 6; before done 6"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in %s", want, text)
		}
	}
}

// Of changes that are made at once the one that fails ends the run: the other is made and noted,
// nothing behind them is begun, and both ways out of it work.
func TestFailureBesideAnother(t *testing.T) {
	for _, when := range []string{"read", "set"} {
		for _, way := range []string{"resume", "rollback"} {
			o := farm()
			p := engine(t, o, t.TempDir())
			first, made := o.state(), plan(t, p)
			failing := true
			p.o.Target.Cmdlets = refusing{o, func(call psobject.Invocation) bool {
				verb := map[string]string{"read": "Get-", "set": "Set-"}[when]
				return failing && call.Cmdlet == verb+"WebServicesVirtualDirectory" && len(call.Parameters) > 0 && call.Parameters[0].Value == `EX1\EWS (Default Web Site)`
			}}
			run, err := p.Apply(t.Context(), made)
			if err == nil || run.Outcome != OutcomeFailed {
				t.Fatalf("%s fails: %v", when, err)
			}
			states := []string{}
			for _, c := range run.Changes[1:5] {
				states = append(states, c.State)
			}
			want := map[string][]string{"read": {"pending", "pending", "pending", "pending"}, "set": {"intended", "done", "pending", "pending"}}[when]
			if !slices.Equal(states, want) {
				t.Errorf("%s fails: %q, want %q", when, states, want)
			}
			failing = false
			if way == "resume" {
				if run, err = p.Resume(t.Context(), run.ID); err != nil || run.Outcome != OutcomeApplied {
					t.Errorf("%s failed, resume: %v", when, err)
				}
			}
			if _, err := p.Rollback(t.Context(), run.ID, false); err != nil || o.state() != first {
				t.Errorf("%s failed, %s, rollback: %v, not the first state", when, way, err)
			}
		}
	}
}

// refusing fails the calls that it is asked to.
type refusing struct {
	*organisation
	refused func(psobject.Invocation) bool
}

func (r refusing) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	if r.refused(call) {
		return psobject.Result{}, errors.New("no answer")
	}
	return r.organisation.Invoke(ctx, call)
}

// What is made at once: up to four directories of mail clients, each of another server.
func TestTogether(t *testing.T) {
	directory := func(kind string, server int) *Change {
		return &Change{Cmdlet: "Set-" + kind + "VirtualDirectory", Identity: fmt.Sprintf(`EX%d\x`, server), Server: fmt.Sprintf("EX%d", server)}
	}
	list, organization := &Change{}, &Change{Cmdlet: "Set-OrganizationConfig"}
	for name, c := range map[string]struct {
		todo []*Change
		want int
	}{
		"a list":            {[]*Change{list, list}, 1},
		"the organisation":  {[]*Change{organization, directory("Oab", 1)}, 1},
		"one server":        {[]*Change{directory("Oab", 1), directory("Mapi", 1)}, 1},
		"two servers":       {[]*Change{directory("Oab", 1), directory("Oab", 2)}, 2},
		"two kinds":         {[]*Change{directory("Oab", 1), directory("Mapi", 2), directory("Mapi", 1)}, 2},
		"before the switch": {[]*Change{directory("Oab", 1), directory("Oab", 2), organization}, 2},
		"five servers":      {[]*Change{directory("Oab", 1), directory("Oab", 2), directory("Oab", 3), directory("Oab", 4), directory("Oab", 5)}, 4},
		"OWA":               {[]*Change{directory("Owa", 1), directory("Owa", 2)}, 1},
		"before ECP":        {[]*Change{directory("Oab", 1), directory("Ecp", 2)}, 1},
		"an edited plan":    {[]*Change{directory("Oab", 1), {Cmdlet: "Set-OabVirtualDirectory", Identity: `ex1\x`, Server: "EX2"}}, 1},
	} {
		if got := len(together(c.todo)); got != c.want {
			t.Errorf("%s: %d at once, want %d", name, got, c.want)
		}
	}
}

// Dying at every boundary of changes that are made at once ends in the end state or in the first one.
func TestKillTogether(t *testing.T) {
	for n := 1; ; n++ {
		o, dir := farm(), t.TempDir()
		p := engine(t, o, dir)
		first, made := o.state(), plan(t, p)
		made.Changes = made.Changes[:5]
		died, err := attempt(p, n, func() error { _, err := p.Apply(t.Context(), made); return err })
		if err != nil {
			t.Fatal(err)
		}
		if died == "" {
			return
		}
		p = engine(t, o, dir)
		open, err := p.Unfinished()
		if err != nil || open == nil {
			continue // before the journal began, or after it was complete
		}
		if n%2 == 0 {
			if run, err := p.Resume(t.Context(), open.ID); err != nil || run.Outcome != OutcomeApplied {
				t.Errorf("killed at %s, resume: %v", died, err)
			}
		}
		if _, err := p.Rollback(t.Context(), open.ID, false); err != nil || o.state() != first {
			t.Errorf("killed at %s, rolled back: %v, not the first state", died, err)
		}
	}
}
