package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// The people of TestAccess and what the folder Work gives them.
const (
	other  = "S-1-5-21-1-2-3-1002"
	author = store.RightFolderVisible | store.RightReadAny | store.RightCreate | store.RightEditOwned | store.RightDeleteOwned
	editor = author | store.RightEditAny | store.RightDeleteAny
)

// people are those of the columns of accessTable, in their order.
var people = []struct {
	name   string
	rights store.Rights
}{
	{"somebody with rights elsewhere", 0},
	{"reviewer", store.RightFolderVisible | store.RightReadAny},
	{"author", author},
	{"editor", editor},
	{"folder owner", store.AllRights},
	{"owner", store.AllRights},
}

// office is a mailbox with the folder Work, in which there is an item of the owner,
// one that the viewer made, and a private one; Sub lies below it.
type office struct {
	t                     *testing.T
	s                     *store.Store
	ctx                   context.Context
	m, whole              *store.Mailbox // as the viewer and as the owner sees it
	work, sub             store.FolderID
	theirs, mine, private store.ItemID
	content               mapi.Blob
	subscription          string
	since                 mapi.GlobCnt
}

// search makes a search folder in the Work folder, with its permissions.
func (o *office) search() store.FolderID {
	o.t.Helper()
	f, err := o.whole.CreateFolder(o.ctx, store.NewFolder{Parent: o.work, Name: "Search", Search: &store.Search{Bases: []store.FolderID{o.work}, Where: unread}})
	ok(o.t, err)
	return f.ID
}

// newOffice makes an office in a mailbox of its own. An owner's own view is the mailbox itself.
func newOffice(t *testing.T, s *store.Store, rights store.Rights, owner bool) *office {
	t.Helper()
	o := &office{t: t, s: s, ctx: t.Context(), whole: mailbox(t, s)}
	work, err := o.whole.CreateFolder(o.ctx, store.NewFolder{Parent: role(t, o.whole, store.RoleInbox), Name: "Work"})
	ok(t, err)
	o.work = work.ID
	permit := func(folder store.FolderID, r store.Rights) {
		t.Helper()
		ok(t, o.whole.SetPermissions(o.ctx, folder, []store.Permission{{Member: strings.ToLower(other), Rights: r}}))
	}
	permit(role(t, o.whole, store.RoleContacts), store.RightFolderVisible)
	permit(o.work, editor)
	as, err := o.whole.As(o.ctx, other)
	ok(t, err)
	o.mine = create(t, as, mail(o.work, "mine")).ID
	o.content, err = o.whole.WriteBlob(o.ctx, strings.NewReader("secret"))
	ok(t, err)
	theirs := mail(o.work, "theirs")
	theirs.Attachments = []store.Attachment{{Filename: "a.txt", Content: o.content}}
	o.theirs = create(t, o.whole, theirs).ID
	o.since, err = o.whole.LastChange(o.ctx)
	ok(t, err)
	private := mail(o.work, "private")
	private.Props[mapi.PidTagSensitivity] = int32(2)
	private.Props[mapi.PidTagConversationID] = append([]byte{1}, make([]byte, 15)...)
	private.Props[mapi.PidLidCleanGlobalObjectID] = []byte("meeting")
	private.Props[mapi.PidLidAppointmentStartWhole] = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	private.Props[mapi.PidLidAppointmentEndWhole] = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	o.private = create(t, o.whole, private).ID
	permit(o.work, rights)
	sub, err := o.whole.CreateFolder(o.ctx, store.NewFolder{Parent: o.work, Name: "Sub"})
	ok(t, err)
	o.sub = sub.ID
	o.m = o.whole
	if !owner {
		if o.m, err = o.whole.As(o.ctx, strings.ToLower(other)); err != nil {
			t.Fatal(err)
		}
		if o.m.Viewer() != other {
			t.Errorf("the viewer is %q", o.m.Viewer())
		}
	}
	subscription := store.Subscription{SID: Owner, Kind: store.Pull, Life: time.Hour}
	ok(t, o.whole.AddSubscription(o.ctx, &subscription))
	o.subscription = subscription.ID
	return o
}

// row is one call that TestAccess makes as each of the people, and what comes of
// it: one letter for each of them. y is done, d is ErrDenied, n is ErrNotFound.
type row struct {
	method string // of Mailbox, then what of it
	want   string
	do     func(o *office) error
}

// seen fails when a list of ids does not have exactly what the viewer is to see.
func (o *office) seen(ids ...store.ItemID) error {
	o.t.Helper()
	if slices.Contains(ids, o.private) != (o.m.Viewer() == "") {
		return fmt.Errorf("private item seen by %q in %v", o.m.Viewer(), ids)
	}
	return nil
}

func ids(items []*store.Item) (list []store.ItemID) {
	for _, it := range items {
		list = append(list, it.ID)
	}
	return list
}

// together does one step, unless nobody may.
func together(step store.Step, err error) error {
	if err != nil {
		return err
	}
	return store.Together(context.Background(), step)
}

