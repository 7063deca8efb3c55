package procedure

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
)

// Left is what a goal wants and no plan does, with the reason.
type Left struct {
	Address  string `json:"address"`
	Property string `json:"property,omitempty"` // "" for an object that is not there
	Found    Value  `json:"found"`
	Wanted   Value  `json:"wanted"`
	Reason   string `json:"reason"`
}

// MakeGoalPlan reads the organisation and returns the changes that bring it to the goal, in an order
// in which somebody can sign in at every moment that the how-to's own order knows: names first; where
// tokens go, OWA and ECP before the switch; where they come, after it. What a plan may not do is in
// Plan.Left. ErrChoice for a goal under which somebody would have no way in, ErrUnreadable when a fact
// is missing. The plan is not saved.
func (p *Procedure) MakeGoalPlan(ctx context.Context, goal *desired.State) (*Plan, error) {
	f, err := p.complete(ctx)
	if err != nil {
		return nil, err
	}
	plan := p.newPlan(f)
	plan.Goal = filepath.Base(goal.File)
	g := &toGoal{builder: builder{plan: plan, f: f}, then: copied(f), sets: map[string][]Setting{}, lines: map[string]int{}, named: goal.Index(),
		directories: map[string]*facts.Directory{}, people: map[string]*facts.Person{}}
	for i := range g.then.Directories {
		d := &g.then.Directories[i]
		g.directories[place(desired.Directory(d.Kind), d.Identity)] = d
	}
	for i := range g.then.People {
		p := &g.then.People[i]
		g.people[place(desired.User, desired.UserName(p))] = p
	}
	for i := range f.Tenants {
		g.tenants = append(g.tenants, &f.Tenants[i])
	}
	differences := desired.Compare(desired.Of(f), goal)
	for _, policies := range []bool{true, false} { // a policy that is given to somebody has to be there
		for _, d := range differences {
			if (d.Noun == desired.AuthenticationPolicy) != policies {
				continue
			}
			if err := g.take(&d); err != nil {
				return nil, fmt.Errorf("%w: %s:%d: %w", ErrChoice, goal.File, d.Line, err)
			}
		}
	}
	before := shut(f)
	for _, problem := range shut(g.then) {
		if !slices.Contains(before, problem) {
			return nil, fmt.Errorf("%w: %s: %s", ErrChoice, goal.File, problem)
		}
	}
	g.order()
	if plan.offers() {
		plan.block(f)
		g.losses(plan.touchesBrowsers())
	}
	if !rule.Enabled(g.then) && rule.Enabled(f) {
		plan.Notes = append(plan.Notes, "tokens are no longer offered: whoever has no password in the organisation has no way in")
	}
	return plan, nil
}

// offers tells whether the plan makes the organisation offer or take tokens where it did not.
func (p *Plan) offers() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool {
		return slices.ContainsFunc(c.Settings, func(s Setting) bool {
			switch s.Property {
			case "OAuthAuthentication", "OAuth2ClientProfileEnabled", "IsDefaultAuthorizationEndpoint":
				return s.After.V == true
			}
			return strings.HasSuffix(s.Property, "AuthenticationMethods")
		})
	})
}

// toGoal plans the way to a goal.
type toGoal struct {
	builder
	// then is the organisation as the plan leaves it, with its virtual directories and people by place.
	then        *facts.Facts
	directories map[string]*facts.Directory
	people      map[string]*facts.Person
	// sets are what is to be set, by object (noun and name), and lines where the goal wants it.
	sets  map[string][]Setting
	lines map[string]int
	// created are the new policies.
	created []Change
	named   desired.Index
}

// copied is a copy of the facts in which what a plan changes can be changed.
func copied(f *facts.Facts) *facts.Facts {
	c := *f
	c.Directories, c.AuthServers, c.People = slices.Clone(f.Directories), slices.Clone(f.AuthServers), slices.Clone(f.People)
	c.Policies, c.Tenants = slices.Clone(f.Policies), slices.Clone(f.Tenants)
	return &c
}

func (g *toGoal) leave(d *desired.Difference, found, wanted any, reason string) {
	g.plan.Left = append(g.plan.Left, Left{d.Address(), d.Property, Value{found}, Value{wanted}, reason})
}

// set plans a property of an object.
func (g *toGoal) set(d *desired.Difference, before, after any) {
	at := place(d.Noun, d.Object)
	g.sets[at] = append(g.sets[at], Setting{d.Property, Value{before}, Value{after}})
	if g.lines[at] == 0 {
		g.lines[at] = d.Line
	}
}

