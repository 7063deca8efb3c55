package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// checkMailboxes holds that a check of every mailbox of the database finds nothing.
func checkMailboxes(t testing.TB, db *sqldb.DB) {
	t.Helper()
	s, _ := Open(t, db)
	list, err := s.Mailboxes(t.Context())
	ok(t, err)
	for _, id := range list {
		m, err := s.FindMailbox(t.Context(), id)
		ok(t, err)
		for _, d := range damages(t, m, false) {
			t.Errorf("damaged: %+v", d)
		}
	}
}

func damages(t testing.TB, m *store.Mailbox, repair bool) (list []store.Damage) {
	t.Helper()
	ok(t, m.Check(t.Context(), repair, func(d store.Damage) { list = append(list, d) }))
	return list
}

// TestCheck plants each damage and holds that exactly it is found, that without
// repair nothing changes, and that a repair leaves a clean mailbox, or what cannot
// be computed again.
func TestCheck(t *testing.T) {
	// In a statement FOLDER is a folder with three items, of which FIRST and SECOND
	// are the first two, the first with a MIME of two chunks, its blob BLOB, and SUB a folder below it.
	cases := []struct {
		name   string
		plant  []string
		found  string // kinds, sorted
		remain string // kinds after a repair
	}{
		{"total", []string{"UPDATE folder SET total = 9 WHERE fid = FOLDER"}, "folder-total", ""},
		{"unread", []string{"UPDATE folder SET unread = 0 WHERE fid = FOLDER"}, "folder-unread", ""},
		{"associated", []string{"UPDATE folder SET fai_count = -1 WHERE fid = FOLDER"}, "folder-fai_count", ""},
		{"folder size", []string{"UPDATE folder SET size = size + 1 WHERE fid = FOLDER"}, "folder-size", ""},
		{"conversations", []string{"UPDATE folder SET conversations = 2 WHERE fid = FOLDER"}, "folder-conversations", ""},
		{"deleted", []string{"UPDATE folder SET deleted_count = 4 WHERE fid = FOLDER"}, "folder-deleted_count", ""},
		{"children", []string{"UPDATE folder SET children = 0 WHERE fid = FOLDER"}, "folder-children", ""},
		{"IMAP number", []string{"UPDATE folder SET next_imap_uid = 1 WHERE fid = FOLDER"}, "folder-uid", ""},
		{"mailbox size", []string{"UPDATE mailbox SET size = 1"}, "mailbox-size", ""},
		{"lost item", []string{"UPDATE item SET fid = 9999 WHERE id = FIRST",
			"UPDATE folder SET total = 2, unread = 2, size = (SELECT SUM(size) FROM item i WHERE i.fid = FOLDER) WHERE fid = FOLDER"}, "item-folder", ""},
		{"lost folder", []string{"UPDATE folder SET parent_fid = 9999 WHERE fid = SUB", "UPDATE folder SET children = 0 WHERE fid = FOLDER"}, "folder-parent", ""},
		{"cycle", []string{"UPDATE folder SET parent_fid = SUB WHERE fid = FOLDER", "UPDATE folder SET children = 1 WHERE fid = SUB",
			"UPDATE folder SET children = children - 1 WHERE fid = 2"}, "folder-cycle", ""},
		{"distinguished folder elsewhere", []string{"UPDATE folder SET parent_fid = FOLDER WHERE fid = 3", "UPDATE folder SET children = 2 WHERE fid = FOLDER",
			"UPDATE folder SET children = children - 1 WHERE fid = 2"}, "folder-parent", ""},
		{"distinguished folder gone", []string{"DELETE FROM folder WHERE fid = 25", "UPDATE folder SET children = 2 WHERE role = 'syncissues'"}, "folder-missing", "folder-missing"},
		{"next number", []string{"UPDATE mailbox SET next_counter = last_cn"}, "number-next", ""},
		{"last change", []string{"UPDATE mailbox SET last_cn = 256"}, "number-last", ""},
		{"mid", []string{"UPDATE item SET mid = (SELECT mid FROM item WHERE id = FIRST) WHERE id = SECOND"}, "mid-twice", ""},
		{"change number", []string{"UPDATE item SET cn = (SELECT cn FROM item WHERE id = FIRST) WHERE id = SECOND"}, "change-twice", ""},
		{"IMAP number twice", []string{"UPDATE item SET imap_uid = 1 WHERE id = SECOND"}, "uid-twice", ""},
		{"reference too many", []string{"UPDATE blob SET refs = 7 WHERE id = BLOB"}, "blob-references", ""},
		{"reference too few", []string{"UPDATE blob SET refs = 0 WHERE id = BLOB"}, "blob-references", ""},
		{"blob", []string{"DELETE FROM chunk WHERE blob = BLOB", "DELETE FROM blob WHERE id = BLOB"}, "blob-missing blob-missing", "blob-missing blob-missing"},
		{"first chunk", []string{"DELETE FROM chunk WHERE blob = BLOB AND no = 0"}, "blob-chunk", "blob-chunk"},
		{"last chunk", []string{"DELETE FROM chunk WHERE blob = BLOB AND no = 1"}, "blob-chunk", "blob-chunk"},
		{"content", []string{"UPDATE chunk SET data = (SELECT data FROM chunk c WHERE c.blob = BLOB AND c.no = 0) WHERE blob = BLOB AND no = 1", "UPDATE blob SET size = 524288 WHERE id = BLOB"}, "blob-hash", "blob-hash"},
		{"blob size", []string{"UPDATE blob SET size = 5 WHERE id = BLOB"}, "blob-size", ""},
		{"chunk alone", []string{"UPDATE chunk SET blob = 12 WHERE blob = BLOB", "INSERT INTO chunk SELECT mailbox, BLOB, no, data FROM chunk WHERE blob = 12"}, "chunk-blob", ""},
		{"recipient", []string{"UPDATE recipient SET item = 9999 WHERE item = FIRST"}, "recipient-item", ""},
		{"permission", []string{"INSERT INTO permission VALUES (1, 9999, 'default', 1)"}, "permission-folder", ""},
		{"rule", []string{"INSERT INTO rule VALUES (1, 9999, 1, 1, 1, 0, 0, '', '', '', '', '')"}, "rule-folder", ""},
		{"properties", []string{"UPDATE item SET props = change_key WHERE id = SECOND"}, "properties", "properties"},
		{"name", []string{"DELETE FROM named_prop"}, "property-name", "property-name"},
		{"name's set", []string{"UPDATE named_prop SET set_guid = 'x'"}, "name-set", "name-set"},
		{"deleted item lives", []string{`INSERT INTO tombstone (mailbox, cn, kind, fid, id, mid, assoc, created_cn, reason, imap_uid, at)
			SELECT 1, created_cn, 0, fid, id, mid, 0, created_cn, 0, 1, 1 FROM item WHERE id = FIRST`}, "tombstone-item", ""},
		{"deleted folder lives", []string{`INSERT INTO tombstone (mailbox, cn, kind, fid, id, mid, assoc, created_cn, reason, imap_uid, at)
			SELECT 1, cn, 1, parent_fid, fid, 0, 0, cn, 0, 1, 1 FROM folder WHERE fid = SUB`}, "tombstone-folder", ""},
		{"deletion before", []string{`INSERT INTO tombstone (mailbox, cn, kind, fid, id, mid, assoc, created_cn, reason, imap_uid, at) VALUES (1, 5, 0, 3, 4, 4, 0, 6, 0, 1, 1)`}, "tombstone-order", ""},
		{"not in the search index", []string{"DELETE FROM item_search WHERE SEARCHFIRST"}, "search-item", ""},
		{"another in the search index", []string{"DELETE FROM item_search WHERE SEARCHFIRST", "SEARCHADD"}, "search-item", ""},
		{"gone and in the search index", []string{"DELETE FROM search_pending WHERE item = 9999", "SEARCHGONE"}, "search-entry", ""},
		{"several", []string{"UPDATE folder SET total = 9, unread = 8 WHERE fid = FOLDER", "UPDATE mailbox SET size = 1", "UPDATE blob SET refs = 7 WHERE id = BLOB"},
			"blob-references folder-total folder-unread mailbox-size", ""},
	}
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				s, _ := Open(t, db)
				empty(t, db)
				m := mailbox(t, s)
				names := damageable(t, db, m)
				indexAll(t, s)
				if list := damages(t, m, true); len(list) > 0 {
					t.Fatalf("before: %+v", list)
				}
				var plant []string
				for _, statement := range c.plant {
					plant = append(plant, names.Replace(statement))
				}
				exec(t, db, plant...)
				for range 2 {
					if found := kinds(damages(t, m, false)); found != c.found {
						t.Errorf("found %q, want %q", found, c.found)
					}
				}
				for _, d := range damages(t, m, true) {
					if d.Where == "" || d.What == "" || d.Repaired == strings.Contains(c.remain, d.Kind) {
						t.Errorf("repair: %+v", d)
					}
				}
				if left := kinds(damages(t, m, false)); left != c.remain {
					t.Errorf("after the repair %q, want %q", left, c.remain)
				}
			})
		}
	})
}

