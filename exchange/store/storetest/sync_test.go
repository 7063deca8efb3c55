package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// replica is what a client that follows a folder believes to be in it.
type replica struct {
	folder     store.FolderID
	associated bool
	state      store.SyncState
	items      map[store.ItemID]seen
}

type seen struct {
	changeKey string
	read      bool
}

// pull takes one page, or with all everything.
func (r *replica) pull(t testing.TB, m *store.Mailbox, limit int, all bool) {
	t.Helper()
	for {
		page, err := m.SyncItems(t.Context(), r.folder, r.state, limit, r.associated)
		ok(t, err)
		if len(page.Changes) > limit {
			t.Fatalf("%d changes, limit %d", len(page.Changes), limit)
		}
		for _, c := range page.Changes {
			have, known := r.items[c.ID]
			switch c.Kind {
			case store.Removed:
				delete(r.items, c.ID)
				continue
			case store.Created:
				if known {
					t.Errorf("%v was created twice", c.ID)
				}
			case store.Updated:
				if !known {
					t.Errorf("%v changed before it was created", c.ID)
				}
			case store.ReadFlag:
				if !known || have.changeKey != string(c.Item.ChangeKey) {
					t.Errorf("read flag of %v: had %+v, now %v %x", c.ID, have, c.Read, c.Item.ChangeKey)
				}
			}
			r.items[c.ID] = seen{string(c.Item.ChangeKey), c.Read}
		}
		key := []byte("k")
		if r.state, err = store.ParseSyncState(key, page.State.Encode(key)); err != nil || r.state != page.State {
			t.Fatalf("state %+v came back as %+v, %v", page.State, r.state, err)
		}
		if !all || !page.More {
			return
		}
	}
}

func TestSyncReplays(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 1))
		folders := []store.FolderID{role(t, m, store.RoleInbox), role(t, m, store.RoleArchive), role(t, m, store.RoleDeletedItems), role(t, m, store.RoleRecoverableDeletions)}
		var items []store.Stamp
		var clients []*replica
		steps := 400
		for range steps {
			i := 0
			if len(items) > 0 {
				i = random.IntN(len(items))
			}
			replace := func(stamp store.Stamp, err error) {
				ok(t, err)
				items[i] = stamp
				if stamp.ID == (store.ItemID{}) {
					items = append(items[:i], items[i+1:]...)
				}
			}
			switch op := random.IntN(12); {
			case op < 3 || len(items) == 0:
				n := mail(folders[random.IntN(2)], fmt.Sprint(random.IntN(1000)))
				n.Associated, n.Read = random.IntN(8) == 0, random.IntN(3) == 0
				items = append(items, create(t, m, n))
			case op < 5:
				_, err := m.SetRead(ctx, items[i].ID, random.IntN(2) == 0)
				ok(t, err)
			case op == 5:
				replace(m.UpdateItem(ctx, items[i].ID, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: fmt.Sprint(random.Int())}, Read: new(random.IntN(2) == 0)}))
			case op == 6:
				replace(m.MoveItem(ctx, items[i].ID, folders[random.IntN(len(folders))]))
			case op == 7:
				stamp, err := m.CopyItem(ctx, items[i].ID, folders[random.IntN(2)])
				ok(t, err)
				items = append(items, stamp)
			case op == 8:
				replace(m.DeleteItem(ctx, items[i].ID, store.Deletion(random.IntN(3))))
			case op == 9 && len(clients) < 12:
				clients = append(clients, &replica{folder: folders[random.IntN(len(folders))], associated: random.IntN(2) == 0, items: map[store.ItemID]seen{}})
			default:
				if len(clients) > 0 {
					clients[random.IntN(len(clients))].pull(t, m, 1+random.IntN(6), random.IntN(3) == 0)
				}
			}
		}
		for _, c := range clients {
			c.pull(t, m, 1+random.IntN(9), true)
			c.pull(t, m, 10, true) // what happened during the run that has just ended
			truth := map[store.ItemID]seen{}
			for _, view := range []store.View{store.NormalView, store.AssociatedView} {
				if view == store.AssociatedView && !c.associated {
					continue
				}
				page, err := m.List(ctx, store.Query{Folder: c.folder, View: view})
				ok(t, err)
				for _, it := range page.Items {
					truth[it.ID] = seen{string(it.ChangeKey), it.Read}
				}
			}
			if len(truth) != len(c.items) {
				t.Errorf("%v: %d items, the client has %d", c.folder, len(truth), len(c.items))
			}
			for id, want := range truth {
				if c.items[id] != want {
					t.Errorf("%v: client has %+v, want %+v", id, c.items[id], want)
				}
			}
		}
		checkCounters(t, db)
	})
}