// taken returns the settings of an object, and why they are set.
func (g *toGoal) taken(noun, name string) (settings []Setting, reason string) {
	return g.sets[place(noun, name)], g.wants(g.lines[place(noun, name)])
}

// place is an object's key: names have no case.
func place(noun, name string) string { return noun + " " + strings.ToLower(name) }

// removesNothing is why a list keeps its entries.
const removesNothing = "a plan removes nothing from a list: whoever wrote the entry may need it"

// take plans a difference, or leaves it.
func (g *toGoal) take(d *desired.Difference) error {
	if d.Missing {
		if d.Noun == desired.AuthenticationPolicy {
			return g.newPolicy(d)
		}
		g.leave(d, nil, nil, absent(d.Noun))
		return nil
	}
	if d.Extra != nil {
		g.leave(d, d.Extra, []string{}, removesNothing)
	}
	switch d.Noun {
	case desired.Organization:
		return g.takeOrganization(d)
	case desired.AuthServer:
		g.takeAuthServer(d)
	case desired.ServicePrincipal:
		g.takeNames(d)
	case desired.User:
		return g.takeUser(d)
	case desired.AuthenticationPolicy:
		g.leave(d, d.Found, d.Wanted, "a policy that is there is not changed: whom it applies to would be let in or kept out at once; make another one and give that")
	case desired.ClientAccessService:
		g.leave(d, d.Found, d.Wanted, "domain members find Autodiscover by it: Set-ClientAccessService")
	default:
		g.takeDirectory(d)
	}
	return nil
}

// absent is why an object that is not there is not made.
func absent(noun string) string {
	switch noun {
	case desired.AuthServer:
		return "there is no AuthServer that hma org export calls so: the wizard makes those of tenants (hma wizard)"
	case desired.ServicePrincipal:
		return "the organisation is not in hybrid with this tenant"
	case desired.ClientAccessService:
		return "there is no such server, and a plan makes none"
	}
	return "there is no such virtual directory, and a plan makes none: New-" + noun
}

// newPolicy plans an authentication policy that is not there.
func (g *toGoal) newPolicy(d *desired.Difference) error {
	c := Change{Step: StepPolicy, Action: ActionCreate, Address: d.Address(), Cmdlet: newPolicy, Identity: d.Object,
		Reason: g.wants(d.Line), Affects: "nobody before it is given to somebody"}
	if len(d.Object) > maxPolicyName {
		return fmt.Errorf("the name of a policy has at most %d characters", maxPolicyName)
	}
	policy := facts.Policy{Name: d.Object}
	for _, name := range desired.PolicySwitches {
		wanted, _ := g.named.Find(d.Noun, d.Object).Get(name)
		on := wanted.Value == true
		c.Settings = append(c.Settings, Setting{name, Value{}, Value{on}})
		if protocol, ok := strings.CutPrefix(name, "BlockLegacyAuth"); ok && on {
			policy.BlockLegacy = append(policy.BlockLegacy, protocol)
		} else if protocol, ok := strings.CutPrefix(name, "BlockModernAuth"); ok && on {
			policy.BlockModern = append(policy.BlockModern, protocol)
		}
	}
	if err := c.validCreation(); err != nil {
		return err
	}
	g.created = append(g.created, c)
	g.then.Policies = append(g.then.Policies, policy)
	return nil
}

func (g *toGoal) takeOrganization(d *desired.Difference) error {
	o := &g.then.Organization
	switch d.Property {
	case "OAuth2ClientProfileEnabled":
		o.OAuth2ClientProfileEnabled = d.Wanted == true
	case "DefaultAuthenticationPolicy":
		name, _ := d.Wanted.(string)
		if name != "" && g.then.Policy(name) == nil {
			return fmt.Errorf("there is no authentication policy %s, neither here nor in the file", name)
		}
		o.DefaultAuthenticationPolicy = name
	default:
		g.leave(d, d.Found, d.Wanted, "it is no part of the way to tokens: Set-OrganizationConfig -"+d.Property)
		return nil
	}
	g.set(d, d.Found, d.Wanted)
	return nil
}

