package store

import (
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
}

// sweepBatch is how many blobs one transaction of a sweep deletes.
const sweepBatch = 20

// Sweep deletes the blobs that nothing has referred to for Options.BlobGrace, what
// broken-off uploads left, and tombstones older than Options.TombstoneRetention.
// It can run at any time beside everything else.
func (s *Store) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
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
	n, err := s.sweepMailboxes(ctx)
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
		var n int64
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			if _, err := tx.Exec("UPDATE mailbox SET tombstone_floor = $2 WHERE id = $1 AND tombstone_floor < $2", mailbox, floor); err != nil {
				return err
			}
			result, err := tx.Exec("DELETE FROM tombstone WHERE mailbox = $1 AND cn <= $2", mailbox, floor)
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		})
		if err != nil {
			return sum, err
		}
		sum += int(n)
	}
	return sum, nil
}
