package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

func TestConversations(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox, archive := role(t, m, store.RoleInbox), role(t, m, store.RoleArchive)
		add := func(folder store.FolderID, conversation byte, at int) store.Stamp {
			n := mail(folder, "some")
			if conversation > 0 {
				n.Props[mapi.PidTagConversationID] = []byte{15: conversation}
			}
			n.Props[mapi.PidTagMessageDeliveryTime] = time.Unix(int64(at), 0)
			return create(t, m, n)
		}
		for i := range 40 { // 9 conversations; of 0 the items have none
			add(inbox, byte(i%10), i)
		}
		add(archive, 3, 100)
		gone := add(inbox, 3, 101)
		_, err := m.DeleteItem(t.Context(), gone.ID, store.SoftDelete)
		ok(t, err)
		var seen []byte
		for offset := 0; offset < 12; offset += 4 {
			page, total, err := m.Conversations(t.Context(), store.Query{Folder: inbox, Offset: offset, Limit: 4})
			ok(t, err)
			if total != 9 {
				t.Errorf("%d conversations", total)
			}
			for _, id := range page {
				seen = append(seen, id.Conversation[15])
			}
		}
		if string(seen) != "\x09\x08\x07\x06\x05\x04\x03\x02\x01" {
			t.Errorf("order %v", seen)
		}
		items, err := m.ConversationItems(t.Context(), store.ConversationID{Mailbox: m.GUID(), Conversation: [16]byte{15: 3}}, store.Want{})
		ok(t, err)
		if len(items) != 5 || items[0].Folder != archive {
			t.Errorf("%d items, the newest in %v", len(items), items[0].Folder)
		}
		_, total, err := m.Conversations(t.Context(), store.Query{Folder: inbox, Where: mapi.Property{Op: mapi.GE, Tag: mapi.PidTagMessageDeliveryTime, Value: time.Unix(38, 0)}})
		if err != nil || total != -1 {
			t.Errorf("of some: %d, %v", total, err)
		}
		_, err = m.ConversationItems(t.Context(), store.ConversationID{Conversation: [16]byte{1}}, store.Want{})
		want(t, err, store.ErrNotFound)

		// Who sees one folder sees of a conversation what lies there.
		const reader = "S-1-5-21-9"
		ok(t, m.SetPermissions(t.Context(), archive, []store.Permission{{Member: reader, Rights: store.RightReadAny | store.RightFolderVisible}}))
		theirs, err := m.As(t.Context(), reader)
		ok(t, err)
		items, err = theirs.ConversationItems(t.Context(), store.ConversationID{Mailbox: m.GUID(), Conversation: [16]byte{15: 3}}, store.Want{})
		if err != nil || len(items) != 1 || items[0].Folder != archive {
			t.Errorf("a reader of one folder sees %d items, %v", len(items), err)
		}
		if page, total, err := theirs.Conversations(t.Context(), store.Query{Folder: archive}); err != nil || len(page) != 1 || total != -1 {
			t.Errorf("a reader's conversations: %v, %d, %v", page, total, err)
		}
		_, _, err = theirs.Conversations(t.Context(), store.Query{Folder: inbox})
		want(t, err, store.ErrNotFound)
	})
}

