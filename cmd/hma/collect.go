package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
	"hma/hybrid/target"
	"hma/hybrid/target/collect"
)

func (a *app) collect() *cobra.Command {
	cmd := &cobra.Command{
		Use: "collect", Short: "Print a read-only script that collects what a check reads", GroupID: "procedure",
		Long: `Prints PowerShell that reads the settings of an organisation which hma cannot reach,
and writes them to a file for hma check --snapshot. It changes nothing. There are two
parts: exchange for a server's management shell, and graph for any machine with
Microsoft Graph PowerShell, once for each tenant.`,
		Example: "  hma collect exchange > collect-exchange.ps1\n  hma collect graph > collect-graph.ps1\n  hma check --snapshot exchange.json --snapshot graph.json",
	}
	for _, part := range []struct {
		name, short string
		script      func() string
	}{
		{"exchange", "Print the part for an Exchange Management Shell", collect.Exchange},
		{"graph", "Print the part for Microsoft Graph PowerShell", collect.Graph},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: part.name, Short: part.short, Args: cobra.NoArgs,
			Long:    part.short + ". Run it there; it writes\n" + part.name + ".json into the current folder, for hma check --snapshot.",
			Example: fmt.Sprintf("  hma collect %[1]s > collect-%[1]s.ps1\n  hma shell collect-%[1]s.ps1    try it on a lab", part.name),
			RunE: func(*cobra.Command, []string) error {
				if a.json {
					return printJSON(a.out, map[string]any{"version": 1, "part": part.name, "script": part.script()})
				}
				_, err := io.WriteString(a.out, part.script())
				return err
			},
		})
	}
	return cmd
}

// collected returns the procedure over the organisation that collected files hold.
func collected(names []string, given target.GivenFiles) (*procedure.Procedure, error) {
	var files []io.Reader
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, usage("--snapshot: %w", err)
		}
		defer f.Close()
		files = append(files, f)
	}
	t, err := target.ReadSnapshot(files...)
	if err != nil {
		return nil, usage("--snapshot: %w", err)
	}
	t.Files = given
	return procedure.New(procedure.Options{Target: t, Now: now})
}
