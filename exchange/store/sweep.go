package store

import (
	"cmp"
	"context"
	"fmt"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// Swept is what Sweep took away.
type Swept struct {
	Blobs      int
	Tombstones int
	Mailboxes  int // those that a restore left behind
	Items      int // past their time in Recoverable Items
}

// tombstoneBatch is how many tombstones one transaction of a sweep deletes.
const tombstoneBatch = 2000

// sweepBatch is how many blobs one transaction of a sweep deletes.
const sweepBatch = 20

// Sweep deletes what is in Recoverable Items longer than its mailbox retains it,
// a batch at a time, the blobs that nothing has referred to for Options.BlobGrace, what
// broken-off uploads left, and tombstones older than Options.TombstoneRetention.
// It can run at any time beside everything else.
func (s *Store) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
	n, err := s.sweepDeleted(ctx)
	swept.Items = n
	if err != nil {
		return swept, fmt.Errorf("sweep recoverable items: %w", err)
	}
	for {
		n, err := s.sweepBlobs(ctx)
		swept.Blobs += n
		if err != nil {
			return swept, fmt.Errorf("sweep blobs: %w", err)
		}
		if n == 0 {
			break
		}
	}
	n, err = s.sweepMailboxes(ctx)
	swept.Mailboxes = n
	if err != nil {
		return swept, fmt.Errorf("sweep mailboxes: %w", err)
	}
	n, err = s.sweepTombstones(ctx)
	swept.Tombstones = n
	if err != nil {
		return swept, fmt.Errorf("sweep tombstones: %w", err)
	}
	return swept, nil
}

// sweepDeleted deletes items that came into Recoverable Items before what their mailbox retains.
func (s *Store) sweepDeleted(ctx context.Context) (sum int, err error) {
	list, err := s.Mailboxes(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range list {
		m, err := s.FindMailbox(ctx, id)
		if err != nil {
			return sum, err
		}
		cutoff := micros(s.opts.Now().Add(-cmp.Or(m.info.RetainDeleted, s.opts.DeletedRetention)))
		for done := batch; done == batch; sum += done {
			if done, err = m.purge(ctx, cutoff); err != nil {
				return sum, err
			}
		}
	}
	return sum, nil
}

// purge deletes at most a batch of what came into Recoverable Items before a time, the oldest first.
func (m *Mailbox) purge(ctx context.Context, cutoff int64) (done int, err error) {
	const old = " FROM item WHERE mailbox = $1 AND deleted_at < $2 ORDER BY deleted_at, id LIMIT $3"
	// A look before the lock: mostly there is nothing.
	rows, err := m.store.db.Query(ctx, "SELECT id"+old, m.id, cutoff, 1)
	if err != nil {
		return 0, err
	}
	some := rows.Next()
	if err := rows.Close(); err != nil || !some {
		return 0, err
	}
	err = m.write(ctx, func(w *writer) (err error) {
		done, err = w.deleteFound(HardDelete, old, m.id, cutoff, batch)
		return err
	})
	return done, err
}

func (s *Store) sweepBlobs(ctx context.Context) (n int, err error) {
	cutoff := micros(s.opts.Now().Add(-s.opts.BlobGrace))
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n = 0
		rows, err := tx.Query("SELECT mailbox, id FROM blob WHERE refs = 0 AND touched < $1 ORDER BY touched LIMIT $2", cutoff, sweepBatch)
		if err != nil {
			return err
		}
		var found [][2]int64
		for rows.Next() {
			var key [2]int64
			if err := rows.Scan(&key[0], &key[1]); err != nil {
				rows.Close()
				return err
			}
			found = append(found, key)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for _, key := range found {
			// Somebody may have referred to it since: the conditions decide again under the row's lock.
			result, err := tx.Exec("DELETE FROM blob WHERE mailbox = $1 AND id = $2 AND refs = 0 AND touched < $3", key[0], key[1], cutoff)
			if err != nil {
				return err
			}
			gone, err := result.RowsAffected()
			if err != nil || gone == 0 {
				continue
			}
			if _, err := tx.Exec("DELETE FROM chunk WHERE mailbox = $1 AND blob = $2", key[0], key[1]); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func (s *Store) sweepTombstones(ctx context.Context) (sum int, err error) {
	rows, err := s.db.Query(ctx, "SELECT mailbox, MAX(cn) FROM tombstone WHERE at < $1 GROUP BY mailbox", micros(s.opts.Now().Add(-s.opts.TombstoneRetention)))
	if err != nil {
		return 0, err
	}
	floors := map[int64]mapi.GlobCnt{}
	for rows.Next() {
		var mailbox int64
		var floor mapi.GlobCnt
		if err := rows.Scan(&mailbox, &floor); err != nil {
			rows.Close()
			return 0, err
		}
		floors[mailbox] = floor
	}
	if err := rows.Close(); err != nil {
		return 0, err
	}
	for mailbox, floor := range floors {
		for again := true; again; {
			var n int64
			err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
				// The floor is there before the first tombstone goes.
				if _, err := tx.Exec("UPDATE mailbox SET tombstone_floor = $2 WHERE id = $1 AND tombstone_floor < $2", mailbox, floor); err != nil {
					return err
				}
				result, err := tx.Exec("DELETE FROM tombstone WHERE mailbox = $1 AND cn <= (SELECT MAX(cn) FROM (SELECT cn FROM tombstone WHERE mailbox = $1 AND cn <= $2 ORDER BY cn LIMIT $3) piece)",
					mailbox, floor, tombstoneBatch)
				if err == nil {
					n, err = result.RowsAffected()
				}
				return err
			})
			if err != nil {
				return sum, err
			}
			sum += int(n)
			again = n >= tombstoneBatch
		}
	}
	return sum, nil
}
