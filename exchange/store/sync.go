package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// ChangeKind is what happened to an object, seen from a client's last state.
type ChangeKind int

// The kinds of change.
const (
	Created ChangeKind = iota
	Updated
	ReadFlag // only the read flag changed
	Removed  // deleted or moved away
)

// SyncState is how far a client has come in one folder's items or one folder
// tree. The zero value knows nothing. It is a plain value: Encode makes a text of
// it that a client can keep, ParseSyncState reads it back.
type SyncState struct {
	Scope    FolderID     // the folder or root that the state belongs to
	Tree     bool         // of SyncFolders
	Epoch    int64        // of the mailbox, changed by a restore
	Since    mapi.GlobCnt // everything up to here is known
	Snapshot mapi.GlobCnt // while a run has more pages: where it began
	Position mapi.GlobCnt // and the number it has come to
	Changes  bool         // and that it is past the new items
}

// ItemChanges is one page of changes of a folder's items.
type ItemChanges struct {
	Changes []ItemChange
	State   SyncState // covers exactly what was reported
	More    bool
}

// ItemChange is the net change of one item.
type ItemChange struct {
	Kind ChangeKind
	ID   ItemID
	Read bool  // of an item that is still there
	Item *Item // without Props and subobjects; nil when Removed
}

// MaxChanges is the most changes that a page holds.
const MaxChanges = 512