func (g *toGoal) takeAuthServer(d *desired.Difference) {
	var a *facts.AuthServer
	for i := range g.f.AuthServers {
		if strings.EqualFold(desired.AuthServerName(g.f, &g.f.AuthServers[i]), d.Object) {
			a = &g.then.AuthServers[i]
		}
	}
	switch {
	case d.Property == "DomainName":
		if d.Lacking != nil {
			after := slices.Concat(a.DomainName, d.Lacking)
			g.set(d, append([]string{}, a.DomainName...), after)
			a.DomainName = after
		}
	case d.Property == "IsDefaultAuthorizationEndpoint" && d.Wanted == true && (a.AuthorizationEndpoint == "" || !a.Enabled):
		g.leave(d, d.Found, d.Wanted, "nobody can be sent there: it is not enabled, or has no authorization endpoint")
	case d.Property == "IsDefaultAuthorizationEndpoint":
		g.set(d, d.Found, d.Wanted)
		a.IsDefaultAuthorizationEndpoint = d.Wanted == true
	default:
		g.leave(d, d.Found, d.Wanted, "the wizard sets it, by the tenant's own metadata (hma wizard)")
	}
}

// takeNames plans what the lists of Exchange's service principal lack.
func (g *toGoal) takeNames(d *desired.Difference) {
	i := slices.IndexFunc(g.then.Tenants, func(t facts.Tenant) bool { return strings.EqualFold(t.Name, d.Object) })
	t := &g.then.Tenants[i]
	var adding, others []string
	for _, entry := range d.Lacking {
		// A name with a path is another one, which apply would take for the name without.
		if facts.Resource(entry) == "" || d.Property == desired.Names && !facts.Registered([]string{entry}, entry) {
			others = append(others, entry)
			continue
		}
		adding = append(adding, entry)
	}
	if others != nil {
		g.leave(d, nil, others, "a plan adds https URLs alone, of names those without a path")
	}
	if adding == nil {
		return
	}
	g.set(d, []string{}, adding)
	if d.Property == desired.Names {
		t.Principal.ServicePrincipalNames = slices.Concat(t.Principal.ServicePrincipalNames, adding)
	} else {
		t.Principal.ReplyURLs = slices.Concat(t.Principal.ReplyURLs, adding)
	}
}

func (g *toGoal) takeUser(d *desired.Difference) error {
	name, _ := d.Wanted.(string)
	p := g.people[place(d.Noun, d.Object)]
	switch {
	case p == nil:
		g.leave(d, d.Found, d.Wanted, "nobody with a mailbox is called so")
		return nil
	case name != "" && g.then.Policy(name) == nil:
		return fmt.Errorf("there is no authentication policy %s, neither here nor in the file", name)
	}
	g.set(d, d.Found, d.Wanted)
	p.Policy = name
	return nil
}

func (g *toGoal) takeDirectory(d *desired.Difference) {
	x := g.directories[place(d.Noun, d.Object)]
	if list, running := listed(&x.AD, d.Property), listed(&x.Live, d.Property); list != nil {
		switch {
		case d.Lacking == nil:
		case !(Value{*list}).equal(Value{*running}):
			g.leave(d, d.Found, d.Wanted, drifted)
		default:
			after := slices.Concat(*list, d.Lacking)
			g.set(d, append([]string{}, *list...), after)
			*list = after
		}
		return
	}
	on, running := switchOf(&x.AD, d.Property), switchOf(&x.Live, d.Property)
	switch {
	case on == nil || !slices.Contains(changeable[setCmdlet(x.Kind)], d.Property):
		g.leave(d, d.Found, d.Wanted, fmt.Sprintf("it is no part of the way to tokens: %s -%s", setCmdlet(x.Kind), d.Property))
	case *on != *running:
		g.leave(d, d.Found, d.Wanted, drifted)
	case d.Property == "OAuthAuthentication" && d.Wanted == true && x.Kind.Browser() && !rule.BrowsersPossible(g.f):
		g.leave(d, d.Found, d.Wanted, "a server is too old for it, or the override for linked mailboxes is missing (hma check)")
	default:
		g.set(d, d.Found, d.Wanted)
		*on = d.Wanted == true
	}
}

// drifted is why a plan does not set what a server has not taken up.
const drifted = "the server does not run what its directory holds: see hma explain directory-drift first"

// listed returns the list of methods that a property is, nil when it is none.
func listed(m *facts.Methods, property string) *[]string {
	switch property {
	case "IISAuthenticationMethods":
		return &m.IIS
	case "InternalAuthenticationMethods":
		return &m.Internal
	case "ExternalAuthenticationMethods":
		return &m.External
	}
	return nil
}

