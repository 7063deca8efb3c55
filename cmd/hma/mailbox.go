package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"hma/internal/roles"
)

func (a *app) mailbox() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mailbox",
		Short:   "Work on mailboxes",
		GroupID: "lab",
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.mailboxImport(), a.mailboxExport(), a.mailboxCheck(), a.mailboxBackup(), a.mailboxRestore())
	return cmd
}

// interrupted is the error of a command, which where its user has ended it says what that leaves.
func interrupted(cmd *cobra.Command, err error, left string) error {
	if err == nil || cmd.Context().Err() == nil {
		return err
	}
	return unreachable(fmt.Errorf("%s: interrupted: %s", cmd.Name(), left))
}

// oneMailbox holds that --mailbox, where it is given, names one: an empty one, as a script's
// unset variable leaves it, would be all.
func oneMailbox(cmd *cobra.Command, _ []string) error {
	if f := cmd.Flag("mailbox"); f.Changed && f.Value.String() == "" {
		return usage("%s: --mailbox has no address: leave it out for all mailboxes", cmd.Name())
	}
	return nil
}

func (a *app) mailboxCheck() *cobra.Command {
	var address string
	var repair bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check mailboxes for damage, and repair it",
		Long: "Compares what the store keeps twice: counters, numbers, folders, references and contents.\n" +
			"With --repair what can be computed again is set right; what has lost its folder goes to Recovered items.",
		Example: "  hma mailbox check\n  hma mailbox check --mailbox alice@contoso.com --repair",
		Args:    cobra.NoArgs,
		PreRunE: oneMailbox,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lab, err := a.running()
			if err != nil {
				return err
			}
			query := url.Values{"mailbox": {address}}
			if repair {
				query.Set("repair", "1")
			}
			answer, err := lab.stream(cmd.Context(), "check", http.MethodPost, roles.CheckPath+"?"+query.Encode(), "application/json", http.NoBody)
			if err == nil {
				defer answer.Close()
				err = a.checked(answer)
			}
			return interrupted(cmd, err, "not all was looked at")
		},
	}
	cmd.Flags().StringVar(&address, "mailbox", "", "`address` of the one mailbox to check; all without")
	cmd.Flags().BoolVar(&repair, "repair", false, "repair what can be computed again")
	return cmd
}

// checked shows the lines of a check as they come.
func (a *app) checked(answer io.Reader) error {
	found, repaired := []roles.CheckLine{}, 0
	lines := json.NewDecoder(answer)
	for {
		var line roles.CheckLine
		if err := lines.Decode(&line); err != nil {
			return unreachable(fmt.Errorf("check: it broke off: %w", err))
		}
		if line.Error != "" {
			return unreachable(fmt.Errorf("check: %s", line.Error))
		}
		if line.Damage == nil {
			if a.json {
				err := printJSON(a.out, map[string]any{"version": 1, "mailboxes": line.Checked, "found": len(found), "repaired": repaired, "damages": found})
				if err != nil {
					return err
				}
			} else {
				a.view.printf("%d mailboxes, %d found, %d repaired\n", line.Checked, len(found), repaired)
			}
			if len(found) > 0 {
				return exit{exitFound, nil}
			}
			return nil
		}
		found = append(found, line)
		done := ""
		if line.Repaired {
			repaired++
			done = "repaired: "
		}
		if !a.json {
			a.view.printf("%s: %s%s: %s (%s)\n", line.Mailbox, done, line.Where, line.What, line.Kind)
		}
	}
}
