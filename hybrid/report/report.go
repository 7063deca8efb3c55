package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
)

// Report is everything that the page shows.
type Report struct {
	Version      int       `json:"version"`
	At           time.Time `json:"at"`
	Organization string    `json:"organization"`
	Verdict      Verdict   `json:"verdict"`
	Counts       Counts    `json:"counts"`
	// Findings are the faults, NotChecked what could not be judged, and Notes what is good to know.
	Findings   []rule.Finding `json:"findings"`
	NotChecked []rule.Finding `json:"not_checked"`
	Notes      []rule.Finding `json:"notes"`
	Doors      []DoorRow      `json:"doors"`
	Tenants    []string       `json:"tenants"`
	Names      []NameRow      `json:"names"`
	// Losing are who loses access, null where that is not known.
	Losing []rule.Loss `json:"losing"`
	// Certificates are the OAuth certificate and the one that follows it, where they lie.
	Certificates []Certificate `json:"certificates"`
	// Plan is what enables it; null when it cannot be planned, and Unplanned says why.
	Plan      *procedure.Plan `json:"plan"`
	Unplanned string          `json:"unplanned,omitempty"`
	Runs      []procedure.Run `json:"runs"`
}

// Verdict is the answer to "where do we stand".
type Verdict struct {
	// State is on, off, blocked or unknown.
	State string `json:"state"`
	Text  string `json:"text"`
}

// Counts are the numbers of the page. Losing may be more where NotChecked has who-loses-access, and Missing where the
// state of a name is unknown: the page says so.
type Counts struct {
	Rules      int `json:"rules"`
	Findings   int `json:"findings"`
	NotChecked int `json:"not_checked"`
	Notes      int `json:"notes"`
	Servers    int `json:"servers"`
	Tenants    int `json:"tenants"`
	People     int `json:"people"`
	Losing     int `json:"losing"` // people
	Names      int `json:"names"`
	Missing    int `json:"missing"` // names that a tenant lacks, for each tenant
	Changes    int `json:"changes"`
	Runs       int `json:"runs"`
}

// DoorRow is what servers that are alike do at each door, in the order of facts.Kinds.
type DoorRow struct {
	Servers []string `json:"servers"`
	Build   string   `json:"build"`
	Doors   []Door   `json:"doors"`
}

// Door is the state of a virtual directory: on or off (it takes tokens, or does not), both (it takes
// them beside passwords that the how-to turns off), differs (the server does not run what the directory
// says) or none.
type Door struct {
	Kind  facts.Kind `json:"kind"`
	State string     `json:"state"`
}

// NameRow is what each tenant, in the order of Tenants, knows of names that are alike: registered,
// twice (registered in two spellings, of which one does nothing), missing, held (by another application), other (only another
// tenant's people are found by it) or unknown (the tenant's list could not be read).
type NameRow struct {
	Names  []string `json:"names"`
	States []string `json:"states"`
}

// Certificate is one certificate with the servers that hold it.
type Certificate struct {
	Thumbprint string    `json:"thumbprint"`
	Servers    []string  `json:"servers"`
	Lacking    []string  `json:"lacking,omitempty"` // servers that do not hold it
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	Use        string    `json:"use"`   // current or next
	State      string    `json:"state"` // valid, soon (ends within 60 days), ended or early
}

// soon is how long before its end a certificate is said to end, as the rules say it.
const soon = 60 * 24 * time.Hour

