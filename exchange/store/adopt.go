package store

import (
	"context"
	"fmt"

	"hma/wire/guid"
	"hma/wire/mapi"
)

// adopt gives the values of named properties that a program of before kept under a
// number of the mailbox's own the number that their name has in every mailbox by now
// (mapi.WellKnownID), and forgets the old one. Where both are there the newer name
// wins. It costs one short query, and once in the life of such a name a walk over the
// mailbox. What is made of properties at the time of writing (columns, terms of the
// search index) stays; names that columns are made of were well known from the start.
func (m *Mailbox) adopt(ctx context.Context) error {
	if moved, err := m.outgrown(m.reads(ctx)); err != nil || len(moved) == 0 {
		return err
	}
	return m.write(ctx, func(w *writer) error {
		moved, err := m.outgrown(w)
		if err != nil {
			return err
		}
		for _, t := range [...]struct{ table, row, number string }{{"folder", "fid", "0"}, {"item", "id", "0"}, {"recipient", "item", "row_no"}, {"attachment", "item", "attach_no"}} {
			if err := w.rename(t.table, t.row, t.number, moved); err != nil {
				return err
			}
		}
		for old := range moved {
			if _, err := w.Exec("DELETE FROM named_prop WHERE mailbox = $1 AND propid = $2", m.id, int64(old)); err != nil {
				return err
			}
		}
		return nil
	})
}

// outgrown returns the mailbox's own numbers of names that are well known, with
// those that the names have now.
func (m *Mailbox) outgrown(q querier) (map[uint16]uint16, error) {
	rows, err := q.Query("SELECT propid, set_guid, lid, name FROM named_prop WHERE mailbox = $1", m.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	moved := map[uint16]uint16{}
	for rows.Next() {
		var old int64
		var set string
		var name mapi.Name
		if err := rows.Scan(&old, &set, &name.LID, &name.Text); err != nil {
			return nil, err
		}
		if name.Set, err = guid.Parse(set); err != nil {
			continue // the check of the mailbox tells of it
		}
		if id, ok := mapi.WellKnownID(name); ok && old > 0 && old <= 0xFFFF {
			moved[uint16(old)] = id
		}
	}
	return moved, rows.Err()
}

// rename changes the numbers of properties in the bags of a table.
func (w *writer) rename(table, row, number string, moved map[uint16]uint16) error {
	type changed struct {
		row, number int64
		props       []byte
	}
	rows, err := w.Query(fmt.Sprintf("SELECT %s, %s, props FROM %s WHERE mailbox = $1", row, number, table), w.m.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	var list []changed
	for rows.Next() {
		var c changed
		if err := rows.Scan(&c.row, &c.number, &c.props); err != nil {
			return err
		}
		bag, err := mapi.DecodeBag(c.props)
		if err != nil {
			continue // the check of the mailbox tells of it
		}
		if !renameTags(bag, moved) {
			continue
		}
		if c.props, err = bag.Encode(); err != nil {
			return err
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, c := range list {
		_, err := w.Exec(fmt.Sprintf("UPDATE %s SET props = $4 WHERE mailbox = $1 AND %s = $2 AND %s = $3", table, row, number), w.m.id, c.row, c.number, c.props)
		if err != nil {
			return err
		}
	}
	return nil
}

func renameTags(bag mapi.Bag, moved map[uint16]uint16) (changed bool) {
	for old, id := range moved {
		tag, v, ok := bag.Find(mapi.Tag(old) << 16)
		if !ok {
			continue
		}
		changed = true
		delete(bag, tag)
		now := mapi.Tag(id)<<16 | mapi.Tag(tag.Type())
		if _, _, both := bag.Find(now); !both {
			bag[now] = v
		}
	}
	return changed
}
