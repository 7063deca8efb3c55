package store

import (
	"context"
	"fmt"

	"hma/internal/sqldb"
)

// Delegate is somebody who acts for the mailbox's owner (MS-OXODLGT): what is not in
// the permissions of folders.
type Delegate struct {
	SID           string // in capitals
	MeetingCopies bool   // gets copies of meeting messages that come for the owner
	ViewPrivate   bool   // sees the owner's private items in folders that they may read
}

// MeetingDelivery is who gets meeting requests that come for an owner with
// delegates (MS-OXWSDLGM 2.2.5.1, DeliverMeetingRequestsType).
type MeetingDelivery int

// The ways of meeting requests.
const (
	DelegatesAndSendInformationToMe MeetingDelivery = iota // delegates; the owner to look at
	DelegatesOnly
	DelegatesAndMe
	NoForward // the owner alone
)

// Delegates are a mailbox's delegates and where its meeting requests go.
type Delegates struct {
	List     []Delegate // in the order of their SIDs
	Delivery MeetingDelivery
}

// MaxDelegates is how many delegates a mailbox has at most.
const MaxDelegates = 500

// Delegates returns the mailbox's delegates.
func (m *Mailbox) Delegates(ctx context.Context) (d *Delegates, err error) {
	if m, err = m.wholeGate(); err != nil {
		return nil, err
	}
	err = m.store.db.View(ctx, func(tx *sqldb.Tx) (err error) {
		d, err = m.delegates(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("delegates of mailbox %s: %w", m.guid, err)
	}
	return d, nil
}

func (m *Mailbox) delegates(tx *sqldb.Tx) (*Delegates, error) {
	d := &Delegates{}
	if err := tx.QueryRow("SELECT meeting_delivery FROM mailbox WHERE id = $1", m.id).Scan(&d.Delivery); err != nil {
		return nil, noRow(err)
	}
	rows, err := tx.Query("SELECT sid, meeting_copies, view_private FROM delegate WHERE mailbox = $1 ORDER BY sid", m.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one Delegate
		if err := rows.Scan(&one.SID, &one.MeetingCopies, &one.ViewPrivate); err != nil {
			return nil, err
		}
		d.List = append(d.List, one)
	}
	return d, rows.Err()
}

// UpdateDelegates changes the mailbox's delegates in one step; change may run more
// than once, and its error is returned. Two of one SID are ErrExists.
func (m *Mailbox) UpdateDelegates(ctx context.Context, change func(*Delegates) error) error {
	m, err := m.wholeGate()
	if err != nil {
		return err
	}
	err = m.store.db.Write(ctx, func(tx *sqldb.Tx) error {
		d, err := m.delegates(tx)
		if err != nil {
			return err
		}
		if err := change(d); err != nil {
			return err
		}
		if len(d.List) > MaxDelegates {
			return fmt.Errorf("%d delegates, want at most %d: %w", len(d.List), MaxDelegates, ErrTooMany)
		}
		if _, err := tx.Exec("UPDATE mailbox SET meeting_delivery = $2 WHERE id = $1", m.id, d.Delivery); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM delegate WHERE mailbox = $1", m.id); err != nil {
			return err
		}
		for _, one := range d.List {
			added, err := tx.Exec("INSERT INTO delegate (mailbox, sid, meeting_copies, view_private) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
				m.id, sidKey(one.SID), number(one.MeetingCopies), number(one.ViewPrivate))
			if err != nil {
				return err
			}
			if n, err := added.RowsAffected(); err != nil || n == 0 {
				return fmt.Errorf("delegate %s: %w", one.SID, ErrExists)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delegates of mailbox %s: %w", m.guid, err)
	}
	return nil
}
