package procedure

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hma/hybrid/journal"
	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
)

// Apply carries the plan out: lock, compare the organisation with the plan's
// snapshot, prove an administrator's sign-in where OWA and ECP are touched, shake
// hands with every door for the "before" column, then one change after the
// other, each in the journal before it is made and read back after it. It stops
// at the first change that fails; the run can then be resumed or rolled back.
//
// The returned Run is never nil once the journal has begun, also beside an error.
func (p *Procedure) Apply(ctx context.Context, plan *Plan) (*Run, error) {
	plan, err := plan.Applicable()
	if err != nil {
		return nil, err
	}
	lease, err := p.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	if open, err := p.Unfinished(); err != nil {
		return nil, err
	} else if open != nil {
		return nil, fmt.Errorf("%w: %s", ErrUnfinished, open.ID)
	}
	if len(plan.Blocked) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrBlocked, plan.Blocked[0].Summary)
	}
	f, err := p.complete(ctx)
	if err != nil {
		return nil, err
	}
	if f.Hash() != plan.Snapshot {
		return nil, ErrStale
	}
	if len(plan.Changes) == 0 {
		return nil, ErrEmpty
	}
	for _, x := range rule.Judge(f, p.o.Now().UTC()) {
		if x.Blocks && (plan.Goal == "" || plan.offers()) { // a certificate may have expired since, and a plan file may have been edited
			return nil, fmt.Errorf("%w: %s", ErrBlocked, x.Summary)
		}
	}
	if problem := plan.keeps(f); problem != "" {
		return nil, fmt.Errorf("%w: after the plan %s; make it again with hma plan", ErrInvalid, problem)
	}
	if who := plan.conceals(f); who != "" {
		return nil, fmt.Errorf("%w: the plan does not say that %s could not sign in after it; make it again with hma plan", ErrInvalid, who)
	}
	proof, err := p.prove(ctx, plan, f)
	if err != nil {
		return nil, err
	}
	begun := p.o.Now().UTC()
	id := newID(begun)
	survey, err := p.survey(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := p.saveSurvey(id, survey); err != nil {
		return nil, err
	}
	if err := p.saveFound(id, f); err != nil {
		return nil, err
	}
	data, err := json.Marshal(plan)
	if err != nil {
		return nil, fmt.Errorf("begin run: %w", err)
	}
	p.fault("begin")
	j, err := journal.Create(p.o.Dir, id, journal.Entry{Kind: journal.Begin, Time: begun, Operator: p.o.Operator, Plan: data})
	if err != nil {
		return nil, err
	}
	defer j.Close()
	p.fault("begun")
	return p.carryOut(ctx, j, lease, proof)
}

// Resume goes on with an unfinished run where it stopped. The organisation is
// no longer what the plan came from, and need not be; but what is still to be made must
// not close a way in because what was made is gone: ErrMoved.
func (p *Procedure) Resume(ctx context.Context, id string) (*Run, error) {
	lease, err := p.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	before, err := p.Run(id)
	if err != nil {
		return nil, err
	}
	switch before.Outcome {
	case OutcomeApplied:
		return before, nil
	case OutcomeRollingBack, OutcomeRolledBack, OutcomeRolledBackInPart:
		return before, fmt.Errorf("run %s is on its way back: go on with hma rollback %s", id, id)
	}
	f, err := p.facts(ctx)
	if err != nil {
		return before, err
	}
	rest := *before.plan
	rest.Changes = slices.DeleteFunc(slices.Clone(rest.Changes), func(c Change) bool {
		rec := before.records[c.Number]
		return rec.done || rec.already
	})
	var proof []journal.Entry
	if rest.touchesBrowsers() {
		if err := unreadable(f); err != nil { // who could be asked is in the tenant
			return before, err
		}
		if proof, err = p.prove(ctx, &rest, f); err != nil {
			return before, err
		}
	}
	if problem := rest.keeps(f); problem != "" {
		return before, fmt.Errorf("resume %s: %w: after the rest of it %s; go back with hma rollback %s", id, ErrMoved, problem, id)
	}
	j, err := journal.Open(p.o.Dir, id)
	if err != nil {
		return before, err
	}
	defer j.Close()
	if err := p.write(j, journal.Entry{Kind: journal.Resume, Operator: p.o.Operator}); err != nil {
		return before, err
	}
	return p.carryOut(ctx, j, lease, proof)
}

