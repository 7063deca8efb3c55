package rule

import (
	"maps"
	"slices"
	"time"

	"hma/hybrid/procedure/facts"
)

var nameHeldElsewhere = Rule{
	ID:     "spn-held-elsewhere",
	Group:  Names,
	Title:  "No other application of the tenant has a name that Exchange needs",
	Why:    "A service principal name belongs to one object. While another application has it, Graph refuses to give it to Exchange, and tokens for that host are the other application's.",
	Repair: "take the name from the other application, if nothing needs it there, then plan again; or give the virtual directory another host name",
	Source: "Add on-premises web service URLs as SPNs in Microsoft Entra ID",
	Needs:  []facts.Source{facts.SourceDirectories, facts.SourceServices, facts.SourcePrincipal, facts.SourceNameOwners},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Tenants {
			t := &f.Tenants[i]
			for _, name := range slices.Sorted(maps.Keys(t.HeldBy)) {
				out = append(out, one(name+" belongs to another application"+in(f, t),
					[]Evidence{{t.HeldBy[name], "servicePrincipalNames", name, "on the Exchange service principal"}})...)
			}
		}
		return out
	},
}
