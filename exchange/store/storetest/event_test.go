package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// told is an event in short: its kind and what it is about.
func told(e store.Event) string {
	kind := []string{"created", "modified", "moved", "deleted", "folder created", "folder modified", "folder moved", "folder deleted"}[e.Kind]
	if e.Item == (store.ItemID{}) {
		return fmt.Sprintf("%s %d", kind, e.Folder.Folder)
	}
	text := fmt.Sprintf("%s %d in %d", kind, e.Item.Row, e.Folder.Folder)
	if e.Kind == store.ItemMoved {
		text += fmt.Sprintf(" from %d", e.OldFolder.Folder)
	}
	if e.Delivered {
		text += " by mail"
	}
	return text
}

func TestEvents(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox, archive, junk, drafts := role(t, m, store.RoleInbox), role(t, m, store.RoleArchive), role(t, m, store.RoleJunkEmail), role(t, m, store.RoleDrafts)
		var mark mapi.GlobCnt
		// since returns what is told in folders since the last call, folders' own changes apart.
		since := func(folders ...store.FolderID) []string {
			t.Helper()
			page, err := m.Events(ctx, mark, folders, 100)
			ok(t, err)
			var list []string
			for _, e := range page.Events {
				if e.Kind != store.FolderModified {
					list = append(list, told(e))
				}
			}
			return list
		}
		same := func(what string, got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
			var err error
			mark, err = m.LastChange(ctx)
			ok(t, err)
		}
		mark, err := m.LastChange(ctx)
		ok(t, err)
		n := mail(inbox, "new")
		n.Props[mapi.PidTagReceivedByEmail] = "anna@contoso.com"
		a := create(t, m, n)
		b := create(t, m, mail(drafts, "draft"))
		row := func(s store.Stamp) string { return fmt.Sprint(s.ID.Row) }
		fid := func(f store.FolderID) string { return fmt.Sprint(f.Folder) }
		same("all folders", since(), "created "+row(a)+" in "+fid(inbox)+" by mail", "created "+row(b)+" in "+fid(drafts))

		_, err = m.SetRead(ctx, a.ID, true)
		ok(t, err)
		_, err = m.UpdateItem(ctx, b.ID, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: "other"}})
		ok(t, err)
		same("the inbox alone", since(inbox), "modified "+row(a)+" in "+fid(inbox))
		same("nothing", since(inbox))

		a2, err := m.MoveItem(ctx, a.ID, archive)
		ok(t, err)
		move := "moved " + row(a) + " in " + fid(archive) + " from " + fid(inbox)
		for what, folders := range map[string][]store.FolderID{"from": {inbox}, "to": {archive}, "both": {inbox, archive}, "all": nil} {
			if got := since(folders...); !slices.Equal(got, []string{move}) {
				t.Errorf("a move, watching %s: %q", what, got)
			}
		}
		same("a third folder", since(junk))

		a3, err := m.MoveItem(ctx, a2.ID, junk)
		ok(t, err)
		_, err = m.MoveItem(ctx, a3.ID, inbox)
		ok(t, err)
		page, err := m.Events(ctx, mark, nil, 100)
		ok(t, err)
		i := slices.IndexFunc(page.Events, func(e store.Event) bool { return e.Kind == store.ItemMoved })
		if i < 0 || page.Events[i].OldItem != a2.ID || page.Events[i].OldFolder != archive || page.Events[i].Folder != inbox {
			t.Errorf("two moves at once: %+v", page.Events)
		}
		same("told once", since(), "moved "+row(a)+" in "+fid(inbox)+" from "+fid(archive))

		c := create(t, m, mail(inbox, "short"))
		_, err = m.DeleteItem(ctx, c.ID, store.HardDelete)
		ok(t, err)
		_, err = m.DeleteItem(ctx, b.ID, store.SoftDelete)
		ok(t, err)
		same("came and went, and a soft deletion", since(inbox, drafts), "deleted "+row(b)+" in "+fid(drafts))

		f, err := m.CreateFolder(ctx, store.NewFolder{Parent: inbox, Name: "Sub"})
		ok(t, err)
		same("a folder", since(inbox), "folder created "+fid(f.ID))
		_, err = m.MoveFolder(ctx, f.ID, archive)
		ok(t, err)
		same("a folder moved", since(archive), "folder moved "+fid(f.ID))
		ok(t, m.DeleteFolder(ctx, f.ID, store.HardDelete))
		same("a folder deleted", since(), "folder deleted "+fid(f.ID))

		for i := range 25 {
			create(t, m, mail(junk, fmt.Sprint(i)))
		}
		seen, pages := 0, 0
		for more := true; more; pages++ {
			page, err := m.Events(ctx, mark, []store.FolderID{junk}, 10)
			ok(t, err)
			for _, e := range page.Events {
				if e.Kind == store.ItemCreated {
					seen++
				}
			}
			if page.Mark <= mark && page.More {
				t.Fatal("no progress")
			}
			mark, more = page.Mark, page.More
		}
		if seen != 25 || pages != 3 {
			t.Errorf("%d of 25 in %d pages", seen, pages)
		}
		checkCounters(t, db)
	})
}

