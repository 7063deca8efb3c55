package storetest

import (
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// TestRetention holds how long what was deleted can be had back, by the mailbox's
// own limit and by the store's, and that what came back or was never deleted stays.
func TestRetention(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		stock := mailbox(t, s)
		short, err := s.OpenMailbox(ctx, guid.New(), store.MailboxInfo{OwnerSID: Owner, RetainDeleted: 24 * time.Hour})
		ok(t, err)
		count := func(m *store.Mailbox, r store.Role) int {
			n, err := m.Count(ctx, store.Query{Folder: role(t, m, r)})
			ok(t, err)
			return n
		}
		sweep := func(want int) {
			t.Helper()
			swept, err := s.Sweep(ctx)
			ok(t, err)
			if swept.Items != want {
				t.Errorf("swept %d items, want %d", swept.Items, want)
			}
		}
		var back store.Stamp
		for _, m := range []*store.Mailbox{stock, short} {
			inbox := role(t, m, store.RoleInbox)
			many(t, m, inbox, 600) // more than a batch
			ok(t, m.EmptyFolder(ctx, inbox, store.SoftDelete, false))
			create(t, m, mail(inbox, "stays"))
			back, err = m.DeleteItem(ctx, create(t, m, mail(inbox, "back")).ID, store.SoftDelete)
			ok(t, err)
			create(t, m, mail(role(t, m, store.RoleRecoverableDeletions), "put there"))
		}
		sweep(0)
		restored, err := short.MoveItem(ctx, back.ID, role(t, short, store.RoleInbox))
		ok(t, err)
		clock.Advance(25 * time.Hour)
		sweep(601)
		if count(short, store.RoleRecoverableDeletions) != 0 || count(short, store.RoleInbox) != 2 || count(stock, store.RoleRecoverableDeletions) != 602 {
			t.Error("a day was not for one mailbox alone, or not for what is in Recoverable Items alone")
		}
		clock.Advance(13 * 24 * time.Hour)
		sweep(602)
		_, err = short.Item(ctx, restored.ID, store.Want{})
		ok(t, err)
		// Deleted there is deleted for good.
		again, err := short.DeleteItem(ctx, restored.ID, store.SoftDelete)
		ok(t, err)
		gone, err := short.DeleteItem(ctx, again.ID, store.SoftDelete)
		ok(t, err)
		if gone.ID != (store.ItemID{}) {
			t.Errorf("deleted from Recoverable Items it is %v", gone.ID)
		}
		checkMailboxes(t, db)
	})
}

// TestTombstonesForgotten holds that removals are told for as long as the store
// says, that states older than what is forgotten are refused, and no others.
func TestTombstonesForgotten(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		many(t, m, inbox, 2500) // more than a batch
		sync := func(state store.SyncState) (*store.ItemChanges, error) {
			return m.SyncItems(ctx, inbox, state, store.MaxChanges, false)
		}
		var before store.SyncState
		for more := true; more; {
			page, err := sync(before)
			ok(t, err)
			before, more = page.State, page.More
		}
		ok(t, m.EmptyFolder(ctx, inbox, store.HardDelete, false))
		clock.Advance(59 * 24 * time.Hour)
		swept, err := s.Sweep(ctx)
		ok(t, err)
		if swept.Tombstones != 0 {
			t.Errorf("%d tombstones went before their time", swept.Tombstones)
		}
		page, err := sync(before)
		ok(t, err)
		after := page.State
		for page.More {
			page, err = sync(after)
			ok(t, err)
			after = page.State
		}
		clock.Advance(2 * 24 * time.Hour)
		swept, err = s.Sweep(ctx)
		ok(t, err)
		if swept.Tombstones != 2500 {
			t.Errorf("%d tombstones went, want 2500", swept.Tombstones)
		}
		_, err = sync(before)
		want(t, err, store.ErrStateTooOld)
		_, err = sync(after)
		ok(t, err)
	})
}

// TestQuotas holds what each quota refuses, that Recoverable Items do not count, and
// when the owner is told.
func TestQuotas(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		id := guid.New()
		open := func(warn, send, all int64) *store.Mailbox {
			m, err := s.OpenMailbox(ctx, id, store.MailboxInfo{OwnerSID: Owner, WarnQuota: warn, SendQuota: send, Quota: all})
			ok(t, err)
			return m
		}
		m := open(0, 0, 0)
		inbox := role(t, m, store.RoleInbox)
		put := func() (store.Stamp, error) {
			contents := store.Contents{}
			return m.CreateItem(ctx, store.NewItem{Folder: inbox, MIME: contents.Add([]byte(strings.Repeat("x", 10_000))), Contents: contents})
		}
		status := func(want store.Status, items, deleted int64, toWarn int) {
			t.Helper()
			u, err := m.Usage(ctx)
			ok(t, err)
			list, err := s.ToWarn(ctx)
			ok(t, err)
			if u.Status() != want || u.Items != items || u.Deleted != deleted || len(list) != toWarn {
				t.Errorf("%s, %d items, %d deleted, %d to warn; want %s, %d, %d, %d", u.Status(), u.Items, u.Deleted, len(list), want, items, deleted, toWarn)
			}
		}
		first, err := put()
		ok(t, err)
		status(store.NoLimit, 1, 0, 0)
		m = open(15_000, 25_000, 35_000)
		status(store.BelowLimit, 1, 0, 0)
		_, err = put()
		ok(t, err)
		status(store.IssueWarning, 2, 0, 1)
		ok(t, m.MaySend(ctx))
		ok(t, m.Warned(ctx))
		status(store.IssueWarning, 2, 0, 0)
		_, err = put()
		ok(t, err)
		status(store.ProhibitSend, 3, 0, 0)
		want(t, m.MaySend(ctx), store.ErrQuota)
		clock.Advance(25 * time.Hour)
		status(store.ProhibitSend, 3, 0, 1)
		_, err = put()
		want(t, err, store.ErrQuota)
		_, err = m.CopyItem(ctx, first.ID, inbox)
		want(t, err, store.ErrQuota)
		_, err = m.CreateItem(ctx, store.NewItem{Folder: inbox, Unmetered: true, Props: mapi.Bag{mapi.PidTagBody: strings.Repeat("x", 10_000)}})
		ok(t, err)
		status(store.MailboxDisabled, 4, 0, 1)
		// Moving and deleting go on, and what is deleted makes room.
		_, err = m.DeleteItem(ctx, first.ID, store.ToDeletedItems)
		ok(t, err)
		ok(t, m.EmptyFolder(ctx, role(t, m, store.RoleDeletedItems), store.SoftDelete, false))
		status(store.ProhibitSend, 3, 1, 1)
		ok(t, m.EmptyFolder(ctx, inbox, store.SoftDelete, false))
		status(store.BelowLimit, 0, 4, 0)
		ok(t, m.MaySend(ctx))
		_, err = put()
		ok(t, err)
		ok(t, m.LoggedOn(ctx))
		if u, err := m.Usage(ctx); err != nil || u.LastLogon.IsZero() {
			t.Errorf("last logon %v, error %v", u.LastLogon, err)
		}
		checkMailboxes(t, db)
	})
}

func many(t *testing.T, m *store.Mailbox, folder store.FolderID, n int) {
	t.Helper()
	items := make([]store.NewItem, n)
	for i := range items {
		items[i] = mail(folder, "x")
	}
	_, err := m.CreateItems(t.Context(), items)
	ok(t, err)
}
