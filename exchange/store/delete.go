package store

import (
	"context"
	"fmt"
	"slices"

	"hma/wire/mapi"
)

// Deletion is how something is deleted.
type Deletion int

// The ways to delete: to the Deleted Items folder, to Recoverable Items, or for good.
const (
	ToDeletedItems Deletion = iota
	SoftDelete
	HardDelete
)

// recoverable tells whether a folder is one of those below Recoverable Items: what is deleted there is deleted for good.
func recoverable(fid mapi.GlobCnt) bool {
	return slices.Contains([]mapi.GlobCnt{fixed(RoleRecoverableRoot), fixed(RoleRecoverableDeletions), fixed(RoleRecoverableVersions), fixed(RoleRecoverablePurges)}, fid)
}

// effective is what a deletion comes to in a folder.
func (d Deletion) effective(fid mapi.GlobCnt) Deletion {
	if recoverable(fid) {
		return HardDelete
	}
	if d == ToDeletedItems && fid == fixed(RoleDeletedItems) {
		return SoftDelete
	}
	return d
}

// DeleteItem deletes an item. What is in Deleted Items already goes to Recoverable
// Items, and what is there goes for good. The stamp tells where the item is now;
// after a deletion for good its ID is zero.
func (m *Mailbox) DeleteItem(ctx context.Context, id ItemID, how Deletion) (stamp Stamp, err error) {
	step, err := m.deleting(ctx, id, nil, how, &stamp)
	if err == nil {
		err = Together(ctx, step)
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("delete %v: %w", id, err)
	}
	return stamp, nil
}

func (m *Mailbox) deleting(ctx context.Context, id ItemID, key []byte, how Deletion, stamp *Stamp) (Step, error) {
	m, err := m.itemGate(ctx, id, RightDeleteAny, RightDeleteOwned)
	return Step{m, func(w *writer) error {
		it, err := m.item(w, id, everything)
		if err == nil && key != nil && string(key) != string(it.ChangeKey) {
			err = ErrConflict
		}
		if err == nil {
			*stamp, err = w.delete(it, how)
		}
		return err
	}}, err
}

func (w *writer) delete(it *Item, how Deletion) (Stamp, error) {
	how = how.effective(it.Folder.Folder)
	if how == ToDeletedItems {
		err := w.move(it, fixed(RoleDeletedItems), goneMoved, 0)
		return it.stamp(), err
	}
	unread := itemDeletedUnread
	if it.Read {
		unread = itemSettled
	}
	if err := w.receipt(it, unread); err != nil {
		return Stamp{}, err
	}
	if how == SoftDelete {
		err := w.move(it, fixed(RoleRecoverableDeletions), goneSoft, it.Folder.Folder)
		return it.stamp(), err
	}
	stone := it.stone(goneHard)
	stone.cn = w.change()
	if err := w.bury(stone); err != nil {
		return Stamp{}, err
	}
	for _, statement := range []string{
		"DELETE FROM recipient WHERE mailbox = $1 AND item = $2",
		"DELETE FROM attachment WHERE mailbox = $1 AND item = $2",
		"DELETE FROM user_read WHERE mailbox = $1 AND item = $2",
		"DELETE FROM item WHERE mailbox = $1 AND id = $2",
	} {
		if _, err := w.Exec(statement, w.m.id, it.ID.Row); err != nil {
			return Stamp{}, err
		}
	}
	if err := w.reindex(it.ID.Row); err != nil {
		return Stamp{}, err
	}
	w.touch(it.ID.Row)
	w.referAll(it, -1)
	return Stamp{Folder: it.Folder, CN: stone.cn}, w.count(it, -1)
}

