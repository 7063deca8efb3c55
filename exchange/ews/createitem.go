package ews

import (
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
	disposition, given := c.req.Attr("MessageDisposition")
	switch disposition {
	case "SaveOnly", "SendOnly", "SendAndSaveCopy":
	default:
		if given {
			return invalid(c.req, "%q is no message disposition", disposition)
		}
	}
	list, err := c.ids("Items")
	if err != nil {
		return err
	}
	var folder store.FolderID
	var ferr error
	if e := c.req.Child(soap.NSMessages, "SavedItemFolderId"); e != nil {
		folder, ferr = c.target(e)
	} else if disposition == "SendAndSaveCopy" {
		folder, ferr = c.mailbox.RoleID(store.RoleSentItems)
	} else {
		folder, ferr = c.mailbox.RoleID(store.RoleDrafts)
	}
	if _, fault := ferr.(*soap.Fault); fault {
		return ferr
	}
	c.begin()
	for _, e := range list {
		var stamp store.Stamp
		err := ferr
		if err == nil {
			stamp, err = c.create(e, disposition, folder)
		}
		if err != nil {
			if err := c.failure(err); err != nil {
				return err
			}
			continue
		}
		err = c.success(func() error {
			// Items stays empty for what was sent.
			c.w.Start("m:Items")
			if stamp.ID != (store.ItemID{}) {
				element, _ := kindOf("IPM.Note")
				if e.Name.Local == "PostItem" {
					element = "t:PostItem"
				}
				c.w.Start(element)
				c.writeItemID(stamp.ID, stamp.ChangeKey)
				c.w.End(element)
			}
			c.w.End("m:Items")
			return nil
		})
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// create makes one item, and sends it. The stamp is zero for what was sent.
func (c *call) create(e *soap.Element, disposition string, folder store.FolderID) (store.Stamp, error) {
	class := "IPM.Note"
	switch e.Name.Local {
	case "Message", "Item":
	case "PostItem":
		class, disposition = "IPM.Post", "SaveOnly"
	default:
		return store.Stamp{}, errUnsupported
	}
	if disposition == "" {
		return store.Stamp{}, errDisposition
	}
	d := c.newDraft()
	for _, child := range e.Children {
		if err := d.element(child); err != nil {
			return store.Stamp{}, err
		}
	}
	item, err := d.newItem(class)
	if err != nil {
		return store.Stamp{}, err
	}
	switch {
	case disposition == "SaveOnly":
		item.Folder = folder
		flags := mapi.MsgFlagUnsent | mapi.MsgFlagUnmodified
		if class == "IPM.Post" {
			flags = 0
		}
		if d.flags != nil {
			flags = *d.flags
		}
		item.Props[mapi.PidTagMessageFlags] = flags
		if flags&mapi.MsgFlagUnsent != 0 && len(d.recipients) > 0 {
			item.MIME = mapi.Blob{} // it would be sent to those of its header alone
		}
		return c.mailbox.CreateItem(c.ctx, item)
	case !item.MIME.IsZero():
		return store.Stamp{}, c.sendMIME(item, disposition == "SendAndSaveCopy", folder)
	}
	return store.Stamp{}, c.sendElements(item, disposition == "SendAndSaveCopy", folder)
}

// newItem returns the item that the elements make.
func (d *draft) newItem(class string) (store.NewItem, error) {
	item := store.NewItem{Props: mapi.Bag{mapi.PidTagMessageClass: class}}
	if d.mime != nil {
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
	} else {
		d.complete()
	}
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
	return item, nil
}

func deleteTag(bag mapi.Bag, tag mapi.Tag) {
	for t := range bag {
		if t.ID() == tag.ID() {
			delete(bag, t)
		}
	}
}

// complete adds to a message made of elements what MIME would have told: the
// author and the conversation.
func (d *draft) complete() {
	me := oxcmail.Address{Name: d.person.DisplayName, Email: d.person.PrimarySMTP}
	if _, set := d.props[mapi.PidTagSentRepresentingEmail]; !set {
		d.from(me)
	}
	if _, set := d.props[mapi.PidTagSenderEmail]; !set {
		d.sender(me)
	}
	if _, set := d.props[mapi.PidTagNormalizedSubject]; set {
		d.put(mapi.PidTagConversationTopic, d.props.String(mapi.PidTagNormalizedSubject))
	}
	index := oxcmail.NewConversationIndex(nil, guid.New().String(), d.door.opts.Now())
	d.put(mapi.PidTagConversationIndex, index)
	d.put(mapi.PidTagConversationID, oxcmail.ConversationID(index))
}

// sendMIME sends a message as the bytes that the client gave, to everybody in
// its header and to those whom the elements add, for a Bcc is often there only.
func (c *call) sendMIME(item store.NewItem, save bool, folder store.FolderID) error {
	to := []string{}
	for _, r := range item.Recipients {
		to = append(to, r.SMTP)
	}
	receipt, err := c.door.mail.Submit(c.ctx, transport.Submission{
		Mailbox: c.mailbox, SID: c.person.SID, Message: c.mailbox.OpenBlob(c.ctx, item.MIME), To: to,
		MessageID: item.Props.String(mapi.PidTagInternetMessageID),
	})
	if err != nil || !save {
		return err
	}
	item.Folder, item.Read = folder, true
	item.Props[mapi.PidTagInternetMessageID] = receipt.MessageID
	item.Props[mapi.PidTagClientSubmitTime] = receipt.Date
	item.Props[mapi.PidTagMessageFlags] = mapi.MsgFlagFromMe
	_, err = c.mailbox.CreateItem(c.ctx, item)
	return err
}

// sendElements sends a message that has no bytes yet, by way of the Outbox.
func (c *call) sendElements(item store.NewItem, save bool, folder store.FolderID) error {
	outbox, err := c.mailbox.RoleID(store.RoleOutbox)
	if err != nil {
		return err
	}
	item.Folder = outbox
	item.Props[mapi.PidTagMessageFlags] = mapi.MsgFlagUnsent | mapi.MsgFlagUnmodified
	stamp, err := c.mailbox.CreateItem(c.ctx, item)
	if err != nil {
		return err
	}
	if !save {
		folder = store.FolderID{}
	}
	_, _, err = c.door.mail.SubmitItem(c.ctx, c.mailbox, c.person.SID, stamp.ID, folder)
	if err != nil {
		// The client was told that nothing was sent; nothing is left of it either.
		c.mailbox.DeleteItem(c.ctx, stamp.ID, store.HardDelete)
	}
	return err
}
