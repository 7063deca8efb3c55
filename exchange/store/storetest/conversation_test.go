package storetest

import (
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
