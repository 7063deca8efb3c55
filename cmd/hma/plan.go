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
	var markdown bool
	cmd := &cobra.Command{
		Use: "plan", Short: "Plan the changes, as a diff to look at and data to keep", GroupID: "procedure",
		Long: `Plans the changes that enable Hybrid Modern Authentication, in the how-to's order,
and keeps the plan in the data directory. Nothing is changed.`,
		Example: "  hma plan\n  hma plan --only outlook\n  hma plan --script change-4711\n  hma plan --out change-4711.json --markdown > change-4711.md",
		RunE: func(cmd *cobra.Command, _ []string) error {
			scope := procedure.Scope(only)
			if only != "" && !slices.Contains(procedure.Scopes, scope) {
				return usage("--only %s: want outlook, mobile or owa-ecp", only)
			}
			r, p, err := a.engine(nil)
			if err != nil {
				return err
			}
			plan, err := p.MakePlan(cmd.Context(), procedure.Choices{Scope: scope})
			if err != nil {
				return engineExit(err)
			}
			name := out
			if name == "" {
				name, err = p.SavePlan(plan)
			} else {
				err = procedure.WritePlan(plan, name)
			}
			if err != nil {
				return engineExit(err)
			}
			if scripts != "" {
				if err := writeScripts(plan, r.Endpoints.Tenant.Domain, scripts); err != nil {
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
			a.view.printf("plan %s: %s\n", plan.ID, shorten(name))
			if scripts != "" {
				a.view.printf("scripts: %s, %s\n", shorten(filepath.Join(scripts, script.ApplyFile)), shorten(filepath.Join(scripts, script.UndoFile)))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the plan to `FILE`")
	cmd.Flags().StringVar(&only, "only", "", "plan for some `clients` alone: outlook, mobile or owa-ecp")
	cmd.Flags().StringVar(&scripts, "script", "", "write apply.ps1 and undo.ps1, for the servers themselves, to the folder `DIR`")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print it as Markdown, for a change board")
	return cmd
}
