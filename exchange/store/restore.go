package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// removedMailbox is the kind of a mailbox that nobody can open: one that a restore
// is still filling, or the one whose place it took. Sweep deletes it.
const removedMailbox MailboxKind = -1

// restorePatience is how long a restore may write nothing before Sweep takes it for broken off.
const restorePatience = time.Hour

// counterLeap is how far a restored mailbox's counter goes on where nobody knows
// what was given out since: an id must not come to name something else.
const counterLeap = 1 << 24

// Restore puts a mailbox of another store, opened by OpenSaved, in place of the
// one with the same GUID, or makes it. Everything is copied beside the living
// mailbox in small writes and takes its place in one: who is cut off half-way finds
// the mailbox as it was. Its epoch changes, so that clients start anew, its counter
// goes on, so that no id of before comes to name something else, its subscriptions
// end, and what waited to be sent is forgotten: it was sent since, or nobody knows. The rows that were there go with the next Sweep. rows is told
// how many were copied so far.
func (s *Store) Restore(ctx context.Context, from *Store, id guid.GUID, rows func(int)) error {
	if err := s.restore(ctx, from, id, rows); err != nil {
		return fmt.Errorf("restore mailbox %s: %w", id, err)
	}
	s.boxes.drop(id)
	s.hub.wake(id)
	return nil
}

func (s *Store) restore(ctx context.Context, from *Store, id guid.GUID, rows func(int)) error {
	saved, err := from.load(ctx, id)
	if err != nil {
		return err
	}
	tables, err := commonTables(ctx, from.db, s.db)
	if err != nil {
		return err
	}
	delete(tables, "subscription")
	delete(tables, "outgoing")
	var number int64
	for range 5 {
		// Two that create at once may take the same number; the later one tries again.
		if number, err = s.reserve(ctx, saved); !sqldb.IsUnique(err) {
			break
		}
	}
	if err != nil {
		return err
	}
	touch := func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE mailbox SET last_logon = $2 WHERE id = $1", number, micros(s.opts.Now()))
		return err
	}
	err = from.db.View(ctx, func(tx *sqldb.Tx) error {
		c := &copier{ctx: ctx, from: tx, to: s.db, number: number, touch: touch, told: rows}
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			if err := c.table(name, tables[name], " WHERE mailbox = $1", []any{saved.id}); err != nil {
				return err
			}
		}
		if err := c.flush(); err != nil {
			return err
		}
		return s.exchange(ctx, tx, saved, number)
	})
	if err != nil {
		// Nobody can open it; the sweep would come for it too.
		err = errors.Join(err, s.remove(context.WithoutCancel(ctx), number))
	}
	return err
}

// reserve makes the row of the mailbox to be filled, under a GUID that nobody asks for.
func (s *Store) reserve(ctx context.Context, saved *Mailbox) (number int64, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := tx.QueryRow("SELECT COALESCE(MAX(id), 0) + 1 FROM mailbox").Scan(&number); err != nil {
			return err
		}
		now := micros(s.opts.Now())
		_, err := tx.Exec(`INSERT INTO mailbox (id, guid, db_guid, mapping_signature, kind, owner_sid, legacy_dn, display_name, quota, size,
			next_counter, last_cn, epoch, tombstone_floor, created, last_logon) VALUES ($1, $2, $3, $4, $5, '', '', $6, 0, 0, 0, 0, 0, 0, $7, $7)`,
			number, column(guid.New()), column(saved.db), column(guid.New()), removedMailbox, clean(saved.info.DisplayName), now)
		return err
	})
	return number, err
}

