package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var mapiHTTP = Rule{
	ID:     "mapi-http",
	Group:  Versions,
	Title:  "MAPI over HTTP is on",
	Why:    "Outlook Anywhere (RPC over HTTP) takes no tokens; Outlook needs MAPI over HTTP.",
	Repair: "Set-OrganizationConfig -MapiHttpEnabled $true",
	Source: "Protocols that work with Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceOrganization},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		if f.Organization.MapiHTTPEnabled {
			return nil
		}
		return one("MAPI over HTTP is off", []Evidence{{f.Organization.Name, "MapiHttpEnabled", "False", "True"}}, "Set-OrganizationConfig -MapiHttpEnabled $true")
	},
}
