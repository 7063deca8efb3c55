package rule

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var ambiguous = Rule{
	ID:     "ambiguous-identities",
	Group:  People,
	Title:  "No name or address is two people's",
	Why:    "A token that carries no SID is matched by name and address. Where two people have one, the server refuses both (2000005, the user is ambiguous).",
	Repair: "take the name or the address from one of the two",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourcePeople, facts.SourceMailboxes},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Fault, Summary: "a name or an address is two people's"}
		for name, owners := range shared(f) {
			x.Evidence = append(x.Evidence, Evidence{name, "userPrincipalName, EmailAddresses", strings.Join(owners, ", "), "one person"})
		}
		slices.SortFunc(x.Evidence, func(a, b Evidence) int { return strings.Compare(a.Object, b.Object) })
		return spoken(x)
	},
}

// shared returns the accounts that have a name or an address, by the name, where there is more than one.
func shared(f *facts.Facts) map[string][]string {
	owners := map[string][]string{}
	for _, p := range f.People {
		for _, name := range append(slices.Clone(p.Addresses), strings.ToLower(p.UPN)) {
			if name != "" && !slices.Contains(owners[name], p.Account) {
				owners[name] = append(owners[name], p.Account)
			}
		}
	}
	maps.DeleteFunc(owners, func(_ string, list []string) bool { return len(list) < 2 })
	return owners
}
