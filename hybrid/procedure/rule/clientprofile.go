package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var clientProfile = Rule{
	ID:     "oauth2-client-profile",
	Group:  Trust,
	Title:  "OAuth2ClientProfileEnabled is on",
	Why:    "It is the organisation-wide switch of Hybrid Modern Authentication: while it is off, no client is offered tokens.",
	Repair: "Set-OrganizationConfig -OAuth2ClientProfileEnabled $true",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceOrganization, facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		if f.Organization.OAuth2ClientProfileEnabled {
			return nil
		}
		e := []Evidence{{f.Organization.Name, "OAuth2ClientProfileEnabled", "False", "True"}}
		command := []string{"Set-OrganizationConfig -OAuth2ClientProfileEnabled $true"}
		if browsersOn(f) {
			return one("OWA or ECP is on tokens while the organisation's switch is off", e, command...)
		}
		return spoken(Finding{Severity: Note, Kind: Pending, Summary: "not enabled yet: the organisation's switch is off", Evidence: e, Commands: command})
	},
}