// switchOf returns the switch that a property is, nil when it is none.
func switchOf(m *facts.Methods, property string) *bool {
	switch property {
	case "OAuthAuthentication":
		return &m.OAuth
	case "BasicAuthentication":
		return &m.Basic
	case "DigestAuthentication":
		return &m.Digest
	case "FormsAuthentication":
		return &m.Forms
	case "AdfsAuthentication":
		return &m.Adfs
	case "WindowsAuthentication":
		return &m.Windows
	}
	return nil
}

// shut says where nobody, or not everybody, could sign in, and what the cmdlets would refuse.
func shut(f *facts.Facts) []string {
	problems := closed(f)
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	tokens := slices.ContainsFunc(f.Directories, func(d facts.Directory) bool { return d.Kind == facts.Owa && d.AD.OAuth })
	for i := range f.Tenants {
		t := &f.Tenants[i]
		if tokens {
			for _, url := range rule.MissingReplyURLs(f, t) {
				say("the cloud would send no browser back to %s: add it to the replyUrls of %s", url, t.Name)
			}
		}
		if rule.Enabled(f) {
			for _, name := range rule.MissingNames(f, t) {
				say("the cloud would give no tokens for %s: add it to the servicePrincipalNames of %s", name, t.Name)
			}
		}
	}
	return problems
}

// closed is what shut says of the organisation alone.
func closed(f *facts.Facts) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	enabled := rule.Enabled(f)
	for i := range f.Directories {
		d := &f.Directories[i]
		m := &d.AD
		tokens, others := ways(d)
		switch {
		case d.Kind.Browser() && m.OAuth && m.Legacy():
			say("%s cannot have OAuth beside Adfs, Basic, Forms or Digest", d.Identity)
		case m.Forms && (!m.Basic || m.Digest || m.Windows):
			say("%s cannot have Forms without Basic, or beside Digest or Windows", d.Identity)
		case !tokens && !others:
			say("%s would have no way to sign in", d.Identity)
		case !others && !enabled:
			say("%s would take tokens alone, and none are offered: OAuth2ClientProfileEnabled and a default authorization endpoint belong to it", d.Identity)
		}
	}
	for _, s := range f.Servers {
		owa, ecp := f.Directory(s.Name, facts.Owa), f.Directory(s.Name, facts.Ecp)
		if owa == nil || ecp == nil {
			continue
		}
		if owa.AD.OAuth != ecp.AD.OAuth || owa.AD.Legacy() && !ecp.AD.Legacy() || owa.AD.Adfs && !ecp.AD.Adfs {
			say("OWA and ECP of %s must be signed in to in the same way", s.Name)
		}
	}
	var defaults []string
	for _, a := range f.AuthServers {
		if a.IsDefaultAuthorizationEndpoint {
			defaults = append(defaults, a.Name)
		}
	}
	if len(defaults) > 1 {
		say("%s cannot both be the default authorization endpoint", strings.Join(defaults, " and "))
	}
	said := map[string]bool{}
	for i := range f.People {
		policy := f.PolicyOf(&f.People[i])
		if policy == nil || said[policy.Name] {
			continue
		}
		said[policy.Name] = true
		only := policy.TokensOnly()
		if both := slices.DeleteFunc(slices.Clone(only), func(way string) bool { return !slices.Contains(policy.BlockModern, way) }); len(both) > 0 {
			say("the policy %s blocks both ways in to %s, and applies to %s", policy.Name, strings.Join(both, ", "), rule.Label(&f.People[i]))
		} else if len(only) > 0 && !enabled {
			say("the policy %s blocks passwords for %s, and no tokens are offered to %s", policy.Name, strings.Join(only, ", "), rule.Label(&f.People[i]))
		}
	}
	return problems
}

// ways tells whether the virtual directory takes tokens, and whether it takes anything else. A list of
// ActiveSync that is not set allows everything.
func ways(d *facts.Directory) (tokens, others bool) {
	m := &d.AD
	lists := [][]string{m.IIS}
	switch d.Kind {
	case facts.Mapi:
	case facts.ActiveSync:
		lists = [][]string{m.Internal, m.External}
	default:
		return m.OAuth, m.Legacy() || m.Windows
	}
	tokens, others = true, true
	for _, list := range lists {
		if len(list) == 0 && d.Kind == facts.ActiveSync {
			continue
		}
		oauth := slices.ContainsFunc(list, func(method string) bool { return strings.EqualFold(method, "OAuth") })
		tokens = tokens && oauth
		others = others && (len(list) > 1 || len(list) == 1 && !oauth)
	}
	return tokens, others
}

