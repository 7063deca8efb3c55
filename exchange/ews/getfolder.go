package ews

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
	c.begin()
	for _, e := range list {
		id, err := c.folderID(e)
		if err == nil {
			var f, ferr = c.mailbox.Folder(c.ctx, id)
			if err = orFolder(ferr); err == nil {
				err = c.success(func() error {
					c.w.Start("m:Folders")
					defer c.w.End("m:Folders")
					return c.writeFolder(shape, f)
				})
				if err != nil {
					return err
				}
				continue
			}
		}
		if err := c.failure(err); err != nil {
			return err
		}
	}
	c.finish()
	return nil
}
