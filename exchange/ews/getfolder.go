package ews

import "hma/exchange/store"

// getFolder answers GetFolder (MS-OXWSFOLD 3.1.4.6): one message for each id.
func getFolder(c *call) error {
	shape, err := c.folderShape()
	if err != nil {
		return err
	}
	return c.eachFolder(func(f *store.Folder) (func() error, error) {
		return func() error {
			c.w.Start("m:Folders")
			defer c.w.End("m:Folders")
			return c.writeFolder(shape, f)
		}, nil
	})
}
