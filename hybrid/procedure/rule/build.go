package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var buildForBrowsers = Rule{
	ID:     "build-owa-ecp",
	Title:  "Every server is new enough for modern authentication on OWA and ECP",
	Why:    "OWA and ECP take tokens from Exchange Server 2019 CU14 with the April 2024 HU on, and only when all servers do.",
	Repair: "update the servers; until then the plan leaves OWA and ECP as they are",
	Source: "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceServers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var evidence []Evidence
		for _, s := range f.Servers {
			if !s.Build.AtLeast(facts.Build2019CU14Apr) {
				evidence = append(evidence, Evidence{s.Name, "AdminDisplayVersion", s.Build.String(), facts.Build2019CU14Apr.String() + " or later"})
			}
		}
		if evidence == nil {
			return nil
		}
		return []Finding{{Severity: Fault, Summary: "OWA and ECP cannot be put on tokens yet", Evidence: evidence}}
	},
}

// BrowsersPossible tells whether every server's build takes tokens on OWA and ECP.
func BrowsersPossible(f *facts.Facts) bool {
	for _, s := range f.Servers {
		if !s.Build.AtLeast(facts.Build2019CU14Apr) {
			return false
		}
	}
	return len(f.Servers) > 0
}

// When Microsoft's support of the versions ended; from then on only paid updates came.
var (
	end2013 = time.Date(2023, 4, 11, 0, 0, 0, 0, time.UTC)
	end2019 = time.Date(2025, 10, 14, 0, 0, 0, 0, time.UTC) // of 2016 too
)

var endOfSupport = Rule{
	ID:     "end-of-support",
	Title:  "The servers' version is supported",
	Why:    "Microsoft's support of Exchange Server 2016 and 2019 ended on 2025-10-14, of 2013 on 2023-04-11.",
	Repair: "move to Exchange Server Subscription Edition",
	Source: "Prerequisites to enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceServers},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		var evidence []Evidence
		for _, s := range f.Servers {
			switch {
			case s.Build.AtLeast(facts.BuildSE):
			case s.Build.AtLeast(facts.Build2016) && now.After(end2019), now.After(end2013) && !s.Build.AtLeast(facts.Build2016):
				evidence = append(evidence, Evidence{s.Name, "AdminDisplayVersion", s.Build.String(), facts.BuildSE.String() + " or later"})
			}
		}
		if evidence == nil {
			return nil
		}
		return []Finding{{Severity: Note, Summary: "support of the servers' version has ended", Evidence: evidence}}
	},
}
