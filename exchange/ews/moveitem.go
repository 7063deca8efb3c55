package ews

import (
	"context"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// moveItem answers MoveItem (MS-OXWSCORE 3.1.4.7): one message for each id. A
// moved item has a new id; the old one names nothing any more.
func moveItem(c *call) error {
	return transferItems(c, (*store.Mailbox).MoveItem, (*store.Mailbox).MoveItemTo)
}

// copyItem answers CopyItem (MS-OXWSCORE 3.1.4.1): one message for each id.
func copyItem(c *call) error {
	return transferItems(c, (*store.Mailbox).CopyItem, (*store.Mailbox).CopyItemTo)
}

// transferItems moves or copies items, within their mailbox or to another one.
func transferItems(c *call, within func(*store.Mailbox, context.Context, store.ItemID, store.FolderID) (store.Stamp, error),
	across func(*store.Mailbox, context.Context, store.ItemID, *store.Mailbox, store.FolderID) (store.Stamp, error)) error {
	to, err := c.child("ToFolderId")
	if err != nil {
		return err
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	ids := true // ReturnNewItemIds
	if e := c.req.Child(soap.NSMessages, "ReturnNewItemIds"); e != nil {
		v, ok := parseValue(mapi.Boolean, e.Text)
		if !ok {
			return invalid(e, "ReturnNewItemIds is no Boolean")
		}
		ids = v.(bool)
	}
	folder, err := c.target(to)
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, _, err := c.itemID(e)
		if err != nil {
			return nil, err
		}
		item, err := c.box(id).Item(c.ctx, id, store.Want{Tags: []mapi.Tag{mapi.PidTagMessageClass}})
		if err != nil {
			return nil, err
		}
		var stamp store.Stamp
		if id.Mailbox == folder.Mailbox {
			stamp, err = within(c.box(id), c.ctx, id, folder)
		} else {
			stamp, err = across(c.box(id), c.ctx, id, c.box(folder), folder)
		}
		if err != nil || !ids {
			return nil, err
		}
		return c.item(item.Props.String(mapi.PidTagMessageClass), stamp), nil
	})
}
