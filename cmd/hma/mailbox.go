package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hma/internal/roles"
)

// socket returns a client of the lab's admin socket for paths beside the Admin API.
func (r *running) socket() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", r.AdminSocket)
		},
	}}
}

// post sends a body to a path of the admin socket and returns the answer's body.
func (r *running) post(ctx context.Context, what, path, contentType string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://lab"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := r.socket().Do(req)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", what, err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", what, err))
	}
	if resp.StatusCode >= 300 {
		code := exitUnreachable
		if resp.StatusCode < 500 {
			code = exitUsage
		}
		return nil, exit{code, fmt.Errorf("%s: %s", what, strings.TrimSpace(string(text)))}
	}
	return text, nil
}

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
				_, err = lab.post(cmd.Context(), fmt.Sprintf("import %s (%d of %d)", filepath.Base(name), i+1, len(files)),
					roles.ImportPath+"?"+query.Encode(), "message/rfc822", f)
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
