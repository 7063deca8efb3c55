package ews

import (
	"hma/wire/mapi"
	"hma/wire/soap"
)

// markAllItemsAsRead answers MarkAllItemsAsRead (MS-OXWSCORE 3.1.4.5): one
// message for each folder. Senders who asked for a receipt are told, unless
// SuppressReadReceipts says no.
func markAllItemsAsRead(c *call) error {
	e, err := c.child("ReadFlag")
	if err != nil {
		return err
	}
	read, ok := parseValue(mapi.Boolean, e.Text)
	if !ok {
		return invalid(e, "ReadFlag is no Boolean")
	}
	suppress := false
	if e := c.req.Child(soap.NSMessages, "SuppressReadReceipts"); e != nil {
		v, ok := parseValue(mapi.Boolean, e.Text)
		if !ok {
			return invalid(e, "SuppressReadReceipts is no Boolean")
		}
		suppress = v.(bool)
	}
	list, err := c.ids("FolderIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, err := c.folderID(e)
		if err == nil {
			err = orFolder(c.box(id).MarkAllRead(c.ctx, id, read.(bool), suppress))
		}
		return nil, err
	})
}
