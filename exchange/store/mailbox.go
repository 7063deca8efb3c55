package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// MailboxInfo is what the directory knows of a mailbox.
type MailboxInfo struct {
	OwnerSID    string // who may do everything in it
	LegacyDN    string // for entry ids and recipient tables
	DisplayName string
	Kind        MailboxKind
	// The sizes in bytes, Recoverable Items left out, at which the mailbox is warned,
	// may send no more, and takes nothing in any more (ErrQuota); 0 is no limit.
	WarnQuota, SendQuota, Quota int64
	// RetainDeleted is how long Recoverable Items keep what was deleted; Options.DeletedRetention when zero.
	RetainDeleted time.Duration
}

// MailboxKind is what sort of mailbox it is.
type MailboxKind int

// The kinds of mailbox.
const (
	UserMailbox MailboxKind = iota
	SharedMailbox
	PublicFolderMailbox
)

// Mailbox is one open mailbox. It holds no connection and need not be closed.
type Mailbox struct {
	store  *Store
	id     int64 // the mailbox's number, first in every key
	guid   guid.GUID
	db     guid.GUID // replica GUID of the ids that this mailbox mints
	info   MailboxInfo
	names  *names
	viewer *viewer       // of somebody who is not the owner, see As
	sight  *sight        // inside one call for such a person: which items there are
	logon  *atomic.Int64 // when LoggedOn last noted it
}

// boxes keeps the mailboxes that were opened, so that a request costs no query.
type boxes struct {
	mu   sync.RWMutex
	open map[guid.GUID]*Mailbox
}

// maxBoxes bounds the kept mailboxes; one takes a few hundred bytes and its named properties.
const maxBoxes = 10_000

func (b *boxes) get(id guid.GUID) *Mailbox {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.open[id]
}

func (b *boxes) put(m *Mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil || len(b.open) >= maxBoxes {
		b.open = map[guid.GUID]*Mailbox{}
	}
	b.open[m.guid] = m
}

// GUID returns the mailbox's GUID.
func (m *Mailbox) GUID() guid.GUID { return m.guid }

// DatabaseGUID returns the replica GUID of the ids that the mailbox mints (replid 1).
func (m *Mailbox) DatabaseGUID() guid.GUID { return m.db }

// Info returns what the directory said when the mailbox was last opened.
func (m *Mailbox) Info() MailboxInfo { return m.info }

// OpenMailbox returns the mailbox with the GUID; the first call creates it with
// its distinguished folders, later ones take up what changed in info: every caller
// should make it of the same record. The caller acts as the server: use As to act
// for a person.
func (s *Store) OpenMailbox(ctx context.Context, id guid.GUID, info MailboxInfo) (*Mailbox, error) {
	if m := s.boxes.get(id); m != nil && m.info == info {
		return m, nil
	}
	if id.IsNil() {
		return nil, fmt.Errorf("open mailbox: no GUID: %w", ErrInvalid)
	}
	var err error
	for range 5 {
		// Two that create at once may take the same number; the later one tries again.
		if err = s.establish(ctx, id, info); !sqldb.IsUnique(err) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open mailbox %s: %w", id, err)
	}
	return s.load(ctx, id)
}

// FindMailbox returns a mailbox that was opened before, ErrNotFound otherwise.
func (s *Store) FindMailbox(ctx context.Context, id guid.GUID) (*Mailbox, error) {
	if m := s.boxes.get(id); m != nil {
		return m, nil
	}
	return s.load(ctx, id)
}

// Mailboxes returns the GUIDs of all mailboxes that were ever opened.
func (s *Store) Mailboxes(ctx context.Context) ([]guid.GUID, error) {
	list, err := scanGUIDs(s.db.Query(ctx, "SELECT guid FROM mailbox WHERE kind >= 0 ORDER BY id"))
	if err != nil {
		return nil, fmt.Errorf("list mailboxes: %w", err)
	}
	return list, nil
}

