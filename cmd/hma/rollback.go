package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
)

func (a *app) rollback() *cobra.Command {
	var leave bool
	var changes string
	var from elsewhere
	cmd := &cobra.Command{
		Use: "rollback RUN", Short: "Take a run back to the recorded values", GroupID: "procedure",
		Long: `Restores what the run found, newest change first. From the lists of the tenant
exactly the entries are taken that the run added. A value that somebody changed
since is not overwritten: rollback names it and stops, or leaves it with --leave-moved.
With --change some changes of a finished run are taken back; what stands on them has
to go too, and rollback says what that is. The numbers are those of hma history RUN.
A run that was applied with --cloud is taken back with it, and with --write.`,
		Example: "  hma rollback 20240423-101500-abcd\n  hma rollback --change 4,7-9 20240423-101500-abcd\n  hma rollback --yes $(hma history --json | jq -r '.runs[0].id')",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := from.writing(a.data); err != nil {
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
			back := func(ctx context.Context) (*procedure.Run, error) { return p.Rollback(ctx, run.ID, leave) }
			what := count(len(run.Changes), "change")
			if cmd.Flags().Changed("change") {
				part, err := numbers(changes)
				if err != nil {
					return err
				}
				what = "change " + changes
				back = func(ctx context.Context) (*procedure.Run, error) { return p.RollbackPart(ctx, run.ID, part, leave) }
			}
			if err := a.ask(cmd.Context(), fmt.Sprintf("Take back the %s of run %s?", what, run.ID)); err != nil {
				return err
			}
			return a.showRun(back(cmd.Context()))
		},
	}
	from.cloudFlags(cmd)
	from.tenantFlag(cmd)
	from.writeFlag(cmd)
	cmd.Flags().StringVar(&changes, "change", "", "take back only the changes with these `numbers`, as 4,7-9")
	cmd.Flags().BoolVar(&leave, "leave-moved", false, "leave values that somebody changed since as they are")
	return cmd
}

// numbers reads what --change is given: 4,7-9.
func numbers(text string) ([]int, error) {
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		first, last, span := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && span {
			to, err = strconv.Atoi(last)
		}
		if err != nil || from < 1 || to < from || to > maxChange {
			return nil, usage("--change %s: want numbers of changes, as 4,7-9", text)
		}
		for n := from; n <= to; n++ {
			list = append(list, n)
		}
	}
	return list, nil
}

// maxChange bounds the numbers that --change is given.
const maxChange = 1_000_000
