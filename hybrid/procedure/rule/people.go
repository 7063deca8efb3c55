package rule

import (
	"cmp"
	"fmt"
	"time"

	"hma/hybrid/procedure/facts"
)

var people = Rule{
	ID:     "users-synchronised",
	Group:  People,
	Title:  "Everybody with a mailbox is synchronised with a tenant",
	Why:    "Who has no account in a tenant gets no token, and after the switch cannot open his mailbox with modern authentication, OWA or ECP.",
	Repair: "synchronise the account, or accept that it loses access",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourcePeople, facts.SourceRoles, facts.SourceUsers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var evidence []Evidence
		for _, p := range f.People {
			if !p.Administrator && !p.Critical && !p.Synced {
				evidence = append(evidence, Evidence{Label(&p), "account in the tenant", p.Problem, "synchronised"})
			}
		}
		return one(fmt.Sprintf("%d of %d people would lose access", len(evidence), len(f.People)), evidence)
	},
}

// Label names a person as an administrator would: the UPN, else the account.
func Label(p *facts.Person) string { return cmp.Or(p.UPN, p.Account, p.Name) }
