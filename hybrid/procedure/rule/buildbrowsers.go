package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var buildForBrowsers = Rule{
	ID:     "build-owa-ecp",
	Group:  Versions,
	Title:  "Every server is new enough for modern authentication on OWA and ECP",
	Why:    "OWA and ECP take tokens from Exchange Server 2019 CU14 with the April 2024 HU on, and only when all servers do.",
	Repair: "update the servers; until then the plan leaves OWA and ECP as they are",
	Source: "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceServers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		return one("OWA and ECP cannot be put on tokens yet", older(f, facts.Build2019CU14Apr))
	},
}

// older returns the servers whose build is older than want.
func older(f *facts.Facts, want facts.Build) []Evidence {
	var evidence []Evidence
	for _, s := range f.Servers {
		if !s.Build.AtLeast(want) {
			evidence = append(evidence, Evidence{s.Name, "AdminDisplayVersion", s.Build.String(), want.String() + " or later"})
		}
	}
	return evidence
}

// BrowsersPossible tells whether OWA and ECP can go on tokens: every server's build
// does it, and in a resource forest servers look for the owners of linked mailboxes,
// who would all be locked out otherwise.
func BrowsersPossible(f *facts.Facts) bool {
	return len(f.Servers) > 0 && older(f, facts.Build2019CU14Apr) == nil && !linkedWithoutOverride(f)
}
