package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var uniformBuilds = Rule{
	ID:     "builds-uniform",
	Group:  Versions,
	Title:  "All servers run the same build",
	Why:    "Any server may answer any client, and a client that meets another behaviour at every second request falls back or asks again. Microsoft wants Hybrid Modern Authentication the same on all servers.",
	Repair: "bring all servers to the newest build among them",
	Source: "a later edition of the how-to",
	Needs:  []facts.Source{facts.SourceServers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var newest facts.Build
		for _, s := range f.Servers {
			if s.Build.AtLeast(newest) {
				newest = s.Build
			}
		}
		return note("the servers run different builds", older(f, newest))
	},
}