// SyncItems returns what happened in a folder since a state: at most limit
// changes, one for each item, FAI items only with associated. A run with many
// changes takes several calls, each with the state of the one before.
//
// New items come first, the newest at the beginning: that is all there is for the
// zero state. They are found by created_cn, which does not change while a run
// goes on, so that an item changed between two pages is not missed. Then come
// changes, read flags and removals by ascending numbers up to where the run began.
// What happens during the run is reported by the next one. An item that came and
// went between two states is not reported, save for one removed during a run,
// which may be removed without having been reported. Of a search folder the items
// that it has found are told; an item's move is a removal and a new item.
//
// Without a change the call reads one row, however large the folder is. A state
// whose removals are forgotten is ErrStateTooOld, one of another folder ErrInvalid.
func (m *Mailbox) SyncItems(ctx context.Context, folder FolderID, state SyncState, limit int, associated bool) (*ItemChanges, error) {
	m, err := m.itemsGate(ctx, folder)
	if err != nil {
		return nil, err
	}
	sight := m.sight
	m = m.unsighted() // what went out of sight is reported as removed
	limit = min(max(limit, 1), MaxChanges)
	var result *ItemChanges
	err = m.store.db.View(ctx, func(tx *sqldb.Tx) error {
		var kind FolderKind
		var content, read, gone, last, floor mapi.GlobCnt
		var epoch int64
		err := tx.QueryRow(`SELECT folder.kind, content_cn_max, read_cn_max, deleted_max, last_cn, tombstone_floor, epoch
			FROM folder JOIN mailbox ON mailbox.id = folder.mailbox WHERE folder.mailbox = $1 AND fid = $2`, m.id, folder.Folder).
			Scan(&kind, &content, &read, &gone, &last, &floor, &epoch)
		if err != nil {
			return noRow(err)
		}
		if kind == SearchFolder && sight != nil {
			return ErrDenied // what it has found lies in other folders
		}
		state, err := state.enter(folder, false, epoch)
		if err != nil {
			return err
		}
		if state.Since > 0 && state.Since < floor && gone > state.Since {
			return ErrStateTooOld
		}
		result = &ItemChanges{State: state}
		if state.Snapshot == 0 && state.Since > 0 && max(content, read, gone) <= state.Since {
			result.State.Since = last
			return nil
		}
		if state.Snapshot == 0 {
			state.Snapshot, state.Position = last, last+1
		}
		s := &syncRun{m: m, sight: sight, q: tx, folder: folder.Folder, search: kind == SearchFolder, state: state, limit: limit, first: state.Since == 0}
		if !associated {
			s.only = " AND assoc = 0"
		}
		if err := s.run(); err != nil {
			return err
		}
		result.Changes, result.State, result.More = s.changes, s.state, s.more
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sync %v: %w", folder, err)
	}
	return result, nil
}

// enter checks that a state belongs to what is asked for.
func (s SyncState) enter(scope FolderID, tree bool, epoch int64) (SyncState, error) {
	if s == (SyncState{}) {
		return SyncState{Scope: scope, Tree: tree, Epoch: epoch}, nil
	}
	if s.Scope != scope || s.Tree != tree {
		return s, fmt.Errorf("state of %v: %w", s.Scope, ErrInvalid)
	}
	if s.Epoch != epoch {
		return s, ErrStateTooOld
	}
	return s, nil
}

// syncRun is one page of a run.
type syncRun struct {
	m       *Mailbox
	sight   *sight
	q       querier
	folder  mapi.GlobCnt
	search  bool // it is a search folder
	state   SyncState
	first   bool // of an initial enumeration
	only    string
	limit   int
	changes []ItemChange
	more    bool
}

// numbered is a change with the number it is ordered by.
type numbered struct {
	cn mapi.GlobCnt
	ItemChange
}

func (s *syncRun) run() error {
	if !s.state.Changes {
		created, err := s.created()
		if err != nil {
			return err
		}
		if s.take(created) {
			return nil
		}
		s.state.Changes, s.state.Position = true, s.state.Since
	}
	if !s.first {
		changes, err := s.changed()
		if err != nil {
			return err
		}
		if s.take(changes) {
			return nil
		}
	}
	s.state = SyncState{Scope: s.state.Scope, Epoch: s.state.Epoch, Since: s.state.Snapshot}
	return nil
}

// take adds changes to the page and tells whether it is full with more to come.
func (s *syncRun) take(list []numbered) bool {
	for _, c := range list {
		if len(s.changes) == s.limit {
			s.more = true
			return true
		}
		s.changes = append(s.changes, c.ItemChange)
		s.state.Position = c.cn
	}
	return false
}

// created returns what is new, newest first.
func (s *syncRun) created() ([]numbered, error) {
	if s.search {
		return s.found("entered > $3 AND entered < $4 ORDER BY entered DESC", s.state.Since, s.state.Position)
	}
	return s.items("created_cn", "created_cn > $3 AND created_cn < $4", Created, " DESC", s.state.Since, s.state.Position)
}

// found reads of what a search folder has found one page and one item more.
func (s *syncRun) found(where string, from, to mapi.GlobCnt) ([]numbered, error) {
	table, folder := source(SearchFolder)
	sel := newSelection(Want{})
	rows, err := s.q.Query("SELECT "+sel.list()+", entered, changed FROM "+table+" WHERE "+folder+" AND "+where+" LIMIT $5", s.m.id, s.folder, from, to, s.limit+1)
	items, numbers, err := s.m.scanItems(sel, 2, rows, err)
	if err != nil {
		return nil, err
	}
	list := make([]numbered, len(items))
	for i, it := range items {
		entered, changed := mapi.GlobCnt(numbers[i][0].(int64)), mapi.GlobCnt(numbers[i][1].(int64))
		list[i] = numbered{entered, ItemChange{Kind: Created, ID: it.ID, Read: it.Read, Item: it}}
		if entered <= s.state.Since {
			list[i].cn, list[i].Kind = changed, Updated
			if it.CN <= s.state.Since {
				list[i].Kind = ReadFlag
			}
		}
	}
	return list, nil
}

// changed returns what happened to items that the client knew, by ascending numbers.
func (s *syncRun) changed() ([]numbered, error) {
	if s.search {
		return s.foundChanged()
	}
	const known = " AND created_cn <= $5"
	from, to, since := s.state.Position, s.state.Snapshot, s.state.Since
	all, err := s.items("cn", "cn > $3 AND cn <= $4"+known, Updated, "", from, to, since)
	if err != nil {
		return nil, err
	}
	// An item whose cn is past since is reported as changed, by this run or the next.
	read, err := s.items("read_cn", "read_cn > $3 AND read_cn <= $4"+known+" AND cn <= $5", ReadFlag, "", from, to, since)
	if err != nil {
		return nil, err
	}
	rows, err := s.q.Query("SELECT cn, id, mid FROM tombstone WHERE mailbox = $1 AND kind = 0 AND fid = $2 AND cn > $3 AND cn <= $4"+known+s.only+
		" ORDER BY cn LIMIT $6", s.m.id, s.folder, from, to, since, s.limit+1)
	if err != nil {
		return nil, err
	}
	return s.withRemoved(append(all, read...), rows)
}

// foundChanged is changed of a search folder. What it has found again is no removal.
func (s *syncRun) foundChanged() ([]numbered, error) {
	all, err := s.found(fmt.Sprintf("changed > $3 AND changed <= $4 AND entered <= %d ORDER BY changed", s.state.Since), s.state.Position, s.state.Snapshot)
	if err != nil {
		return nil, err
	}
	rows, err := s.q.Query(`SELECT cn, id, mid FROM tombstone WHERE mailbox = $1 AND kind = 2 AND fid = $2 AND cn > $3 AND cn <= $4 AND created_cn <= $5
		AND NOT EXISTS (SELECT 1 FROM search_member s WHERE s.mailbox = $1 AND s.folder = $2 AND s.id = tombstone.id AND s.found_mid = tombstone.mid) ORDER BY cn LIMIT $6`,
		s.m.id, s.folder, s.state.Position, s.state.Snapshot, s.state.Since, s.limit+1)
	if err != nil {
		return nil, err
	}
	return s.withRemoved(all, rows)
}

// withRemoved adds tombstones to changes, in the order of their numbers.
func (s *syncRun) withRemoved(all []numbered, rows *sqldb.Rows) ([]numbered, error) {
	defer rows.Close()
	for rows.Next() {
		c := numbered{ItemChange: ItemChange{Kind: Removed, ID: ItemID{Mailbox: s.m.guid}}}
		if err := rows.Scan(&c.cn, &c.ID.Row, &c.ID.Mid); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.cn, b.cn) })
	return all, rows.Err()
}

