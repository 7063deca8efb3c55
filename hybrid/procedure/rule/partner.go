package rule

import (
	"fmt"
	"time"

	"hma/hybrid/procedure/facts"
	"hma/wire/wellknown"
)

var partnerApplication = Rule{
	ID:      "partner-application",
	Group:   Trust,
	Title:   "Exchange Online is an enabled partner application",
	When:    "OAuth with Exchange Online is set up",
	Why:     "Its rights here are those of the partner application with Exchange's id. Disabled, Exchange Online is refused although its token is good (2000009).",
	Repair:  "enable the partner application, or run the Hybrid Configuration Wizard",
	Source:  "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:   []facts.Source{facts.SourceAuthServers, facts.SourceConnectors, facts.SourcePartners},
	applies: withExchangeOnline,
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		for _, p := range f.Partners {
			if p.AppID != wellknown.Exchange {
				continue
			}
			if p.Enabled && p.UseAuthServer {
				return nil
			}
			return one("the partner application of Exchange Online does not work",
				[]Evidence{{p.Name, "Enabled, UseAuthServer", fmt.Sprint(p.Enabled, ", ", p.UseAuthServer), "true, true"}},
				set("PartnerApplication", p.Name, "-Enabled $true"))
		}
		return one("Exchange Online is no partner application", []Evidence{{"Get-PartnerApplication", "ApplicationIdentifier", "none", wellknown.Exchange}},
			"New-PartnerApplication -Name 'Exchange Online' -ApplicationIdentifier "+wellknown.Exchange+" -Enabled $true -AcceptSecurityIdentifierInformation $false")
	},
}
