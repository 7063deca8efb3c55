package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// TestRestore saves a store, changes it and restores one mailbox: it is as it was,
// the other is as it is, and nothing that a client keeps from before names anything else.
func TestRestore(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		one, other := mailbox(t, s), mailbox(t, s)
		inbox := role(t, one, store.RoleInbox)
		long, err := one.WriteBlob(ctx, strings.NewReader(strings.Repeat("long ", 200_000)))
		ok(t, err)
		kept := mail(inbox, "kept")
		kept.MIME = long
		kept.Recipients = []store.Recipient{{Type: mapi.RecipientTo, SMTP: "a@contoso.com", Name: "A"}}
		first := create(t, one, kept)
		deleted, err := one.DeleteItem(ctx, create(t, one, mail(inbox, "deleted")).ID, store.SoftDelete)
		ok(t, err)
		folder, err := one.CreateFolder(ctx, store.NewFolder{Parent: inbox, Name: "Sub"})
		ok(t, err)
		create(t, one, mail(folder.ID, "below"))
		create(t, other, mail(role(t, other, store.RoleInbox), "of the other"))
		search := newSearch(t, one, "Kept", store.Search{Bases: []store.FolderID{inbox}, Where: subjectHas("kept")})

		ok(t, one.UpdateRules(ctx, inbox, func([]*store.Rule) ([]*store.Rule, error) {
			return []*store.Rule{{Name: "Keep", State: store.RuleEnabled, Condition: subjectHas("kept"), Actions: []mapi.Action{{Type: mapi.ActionMarkAsRead}}}}, nil
		}))
		ok(t, one.UpdateDelegates(ctx, func(d *store.Delegates) error {
			d.List, d.Delivery = []store.Delegate{{SID: "S-1-5-21-1-2-3-1002", ViewPrivate: true}}, store.DelegatesOnly
			return nil
		}))
		_, _, err = one.Deliver(ctx, store.Delivery{Send: []store.Outgoing{{To: "a@contoso.com", Message: long}}})
		ok(t, err)

		path := filepath.Join(t.TempDir(), "saved.db")
		ok(t, s.Save(ctx, path))
		saved, from := openSaved(t, path)
		ok(t, saved.Integrity(ctx))

		state, err := one.SyncItems(ctx, inbox, store.SyncState{}, 100, false)
		ok(t, err)
		sub := &store.Subscription{SID: Owner, Life: time.Hour}
		ok(t, one.AddSubscription(ctx, sub))
		later := create(t, one, mail(inbox, "later"))
		_, err = one.DeleteItem(ctx, first.ID, store.HardDelete)
		ok(t, err)
		create(t, other, mail(role(t, other, store.RoleInbox), "later of the other"))

		var copied int
		ok(t, s.Restore(ctx, from, one.GUID(), func(n int) { copied = n }))
		if copied == 0 {
			t.Error("no rows were told of")
		}
		back, err := s.OpenMailbox(ctx, one.GUID(), one.Info())
		ok(t, err)
		list, err := back.List(ctx, store.Query{Folder: inbox, Want: store.Want{All: true}})
		ok(t, err)
		if len(list.Items) != 1 || list.Items[0].ID != first.ID || list.Items[0].Props.String(mapi.PidTagSubject) != "kept" {
			t.Errorf("the inbox holds %v", list.Items)
		}
		found, err := back.List(ctx, store.Query{Folder: search.ID})
		ok(t, err)
		if len(found.Items) != 1 || found.Items[0].ID != first.ID {
			t.Errorf("the search folder has found %v", found.Items)
		}
		if rules, err := back.Rules(ctx, inbox); err != nil || len(rules) != 1 || rules[0].Name != "Keep" || rules[0].State != store.RuleEnabled {
			t.Errorf("its rules are %v, error %v", rules, err)
		}
		if d, err := back.Delegates(ctx); err != nil || len(d.List) != 1 || d.Delivery != store.DelegatesOnly {
			t.Errorf("its delegates are %+v, error %v", d, err)
		}
		_, err = back.Item(ctx, deleted.ID, store.Want{})
		ok(t, err)
		_, err = back.Item(ctx, later.ID, store.Want{})
		want(t, err, store.ErrNotFound)
		if fresh := create(t, back, mail(inbox, "fresh")); fresh.ID.Row <= later.ID.Row || fresh.CN <= later.CN {
			t.Errorf("new item %v is numbered below %v of before the restore", fresh, later)
		}
		_, err = back.SyncItems(ctx, inbox, state.State, 100, false)
		want(t, err, store.ErrStateTooOld)
		_, err = back.Subscription(ctx, sub.ID)
		want(t, err, store.ErrNotFound)
		// Who had it open before is told, and writes nothing into what is gone.
		_, err = one.CreateItem(ctx, mail(inbox, "into the void"))
		want(t, err, store.ErrNotFound)
		_, err = one.Events(ctx, later.CN, nil, 10)
		want(t, err, store.ErrNotFound)
		if n, err := other.Count(ctx, store.Query{Folder: role(t, other, store.RoleInbox)}); err != nil || n != 2 {
			t.Errorf("the other inbox has %d items, error %v; want 2", n, err)
		}

		clock.Advance(2 * time.Hour)
		swept, err := s.Sweep(ctx)
		ok(t, err)
		if swept.Mailboxes != 1 {
			t.Errorf("swept %d mailboxes, want the one before", swept.Mailboxes)
		}
		checkMailboxes(t, db)
		checkAlone(t, db)

		// Where there is none it is made, and again.
		ok(t, s.Restore(ctx, from, one.GUID(), nil))
		again, err := s.FindMailbox(ctx, one.GUID())
		ok(t, err)
		fourth, err := again.SyncItems(ctx, inbox, store.SyncState{}, 100, false)
		ok(t, err)
		if len(fourth.Changes) != 1 {
			t.Errorf("a second restore has %d items, want 1", len(fourth.Changes))
		}
		want(t, s.Restore(ctx, from, guid.New(), nil), store.ErrNotFound)
	})
}

