package ews

import (
	"context"
	"errors"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// createItem answers CreateItem (MS-OXWSCORE 3.1.4.2): one message for each item.
// An item is given as MIME, as elements, or as both; then the elements win.
func createItem(c *call) error {
	disposition, err := c.disposition()
	if err != nil {
		return err
	}
	list, err := c.ids("Items")
	if err != nil {
		return err
	}
	var folder *store.FolderID // nil is where the kind of item belongs
	if e := c.req.Child(soap.NSMessages, "SavedItemFolderId"); e != nil {
		id, err := c.target(e)
		if err != nil {
			return err
		}
		folder = &id
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		stamp, class, err := c.create(e, disposition, folder)
		if err != nil {
			return nil, err
		}
		if stamp.ID == (store.ItemID{}) { // it was sent
			return func() error {
				c.w.Empty("m:Items")
				return nil
			}, nil
		}
		given := e.Child(soap.NSTypes, "Attachments")
		return func() error {
			element := "t:" + kindOf(class).element
			c.w.Start("m:Items")
			c.w.Start(element)
			c.writeItemID(stamp.ID, stamp.ChangeKey)
			if given != nil && len(given.Children) > 0 {
				c.created(given.Children, stamp)
			}
			c.w.End(element)
			c.w.End("m:Items")
			return nil
		}, nil
	})
}

// created writes the ids of the attachments that came with a new item, which are
// the last of it: a client that is told none adds them once more.
func (c *call) created(given []*soap.Element, stamp store.Stamp) {
	c.w.Start("t:Attachments")
	for i, number := range stamp.Attachments[len(stamp.Attachments)-len(given):] {
		element := "t:" + given[i].Name.Local
		c.w.Start(element)
		c.w.Empty("t:AttachmentId", "Id", store.AttachmentID{Item: stamp.ID, Number: number}.Encode(c.door.opts.IDKey))
		c.w.End(element)
	}
	c.w.End("t:Attachments")
}

// disposition returns the request's MessageDisposition, "" without one.
func (c *call) disposition() (string, error) {
	text, given := c.req.Attr("MessageDisposition")
	switch text {
	case "SaveOnly", "SendOnly", "SendAndSaveCopy":
	default:
		if given {
			return "", invalid(c.req, "%q is no message disposition", text)
		}
	}
	return text, nil
}

// savedFolder returns the request's SavedItemFolderId, Sent Items without one.
func (c *call) savedFolder() (store.FolderID, error) {
	if e := c.req.Child(soap.NSMessages, "SavedItemFolderId"); e != nil {
		return c.target(e)
	}
	return c.mailbox.RoleID(store.RoleSentItems)
}

// create makes one item, and sends it. The stamp is zero for what was sent.
func (c *call) create(e *soap.Element, disposition string, folder *store.FolderID) (stamp store.Stamp, class string, err error) {
	if r := responseByElement[e.Name.Local]; r != nil {
		return r.create(c, e, disposition, folder)
	}
	kind := kindOfNew(e.Name.Local)
	if kind == nil {
		return stamp, class, errUnsupported
	}
	if kind.kind == calendarItem {
		return c.createEvent(e, kind, folder)
	}
	class = kind.class
	if kind.kind&message == 0 {
		disposition = "SaveOnly" // nothing else can be done with it
	}
	if disposition == "" {
		return stamp, class, errDisposition
	}
	d := c.newDraft(kind.kind)
	for _, child := range e.Children {
		if err := d.element(child); err != nil {
			return stamp, class, err
		}
	}
	item, err := d.newItem(class)
	if err != nil {
		return stamp, class, err
	}
	return d.store(item, kind, disposition, folder)
}

// store puts a new item where the request or its kind wants it, or sends it.
func (d *draft) store(item store.NewItem, kind *itemKind, disposition string, folder *store.FolderID) (stamp store.Stamp, class string, err error) {
	class = item.Props.String(mapi.PidTagMessageClass)
	if folder != nil {
		item.Folder = *folder
	} else {
		role := kind.folder
		if disposition == "SendAndSaveCopy" {
			role = store.RoleSentItems
		}
		if item.Folder, err = d.mailbox.RoleID(role); err != nil {
			return stamp, class, err
		}
	}
	if disposition != "SaveOnly" {
		return stamp, class, d.sendNew(item, disposition == "SendAndSaveCopy")
	}
	flags := mapi.MsgFlagUnsent | mapi.MsgFlagUnmodified
	if kind.kind&message == 0 {
		flags = 0
	}
	if d.flags != nil {
		flags = *d.flags
	}
	item.Props[mapi.PidTagMessageFlags] = flags
	if err = d.carry(d.box(item.Folder), &item); err == nil {
		stamp, err = d.box(item.Folder).CreateItem(d.ctx, item)
	}
	return stamp, class, err
}

