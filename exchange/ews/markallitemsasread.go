package ews

import (
	"hma/wire/mapi"
	"hma/wire/soap"
)

// markAllItemsAsRead answers MarkAllItemsAsRead (MS-OXWSCORE 3.1.4.5): one
// message for each folder. Read receipts are never sent, whatever SuppressReadReceipts says.
func markAllItemsAsRead(c *call) error {
	e, err := c.child("ReadFlag")
	if err != nil {
		return err
	}
	read, ok := parseValue(mapi.Boolean, e.Text)
	if !ok {
		return invalid(e, "ReadFlag is no Boolean")
	}
	list, err := c.ids("FolderIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, err := c.folderID(e)
		if err == nil {
			err = orFolder(c.box(id).MarkAllRead(c.ctx, id, read.(bool)))
		}
		return nil, err
	})
}
