package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// TestTogether does in one write what is done in two mailboxes, or nothing of it.
func TestTogether(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		m, other := mailbox(t, s), mailbox(t, s)
		drafts, sent := role(t, m, store.RoleDrafts), role(t, m, store.RoleSentItems)
		draft := create(t, m, mail(drafts, "draft"))
		theirs := create(t, other, mail(role(t, other, store.RoleInbox), "request"))
		contents := store.Contents{}
		out := store.Outgoing{Kind: store.OutgoingSubmitted, To: "a@contoso.com", Message: contents.Add([]byte("text")), Contents: contents}
		var moved, gone, made store.Stamp
		steps := func(key []byte) (list []store.Step) {
			add := func(step store.Step, err error) {
				ok(t, err)
				list = append(list, step)
			}
			add(other.Deleting(ctx, theirs.ID, theirs.ChangeKey, store.HardDelete, &gone))
			add(other.Creating(ctx, mail(role(t, other, store.RoleInbox), "made"), &made))
			add(m.Sending(&out))
			add(m.Updating(ctx, draft.ID, store.ItemUpdate{IfChangeKey: key, Set: mapi.Bag{mapi.PidTagSubject: "sent"}}, &moved))
			add(m.Moving(ctx, draft.ID, sent, &moved))
			return list
		}
		waiting := func() int {
			clock.Advance(2 * time.Minute)
			list, _, err := s.TakeOutgoing(ctx, 10)
			ok(t, err)
			return len(list)
		}
		want(t, store.Together(ctx, steps(theirs.ChangeKey)...), store.ErrConflict)
		if _, err := other.Item(ctx, theirs.ID, store.Want{}); err != nil || waiting() != 0 {
			t.Errorf("what failed left something: %v", err)
		}
		ok(t, store.Together(ctx, steps(draft.ChangeKey)...))
		it, err := m.Item(ctx, moved.ID, store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}})
		if err != nil || it.Folder != sent || it.Props.String(mapi.PidTagSubject) != "sent" {
			t.Errorf("%+v, %v", it, err)
		}
		if _, err := other.Item(ctx, made.ID, store.Want{}); err != nil {
			t.Error(err)
		}
		_, err = other.Item(ctx, theirs.ID, store.Want{})
		want(t, err, store.ErrNotFound)
		if n := waiting(); n != 1 || out.ID == 0 || out.Mailbox != m.GUID() {
			t.Errorf("%d wait, %+v", n, out)
		}
		stale, err := other.Deleting(ctx, made.ID, theirs.ChangeKey, store.HardDelete, &gone)
		ok(t, err)
		want(t, store.Together(ctx, stale), store.ErrConflict)
		// Whoever is second finds nothing to do it with.
		again, err := m.Moving(ctx, draft.ID, sent, &moved)
		ok(t, err)
		want(t, store.Together(ctx, again), store.ErrNotFound)
		ok(t, store.Together(ctx))
		checkCounters(t, db)
	})
}

// TestDeliverCrosswise delivers what waits in two mailboxes into each other at the same
// moment: neither waits for the other one.
func TestDeliverCrosswise(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		ctx := t.Context()
		boxes := []*store.Mailbox{mailbox(t, s), mailbox(t, s)}
		const n = 50
		var waiting [2][]store.Outgoing
		for i, m := range boxes {
			var err error
			_, waiting[i], err = m.Deliver(ctx, store.Delivery{Send: slices.Repeat([]store.Outgoing{{To: "a@contoso.com"}}, n)})
			ok(t, err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for i, m := range boxes {
			inbox, from := role(t, m, store.RoleInbox), waiting[1-i]
			for part := range 4 {
				all.Go(func() {
					for k := part; k < n; k += 4 {
						if _, _, err := m.Deliver(ctx, store.Delivery{Items: []store.NewItem{mail(inbox, "x")}, Sent: []*store.Outgoing{&from[k]}}); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		all.Wait()
		t.Logf("%v", time.Since(began))
		for _, m := range boxes {
			f, err := m.Role(ctx, store.RoleInbox)
			if err != nil || f.Total != n {
				t.Errorf("%d came, %v", f.Total, err)
			}
		}
		checkCounters(t, db)
	})
}