// accessTable has every exported method of Mailbox.
var accessTable = []row{
	{"As", "yyyyyy", func(o *office) error {
		for sid, kind := range map[string]error{"": store.ErrDenied, "S-1-5-21-1-2-3-1003": store.ErrDenied} {
			if _, err := o.m.As(o.ctx, sid); !errors.Is(err, kind) {
				return fmt.Errorf("%q: %v", sid, err)
			}
		}
		if o.m.Viewer() != "" {
			// A view is no way to the owner's.
			if _, err := o.m.As(o.ctx, Owner); !errors.Is(err, store.ErrDenied) {
				return fmt.Errorf("as the owner: %v", err)
			}
		}
		_, err := o.m.As(o.ctx, cmpOr(o.m.Viewer(), Owner))
		return err
	}},
	{"Viewer", "yyyyyy", func(o *office) error { o.m.Viewer(); return nil }},
	{"GUID", "yyyyyy", func(o *office) error { o.m.GUID(); return nil }},
	{"DatabaseGUID", "yyyyyy", func(o *office) error { o.m.DatabaseGUID(); return nil }},
	{"Info", "yyyyyy", func(o *office) error { o.m.Info(); return nil }},
	{"RoleID", "yyyyyy", func(o *office) error { _, err := o.m.RoleID(store.RoleInbox); return err }},
	{"LastChange", "yyyyyy", func(o *office) error { _, err := o.m.LastChange(o.ctx); return err }},
	{"Usage", "dddddy", func(o *office) error { _, err := o.m.Usage(o.ctx); return err }},
	{"LoggedOn", "dddddy", func(o *office) error { return o.m.LoggedOn(o.ctx) }},
	{"Warned", "dddddy", func(o *office) error { return o.m.Warned(o.ctx) }},
	{"MaySend", "yyyyyy", func(o *office) error { return o.m.MaySend(o.ctx) }},
	{"ItemsAfter", "dddddy", func(o *office) error { _, err := o.m.ItemsAfter(o.ctx, o.work, 0, 10, store.Want{}); return err }},
	{"Alike", "dddddy", func(o *office) error {
		_, err := o.m.Alike(o.ctx, store.NewItem{Folder: o.work, Props: mapi.Bag{mapi.PidTagSearchKey: []byte("a")}}, false)
		return err
	}},
	{"Check", "dddddy", func(o *office) error { return o.m.Check(o.ctx, true, func(store.Damage) {}) }},
	{"ReceiveFolder", "dddddy", func(o *office) error { _, err := o.m.ReceiveFolder(o.ctx, "IPM.Note"); return err }},
	{"Rules", "dddddy", func(o *office) error { _, err := o.m.Rules(o.ctx, o.work); return err }},
	{"UpdateRules", "dddddy", func(o *office) error {
		return o.m.UpdateRules(o.ctx, o.work, func(l []*store.Rule) ([]*store.Rule, error) { return l, nil })
	}},
	{"FailRule", "dddddy", func(o *office) error { return o.m.FailRule(o.ctx, o.work, 1) }},
	{"Oof", "dddddy", func(o *office) error { _, err := o.m.Oof(o.ctx); return err }},
	{"SetOof", "dddddy", func(o *office) error { return o.m.SetOof(o.ctx, store.Oof{}) }},
	{"Deliver", "dddddy", func(o *office) error {
		_, _, err := o.m.Deliver(o.ctx, store.Delivery{Items: []store.NewItem{mail(o.work, "new")}})
		return err
	}},
	{"Sending", "dddddy", func(o *office) error { _, err := o.m.Sending(&store.Outgoing{To: "a@contoso.com"}); return err }},
	{"Creating", "nd yyyy", func(o *office) error { return together(o.m.Creating(o.ctx, mail(o.work, "new"), &store.Stamp{})) }},
	{"Updating", "nddyyy", func(o *office) error {
		return together(o.m.Updating(o.ctx, o.theirs, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: "changed"}}, &store.Stamp{}))
	}},
	{"Deleting", "nddyyy", func(o *office) error {
		return together(o.m.Deleting(o.ctx, o.theirs, nil, store.ToDeletedItems, &store.Stamp{}))
	}},
	{"Moving", "nddyyy", func(o *office) error { return together(o.m.Moving(o.ctx, o.theirs, o.work, &store.Stamp{})) }},
	{"SpreadOutgoing", "dddddy", func(o *office) error {
		_, waiting, err := o.whole.Deliver(o.ctx, store.Delivery{Send: []store.Outgoing{{To: "a@contoso.com"}}})
		if err == nil {
			err = o.m.SpreadOutgoing(o.ctx, &waiting[0], nil)
		}
		return err
	}},
	{"Delegates", "dddddy", func(o *office) error { _, err := o.m.Delegates(o.ctx); return err }},
	{"UpdateDelegates", "dddddy", func(o *office) error {
		return o.m.UpdateDelegates(o.ctx, func(*store.Delegates) error { return nil })
	}},

	{"Role", "nnnnny", func(o *office) error { _, err := o.m.Role(o.ctx, store.RoleInbox); return err }},
	{"Folder", "nyyyyy", func(o *office) error { _, err := o.m.Folder(o.ctx, o.work); return err }},
	{"Folder outside", "nnnnny", func(o *office) error { _, err := o.m.Folder(o.ctx, role(o.t, o.whole, store.RoleInbox)); return err }},
	{"Folders", "nyyyyy", func(o *office) error {
		list, err := o.m.Folders(o.ctx, o.work, true)
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("%d folders", len(list))
		}
		return err
	}},
	{"EnsureFolder", "nddd yy", func(o *office) error {
		parent := store.NewFolder{Parent: o.work, Name: "New"}
		id, made, err := o.m.EnsureFolder(o.ctx, parent)
		if err == nil {
			again, remade, err := o.m.EnsureFolder(o.ctx, parent)
			if err != nil || !made || remade || again != id {
				return fmt.Errorf("the folder %v (made: %t) is found again as %v (made: %t): %w", id, made, again, remade, err)
			}
			return o.m.DeleteFolder(o.ctx, id, store.HardDelete)
		}
		return err
	}},
	{"CreateFolder", "nddd yy", func(o *office) error {
		f, err := o.m.CreateFolder(o.ctx, store.NewFolder{Parent: o.work, Name: "New"})
		if err == nil {
			// Whoever makes a folder owns it.
			err = o.m.DeleteFolder(o.ctx, f.ID, store.HardDelete)
		}
		return err
	}},
	{"UpdateFolder", "nddd yy", func(o *office) error {
		_, err := o.m.UpdateFolder(o.ctx, o.work, store.FolderUpdate{Name: new("Renamed")})
		return err
	}},
	{"CreateFolder, a search folder", "dddddy", func(o *office) error {
		f, err := o.m.CreateFolder(o.ctx, store.NewFolder{Parent: o.work, Name: "New", Search: &store.Search{Bases: []store.FolderID{o.work}, Where: unread}})
		if err == nil {
			err = o.m.DeleteFolder(o.ctx, f.ID, store.HardDelete)
		}
		return err
	}},
	{"UpdateFolder, a search folder", "dddddy", func(o *office) error {
		_, err := o.m.UpdateFolder(o.ctx, o.search(), store.FolderUpdate{Search: &store.Search{Bases: []store.FolderID{o.work}, Where: unread}})
		return err
	}},
	{"SearchOf", "dddddy", func(o *office) error {
		_, err := o.m.SearchOf(o.ctx, o.search())
		return err
	}},
	{"List of a search folder", "nddddy", func(o *office) error {
		_, err := o.m.List(o.ctx, store.Query{Folder: o.search()})
		return err
	}},
	{"SyncItems of a search folder", "nddddy", func(o *office) error {
		_, err := o.m.SyncItems(o.ctx, o.search(), store.SyncState{}, 10, false)
		return err
	}},
	{"MarkAllRead of a search folder", "nddddy", func(o *office) error {
		return o.m.MarkAllRead(o.ctx, o.search(), true, false)
	}},
	{"MoveFolder", "nddd yy", func(o *office) error { _, err := o.m.MoveFolder(o.ctx, o.sub, o.work); return err }},
	{"MoveFolder out", "nnnnny", func(o *office) error {
		_, err := o.m.MoveFolder(o.ctx, o.work, role(o.t, o.whole, store.RoleDrafts))
		return err
	}},
	{"CopyFolder", "nddd yy", func(o *office) error {
		to, err := o.whole.CreateFolder(o.ctx, store.NewFolder{Parent: o.work, Name: "To"})
		if err == nil {
			_, err = o.m.CopyFolder(o.ctx, o.sub, to.ID)
		}
		return err
	}},
	{"DeleteFolder", "nddd yy", func(o *office) error { return o.m.DeleteFolder(o.ctx, o.work, store.HardDelete) }},
	{"EmptyFolder", "nddyyy", func(o *office) error { return o.m.EmptyFolder(o.ctx, o.work, store.HardDelete, false) }},
	{"EmptyFolder with folders", "nddd yy", func(o *office) error { return o.m.EmptyFolder(o.ctx, o.work, store.HardDelete, true) }},
	{"Permissions", "nddd yy", func(o *office) error { _, err := o.m.Permissions(o.ctx, o.work); return err }},
	{"SetPermissions", "nddd yy", func(o *office) error {
		return o.m.SetPermissions(o.ctx, o.work, []store.Permission{{Member: other, Rights: store.AllRights}})
	}},
	{"Rights of oneself", "yyyyyy", func(o *office) error { _, err := o.m.Rights(o.ctx, o.work, other); return err }},
	{"Rights of others", "nddd yy", func(o *office) error { _, err := o.m.Rights(o.ctx, o.work, "S-1-5-21-1-2-3-1003"); return err }},
	{"Effective", "nyyyyy", func(o *office) error { _, _, err := o.m.Effective(o.ctx, o.work); return err }},

	{"Item", "nyyyyy", func(o *office) error {
		_, err := o.m.Item(o.ctx, o.theirs, store.Want{All: true, Recipients: true})
		return err
	}},
	{"Items", "nyyyyy", func(o *office) error {
		items, err := o.m.Items(o.ctx, []store.ItemID{o.theirs, o.theirs}, store.Want{})
		if err == nil && items[0] == nil {
			err = store.ErrNotFound
		}
		return err
	}},
	{"Items private", "nnnnny", func(o *office) error {
		items, err := o.m.Items(o.ctx, []store.ItemID{o.private}, store.Want{})
		if err == nil && items[0] == nil {
			err = store.ErrNotFound
		}
		return err
	}},
	{"Item own", "nyyyyy", func(o *office) error { _, err := o.m.Item(o.ctx, o.mine, store.Want{}); return err }},
	{"Item private", "nnnnny", func(o *office) error { _, err := o.m.Item(o.ctx, o.private, store.Want{}); return err }},
	{"Attachment", "nyyyyy", func(o *office) error { _, err := o.m.Attachment(o.ctx, store.AttachmentID{Item: o.theirs}); return err }},
	{"List", "nyyyyy", func(o *office) error {
		page, err := o.m.List(o.ctx, store.Query{Folder: o.work})
		if err != nil {
			return err
		}
		if page.Total != len(page.Items) {
			return fmt.Errorf("total %d of %d", page.Total, len(page.Items))
		}
		return o.seen(ids(page.Items)...)
	}},
	{"List with a condition", "nyyyyy", func(o *office) error {
		page, err := o.m.List(o.ctx, store.Query{Folder: o.work, Where: mapi.Exist{Tag: mapi.PidTagSubject}})
		if err != nil {
			return err
		}
		return o.seen(ids(page.Items)...)
	}},
	{"Configuration", "nyyyyy", func(o *office) error {
		if _, err := o.whole.CreateConfiguration(o.ctx, o.work, "View", nil); err != nil {
			return fmt.Errorf("as the owner: %v", err)
		}
		_, err := o.m.Configuration(o.ctx, o.work, "View")
		return err
	}},
	{"CreateConfiguration", "ndyyyy", func(o *office) error {
		_, err := o.m.CreateConfiguration(o.ctx, o.work, "View", nil)
		return err
	}},
	{"List of deleted items", "nddddy", func(o *office) error {
		_, err := o.m.List(o.ctx, store.Query{Folder: o.work, View: store.SoftDeletedView})
		return err
	}},
	{"Count", "nyyyyy", func(o *office) error {
		n, err := o.m.Count(o.ctx, store.Query{Folder: o.work})
		if want := 2 + len(o.whole.Viewer()); err == nil && n != want && o.m != o.whole {
			err = fmt.Errorf("%d items, want %d", n, want)
		}
		return err
	}},
	{"Between", "nyyyyy", func(o *office) error {
		day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		items, _, err := o.m.Between(o.ctx, o.work, day, day.Add(24*time.Hour), store.Want{}, 10)
		if err != nil {
			return err
		}
		return o.seen(ids(items)...)
	}},
	{"ByGlobalObjectID", "nyyyyy", func(o *office) error {
		items, err := o.m.ByGlobalObjectID(o.ctx, o.work, []byte("meeting"), store.Want{})
		if err != nil {
			return err
		}
		return o.seen(ids(items)...)
	}},
	{"Conversations", "nyyyyy", func(o *office) error {
		page, _, err := o.m.Conversations(o.ctx, store.Query{Folder: o.work})
		if seen := len(page) == 1; err == nil && seen != (o.m.Viewer() == "") {
			err = fmt.Errorf("%d conversations", len(page))
		}
		return err
	}},
	{"ConversationItems", "yyyyyy", func(o *office) error {
		items, err := o.m.ConversationItems(o.ctx, store.ConversationID{Mailbox: o.m.GUID(), Conversation: [16]byte{1}}, store.Want{})
		if err != nil {
			return err
		}
		return o.seen(ids(items)...)
	}},
	{"EachConversation", "yyyyyy", func(o *office) error {
		var list []*store.Item
		err := o.m.EachConversation(o.ctx, []store.ConversationID{{Mailbox: o.m.GUID(), Conversation: [16]byte{1}}}, store.Want{}, func(_ store.ConversationID, items []*store.Item) error {
			list = append(list, items...)
			return nil
		})
		if err != nil {
			return err
		}
		return o.seen(ids(list)...)
	}},
	{"SyncItems", "nyyyyy", func(o *office) error {
		changes, err := o.m.SyncItems(o.ctx, o.work, store.SyncState{}, 10, true)
		if err != nil {
			return err
		}
		var list []store.ItemID
		for _, c := range changes.Changes {
			list = append(list, c.ID)
		}
		return o.seen(list...)
	}},
	{"SyncFolders", "nyyyyy", func(o *office) error {
		changes, err := o.m.SyncFolders(o.ctx, o.work, store.SyncState{})
		if err == nil && len(changes.Changes) != 1 {
			err = fmt.Errorf("%d folders", len(changes.Changes))
		}
		return err
	}},
	{"Events", "yyyyyy", func(o *office) error {
		page, err := o.m.Events(o.ctx, o.since, nil, 100)
		if err != nil {
			return err
		}
		rights, _ := o.m.Rights(o.ctx, o.work, other)
		var list []store.ItemID
		for _, e := range page.Events {
			if list = append(list, e.Item); e.Folder == o.work && o.m.Viewer() != "" && rights == 0 {
				return fmt.Errorf("event %+v in a folder that is not seen", e)
			}
		}
		return o.seen(list...)
	}},
	{"CreateItem", "nd yyyy", func(o *office) error {
		stamp, err := o.m.CreateItem(o.ctx, mail(o.work, "new"))
		if err == nil {
			it, itemErr := o.whole.Item(o.ctx, stamp.ID, store.Want{})
			if err = itemErr; err == nil && it.Creator != o.m.Viewer() {
				err = fmt.Errorf("made by %q", it.Creator)
			}
		}
		return err
	}},
	{"CreateItems in two folders", "nnnnny", func(o *office) error {
		_, err := o.m.CreateItems(o.ctx, []store.NewItem{mail(o.work, "new"), mail(role(o.t, o.whole, store.RoleInbox), "new")})
		if errors.Is(err, store.ErrDenied) {
			err = store.ErrNotFound // a reviewer is told of the first folder
		}
		return err
	}},
	{"UpdateItem", "nddyyy", func(o *office) error { return o.update(o.theirs) }},
	{"UpdateItem own", "nd yyyy", func(o *office) error { return o.update(o.mine) }},
	{"UpdateItem private", "nnnnny", func(o *office) error { return o.update(o.private) }},
	{"SettleReceipts", "nddyyy", func(o *office) error { return o.m.SettleReceipts(o.ctx, o.theirs) }},
	{"SetRead", "nddyyy", func(o *office) error { _, err := o.m.SetRead(o.ctx, o.theirs, true); return err }},
	{"SetRead own", "nd yyyy", func(o *office) error { _, err := o.m.SetRead(o.ctx, o.mine, true); return err }},
	{"MarkAllRead", "nddyyy", func(o *office) error {
		if err := o.m.MarkAllRead(o.ctx, o.work, true, false); err != nil {
			return err
		}
		it, err := o.whole.Item(o.ctx, o.private, store.Want{})
		if err == nil && it.Read != (o.m.Viewer() == "") {
			err = errors.New("the private item was marked")
		}
		return err
	}},
	{"MoveItem", "nddyyy", func(o *office) error { return o.move(o.theirs) }},
	{"MoveItem own", "nd yyyy", func(o *office) error { return o.move(o.mine) }},
	{"MoveItem private", "nnnnny", func(o *office) error { return o.move(o.private) }},
	{"MoveItem out", "ndnnny", func(o *office) error {
		_, err := o.m.MoveItem(o.ctx, o.mine, role(o.t, o.whole, store.RoleDrafts))
		return err
	}},
	{"CopyItem", "nd yyyy", func(o *office) error { _, err := o.m.CopyItem(o.ctx, o.theirs, o.work); return err }},
	{"CopyItem private", "nnnnny", func(o *office) error { _, err := o.m.CopyItem(o.ctx, o.private, o.work); return err }},
	{"DeleteItem", "nddyyy", func(o *office) error { _, err := o.m.DeleteItem(o.ctx, o.theirs, store.ToDeletedItems); return err }},
	{"DeleteItem own", "nd yyyy", func(o *office) error { _, err := o.m.DeleteItem(o.ctx, o.mine, store.HardDelete); return err }},
	{"DeleteItem private", "nnnnny", func(o *office) error { _, err := o.m.DeleteItem(o.ctx, o.private, store.HardDelete); return err }},

	{"CopyItemTo from here", "nyyyyy", func(o *office) error { return o.out(o.theirs, (*store.Mailbox).CopyItemTo) }},
	{"CopyItemTo from here, private", "nnnnny", func(o *office) error { return o.out(o.private, (*store.Mailbox).CopyItemTo) }},
	{"CopyItemTo here", "nd yyyy", func(o *office) error { return o.in((*store.Mailbox).CopyItemTo) }},
	{"MoveItemTo from here", "nddyyy", func(o *office) error { return o.out(o.theirs, (*store.Mailbox).MoveItemTo) }},
	{"MoveItemTo from here, own", "nd yyyy", func(o *office) error { return o.out(o.mine, (*store.Mailbox).MoveItemTo) }},
	{"MoveItemTo here", "nd yyyy", func(o *office) error { return o.in((*store.Mailbox).MoveItemTo) }},
	{"Carry", "dd yyyy", func(o *office) error { return o.m.Carry(o.ctx, o.m, &store.NewItem{}) }},

	{"NamedIDs", "yyyyyy", func(o *office) error {
		_, err := o.m.NamedIDs(o.ctx, []mapi.Name{{Set: mapi.PSPublicStrings, Text: "Unknown"}}, false)
		return err
	}},
	{"NamedIDs made", "dd yyyy", func(o *office) error {
		_, err := o.m.NamedIDs(o.ctx, []mapi.Name{{Set: mapi.PSPublicStrings, Text: "Made"}}, true)
		return err
	}},
	{"Names", "yyyyyy", func(o *office) error { _, err := o.m.Names(o.ctx, []uint16{0xFF00}); return err }},
	{"WriteBlob", "dd yyyy", func(o *office) error { _, err := o.m.WriteBlob(o.ctx, strings.NewReader("x")); return err }},
	{"ShortBlobs", "yyyyyy", func(o *office) error { _, err := o.m.ShortBlobs(o.ctx, []mapi.Blob{o.content}); return err }},
	{"Gather", "dd yyyy", func(o *office) error {
		_, err := o.m.Gather(o.ctx, bytes.NewReader(make([]byte, store.ChunkSize)), store.Contents{})
		return err
	}},
	{"Pack", "yyyyyy", func(o *office) error { return o.m.Pack(o.ctx, store.NewItem{MIME: o.content}, io.Discard) }},
	{"Look", "yyyyyy", func(o *office) error { _, err := o.m.Look(o.ctx, o.packed(store.NewItem{})); return err }},
	{"Unpack", "yyyyyy", func(o *office) error { _, err := o.m.Unpack(o.ctx, o.packed(store.NewItem{})); return err }},
	{"Unpack long", "dd yyyy", func(o *office) error {
		long := store.Contents{}
		_, err := o.m.Unpack(o.ctx, o.packed(store.NewItem{MIME: long.Add(make([]byte, store.ChunkSize)), Contents: long}))
		return err
	}},
	{"OpenBlob", "yyyyyy", func(o *office) error { _, err := io.ReadAll(o.m.OpenBlob(o.ctx, o.content)); return err }},
	{"OpenMIME", "yyyyyy", func(o *office) error { // of an item that Item gave
		_, err := io.ReadAll(o.m.OpenMIME(o.ctx, &store.Item{MIME: o.content}))
		return err
	}},
	{"Resolve", "yyyyyy", func(o *office) error {
		return o.m.Resolve(o.ctx, mapi.Bag{mapi.PidTagBody: o.content}, 100)
	}},

	{"AddSubscription", "nyyyyy", func(o *office) error {
		sid := cmpOr(o.m.Viewer(), Owner)
		s := store.Subscription{SID: sid, Kind: store.Pull, Life: time.Hour, Folders: []store.FolderID{o.work}}
		err := o.m.AddSubscription(o.ctx, &s)
		if err == nil {
			_, err = o.m.Subscription(o.ctx, s.ID)
		}
		if err == nil {
			err = o.m.KeepSubscription(o.ctx, &s, 0)
		}
		if err == nil {
			err = o.m.RemoveSubscription(o.ctx, s.ID)
		}
		return err
	}},
	{"AddSubscription of another", "nnnnny", func(o *office) error {
		return o.m.AddSubscription(o.ctx, &store.Subscription{SID: Owner, Kind: store.Pull, Life: time.Hour})
	}},
	{"Subscription", "nnnnny", func(o *office) error { _, err := o.m.Subscription(o.ctx, o.subscription); return err }},
	{"KeepSubscription", "nnnnny", func(o *office) error {
		return o.m.KeepSubscription(o.ctx, &store.Subscription{ID: o.subscription, SID: Owner}, 0)
	}},
	{"RemoveSubscription", "nnnnny", func(o *office) error { return o.m.RemoveSubscription(o.ctx, o.subscription) }},
}