// items reads one page and one item more of the items that a condition on numbers selects.
func (s *syncRun) items(column, where string, kind ChangeKind, direction string, args ...mapi.GlobCnt) ([]numbered, error) {
	all := []any{s.m.id, s.folder}
	for _, a := range args {
		all = append(all, a)
	}
	all = append(all, s.limit+1)
	seen := ""
	if kind == Created {
		var sees []any
		seen, sees = s.sight.condition(len(all) + 1)
		all = append(all, sees...)
	}
	place := len(args) + 3
	sel := newSelection(Want{})
	rows, err := s.q.Query("SELECT "+sel.list()+" FROM item WHERE mailbox = $1 AND fid = $2 AND "+where+s.only+seen+
		" ORDER BY "+column+direction+fmt.Sprintf(" LIMIT $%d", place), all...)
	items, _, err := s.m.scanItems(sel, 0, rows, err)
	if err != nil {
		return nil, err
	}
	list := make([]numbered, len(items))
	for i, it := range items {
		cn := it.CN
		switch kind {
		case Created:
			cn = it.CreatedCN
		case ReadFlag:
			cn = it.ReadCN
		}
		list[i] = numbered{cn, ItemChange{Kind: kind, ID: it.ID, Read: it.Read, Item: it}}
		if !s.sight.sees(it) {
			list[i] = numbered{cn, ItemChange{Kind: Removed, ID: it.ID}}
		}
	}
	return list, nil
}

// FolderChanges is what happened in a folder tree.
type FolderChanges struct {
	Changes []FolderChange
	State   SyncState
}

// FolderChange is the net change of one folder.
type FolderChange struct {
	Kind   ChangeKind // Created, Updated or Removed
	ID     FolderID
	Folder *Folder // nil when Removed
}

