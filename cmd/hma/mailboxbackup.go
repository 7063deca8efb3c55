package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hma/exchange/store/backup"
	"hma/internal/roles"
	"hma/lab"
)

func (a *app) mailboxBackup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FOLDER",
		Short: "Save all mail into a new folder below FOLDER, while it is used",
		Long: "Saves all mailboxes as they are at one moment into FOLDER/mailbox-TIME, reads everything again and lists it in\n" +
			"manifest.json. The folder has its name when it is whole; a run that was cut off is begun again with the same command.\n" +
			"It holds mail alone: keep org.db, entra.db and the key of the data directory too, the key elsewhere than the rest.",
		Example: "  hma mailbox backup /var/backups/hma",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lab, err := a.running()
			if err != nil {
				return err
			}
			to, err := filepath.Abs(args[0])
			if err != nil {
				return usage("backup: %w", err)
			}
			end, damages, err := a.backupLines(cmd, lab, "backup", roles.BackupPath, url.Values{"to": {to}})
			if err != nil {
				return interrupted(cmd, err, "no backup was made; the same command begins again")
			}
			if a.json {
				err = printJSON(a.out, map[string]any{"version": 1, "backup": end.Path, "mailboxes": end.Mailboxes, "bytes": end.Bytes, "damages": damages})
			} else {
				a.view.printf("%d mailboxes, %d bytes in %s\n", end.Mailboxes, end.Bytes, end.Path)
			}
			return foundAny(err, len(damages))
		},
	}
}

func (a *app) mailboxRestore() *cobra.Command {
	var address string
	var verify bool
	cmd := &cobra.Command{
		Use:   "restore BACKUP",
		Short: "Put the mail of a backup in place of what is there",
		Long: "Restores all mailboxes of a backup, or the one of an address. Clients start anew; what came since the backup is gone.\n" +
			"While a lab runs each mailbox is copied beside the living one and takes its place at once, and mailboxes that the backup\n" +
			"does not hold stay. Where none runs the whole database is put in place, and the one before is kept beside it.\n" +
			"With --verify nothing is restored: everything in the backup is read, the hash of each content too.",
		Example: "  hma mailbox restore --verify /var/backups/hma/mailbox-20260401T020000Z\n" +
			"  hma mailbox restore --mailbox alice@contoso.com /var/backups/hma/mailbox-20260401T020000Z",
		Args:    cobra.ExactArgs(1),
		PreRunE: oneMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, err := filepath.Abs(args[0])
			if err == nil {
				_, err = os.Stat(folder)
			}
			switch {
			case err != nil:
				return usage("restore: %w", err)
			case verify && address != "":
				return usage("restore: --verify reads the whole backup: leave --mailbox out")
			case verify:
				return interrupted(cmd, a.verifyBackup(cmd, folder), "not all of it was read")
			}
			if err := a.ask(cmd.Context(), fmt.Sprintf("Put the mail of %s in place of what is there?", args[0])); err != nil {
				return err
			}
			_, err = lab.ReadEndpoints(a.data)
			if errors.Is(err, fs.ErrNotExist) && address == "" {
				return interrupted(cmd, a.restoreStopped(cmd, folder), "the mail is as it was")
			}
			running, err := a.running()
			if err != nil {
				return err
			}
			query := url.Values{"backup": {folder}, "mailbox": {address}}
			end, _, err := a.backupLines(cmd, running, "restore", roles.RestorePath, query)
			if err != nil {
				return interrupted(cmd, err, "mailboxes that were not yet restored are as they were")
			}
			return a.restored(end.Mailboxes, folder, "")
		},
	}
	cmd.Flags().StringVar(&address, "mailbox", "", "`address` of the one mailbox to restore; all without")
	cmd.Flags().BoolVar(&verify, "verify", false, "read everything in the backup and restore nothing")
	return cmd
}

// backupLines shows the lines of an answer as they come and returns the last one.
func (a *app) backupLines(cmd *cobra.Command, lab *running, what, path string, query url.Values) (end roles.BackupLine, damages []roles.BackupLine, err error) {
	answer, err := lab.stream(cmd.Context(), what, http.MethodPost, path+"?"+query.Encode(), "application/json", http.NoBody)
	if err != nil {
		return end, nil, err
	}
	defer answer.Close()
	damages = []roles.BackupLine{}
	in := json.NewDecoder(answer)
	for {
		var line roles.BackupLine
		if err := in.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return end, nil, unreachable(fmt.Errorf("%s: it broke off: %w", what, err))
		}
		switch {
		case line.Done && line.Error != "":
			return end, nil, unreachable(fmt.Errorf("%s: %s", what, strings.TrimPrefix(line.Error, what+": ")))
		case line.Done:
			return line, damages, nil
		case line.Damage != nil:
			damages = append(damages, line)
			a.showDamage(line.Mailbox, line.Where, line.What, line.Kind)
		case !a.json && line.Rows > 0:
			a.view.printf("%s %s: %d rows\n", line.Step, line.Mailbox, line.Rows)
		case !a.json && line.Mailbox == "":
			a.view.printf("%s\n", line.Step)
		}
	}
}

func (a *app) showDamage(mailbox, where, what, kind string) {
	if !a.json {
		a.view.printf("%s: %s: %s (%s)\n", mailbox, where, what, kind)
	}
}

// foundAny is the end of a command that looks for damage.
func foundAny(err error, found int) error {
	if err == nil && found > 0 {
		return exit{exitFound, nil}
	}
	return err
}

func (a *app) verifyBackup(cmd *cobra.Command, folder string) error {
	damages := []roles.BackupLine{}
	m, err := backup.Verify(cmd.Context(), folder, now, func(f backup.Found) {
		damages = append(damages, roles.BackupLine{Mailbox: f.Mailbox, Damage: &f.Damage})
		a.showDamage(f.Mailbox, f.Where, f.What, f.Kind)
	})
	if errors.Is(err, backup.ErrNotWhole) {
		return exit{exitFound, fmt.Errorf("restore: %w", err)}
	}
	if err != nil {
		return unreachable(err)
	}
	if a.json {
		err = printJSON(a.out, map[string]any{"version": 1, "backup": folder, "made": m.Made, "bytes": m.Size, "mailboxes": m.Mailboxes, "damages": damages})
	} else {
		a.view.printf("%d mailboxes, %d bytes, made %s: whole\n", len(m.Mailboxes), m.Size, m.Made.Format("2006-01-02 15:04:05 MST"))
	}
	return foundAny(err, len(damages))
}

func (a *app) restoreStopped(cmd *cobra.Command, folder string) error {
	m, kept, err := lab.RestoreMail(cmd.Context(), a.data, folder, now)
	switch {
	case errors.Is(err, lab.ErrForeign) || errors.Is(err, backup.ErrNotWhole):
		return exit{exitUsage, err}
	case err != nil:
		return unreachable(err)
	}
	return a.restored(len(m.Mailboxes), folder, kept)
}

func (a *app) restored(mailboxes int, folder, kept string) error {
	if a.json {
		return printJSON(a.out, map[string]any{"version": 1, "backup": folder, "mailboxes": mailboxes, "kept": slices.DeleteFunc([]string{kept}, func(s string) bool { return s == "" })})
	}
	a.view.printf("%d mailboxes restored from %s\n", mailboxes, folder)
	if kept != "" {
		a.view.printf("the database before is %s\n", kept)
	}
	return nil
}
