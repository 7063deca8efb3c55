package rule

import (
	"fmt"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var modernAuthBlocked = Rule{
	ID:     "modern-auth-blocked",
	Group:  People,
	Title:  "The default authentication policy does not block modern authentication",
	Why:    "A default policy with BlockModernAuth switches keeps the offer from everybody who has no policy of his own (x-ms-diagnostics 4000000).",
	Repair: "when the pilot is over, hma plan without --pilot offers tokens to everybody; where somebody blocked them by hand, change the policy, or give people another one",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceOrganization, facts.SourcePolicies},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		p := f.PolicyOf(&facts.Person{})
		if p == nil || len(p.BlockModern) == 0 {
			return nil
		}
		if base, begun := facts.LaterBase(p.Name); begun {
			return pilot(f, p, base)
		}
		return note("the default authentication policy blocks modern authentication",
			[]Evidence{{p.Name, "BlockModernAuth", strings.Join(p.BlockModern, ", "), "none"}}, unblock(p, "Modern", p.BlockModern))
	},
}

// pilot says that a pilot is on its way, and who is in it.
func pilot(f *facts.Facts, later *facts.Policy, base string) []Finding {
	evidence := []Evidence{{f.Organization.Name, "DefaultAuthenticationPolicy", later.Name, "as it is until the pilot is over"}}
	pilots, _ := f.Pilots()
	for _, p := range pilots {
		evidence = append(evidence, Evidence{Label(p), "AuthenticationPolicy", p.Policy, ""})
	}
	to := "$null"
	if base != "" {
		to = quote(base)
	}
	return note(fmt.Sprintf("a pilot is on its way: tokens are for %d of %d people", len(pilots), len(f.People)), evidence,
		"Set-OrganizationConfig -DefaultAuthenticationPolicy "+to)
}

// unblock is the command that turns a policy's switches off.
func unblock(p *facts.Policy, way string, protocols []string) string {
	var switches []string
	for _, protocol := range protocols {
		switches = append(switches, "-Block"+way+"Auth"+protocol+":$false")
	}
	return set("AuthenticationPolicy", p.Name, strings.Join(switches, " "))
}
