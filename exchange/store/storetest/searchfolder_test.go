package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

func subjectHas(word string) mapi.Restriction {
	return mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: word}
}

var unread = mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRead, Value: false}

func newSearch(t testing.TB, m *store.Mailbox, name string, s store.Search) *store.Folder {
	t.Helper()
	f, err := m.CreateFolder(t.Context(), store.NewFolder{Parent: role(t, m, store.RoleSearchFolders), Name: name, Search: &s})
	ok(t, err)
	return f
}

// TestSearchFolders does at random what people do, and holds after each step that
// every search folder has exactly what it looks for, counts it, and that who
// synchronises it has the same.
func TestSearchFolders(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 7))
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
		top, inbox, archive := role(t, m, store.RoleMsgFolderRoot), role(t, m, store.RoleInbox), role(t, m, store.RoleArchive)
		type searching struct {
			id    store.FolderID
			s     store.Search
			state store.SyncState
			has   map[store.ItemID]bool // by synchronisation
		}
		var searches []*searching
		add := func(name string, s store.Search) {
			searches = append(searches, &searching{id: newSearch(t, m, name, s).ID, s: s, has: map[store.ItemID]bool{}})
		}
		subjects := []string{"Budget", "budget again", "lunch", ""}
		subject := func() string { return subjects[random.IntN(len(subjects))] }
		for range 5 { // there before any search
			create(t, m, mail(inbox, subject()))
		}
		add("shallow", store.Search{Bases: []store.FolderID{inbox}, Where: subjectHas("budget")})
		add("deep", store.Search{Bases: []store.FolderID{archive, inbox}, Deep: true, Where: mapi.And{subjectHas("budget"), unread}})
		add("all unread", store.Search{Bases: []store.FolderID{top}, Deep: true, Where: unread})
		add("to somebody", store.Search{Bases: []store.FolderID{top}, Deep: true, Where: mapi.Sub{Object: mapi.Recipients,
			Part: mapi.Content{Tag: mapi.PidTagDisplayName, Fuzzy: mapi.Prefix, Value: "Ann"}}})
		folders := []store.FolderID{inbox, archive}

		// all returns the items of all folders that a restriction gives.
		all := func(where mapi.Restriction) map[store.ItemID]store.FolderID {
			list, err := m.Folders(ctx, role(t, m, store.RoleRoot), true)
			ok(t, err)
			found := map[store.ItemID]store.FolderID{}
			for _, f := range list {
				if f.Kind == store.SearchFolder {
					continue
				}
				page, err := m.List(ctx, store.Query{Folder: f.ID, Where: where})
				ok(t, err)
				for _, it := range page.Items {
					found[it.ID] = f.ID
				}
			}
			return found
		}
		below := func(base, id store.FolderID) bool {
			if base == id {
				return true
			}
			list, err := m.Folders(ctx, base, true)
			ok(t, err)
			return slices.ContainsFunc(list, func(f *store.Folder) bool { return f.ID == id })
		}
		some := func() (store.ItemID, bool) {
			for id := range all(nil) {
				return id, true
			}
			return store.ItemID{}, false
		}
		hold := func(step string) {
			t.Helper()
			for _, s := range searches {
				want := map[store.ItemID]bool{}
				for id, folder := range all(s.s.Where) {
					for _, base := range s.s.Bases {
						if base == folder || s.s.Deep && below(base, folder) {
							want[id] = true
						}
					}
				}
				f, err := m.Folder(ctx, s.id)
				ok(t, err)
				page, err := m.List(ctx, store.Query{Folder: s.id})
				ok(t, err)
				got, unread := map[store.ItemID]bool{}, 0
				for _, it := range page.Items {
					got[it.ID] = true
					if !it.Read {
						unread++
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) || len(page.Items) != len(want) || f.Total != len(want) || page.Total != len(want) || f.Unread != unread {
					t.Fatalf("%s: search folder %v has %v, want %v; it says %d, %d unread", step, s.s, got, want, f.Total, f.Unread)
				}
				for more := true; more; {
					changes, err := m.SyncItems(ctx, s.id, s.state, 2, false)
					ok(t, err)
					for _, c := range changes.Changes {
						if c.Kind == store.Removed {
							delete(s.has, c.ID)
						} else {
							s.has[c.ID] = true
						}
					}
					s.state, more = changes.State, changes.More
				}
				if fmt.Sprint(s.has) != fmt.Sprint(want) {
					t.Fatalf("%s: who synchronises %v has %v, want %v", step, s.s, s.has, want)
				}
			}
		}
		hold("made")
		for i := range 60 {
			id, there := some()
			step := ""
			switch n := random.IntN(11); {
			case n < 3 || !there:
				item := mail(folders[random.IntN(len(folders))], subject())
				item.Read = random.IntN(2) == 0
				item.Associated = random.IntN(8) == 0
				item.Recipients = []store.Recipient{{Type: mapi.RecipientTo, Name: []string{"Ann", "Bob"}[random.IntN(2)]}}
				step = "create " + create(t, m, item).ID.String()
			case n == 3:
				step = "update " + id.String()
				_, err := m.UpdateItem(ctx, id, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: subject()}})
				ok(t, err)
			case n == 4:
				step = "read " + id.String()
				_, err := m.SetRead(ctx, id, random.IntN(2) == 0)
				ok(t, err)
			case n == 5:
				step = "move " + id.String()
				_, err := m.MoveItem(ctx, id, folders[random.IntN(len(folders))])
				ok(t, err)
			case n == 6:
				step = "delete " + id.String()
				_, err := m.DeleteItem(ctx, id, store.Deletion(random.IntN(3)))
				ok(t, err)
			case n == 7:
				step = "mark all"
				ok(t, m.MarkAllRead(ctx, searches[random.IntN(len(searches))].id, random.IntN(2) == 0, false))
			case n == 8:
				f, err := m.CreateFolder(ctx, store.NewFolder{Parent: folders[random.IntN(len(folders))], Name: fmt.Sprint("folder ", i)})
				ok(t, err)
				step = "folder " + f.ID.String()
				folders = append(folders, f.ID)
			case n == 9 && len(folders) > 2:
				f, to := folders[2+random.IntN(len(folders)-2)], folders[random.IntN(2)]
				step = "move " + f.String()
				_, err := m.MoveFolder(ctx, f, to)
				ok(t, err)
			case n == 10 && len(folders) > 2:
				f := folders[2+random.IntN(len(folders)-2)]
				step = "delete " + f.String()
				ok(t, m.DeleteFolder(ctx, f, store.Deletion(random.IntN(3))))
				folders = slices.DeleteFunc(folders, func(id store.FolderID) bool {
					if id == inbox || id == archive {
						return false
					}
					_, err := m.Folder(ctx, id)
					return err != nil || below(role(t, m, store.RoleDeletedItems), id)
				})
			}
			hold(fmt.Sprint(i, ": ", step))
			if random.IntN(3) == 0 {
				indexAll(t, s)
			}
		}
		searches[0].s = store.Search{Bases: []store.FolderID{archive}, Deep: true, Where: mapi.Not{Part: subjectHas("budget")}}
		_, err := m.UpdateFolder(ctx, searches[0].id, store.FolderUpdate{Search: &searches[0].s})
		ok(t, err)
		hold("another search")
		ok(t, m.DeleteFolder(ctx, searches[1].id, store.ToDeletedItems))
		if _, err := m.Folder(ctx, searches[1].id); err == nil {
			t.Error("a deleted search folder is still there")
		}
		searches = slices.Delete(searches, 1, 2)
		hold("one search less")
		checkMailboxes(t, db)
	})
}

