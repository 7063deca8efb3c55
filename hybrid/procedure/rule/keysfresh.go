package rule

import (
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var keysFresh = Rule{
	ID:     "evosts-keys",
	Group:  Trust,
	Title:  "The organisation holds the signing keys that the cloud publishes",
	Why:    "Keys roll. Exchange fetches them every 8 hours; where it does not (no way out, no organisation mailbox), tokens signed with a new key are refused with 2000000, all at once.",
	Repair: "refresh the metadata, and find out why the servers did not: proxy, firewall, the arbitration mailbox with OrganizationCapabilityManagement",
	Source: "Confirm the EvoSTS Auth Server Object is Present",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceMetadata},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for _, a := range f.AuthServers {
			var missing []string
			for _, key := range f.Published[a.Name] {
				if !slices.Contains(a.Keys, key) {
					missing = append(missing, key)
				}
			}
			if missing != nil && a.HasKeys {
				out = append(out, one("the keys of "+a.Name+" are not the cloud's of today",
					[]Evidence{{a.Name, "CertificateStrings", strings.Join(a.Keys, ", "), strings.Join(missing, ", ") + " among them"}},
					set("AuthServer", a.Name, "-RefreshAuthMetadata"))...)
			}
		}
		return out
	},
}
