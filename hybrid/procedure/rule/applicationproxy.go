package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

// proxyDomain is where Entra application proxy and the Hybrid Agent publish.
const proxyDomain = ".msappproxy.net"

// proxyHeader begins the headers that Entra application proxy adds to its answers.
const proxyHeader = "X-Ms-Proxy-"

var applicationProxy = Rule{
	ID:     "application-proxy",
	Group:  Directories,
	Title:  "OWA and ECP are not published through Entra application proxy",
	Why:    "Microsoft does not support OWA and ECP behind Entra application proxy: its own sign-in stands in front of theirs.",
	Repair: "publish OWA and ECP by another way before they go on tokens",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceDirectories, facts.SourceAnswers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var evidence []Evidence
		hosts := map[string]bool{}
		for _, a := range f.Addresses() {
			if !a.Kind.Browser() {
				continue
			}
			hosts[facts.Host(a.URL)] = true
			if strings.HasSuffix(facts.Host(a.URL), proxyDomain) {
				evidence = append(evidence, Evidence{a.Object, a.Property, a.URL, "no name of " + proxyDomain[1:]})
			}
		}
		for _, a := range f.Answers {
			for name := range a.Header {
				if hosts[facts.Host(a.URL)] && strings.HasPrefix(name, proxyHeader) {
					evidence = append(evidence, Evidence{a.URL, "header of the answer", name, "none of " + proxyHeader + "*"})
					break
				}
			}
		}
		return one("OWA or ECP is published through Entra application proxy", evidence)
	},
}
