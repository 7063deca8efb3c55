package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// EventKind is what an Event tells of.
type EventKind int

// The kinds of event. A copy is a creation.
const (
	ItemCreated EventKind = iota
	ItemModified
	ItemMoved
	ItemDeleted
	FolderCreated
	FolderModified // itself, or its content
	FolderMoved
	FolderDeleted
)

// Event is one thing that happened in a mailbox.
type Event struct {
	Kind      EventKind
	CN        mapi.GlobCnt
	At        time.Time
	Item      ItemID   // zero for a folder
	Folder    FolderID // the item's folder, or the folder itself
	Parent    FolderID // of the folder itself
	OldItem   ItemID   // a moved item's id before
	OldFolder FolderID // where it was, or a moved folder's old parent
	Delivered bool     // a created item that came as mail
	Unread    int      // of a folder
}

// EventPage is a page of events in the order of their numbers.
type EventPage struct {
	Events []Event
	Mark   mapi.GlobCnt // everything up to here was told
	More   bool
}

// Events returns what happened since a number in the folders, nil being all of
// the mailbox: at most some limit events, oldest first. It is made of the numbers
// that the mailbox keeps, so that it tells what is true now: of several changes of
// one object the creation and the last, nothing of what came and went in between,
// and the same to every server, after a restart too.
//
// The cost is that of the changed folders and of what is told. A number whose
// removals are forgotten is ErrStateTooOld.
func (m *Mailbox) Events(ctx context.Context, since mapi.GlobCnt, folders []FolderID, limit int) (*EventPage, error) {
	page := &EventPage{}
	m, extent, err := m.everywhereGate(ctx)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	err = m.store.db.View(ctx, func(tx *sqldb.Tx) error {
		var last, floor mapi.GlobCnt
		if err := tx.QueryRow("SELECT last_cn, tombstone_floor FROM mailbox WHERE id = $1 AND guid = $2", m.id, column(m.guid)).Scan(&last, &floor); err != nil {
			return noRow(err)
		}
		if since < floor {
			return ErrStateTooOld
		}
		page.Mark = last
		if since >= last {
			return nil
		}
		r := &eventRun{m: m, extent: extent, q: tx, since: since, limit: limit, watched: map[mapi.GlobCnt]bool{}}
		for _, f := range folders {
			r.watched[f.Folder] = true
		}
		r.all = folders == nil
		if err := r.folders(); err != nil {
			return err
		}
		slices.SortStableFunc(r.events, func(a, b Event) int { return cmp.Compare(a.CN, b.CN) })
		page.Events = r.events
		if len(page.Events) > limit {
			// What has one number stays together.
			cut := limit
			for cut > 0 && page.Events[cut-1].CN == page.Events[limit].CN {
				cut--
			}
			for cut == 0 || cut < len(page.Events) && page.Events[cut].CN == page.Events[cut-1].CN {
				cut++
			}
			page.Mark, page.More = page.Events[cut-1].CN, cut < len(page.Events)
			page.Events = page.Events[:cut]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of mailbox %s: %w", m.guid, err)
	}
	return page, nil
}

// eventRun gathers one page.
type eventRun struct {
	m       *Mailbox
	extent  *extent
	q       querier
	since   mapi.GlobCnt
	limit   int
	all     bool
	watched map[mapi.GlobCnt]bool
	left    []Event // items that left a folder in which they were at the number
	events  []Event
}

func (r *eventRun) watches(fid mapi.GlobCnt) bool { return r.all || r.watched[fid] }

// changedFolder is what a folder's row tells of changes.
type changedFolder struct {
	fid, parent, created, cn mapi.GlobCnt
	kind                     FolderKind
	content                  mapi.GlobCnt // the last number of its content
	unread                   int
	at                       time.Time
}

// folders finds the changed folders, and what happened in them.
func (r *eventRun) folders() error {
	rows, err := r.q.Query(`SELECT fid, parent_fid, kind, created_cn, cn, content_cn_max, read_cn_max, deleted_max, unread, mtime FROM folder
		WHERE mailbox = $1 AND (cn > $2 OR content_cn_max > $2 OR read_cn_max > $2 OR deleted_max > $2) ORDER BY fid`, r.m.id, r.since)
	if err != nil {
		return err
	}
	var changed []changedFolder
	for rows.Next() {
		var f changedFolder
		var read, gone mapi.GlobCnt
		var at int64
		if err := rows.Scan(&f.fid, &f.parent, &f.kind, &f.created, &f.cn, &f.content, &read, &gone, &f.unread, &at); err != nil {
			rows.Close()
			return err
		}
		f.content, f.at = max(f.content, read, gone), fromMicros(at)
		changed = append(changed, f)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	moves, err := r.folderStones()
	if err != nil {
		return err
	}
	for _, f := range changed {
		if r.extent.of(f.fid)&RightFolderVisible == 0 {
			continue
		}
		if r.watches(f.fid) || r.watches(f.parent) {
			r.folder(f, moves[f.fid])
		}
		sight, readable := r.extent.sight(f.fid)
		if readable && r.watches(f.fid) && f.content > r.since {
			if err := r.items(f.fid, sight); err != nil {
				return err
			}
			if err := r.itemStones(f.fid); err != nil {
				return err
			}
		}
	}
	if err := r.leave(); err != nil {
		return err
	}
	for _, f := range changed {
		// Of the whole mailbox an item is told of once, where it lies.
		if f.kind == SearchFolder && r.watched[f.fid] && r.extent == nil && f.content > r.since {
			if err := r.found(f.fid); err != nil {
				return err
			}
		}
	}
	return nil
}

// found tells what a search folder has found, lost, and seen changed. Who watches it
// is told of its items as of those of another folder.
func (r *eventRun) found(fid mapi.GlobCnt) error {
	tell := func(query string, kind func(entered mapi.GlobCnt) EventKind) error {
		rows, err := r.q.Query(query, r.m.id, fid, r.since, r.limit+1)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e := Event{Item: ItemID{Mailbox: r.m.guid}, Folder: FolderID{r.m.guid, fid}}
			var entered mapi.GlobCnt
			var at int64
			if err := rows.Scan(&e.Item.Row, &e.Item.Mid, &e.CN, &entered, &at); err != nil {
				return err
			}
			e.Kind, e.At = kind(entered), fromMicros(at)
			r.events = append(r.events, e)
		}
		return rows.Err()
	}
	from, where := source(SearchFolder)
	err := tell("SELECT id, mid, changed, entered, mtime FROM "+from+" WHERE "+where+" AND changed > $3 ORDER BY changed LIMIT $4", func(entered mapi.GlobCnt) EventKind {
		if entered > r.since {
			return ItemCreated
		}
		return ItemModified
	})
	if err != nil {
		return err
	}
	return tell("SELECT id, mid, cn, created_cn, at FROM tombstone WHERE mailbox = $1 AND kind = 2 AND fid = $2 AND cn > $3 AND created_cn <= $3 ORDER BY cn LIMIT $4",
		func(mapi.GlobCnt) EventKind { return ItemDeleted })
}

// folder tells what happened to a folder itself; moved is its last move, nil without one.
func (r *eventRun) folder(f changedFolder, moved *Event) {
	e := Event{CN: f.cn, At: f.at, Folder: FolderID{r.m.guid, f.fid}, Parent: FolderID{r.m.guid, f.parent}, Unread: f.unread}
	switch {
	case f.created > r.since:
		e.Kind, e.CN = FolderCreated, f.created
		r.events = append(r.events, e)
	case moved != nil:
		e.Kind, e.CN, e.OldFolder = FolderMoved, moved.CN, moved.OldFolder
		r.events = append(r.events, e)
	}
	if last := max(f.cn, f.content); last > r.since && last != e.CN || last > r.since && e.Kind == ItemCreated {
		r.events = append(r.events, Event{Kind: FolderModified, CN: last, At: f.at, Folder: e.Folder, Parent: e.Parent, Unread: f.unread})
	}
}

// folderStones tells of deleted folders, and returns the last move of each of the others.
func (r *eventRun) folderStones() (map[mapi.GlobCnt]*Event, error) {
	rows, err := r.q.Query("SELECT cn, fid, id, created_cn, reason, at FROM tombstone WHERE mailbox = $1 AND kind = 1 AND cn > $2 ORDER BY cn", r.m.id, r.since)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	moves := map[mapi.GlobCnt]*Event{}
	for rows.Next() {
		var cn, parent, fid, created mapi.GlobCnt
		var reason int
		var at int64
		if err := rows.Scan(&cn, &parent, &fid, &created, &reason, &at); err != nil {
			return nil, err
		}
		e := Event{Kind: FolderDeleted, CN: cn, At: fromMicros(at), Folder: FolderID{r.m.guid, fid}, Parent: FolderID{r.m.guid, parent}}
		switch {
		case reason == goneMoved:
			moves[fid] = &Event{CN: cn, OldFolder: e.Parent}
		case created <= r.since && (r.watches(fid) || r.watches(parent)) && (r.extent == nil || r.watched[fid]):
			r.events = append(r.events, e)
		}
	}
	return moves, rows.Err()
}

// items tells of the items that are in a folder now: new ones, and changed ones.
func (r *eventRun) items(fid mapi.GlobCnt, sight *sight) error {
	seen, sees := sight.condition(5)
	folder := FolderID{r.m.guid, fid}
	// A moved item's tombstone has the number before the one with which it entered (writer.move).
	rows, err := r.q.Query(`SELECT item.id, item.mid, item.created_cn, item.mtime, item.props, t.fid, t.mid, t.at FROM item
		LEFT JOIN tombstone t ON t.mailbox = item.mailbox AND t.cn = item.created_cn - 1 AND t.kind = 0 AND t.id = item.id AND t.moved_mid = item.mid
		WHERE item.mailbox = $1 AND item.fid = $2 AND item.created_cn > $3 AND item.assoc = 0`+seen+` ORDER BY item.created_cn LIMIT $4`, append([]any{r.m.id, fid, r.since, r.limit + 1}, sees...)...)
	if err != nil {
		return err
	}
	for rows.Next() {
		e := Event{Kind: ItemCreated, Item: ItemID{Mailbox: r.m.guid}, Folder: folder}
		var at int64
		var props []byte
		var oldFolder, oldMid *mapi.GlobCnt
		var moved *int64
		if err := rows.Scan(&e.Item.Row, &e.Item.Mid, &e.CN, &at, &props, &oldFolder, &oldMid, &moved); err != nil {
			rows.Close()
			return err
		}
		e.At = fromMicros(at)
		bag, err := mapi.DecodeBag(props)
		if err != nil {
			rows.Close()
			return fmt.Errorf("%v: %w", e.Item, err)
		}
		_, _, e.Delivered = bag.Find(mapi.PidTagReceivedByEmail)
		if oldMid != nil && !r.watches(*oldFolder) && r.extent.of(*oldFolder)&RightFolderVisible != 0 {
			e.Kind, e.At, e.Delivered = ItemMoved, fromMicros(*moved), false
			e.OldItem, e.OldFolder = ItemID{r.m.guid, e.Item.Row, *oldMid}, FolderID{r.m.guid, *oldFolder}
		}
		r.events = append(r.events, e)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	// A change of more than the read flag gives both numbers or its own alone.
	for column, only := range map[string]string{"cn": "", "read_cn": " AND read_cn <> cn"} {
		rows, err := r.q.Query("SELECT id, mid, "+column+", mtime FROM item WHERE mailbox = $1 AND fid = $2 AND "+column+" > $3 AND "+column+" <> created_cn AND assoc = 0"+
			only+seen+" ORDER BY "+column+" LIMIT $4", append([]any{r.m.id, fid, r.since, r.limit + 1}, sees...)...)
		if err != nil {
			return err
		}
		for rows.Next() {
			e := Event{Kind: ItemModified, Item: ItemID{Mailbox: r.m.guid}, Folder: folder}
			var at int64
			if err := rows.Scan(&e.Item.Row, &e.Item.Mid, &e.CN, &at); err != nil {
				rows.Close()
				return err
			}
			e.At = fromMicros(at)
			r.events = append(r.events, e)
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}

// itemStones gathers the items that left a folder in which they were at the number.
func (r *eventRun) itemStones(fid mapi.GlobCnt) error {
	rows, err := r.q.Query(`SELECT cn, id, mid, reason, at FROM tombstone
		WHERE mailbox = $1 AND kind = 0 AND fid = $2 AND cn > $3 AND created_cn <= $3 AND assoc = 0 ORDER BY cn LIMIT $4`, r.m.id, fid, r.since, r.limit+1)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		e := Event{Kind: ItemDeleted, Item: ItemID{Mailbox: r.m.guid}, Folder: FolderID{r.m.guid, fid}}
		var reason int
		var at int64
		if err := rows.Scan(&e.CN, &e.Item.Row, &e.Item.Mid, &reason, &at); err != nil {
			return err
		}
		if reason == goneMoved {
			e.Kind = ItemMoved
		}
		e.At = fromMicros(at)
		r.left = append(r.left, e)
	}
	return rows.Err()
}

// leave tells where the items are that left: moved, once whatever lay between, or gone.
func (r *eventRun) leave() error {
	told := map[mapi.GlobCnt]bool{}
	for _, e := range r.left {
		if e.Kind == ItemMoved {
			now := Event{Kind: ItemMoved, CN: e.CN, At: e.At, Item: e.Item, Folder: e.Folder, OldItem: e.Item, OldFolder: e.Folder}
			rows, err := r.q.Query("SELECT mid, fid, creator, sensitivity FROM item WHERE mailbox = $1 AND id = $2 AND deleted_from IS NULL", r.m.id, e.Item.Row)
			if err != nil {
				return err
			}
			var it Item
			there := rows.Next()
			if there {
				err = rows.Scan(&now.Item.Mid, &now.Folder.Folder, &it.Creator, &it.sensitivity)
			}
			if err := cmp.Or(err, rows.Err(), rows.Close()); err != nil {
				return err
			}
			e.Kind = ItemDeleted
			if sight, readable := r.extent.sight(now.Folder.Folder); there && readable && sight.sees(&it) {
				e = now
			}
		}
		told[e.Item.Row] = true
		r.events = append(r.events, e)
	}
	r.events = slices.DeleteFunc(r.events, func(e Event) bool { return e.Kind == ItemCreated && told[e.Item.Row] })
	return nil
}
