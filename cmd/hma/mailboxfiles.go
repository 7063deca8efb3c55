package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"hma/exchange/transport"
	"hma/internal/mailfile"
	"hma/internal/roles"
	"hma/wire/mbox"
)

// tellEvery is how many messages make a line of progress.
const tellEvery = 1000

func (a *app) mailboxImport() *cobra.Command {
	var address, folder string
	var unread, exact bool
	cmd := &cobra.Command{
		Use:   "import FILE|FOLDER...",
		Short: "Put messages into a mailbox: eml, mbox, Maildir",
		Long: "Puts messages into the mailbox as they are, byte for byte, with the date at which they were received\n" +
			"and what the form says beside. A file is an eml or an mbox, and goes to --folder; a folder is a Maildir,\n" +
			"or a tree of eml and NAME.mbox files, and keeps its folders; contacts (.vcf), events (.ics) and other items\n" +
			"(.hmaitem) are taken from both, or alone. A message that is in its folder already, by\n" +
			"its message id, is left out: an import can be repeated.",
		Example: "  hma mailbox import --mailbox alice@contoso.com message.eml\n  hma mailbox import --mailbox alice@contoso.com ~/Maildir archive.mbox",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if address == "" {
				return usage("import: say whose mailbox with --mailbox ADDRESS")
			}
			where := folder
			for _, path := range paths {
				info, err := os.Stat(path)
				switch {
				case err != nil:
					return usage("import: %w", err) // before anything is sent
				case info.IsDir():
					where = "its folders"
				case !info.Mode().IsRegular() || info.Size() == 0:
					return usage("import: %s is empty, or no file: want an eml, an mbox, a vCard, an iCalendar or a folder of them", path)
				}
			}
			lab, err := a.running()
			if err != nil {
				return err
			}
			query := url.Values{"mailbox": {address}, "folder": {folder}}
			if exact {
				query.Set("exact", "1")
			}
			body, out := io.Pipe()
			w := multipart.NewWriter(out)
			sent := make(chan error, 1)
			passed := 0
			go func() {
				var err error
				passed, err = a.sendFiles(w, paths, unread)
				out.CloseWithError(err) // a broken body: the server must not take it for whole
				sent <- err
			}()
			text, err := lab.send(cmd.Context(), "import", http.MethodPost, roles.ImportPath+"?"+query.Encode(), "multipart/mixed; boundary="+w.Boundary(), body)
			body.CloseWithError(io.ErrClosedPipe) // ends a sender whose server has answered early
			failed := <-sent
			if failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
				err = usage("import: %w: what was stored before stays, and the same command goes on", failed)
			}
			if err != nil {
				return interrupted(cmd, err, "what was stored stays, and the same command goes on")
			}
			var end roles.ImportEnd
			if err := json.Unmarshal(text, &end); err != nil {
				return unreachable(fmt.Errorf("import: %w", err))
			}
			return a.imported(end, passed, where, address)
		},
	}
	cmd.Flags().StringVar(&address, "mailbox", "", "`address` of the mailbox")
	cmd.Flags().StringVar(&folder, "folder", "inbox", "`folder` of messages that name none: inbox, sentitems, drafts, archive ...")
	cmd.Flags().BoolVar(&unread, "unread", false, "mark as unread where the form does not say")
	cmd.Flags().BoolVar(&exact, "exact", false, "compare the bytes too: another version of a message is another message")
	return cmd
}

// sendFiles writes the messages of files as parts, and returns how many files it passed over.
func (a *app) sendFiles(w *multipart.Writer, paths []string, unread bool) (passed int, err error) {
	n := 0
	for i, path := range paths {
		p, err := mailfile.Read(path, func(m mailfile.Message, r io.Reader) error {
			f := roles.MailFile{Kind: m.Kind, Name: m.Name, Source: i, Folder: m.Folder, Only: r == nil, Received: m.Received, Unread: unread}
			if m.HasFlags {
				f.Unread = !m.Read
				f.Marks = transport.Marks{Flagged: m.Flagged, Answered: m.Answered, Forwarded: m.Forwarded, Draft: m.Draft, Categories: m.Keywords}
			}
			header, err := f.Header()
			if err != nil {
				return err
			}
			part, err := w.CreatePart(header)
			if err != nil || r == nil {
				return err
			}
			if _, err := io.Copy(part, r); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			if n++; n%tellEvery == 0 && !a.json {
				a.view.printf("%d sent\n", n)
			}
			return nil
		})
		if err != nil {
			return passed, err
		}
		passed += p
	}
	return passed, w.Close()
}

func (a *app) imported(end roles.ImportEnd, passed int, folder, address string) error {
	if a.json {
		err := printJSON(a.out, map[string]any{"version": 1, "imported": end.Imported, "present": end.Present, "folders": end.Folders, "failed": end.Failed, "passed": passed, "mailbox": address, "folder": folder})
		if err != nil {
			return err
		}
	} else {
		a.view.printf("%d imported into %s of %s\n", end.Imported, folder, address)
		if end.Present > 0 {
			a.view.printf("%d were there already\n", end.Present)
		}
		if end.Folders > 0 {
			a.view.printf("%d folders made\n", end.Folders)
		}
		if passed > 0 {
			a.view.printf("%s passed over: by their names they are no mail (eml, mbox, vcf, ics, hmaitem), or they are links\n", count(passed, "file"))
		}
		for _, f := range end.Failed {
			a.view.printf("not imported: %s: %s\n", f.Name, f.Error)
		}
	}
	switch {
	case end.Error != "":
		return unreachable(fmt.Errorf("import: %s", end.Error))
	case len(end.Failed) > 0:
		return exit{exitUsage, fmt.Errorf("import: %d of what was to be imported were not; the rest is there", len(end.Failed))}
	}
	return nil
}