type transfer func(m *store.Mailbox, ctx context.Context, id store.ItemID, into *store.Mailbox, to store.FolderID) (store.Stamp, error)

// out takes an item from here to a mailbox of somebody else, where the caller may do everything.
func (o *office) out(id store.ItemID, move transfer) error {
	away := mailbox(o.t, o.s)
	stamp, err := move(o.m, o.ctx, id, away, role(o.t, away, store.RoleInbox))
	if err == nil {
		_, err = away.Item(o.ctx, stamp.ID, store.Want{})
	}
	return err
}

// in brings an item from there.
func (o *office) in(move transfer) error {
	away := mailbox(o.t, o.s)
	_, err := move(away, o.ctx, create(o.t, away, mail(role(o.t, away, store.RoleInbox), "away")).ID, o.m, o.work)
	return err
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (o *office) update(id store.ItemID) error {
	_, err := o.m.UpdateItem(o.ctx, id, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: "changed"}})
	return err
}

func (o *office) move(id store.ItemID) error {
	_, err := o.m.MoveItem(o.ctx, id, o.sub)
	return err
}

// Every exported method of a mailbox does for each of the people what accessTable
// says, and a method that is not in it fails the test.
func TestAccess(t *testing.T) {
	listed := map[string]bool{}
	for _, r := range accessTable {
		name, _, _ := strings.Cut(r.method, " ")
		listed[name] = true
	}
	for method := range reflect.TypeFor[*store.Mailbox]().Methods() {
		if !listed[method.Name] {
			t.Errorf("Mailbox.%s is not in accessTable: say what it does for whom", method.Name)
		}
	}
	s, _ := Open(t, sqldbtest.Memory(t))
	for _, r := range accessTable {
		want := strings.ReplaceAll(r.want, " ", "")
		if len(want) != len(people) {
			t.Fatalf("%s: %q has %d letters", r.method, want, len(want))
		}
		for i, p := range people {
			o := newOffice(t, s, p.rights, p.name == "owner")
			got := "y"
			err := r.do(o)
			switch {
			case errors.Is(err, store.ErrDenied):
				got = "d"
			case errors.Is(err, store.ErrNotFound):
				got = "n"
			case err != nil:
				got = err.Error()
			}
			if got != want[i:i+1] {
				t.Errorf("%s, %s: %s, want %s (%v)", r.method, p.name, got, want[i:i+1], err)
			}
		}
	}
}