// SyncFolders returns what happened to the folders below root since a state, all
// of it: parents before children, removals last. Changes of a folder's content are
// no changes here. Errors are those of SyncItems.
func (m *Mailbox) SyncFolders(ctx context.Context, root FolderID, state SyncState) (*FolderChanges, error) {
	if _, err := m.folderGate(ctx, root, 0); err != nil {
		return nil, err
	}
	m, extent, err := m.everywhereGate(ctx)
	if err != nil {
		return nil, err
	}
	var result *FolderChanges
	err = m.store.db.View(ctx, func(tx *sqldb.Tx) error {
		if _, err := m.folder(tx, root.Folder); err != nil {
			return err
		}
		var last, floor, changed, buried mapi.GlobCnt
		var epoch int64
		err := tx.QueryRow(`SELECT last_cn, tombstone_floor, epoch, (SELECT COALESCE(MAX(cn), 0) FROM folder WHERE mailbox = $1),
			(SELECT COALESCE(MAX(cn), 0) FROM tombstone WHERE mailbox = $1 AND kind = 1) FROM mailbox WHERE id = $1`, m.id).
			Scan(&last, &floor, &epoch, &changed, &buried)
		if err != nil {
			return noRow(err)
		}
		state, err := state.enter(root, true, epoch)
		if err != nil {
			return err
		}
		if state.Since > 0 && state.Since < floor {
			return ErrStateTooOld
		}
		result = &FolderChanges{State: state}
		result.State.Since = last
		if state.Since > 0 && max(changed, buried) <= state.Since {
			return nil
		}
		result.Changes, err = m.treeChanges(tx, root.Folder, state.Since)
		result.Changes = extent.changes(result.Changes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sync folders below %v: %w", root, err)
	}
	return result, nil
}

// changes returns those of a folder tree that are seen: a folder out of sight that
// was there before is gone.
func (e *extent) changes(list []FolderChange) []FolderChange {
	if e == nil {
		return list
	}
	var seen, gone []FolderChange
	for _, c := range list {
		switch {
		case c.Kind == Removed || e.of(c.ID.Folder)&RightFolderVisible != 0:
			seen = append(seen, c)
		case c.Kind == Updated:
			gone = append(gone, FolderChange{Kind: Removed, ID: c.ID})
		}
	}
	return append(seen, gone...)
}

// treeChanges compares the tree below root with what it was at a number.
func (m *Mailbox) treeChanges(q querier, root, since mapi.GlobCnt) ([]FolderChange, error) {
	all, err := m.allFolders(q)
	if err != nil {
		return nil, err
	}
	inside := below(all, root)
	var changes []FolderChange
	if since == 0 {
		for _, f := range inside {
			changes = append(changes, FolderChange{Kind: Created, ID: f.ID, Folder: f})
		}
		return changes, nil
	}
	stones, err := m.folderStones(q, since)
	if err != nil {
		return nil, err
	}
	// oldParent is where a folder hung at the number; a folder without a tombstone hangs there still.
	parent, oldParent := map[mapi.GlobCnt]mapi.GlobCnt{}, map[mapi.GlobCnt]mapi.GlobCnt{}
	for _, f := range all {
		parent[f.ID.Folder] = f.Parent.Folder
	}
	for _, s := range stones {
		if _, ok := oldParent[s.id]; !ok {
			oldParent[s.id] = s.folder // the first move tells where it began
		}
	}
	was := func(fid mapi.GlobCnt) bool {
		for range MaxFolderDepth + 1 {
			up, moved := oldParent[fid]
			if !moved {
				up = parent[fid]
			}
			if fid = up; fid == root || fid == 0 {
				break
			}
		}
		return fid == root
	}
	now := map[mapi.GlobCnt]bool{}
	for _, f := range inside {
		now[f.ID.Folder] = true
		switch known := f.CreatedCN <= since && was(f.ID.Folder); {
		case !known:
			changes = append(changes, FolderChange{Kind: Created, ID: f.ID, Folder: f})
		case f.CN > since:
			changes = append(changes, FolderChange{Kind: Updated, ID: f.ID, Folder: f})
		}
	}
	removed := map[mapi.GlobCnt]bool{}
	remove := func(fid, created mapi.GlobCnt) {
		if fid != root && created <= since && !now[fid] && !removed[fid] && was(fid) {
			removed[fid] = true
			changes = append(changes, FolderChange{Kind: Removed, ID: FolderID{m.guid, fid}})
		}
	}
	for _, f := range all {
		remove(f.ID.Folder, f.CreatedCN)
	}
	for _, s := range stones {
		remove(s.id, s.created)
	}
	return changes, nil
}

// folderStones returns the tombstones of folders since a number, oldest first.
func (m *Mailbox) folderStones(q querier, since mapi.GlobCnt) ([]stone, error) {
	rows, err := q.Query("SELECT fid, id, created_cn FROM tombstone WHERE mailbox = $1 AND kind = 1 AND cn > $2 ORDER BY cn", m.id, since)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []stone
	for rows.Next() {
		var s stone
		if err := rows.Scan(&s.folder, &s.id, &s.created); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// Encode returns the state as text sealed with key.
func (s SyncState) Encode(key []byte) string {
	rest := []byte{byte(number(s.Tree)) | byte(number(s.Changes))<<1}
	rest = binary.BigEndian.AppendUint64(rest, uint64(s.Epoch))
	for _, n := range []mapi.GlobCnt{s.Scope.Folder, s.Since, s.Snapshot, s.Position} {
		b := n.Bytes()
		rest = append(rest, b[:]...)
	}
	return seal(key, kindSync, s.Scope.Mailbox, rest)
}

// ParseSyncState reads what Encode wrote under the same key. Empty text is the
// zero state; anything else is ErrMalformedID.
func ParseSyncState(key []byte, text string) (SyncState, error) {
	if text == "" {
		return SyncState{}, nil
	}
	kind, mailbox, rest, err := unseal(key, text)
	if err != nil {
		return SyncState{}, err
	}
	if kind != kindSync || len(rest) != 33 || rest[0] > 3 {
		return SyncState{}, ErrMalformedID
	}
	number := func(i int) mapi.GlobCnt { return mapi.GlobCntFrom([6]byte(rest[i : i+6])) }
	return SyncState{Scope: FolderID{mailbox, number(9)}, Tree: rest[0]&1 != 0, Changes: rest[0]&2 != 0,
		Epoch: int64(binary.BigEndian.Uint64(rest[1:9])), Since: number(15), Snapshot: number(21), Position: number(27)}, nil
}
