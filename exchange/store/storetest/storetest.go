// Package storetest is the conformance suite of exchange/store, run on each kind of
// database that hma keeps mail in, and a way for other packages' tests to get a
// store. It tests behaviour through the exported API; the counters and plans that
// no caller sees it reads from the database.
//
// Start reading at Open.
package storetest

import (
	"sync"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

// Owner is the SID that owns the mailboxes of NewMailbox.
const Owner = "S-1-5-21-1-2-3-1001"

// Clock is a clock that a test sets. Each reading is one millisecond later.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the store's clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Open returns a store on a database, and its clock.
func Open(t testing.TB, db *sqldb.DB) (*store.Store, *Clock) {
	t.Helper()
	clock := &Clock{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	s, err := store.Open(t.Context(), db, store.Options{Now: clock.Now, Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return s, clock
}

// NewMailbox returns an empty mailbox of Owner on a store in memory, for tests of other packages.
func NewMailbox(t testing.TB) *store.Mailbox {
	t.Helper()
	s, _ := Open(t, sqldbtest.Memory(t))
	return mailbox(t, s)
}

func mailbox(t testing.TB, s *store.Store) *store.Mailbox {
	t.Helper()
	m, err := s.OpenMailbox(t.Context(), guid.New(), store.MailboxInfo{OwnerSID: Owner, DisplayName: "Test"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
