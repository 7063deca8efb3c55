package procedure

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/hybrid/journal"
)

// TestPage holds doc/procedure.md to the steps, in their order, and to the journal's kinds of entry.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../doc/procedure.md")
	if err != nil {
		t.Fatal(err)
	}
	column := func(head string) (cells []string) {
		_, rest, _ := strings.Cut(string(text), head)
		body, _, found := strings.Cut(rest, "\n\n")
		if !found {
			t.Fatalf("doc/procedure.md has no table %q", head)
		}
		for _, m := range regexp.MustCompile(`(?m)^\| ([a-z0-9-]+) \|`).FindAllStringSubmatch(body, -1) {
			cells = append(cells, m[1])
		}
		return cells
	}
	var steps []string
	for _, s := range []Step{StepSPN, StepOAuth, StepPolicy, StepEndpoint, StepClientProfile, StepReplyURL, StepLegacyOff, StepBrowserOAuth} {
		steps = append(steps, string(s))
	}
	if page := column("| Step | Change |"); !slices.Equal(page, steps) {
		t.Errorf("steps\npage %v\ncode %v", page, steps)
	}
	_, entries, _ := strings.Cut(string(text), "**Journal**")
	entries, _, _ = strings.Cut(entries, "\n\n")
	words := regexp.MustCompile(`[a-z]+`).FindAllString(entries, -1)
	for _, k := range []journal.Kind{journal.Begin, journal.Resume, journal.Proved, journal.Accepted, journal.Intend, journal.Dropped, journal.Done, journal.Already,
		journal.Failed, journal.End, journal.Rollback, journal.Unintend, journal.Undone, journal.Left, journal.RolledBack} {
		if !slices.Contains(words, string(k)) {
			t.Errorf("the page does not name the journal's entry %s", k)
		}
	}
}