func TestWatch(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m, other := mailbox(t, s), mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		watch, slow := s.Watch(m.GUID()), s.Watch(m.GUID())
		defer slow.Close()
		for range 3 {
			create(t, m, mail(inbox, "new"))
		}
		<-watch.C
		<-slow.C // once for all three
		if db.Flavour() != sqldb.PostgreSQL {
			create(t, other, mail(role(t, other, store.RoleInbox), "not mine"))
			select {
			case <-watch.C:
				t.Error("woken by another mailbox")
			default:
			}
		} else { // a second store on the same PostgreSQL is another process
			elsewhere, _ := Open(t, db)
			far, err := elsewhere.FindMailbox(t.Context(), m.GUID())
			ok(t, err)
			made := create(t, far, mail(inbox, "from afar"))
			for cn := mapi.GlobCnt(0); cn < made.CN; cn, err = m.LastChange(t.Context()) {
				<-watch.C
			}
			ok(t, err)
		}
		watch.Close()
		watch.Close()
	})
}

func TestSubscriptions(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		m, other := mailbox(t, s), mailbox(t, s)
		ctx := t.Context()
		sub := &store.Subscription{SID: "S-1", Kind: store.Streaming, Folders: []store.FolderID{role(t, m, store.RoleInbox), role(t, m, store.RoleDrafts)}, Events: 5, Mark: 7, Life: time.Minute}
		ok(t, m.AddSubscription(ctx, sub))
		got, err := m.Subscription(ctx, sub.ID)
		if err != nil || fmt.Sprint(*got) != fmt.Sprint(*sub) {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = other.Subscription(ctx, sub.ID)
		want(t, err, store.ErrNotFound)
		clock.Advance(50 * time.Second)
		sub.Mark = 9
		ok(t, m.KeepSubscription(ctx, sub, time.Minute))
		clock.Advance(90 * time.Second)
		if got, err = m.Subscription(ctx, sub.ID); err != nil || got.Mark != 9 {
			t.Errorf("kept: %+v, %v", got, err)
		}
		clock.Advance(time.Minute)
		_, err = m.Subscription(ctx, sub.ID)
		want(t, err, store.ErrNotFound)
		want(t, m.AddSubscription(ctx, &store.Subscription{Folders: []store.FolderID{{Mailbox: m.GUID(), Folder: 0x7777}}}), store.ErrNotFound)
		want(t, m.AddSubscription(ctx, &store.Subscription{Folders: make([]store.FolderID, store.MaxSubscribedFolders+1)}), store.ErrTooMany)
		all := &store.Subscription{SID: "S-1", Life: time.Minute}
		ok(t, m.AddSubscription(ctx, all))
		ok(t, m.RemoveSubscription(ctx, all.ID))
		want(t, m.RemoveSubscription(ctx, all.ID), store.ErrNotFound)
	})
}
