package rule

import (
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var administrators = Rule{
	ID:     "administrators-synchronised",
	Group:  People,
	Title:  "Administrators are synchronised with a tenant",
	Why:    "After OWA and ECP are on tokens, an administrator without an account in a tenant cannot sign in to them. The built-in Administrator never has one (isCriticalSystemObject).",
	Repair: "administer with a synchronised account; enable asks one of them to sign in before it touches OWA and ECP",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceDirectories, facts.SourcePeople, facts.SourceRoles, facts.SourceUsers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		able := false
		proven := false
		var out []Finding
		for _, p := range f.People {
			able = able || p.Administrator && p.Synced
			proven = proven || p.Administrator && p.Synced && slices.ContainsFunc(f.Proven, func(upn string) bool {
				return strings.EqualFold(upn, p.Cloud)
			})
		}
		if !able {
			out = one("no administrator is synchronised: nobody could administer with a browser after the switch",
				[]Evidence{{"Organization Management", "synchronised members", "none", "at least one"}})
		}
		for _, p := range f.People {
			if !p.Administrator || p.Synced {
				continue
			}
			severity := Fault
			summary := Label(&p) + " administers and could not sign in after the switch"
			if p.Critical && proven && browsersOn(f) {
				severity = Note
				summary = Label(&p) + " cannot sign in to OWA and ECP; another administrator has been seen to"
			}
			out = append(out, Finding{Severity: severity, Summary: summary,
				Evidence: []Evidence{{Label(&p), "account in the tenant", p.Problem, "synchronised"}}})
		}
		return out
	},
}
