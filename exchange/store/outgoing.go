package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// What a mailbox sends, because its owner, a rule or a setting says so, is written
// with the item that is the reason, in one transaction, a row for each recipient.
// A row goes in the transaction that puts the message into the recipient's mailbox:
// a crash at any moment loses nothing and sends nothing twice, and any server can go on.

// OutgoingKind is why something is sent.
type OutgoingKind int

// The kinds of outgoing message.
const (
	OutgoingForward         OutgoingKind = iota // a rule says so
	OutgoingOofReply                            // once for a sender in a period, see SetOof
	OutgoingMember                              // to a member of a group, which was spread already
	OutgoingDelivered                           // the message has arrived
	OutgoingRead                                // it was read, or
	OutgoingNotRead                             // deleted unread: the message is made of Props
	OutgoingDelegate                            // a meeting message that came, to a delegate of the mailbox's owner
	OutgoingSubmitted                           // what the owner sends, or
	OutgoingSubmittedMember                     // to a member of a group
	OutgoingReport                              // that it did not arrive, to the owner
)

// Outgoing is a message to one recipient that waits to be sent.
type Outgoing struct {
	Mailbox  guid.GUID    // whose it is; set by the store, as is ID
	ID       mapi.GlobCnt // names it in the mailbox for ever
	Kind     OutgoingKind
	From, To string // reverse path and recipient
	SID      string // of who sends it, "" for nobody
	// The message is Head, then the content of Message from the octet Skip on.
	Head    []byte
	Message mapi.Blob
	Skip    int64
	Props   mapi.Bag // what a message without content is made of
	// Contents are short contents to be written with it, as NewItem has them.
	Contents Contents
	Attempts int // so far
}

// outgoingLease is how long who wrote or took a row has to send it before somebody else tries.
const outgoingLease = time.Minute

// Delivery is what Deliver does in one write.
type Delivery struct {
	Items []NewItem
	// Send is what is sent on because of it.
	Send []Outgoing
	// Sent is what arrives here, or what a report is about, and then waits no longer: all
	// of one mailbox. Nil when nothing waited.
	Sent []*Outgoing
}

