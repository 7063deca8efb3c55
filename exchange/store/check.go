package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// Damage is one thing in a mailbox that is not as the store would have left it.
type Damage struct {
	Kind     string `json:"kind"`  // folder-unread, item-folder, blob-hash ...; never renamed
	Where    string `json:"where"` // folder 5 (Inbox), item 300 ...
	What     string `json:"what"`  // what is wrong, with the number there and the one wanted
	Repaired bool   `json:"repaired"`

	fix func(*writer) error // nil for what cannot be computed again
}

// maxDamages bounds what one part of a check gathers before it stops looking or repairs.
const maxDamages = 1000

// RecoveredFolder is the folder under the mailbox's top into which Check puts what has lost its own.
const RecoveredFolder = "Recovered items"

// checkParts are the parts of a check. What is computed of something stands
// behind it: repairs go in this order.
var checkParts = []func(*checker) error{
	(*checker).numbers, (*checker).tree, (*checker).homes, (*checker).subobjects, (*checker).unique, (*checker).tombstones,
	(*checker).bags, (*checker).members, (*checker).counters, (*checker).references, (*checker).contents, (*checker).search,
}

// Check compares everything in the mailbox that is kept twice or must hold
// together, hands each damage to found, and with repair sets right what can be
// computed again; what has lost its folder goes to RecoveredFolder. Each part
// reads one moment of the mailbox, beside everything else. A repair looks again
// under the mailbox's lock and writes in that transaction, at most maxDamages at
// a time; without it each part ends at maxDamages. In memory are the folders, a
// chunk, and the counts of blobsPerPass blobs.
func (m *Mailbox) Check(ctx context.Context, repair bool, found func(Damage)) error {
	m, err := m.wholeGate()
	if err != nil {
		return err
	}
	for _, part := range checkParts {
		for again := true; again; {
			c := &checker{m: m}
			err := m.store.db.View(ctx, func(tx *sqldb.Tx) error { return c.look(tx, part) })
			again = false
			if err == nil && repair && c.fixable() {
				err = m.write(ctx, func(w *writer) error {
					if err := c.look(w.Tx, part); err != nil {
						return err
					}
					return c.repair(w)
				})
				again = c.full()
			}
			if err != nil {
				return fmt.Errorf("check mailbox %s: %w", m.guid, err)
			}
			for _, d := range c.list {
				if d.Repaired || !again {
					found(d)
				}
			}
		}
	}
	return nil
}

// checker is one look of one part at a mailbox.
type checker struct {
	m    *Mailbox
	q    querier
	list []Damage
}

// look runs a part from the start.
func (c *checker) look(q querier, part func(*checker) error) error {
	c.q, c.list = q, nil
	return part(c)
}

func (c *checker) add(kind, where string, fix func(*writer) error, what string, args ...any) {
	c.list = append(c.list, Damage{Kind: kind, Where: where, What: fmt.Sprintf(what, args...), fix: fix})
}

func (c *checker) full() bool { return len(c.list) >= maxDamages }

func (c *checker) fixable() bool {
	return slices.ContainsFunc(c.list, func(d Damage) bool { return d.fix != nil })
}

func (c *checker) repair(w *writer) error {
	for i, d := range c.list {
		if d.fix == nil {
			continue
		}
		if err := d.fix(w); err != nil {
			return fmt.Errorf("repair %s: %w", d.Where, err)
		}
		c.list[i].Repaired = true
	}
	return nil
}

