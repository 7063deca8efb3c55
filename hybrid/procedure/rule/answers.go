package rule

import (
	"fmt"
	"net/http"
	"time"

	"hma/hybrid/procedure/facts"
)

// late is how long a door may take to answer a client that brings nothing.
const late = 2 * time.Second

var answers = Rule{
	ID:     "servers-answer",
	Group:  Trust,
	Title:  "The servers answer, and in time",
	Why:    "A server that answers 503, or late, turns clients away whatever its configuration says. Outlook then shows Disconnected or asks again and again, which looks like a fault of modern authentication.",
	Repair: "look at the server before anything is changed: its services and application pools, its load, and what stands before it (load balancer, proxy)",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourceFrontEnds},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var broken, slow []Evidence
		var commands []string
		for _, a := range f.Answers {
			switch {
			case a.Status > http.StatusNotImplemented && a.Header.Get("Request-Id") == "": // 502 to 504; a door's own answer has an id
				if command := "Test-ServiceHealth -Server " + quote(a.Server); len(broken) == 0 || commands[len(commands)-1] != command {
					commands = append(commands, command)
				}
				broken = append(broken, Evidence{a.URL, "status on " + a.Server, fmt.Sprint(a.Status), "an answer of the door"})
			case a.Took >= late:
				slow = append(slow, Evidence{a.URL, "time on " + a.Server, a.Took.Round(100 * time.Millisecond).String(), "less than " + late.String()})
			}
		}
		return append(one("a server does not serve its doors", broken, commands...), note("a server answers late", slow)...)
	},
}
