package ews

// getItem answers GetItem (MS-OXWSCORE 3.1.4.4): one message for each id. Message
// texts are streamed from the store as they are written.
func getItem(c *call) error {
	shape, err := c.readShape(false)
	if err != nil {
		return err
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	c.begin()
	for _, e := range list {
		id, _, err := c.itemID(e)
		if err == nil {
			item, ierr := c.box(id).Item(c.ctx, id, shape.want)
			if err = ierr; err == nil {
				err = c.success(func() error {
					c.w.Start("m:Items")
					defer c.w.End("m:Items")
					return c.writeItem(shape, item)
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
