package rule

import (
	"slices"
	"time"

	"hma/hybrid/procedure/facts"
)

var buildForPolicies = Rule{
	ID:     "build-policies",
	Group:  Versions,
	Title:  "Every server knows the policies that block modern authentication",
	When:   "an authentication policy blocks modern authentication",
	Why:    "BlockModernAuth switches work from Exchange 2019 CU13 on. An older server offers tokens to everybody, whatever the policy says, so that a staged roll-out is none there.",
	Repair: "update the servers before people are moved in stages",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceServers, facts.SourcePolicies},
	applies: func(f *facts.Facts) bool {
		return slices.ContainsFunc(f.Policies, func(p facts.Policy) bool { return len(p.BlockModern) > 0 })
	},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		return one("servers do not know policies that block modern authentication", TooOldForPolicies(f))
	},
}

// TooOldForPolicies are the servers that offer tokens whatever a policy says: with one of them there is no pilot.
func TooOldForPolicies(f *facts.Facts) []Evidence { return older(f, facts.Build2019CU13) }
