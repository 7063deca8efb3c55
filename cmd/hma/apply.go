package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
)

func (a *app) apply() *cobra.Command {
	var c caution
	var from elsewhere
	cmd := &cobra.Command{
		Use: "apply [PLAN]", Short: "Apply a plan, the newest by default", GroupID: "procedure",
		Long: `Makes the changes of a plan in order, each in the journal before it is made and
read back after it. A stale plan is refused. A run that was cut off is resumed first.
With --cloud it makes the changes of the tenants alone, by adding entries to their
lists, and only with --write.`,
		Example: "  hma apply\n  hma apply --yes change-4711.json\n  hma apply --cloud microsoft --snapshot exchange.json --data contoso --write",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := from.writing(a.data); err != nil {
				return err
			}
			var plan *procedure.Plan
			var err error
			if len(args) == 1 {
				if plan, err = a.loadPlan(args[0]); err != nil {
					return err
				}
			}
			p, err := a.organisation(cmd.Context(), &from, &c)
			if err != nil {
				return err
			}
			resumed, err := a.resume(cmd.Context(), p)
			if err != nil || resumed && plan == nil {
				return err
			}
			if plan == nil {
				if plan, err = a.loadPlan(""); err != nil {
					return err
				}
			}
			if len(plan.Changes) > 0 {
				if !a.json {
					a.showApplicable(plan)
				}
				if err := a.ask(cmd.Context(), "Apply these changes?"); err != nil {
					return err
				}
			}
			_, err = a.carryOut(cmd.Context(), p, plan)
			if !errors.Is(err, procedure.ErrEmpty) {
				return err
			}
			if a.json {
				return printJSON(a.out, map[string]any{"version": 1, "run": nil})
			}
			a.view.showNothing(plan)
			return nil
		},
	}
	c.flags(cmd)
	from.fileFlags(cmd)
	from.cloudFlags(cmd)
	from.tenantFlag(cmd)
	from.writeFlag(cmd)
	return cmd
}

// showApplicable prints what will be changed, and how much is left to the scripts.
func (a *app) showApplicable(plan *procedure.Plan) {
	part, _ := plan.Applicable() // was asked when the plan was read
	a.view.showPlan(part)
	if rest := len(plan.Changes) - len(part.Changes); rest > 0 {
		a.view.wrap(0, fmt.Sprintf("Left for the servers themselves: %s, by the scripts of hma plan --script DIR.", count(rest, "change")))
	}
}

// loadPlan reads a plan that can be applied: by its id, from a file, or for "" the newest of the data directory.
func (a *app) loadPlan(name string) (*procedure.Plan, error) {
	p, err := a.records()
	if err != nil {
		return nil, err
	}
	plan, err := p.LoadPlan(name)
	if err == nil {
		_, err = plan.Applicable()
	}
	return plan, engineExit(err)
}

// resume goes on with a run that was cut off; resumed tells whether there was one.
func (a *app) resume(ctx context.Context, p *procedure.Procedure) (resumed bool, err error) {
	unfinished, err := p.Unfinished()
	if err != nil {
		return false, engineExit(err)
	}
	if unfinished == nil {
		return false, nil
	}
	if unfinished.Outcome == procedure.OutcomeRollingBack {
		return false, usage("run %s was being rolled back and is not finished: go on with hma rollback %s", unfinished.ID, unfinished.ID)
	}
	if !a.json {
		a.view.printf("Run %s of %s is not finished. It is resumed before anything else.\n", unfinished.ID, unfinished.Started.UTC().Format("2006-01-02 15:04:05Z"))
	}
	if err := a.ask(ctx, "Resume it?"); err != nil {
		return false, err
	}
	run, err := p.Resume(ctx, unfinished.ID)
	return true, a.showRun(run, err)
}

// carryOut applies a plan and tells the id of the run.
func (a *app) carryOut(ctx context.Context, p *procedure.Procedure, plan *procedure.Plan) (*procedure.Run, error) {
	run, err := p.Apply(ctx, plan)
	return run, a.showRun(run, err)
}

func (a *app) showRun(run *procedure.Run, err error) error {
	if run != nil && a.json {
		if printed := printJSON(a.out, map[string]any{"version": 1, "run": run}); err == nil {
			err = printed
		}
	} else if run != nil {
		a.view.wrap(0, "run "+run.ID+": "+outcome(run.Outcome))
		switch {
		case run.Outcome == procedure.OutcomeRollingBack:
			a.view.wrap(0, "go on with: "+a.command("rollback "+run.PartFlag()+run.ID))
		case run.Unfinished():
			a.view.wrap(0, "go on with: "+a.command("apply"))
			fallthrough
		case run.Outcome == procedure.OutcomeApplied:
			a.view.wrap(0, "the way back: "+a.command("rollback "+run.ID))
		}
	}
	return engineExit(err)
}
