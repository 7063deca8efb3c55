package sqldb_test

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

	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
)

var steps = []string{"CREATE TABLE thing (id BIGINT PRIMARY KEY, body {{blob}} NOT NULL, name TEXT {{search}} NOT NULL)"}

func insert(db *sqldb.DB, id int) error {
	return db.Write(context.Background(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec("INSERT INTO thing (id, body, name) VALUES ($1, $2, $3)", id, []byte{0, 255}, fmt.Sprint(id))
		return err
	})
}

func count(t *testing.T, db *sqldb.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(context.Background(), "SELECT count(*) FROM thing").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWrite(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := db.Migrate(t.Context(), "test", steps); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				err := insert(db, i/2) // every second one is a duplicate
				if err != nil && !sqldb.IsUnique(err) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := count(t, db); n != 100 {
			t.Errorf("%d rows, want 100: a failed closure must not take its neighbours along", n)
		}
		boom := errors.New("boom")
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			if _, err := tx.Exec("DELETE FROM thing"); err != nil {
				return err
			}
			return boom
		})
		if err != boom || count(t, db) != 100 {
			t.Errorf("error %v, %d rows: want the closure's error and no change", err, count(t, db))
		}
		err = db.Write(t.Context(), func(*sqldb.Tx) error { panic("bad closure") })
		if err == nil || !strings.Contains(err.Error(), "bad closure") {
			t.Errorf("panic gave %v", err)
		}
		if err := insert(db, 1000); err != nil {
			t.Errorf("the writer died of a panic: %v", err)
		}
	})
}

func TestView(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := db.Migrate(t.Context(), "test", steps); err != nil {
			t.Fatal(err)
		}
		if err := insert(db, 1); err != nil {
			t.Fatal(err)
		}
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			var body []byte
			return tx.QueryRow("SELECT body FROM thing WHERE id = $1", 1).Scan(&body)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestViewPanic holds that a panic, which a server's handler survives, does not keep the connection.
func TestViewPanic(t *testing.T) {
	db := sqldbtest.Memory(t) // has one
	func() {
		defer func() { recover() }()
		db.View(t.Context(), func(*sqldb.Tx) error { panic("bad closure") })
	}()
	done := make(chan error, 1)
	go func() { done <- db.View(context.Background(), func(*sqldb.Tx) error { return nil }) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the connection was kept")
	}
}

func TestMigrateRefusesNewerData(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		two := append(steps[:1:1], "CREATE TABLE other (id BIGINT PRIMARY KEY)")
		if err := db.Migrate(t.Context(), "test", two); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), "test", two); err != nil {
			t.Fatalf("again: %v", err)
		}
		err := db.Migrate(t.Context(), "test", steps)
		if err == nil || !strings.Contains(err.Error(), "newer hma") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

func TestOpen(t *testing.T) {
	for _, url := range []string{"mysql://x", "sqlite:" + filepath.Join(t.TempDir(), "none", "x.db"), "postgres://x:secret@127.0.0.1:1/x?connect_timeout=1"} {
		db, err := sqldb.Open(t.Context(), url)
		if err == nil {
			db.Close()
			t.Errorf("%s opened", url)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// TestFilesAreTheOwners holds that nobody else reads a database, also where its folder is copied elsewhere.
func TestFilesAreTheOwners(t *testing.T) {
	dir := t.TempDir()
	db, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(dir, "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context(), "test", steps); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 { // the database and its log
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestWriteAfterClose(t *testing.T) {
	db, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := db.Write(t.Context(), func(*sqldb.Tx) error { return nil }); !errors.Is(err, sqldb.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	db := sqldbtest.Disk(b)
	if err := db.Migrate(context.Background(), "test", steps); err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	id := 0
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			id++
			n := id
			mu.Unlock()
			if err := insert(db, n); err != nil {
				b.Error(err)
			}
		}
	})
}

// TestMigrateOfOneFlavour holds that a step may have lines for one kind of database.
func TestMigrateOfOneFlavour(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		err := db.Migrate(t.Context(), "test", []string{`
CREATE TABLE before (id BIGINT);
{{sqlite}}
CREATE VIRTUAL TABLE words USING fts5(terms);
{{postgresql}}
CREATE TABLE words (terms TSVECTOR);
{{both}}
CREATE TABLE after (id BIGINT)`})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"before", "words", "after"} {
			if err := db.Statement(t.Context(), "DELETE FROM "+table); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestOwned holds that what Owned keeps stays what it was, whatever is read after it: of
// the same rows, of others on the same connection, and by a row alone.
func TestOwned(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := db.Migrate(t.Context(), "test", steps); err != nil {
			t.Fatal(err)
		}
		const n = 20
		value := func(i int) []byte { return bytes.Repeat([]byte{byte(i), 255 - byte(i)}, 1+i*500) }
		for i := range n {
			err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec("INSERT INTO thing (id, body, name) VALUES ($1, $2, '')", i, value(i))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		var kept []sqldb.Owned
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			for range 2 {
				rows, err := tx.Query("SELECT body FROM thing ORDER BY id")
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					var body sqldb.Owned
					if err := rows.Scan(&body); err != nil {
						return err
					}
					kept = append(kept, body)
				}
				if err := rows.Err(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for i := range n {
				var body sqldb.Owned
				if err := db.QueryRow(t.Context(), "SELECT body FROM thing WHERE id = $1", i).Scan(&body); err != nil {
					t.Fatal(err)
				}
				kept = append(kept, body)
			}
		}
		for i, body := range kept {
			if !bytes.Equal(body, value(i%n)) {
				t.Errorf("value %d of %d is no more what was read", i, len(kept))
			}
		}
		if len(kept) != 4*n {
			t.Errorf("%d values", len(kept))
		}
		var body sqldb.Owned
		if err := db.QueryRow(t.Context(), "SELECT NULL").Scan(&body); err != nil || body != nil {
			t.Errorf("NULL is %v, %v", body, err)
		}
		if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&body); err == nil {
			t.Error("a number was taken for raw bytes")
		}
	})
}
