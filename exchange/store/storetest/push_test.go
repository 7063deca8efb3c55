package storetest

import (
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
)

// TestPushed holds when a subscription for push notifications is due, and that one
// taker at a time has it.
func TestPushed(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		take := func(when string, want int) *store.Pushed {
			t.Helper()
			list, _, err := s.TakePushed(ctx, 10)
			ok(t, err)
			if len(list) != want {
				t.Fatalf("%s: %d are due, want %d", when, len(list), want)
			}
			if want == 0 {
				return nil
			}
			return list[0]
		}
		take("without one", 0)
		mark, err := m.LastChange(ctx)
		ok(t, err)
		sub := &store.Subscription{SID: Owner, Kind: store.Push, Folders: []store.FolderID{inbox}, Events: 3, Mark: mark, Life: 48 * time.Hour, URL: "https://x/", CallerData: "me", Frequency: 10 * time.Minute}
		ok(t, m.AddSubscription(ctx, sub))
		ok(t, m.AddSubscription(ctx, &store.Subscription{SID: Owner, Kind: store.Streaming, Mark: mark, Life: 48 * time.Hour}))
		if list, err := s.PushedMailboxes(ctx); err != nil || len(list) != 1 || list[0] != m.GUID() {
			t.Errorf("mailboxes %v, %v", list, err)
		}
		p := take("new", 1)
		if p.ID != sub.ID || p.Mailbox != m.GUID() || p.URL != sub.URL || p.CallerData != "me" || p.Frequency != sub.Frequency || p.Mark != mark || !p.Failing.IsZero() {
			t.Errorf("took %+v of %+v", p, p.Subscription)
		}
		create(t, m, mail(inbox, "meanwhile"))
		take("taken", 0)
		ok(t, s.KeepPushed(ctx, p, false, clock.Now().Add(p.Frequency)))
		p = take("changed meanwhile", 1)
		p.Mark, err = m.LastChange(ctx)
		ok(t, err)
		ok(t, s.KeepPushed(ctx, p, false, clock.Now().Add(p.Frequency)))
		take("told", 0)
		// Who is put off has not failed, and waits until then, whatever happens.
		create(t, m, mail(inbox, "one more"))
		p = take("changed, to be put off", 1)
		ok(t, s.DeferPushed(ctx, p, clock.Now().Add(time.Second)))
		take("put off", 0)
		clock.Advance(2 * time.Second)
		late := take("put off, later", 1)
		if !late.Failing.After(clock.Now()) {
			t.Errorf("put off and failing since %v", late.Failing)
		}
		clock.Advance(2 * time.Minute)
		p = take("taken too long", 1)
		ok(t, s.DeferPushed(ctx, late, clock.Now()))
		take("put off by who has it no more", 0)
		p.Mark, err = m.LastChange(ctx)
		ok(t, err)
		ok(t, s.KeepPushed(ctx, p, false, clock.Now().Add(p.Frequency)))
		create(t, m, mail(inbox, "another"))
		p = take("changed", 1)
		ok(t, s.KeepPushed(ctx, p, true, clock.Now().Add(time.Second)))
		create(t, m, mail(inbox, "a third"))
		take("failing", 0)
		clock.Advance(2 * time.Second)
		if p = take("failing, later", 1); p.Failing.IsZero() || clock.Now().Sub(p.Failing) > time.Minute {
			t.Errorf("failing since %v", p.Failing)
		}
		// Whoever took it died.
		take("taken", 0)
		clock.Advance(2 * time.Minute)
		p = take("taken by who died", 1)
		ok(t, s.EndPushed(ctx, p))
		ok(t, s.EndPushed(ctx, p))
		clock.Advance(time.Hour)
		take("ended", 0)
	})
}

// TestAwaitOutgoing holds that who waits to send is woken by what is to be sent at once.
func TestAwaitOutgoing(t *testing.T) {
	s, _ := Open(t, sqldbtest.Memory(t))
	m := mailbox(t, s)
	_, waiting, err := m.Deliver(t.Context(), store.Delivery{Send: []store.Outgoing{{To: "all@contoso.com"}}})
	ok(t, err)
	ok(t, m.SpreadOutgoing(t.Context(), &waiting[0], []string{"a@contoso.com"}))
	began := time.Now()
	s.AwaitOutgoing(t.Context(), time.Time{})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it waited %v", took)
	}
}
