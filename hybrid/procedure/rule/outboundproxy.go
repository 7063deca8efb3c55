package rule

import (
	"cmp"
	"time"

	"hma/hybrid/procedure/facts"
)

var outboundProxy = Rule{
	ID:     "outbound-proxy",
	Group:  Trust,
	Title:  "All servers reach the cloud the same way",
	Why:    "Servers fetch the cloud's signing keys through InternetWebProxy. Where some servers have one and others do not, one of the two ways is most likely closed, and that server refuses tokens when keys roll.",
	Repair: "set the same web proxy on every server",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceServers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Fault, Summary: "servers reach the internet in different ways"}
		wanted := ""
		for _, s := range f.Servers {
			wanted = cmp.Or(wanted, s.Proxy)
		}
		for _, s := range f.Servers {
			if s.Proxy != wanted {
				x.Evidence = append(x.Evidence, Evidence{s.Name, "InternetWebProxy", s.Proxy, wanted})
				x.Commands = append(x.Commands, set("ExchangeServer", s.Name, "-InternetWebProxy "+quote(wanted)))
			}
		}
		return spoken(x)
	},
}
