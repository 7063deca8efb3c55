package rule

import (
	"cmp"
	"fmt"
	"time"

	"hma/hybrid/procedure/facts"
)

// fresh is how old a snapshot may be before it is said: people and certificates change within a week.
const fresh = 7 * 24 * time.Hour

var snapshotAge = Rule{
	ID:      "snapshot-age",
	Group:   Versions,
	Title:   "The snapshot is of this week",
	When:    "the organisation is judged by a snapshot",
	Why:     "A check judges dates, such as the end of a certificate, at the time when it runs, and everything else as it was when it was collected. What has changed since is not seen.",
	Repair:  "run the scripts of hma collect again",
	Source:  "snapshots, doc/snapshot.md",
	applies: func(f *facts.Facts) bool { return len(f.Collected) > 0 },
	judge: func(f *facts.Facts, now time.Time) []Finding {
		var unknown, old []Evidence
		for _, c := range f.Collected {
			switch age := now.Sub(c.At); {
			case c.At.IsZero():
				unknown = append(unknown, Evidence{cmp.Or(c.Tenant, c.Part), "collected", "not written by this version of the script", "a time"})
			case age > fresh:
				old = append(old, Evidence{cmp.Or(c.Tenant, c.Part), "collected", fmt.Sprintf("%s, %d days ago", day(c.At), int(age/(24*time.Hour))), "7 days at most"})
			}
		}
		return append(note("it is not known when the snapshot was collected", unknown), note("the snapshot is older than a week", old)...)
	},
}
