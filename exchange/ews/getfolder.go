package ews

import "hma/wire/soap"

// getFolder answers GetFolder (MS-OXWSFOLD 3.1.4.6): one message for each id.
func getFolder(c *call) error {
	shape, err := c.folderShape()
	if err != nil {
		return err
	}
	list, err := c.ids("FolderIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, err := c.folderID(e)
		if err != nil {
			return nil, err
		}
		f, err := c.mailbox.Folder(c.ctx, id)
		if err != nil {
			return nil, orFolder(err)
		}
		return func() error {
			c.w.Start("m:Folders")
			defer c.w.End("m:Folders")
			return c.writeFolder(shape, f)
		}, nil
	})
}