// TestConversationsCounted holds, while items come, go and change, that a folder's
// total of conversations is what its items say.
func TestConversationsCounted(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 13))
		folders := []store.FolderID{role(t, m, store.RoleInbox), role(t, m, store.RoleArchive), role(t, m, store.RoleDeletedItems), role(t, m, store.RoleRecoverableDeletions)}
		conversation := func() []byte {
			id := []byte{15: byte(random.IntN(6))}
			return id[:len(id)-random.IntN(8)/7] // now and then one byte short, which is none
		}
		some := func() store.NewItem {
			n := mail(folders[random.IntN(2)], "some")
			n.Associated = random.IntN(6) == 0
			if random.IntN(5) > 0 {
				n.Props[mapi.PidTagConversationID] = conversation()
			}
			return n
		}
		var items []store.Stamp
		for step := range 300 {
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
			switch op := random.IntN(9); {
			case op < 2 || len(items) == 0:
				stamps, err := m.CreateItems(ctx, []store.NewItem{some(), some()})
				ok(t, err)
				items = append(items, stamps...)
			case op == 2:
				replace(m.UpdateItem(ctx, items[i].ID, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagConversationID: conversation()}}))
			case op == 3:
				replace(m.UpdateItem(ctx, items[i].ID, store.ItemUpdate{Delete: []mapi.Tag{mapi.PidTagConversationID}}))
			case op == 4:
				replace(m.UpdateItem(ctx, items[i].ID, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: fmt.Sprint(step)}}))
			case op == 5:
				replace(m.MoveItem(ctx, items[i].ID, folders[random.IntN(len(folders))]))
			case op == 6:
				stamp, err := m.CopyItem(ctx, items[i].ID, folders[random.IntN(2)])
				ok(t, err)
				items = append(items, stamp)
			default:
				replace(m.DeleteItem(ctx, items[i].ID, store.Deletion(random.IntN(3))))
			}
			for _, folder := range folders[:2] {
				_, total, err := m.Conversations(ctx, store.Query{Folder: folder, Limit: 1})
				ok(t, err)
				var n int
				ok(t, db.QueryRow(ctx, "SELECT count(DISTINCT conversation_id) FROM item WHERE fid = $1 AND assoc = 0 AND length(conversation_id) = 16", folder.Folder).Scan(&n))
				if total != n {
					t.Fatalf("step %d: %d conversations in %v, the items have %d", step, total, folder, n)
				}
			}
		}
		checkCounters(t, db)
	})
}

// TestEachConversation holds that conversations are told in the order they are asked
// for, each with its newest items, however many there are.
func TestEachConversation(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		folders := []store.FolderID{role(t, m, store.RoleInbox), role(t, m, store.RoleArchive)}
		const others = 60
		expected := map[byte][]string{} // subjects, newest first
		var items []store.NewItem
		for at := range store.MaxConversation + 10 + 3*others {
			conversation := byte(0) // the long one
			if at%10 == 0 {
				conversation = byte(1 + at/10%others)
			}
			n := mail(folders[at%2], fmt.Sprint(at))
			n.Props[mapi.PidTagConversationID] = []byte{15: conversation}
			n.Props[mapi.PidTagMessageDeliveryTime] = time.Unix(int64(at), 0)
			items = append(items, n)
			expected[conversation] = append([]string{fmt.Sprint(at)}, expected[conversation]...)
		}
		for _, some := range [][]store.NewItem{items[500:], items[:500]} { // in no order of delivery
			_, err := m.CreateItems(t.Context(), some)
			ok(t, err)
		}
		expected[0] = expected[0][:min(len(expected[0]), store.MaxConversation)]
		var ids []store.ConversationID
		for i := others; i >= -1; i-- { // the last one there is not
			ids = append(ids, store.ConversationID{Mailbox: m.GUID(), Conversation: [16]byte{15: byte(i)}})
		}
		var told []store.ConversationID
		err := m.EachConversation(t.Context(), ids, store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}}, func(id store.ConversationID, items []*store.Item) error {
			told = append(told, id)
			var subjects []string
			for _, it := range items {
				subjects = append(subjects, it.Props.String(mapi.PidTagSubject))
			}
			if want := expected[id.Conversation[15]]; !slices.Equal(subjects, want) {
				t.Errorf("%v has %d items, want %d: %v", id, len(subjects), len(want), subjects)
			}
			return nil
		})
		ok(t, err)
		if !slices.Equal(told, ids) {
			t.Errorf("told of %d conversations in another order than asked for %d", len(told), len(ids))
		}
		stop := errors.New("stop")
		n := 0
		err = m.EachConversation(t.Context(), ids, store.Want{}, func(store.ConversationID, []*store.Item) error { n++; return stop })
		if want(t, err, stop); n != 1 {
			t.Errorf("went on %d times", n)
		}
	})
}
