package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var authorizationEndpoint = Rule{
	ID:     "default-authorization-endpoint",
	Group:  Trust,
	Title:  "EvoSTS is the default authorization endpoint",
	Why:    "The Bearer challenge names the sign-in address of the default authorization endpoint; without one clients are never sent to the cloud. One object is enough, also with several tenants: all of them sign in there.",
	Repair: "Set-AuthServer -IsDefaultAuthorizationEndpoint $true on EvoSTS",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceOrganization},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var defaults, wrong []Evidence
		var commands []string
		for _, a := range f.AuthServers {
			if !a.IsDefaultAuthorizationEndpoint {
				continue
			}
			if defaults != nil {
				commands = append(commands, set("AuthServer", a.Name, "-IsDefaultAuthorizationEndpoint $false"))
			}
			defaults = append(defaults, Evidence{a.Name, "IsDefaultAuthorizationEndpoint", "True", "True on one object only"})
			if a.Enabled && !a.EvoSTS() {
				wrong = append(wrong, Evidence{a.Name, "IsDefaultAuthorizationEndpoint", "True on an object of type " + a.Type, "True on an enabled EvoSTS"})
			}
			if !a.Enabled {
				wrong = append(wrong, Evidence{a.Name, "IsDefaultAuthorizationEndpoint", "True on a disabled object", "True on an enabled EvoSTS"})
			}
		}
		switch {
		case wrong != nil:
			return []Finding{{Severity: Fault, Blocks: true, Summary: "the default authorization endpoint is not an enabled EvoSTS", Evidence: wrong,
				Repair: "decide by hand which authority this organisation uses"}}
		case len(defaults) > 1:
			return []Finding{{Severity: Fault, Blocks: true, Summary: "more than one AuthServer is the default authorization endpoint", Evidence: defaults, Commands: commands}}
		case len(defaults) == 1:
			return nil
		}
		e := []Evidence{{"AuthServer", "IsDefaultAuthorizationEndpoint", "True on none", "True on EvoSTS"}}
		if a := f.EvoSTS(); a != nil {
			commands = []string{set("AuthServer", a.Name, "-IsDefaultAuthorizationEndpoint $true")}
		}
		if f.Organization.OAuth2ClientProfileEnabled {
			return one("modern authentication is enabled, but no AuthServer is the default authorization endpoint", e, commands...)
		}
		return spoken(Finding{Severity: Note, Kind: Pending, Summary: "not enabled yet: no AuthServer is the default authorization endpoint", Evidence: e, Commands: commands})
	},
}
