package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hma/wire/mapi"
)

// MoveItem moves an item to a folder of the same mailbox. Its row key stays, its
// mid is new, and the old one leaves a tombstone.
func (m *Mailbox) MoveItem(ctx context.Context, id ItemID, to FolderID) (stamp Stamp, err error) {
	step, err := m.moving(ctx, id, to, &stamp)
	if err == nil {
		err = Together(ctx, step)
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("move %v: %w", id, err)
	}
	return stamp, nil
}

func (m *Mailbox) moving(ctx context.Context, id ItemID, to FolderID, stamp *Stamp) (Step, error) {
	seen := m
	m, err := m.itemGate(ctx, id, RightDeleteAny, RightDeleteOwned)
	if err == nil {
		_, err = seen.folderGate(ctx, to, RightCreate)
	}
	return Step{m, func(w *writer) error {
		it, err := m.item(w, id, everything)
		if err != nil {
			return err
		}
		if err := w.move(it, to.Folder, goneMoved, 0); err != nil {
			return err
		}
		*stamp = it.stamp()
		return nil
	}}, err
}

// move takes an item from its folder to another one. softFrom is the folder of
// which it is a soft-deleted item then, or zero.
func (w *writer) move(it *Item, to mapi.GlobCnt, reason int, softFrom mapi.GlobCnt) error {
	if _, err := w.counts(to); err != nil {
		return err
	}
	stone := it.stone(reason)
	mid := w.number()
	stone.cn = w.change() // one before the number under which it enters: Events finds it so
	stone.movedTo, stone.movedMid = to, mid
	if err := w.bury(stone); err != nil {
		return err
	}
	if err := w.count(it, -1); err != nil {
		return err
	}
	it.ID.Mid, it.Folder.Folder, it.deletedFrom = mid, to, softFrom
	if err := w.enter(it); err != nil {
		return err
	}
	modified := it.Props.Time(mapi.PidTagLastModificationTime)
	if err := w.putRow(updateItem, it); err != nil {
		return err
	}
	// A move is no modification of what the item says.
	if _, err := w.Exec("UPDATE item SET mtime = $3 WHERE mailbox = $1 AND id = $2", w.m.id, it.ID.Row, micros(modified)); err != nil {
		return err
	}
	return w.count(it, 1)
}

// CopyItem makes a copy of an item in a folder of the same mailbox. Long values are not copied, only counted.
func (m *Mailbox) CopyItem(ctx context.Context, id ItemID, to FolderID) (stamp Stamp, err error) {
	seen := m
	if m, err = m.readGate(ctx, id); err == nil {
		_, err = seen.folderGate(ctx, to, RightCreate)
	}
	if err == nil {
		err = m.write(ctx, func(w *writer) error {
			it, err := m.item(w, id, everything)
			if err != nil {
				return err
			}
			if err := w.copy(it, to); err != nil {
				return err
			}
			stamp = it.stamp()
			return nil
		})
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("copy %v: %w", id, err)
	}
	return stamp, nil
}

// CopyFolder makes a copy of a folder, of what is in it and of what is below it,
// in another folder of the same mailbox. A folder cannot be copied below itself
// (ErrInvalid); a name that is taken there is ErrExists. What fails on the way
// leaves nothing behind.
func (m *Mailbox) CopyFolder(ctx context.Context, id, parent FolderID) (*Folder, error) {
	if _, err := m.folderGate(ctx, parent, RightCreateSubfolder); err != nil {
		return nil, fmt.Errorf("copy %v: %w", id, err)
	}
	m, err := m.treeGate(ctx, id, RightReadAny)
	if err != nil {
		return nil, fmt.Errorf("copy %v: %w", id, err)
	}
	inside, err := m.Folders(ctx, id, true)
	if err == nil && (id == parent || slices.ContainsFunc(inside, func(f *Folder) bool { return f.ID == parent })) {
		err = fmt.Errorf("a folder cannot be below itself: %w", ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("copy %v: %w", id, err)
	}
	source, err := m.Folder(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("copy %v: %w", id, err)
	}
	if source.Kind == SearchFolder || slices.ContainsFunc(inside, func(f *Folder) bool { return f.Kind == SearchFolder }) {
		return nil, fmt.Errorf("copy %v: a search folder is not copied: %w", id, ErrInvalid)
	}
	made := map[FolderID]FolderID{source.Parent: parent}
	for _, f := range append([]*Folder{source}, inside...) {
		copied, err := m.CreateFolder(ctx, NewFolder{Parent: made[f.Parent], Name: f.Name, Class: f.Class, Hidden: f.Hidden, Props: f.Props})
		if err == nil {
			made[f.ID] = copied.ID
			err = m.copyItems(ctx, f.ID, copied.ID)
		}
		if err != nil {
			if whole, begun := made[id]; begun {
				err = errors.Join(err, m.unsighted().DeleteFolder(context.WithoutCancel(ctx), whole, HardDelete))
			}
			return nil, fmt.Errorf("copy %v: %w", id, err)
		}
	}
	return m.Folder(ctx, made[id])
}

// copyItems copies a folder's items in batches, as they were when it began.
func (m *Mailbox) copyItems(ctx context.Context, from, to FolderID) error {
	last := mapi.GlobCnt(0)
	only, sees := m.sight.condition(5)
	for {
		var done int
		var seen mapi.GlobCnt
		err := m.write(ctx, func(w *writer) error {
			s := newSelection(everything)
			rows, err := w.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND fid = $2 AND created_cn > $3"+only+" ORDER BY created_cn LIMIT $4",
				append([]any{m.id, from.Folder, last, batch}, sees...)...)
			items, _, err := m.scanItems(s, 0, rows, err)
			if err != nil {
				return err
			}
			done, seen = len(items), last
			for _, it := range items {
				seen = it.CreatedCN
				if err := m.subobjects(w, it, everything); err != nil {
					return err
				}
				if err := w.copy(it, to); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || done < batch {
			return err
		}
		last = seen
	}
}

// copy inserts a copy of an item, which it becomes.
func (w *writer) copy(it *Item, to FolderID) error {
	it.Folder, it.deletedFrom, it.Creator = to, 0, ""
	w.grew = true
	it.notify(false) // the original does
	return w.insert(it)
}

// stone is a tombstone: what a client must be told of an id that is no more.
type stone struct {
	kind     int
	cn       mapi.GlobCnt
	folder   mapi.GlobCnt // where it was, or a folder's parent
	id, mid  mapi.GlobCnt
	assoc    bool
	created  mapi.GlobCnt
	reason   int
	movedTo  mapi.GlobCnt
	movedMid mapi.GlobCnt
	uid      int32
}

// stone returns an item's tombstone without its number.
func (it *Item) stone(reason int) stone {
	return stone{kind: itemStone, folder: it.Folder.Folder, id: it.ID.Row, mid: it.ID.Mid, assoc: it.Associated, created: it.CreatedCN,
		reason: reason, uid: it.Props.Int32(mapi.PidTagInternetArticleNumber)}
}

func (w *writer) bury(s stone) error {
	var movedTo, movedMid any
	if s.movedTo != 0 {
		movedTo, movedMid = s.movedTo, s.movedMid
	}
	_, err := w.Exec(`INSERT INTO tombstone (mailbox, cn, kind, fid, id, mid, assoc, created_cn, reason, moved_to, moved_mid, imap_uid, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		w.m.id, s.cn, s.kind, s.folder, s.id, s.mid, number(s.assoc), s.created, s.reason, movedTo, movedMid, s.uid, micros(w.now))
	if err != nil {
		return fmt.Errorf("tombstone: %w", err)
	}
	return nil
}
