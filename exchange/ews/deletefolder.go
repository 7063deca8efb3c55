package ews

import (
	"hma/exchange/store"
)

// deleteFolder answers DeleteFolder (MS-OXWSFOLD 3.1.4.4): one message for each id.
func deleteFolder(c *call) error {
	how, err := c.deletion()
	if err != nil {
		return err
	}
	return c.eachFolder(func(f *store.Folder) (func() error, error) {
		if f.Role != "" {
			return nil, errDeleteDistinguished
		}
		return nil, orFolder(c.box(f.ID).DeleteFolder(c.ctx, f.ID, how))
	})
}

var errCannotEmpty = &problem{"ErrorCannotEmptyFolder", "The folder cannot be emptied."}

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
	return c.eachFolder(func(f *store.Folder) (func() error, error) {
		switch f.Role {
		case store.RoleRoot, store.RoleMsgFolderRoot, store.RoleSearchFolders, store.RoleCalendar, store.RoleRecoverableRoot:
			return nil, errCannotEmpty
		}
		if f.Kind == store.SearchFolder {
			return nil, errCannotEmpty // what it has found lies elsewhere
		}
		return nil, orFolder(c.box(f.ID).EmptyFolder(c.ctx, f.ID, how, below))
	})
}
