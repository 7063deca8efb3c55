package storetest

import (
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// whole holds that a mailbox is whole, its references to content among the rest.
func whole(t *testing.T, m *store.Mailbox) {
	t.Helper()
	ok(t, m.Check(t.Context(), false, func(d store.Damage) { t.Errorf("check: %v", d) }))
}

// TestOutgoing holds that what is to be sent is written with what arrived, or not at
// all; that it is given to one taker at a time; that it ends with what is delivered
// of it, once; and that it keeps its content meanwhile.
func TestOutgoing(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		one, other := mailbox(t, s), mailbox(t, s)
		inbox, there := role(t, one, store.RoleInbox), role(t, other, store.RoleInbox)
		take := func(want int) []*store.Outgoing {
			t.Helper()
			list, _, err := s.TakeOutgoing(ctx, 10)
			ok(t, err)
			if len(list) != want {
				t.Fatalf("%d wait, want %d", len(list), want)
			}
			return list
		}
		contents := store.Contents{}
		send := []store.Outgoing{{From: "from@contoso.com", To: "a@contoso.com", SID: Owner, Head: []byte("X: y\r\n"), Message: contents.Add([]byte("the message")), Skip: 4, Contents: contents}, {To: "b@contoso.com"}}

		_, _, err := one.Deliver(ctx, store.Delivery{Items: []store.NewItem{mail(store.FolderID{Mailbox: one.GUID(), Folder: 1 << 30}, "nowhere")}, Send: send})
		want(t, err, store.ErrNotFound)
		clock.Advance(time.Hour)
		take(0)
		_, waiting, err := one.Deliver(ctx, store.Delivery{Items: []store.NewItem{mail(inbox, "the reason")}, Send: send})
		ok(t, err)
		if len(waiting) != 2 || waiting[0].ID == waiting[1].ID || waiting[0].Mailbox != one.GUID() {
			t.Fatalf("waiting: %+v", waiting)
		}
		whole(t, one)
		// Who wrote it has a minute to send it.
		take(0)
		if _, next, err := s.TakeOutgoing(ctx, 10); err != nil || next.Sub(clock.Now()) > time.Minute || next.Sub(clock.Now()) < 50*time.Second {
			t.Errorf("next at %v, now is %v, %v", next, clock.Now(), err)
		}
		clock.Advance(time.Minute)
		list := take(2)
		take(0)
		o := list[0]
		if o.To != "a@contoso.com" {
			o = list[1]
		}
		if o.From != send[0].From || o.SID != Owner || string(o.Head) != "X: y\r\n" || o.Skip != 4 || o.Message != send[0].Message || o.Attempts != 0 {
			t.Errorf("took %+v", o)
		}
		// Nothing refers to the content but what waits.
		clock.Advance(48 * time.Hour)
		_, err = s.Sweep(ctx)
		ok(t, err)
		var text strings.Builder
		_, err = one.OpenBlob(ctx, o.Message).WriteTo(&text)
		ok(t, err)
		if text.String() != "the message" {
			t.Errorf("content %q", text.String())
		}
		again := take(2)
		for i, o := range again {
			if o.Attempts != 1 {
				t.Errorf("attempts %d", o.Attempts)
			}
			ok(t, s.PutOffOutgoing(ctx, o, clock.Now().Add(time.Duration(i)*time.Hour)))
		}
		take(1)
		_, _, err = other.Deliver(ctx, store.Delivery{Items: []store.NewItem{mail(there, "arrived")}, Sent: []*store.Outgoing{o}})
		ok(t, err)
		_, _, err = other.Deliver(ctx, store.Delivery{Items: []store.NewItem{mail(there, "twice")}, Sent: []*store.Outgoing{o}})
		want(t, err, store.ErrSent)
		want(t, one.SpreadOutgoing(ctx, o, nil), store.ErrSent)
		page, err := other.List(ctx, store.Query{Folder: there, Want: store.Want{All: true}})
		ok(t, err)
		if len(page.Items) != 1 || page.Items[0].Props.String(mapi.PidTagSubject) != "arrived" {
			t.Errorf("arrived: %v", page.Items)
		}
		whole(t, one)
		whole(t, other)
	})
}

// TestSpreadOutgoing puts the members of a group in its place.
func TestSpreadOutgoing(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		ctx := t.Context()
		m := mailbox(t, s)
		contents := store.Contents{}
		blob := contents.Add([]byte("to all"))
		_, waiting, err := m.Deliver(ctx, store.Delivery{Send: []store.Outgoing{{To: "all@contoso.com", Message: blob, Contents: contents}}})
		ok(t, err)
		ok(t, m.SpreadOutgoing(ctx, &waiting[0], []string{"a@contoso.com", "b@contoso.com", "c@contoso.com"}))
		want(t, m.SpreadOutgoing(ctx, &waiting[0], []string{"d@contoso.com"}), store.ErrSent)
		whole(t, m)
		list, _, err := s.TakeOutgoing(ctx, 10)
		ok(t, err)
		if len(list) != 3 {
			t.Fatalf("%d wait", len(list))
		}
		for _, o := range list {
			if o.Message != blob {
				t.Errorf("%+v", o)
			}
			ok(t, m.SpreadOutgoing(ctx, o, nil))
		}
		whole(t, m)
		if list, next, err := s.TakeOutgoing(ctx, 10); err != nil || len(list) != 0 || !next.IsZero() {
			t.Errorf("left: %v, next %v, %v", list, next, err)
		}
	})
}