// each calls row for the rows of a query, whose first argument is the mailbox, until the list is full.
func (c *checker) each(query string, row func(scan func(...any) error) error, args ...any) error {
	rows, err := c.q.Query(query, append([]any{c.m.id}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for !c.full() && rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// exec returns a repair by one statement, whose first argument is the mailbox.
func (c *checker) exec(statement string, args ...any) func(*writer) error {
	return func(w *writer) error {
		_, err := w.Exec(statement, append([]any{w.m.id}, args...)...)
		return err
	}
}

func (c *checker) mailbox() string { return "mailbox " + c.m.guid.String() }

// itemPlace names an item for a person.
func itemPlace(row mapi.GlobCnt) string { return fmt.Sprintf("item %d", row) }

// numbers holds that the next number is above every number in use, and the last
// change number not below a change.
func (c *checker) numbers() error {
	var next, last, id, change mapi.GlobCnt
	err := c.each(`SELECT next_counter, last_cn,
		(SELECT COALESCE(MAX(CASE WHEN id > mid THEN id ELSE mid END), 0) FROM item WHERE mailbox = $1),
		(SELECT COALESCE(MAX(fid), 0) FROM folder WHERE mailbox = $1),
		(SELECT COALESCE(MAX(last), 0) FROM id_range WHERE mailbox = $1),
		(SELECT COALESCE(MAX(CASE WHEN read_cn > cn THEN read_cn ELSE cn END), 0) FROM item WHERE mailbox = $1),
		(SELECT COALESCE(MAX(created_cn), 0) FROM item WHERE mailbox = $1),
		(SELECT COALESCE(MAX(cn), 0) FROM folder WHERE mailbox = $1),
		(SELECT COALESCE(MAX(content_cn_max), 0) FROM folder WHERE mailbox = $1),
		(SELECT COALESCE(MAX(read_cn_max), 0) FROM folder WHERE mailbox = $1),
		(SELECT COALESCE(MAX(deleted_max), 0) FROM folder WHERE mailbox = $1),
		(SELECT COALESCE(MAX(cn), 0) FROM tombstone WHERE mailbox = $1)
		FROM mailbox WHERE id = $1`, func(scan func(...any) error) error {
		var ids [3]mapi.GlobCnt
		var changes [7]mapi.GlobCnt
		dest := []any{&next, &last}
		for i := range ids {
			dest = append(dest, &ids[i])
		}
		for i := range changes {
			dest = append(dest, &changes[i])
		}
		err := scan(dest...)
		id, change = slices.Max(ids[:]), slices.Max(changes[:])
		return err
	})
	if err != nil {
		return err
	}
	if top := max(id, change, last); top >= next {
		c.add("number-next", c.mailbox(), func(w *writer) error { w.next = max(w.next, top+1); return nil },
			"the next number is %d, and %d is taken", next, top)
	}
	if change > last {
		c.add("number-last", c.mailbox(), func(w *writer) error { w.last = max(w.last, change); return nil },
			"the last change is %d, and something changed at %d", last, change)
	}
	return nil
}

// checkedFolder is what a check knows of a folder.
type checkedFolder struct {
	fid, parent mapi.GlobCnt
	role        Role
	name        string
	kept        [7]int64 // in the order of folderCounters
	uid         int64
}

// String names the folder on one line, whatever its name holds.
func (f *checkedFolder) String() string {
	return fmt.Sprintf("folder %d (%s)", f.fid, strings.Join(strings.Fields(f.name), " "))
}

// folderCounters are the counters of a folder, by their columns.
var folderCounters = [7]string{"total", "unread", "fai_count", "size", "conversations", "deleted_count", "children"}

// folders returns all folders, in the order of their numbers.
func (c *checker) folders() (list []*checkedFolder, byID map[mapi.GlobCnt]*checkedFolder, err error) {
	byID = map[mapi.GlobCnt]*checkedFolder{}
	err = c.each(`SELECT fid, parent_fid, role, display_name, total, unread, fai_count, size, conversations, deleted_count, children, next_imap_uid
		FROM folder WHERE mailbox = $1 ORDER BY fid`, func(scan func(...any) error) error {
		f := &checkedFolder{}
		if err := scan(&f.fid, &f.parent, &f.role, &f.name, &f.kept[0], &f.kept[1], &f.kept[2], &f.kept[3], &f.kept[4], &f.kept[5], &f.kept[6], &f.uid); err != nil {
			return err
		}
		list = append(list, f)
		byID[f.fid] = f
		return nil
	})
	return list, byID, err
}

// tree holds that the distinguished folders are there, each under its own parent,
// and that every folder's parents lead to the root.
func (c *checker) tree() error {
	list, byID, err := c.folders()
	if err != nil {
		return err
	}
	for i, d := range distinguished {
		if f := byID[mapi.GlobCnt(i+1)]; f == nil || f.role != d.role {
			c.add("folder-missing", fmt.Sprintf("folder %d (%s)", i+1, d.name), nil, "the distinguished folder %s is gone", d.role)
		} else if parent := fixed(d.parent); f.parent != parent {
			c.add("folder-parent", f.String(), func(w *writer) error { return w.hang(f.fid, parent) },
				"the distinguished folder hangs below %d, want %d", f.parent, parent)
			f.parent = parent
		}
	}
	top := fixed(RoleMsgFolderRoot)
	for _, f := range list {
		if f.role != "" || c.full() {
			continue
		}
		if byID[f.parent] == nil {
			c.add("folder-parent", f.String(), func(w *writer) error { return w.recoverFolder(f.fid) }, "its parent %d is gone", f.parent)
			f.parent = top
			continue
		}
		above, levels := f, 0
		for above != nil && above.parent != 0 && levels <= MaxFolderDepth {
			above, levels = byID[above.parent], levels+1
		}
		if levels > MaxFolderDepth {
			c.add("folder-cycle", f.String(), func(w *writer) error { return w.recoverFolder(f.fid) }, "its parents do not lead to the root")
			f.parent = top
		}
	}
	return nil
}

// hang puts a folder below another parent as a change of the folder; the counters are for counters.
func (w *writer) hang(fid, parent mapi.GlobCnt) error {
	f, err := w.m.folder(w, fid)
	if err != nil {
		return err
	}
	for n, name := 1, f.Name; ; n++ {
		if err = w.nameFree(parent, fid, f.Name); err == nil || n > maxDamages {
			break
		}
		f.Name = fmt.Sprintf("%.*s %d", MaxFolderName-10, name, n)
	}
	if err != nil {
		return err
	}
	f.Parent.Folder = parent
	return w.touchFolder(f)
}

func (w *writer) recoverFolder(fid mapi.GlobCnt) error {
	into, err := w.recovered()
	if err != nil {
		return err
	}
	c, err := w.counts(into)
	if err != nil {
		return err
	}
	c.children++
	return w.hang(fid, into)
}

// recovered returns the folder for what has lost its own, and makes it when it is not there.
func (w *writer) recovered() (mapi.GlobCnt, error) {
	top := fixed(RoleMsgFolderRoot)
	var fid mapi.GlobCnt
	err := noRow(w.QueryRow("SELECT fid FROM folder WHERE mailbox = $1 AND parent_fid = $2 AND name_key = $3", w.m.id, top, nameKey(RecoveredFolder)).Scan(&fid))
	if err != ErrNotFound {
		return fid, err
	}
	f, err := w.createFolder(NewFolder{Parent: FolderID{w.m.guid, top}, Name: RecoveredFolder, Class: "IPF.Note"})
	if err != nil {
		return 0, err
	}
	return f.ID.Folder, nil
}

// homes holds that every item lies in a folder.
func (c *checker) homes() error {
	return c.each(`SELECT i.id, i.mid, i.fid FROM item i LEFT JOIN folder f ON f.mailbox = i.mailbox AND f.fid = i.fid
		WHERE i.mailbox = $1 AND f.fid IS NULL`, func(scan func(...any) error) error {
		var row, mid, fid mapi.GlobCnt
		if err := scan(&row, &mid, &fid); err != nil {
			return err
		}
		c.add("item-folder", itemPlace(row), func(w *writer) error { return w.recoverItem(ItemID{w.m.guid, row, mid}) }, "its folder %d is gone", fid)
		return nil
	})
}

// recoverItem puts an item without a folder into RecoveredFolder, with a new mid as a move gives it.
func (w *writer) recoverItem(id ItemID) error {
	it, err := w.m.item(w, id, everything)
	if err != nil {
		return err
	}
	into, err := w.recovered()
	if err != nil {
		return err
	}
	w.size -= it.Size // it was counted there all the time
	it.ID.Mid, it.Folder.Folder, it.deletedFrom = w.number(), into, 0
	if err := w.enter(it); err != nil {
		return err
	}
	if err := w.putRow(updateItem, it); err != nil {
		return err
	}
	return w.count(it, 1)
}

// subobjects holds that what belongs to an item, a folder or a blob has one.
func (c *checker) subobjects() error {
	for _, s := range []struct{ kind, table, key, owner, column, what string }{
		{"recipient-item", "recipient", "item", "item", "id", "recipients"},
		{"attachment-item", "attachment", "item", "item", "id", "attachments"},
		{"read-item", "user_read", "item", "item", "id", "read flags"},
		{"permission-folder", "permission", "fid", "folder", "fid", "permissions"},
		{"receive-folder", "receive_folder", "fid", "folder", "fid", "receive folder entries"},
		{"rule-folder", "rule", "fid", "folder", "fid", "rules"},
		{"chunk-blob", "chunk", "blob", "blob", "id", "chunks"},
	} {
		query := fmt.Sprintf(`SELECT s.%[2]s, COUNT(*) FROM %[1]s s LEFT JOIN %[3]s o ON o.mailbox = s.mailbox AND o.%[4]s = s.%[2]s
			WHERE s.mailbox = $1 AND o.%[4]s IS NULL GROUP BY s.%[2]s`, s.table, s.key, s.owner, s.column)
		err := c.each(query, func(scan func(...any) error) error {
			var id, n int64
			if err := scan(&id, &n); err != nil {
				return err
			}
			c.add(s.kind, fmt.Sprintf("%s %d", s.owner, id), c.exec("DELETE FROM "+s.table+" WHERE mailbox = $1 AND "+s.key+" = $2", id),
				"%d %s of what is gone", n, s.what)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unique holds that no two items have one mid or one change number, nor one
// number for IMAP in a folder. The later one enters its folder anew.
func (c *checker) unique() error {
	renewed := map[mapi.GlobCnt]bool{}
	for _, u := range []struct{ kind, column, within, what string }{
		{"mid-twice", "mid", "", "mid"},
		{"change-twice", "cn", "", "change number"},
		{"uid-twice", "imap_uid", "fid, ", "IMAP number"},
	} {
		query := fmt.Sprintf(`SELECT id, mid, n FROM (SELECT id, mid, %[1]s AS n, ROW_NUMBER() OVER (PARTITION BY %[2]s%[1]s ORDER BY id) AS nth
			FROM item WHERE mailbox = $1) numbered WHERE nth > 1 ORDER BY id`, u.column, u.within)
		err := c.each(query, func(scan func(...any) error) error {
			var row, mid, n mapi.GlobCnt
			if err := scan(&row, &mid, &n); err != nil {
				return err
			}
			c.add(u.kind, itemPlace(row), func(w *writer) error {
				if renewed[row] {
					return nil
				}
				renewed[row] = true
				return w.renew(ItemID{w.m.guid, row, mid})
			}, "another item has its %s %d", u.what, n)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// renew moves an item within its folder: it gets new numbers, and clients read it anew.
func (w *writer) renew(id ItemID) error {
	it, err := w.m.item(w, id, everything)
	if err != nil {
		return err
	}
	return w.move(it, it.Folder.Folder, goneMoved, it.deletedFrom)
}

// tombstones holds that what is said to be gone is gone.
func (c *checker) tombstones() error {
	err := c.each(`SELECT i.id, i.mid, t.cn FROM tombstone t JOIN item i ON i.mailbox = t.mailbox AND i.id = t.id AND i.mid = t.mid AND i.fid = t.fid
		WHERE t.mailbox = $1 AND t.kind = 0`, func(scan func(...any) error) error {
		var row, mid, cn mapi.GlobCnt
		if err := scan(&row, &mid, &cn); err != nil {
			return err
		}
		c.add("tombstone-item", itemPlace(row), func(w *writer) error { return w.renew(ItemID{w.m.guid, row, mid}) }, "deletion %d says that it is gone", cn)
		return nil
	})
	if err != nil {
		return err
	}
	err = c.each(`SELECT f.fid, f.display_name, t.cn FROM tombstone t JOIN folder f ON f.mailbox = t.mailbox AND f.fid = t.id
		WHERE t.mailbox = $1 AND t.kind = 1 AND t.reason <> 2`, func(scan func(...any) error) error {
		f := &checkedFolder{}
		var cn mapi.GlobCnt
		if err := scan(&f.fid, &f.name, &cn); err != nil {
			return err
		}
		c.add("tombstone-folder", f.String(), func(w *writer) error {
			living, err := w.m.folder(w, f.fid)
			if err == nil {
				err = w.touchFolder(living)
			}
			if err != nil {
				return err
			}
			return c.exec("DELETE FROM tombstone WHERE mailbox = $1 AND kind = 1 AND cn = $2 AND id = $3", cn, f.fid)(w)
		}, "deletion %d says that it is gone", cn)
		return nil
	})
	if err != nil {
		return err
	}
	return c.each("SELECT cn, kind, id, created_cn FROM tombstone WHERE mailbox = $1 AND created_cn > cn", func(scan func(...any) error) error {
		var cn, id, created mapi.GlobCnt
		var kind int
		if err := scan(&cn, &kind, &id, &created); err != nil {
			return err
		}
		c.add("tombstone-order", fmt.Sprintf("deletion %d", cn), c.exec("UPDATE tombstone SET created_cn = cn WHERE mailbox = $1 AND cn = $2 AND kind = $3 AND id = $4", cn, kind, id),
			"what it says is gone came at %d", created)
		return nil
	})
}

// bags holds that all properties can be read, and that every named one has its name.
func (c *checker) bags() error {
	named := map[uint16]bool{}
	err := c.each("SELECT propid, set_guid FROM named_prop WHERE mailbox = $1", func(scan func(...any) error) error {
		var id int64
		var set string
		if err := scan(&id, &set); err != nil {
			return err
		}
		where := fmt.Sprintf("named property %#x", id)
		if id < int64(mapi.FirstMailboxName) || id > 0xFFFE {
			c.add("name-number", where, nil, "it is outside of %#x to 0xfffe", mapi.FirstMailboxName)
		} else {
			named[uint16(id)] = true
		}
		if _, err := guid.Parse(set); err != nil {
			c.add("name-set", where, nil, "its property set is no GUID")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, table := range [][3]string{{"folder", "fid", "folder %d"}, {"item", "id", "item %d"}, {"recipient", "item", "recipient of item %d"}, {"attachment", "item", "attachment of item %d"}} {
		err := c.each(fmt.Sprintf("SELECT %s, props FROM %s WHERE mailbox = $1", table[1], table[0]), func(scan func(...any) error) error {
			var id int64
			var packed []byte
			if err := scan(&id, &packed); err != nil {
				return err
			}
			where := fmt.Sprintf(table[2], id)
			bag, err := mapi.DecodeBag(packed)
			if err != nil {
				c.add("properties", where, nil, "they cannot be read: %v", err)
			}
			for tag := range bag {
				if n := tag.ID(); n >= mapi.FirstMailboxName && n <= 0xFFFE && !named[n] {
					c.add("property-name", where, nil, "property %s has no name", tag)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// counters holds the kept counts of folders and of the mailbox against the rows.
func (c *checker) counters() error {
	list, byID, err := c.folders()
	if err != nil {
		return err
	}
	var size int64
	counted := make(map[mapi.GlobCnt]*[7]int64, len(list))
	uids := map[mapi.GlobCnt]int64{}
	for _, f := range list {
		counted[f.fid] = new([7]int64)
	}
	for _, f := range list {
		if byID[f.parent] != nil {
			counted[f.parent][6]++
		}
	}
	err = c.each(`SELECT fid, COUNT(*) - CAST(SUM(assoc) AS BIGINT), CAST(SUM(CASE WHEN assoc = 0 AND is_read = 0 THEN 1 ELSE 0 END) AS BIGINT),
		CAST(SUM(assoc) AS BIGINT), CAST(SUM(size) AS BIGINT),
		COUNT(DISTINCT CASE WHEN assoc = 0 AND length(conversation_id) = 16 THEN conversation_id END), MAX(imap_uid) FROM item WHERE mailbox = $1 GROUP BY fid`, func(scan func(...any) error) error {
		var fid mapi.GlobCnt
		var n [5]int64
		var uid int64
		if err := scan(&fid, &n[0], &n[1], &n[2], &n[3], &n[4], &uid); err != nil {
			return err
		}
		size += n[3]
		if counts := counted[fid]; counts != nil {
			copy(counts[:], n[:])
			uids[fid] = uid
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.each("SELECT folder, COUNT(*), CAST(SUM(unread) AS BIGINT) FROM search_member WHERE mailbox = $1 GROUP BY folder", func(scan func(...any) error) error {
		var fid mapi.GlobCnt
		var total, unread int64
		err := scan(&fid, &total, &unread)
		if counts := counted[fid]; counts != nil {
			counts[0], counts[1] = counts[0]+total, counts[1]+unread
		}
		return err
	})
	if err != nil {
		return err
	}
	err = c.each("SELECT deleted_from, COUNT(*) FROM item WHERE mailbox = $1 AND deleted_from IS NOT NULL GROUP BY deleted_from", func(scan func(...any) error) error {
		var fid mapi.GlobCnt
		var n int64
		err := scan(&fid, &n)
		if counts := counted[fid]; counts != nil {
			counts[5] = n
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range list {
		for i, column := range folderCounters {
			if n := counted[f.fid][i]; n != f.kept[i] {
				c.add("folder-"+column, f.String(), c.exec("UPDATE folder SET "+column+" = $3 WHERE mailbox = $1 AND fid = $2", f.fid, n),
					"%s is %d, the rows say %d", column, f.kept[i], n)
			}
		}
		if uid := uids[f.fid]; uid >= f.uid {
			c.add("folder-uid", f.String(), c.exec("UPDATE folder SET next_imap_uid = $3 WHERE mailbox = $1 AND fid = $2", f.fid, uid+1),
				"the next IMAP number is %d, and %d is taken", f.uid, uid)
		}
	}
	return c.each("SELECT size FROM mailbox WHERE id = $1", func(scan func(...any) error) error {
		var kept int64
		if err := scan(&kept); err != nil {
			return err
		}
		if kept != size {
			c.add("mailbox-size", c.mailbox(), func(w *writer) error { w.size = size; return nil }, "the size is %d, the items have %d", kept, size)
		}
		return nil
	})
}

// blobsPerPass is how many blobs' references are counted in one pass over the items: 10 MB.
const blobsPerPass = 100_000
