package ews

import "hma/exchange/store"

// deleteItem answers DeleteItem (MS-OXWSCORE 3.1.4.3): one message for each id.
func deleteItem(c *call) error {
	text, _ := c.req.Attr("DeleteType")
	how, known := map[string]store.Deletion{"HardDelete": store.HardDelete, "SoftDelete": store.SoftDelete, "MoveToDeletedItems": store.ToDeletedItems}[text]
	if !known {
		return invalid(c.req, "%q is no way to delete", text)
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	c.begin()
	for _, e := range list {
		id, _, err := c.itemID(e)
		if err == nil {
			_, err = c.mailbox.DeleteItem(c.ctx, id, how)
		}
		if err != nil {
			err = c.failure(err)
		} else {
			err = c.success(nil)
		}
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}
