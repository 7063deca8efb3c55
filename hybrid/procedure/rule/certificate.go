package rule

import (
	"fmt"
	"time"

	"hma/hybrid/procedure/facts"
)

// renewal is how long before its end an OAuth certificate deserves a note.
const renewal = 30 * 24 * time.Hour

var oauthCertificate = Rule{
	ID:     "oauth-certificate",
	Title:  "The OAuth certificate is valid on every server",
	Why:    "With an expired or missing OAuth certificate OWA, ECP and the hybrid features fail.",
	Repair: "renew the certificate: New-ExchangeCertificate, Set-AuthConfig -NewCertificateThumbprint, -PublishCertificate",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceAuthConfig, facts.SourceCertificates},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		thumbprint := f.Auth.CurrentThumbprint
		if thumbprint == "" {
			return []Finding{{Severity: Fault, Blocks: true, Summary: "no OAuth certificate is configured",
				Evidence: []Evidence{{"AuthConfig", "CurrentCertificateThumbprint", "", "a certificate"}}}}
		}
		var out []Finding
		for _, s := range f.Servers {
			var c *facts.Certificate
			for i := range f.Certificates {
				if f.Certificates[i].Server == s.Name && f.Certificates[i].Thumbprint == thumbprint {
					c = &f.Certificates[i]
				}
			}
			fault := func(summary, property, found, wanted string) {
				out = append(out, Finding{Severity: Fault, Blocks: true, Summary: summary + " on " + s.Name,
					Evidence: []Evidence{{s.Name + " " + thumbprint, property, found, wanted}}})
			}
			switch {
			case c == nil:
				fault("the OAuth certificate is missing", "Thumbprint", "not on the server", "present")
			case c.NotAfter.IsZero():
				out = append(out, Finding{Severity: NotChecked, Summary: "the server does not show how long its OAuth certificate is valid",
					Evidence: []Evidence{{s.Name + " " + thumbprint, "NotAfter", "", "a time"}}})
			case !now.Before(c.NotAfter):
				fault("the OAuth certificate has expired", "NotAfter", day(c.NotAfter), "later than "+day(now))
			case now.Before(c.NotBefore):
				fault("the OAuth certificate is not valid yet", "NotBefore", day(c.NotBefore), "earlier than "+day(now))
			case c.NotAfter.Sub(now) < renewal:
				out = append(out, Finding{Severity: Note, Summary: fmt.Sprintf("the OAuth certificate on %s ends in %d days", s.Name, int(c.NotAfter.Sub(now).Hours()/24)),
					Evidence: []Evidence{{s.Name + " " + thumbprint, "NotAfter", day(c.NotAfter), ""}}})
			}
		}
		return out
	},
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
