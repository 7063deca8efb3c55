package shell

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// section returns the lines of a section of doc/shell.md.
func section(t *testing.T, title string) []string {
	t.Helper()
	doc, err := os.ReadFile("../doc/shell.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("no section %s", title)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	return strings.Split(body, "\n")
}

// rows returns the cells of the tables in a section, without their heads.
func rows(t *testing.T, title string) [][]string {
	t.Helper()
	var out [][]string
	for _, line := range section(t, title) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "|---") {
			continue
		}
		line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00")
		var cells []string
		for cell := range strings.SplitSeq(line, "|") {
			cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|"))
		}
		out = append(out, cells)
	}
	return out
}

func TestDocumentedExamples(t *testing.T) {
	_, block, _ := strings.Cut(strings.Join(section(t, "Grammar"), "\n"), "```powershell\n")
	block, _, _ = strings.Cut(block, "```")
	n := 0
	for line := range strings.Lines(block) {
		n++
		if _, err := parse.Parse(line); err != nil {
			t.Errorf("%s%v", line, err)
		}
	}
	if n < 5 {
		t.Errorf("%d examples", n)
	}
	operators := 0
	for _, cells := range rows(t, "Grammar")[1:] {
		for op := range strings.FieldsSeq(strings.ReplaceAll(cells[0], "`", "")) {
			operators++
			if _, err := parse.Parse("1 " + op + " 2"); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
	if operators != 24 {
		t.Errorf("%d operators", operators)
	}
}

func TestDocumentedCmdlets(t *testing.T) {
	var names []string
	tables := append(rows(t, "Cmdlets that need no server")[1:], rows(t, "Microsoft Graph")[1:]...)
	tables = slices.DeleteFunc(tables, func(cells []string) bool { return len(cells) < 3 || cells[0] == "Cmdlet" })
	slices.SortFunc(tables, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	for _, cells := range tables {
		names = append(names, cells[0])
		c := cmdlets[strings.ToLower(cells[0])]
		if c == nil {
			t.Errorf("%s is no cmdlet", cells[0])
			continue
		}
		var params, short []string
		for _, p := range c.Params {
			if cells[0] == "Where-Object" && p.Type == "switch" && p.Name != "Not" {
				if p.Name == "NotIn" {
					params = append(params, "the comparisons EQ to NotIn")
				}
				continue
			}
			params = append(params, p.Name)
		}
		for alias, name := range aliases {
			if name == c.Name {
				short = append(short, alias)
			}
		}
		slices.Sort(short)
		if got := strings.Join(params, ", "); got != cells[2] {
			t.Errorf("%s has %s", c.Name, got)
		}
		if got := strings.Join(short, ", "); got != cells[1] {
			t.Errorf("%s is also %s", c.Name, got)
		}
	}
	if got := localNames(); !slices.Equal(got, names) {
		t.Errorf("described are %v, there are %v", names, got)
	}
}

func TestDocumentedDifferences(t *testing.T) {
	t.Chdir(t.TempDir())
	code := func(cell string) string {
		if inner, ok := strings.CutPrefix(cell, "``"); ok {
			return strings.TrimSuffix(inner, " ``")
		}
		return strings.Trim(cell, "`")
	}
	table := differences(t)
	for _, cells := range table {
		var out strings.Builder
		err := Run(t.Context(), code(cells[0]), Session{Client: &recorder{}, Out: &out, Err: io.Discard})
		got := strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\n", "⏎")
		if record, ok := errors.AsType[*psobject.ErrorRecord](err); ok {
			got = record.Message
		} else if bad, ok := errors.AsType[*parse.Error](err); ok {
			got = bad.Message
		} else if err != nil {
			t.Error(err)
		}
		if want := code(cells[1]); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", cells[0], got, want)
		}
	}
	if len(table) < 25 {
		t.Errorf("%d differences", len(table))
	}
}

// differences reads the table from here: the test runs in a folder of its own.
func differences(t *testing.T) [][]string {
	t.Helper()
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	table := rows(t, "What differs from PowerShell")[1:]
	t.Chdir(before)
	return table
}
