package testenv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/backup"
	"hma/internal/sqldb"
	"hma/lab"
	"hma/wire/mapi"
)

// TestRestoreStopped backs a running lab up, ends it, puts the backup in place and
// starts it again: the mail of the backup is there, clients start anew, the
// database before is kept, and while a lab runs nobody can put anything in place.
func TestRestoreStopped(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	l, err := lab.Start(ctx, lab.Options{Dir: dir, FreePorts: true, Messages: 3})
	if err != nil {
		t.Fatal(err)
	}
	mailbox, inbox := firstInbox(t, l.Roles.Store)
	damaged := func(f backup.Found) { t.Errorf("damaged: %+v", f) }
	folder, made, err := backup.Make(ctx, l.Roles.Store, t.TempDir(), time.Now, func(string) {}, damaged)
	if err != nil {
		t.Fatal(err)
	}
	was, err := mailbox.Count(ctx, store.Query{Folder: inbox})
	if err != nil {
		t.Fatal(err)
	}
	state, err := mailbox.SyncItems(ctx, inbox, store.SyncState{}, store.MaxChanges, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mailbox.CreateItem(ctx, store.NewItem{Folder: inbox, Props: mapi.Bag{mapi.PidTagSubject: "later"}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lab.RestoreMail(ctx, dir, folder, time.Now); !errors.Is(err, lab.ErrLocked) {
		t.Errorf("while it runs: %v, want ErrLocked", err)
	}
	if err := l.Close(ctx); err != nil {
		t.Fatal(err)
	}
	inLog(t, filepath.Join(dir, "mailbox.db"))
	m, kept, err := lab.RestoreMail(ctx, dir, folder, time.Now)
	if err != nil || len(m.Mailboxes) != len(made.Mailboxes) {
		t.Fatalf("restored %+v, error %v", m, err)
	}
	if _, err := os.Stat(kept); err != nil || filepath.Dir(kept) != dir {
		t.Errorf("kept %q: %v", kept, err)
	}
	if _, err := os.Stat(kept + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database before still needs a log: %v", err)
	}
	before, err := sqldb.Open(ctx, "sqlite:"+kept)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := before.QueryRow(ctx, "SELECT count(*) FROM in_log").Scan(&n); err != nil || n != 1 {
		t.Errorf("what lay in the log: %d rows, error %v", n, err)
	}
	if err := before.Close(); err != nil {
		t.Error(err)
	}
	e := Start(t, lab.Options{Dir: dir})
	back, err := e.Roles.Store.FindMailbox(ctx, mailbox.GUID())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := back.Count(ctx, store.Query{Folder: inbox}); err != nil || n != was {
		t.Errorf("%d items, error %v; want %d", n, err, was)
	}
	if _, err := back.SyncItems(ctx, inbox, state.State, 10, false); !errors.Is(err, store.ErrStateTooOld) {
		t.Errorf("a state of before: %v, want that it is too old", err)
	}
	if err := back.Check(ctx, false, func(d store.Damage) { t.Errorf("damaged: %+v", d) }); err != nil {
		t.Error(err)
	}
}

// inLog leaves a database as a killed process does: what was written last, the table in_log
// with a row, is in its log alone.
func inLog(t *testing.T, path string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec("CREATE TABLE in_log AS SELECT 1 AS one")
		return err
	})
	files := map[string][]byte{path: nil, path + "-wal": nil}
	for name := range files {
		if err == nil {
			files[name], err = os.ReadFile(name)
		}
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// firstInbox returns a mailbox of the store and its Inbox.
func firstInbox(t *testing.T, st *store.Store) (*store.Mailbox, store.FolderID) {
	t.Helper()
	list, err := st.Mailboxes(t.Context())
	if err != nil || len(list) == 0 {
		t.Fatalf("%d mailboxes, error %v", len(list), err)
	}
	mailbox, err := st.FindMailbox(t.Context(), list[0])
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := mailbox.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	return mailbox, inbox
}
