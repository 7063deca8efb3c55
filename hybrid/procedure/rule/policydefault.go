package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var modernAuthBlocked = Rule{
	ID:     "modern-auth-blocked",
	Group:  People,
	Title:  "The default authentication policy does not block modern authentication",
	Why:    "A default policy with BlockModernAuth switches keeps the offer from everybody who has no policy of his own (x-ms-diagnostics 4000000).",
	Repair: "change the policy, or give people another one, when the staged roll-out is over",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceOrganization, facts.SourcePolicies},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		p := f.PolicyOf(&facts.Person{})
		if p == nil || len(p.BlockModern) == 0 {
			return nil
		}
		return note("the default authentication policy blocks modern authentication",
			[]Evidence{{p.Name, "BlockModernAuth", strings.Join(p.BlockModern, ", "), "none"}}, unblock(p, "Modern", p.BlockModern))
	},
}

// unblock is the command that turns a policy's switches off.
func unblock(p *facts.Policy, way string, protocols []string) string {
	var switches []string
	for _, protocol := range protocols {
		switches = append(switches, "-Block"+way+"Auth"+protocol+":$false")
	}
	return set("AuthenticationPolicy", p.Name, strings.Join(switches, " "))
}
