package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var people = Rule{
	ID:     "users-synchronised",
	Title:  "Everybody with a mailbox is synchronised with the tenant",
	Why:    "Who has no account in the tenant gets no token, and after the switch cannot open his mailbox with modern authentication, OWA or ECP.",
	Repair: "synchronise the account, or accept that it loses access",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourcePeople, facts.SourceRoles, facts.SourceUsers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var evidence []Evidence
		for _, p := range f.People {
			if !p.Administrator && !p.Critical && !p.Synced {
				evidence = append(evidence, Evidence{Label(&p), "account in the tenant", p.Problem, "synchronised"})
			}
		}
		if evidence == nil {
			return nil
		}
		return []Finding{{Severity: Fault, Summary: fmt.Sprintf("%d of %d people would lose access", len(evidence), len(f.People)), Evidence: evidence}}
	},
}

var administrators = Rule{
	ID:     "administrators-synchronised",
	Title:  "Administrators are synchronised with the tenant",
	Why:    "After OWA and ECP are on tokens, an administrator without an account in the tenant cannot sign in to them. The built-in Administrator never has one (isCriticalSystemObject).",
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
			out = append(out, Finding{Severity: Fault, Summary: "no administrator is synchronised: nobody could administer with a browser after the switch",
				Evidence: []Evidence{{"Organization Management", "synchronised members", "none", "at least one"}}})
		}
		for _, p := range f.People {
			if !p.Administrator || p.Synced {
				continue
			}
			severity := Fault
			summary := Label(&p) + " administers and could not sign in after the switch"
			if p.Critical && proven && browsersOnTokens(f) {
				severity = Note
				summary = Label(&p) + " cannot sign in to OWA and ECP; another administrator has been seen to"
			}
			out = append(out, Finding{Severity: severity, Summary: summary,
				Evidence: []Evidence{{Label(&p), "account in the tenant", p.Problem, "synchronised"}}})
		}
		return out
	},
}

// Label names a person as an administrator would: the UPN, else the account.
func Label(p *facts.Person) string { return cmp.Or(p.UPN, p.Account, p.Name) }

// browsersOnTokens tells whether OWA and ECP of every server take tokens and nothing that the how-to turns off.
func browsersOnTokens(f *facts.Facts) bool {
	for _, s := range f.Servers {
		for _, kind := range []facts.Kind{facts.Owa, facts.Ecp} {
			d := f.Directory(s.Name, kind)
			if d == nil || !d.Live.OAuth || d.Live.Legacy() {
				return false
			}
		}
	}
	return len(f.Servers) > 0
}
