// Package sqldbtest opens throw-away databases for tests, one for each way that
// hma keeps its data: SQLite in memory, SQLite on disk and PostgreSQL.
package sqldbtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hma/internal/sqldb"
)

// Each runs fn once for each kind of database. PostgreSQL is the server that
// the environment variable HMA_TEST_POSTGRES names by URL; without it that part
// is skipped and says so.
func Each(t *testing.T, fn func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { fn(t, Memory(t)) })
	t.Run("disk", func(t *testing.T) { fn(t, Disk(t)) })
	t.Run("postgresql", func(t *testing.T) { fn(t, PostgreSQL(t)) })
}

// Memory opens an empty SQLite database in memory; it ends with the test.
func Memory(t testing.TB) *sqldb.DB { return open(t, "sqlite::memory:") }

// Disk opens an empty SQLite database in the test's folder.
func Disk(t testing.TB) *sqldb.DB {
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

// PostgreSQL makes an empty database on the server of HMA_TEST_POSTGRES and drops it after the test.
func PostgreSQL(t testing.TB) *sqldb.DB {
	server := os.Getenv("HMA_TEST_POSTGRES")
	if server == "" {
		t.Skip("HMA_TEST_POSTGRES is not set: make test starts a PostgreSQL cluster and sets it")
	}
	admin, err := sqldb.Open(context.Background(), server)
	if err != nil {
		t.Fatal(err)
	}
	name := "hma_test_" + strings.ToLower(rand.Text())
	if err := admin.Statement(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Statement(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return open(t, u.String())
}

func open(t testing.TB, dsn string) *sqldb.DB {
	db, err := sqldb.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
