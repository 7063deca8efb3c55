package rule

import (
	"slices"
	"time"

	"hma/hybrid/procedure/facts"
)

// Severity says what a Finding asks for.
type Severity string

// The severities, worst first.
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
	Source   string     `json:"source"` // heading of the how-to
	// Blocks tells that nothing should be changed before this is repaired by hand.
	Blocks bool `json:"blocks,omitempty"`
}

// Rule is one rule of the procedure.
type Rule struct {
	ID     string
	Title  string
	Why    string
	Repair string
	Source string
	// Needs are the sources without which the rule cannot judge.
	Needs []facts.Source
	judge func(f *facts.Facts, now time.Time) []Finding
}

// All are the rules in the order of the how-to.
func All() []Rule {
	return []Rule{
		servicePrincipalNames, oauthMethods, evoSTS, metadata, oauthCertificate, people, administrators, autoDetect,
		authorizationEndpoint, clientProfile, modernAuthBlocked, mapiHTTP, buildForBrowsers, replyURLs, browserMethods, endOfSupport, outsideHMA,
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

// Judge runs every rule over the facts.
func Judge(f *facts.Facts, now time.Time) []Finding {
	var out []Finding
	for _, r := range All() {
		var missing []Evidence
		for _, s := range r.Needs {
			for _, u := range f.Unread {
				e := Evidence{Object: u.Object, Property: string(s), Found: u.Problem}
				if u.Source == s && !slices.Contains(missing, e) { // directory and live values fail alike
					missing = append(missing, e)
				}
			}
		}
		var found []Finding
		if len(missing) > 0 {
			found = []Finding{{Severity: NotChecked, Summary: "what this rule judges could not be read", Evidence: missing}}
		} else {
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
	return out
}
