package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var acs = Rule{
	ID:      "acs",
	Group:   Trust,
	Title:   "Every tenant has its ACS AuthServer object, enabled",
	When:    "OAuth with Exchange Online is set up",
	Why:     "Tokens with which Exchange Online itself comes, and those that Exchange gets to go there, are of this issuer. Without it free/busy and mailbox moves stop.",
	Repair:  "run the Hybrid Configuration Wizard, or enable the object",
	Source:  "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:   []facts.Source{facts.SourceAuthServers, facts.SourceConnectors, facts.SourceTenant},
	applies: withExchangeOnline,
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Tenants {
			t := &f.Tenants[i]
			e := Evidence{"Get-AuthServer", "Realm", "none of type MicrosoftACS is " + t.Organization.ID, t.Organization.ID}
			commands := []string{"New-AuthServer -Name 'ACS - <GUID>' -AuthMetadataUrl " + quote("https://accounts.accesscontrol.windows.net/"+t.Organization.ID+"/metadata/json/1") + " -DomainName " + t.Name}
			found := false
			for _, a := range f.AuthServers {
				if !a.ACS() || !strings.EqualFold(a.Realm, t.Organization.ID) {
					continue
				}
				if found = a.Enabled; found {
					break
				}
				e, commands = Evidence{a.Name, "Enabled", "False", "True"}, []string{set("AuthServer", a.Name, "-Enabled $true")}
			}
			if !found {
				out = append(out, one("there is no enabled ACS object of the tenant "+t.Name, []Evidence{e}, commands...)...)
			}
		}
		return out
	},
}
