package rule

import (
	"net/url"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var metadataURL = Rule{
	ID:     "evosts-metadata-url",
	Group:  Trust,
	Title:  "EvoSTS reads the metadata of its own tenant",
	Why:    "The URL names the tenant by id or by one of its domains. One of another tenant, or of another kind of document, brings the wrong issuer and the wrong keys: tokens are refused with 2000009 or 2000000.",
	Repair: "set the URL that the Hybrid Configuration Wizard would",
	Source: "Confirm the EvoSTS Auth Server Object is Present",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceTenant},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Tenants {
			t := &f.Tenants[i]
			a := f.EvoSTSOf(t)
			if a == nil {
				continue // evosts says so
			}
			u, err := url.Parse(a.AuthMetadataURL)
			segments := []string{"", ""}
			if err == nil {
				segments = strings.SplitN(strings.Trim(u.Path, "/"), "/", 2)
			}
			ours := strings.EqualFold(segments[0], t.Organization.ID) || t.Verified(segments[0])
			if err == nil && u.Scheme == "https" && ours && len(segments) == 2 && strings.EqualFold(segments[1], "federationmetadata/2007-06/federationmetadata.xml") {
				continue
			}
			want := "https://login.windows.net/" + t.Name + "/federationmetadata/2007-06/federationmetadata.xml"
			if err == nil && u.Host != "" {
				want = "https://" + u.Host + want[len("https://login.windows.net"):]
			}
			out = append(out, one("the metadata URL of "+a.Name+" is not the tenant's", []Evidence{{a.Name, "AuthMetadataUrl", a.AuthMetadataURL, want}},
				set("AuthServer", a.Name, "-AuthMetadataUrl "+quote(want)))...)
		}
		return out
	},
}
