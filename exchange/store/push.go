package store

import (
	"context"
	"fmt"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// A subscription for push notifications is told of what happened, and at the latest
// after its Frequency that nothing did. Whoever takes it has a while to tell: until
// then, and until the subscriber answers again, it counts as failing, and changes
// of the mailbox make it due no more.

// pushLease is how long who took a subscription has to tell the subscriber.
const pushLease = time.Minute

// Pushed is a subscription for push notifications that is due.
type Pushed struct {
	*Subscription
	Mailbox guid.GUID
	// Due is when the subscriber is told of something, be it nothing: until then a change
	// of the mailbox that is none of its wishes can be passed over.
	Due time.Time
	// Until is how long the subscription is the caller's: then anybody takes it again.
	Until time.Time
	// Failing is since when the subscriber has not answered: the zero time when this is the
	// first try, and a time to come when the tries before were put off.
	Failing time.Time
}

// TakePushed returns at most limit subscriptions that are due: they have not been told
// of a change of their mailbox, or were not told anything for their Frequency. They are
// the caller's for a minute. next is when the next one is due without a change, zero for never.
func (s *Store) TakePushed(ctx context.Context, limit int) (list []*Pushed, next time.Time, err error) {
	now := micros(s.opts.Now())
	type place struct {
		mailbox int64
		guid    guid.GUID
		id      string
		due     int64
		failing *int64
	}
	var found []place
	err = s.eachRow(ctx, func(scan func(...any) error) error {
		var p place
		var g string
		err := scan(&p.mailbox, &g, &p.id, &p.due, &p.failing)
		if err == nil {
			p.guid, err = guid.Parse(g)
		}
		found = append(found, p)
		return err
	}, `SELECT s.mailbox, m.guid, s.id, s.due, s.failing FROM subscription s JOIN mailbox m ON m.id = s.mailbox
		WHERE s.due IS NOT NULL AND s.expires > $1 AND (s.due <= $1 OR s.failing IS NULL AND m.last_cn > s.watermark) ORDER BY s.due LIMIT $2`, now, limit)
	if err == nil && len(found) == 0 {
		var due *int64
		if err = s.db.QueryRow(ctx, "SELECT MIN(due) FROM subscription WHERE due IS NOT NULL AND expires > $1", now).Scan(&due); err == nil && due != nil {
			next = fromMicros(*due)
		}
	}
	for _, p := range found {
		if err != nil {
			break
		}
		var mine bool
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			// Another server may have been faster.
			result, err := tx.Exec("UPDATE subscription SET due = $3, failing = COALESCE(failing, $4) WHERE mailbox = $1 AND id = $2 AND due = $5",
				p.mailbox, p.id, now+pushLease.Microseconds(), now, p.due)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			mine = n == 1
			return err
		})
		if err != nil || !mine {
			continue
		}
		o := &Pushed{Mailbox: p.guid, Due: fromMicros(p.due), Until: fromMicros(now + pushLease.Microseconds())}
		if p.failing != nil {
			o.Failing = fromMicros(*p.failing)
		}
		var m *Mailbox
		if m, err = s.FindMailbox(ctx, p.guid); err == nil {
			o.Subscription, err = m.Subscription(ctx, p.id)
		}
		if err == nil {
			list = append(list, o)
		}
	}
	if err != nil {
		return nil, next, fmt.Errorf("push notifications: %w", err)
	}
	return list, next, nil
}

// PushedMailboxes returns the mailboxes that push notifications are about.
func (s *Store) PushedMailboxes(ctx context.Context) ([]guid.GUID, error) {
	list, err := scanGUIDs(s.db.Query(ctx, `SELECT DISTINCT m.guid FROM subscription s JOIN mailbox m ON m.id = s.mailbox
		WHERE s.due IS NOT NULL AND s.expires > $1`, micros(s.opts.Now())))
	if err != nil {
		return nil, fmt.Errorf("push notifications: %w", err)
	}
	return list, nil
}

// KeepPushed notes what became of a try: told, up to s.Mark, or with failing to be
// tried again. Either way it is due at a time.
func (s *Store) KeepPushed(ctx context.Context, p *Pushed, failing bool, due time.Time) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		const where = " WHERE mailbox = (SELECT id FROM mailbox WHERE guid = $1) AND id = $2"
		if failing {
			_, err := tx.Exec("UPDATE subscription SET due = $3"+where, column(p.Mailbox), p.ID, micros(due))
			return err
		}
		_, err := tx.Exec("UPDATE subscription SET watermark = $3, due = $4, failing = NULL, expires = $5"+where,
			column(p.Mailbox), p.ID, p.Mark, micros(due), micros(s.opts.Now().Add(p.Life)))
		return err
	})
	if err != nil {
		return fmt.Errorf("push notifications: %w", err)
	}
	return nil
}

// DeferPushed puts off a subscription that is still the caller's and whose subscriber was
// not asked: it is due at a time, and who had not failed before has not failed now.
func (s *Store) DeferPushed(ctx context.Context, p *Pushed, due time.Time) error {
	failing := p.Failing
	if failing.IsZero() || failing.After(s.opts.Now()) {
		failing = due.Add(pushLease) // behind the next try, and not NULL, which is due with any change
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE subscription SET due = $3, failing = $4 WHERE mailbox = (SELECT id FROM mailbox WHERE guid = $1) AND id = $2 AND due = $5",
			column(p.Mailbox), p.ID, micros(due), micros(failing), micros(p.Until))
		return err
	})
	if err != nil {
		return fmt.Errorf("push notifications: %w", err)
	}
	return nil
}

// EndPushed ends a subscription; one that is gone is no error.
func (s *Store) EndPushed(ctx context.Context, p *Pushed) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("DELETE FROM subscription WHERE mailbox = (SELECT id FROM mailbox WHERE guid = $1) AND id = $2", column(p.Mailbox), p.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("push notifications: %w", err)
	}
	return nil
}

// eachRow runs a query and gives each of its rows to fn.
func (s *Store) eachRow(ctx context.Context, fn func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
