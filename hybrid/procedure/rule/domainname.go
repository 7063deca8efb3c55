package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var domainName = Rule{
	ID:     "domain-name",
	Group:  Trust,
	Title:  "EvoSTS knows the domain of its tenant",
	When:   "every server is Exchange 2016 CU18, 2019 CU7 or newer, and the wizard is of September 2020 or newer (its objects have a GUID in their name)",
	Why:    "With several tenants the domain tells which object a tenant's tokens belong to; with one the later wizards expect it.",
	Repair: "Set-AuthServer -DomainName with the tenant's domain; enable does so",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceServers, facts.SourceTenant},
	applies: func(f *facts.Facts) bool {
		return takesDomainName(f) && Enabled(f)
	},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Note, Summary: "EvoSTS does not name the domain of its tenant"}
		if severalTenants(f) {
			x.Severity = Fault
		}
		for i := range f.Tenants {
			t := &f.Tenants[i]
			if a := f.EvoSTSOf(t); NamesNoDomain(f, t) {
				domain := t.Organization.InitialDomain()
				x.Evidence = append(x.Evidence, Evidence{a.Name, "DomainName", "{" + strings.Join(a.DomainName, ", ") + "}", domain})
				x.Commands = append(x.Commands, set("AuthServer", a.Name, "-DomainName "+strings.Join(append(a.DomainName[:len(a.DomainName):len(a.DomainName)], domain), ",")))
			}
		}
		return spoken(x)
	},
}

// NamesNoDomain tells whether the tenant's EvoSTS object should name a domain of the tenant, and names none.
func NamesNoDomain(f *facts.Facts, t *facts.Tenant) bool {
	a, domain := f.EvoSTSOf(t), t.Organization.InitialDomain()
	if a == nil || domain == "" || !takesDomainName(f) || strings.EqualFold(a.Name, "EvoSTS") {
		return false
	}
	for _, d := range a.DomainName {
		if strings.EqualFold(d, domain) || !severalTenants(f) && t.Verified(d) {
			return false
		}
	}
	return true
}

// takesDomainName tells whether Set-AuthServer has -DomainName on every server.
func takesDomainName(f *facts.Facts) bool {
	for _, s := range f.Servers {
		if !s.Build.TakesDomainName() {
			return false
		}
	}
	return len(f.Servers) > 0
}
