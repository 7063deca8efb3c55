package ews

import "hma/wire/soap"

// deleteItem answers DeleteItem (MS-OXWSCORE 3.1.4.3): one message for each id.
func deleteItem(c *call) error {
	how, err := c.deletion()
	if err != nil {
		return err
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, _, err := c.itemID(e)
		if err == nil {
			_, err = c.mailbox.DeleteItem(c.ctx, id, how)
		}
		return nil, err
	})
}
