package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var authorizationEndpoint = Rule{
	ID:     "default-authorization-endpoint",
	Title:  "EvoSTS is the default authorization endpoint",
	Why:    "The Bearer challenge names the sign-in address of the default authorization endpoint; without one clients are never sent to the cloud.",
	Repair: "Set-AuthServer -IsDefaultAuthorizationEndpoint $true on EvoSTS",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceOrganization},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var defaults, wrong []Evidence
		for _, a := range f.AuthServers {
			if !a.IsDefaultAuthorizationEndpoint {
				continue
			}
			defaults = append(defaults, Evidence{a.Name, "IsDefaultAuthorizationEndpoint", "True", "True on one object only"})
			if !a.Enabled || !a.EvoSTS() {
				wrong = append(wrong, Evidence{a.Name, "IsDefaultAuthorizationEndpoint", "True on an object of type " + a.Type, "True on an enabled EvoSTS"})
			}
		}
		switch {
		case wrong != nil:
			return []Finding{{Severity: Fault, Blocks: true, Summary: "the default authorization endpoint is not an enabled EvoSTS", Evidence: wrong,
				Repair: "decide by hand which authority this organisation uses"}}
		case len(defaults) > 1:
			return []Finding{{Severity: Fault, Blocks: true, Summary: "more than one AuthServer is the default authorization endpoint", Evidence: defaults}}
		case len(defaults) == 1:
			return nil
		}
		e := Evidence{"AuthServer", "IsDefaultAuthorizationEndpoint", "True on none", "True on EvoSTS"}
		if f.Organization.OAuth2ClientProfileEnabled {
			return []Finding{{Severity: Fault, Summary: "modern authentication is enabled, but no AuthServer is the default authorization endpoint", Evidence: []Evidence{e}}}
		}
		return []Finding{{Severity: Note, Summary: "not enabled yet: no AuthServer is the default authorization endpoint", Evidence: []Evidence{e}}}
	},
}

var clientProfile = Rule{
	ID:     "oauth2-client-profile",
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
		for _, d := range f.Directories {
			if d.Kind.Browser() && d.Live.OAuth {
				return []Finding{{Severity: Fault, Summary: "OWA or ECP is on tokens while the organisation's switch is off", Evidence: e}}
			}
		}
		return []Finding{{Severity: Note, Summary: "not enabled yet: the organisation's switch is off", Evidence: e}}
	},
}

var modernAuthBlocked = Rule{
	ID:     "modern-auth-blocked",
	Title:  "The default authentication policy does not block modern authentication",
	Why:    "A default policy with BlockModernAuth switches keeps the offer from everybody who has no policy of his own (x-ms-diagnostics 4000000).",
	Repair: "change the policy, or give people another one, when the staged roll-out is over",
	Source: "Enable HMA",
	Needs:  []facts.Source{facts.SourceOrganization, facts.SourcePolicies},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		for _, p := range f.Policies {
			if f.Organization.DefaultAuthenticationPolicy != "" && strings.EqualFold(p.Name, f.Organization.DefaultAuthenticationPolicy) && len(p.BlockModern) > 0 {
				return []Finding{{Severity: Note, Summary: "the default authentication policy blocks modern authentication",
					Evidence: []Evidence{{p.Name, "BlockModernAuth", strings.Join(p.BlockModern, ", "), "none"}}}}
			}
		}
		return nil
	},
}

var mapiHTTP = Rule{
	ID:     "mapi-http",
	Title:  "MAPI over HTTP is on",
	Why:    "Outlook Anywhere (RPC over HTTP) takes no tokens; Outlook needs MAPI over HTTP.",
	Repair: "Set-OrganizationConfig -MapiHttpEnabled $true",
	Source: "Protocols that work with Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceOrganization},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		if f.Organization.MapiHTTPEnabled {
			return nil
		}
		return []Finding{{Severity: Fault, Summary: "MAPI over HTTP is off", Evidence: []Evidence{{f.Organization.Name, "MapiHttpEnabled", "False", "True"}}}}
	},
}