// exec runs statements in one transaction.
func exec(t testing.TB, db *sqldb.DB, statements ...string) {
	t.Helper()
	ok(t, db.Write(t.Context(), func(tx *sqldb.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	}))
}

// empty takes all mailboxes out of the database: the next one is number 1 again.
func empty(t testing.TB, db *sqldb.DB) {
	t.Helper()
	for _, table := range []string{"mailbox", "replica_guid", "named_prop", "folder", "item", "recipient", "attachment", "blob", "chunk", "tombstone", "permission", "receive_folder", "rule", "search_pending", "item_search"} {
		exec(t, db, "DELETE FROM "+table)
	}
}

func kinds(list []store.Damage) string {
	var names []string
	for _, d := range list {
		names = append(names, d.Kind)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// damageable fills a mailbox and returns what TestCheck's statements call its rows.
func damageable(t *testing.T, db *sqldb.DB, m *store.Mailbox) *strings.Replacer {
	ctx := t.Context()
	folder, err := m.CreateFolder(ctx, store.NewFolder{Parent: role(t, m, store.RoleMsgFolderRoot), Name: "Work"})
	ok(t, err)
	sub, err := m.CreateFolder(ctx, store.NewFolder{Parent: folder.ID, Name: "Sub"})
	ok(t, err)
	named, err := m.NamedIDs(ctx, []mapi.Name{{Set: guid.GUID{1}, Text: "mine"}}, true)
	ok(t, err)
	mime, err := m.WriteBlob(ctx, bytes.NewReader(bytes.Repeat([]byte("letter\r\n"), store.ChunkSize/8+10)))
	ok(t, err)
	first := mail(folder.ID, "first")
	first.MIME = mime
	first.Recipients = []store.Recipient{{Type: mapi.RecipientTo, Name: "Alice", SMTP: "alice@contoso.com"}}
	stamp := create(t, m, first)
	second := create(t, m, store.NewItem{Folder: folder.ID, Props: mapi.Bag{mapi.PidTagSubject: "second", mapi.PidTagConversationID: []byte("sixteen bytes .."),
		mapi.Tag(uint32(named[0])<<16 | uint32(mapi.Unicode)): "value"}})
	third := mail(folder.ID, "third")
	third.Attachments = []store.Attachment{{Filename: "same.txt", Content: mime}}
	create(t, m, third)
	var blob int64
	ok(t, db.QueryRow(ctx, "SELECT id FROM blob WHERE hash = $1", mime.Hash[:]).Scan(&blob))
	at := func(item mapi.GlobCnt) string { return fmt.Sprintf("rowid = %d", 1<<40|int64(item)) }
	add := func(item mapi.GlobCnt) string {
		return fmt.Sprintf("INSERT INTO item_search (rowid, terms) VALUES (%d, '1i 1swother')", 1<<40|int64(item))
	}
	if db.Flavour() == sqldb.PostgreSQL {
		at = func(item mapi.GlobCnt) string { return fmt.Sprintf("item = %d", item) }
		add = func(item mapi.GlobCnt) string {
			return fmt.Sprintf("INSERT INTO item_search (mailbox, item, terms) VALUES (1, %d, '1i 1swother'::tsvector)", item)
		}
	}
	return strings.NewReplacer("SEARCHFIRST", at(stamp.ID.Row), "SEARCHADD", add(stamp.ID.Row), "SEARCHGONE", add(9999), "FOLDER", fmt.Sprint(int64(folder.ID.Folder)), "SUB", fmt.Sprint(int64(sub.ID.Folder)),
		"FIRST", fmt.Sprint(int64(stamp.ID.Row)), "SECOND", fmt.Sprint(int64(second.ID.Row)), "BLOB", fmt.Sprint(blob))
}

// TestCheckRecovers holds that what lost its folder is found again where it can be read.
func TestCheckRecovers(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		for i := range 3 {
			create(t, m, mail(role(t, m, store.RoleInbox), fmt.Sprint("lost ", i)))
		}
		exec(t, db, "UPDATE item SET fid = 9999")
		damages(t, m, true)
		folders, err := m.Folders(t.Context(), role(t, m, store.RoleMsgFolderRoot), false)
		ok(t, err)
		i := slices.IndexFunc(folders, func(f *store.Folder) bool { return f.Name == store.RecoveredFolder })
		if i < 0 || folders[i].Total != 3 || folders[i].Unread != 3 {
			t.Fatalf("folders %+v", folders)
		}
		checkCounters(t, db)
	})
}