// Who may only put things in sees those and nothing else; a delegate who may sees
// private items; what goes out of sight is gone for who synchronises.
func TestOwnAndPrivate(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		ctx := t.Context()
		contributor := store.RightFolderVisible | store.RightCreate
		o := newOffice(t, s, contributor, false)
		page, err := o.m.List(ctx, store.Query{Folder: o.work})
		ok(t, err)
		if page.Total != 1 || len(page.Items) != 1 || page.Items[0].ID != o.mine {
			t.Errorf("a contributor sees %d items, %v", page.Total, ids(page.Items))
		}
		_, err = o.m.Item(ctx, o.theirs, store.Want{})
		want(t, err, store.ErrNotFound)
		want(t, o.update(o.mine), store.ErrDenied)

		o = newOffice(t, s, author, false)
		first, err := o.m.SyncItems(ctx, o.work, store.SyncState{}, 10, false)
		ok(t, err)
		_, err = o.whole.UpdateItem(ctx, o.theirs, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSensitivity: int32(2)}})
		ok(t, err)
		next, err := o.m.SyncItems(ctx, o.work, first.State, 10, false)
		ok(t, err)
		if len(first.Changes) != 2 || len(next.Changes) != 1 || next.Changes[0].Kind != store.Removed || next.Changes[0].ID != o.theirs {
			t.Errorf("first %+v, then %+v", first.Changes, next.Changes)
		}
		ok(t, o.whole.UpdateDelegates(ctx, func(d *store.Delegates) error {
			d.Delivery = store.DelegatesOnly
			d.List = append(d.List, store.Delegate{SID: strings.ToLower(other), ViewPrivate: true})
			return nil
		}))
		n, err := o.m.Count(ctx, store.Query{Folder: o.work})
		ok(t, err)
		_, err = o.m.Item(ctx, o.private, store.Want{})
		ok(t, err)
		want(t, o.update(o.private), store.ErrDenied)
		d, err := o.whole.Delegates(ctx)
		ok(t, err)
		if n != 3 || d.Delivery != store.DelegatesOnly || !slices.Equal(d.List, []store.Delegate{{SID: other, ViewPrivate: true}}) {
			t.Errorf("%d items, delegates %+v", n, d)
		}
		want(t, o.whole.UpdateDelegates(ctx, func(d *store.Delegates) error { d.List = append(d.List, d.List...); return nil }), store.ErrExists)
		// Rights come with the change of the delegates, or not at all.
		grant := func(f store.FolderID, rights store.Rights, kind error) {
			t.Helper()
			err := o.whole.UpdateDelegates(ctx, func(d *store.Delegates) error {
				d.Grants = []store.Grant{{SID: strings.ToLower(other), Folder: f, Rights: rights}}
				if kind != nil {
					d.List = nil
				}
				return nil
			})
			if !errors.Is(err, kind) {
				t.Errorf("grant %#x in %v: %v", rights, f, err)
			}
			if d, err := o.whole.Delegates(ctx); err != nil || len(d.List) != 1 {
				t.Errorf("delegates %+v, %v", d, err)
			}
		}
		inbox := role(t, o.whole, store.RoleInbox)
		before, err := o.whole.LastChange(ctx)
		ok(t, err)
		grant(inbox, author, nil)
		rights, _, err := o.m.Effective(ctx, inbox)
		ok(t, err)
		if after, err := o.whole.LastChange(ctx); err != nil || rights != author || after <= before {
			t.Errorf("the viewer has %#x, change %v after %v, %v", rights, after, before, err)
		}
		grant(inbox, 1<<20, store.ErrInvalid)
		grant(store.FolderID{Mailbox: inbox.Mailbox, Folder: 1 << 30}, author, store.ErrNotFound)
		grant(inbox, 0, nil)
		_, err = o.m.Folder(ctx, inbox)
		want(t, err, store.ErrNotFound)

		// Who may see nothing any more is out at once.
		ok(t, o.whole.SetPermissions(ctx, o.work, nil))
		_, err = o.m.Item(ctx, o.mine, store.Want{})
		want(t, err, store.ErrNotFound)
		// The calendar tells everybody when its owner is free, and that opens nothing.
		calendar := role(t, o.whole, store.RoleCalendar)
		if rights, err := o.whole.Rights(ctx, calendar, other); err != nil || rights != store.RightFreeBusySimple {
			t.Errorf("calendar %#x, %v", rights, err)
		}
		_, err = o.m.Folder(ctx, calendar)
		want(t, err, store.ErrNotFound)
		// A row of one's own counts, and not that of everybody.
		ok(t, o.whole.SetPermissions(ctx, o.work, []store.Permission{{Member: store.MemberDefault, Rights: editor}, {Member: other, Rights: 0}}))
		_, err = o.m.Folder(ctx, o.work)
		want(t, err, store.ErrNotFound)
		checkCounters(t, db)
	})
}

