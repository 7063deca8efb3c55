package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var buildForHMA = Rule{
	ID:     "build-hma",
	Group:  Versions,
	Title:  "Every server is new enough for Hybrid Modern Authentication",
	Why:    "It is organisation-wide. A server that cannot do OAuth behind the same name (Exchange 2010, 2013 before CU19, 2016 before CU8, 2019 before CU1) leaves its mailboxes disconnected.",
	Repair: "update the server, or take it out of the organisation",
	Source: "a later edition of the how-to; Hybrid Modern Authentication overview and prerequisites",
	Needs:  []facts.Source{facts.SourceServers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Fault, Blocks: true, Summary: "servers are too old for Hybrid Modern Authentication"}
		for _, s := range f.Servers {
			if want := minimum(s.Build); !s.Build.AtLeast(want) {
				x.Evidence = append(x.Evidence, Evidence{s.Name, "AdminDisplayVersion", s.Build.String(), want.String() + " or later"})
			}
		}
		return spoken(x)
	},
}

// minimum returns the oldest build of the server's product that does Hybrid Modern Authentication.
func minimum(b facts.Build) facts.Build {
	switch {
	case b.AtLeast(facts.Build2019):
		return facts.Build2019CU1
	case b.AtLeast(facts.Build2016):
		return facts.Build2016CU8
	}
	return facts.Build2013CU19
}