// newItem returns the item that the elements make.
func (d *draft) newItem(class string) (store.NewItem, error) {
	item := store.NewItem{Props: mapi.Bag{mapi.PidTagMessageClass: class}}
	switch {
	case d.mime != nil && d.kind == contactItem:
		var err error
		item, err = transport.PrepareContact(d.ctx, d.mailbox, d.mailbox.OpenBlob(d.ctx, *d.mime))
		if errors.Is(err, transport.ErrNoContact) {
			return item, errMimeInvalid
		}
		if err != nil {
			return item, err
		}
	case d.mime != nil:
		var err error
		if item, err = transport.Prepare(d.ctx, d.mailbox, d.mailbox.OpenBlob(d.ctx, *d.mime)); err != nil {
			return item, err
		}
		// The bytes stay what the item is, unless its text was replaced.
		_, subject := d.props[mapi.PidTagSubject]
		_, body := d.props[mapi.PidTagBody]
		if subject || body || len(d.attachments) > 0 {
			item.MIME = mapi.Blob{}
		}
	default:
		d.complete()
	}
	d.onto(&item)
	return item, nil
}

// onto puts what the elements say on top of what an item has.
func (d *draft) onto(item *store.NewItem) {
	d.put(mapi.PidTagLastModifierName, d.person.DisplayName)
	for _, tag := range d.delete {
		deleteTag(item.Props, tag)
	}
	for tag, v := range d.props {
		deleteTag(item.Props, tag)
		item.Props[tag] = v
	}
	item.Recipients = d.merged(item.Recipients)
	item.Attachments = append(item.Attachments, d.attachments...)
	item.Read = d.read == nil || *d.read
}

func deleteTag(bag mapi.Bag, tag mapi.Tag) {
	for t := range bag {
		if t.ID() == tag.ID() {
			delete(bag, t)
		}
	}
}

// complete adds to a message made of elements what MIME would have told: the
// author and the conversation. Contacts and tasks have neither.
func (d *draft) complete() {
	switch d.kind {
	case contactItem:
		d.completeContact()
		return
	case distributionList:
		d.completeList()
		return
	case taskItem:
		d.settleTask(mapi.Bag{})
		return
	}
	d.author()
	if _, set := d.props[mapi.PidTagNormalizedSubject]; set {
		d.put(mapi.PidTagConversationTopic, d.props.String(mapi.PidTagNormalizedSubject))
	}
	index := oxcmail.NewConversationIndex(nil, guid.New().String(), d.door.opts.Now())
	d.put(mapi.PidTagConversationIndex, index)
	d.put(mapi.PidTagConversationID, oxcmail.ConversationID(index))
}

// author names an author, and the person of the request as sender, where the elements name nobody.
func (d *draft) author() {
	if _, set := d.props[mapi.PidTagSentRepresentingEmail]; !set {
		d.from(d.organizer)
	}
	if _, set := d.props[mapi.PidTagSenderEmail]; !set {
		d.sender(d.me())
	}
}

// sendNew sends a message by way of the Outbox: what the quota does not let in is
// refused before anybody gets it. A MIME form goes out as the bytes that the
// client gave, to the item's recipients. Save keeps it in the item's folder.
func (c *call) sendNew(item store.NewItem, save bool) error {
	outbox, err := c.mailbox.RoleID(store.RoleOutbox)
	if err != nil {
		return err
	}
	folder := item.Folder
	item.Folder = outbox
	item.Props[mapi.PidTagMessageFlags] = mapi.MsgFlagUnsent | mapi.MsgFlagUnmodified
	if err := c.namesFit(c.mailbox); err != nil {
		return err
	}
	stamp, err := c.mailbox.CreateItem(c.ctx, item)
	if err != nil {
		return err
	}
	if !save {
		folder = store.FolderID{}
	}
	if err = c.submit(stamp.ID, nil, folder); err != nil {
		// The client is told that nothing was sent; nothing is left of it either.
		if _, undone := c.mailbox.DeleteItem(context.WithoutCancel(c.ctx), stamp.ID, store.HardDelete); undone != nil {
			c.door.opts.Log.Error("ews left an unsent item in the Outbox", "request", c.request.ID, "error", undone)
		}
	}
	return err
}

// submit sends a stored item, which may be in another mailbox than the caller's and
// than the folder; a key that is not nil must be its change key. That the item did not
// come into another mailbox is logged and no failure to the client, who would send it
// again; it stays where it is then.
func (c *call) submit(id store.ItemID, key []byte, folder store.FolderID) error {
	box, keep := c.box(id), folder
	if folder != (store.FolderID{}) && folder.Mailbox != id.Mailbox {
		item, err := box.Item(c.ctx, id, store.Want{})
		if err != nil {
			return err
		}
		keep = item.Folder
	}
	stamp, _, err := c.door.mail.SubmitItem(c.ctx, c.mailbox, box, c.person.SID, id, key, keep)
	if err != nil || keep == folder {
		return err
	}
	if _, err := box.MoveItemTo(context.WithoutCancel(c.ctx), stamp.ID, c.box(folder), folder); err != nil {
		c.door.opts.Log.Error("ews sent a message that could not be filed", "request", c.request.ID, "error", err)
	}
	return nil
}