// Make makes the report of one look at an organisation.
func Make(o *procedure.Overview) *Report {
	f := o.Facts
	r := &Report{Version: 1, At: o.Check.At, Organization: f.Organization.Name, Losing: o.Losses, Plan: o.Plan, Unplanned: o.Unplanned, Runs: o.History.Runs,
		Findings: []rule.Finding{}, NotChecked: []rule.Finding{}, Notes: []rule.Finding{}}
	for _, x := range o.Check.Findings {
		switch x.Severity {
		case rule.Fault:
			r.Findings = append(r.Findings, x)
		case rule.NotChecked:
			r.NotChecked = append(r.NotChecked, x)
		default:
			r.Notes = append(r.Notes, x)
		}
	}
	for i := range f.Tenants {
		r.Tenants = append(r.Tenants, f.Tenants[i].Name)
	}
	if slices.ContainsFunc(f.Unread, func(u facts.Unread) bool { return u.Source == facts.SourceUsers || u.Source == facts.SourcePeople }) {
		r.Losing = nil // nobody was seen to have an account
	} else if r.Losing == nil && r.LosingKnown() {
		r.Losing = []rule.Loss{}
	}
	r.doors(f)
	r.names(f)
	r.certificates(f)
	r.Counts = Counts{Rules: o.Check.Rules, Findings: len(r.Findings), NotChecked: len(r.NotChecked), Notes: len(r.Notes), Servers: len(f.Servers),
		Tenants: len(f.Tenants), People: len(f.People), Losing: people(r.Losing), Runs: len(r.Runs)}
	for _, row := range r.Names {
		r.Counts.Names += len(row.Names)
		for _, s := range row.States {
			if s == "missing" || s == "held" {
				r.Counts.Missing += len(row.Names)
			}
		}
	}
	if r.Plan != nil {
		r.Counts.Changes = len(r.Plan.Changes)
	}
	r.Verdict = r.verdict(f)
	return r
}

// LosingKnown tells that everything was read by which people lose access.
func (r *Report) LosingKnown() bool {
	return !slices.ContainsFunc(r.NotChecked, func(x rule.Finding) bool { return x.Rule == "who-loses-access" })
}

// NamesKnown tells that the list of every tenant was read.
func (r *Report) NamesKnown() bool {
	return !slices.ContainsFunc(r.Names, func(n NameRow) bool { return slices.Contains(n.States, "unknown") })
}

// people counts who loses something: a person may lose more than one thing.
func people(losses []rule.Loss) int {
	seen := map[string]bool{}
	for _, l := range losses {
		seen[l.Person] = true
	}
	return len(seen)
}

