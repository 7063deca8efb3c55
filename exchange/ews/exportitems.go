package ews

import (
	"io"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// exportItems answers ExportItems (MS-OXWSBTRF 3.1.4.1): one message for each id,
// with the item in the store's packed form, streamed. A client must not look into it.
func exportItems(c *call) error {
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	whole := store.Want{All: true, Recipients: true, Attachments: true}
	parse := func(e *soap.Element) (store.ID, error) {
		id, _, err := c.itemID(e)
		return id, err
	}
	return c.eachItem(list, whole, parse, func(id store.ID, item *store.Item) (func() error, error) {
		box := c.box(id)
		return func() error {
			c.w.Empty("m:ItemId", "Id", item.ID.Encode(c.door.opts.IDKey), "ChangeKey", changeKey(itemKey, item.ChangeKey))
			c.w.Start("m:Data")
			r, w := io.Pipe()
			defer r.Close()
			go func() { w.CloseWithError(box.Pack(c.ctx, item.Again(), w)) }()
			err := c.w.Base64(r)
			c.w.End("m:Data")
			return err
		}, nil
	})
}

// uploadItems answers UploadItems (MS-OXWSBTRF 3.1.4.2): one message for each item.
// What was not written by ExportItems, or was changed since, is refused.
func uploadItems(c *call) error {
	list, err := c.ids("Items")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		stamp, err := c.upload(e)
		if err != nil {
			return nil, err
		}
		return func() error {
			c.w.Empty("m:ItemId", "Id", stamp.ID.Encode(c.door.opts.IDKey), "ChangeKey", changeKey(itemKey, stamp.ChangeKey))
			return nil
		}, nil
	})
}

func (c *call) upload(e *soap.Element) (stamp store.Stamp, err error) {
	action, _ := e.Attr("CreateAction")
	if e.Name.Local != "Item" || action != "CreateNew" && action != "Update" && action != "UpdateOrCreate" {
		return stamp, invalid(e, "%q is no way to upload", action)
	}
	parent, ref, data := e.Child(soap.NSTypes, "ParentFolderId"), e.Child(soap.NSTypes, "ItemId"), e.Child(soap.NSTypes, "Data")
	if parent == nil || data == nil || ref == nil && action == "Update" || ref != nil && action == "CreateNew" {
		return stamp, invalid(e, "an item to upload must have ParentFolderId, Data, and ItemId when it is to be updated")
	}
	blob, _ := data.Content.(mapi.Blob)
	if blob.Size == 0 {
		return stamp, errCorrupt
	}
	folder, err := c.uploadFolder(parent)
	if err != nil {
		return stamp, err
	}
	if ref != nil {
		id, key, err := c.itemID(ref)
		if err != nil {
			return stamp, err
		}
		old, err := c.box(id).Item(c.ctx, id, store.Want{All: true, Attachments: true})
		if err == nil && old.Folder == folder {
			item, err := c.box(id).Unpack(c.ctx, c.mailbox.OpenBlob(c.ctx, blob))
			if err != nil {
				return stamp, err
			}
			u := old.Become(item)
			u.IfChangeKey = key
			return c.box(id).UpdateItem(c.ctx, id, u)
		}
		if err == nil || isNotFound(err) && action == "Update" {
			return stamp, errItemNotFound
		}
		if !isNotFound(err) {
			return stamp, err
		}
	}
	item, err := c.box(folder).Unpack(c.ctx, c.mailbox.OpenBlob(c.ctx, blob))
	if err != nil {
		return stamp, err
	}
	if text, given := e.Attr("IsAssociated"); given {
		v, ok := parseValue(mapi.Boolean, text)
		if !ok {
			return stamp, invalid(e, "IsAssociated is no Boolean")
		}
		item.Associated = v.(bool)
	}
	item.Folder = folder
	return c.box(folder).CreateItem(c.ctx, item)
}

// uploadFolder reads ParentFolderId, which is here the id itself.
func (c *call) uploadFolder(e *soap.Element) (store.FolderID, error) {
	as := *e
	as.Name.Local = "FolderId"
	id, err := c.folderID(&as)
	if err != nil {
		return id, err
	}
	_, err = c.box(id).Folder(c.ctx, id)
	return id, orFolder(err)
}
