package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var exchangeOnline = Rule{
	ID:     "oauth-exchange-online",
	Group:  Trust,
	Title:  "OAuth between Exchange and Exchange Online is set up",
	Why:    "Free/busy, mailbox moves and the mail of Outlook for iOS and Android go between the two as tokens. The how-to wants it before OWA and ECP go on tokens.",
	Repair: "run the Hybrid Configuration Wizard",
	Source: "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceConnectors, facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		if withExchangeOnline(f) {
			return nil
		}
		x := Finding{Severity: Note, Summary: "OAuth between Exchange and Exchange Online is not set up", Evidence: []Evidence{
			{"Get-AuthServer", "Type", "none is MicrosoftACS", "ACS - <GUID>"}, {"Get-IntraOrganizationConnector", "Name", "none", "HybridIOC - <GUID>"}}}
		if browsersOn(f) {
			x.Severity = Fault
		}
		return []Finding{x}
	},
}

// withExchangeOnline tells whether any part of OAuth with Exchange Online is there:
// the other rules about it then judge the rest.
func withExchangeOnline(f *facts.Facts) bool {
	for _, a := range f.AuthServers {
		if a.ACS() {
			return true
		}
	}
	return len(f.Connectors) > 0
}
