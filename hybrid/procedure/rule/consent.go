package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var clientConsent = Rule{
	ID:     "client-consent",
	Group:  WebAndPhone,
	Title:  "The tenant has consented to the phones' own mail clients",
	Why:    "Mail of iOS and macOS signs in as Apple Internet Accounts, which is not Microsoft's: without an administrator's consent people are asked for one that they may not give (AADSTS90094, AADSTS65001).",
	Repair: "consent for everybody as an administrator, where people use the phones' own mail clients",
	Source: "Microsoft Entra: consent to applications",
	Needs:  []facts.Source{facts.SourcePrincipal, facts.SourceGrants},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var evidence []Evidence
		for _, t := range f.Tenants {
			for _, name := range t.Unconsented {
				evidence = append(evidence, Evidence{t.Name, name, "no consent to EAS.AccessAsUser.All for everybody", "an administrator's consent"})
			}
		}
		return note("clients of phones need an administrator's consent", evidence)
	},
}
