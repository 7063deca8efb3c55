package rule

import (
	"slices"
	"time"

	"hma/hybrid/procedure/facts"
)

// Severity says what a Finding asks for.
type Severity string

// The severities.
const (
	// NotChecked: asked and could not read; nothing is known.
	NotChecked Severity = "not checked"
	// Fault: something is wrong.
	Fault Severity = "finding"
	// Note: good to know; nothing is wrong.
	Note Severity = "note"
)

// Evidence is one property of one object that made the rule speak.
type Evidence struct {
	Object   string `json:"object"`
	Property string `json:"property"`
	Found    string `json:"found"`
	Wanted   string `json:"wanted,omitempty"`
}

// Finding is what a rule has to say.
type Finding struct {
	Rule     string     `json:"rule"`
	Title    string     `json:"title"`
	Severity Severity   `json:"severity"`
	Summary  string     `json:"summary"` // one sentence about this organisation
	Evidence []Evidence `json:"evidence,omitempty"`
	Why      string     `json:"why"`
	Repair   string     `json:"repair"` // the step of the procedure, or what a person has to do
	// Commands repair it in the management shell, in this order; none where no command can.
	Commands []string `json:"commands,omitempty"`
	Source   string   `json:"source"` // heading of the how-to, or where else it is written
	// Blocks tells that nothing should be changed before this is repaired by hand.
	Blocks bool `json:"blocks,omitempty"`
	// Kind says why a note is one: Pending or NotGiven; "" otherwise.
	Kind Kind `json:"kind,omitempty"`
}

// Kind is a kind of note.
type Kind string

// The kinds of notes that say nothing about the organisation itself.
const (
	// Pending: Hybrid Modern Authentication is not enabled yet, and the plan does this.
	Pending Kind = "pending"
	// NotGiven: an input that nobody has to give was not given, so this was not checked.
	NotGiven Kind = "not given"
)

// Group is the part of the organisation that a rule is about.
type Group string

// The groups, in the order of the page of rules.
const (
	Names       Group = "Names"
	Directories Group = "Virtual directories"
	Trust       Group = "Trust"
	Versions    Group = "Versions"
	People      Group = "People"
	WebAndPhone Group = "Web and phones"
)

// Rule is one rule of the procedure.
type Rule struct {
	ID    string
	Group Group
	Title string
	// When says in words to which organisations the rule applies, "" for all: the versions, the topology, the features.
	When string
	Why  string
	// Repair is what a person does; findings carry the commands with the names of this organisation's objects.
	Repair string
	Source string
	// Needs are the sources without which the rule cannot judge.
	Needs []facts.Source
	// applies decides When; nil is always.
	applies func(f *facts.Facts) bool
	judge   func(f *facts.Facts, now time.Time) []Finding
}

// All are the rules, group by group.
func All() []Rule {
	return []Rule{
		servicePrincipalNames, autodiscoverNames, nameHeldElsewhere, nameDuplicates, replyURLs, urlsPresent, autodiscoverSCP,
		oauthMethods, directoryDrift, mapiMethods, activeSyncCertificate, browserMethods, applicationProxy, sslOffloading,
		evoSTS, metadataURL, metadata, keysFresh, sameCloud, authorizationEndpoint, domainName, clientProfile, oauthCertificate, nextCertificate,
		exchangeOnline, acs, partnerApplication, connector, certificateUploaded, dedicatedApp, sharedKeys, answers, clock, outboundProxy, hybridAgent,
		buildForHMA, buildForBrowsers, buildForTenants, buildForPolicies, uniformBuilds, endOfSupport, mapiHTTP, mapiHTTPMailboxes, snapshotAge,
		people, administrators, names, ambiguous, linkedMailboxes, modernAuthBlocked, policyUsers, policyContradiction, whoLoses, legacyClients, appOnly, outsideHMA,
		downloadDomains, clientConsent, autoDetect,
	}
}

// Find returns the rule with the id.
func Find(id string) (Rule, bool) {
	all := All()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// Judge runs every rule over the facts: faults first, then what was not checked, then notes.
func Judge(f *facts.Facts, now time.Time) []Finding {
	var out []Finding
	for _, r := range All() {
		found := r.unread(f)
		if found == nil && (r.applies == nil || r.applies(f)) {
			found = r.judge(f, now)
		}
		for _, x := range found {
			x.Rule, x.Title, x.Why, x.Source = r.ID, r.Title, r.Why, r.Source
			if x.Repair == "" {
				x.Repair = r.Repair
			}
			out = append(out, x)
		}
	}
	order := []Severity{Fault, NotChecked, Note}
	slices.SortStableFunc(out, func(a, b Finding) int { return slices.Index(order, a.Severity) - slices.Index(order, b.Severity) })
	return out
}

// unread says that the rule cannot judge, nil when all that it needs was read.
func (r *Rule) unread(f *facts.Facts) []Finding {
	var missing []Evidence
	asked := false
	for _, s := range r.Needs {
		for _, u := range f.Unread {
			e := Evidence{Object: u.Object, Property: string(s), Found: u.Problem}
			if u.Source == s && !slices.Contains(missing, e) { // directory and live values fail alike
				missing = append(missing, e)
				asked = asked || !u.NotGiven
			}
		}
	}
	if missing == nil {
		return nil
	}
	if !asked {
		return []Finding{{Severity: Note, Kind: NotGiven, Summary: "not checked: only a server that can be reached tells", Evidence: missing}}
	}
	return []Finding{{Severity: NotChecked, Summary: "what this rule judges could not be read", Evidence: missing}}
}

// severalTenants decides When: "several tenants".
func severalTenants(f *facts.Facts) bool { return len(f.Tenants) > 1 }

// in names the tenant where there is more than one.
func in(f *facts.Facts, t *facts.Tenant) string {
	if len(f.Tenants) < 2 {
		return ""
	}
	return " in " + t.Name
}

// one returns a single fault, or nil without evidence.
func one(summary string, evidence []Evidence, commands ...string) []Finding {
	return spoken(Finding{Severity: Fault, Summary: summary, Evidence: evidence, Commands: commands})
}

// note returns a single note, or nil without evidence.
func note(summary string, evidence []Evidence, commands ...string) []Finding {
	return spoken(Finding{Severity: Note, Summary: summary, Evidence: evidence, Commands: commands})
}

func spoken(x Finding) []Finding {
	if len(x.Evidence) == 0 {
		return nil
	}
	return []Finding{x}
}

// Enabled tells whether Hybrid Modern Authentication is on for mail clients.
func Enabled(f *facts.Facts) bool {
	a := f.EvoSTS()
	return a != nil && a.IsDefaultAuthorizationEndpoint && f.Organization.OAuth2ClientProfileEnabled
}

// browsersOn tells whether OWA or ECP of any server takes tokens.
func browsersOn(f *facts.Facts) bool {
	return slices.ContainsFunc(f.Directories, func(d facts.Directory) bool { return d.Kind.Browser() && d.Live.OAuth })
}
