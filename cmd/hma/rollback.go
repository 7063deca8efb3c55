package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) rollback() *cobra.Command {
	var leave bool
	var from elsewhere
	cmd := &cobra.Command{
		Use: "rollback RUN", Short: "Take a run back to the recorded values", GroupID: "procedure",
		Long: `Restores what the run found, newest change first. From the lists of the tenant
exactly the entries are taken that the run added. A value that somebody changed
since is not overwritten: rollback names it and stops, or leaves it with --leave-moved.
A run that was applied with --cloud is taken back with it, and with --write.`,
		Example: "  hma rollback 20240423-101500-abcd\n  hma rollback --yes $(hma history --json | jq -r '.runs[0].id')",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := from.writing(); err != nil {
				return err
			}
			p, err := a.organisation(cmd.Context(), &from, nil)
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
	from.cloudFlags(cmd)
	from.tenantFlag(cmd)
	from.writeFlag(cmd)
	cmd.Flags().BoolVar(&leave, "leave-moved", false, "leave values that somebody changed since as they are")
	return cmd
}

func (a *app) history() *cobra.Command {
	return &cobra.Command{
		Use: "history", Short: "List the runs, newest first", GroupID: "procedure",
		Example: "  hma history\n  hma history --json | jq -r '.runs[0].id'",
		RunE: func(*cobra.Command, []string) error {
			// The journals are files: no lab need run.
			p, err := a.records()
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
