package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var nextCertificate = Rule{
	ID:     "oauth-certificate-next",
	Group:  Trust,
	Title:  "The next OAuth certificate is on every server and takes over in time",
	When:   "a next certificate is staged",
	Why:    "On its date the next certificate signs. A server that does not have it, or a date behind the end of the present one, breaks OWA, ECP and the hybrid features on that day.",
	Repair: "put the certificate on every server, and let it take over before the present one ends",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceAuthConfig, facts.SourceCertificates},
	applies: func(f *facts.Facts) bool {
		return f.Auth.NextThumbprint != ""
	},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		next, present := certificatesOf(f, f.Auth.NextThumbprint), certificatesOf(f, f.Auth.CurrentThumbprint)
		var evidence []Evidence
		for _, s := range f.Servers {
			c := next[s.Name]
			switch p := present[s.Name]; {
			case c == nil:
				evidence = append(evidence, Evidence{s.Name + " " + f.Auth.NextThumbprint, "Thumbprint", "not on the server", "present"})
			case !c.NotAfter.IsZero() && !now.Before(c.NotAfter):
				evidence = append(evidence, Evidence{s.Name + " " + f.Auth.NextThumbprint, "NotAfter", day(c.NotAfter), "later than " + day(now)})
			case p != nil && !p.NotAfter.IsZero() && f.Auth.NextEffective.After(p.NotAfter):
				evidence = append(evidence, Evidence{"AuthConfig", "NextCertificateEffectiveDate", day(f.Auth.NextEffective), "before " + day(p.NotAfter)})
			}
		}
		return one("the next OAuth certificate could not take over everywhere", evidence,
			"Set-AuthConfig -NewCertificateThumbprint "+f.Auth.NextThumbprint+" -NewCertificateEffectiveDate (Get-Date).AddDays(3)")
	},
}
