package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var buildForTenants = Rule{
	ID:      "build-several-tenants",
	Group:   Versions,
	Title:   "Every server is new enough for several tenants",
	When:    "several tenants",
	Why:     "Several EvoSTS objects work from Exchange 2016 CU18 and 2019 CU7 on, whose Set-AuthServer has -DomainName.",
	Repair:  "update the servers",
	Source:  "Enable HMA",
	Needs:   []facts.Source{facts.SourceServers},
	applies: severalTenants,
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Fault, Blocks: true, Summary: "servers are too old for more than one tenant"}
		for _, s := range f.Servers {
			if !s.Build.TakesDomainName() && s.Build.AtLeast(minimum(s.Build)) {
				x.Evidence = append(x.Evidence, Evidence{s.Name, "AdminDisplayVersion", s.Build.String(), facts.Build2016CU18.String() + " or " + facts.Build2019CU7.String() + " or later"})
			}
		}
		return spoken(x)
	},
}
