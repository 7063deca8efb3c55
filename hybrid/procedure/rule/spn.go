package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var servicePrincipalNames = Rule{
	ID:     "spn-list",
	Title:  "Every URL is a service principal name of Exchange in the tenant",
	Why:    "A client asks the cloud for a token for the host that it calls. A host that is not in the list is refused (AADSTS500011), and the client cannot sign in.",
	Repair: "append the missing https names to the Exchange service principal",
	Source: "Add on-premises web service URLs as SPNs in Microsoft Entra ID",
	Needs:  []facts.Source{facts.SourceDirectories, facts.SourceServices, facts.SourcePrincipal},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		at := map[string]int{}
		for _, a := range f.Addresses() {
			resource := facts.Resource(a.URL)
			if resource == "" {
				out = append(out, Finding{Severity: Fault, Summary: a.Object + " has a URL for which no token can be asked",
					Repair:   "set the URL to https with the Set cmdlet of the object",
					Evidence: []Evidence{{a.Object, a.Property, a.URL, "an https URL"}}})
				continue
			}
			if facts.Registered(f.Principal.ServicePrincipalNames, resource) {
				continue
			}
			i, seen := at[resource]
			if !seen {
				i = len(out)
				at[resource] = i
				out = append(out, Finding{Severity: Fault, Summary: resource + " is missing from the service principal names"})
			}
			out[i].Evidence = append(out[i].Evidence, Evidence{a.Object, a.Property, a.URL, resource + " in servicePrincipalNames"})
		}
		return out
	},
}

// MissingNames returns the service principal names that the organisation's URLs
// need and the tenant does not have, in the order in which the URLs were read.
func MissingNames(f *facts.Facts) []string {
	var missing []string
	for _, a := range f.Addresses() {
		resource := facts.Resource(a.URL)
		if resource != "" && !facts.Registered(f.Principal.ServicePrincipalNames, resource) && !facts.Registered(missing, resource) {
			missing = append(missing, resource)
		}
	}
	return missing
}
