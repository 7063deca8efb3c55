package ews

import (
	"hma/exchange/store"
	"hma/wire/soap"
)

// markAsJunk answers MarkAsJunk (MS-OXWSCORE 3.1.4.6): one message for each id.
// With MoveItem a message goes to Junk Email, or back to the Inbox. Lists of
// blocked senders are not kept: the mark is the move.
func markAsJunk(c *call) error {
	junk, err := c.flag("IsJunk")
	if err != nil {
		return err
	}
	move, err := c.flag("MoveItem")
	if err != nil {
		return err
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	role := store.RoleInbox
	if junk {
		role = store.RoleJunkEmail
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, _, err := c.itemID(e)
		if err != nil {
			return nil, err
		}
		item, err := c.box(id).Item(c.ctx, id, store.Want{})
		if err != nil {
			return nil, err
		}
		to, err := c.box(id).RoleID(role)
		if err != nil {
			return nil, err
		}
		stamp := store.Stamp{ID: item.ID, ChangeKey: item.ChangeKey}
		if move && item.Folder != to {
			stamp, err = c.box(id).MoveItem(c.ctx, id, to)
		}
		if err != nil || !move {
			return nil, err
		}
		return func() error {
			c.w.Empty("m:MovedItemId", "Id", stamp.ID.Encode(c.door.opts.IDKey), "ChangeKey", changeKey(itemKey, stamp.ChangeKey))
			return nil
		}, nil
	})
}
