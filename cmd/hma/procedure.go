package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/procedure/script"
	"hma/hybrid/target"
)

// engineExit gives the procedure's errors their exit codes.
func engineExit(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(exit)):
		return err
	case errors.Is(err, procedure.ErrNoPlan), errors.Is(err, procedure.ErrNoRun), errors.Is(err, procedure.ErrInvalid),
		errors.Is(err, procedure.ErrStale), errors.Is(err, procedure.ErrBlocked), errors.Is(err, procedure.ErrLockout),
		errors.Is(err, procedure.ErrMoved), errors.Is(err, procedure.ErrLater):
		return exit{exitUsage, err}
	}
	return unreachable(err)
}

// operator is who runs the command, for the journal.
func operator() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

func (a *app) check() *cobra.Command {
	var firewall, records string
	var snapshots []string
	cmd := &cobra.Command{
		Use: "check", Short: "Say what stands in the way of Hybrid Modern Authentication", GroupID: "procedure",
		Long: `Runs every rule of the how-to over the organisation and its tenant. Findings are
faults to repair; notes are good to know. Exit code 0 without findings, 1 with
findings, 3 when something could not be read. With --snapshot it judges an
organisation that hma cannot reach, by the files of the scripts of hma collect.`,
		Example: "  hma check\n  hma check --snapshot exchange.json --snapshot graph.json\n  hma check --firewall rules.txt --records requests.jsonl\n  hma check --json | jq '.findings[].rule'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := target.GivenFiles{facts.FirewallFile: firewall, facts.RecordsFile: records}
			var p *procedure.Procedure
			var err error
			if len(snapshots) > 0 {
				p, err = collected(snapshots, given)
			} else {
				_, p, err = a.engine(&caution{prove: proveBrowser, given: given})
			}
			if err != nil {
				return err
			}
			report, err := p.Check(cmd.Context())
			if err != nil {
				return engineExit(err)
			}
			if a.json {
				err = printJSON(a.out, report)
			} else {
				a.view.showReport(report)
			}
			if err != nil {
				return err
			}
			return checkExit(report)
		},
	}
	cmd.Flags().StringArrayVar(&snapshots, "snapshot", nil, "`FILE` that a script of hma collect wrote, once for each part")
	cmd.Flags().StringVar(&firewall, "firewall", "", "`FILE` with the firewall's rules: nft, iptables-save or Windows")
	cmd.Flags().StringVar(&records, "records", "", "`FILE` with the servers' request records, JSON lines")
	return cmd
}

// checkExit: not checked wins over found.
func checkExit(r *procedure.Report) error {
	switch {
	case r.Count(rule.NotChecked) > 0:
		return exit{exitUnreachable, nil}
	case r.Count(rule.Fault) > 0:
		return exit{exitFound, nil}
	}
	return nil
}

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
			plan, err := p.MakePlan(cmd.Context(), scope)
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

func (a *app) apply() *cobra.Command {
	var c caution
	cmd := &cobra.Command{
		Use: "apply [PLAN]", Short: "Apply a plan, the newest by default", GroupID: "procedure",
		Long: `Makes the changes of a plan in order, each in the journal before it is made and
read back after it. A stale plan is refused. A run that was cut off is resumed first.`,
		Example: "  hma apply\n  hma apply --yes change-4711.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, p, err := a.engine(&c)
			if err != nil {
				return err
			}
			resumed, err := a.resume(cmd.Context(), p)
			if err != nil || resumed && len(args) == 0 {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			plan, err := p.LoadPlan(name)
			if err != nil {
				return engineExit(err)
			}
			if len(plan.Changes) > 0 {
				if !a.json {
					a.view.showPlan(plan)
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
			a.view.printf("%v\n", procedure.ErrEmpty)
			return nil
		},
	}
	c.flags(cmd)
	return cmd
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
		a.view.printf("Run %s of %s was cut off. It is resumed before anything else.\n", unfinished.ID, unfinished.Started.UTC().Format("2006-01-02 15:04:05Z"))
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
			a.view.wrap(0, "go on with: "+a.command("rollback "+run.ID))
		case run.Unfinished():
			a.view.wrap(0, "go on with: "+a.command("apply"))
			fallthrough
		case run.Outcome == procedure.OutcomeApplied:
			a.view.wrap(0, "the way back: "+a.command("rollback "+run.ID))
		}
	}
	return engineExit(err)
}

// command is a command to type, for the same data directory.
func (a *app) command(text string) string {
	if a.data != defaultData {
		text = "--data " + shorten(a.data) + " " + text
	}
	return styleName.Render("hma " + text)
}

func (a *app) rollback() *cobra.Command {
	var leave bool
	cmd := &cobra.Command{
		Use: "rollback RUN", Short: "Take a run back to the recorded values", GroupID: "procedure",
		Long: `Restores what the run found, newest change first. From the lists of the tenant
exactly the entries are taken that the run added. A value that somebody changed
since is not overwritten: rollback names it and stops, or leaves it with --leave-moved.`,
		Example: "  hma rollback 20240423-101500-abcd\n  hma rollback --yes $(hma history --json | jq -r '.runs[0].id')",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, p, err := a.engine(nil)
			if err != nil {
				return err
			}
			run, err := p.Run(args[0])
			if err != nil {
				return engineExit(err)
			}
			if err := a.ask(cmd.Context(), fmt.Sprintf("Take back the %s of run %s?", count(len(run.Changes), "change"), run.ID)); err != nil {
				return err
			}
			run, err = p.Rollback(cmd.Context(), args[0], leave)
			return a.showRun(run, err)
		},
	}
	cmd.Flags().BoolVar(&leave, "leave-moved", false, "leave values that somebody changed since as they are")
	return cmd
}

func (a *app) history() *cobra.Command {
	return &cobra.Command{
		Use: "history", Short: "List the runs, newest first", GroupID: "procedure",
		Example: "  hma history\n  hma history --json | jq -r '.runs[0].id'",
		RunE: func(*cobra.Command, []string) error {
			// The journals are files: no lab need run.
			dir, err := filepath.Abs(a.data)
			if err != nil {
				return usage("history: %w", err)
			}
			p, err := procedure.New(procedure.Options{Dir: dir, Now: now})
			if err != nil {
				return err
			}
			h, err := p.History()
			if err != nil {
				return engineExit(err)
			}
			if a.json {
				return printJSON(a.out, h)
			}
			a.view.showHistory(h)
			return nil
		},
	}
}

// ask returns nil when the operator agrees. Without a terminal --yes must be given.
func (a *app) ask(ctx context.Context, question string) error {
	if a.yes {
		return nil
	}
	if !a.view.terminal || a.json {
		return usage("this changes the organisation: say --yes, or run it in a terminal")
	}
	a.view.printf("\n%s [y/N] ", styleTitle.Render(question))
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n') // what cannot be read is no agreement
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case text := <-answer:
		if text == "y" || text == "yes" {
			return nil
		}
	case <-ctx.Done(): // Ctrl-C at the question
		a.view.printf("\n")
	}
	return exit{exitUsage, errors.New("declined: nothing was changed")}
}
