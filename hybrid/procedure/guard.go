package procedure

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hma/hybrid/journal"
	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
)

// closes says what way in would be missing after the changes, each set to what to gives, that is not
// missing now nor known to have been before; "" for none. A plan file may have been edited or cut, and what is taken back may be what
// another run, or somebody by hand, stands on.
func closes(f *facts.Facts, changes []Change, to func(*Change) values, known ...string) string {
	then := settled(f, changes, to)
	now := append(closed(f), known...)
	for _, problem := range closed(then) {
		if !slices.Contains(now, problem) {
			return problem
		}
	}
	return ""
}

// conceals returns somebody who loses access by the plan and is not among those that whoever says yes to
// it is shown; "" for nobody. Names and reply URLs alone take nothing from anybody.
func (p *Plan) conceals(f *facts.Facts) string {
	lists := !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Cmdlet != "" })
	if lists || p.Pilots != nil && !p.touchesBrowsers() || p.Goal != "" && !p.offers() {
		return ""
	}
	for i := range f.People {
		if person := &f.People[i]; !person.Synced && !slices.Contains(p.Losing, rule.Label(person)) {
			return rule.Label(person)
		}
	}
	return ""
}

// settled are the facts after the changes.
func settled(f *facts.Facts, changes []Change, to func(*Change) values) *facts.Facts {
	then := copied(f)
	for i := range changes {
		settle(then, &changes[i], to(&changes[i]))
	}
	return then
}

// keeps says what is wrong with the state after the changes of the plan, "" for nothing: a way in
// that would be missing, or a pilot in which everybody would be offered tokens.
func (p *Plan) keeps(f *facts.Facts) string {
	if problem := closes(f, p.Changes, (*Change).wanted); problem != "" {
		return problem
	}
	then := settled(f, p.Changes, (*Change).wanted)
	if p.Pilots != nil && rule.Enabled(then) && !then.Policy(then.Organization.DefaultAuthenticationPolicy).HoldsBack() {
		return "everybody would be offered tokens, not the pilots alone"
	}
	return ""
}

// settle puts what a change sets into the facts. The lists of tenants stay: who is left out there is
// among the losses, and the proof looks at them itself.
func settle(f *facts.Facts, c *Change, to values) {
	if c.Cmdlet == newPolicy {
		settlePolicy(f, c, to)
		return
	}
	for i, s := range c.Settings {
		on, name := to[i].V == true, ""
		if to[i].V != nil {
			name = to[i].String()
		}
		switch s.Property {
		case "OAuth2ClientProfileEnabled":
			f.Organization.OAuth2ClientProfileEnabled = on
		case "DefaultAuthenticationPolicy":
			f.Organization.DefaultAuthenticationPolicy = name
		case "AuthenticationPolicy":
			for n := range f.People {
				if strings.EqualFold(desired.UserName(&f.People[n]), c.Identity) {
					f.People[n].Policy = name
				}
			}
		case "IsDefaultAuthorizationEndpoint":
			for n := range f.AuthServers {
				if strings.EqualFold(f.AuthServers[n].Name, c.Identity) {
					f.AuthServers[n].IsDefaultAuthorizationEndpoint = on
				}
			}
		default:
			for n := range f.Directories {
				d := &f.Directories[n]
				if setCmdlet(d.Kind) != c.Cmdlet || !strings.EqualFold(d.Identity, c.Identity) {
					continue
				}
				if method := switchOf(&d.AD, s.Property); method != nil {
					*method = on
				} else if list := listed(&d.AD, s.Property); list != nil {
					*list = to[i].Strings()
				}
			}
		}
	}
}

// settlePolicy makes a policy, or removes it where its values are null.
func settlePolicy(f *facts.Facts, c *Change, to values) {
	f.Policies = slices.DeleteFunc(f.Policies, func(p facts.Policy) bool { return strings.EqualFold(p.Name, c.Identity) })
	policy := facts.Policy{Name: c.Identity}
	for i, s := range c.Settings {
		if to[i].V == nil {
			return
		}
		if protocol, ok := strings.CutPrefix(s.Property, "BlockLegacyAuth"); ok && to[i].V == true {
			policy.BlockLegacy = append(policy.BlockLegacy, protocol)
		} else if protocol, ok := strings.CutPrefix(s.Property, "BlockModernAuth"); ok && to[i].V == true {
			policy.BlockModern = append(policy.BlockModern, protocol)
		}
	}
	f.Policies = append(f.Policies, policy)
}

// keepsDoors refuses a way back, of all changes or of a part, after which a way in would be missing that is
// there now.
func (r *Run) keepsDoors(f *facts.Facts, part []int, known ...string) error {
	var back []Change
	for _, c := range r.plan.Changes {
		if rec := r.records[c.Number]; within(part, c.Number) && rec.intended() && !rec.undone && !rec.left {
			back = append(back, c)
		}
	}
	slices.Reverse(back)
	problem := closes(f, back, func(c *Change) values {
		if c.Cmdlet == "" {
			return c.planned()
		}
		return r.records[c.Number].before().Settings
	}, known...)
	switch {
	case problem == "":
		return nil
	case part != nil:
		return fmt.Errorf("roll back %s in part: %w: %s", r.ID, ErrStands, problem)
	}
	return fmt.Errorf("roll back %s: %w: %s; put it right first, or leave it so with --leave-moved", r.ID, ErrStands, problem)
}

func foundPath(dir, run string) string { return filepath.Join(dir, "journal", run+".found.json") }

// saveFound keeps what the organisation is when a run begins, for the way back.
func (p *Procedure) saveFound(run string, f *facts.Facts) error {
	data, err := json.Marshal(f)
	if err == nil {
		err = journal.WriteFile(foundPath(p.o.Dir, run), data)
	}
	if err != nil {
		return fmt.Errorf("begin run: %w", err)
	}
	return nil
}

// readFound returns what saveFound kept; nil for a run of an older program.
func (p *Procedure) readFound(run string) (*facts.Facts, error) {
	data, err := readKept(foundPath(p.o.Dir, run))
	if data == nil || err != nil {
		return nil, err
	}
	f := &facts.Facts{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", foundPath(p.o.Dir, run), ErrInvalid, err)
	}
	return f, nil
}