// wants is the reason of each change to a goal.
func (g *toGoal) wants(line int) string {
	return fmt.Sprintf("line %d of %s wants it", line, g.plan.Goal)
}

// order writes the changes in an order that locks nobody out.
func (g *toGoal) order() {
	for _, c := range g.created {
		g.add(c, "modern-auth-blocked")
	}
	g.lists(desired.Names, StepSPN, "nobody; new names only make tokens possible", "spn-list")
	g.policies(false)
	// Tokens go: who comes by browser first, the switch behind them.
	for _, s := range g.f.Servers {
		g.browsersOff(s.Name)
	}
	g.clientProfile(false)
	g.endpoints(false)
	g.doors(false)
	// Tokens come: the doors first, who comes by browser last.
	g.doors(true)
	g.endpoints(true)
	g.clientProfile(true)
	g.policies(true)
	g.lists(desired.ReplyURLs, StepReplyURL, "nobody; new URLs only make the way back possible", "reply-urls")
	for _, s := range g.f.Servers {
		g.browsersOn(s.Name)
	}
}

// lists adds to one list of each tenant.
func (g *toGoal) lists(property string, step Step, affects, r string) {
	for _, t := range g.tenants {
		settings, reason := g.taken(desired.ServicePrincipal, t.Name)
		for _, s := range settings {
			if s.Property == property {
				g.list(step, t, property, s.After.Strings(), reason, affects, r)
			}
		}
	}
}

// policies gives policies, late those which block passwords anew: there must be tokens by then.
func (g *toGoal) policies(late bool) {
	give := func(noun, name string, c Change, r string) {
		settings, reason := g.taken(noun, name)
		for _, s := range settings {
			if s.Property != "DefaultAuthenticationPolicy" && s.Property != "AuthenticationPolicy" {
				continue
			}
			had, _ := s.Before.V.(string)
			gets, _ := s.After.V.(string)
			before := g.f.Policy(had).TokensOnly()
			anew := slices.ContainsFunc(g.then.Policy(gets).TokensOnly(), func(way string) bool { return !slices.Contains(before, way) })
			if anew == late {
				c.Step, c.Action, c.Settings, c.Reason = StepPolicy, ActionSet, []Setting{s}, reason
				g.add(c, r)
			}
		}
	}
	give(desired.Organization, "", Change{Address: "organisation " + g.f.Organization.Name, Cmdlet: "Set-OrganizationConfig",
		Affects: "everybody who has no policy of his own, at the next sign-in"}, "modern-auth-blocked")
	for i := range g.f.People {
		p := &g.f.People[i]
		name := desired.UserName(p)
		give(desired.User, name, Change{Address: name, Cmdlet: "Set-User", Identity: name, Affects: "him, at the next sign-in after his policy is taken up"}, "policy-users")
	}
}

func (g *toGoal) clientProfile(on bool) {
	settings, reason := g.taken(desired.Organization, "")
	for _, s := range settings {
		if s.Property == "OAuth2ClientProfileEnabled" && s.After.V == on {
			g.add(Change{Step: StepClientProfile, Action: ActionSet, Address: "organisation " + g.f.Organization.Name, Cmdlet: "Set-OrganizationConfig", Settings: []Setting{s},
				Reason: reason, Affects: "everybody, at the next sign-in; running clients keep their session"}, "oauth2-client-profile")
		}
	}
}

// endpoints changes AuthServer objects. One that becomes the default endpoint does so right after the one that no longer is.
func (g *toGoal) endpoints(on bool) {
	var first, others []Change
	becomes := false
	for i := range g.f.AuthServers {
		a := &g.f.AuthServers[i]
		settings, reason := g.taken(desired.AuthServer, desired.AuthServerName(g.f, a))
		if settings == nil {
			continue
		}
		c := Change{Step: StepEndpoint, Action: ActionAdd, Address: "AuthServer " + a.Name, Cmdlet: "Set-AuthServer", Identity: a.Name, Settings: settings,
			Reason: reason, Affects: "nobody"}
		for _, s := range settings {
			if s.Property == "IsDefaultAuthorizationEndpoint" {
				c.Action, c.Affects = ActionSet, "everybody, at the next sign-in: clients are sent to the default endpoint alone"
				becomes = becomes || s.After.V == true
			}
		}
		if a.IsDefaultAuthorizationEndpoint {
			first = append(first, c)
		} else {
			others = append(others, c)
		}
	}
	if becomes != on {
		return
	}
	for _, c := range append(first, others...) {
		r := "default-authorization-endpoint"
		if c.Action == ActionAdd {
			r = "domain-name"
		}
		g.add(c, r)
	}
}

