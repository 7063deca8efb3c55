package store

import (
	"context"
	"fmt"
	"sync"

	"hma/wire/guid"
	"hma/wire/mapi"
)

// names keeps a mailbox's named properties that were asked for; a number never changes its name.
type names struct {
	mu   sync.RWMutex
	ids  map[mapi.Name]uint16
	name map[uint16]mapi.Name
}

func (n *names) put(name mapi.Name, id uint16) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ids == nil {
		n.ids, n.name = map[mapi.Name]uint16{}, map[uint16]mapi.Name{}
	}
	n.ids[name.Fold()], n.name[id] = id, name
}

func (n *names) id(name mapi.Name) uint16 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.ids[name.Fold()]
}

func (n *names) of(id uint16) (mapi.Name, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	name, ok := n.name[id]
	return name, ok
}

// maxNameLetters bounds a property's name (MS-OXCPRPT 3.2.5.10 allows 254 letters).
const maxNameLetters = 254

// nameColumns returns the columns under which a name is found.
func nameColumns(name mapi.Name) (set string, kind, lid int64, text, key string) {
	if name.Text != "" {
		kind = 1
	}
	return column(name.Set), kind, int64(name.LID), clean(name.Text), clean(name.Fold().Text)
}

// The last id that a mailbox gives to a name, and the last one that it gives to a
// name that somebody else than its owner brings: so nobody can take away from the
// owner what the other half of the ids is for.
const (
	lastName       = 0xFFFE
	lastForeigners = (int64(mapi.FirstMailboxName) + lastName) / 2
)

// NamedIDs returns the property ids (0x8000 and up) of names in this mailbox, in
// their order. An unknown name gets an id with create, and 0 without; ErrQuota when
// no id is left, for who is not the owner when half of them are given out.
func (m *Mailbox) NamedIDs(ctx context.Context, names []mapi.Name, create bool) ([]uint16, error) {
	ids := make([]uint16, len(names))
	missing := false
	for i, name := range names {
		if len([]rune(name.Text)) > maxNameLetters || name.Text != "" && name.LID != 0 {
			return nil, fmt.Errorf("named property %d: %w", i, ErrInvalid)
		}
		if id, ok := mapi.WellKnownID(name); ok {
			ids[i] = id
			continue
		}
		if ids[i] = m.names.id(name); ids[i] != 0 {
			continue
		}
		id, err := m.itself().findName(m.reads(ctx), name) // the name of a property is nobody's secret
		if err != nil {
			return nil, fmt.Errorf("named properties of mailbox %s: %w", m.guid, err)
		}
		ids[i] = id
		missing = missing || id == 0
	}
	if missing && create {
		self, err := m.writesGate(ctx)
		if err == nil {
			err = self.createNames(ctx, names, ids)
		}
		if err != nil {
			return nil, fmt.Errorf("named properties of mailbox %s: %w", m.guid, err)
		}
	}
	for i, id := range ids {
		if id >= mapi.FirstMailboxName {
			m.names.put(names[i], id)
		}
	}
	return ids, nil
}

func (m *Mailbox) findName(q querier, name mapi.Name) (uint16, error) {
	set, kind, lid, _, key := nameColumns(name)
	rows, err := q.Query("SELECT propid FROM named_prop WHERE mailbox = $1 AND set_guid = $2 AND kind = $3 AND lid = $4 AND name_key = $5", m.id, set, kind, lid, key)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var id uint16
	if rows.Next() {
		err = rows.Scan(&id)
	}
	if err == nil {
		err = rows.Err()
	}
	return id, err
}

// createNames fills the zeros of ids.
func (m *Mailbox) createNames(ctx context.Context, names []mapi.Name, ids []uint16) error {
	made, most := make([]uint16, len(ids)), int64(lastName)
	if m.sight != nil {
		most = lastForeigners
	}
	err := m.write(ctx, func(w *writer) error {
		copy(made, ids)
		var last int64
		if err := w.QueryRow("SELECT COALESCE(MAX(propid), $2) FROM named_prop WHERE mailbox = $1", m.id, int64(mapi.FirstMailboxName)-1).Scan(&last); err != nil {
			return err
		}
		for i, name := range names {
			if made[i] != 0 {
				continue
			}
			id, err := m.findName(w, name)
			if err != nil {
				return err
			}
			if id == 0 {
				if last >= most {
					return fmt.Errorf("no id left for a named property: %w", ErrQuota)
				}
				last++
				id = uint16(last)
				set, kind, lid, text, key := nameColumns(name)
				_, err := w.Exec("INSERT INTO named_prop (mailbox, propid, set_guid, kind, lid, name, name_key) VALUES ($1, $2, $3, $4, $5, $6, $7)", m.id, last, set, kind, lid, text, key)
				if err != nil {
					return err
				}
			}
			made[i] = id
		}
		return nil
	})
	if err == nil {
		copy(ids, made)
	}
	return err
}

// Names returns what the property ids stand for, in their order; the zero Name for
// an id that stands for nothing here.
func (m *Mailbox) Names(ctx context.Context, ids []uint16) ([]mapi.Name, error) {
	out := make([]mapi.Name, len(ids))
	for i, id := range ids {
		if name, ok := mapi.WellKnownName(id); ok {
			out[i] = name
			continue
		}
		if name, ok := m.names.of(id); ok {
			out[i] = name
			continue
		}
		var set, text string
		var lid uint32
		err := noRow(m.store.db.QueryRow(ctx, "SELECT set_guid, lid, name FROM named_prop WHERE mailbox = $1 AND propid = $2", m.itself().id, int64(id)).Scan(&set, &lid, &text))
		if err == ErrNotFound {
			continue
		}
		name := mapi.Name{LID: lid, Text: text}
		if err == nil {
			name.Set, err = guid.Parse(set)
		}
		if err != nil {
			return nil, fmt.Errorf("named properties of mailbox %s: %w", m.guid, err)
		}
		m.names.put(name, id)
		out[i] = name
	}
	return out, nil
}
