package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var autodiscoverNames = Rule{
	ID:     "autodiscover-names",
	Group:  Names,
	Title:  "autodiscover.<domain> is a service principal name for every mail domain of the tenant",
	Why:    "Outside the network a client tries autodiscover.<domain> of the mail address and asks the cloud for a token for that host, whatever the service connection point says.",
	Repair: "append the missing https names to the Exchange service principal",
	Source: "Add on-premises web service URLs as SPNs in Microsoft Entra ID",
	Needs:  []facts.Source{facts.SourceDomains, facts.SourceDirectories, facts.SourceServices, facts.SourcePrincipal, facts.SourceTenant},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		urls := map[string]bool{} // hosts that URLs have are spn-list's
		for _, a := range f.Addresses() {
			urls[facts.Resource(a.URL)] = true
		}
		var out []Finding
		for i := range f.Tenants {
			t := &f.Tenants[i]
			var hosts []facts.Address
			for _, a := range f.DiscoverHosts(t) {
				if !urls[facts.Resource(a.URL)] {
					hosts = append(hosts, a)
				}
			}
			out = append(out, unregistered(f, t, hosts)...)
		}
		return out
	},
}
