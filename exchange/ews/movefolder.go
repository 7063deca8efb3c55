package ews

import (
	"context"
	"errors"

	"hma/exchange/store"
	"hma/wire/soap"
)

var (
	errMoveDistinguished   = &problem{"ErrorMoveDistinguishedFolder", "Distinguished folders cannot be moved."}
	errDeleteDistinguished = &problem{"ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."}
	errMoveCopy            = &problem{"ErrorMoveCopyFailed", "The folder cannot be moved or copied there."}
)

// moveFolder answers MoveFolder (MS-OXWSFOLD 3.1.4.7): one message for each id.
// Ids of the folder and of everything in it stay.
func moveFolder(c *call) error { return transferFolders(c, true, (*store.Mailbox).MoveFolder) }

// copyFolder answers CopyFolder (MS-OXWSFOLD 3.1.4.1): one message for each id.
func copyFolder(c *call) error { return transferFolders(c, false, (*store.Mailbox).CopyFolder) }

func transferFolders(c *call, move bool, transfer func(m *store.Mailbox, ctx context.Context, id, parent store.FolderID) (*store.Folder, error)) error {
	to, err := c.child("ToFolderId")
	if err != nil {
		return err
	}
	list, err := c.ids("FolderIds")
	if err != nil {
		return err
	}
	parent, err := c.target(to)
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		f, err := c.folder(e)
		if err != nil {
			return nil, err
		}
		if move && f.Role != "" {
			return nil, errMoveDistinguished
		}
		if parent.Mailbox != f.ID.Mailbox {
			return nil, errCrossMailbox
		}
		after, err := transfer(c.box(f.ID), c.ctx, f.ID, parent)
		if errors.Is(err, store.ErrInvalid) {
			return nil, errMoveCopy
		}
		return c.folderResult(after), orFolder(err)
	})
}

// eachFolder is each for a request about folders that must be there.
func (c *call) eachFolder(one func(f *store.Folder) (payload func() error, err error)) error {
	list, err := c.ids("FolderIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		f, err := c.folder(e)
		if err != nil {
			return nil, err
		}
		return one(f)
	})
}

// folder reads a folder id and the folder that it names.
func (c *call) folder(e *soap.Element) (*store.Folder, error) {
	id, err := c.folderID(e)
	if err != nil {
		return nil, err
	}
	f, err := c.box(id).Folder(c.ctx, id)
	return f, orFolder(err)
}

// folderResult returns what writes a Folders element with the id of one folder.
func (c *call) folderResult(f *store.Folder) func() error {
	return func() error {
		c.w.Start("m:Folders")
		element := folderElement(f)
		c.w.Start(element)
		c.writeFolderID("t:FolderId", f)
		c.w.End(element)
		c.w.End("m:Folders")
		return nil
	}
}