// exchange gives the filled mailbox its row and its GUID and takes both from the one before.
func (s *Store) exchange(ctx context.Context, from *sqldb.Tx, saved *Mailbox, number int64) error {
	columns := []string{"db_guid", "mapping_signature", "kind", "owner_sid", "legacy_dn", "display_name", "size", "created", "warn_quota", "send_quota",
		"quota", "retain_deleted", "meeting_delivery", "epoch", "next_counter", "last_logon"}
	rows, err := from.Query("SELECT "+strings.Join(columns, ", ")+" FROM mailbox WHERE id = $1", saved.id)
	if err != nil {
		return err
	}
	if !rows.Next() {
		return errors.Join(ErrNotFound, rows.Err(), rows.Close())
	}
	values, err := scanRow(rows, len(columns))
	if err := errors.Join(err, rows.Close()); err != nil {
		return err
	}
	waited, err := outgoingContents(from, saved.id)
	if err != nil {
		return err
	}
	epochAt, counterAt := slices.Index(columns, "epoch"), slices.Index(columns, "next_counter")
	savedEpoch, _ := values[epochAt].(int64)
	savedCounter, _ := values[counterAt].(int64)
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		lock := "SELECT id, epoch, next_counter FROM mailbox WHERE guid = $1"
		if tx.Flavour() == sqldb.PostgreSQL {
			lock += " FOR UPDATE"
		}
		var old, epoch, counter int64
		err := noRow(tx.QueryRow(lock, column(saved.guid)).Scan(&old, &epoch, &counter))
		switch {
		case errors.Is(err, ErrNotFound):
			counter = savedCounter + counterLeap
		case err != nil:
			return err
		default:
			for _, table := range []string{"subscription", "outgoing"} {
				if _, err := tx.Exec("DELETE FROM "+table+" WHERE mailbox = $1", old); err != nil {
					return err
				}
			}
			if _, err := tx.Exec("UPDATE mailbox SET guid = $2, kind = $3, last_logon = 0 WHERE id = $1", old, column(guid.New()), removedMailbox); err != nil {
				return err
			}
		}
		values := slices.Clone(values)
		values[epochAt], values[counterAt] = max(epoch, savedEpoch)+1, max(counter, savedCounter)
		set := make([]string, len(columns))
		for i, name := range columns {
			set[i] = fmt.Sprintf("%s = $%d", name, i+3)
		}
		result, err := tx.Exec("UPDATE mailbox SET guid = $2, "+strings.Join(set, ", ")+" WHERE id = $1",
			append([]any{number, column(saved.guid)}, values...)...)
		if err == nil {
			_, err = tx.Exec("INSERT INTO search_pending (mailbox, item) SELECT mailbox, id FROM item WHERE mailbox = $1", number)
		}
		if err == nil {
			err = waited.release(tx, number)
		}
		if err == nil {
			// What was told up to here is no more to be asked for.
			_, err = tx.Exec("UPDATE mailbox SET last_cn = next_counter - 1, tombstone_floor = next_counter - 1 WHERE id = $1", number)
		}
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errors.New("the sweep took it away, nothing was written for too long"), err)
		}
		return nil
	})
}

// Renew makes clients of all mailboxes start anew, for a database that was put in
// place of a later one as a whole: epochs change, counters leap, subscriptions end.
func (s *Store) Renew(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		// The clock makes the epoch another one than a restore before this one gave.
		now := s.opts.Now().Unix()
		_, err := tx.Exec(`UPDATE mailbox SET epoch = CASE WHEN epoch < $1 THEN $1 ELSE epoch + 1 END, next_counter = next_counter + $2,
			last_cn = next_counter + $2 - 1, tombstone_floor = next_counter + $2 - 1`, now, counterLeap)
		if err == nil {
			_, err = tx.Exec("DELETE FROM subscription")
		}
		if err == nil {
			err = forgetOutgoing(tx)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("renew mailboxes: %w", err)
	}
	return nil
}

// drop forgets an open mailbox.
func (b *boxes) drop(id guid.GUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, id)
}

// sweepMailboxes deletes mailboxes whose place a restored one took, and restores that were broken off.
func (s *Store) sweepMailboxes(ctx context.Context) (n int, err error) {
	rows, err := s.db.Query(ctx, "SELECT id FROM mailbox WHERE kind = $1 AND last_logon < $2", removedMailbox, micros(s.opts.Now().Add(-restorePatience)))
	if err != nil {
		return 0, err
	}
	var list []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return 0, err
		}
		list = append(list, id)
	}
	if err := rows.Close(); err != nil {
		return 0, err
	}
	for _, id := range list {
		if err := s.remove(ctx, id); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// sweptBy names the column behind the mailbox's number by which a long table is
// deleted in pieces, and how many rows make one.
var sweptBy = map[string]struct {
	column string
	rows   int
}{"chunk": {"blob", sweepBatch}, "item": {"id", batch}, "recipient": {"item", batch}, "attachment": {"item", batch}, "blob": {"id", batch}, "tombstone": {"cn", batch},
	"item_search": {"item", batch}, "search_pending": {"item", batch}, "search_member": {"id", batch}}

// remove deletes the rows of a removed mailbox, its own row last.
func (s *Store) remove(ctx context.Context, number int64) error {
	tables, err := s.db.Tables(ctx, "mailbox")
	if err == nil && s.db.Flavour() == sqldb.SQLite {
		err = s.removeIndex(ctx, number)
	}
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		by, long := sweptBy[name]
		for again := true; again; {
			err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
				again = false
				if !long {
					_, err := tx.Exec("DELETE FROM "+name+" WHERE mailbox = $1", number)
					return err
				}
				var upTo mapi.GlobCnt
				last := fmt.Sprintf("SELECT MAX(%[1]s) FROM (SELECT %[1]s FROM %[2]s WHERE mailbox = $1 ORDER BY %[1]s LIMIT %[3]d) piece", by.column, name, by.rows)
				var found *int64
				if err := tx.QueryRow(last, number).Scan(&found); err != nil || found == nil {
					return err
				}
				upTo, again = mapi.GlobCnt(*found), true
				_, err := tx.Exec("DELETE FROM "+name+" WHERE mailbox = $1 AND "+by.column+" <= $2", number, upTo)
				return err
			})
			if err != nil {
				return fmt.Errorf("delete from %s: %w", name, err)
			}
		}
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("DELETE FROM mailbox WHERE id = $1 AND kind = $2", number, removedMailbox)
		return err
	})
}
