package store

import (
	"testing"

	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
)

// TestCountConversations holds what schema10 counts in a database of before.
func TestCountConversations(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		if err := db.Migrate(ctx, component, migrations[:9]); err != nil {
			t.Fatal(err)
		}
		none := []byte{}
		err := db.Write(ctx, func(tx *sqldb.Tx) error {
			for mailbox := range 2 {
				for fid := range 3 {
					if _, err := tx.Exec(insertFolder, mailbox+1, fid, 0, GenericFolder, "", "", "", string(rune('a'+fid)), 0, 1, none, none, 1, 0, none); err != nil {
						return err
					}
				}
			}
			// In the first mailbox's folder 1: two of one conversation, one of another, an associated one and one of no conversation.
			for i, item := range []struct {
				mailbox, fid, assoc int
				conversation        []byte
			}{
				{1, 1, 0, []byte{15: 1}}, {1, 1, 0, []byte{15: 1}}, {1, 1, 0, []byte{15: 2}}, {1, 1, 1, []byte{15: 3}}, {1, 1, 0, []byte("short")}, {1, 1, 0, nil},
				{1, 2, 0, []byte{15: 1}}, {2, 1, 0, []byte{15: 1}},
			} {
				_, err := tx.Exec(`INSERT INTO item (mailbox, id, fid, assoc, conversation_id, mid, created_cn, cn, read_cn, change_key, pcl, next_attach, class, class_fold, class_sort,
					subject_sort, from_name_sort, display_to_sort, received, ctime, mtime, size, importance, sensitivity, has_attach, is_read, msg_flags, msg_status, search_key, imap_uid, props)
					VALUES ($1, $2, $3, $4, $5, $2, $2, $2, $2, $6, $6, 0, '', '', '', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, $6, $2, $6)`,
					item.mailbox, i+1, item.fid, item.assoc, item.conversation, none)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, component, migrations[:10]); err != nil {
			t.Fatal(err)
		}
		for place, want := range map[[2]int]int{{1, 0}: 0, {1, 1}: 2, {1, 2}: 1, {2, 1}: 1, {2, 2}: 0} {
			var n int
			if err := db.QueryRow(ctx, "SELECT conversations FROM folder WHERE mailbox = $1 AND fid = $2", place[0], place[1]).Scan(&n); err != nil || n != want {
				t.Errorf("folder %d of mailbox %d has %d conversations, want %d, error %v", place[1], place[0], n, want, err)
			}
		}
	})
}
