package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var evoSTS = Rule{
	ID:     "evosts",
	Title:  "The EvoSTS AuthServer object is present and enabled",
	Why:    "EvoSTS says which cloud issues the tokens that the organisation accepts. Without it no token is valid here.",
	Repair: "run the Hybrid Configuration Wizard, or Set-AuthServer -Enabled $true on the object",
	Source: "Confirm the EvoSTS Auth Server Object is Present",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceTenant},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var disabled []Evidence
		for _, a := range f.AuthServers {
			if a.EvoSTS() && !a.Enabled {
				disabled = append(disabled, Evidence{a.Name, "Enabled", "False", "True"})
			}
		}
		best := f.EvoSTS()
		switch {
		case best == nil && disabled != nil:
			return []Finding{{Severity: Fault, Blocks: true, Summary: "EvoSTS is disabled", Evidence: disabled}}
		case best == nil:
			return []Finding{{Severity: Fault, Blocks: true, Summary: "there is no EvoSTS object",
				Evidence: []Evidence{{"Get-AuthServer", "Name", "none of type AzureAD", "EvoSts - <GUID>"}}}}
		case best.Realm != "" && !strings.EqualFold(best.Realm, f.Tenant.ID) && !best.IsDefaultAuthorizationEndpoint:
			return []Finding{{Severity: Fault, Blocks: true, Summary: "no EvoSTS object is of this tenant",
				Evidence: []Evidence{{best.Name, "Realm", best.Realm, f.Tenant.ID}}}}
		case disabled != nil:
			return []Finding{{Severity: Note, Summary: "one of several EvoSTS objects is disabled", Evidence: disabled}}
		}
		return nil
	},
}

var metadata = Rule{
	ID:     "evosts-metadata",
	Title:  "The metadata document of EvoSTS can be fetched",
	Why:    "The signing keys of the cloud come from it. A server that cannot read it refuses every token as soon as the keys roll.",
	Repair: "let the servers reach the URL (Set-ExchangeServer -InternetWebProxy, firewall), then Set-AuthServer -RefreshAuthMetadata",
	Source: "Confirm the EvoSTS Auth Server Object is Present",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceMetadata},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for _, a := range f.AuthServers {
			if !a.Enabled || !a.EvoSTS() {
				continue
			}
			if !a.HasKeys {
				out = append(out, Finding{Severity: Fault, Blocks: true, Summary: "the organisation holds no signing certificate of " + a.Name,
					Evidence: []Evidence{{a.Name, "CertificateStrings", "{}", "at least one"}}})
			}
			if problem := f.Unreachable[a.Name]; problem != "" {
				out = append(out, Finding{Severity: Fault, Blocks: !a.HasKeys, Summary: "the metadata document of " + a.Name + " does not come",
					Evidence: []Evidence{{a.Name, "AuthMetadataUrl", a.AuthMetadataURL + ": " + problem, "a document"}}})
			}
		}
		return out
	},
}
