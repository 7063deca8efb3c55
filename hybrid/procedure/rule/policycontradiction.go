package rule

import (
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var policyContradiction = Rule{
	ID:     "policy-contradiction",
	Group:  People,
	Title:  "No authentication policy blocks both ways in",
	Why:    "A policy that blocks legacy and modern authentication of a protocol leaves nobody a way in to whom it applies.",
	Repair: "take one of the two from the policy",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourcePolicies},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Policies {
			p := &f.Policies[i]
			if closed := both(p); closed != nil {
				out = append(out, one("the policy "+p.Name+" blocks both ways in",
					[]Evidence{{p.Name, "BlockLegacyAuth, BlockModernAuth", strings.Join(closed, ", "), "one of them at most"}}, unblock(p, "Modern", closed))...)
			}
		}
		return out
	},
}

// both returns the protocols that a policy closes to everybody.
func both(p *facts.Policy) []string {
	var closed []string
	for _, protocol := range p.BlockModern {
		if slices.Contains(p.BlockLegacy, protocol) {
			closed = append(closed, protocol)
		}
	}
	return closed
}