func (r *Report) verdict(f *facts.Facts) Verdict {
	a := f.EvoSTS()
	on := f.Organization.OAuth2ClientProfileEnabled && a != nil && a.IsDefaultAuthorizationEndpoint
	state := "Hybrid Modern Authentication is off"
	if on {
		state = "Hybrid Modern Authentication is on"
	}
	blocked := r.Plan != nil && len(r.Plan.Blocked) > 0
	switch {
	case r.Counts.NotChecked > 0:
		return Verdict{"unknown", fmt.Sprintf("%s, and %s could not be judged", state, plural(r.Counts.NotChecked, "rule"))}
	case blocked:
		return Verdict{"blocked", fmt.Sprintf("%s, and something has to be repaired by hand first: %s", state, r.Plan.Blocked[0].Summary)}
	case on && r.Counts.Findings == 0:
		return Verdict{"on", state + ", and no rule finds a fault"}
	case on:
		return Verdict{"on", fmt.Sprintf("%s, with %s", state, plural(r.Counts.Findings, "finding"))}
	}
	return Verdict{"off", fmt.Sprintf("%s. %s would turn it on; %s now", state, capital(plural(r.Counts.Changes, "change")), plural(r.Counts.Findings, "finding"))}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// doors puts servers that are alike into one row, in the order of their first server.
func (r *Report) doors(f *facts.Facts) {
	rows := map[string]int{}
	for _, s := range f.Servers {
		row := DoorRow{Build: s.Build.String()}
		key := row.Build
		for _, k := range facts.Kinds {
			d := Door{k, doorState(f.Directory(s.Name, k))}
			row.Doors = append(row.Doors, d)
			key += " " + d.State
		}
		i, known := rows[key]
		if !known {
			i = len(r.Doors)
			rows[key] = i
			r.Doors = append(r.Doors, row)
		}
		r.Doors[i].Servers = append(r.Doors[i].Servers, s.Name)
	}
}

func doorState(d *facts.Directory) string {
	switch {
	case d == nil:
		return "none"
	case d.AD.TakesOAuth(d.Kind) != d.Live.TakesOAuth(d.Kind):
		return "differs"
	case !d.Live.TakesOAuth(d.Kind):
		return "off"
	case d.Kind.Browser() && d.Live.Legacy():
		return "both"
	}
	return "on"
}

// names puts names that every tenant knows alike into one row, in the order of the names.
func (r *Report) names(f *facts.Facts) {
	hosts := map[string]bool{} // true: every tenant needs it
	own := make([]map[string]bool, len(f.Tenants))
	for i := range f.Tenants {
		own[i] = map[string]bool{}
		for _, a := range f.DiscoverHosts(&f.Tenants[i]) {
			if name := facts.Resource(a.URL); name != "" {
				hosts[name], own[i][name] = false, true
			}
		}
	}
	for _, a := range f.Addresses() {
		if name := facts.Resource(a.URL); name != "" {
			hosts[name] = true
		}
	}
	var all []string
	for name := range hosts {
		all = append(all, name)
	}
	slices.Sort(all)
	known, spellings := make([]map[string]bool, len(f.Tenants)), make([]map[string]int, len(f.Tenants))
	for i := range f.Tenants {
		spns := f.Tenants[i].Principal.ServicePrincipalNames
		known[i], spellings[i] = facts.Resources(spns), map[string]int{}
		for _, n := range spns {
			if facts.Registered([]string{n}, n) {
				spellings[i][facts.Resource(n)]++
			}
		}
	}
	rows := map[string]int{}
	for _, name := range all {
		var states []string
		for i := range f.Tenants {
			state := "missing"
			switch {
			case slices.ContainsFunc(f.Unread, func(u facts.Unread) bool {
				return u.Source == facts.SourcePrincipal && u.Object == f.Tenants[i].Name
			}):
				state = "unknown"
			case known[i][name] && spellings[i][name] > 1:
				state = "twice"
			case known[i][name]:
				state = "registered"
			case !hosts[name] && !own[i][name]:
				state = "other"
			case f.Tenants[i].HeldBy[name] != "":
				state = "held"
			}
			states = append(states, state)
		}
		key := strings.Join(states, " ")
		i, seen := rows[key]
		if !seen {
			i = len(r.Names)
			rows[key] = i
			r.Names = append(r.Names, NameRow{States: states})
		}
		r.Names[i].Names = append(r.Names[i].Names, name)
	}
}

// certificates gathers the current and the next OAuth certificate from all servers.
func (r *Report) certificates(f *facts.Facts) {
	for use, thumbprint := range map[string]string{"current": f.Auth.CurrentThumbprint, "next": f.Auth.NextThumbprint} {
		if thumbprint == "" {
			continue
		}
		c := Certificate{Thumbprint: thumbprint, Use: use, Servers: []string{}}
		for _, x := range f.Certificates {
			if strings.EqualFold(x.Thumbprint, thumbprint) {
				c.Servers = append(c.Servers, x.Server)
				c.NotBefore, c.NotAfter = x.NotBefore, x.NotAfter
			}
		}
		if len(c.Servers) == 0 {
			continue // a rule says that no server has it
		}
		for _, s := range f.Servers {
			if !slices.ContainsFunc(c.Servers, func(name string) bool { return strings.EqualFold(name, s.Name) }) {
				c.Lacking = append(c.Lacking, s.Name)
			}
		}
		switch left := c.NotAfter.Sub(r.At); {
		case left <= 0:
			c.State = "ended"
		case left < soon:
			c.State = "soon"
		case r.At.Before(c.NotBefore):
			c.State = "early"
		default:
			c.State = "valid"
		}
		r.Certificates = append(r.Certificates, c)
	}
	slices.SortFunc(r.Certificates, func(a, b Certificate) int { return cmp.Compare(a.Use, b.Use) })
}
