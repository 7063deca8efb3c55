package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hma/wire/mapi"
)

// CopyItemTo makes a copy of an item in a folder of another mailbox, as MAPI copies
// between stores: its content is written there, and named properties get the ids
// that they have there.
func (m *Mailbox) CopyItemTo(ctx context.Context, id ItemID, into *Mailbox, to FolderID) (Stamp, error) {
	_, copied, err := m.readyCopy(ctx, id, into, to)
	var stamps []Stamp
	if err == nil {
		err = copied.m.write(ctx, func(w *writer) error {
			stamps, err = copied.create(w)
			return err
		})
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("copy %v to %v: %w", id, to, err)
	}
	return stamps[0], nil
}

// moveAttempts is how often a move to another mailbox is begun again because somebody changed the item meanwhile.
const moveAttempts = 5

// MoveItemTo moves an item to a folder of another mailbox: what it is made of is written there, and then
// one transaction makes the copy and deletes the item for good, so that a crash leaves one of the two. Who changes
// the item meanwhile changes what is moved.
func (m *Mailbox) MoveItemTo(ctx context.Context, id ItemID, into *Mailbox, to FolderID) (stamp Stamp, err error) {
	for range moveAttempts {
		if stamp, err = m.moveTo(ctx, id, into, to); !errors.Is(err, ErrConflict) {
			break
		}
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("move %v to %v: %w", id, to, err)
	}
	return stamp, nil
}

func (m *Mailbox) moveTo(ctx context.Context, id ItemID, into *Mailbox, to FolderID) (Stamp, error) {
	from, err := m.itemGate(ctx, id, RightDeleteAny, RightDeleteOwned)
	if err != nil {
		return Stamp{}, err
	}
	was, copied, err := m.readyCopy(ctx, id, into, to)
	if err != nil {
		return Stamp{}, err
	}
	var stamps []Stamp
	err = writeIn(ctx, []*Mailbox{from, copied.m}, func(w []*writer) error {
		it, err := from.item(w[0], id, everything)
		if err != nil {
			return err
		}
		if it.CN != was.CN || it.ReadCN != was.ReadCN {
			return fmt.Errorf("it was changed meanwhile: %w", ErrConflict)
		}
		if stamps, err = copied.create(w[1]); err != nil {
			return err
		}
		it.notify(false) // it is not deleted, and nobody else speaks for this mailbox
		_, err = w[0].delete(it, HardDelete)
		return err
	})
	if err != nil {
		return Stamp{}, err
	}
	return stamps[0], nil
}

// readyCopy reads an item and makes what a copy of it in a folder of another mailbox needs.
func (m *Mailbox) readyCopy(ctx context.Context, id ItemID, into *Mailbox, to FolderID) (*Item, readied, error) {
	// Before anything is written there.
	if _, err := into.folderGate(ctx, to, RightCreate); err != nil {
		return nil, readied{}, err
	}
	it, err := m.Item(ctx, id, everything)
	if err != nil {
		return nil, readied{}, err
	}
	made := NewItem{Folder: to, Associated: it.Associated, Read: it.Read, MIME: it.MIME, Recipients: slices.Clone(it.Recipients)}
	if made.Props, err = m.translate(ctx, it.Props, into); err != nil {
		return nil, readied{}, err
	}
	for i := range made.Recipients {
		if made.Recipients[i].Props, err = m.translate(ctx, made.Recipients[i].Props, into); err != nil {
			return nil, readied{}, err
		}
	}
	for _, a := range it.Attachments {
		if a.Props, err = m.translate(ctx, a.Props, into); err != nil {
			return nil, readied{}, err
		}
		made.Attachments = append(made.Attachments, a)
	}
	if err := into.Carry(ctx, m, &made); err != nil {
		return nil, readied{}, err
	}
	copied, err := into.ready(ctx, []NewItem{made})
	return it, copied, err
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
