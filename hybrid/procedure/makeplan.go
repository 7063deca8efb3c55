package procedure

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hma/client/mail"
	"hma/hybrid/journal"
	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
)

// MakePlan reads the organisation and returns the changes that enable Hybrid
// Modern Authentication as chosen, in the how-to's order; none when it is enabled.
// The plan is not saved. ErrUnreadable when a fact is missing.
func (p *Procedure) MakePlan(ctx context.Context, choices Choices) (*Plan, error) {
	f, err := p.complete(ctx)
	if err != nil {
		return nil, err
	}
	return p.planOf(f, choices)
}

// planOf makes the plan of facts that were read.
func (p *Procedure) planOf(f *facts.Facts, choices Choices) (*Plan, error) {
	plan := p.newPlan(f)
	plan.Scope = choices.Scope
	plan.block(f)
	b := &builder{plan: plan, f: f}
	if err := b.choose(choices.Tenants); err != nil {
		return nil, err
	}
	b.names()
	b.oauth()
	if len(choices.Pilots) > 0 {
		if err := b.pilot(choices.Pilots); err != nil {
			return nil, err
		}
	}
	b.endpoint()
	b.clientProfile()
	if len(choices.Pilots) == 0 {
		if err := b.everybody(); err != nil {
			return nil, err
		}
	}
	if b.plansBrowsers() {
		b.replyURLs()
		for _, s := range f.Servers {
			b.browsers(s.Name)
		}
	}
	b.losses(b.plansBrowsers())
	return plan, nil
}

// newPlan is a plan without changes for the organisation of the facts.
func (p *Procedure) newPlan(f *facts.Facts) *Plan {
	now := p.o.Now().UTC()
	return &Plan{Version: PlanVersion, ID: newID(now), Made: now, Organization: f.Organization.Name, Snapshot: f.Hash(), Collected: p.o.Target.Parts()}
}

// block fills in what has to be repaired by hand before tokens are offered.
func (p *Plan) block(f *facts.Facts) {
	for _, x := range rule.Judge(f, p.Made) {
		if x.Blocks {
			p.Blocked = append(p.Blocked, x)
		}
	}
}

// newID returns an id that sorts by time and that two operators never share.
func newID(now time.Time) string {
	return now.UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:4])
}

type builder struct {
	plan *Plan
	f    *facts.Facts
	// tenants are those whose own changes are planned.
	tenants []*facts.Tenant
}

// choose finds the tenants of these names, all for none.
func (b *builder) choose(names []string) error {
	var all []string
	for i := range b.f.Tenants {
		t := &b.f.Tenants[i]
		all = append(all, t.Name)
		if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return goesBy(t, n) }) {
			b.tenants = append(b.tenants, t)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(b.tenants, func(t *facts.Tenant) bool { return goesBy(t, n) }) {
			return fmt.Errorf("%w: there is no tenant %s here, but %s", ErrChoice, n, strings.Join(all, ", "))
		}
	}
	if len(b.tenants) < len(all) {
		for _, t := range b.tenants {
			b.plan.Tenants = append(b.plan.Tenants, t.Name)
		}
	}
	return nil
}

// goesBy tells whether a tenant is called so: by any domain that it owns, or by its id.
func goesBy(t *facts.Tenant, name string) bool {
	return strings.EqualFold(name, t.Name) || strings.EqualFold(name, t.Organization.ID) || t.Verified(name)
}

