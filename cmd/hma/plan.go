package main

import (
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/script"
)

func (a *app) plan() *cobra.Command {
	var out, only, scripts string
	var snapshots []string
	var pilot, tenants []string
	var markdown bool
	cmd := &cobra.Command{
		Use: "plan", Short: "Plan the changes, as a diff to look at and data to keep", GroupID: "procedure",
		Long: `Plans the changes that enable Hybrid Modern Authentication, in the how-to's order,
and keeps the plan in the data directory. Nothing is changed. With --pilot tokens
are for some people first, by authentication policies; a second one adds people,
and a plan without it is for everybody. With --snapshot it plans for an organisation
that hma cannot reach, by the files of the scripts of hma collect: such a plan is for
--script, not for hma apply, and kept with --out alone.`,
		Example: "  hma plan\n  hma plan --only outlook\n  hma plan --pilot alice@contoso.com,bjorn@contoso.com\n  hma plan --pilot @pilots.txt\n  hma plan --tenant contoso.onmicrosoft.com\n  hma plan --script change-4711\n  hma plan --snapshot exchange.json --snapshot graph.json --script change-4711\n  hma plan --out change-4711.json --markdown > change-4711.md",
		RunE: func(cmd *cobra.Command, _ []string) error {
			scope := procedure.Scope(only)
			if only != "" && !slices.Contains(procedure.Scopes, scope) {
				return usage("--only %s: want outlook, mobile or owa-ecp", only)
			}
			people, err := pilots(pilot)
			if err != nil {
				return err
			}
			p, err := a.planned(snapshots)
			if err != nil {
				return err
			}
			plan, err := p.MakePlan(cmd.Context(), procedure.Choices{Scope: scope, Pilots: people, Tenants: tenants})
			if err != nil {
				return engineExit(err)
			}
			name := out
			switch {
			case name != "":
				err = procedure.WritePlan(plan, name)
			case len(plan.Collected) == 0:
				name, err = p.SavePlan(plan)
			}
			if err != nil {
				return engineExit(err)
			}
			if scripts != "" {
				if err := writeScripts(plan, scripts); err != nil {
					return engineExit(err)
				}
			}
			if a.json {
				return printJSON(a.out, plan)
			}
			if markdown {
				_, err := io.WriteString(a.out, plan.Markdown())
				return err
			}
			if len(plan.Changes) == 0 && len(plan.Blocked) == 0 {
				a.view.printf("nothing to change: Hybrid Modern Authentication is enabled\n")
				return nil
			}
			a.view.showPlan(plan)
			if name != "" {
				a.view.printf("plan %s: %s\n", plan.ID, shorten(name))
			}
			if scripts != "" {
				a.view.printf("scripts: %s, %s\n", shorten(filepath.Join(scripts, script.ApplyFile)), shorten(filepath.Join(scripts, script.UndoFile)))
			} else if len(plan.Collected) > 0 {
				a.view.wrap(0, "It is for the servers themselves: --script DIR writes the scripts that carry it out and take it back.")
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&snapshots, "snapshot", nil, "`FILE` that a script of hma collect wrote, once for each part")
	cmd.Flags().StringVar(&out, "out", "", "write the plan to `FILE`")
	cmd.Flags().StringVar(&only, "only", "", "plan for some `clients` alone: outlook, mobile or owa-ecp")
	cmd.Flags().StringSliceVar(&pilot, "pilot", nil, "plan for these `people` first: UPNs, addresses, or @FILE with one a line")
	cmd.Flags().StringSliceVar(&tenants, "tenant", nil, "plan the changes of this `tenant` alone; may be given again")
	cmd.Flags().StringVar(&scripts, "script", "", "write apply.ps1 and undo.ps1, for the servers themselves, to the folder `DIR`")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print it as Markdown, for a change board")
	return cmd
}

// planned returns the procedure over collected files, or without any over the lab.
func (a *app) planned(snapshots []string) (*procedure.Procedure, error) {
	if len(snapshots) > 0 {
		return collected(snapshots, nil)
	}
	_, p, err := a.engine(nil)
	return p, err
}
