package main

import (
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/script"
)

func (a *app) plan() *cobra.Command {
	var out, only, scripts, goal string
	var from elsewhere
	var pilot, tenants []string
	var markdown bool
	cmd := &cobra.Command{
		Use: "plan", Short: "Plan the changes, as a diff to look at and data to keep", GroupID: "procedure",
		Long: `Plans the changes that enable Hybrid Modern Authentication, in the how-to's order,
and keeps the plan in the data directory. Nothing is changed. With --pilot tokens
are for some people first, by authentication policies; a second one adds people,
and a plan without it is for everybody. With --snapshot it plans for an organisation
that hma cannot reach, by the files of the scripts of hma collect: such a plan is for
--script, not for hma apply, and kept with --out alone. With --cloud its tenants are
read themselves, and hma apply makes what is to be changed there. With --goal it plans
the way to what a file of hma org export says, or a part of one.`,
		Example: "  hma plan\n  hma plan --only outlook\n  hma plan --pilot alice@contoso.com,bjorn@contoso.com\n  hma plan --pilot @pilots.txt\n  hma plan --tenant contoso.onmicrosoft.com\n  hma plan --script change-4711\n  hma plan --snapshot exchange.json --snapshot graph.json --script change-4711\n  hma plan --cloud microsoft --snapshot exchange.json --data contoso\n  hma plan --goal contoso.yaml\n  hma plan --out change-4711.json --markdown > change-4711.md",
		RunE: func(cmd *cobra.Command, _ []string) error {
			scope := procedure.Scope(only)
			if only != "" && !slices.Contains(procedure.Scopes, scope) {
				return usage("--only %s: want outlook, mobile or owa-ecp", only)
			}
			if goal != "" && (only != "" || pilot != nil || tenants != nil && from.cloud == "") {
				return usage("--goal says itself what it is for: leave --only, --pilot and --tenant out")
			}
			people, err := pilots(pilot)
			if err != nil {
				return err
			}
			if err := from.keeping(a.data); err != nil {
				return err
			}
			var wanted *desired.State
			if goal != "" {
				if wanted, err = readDesired(goal); err != nil {
					return err
				}
			}
			if from.cloud != "" {
				from.tenants = tenants
			}
			p, err := a.organisation(cmd.Context(), &from, nil)
			if err != nil {
				return err
			}
			var plan *procedure.Plan
			if wanted != nil {
				plan, err = p.MakeGoalPlan(cmd.Context(), wanted)
			} else {
				plan, err = p.MakePlan(cmd.Context(), procedure.Choices{Scope: scope, Pilots: people, Tenants: tenants})
			}
			if err != nil {
				return engineExit(err)
			}
			name := out
			switch {
			case name != "":
				err = procedure.WritePlan(plan, name)
			case applicable(plan):
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
				a.view.showNothing(plan)
				return nil
			}
			a.view.showPlan(plan)
			if name != "" {
				a.view.printf("plan %s: %s\n", plan.ID, shorten(name))
			}
			if scripts != "" {
				a.view.printf("scripts: %s, %s\n", shorten(filepath.Join(scripts, script.ApplyFile)), shorten(filepath.Join(scripts, script.UndoFile)))
			}
			if len(plan.Collected) > 0 {
				a.share(plan, &from)
			}
			return nil
		},
	}
	from.fileFlags(cmd)
	from.cloudFlags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the plan to `FILE`")
	cmd.Flags().StringVar(&only, "only", "", "plan for some `clients` alone: outlook, mobile or owa-ecp")
	cmd.Flags().StringSliceVar(&pilot, "pilot", nil, "plan for these `people` first: UPNs, addresses, or @FILE with one a line")
	cmd.Flags().StringSliceVar(&tenants, "tenant", nil, "plan for this `tenant` alone, and with --cloud sign in at it; repeatable")
	cmd.Flags().StringVar(&goal, "goal", "", "plan the way to what `FILE` says, of hma org export")
	cmd.Flags().StringVar(&scripts, "script", "", "write apply.ps1 and undo.ps1, for the servers themselves, to the folder `DIR`")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print it as Markdown, for a change board")
	return cmd
}

// applicable tells whether hma apply has anything to do with the plan.
func applicable(plan *procedure.Plan) bool {
	_, err := plan.Applicable()
	return err == nil && (len(plan.Collected) == 0 || len(plan.Changes) > 0)
}
