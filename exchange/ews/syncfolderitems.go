package ews

import (
	"errors"
	"slices"
	"strconv"

	"hma/exchange/store"
	"hma/wire/soap"
)

// syncFolderItems answers SyncFolderItems (MS-OXWSSYNC 3.1.4.2): one net change
// for each item, at most 512 of them, and a state that covers exactly those.
func syncFolderItems(c *call) error {
	shape, err := c.readShape(false)
	if err != nil {
		return err
	}
	e, err := c.child("MaxChangesReturned")
	if err != nil {
		return err
	}
	limit, err := strconv.Atoi(e.Text)
	if err != nil || limit < 1 || limit > store.MaxChanges {
		return invalid(e, "MaxChangesReturned is not between 1 and %d", store.MaxChanges)
	}
	associated := false
	if e := c.req.Child(soap.NSMessages, "SyncScope"); e != nil {
		associated = e.Text == "NormalAndAssociatedItems"
		if !associated && e.Text != "NormalItems" {
			return invalid(e, "%q is no scope", e.Text)
		}
	}
	target, err := c.child("SyncFolderId")
	if err != nil {
		return err
	}
	ignored := make(map[string]bool)
	if e := c.req.Child(soap.NSMessages, "Ignore"); e != nil {
		for _, id := range e.Children {
			text, _ := id.Attr("Id")
			ignored[text] = true
		}
	}
	changes, err := c.itemChanges(target, limit, associated)
	if _, fault := err.(*soap.Fault); fault {
		return err
	}
	c.begin()
	if err != nil {
		err = c.failure(err)
	} else {
		err = c.success(func() error {
			c.w.Element("m:SyncState", changes.State.Encode(c.door.opts.IDKey))
			c.w.Bool("m:IncludesLastItemInRange", !changes.More)
			c.w.Start("m:Changes")
			list := changes.Changes
			if len(ignored) > 0 {
				list = slices.DeleteFunc(list, func(change store.ItemChange) bool { return ignored[change.ID.Encode(c.door.opts.IDKey)] })
			}
			for group := range slices.Chunk(list, itemsTogether) {
				if err := c.writeItemChanges(shape, group); err != nil {
					return err
				}
			}
			c.w.End("m:Changes")
			return nil
		})
	}
	if err != nil {
		return err
	}
	c.finish()
	return nil
}

func (c *call) itemChanges(target *soap.Element, limit int, associated bool) (*store.ItemChanges, error) {
	folder, err := c.target(target)
	if err == errFolderNotFound {
		err = &problem{"ErrorSyncFolderNotFound", "The folder to synchronize was not found."}
	}
	if err != nil {
		return nil, err
	}
	state, err := c.syncState(folder, false)
	if err != nil {
		return nil, err
	}
	return c.box(folder).SyncItems(c.ctx, folder, state, limit, associated)
}

// writeItemChanges writes changes, whose items it reads together.
func (c *call) writeItemChanges(shape *readItem, group []store.ItemChange) error {
	var ids []store.ItemID
	for _, change := range group {
		if change.Kind == store.Created || change.Kind == store.Updated {
			ids = append(ids, change.ID)
		}
	}
	items := c.together(ids, shape.want)
	for _, change := range group {
		if err := c.writeItemChange(shape, change, items); err != nil {
			return err
		}
	}
	return nil
}

// writeItemChange writes one change, of one of the items perhaps. An item that went away
// meanwhile is left to the next call, which reports its removal.
func (c *call) writeItemChange(shape *readItem, change store.ItemChange, items map[store.ItemID]*store.Item) error {
	switch change.Kind {
	case store.Created, store.Updated:
		item, err := c.oneOf(items, change.ID, shape.want)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		name := "t:Create"
		if change.Kind == store.Updated {
			name = "t:Update"
		}
		c.w.Start(name)
		if err := c.writeItem(shape, item); err != nil {
			return err
		}
		c.w.End(name)
	case store.ReadFlag:
		c.w.Start("t:ReadFlagChange")
		c.writeItemID(change.ID, change.Item.ChangeKey)
		c.w.Bool("t:IsRead", change.Read)
		c.w.End("t:ReadFlagChange")
	case store.Removed:
		c.w.Start("t:Delete")
		c.w.Empty("t:ItemId", "Id", change.ID.Encode(c.door.opts.IDKey))
		c.w.End("t:Delete")
	}
	return c.w.Err()
}
