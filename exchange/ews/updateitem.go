package ews

import (
	"context"
	"errors"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// updateItem answers UpdateItem (MS-OXWSCORE 3.1.4.9): one message for each
// change. It sets, adds to and deletes properties of the kinds of item that
// CreateItem makes, and sends a message that was changed.
//
// NeverOverwrite and AutoResolve require the change key. With NeverOverwrite a
// key that is not the current one is a conflict; AutoResolve sets the named
// properties on top of whatever else was changed. What is made of what the item
// holds (a longer list, a longer text) is made again when somebody else was faster.
//
// An event that was changed and whose attendees could not be told is a warning with
// the new change key. What can be known before is refused before.
func updateItem(c *call) error {
	resolution, _ := c.req.Attr("ConflictResolution")
	switch resolution {
	case "NeverOverwrite", "AutoResolve", "AlwaysOverwrite":
	default:
		return invalid(c.req, "%q is no conflict resolution", resolution)
	}
	disposition, err := c.disposition()
	if err != nil {
		return err
	}
	list, err := c.ids("ItemChanges")
	if err != nil {
		return err
	}
	var sent store.FolderID // where the copy of what is sent goes
	if disposition == "SendAndSaveCopy" {
		if sent, err = c.savedFolder(); err != nil {
			return err
		}
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, key, class, err := c.change(e, resolution)
		if _, done := errors.AsType[*unfinished](err); err != nil && !done {
			return nil, err
		}
		if item, whole := id.(store.ItemID); whole && (disposition == "SendOnly" || disposition == "SendAndSaveCopy") && kindOf(class).kind&message != 0 {
			if err := c.submit(item, nil, sent); err != nil {
				return nil, err
			}
			return func() error {
				c.w.Empty("m:Items")
				c.noConflicts()
				return nil
			}, nil
		}
		return func() error {
			if err := c.itemWith(class, id, key)(); err != nil {
				return err
			}
			c.noConflicts()
			return nil
		}, err
	})
}

// noConflicts writes what stands behind the item of a change: a conflict that is
// not resolved is an error.
func (c *call) noConflicts() {
	c.w.Start("m:ConflictResults")
	c.w.Element("t:Count", "0")
	c.w.End("m:ConflictResults")
}

// maxAgain is how often a change is made again because others were faster.
const maxAgain = 8

