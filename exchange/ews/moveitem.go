package ews

import (
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// moveItem answers MoveItem (MS-OXWSCORE 3.1.4.7): one message for each id. A
// moved item has a new id; the old one names nothing any more.
func moveItem(c *call) error {
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
	folder, ferr := c.target(to)
	if _, fault := ferr.(*soap.Fault); fault {
		return ferr
	}
	c.begin()
	for _, e := range list {
		err := ferr
		var stamp store.Stamp
		var class string
		if err == nil {
			stamp, class, err = c.move(e, folder)
		}
		if err != nil {
			if err := c.failure(err); err != nil {
				return err
			}
			continue
		}
		err = c.success(func() error {
			if ids {
				element, _ := kindOf(class)
				c.w.Start("m:Items")
				c.w.Start(element)
				c.writeItemID(stamp.ID, stamp.ChangeKey)
				c.w.End(element)
				c.w.End("m:Items")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

func (c *call) move(e *soap.Element, folder store.FolderID) (stamp store.Stamp, class string, err error) {
	id, _, err := c.itemID(e)
	if err != nil {
		return stamp, "", err
	}
	item, err := c.mailbox.Item(c.ctx, id, store.Want{Tags: []mapi.Tag{mapi.PidTagMessageClass}})
	if err != nil {
		return stamp, "", err
	}
	stamp, err = c.mailbox.MoveItem(c.ctx, id, folder)
	return stamp, item.Props.String(mapi.PidTagMessageClass), err
}
