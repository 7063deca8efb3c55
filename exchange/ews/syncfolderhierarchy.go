package ews

import (
	"hma/exchange/store"
	"hma/wire/soap"
)

// syncFolderHierarchy answers SyncFolderHierarchy (MS-OXWSSYNC 3.1.4.1). A state
// belongs to one root and to this operation.
func syncFolderHierarchy(c *call) error {
	shape, err := c.folderShape()
	if err != nil {
		return err
	}
	changes, err := c.folderChanges()
	if _, fault := err.(*soap.Fault); fault {
		return err
	}
	c.begin()
	if err != nil {
		err = c.failure(err)
	} else {
		err = c.success(func() error {
			c.w.Element("m:SyncState", changes.State.Encode(c.door.opts.IDKey))
			c.w.Bool("m:IncludesLastFolderInRange", true)
			c.w.Start("m:Changes")
			for _, change := range changes.Changes {
				if err := c.writeFolderChange(shape, change); err != nil {
					return err
				}
			}
			c.w.End("m:Changes")
			return nil
		})
	}
	if err != nil {
		return err
	}
	c.finish()
	return nil
}

func (c *call) folderChanges() (*store.FolderChanges, error) {
	var root store.FolderID
	var err error
	if e := c.req.Child(soap.NSMessages, "SyncFolderId"); e != nil {
		root, err = c.target(e)
	} else {
		root, err = c.mailbox.RoleID(store.RoleRoot)
	}
	if err == errFolderNotFound {
		err = &problem{"ErrorSyncFolderNotFound", "The folder to synchronize was not found."}
	}
	if err != nil {
		return nil, err
	}
	state, err := c.syncState(root, true)
	if err != nil {
		return nil, err
	}
	return c.box(root).SyncFolders(c.ctx, root, state)
}

// syncState reads the request's state, which must be of this folder and operation.
func (c *call) syncState(scope store.FolderID, tree bool) (store.SyncState, error) {
	e := c.req.Child(soap.NSMessages, "SyncState")
	if e == nil || e.Text == "" {
		return store.SyncState{}, nil
	}
	state, err := store.ParseSyncState(c.door.opts.IDKey, e.Text)
	if err != nil || state.Scope != scope || state.Tree != tree {
		return state, errSyncState
	}
	return state, nil
}

func (c *call) writeFolderChange(shape *folderShape, change store.FolderChange) error {
	switch change.Kind {
	case store.Created, store.Updated:
		name := "t:Create"
		if change.Kind == store.Updated {
			name = "t:Update"
		}
		c.w.Start(name)
		if err := c.writeFolder(shape, change.Folder); err != nil {
			return err
		}
		c.w.End(name)
	case store.Removed:
		c.w.Start("t:Delete")
		c.w.Empty("t:FolderId", "Id", change.ID.Encode(c.door.opts.IDKey))
		c.w.End("t:Delete")
	}
	return c.w.Err()
}
