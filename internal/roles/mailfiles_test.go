package roles

import (
	"context"
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
	"hma/internal/sealed"
	"hma/internal/sqldb"
)

// TestExportDamaged damages items of a mailbox in each way in which they can be, and holds
// that an export has all others whole and tells of each of these.
func TestExportDamaged(t *testing.T) {
	ctx := t.Context()
	r, err := Open(ctx, Config{Entra: "sqlite::memory:", Org: "sqlite::memory:", Mailbox: "sqlite::memory:", Key: sealed.New(), Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Origin: "https://cloud.test", MailHost: "mail.contoso.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err := r.Org.CreateOrganization(ctx, org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Org.CreateRecipient(ctx, org.NewMailbox(org.TypeShared, "info@contoso.com", "Info")); err != nil {
		t.Fatal(err)
	}
	query := "?" + url.Values{"mailbox": {"info@contoso.com"}, "folder": {"inbox"}}.Encode()
	mailbox, _, err := r.mailboxOf(httptest.NewRequest("GET", "/"+query, nil))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := mailbox.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
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
