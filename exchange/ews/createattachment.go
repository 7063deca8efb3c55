package ews

import (
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// createAttachment answers CreateAttachment (MS-OXWSATT 3.1.4.1): one message for
// each attachment, with the new change key of the item that it hangs on.
func createAttachment(c *call) error {
	parent, err := c.child("ParentItemId")
	if err != nil {
		return err
	}
	list, err := c.ids("Attachments")
	if err != nil {
		return err
	}
	item, _, err := c.itemID(parent)
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		a, err := c.newAttachment(e, 1)
		if err != nil {
			return nil, err
		}
		if err := c.carry(c.box(item), &store.NewItem{Attachments: []store.Attachment{a}}); err != nil {
			return nil, err
		}
		stamp, err := c.box(item).UpdateItem(c.ctx, item, store.ItemUpdate{AddAttachments: []store.Attachment{a}, Set: picture(&a, true), MIME: new(mapi.Blob{})})
		if err != nil {
			return nil, err
		}
		id := store.AttachmentID{Item: stamp.ID, Number: stamp.Attachments[0]}
		return func() error {
			element := "t:" + e.Name.Local
			c.w.Start("m:Attachments")
			c.w.Start(element)
			c.w.Empty("t:AttachmentId", append([]string{"Id", id.Encode(c.door.opts.IDKey)}, c.root(stamp)...)...)
			c.w.End(element)
			c.w.End("m:Attachments")
			return nil
		}, nil
	})
}

// deleteAttachment answers DeleteAttachment (MS-OXWSATT 3.1.4.2): one message for
// each id, with the new change key of the item that it hung on.
func deleteAttachment(c *call) error {
	list, err := c.ids("AttachmentIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		a, _, err := c.attachment(e)
		if err == nil && a.ID.Inner != "" {
			err = errInvalidID // what is within an item is read only
		}
		if err != nil {
			return nil, err
		}
		stamp, err := c.box(a.ID).UpdateItem(c.ctx, a.ID.Item, store.ItemUpdate{DeleteAttachments: []int32{a.ID.Number}, Set: picture(a, false), MIME: new(mapi.Blob{})})
		if err != nil {
			return nil, err
		}
		return func() error {
			c.w.Empty("m:RootItemId", c.root(stamp)...)
			return nil
		}, nil
	})
}

// root returns the attributes that name the item of an attachment.
func (c *call) root(stamp store.Stamp) []string {
	return []string{"RootItemId", stamp.ID.Encode(c.door.opts.IDKey), "RootItemChangeKey", changeKey(itemKey, stamp.ChangeKey)}
}