// TestSearchFolder holds what a search folder says of itself, its pages, and its limits.
func TestSearchFolder(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox, archive := role(t, m, store.RoleInbox), role(t, m, store.RoleArchive)
		for i := 1; i < store.MaxSearchFolders; i++ {
			newSearch(t, m, fmt.Sprint(i), store.Search{Bases: []store.FolderID{role(t, m, store.RoleDrafts)}, Where: unread})
		}
		// More than somebody waits for: the rest is looked at by the keeper of the index.
		items := make([]store.NewItem, 1400)
		for i := range items {
			items[i] = mail([]store.FolderID{inbox, archive}[i%2], fmt.Sprintf("Budget %04d", i))
		}
		_, err := m.CreateItems(ctx, items)
		ok(t, err)
		wanted := store.Search{Bases: []store.FolderID{inbox, archive}, Where: mapi.And{subjectHas("budget"), unread}}
		f := newSearch(t, m, "Budget", wanted)
		if f.Kind != store.SearchFolder || f.Total < 500 || f.Total >= len(items) || f.Unread != f.Total {
			t.Errorf("a new search folder has %d of %d items, %d unread", f.Total, len(items), f.Unread)
		}
		indexAll(t, s)
		f, err = m.Folder(ctx, f.ID)
		ok(t, err)
		if f.Total != len(items) {
			t.Errorf("it has %d of %d items", f.Total, len(items))
		}
		got, err := m.SearchOf(ctx, f.ID)
		ok(t, err)
		if fmt.Sprint(*got) != fmt.Sprint(wanted) {
			t.Errorf("it looks for %v, want %v", *got, wanted)
		}
		_, err = m.SearchOf(ctx, inbox)
		want(t, err, store.ErrInvalid)
		for _, sort := range [][]store.SortKey{nil, {{Tag: mapi.PidTagSubject}}, {{Tag: mapi.PidTagMessageDeliveryTime}, {Tag: mapi.PidTagSubject, Desc: true}}} {
			seen := map[store.ItemID]bool{}
			for offset := 0; ; {
				page, err := m.List(ctx, store.Query{Folder: f.ID, Sort: sort, Offset: offset, Limit: 400, Want: store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}}})
				ok(t, err)
				for _, it := range page.Items {
					if seen[it.ID] || it.Folder != inbox && it.Folder != archive {
						t.Errorf("%v: %v in %v comes twice or lies elsewhere", sort, it.ID, it.Folder)
					}
					seen[it.ID] = true
				}
				if offset = page.Next; page.Last {
					break
				}
			}
			if len(seen) != len(items) {
				t.Errorf("%v: pages have %d items, want %d", sort, len(seen), len(items))
			}
		}
		page, err := m.List(ctx, store.Query{Folder: f.ID, Where: subjectHas("budget 0007")})
		ok(t, err)
		if page.Total != 1 {
			t.Errorf("a search in the search folder finds %d, want 1", page.Total)
		}

		// What it cannot be.
		_, err = m.CreateItem(ctx, mail(f.ID, "x"))
		want(t, err, store.ErrInvalid)
		_, err = m.MoveItem(ctx, page.Items[0].ID, f.ID)
		want(t, err, store.ErrInvalid)
		_, err = m.CreateFolder(ctx, store.NewFolder{Parent: f.ID, Name: "below"})
		want(t, err, store.ErrInvalid)
		_, err = m.CopyFolder(ctx, f.ID, inbox)
		want(t, err, store.ErrInvalid)
		want(t, m.EmptyFolder(ctx, f.ID, store.HardDelete, true), store.ErrInvalid)
		parent := role(t, m, store.RoleSearchFolders)
		for name, c := range map[string]struct {
			search store.Search
			kind   error
		}{
			"no base":          {store.Search{Where: unread}, store.ErrInvalid},
			"many bases":       {store.Search{Bases: make([]store.FolderID, store.MaxSearchBases+1), Where: unread}, store.ErrInvalid},
			"no such base":     {store.Search{Bases: []store.FolderID{{Mailbox: m.GUID(), Folder: 99999}}, Where: unread}, store.ErrNotFound},
			"another's folder": {store.Search{Bases: []store.FolderID{role(t, mailbox(t, s), store.RoleInbox)}, Where: unread}, store.ErrNotFound},
			"in a search":      {store.Search{Bases: []store.FolderID{f.ID}, Where: unread}, store.ErrInvalid},
			"no condition":     {store.Search{Bases: []store.FolderID{inbox}}, store.ErrTooComplex},
			"a wrong value":    {store.Search{Bases: []store.FolderID{inbox}, Where: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRead, Value: "x"}}, store.ErrInvalid},
		} {
			_, err := m.CreateFolder(ctx, store.NewFolder{Parent: parent, Name: name, Search: &c.search})
			if want(t, err, c.kind); t.Failed() {
				t.Fatal(name)
			}
		}
		_, err = m.UpdateFolder(ctx, inbox, store.FolderUpdate{Search: &wanted})
		want(t, err, store.ErrInvalid)
		_, err = m.CreateFolder(ctx, store.NewFolder{Parent: parent, Name: "one more", Search: &wanted})
		want(t, err, store.ErrTooMany)

		// Deleting all of a folder's items in batches takes them out.
		ok(t, m.EmptyFolder(ctx, inbox, store.HardDelete, false))
		f, err = m.Folder(ctx, f.ID)
		ok(t, err)
		if f.Total != len(items)/2 || f.Unread != f.Total {
			t.Errorf("it has %d items, %d unread, want %d", f.Total, f.Unread, len(items)/2)
		}
		indexAll(t, s)
		checkMailboxes(t, db)
	})
}