// losses fills in who loses access, administrators first: in a pilot only pilots can, and nobody
// loses OWA and ECP where they stay on passwords: browsers tells whether the plan changes that.
func (b *builder) losses(browsers bool) {
	p := b.plan
	p.Losses = append(rule.Losses(b.f), b.leftOut()...)
	slices.SortStableFunc(p.Losses, func(x, y rule.Loss) int {
		switch {
		case x.Administrator == y.Administrator:
			return 0
		case x.Administrator:
			return -1
		}
		return 1
	})
	browsers = browsers || slices.ContainsFunc(b.f.Directories, func(d facts.Directory) bool { return d.Kind.Browser() && d.Live.OAuth })
	p.Losses = slices.DeleteFunc(p.Losses, func(l rule.Loss) bool { return p.Pilots != nil && !slices.Contains(p.Pilots, l.Person) })
	for i := range p.Losses {
		l := &p.Losses[i]
		l.Ways = slices.DeleteFunc(slices.Clone(l.Ways), func(way string) bool { return !browsers && (way == string(mail.OWA) || way == string(mail.ECP)) })
	}
	p.Losses = slices.DeleteFunc(p.Losses, func(l rule.Loss) bool { return len(l.Ways) == 0 })
	if p.Pilots != nil {
		return
	}
	for i := range b.f.People {
		switch person := &b.f.People[i]; {
		case !person.Synced:
			p.Losing = append(p.Losing, rule.Label(person))
		case person.Administrator && (!p.touchesBrowsers() || p.sendsBack(b.f, person)):
			p.Administrators = append(p.Administrators, rule.Label(person))
		}
	}
}

// leftOut are the people of tenants that the plan was not made for, where something of theirs is missing.
func (b *builder) leftOut() []rule.Loss {
	var all []rule.Loss
	for i := range b.f.Tenants {
		t := &b.f.Tenants[i]
		if slices.Contains(b.tenants, t) {
			continue
		}
		var ways []string
		if len(rule.MissingNames(b.f, t)) > 0 {
			ways = append(ways, "Outlook", "phones")
		}
		if len(rule.MissingReplyURLs(b.f, t)) > 0 && b.plansBrowsers() {
			ways = append(ways, "OWA", "ECP")
		}
		for n := range b.f.People {
			if person := &b.f.People[n]; ways != nil && person.Synced && person.Tenant == t.Name {
				all = append(all, rule.Loss{Person: rule.Label(person), Administrator: person.Administrator, Ways: ways, Reason: "the plan leaves " + t.Name + " out, where names or reply URLs are missing"})
			}
		}
	}
	return all
}

// plansBrowsers tells whether OWA and ECP are in the plan.
func (b *builder) plansBrowsers() bool {
	return b.plan.Pilots == nil && b.plan.Scope.has(facts.Owa) && rule.BrowsersPossible(b.f)
}

func (b *builder) add(c Change, r string) {
	judged, _ := rule.Find(r)
	c.Number, c.Rule, c.Source, c.Reversible = len(b.plan.Changes)+1, r, judged.Source, true
	c.Interruption = interruption(&c)
	b.plan.Changes = append(b.plan.Changes, c)
}

// interruption estimates how long whom a change affects is kept out. Only OWA and ECP
// are, between their last password and their first token: four changes, each read
// back from the server, which restarts nothing and takes seconds; the how-to's own
// service restart takes a minute or two.
func interruption(c *Change) string {
	switch c.Step {
	case StepBrowserOff:
		return "until another method is on, two changes later: seconds, two minutes at most where the server takes changes up"
	case StepLegacyOff:
		return "until OAuth is on, some changes later: seconds, two minutes at most where the server takes changes up"
	}
	return "none"
}

// list plans that entries are appended to a list of the tenant's Exchange principal.
func (b *builder) list(step Step, t *facts.Tenant, property string, missing []string, reason, affects, r string) {
	if len(missing) == 0 {
		return
	}
	address := "tenant service principal " + t.Principal.AppID
	if len(b.f.Tenants) > 1 {
		address = "service principal " + t.Principal.AppID + " of " + t.Name
	}
	b.add(Change{Step: step, Action: ActionAdd, Address: address, Tenant: t.Name, ObjectID: t.Principal.ID,
		Settings: []Setting{{property, Value{[]string{}}, Value{missing}}}, Reason: reason, Affects: affects}, r)
}

func (b *builder) names() {
	for _, t := range b.tenants {
		b.list(StepSPN, t, desired.Names, rule.MissingNames(b.f, t), "clients ask the cloud for tokens for these names", "nobody; new names only make tokens possible", "spn-list")
	}
}

