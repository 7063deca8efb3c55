package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hma/hybrid/journal"
	"hma/hybrid/procedure/desired"
	"hma/wire/psobject"
)

func (a *app) org() *cobra.Command {
	cmd := &cobra.Command{
		Use: "org", Short: "The configuration that the procedure is about, as one file", GroupID: "procedure", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Long: `Writes the configuration that Hybrid Modern Authentication depends on, of the
organisation and its tenants, as one file to read, to compare and to keep. hma plan
--goal plans the way to what such a file says.`,
		Example: "  hma org export --out contoso.yaml\n  hma org diff contoso.yaml\n  hma plan --goal contoso.yaml",
	}
	cmd.AddCommand(a.orgExport(), a.orgDiff())
	return cmd
}

func (a *app) orgExport() *cobra.Command {
	var out string
	var from elsewhere
	cmd := &cobra.Command{
		Use: "export", Short: "Write the configuration as a file", Args: cobra.NoArgs,
		Long: `Writes switches, policies, authorization servers, virtual directories and the lists
of Exchange in each tenant as YAML. It has no secret, and nothing that changes by
itself: as long as nobody changes anything it is the same to the last octet.`,
		Example: "  hma org export --out contoso.yaml\n  hma org export --snapshot exchange.json --snapshot graph.json > contoso.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.organisation(cmd.Context(), &from, nil)
			if err != nil {
				return err
			}
			has, err := p.State(cmd.Context())
			if err != nil {
				return engineExit(err)
			}
			text, err := desired.Marshal(has)
			if err != nil {
				return unreachable(err)
			}
			if out != "" {
				if err := journal.WriteFile(out, text); err != nil {
					return unreachable(err)
				}
			}
			switch {
			case a.json:
				return printJSON(a.out, map[string]any{"version": desired.Version, "file": out, "state": has.Data()})
			case out != "":
				a.view.printf("%s: %s\n", out, count(len(has.Objects), "object"))
				return nil
			case a.view.terminal:
				a.view.showState(string(text))
				return nil
			}
			_, err = a.out.Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write it to `FILE`")
	from.fileFlags(cmd)
	return cmd
}

func (a *app) orgDiff() *cobra.Command {
	var from elsewhere
	cmd := &cobra.Command{
		Use: "diff FILE", Short: "Say where the organisation is not as a file says", Args: cobra.ExactArgs(1),
		Long: `Compares the organisation with a file of hma org export, or with a part of one: what
the file leaves out is not asked for. A value that is found stands before the one that
is wanted; of lists + is wanted and not there, - is there and not wanted. Exit code 0
without a difference, 1 with one, 2 for a file that is wrong, 3 when the organisation
could not be read.`,
		Example: "  hma org diff contoso.yaml\n  hma org diff --json contoso.yaml | jq '.differences[].object'",
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := readDesired(args[0])
			if err != nil {
				return err
			}
			p, err := a.organisation(cmd.Context(), &from, nil)
			if err != nil {
				return err
			}
			has, err := p.State(cmd.Context())
			if err != nil {
				return engineExit(err)
			}
			differences, unnamed := desired.Compare(has, wanted), desired.Unnamed(has, wanted)
			if a.json {
				names := []string{}
				for _, o := range unnamed {
					names = append(names, o.Noun+" "+o.Name)
				}
				err = printJSON(a.out, orgDiff{1, wanted.File, len(differences) == 0, differences, names})
			} else {
				a.view.showDifferences(wanted, differences, unnamed)
			}
			if err == nil && len(differences) > 0 {
				err = exit{exitFound, nil}
			}
			return err
		},
	}
	from.fileFlags(cmd)
	return cmd
}

// orgDiff is `hma org diff --json`.
type orgDiff struct {
	Version     int                  `json:"version"`
	File        string               `json:"file"`
	Same        bool                 `json:"same"`
	Differences []desired.Difference `json:"differences"`
	// Unnamed are the objects that the file does not name: noun and name.
	Unnamed []string `json:"unnamed"`
}

// readDesired reads a desired state.
func readDesired(name string) (*desired.State, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("no file %s: hma org export --out %s writes one", name, name)
	}
	if err != nil {
		return nil, usage("desired state: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, desired.MaxFile+1))
	if err != nil {
		return nil, unreachable(err)
	}
	s, err := desired.Parse(name, data)
	if err != nil {
		return nil, exit{exitUsage, err}
	}
	return s, nil
}

// showState prints the file with its comments faint and its objects in the colour of names.
func (v *view) showState(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
			line = styleFaint.Render(line)
		case strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " "):
			line = styleTitle.Render(line)
		case strings.HasSuffix(line, ":") && !strings.HasPrefix(line, "   "):
			line = styleName.Render(line)
		}
		v.printf("%s\n", line)
	}
}

// maxUnnamed is how many objects that a file does not name are shown; --json has all.
const maxUnnamed = 8

// showDifferences prints what is not as a file says, by object.
func (v *view) showDifferences(wanted *desired.State, differences []desired.Difference, unnamed []desired.Object) {
	last := ""
	for _, d := range differences {
		if at := d.Noun + d.Object; at != last {
			v.printf("\n%s %s\n", styleName.Render(d.Address()), styleFaint.Render(fmt.Sprintf("%s:%d", wanted.File, d.Line)))
			last = at
		}
		switch _, isList := d.Wanted.([]string); {
		case d.Missing:
			v.printf("  %s\n", styleGood.Render("+ there is no such object"))
		case isList:
			v.printf("  %s\n", d.Property)
			for _, e := range d.Extra {
				v.printf("    %s\n", styleBad.Render("- "+e))
			}
			for _, e := range d.Lacking {
				v.printf("    %s\n", styleGood.Render("+ "+e))
			}
		default:
			v.printf("  %s %s %s %s\n", d.Property, styleBad.Render(shown(d.Found)), styleFaint.Render("->"), styleGood.Render(shown(d.Wanted)))
		}
	}
	if len(unnamed) > 0 {
		v.title("Not in the file, so nothing is asked of it")
		for i, o := range unnamed {
			if i == maxUnnamed {
				v.printf("  %s\n", styleFaint.Render(fmt.Sprintf("and %d more", len(unnamed)-i)))
				break
			}
			v.printf("  %s\n", styleFaint.Render(o.Address()))
		}
	}
	if len(differences) == 0 {
		v.printf("%s\n", styleGood.Render("as "+wanted.File+" says"))
		return
	}
	v.printf("\n%s from %s\n", styleBad.Render(count(len(differences), "difference")), wanted.File)
}

// shown is a value of a property as the console shows it, none for null.
func shown(x any) string { return cmp.Or(psobject.Text(x), "none") }