// TestRestoreBroken holds that a restore that fails leaves the mailbox as it was.
func TestRestoreBroken(t *testing.T) {
	db := sqldbtest.Disk(t)
	s, _ := Open(t, db)
	m := mailbox(t, s)
	inbox := role(t, m, store.RoleInbox)
	for i := range 1200 { // several writes of a copy
		create(t, m, mail(inbox, fmt.Sprint(i)))
	}
	path := filepath.Join(t.TempDir(), "saved.db")
	ok(t, s.Save(t.Context(), path))
	_, from := openSaved(t, path)
	last := create(t, m, mail(inbox, "last"))
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Restore(ctx, from, m.GUID(), func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
	if _, err := m.Item(t.Context(), last.ID, store.Want{}); err != nil {
		t.Error(err)
	}
	checkMailboxes(t, db)
	checkAlone(t, db)
}

func openSaved(t testing.TB, path string) (*sqldb.DB, *store.Store) {
	t.Helper()
	db, err := sqldb.OpenSaved(t.Context(), path)
	ok(t, err)
	t.Cleanup(func() { db.Close() })
	s, err := store.OpenSaved(t.Context(), db, store.Options{Now: time.Now})
	ok(t, err)
	return db, s
}

// checkAlone holds that no row belongs to a mailbox that is not there.
func checkAlone(t testing.TB, db *sqldb.DB) {
	t.Helper()
	tables, err := db.Tables(t.Context(), "mailbox")
	ok(t, err)
	for name := range tables {
		var n int
		ok(t, db.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+name+" t WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.id = t.mailbox AND m.kind >= 0)").Scan(&n))
		if n != 0 {
			t.Errorf("%d rows of %s are nobody's", n, name)
		}
	}
}
