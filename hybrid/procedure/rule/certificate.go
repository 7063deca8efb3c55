package rule

import (
	"fmt"
	"time"

	"hma/hybrid/procedure/facts"
)

// How long before its end an OAuth certificate deserves a note, and how long before it is a fault.
const (
	renewal = 60 * 24 * time.Hour
	urgent  = 14 * 24 * time.Hour
)

// What makes another OAuth certificate (Microsoft's page on maintaining the OAuth certificate): renew stages it, so
// that every server has it in time; replace takes it at once, where the present one does not serve.
var (
	renew   = []string{newCertificate, "Set-AuthConfig -NewCertificateThumbprint $c.Thumbprint -NewCertificateEffectiveDate (Get-Date).AddDays(3)"}
	replace = []string{newCertificate, "Set-AuthConfig -CertificateThumbprint $c.Thumbprint -Force"}
)

const newCertificate = `$c = New-ExchangeCertificate -KeySize 2048 -PrivateKeyExportable $true -SubjectName "CN=Microsoft Exchange Server Auth Certificate" -FriendlyName "Microsoft Exchange Server Auth Certificate" -Services SMTP`

var oauthCertificate = Rule{
	ID:     "oauth-certificate",
	Group:  Trust,
	Title:  "The OAuth certificate is valid on every server",
	Why:    "With an expired or missing OAuth certificate OWA, ECP and the hybrid features fail.",
	Repair: "renew the certificate: New-ExchangeCertificate, Set-AuthConfig -NewCertificateThumbprint, -PublishCertificate; then run the wizard, which uploads it",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceAuthConfig, facts.SourceCertificates},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		thumbprint := f.Auth.CurrentThumbprint
		if thumbprint == "" {
			return []Finding{{Severity: Fault, Blocks: true, Summary: "no OAuth certificate is configured", Commands: replace,
				Evidence: []Evidence{{"AuthConfig", "CurrentCertificateThumbprint", "", "a certificate"}}}}
		}
		held := certificatesOf(f, thumbprint)
		var out []Finding
		for _, s := range f.Servers {
			c := held[s.Name]
			fault := func(summary, property, found, wanted string) {
				out = append(out, Finding{Severity: Fault, Blocks: true, Summary: summary + " on " + s.Name, Commands: replace,
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
				severity := Note
				if c.NotAfter.Sub(now) < urgent {
					severity = Fault
				}
				out = append(out, Finding{Severity: severity, Summary: fmt.Sprintf("the OAuth certificate on %s ends in %d days", s.Name, int(c.NotAfter.Sub(now).Hours()/24)),
					Evidence: []Evidence{{s.Name + " " + thumbprint, "NotAfter", day(c.NotAfter), "later than " + day(now.Add(renewal))}}, Commands: renew})
			}
		}
		return out
	},
}

// certificatesOf returns the certificate with the thumbprint by the server that has it.
func certificatesOf(f *facts.Facts, thumbprint string) map[string]*facts.Certificate {
	by := map[string]*facts.Certificate{}
	for i := range f.Certificates {
		if c := &f.Certificates[i]; c.Thumbprint == thumbprint {
			by[c.Server] = c
		}
	}
	return by
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
