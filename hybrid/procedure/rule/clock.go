package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

// maxSkew is how far a server's clock may be off: tokens are taken up to five minutes before and after their time.
const maxSkew = 5 * time.Minute

var clock = Rule{
	ID:     "clock",
	Group:  Trust,
	Title:  "The servers' clocks are right",
	Why:    "A token has a beginning and an end. A server whose clock is off by more than five minutes refuses tokens that are good (2000001), and sign-in at OWA goes in circles.",
	Repair: "set the clock by the domain's time source: w32tm /resync",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceAnswers},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		var evidence, unknown []Evidence
		for _, a := range f.Answers {
			switch {
			case a.Date.IsZero():
				unknown = append(unknown, Evidence{a.URL, "Date", "no Date header", "a time"})
			case a.Date.Sub(now).Abs() > maxSkew:
				evidence = append(evidence, Evidence{a.URL, "Date", a.Date.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime)})
			}
		}
		out := one("a server's clock is off", evidence, "w32tm /resync")
		if unknown != nil {
			out = append(out, Finding{Severity: NotChecked, Summary: "a server's answer shows no time", Evidence: unknown})
		}
		return out
	},
}
