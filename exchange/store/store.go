package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Options are the store's settings.
type Options struct {
	// Now is the clock; it must be set.
	Now func() time.Time
	// TombstoneRetention is how long the store can tell a client what was deleted;
	// 60 days when zero.
	TombstoneRetention time.Duration
	// DeletedRetention is how long Recoverable Items keep what was deleted, of
	// mailboxes that have no limit of their own; 14 days when zero.
	DeletedRetention time.Duration
	// BlobGrace is how long a blob may wait for the item that refers to it; 24 hours when zero.
	BlobGrace time.Duration
	// Poll is how often other processes' changes are looked for while somebody
	// waits on PostgreSQL; one second when zero.
	Poll time.Duration
}

// Store is all mailboxes of one database. It is safe for concurrent use.
type Store struct {
	db      *sqldb.DB
	opts    Options
	hub     hub
	cursors cursors
	boxes   boxes
	indexer indexer

	outgoing chan struct{} // wakes who sends what waits
}

// Open brings the tables to the newest version and returns the store. Data
// written by a newer program is refused.
func Open(ctx context.Context, db *sqldb.DB, opts Options) (*Store, error) {
	if opts.Now == nil {
		return nil, errors.New("open mailbox store: no clock given")
	}
	opts = opts.complete()
	if err := db.Migrate(ctx, component, migrations); err != nil {
		return nil, fmt.Errorf("open mailbox store: %w", err)
	}
	s := &Store{db: db, opts: opts, indexer: indexer{wake: make(chan struct{}, 1)}, outgoing: make(chan struct{}, 1)}
	s.hub.store = s
	return s, nil
}

// component is the name of the store's tables among those of a database.
const component = "store"

// complete sets what is zero.
func (opts Options) complete() Options {
	if opts.TombstoneRetention == 0 {
		opts.TombstoneRetention = 60 * 24 * time.Hour
	}
	if opts.DeletedRetention == 0 {
		opts.DeletedRetention = 14 * 24 * time.Hour
	}
	if opts.BlobGrace == 0 {
		opts.BlobGrace = 24 * time.Hour
	}
	if opts.Poll == 0 {
		opts.Poll = time.Second
	}
	return opts
}

// clean makes a text fit for a column.
func clean(text string) string { return query.Clean(text) }

// micros returns a time as the columns keep it.
func micros(t time.Time) int64 { return t.UnixMicro() }

// fromMicros reads a column's time.
func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

// column writes a GUID as the columns keep it.
func column(g guid.GUID) string { return g.String() }
