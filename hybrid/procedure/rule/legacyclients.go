package rule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

// token tells whether a request record's method is that of a token: Bearer of the doors, OpenID of OWA and ECP.
func token(method string) bool {
	return strings.HasPrefix(method, "Bearer") || strings.HasPrefix(method, "OpenID") || strings.EqualFold(method, "OAuth")
}

// cannot tells whether a client, by its name, cannot do modern authentication: Outlook
// 2010 and 2011 for Mac, and Apple's Mail before iOS 11, whose builds begin at 1501.
func cannot(agent string) bool {
	if strings.Contains(agent, "Microsoft Office/14.") || strings.HasPrefix(agent, "MacOutlook/14.") {
		return true
	}
	_, build, found := strings.Cut(agent, "/")
	if !found || !strings.HasPrefix(agent, "Apple-iP") {
		return false
	}
	major, _, _ := strings.Cut(build, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n < 1501
}

var legacyClients = Rule{
	ID:     "legacy-clients",
	Group:  People,
	Title:  "Nobody comes with a password any more",
	Why:    "Who still comes with a password has a client that cannot do modern authentication, or one that has not been asked yet. When passwords are blocked, or the person's policy changes, it stops.",
	Repair: "update or set up the client again before passwords are blocked",
	Source: "Verify",
	Needs:  []facts.Source{facts.SourceRecords},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		if f.Records == nil {
			return []Finding{{Severity: Note, Kind: NotGiven, Summary: "not checked: nobody gave request records", Repair: "give the servers' request log: hma check --records FILE; hma collect exchange reads their HttpProxy logs"}}
		}
		var missing []Evidence
		for _, m := range f.Records.Missing {
			missing = append(missing, Evidence{m.Server, "HttpProxy logs", m.Problem, "readable to who collects"})
		}
		x := Finding{Severity: Note, Summary: "people still come with passwords"}
		for _, c := range slices.SortedFunc(maps.Keys(f.Records.Clients), func(a, b facts.Client) int {
			return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Door, b.Door), cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Method, b.Method))
		}) {
			if token(c.Method) {
				continue
			}
			wanted := "a token"
			if cannot(c.Agent) {
				wanted = "another client: this one cannot do modern authentication"
			}
			x.Evidence = append(x.Evidence, Evidence{c.User, c.Door, fmt.Sprintf("%s by %s, last %s", c.Method, cmp.Or(c.Agent, "an unnamed client"), f.Records.Clients[c].UTC().Format("2006-01-02 15:04")), wanted})
		}
		out := spoken(x)
		if missing != nil {
			out = append(out, Finding{Severity: Note, Kind: NotGiven, Summary: "not checked: logs of servers could not be read", Evidence: missing, Repair: "collect again as an administrator of these servers"})
		}
		return out
	},
}
