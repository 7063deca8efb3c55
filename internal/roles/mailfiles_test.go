package roles

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/mailfile"
	"hma/internal/sealed"
	"hma/internal/sqldb"
)

// infoMailbox returns an organisation with one mailbox, which query names at the admin socket.
func infoMailbox(t *testing.T) (r *Roles, mailbox *store.Mailbox, inbox store.FolderID, query url.Values) {
	t.Helper()
	ctx := t.Context()
	r, err := Open(ctx, Config{Entra: "sqlite::memory:", Org: "sqlite::memory:", Mailbox: "sqlite::memory:", Key: sealed.New(), Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Origin: "https://cloud.test", MailHost: "mail.contoso.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := r.Org.CreateOrganization(ctx, org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Org.CreateRecipient(ctx, org.NewMailbox(org.TypeShared, "info@contoso.com", "Info")); err != nil {
		t.Fatal(err)
	}
	query = url.Values{"mailbox": {"info@contoso.com"}}
	if mailbox, _, err = r.mailboxOf(httptest.NewRequest("GET", "/?"+query.Encode(), nil)); err != nil {
		t.Fatal(err)
	}
	if inbox, err = mailbox.RoleID(store.RoleInbox); err != nil {
		t.Fatal(err)
	}
	return r, mailbox, inbox, query
}

// TestImportLeft holds that of a calendar with more that cannot be taken than is told, what
// can be taken is.
func TestImportLeft(t *testing.T) {
	r, _, _, query := infoMailbox(t)
	query.Set("folder", "calendar")
	for _, c := range []struct {
		timeless, failed int
		err              string
	}{{maxFailed, maxFailed, ""}, {maxFailed + 1, maxFailed, "it stopped: more than 1000 failures"}} {
		file := "BEGIN:VCALENDAR\r\n"
		for i := range c.timeless {
			file += fmt.Sprintf("BEGIN:VEVENT\r\nUID:%d\r\nEND:VEVENT\r\n", i)
		}
		file += fmt.Sprintf("BEGIN:VEVENT\r\nUID:good%d\r\nDTSTART:20260316T080000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", c.timeless)
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		header, err := MailFile{Name: "odd.ics", Kind: mailfile.Event}.Header()
		if err != nil {
			t.Fatal(err)
		}
		part, err := w.CreatePart(header)
		if err == nil {
			_, err = io.WriteString(part, file)
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		q := httptest.NewRequest("POST", ImportPath+"?"+query.Encode(), &body)
		q.Header.Set("Content-Type", "multipart/mixed; boundary="+w.Boundary())
		answer := httptest.NewRecorder()
		r.importMail(answer, q)
		var end ImportEnd
		if err := json.Unmarshal(answer.Body.Bytes(), &end); err != nil {
			t.Fatal(err)
		}
		if end.Imported != 1 || len(end.Failed) != c.failed || end.Error != c.err {
			t.Errorf("%d without a time: %d imported, %d failed, %q", c.timeless, end.Imported, len(end.Failed), end.Error)
		}
	}
}

// TestExportDamaged damages items of a mailbox in each way in which they can be, and holds
// that an export has all others whole and tells of each of these.
func TestExportDamaged(t *testing.T) {
	ctx := t.Context()
	r, mailbox, inbox, values := infoMailbox(t)
	values.Set("folder", "inbox")
	query := "?" + values.Encode()
	long := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 30_000) // many chunks, more than heldItem
	damages := []struct {
		subject, text, damage string // %d is the item
	}{
		{"whole", "a\r\n", ""},
		{"without content", "b\r\n", "DELETE FROM chunk WHERE blob IN (SELECT b.id FROM blob b JOIN item i ON i.mailbox = b.mailbox AND i.mime_hash = b.hash WHERE i.id = %d)"},
		{"long", long, ""},
		{"without a chunk", "c" + long, "DELETE FROM chunk WHERE no = 5 AND blob IN (SELECT b.id FROM blob b JOIN item i ON i.mailbox = b.mailbox AND i.mime_hash = b.hash WHERE i.id = %d)"},
		{"short", "d\r\n", "UPDATE chunk SET data = x'61' WHERE blob IN (SELECT b.id FROM blob b JOIN item i ON i.mailbox = b.mailbox AND i.mime_hash = b.hash WHERE i.id = %d)"},
		{"without properties", "e\r\n", "UPDATE item SET props = x'FF' WHERE id = %d"},
		{"last", "f\r\n", ""},
	}
	var want, wantFailed []string
	for _, d := range damages {
		message := "Subject: " + d.subject + "\r\n\r\n" + d.text
		item, err := r.Transport.Imported(ctx, mailbox, inbox, strings.NewReader(message), transport.ImportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		made, err := mailbox.CreateItem(ctx, item)
		if err != nil {
			t.Fatal(err)
		}
		if d.damage == "" {
			want = append(want, message)
			continue
		}
		name := fmt.Sprintf("Inbox, item %d", made.ID.Row)
		if d.subject != "without properties" {
			name += fmt.Sprintf(" (%q)", d.subject)
		}
		wantFailed = append(wantFailed, name)
		err = r.dbs[2].Write(ctx, func(tx *sqldb.Tx) error {
			result, err := tx.Exec(fmt.Sprintf(d.damage, made.ID.Row))
			if err == nil {
				if n, _ := result.RowsAffected(); n != 1 {
					err = fmt.Errorf("%s: %d rows", d.subject, n)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	answer := httptest.NewRecorder()
	r.exportMail(answer, httptest.NewRequest("GET", ExportPath+query, nil))
	_, params, err := mime.ParseMediaType(answer.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var got, failed []string
	var end *ExportEnd
	for parts := multipart.NewReader(answer.Body, params["boundary"]); end == nil; {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParseMailFile(part.Header)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part)
		switch {
		case err != nil:
			t.Fatal(err)
		case f.Error != "":
			failed = append(failed, f.Name)
		case f.End == nil && !f.Only:
			got = append(got, string(text))
		}
		end = f.End
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d messages, want %d, or others", len(got), len(want))
	}
	if !slices.Equal(failed, wantFailed) {
		t.Errorf("told of %q, want %q", failed, wantFailed)
	}
	if end.Error != "" || end.Messages != len(want) {
		t.Errorf("the end is %+v", end)
	}
}
