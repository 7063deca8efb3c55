package cmdlet

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hma/wire/psobject"
)

var update = flag.Bool("update", false, "rewrite the table of doc/cmdlets.md")

// TestPage holds the table of doc/cmdlets.md to the metadata of the cmdlets.
func TestPage(t *testing.T) {
	const name, begin, end = "../../doc/cmdlets.md", "<!-- table -->\n", "<!-- end of table -->\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	got, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", name, begin, end)
	}
	want := pageTable()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the cmdlets are: go test ./exchange/cmdlet -run TestPage -update\ngot\n%s\nwant\n%s", name, got, want)
	}
	if err := os.WriteFile(name, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestUnsupportedNames holds that no cmdlet is told as one that is not here, and none twice.
func TestUnsupportedNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range all() {
		seen[strings.ToLower(c.Name)] = true
	}
	for _, name := range unsupported {
		if seen[strings.ToLower(name)] {
			t.Errorf("%s is there, or is listed twice", name)
		}
		seen[strings.ToLower(name)] = true
	}
}

func pageTable() string {
	list := all()
	slices.SortFunc(list, func(a, b *cmdlet) int { return cmp.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString("| Cmdlet | Parameters | Asked for by |\n|---|---|---|\n")
	for _, c := range list {
		var params []string
		for _, p := range c.Params {
			params = append(params, pageParameter(p))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Name, cmp.Or(strings.Join(params, ", "), "none"), c.Asks)
	}
	return b.String()
}

// pageParameter names a parameter with its type; ! is mandatory, * takes the pipeline.
func pageParameter(p psobject.Parameter) string {
	text := p.Name
	if p.Mandatory {
		text += "!"
	}
	if p.Pipeline {
		text += "*"
	}
	if p.Type != "string" {
		text += " " + p.Type
	}
	return text
}
