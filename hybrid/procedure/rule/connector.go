package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var connector = Rule{
	ID:      "intra-organization-connector",
	Group:   Trust,
	Title:   "An enabled connector leads to Exchange Online",
	When:    "OAuth with Exchange Online is set up",
	Why:     "The connector says for which domains Exchange asks Exchange Online, and where. An enabled one that matches leaves no way back to the older federation.",
	Repair:  "enable the connector, or run the Hybrid Configuration Wizard",
	Source:  "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:   []facts.Source{facts.SourceAuthServers, facts.SourceConnectors},
	applies: withExchangeOnline,
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Fault, Summary: "no enabled connector leads to Exchange Online"}
		for _, c := range f.Connectors {
			if c.Enabled && strings.HasPrefix(strings.ToLower(c.DiscoveryEndpoint), "https://") && len(c.Domains) > 0 {
				return nil
			}
			if !c.Enabled {
				x.Evidence = append(x.Evidence, Evidence{c.Name, "Enabled", "False", "True"})
				x.Commands = append(x.Commands, set("IntraOrganizationConnector", c.Name, "-Enabled $true"))
			} else {
				x.Evidence = append(x.Evidence, Evidence{c.Name, "DiscoveryEndpoint, TargetAddressDomains", c.DiscoveryEndpoint + " {" + strings.Join(c.Domains, ", ") + "}", "an https address and the tenant's mail domain"})
			}
		}
		if x.Evidence == nil {
			x.Evidence = []Evidence{{"Get-IntraOrganizationConnector", "Name", "none", "HybridIOC - <GUID>"}}
		}
		return spoken(x)
	},
}
