package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

const downloadSection = "OAuthIdentityCacheFixForDownloadDomains"

var downloadDomains = Rule{
	ID:     "download-domains",
	Group:  WebAndPhone,
	Title:  "OWA's download domains work with tokens",
	When:   "download domains are in use (EnableDownloadDomains)",
	Why:    "Attachments and inline pictures come from another host, which has no sign-in of its own. With tokens that works only with a setting override, and only from a host that is not OWA's.",
	Repair: "make the override; give the download domain a host name of its own",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceOrganization, facts.SourceDirectories, facts.SourceOverrides},
	applies: func(f *facts.Facts) bool {
		return f.Organization.DownloadDomains
	},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		if f.Overridden("OAuth", downloadSection) == nil {
			e := []Evidence{{"Get-SettingOverride", "OAuth/" + downloadSection, "none for all servers", "Enabled=true"}}
			commands := override("OWA HMA Download Domain Support", "OAuth", downloadSection, "Enable support for OWA HMA when Download Domains are in use")
			if browsersOn(f) {
				out = one("downloads in OWA fail: the override for download domains is missing", e, commands...)
			} else {
				out = note("download domains need an override before OWA goes on tokens", e, commands...)
			}
		}
		var evidence []Evidence
		for _, d := range f.Directories {
			for property, host := range map[string]string{"ExternalDownloadHostName": d.ExternalDownload, "InternalDownloadHostName": d.InternalDownload} {
				if host != "" && (strings.EqualFold(host, facts.Host(d.ExternalURL)) || strings.EqualFold(host, facts.Host(d.InternalURL))) {
					evidence = append(evidence, Evidence{d.Identity, property, host, "another host than OWA's"})
				}
			}
		}
		return append(out, one("a download domain is OWA's own host", evidence)...)
	},
}