func TestSyncStates(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox, archive := role(t, m, store.RoleInbox), role(t, m, store.RoleArchive)
		var stamps []store.Stamp
		for i := range 5 {
			stamps = append(stamps, create(t, m, mail(inbox, fmt.Sprint(i))))
		}
		first, err := m.SyncItems(ctx, inbox, store.SyncState{}, 3, false)
		ok(t, err)
		if !first.More || len(first.Changes) != 3 || first.Changes[0].ID != stamps[4].ID {
			t.Errorf("the newest must come first: %+v", first)
		}
		rest, err := m.SyncItems(ctx, inbox, first.State, 3, false)
		if err != nil || rest.More || len(rest.Changes) != 2 {
			t.Errorf("%+v, %v", rest, err)
		}
		quiet, err := m.SyncItems(ctx, inbox, rest.State, 512, false)
		if err != nil || quiet.More || len(quiet.Changes) != 0 {
			t.Errorf("%+v, %v", quiet, err)
		}
		_, err = m.SyncItems(ctx, archive, rest.State, 10, false)
		want(t, err, store.ErrInvalid)
		_, err = m.SyncFolders(ctx, inbox, rest.State)
		want(t, err, store.ErrInvalid)
		lost := rest.State
		lost.Epoch++
		_, err = m.SyncItems(ctx, inbox, lost, 10, false)
		want(t, err, store.ErrStateTooOld)

		tree, err := m.SyncFolders(ctx, role(t, m, store.RoleRoot), store.SyncState{})
		ok(t, err)
		_, err = m.MoveItem(ctx, stamps[0].ID, archive)
		ok(t, err)
		archived, err := m.SyncItems(ctx, archive, store.SyncState{}, 10, false)
		ok(t, err)
		clock.Advance(61 * 24 * time.Hour)
		create(t, m, mail(archive, "later"))
		if swept, err := s.Sweep(ctx); err != nil || swept.Tombstones != 1 {
			t.Errorf("swept %+v, %v", swept, err)
		}
		_, err = m.SyncItems(ctx, inbox, quiet.State, 10, false)
		want(t, err, store.ErrStateTooOld)
		_, err = m.SyncFolders(ctx, role(t, m, store.RoleRoot), tree.State)
		want(t, err, store.ErrStateTooOld)
		if page, err := m.SyncItems(ctx, archive, archived.State, 10, false); err != nil || len(page.Changes) != 1 {
			t.Errorf("nothing of this folder was forgotten: %+v, %v", page, err)
		}
	})
}

func TestSyncFolders(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		random := rand.New(rand.NewPCG(rand.Uint64(), 2))
		top, root := role(t, m, store.RoleMsgFolderRoot), role(t, m, store.RoleRoot)
		places := []store.FolderID{top, root, role(t, m, store.RoleArchive), role(t, m, store.RoleSearchFolders)}
		var made []store.FolderID
		type client struct {
			root  store.FolderID
			state store.SyncState
			have  map[store.FolderID]string
		}
		clients := []*client{{root: root}, {root: top}, {root: places[2]}}
		show := func(f *store.Folder) string { return fmt.Sprint(f.Parent, f.Name, f.Class) }
		for step := range 120 {
			f, err := m.CreateFolder(ctx, store.NewFolder{Parent: places[random.IntN(len(places))], Name: fmt.Sprint("folder ", step)})
			ok(t, err)
			made, places = append(made, f.ID), append(places, f.ID)
			switch one := made[random.IntN(len(made))]; random.IntN(4) {
			case 0:
				_, err = m.UpdateFolder(ctx, one, store.FolderUpdate{Name: new(fmt.Sprint("renamed ", step))})
				ok(t, err)
			case 1, 2:
				if _, err = m.MoveFolder(ctx, one, places[random.IntN(len(places))]); err != nil {
					want(t, err, store.ErrInvalid) // below itself
				}
			case 3:
				ok(t, m.DeleteFolder(ctx, one, store.HardDelete))
				all, err := m.Folders(ctx, root, true)
				ok(t, err)
				alive := map[store.FolderID]bool{root: true}
				for _, f := range all {
					alive[f.ID] = true
				}
				keep := func(list []store.FolderID) (out []store.FolderID) {
					for _, id := range list {
						if alive[id] {
							out = append(out, id)
						}
					}
					return out
				}
				made, places = keep(made), keep(places)
				if len(made) == 0 {
					made = append(made, f.ID)
					made = keep(made)
				}
				if len(made) == 0 {
					f, err := m.CreateFolder(ctx, store.NewFolder{Parent: top, Name: fmt.Sprint("spare ", step)})
					ok(t, err)
					made, places = append(made, f.ID), append(places, f.ID)
				}
			}
			c := clients[random.IntN(len(clients))]
			if random.IntN(3) > 0 {
				continue
			}
			changes, err := m.SyncFolders(ctx, c.root, c.state)
			ok(t, err)
			if c.have == nil {
				c.have = map[store.FolderID]string{}
			}
			for _, change := range changes.Changes {
				_, known := c.have[change.ID]
				if known == (change.Kind == store.Created) {
					t.Errorf("change %d of %v, known %v", change.Kind, change.ID, known)
				}
				if change.Kind == store.Removed {
					delete(c.have, change.ID)
					continue
				}
				c.have[change.ID] = show(change.Folder)
				if _, there := c.have[change.Folder.Parent]; !there && change.Folder.Parent != c.root {
					t.Errorf("%v came before its parent", change.ID)
				}
			}
			c.state = changes.State
			truth, err := m.Folders(ctx, c.root, true)
			ok(t, err)
			if len(truth) != len(c.have) {
				t.Fatalf("%d folders, the client has %d", len(truth), len(c.have))
			}
			for _, f := range truth {
				if c.have[f.ID] != show(f) {
					t.Errorf("client has %q, want %q", c.have[f.ID], show(f))
				}
			}
		}
		checkCounters(t, db)
	})
}