// oauth plans kind by kind, so that what follows one another is on different servers and is made side by side.
func (b *builder) oauth() {
	directories := slices.Clone(b.f.Directories)
	slices.SortStableFunc(directories, func(x, y facts.Directory) int {
		return cmp.Compare(slices.Index(facts.Kinds, x.Kind), slices.Index(facts.Kinds, y.Kind))
	})
	for _, d := range directories {
		if d.Kind.Browser() || !b.plan.Scope.has(d.Kind) || d.AD.TakesOAuth(d.Kind) && d.Live.TakesOAuth(d.Kind) {
			continue
		}
		c := Change{Step: StepOAuth, Action: ActionSet, Address: d.Identity, Cmdlet: setCmdlet(d.Kind), Identity: d.Identity, Server: d.Server,
			Reason:  "without OAuth it sends no Bearer challenge and takes no token",
			Affects: "clients of " + string(d.Kind.Protocol()) + " on " + d.Server + "; they keep their present way to sign in"}
		list := func(property string, have []string) {
			if slices.ContainsFunc(have, func(m string) bool { return strings.EqualFold(m, "OAuth") }) {
				return
			}
			c.Action = ActionAdd
			c.Settings = append(c.Settings, Setting{property, Value{append([]string{}, have...)}, Value{append(slices.Clone(have), "OAuth")}})
		}
		m := d.Live
		if m.TakesOAuth(d.Kind) {
			m = d.AD // the two differ: it is the directory that lacks it
		}
		switch d.Kind {
		case facts.Mapi:
			list("IISAuthenticationMethods", m.IIS)
		case facts.ActiveSync:
			// An unset list allows every method and stays unset.
			if len(m.Internal) > 0 {
				list("InternalAuthenticationMethods", m.Internal)
			}
			if len(m.External) > 0 {
				list("ExternalAuthenticationMethods", m.External)
			}
		default:
			c.Settings = []Setting{{"OAuthAuthentication", Value{false}, Value{true}}}
		}
		b.add(c, "oauth-virtual-directories")
	}
}

func setCmdlet(k facts.Kind) string { return "Set-" + string(k) + "VirtualDirectory" }

func (b *builder) endpoint() {
	chosen := b.f.EvoSTS()
	if own := b.f.EvoSTSOf(b.tenants[0]); own != nil && !chosen.IsDefaultAuthorizationEndpoint {
		chosen = own
	}
	if chosen == nil {
		return // blocked by the rule evosts
	}
	for _, t := range b.tenants {
		a := b.f.EvoSTSOf(t)
		// With one tenant the domain comes with the endpoint; what was enabled by hand without it stays so.
		if a == nil || a == chosen && len(b.f.Tenants) == 1 && a.IsDefaultAuthorizationEndpoint {
			continue
		}
		var settings []Setting
		if rule.NamesNoDomain(b.f, t) {
			settings = append(settings, Setting{"DomainName", Value{append([]string{}, a.DomainName...)}, Value{append(slices.Clone(a.DomainName), t.Organization.InitialDomain())}})
		}
		reason, affects, r := "the domain tells which tenant's tokens are its", "nobody", "domain-name"
		if a == chosen && !a.IsDefaultAuthorizationEndpoint {
			settings = append(settings, Setting{"IsDefaultAuthorizationEndpoint", Value{false}, Value{true}})
			reason, affects, r = "the Bearer challenge sends clients to "+a.AuthorizationEndpoint, "nobody before the next change", "default-authorization-endpoint"
		}
		if settings != nil {
			b.add(Change{Step: StepEndpoint, Action: ActionSet, Address: "AuthServer " + a.Name, Cmdlet: "Set-AuthServer", Identity: a.Name, Settings: settings,
				Reason: reason, Affects: affects}, r)
		}
	}
}

func (b *builder) clientProfile() {
	if b.f.Organization.OAuth2ClientProfileEnabled {
		return
	}
	whom := "everybody"
	if b.plan.Pilots != nil {
		whom = "the pilots"
	}
	b.add(Change{Step: StepClientProfile, Action: ActionSet, Address: "organisation " + b.f.Organization.Name, Cmdlet: "Set-OrganizationConfig",
		Settings: []Setting{{"OAuth2ClientProfileEnabled", Value{false}, Value{true}}},
		Reason:   "the organisation-wide switch of Hybrid Modern Authentication",
		Affects:  whom + ", at the next sign-in; running clients keep their session"}, "oauth2-client-profile")
}

