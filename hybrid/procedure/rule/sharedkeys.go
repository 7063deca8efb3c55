package rule

import (
	"fmt"
	"time"

	"hma/hybrid/procedure/facts"
)

var sharedKeys = Rule{
	ID:      "shared-principal-keys",
	Group:   Trust,
	Title:   "The shared Exchange service principal holds no key of this organisation",
	When:    "the dedicated hybrid application is in use",
	Why:     "Who has the private key of a certificate there can get tokens in Exchange Online's own name (CVE-2025-53786). Nothing needs it any more once the dedicated application is in use.",
	Repair:  "take the key credentials out: the script's clean-up mode (-ResetFirstPartyServicePrincipalKeyCredentials)",
	Source:  "a change of 2025: Deploy dedicated Exchange hybrid app",
	Needs:   []facts.Source{facts.SourceAuthServers, facts.SourceOverrides, facts.SourcePrincipal},
	applies: dedicated,
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Tenants {
			t := &f.Tenants[i]
			if n := len(t.Principal.KeyCredentials); n > 0 && f.DedicatedApplication(t) != "" {
				out = append(out, one("the shared service principal still holds key credentials"+in(f, t),
					[]Evidence{{t.Name, "keyCredentials", fmt.Sprint(n), "none"}}, ".\\ConfigureExchangeHybridApplication.ps1 -ResetFirstPartyServicePrincipalKeyCredentials")...)
			}
		}
		return out
	},
}
