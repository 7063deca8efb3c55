package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var hybridAgent = Rule{
	ID:     "hybrid-agent",
	Group:  Trust,
	Title:  "The hybrid is a classic one, without the Hybrid Agent",
	Why:    "The Hybrid Agent publishes the organisation through Microsoft's application proxy; clients and the AutoDetect service do not come in that way, and Hybrid Modern Authentication is not supported with it.",
	Repair: "run the Hybrid Configuration Wizard for classic hybrid",
	Source: "a later edition of the how-to; Using Hybrid Modern Authentication with Outlook for iOS and Android",
	Needs:  []facts.Source{facts.SourceConnectors, facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var evidence []Evidence
		agent := func(object, property, address string) {
			if strings.HasSuffix(facts.Host(address), proxyDomain) {
				evidence = append(evidence, Evidence{object, property, address, "no name of " + proxyDomain[1:]})
			}
		}
		for _, c := range f.Connectors {
			agent(c.Name, "DiscoveryEndpoint", c.DiscoveryEndpoint)
			agent(c.Name, "TargetSharingEpr", c.TargetSharingEpr)
		}
		for _, a := range f.Addresses() {
			if !a.Kind.Browser() { // application-proxy judges those two
				agent(a.Object, a.Property, a.URL)
			}
		}
		return one("the organisation is published by the Hybrid Agent", evidence)
	},
}
