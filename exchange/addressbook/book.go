package addressbook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hma/exchange/org"
	"hma/internal/sqldb"
	"hma/wire/guid"
)

// People is where the address list comes from.
type People interface {
	// RecipientsByGUID returns up to limit recipients, hidden ones included, that
	// come after the GUID in the order of the GUIDs' text; fewer than limit are the
	// last. The caller changes nothing behind the pointers.
	RecipientsByGUID(ctx context.Context, after guid.GUID, limit int) ([]*org.Recipient, error)
}

// The bounds of what keeping the list costs.
const (
	// MaxAge is how long a list is given out before the people are read again.
	MaxAge = 30 * time.Second
	// readTimeout ends a reading of the people that hangs.
	readTimeout = 30 * time.Second
	// pageSize is how many people are read at a time.
	pageSize = 500
)

// Book keeps the global address list. It is safe for concurrent use.
type Book struct {
	db     *sqldb.DB
	people People
	now    func() time.Time

	current atomic.Pointer[kept]
	reading sync.Mutex // held by the one reader of the people
}

// kept is a list and when the people were last read for it.
type kept struct {
	list *List
	at   time.Time
}

// Open makes the address book's table in db, the organisation's database, and
// returns a Book that reads people when it is first asked.
func Open(ctx context.Context, db *sqldb.DB, people People, now func() time.Time) (*Book, error) {
	if err := db.Migrate(ctx, "addressbook", schema); err != nil {
		return nil, err
	}
	return &Book{db: db, people: people, now: now}, nil
}

// List returns the global address list, at most MaxAge old plus the time that
// one reading takes. One caller reads at a time; the others get the list that
// is there, or wait when there is none yet. When the people cannot be read, the
// last list is given out for another MaxAge; without one that is an error.
func (b *Book) List(ctx context.Context) (*List, error) {
	k := b.current.Load()
	if k != nil && b.now().Sub(k.at) < MaxAge {
		return k.list, nil
	}
	if k == nil {
		b.reading.Lock()
	} else if !b.reading.TryLock() {
		return k.list, nil
	}
	defer b.reading.Unlock()
	if k = b.current.Load(); k != nil && b.now().Sub(k.at) < MaxAge {
		return k.list, nil
	}
	list, err := b.read(ctx, k)
	if err != nil {
		if k == nil {
			return nil, fmt.Errorf("read address list: %w", err)
		}
		list = k.list
	}
	b.current.Store(&kept{list: list, at: b.now()})
	return list, nil
}

// read makes a list of the people as they are now; an unchanged one is the list of last.
func (b *Book) read(ctx context.Context, last *kept) (*List, error) {
	// Whoever asked first may go away; the others still want the list.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	var entries []Entry
	for after := guid.Nil; ; {
		page, err := b.people.RecipientsByGUID(ctx, after, pageSize)
		if err != nil {
			return nil, err
		}
		entries = appendShown(entries, page)
		if len(page) < pageSize {
			break
		}
		after = page[len(page)-1].GUID
	}
	list := newList(entries)
	if last != nil && last.list.Hash == list.Hash {
		return last.list, nil
	}
	if err := b.number(ctx, list); err != nil {
		return nil, err
	}
	return list, nil
}

var schema = []string{`
CREATE TABLE address_list (
	name TEXT PRIMARY KEY,
	sequence BIGINT NOT NULL,
	hash {{blob}} NOT NULL,
	made BIGINT NOT NULL
);
`}

// number gives the list its sequence number: the one that its content has
// already, in this process or another, or the next.
func (b *Book) number(ctx context.Context, list *List) error {
	now := b.now().UTC()
	return b.db.Write(ctx, func(tx *sqldb.Tx) error {
		var sequence, made int64
		var hash []byte
		err := tx.QueryRow("SELECT sequence, hash, made FROM address_list WHERE name = $1", Name).Scan(&sequence, &hash, &made)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read sequence of address list: %w", err)
		}
		if err == nil && string(hash) == string(list.Hash[:]) {
			list.Sequence, list.Made = uint32(sequence), time.UnixMicro(made).UTC()
			return nil
		}
		// Minutes since 1970 as the floor: a database that was lost and made
		// anew must not hand out a number that clients hold already.
		sequence = max(sequence+1, now.Unix()/60)
		_, err = tx.Exec(`INSERT INTO address_list (name, sequence, hash, made) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, made = excluded.made`,
			Name, sequence, list.Hash[:], now.UnixMicro())
		list.Sequence, list.Made = uint32(sequence), time.UnixMicro(now.UnixMicro()).UTC()
		return err
	})
}