// doors turns OAuth on, or off, on the virtual directories of mail clients.
func (g *toGoal) doors(on bool) {
	for _, k := range facts.Kinds {
		for _, d := range g.f.Directories {
			if d.Kind != k || k.Browser() {
				continue
			}
			settings, reason := g.taken(desired.Directory(k), d.Identity)
			action := ActionSet
			if settings != nil && settings[0].After.Strings() != nil {
				action = ActionAdd
			}
			if settings == nil || on != (settings[0].After.V != false) {
				continue
			}
			g.add(Change{Step: StepOAuth, Action: action, Address: d.Identity, Cmdlet: setCmdlet(k), Identity: d.Identity, Server: d.Server, Settings: settings,
				Reason: reason, Affects: "clients of " + string(k.Protocol()) + " on " + d.Server + "; their other ways to sign in stay"}, "oauth-virtual-directories")
		}
	}
}

// browser returns what is to be set on a server's OWA or ECP: OAuth, and the other methods.
func (g *toGoal) browser(server string, k facts.Kind) (d *facts.Directory, oauth, others []Setting) {
	if d = g.f.Directory(server, k); d == nil {
		return nil, nil, nil
	}
	settings, _ := g.taken(desired.Directory(k), d.Identity)
	for _, s := range settings {
		if s.Property == "OAuthAuthentication" {
			oauth = []Setting{s}
		} else {
			others = append(others, s)
		}
	}
	return d, oauth, others
}

func (g *toGoal) addBrowser(step Step, d *facts.Directory, settings []Setting, affects string) {
	_, reason := g.taken(desired.Directory(d.Kind), d.Identity)
	g.add(Change{Step: step, Action: ActionSet, Address: d.Identity, Cmdlet: setCmdlet(d.Kind), Identity: d.Identity, Server: d.Server, Settings: settings,
		Reason:  reason,
		Affects: "everybody who uses " + string(d.Kind.Protocol()) + " on " + d.Server + ": " + affects}, "owa-ecp-methods")
}

// browsersOff plans a server's OWA and ECP where tokens go, which is the how-to's order backwards: OAuth off on OWA,
// then ECP, then the other methods on, ECP first. Methods that change without OAuth are planned here too.
func (g *toGoal) browsersOff(server string) {
	for _, k := range []facts.Kind{facts.Owa, facts.Ecp} {
		if d, oauth, _ := g.browser(server, k); oauth != nil && oauth[0].After.V == false {
			g.addBrowser(StepBrowserOff, d, oauth, "no sign-in until another method is on")
		}
	}
	kinds := []facts.Kind{facts.Ecp, facts.Owa}
	for _, k := range kinds {
		d, oauth, others := g.browser(server, k)
		if d == nil || others == nil || oauth != nil && oauth[0].After.V == true {
			continue
		}
		// Adfs, and the last method, leave OWA first.
		if slices.ContainsFunc(others, func(s Setting) bool { return s.Property == "AdfsAuthentication" && s.After.V == false }) {
			kinds[0], kinds[1] = facts.Owa, facts.Ecp
		}
	}
	for _, k := range kinds {
		if d, oauth, others := g.browser(server, k); others != nil && (oauth == nil || oauth[0].After.V == false) {
			g.addBrowser(StepLegacyOn, d, others, "they sign in by other methods")
		}
	}
}

// browsersOn plans a server's OWA and ECP where tokens come, in the how-to's order.
func (g *toGoal) browsersOn(server string) {
	for _, k := range []facts.Kind{facts.Owa, facts.Ecp} {
		if d, oauth, others := g.browser(server, k); others != nil && oauth != nil && oauth[0].After.V == true {
			g.addBrowser(StepLegacyOff, d, others, "no sign-in until OAuth is on")
		}
	}
	for _, k := range []facts.Kind{facts.Ecp, facts.Owa} {
		if d, oauth, _ := g.browser(server, k); oauth != nil && oauth[0].After.V == true {
			g.addBrowser(StepBrowserOAuth, d, oauth, "the sign-in page is the cloud's")
		}
	}
}
