package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"hma/internal/sqldb"
	"hma/wire/mapi"
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
	// Grants is for a change alone, which is made with them in one step: what people
	// may do in folders from now on.
	Grants []Grant
}

// Grant is what a person may do in a folder; with no rights the person has no row
// in the folder's permission table.
type Grant struct {
	SID    string
	Folder FolderID
	Rights Rights
}

// Find returns the delegate with the SID, nil for none.
func (d *Delegates) Find(sid string) *Delegate {
	for i := range d.List {
		if d.List[i].SID == sidKey(sid) {
			return &d.List[i]
		}
	}
	return nil
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
	err = m.write(ctx, func(w *writer) error {
		d, err := m.delegates(w.Tx)
		if err != nil {
			return err
		}
		if err := change(d); err != nil {
			return err
		}
		if len(d.List) > MaxDelegates {
			return fmt.Errorf("%d delegates, want at most %d: %w", len(d.List), MaxDelegates, ErrTooMany)
		}
		if _, err := w.Exec("UPDATE mailbox SET meeting_delivery = $2 WHERE id = $1", m.id, d.Delivery); err != nil {
			return err
		}
		if _, err := w.Exec("DELETE FROM delegate WHERE mailbox = $1", m.id); err != nil {
			return err
		}
		for _, one := range d.List {
			added, err := w.Exec("INSERT INTO delegate (mailbox, sid, meeting_copies, view_private) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
				m.id, sidKey(one.SID), number(one.MeetingCopies), number(one.ViewPrivate))
			if err != nil {
				return err
			}
			if n, err := added.RowsAffected(); err != nil || n == 0 {
				return fmt.Errorf("delegate %s: %w", one.SID, ErrExists)
			}
		}
		return w.grant(d.Grants)
	})
	if err != nil {
		return fmt.Errorf("delegates of mailbox %s: %w", m.guid, err)
	}
	return nil
}

// grant writes grants into the permission tables of their folders, each of which is changed once.
func (w *writer) grant(list []Grant) error {
	touched := map[mapi.GlobCnt]bool{}
	for _, g := range list {
		if g.SID == "" || g.Rights&^(AllRights|RightFreeBusySimple|RightFreeBusyDetailed) != 0 {
			return ErrInvalid
		}
		if err := w.m.own(g.Folder); err != nil {
			return err
		}
		fid := g.Folder.Folder
		if _, err := w.Exec("DELETE FROM permission WHERE mailbox = $1 AND fid = $2 AND member = $3", w.m.id, fid, sidKey(g.SID)); err != nil {
			return err
		}
		if g.Rights != 0 {
			if _, err := w.Exec("INSERT INTO permission (mailbox, fid, member, rights) VALUES ($1, $2, $3, $4)", w.m.id, fid, sidKey(g.SID), g.Rights); err != nil {
				return err
			}
		}
		touched[fid] = true
	}
	for _, fid := range slices.Sorted(maps.Keys(touched)) {
		f, err := w.m.folder(w, fid)
		if err != nil {
			return err
		}
		var rows int
		if err := w.QueryRow("SELECT COUNT(*) FROM permission WHERE mailbox = $1 AND fid = $2", w.m.id, fid).Scan(&rows); err != nil {
			return err
		}
		if rows > MaxPermissions {
			return fmt.Errorf("%d permissions of %v: %w", rows, f.ID, ErrTooMany)
		}
		if err := w.touchFolder(f); err != nil {
			return err
		}
	}
	return nil
}
