package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var policyUsers = Rule{
	ID:     "policy-users",
	Group:  People,
	Title:  "No person's own authentication policy keeps him from modern authentication, or binds him to it",
	Why:    "A person with BlockModernAuth is not offered tokens and stays on passwords; one with BlockLegacyAuth depends on them, and has no way in before they are offered. OWA and ECP heed no policy.",
	Repair: "give the person another policy, or none: Set-User -AuthenticationPolicy $null. It takes up to 30 minutes",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourcePeople, facts.SourcePolicies, facts.SourceOrganization},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Note, Summary: "people have authentication policies of their own"}
		for i := range f.People {
			p := &f.People[i]
			policy := f.PolicyOf(p)
			if _, piloted := facts.PilotBase(p.Policy); piloted || p.Policy == "" || policy == nil {
				continue // modern-auth-blocked names the pilots
			}
			blocks := func(way string, protocols []string) {
				if len(protocols) > 0 {
					x.Evidence = append(x.Evidence, Evidence{Label(p), "AuthenticationPolicy", policy.Name + ": Block" + way + "Auth " + strings.Join(protocols, ", "), "known and wanted"})
					x.Commands = append(x.Commands, set("User", Label(p), "-AuthenticationPolicy $null"))
				}
			}
			if len(both(policy)) == 0 { // policy-contradiction says so
				blocks("Modern", policy.BlockModern)
				blocks("Legacy", policy.BlockLegacy)
			}
		}
		return spoken(x)
	},
}
