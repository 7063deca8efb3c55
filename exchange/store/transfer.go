package store

import (
	"context"
	"errors"
	"fmt"

	"hma/wire/mapi"
)

// CopyItemTo makes a copy of an item in a folder of another mailbox, as MAPI copies
// between stores: its content is written there, and named properties get the ids
// that they have there.
func (m *Mailbox) CopyItemTo(ctx context.Context, id ItemID, into *Mailbox, to FolderID) (Stamp, error) {
	stamp, err := m.copyTo(ctx, id, into, to)
	if err != nil {
		return Stamp{}, fmt.Errorf("copy %v to %v: %w", id, to, err)
	}
	return stamp, nil
}

// MoveItemTo moves an item to a folder of another mailbox: a copy there, and then
// the item is deleted for good here. When it cannot be deleted the copy goes again;
// after a crash between the two there are both.
func (m *Mailbox) MoveItemTo(ctx context.Context, id ItemID, into *Mailbox, to FolderID) (Stamp, error) {
	_, err := m.itemGate(ctx, id, RightDeleteAny, RightDeleteOwned)
	var stamp Stamp
	if err == nil {
		stamp, err = m.copyTo(ctx, id, into, to)
	}
	if err == nil {
		if _, err = m.DeleteItem(ctx, id, HardDelete); err != nil {
			_, undone := into.itself().DeleteItem(context.WithoutCancel(ctx), stamp.ID, HardDelete)
			err = errors.Join(err, undone)
		}
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("move %v to %v: %w", id, to, err)
	}
	return stamp, nil
}

func (m *Mailbox) copyTo(ctx context.Context, id ItemID, into *Mailbox, to FolderID) (Stamp, error) {
	// Before anything is written there.
	if _, err := into.folderGate(ctx, to, RightCreate); err != nil {
		return Stamp{}, err
	}
	it, err := m.Item(ctx, id, everything)
	if err != nil {
		return Stamp{}, err
	}
	made := NewItem{Folder: to, Associated: it.Associated, Read: it.Read, MIME: it.MIME, Recipients: it.Recipients}
	if made.Props, err = m.translate(ctx, it.Props, into); err != nil {
		return Stamp{}, err
	}
	for i := range made.Recipients {
		if made.Recipients[i].Props, err = m.translate(ctx, made.Recipients[i].Props, into); err != nil {
			return Stamp{}, err
		}
	}
	for _, a := range it.Attachments {
		if a.Props, err = m.translate(ctx, a.Props, into); err != nil {
			return Stamp{}, err
		}
		made.Attachments = append(made.Attachments, a)
	}
	if err := into.Carry(ctx, m, &made); err != nil {
		return Stamp{}, err
	}
	return into.CreateItem(ctx, made)
}

// translate returns a bag with the ids that its named properties have in another mailbox.
func (m *Mailbox) translate(ctx context.Context, bag mapi.Bag, into *Mailbox) (mapi.Bag, error) {
	out := make(mapi.Bag, len(bag))
	var tags []mapi.Tag
	var ids []uint16
	for tag, v := range bag {
		if tag.ID() < mapi.FirstMailboxName {
			out[tag] = v
			continue
		}
		tags, ids = append(tags, tag), append(ids, tag.ID())
	}
	if tags == nil {
		return out, nil
	}
	names, err := m.Names(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, tag := range tags {
		if names[i] == (mapi.Name{}) {
			continue // it stands for nothing
		}
		there, err := into.NamedIDs(ctx, names[i:i+1], true)
		if err != nil {
			return nil, err
		}
		out[mapi.NewTag(there[0], tag.Type())] = bag[tag]
	}
	return out, nil
}

// Carry sees to it that what an item to be created refers to is in the mailbox: what
// is not is written from another mailbox.
func (m *Mailbox) Carry(ctx context.Context, from *Mailbox, item *NewItem) error {
	self, err := m.writesGate(ctx)
	if err != nil {
		return fmt.Errorf("carry content: %w", err)
	}
	blobs := []mapi.Blob{item.MIME}
	for _, v := range item.Props {
		if blob, ok := v.(mapi.Blob); ok {
			blobs = append(blobs, blob)
		}
	}
	for _, a := range item.Attachments {
		blobs = append(blobs, a.Content)
	}
	for _, blob := range blobs {
		if _, along := item.Contents[blob]; along || blob.IsZero() {
			continue
		}
		var there int
		err := noRow(self.store.db.QueryRow(ctx, "SELECT 1 FROM blob WHERE mailbox = $1 AND hash = $2", self.id, blob.Hash[:]).Scan(&there))
		if errors.Is(err, ErrNotFound) {
			_, err = self.WriteBlob(ctx, from.OpenBlob(ctx, blob))
		}
		if err != nil {
			return fmt.Errorf("carry content: %w", err)
		}
	}
	return nil
}