// EmptyFolder deletes everything in a folder, and with subfolders what is below it
// too. It works in batches: an error leaves the rest where it is. A search folder,
// which holds nothing of its own, is ErrInvalid.
func (m *Mailbox) EmptyFolder(ctx context.Context, id FolderID, how Deletion, subfolders bool) error {
	var err error
	if subfolders {
		if _, err = m.treeGate(ctx, id, RightFolderOwner); err == nil {
			m, err = m.treeGate(ctx, id, RightReadAny|RightDeleteAny)
		}
	} else {
		m, err = m.folderGate(ctx, id, RightReadAny|RightDeleteAny)
	}
	if err == nil {
		var f *Folder
		if f, err = m.Folder(ctx, id); err == nil && f.Kind == SearchFolder {
			err = fmt.Errorf("%v, a search folder: %w", id, ErrInvalid)
		}
	}
	if err != nil {
		return fmt.Errorf("empty: %w", err)
	}
	if subfolders {
		children, err := m.Folders(ctx, id, false)
		if err != nil {
			return fmt.Errorf("empty %v: %w", id, err)
		}
		for _, child := range children {
			if child.Role != "" {
				err = m.EmptyFolder(ctx, child.ID, how, true)
			} else {
				err = m.unsighted().DeleteFolder(ctx, child.ID, how)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := m.deleteItems(ctx, id, how, " AND assoc = 0"); err != nil {
		return fmt.Errorf("empty %v: %w", id, err)
	}
	return nil
}

// deleteItems deletes a folder's items in batches.
func (m *Mailbox) deleteItems(ctx context.Context, id FolderID, how Deletion, only string) error {
	seen, sees := m.sight.condition(4)
	for {
		var done int
		err := m.write(ctx, func(w *writer) (err error) {
			done, err = w.deleteFound(how, " FROM item WHERE mailbox = $1 AND fid = $2"+only+seen+" ORDER BY created_cn LIMIT $3", append([]any{m.id, id.Folder, batch}, sees...)...)
			return err
		})
		if err != nil || done < batch {
			return err
		}
	}
}

// deleteFound deletes the items that a query finds, which goes on from its FROM, and returns how many.
func (w *writer) deleteFound(how Deletion, from string, args ...any) (int, error) {
	s := newSelection(everything)
	rows, err := w.Query("SELECT "+s.list()+from, args...)
	items, _, err := w.m.scanItems(s, 0, rows, err)
	if err != nil {
		return 0, err
	}
	for _, it := range items {
		if err := w.m.subobjects(w, it, everything); err != nil {
			return 0, err
		}
		if _, err := w.delete(it, how); err != nil {
			return 0, err
		}
	}
	return len(items), nil
}

// DeleteFolder deletes a folder with all below it: to Deleted Items it moves, from
// there or softly its items go to Recoverable Items, otherwise for good. A search
// folder goes at once, and what it has found stays. A distinguished folder is
// ErrInvalid.
func (m *Mailbox) DeleteFolder(ctx context.Context, id FolderID, how Deletion) error {
	m, err := m.treeGate(ctx, id, RightFolderOwner)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	m = m.unsighted() // a folder goes with what its owner alone sees in it
	f, err := m.Folder(ctx, id)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if f.Role != "" {
		return fmt.Errorf("delete %v, a distinguished folder: %w", id, ErrInvalid)
	}
	if how == ToDeletedItems && f.Kind != SearchFolder {
		inBin := false
		err := m.write(ctx, func(w *writer) error {
			path, err := w.path(f.Parent.Folder)
			if err != nil {
				return err
			}
			if inBin = slices.Contains(path, fixed(RoleDeletedItems)); inBin {
				return nil
			}
			return w.bin(f)
		})
		if err != nil {
			return fmt.Errorf("delete %v: %w", id, err)
		}
		if !inBin {
			return m.searchSome(ctx)
		}
		how = SoftDelete
	}
	children, err := m.Folders(ctx, id, false)
	if err != nil {
		return fmt.Errorf("delete %v: %w", id, err)
	}
	for _, child := range children {
		if err := m.DeleteFolder(ctx, child.ID, how); err != nil {
			return err
		}
	}
	if err := m.deleteItems(ctx, id, how, ""); err != nil {
		return fmt.Errorf("delete %v: %w", id, err)
	}
	if err := m.write(ctx, func(w *writer) error { return w.removeFolder(id) }); err != nil {
		return fmt.Errorf("delete %v: %w", id, err)
	}
	return nil
}

// bin moves a folder to Deleted Items, under another name when its own is taken there.
func (w *writer) bin(f *Folder) error {
	name := f.Name
	for n := 1; ; n++ {
		err := w.nameFree(fixed(RoleDeletedItems), f.ID.Folder, name)
		if err == nil {
			break
		}
		if n > 1000 {
			return err
		}
		runes := []rune(f.Name)
		name = fmt.Sprintf("%s%d", string(runes[:min(len(runes), MaxFolderName-4)]), n)
	}
	_, err := w.moveFolder(f.ID.Folder, fixed(RoleDeletedItems), name)
	return err
}

// removeFolder deletes an empty folder's row. Something that came into it meanwhile is ErrConflict.
func (w *writer) removeFolder(id FolderID) error {
	m := w.m
	f, err := m.folder(w, id.Folder)
	if err != nil {
		return err
	}
	if f.Kind == SearchFolder {
		if err := w.forget(id.Folder); err != nil {
			return err
		}
	} else if f.Total+f.Associated+f.Children > 0 {
		return fmt.Errorf("something came into it meanwhile: %w", ErrConflict)
	}
	parent, err := w.counts(f.Parent.Folder)
	if err != nil {
		return err
	}
	parent.children--
	cn := w.change()
	if err := w.bury(stone{kind: folderStone, cn: cn, folder: f.Parent.Folder, id: id.Folder, created: f.CreatedCN, reason: goneHard}); err != nil {
		return err
	}
	for _, statement := range []string{
		"DELETE FROM permission WHERE mailbox = $1 AND fid = $2",
		"DELETE FROM receive_folder WHERE mailbox = $1 AND fid = $2",
		"DELETE FROM rule WHERE mailbox = $1 AND fid = $2",
		"DELETE FROM folder WHERE mailbox = $1 AND fid = $2",
	} {
		if _, err := w.Exec(statement, m.id, id.Folder); err != nil {
			return err
		}
	}
	return nil
}
