package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

var now = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

// people is a directory with ann, ben, cleo, and full and stuffed, whose mailboxes are, at contoso.com; ann is also anna.
type people struct{}

var names = map[string]string{"ann@contoso.com": "ann", "anna@contoso.com": "ann", "ben@contoso.com": "ben", "cleo@contoso.com": "cleo", "full@contoso.com": "full", "stuffed@contoso.com": "stuffed"}

func box(name string) *Mailbox {
	id := guid.GUID{15: name[0]}
	info := store.MailboxInfo{OwnerSID: "S-1-5-21-" + name, DisplayName: name}
	if name == "full" || name == "stuffed" {
		info.Quota = 1
	}
	return &Mailbox{GUID: id, Address: name + "@contoso.com", Info: info}
}

func (people) Mailbox(_ context.Context, address string) (*Mailbox, error) {
	name, ok := names[strings.ToLower(address)]
	if !ok {
		return nil, fmt.Errorf("%s: %w", address, ErrUnknownRecipient)
	}
	return box(name), nil
}

// Members knows all@contoso.com, the same as team@contoso.com, to whom ann may write, and crowd@contoso.com, which is too many.
func (people) Members(_ context.Context, address, sid string, limit int) ([]*Mailbox, error) {
	switch strings.ToLower(address) {
	case "team@contoso.com", "all@contoso.com":
		if strings.EqualFold(address, "team@contoso.com") && sid != "S-1-5-21-ann" {
			return nil, fmt.Errorf("%s: %w", address, ErrMayNotSend)
		}
		return []*Mailbox{box("ben"), box("cleo"), box("full")}, nil
	case "open@contoso.com":
		return []*Mailbox{box("ann"), box("ben")}, nil
	case "empty@contoso.com":
		return nil, nil
	case "crowd@contoso.com":
		return nil, fmt.Errorf("%s: more than %d: %w", address, limit, ErrTooMany)
	}
	return nil, fmt.Errorf("%s: %w", address, ErrUnknownRecipient)
}

func (people) Accepted(_ context.Context, domain string) (bool, error) {
	return domain == "contoso.com", nil
}

// post is a transport over an empty store.
type post struct {
	*Transport
	t testing.TB
}

