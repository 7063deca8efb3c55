package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var certificateUploaded = Rule{
	ID:     "certificate-uploaded",
	Group:  Trust,
	Title:  "The cloud knows the OAuth certificate",
	When:   "OAuth with Exchange Online is set up, through the shared Exchange service principal",
	Why:    "Exchange signs with it when it asks for tokens to go to Exchange Online (AADSTS70002 or 50012 otherwise). Mail clients' tokens do not need it.",
	Repair: "run the Hybrid Configuration Wizard, which uploads it; or go over to the dedicated hybrid application",
	Source: "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceConnectors, facts.SourceAuthConfig, facts.SourcePrincipal, facts.SourceOverrides},
	applies: func(f *facts.Facts) bool {
		return withExchangeOnline(f) && applicationOf(f) == "" && f.Overridden("Global", dedicatedOverride) == nil
	},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		var out []Finding
		for i := range f.Tenants {
			t := &f.Tenants[i]
			found := "none"
			for _, k := range t.Principal.KeyCredentials {
				if k.Thumbprint() == f.Auth.CurrentThumbprint && (k.Ends.IsZero() || now.Before(k.Ends)) {
					found = ""
					break
				}
				found = "others"
			}
			if found != "" {
				out = append(out, note("the OAuth certificate is not uploaded to the Exchange service principal"+in(f, t),
					[]Evidence{{t.Name, "keyCredentials", found, f.Auth.CurrentThumbprint}})...)
			}
		}
		return out
	},
}
