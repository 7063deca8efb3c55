package procedure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
)

// pilot plans that tokens are offered to the people of these names before everybody else: the
// organisation's default policy holds the others back before anything is offered, and each
// pilot gets a policy that does not. What the policies say of passwords stays as it was.
func (b *builder) pilot(names []string) error {
	f := b.f
	if b.plan.Scope == ScopeBrowser {
		return fmt.Errorf("%w: OWA and ECP heed no authentication policy, so there is no pilot for them", ErrChoice)
	}
	if old := rule.TooOldForPolicies(f); old != nil {
		return fmt.Errorf("%w: %s is %s and offers tokens to everybody, whatever a policy says; a pilot wants Exchange 2019 CU13 (%s) on every server", ErrChoice, old[0].Object, old[0].Found, old[0].Wanted)
	}
	pilots, err := b.people(names)
	if err != nil {
		return err
	}
	name := f.Organization.DefaultAuthenticationPolicy
	standing := f.Policy(name)
	_, begun := facts.LaterBase(name)
	begun = begun || standing.HoldsBack()
	switch {
	case begun && !standing.HoldsBack():
		return fmt.Errorf("%w: the default policy %s no longer blocks modern authentication: it is not the one that the pilot began with", ErrChoice, name)
	case !begun && rule.Enabled(f):
		return fmt.Errorf("%w: Hybrid Modern Authentication is enabled for everybody, and a pilot would take it from them", ErrChoice)
	case !begun && len(standing.TokensOnly()) > 0:
		return fmt.Errorf("%w: the default policy %s blocks passwords for %s; blocking tokens beside them would lock everybody out, so take that from it first", ErrChoice,
			name, strings.Join(standing.TokensOnly(), ", "))
	}
	if !rule.Enabled(f) {
		if err := b.alreadyOpen(pilots); err != nil {
			return err
		}
	}
	if !begun {
		if err := b.policy(facts.LaterPolicy(name), standing, true); err != nil {
			return err
		}
		b.defaultPolicy(facts.LaterPolicy(name), "everybody who is no pilot is held back before tokens are offered", "nobody; they sign in as they do now")
	}
	for _, p := range pilots {
		own := f.Policy(p.Policy)
		if own != nil && own.Open() {
			continue // a pilot already, or somebody whose policy lets him
		}
		had := own
		if own == nil {
			had = standing // which says of passwords what the one before the pilot said
		}
		if err := b.policy(facts.PilotPolicy(p.Policy), had, false); err != nil {
			return err
		}
		b.policyOf(p, facts.PilotPolicy(p.Policy), "a pilot is offered tokens before everybody else", rule.Label(p)+", at the next sign-in after the policy is taken up")
	}
	b.plan.Notes = append(b.plan.Notes, "OWA and ECP heed no authentication policy: they stay as they are until it is everybody's turn (hma plan without --pilot)",
		"a server takes a policy up within 30 minutes, or at iisreset; once OAuth2ClientProfileEnabled is on, one that has not offers tokens to everybody")
	return nil
}

// everybody plans the last ring of a pilot: tokens for all, then the pilots' own policies as they were.
// The default policy goes first, so that nobody who has tokens is held back in between.
func (b *builder) everybody() error {
	f := b.f
	name := f.Organization.DefaultAuthenticationPolicy
	base, begun := facts.LaterBase(name)
	byHand := !begun && f.Policy(name).HoldsBack()
	if begun {
		if base != "" && f.Policy(base) == nil {
			return fmt.Errorf("%w: the default policy %s stands in the place of %s, which is gone: choose a default policy by hand", ErrChoice, name, base)
		}
		b.defaultPolicy(base, "the pilot is over: tokens are offered to everybody", "everybody who was no pilot, at the next sign-in")
		b.plan.Notes = append(b.plan.Notes, "the policies of the pilot stay and apply to nobody; the way back through every run of the pilot removes them")
	}
	for i := range f.People {
		p := &f.People[i]
		own, piloted := facts.PilotBase(p.Policy)
		if !piloted {
			continue
		}
		if byHand {
			b.plan.Notes = append(b.plan.Notes, "the default policy "+name+", which is none of the pilot's, blocks modern authentication: the pilots keep theirs, and everybody else waits until somebody changes it")
			return nil
		}
		if own != "" && f.Policy(own) == nil {
			return fmt.Errorf("%w: %s had the policy %s before the pilot, which is gone: give him one by hand", ErrChoice, rule.Label(p), own)
		}
		b.policyOf(p, own, "the pilot is over: the policy is as it was before", "nobody")
	}
	return nil
}

