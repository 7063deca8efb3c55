package storetest

import (
	"fmt"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

func TestDistinguishedFolders(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		for _, r := range []store.Role{store.RoleRoot, store.RoleInbox, "InBox", store.RoleServerFailures, store.RoleRecipientCache} {
			f, err := m.Role(ctx, r)
			if err != nil || !strings.EqualFold(string(f.Role), string(r)) {
				t.Errorf("%s: %+v, %v", r, f, err)
			}
		}
		_, err := m.RoleID("archiveinbox")
		want(t, err, store.ErrNotFound)
		all, err := m.Folders(ctx, role(t, m, store.RoleRoot), true)
		if err != nil || len(all) != 24 {
			t.Errorf("%d folders, %v", len(all), err)
		}
		for class, r := range map[string]store.Role{"IPM.Note": store.RoleInbox, "": store.RoleInbox, "report.ipm.note.dr": store.RoleInbox, "IPC.x": store.RoleRoot, "Anything": store.RoleInbox} {
			if id, err := m.ReceiveFolder(ctx, class); err != nil || id != role(t, m, r) {
				t.Errorf("%q goes to %v, %v", class, id, err)
			}
		}
		want(t, m.DeleteFolder(ctx, role(t, m, store.RoleInbox), store.HardDelete), store.ErrInvalid)
		_, err = m.MoveFolder(ctx, role(t, m, store.RoleInbox), role(t, m, store.RoleArchive))
		want(t, err, store.ErrInvalid)
		checkCounters(t, db)
	})
}

func TestFolders(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		top, bin := role(t, m, store.RoleMsgFolderRoot), role(t, m, store.RoleDeletedItems)
		work, err := m.CreateFolder(ctx, store.NewFolder{Parent: top, Name: "Wörk", Class: "IPF.Note", Props: mapi.Bag{mapi.PidTagComment: "c"}})
		ok(t, err)
		for name, kind := range map[string]error{"wÖRK": store.ErrExists, " ": store.ErrInvalid, strings.Repeat("x", 256): store.ErrInvalid} {
			_, err := m.CreateFolder(ctx, store.NewFolder{Parent: top, Name: name})
			want(t, err, kind)
		}
		_, err = m.CreateFolder(ctx, store.NewFolder{Parent: store.FolderID{Mailbox: m.GUID(), Folder: 0x7777}, Name: "x"})
		want(t, err, store.ErrNotFound)
		sub, err := m.CreateFolder(ctx, store.NewFolder{Parent: work.ID, Name: "Sub"})
		ok(t, err)
		create(t, m, mail(sub.ID, "inside"))
		renamed, err := m.UpdateFolder(ctx, work.ID, store.FolderUpdate{IfChangeKey: work.ChangeKey, Name: new("Work"), Set: mapi.Bag{mapi.PidTagComment: "d"}})
		if err != nil || renamed.Name != "Work" || renamed.CN <= work.CN || renamed.Properties().String(mapi.PidTagComment) != "d" {
			t.Errorf("%+v, %v", renamed, err)
		}
		_, err = m.UpdateFolder(ctx, work.ID, store.FolderUpdate{IfChangeKey: work.ChangeKey, Name: new("Other")})
		want(t, err, store.ErrConflict)
		_, err = m.MoveFolder(ctx, work.ID, sub.ID)
		want(t, err, store.ErrInvalid)
		if f, err := m.Folder(ctx, work.ID); err != nil || f.Children != 1 || f.ContentCN != 0 {
			t.Errorf("%+v, %v", f, err)
		}
		// To Deleted Items twice under one name, then out of it for good.
		ok(t, m.DeleteFolder(ctx, work.ID, store.ToDeletedItems))
		twin, err := m.CreateFolder(ctx, store.NewFolder{Parent: top, Name: "work"})
		ok(t, err)
		ok(t, m.DeleteFolder(ctx, twin.ID, store.ToDeletedItems))
		list, err := m.Folders(ctx, bin, false)
		if err != nil || len(list) != 2 || list[1].Name != "work1" {
			t.Errorf("%v, %v", list, err)
		}
		ok(t, m.DeleteFolder(ctx, work.ID, store.ToDeletedItems))
		_, err = m.Folder(ctx, sub.ID)
		want(t, err, store.ErrNotFound)
		rest, err := m.Role(ctx, store.RoleRecoverableDeletions)
		if err != nil || rest.Total != 1 {
			t.Errorf("the item must be recoverable: %+v, %v", rest, err)
		}
		checkCounters(t, db)
		for i := range 3 {
			create(t, m, mail(bin, fmt.Sprint(i)))
		}
		ok(t, m.EmptyFolder(ctx, bin, store.HardDelete, true))
		f, err := m.Folder(ctx, bin)
		if err != nil || f.Total != 0 || f.Children != 0 {
			t.Errorf("%+v, %v", f, err)
		}
		checkCounters(t, db)
	})
}

