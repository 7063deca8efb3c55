package sqldb_test

import (
	"context"
	"testing"
	"time"

	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
)

// TestCost holds that reads, views and writes are charged to the account of their context, and to no other.
func TestCost(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		at := time.Unix(0, 0)
		cost := sqldb.NewCost(func() time.Time { at = at.Add(time.Millisecond); return at })
		ctx := sqldb.WithCost(t.Context(), cost)
		ask := func(ctx context.Context) {
			var n int
			if err := db.QueryRow(ctx, "SELECT 1").Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
		ask(t.Context())
		if got := cost.Spent(); got != (sqldb.Spent{}) {
			t.Fatalf("another context's read is charged: %+v", got)
		}
		ask(ctx)
		rows, err := db.Query(ctx, "SELECT 1")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
		}
		rows.Close()
		if err := db.View(ctx, func(*sqldb.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(ctx, func(*sqldb.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		// Each charge is two looks at the clock, a millisecond apart; the query has two for its rows besides.
		want := sqldb.Spent{Reads: 3, Writes: 1, Reading: 5 * time.Millisecond, Writing: time.Millisecond}
		if got := cost.Spent(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