// people finds the pilots, each of whom must be able to sign in.
func (b *builder) people(names []string) ([]*facts.Person, error) {
	var all []*facts.Person
	for _, name := range names {
		found := b.f.Named(name)
		switch {
		case len(found) == 0:
			return nil, fmt.Errorf("%w: %q is nobody's name, address or account here", ErrChoice, name)
		case len(found) > 1:
			return nil, fmt.Errorf("%w: %q is both %s and %s", ErrChoice, name, rule.Label(found[0]), rule.Label(found[1]))
		case !found[0].Synced:
			return nil, fmt.Errorf("%w: %s would be sent to the cloud and lose access: %s", ErrChoice, rule.Label(found[0]), found[0].Problem)
		case found[0].UPN == "":
			return nil, fmt.Errorf("%w: %s has no user principal name", ErrChoice, rule.Label(found[0]))
		}
		if !slices.Contains(all, found[0]) {
			all = append(all, found[0])
			b.plan.Pilots = append(b.plan.Pilots, found[0].UPN)
		}
	}
	return all, nil
}

// alreadyOpen refuses a pilot in which others, by policies of their own, would be offered tokens too.
func (b *builder) alreadyOpen(pilots []*facts.Person) error {
	var others []string
	for i := range b.f.People {
		p := &b.f.People[i]
		if own := b.f.Policy(p.Policy); own != nil && !own.HoldsBack() && !slices.Contains(pilots, p) {
			others = append(others, rule.Label(p)+" ("+own.Name+")")
		}
	}
	if others == nil {
		return nil
	}
	if n := len(others); n > 5 {
		others = append(others[:5], fmt.Sprintf("%d more", n-5))
	}
	return fmt.Errorf("%w: policies of their own would let others in with the pilots: %s; name them in --pilot too, or take these policies from them", ErrChoice, strings.Join(others, ", "))
}

// policy plans a new authentication policy that says of passwords what had (nil: nothing) says. It
// blocks tokens for everything else when it is to hold people back, and for nothing otherwise.
func (b *builder) policy(name string, had *facts.Policy, holdsBack bool) error {
	if slices.ContainsFunc(b.plan.Changes, func(c Change) bool { return c.creation() && c.Identity == name }) {
		return nil
	}
	if len(name) > maxPolicyName {
		return fmt.Errorf("%w: a policy would be called %q, and a name has at most %d characters", ErrChoice, name, maxPolicyName)
	}
	want := facts.Policy{Name: name}
	if had != nil {
		want.BlockLegacy = had.BlockLegacy
	}
	c := Change{Step: StepPolicy, Action: ActionCreate, Address: "authentication policy " + name, Cmdlet: newPolicy, Identity: name,
		Reason: "pilots are offered tokens, whatever the default policy says", Affects: "nobody before it is given to somebody"}
	if holdsBack {
		c.Reason = "who is no pilot is not offered tokens yet"
	}
	for _, protocol := range facts.PolicyProtocols {
		legacy := slices.Contains(want.BlockLegacy, protocol)
		if holdsBack && !legacy {
			want.BlockModern = append(want.BlockModern, protocol)
		}
		c.Settings = append(c.Settings, Setting{"BlockLegacyAuth" + protocol, Value{}, Value{legacy}},
			Setting{"BlockModernAuth" + protocol, Value{}, Value{holdsBack && !legacy}})
	}
	if there := b.f.Policy(name); there != nil {
		if !(Value{there.BlockModern}).equal(Value{want.BlockModern}) || !(Value{there.BlockLegacy}).equal(Value{want.BlockLegacy}) {
			return fmt.Errorf("%w: the policy %s is there and is another one than the pilot needs; rename or remove it", ErrChoice, name)
		}
		return nil
	}
	b.add(c, "modern-auth-blocked")
	return nil
}

// maxPolicyName is how long the name of an object of the directory may be.
const maxPolicyName = 64

// reference is a property that names an object; null is none.
func reference(name string) Value {
	if name == "" {
		return Value{}
	}
	return Value{name}
}

func (b *builder) defaultPolicy(name, reason, affects string) {
	o := b.f.Organization
	b.add(Change{Step: StepPolicy, Action: ActionSet, Address: "organisation " + o.Name, Cmdlet: "Set-OrganizationConfig",
		Settings: []Setting{{"DefaultAuthenticationPolicy", reference(o.DefaultAuthenticationPolicy), reference(name)}}, Reason: reason, Affects: affects}, "modern-auth-blocked")
}

func (b *builder) policyOf(p *facts.Person, name, reason, affects string) {
	b.add(Change{Step: StepPolicy, Action: ActionSet, Address: cmp.Or(p.UPN, p.Account), Cmdlet: "Set-User", Identity: cmp.Or(p.UPN, p.Account),
		Settings: []Setting{{"AuthenticationPolicy", reference(p.Policy), reference(name)}}, Reason: reason, Affects: affects}, "policy-users")
}