// Deliver creates items, all or none, and writes what is to be sent because of
// them. It returns that with the numbers it got; an out-of-office reply to who was
// told already is left out. What is returned is the caller's to send within a
// minute. Sent that is gone is ErrSent, and nothing was done.
func (m *Mailbox) Deliver(ctx context.Context, d Delivery) (stamps []Stamp, waiting []Outgoing, err error) {
	if _, err := m.wholeGate(); err != nil {
		return nil, nil, fmt.Errorf("deliver: %w", err)
	}
	stamps, err = m.createItems(ctx, d.Items, d.locks(m), func(w *writer) error {
		waiting = nil
		for _, o := range d.Sent {
			if err := w.endOutgoing(o); err != nil {
				return err
			}
		}
		for _, o := range d.Send {
			if o.Kind == OutgoingOofReply {
				first, err := w.tellOof(o.To)
				if err != nil {
					return err
				}
				if !first {
					continue
				}
			}
			if err := w.putContents(o.Contents); err != nil {
				return err
			}
			if err := w.putOutgoing(&o, w.now.Add(outgoingLease)); err != nil {
				return err
			}
			waiting = append(waiting, o)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return stamps, waiting, nil
}

// locks returns what takes the locks of both mailboxes that a delivery into m writes to,
// in the order of writeIn: two that send each other mail do not wait for each other.
func (d *Delivery) locks(m *Mailbox) func(*sqldb.Tx) error {
	if len(d.Sent) == 0 || d.Sent[0].Mailbox == m.guid || m.store.db.Flavour() != sqldb.PostgreSQL {
		return nil
	}
	return func(tx *sqldb.Tx) error {
		_, err := tx.Exec("SELECT id FROM mailbox WHERE guid IN ($1, $2) ORDER BY id FOR UPDATE", column(m.guid), column(d.Sent[0].Mailbox))
		return err
	}
}

// putOutgoing writes a row, to be tried from a time on.
func (w *writer) putOutgoing(o *Outgoing, due time.Time) error {
	o.Mailbox, o.ID, o.Attempts = w.m.guid, w.number(), 0
	var hash any
	if !o.Message.IsZero() {
		hash = o.Message.Hash[:]
	}
	props, err := packBag(o.Props)
	if err != nil {
		return err
	}
	w.refer(o.Message, 1)
	w.sends = w.sends || !due.After(w.now)
	_, err = w.Exec(`INSERT INTO outgoing (mailbox, id, kind, reverse_path, recipient, sid, head, blob_hash, blob_size, blob_skip, props, attempts, due)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12)`,
		w.m.id, o.ID, o.Kind, clean(o.From), clean(o.To), o.SID, append([]byte{}, o.Head...), hash, o.Message.Size, o.Skip, props, micros(due))
	if err != nil {
		return fmt.Errorf("write outgoing message: %w", err)
	}
	return nil
}

// endOutgoing deletes a row of any mailbox.
func (w *writer) endOutgoing(o *Outgoing) error { return endOutgoing(w.Tx, o, w.now) }

func endOutgoing(tx *sqldb.Tx, o *Outgoing, now time.Time) error {
	lock := "SELECT id FROM mailbox WHERE guid = $1"
	if tx.Flavour() == sqldb.PostgreSQL {
		lock += " FOR UPDATE" // as every write to the mailbox does
	}
	var mailbox int64
	if err := noRow(tx.QueryRow(lock, column(o.Mailbox)).Scan(&mailbox)); errors.Is(err, ErrNotFound) {
		return ErrSent // a restore took the mailbox's place
	} else if err != nil {
		return err
	}
	result, err := tx.Exec("DELETE FROM outgoing WHERE mailbox = $1 AND id = $2", mailbox, o.ID)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return ErrSent
	}
	if o.Message.IsZero() {
		return nil
	}
	_, err = tx.Exec("UPDATE blob SET refs = refs - 1, touched = $3 WHERE mailbox = $1 AND hash = $2", mailbox, o.Message.Hash[:], micros(now))
	return err
}

// forgetOutgoing deletes what waits in all mailboxes: what a restore brings back was
// sent since, or nobody knows.
func forgetOutgoing(tx *sqldb.Tx) error {
	_, err := tx.Exec(`UPDATE blob SET refs = refs - (SELECT COUNT(*) FROM outgoing o WHERE o.mailbox = blob.mailbox AND o.blob_hash = blob.hash)
		WHERE (mailbox, hash) IN (SELECT mailbox, blob_hash FROM outgoing WHERE blob_hash IS NOT NULL)`)
	if err == nil {
		_, err = tx.Exec("DELETE FROM outgoing")
	}
	return err
}

// references are how often something refers to a content, by its hash.
type references map[[32]byte]int64

// outgoingContents returns what refers to contents because it waits in a mailbox.
func outgoingContents(q querier, mailbox int64) (references, error) {
	rows, err := q.Query("SELECT blob_hash, COUNT(*) FROM outgoing WHERE mailbox = $1 AND blob_hash IS NOT NULL GROUP BY blob_hash", mailbox)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := references{}
	for rows.Next() {
		var hash []byte
		var n int64
		if err := rows.Scan(&hash, &n); err != nil {
			return nil, err
		}
		if len(hash) == 32 {
			found[[32]byte(hash)] = n
		}
	}
	return found, rows.Err()
}

// release takes the references away.
func (r references) release(tx *sqldb.Tx, mailbox int64) error {
	for hash, n := range r {
		if _, err := tx.Exec("UPDATE blob SET refs = refs - $3 WHERE mailbox = $1 AND hash = $2", mailbox, hash[:], n); err != nil {
			return err
		}
	}
	return nil
}

// TakeOutgoing returns at most limit messages that wait for longer than who wrote
// or took them was given to send them; they are the caller's for a minute. next is
// when the next one comes to that, zero for none.
func (s *Store) TakeOutgoing(ctx context.Context, limit int) (list []*Outgoing, next time.Time, err error) {
	now := s.opts.Now()
	rows, err := s.db.Query(ctx, outgoingDue, micros(now), limit)
	if err == nil {
		list, err = scanOutgoing(rows)
	}
	if err == nil && len(list) == 0 {
		var due *int64
		if err = s.db.QueryRow(ctx, "SELECT MIN(due) FROM outgoing").Scan(&due); err == nil && due != nil {
			next = fromMicros(*due)
		}
		return nil, next, wrapOutgoing(err)
	}
	var mine []*Outgoing
	if err == nil {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			mine = nil
			for _, o := range list {
				// Another server may have been faster.
				result, err := tx.Exec(`UPDATE outgoing SET due = $3, attempts = attempts + 1
					WHERE mailbox = (SELECT id FROM mailbox WHERE guid = $1) AND id = $2 AND due <= $4`, column(o.Mailbox), o.ID, micros(now.Add(outgoingLease)), micros(now))
				if err != nil {
					return err
				}
				if n, err := result.RowsAffected(); err != nil {
					return err
				} else if n == 1 {
					mine = append(mine, o)
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, next, wrapOutgoing(err)
	}
	return mine, now, nil
}

// outgoingDue is by the time alone: a scalar keeps databases from going mailbox by mailbox.
const outgoingDue = `SELECT (SELECT m.guid FROM mailbox m WHERE m.id = o.mailbox), o.id, o.kind, o.reverse_path, o.recipient, o.sid, o.head, o.blob_hash, o.blob_size, o.blob_skip, o.props, o.attempts
	FROM outgoing o WHERE o.due <= $1 ORDER BY o.due LIMIT $2`

func scanOutgoing(rows *sqldb.Rows) (list []*Outgoing, err error) {
	defer rows.Close()
	for rows.Next() {
		o := &Outgoing{}
		var id string
		var hash, props []byte
		if err := rows.Scan(&id, &o.ID, &o.Kind, &o.From, &o.To, &o.SID, &o.Head, &hash, &o.Message.Size, &o.Skip, &props, &o.Attempts); err != nil {
			return nil, err
		}
		if o.Props, err = mapi.DecodeBag(props); err != nil {
			return nil, err
		}
		if o.Mailbox, err = guid.Parse(id); err != nil {
			return nil, err
		}
		if len(hash) == len(o.Message.Hash) {
			o.Message.Hash = [32]byte(hash)
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

func wrapOutgoing(err error) error {
	if err != nil {
		return fmt.Errorf("outgoing messages: %w", err)
	}
	return nil
}

// PutOffOutgoing has a message tried again from a time on; one that is gone is no error.
func (s *Store) PutOffOutgoing(ctx context.Context, o *Outgoing, until time.Time) error {
	return wrapOutgoing(s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE outgoing SET due = $3 WHERE mailbox = (SELECT id FROM mailbox WHERE guid = $1) AND id = $2", column(o.Mailbox), o.ID, micros(until))
		return err
	}))
}

// SpreadOutgoing puts recipients in the place of one: the members of a group, none
// for a message that nobody is to get. The new rows are due at once. ErrSent when it is gone.
func (m *Mailbox) SpreadOutgoing(ctx context.Context, o *Outgoing, to []string) error {
	m, err := m.wholeGate()
	if err != nil {
		return err
	}
	return wrapOutgoing(m.write(ctx, func(w *writer) error {
		if err := w.endOutgoing(o); err != nil {
			return err
		}
		for _, address := range to {
			one := *o
			one.Kind, one.To = OutgoingMember, address
			if err := w.putOutgoing(&one, w.now); err != nil {
				return err
			}
		}
		return nil
	}))
}

// outgoingIdle is how often somebody who waits looks for what other servers wrote.
const outgoingIdle = 30 * time.Second

// AwaitOutgoing waits until there may be something to send: something was written
// here, the time next has come, or a while went by.
func (s *Store) AwaitOutgoing(ctx context.Context, next time.Time) {
	wait := outgoingIdle
	if !next.IsZero() {
		wait = min(wait, max(next.Sub(s.opts.Now()), 0)+time.Millisecond)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.outgoing:
	case <-timer.C:
	}
}
