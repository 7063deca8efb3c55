package activesync

import (
	"os"
	"strings"
	"testing"
)

// TestPage holds the commands that doc/activesync.md lists to those that are known and served.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../doc/activesync.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "| Command | Code |")
	table, _, found := strings.Cut(rest, "\n\n")
	if !found {
		t.Fatal("doc/activesync.md has no table of commands")
	}
	listed := make(map[string]string) // how each is answered
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 4 {
			for name := range strings.SplitSeq(cells[1], ",") {
				listed[strings.TrimSpace(name)] = strings.TrimSpace(cells[3])
			}
		}
	}
	for _, c := range commands {
		answer, ok := listed[c.name]
		if !ok || strings.HasPrefix(answer, "served") != (c.handle != nil) {
			t.Errorf("%s: served %v, the page says %q", c.name, c.handle != nil, answer)
		}
	}
	if versions := strings.Join(versions, ","); !strings.Contains(string(text), "`MS-ASProtocolVersions: "+versions+"`") {
		t.Errorf("the page does not name the versions %s", versions)
	}
}