// What an item is made of comes along to another mailbox: content, recipients,
// attachments, and properties under the names that they have there.
func TestTransfer(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		ctx := t.Context()
		from, into := mailbox(t, s), mailbox(t, s)
		name := []mapi.Name{{Set: mapi.PSPublicStrings, Text: "Colour"}}
		_, err := into.NamedIDs(ctx, []mapi.Name{{Set: mapi.PSPublicStrings, Text: "Taken"}}, true)
		ok(t, err)
		here, err := from.NamedIDs(ctx, name, true)
		ok(t, err)
		long := strings.Repeat("long ", 200_000)
		mime, err := from.WriteBlob(ctx, strings.NewReader(long))
		ok(t, err)
		n := mail(role(t, from, store.RoleInbox), "moved")
		n.MIME, n.Read = mime, true
		n.Props[mapi.NewTag(here[0], mapi.Unicode)] = "blue"
		n.Props[mapi.PidTagBody] = long
		n.Attachments = []store.Attachment{{Filename: "a.txt", Content: mime}}
		id := create(t, from, n).ID
		stamp, err := from.MoveItemTo(ctx, id, into, role(t, into, store.RoleDrafts))
		ok(t, err)
		_, err = from.Item(ctx, id, store.Want{})
		want(t, err, store.ErrNotFound)
		it, err := into.Item(ctx, stamp.ID, store.Want{All: true, Recipients: true, Attachments: true})
		ok(t, err)
		ok(t, into.Resolve(ctx, it.Props, 1<<30))
		there, err := into.NamedIDs(ctx, name, false)
		ok(t, err)
		content, err := io.ReadAll(into.OpenBlob(ctx, it.Attachments[0].Content))
		ok(t, err)
		if there[0] == here[0] || it.Props.String(mapi.NewTag(there[0], mapi.Unicode)) != "blue" || it.Props.String(mapi.PidTagBody) != long ||
			it.MIME != mime || !it.Read || string(content) != long || len(it.Recipients) != len(n.Recipients) {
			t.Errorf("named %d and %d, %d recipients, read %v", here, there, len(it.Recipients), it.Read)
		}
		checkCounters(t, db)
	})
}

