package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

func none(t *testing.T) func(Found) {
	return func(f Found) { t.Errorf("damaged: %+v", f) }
}

func fill(t *testing.T, st *store.Store, n int) (*store.Mailbox, store.FolderID) {
	t.Helper()
	m, err := st.OpenMailbox(t.Context(), guid.New(), store.MailboxInfo{OwnerSID: "S-1", DisplayName: "Anna"})
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := m.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		put(t, m, inbox, i)
	}
	return m, inbox
}

func put(t *testing.T, m *store.Mailbox, inbox store.FolderID, i int) {
	contents := store.Contents{}
	mime := contents.Add([]byte(strings.Repeat(fmt.Sprintf("line %d\r\n", i), 1000)))
	_, err := m.CreateItem(context.Background(), store.NewItem{Folder: inbox, MIME: mime, Contents: contents, Props: mapi.Bag{mapi.PidTagSubject: fmt.Sprint(i)}})
	if err != nil {
		t.Error(err)
	}
}

// TestMakeUnderLoad holds that a backup made while mail is written is whole and of
// one moment, that its manifest is true, and that a database placed from it opens.
func TestMakeUnderLoad(t *testing.T) {
	ctx := t.Context()
	db := sqldbtest.Disk(t)
	st, err := store.Open(ctx, db, store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	m, inbox := fill(t, st, 300)
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					put(t, m, inbox, i)
				}
			}
		})
	}
	to := t.TempDir()
	left := filepath.Join(to, ".partial-mailbox-20200101T000000Z")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	path, made, err := Make(ctx, st, to, time.Now, func(string) {}, none(t))
	close(stop)
	load.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("what a run before left is still there")
	}
	if len(made.Mailboxes) != 1 || made.Mailboxes[0].Items < 300 {
		t.Errorf("the manifest lists %+v", made.Mailboxes)
	}
	again, err := Verify(ctx, path, time.Now, none(t))
	if err != nil || again.SHA256 != made.SHA256 {
		t.Fatalf("verify: %v", err)
	}
	state, err := m.SyncItems(ctx, inbox, store.SyncState{}, 10, false)
	if err != nil {
		t.Fatal(err)
	}
	placed := filepath.Join(t.TempDir(), "placed.db")
	if _, err := Place(ctx, path, placed, time.Now); err != nil {
		t.Fatal(err)
	}
	other, err := sqldb.Open(ctx, "sqlite:"+placed)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	st2, err := store.Open(ctx, other, store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	back, err := st2.FindMailbox(ctx, m.GUID())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := back.Count(ctx, store.Query{Folder: inbox}); err != nil || int64(n) != made.Mailboxes[0].Items {
		t.Errorf("%d items, error %v; the manifest says %d", n, err, made.Mailboxes[0].Items)
	}
	if _, err := back.SyncItems(ctx, inbox, state.State, 10, false); !errors.Is(err, store.ErrStateTooOld) {
		t.Errorf("a state of before: %v, want that it is too old", err)
	}
	if err := back.Check(ctx, false, func(d store.Damage) { t.Errorf("damaged: %+v", d) }); err != nil {
		t.Error(err)
	}
}

// TestNotWhole changes each part of a backup and holds that no look takes it for a whole one.
func TestNotWhole(t *testing.T) {
	ctx := t.Context()
	st, err := store.Open(ctx, sqldbtest.Disk(t), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, st, 20)
	edit := func(name string, change func([]byte) []byte) func(t *testing.T, folder string) {
		return func(t *testing.T, folder string) {
			path := filepath.Join(folder, name)
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, folder string) {
		return func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, spoil := range map[string]func(t *testing.T, folder string){
		"no manifest":       remove(manifestFile),
		"no data":           remove(dataFile),
		"cut off":           edit(dataFile, func(b []byte) []byte { return b[:len(b)/2] }),
		"one bit":           edit(dataFile, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }),
		"half a manifest":   edit(manifestFile, func(b []byte) []byte { return b[:len(b)/2] }),
		"another manifest":  edit(manifestFile, func(b []byte) []byte { return bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 2`), 1) }),
		"manifest and more": edit(manifestFile, func(b []byte) []byte { return bytes.Replace(b, []byte(`"items": 20`), []byte(`"items": 21`), 1) }),
	} {
		t.Run(name, func(t *testing.T) {
			path, _, err := Make(ctx, st, t.TempDir(), time.Now, func(string) {}, none(t))
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, path)
			if _, err := Verify(ctx, path, time.Now, none(t)); !errors.Is(err, ErrNotWhole) {
				t.Errorf("error %v, want ErrNotWhole", err)
			}
		})
	}
}

// TestOpen holds that an open backup is read in place and stays as it is.
func TestOpen(t *testing.T) {
	ctx := t.Context()
	db := sqldbtest.Disk(t)
	st, err := store.Open(ctx, db, store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := fill(t, st, 5)
	path, made, err := Make(ctx, st, t.TempDir(), time.Now, func(string) {}, none(t))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if s.scratch != "" {
		t.Error("a backup of this program was copied")
	}
	if _, err := s.FindMailbox(ctx, m.GUID()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if hash, _, err := sum(ctx, filepath.Join(path, dataFile), new(bytes.Buffer)); err != nil || hash != made.SHA256 {
		t.Errorf("the file has changed, error %v", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, error %v", entries, err)
	}
}

// TestNoLog holds that a database whose log was not written back is not taken for whole.
func TestNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "placed.db")
	db, err := sqldb.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := sqldb.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec("CREATE TABLE in_log AS SELECT 1 AS one")
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := noLog(path); err == nil {
		t.Error("beside its log it was taken for whole")
	}
	if err := errors.Join(other.Close(), noLog(path)); err != nil {
		t.Error(err)
	}
}
