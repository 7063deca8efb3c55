package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

// Loss is what a person loses when Hybrid Modern Authentication is on everywhere, and why.
type Loss struct {
	Person        string   `json:"person"`
	Administrator bool     `json:"administrator,omitempty"`
	Ways          []string `json:"ways"` // Outlook, phones, OWA, ECP
	Reason        string   `json:"reason"`
}

// Losses returns who loses access, administrators first, with the reason.
func Losses(f *facts.Facts) []Loss {
	twice := map[string]bool{}
	for _, owners := range shared(f) {
		for _, account := range owners {
			twice[account] = true
		}
	}
	forest := linkedWithoutOverride(f)
	var all []Loss
	for i := range f.People {
		p := &f.People[i]
		lose := func(reason string, ways ...string) {
			if len(ways) > 0 {
				all = append(all, Loss{Label(p), p.Administrator, ways, reason})
			}
		}
		if !p.Synced {
			lose(p.Problem, "Outlook", "phones", "OWA", "ECP")
			continue
		}
		if twice[p.Account] && p.SID == "" {
			lose("his name or address is somebody else's too", "Outlook", "phones", "OWA", "ECP")
			continue
		}
		if policy := f.PolicyOf(p); policy != nil {
			var ways []string
			closed := both(policy)
			for _, w := range []struct{ protocol, way string }{{"Mapi", "Outlook"}, {"ActiveSync", "phones"}} {
				if slices.Contains(closed, w.protocol) {
					ways = append(ways, w.way)
				}
			}
			lose("the policy "+policy.Name+" blocks both ways in", ways...)
		}
		if p.Linked && forest {
			lose("the mailbox is linked, and servers do not look for its master account", "OWA", "ECP")
		}
	}
	return all
}

var whoLoses = Rule{
	ID:     "who-loses-access",
	Group:  People,
	Title:  "Nobody loses access",
	Why:    "What the other rules say about accounts, added up for each person: what no longer opens when tokens are the only way in, and why.",
	Repair: "repair what the reason says, or tell the person before the switch",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourcePeople, facts.SourceRoles, facts.SourceUsers, facts.SourceMailboxes, facts.SourcePolicies, facts.SourceOverrides},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		losses := Losses(f)
		var evidence []Evidence
		for _, l := range losses {
			evidence = append(evidence, Evidence{Object: l.Person, Property: "loses " + strings.Join(l.Ways, ", "), Found: l.Reason})
		}
		return note(fmt.Sprintf("%d of %d people lose access in some way", len(losses), len(f.People)), evidence)
	},
}
