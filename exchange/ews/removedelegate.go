package ews

import (
	"slices"

	"hma/exchange/store"
)

// removeDelegate answers RemoveDelegate (MS-OXWSDLGM 3.1.4.3). With the delegate go
// the delegate's permissions in the folders of DelegatePermissions.
func removeDelegate(c *call) error {
	box, err := c.delegating()
	if err != nil {
		return err
	}
	users, err := c.child("UserIds")
	if err != nil {
		return err
	}
	named, err := c.delegatesNamed(users)
	if err != nil {
		return err
	}
	var folders []store.FolderID
	for _, f := range delegateFolders {
		id, err := box.RoleID(f.role)
		if err != nil {
			return err
		}
		folders = append(folders, id)
	}
	var failed []error
	err = box.UpdateDelegates(c.ctx, func(list *store.Delegates) error {
		failed = make([]error, len(named))
		for i := range named {
			d := &named[i]
			if failed[i] = d.err; failed[i] != nil {
				continue
			}
			one := list.Find(d.sid)
			if one == nil {
				failed[i] = d.unknown()
				continue
			}
			sid := one.SID
			list.List = slices.DeleteFunc(list.List, func(o store.Delegate) bool { return o.SID == sid })
			for _, folder := range folders {
				list.Grants = append(list.Grants, store.Grant{SID: sid, Folder: folder})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.alone(func() error {
		c.writeDelegates(named, func(i int) error { return failed[i] }, func(int) {})
		return nil
	})
}