func (b *builder) replyURLs() {
	for _, t := range b.tenants {
		b.list(StepReplyURL, t, desired.ReplyURLs, rule.MissingReplyURLs(b.f, t), "the cloud sends a browser back only to a registered URL",
			"nobody; new URLs only make the way back possible", "reply-urls")
	}
}

// browsers plans one server's OWA and ECP. The order is the how-to's and the cmdlets hold it.
func (b *builder) browsers(server string) {
	owa, ecp := b.f.Directory(server, facts.Owa), b.f.Directory(server, facts.Ecp)
	for _, d := range []*facts.Directory{owa, ecp} {
		if d == nil || !d.Live.Legacy() && !d.AD.Legacy() {
			continue
		}
		b.add(Change{Step: StepLegacyOff, Action: ActionSet, Address: d.Identity, Cmdlet: setCmdlet(d.Kind), Identity: d.Identity, Server: server,
			Settings: []Setting{
				{"AdfsAuthentication", Value{d.Live.Adfs}, Value{false}}, {"BasicAuthentication", Value{d.Live.Basic}, Value{false}},
				{"FormsAuthentication", Value{d.Live.Forms}, Value{false}}, {"DigestAuthentication", Value{d.Live.Digest}, Value{false}}},
			Reason:  "every other method must be off before OAuth is on",
			Affects: "everybody who uses " + string(d.Kind.Protocol()) + " on " + server + ": no sign-in until OAuth is on"}, "owa-ecp-methods")
	}
	for _, d := range []*facts.Directory{ecp, owa} {
		if d == nil || d.Live.OAuth && d.AD.OAuth {
			continue
		}
		b.add(Change{Step: StepBrowserOAuth, Action: ActionSet, Address: d.Identity, Cmdlet: setCmdlet(d.Kind), Identity: d.Identity, Server: server,
			Settings: []Setting{{"OAuthAuthentication", Value{false}, Value{true}}},
			Reason:   "sign-in goes to the cloud",
			Affects:  "everybody who uses " + string(d.Kind.Protocol()) + " on " + server + ": the sign-in page is the cloud's"}, "owa-ecp-methods")
	}
}

// touchesBrowser tells whether the change is about how people sign in to OWA or
// ECP. The cmdlet decides, not the step: a plan file may be edited.
func (c Change) touchesBrowser() bool {
	return c.Cmdlet == setCmdlet(facts.Owa) || c.Cmdlet == setCmdlet(facts.Ecp)
}

// touchesBrowsers tells whether the plan changes how people sign in to OWA and ECP.
func (p *Plan) touchesBrowsers() bool { return slices.ContainsFunc(p.Changes, Change.touchesBrowser) }

func planPath(dir, id string) string { return filepath.Join(dir, "plans", id+".json") }

// SavePlan writes the plan to DIR/plans by rename and returns the file's name.
func (p *Procedure) SavePlan(plan *Plan) (string, error) {
	name := planPath(p.o.Dir, plan.ID)
	return name, WritePlan(plan, name)
}

// WritePlan writes the plan to a file of that name, by rename.
func WritePlan(plan *Plan, name string) error {
	data, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	if err := journal.WriteFile(name, append(data, '\n')); err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	return nil
}

// maxPlan bounds a plan file: a thousand servers take a tenth of it.
const maxPlan = 32 << 20