// change makes one change; it returns the id, the change key and the class of what
// was changed.
func (c *call) change(e *soap.Element, resolution string) (id store.ID, after []byte, class string, err error) {
	updates := e.Child(soap.NSTypes, "Updates")
	if e.Name.Local != "ItemChange" || updates == nil || len(e.Children) != 2 {
		return nil, nil, "", invalid(e, "malformed item change")
	}
	id, key, err := c.eventID(e.Children[0])
	if err != nil {
		return nil, nil, "", err
	}
	if key == nil && resolution != "AlwaysOverwrite" {
		return nil, nil, "", &problem{"ErrorChangeKeyRequiredForWriteOperations", errNeedsChangeKey.text}
	}
	if resolution != "NeverOverwrite" {
		key = nil
	}
	var stamp store.Stamp
	for range maxAgain {
		stamp, class, err = c.changeOnce(id, key, updates)
		if key != nil || !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return id, stamp.ChangeKey, class, err
}

func (c *call) changeOnce(named store.ID, key []byte, updates *soap.Element) (stamp store.Stamp, class string, err error) {
	id, whole := named.(store.ItemID)
	if !whole {
		id = named.(store.OccurrenceID).Item
	}
	item, err := c.box(id).Item(c.ctx, id, store.Want{
		Tags: []mapi.Tag{mapi.PidTagMessageClass, mapi.PidTagMessageFlags, mapi.PidLidTaskStatus, mapi.PidLidTaskRecurrence,
			mapi.PidLidTaskStartDate, mapi.PidLidTaskDueDate}, Recipients: true, Attachments: true})
	if err != nil {
		return stamp, "", err
	}
	class = item.Props.String(mapi.PidTagMessageClass)
	kind := kindOf(class).kind
	if kind == calendarItem || !whole {
		stamp, err = c.changeEvent(named, key, item, updates)
		return stamp, class, err
	}
	d := c.newDraft(kind)
	d.old = item
	for _, u := range updates.Children {
		if err := d.update(u); err != nil {
			return stamp, "", err
		}
	}
	if d.timeChanged() {
		return stamp, "", errPropertySet // a message about a meeting does not move it
	}
	switch d.kind {
	case taskItem:
		d.settleTask(item.Props)
	case distributionList:
		d.nameList()
	}
	stamp, err = d.apply(item, key)
	return stamp, class, err
}

// update takes one change of one property.
func (d *draft) update(u *soap.Element) error {
	// A request can have many that are long to make, such as additions to a long text.
	if err := context.Cause(d.ctx); err != nil {
		return err
	}
	if len(u.Children) == 0 {
		return invalid(u, "%s names no property", u.Name.Local)
	}
	path := u.Children[0]
	uri, _ := path.Attr("FieldURI")
	p := itemByURI[uri]
	switch path.Name.Local {
	case "IndexedFieldURI":
		index, _ := path.Attr("FieldIndex")
		if uri == "distributionlist:Members:Member" {
			return d.removeMember(u, index)
		}
		return d.updateEntry(u, entryByPath[indexedPath{uri, index}])
	case "FieldURI":
		if p == nil || p.uri == "item:Attachments" {
			return errUnsupported
		}
		if p.in&readOnly != 0 {
			return errPropertySet
		}
		if p.of != 0 && p.of&d.kind == 0 {
			return errPropertyKind
		}
	case "ExtendedFieldURI":
	default:
		return errUnsupported
	}
	switch u.Name.Local {
	case "SetItemField", "AppendToItemField":
		if len(u.Children) != 2 || len(u.Children[1].Children) != 1 {
			return errUpdateCount
		}
		e := u.Children[1].Children[0]
		if p != nil && e.Name.Local != p.element || p == nil && e.Name.Local != "ExtendedProperty" {
			return errUpdateMismatch
		}
		switch {
		case u.Name.Local == "AppendToItemField":
			if p == nil || p.add == nil {
				return errAppend
			}
			return p.add(d, p, e)
		case p == nil:
			return d.extendedProperty(e)
		}
		return d.setProperty(p, e)
	case "DeleteItemField":
		return d.deleteField(p, path)
	}
	return errUnsupported
}

func (d *draft) deleteField(p *itemProperty, path *soap.Element) error {
	switch {
	case p == nil:
		x, err := parseExtended(path)
		if err != nil {
			return err
		}
		tags, err := d.tags([]extended{x}, false)
		if err == nil && tags[0] != 0 {
			d.remove(tags[0])
		}
		return err
	case p.uri == "calendar:Recurrence":
		d.event.single = true
	case p.rcpt != 0:
		d.recipients[p.rcpt] = []store.Recipient{}
		d.rewritten = true
	case p.uri == "item:MimeContent" || p.uri == "message:IsRead" || p.uri == "item:ItemClass" || p.uri == "task:Status" || p.uri == "task:PercentComplete":
		return errPropertySet
	case p.uri == "item:Flag" && d.kind&(taskItem|calendarItem) != 0 || indispensable[p.uri]:
		return errPropertySet
	case p.uri == "item:Body":
		d.rewritten = true
		d.remove(mapi.PidTagBody, mapi.PidTagHTML, mapi.PidTagNativeBody)
	case p.tag != 0:
		d.rewritten = d.rewritten || p.uri == "item:Subject"
		d.remove(p.tag)
		d.remove(p.also...)
	default:
		d.remove(p.also...)
		d.removeEntries(p.entries...)
	}
	return nil
}

// apply writes the change. The read flag alone is no change of the item.
func (d *draft) apply(item *store.Item, key []byte) (store.Stamp, error) {
	if d.flags != nil {
		// Read and unsent are what a client can change of the flags of an item that is there.
		const unsent = mapi.MsgFlagUnsent
		flags := item.Props.Int32(mapi.PidTagMessageFlags)&^unsent | *d.flags&unsent
		d.put(mapi.PidTagMessageFlags, flags)
	}
	onlyRead := len(d.props) == 0 && len(d.delete) == 0 && len(d.recipients) == 0 && d.mime == nil
	suppress, err := d.suppress()
	if err != nil {
		return store.Stamp{}, err
	}
	if onlyRead && d.read != nil && key == nil && !suppress {
		return d.box(item.ID).SetRead(d.ctx, item.ID, *d.read)
	}
	if !onlyRead {
		d.put(mapi.PidTagLastModifierName, d.person.DisplayName)
	}
	box := d.box(item.ID)
	u := store.ItemUpdate{IfChangeKey: key, Set: d.props, Delete: d.delete, Read: d.read, SuppressReceipts: suppress}
	if d.rewritten {
		u.MIME = new(mapi.Blob{})
	}
	recipients := item.Recipients
	if d.mime != nil && d.kind == contactItem {
		return store.Stamp{}, errUnsupported
	}
	if d.mime != nil {
		// The bytes first, the elements on top of them, as in CreateItem.
		by, err := transport.Replacement(d.ctx, box, item, d.mailbox.OpenBlob(d.ctx, *d.mime))
		if err != nil {
			return store.Stamp{}, err
		}
		recipients = *by.Recipients
		for tag, v := range d.props {
			deleteTag(by.Set, tag)
			by.Set[tag] = v
		}
		for _, tag := range d.delete {
			deleteTag(by.Set, tag)
		}
		by.Delete = append(by.Delete, d.delete...)
		if d.rewritten {
			by.MIME = u.MIME
		}
		by.IfChangeKey, by.Read, by.SuppressReceipts = key, d.read, suppress
		u = by
	}
	if len(d.recipients) > 0 {
		u.Recipients = new(d.merged(recipients))
	}
	if u.IfChangeKey == nil && (d.whole || u.Recipients != nil || d.mime != nil) {
		u.IfChangeKey = item.ChangeKey
	}
	if d.kind == taskItem && d.completes(item) {
		return calendar.CompleteTask(d.ctx, box, item.ID, u, d.door.opts.Now())
	}
	return box.UpdateItem(d.ctx, item.ID, u)
}
