package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

// When Microsoft's support of the versions ended; from then on only paid updates came.
var (
	end2013 = time.Date(2023, 4, 11, 0, 0, 0, 0, time.UTC)
	end2019 = time.Date(2025, 10, 14, 0, 0, 0, 0, time.UTC) // of 2016 too
)

var endOfSupport = Rule{
	ID:     "end-of-support",
	Group:  Versions,
	Title:  "The servers' version is supported",
	Why:    "Microsoft's support of Exchange Server 2016 and 2019 ended on 2025-10-14, of 2013 on 2023-04-11.",
	Repair: "move to Exchange Server Subscription Edition",
	Source: "Prerequisites to enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceServers},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		var evidence []Evidence
		for _, e := range older(f, facts.BuildSE) {
			if b, _ := facts.ParseBuild(e.Found); now.After(end2019) || now.After(end2013) && !b.AtLeast(facts.Build2016) {
				evidence = append(evidence, e)
			}
		}
		return note("support of the servers' version has ended", evidence)
	},
}