// TestSearchesMeet holds that searches which must look at the whole mailbox do so
// together, and that an item which nobody can read stops none of them.
func TestSearchesMeet(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		items := make([]store.NewItem, 1400)
		for i := range items {
			items[i] = mail(inbox, fmt.Sprintf("Budget %04d", i))
		}
		stamps, err := m.CreateItems(t.Context(), items)
		ok(t, err)
		indexAll(t, s)
		for _, i := range []int{3, 700, 1398} {
			exec(t, db, fmt.Sprintf("UPDATE item SET props = change_key WHERE id = %d", stamps[i].ID.Row))
		}
		inBag := mapi.Not{Part: mapi.Exist{Tag: mapi.PidNameKeywords}}
		var made []*store.Folder
		for _, name := range []string{"one", "two", "three"} {
			made = append(made, newSearch(t, m, name, store.Search{Bases: []store.FolderID{inbox}, Where: mapi.And{subjectHas("budget"), inBag}}))
		}
		// Each has looked at the newest thousand, so what is left is one batch for all.
		for _, left := range []int{1, 0} {
			n, err := s.Index(t.Context())
			ok(t, err)
			if n != left {
				t.Errorf("%d batches, want %d", n, left)
			}
		}
		for _, f := range made {
			if f.Total != 998 {
				t.Errorf("%s has %d items at once, want 998", f.Name, f.Total)
			}
			f, err := m.Folder(t.Context(), f.ID)
			ok(t, err)
			if f.Total != 1397 {
				t.Errorf("%s has %d items, want 1397", f.Name, f.Total)
			}
		}
	})
}

