package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var sslOffloading = Rule{
	ID:     "ssl-offloading",
	Group:  Directories,
	Title:  "No device in front takes TLS off",
	Why:    "With SSL offloading the server sees http while the token is for https, and refuses it (x-ms-diagnostics 2000003). SSL bridging, which encrypts again, works.",
	Repair: "let the load balancer encrypt again on the way to the servers (SSL bridging)",
	Source: "a later edition of the how-to; Using Hybrid Modern Authentication with Outlook for iOS and Android",
	Needs:  []facts.Source{facts.SourceAnswers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var evidence []Evidence
		for _, a := range f.Answers {
			for _, name := range []string{"Www-Authenticate", "X-Ms-Diagnostics", "Location"} {
				for _, value := range a.Header.Values(name) {
					value = strings.NewReplacer("%3A", ":", "%3a", ":", "%2F", "/", "%2f", "/").Replace(value)
					if seen := "http://" + facts.Host(a.URL); strings.Contains(strings.ToLower(value), seen) {
						evidence = append(evidence, Evidence{a.URL, name, seen, "https"})
					}
				}
			}
		}
		return one("a server sees http where clients say https", evidence)
	},
}