func (a *app) mailboxExport() *cobra.Command {
	var address, folder, format string
	cmd := &cobra.Command{
		Use:   "export FOLDER",
		Short: "Write a mailbox as files: Maildir, mbox, eml",
		Long: "Writes the messages of the mailbox into a new folder, byte for byte as they came, or made of what they say.\n" +
			"maildir: Maildir++, flags in names, categories as Dovecot's keywords. mbox: a file for each folder, mboxrd,\n" +
			"flags and categories as Status, X-Status, X-Keywords. eml: a file for each message, with its date.\n" +
			"Contacts are written as vCards (.vcf), events as iCalendar (.ics), and every other item whole (.hmaitem).\n" +
			"What a form cannot carry is told at the end.",
		Example: "  hma mailbox export --mailbox alice@contoso.com alice\n  hma mailbox export --mailbox alice@contoso.com --form mbox --folder archive old",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if address == "" {
				return usage("export: say whose mailbox with --mailbox ADDRESS")
			}
			lab, err := a.running()
			if err != nil {
				return err
			}
			if err := mailfile.Check(mailfile.Format(format), args[0]); err != nil {
				return usage("export: %w", err)
			}
			// Asked first: who misspells a name finds no empty folder.
			answer, err := lab.answer(cmd.Context(), "export", http.MethodGet, roles.ExportPath+"?"+url.Values{"mailbox": {address}, "folder": {folder}}.Encode(), "", http.NoBody)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			_, params, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
			if err != nil {
				return unreachable(fmt.Errorf("export: %w", err))
			}
			files, err := mailfile.Create(mailfile.Format(format), args[0])
			if err != nil {
				return unreachable(fmt.Errorf("export: %w", err))
			}
			end, failed, err := a.receiveFiles(multipart.NewReader(answer.Body, params["boundary"]), files)
			if err = errors.Join(err, files.Close()); err != nil {
				return interrupted(cmd, unreachable(fmt.Errorf("export: %w", err)), args[0]+" holds a part; the next export wants another folder")
			}
			return a.exported(end, failed, mailfile.Format(format), args[0], address)
		},
	}
	cmd.Flags().StringVar(&address, "mailbox", "", "`address` of the mailbox")
	cmd.Flags().StringVar(&folder, "folder", "", "`folder` with what is below: inbox, archive ...; all that people see without")
	cmd.Flags().StringVar(&format, "form", string(mailfile.Maildir), "`form`: maildir, mbox or eml")
	return cmd
}

// receiveFiles writes parts as files until the last one, and returns what could not be read too.
func (a *app) receiveFiles(parts *multipart.Reader, files mailfile.Writer) (end *roles.ExportEnd, failed []roles.FailedFile, err error) {
	failed = []roles.FailedFile{}
	for n := 0; ; {
		part, err := parts.NextRawPart()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, nil, fmt.Errorf("it broke off: %w", err)
		}
		f, err := roles.ParseMailFile(part.Header)
		switch {
		case err != nil:
			return nil, nil, err
		case f.End != nil && f.End.Error != "":
			return nil, nil, errors.New(f.End.Error)
		case f.End != nil:
			return f.End, failed, nil
		case f.Error != "":
			failed = append(failed, roles.FailedFile{Name: f.Name, Error: f.Error})
			if !a.json {
				a.view.printf("not exported: %s: %s\n", f.Name, f.Error)
			}
		case f.Only:
			err = files.Folder(f.Folder)
		default:
			m := mailfile.Message{Kind: f.Kind, Folder: f.Folder, Sender: f.Sender, Received: f.Received, Forwarded: f.Forwarded,
				Flags: mbox.Flags{Read: !f.Unread, Answered: f.Answered, Flagged: f.Flagged, Draft: f.Draft, Keywords: f.Categories}}
			if err = files.Write(m, part); err == nil {
				if n++; n%tellEvery == 0 && !a.json {
					a.view.printf("%d written\n", n)
				}
			}
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

func (a *app) exported(end *roles.ExportEnd, failed []roles.FailedFile, format mailfile.Format, path, address string) error {
	if a.json {
		err := printJSON(a.out, map[string]any{"version": 1, "form": format, "path": path, "messages": end.Messages, "folders": end.Folders, "items": end.Items,
			"failed": failed, "lost": mailfile.Lost[format]})
		return notExported(err, len(failed), address)
	}
	a.view.printf("%d messages of %d folders in %s\n", end.Messages, end.Folders, path)
	a.view.printf("not carried by %s: %s\n", format, mailfile.Lost[format])
	for _, class := range slices.Sorted(maps.Keys(end.Items)) {
		a.view.printf("no mail, in files of their own: %d of %s\n", end.Items[class], class)
	}
	return notExported(nil, len(failed), address)
}

// notExported is the end of an export that could not read everything.
func notExported(err error, failed int, address string) error {
	if err == nil && failed > 0 {
		return unreachable(fmt.Errorf("export: %d items could not be read and are not among the files: see hma mailbox check --mailbox %s, and whether a backup has them", failed, address))
	}
	return err
}
