package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var evoSTS = Rule{
	ID:     "evosts",
	Group:  Trust,
	Title:  "Every tenant has its EvoSTS AuthServer object, enabled",
	Why:    "EvoSTS says which cloud issues the tokens that the organisation accepts, one object a tenant, named EvoSts - <GUID>, or EvoSTS by an older wizard. Without it no token of that tenant is valid here.",
	Repair: "run the Hybrid Configuration Wizard, or Set-AuthServer -Enabled $true on the object",
	Source: "Confirm the EvoSTS Auth Server Object is Present",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceTenant},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		told := map[string]bool{} // objects that stand in a fault
		for i := range f.Tenants {
			t := &f.Tenants[i]
			if f.EvoSTSOf(t) != nil {
				continue
			}
			x := Finding{Severity: Fault, Blocks: true, Summary: "there is no EvoSTS object of the tenant " + t.Name,
				Evidence: []Evidence{{"Get-AuthServer", "Realm", "none of type AzureAD is " + t.Organization.ID, "EvoSts - <GUID>"}}}
			for _, a := range f.AuthServers {
				if a.EvoSTS() && strings.EqualFold(a.Realm, t.Organization.ID) {
					told[a.Name] = true
					x.Summary = "EvoSTS of the tenant " + t.Name + " is disabled"
					x.Evidence = []Evidence{{a.Name, "Enabled", "False", "True"}}
					x.Commands = []string{set("AuthServer", a.Name, "-Enabled $true")}
				}
			}
			out = append(out, x)
		}
		var left []Evidence
		for _, a := range f.AuthServers {
			if a.EvoSTS() && !a.Enabled && !told[a.Name] {
				left = append(left, Evidence{a.Name, "Enabled", "False", "True, or no object"})
			}
		}
		return append(out, note("an EvoSTS object that no tenant needs is disabled", left)...)
	},
}
