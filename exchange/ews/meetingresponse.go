package ews

import (
	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// sender is the person of the request as one who sends messages of meetings in a
// mailbox: on behalf of its owner.
func (c *call) sender(box *store.Mailbox, save bool) (calendar.Sender, error) {
	owner, err := c.owner(box)
	return calendar.Sender{Box: box, For: owner, Own: c.mailbox, SID: c.person.SID, Me: c.me(), Save: save, Principal: c.principal}, err
}

// principal opens the mailbox of somebody for whom the caller got a meeting message as
// a delegate, and tells whose it is.
func (c *call) principal(address string) (box *store.Mailbox, who oxcmail.Address, err error) {
	r, err := c.ownerAt(address)
	if err == nil {
		box, err = c.boxOf(r)
	}
	if err != nil {
		return nil, who, err
	}
	return box, oxcmail.Address{Name: r.DisplayName, Email: r.PrimarySMTP}, nil
}

// owner is whose mailbox an opened one is.
func (c *call) owner(box *store.Mailbox) (oxcmail.Address, error) {
	if box.GUID() == c.mailbox.GUID() {
		return c.me(), nil
	}
	r, err := c.door.opts.People.ByMailbox(c.ctx, box.GUID())
	if err != nil {
		return oxcmail.Address{}, err
	}
	return oxcmail.Address{Name: r.DisplayName, Email: r.PrimarySMTP}, nil
}

// attending tells whether a response to a meeting can be given.
func attending(x *itemWriter) bool {
	p := x.item.Props
	if kindOf(p.String(mapi.PidTagMessageClass)).kind&meetingRequest != 0 {
		return p.Int32(mapi.PidLidMeetingType) != transport.PrincipalWantsCopy // it is for the delegates to answer
	}
	state := p.Int32(mapi.PidLidAppointmentStateFlags)
	return state&calendar.StateReceived != 0 && state&calendar.StateCanceled == 0
}

// organizing tells whether the item is a meeting that can be canceled.
func organizing(x *itemWriter) bool {
	return x.item.Props.Int32(mapi.PidLidAppointmentStateFlags)&(calendar.StateMeeting|calendar.StateReceived) == calendar.StateMeeting
}

// canceled tells whether the item is a meeting, or a message about one, that does not take place.
func canceled(x *itemWriter) bool {
	return x.item.Props.Int32(mapi.PidLidAppointmentStateFlags)&(calendar.StateReceived|calendar.StateCanceled) == calendar.StateReceived|calendar.StateCanceled
}

// aboutMeeting reads what a response object to a meeting is about, and the text that
// goes with it; nil for none.
func (c *call) aboutMeeting(e *soap.Element, disposition string) (id store.ID, text *oxcmail.Message, err error) {
	if disposition == "" {
		return nil, nil, errDisposition
	}
	ref := e.Child(soap.NSTypes, "ReferenceItemId")
	if ref == nil {
		return nil, nil, invalid(e, "ReferenceItemId is missing")
	}
	if e.Child(soap.NSTypes, "Attachments") != nil {
		return nil, nil, errUnsupported // an answer carries none, as with a reply
	}
	if id, _, err = c.eventID(ref); err != nil {
		return nil, nil, err
	}
	for _, local := range []string{"Body", "NewBodyContent"} {
		body := e.Child(soap.NSTypes, local)
		if body == nil {
			continue
		}
		text = &oxcmail.Message{}
		switch typ, _ := body.Attr("BodyType"); {
		case len(body.Text) > oxcmail.MaxBody:
			return nil, nil, errTooLarge
		case typ == "HTML":
			text.HTML, text.Text = body.Text, oxcmail.PlainFromHTML(body.Text)
		case typ == "Text":
			text.Text = body.Text
		default:
			return nil, nil, invalid(body, "%q is no body type", typ)
		}
	}
	return id, text, nil
}

// respondToMeeting answers a request (MS-OXWSMTGS 2.2.4.2, 2.2.4.19, 2.2.4.31).
func respondToMeeting(status int32) func(c *call, e *soap.Element, disposition string, folder *store.FolderID) (store.Stamp, string, error) {
	return func(c *call, e *soap.Element, disposition string, _ *store.FolderID) (stamp store.Stamp, class string, err error) {
		id, text, err := c.aboutMeeting(e, disposition)
		if err != nil {
			return stamp, "", err
		}
		a := calendar.Answer{Status: status, Text: text, Send: disposition != "SaveOnly"}
		start, end := e.Child(soap.NSTypes, "ProposedStart"), e.Child(soap.NSTypes, "ProposedEnd")
		if start != nil && end != nil {
			if a.Start, err = eventTime(start.Text, c.zone); err == nil {
				a.End, err = eventTime(end.Text, c.zone)
			}
			if err == nil && a.End.Before(a.Start) {
				err = calendar.ErrEndBeforeStart
			}
		} else if start != nil || end != nil {
			err = invalid(e, "a proposed time has a start and an end")
		}
		if err != nil {
			return stamp, "", err
		}
		from, err := c.sender(c.box(id), disposition == "SendAndSaveCopy")
		if err != nil {
			return stamp, "", err
		}
		stamp, err = c.door.calendar.Respond(c.ctx, from, id, a)
		return stamp, eventClass, err
	}
}

// eventClass is the class of calendar items.
const eventClass = "IPM.Appointment"

// cancelMeeting cancels a meeting of the caller's, or one occurrence of it (MS-OXWSMTGS 2.2.4.11).
func cancelMeeting(c *call, e *soap.Element, disposition string, _ *store.FolderID) (stamp store.Stamp, class string, err error) {
	id, text, err := c.aboutMeeting(e, disposition)
	if err != nil {
		return stamp, "", err
	}
	box := c.box(id)
	event, err := calendar.Get(c.ctx, box, id, store.Want{Tags: []mapi.Tag{mapi.PidLidAppointmentStateFlags}})
	if err != nil {
		return stamp, "", err
	}
	if event.Props.Int32(mapi.PidLidAppointmentStateFlags)&calendar.StateReceived != 0 {
		return stamp, "", calendar.ErrNotOrganizer
	}
	if disposition != "SaveOnly" {
		from, err := c.sender(box, disposition == "SendAndSaveCopy")
		if err == nil {
			stamp, err = c.door.calendar.Cancel(c.ctx, from, id, nil, store.ToDeletedItems, text)
		}
		return stamp, eventClass, err
	}
	if one, ok := id.(store.OccurrenceID); ok {
		stamp, err = calendar.DeleteOccurrence(c.ctx, box, one, nil)
	} else {
		stamp, err = box.DeleteItem(c.ctx, id.(store.ItemID), store.ToDeletedItems)
	}
	return stamp, eventClass, err
}

// removeMeeting takes a canceled meeting off the calendar (MS-OXWSMTGS 2.2.4.30).
func removeMeeting(c *call, e *soap.Element, disposition string, _ *store.FolderID) (stamp store.Stamp, class string, err error) {
	id, _, err := c.aboutMeeting(e, "SaveOnly")
	if err != nil {
		return stamp, "", err
	}
	from, err := c.sender(c.box(id), false)
	if err != nil {
		return stamp, "", err
	}
	stamp, err = c.door.calendar.Remove(c.ctx, from, id)
	return stamp, eventClass, err
}