func (p *Procedure) lock(ctx context.Context) (target.Lease, error) {
	if p.o.Target.Lock == nil {
		return nil, fmt.Errorf("lock the organisation: %w", target.ErrNoFace)
	}
	lease, err := p.o.Target.Lock.Acquire(ctx, p.o.Operator)
	if err != nil {
		return nil, fmt.Errorf("lock the organisation: %w", err)
	}
	return lease, nil
}

// write appends an entry at the present time, with a boundary before and after it.
func (p *Procedure) write(j *journal.Journal, e journal.Entry) error {
	point := fmt.Sprintf("%s %d", e.Kind, e.Change)
	p.fault("before " + point)
	e.Time = p.o.Now()
	if err := j.Append(e); err != nil {
		return err
	}
	p.fault("after " + point)
	return nil
}

// prove sees to it that somebody can administer after OWA and ECP are on
// tokens, and returns what the journal has to remember of it.
func (p *Procedure) prove(ctx context.Context, plan *Plan, f *facts.Facts) ([]journal.Entry, error) {
	if !plan.touchesBrowsers() {
		return nil, nil
	}
	var able, all []facts.Person
	for _, person := range f.People {
		if person.Administrator {
			all = append(all, person)
			if person.Synced && plan.sendsBack(f, &person) {
				able = append(able, person)
			}
		}
	}
	accepted := !slices.ContainsFunc(all, func(a facts.Person) bool {
		return !slices.ContainsFunc(p.o.AcceptLockout, func(name string) bool {
			return name != "" && (strings.EqualFold(name, a.UPN) || strings.EqualFold(name, a.Account))
		})
	})
	if len(all) > 0 && accepted {
		return []journal.Entry{{Kind: journal.Accepted, Detail: strings.Join(p.o.AcceptLockout, ", ")}}, nil
	}
	if len(able) == 0 {
		return nil, fmt.Errorf("%w: none is synchronised with a tenant that would send him back to OWA and ECP; they would be closed to all of them", ErrLockout)
	}
	if p.o.Prove == nil {
		return nil, fmt.Errorf("%w: nobody was asked to", ErrLockout)
	}
	p.o.Progress(Event{Phase: PhaseProving, Detail: rule.Label(&able[0])})
	upn, err := p.o.Prove(ctx, able)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLockout, err)
	}
	for _, a := range able {
		if upn != "" && strings.EqualFold(upn, a.Cloud) {
			return []journal.Entry{{Kind: journal.Proved, Detail: a.Cloud}}, nil
		}
	}
	return nil, fmt.Errorf("%w: %q signed in, who is no synchronised administrator", ErrLockout, upn)
}

// sendsBack tells whether the person's tenant sends browsers back to OWA and ECP after the plan,
// which may leave a tenant out: a sign-in there proves nothing without the reply URLs.
func (p *Plan) sendsBack(f *facts.Facts, person *facts.Person) bool {
	for i := range f.Tenants {
		t := &f.Tenants[i]
		if t.Name != person.Tenant {
			continue
		}
		missing := rule.MissingReplyURLs(f, t)
		for _, c := range p.Changes {
			if c.Cmdlet == "" && c.Settings[0].Property == desired.ReplyURLs && (c.Tenant == t.Name || c.Tenant == "" && i == 0) {
				missing = slices.DeleteFunc(missing, func(url string) bool { return slices.Contains(c.Settings[0].After.Strings(), url) })
			}
		}
		return len(missing) == 0
	}
	return true
}

