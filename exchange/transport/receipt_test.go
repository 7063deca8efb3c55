package transport

import (
	"context"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// asking is the letter with fields that ask for receipts.
func asking(address string) string {
	return "Disposition-Notification-To: <" + address + ">\r\nReturn-Receipt-To: " + address + "\r\n" + letter
}

// receipts sends what waits and returns what came to ann, by class.
func (p *post) receipts(want ...string) []*store.Item {
	p.t.Helper()
	if _, err := p.SendWaiting(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	list := p.items("ann", store.RoleInbox)
	var got []string
	for _, it := range list {
		got = append(got, it.Props.String(mapi.PidTagMessageClass))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		p.t.Fatalf("ann got %q, want %q", got, want)
	}
	return list
}

// Message classes of receipts.
const (
	arrived = "REPORT.IPM.Note.DR"
	read    = "REPORT.IPM.Note.IPNRN"
	notRead = "REPORT.IPM.Note.IPNNRN"
)

func TestReceipts(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		ben := p.mailbox("ben")
		p.deliver(asking("ann@contoso.com"), "ben@contoso.com")
		dr := p.receipts(arrived)[0]
		raw := p.mime("ann", dr.ID)
		for _, want := range []string{"Return-Path: <>\r\n", "Subject: =?utf-8?q?Delivered:_Gr=C3=BC=C3=9Fe?=\r\n", "Action: delivered\r\n", "Final-Recipient: rfc822; ben@contoso.com\r\n", "In-Reply-To: <1@contoso.com>\r\n"} {
			if !strings.Contains(raw, want) {
				t.Errorf("the delivery receipt lacks %q:\n%s", want, raw)
			}
		}
		item := p.inbox("ben", 1)[0]
		for _, is := range []bool{true, true, false, true} {
			if _, err := ben.SetRead(t.Context(), item.ID, is); err != nil {
				t.Fatal(err)
			}
		}
		rn := p.receipts(read, arrived)[0]
		raw = p.mime("ann", rn.ID)
		for _, want := range []string{"Return-Path: <>\r\n", "Auto-Submitted: auto-replied\r\n", "Subject: =?utf-8?q?Read:_Gr=C3=BC=C3=9Fe?=\r\n", "From: \"ben\" <ben@contoso.com>\r\n", "To: <ann@contoso.com>\r\n",
			"report-type=disposition-notification", "Final-Recipient: rfc822;ben@contoso.com\r\n", "Original-Message-ID: <1@contoso.com>\r\n", "Disposition: manual-action/MDN-sent-automatically; displayed\r\n"} {
			if !strings.Contains(raw, want) {
				t.Errorf("the receipt lacks %q:\n%s", want, raw)
			}
		}
		// Nobody answers a receipt.
		ann := p.mailbox("ann")
		for _, it := range p.items("ann", store.RoleInbox) {
			if _, err := ann.SetRead(t.Context(), it.ID, true); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ben.DeleteItem(t.Context(), item.ID, store.HardDelete); err != nil {
			t.Fatal(err)
		}
		p.receipts(read, arrived)
		p.inbox("ben", 0)
	})
}

// TestReceiptDeleted deletes an unread message: in Deleted Items it may still be read,
// from there on its sender is told that it was not.
func TestReceiptDeleted(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ben := p.mailbox("ben")
	p.deliver(asking("ann@contoso.com"), "ben@contoso.com")
	stamp, err := ben.DeleteItem(t.Context(), p.inbox("ben", 1)[0].ID, store.ToDeletedItems)
	if err != nil {
		t.Fatal(err)
	}
	p.receipts(arrived)
	if stamp, err = ben.DeleteItem(t.Context(), stamp.ID, store.ToDeletedItems); err != nil {
		t.Fatal(err)
	}
	nrn := p.receipts(notRead, arrived)[0]
	if raw := p.mime("ann", nrn.ID); !strings.Contains(raw, "MDN-sent-automatically; deleted\r\n") || !strings.Contains(raw, "without being read") {
		t.Errorf("got %s", raw)
	}
	if _, err := ben.DeleteItem(t.Context(), stamp.ID, store.HardDelete); err != nil {
		t.Fatal(err)
	}
	p.receipts(notRead, arrived)
}

// TestReceiptOnBehalf sends on behalf of Cleo: who sent it, and nobody else, hears of
// it, whoever of the two is named in the fields that ask.
func TestReceiptOnBehalf(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.cfg.Trust = func(context.Context, string, string) (Trust, error) {
		return Trust{OnBehalf: true, Own: "ann@contoso.com"}, nil
	}
	for _, c := range []struct {
		asks string
		want []string
	}{
		{"cleo@contoso.com", []string{read, arrived}},
		{"ann@contoso.com", []string{read, arrived}},
		{"ben@contoso.com", nil},
		{"cleo@contoso.com, ann@contoso.com", nil},
	} {
		message := "From: cleo@contoso.com\r\nTo: ben@contoso.com\r\nDisposition-Notification-To: " + c.asks + "\r\nReturn-Receipt-To: " + c.asks + "\r\n\r\nx\r\n"
		if _, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox("ann"), SID: "S-1-5-21-ann", Message: strings.NewReader(message)}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.SendWaiting(t.Context()); err != nil { // so that the one is before the other
			t.Fatal(err)
		}
		item := p.inbox("ben", 1)[0]
		if _, err := p.mailbox("ben").SetRead(t.Context(), item.ID, true); err != nil {
			t.Fatal(err)
		}
		for _, it := range p.receipts(c.want...) {
			if _, err := p.mailbox("ann").DeleteItem(t.Context(), it.ID, store.HardDelete); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.mailbox("ben").DeleteItem(t.Context(), item.ID, store.HardDelete); err != nil {
			t.Fatal(err)
		}
		p.inbox("cleo", 0)
	}
}

// TestReceiptNot holds who is told nothing, and of what.
func TestReceiptNot(t *testing.T) {
	with := func(field string) string { return field + "\r\n" + asking("ann@contoso.com") }
	mark := func(p *post, id store.ItemID) error {
		_, err := p.mailbox("ben").SetRead(p.t.Context(), id, true)
		return err
	}
	for _, c := range []struct {
		name, from, message string
		rules               []mapi.Action
		do                  func(p *post, id store.ItemID) error
		want                []string
	}{
		{"not asked", "ann@contoso.com", letter, nil, mark, nil},
		{"for somebody else", "ann@contoso.com", asking("cleo@contoso.com"), nil, mark, nil},
		{"for several", "ann@contoso.com", asking("ann@contoso.com>, <cleo@contoso.com"), nil, mark, nil},
		{"twice", "ann@contoso.com", with("Disposition-Notification-To: cleo@contoso.com"), nil, mark, []string{arrived}},
		{"null reverse path", "", asking("ann@contoso.com"), nil, mark, nil},
		{"a program", "ann@contoso.com", with("Auto-Submitted: auto-generated"), nil, mark, nil},
		{"a list", "ann@contoso.com", with("List-Id: <x.contoso.com>"), nil, mark, nil},
		{"unwanted", "ann@contoso.com", with("X-Auto-Response-Suppress: RN"), nil, mark, []string{arrived}},
		{"unwanted on arrival", "ann@contoso.com", with("X-Auto-Response-Suppress: DR"), nil, mark, []string{read}},
		{"by a rule", "ann@contoso.com", with(loopField + ": cleo@contoso.com"), nil, mark, nil},
		{"junk", "ann@contoso.com", asking("ann@contoso.com"), []mapi.Action{{Type: mapi.ActionMove, Folder: 0}}, mark, nil},
		{"suppressed", "ann@contoso.com", asking("ann@contoso.com"), nil, func(p *post, id store.ItemID) error {
			_, err := p.mailbox("ben").UpdateItem(p.t.Context(), id, store.ItemUpdate{Read: new(true), SuppressReceipts: true})
			return err
		}, []string{arrived}},
		{"settled", "ann@contoso.com", asking("ann@contoso.com"), nil, func(p *post, id store.ItemID) error {
			if err := p.mailbox("ben").SettleReceipts(p.t.Context(), id); err != nil {
				return err
			}
			return mark(p, id)
		}, []string{arrived}},
		{"a copy", "ann@contoso.com", asking("ann@contoso.com"), nil, func(p *post, id store.ItemID) error {
			drafts, _ := p.mailbox("ben").RoleID(store.RoleDrafts)
			stamp, err := p.mailbox("ben").CopyItem(p.t.Context(), id, drafts)
			if err != nil {
				return err
			}
			return mark(p, stamp.ID)
		}, []string{arrived}},
		{"written as such", "ann@contoso.com", letter, nil, func(p *post, id store.ItemID) error {
			_, err := p.mailbox("ben").UpdateItem(p.t.Context(), id, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagMessageFlags: mapi.MsgFlagNotifyRead | mapi.MsgFlagNotifyUnread, mapi.PidTagReadReceiptSmtpAddress: "ann@contoso.com"}})
			if err != nil {
				return err
			}
			return mark(p, id)
		}, nil},
		{"all", "ann@contoso.com", asking("ann@contoso.com"), nil, func(p *post, id store.ItemID) error {
			inbox, _ := p.mailbox("ben").RoleID(store.RoleInbox)
			return p.mailbox("ben").MarkAllRead(p.t.Context(), inbox, true, true)
		}, []string{arrived}},
		{"all, told", "ann@contoso.com", asking("ann@contoso.com"), nil, func(p *post, id store.ItemID) error {
			inbox, _ := p.mailbox("ben").RoleID(store.RoleInbox)
			return p.mailbox("ben").MarkAllRead(p.t.Context(), inbox, true, false)
		}, []string{read, arrived}},
		{"in another's name", "ann@contoso.com", asking("ann@contoso.com"), nil, func(p *post, id store.ItemID) error {
			_, err := p.mailbox("ben").UpdateItem(p.t.Context(), id, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagReceivedByEmail: "cleo@contoso.com"}})
			if err != nil {
				return err
			}
			return mark(p, id)
		}, []string{arrived}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, sqldbtest.Memory(t))
			role := store.RoleInbox
			if c.rules != nil {
				role = store.RoleJunkEmail
				junk, _ := p.mailbox("ben").RoleID(role)
				c.rules[0].Folder = junk.Folder
				p.rules("ben", do(c.rules...))
			}
			if _, err := p.Deliver(t.Context(), Envelope{From: c.from, To: []string{"ben@contoso.com"}}, strings.NewReader(c.message)); err != nil {
				t.Fatal(err)
			}
			if err := c.do(p, p.items("ben", role)[0].ID); err != nil {
				t.Fatal(err)
			}
			p.receipts(c.want...)
		})
	}
}