// A move to another mailbox takes along what somebody is told is changed meanwhile: the item is there as it was
// last, and once.
func TestTransferOfWhatChanges(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		ctx := t.Context()
		from, into := mailbox(t, s), mailbox(t, s)
		for range 10 {
			id := create(t, from, mail(role(t, from, store.RoleInbox), "0")).ID
			begun, last := make(chan struct{}), make(chan string)
			go func() {
				subject := "0"
				for n := 1; ; n++ {
					next := fmt.Sprint(n)
					_, err := from.UpdateItem(ctx, id, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: next}})
					if err != nil {
						if !errors.Is(err, store.ErrNotFound) {
							t.Error(err)
						}
						last <- subject
						return
					}
					if subject = next; n == 1 {
						close(begun)
					}
				}
			}()
			<-begun
			stamp, err := from.MoveItemTo(ctx, id, into, role(t, into, store.RoleDrafts))
			for errors.Is(err, store.ErrConflict) {
				stamp, err = from.MoveItemTo(ctx, id, into, role(t, into, store.RoleDrafts))
			}
			ok(t, err)
			want := <-last
			it, err := into.Item(ctx, stamp.ID, store.Want{All: true})
			ok(t, err)
			if got := it.Props.String(mapi.PidTagSubject); got != want {
				t.Errorf("it says %s, and was told that it says %s", got, want)
			}
		}
		page, err := into.List(ctx, store.Query{Folder: role(t, into, store.RoleDrafts)})
		ok(t, err)
		if page.Total != 10 {
			t.Errorf("%d items of 10 are there", page.Total)
		}
		checkCounters(t, db)
	})
}

