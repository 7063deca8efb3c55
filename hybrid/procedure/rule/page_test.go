package rule

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite doc/rules.md")

// TestPage holds doc/rules.md to the rules.
func TestPage(t *testing.T) {
	const name = "../../../doc/rules.md"
	if *update {
		if err := os.WriteFile(name, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil || string(text) != page() {
		t.Errorf("%s is not what the rules say (%v): go test ./hybrid/procedure/rule -run TestPage -update", name, err)
	}
}

// page writes the page of rules: a table, a section for each rule, and where the editions of the how-to differ.
func page() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Rules

The %d rules of `+"`hma check`"+`, made from `+"`hybrid/procedure/rule`"+` (one file a rule) by `+"`go test ./hybrid/procedure/rule -run TestPage -update`"+`. A finding is a fault (exit 1), a note is good to know,
"not checked" means that what the rule needs could not be read (exit 3): what was not seen is never fine. `+"`hma explain RULE`"+` says the same offline; `+"`hma check --json`"+` has the evidence and the commands.

`, len(All()))
	group := Group("")
	for _, r := range All() {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(&b, "\n| %s | Holds that |\n|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", r.ID, r.ID, lower(r.Title))
	}
	group = ""
	for _, r := range All() {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n- Why: %s\n- Repair: %s\n", r.ID, r.Title, stop(r.Why), stop(r.Repair))
		if r.When != "" {
			fmt.Fprintf(&b, "- Applies when: %s\n", r.When)
		}
		var needs []string
		for _, s := range r.Needs {
			needs = append(needs, string(s))
		}
		if needs == nil {
			needs = []string{"nothing"}
		}
		fmt.Fprintf(&b, "- Reads: %s\n- Source: %s\n", strings.Join(needs, ", "), r.Source)
	}
	b.WriteString("\n## Editions\n\nThe how-to of February 2024, its later edition, and what hma does where they differ.\n\n| About | February 2024 | Later | Here |\n|---|---|---|---|\n")
	for _, e := range Editions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", e.About, e.First, e.Later, e.Here)
	}
	return b.String()
}

func lower(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if strings.ToUpper(first) == first || strings.ContainsAny(first[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") || strings.HasPrefix(s, "Entra") || strings.HasPrefix(s, "Exchange") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func stop(s string) string {
	s = strings.ToUpper(s[:1]) + s[1:]
	return strings.TrimSuffix(s, ".") + "."
}

// Rules are whole, their ids unique, and the editions name rules that exist.
func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	groups := []Group{Names, Directories, Trust, Versions, People, WebAndPhone}
	last := 0
	for _, r := range All() {
		at := slices.Index(groups, r.Group)
		if r.ID == "" || r.Title == "" || r.Why == "" || r.Repair == "" || r.Source == "" || r.judge == nil || seen[r.ID] || at < last {
			t.Errorf("%+v", r)
		}
		if (r.applies == nil) != (r.When == "") {
			t.Errorf("%s: its condition is said or decided, not both", r.ID)
		}
		seen[r.ID], last = true, at
	}
	for _, e := range Editions {
		for _, id := range e.Rules {
			if !seen[id] {
				t.Errorf("%s names the rule %s", e.About, id)
			}
		}
	}
}
