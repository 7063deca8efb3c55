package ews

import (
	"hma/exchange/store"
	"hma/wire/soap"
)

// deleteFolder answers DeleteFolder (MS-OXWSFOLD 3.1.4.4): one message for each id.
func deleteFolder(c *call) error {
	how, err := c.deletion()
	if err != nil {
		return err
	}
	list, err := c.ids("FolderIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		f, err := c.folder(e)
		if err != nil {
			return nil, err
		}
		if f.Role != "" {
			return nil, errDeleteDistinguished
		}
		return nil, orFolder(c.mailbox.DeleteFolder(c.ctx, f.ID, how))
	})
}

// emptyFolder answers EmptyFolder (MS-OXWSFOLD 3.1.4.5): one message for each id.
// Folders outside of what a person sees, and the Calendar, are not emptied.
func emptyFolder(c *call) error {
	how, err := c.deletion()
	if err != nil {
		return err
	}
	below, err := c.flag("DeleteSubFolders")
	if err != nil {
		return err
	}
	list, err := c.ids("FolderIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		f, err := c.folder(e)
		if err != nil {
			return nil, err
		}
		switch f.Role {
		case store.RoleRoot, store.RoleMsgFolderRoot, store.RoleSearchFolders, store.RoleCalendar, store.RoleRecoverableRoot:
			return nil, &problem{"ErrorCannotEmptyFolder", "The folder cannot be emptied."}
		}
		return nil, orFolder(c.mailbox.EmptyFolder(c.ctx, f.ID, how, below))
	})
}
