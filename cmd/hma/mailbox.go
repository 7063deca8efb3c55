package main

import (
	"fmt"
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
	cmd.AddCommand(imports)
	return cmd
}
