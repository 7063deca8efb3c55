package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var nameDuplicates = Rule{
	ID:     "spn-duplicates",
	Group:  Names,
	Title:  "Each host stands in the list of names once, and as a host alone",
	Why:    "Scheme, host, port and one last slash are compared without case, 443 being https's own. A second spelling does nothing, and a name with a path or with http is never asked for: it only looks as if the host were registered.",
	Repair: "leave them, or take the useless entries out when the list is next edited; keep all others",
	Source: "Add on-premises web service URLs as SPNs in Microsoft Entra ID",
	Needs:  []facts.Source{facts.SourcePrincipal, facts.SourceDirectories, facts.SourceServices},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		ours := map[string]bool{}
		for _, a := range f.Addresses() {
			ours[facts.Host(a.URL)] = true
		}
		var evidence []Evidence
		for _, t := range f.Tenants {
			first := map[string]string{}
			for _, n := range t.Principal.ServicePrincipalNames {
				host := facts.Host(n)
				if !ours[host] {
					continue // Microsoft's own, by the dozen
				}
				resource := facts.Resource(n)
				switch {
				case resource == "" || !facts.Registered([]string{n}, n):
					evidence = append(evidence, Evidence{t.Name, "servicePrincipalNames", n, "https://" + host + "/"})
				case first[resource] != "":
					evidence = append(evidence, Evidence{t.Name, "servicePrincipalNames", n, "once; " + first[resource] + " is the same name"})
				default:
					first[resource] = n
				}
			}
		}
		return note("service principal names that do nothing", evidence)
	},
}
