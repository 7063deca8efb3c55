package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"hma/exchange/store/query"
	"hma/wire/mapi"
)

// A search folder holds no items: search_member says which items it has found, and
// its row counts them like any folder's. Each write evaluates the items that it
// touched on the mailbox's search folders, in its own transaction, so that reading
// one costs what is read and its counts are always those of what it has found. A
// search that is new, another one, or looks below folders that moved, looks at the
// whole mailbox once, newest items first: some batches at once, the rest in KeepIndex.

// Search is what a search folder looks for (MS-OXCFOLD 2.2.1.4): items of the
// normal view, not those in Recoverable Items.
type Search struct {
	Bases []FolderID // where, no search folders
	Deep  bool       // and below
	Where mapi.Restriction
}

// Limits of search folders. Each of them costs every write of the mailbox a look.
const (
	MaxSearchFolders = 50
	MaxSearchBases   = 100
	// searchBatch is how many items one write of a search that looks at the whole mailbox
	// evaluates, and searchAtOnce how many such writes somebody waits for.
	searchBatch  = 500
	searchAtOnce = 2
	// searchBytes is how much of the items of a batch a search may read that looks at long
	// values: it reads them within its write, where what it finds is still true.
	searchBytes = 8 << 20
	// evaluateTogether is how many items are read at once to be evaluated.
	evaluateTogether = 100
)

// search is a Search ready to be evaluated.
type search struct {
	fid                     mapi.GlobCnt
	deep                    bool
	bases                   map[mapi.GlobCnt]bool
	where                   mapi.Restriction
	next                    int64 // it has looked at the items from it on; 0 when at all
	tags                    []mapi.Tag
	recipients, attachments bool
}

// source returns the table and the condition ($1 mailbox, $2 folder) that give the
// items of a folder's normal view.
func source(kind FolderKind) (from, where string) {
	if kind == SearchFolder {
		return "search_member JOIN item USING (mailbox, id)", "mailbox = $1 AND folder = $2"
	}
	return "item", "mailbox = $1 AND fid = $2 AND assoc = 0"
}

// SearchOf returns what a search folder looks for; another folder is ErrInvalid.
// Searches are the owner's: what one finds would tell others of folders that they do
// not see.
func (m *Mailbox) SearchOf(ctx context.Context, id FolderID) (*Search, error) {
	m, err := m.wholeGate()
	if err == nil {
		err = m.own(id)
	}
	if err != nil {
		return nil, err
	}
	all, err := m.searches(m.reads(ctx), " AND fid = $2", id.Folder)
	if err == nil && len(all) == 0 {
		err = ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("search of %v: %w", id, err)
	}
	s := &Search{Deep: all[0].deep, Where: all[0].where}
	for _, fid := range slices.Sorted(maps.Keys(all[0].bases)) {
		s.Bases = append(s.Bases, FolderID{m.guid, fid})
	}
	return s, nil
}

