package procedure

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
)

// PlanVersion is the version of the plan file.
const PlanVersion = 1

// Plan is what has to be changed, as data. Apply follows the changes alone.
type Plan struct {
	Version int       `json:"version"`
	ID      string    `json:"id"`
	Made    time.Time `json:"made"`
	// Organization is the name of the organisation; "" in plans of the time when it had none.
	Organization string `json:"organization,omitempty"`
	// Snapshot is the hash of the facts that the plan came from.
	Snapshot string   `json:"snapshot"`
	Changes  []Change `json:"changes"`
	// Blocked are the findings that must be repaired by hand first; a plan that has
	// any can be looked at, not applied.
	Blocked []rule.Finding `json:"blocked,omitempty"`
	// Collected are the parts that were read from collected files (target.Target). Apply leaves
	// their changes to the scripts.
	Collected []string `json:"collected,omitempty"`
	// Scope is what the plan is for, "" for everything.
	Scope Scope `json:"scope,omitempty"`
	// Pilots are the people whom the plan adds to a pilot, by name; nobody's plan is everybody's.
	Pilots []string `json:"pilots,omitempty"`
	// Tenants are the tenants that it was made for, by name; none is all of them.
	Tenants []string `json:"tenants,omitempty"`
	// Goal is the name of the file that says what the plan is to bring about, "" for the how-to's own
	// goal, and Left what it says and the plan does not do.
	Goal string `json:"goal,omitempty"`
	Left []Left `json:"left,omitempty"`
	// Notes are what else somebody has to know who decides about it.
	Notes []string `json:"notes,omitempty"`
	// Losses say who loses what and why, administrators first.
	Losses []rule.Loss `json:"losses,omitempty"`
	// Losing are the people who could not sign in after the plan, administrators first.
	Losing []string `json:"losing,omitempty"`
	// Administrators could sign in after it; one of them must prove it before OWA and ECP are touched.
	Administrators []string `json:"administrators,omitempty"`
}

// ForScript tells whether the change is left to the scripts, since what it is of was read from a
// collected file.
func (p *Plan) ForScript(c *Change) bool {
	part := target.PartExchange
	if c.Cmdlet == "" {
		part = target.PartGraph
	}
	return slices.Contains(p.Collected, part)
}

// Applicable returns the plan of the changes that Apply can make, which are all but those for the
// scripts. ErrCollected when none is left.
func (p *Plan) Applicable() (*Plan, error) {
	if len(p.Collected) == 0 || len(p.Changes) == 0 {
		return p, nil
	}
	part := *p
	part.Changes = nil
	for _, c := range p.Changes {
		if !p.ForScript(&c) {
			c.Number = len(part.Changes) + 1
			part.Changes = append(part.Changes, c)
		}
	}
	if part.Changes == nil {
		return nil, ErrCollected
	}
	if slices.Contains(p.Collected, target.PartExchange) {
		// Entries in the tenants' lists take nothing from anybody: the rest of the plan does.
		part.Losses, part.Losing, part.Administrators, part.Notes = nil, nil, nil, nil
	}
	return &part, nil
}

// Step is a place in the how-to's order.
type Step string

// The steps in their order.
const (
	StepSPN           Step = "spn"            // service principal names appended
	StepOAuth         Step = "oauth"          // OAuth on a virtual directory
	StepPolicy        Step = "policy"         // who is offered tokens; of everybody after a pilot, when tokens are offered
	StepEndpoint      Step = "endpoint"       // default authorization endpoint
	StepClientProfile Step = "client-profile" // OAuth2ClientProfileEnabled
	StepReplyURL      Step = "reply-url"      // reply URLs appended
	StepLegacyOff     Step = "legacy-off"     // Adfs, Basic, Forms and Digest off on OWA, then ECP
	StepBrowserOAuth  Step = "browser-oauth"  // OAuth on ECP, then OWA

	// The steps of a goal in which OWA and ECP are not on tokens.
	StepBrowserOff Step = "browser-oauth-off" // OAuth off on OWA, then ECP
	StepLegacyOn   Step = "legacy-on"         // other methods on ECP, then OWA
)