// carryOut makes the changes that the journal does not show as made.
func (p *Procedure) carryOut(ctx context.Context, j *journal.Journal, lease target.Lease, proof []journal.Entry) (*Run, error) {
	run, err := replay(j.ID, j.Entries)
	if err != nil {
		return nil, err
	}
	for _, e := range proof {
		if err := p.write(j, e); err != nil {
			return run, err
		}
	}
	var todo []*Change
	for i := range run.plan.Changes {
		c := &run.plan.Changes[i]
		if rec := run.records[c.Number]; !rec.done && !rec.already {
			todo = append(todo, c)
		}
	}
	for len(todo) > 0 {
		now := together(todo)
		todo = todo[len(now):]
		if failed := p.make(ctx, j, lease, run, now); failed != nil {
			c, err := failed.c, failed.err
			// The journal may be what failed; then the run is unfinished without this line too.
			if werr := p.write(j, journal.Entry{Kind: journal.Failed, Change: c.Number, Detail: err.Error()}); werr != nil {
				err = fmt.Errorf("%w (and the journal: %w)", err, werr)
			}
			return p.stopped(j, run), fmt.Errorf("change %d of %d, %s: %w; go on with hma apply, or go back with hma rollback %s",
				c.Number, len(run.plan.Changes), c.Address, err, run.ID)
		}
	}
	if err := p.write(j, journal.Entry{Kind: journal.End}); err != nil {
		return run, err
	}
	p.saveAfter(ctx, j.ID)
	return replay(j.ID, j.Entries)
}

func (p *Procedure) tell(run *Run, c *Change, phase Phase, detail string) {
	p.o.Progress(Event{Run: run.ID, Phase: phase, Number: c.Number, Total: len(run.plan.Changes), Change: c, Detail: detail})
}

// changedAtOnce is how many servers are changed side by side.
const changedAtOnce = 4

