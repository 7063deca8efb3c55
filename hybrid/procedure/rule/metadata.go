package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var metadata = Rule{
	ID:     "evosts-metadata",
	Group:  Trust,
	Title:  "The metadata document of EvoSTS can be fetched",
	Why:    "The signing keys of the cloud come from it. A server that cannot read it refuses every token as soon as the keys roll.",
	Repair: "let the servers reach the URL (Set-ExchangeServer -InternetWebProxy, firewall), then refresh",
	Source: "Confirm the EvoSTS Auth Server Object is Present",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceMetadata},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for _, a := range f.AuthServers {
			if !a.Enabled || !a.EvoSTS() {
				continue
			}
			refresh := set("AuthServer", a.Name, "-RefreshAuthMetadata")
			if !a.HasKeys {
				out = append(out, Finding{Severity: Fault, Blocks: true, Summary: "the organisation holds no signing certificate of " + a.Name,
					Evidence: []Evidence{{a.Name, "CertificateStrings", "{}", "at least one"}}, Commands: []string{refresh}})
			}
			if problem := f.Unreachable[a.Name]; problem != "" {
				out = append(out, Finding{Severity: Fault, Blocks: !a.HasKeys, Summary: "the metadata document of " + a.Name + " does not come",
					Evidence: []Evidence{{a.Name, "AuthMetadataUrl", a.AuthMetadataURL + ": " + problem, "a document"}}, Commands: []string{refresh}})
			}
		}
		return out
	},
}
