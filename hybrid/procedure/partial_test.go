package procedure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
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

// TestRollbackUnderOthers holds that a run is not taken back as a whole under OWA and ECP that somebody put
// on tokens after it: without a word they would be closed to everybody.
func TestRollbackUnderOthers(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	plan, err := p.MakePlan(t.Context(), Choices{Scope: ScopeOutlook})
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Apply(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range o.dirs {
		if d.kind.Browser() && d.server == "EX2" {
			for _, values := range []map[string]any{d.ad, d.live} {
				values["OAuthAuthentication"], values["BasicAuthentication"], values["FormsAuthentication"], values["WindowsAuthentication"] = true, false, false, false
			}
		}
	}
	before := o.state()
	if _, err := p.Rollback(t.Context(), run.ID, false); !errors.Is(err, ErrStands) || o.state() != before {
		t.Fatalf("%v", err)
	}
	if run, err = p.Rollback(t.Context(), run.ID, true); err != nil || run.Outcome != OutcomeRolledBack {
		t.Errorf("with leave-moved: %+v, %v", run, err)
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
			d.ad["BasicAuthentication"], d.live["BasicAuthentication"] = true, true // somebody else's, of the same object
		}
		if d.server == "EX1" && d.kind == facts.WebServices { // somebody else's
			d.external = "https://other.contoso.com/EWS/Exchange.asmx"
		}
	}
	o.sp.ReplyURLs = o.sp.ReplyURLs[:1]
	o.sp.ServicePrincipalNames = slices.DeleteFunc(o.sp.ServicePrincipalNames, func(n string) bool { return n == "https://localhost:8444/" }) // there before the run
	d := drift()
	own := map[string]int{}
	for _, m := range d.Changes {
		own[m.Property]++
	}
	if own["OAuthAuthentication"] != 1 || own[desired.ReplyURLs] == 0 || len(own) != 2 {
		t.Errorf("the run's own: %+v", d.Changes)
	}
	want := []Moved{
		{0, `EX1\EWS (Default Web Site)`, "external_url", "https://mail.contoso.com/EWS/Exchange.asmx", "https://other.contoso.com/EWS/Exchange.asmx"},
		{0, `EX2\OAB (Default Web Site)`, "basic", "", "true"},
		{0, `EX2\OAB (Default Web Site)`, "internal", "not there", "Basic"},
		{0, "contoso.onmicrosoft.com", "principal.servicePrincipalNames", "https://localhost:8444/", "not there"},
	}
	if !slices.Equal(d.Since, want) {
		t.Errorf("somebody else's: %+v\nwant %+v", d.Since, want)
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

// TestPartThatOthersStandOn: what somebody put on tokens by hand keeps the endpoint and the switch too.
func TestPartThatOthersStandOn(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	plan, err := p.MakePlan(t.Context(), Choices{Scope: ScopeOutlook})
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Apply(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range o.dirs {
		if d.kind.Browser() {
			for _, values := range []map[string]any{d.ad, d.live} {
				values["OAuthAuthentication"], values["BasicAuthentication"], values["FormsAuthentication"] = true, false, false
			}
		}
	}
	for _, step := range []Step{StepEndpoint, StepClientProfile} {
		part := run.find(StepClientProfile, "")
		if step == StepEndpoint {
			part = append(part, run.find(step, "")...)
		}
		before := o.state()
		if _, err := p.RollbackPart(t.Context(), run.ID, part, false); !errors.Is(err, ErrStands) || o.state() != before {
			t.Errorf("%s: %v", step, err)
		}
	}
	if _, err := p.RollbackPart(t.Context(), run.ID, run.find(StepOAuth, ""), false); err != nil {
		t.Errorf("a door of mail clients: %v", err)
	}
}

// TestEditedPlanClosesNoDoor: a plan file that was cut, or in which values were changed, takes nobody's way in.
func TestEditedPlanClosesNoDoor(t *testing.T) {
	without := func(gone func(c *Change) bool) func(*Plan) {
		return func(p *Plan) {
			p.Changes = slices.DeleteFunc(p.Changes, func(c Change) bool { return gone(&c) })
			for i := range p.Changes {
				p.Changes[i].Number = i + 1
			}
		}
	}
	for name, edit := range map[string]func(*Plan){
		"no endpoint":           without(func(c *Change) bool { return c.Step == StepEndpoint }),
		"no switch":             without(func(c *Change) bool { return c.Step == StepClientProfile }),
		"no tokens on OWA, ECP": without(func(c *Change) bool { return c.Step == StepBrowserOAuth }),
		"passwords stay on one": without(func(c *Change) bool { return c.Step == StepLegacyOff && c.Server == "EX2" }),
		"OWA without ECP": without(func(c *Change) bool {
			return c.Cmdlet == "Set-EcpVirtualDirectory"
		}),
		"no reply URLs": without(func(c *Change) bool { return c.Step == StepReplyURL }),
		"the switch off": func(p *Plan) {
			for i := range p.Changes {
				if c := &p.Changes[i]; c.Step == StepClientProfile {
					c.Settings[0].After = Value{false}
				}
			}
		},
		"nobody who loses access": func(p *Plan) { p.Losing = nil },
		"pilots who are none":     func(p *Plan) { p.Losing, p.Pilots = nil, []string{"ada@contoso.com"} },
		"a policy without a way in": func(p *Plan) {
			c := Change{Number: 1, Step: StepPolicy, Action: ActionCreate, Address: "x", Cmdlet: newPolicy, Identity: "x"}
			for _, s := range desired.PolicySwitches {
				c.Settings = append(c.Settings, Setting{s, Value{}, Value{true}})
			}
			p.Changes = []Change{c, {Number: 2, Step: StepPolicy, Action: ActionSet, Address: "x", Cmdlet: "Set-OrganizationConfig",
				Settings: []Setting{{"DefaultAuthenticationPolicy", Value{}, Value{"x"}}}}}
		},
	} {
		o := newOrganisation()
		p := engine(t, o, t.TempDir())
		made := plan(t, p)
		edit(made)
		before := o.state()
		if _, err := p.Apply(t.Context(), made); !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrLockout) || o.state() != before {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRolledBackInPartIsNotResumed: what was taken back on purpose is not made again, and what began
// as the whole way back ends as that.
func TestRolledBackInPartIsNotResumed(t *testing.T) {
	o, p, run, before, _ := applied(t)
	if _, err := p.RollbackPart(t.Context(), run.ID, run.find(StepOAuth, ""), false); err != nil {
		t.Fatal(err)
	}
	left := o.state()
	if _, err := p.Resume(t.Context(), run.ID); err == nil || o.state() != left {
		t.Errorf("resumed: %v", err)
	}
	o.broken = func(name string) error {
		if name == "Set-OrganizationConfig" {
			return errors.New("no")
		}
		return nil
	}
	if _, err := p.Rollback(t.Context(), run.ID, false); err == nil {
		t.Fatal("the switch was set")
	}
	o.broken = nil
	if _, err := p.RollbackPart(t.Context(), run.ID, run.find(StepReplyURL, ""), false); !errors.Is(err, ErrUnfinished) {
		t.Errorf("the whole way back became one in part: %v", err)
	}
	if got, err := p.Rollback(t.Context(), run.ID, false); err != nil || got.Outcome != OutcomeRolledBack || o.state() != before {
		t.Errorf("the rest: %+v, %v", got, err)
	}
}

// died is what a test throws where the process would have been killed.
type died struct{}

// TestAnyOrderOfFailures makes the changes in any order that the how-to allows, kills the process, or
// fails a call, at boundaries chosen by chance, again and again, with resume, rollback and rollback in
// part in any order between: the configuration always ends byte-equal to what it was before, or to the
// goal. HMA_SOAK is how many organisations; a failure prints its seed.
func TestAnyOrderOfFailures(t *testing.T) {
	rounds := 40
	if n, err := strconv.Atoi(os.Getenv("HMA_SOAK")); err == nil {
		rounds = n
	}
	_, _, _, _, goal := applied(t)
	for seed := range uint64(rounds) {
		c := &chance{t: t, r: rand.New(rand.NewPCG(seed, 4)), o: newOrganisation(), goal: goal}
		if err := c.round(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// chance is an organisation in which things go wrong by chance.
type chance struct {
	t    *testing.T
	r    *rand.Rand
	o    *organisation
	p    *Procedure
	goal string // the configuration of every organisation when all is done
}

func (c *chance) round() error {
	for _, d := range c.o.dirs { // some of what is wanted is there already
		if _, has := d.live["OAuthAuthentication"]; has && !d.kind.Browser() && c.r.IntN(3) == 0 {
			on := c.r.IntN(2) == 0
			d.ad["OAuthAuthentication"], d.live["OAuthAuthentication"] = on, on
		}
	}
	c.p = engine(c.t, c.o, c.t.TempDir())
	before := c.o.state()
	plan, err := c.p.MakePlan(c.t.Context(), Choices{})
	if err != nil {
		return err
	}
	c.shuffle(plan)
	_ = c.disturbed(func(ctx context.Context) error { _, err := c.p.Apply(ctx, plan); return err })
	for range c.r.IntN(6) {
		run, err := c.p.Unfinished()
		if err != nil {
			return err
		}
		if run == nil {
			break
		}
		back := run.Outcome == OutcomeRollingBack || c.r.IntN(3) == 0
		_ = c.disturbed(func(ctx context.Context) error {
			if back {
				_, err := c.p.Rollback(ctx, run.ID, false)
				return err
			}
			_, err := c.p.Resume(ctx, run.ID)
			return err
		})
	}
	h, err := c.p.History()
	if err != nil {
		return err
	}
	if len(h.Runs) == 0 { // it died before the journal began
		return c.is(before, "nothing was begun")
	}
	run := &h.Runs[0]
	if run.Outcome == OutcomeApplied || run.Outcome != OutcomeRollingBack && run.Outcome != OutcomeRolledBack && c.r.IntN(2) == 0 {
		if run, err = c.p.Resume(c.t.Context(), run.ID); err != nil {
			return err
		}
		if err := c.is(c.goal, "applied"); err != nil {
			return err
		}
		if c.r.IntN(2) == 0 {
			if err := c.inPart(run); err != nil {
				return err
			}
		}
	}
	if _, err := c.p.Rollback(c.t.Context(), run.ID, false); err != nil {
		return err
	}
	return c.is(before, "rolled back")
}

// is compares the configuration byte by byte.
func (c *chance) is(want, when string) error {
	if got := c.o.state(); got != want {
		return fmt.Errorf("%s, the configuration is\n%s\nand should be\n%s", when, got, want)
	}
	return nil
}

// shuffle puts the plan's changes in another order that the how-to allows: names, reply URLs and the
// doors of mail clients in any, then the endpoint and the switch, then server by server OWA and ECP.
func (c *chance) shuffle(plan *Plan) {
	left := plan.Changes
	plan.Changes = nil
	for len(left) > 0 {
		var ready []int
		for i := range left {
			if !slices.ContainsFunc(left[:i], func(earlier Change) bool {
				switch left[i].Step {
				case StepLegacyOff, StepBrowserOAuth:
					return !earlier.touchesBrowser() || earlier.Server == left[i].Server
				case StepEndpoint, StepClientProfile:
					return true
				}
				return false
			}) {
				ready = append(ready, i)
			}
		}
		i := ready[c.r.IntN(len(ready))]
		next := left[i]
		next.Number = len(plan.Changes) + 1
		plan.Changes = append(plan.Changes, next)
		left = slices.Delete(left, i, i+1)
	}
}

// disturbed does the work, during which the process dies at a boundary, or a call fails, by chance.
func (c *chance) disturbed(work func(context.Context) error) (err error) {
	boundary := 1 + c.r.IntN(60)
	c.p.fault = func(string) {
		if boundary--; boundary == 0 {
			panic(died{})
		}
	}
	var calls atomic.Int32 // servers are asked side by side
	calls.Store(int32(1 + c.r.IntN(150)))
	c.o.broken = func(string) error {
		if calls.Add(-1) == 0 {
			return errors.New("refused by chance")
		}
		return nil
	}
	defer func() {
		c.p.fault, c.o.broken = func(string) {}, nil
		c.o.holder = "" // the lease ends with the process
		if x := recover(); x != nil {
			if _, is := x.(died); !is {
				panic(x)
			}
			err = errors.New("killed")
		}
	}()
	return work(c.t.Context())
}

// inPart takes some changes of a finished run back, with all that stands on them, cut off by chance and
// gone on with: what was taken back is as before, what was not stands.
func (c *chance) inPart(run *Run) error {
	changes := run.plan.Changes
	goes := map[int]bool{}
	for _, rec := range run.records {
		if !rec.intended() {
			return errors.New("a change that nobody else makes is not the run's")
		}
	}
	goes[1+c.r.IntN(len(changes))] = true
	for more := true; more; {
		more = false
		for i := range changes {
			for j := range changes {
				if !goes[changes[i].Number] && goes[changes[j].Number] && changes[i].standsOn(&changes[j]) {
					goes[changes[i].Number], more = true, true
				}
			}
		}
	}
	part := slices.Sorted(maps.Keys(goes))
	_ = c.disturbed(func(ctx context.Context) error { _, err := c.p.RollbackPart(ctx, run.ID, part, false); return err })
	got, err := c.p.RollbackPart(c.t.Context(), run.ID, part, false)
	if err != nil {
		return fmt.Errorf("taking back %v: %w", part, err)
	}
	want := OutcomeRolledBackInPart
	if len(part) == len(changes) {
		want = OutcomeRolledBack
	}
	if got.Outcome != want {
		return fmt.Errorf("%v of %d changes are taken back, and the run is %s", part, len(changes), got.Outcome)
	}
	for i := range changes {
		x := &changes[i]
		var stands, gone bool
		if x.Cmdlet == "" {
			list, err := c.p.list(c.t.Context(), x)
			if err != nil {
				return err
			}
			missing := len(x.missing(list))
			stands, gone = missing == 0, missing == len(x.Settings[0].After.Strings())
		} else {
			s, err := c.p.readSettings(c.t.Context(), x)
			if err != nil {
				return err
			}
			stands, gone = s.all(x.wanted()), s.all(x.planned())
		}
		if goes[x.Number] && !gone || !goes[x.Number] && !stands {
			return fmt.Errorf("%v are taken back; %d, %s, stands: %v", part, x.Number, x.Address, stands)
		}
	}
	return nil
}

// TestResumeClosesNoDoor: a run is not resumed into a lock-out when what it made is gone by then.
func TestResumeClosesNoDoor(t *testing.T) {
	for name, gone := range map[string]func(*organisation){
		"the switch":   func(o *organisation) { o.org["OAuth2ClientProfileEnabled"] = false },
		"the endpoint": func(o *organisation) { o.auth["IsDefaultAuthorizationEndpoint"] = false },
		"a reply URL":  func(o *organisation) { o.sp.ReplyURLs = nil },
	} {
		o := newOrganisation()
		p := engine(t, o, t.TempDir())
		made := plan(t, p)
		p.fault = func(point string) {
			if point == "before change 7" {
				panic(death{point})
			}
		}
		func() {
			defer func() { _ = recover() }()
			_, _ = p.Apply(t.Context(), made)
		}()
		p.fault = func(string) {}
		run, err := p.Unfinished()
		if err != nil || run == nil {
			t.Fatal(run, err)
		}
		gone(o)
		before := o.state()
		if _, err := p.Resume(t.Context(), run.ID); !errors.Is(err, ErrMoved) && !errors.Is(err, ErrLockout) || o.state() != before {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Rollback(t.Context(), run.ID, true); err != nil {
			t.Errorf("%s: the way back: %v", name, err)
		}
	}
}