// scanGUIDs reads rows of one GUID each.
func scanGUIDs(rows *sqldb.Rows, err error) (list []guid.GUID, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		id, err := guid.Parse(text)
		if err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

func (s *Store) load(ctx context.Context, id guid.GUID) (*Mailbox, error) {
	m := &Mailbox{store: s, guid: id, names: &names{}, logon: &atomic.Int64{}}
	var database string
	var retain int64
	err := s.db.QueryRow(ctx, "SELECT id, db_guid, owner_sid, legacy_dn, display_name, kind, warn_quota, send_quota, quota, retain_deleted FROM mailbox WHERE guid = $1", column(id)).
		Scan(&m.id, &database, &m.info.OwnerSID, &m.info.LegacyDN, &m.info.DisplayName, &m.info.Kind, &m.info.WarnQuota, &m.info.SendQuota, &m.info.Quota, &retain)
	if err != nil {
		return nil, fmt.Errorf("open mailbox %s: %w", id, noRow(err))
	}
	if m.db, err = guid.Parse(database); err != nil {
		return nil, fmt.Errorf("open mailbox %s: %w", id, err)
	}
	m.info.RetainDeleted = time.Duration(retain) * time.Microsecond
	if err := m.adopt(ctx); err != nil {
		return nil, fmt.Errorf("named properties of mailbox %s: %w", id, err)
	}
	s.boxes.put(m)
	return m, nil
}

// firstCounter is where ids and change numbers begin; what lies below belongs to the distinguished folders.
const firstCounter = 0x100

// establish makes the mailbox's row and folders, or takes up what changed.
func (s *Store) establish(ctx context.Context, id guid.GUID, info MailboxInfo) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var number int64
		err := noRow(tx.QueryRow("SELECT id FROM mailbox WHERE guid = $1", column(id)).Scan(&number))
		if err == nil {
			_, err = tx.Exec("UPDATE mailbox SET owner_sid = $2, legacy_dn = $3, display_name = $4, kind = $5, warn_quota = $6, send_quota = $7, quota = $8, retain_deleted = $9 WHERE id = $1",
				number, info.OwnerSID, info.LegacyDN, clean(info.DisplayName), info.Kind, info.WarnQuota, info.SendQuota, info.Quota, info.RetainDeleted.Microseconds())
			return err
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := tx.QueryRow("SELECT COALESCE(MAX(id), 0) + 1 FROM mailbox").Scan(&number); err != nil {
			return err
		}
		now := micros(s.opts.Now())
		m := &Mailbox{store: s, id: number, guid: id, db: guid.New()}
		_, err = tx.Exec(`INSERT INTO mailbox (id, guid, db_guid, mapping_signature, kind, owner_sid, legacy_dn, display_name, quota, size,
			next_counter, last_cn, epoch, tombstone_floor, created, warn_quota, send_quota, retain_deleted)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, 1, 0, $12, $13, $14, $15)`,
			number, column(id), column(m.db), column(guid.New()), info.Kind, info.OwnerSID, info.LegacyDN, clean(info.DisplayName), info.Quota,
			firstCounter, firstCounter-1, now, info.WarnQuota, info.SendQuota, info.RetainDeleted.Microseconds())
		if err != nil {
			return err
		}
		if _, err := tx.Exec("INSERT INTO replica_guid (mailbox, replid, guid) VALUES ($1, 1, $2)", number, column(m.db)); err != nil {
			return err
		}
		return m.createDistinguished(tx, now)
	})
}

// LastChange returns the number of the mailbox's last change: a mark from which a watcher can look on.
func (m *Mailbox) LastChange(ctx context.Context) (mapi.GlobCnt, error) {
	m, _, err := m.everywhereGate(ctx)
	if err != nil {
		return 0, err
	}
	var cn mapi.GlobCnt
	if err := m.store.db.QueryRow(ctx, "SELECT last_cn FROM mailbox WHERE id = $1", m.id).Scan(&cn); err != nil {
		return 0, fmt.Errorf("last change of mailbox %s: %w", m.guid, noRow(err))
	}
	return cn, nil
}

// own tells whether an id belongs to this mailbox; to any other question the answer is that there is no such thing.
func (m *Mailbox) own(id ID) error {
	if m.viewer != nil {
		return fmt.Errorf("%v without a gate: %w", id, ErrDenied)
	}
	if id.InMailbox() != m.guid {
		return fmt.Errorf("%v in mailbox %s: %w", id, m.guid, ErrNotFound)
	}
	return nil
}
