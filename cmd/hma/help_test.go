package main

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hma/lab"
)

// each calls f with every command of the program.
func each(c *cobra.Command, f func(*cobra.Command)) {
	for _, below := range c.Commands() {
		f(below)
		each(below, f)
	}
}

// TestHelp: every command answers --help with exit code 0 and an example of itself.
func TestHelp(t *testing.T) {
	root := (&app{view: newView(discard{}, nil)}).root()
	each(root, func(c *cobra.Command) {
		var out, errs bytes.Buffer
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK || errs.Len() > 0 {
			t.Errorf("%s --help exits %d: %s", c.CommandPath(), code, errs.String())
		}
		_, example, ok := strings.Cut(out.String(), "Examples:\n")
		if !ok || !strings.Contains(example, c.CommandPath()) {
			t.Errorf("%s --help has no example of it:\n%s", c.CommandPath(), out.String())
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 121 {
				t.Errorf("%s --help: a line of %d characters: %s", c.CommandPath(), len(line), line)
			}
		}
	})
}

// TestDocumented holds doc/commands.md against the program: every command has
// its section, which names every flag of its own; every field of endpoints.json is there.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../doc/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, s := range strings.Split(string(text), "\n##")[1:] {
		title, body, _ := strings.Cut(s, "\n")
		sections[strings.TrimLeft(title, "# ")] = body
	}
	commands := map[string]bool{}
	root := (&app{view: newView(discard{}, nil)}).root()
	each(root, func(c *cobra.Command) {
		commands[c.CommandPath()] = true
		if first := strings.Fields(c.CommandPath())[1]; first == "help" || first == "completion" || c.HasSubCommands() {
			if !strings.Contains(string(text), "hma "+first) {
				t.Errorf("hma %s is not in doc/commands.md", first)
			}
			return
		}
		section, ok := sections[c.CommandPath()]
		if !ok {
			t.Errorf("%s has no section in doc/commands.md", c.CommandPath())
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !strings.Contains(section, "--"+f.Name) {
				t.Errorf("the section %s of doc/commands.md does not name --%s", c.CommandPath(), f.Name)
			}
		})
		if !strings.Contains(section, "```console\n$ ") {
			t.Errorf("the section %s of doc/commands.md has no example", c.CommandPath())
		}
	})
	for title := range sections {
		if strings.HasPrefix(title, "hma ") && !commands[title] {
			t.Errorf("doc/commands.md has a section %s: no such command", title)
		}
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(sections["Common to all"], "--"+f.Name) {
			t.Errorf("doc/commands.md does not name the common flag --%s", f.Name)
		}
	})
	for field := range reflect.TypeFor[lab.Endpoints]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !strings.Contains(sections["endpoints.json"], "| `"+name+"` |") {
			t.Errorf("doc/commands.md does not name the field %s of endpoints.json", name)
		}
	}
}
