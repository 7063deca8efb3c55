package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

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
	var address, folder string
	var unread bool
	imports := &cobra.Command{
		Use:     "import FILE.eml...",
		Short:   "Put messages (eml) into a mailbox",
		Long:    "Puts each message into a folder of the mailbox as it is, byte for byte, with the date at which it was received.",
		Example: "  hma mailbox import --mailbox alice@contoso.com message.eml\n  hma mailbox import --mailbox alice@contoso.com --folder sentitems sent/*.eml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if address == "" {
				return usage("import: say whose mailbox with --mailbox ADDRESS")
			}
			lab, err := a.running()
			if err != nil {
				return err
			}
			query := url.Values{"mailbox": {address}, "folder": {folder}}
			if unread {
				query.Set("unread", "1")
			}
			for i, name := range files {
				f, err := os.Open(name)
				if err != nil {
					return usage("import: %w", err)
				}
				if info, err := f.Stat(); err == nil && info.IsDir() {
					f.Close()
					return usage("import %s: it is a folder: give its files", name)
				}
				_, err = lab.send(cmd.Context(), fmt.Sprintf("import %s (%d of %d)", filepath.Base(name), i+1, len(files)),
					http.MethodPost, roles.ImportPath+"?"+query.Encode(), "message/rfc822", f)
				f.Close() // only read
				if err != nil {
					return err
				}
			}
			if a.json {
				return printJSON(a.out, map[string]any{"version": 1, "imported": len(files), "mailbox": address, "folder": folder})
			}
			a.view.printf("%d imported into %s of %s\n", len(files), folder, address)
			return nil
		},
	}
	imports.Flags().StringVar(&address, "mailbox", "", "`address` of the mailbox")
	imports.Flags().StringVar(&folder, "folder", "inbox", "`folder`: inbox, sentitems, drafts, archive ...")
	imports.Flags().BoolVar(&unread, "unread", false, "mark as unread")
	cmd.AddCommand(imports, a.mailboxCheck(), a.mailboxBackup(), a.mailboxRestore())
	return cmd
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
			if err != nil {
				return err
			}
			defer answer.Close()
			return a.checked(answer)
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
