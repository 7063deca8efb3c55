package rule

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

// Limits on request records: a line is a kilobyte at most, and ten thousand people with ten clients each are shown.
const (
	maxRecord  = 64 << 10
	maxClients = 100_000
)

// client is one person's client at one door that came with a password.
type client struct{ user, door, method, agent string }

// legacy returns, from request records (JSON lines), who came with what but a token, and when last.
// Lines that are no request records are passed over.
func legacy(records []byte) (map[client]time.Time, error) {
	last := map[client]time.Time{}
	lines := bufio.NewScanner(bytes.NewReader(records))
	lines.Buffer(nil, maxRecord)
	for lines.Scan() {
		var r struct {
			Time    time.Time `json:"time"`
			Message string    `json:"msg"`
			Door    string    `json:"door"`
			AuthN   string    `json:"authn"`
			User    string    `json:"user"`
			Agent   string    `json:"agent"`
		}
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.Message != "request" || r.User == "" || r.AuthN == "" ||
			strings.HasPrefix(r.AuthN, "Bearer") || strings.HasPrefix(r.AuthN, "OpenID") {
			continue
		}
		c := client{strings.ToLower(r.User), r.Door, r.AuthN, r.Agent}
		if _, known := last[c]; !known && len(last) == maxClients {
			return nil, fmt.Errorf("more than %d clients", maxClients)
		}
		if r.Time.After(last[c]) {
			last[c] = r.Time
		}
	}
	return last, lines.Err()
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
			return []Finding{{Severity: Note, Kind: NotGiven, Summary: "not checked: nobody gave request records", Repair: "give the servers' request log: hma check --records FILE"}}
		}
		last, err := legacy(f.Records)
		if err != nil {
			return []Finding{{Severity: NotChecked, Summary: "the request records could not be read", Evidence: []Evidence{{Object: "request records", Found: err.Error()}}}}
		}
		x := Finding{Severity: Note, Summary: "people still come with passwords"}
		for _, c := range slices.SortedFunc(maps.Keys(last), func(a, b client) int {
			return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.door, b.door), cmp.Compare(a.agent, b.agent), cmp.Compare(a.method, b.method))
		}) {
			wanted := "a token"
			if cannot(c.agent) {
				wanted = "another client: this one cannot do modern authentication"
			}
			x.Evidence = append(x.Evidence, Evidence{c.user, c.door, fmt.Sprintf("%s by %s, last %s", c.method, cmp.Or(c.agent, "an unnamed client"), last[c].UTC().Format("2006-01-02 15:04")), wanted})
		}
		return spoken(x)
	},
}