// LoadPlan reads a plan by its id, or from a file name; "" is the newest of DIR/plans.
func (p *Procedure) LoadPlan(idOrFile string) (*Plan, error) {
	name := idOrFile
	if name == "" {
		files, err := filepath.Glob(planPath(p.o.Dir, "*"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("%w in %s: make one with hma plan", ErrNoPlan, filepath.Join(p.o.Dir, "plans"))
		}
		slices.Sort(files)
		name = files[len(files)-1]
	} else if !strings.ContainsAny(name, `/\.`) {
		name = planPath(p.o.Dir, name)
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoPlan, idOrFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxPlan {
		return nil, fmt.Errorf("read plan %s: %w: not a plan file", name, ErrInvalid)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	plan, err := ParsePlan(data)
	if err != nil {
		return nil, fmt.Errorf("read plan %s: %w", name, err)
	}
	return plan, nil
}

// ParsePlan reads a plan's JSON and refuses what the engine could not carry out:
// another version, unknown cmdlets, properties that the how-to does not change,
// and numbers that are not 1, 2, 3...
func ParsePlan(data []byte) (*Plan, error) {
	var plan Plan
	if err := json.Unmarshal(data, &plan); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if plan.Version != PlanVersion {
		return nil, fmt.Errorf("%w: plan version %d, this hma reads %d", ErrInvalid, plan.Version, PlanVersion)
	}
	if plan.ID == "" || plan.Snapshot == "" {
		return nil, fmt.Errorf("%w: no plan", ErrInvalid)
	}
	for i, c := range plan.Changes {
		if err := c.valid(i + 1); err != nil {
			return nil, fmt.Errorf("%w: change %d: %w", ErrInvalid, i+1, err)
		}
	}
	return &plan, nil
}

// changeable are the properties that a plan may set, by cmdlet: a plan file
// that was tampered with cannot run anything else.
var changeable = map[string][]string{
	"Set-AuthServer":                   {"DomainName", "IsDefaultAuthorizationEndpoint"},
	"Set-OrganizationConfig":           {"OAuth2ClientProfileEnabled", "DefaultAuthenticationPolicy"},
	"Set-User":                         {"AuthenticationPolicy"},
	newPolicy:                          desired.PolicySwitches,
	"Set-AutodiscoverVirtualDirectory": {"OAuthAuthentication"},
	"Set-WebServicesVirtualDirectory":  {"OAuthAuthentication"},
	"Set-OabVirtualDirectory":          {"OAuthAuthentication"},
	"Set-MapiVirtualDirectory":         {"IISAuthenticationMethods"},
	"Set-ActiveSyncVirtualDirectory":   {"InternalAuthenticationMethods", "ExternalAuthenticationMethods"},
	"Set-OwaVirtualDirectory":          {"AdfsAuthentication", "BasicAuthentication", "FormsAuthentication", "DigestAuthentication", "OAuthAuthentication"},
	"Set-EcpVirtualDirectory":          {"AdfsAuthentication", "BasicAuthentication", "FormsAuthentication", "DigestAuthentication", "OAuthAuthentication"},
}

func (c *Change) valid(number int) error {
	if c.Number != number {
		return fmt.Errorf("is numbered %d", c.Number)
	}
	if len(c.Settings) == 0 {
		return errors.New("sets nothing")
	}
	if c.Cmdlet == "" {
		s := c.Settings[0]
		if len(c.Settings) != 1 || c.ObjectID == "" || c.Action != ActionAdd || s.Property != desired.Names && s.Property != desired.ReplyURLs || len(s.After.Strings()) == 0 {
			return errors.New("is no addition to a list of the tenant")
		}
		for _, entry := range s.After.Strings() {
			if facts.Resource(entry) == "" {
				return fmt.Errorf("%q is no https URL", entry)
			}
		}
		return nil
	}
	properties, ok := changeable[c.Cmdlet]
	if !ok {
		return fmt.Errorf("%s is no cmdlet of the procedure", c.Cmdlet)
	}
	if c.Identity == "" && c.Cmdlet != "Set-OrganizationConfig" {
		return errors.New("names no object")
	}
	if c.creation() || c.Cmdlet == newPolicy {
		if err := c.validCreation(); err != nil {
			return err
		}
	}
	for _, s := range c.Settings {
		if !slices.Contains(properties, s.Property) {
			return fmt.Errorf("%s does not set %s here", c.Cmdlet, s.Property)
		}
		before, isList := s.Before.V.([]string)
		if isList && slices.ContainsFunc(before, func(old string) bool {
			return !slices.Contains(s.After.Strings(), old)
		}) {
			return fmt.Errorf("would remove an entry from %s", s.Property)
		}
	}
	return nil
}
