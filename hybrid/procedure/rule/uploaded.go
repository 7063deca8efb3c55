package rule

import (
	"slices"
	"time"

	"hma/hybrid/procedure/facts"
)

var certificateUploaded = Rule{
	ID:     "certificate-uploaded",
	Group:  Trust,
	Title:  "The cloud knows the OAuth certificate",
	When:   "OAuth with Exchange Online is set up, and a server has the certificate",
	Why:    "Exchange signs with it when it asks for tokens to go to Exchange Online (AADSTS70002 or 50012 otherwise). Mail clients' tokens do not need it.",
	Repair: "run the Hybrid Configuration Wizard, which uploads it; with a dedicated hybrid application, Microsoft's ConfigureExchangeHybridApplication script",
	Source: "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceConnectors, facts.SourceAuthConfig, facts.SourceCertificates, facts.SourcePrincipal, facts.SourceApplication},
	applies: func(f *facts.Facts) bool {
		return withExchangeOnline(f) && slices.ContainsFunc(f.Certificates, func(c facts.Certificate) bool { return c.Thumbprint == f.Auth.CurrentThumbprint })
	},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		var out []Finding
		for i := range f.Tenants {
			t := &f.Tenants[i]
			if f.EvoSTSOf(t) == nil {
				continue // which application it would be is not known; the rule evosts says so
			}
			where, keys := "the Exchange service principal", t.Principal.KeyCredentials
			if f.DedicatedApplication(t) != "" {
				where, keys = "the dedicated hybrid application", nil
				if t.Application != nil {
					keys = t.Application.KeyCredentials
				}
			}
			found := "none"
			for _, k := range keys {
				if k.Thumbprint() == f.Auth.CurrentThumbprint && (k.Ends.IsZero() || now.Before(k.Ends)) {
					found = ""
					break
				}
				found = "others"
			}
			if found != "" {
				out = append(out, note("the OAuth certificate is not uploaded to "+where+in(f, t),
					[]Evidence{{t.Name, "keyCredentials", found, f.Auth.CurrentThumbprint}})...)
			}
		}
		return out
	},
}
