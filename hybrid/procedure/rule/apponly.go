package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var appOnly = Rule{
	ID:     "app-only-accounts",
	Group:  People,
	Title:  "Every partner application has rights to act with",
	Why:    "An application that comes in its own name (EWS) acts with the rights of its linked account, or with its app-only permissions. One with neither is refused (2000008, or 403).",
	Repair: "give it a linked account with the roles that it needs, or app-only permissions",
	Source: "Protocols that work with Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourcePartners},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Note, Summary: "applications have no rights of their own"}
		for _, p := range f.Partners {
			if p.Enabled && p.LinkedAccount == "" && len(p.AppOnly) == 0 && len(p.ActAs) == 0 {
				x.Evidence = append(x.Evidence, Evidence{p.Name, "LinkedAccount, AppOnlyPermissions", "none", "one of them"})
				x.Commands = append(x.Commands, set("PartnerApplication", p.Name, "-LinkedAccount <account>"))
			}
		}
		return spoken(x)
	},
}