func (m *Mailbox) searches(q querier, only string, args ...any) (list []*search, err error) {
	rows, err := q.Query("SELECT fid, deep, bases, criteria, COALESCE(next_row, 0) FROM search_folder WHERE mailbox = $1"+only+" ORDER BY fid", append([]any{m.id}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		s := &search{bases: map[mapi.GlobCnt]bool{}}
		var bases, criteria []byte
		if err := rows.Scan(&s.fid, &s.deep, &bases, &criteria, &s.next); err != nil {
			return nil, err
		}
		for ; len(bases) >= 8; bases = bases[8:] {
			s.bases[mapi.GlobCnt(binary.BigEndian.Uint64(bases))] = true
		}
		if s.where, err = mapi.DecodeRestriction(criteria); err != nil {
			return nil, fmt.Errorf("search folder %d: %w", s.fid, err)
		}
		s.tags, s.recipients, s.attachments = query.Needs(s.where)
		list = append(list, s)
	}
	return list, rows.Err()
}

// putSearch gives a search folder, new or not, what it is to look for, and makes it look.
func (w *writer) putSearch(fid mapi.GlobCnt, s *Search) error {
	if len(s.Bases) == 0 || len(s.Bases) > MaxSearchBases {
		return fmt.Errorf("a search in %d folders, want 1 to %d: %w", len(s.Bases), MaxSearchBases, ErrInvalid)
	}
	if s.Where == nil || !mapi.WithinLimits(s.Where) {
		return ErrTooComplex
	}
	var bases []byte
	for _, id := range s.Bases {
		if err := w.m.own(id); err != nil {
			return err
		}
		c, err := w.counts(id.Folder)
		if err != nil {
			return err
		}
		if c.kind == SearchFolder {
			return fmt.Errorf("a search in a search folder: %w", ErrInvalid)
		}
		bases = binary.BigEndian.AppendUint64(bases, uint64(id.Folder))
	}
	criteria, err := mapi.EncodeRestriction(s.Where)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var others int
	if err := w.QueryRow("SELECT COUNT(*) FROM search_folder WHERE mailbox = $1 AND fid <> $2", w.m.id, fid).Scan(&others); err != nil {
		return err
	}
	if others >= MaxSearchFolders {
		return fmt.Errorf("more than %d search folders: %w", MaxSearchFolders, ErrTooMany)
	}
	_, err = w.Exec(`INSERT INTO search_folder (mailbox, fid, deep, bases, criteria, next_row) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (mailbox, fid) DO UPDATE SET deep = excluded.deep, bases = excluded.bases, criteria = excluded.criteria, next_row = excluded.next_row`,
		w.m.id, fid, number(s.Deep), bases, criteria, int64(math.MaxInt64))
	w.queued = true
	return err
}

// searchAnew makes the searches that look below their folders look again: the tree has changed.
func (w *writer) searchAnew() error {
	if w.touched == nil {
		return nil
	}
	w.queued = true
	_, err := w.Exec("UPDATE search_folder SET next_row = $2 WHERE mailbox = $1 AND deep = 1", w.m.id, int64(math.MaxInt64))
	return err
}

// touch makes search folders look at an item when the write ends.
func (w *writer) touch(row mapi.GlobCnt) {
	if w.touched != nil {
		w.touched[row] = true
	}
}

// settleSearches evaluates what the write touched.
func (w *writer) settleSearches() error {
	if len(w.touched) == 0 {
		return nil
	}
	all, err := w.m.searches(w, "")
	if err != nil {
		return err
	}
	if err := w.evaluate(all, slices.Sorted(maps.Keys(w.touched)), true); err != nil {
		return err
	}
	clear(w.touched)
	return nil
}

// evaluate puts items into those searches that want them and takes them out of the
// others. changed tells that the items are not what they were.
func (w *writer) evaluate(all []*search, rows []mapi.GlobCnt, changed bool) error {
	for some := range slices.Chunk(rows, evaluateTogether) {
		items, err := w.m.unsighted().searched(w, all, some)
		if err != nil {
			return err
		}
		known, err := w.m.memberships(w, some)
		if err != nil {
			return err
		}
		for _, row := range some {
			wanted, err := w.m.wanted(w, all, items[row], w.paths)
			if err != nil {
				return fmt.Errorf("item %d: %w", row, err)
			}
			for i, s := range all {
				var found *Item
				if wanted[i] {
					found = items[row]
				}
				if err := w.member(s.fid, row, known[row][s.fid], found, changed); err != nil {
					return fmt.Errorf("item %d: %w", row, err)
				}
			}
		}
	}
	return nil
}

// searched reads what searches look at of items. There is none for them of an item
// that is gone, below Recoverable Items or damaged, which Check tells of.
func (m *Mailbox) searched(q querier, all []*search, rows []mapi.GlobCnt) (map[mapi.GlobCnt]*Item, error) {
	want := Want{Tags: []mapi.Tag{mapi.PidTagMessageDeliveryTime}}
	for _, s := range all {
		want.Tags = append(want.Tags, s.tags...)
	}
	sel := newSelection(want)
	some, arg := rowsOf(m.store.db.Flavour(), 2, rowTexts(rows))
	list, err := q.Query("SELECT "+sel.list()+" FROM item WHERE mailbox = $1 AND id IN ("+some+") AND assoc = 0", m.id, arg)
	items, _, err := m.scanItems(sel, 0, list, err)
	found := make(map[mapi.GlobCnt]*Item, len(items))
	switch {
	case errors.Is(err, mapi.ErrSyntax) && len(rows) > 1: // the others are read without the damaged one
		for half := range slices.Chunk(rows, (len(rows)+1)/2) {
			part, err := m.searched(q, all, half)
			if err != nil {
				return nil, err
			}
			maps.Copy(found, part)
		}
		return found, nil
	case errors.Is(err, mapi.ErrSyntax):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, it := range items {
		if !recoverable(it.Folder.Folder) {
			found[it.ID.Row] = it
		}
	}
	return found, nil
}

// wanted tells of each search whether it wants an item; nobody wants nil. paths keeps
// the ways from folders to the root.
func (m *Mailbox) wanted(q querier, all []*search, it *Item, paths map[mapi.GlobCnt][]mapi.GlobCnt) ([]bool, error) {
	wanted := make([]bool, len(all))
	if it == nil {
		return wanted, nil
	}
	var tags []mapi.Tag
	recipients, attachments, any := false, false, false
	for i, s := range all {
		var err error
		if wanted[i], err = m.lies(q, s, it.Folder.Folder, paths); err != nil {
			return nil, err
		}
		if wanted[i] {
			tags, any = append(tags, s.tags...), true
			recipients, attachments = recipients || s.recipients, attachments || s.attachments
		}
	}
	if !any {
		return wanted, nil
	}
	object, err := m.object(q, it, tags, recipients, attachments)
	if errors.Is(err, mapi.ErrSyntax) { // damaged too
		return make([]bool, len(all)), nil
	}
	if err != nil {
		return nil, err
	}
	object = query.Remember(object)
	for i, s := range all {
		wanted[i] = wanted[i] && query.Match(s.where, object)
	}
	return wanted, nil
}

// lies tells whether a search looks in a folder.
func (m *Mailbox) lies(q querier, s *search, folder mapi.GlobCnt, paths map[mapi.GlobCnt][]mapi.GlobCnt) (bool, error) {
	if !s.deep || s.bases[folder] {
		return s.bases[folder], nil
	}
	if paths[folder] == nil {
		path, err := m.path(q, folder)
		if err != nil {
			return false, err
		}
		paths[folder] = path
	}
	return slices.ContainsFunc(paths[folder], func(fid mapi.GlobCnt) bool { return s.bases[fid] }), nil
}

// membership is an item's row in a search folder.
type membership struct {
	delivered, unread int64
	mid, entered      mapi.GlobCnt
}

// memberships returns the search folders that have found items, by row key. SQLite
// takes the clustered table for as good as an index that leads to it, and reads all
// of the mailbox's rows; so the first half reads an index that holds all it asks for.
func (m *Mailbox) memberships(q querier, items []mapi.GlobCnt) (map[mapi.GlobCnt]map[mapi.GlobCnt]*membership, error) {
	some, arg := rowsOf(m.store.db.Flavour(), 2, rowTexts(items))
	rows, err := q.Query(`SELECT m.id, m.folder, m.delivered, m.unread, m.found_mid, m.entered FROM search_member k CROSS JOIN search_member m
		WHERE k.mailbox = $1 AND k.id IN (`+some+`) AND m.mailbox = k.mailbox AND m.folder = k.folder AND m.delivered = k.delivered AND m.id = k.id`, m.id, arg)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[mapi.GlobCnt]map[mapi.GlobCnt]*membership{}
	for rows.Next() {
		var row, fid mapi.GlobCnt
		of := &membership{}
		if err := rows.Scan(&row, &fid, &of.delivered, &of.unread, &of.mid, &of.entered); err != nil {
			return nil, err
		}
		if found[row] == nil {
			found[row] = map[mapi.GlobCnt]*membership{}
		}
		found[row][fid] = of
	}
	return found, rows.Err()
}

// member makes an item's row in a search folder what it must be; it is nil for an
// item that does not belong there. One that leaves leaves a tombstone, and so does
// one that gets another mid. Each change has a number of its own.
func (w *writer) member(fid, row mapi.GlobCnt, known *membership, it *Item, changed bool) error {
	var now *membership
	if it != nil {
		now = &membership{delivered: micros(it.Props.Time(mapi.PidTagMessageDeliveryTime)), unread: number(!it.Read), mid: it.ID.Mid}
		if known != nil && known.mid == now.mid {
			now.entered = known.entered
		}
	}
	if known == nil && now == nil || known != nil && now != nil && *known == *now && !changed {
		return nil
	}
	c, err := w.counts(fid)
	if err != nil {
		return err
	}
	if known != nil {
		c.total--
		c.unread -= known.unread
		if _, err := w.Exec("DELETE FROM search_member WHERE mailbox = $1 AND folder = $2 AND delivered = $3 AND id = $4", w.m.id, fid, known.delivered, row); err != nil {
			return err
		}
		if now == nil || now.entered == 0 {
			c.gone = w.change()
			if err := w.bury(stone{kind: memberStone, cn: c.gone, folder: fid, id: row, mid: known.mid, created: known.entered, reason: goneHard}); err != nil {
				return err
			}
		}
	}
	if now == nil {
		return nil
	}
	c.total++
	c.unread += now.unread
	c.content = w.change()
	if now.entered == 0 {
		now.entered = c.content
	}
	_, err = w.Exec("INSERT INTO search_member (mailbox, folder, delivered, id, found_mid, entered, changed, unread) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		w.m.id, fid, now.delivered, row, now.mid, now.entered, c.content, now.unread)
	return err
}

// forget takes everything out of a search folder that goes.
func (w *writer) forget(fid mapi.GlobCnt) error {
	for _, table := range []string{"search_member WHERE mailbox = $1 AND folder", "search_folder WHERE mailbox = $1 AND fid"} {
		if _, err := w.Exec("DELETE FROM "+table+" = $2", w.m.id, fid); err != nil {
			return err
		}
	}
	delete(w.folders, fid) // its row goes
	return nil
}

// searchSome lets the mailbox's searches that are not done look on, at all of a
// small mailbox; what is left then is for KeepIndex.
func (m *Mailbox) searchSome(ctx context.Context) error {
	for range searchAtOnce {
		if more, err := m.searchOn(ctx); err != nil || !more {
			return err
		}
	}
	return nil
}

// searchOn lets the mailbox's searches that are not done look at the next batch, those
// that are at the same place together, and tells whether there were any. The one that
// has looked at the fewest comes first, so that it meets the others and all go on as one.
func (m *Mailbox) searchOn(ctx context.Context) (found bool, err error) {
	err = m.write(ctx, func(w *writer) error {
		all, err := m.searches(w, " AND next_row IS NOT NULL")
		if found = len(all) > 0; err != nil || !found {
			return err
		}
		var next, until int64
		for _, s := range all {
			next = max(next, s.next)
		}
		all = slices.DeleteFunc(all, func(s *search) bool {
			if s.next < next {
				until = max(until, s.next)
			}
			return s.next < next
		})
		bytes := int64(math.MaxInt64)
		for _, s := range all {
			if newSelection(Want{Tags: s.tags}).bag {
				bytes = searchBytes
			}
		}
		batch, more, err := m.rowsBefore(w, next, until, bytes)
		if err != nil {
			return err
		}
		if err := w.evaluate(all, batch, false); err != nil {
			return err
		}
		var left any
		switch {
		case more:
			left = batch[len(batch)-1]
		case until > 0:
			left = until
		}
		_, err = w.Exec("UPDATE search_folder SET next_row = $3 WHERE mailbox = $1 AND next_row = $2", m.id, next, left)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("search folders of mailbox %s: %w", m.guid, err)
	}
	return found, nil
}

// rowsBefore returns the next batch of the mailbox's items before a row key, down to
// another one, by descending keys, and whether there may be more. It ends with the item
// whose long values may take what is read of the batch past the bytes.
func (m *Mailbox) rowsBefore(q querier, next, until, bytes int64) (batch []mapi.GlobCnt, more bool, err error) {
	rows, err := q.Query("SELECT id, size FROM item WHERE mailbox = $1 AND id < $2 AND id >= $3 ORDER BY id DESC LIMIT $4", m.id, next, until, searchBatch)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for bytes > 0 && rows.Next() {
		var row mapi.GlobCnt
		var size int64
		if err := rows.Scan(&row, &size); err != nil {
			return nil, false, err
		}
		batch = append(batch, row)
		bytes -= min(size, resolveLimit)
	}
	return batch, bytes <= 0 || len(batch) == searchBatch, rows.Err()
}

// searchNext lets some mailbox's search look on, and tells whether there was one.
func (s *Store) searchNext(ctx context.Context) (bool, error) {
	var id string
	err := noRow(s.db.QueryRow(ctx, `SELECT guid FROM search_folder JOIN mailbox ON mailbox.id = search_folder.mailbox
		WHERE next_row IS NOT NULL AND mailbox.kind >= 0 ORDER BY mailbox, fid LIMIT 1`).Scan(&id))
	if err == ErrNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m, err := s.findColumn(ctx, id)
	if err != nil {
		return false, err
	}
	return m.searchOn(ctx)
}

// members holds that search folders have found what they look for: looking anew
// tells what is missing and what is there in vain. A search that is not done is not
// looked at.
func (c *checker) members() error {
	err := c.each(`SELECT folder, id FROM search_member s WHERE mailbox = $1 AND
		(NOT EXISTS (SELECT 1 FROM item i WHERE i.mailbox = s.mailbox AND i.id = s.id) OR NOT EXISTS (SELECT 1 FROM search_folder f WHERE f.mailbox = s.mailbox AND f.fid = s.folder))`,
		func(scan func(...any) error) error {
			var fid, row mapi.GlobCnt
			if err := scan(&fid, &row); err != nil {
				return err
			}
			c.add("member-item", itemPlace(row), c.exec("DELETE FROM search_member WHERE mailbox = $1 AND folder = $2 AND id = $3", fid, row),
				"search folder %d has found it, and one of them is gone", fid)
			return nil
		})
	if err != nil {
		return err
	}
	all, err := c.m.searches(c.q, "")
	if all = slices.DeleteFunc(all, func(s *search) bool { return s.next > 0 }); err != nil || len(all) == 0 {
		return err
	}
	paths := map[mapi.GlobCnt][]mapi.GlobCnt{}
	for next := int64(math.MaxInt64); !c.full(); {
		batch, _, err := c.m.rowsBefore(c.q, next, 0, math.MaxInt64)
		if err != nil || len(batch) == 0 {
			return err
		}
		for some := range slices.Chunk(batch, evaluateTogether) {
			if err := c.membersOf(all, some, paths); err != nil {
				return err
			}
		}
		next = int64(batch[len(batch)-1])
	}
	return nil
}

// membersOf holds that those searches have found the items that they want.
func (c *checker) membersOf(all []*search, rows []mapi.GlobCnt, paths map[mapi.GlobCnt][]mapi.GlobCnt) error {
	items, err := c.m.searched(c.q, all, rows)
	if err != nil {
		return err
	}
	known, err := c.m.memberships(c.q, rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		it := items[row]
		wanted, err := c.m.wanted(c.q, all, it, paths)
		if err != nil {
			return err
		}
		for i, s := range all {
			of := known[row][s.fid]
			if wanted[i] == (of != nil) && (of == nil || of.mid == it.ID.Mid && of.unread == number(!it.Read) && of.delivered == micros(it.Props.Time(mapi.PidTagMessageDeliveryTime))) || c.full() {
				continue
			}
			c.add("search-member", itemPlace(row), func(w *writer) error { w.touch(row); return nil }, "search folder %d should have found it: %t", s.fid, wanted[i])
		}
	}
	return nil
}