func TestCopyFolder(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox, archive := role(t, m, store.RoleInbox), role(t, m, store.RoleArchive)
		sub, err := m.CreateFolder(ctx, store.NewFolder{Parent: inbox, Name: "Sub", Class: "IPF.Task", Props: mapi.Bag{mapi.PidTagComment: "c"}})
		ok(t, err)
		items := make([]store.NewItem, 503)
		for i := range items {
			items[i] = mail(inbox, fmt.Sprint(i))
		}
		items[2].Associated = true
		_, err = m.CreateItems(ctx, items)
		ok(t, err)
		create(t, m, mail(sub.ID, "inside"))
		copied, err := m.CopyFolder(ctx, inbox, archive)
		ok(t, err)
		if copied.Role != "" || copied.Name != "Inbox" || copied.Total != 502 || copied.Associated != 1 || copied.Children != 1 || copied.Parent != archive {
			t.Errorf("%+v", copied)
		}
		below, err := m.Folders(ctx, copied.ID, true)
		if err != nil || len(below) != 1 || below[0].Class != "IPF.Task" || below[0].Total != 1 || below[0].Properties().String(mapi.PidTagComment) != "c" {
			t.Errorf("%+v, %v", below, err)
		}
		for to, kind := range map[store.FolderID]error{archive: store.ErrExists, inbox: store.ErrInvalid, sub.ID: store.ErrInvalid} {
			_, err := m.CopyFolder(ctx, inbox, to)
			want(t, err, kind)
		}
		if f, err := m.Folder(ctx, inbox); err != nil || f.Total != 502 || f.Children != 1 {
			t.Errorf("the original: %+v, %v", f, err)
		}
		checkCounters(t, db)
	})
}

func TestBulk(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox := role(t, m, store.RoleInbox)
		items := make([]store.NewItem, 1203)
		for i := range items {
			items[i] = mail(inbox, fmt.Sprint(i))
			items[i].Read = i%7 == 0
		}
		_, err := m.CreateItems(ctx, items)
		ok(t, err)
		ok(t, m.MarkAllRead(ctx, inbox, true, false))
		if f, err := m.Folder(ctx, inbox); err != nil || f.Unread != 0 || f.Total != len(items) {
			t.Errorf("%+v, %v", f, err)
		}
		ok(t, m.EmptyFolder(ctx, inbox, store.ToDeletedItems, false))
		checkCounters(t, db)
		if f, err := m.Role(ctx, store.RoleDeletedItems); err != nil || f.Total != len(items) {
			t.Errorf("%+v, %v", f, err)
		}
		items[5].Props = mapi.Bag{mapi.PidTagSubject: true}
		_, err = m.CreateItems(ctx, items)
		want(t, err, store.ErrInvalid)
		if f, err := m.Folder(ctx, inbox); err != nil || f.Total != 0 {
			t.Errorf("a failed bulk left something: %+v, %v", f, err)
		}
	})
}