// TestSearchFolderEvents holds what who watches a search folder is told.
func TestSearchFolderEvents(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox, archive := role(t, m, store.RoleInbox), role(t, m, store.RoleArchive)
		f := newSearch(t, m, "Unread", store.Search{Bases: []store.FolderID{inbox}, Where: unread}).ID
		var mark mapi.GlobCnt
		since := func(folders ...store.FolderID) string {
			t.Helper()
			page, err := m.Events(ctx, mark, folders, 100)
			ok(t, err)
			var list []string
			for _, e := range page.Events {
				list = append(list, told(e))
			}
			mark = page.Mark
			return fmt.Sprint(list)
		}
		since(f)
		expect := func(format string, args ...any) {
			t.Helper()
			if got, want := since(f), fmt.Sprintf(format, args...); got != want {
				t.Errorf("told %s, want %s", got, want)
			}
		}
		stamp := create(t, m, mail(inbox, "one"))
		expect("[folder modified %[2]d created %[1]d in %[2]d]", stamp.ID.Row, f.Folder)
		expect("[]")
		_, err := m.UpdateItem(ctx, stamp.ID, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: "two"}})
		ok(t, err)
		expect("[folder modified %[2]d modified %[1]d in %[2]d]", stamp.ID.Row, f.Folder)
		_, err = m.SetRead(ctx, stamp.ID, true)
		ok(t, err)
		expect("[folder modified %[2]d deleted %[1]d in %[2]d]", stamp.ID.Row, f.Folder)
		_, err = m.SetRead(ctx, stamp.ID, false)
		ok(t, err)
		expect("[folder modified %[2]d created %[1]d in %[2]d]", stamp.ID.Row, f.Folder)
		_, err = m.MoveItem(ctx, stamp.ID, archive)
		ok(t, err)
		expect("[folder modified %[2]d deleted %[1]d in %[2]d]", stamp.ID.Row, f.Folder)
		create(t, m, mail(archive, "elsewhere"))
		expect("[]")
		// Of the whole mailbox an item is told of where it lies.
		stamp = create(t, m, mail(inbox, "three"))
		page, err := m.Events(ctx, mark, nil, 100)
		ok(t, err)
		n := 0
		for _, e := range page.Events {
			if e.Item == stamp.ID {
				n++
			}
		}
		if n != 1 {
			t.Errorf("the whole mailbox tells %d times of an item, want once: %v", n, page.Events)
		}
	})
}

