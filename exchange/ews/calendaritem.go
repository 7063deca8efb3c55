package ews

import (
	"context"
	"errors"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxocal"
	"hma/wire/soap"
)

// sending is what a request says of the people who are asked to an event (MS-OXWSMTGS 2.2.5).
type sending int

const (
	sendUnsaid sending = iota // the attribute is missing
	sendNone
	sendAll
	sendChanged
)

// sendings are the words of CalendarItemCreateOrDeleteOperationType and
// CalendarItemUpdateOperationType, and whether a copy is kept in Sent Items.
var sendings = map[string]struct {
	who  sending
	save bool
}{
	"SendToNone": {who: sendNone}, "SendOnlyToAll": {who: sendAll}, "SendToAllAndSaveCopy": {sendAll, true},
	"SendOnlyToChanged": {who: sendChanged}, "SendToChangedAndSaveCopy": {sendChanged, true},
}

// sending reads such an attribute.
func (c *call) sending(attr string, update bool) (who sending, save bool, err error) {
	text, given := c.req.Attr(attr)
	if !given {
		return sendUnsaid, false, nil
	}
	s, known := sendings[text]
	if !known || s.who == sendChanged && !update {
		return 0, false, invalid(c.req, "%q is no value of %s", text, attr)
	}
	return s.who, s.save, nil
}

// createEvent makes a calendar item, and asks its attendees.
func (c *call) createEvent(e *soap.Element, kind *itemKind, folder *store.FolderID) (stamp store.Stamp, class string, err error) {
	who, save, err := c.sending("SendMeetingInvitations", false)
	if err != nil {
		return stamp, "", err
	}
	if who == sendUnsaid {
		return stamp, "", &problem{"ErrorSendMeetingInvitationsRequired", "The SendMeetingInvitations attribute is required for calendar items."}
	}
	box := c.mailbox
	if folder != nil {
		box = c.box(*folder)
	}
	from, err := c.sender(box, save)
	if err != nil {
		return stamp, "", err
	}
	d := c.newDraft(kind.kind)
	d.organizer = from.For
	for _, child := range e.Children {
		if err := d.element(child); err != nil {
			return stamp, "", err
		}
	}
	item, err := d.eventItem(kind.class)
	if err != nil {
		return stamp, "", err
	}
	invited := who == sendAll && len(item.Recipients) > 0
	if invited {
		item.Props[mapi.PidLidFInvited] = true
	}
	stamp, class, err = d.store(item, kind, "SaveOnly", folder)
	if err != nil || !invited {
		return stamp, class, err
	}
	if err = c.door.calendar.Invite(c.ctx, from, stamp.ID, nil); err != nil {
		// Nobody was asked, and the client is told so: nothing is left of the meeting.
		if _, undone := box.DeleteItem(context.WithoutCancel(c.ctx), stamp.ID, store.HardDelete); undone != nil {
			c.door.opts.Log.Error("ews left a meeting to which nobody was asked", "request", c.request.ID, "error", undone)
		}
	}
	return stamp, class, err
}

// eventItem returns the item that the elements of an event make.
func (d *draft) eventItem(class string) (store.NewItem, error) {
	item, old, err := d.newEvent(class)
	if err != nil {
		return item, err
	}
	when, err := d.when(old)
	if err != nil {
		return item, err
	}
	return item, calendar.Prepare(&item, *when, d.door.opts.Now())
}

// newEvent returns the item that the elements of an event make, and when it is as far
// as an iCalendar among them says. What else the elements say wins over that.
func (d *draft) newEvent(class string) (item store.NewItem, old *calendar.When, err error) {
	if d.mime == nil {
		item, err = d.newItem(class)
		return item, nil, err
	}
	floating := d.zone
	if floating == oxocal.UTC() {
		floating = nil // the calendar may tell a zone that fits better
	}
	item, err = transport.PrepareEvent(d.ctx, d.mailbox, d.mailbox.OpenBlob(d.ctx, *d.mime), d.organizer.Email, floating)
	if errors.Is(err, transport.ErrNoEvent) {
		return item, nil, errMimeInvalid
	}
	if err != nil {
		return item, nil, err
	}
	when, err := calendar.WhenOf(item.Props)
	if err != nil {
		return item, nil, errMimeInvalid
	}
	d.onto(&item)
	return item, &when, nil
}

// eventChange returns what the elements of a change say, for the calendar.
func (d *draft) eventChange(key []byte) calendar.Change {
	ch := calendar.Change{IfChangeKey: key, Set: d.props, Delete: d.delete, Attachments: d.attachments}
	if d.timeChanged() {
		ch.When = func(old calendar.When) (*calendar.When, error) { return d.when(&old) }
	}
	if len(d.recipients) > 0 {
		ch.Recipients = func(old []store.Recipient) []store.Recipient { return calendar.Keep(old, d.merged(old)) }
	}
	return ch
}

