package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var autodiscoverSCP = Rule{
	ID:     "autodiscover-scp",
	Group:  Names,
	Title:  "Every server has a service connection point for Autodiscover",
	Why:    "Members of the domain find Autodiscover by AutoDiscoverServiceInternalUri. A server without one, or with another host than the rest, sends some of them elsewhere.",
	Repair: "set the same URL on every server, unless clients are meant not to find one",
	Source: "Add on-premises web service URLs as SPNs in Microsoft Entra ID",
	Needs:  []facts.Source{facts.SourceServices},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Note, Summary: "service connection points for Autodiscover are missing or differ"}
		first := ""
		for _, s := range f.Services {
			host := facts.Host(s.AutoDiscoverServiceInternalURI)
			if first == "" {
				first = host
			}
			if host == "" || host != first {
				x.Evidence = append(x.Evidence, Evidence{s.Server, "AutoDiscoverServiceInternalUri", s.AutoDiscoverServiceInternalURI, "the same host on every server"})
				x.Commands = append(x.Commands, set("ClientAccessService", s.Server, "-AutoDiscoverServiceInternalUri https://HOST/Autodiscover/Autodiscover.xml"))
			}
		}
		return spoken(x)
	},
}