// TestForeignNames holds that who may write in a folder of a mailbox leaves its owner
// half of the ids for names of properties.
func TestForeignNames(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		const guest = "S-1-5-21-9"
		ok(t, m.SetPermissions(t.Context(), role(t, m, store.RoleInbox), []store.Permission{{Member: guest, Rights: store.RightCreate | store.RightFolderVisible}}))
		theirs, err := m.As(t.Context(), guest)
		ok(t, err)
		name := func(text string) []mapi.Name { return []mapi.Name{{Set: mapi.PSPublicStrings, Text: text}} }
		first, err := theirs.NamedIDs(t.Context(), name("first"), true)
		if err != nil || first[0] < mapi.FirstMailboxName {
			t.Fatalf("%x, %v", first, err)
		}
		exec(t, db, fmt.Sprintf("UPDATE named_prop SET propid = %d", (int(mapi.FirstMailboxName)+0xFFFE)/2-1))
		s, _ = Open(t, db) // which has no name in memory
		m, err = s.FindMailbox(t.Context(), m.GUID())
		ok(t, err)
		theirs, err = m.As(t.Context(), guest)
		ok(t, err)
		_, err = theirs.NamedIDs(t.Context(), append(name("second"), name("third")...), true)
		want(t, err, store.ErrQuota)
		_, err = theirs.NamedIDs(t.Context(), name("second"), true)
		ok(t, err)
		_, err = theirs.NamedIDs(t.Context(), name("third"), true)
		want(t, err, store.ErrQuota)
		_, err = theirs.NamedIDs(t.Context(), append(name("first"), name("second")...), true)
		ok(t, err)
		for _, text := range []string{"third", "fourth"} {
			_, err = m.NamedIDs(t.Context(), name(text), true)
			ok(t, err)
		}
		_, err = theirs.NamedIDs(t.Context(), name("third"), true) // by now it is there
		ok(t, err)
	})
}