// changeEvent changes a calendar item, or one occurrence of it.
func (c *call) changeEvent(id store.ID, key []byte, item *store.Item, updates *soap.Element) (store.Stamp, error) {
	who, save, err := c.sending("SendMeetingInvitationsOrCancellations", true)
	if err != nil {
		return store.Stamp{}, err
	}
	if who == sendUnsaid {
		return store.Stamp{}, &problem{"ErrorSendMeetingInvitationsOrCancellationsRequired", "The SendMeetingInvitationsOrCancellations attribute is required for calendar items."}
	}
	d := c.newDraft(calendarItem)
	d.old = item
	for _, u := range updates.Children {
		if err := d.update(u); err != nil {
			return store.Stamp{}, err
		}
	}
	if d.whole && key == nil {
		key = item.ChangeKey
	}
	if d.mime != nil {
		return store.Stamp{}, errUnsupported // an event is changed by its elements
	}
	if err := c.carry(c.box(id), &store.NewItem{Attachments: d.attachments}); err != nil {
		return store.Stamp{}, err
	}
	ch := d.eventChange(key)
	box := c.box(id)
	if who == sendNone {
		return d.applyEvent(box, id, ch)
	}
	from, err := c.sender(box, save)
	if err != nil {
		return store.Stamp{}, err
	}
	e, err := calendar.Get(c.ctx, box, id, store.Want{Recipients: true, Tags: []mapi.Tag{mapi.PidLidAppointmentStateFlags}})
	if err != nil {
		return store.Stamp{}, err
	}
	if len(e.Recipients)+len(d.recipients) > 0 && e.Props.Int32(mapi.PidLidAppointmentStateFlags)&calendar.StateReceived == 0 {
		if err := c.door.calendar.MaySend(c.ctx, from); err != nil {
			return store.Stamp{}, err
		}
	}
	ch.Invites = true
	stamp, err := d.applyEvent(box, id, ch)
	if err != nil {
		return stamp, err
	}
	if err := c.door.calendar.Changed(c.ctx, from, id, e.Recipients, who == sendChanged); err != nil {
		return stamp, &unfinished{err}
	}
	return stamp, nil
}

// applyEvent makes a change of an event or of one occurrence.
func (d *draft) applyEvent(box *store.Mailbox, id store.ID, ch calendar.Change) (store.Stamp, error) {
	if id, ok := id.(store.OccurrenceID); ok {
		if d.event.recurrence != nil || d.event.single {
			return store.Stamp{}, errPropertySet
		}
		if d.whole {
			return store.Stamp{}, errAppend // what is there is the series'
		}
		return calendar.UpdateOccurrence(d.ctx, box, id, ch, d.door.opts.Now())
	}
	return calendar.Update(d.ctx, box, id.(store.ItemID), ch, d.door.opts.Now())
}

// deleteEvent deletes a calendar item, or one occurrence of it.
func (c *call) deleteEvent(id store.ID, key []byte, how store.Deletion) error {
	who, save, err := c.sending("SendMeetingCancellations", false)
	if err != nil {
		return err
	}
	if who == sendUnsaid {
		return &problem{"ErrorSendMeetingCancellationsRequired", "The SendMeetingCancellations attribute is required for calendar items."}
	}
	if who == sendAll {
		from, err := c.sender(c.box(id), save)
		if err != nil {
			return err
		}
		_, err = c.door.calendar.Cancel(c.ctx, from, id, key, how, nil)
		return err
	}
	if id, ok := id.(store.OccurrenceID); ok {
		_, err := calendar.DeleteOccurrence(c.ctx, c.box(id), id, key)
		return err
	}
	_, err = c.box(id).DeleteItem(c.ctx, id.(store.ItemID), how)
	return err
}

// eventID reads an element that names an item, an occurrence of a series by its id
// or its number, or the series of an occurrence (MS-OXWSCDATA 2.2.4.20).
func (c *call) eventID(e *soap.Element) (id store.ID, key []byte, err error) {
	attr := "Id"
	switch e.Name.Local {
	case "ItemId", "ReferenceItemId":
	case "OccurrenceItemId":
		attr = "RecurringMasterId"
	case "RecurringMasterItemId":
		attr = "OccurrenceId"
	default:
		return c.itemID(e)
	}
	text, _ := e.Attr(attr)
	if id, err = c.parse(text); err != nil {
		return nil, nil, err
	}
	if text, given := e.Attr("ChangeKey"); given {
		if key, err = parseChangeKey(text, itemKey); err != nil {
			return nil, nil, err
		}
	}
	switch id := id.(type) {
	case store.FolderID:
		return nil, nil, errFolderForItem
	default:
		return nil, nil, errInvalidID
	case store.OccurrenceID:
		switch attr {
		case "OccurrenceId":
			return id.Item, key, nil
		case "RecurringMasterId":
			return nil, nil, errNotMaster
		}
	case store.ItemID:
		switch attr {
		case "OccurrenceId":
			return nil, nil, errNotOccurrence
		case "RecurringMasterId":
			n, ok := parseValue(mapi.Integer32, attribute(e, "InstanceIndex"))
			if !ok {
				return nil, nil, invalid(e, "InstanceIndex is no number")
			}
			at, err := calendar.Nth(c.ctx, c.box(id), id, int(n.(int32)))
			if errors.Is(err, calendar.ErrNoOccurrence) {
				err = c.noSuchIndex(id, int(n.(int32)))
			}
			return at, key, err
		}
	}
	return id, key, nil
}

// noSuchIndex tells an occurrence that was deleted from one that never was.
func (c *call) noSuchIndex(id store.ItemID, n int) error {
	e, err := calendar.Get(c.ctx, c.box(id), id, store.Want{})
	if err == nil && n >= 1 && n <= e.Series.Len() {
		return &problem{"ErrorCalendarOccurrenceIsDeletedFromRecurrence", "The occurrence was deleted."}
	}
	return errors.Join(&problem{"ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", "The series has no occurrence with this number."}, err)
}

func attribute(e *soap.Element, name string) string {
	text, _ := e.Attr(name)
	return text
}