// together returns the first ones of the changes that are made at once: virtual directories of
// mail clients, each of another server, which keep nobody out in between. The lists of a tenant,
// the organisation, and OWA and ECP, whose order is the how-to's, are made one after the other.
func together(todo []*Change) []*Change {
	servers := map[string]bool{}
	for i, c := range todo {
		server, _, ofServer := strings.Cut(strings.ToLower(c.Identity), `\`)
		apart := ofServer && strings.HasSuffix(c.Cmdlet, "VirtualDirectory") && !c.touchesBrowser() && !servers[server]
		if i == changedAtOnce || !apart {
			return todo[:max(i, 1)]
		}
		servers[server] = true
	}
	return todo
}

// making is a change on its way.
type making struct {
	c     *Change
	found state
	err   error
}

// make makes changes that do not depend on one another, or finds them made, and returns the first
// one that could not be made, nil when all are. Their servers are asked side by side; here the
// journal gets its entries, each intention before anything is set, and each end after it is read
// back. Behind one that may not be begun none is.
func (p *Procedure) make(ctx context.Context, j *journal.Journal, lease target.Lease, run *Run, changes []*Change) *making {
	all := make([]*making, len(changes))
	for i, c := range changes {
		all[i] = &making{c: c}
	}
	if all[0].err = held(ctx, lease); all[0].err == nil {
		for _, c := range changes {
			p.tell(run, c, PhaseStarting, "")
		}
		if changes[0].Cmdlet == "" {
			all[0].err = p.makeListed(ctx, j, run, changes[0], run.records[changes[0].Number])
		} else {
			p.makeSet(ctx, j, run, all)
		}
	}
	var failed *making
	for _, m := range all {
		if m.err != nil {
			p.tell(run, m.c, PhaseFailed, m.err.Error())
			if failed == nil {
				failed = m
			}
		}
	}
	return failed
}

// makeSet makes changes of properties.
func (p *Procedure) makeSet(ctx context.Context, j *journal.Journal, run *Run, all []*making) {
	sideBySide(all, func(m *making) { m.found, m.err = p.settings(ctx, m.c, m.c.planned(), m.c.wanted()) })
	var begun []*making
	for _, m := range all {
		set := false
		if m.err == nil {
			set, m.err = p.begin(j, run, m)
		}
		if m.err != nil {
			break
		}
		if set {
			begun = append(begun, m)
		}
	}
	for _, m := range begun {
		p.fault(fmt.Sprintf("before change %d", m.c.Number))
	}
	sideBySide(begun, func(m *making) { m.err = p.set(ctx, m.c, m.found.live, m.c.wanted()) })
	begun = slices.DeleteFunc(begun, func(m *making) bool { return m.err != nil })
	for _, m := range begun {
		p.fault(fmt.Sprintf("after change %d", m.c.Number))
		p.tell(run, m.c, PhaseWaiting, "")
	}
	sideBySide(begun, func(m *making) { m.err = p.await(ctx, m.c, m.c.wanted()) })
	for _, m := range begun {
		if m.err == nil {
			m.err = p.done(j, run, m.c)
		}
	}
}

func sideBySide(all []*making, fn func(*making)) {
	atOnce(changedAtOnce, len(all), func(i int) { fn(all[i]) })
}

// begin judges what was read: it notes the intention to set the change, or that it is made already.
func (p *Procedure) begin(j *journal.Journal, run *Run, m *making) (set bool, err error) {
	rec := run.records[m.c.Number]
	switch {
	case m.found.all(m.c.wanted()):
		return false, p.found(j, run, m.c, rec)
	case m.found.live.equal(m.c.wanted()) && m.c.planned().equal(m.c.wanted()): // the plan is for the directory's copy alone
	case !m.found.among(m.c.planned(), m.c.wanted()):
		return false, fmt.Errorf("%w: %s", ErrMoved, m.found.live)
	case rec.intended(): // by this run, when it stopped
		return true, nil
	}
	// The way back leads to what the directory holds: what was changed in IIS alone no cmdlet brings back.
	return true, p.intend(j, m.c, intent{Settings: m.found.ad})
}

// found notes a change that is made already: by this run before it stopped, or by somebody else.
func (p *Procedure) found(j *journal.Journal, run *Run, c *Change, rec *record) error {
	if rec.intended() {
		return p.done(j, run, c)
	}
	if err := p.write(j, journal.Entry{Kind: journal.Already, Change: c.Number}); err != nil {
		return err
	}
	p.tell(run, c, PhaseAlready, "")
	return nil
}

func (p *Procedure) done(j *journal.Journal, run *Run, c *Change) error {
	if err := p.write(j, journal.Entry{Kind: journal.Done, Change: c.Number}); err != nil {
		return err
	}
	p.tell(run, c, PhaseDone, "")
	return nil
}

func (p *Procedure) intend(j *journal.Journal, c *Change, in intent) error {
	values, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return p.write(j, journal.Entry{Kind: journal.Intend, Change: c.Number, Values: values})
}

// makeListed adds entries to a list of the tenant. Graph can only replace the
// whole list and has no If-Match: it is read again right before the write, and
// after it every old entry must still be there.
func (p *Procedure) makeListed(ctx context.Context, j *journal.Journal, run *Run, c *Change, rec *record) error {
	list, err := p.list(ctx, c)
	if err != nil {
		return err
	}
	missing := c.missing(list)
	if len(missing) == 0 {
		return p.found(j, run, c, rec)
	}
	if err := p.intend(j, c, intent{List: list, Adding: missing}); err != nil {
		return err
	}
	again, err := p.list(ctx, c)
	if err == nil && !slices.Equal(list, again) {
		err = fmt.Errorf("%w: %s of the tenant changed while it was read", ErrMoved, c.Settings[0].Property)
	}
	if err != nil {
		// Nothing was written: an entry that is there from now on is somebody else's.
		if werr := p.write(j, journal.Entry{Kind: journal.Dropped, Change: c.Number}); werr != nil {
			err = fmt.Errorf("%w (and the journal: %w)", err, werr)
		}
		return err
	}
	whole := append(slices.Clone(list), missing...)
	p.fault(fmt.Sprintf("before change %d", c.Number))
	if err := p.setList(ctx, c, whole); err != nil {
		return err
	}
	p.fault(fmt.Sprintf("after change %d", c.Number))
	p.tell(run, c, PhaseWaiting, "")
	if err := p.awaitList(ctx, c, func(now []string) bool { return subset(whole, now) }); err != nil {
		return err
	}
	return p.done(j, run, c)
}

// missing returns which of the change's entries the list does not have.
func (c *Change) missing(list []string) []string {
	var missing []string
	for _, entry := range c.Settings[0].After.Strings() {
		has := facts.ReplyRegistered(list, entry)
		if c.Settings[0].Property == desired.Names {
			has = facts.Registered(list, entry)
		}
		if !has {
			missing = append(missing, entry)
		}
	}
	return missing
}

func subset(small, big []string) bool {
	return !slices.ContainsFunc(small, func(s string) bool { return !slices.Contains(big, s) })
}

func held(ctx context.Context, lease target.Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-lease.Lost():
		return errLost
	default:
		return nil
	}
}