// TestCheckSearchFolders plants what a search folder must not be, and holds that it
// is found and repaired.
func TestCheckSearchFolders(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, c := range []struct{ name, plant, found string }{
			{"lost", "DELETE FROM search_member WHERE id = ITEM", "folder-total folder-unread search-member"},
			{"in vain", "INSERT INTO search_member (mailbox, folder, delivered, id, found_mid, entered, changed, unread) SELECT mailbox, SEARCH, received, id, mid, cn, cn, 0 FROM item WHERE id = OTHER", "folder-total search-member"},
			{"read", "UPDATE search_member SET unread = 0 WHERE id = ITEM", "folder-unread search-member"},
			{"another mid", "UPDATE search_member SET found_mid = 9 WHERE id = ITEM", "search-member"},
			{"another time", "UPDATE search_member SET delivered = 9 WHERE id = ITEM", "search-member"},
			{"item gone", "UPDATE search_member SET id = 9999 WHERE id = ITEM", "member-item search-member"},
			{"folder gone", "UPDATE search_member SET folder = 9999 WHERE id = ITEM", "folder-total folder-unread member-item search-member"},
			{"count", "UPDATE folder SET total = 7 WHERE fid = SEARCH", "folder-total"},
		} {
			s, _ := Open(t, db)
			m := mailbox(t, s)
			inbox := role(t, m, store.RoleInbox)
			f := newSearch(t, m, "Unread", store.Search{Bases: []store.FolderID{inbox}, Where: unread})
			item := create(t, m, mail(inbox, "one"))
			read := mail(inbox, "two")
			read.Read = true
			other := create(t, m, read)
			indexAll(t, s)
			if list := damages(t, m, false); len(list) > 0 {
				t.Fatalf("%s, before: %+v", c.name, list)
			}
			exec(t, db, strings.NewReplacer("ITEM", fmt.Sprint(item.ID.Row), "OTHER", fmt.Sprint(other.ID.Row), "SEARCH", fmt.Sprint(f.ID.Folder)).Replace(c.plant))
			if found := kinds(damages(t, m, false)); found != c.found {
				t.Errorf("%s: found %q, want %q", c.name, found, c.found)
			}
			damages(t, m, true)
			if list := damages(t, m, false); len(list) > 0 {
				t.Errorf("%s, after the repair: %+v", c.name, list)
			}
			page, err := m.List(t.Context(), store.Query{Folder: f.ID})
			ok(t, err)
			if len(page.Items) != 1 || page.Items[0].ID != item.ID || page.Total != 1 {
				t.Errorf("%s: the search folder has %d items after the repair, says %d", c.name, len(page.Items), page.Total)
			}
			exec(t, db, "DELETE FROM search_member", "DELETE FROM search_folder")
			empty(t, db)
		}
	})
}

// TestSearchLongTexts holds that a search which reads long texts reads some of them in
// one write, and the rest in others.
func TestSearchLongTexts(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		const letters = 30
		for i := range letters {
			n := mail(inbox, fmt.Sprint(i))
			n.Props[mapi.PidTagBody] = strings.Repeat("needle ", 1<<17) // 0.9 MB, kept once
			create(t, m, n)
		}
		found := func(id store.FolderID) int {
			f, err := m.Folder(t.Context(), id)
			ok(t, err)
			return f.Total
		}
		bySubject := newSearch(t, m, "by subject", store.Search{Bases: []store.FolderID{inbox}, Where: mapi.Exist{Tag: mapi.PidTagSubject}})
		if n := found(bySubject.ID); n != letters {
			t.Errorf("%d of %d letters were found by a column", n, letters)
		}
		byText := newSearch(t, m, "by text", store.Search{Bases: []store.FolderID{inbox}, Where: mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.PrefixOnWords, Value: "needle"}})
		if n := found(byText.ID); n == 0 || n >= letters {
			t.Errorf("%d of %d letters were read at once", n, letters)
		}
		indexAll(t, s)
		if n := found(byText.ID); n != letters {
			t.Errorf("%d of %d letters were found in the end", n, letters)
		}
		checkMailboxes(t, db)
	})
}
