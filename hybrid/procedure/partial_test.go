package procedure

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
)

// applied enables the fake organisation and returns its engine, the run and the states before and after.
func applied(t *testing.T) (o *organisation, p *Procedure, run *Run, before, after string) {
	t.Helper()
	o = newOrganisation()
	p = engine(t, o, t.TempDir())
	before = o.state()
	plan, err := p.MakePlan(t.Context(), Choices{})
	if err != nil {
		t.Fatal(err)
	}
	if run, err = p.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	return o, p, run, before, o.state()
}

// find returns the numbers of a run's changes of a step, on a server if one is named.
func (r *Run) find(step Step, server string) []int {
	var list []int
	for _, c := range r.plan.Changes {
		if c.Step == step && (server == "" || c.Server == server) {
			list = append(list, c.Number)
		}
	}
	return list
}

// TestRollbackInPart holds that what stays never stands on what went.
func TestRollbackInPart(t *testing.T) {
	o, p, run, before, after := applied(t)
	ctx := t.Context()
	browsers := append(run.find(StepLegacyOff, "EX2"), run.find(StepBrowserOAuth, "EX2")...)
	for name, part := range map[string][]int{
		"names under offered tokens":    run.find(StepSPN, ""),
		"the endpoint under OWA":        run.find(StepEndpoint, ""),
		"the switch under OWA":          run.find(StepClientProfile, ""),
		"reply URLs under OWA":          run.find(StepReplyURL, ""),
		"tokens without passwords":      run.find(StepBrowserOAuth, "EX2"),
		"ECP without OWA":               browsers[1:3],
		"passwords beside tokens":       run.find(StepLegacyOff, "EX2"),
		"all of OWA but not the switch": run.find(StepEndpoint, ""),
	} {
		if _, err := p.RollbackPart(ctx, run.ID, part, false); !errors.Is(err, ErrStands) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, part := range map[string][]int{"none": {}, "one that is not there": {99}} {
		if _, err := p.RollbackPart(ctx, run.ID, part, false); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if o.state() != after {
		t.Fatal("what was refused changed something")
	}
	got, err := p.RollbackPart(ctx, run.ID, browsers, false)
	if err != nil || got.Outcome != OutcomeRolledBackInPart || got.Unfinished() {
		t.Fatalf("OWA and ECP of EX2: %+v, %v", got, err)
	}
	for _, d := range o.dirs {
		if d.kind.Browser() {
			if on := d.live["OAuthAuthentication"] == true; on != (d.server == "EX1") {
				t.Errorf("%s of %s on tokens: %v", d.kind, d.server, on)
			}
		}
	}
	if _, err := p.RollbackPart(ctx, run.ID, run.find(StepOAuth, ""), false); err != nil {
		t.Errorf("a virtual directory of mail clients: %v", err)
	}
	if got, err = p.Rollback(ctx, run.ID, false); err != nil || got.Outcome != OutcomeRolledBack || o.state() != before {
		t.Errorf("the rest: %+v, %v", got, err)
	}
}

// TestRollbackInPartOfAnUnfinishedRun is refused: nobody knows yet what will stand.
func TestRollbackInPartOfAnUnfinishedRun(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	plan, err := p.MakePlan(t.Context(), Choices{})
	if err != nil {
		t.Fatal(err)
	}
	o.broken = func(name string) error {
		if name == "Set-OrganizationConfig" {
			return errors.New("no")
		}
		return nil
	}
	run, err := p.Apply(t.Context(), plan)
	if err == nil {
		t.Fatal("the switch was set")
	}
	if _, err := p.RollbackPart(t.Context(), run.ID, []int{1}, false); !errors.Is(err, ErrUnfinished) {
		t.Error(err)
	}
}

// TestDrift holds what has moved since a run, and that nothing has right after it.
func TestDrift(t *testing.T) {
	o, p, run, _, _ := applied(t)
	drift := func() *Drift {
		t.Helper()
		d, err := p.Drift(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := drift(); d.Any() || !d.Known {
		t.Fatalf("right after the run: %+v", d)
	}
	for _, d := range o.dirs {
		if d.server == "EX2" && d.kind == facts.Oab { // the run's own
			d.ad["OAuthAuthentication"], d.live["OAuthAuthentication"] = false, false
		}
		if d.server == "EX1" && d.kind == facts.WebServices { // somebody else's
			d.external = "https://other.contoso.com/EWS/Exchange.asmx"
		}
	}
	o.sp.ReplyURLs = o.sp.ReplyURLs[:1]
	d := drift()
	own := map[string]int{}
	for _, m := range d.Changes {
		own[m.Property]++
	}
	if own["OAuthAuthentication"] != 1 || own[desired.ReplyURLs] == 0 || len(own) != 2 {
		t.Errorf("the run's own: %+v", d.Changes)
	}
	found := false
	for _, m := range d.Since {
		found = found || m.Property == "external_url" && m.Is == "https://other.contoso.com/EWS/Exchange.asmx" && m.Was == "https://mail.contoso.com/EWS/Exchange.asmx"
	}
	if !found {
		t.Errorf("somebody else's: %+v", d.Since)
	}
	if err := os.Remove(afterPath(p.o.Dir, run.ID)); err != nil {
		t.Fatal(err)
	}
	if d := drift(); d.Known || len(d.Since) != 0 || len(d.Changes) == 0 {
		t.Errorf("a run of an older program: %+v", d)
	}
	if err := os.WriteFile(afterPath(p.o.Dir, run.ID), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Drift(t.Context(), run.ID); !errors.Is(err, ErrInvalid) {
		t.Errorf("a damaged file: %v", err)
	}
}

// died is what a test throws where the process would have been killed.
type died struct{}

// TestAnyOrderOfFailures kills the process, or fails a call, at boundaries chosen by chance, again
// and again, with resume and rollback in any order between: the configuration always ends byte-equal
// to what it was before, or to the goal. HMA_SOAK is how many organisations; a failure prints its seed.
func TestAnyOrderOfFailures(t *testing.T) {
	rounds := 60
	if n, err := strconv.Atoi(os.Getenv("HMA_SOAK")); err == nil {
		rounds = n
	}
	for seed := range uint64(rounds) {
		if !anyOrder(t, seed) {
			return
		}
	}
}

func anyOrder(t *testing.T, seed uint64) bool {
	r := rand.New(rand.NewPCG(seed, 4))
	o := newOrganisation()
	for _, d := range o.dirs { // some of what is wanted is there already
		if _, has := d.live["OAuthAuthentication"]; has && !d.kind.Browser() && r.IntN(3) == 0 {
			on := r.IntN(2) == 0
			d.ad["OAuthAuthentication"], d.live["OAuthAuthentication"] = on, on
		}
	}
	p := engine(t, o, t.TempDir())
	before := o.state()
	plan, err := p.MakePlan(t.Context(), Choices{})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	ctx := context.Background()
	attempt := func(work func() error) (err error) {
		left := 1 + r.IntN(40)
		p.fault = func(string) {
			if left--; left == 0 {
				panic(died{})
			}
		}
		var calls atomic.Int32 // servers are asked side by side
		calls.Store(int32(1 + r.IntN(60)))
		o.broken = func(string) error {
			if calls.Add(-1) == 0 {
				return errors.New("refused by chance")
			}
			return nil
		}
		defer func() {
			p.fault, o.broken = func(string) {}, nil
			o.holder = "" // the lease ends with the process
			if x := recover(); x != nil {
				if _, is := x.(died); !is {
					panic(x)
				}
				err = errors.New("killed")
			}
		}()
		return work()
	}
	_ = attempt(func() error { _, err := p.Apply(ctx, plan); return err })
	back := false
	for range r.IntN(6) {
		run, err := p.Unfinished()
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			return false
		}
		if run == nil {
			break
		}
		if back = back || r.IntN(3) == 0; back {
			_ = attempt(func() error { _, err := p.Rollback(ctx, run.ID, false); return err })
		} else {
			_ = attempt(func() error { _, err := p.Resume(ctx, run.ID); return err })
		}
	}
	h, err := p.History()
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
		return false
	}
	switch {
	case len(h.Runs) == 0: // it died before the journal began
	case h.Runs[0].Outcome == OutcomeRolledBack:
	case h.Runs[0].Outcome == OutcomeRollingBack || h.Runs[0].Outcome != OutcomeApplied && r.IntN(2) == 0:
		_, err = p.Rollback(ctx, h.Runs[0].ID, false)
	default:
		if _, err = p.Resume(ctx, h.Runs[0].ID); err == nil {
			again, perr := p.MakePlan(ctx, Choices{})
			if err = perr; err == nil && len(again.Changes) != 0 {
				t.Errorf("seed %d: %d changes are left after a finished run", seed, len(again.Changes))
				return false
			}
			_, err = p.Rollback(ctx, h.Runs[0].ID, false)
		}
	}
	if err != nil || o.state() != before {
		t.Errorf("seed %d: %v\nis:  %s\nwas: %s", seed, err, o.state(), before)
		return false
	}
	return true
}