func newPost(t testing.TB, db *sqldb.DB) *post {
	s, err := store.Open(t.Context(), db, store.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	tr := New(Config{
		Store: s, Directory: people{}, Now: func() time.Time { return now }, Host: "ex1.contoso.com",
		PostmasterAddress: "postmaster@contoso.com", Log: slog.New(slog.DiscardHandler),
		MaySendAs: func(_ context.Context, sid, address string) (bool, error) {
			return sid == "S-1-5-21-"+names[strings.ToLower(address)], nil
		},
	})
	return &post{tr, t}
}

// Submit sends a message to To of the submission, to whom its header names when that is nil.
func (p *post) Submit(ctx context.Context, s Submission) (*Receipt, error) {
	text, err := io.ReadAll(s.Message)
	if err != nil {
		return nil, err
	}
	if s.To == nil {
		fields, _, _ := oxcmail.ReadFields(bufio.NewReader(bytes.NewReader(text)))
		for _, name := range []string{"To", "Cc", "Bcc"} {
			for _, value := range (&header{fields: fields}).values(name) {
				for _, a := range oxcmail.Addresses(value) {
					s.To = append(s.To, a.Email)
				}
			}
		}
	}
	s.Message = bytes.NewReader(text)
	d, err := p.admit(ctx, s)
	if err == nil {
		err = d.commit(ctx)
	}
	if err != nil {
		return nil, err
	}
	return d.Receipt, nil
}

func (p *post) mailbox(name string) *store.Mailbox {
	p.t.Helper()
	b := box(name)
	m, err := p.cfg.Store.OpenMailbox(p.t.Context(), b.GUID, b.Info)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// items lists a folder, newest first, with everything.
func (p *post) items(name string, role store.Role) []*store.Item {
	p.t.Helper()
	m := p.mailbox(name)
	folder, err := m.RoleID(role)
	if err != nil {
		p.t.Fatal(err)
	}
	page, err := m.List(p.t.Context(), store.Query{Folder: folder, Want: store.Want{All: true, Recipients: true, Attachments: true}})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, it := range page.Items {
		if err := m.Resolve(p.t.Context(), it.Props, 1<<20); err != nil {
			p.t.Fatal(err)
		}
	}
	return page.Items
}

func (p *post) inbox(name string, want int) []*store.Item {
	p.t.Helper()
	list := p.items(name, store.RoleInbox)
	if len(list) != want {
		p.t.Fatalf("%s has %d messages, want %d", name, len(list), want)
	}
	return list
}

func (p *post) mime(name string, id store.ItemID) string {
	p.t.Helper()
	item, err := p.mailbox(name).Item(p.t.Context(), id, store.Want{})
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := OpenMIME(p.t.Context(), p.mailbox(name), item)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

var letter = crlf(
	"From: Ann <ann@contoso.com>",
	"To: Ben <ben@contoso.com>",
	"Cc: cleo@contoso.com",
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
	"Date: Mon, 23 Nov 2026 09:00:00 +0000",
	"Message-ID: <1@contoso.com>",
	"Content-Type: multipart/mixed; boundary=b",
	"",
	"--b", "", "Hello", "--b", "Content-Type: text/csv; name=x.csv", "", "a,b", "--b--")

func TestDeliver(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		results, err := p.Deliver(t.Context(), Envelope{From: "ann@contoso.com", To: []string{"Ben@Contoso.com", "nobody@contoso.com", "anna@contoso.com", "ann@contoso.com"}}, strings.NewReader(letter))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []error{nil, ErrUnknownRecipient, nil, nil} {
			if !errors.Is(results[i].Err, want) {
				t.Errorf("recipient %d: %v, want %v", i, results[i].Err, want)
			}
		}
		if results[2].Item != results[3].Item {
			t.Error("two addresses of one mailbox got two items")
		}
		p.inbox("ann", 1)
		got := p.inbox("ben", 1)[0]
		if got.ID != results[0].Item || got.Read {
			t.Errorf("item %v, read %v", got.ID, got.Read)
		}
		head := "Return-Path: <ann@contoso.com>\r\nReceived: by ex1.contoso.com; Mon, 23 Nov 2026 09:30:00 +0000\r\n"
		if s := p.mime("ben", got.ID); s != head+letter {
			t.Errorf("stored %q", s)
		}
		for tag, want := range map[mapi.Tag]any{
			mapi.PidTagSubject: "Grüße", mapi.PidTagBody: "Hello", mapi.PidTagSentRepresentingName: "Ann", mapi.PidTagDisplayTo: "Ben",
			mapi.PidTagMessageDeliveryTime: now, mapi.PidTagClientSubmitTime: now.Add(-30 * time.Minute), mapi.PidTagInternetMessageID: "<1@contoso.com>", mapi.PidTagHasAttachments: true,
		} {
			if v := got.Props[tag]; v != want {
				t.Errorf("%s: %v, want %v", tag, v, want)
			}
		}
		if len(got.Recipients) != 2 || got.Recipients[1].SMTP != "cleo@contoso.com" || len(got.Attachments) != 1 || got.Attachments[0].Filename != "x.csv" {
			t.Errorf("recipients %+v, attachments %+v", got.Recipients, got.Attachments)
		}
		content, err := io.ReadAll(p.mailbox("ben").OpenBlob(t.Context(), got.Attachments[0].Content))
		if err != nil || string(content) != "a,b" {
			t.Errorf("content %q, %v", content, err)
		}
	})
}

// TestDeliverLarge delivers what is not held in memory to several mailboxes.
func TestDeliverLarge(t *testing.T) {
	p := newPost(t, sqldbtest.Disk(t))
	large := letter[:strings.LastIndex(letter, "--b--")] + "--b\r\nContent-Type: application/x-large\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat(strings.Repeat("QUJD", 19)+"\r\n", 40_000) + "--b--\r\n"
	results, err := p.Deliver(t.Context(), Envelope{To: []string{"ann@contoso.com", "ben@contoso.com"}}, strings.NewReader(large))
	if err != nil || results[0].Err != nil || results[1].Err != nil {
		t.Fatal(results, err)
	}
	for _, name := range []string{"ann", "ben"} {
		item := p.inbox(name, 1)[0]
		if s := p.mime(name, item.ID); !strings.HasSuffix(s, large) {
			t.Errorf("%s: %d bytes stored, want %d at the end", name, len(s), len(large))
		}
		if len(item.Attachments) != 2 || item.Attachments[1].Content.Size != 40_000*57 {
			t.Errorf("%s: attachments %+v", name, item.Attachments)
		}
	}
}

func TestDeliverRefuses(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	for _, c := range []struct {
		name    string
		env     Envelope
		message io.Reader
		want    error
	}{
		{"nobody", Envelope{}, strings.NewReader(letter), ErrNoRecipients},
		{"too many", Envelope{To: make([]string, MaxRecipients+1)}, strings.NewReader(letter), ErrTooMany},
		{"line end in sender", Envelope{From: "a@b\r\nX: y", To: []string{"ann@contoso.com"}}, strings.NewReader(letter), ErrInvalidAddress},
		{"brackets in recipient", Envelope{To: []string{"<ann@contoso.com>"}}, strings.NewReader(letter), ErrInvalidAddress},
		{"too large", Envelope{To: []string{"ann@contoso.com"}}, io.LimitReader(endless{}, MaxMessage+1), ErrTooLarge},
		{"broken off", Envelope{To: []string{"ann@contoso.com"}}, io.MultiReader(strings.NewReader(letter), broken{}), io.ErrUnexpectedEOF},
	} {
		if _, err := p.Deliver(t.Context(), c.env, c.message); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	p.inbox("ann", 0)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte("x\r\n"), len(p)/3+1)), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSubmit(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	message := crlf("From: Ann <anna@contoso.com>", "To: ben@contoso.com, lost@contoso.com", "Bcc: Cleo", " <cleo@contoso.com>", "bcc: far@example.org", "Subject: =?utf-8?q?Fr=C3=BChling?=", "", "Hello")
	receipt, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox("ann"), SID: "S-1-5-21-ann", Message: strings.NewReader(message)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, ErrUnknownRecipient, nil, errNoRoute} {
		if !errors.Is(receipt.Results[i].Err, want) {
			t.Errorf("%s: %v, want %v", receipt.Results[i].Recipient, receipt.Results[i].Err, want)
		}
	}
	if !receipt.Date.Equal(now) {
		t.Errorf("date %v", receipt.Date)
	}
	for _, name := range []string{"ben", "cleo"} {
		item := p.inbox(name, 1)[0]
		s := p.mime(name, item.ID)
		if strings.Contains(strings.ToLower(s), "bcc") || strings.Contains(s, "cleo") || strings.Contains(s, "far@") {
			t.Errorf("%s can read who got a blind copy:\n%s", name, s)
		}
		if item.Props.String(mapi.PidTagInternetMessageID) != receipt.MessageID || !item.Props.Time(mapi.PidTagClientSubmitTime).Equal(now) {
			t.Errorf("%s: id %q, date %v", name, item.Props.String(mapi.PidTagInternetMessageID), item.Props.Time(mapi.PidTagClientSubmitTime))
		}
	}
	report := p.inbox("ann", 1)[0]
	if class := report.Props.String(mapi.PidTagMessageClass); class != "REPORT.IPM.Note.NDR" {
		t.Errorf("class %s", class)
	}
	if subject := report.Props.String(mapi.PidTagSubject); subject != "Undeliverable: Frühling" {
		t.Errorf("subject %q", subject)
	}
	body := report.Props.String(mapi.PidTagBody)
	for _, want := range []string{"lost@contoso.com\r\n    There is no mailbox with this address. (5.1.1)", "far@example.org\r\n    There is no route to other organisations from this server. (5.4.4)"} {
		if !strings.Contains(body, want) {
			t.Errorf("report lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "ben@") || strings.Contains(body, "cleo@") {
		t.Errorf("report names somebody who got the message:\n%s", body)
	}
	raw := p.mime("ann", report.ID)
	for _, want := range []string{"Return-Path: <>\r\n", "Auto-Submitted: auto-replied\r\n", "In-Reply-To: " + receipt.MessageID, "Final-Recipient: rfc822; lost@contoso.com\r\nAction: failed\r\nStatus: 5.1.1\r\n", "Reporting-MTA: dns; ex1.contoso.com\r\n"} {
		if !strings.Contains(raw, want) {
			t.Errorf("report lacks %q:\n%s", want, raw)
		}
	}
}

func TestSubmitRefuses(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	for _, c := range []struct {
		name, message string
		want          error
	}{
		{"another's name", crlf("From: ben@contoso.com", "To: cleo@contoso.com", "", "x"), ErrSendAsDenied},
		{"another's name beside one's own", crlf("From: ben@contoso.com, ann@contoso.com", "Sender: ann@contoso.com", "To: cleo@contoso.com", "", "x"), ErrSendAsDenied},
		{"another as sender", crlf("From: ann@contoso.com", "Sender: ben@contoso.com", "To: cleo@contoso.com", "", "x"), ErrSendAsDenied},
		{"somebody outside", crlf("From: boss@example.org", "To: cleo@contoso.com", "", "x"), ErrSendAsDenied},
		{"two From fields", crlf("From: ann@contoso.com", "from : ben@contoso.com", "To: cleo@contoso.com", "", "x"), ErrInvalidAddress},
		{"no From", crlf("To: cleo@contoso.com", "", "x"), ErrInvalidAddress},
		{"no recipient", crlf("From: ann@contoso.com", "To: undisclosed-recipients:;", "", "x"), ErrNoRecipients},
		{"huge header", "X: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", ErrTooLarge},
	} {
		_, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox("ann"), SID: "S-1-5-21-ann", Message: strings.NewReader(c.message)})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	p.inbox("cleo", 0)
	p.inbox("ann", 0)
}

// TestSubmitItem sends a draft that was never MIME.
func TestSubmitItem(t *testing.T) {
	for _, keep := range []bool{true, false} {
		p := newPost(t, sqldbtest.Memory(t))
		ann := p.mailbox("ann")
		drafts, _ := ann.RoleID(store.RoleDrafts)
		sent, _ := ann.RoleID(store.RoleSentItems)
		blob, err := ann.WriteBlob(t.Context(), strings.NewReader("PNG"))
		if err != nil {
			t.Fatal(err)
		}
		item := NewItem(&oxcmail.Message{
			Props: mapi.Bag{mapi.PidTagSubject: "Entwürfe", mapi.PidTagSentRepresentingName: "Ann", mapi.PidTagSentRepresentingSmtp: "ann@contoso.com", mapi.PidTagMessageFlags: mapi.MsgFlagUnsent},
			Text:  "See", HTML: "<p>" + strings.Repeat("See ", 3000) + "</p>",
			Recipients:  []oxcmail.Recipient{{Type: mapi.RecipientTo, Address: oxcmail.Address{Name: "Ben", Email: "ben@contoso.com"}}, {Type: mapi.RecipientBcc, Address: oxcmail.Address{Email: "cleo@contoso.com"}}},
			Attachments: []*oxcmail.Attachment{{Name: "ä.png", ContentType: "image/png", Content: blob}},
		})
		item.Folder = drafts
		draft, err := ann.CreateItem(t.Context(), item)
		if err != nil {
			t.Fatal(err)
		}
		saveTo := store.FolderID{}
		if keep {
			saveTo = sent
		}
		stamp, receipt, err := p.SubmitItem(t.Context(), ann, ann, "S-1-5-21-ann", draft.ID, nil, saveTo)
		if err != nil {
			t.Fatal(err)
		}
		got := p.inbox("ben", 1)[0]
		p.inbox("cleo", 1)
		if html, _ := got.Props[mapi.PidTagHTML].([]byte); got.Props.String(mapi.PidTagSubject) != "Entwürfe" || !strings.HasPrefix(string(html), "<p>See See") || len(got.Attachments) != 1 || got.Attachments[0].Filename != "ä.png" {
			t.Errorf("got %+v", got)
		}
		if len(got.Recipients) != 1 || got.Props.String(mapi.PidTagInternetMessageID) != receipt.MessageID {
			t.Errorf("recipients %+v", got.Recipients)
		}
		if left := p.items("ann", store.RoleDrafts); len(left) != 0 {
			t.Errorf("%d drafts left", len(left))
		}
		kept := p.items("ann", store.RoleSentItems)
		if !keep {
			if len(kept) != 0 {
				t.Error("kept what was to be deleted")
			}
			continue
		}
		if len(kept) != 1 || kept[0].ID != stamp.ID || !kept[0].Read || kept[0].Props.Int32(mapi.PidTagMessageFlags)&mapi.MsgFlagUnsent != 0 ||
			kept[0].Props.String(mapi.PidTagInternetMessageID) != receipt.MessageID || len(kept[0].Recipients) != 2 {
			t.Errorf("sent item %+v", kept)
		}
	}
}

func TestImport(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ann := p.mailbox("ann")
	folder, _ := ann.RoleID(store.RoleArchive)
	given := now.Add(-time.Hour)
	for _, c := range []struct {
		message string
		opts    ImportOptions
		want    time.Time
	}{
		{letter, ImportOptions{}, now.Add(-30 * time.Minute)},
		{"Received: by x; Mon, 2 Nov 2026 10:00:00 +0000\r\n" + letter, ImportOptions{Unread: true}, time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)},
		{letter, ImportOptions{Received: given}, given},
		{"no date\r\n", ImportOptions{}, now},
	} {
		stamp, err := p.Import(t.Context(), ann, folder, strings.NewReader(c.message), c.opts)
		if err != nil {
			t.Fatal(err)
		}
		item, err := ann.Item(t.Context(), stamp.ID, store.Want{All: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := item.Props.Time(mapi.PidTagMessageDeliveryTime); !got.Equal(c.want) || item.Read == c.opts.Unread || stamp.Folder != folder {
			t.Errorf("received %v, want %v; read %v", got, c.want, item.Read)
		}
		if s := p.mime("ann", stamp.ID); s != c.message {
			t.Errorf("stored %q", s)
		}
	}
	stamps, err := p.ImportAll(t.Context(), ann, []ImportMessage{{folder, strings.NewReader(letter), ImportOptions{}}, {folder, strings.NewReader("Subject: two\r\n\r\n"), ImportOptions{}}})
	if err != nil || len(stamps) != 2 || p.mime("ann", stamps[1].ID) != "Subject: two\r\n\r\n" {
		t.Errorf("%v, %v", stamps, err)
	}
	if _, err := p.ImportAll(t.Context(), ann, []ImportMessage{{folder, strings.NewReader(letter), ImportOptions{}}, {folder, broken{}, ImportOptions{}}}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken message: %v", err)
	}
	if list := p.items("ann", store.RoleArchive); len(list) != 6 {
		t.Errorf("%d items, want 6", len(list))
	}
}

// TestSubmitItemRecipients holds that an item goes to its recipients, not only to
// those whom the header of its MIME form names.
func TestSubmitItemRecipients(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ann := p.mailbox("ann")
	item, err := Prepare(t.Context(), ann, strings.NewReader(crlf("From: ann@contoso.com", "To: ben@contoso.com", "Subject: x", "", "text")))
	if err != nil {
		t.Fatal(err)
	}
	item.Folder, _ = ann.RoleID(store.RoleDrafts)
	item.Recipients = append(item.Recipients, store.Recipient{Type: mapi.RecipientBcc, AddressType: "SMTP", Address: "cleo@contoso.com"})
	stamp, err := ann.CreateItem(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.SubmitItem(t.Context(), ann, ann, "S-1-5-21-ann", stamp.ID, nil, store.FolderID{}); err != nil {
		t.Fatal(err)
	}
	p.inbox("ben", 1)
	p.inbox("cleo", 1)
}

// TestSubmitItemGone holds that a message that was sent is filed as such although who
// asked for it went away meanwhile: left as a draft it would be sent twice.
func TestSubmitItemGone(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ann := p.mailbox("ann")
	item, err := Prepare(t.Context(), ann, strings.NewReader(crlf("From: ann@contoso.com", "To: ben@contoso.com", "Subject: x", "", "text")))
	if err != nil {
		t.Fatal(err)
	}
	item.Folder, _ = ann.RoleID(store.RoleDrafts)
	sent, _ := ann.RoleID(store.RoleSentItems)
	stamp, err := ann.CreateItem(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	p.cfg.Delivered = func(context.Context, Delivered) error { leave(); return nil }
	if _, receipt, err := p.SubmitItem(ctx, ann, ann, "S-1-5-21-ann", stamp.ID, nil, sent); err != nil || receipt == nil {
		t.Fatal(receipt, err)
	}
	p.inbox("ben", 1)
	if drafts, kept := p.items("ann", store.RoleDrafts), p.items("ann", store.RoleSentItems); len(drafts) != 0 || len(kept) != 1 {
		t.Errorf("%d drafts, %d sent", len(drafts), len(kept))
	}
}

// TestSubmitReportNotKept holds that a sender who cannot get a report is told apart
// from one whose message nobody got: only the latter may send it again.
func TestSubmitReportNotKept(t *testing.T) {
	for _, c := range []struct {
		to   string
		sent bool
	}{{"ben@contoso.com, nobody@contoso.com", true}, {"nobody@contoso.com", false}} {
		p := newPost(t, sqldbtest.Memory(t))
		b := box("ann")
		b.Info.Quota = 1
		full, err := p.cfg.Store.OpenMailbox(t.Context(), b.GUID, b.Info)
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := p.Submit(t.Context(), Submission{Mailbox: full, SID: "S-1-5-21-ann",
			Message: strings.NewReader(crlf("From: ann@contoso.com", "To: "+c.to, "", "text"))})
		if c.sent != (err == nil) || !c.sent && !errors.Is(err, store.ErrQuota) || (receipt != nil) != c.sent {
			t.Errorf("%s: receipt %v, error %v", c.to, receipt, err)
		}
		if c.sent {
			p.inbox("ben", 1)
		}
	}
}
