package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// SubscriptionKind is how a subscriber hears of events.
type SubscriptionKind int

// The kinds of subscription.
const (
	Pull SubscriptionKind = iota
	Push
	Streaming
)

// Subscription is a wish to hear of events that outlives a connection: a row, so
// that every server can go on with it, after a restart too.
type Subscription struct {
	ID      string // made by AddSubscription
	SID     string // whose it is
	Kind    SubscriptionKind
	Folders []FolderID // nil is all
	Events  uint64     // bits of the door's own event types
	Mark    mapi.GlobCnt
	Life    time.Duration // how long it lives after each look
	// Of push notifications: where they go, what the subscriber calls itself, and how
	// often it is told that nothing happened.
	URL        string
	CallerData string
	Frequency  time.Duration
}

// MaxSubscriptions is how many live subscriptions a mailbox has at most, and
// MaxSubscribedFolders how many folders one of them names.
const (
	MaxSubscriptions     = 5000
	MaxSubscribedFolders = 1000
)

// AddSubscription keeps a subscription and sets its ID. More than MaxSubscriptions
// is ErrTooMany; a folder that is not there is ErrNotFound.
func (m *Mailbox) AddSubscription(ctx context.Context, s *Subscription) error {
	m, e, err := m.subscriberGate(ctx, s.SID)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if len(s.Folders) > MaxSubscribedFolders {
		return fmt.Errorf("subscribe: %d folders: %w", len(s.Folders), ErrTooMany)
	}
	var folders []byte
	for _, id := range s.Folders {
		_, err := m.Folder(ctx, id)
		if err == nil && e.of(id.Folder)&RightFolderVisible == 0 {
			err = fmt.Errorf("%v: %w", id, ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		n := id.Folder.Bytes()
		folders = append(folders, n[:]...)
	}
	s.ID = rand.Text()
	err = m.store.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := m.store.opts.Now()
		if _, err := tx.Exec("DELETE FROM subscription WHERE mailbox = $1 AND expires <= $2", m.id, micros(now)); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM subscription WHERE mailbox = $1", m.id).Scan(&n); err != nil {
			return err
		}
		if n >= MaxSubscriptions {
			return ErrTooMany
		}
		var due any
		if s.Kind == Push {
			due = micros(now) // the subscriber hears at once that it is heard
		}
		_, err := tx.Exec(`INSERT INTO subscription (mailbox, id, sid, kind, folders, events, watermark, expires, props, url, caller_data, frequency, due)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			m.id, s.ID, s.SID, s.Kind, append([]byte{}, folders...), int64(s.Events), s.Mark, micros(now.Add(s.Life)), binary.BigEndian.AppendUint64(nil, uint64(s.Life)),
			clean(s.URL), clean(s.CallerData), s.Frequency.Microseconds(), due)
		return err
	})
	if err != nil {
		return fmt.Errorf("subscribe to mailbox %s: %w", m.guid, err)
	}
	return nil
}

// Subscription returns a subscription that has not ended; ErrNotFound else.
func (m *Mailbox) Subscription(ctx context.Context, id string) (*Subscription, error) {
	s := &Subscription{ID: id}
	sid := m.Viewer()
	m, _, err := m.everywhereGate(ctx)
	if err == nil && clean(id) != id {
		err = ErrNotFound // no row has such an id
	}
	if err != nil {
		return nil, fmt.Errorf("subscription: %w", err)
	}
	var folders, life []byte
	var events, frequency int64
	err = m.store.db.QueryRow(ctx, "SELECT sid, kind, folders, events, watermark, props, url, caller_data, frequency FROM subscription WHERE mailbox = $1 AND id = $2 AND expires > $3",
		m.id, clean(id), micros(m.store.opts.Now())).Scan(&s.SID, &s.Kind, &folders, &events, &s.Mark, &life, &s.URL, &s.CallerData, &frequency)
	if err != nil {
		return nil, fmt.Errorf("subscription: %w", noRow(err))
	}
	if sid != "" && sidKey(s.SID) != sid {
		return nil, fmt.Errorf("subscription: %w", ErrNotFound)
	}
	if len(life) != 8 {
		return nil, fmt.Errorf("subscription %s has %d octets of life, want 8", id, len(life))
	}
	s.Events, s.Life = uint64(events), time.Duration(binary.BigEndian.Uint64(life))
	s.Frequency = time.Duration(frequency) * time.Microsecond
	for ; len(folders) >= 6; folders = folders[6:] {
		s.Folders = append(s.Folders, FolderID{m.guid, mapi.GlobCntFrom([6]byte(folders[:6]))})
	}
	return s, nil
}

// KeepSubscription notes how far a subscriber has heard (s.Mark): the subscription
// lives for its Life from now, and for as long as a connection stays open beside.
func (m *Mailbox) KeepSubscription(ctx context.Context, s *Subscription, open time.Duration) error {
	m, _, err := m.subscriberGate(ctx, s.SID)
	if err != nil {
		return fmt.Errorf("keep subscription: %w", err)
	}
	expires := m.store.opts.Now().Add(s.Life + open)
	err = m.store.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE subscription SET watermark = $3, expires = $4 WHERE mailbox = $1 AND id = $2", m.id, s.ID, s.Mark, micros(expires))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep subscription: %w", err)
	}
	return nil
}

// RemoveSubscription ends a subscription; ErrNotFound when there is none.
func (m *Mailbox) RemoveSubscription(ctx context.Context, id string) error {
	if m.viewer != nil {
		if _, err := m.Subscription(ctx, id); err != nil {
			return err
		}
		m = m.itself()
	}
	err := m.store.db.Write(ctx, func(tx *sqldb.Tx) error {
		result, err := tx.Exec("DELETE FROM subscription WHERE mailbox = $1 AND id = $2", m.id, clean(id))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return ErrNotFound
	})
	if err != nil {
		return fmt.Errorf("end subscription: %w", err)
	}
	return nil
}
