package ews

import (
	"errors"

	"hma/exchange/addressbook"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// archivePrefix begins the names of the distinguished folders of the archive mailbox:
// archivemsgfolderroot, archiveinbox (MS-OXWSCDATA 2.2.5.11). The folder archive
// itself is in the mailbox.
const archivePrefix = "archive"

var errNoArchive = &problem{"ErrorArchiveMailboxNotEnabled", "The mailbox has no archive mailbox."}

// archive opens the archive mailbox of the person of the request; store.ErrNotFound without one.
func (c *call) archive() (*store.Mailbox, error) {
	id := c.person.ArchiveGUID()
	if m := c.boxes[id]; m != nil {
		return m, nil
	}
	if id.IsNil() {
		return nil, store.ErrNotFound
	}
	m, err := c.door.store.OpenMailbox(c.ctx, id, addressbook.ArchiveInfo(c.person))
	if err != nil {
		return nil, err
	}
	c.admitted(id, m)
	return m, nil
}

// archiveItem answers ArchiveItem (MS-OXWSARCH 3.1.4.1): the items go into the folder
// of the archive mailbox that has the place and the names of the source, which is made
// where it is missing. exchangelib's bulk_archive asks for it.
func archiveItem(c *call) error {
	source, err := c.child("ArchiveSourceFolderId")
	if err != nil {
		return err
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	from, err := c.target(source)
	if err != nil {
		return err
	}
	archive, err := c.archive()
	if errors.Is(err, store.ErrNotFound) {
		return errNoArchive
	}
	if err != nil {
		return err
	}
	if from.Mailbox != c.mailbox.GUID() {
		return errCrossMailbox
	}
	to, err := c.archived(archive, from)
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, _, err := c.itemID(e)
		if err != nil {
			return nil, err
		}
		item, err := c.box(id).Item(c.ctx, id, store.Want{Tags: []mapi.Tag{mapi.PidTagMessageClass}})
		if err == nil && id.Mailbox != c.mailbox.GUID() {
			err = errCrossMailbox
		}
		if err != nil {
			return nil, err
		}
		stamp, err := c.mailbox.MoveItemTo(c.ctx, id, archive, to)
		if err != nil {
			return nil, err
		}
		return c.item(item.Props.String(mapi.PidTagMessageClass), stamp), nil
	})
}

// archived finds or makes the folder of the archive for one of the mailbox.
func (c *call) archived(archive *store.Mailbox, folder store.FolderID) (store.FolderID, error) {
	f, err := c.mailbox.Folder(c.ctx, folder)
	if err != nil {
		return store.FolderID{}, err
	}
	if f.Role != "" {
		return archive.RoleID(f.Role)
	}
	parent, err := c.archived(archive, f.Parent)
	if err != nil {
		return store.FolderID{}, err
	}
	id, _, err := archive.EnsureFolder(c.ctx, store.NewFolder{Parent: parent, Name: f.Name, Class: f.Class})
	return id, err
}
