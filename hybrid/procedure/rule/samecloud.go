package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var sameCloud = Rule{
	ID:      "same-cloud",
	Group:   Trust,
	Title:   "All tenants are in one cloud",
	When:    "several tenants",
	Why:     "There is one default authorization endpoint, and a tenant of another cloud (China, US government) cannot be signed in to there.",
	Repair:  "keep tenants of one cloud in this organisation",
	Source:  "a later edition of the how-to",
	Needs:   []facts.Source{facts.SourceAuthServers},
	applies: severalTenants,
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		first := ""
		var evidence []Evidence
		for _, a := range f.AuthServers {
			if !a.EvoSTS() || !a.Enabled {
				continue
			}
			host := facts.Host(a.AuthorizationEndpoint)
			if first == "" {
				first = host
			}
			if host != first {
				evidence = append(evidence, Evidence{a.Name, "AuthorizationEndpoint", a.AuthorizationEndpoint, "the cloud at " + first})
			}
		}
		return one("the tenants are in different clouds", evidence)
	},
}
