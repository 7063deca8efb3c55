package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var servicePrincipalNames = Rule{
	ID:     "spn-list",
	Group:  Names,
	Title:  "Every URL is a service principal name of Exchange in the tenant",
	Why:    "A client asks the cloud for a token for the host that it calls. A host that is not in the list is refused (AADSTS500011), and the client cannot sign in.",
	Repair: "append the missing https names to the Exchange service principal",
	Source: "Add on-premises web service URLs as SPNs in Microsoft Entra ID",
	Needs:  []facts.Source{facts.SourceDirectories, facts.SourceServices, facts.SourcePrincipal},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		addresses := f.Addresses()
		var out []Finding
		for _, a := range addresses {
			if facts.Resource(a.URL) == "" {
				out = append(out, Finding{Severity: Fault, Summary: a.Object + " has a URL for which no token can be asked",
					Repair:   "set the URL to https with the Set cmdlet of the object",
					Evidence: []Evidence{{a.Object, a.Property, a.URL, "an https URL"}}})
			}
		}
		for i := range f.Tenants {
			out = append(out, unregistered(f, &f.Tenants[i], addresses)...)
		}
		return out
	},
}

// unregistered returns one fault for each host of the addresses that is no name of the
// tenant's Exchange principal. A name that another application has is spn-held-elsewhere's.
func unregistered(f *facts.Facts, t *facts.Tenant, addresses []facts.Address) []Finding {
	var out []Finding
	have, at := facts.Resources(t.Principal.ServicePrincipalNames), map[string]int{}
	for _, a := range addresses {
		resource := facts.Resource(a.URL)
		if resource == "" || have[resource] || t.HeldBy[resource] != "" {
			continue
		}
		i, seen := at[resource]
		if !seen {
			i = len(out)
			at[resource] = i
			out = append(out, Finding{Severity: Fault, Summary: resource + " is missing from the service principal names" + in(f, t),
				Commands: appendTo("ServicePrincipalNames", "ServicePrincipalNames", resource)})
		}
		out[i].Evidence = append(out[i].Evidence, Evidence{a.Object, a.Property, a.URL, resource + " in servicePrincipalNames" + in(f, t)})
	}
	return out
}

// MissingNames returns the names that the plan appends in the tenant: those that are
// missing and that no other application has.
func MissingNames(f *facts.Facts, t *facts.Tenant) []string {
	var free []string
	for _, name := range f.MissingNames(t) {
		if t.HeldBy[name] == "" {
			free = append(free, name)
		}
	}
	return free
}