// Action is what happens to a value.
type Action string

// The actions.
const (
	ActionAdd    Action = "add"    // entries are added to a list; nothing leaves it
	ActionSet    Action = "set"    // values are set
	ActionCreate Action = "create" // an object is made; its values before are null
)

// Symbol returns the action's sign in a diff: + or ~.
func (a Action) Symbol() string {
	if a == ActionSet {
		return "~"
	}
	return "+"
}

// Change is one change.
type Change struct {
	Number  int    `json:"number"`
	Step    Step   `json:"step"`
	Action  Action `json:"action"`
	Address string `json:"address"` // what is changed, as a person would say it: EX2\OAB (Default Web Site)
	// Cmdlet and Identity are the Set or New cmdlet and its object; "" for a list of the tenant.
	Cmdlet   string `json:"cmdlet,omitempty"`
	Identity string `json:"identity,omitempty"`
	Server   string `json:"server,omitempty"`
	// ObjectID is the Graph id of the service principal whose list is added to, and Tenant
	// the name of its tenant; "" in plans of the time when there was one.
	ObjectID string    `json:"object_id,omitempty"`
	Tenant   string    `json:"tenant,omitempty"`
	Settings []Setting `json:"settings"`
	Reason   string    `json:"reason"`
	Rule     string    `json:"rule"`
	Source   string    `json:"source"` // heading of the how-to
	// Reversible tells that rollback can restore it.
	Reversible bool   `json:"reversible"`
	Affects    string `json:"affects"`
	// Interruption is how long whom it affects is kept out, estimated; "none" mostly.
	Interruption string `json:"interruption,omitempty"`
}

// For says in words whom the plan is for, "" for everybody and everything.
func (p *Plan) For() string {
	var parts []string
	if p.Goal != "" {
		parts = append(parts, "the goal "+p.Goal)
	}
	if p.Scope != "" {
		parts = append(parts, string(p.Scope)+" alone")
	}
	if n := len(p.Pilots); n > 10 {
		parts = append(parts, fmt.Sprintf("%d pilots", n))
	} else if n > 0 {
		parts = append(parts, "the pilots "+strings.Join(p.Pilots, ", "))
	}
	if p.Tenants != nil {
		parts = append(parts, "the tenants "+strings.Join(p.Tenants, ", "))
	}
	return strings.Join(parts, "; ")
}

// Choices are what a plan is made for; the zero value is everything.
type Choices struct {
	// Scope is the clients, "" being all.
	Scope Scope
	// Pilots are the people, by UPN, address or account name, who are offered tokens before
	// everybody else; none is everybody, also after a pilot.
	Pilots []string
	// Tenants are the tenants whose own changes are planned, by name; none is all of them.
	// The switch and the virtual directories belong to each.
	Tenants []string
}

// Scope limits a plan to some clients. The names, the default authorization endpoint
// and the organisation's switch belong to every scope: they cannot be divided.
type Scope string

// The scopes.
const (
	ScopeOutlook Scope = "outlook" // Autodiscover, MAPI, EWS and OAB
	ScopeMobile  Scope = "mobile"  // Autodiscover and ActiveSync
	ScopeBrowser Scope = "owa-ecp"
)

// Scopes are all of them.
var Scopes = []Scope{ScopeOutlook, ScopeMobile, ScopeBrowser}

// has tells whether the scope takes in a kind of virtual directory.
func (s Scope) has(k facts.Kind) bool {
	switch s {
	case ScopeOutlook:
		return !k.Browser() && k != facts.ActiveSync
	case ScopeMobile:
		return k == facts.ActiveSync || k == facts.Autodiscover
	case ScopeBrowser:
		return k.Browser()
	}
	return true
}

// Setting is one property with its value before and after. With ActionAdd on a
// list of the tenant, After is the entries that are added, and Before is empty.
type Setting struct {
	Property string `json:"property"`
	Before   Value  `json:"before"`
	After    Value  `json:"after"`
}
