package ews

import (
	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// responseObject is an element of CreateItem that makes something of another item
// instead of from nothing (MS-OXWSCDATA 2.2.4.66, ResponseObjectType).
type responseObject struct {
	element string
	of      kinds                    // what it is offered for in item:ResponseObjects
	offered func(x *itemWriter) bool // whether it is for this item; nil is always
	create  func(c *call, e *soap.Element, disposition string, folder *store.FolderID) (stamp store.Stamp, class string, err error)
}

// responseObjects are in the order in which item:ResponseObjects tells them. A kind
// of response of another file is a row here.
var responseObjects = []*responseObject{
	{element: "ReplyToItem", of: message | postItem, offered: received, create: answer(transport.ReplyToSender)},
	{element: "ReplyAllToItem", of: message, offered: received, create: answer(transport.ReplyToAll)},
	{element: "ForwardItem", of: message | postItem, create: answer(transport.Forward)},
	{element: "PostReplyItem", of: postItem, offered: received, create: postReply},
	{element: "AcceptItem", of: meetingRequest | calendarItem, offered: attending, create: respondToMeeting(calendar.ResponseAccepted)},
	{element: "TentativelyAcceptItem", of: meetingRequest | calendarItem, offered: attending, create: respondToMeeting(calendar.ResponseTentative)},
	{element: "DeclineItem", of: meetingRequest | calendarItem, offered: attending, create: respondToMeeting(calendar.ResponseDeclined)},
	{element: "CancelCalendarItem", of: calendarItem, offered: organizing, create: cancelMeeting},
	{element: "SuppressReadReceipt", of: message, offered: awaited, create: suppressReadReceipt},
	{element: "RemoveItem", of: meetingMessage | calendarItem, offered: canceled, create: removeMeeting},
}

var responseByElement = make(map[string]*responseObject)

func init() {
	for _, r := range responseObjects {
		responseByElement[r.element] = r
	}
}

// received tells whether the item is no draft.
func received(x *itemWriter) bool {
	return x.item.Props.Int32(mapi.PidTagMessageFlags)&mapi.MsgFlagUnsent == 0
}

// writeResponseObjects writes the elements that CreateItem would take for the item.
func writeResponseObjects(x *itemWriter, _ *itemProperty) error {
	kind := kindOf(x.item.Props.String(mapi.PidTagMessageClass)).kind
	open := false
	for _, r := range responseObjects {
		if r.of&kind == 0 || r.offered != nil && !r.offered(x) {
			continue
		}
		if !open {
			open = true
			x.w.Start("t:ResponseObjects")
		}
		x.w.Empty("t:" + r.element)
	}
	if open {
		x.w.End("t:ResponseObjects")
	}
	return nil
}

// referenced reads the item that a response object is about, whole, as it is now: a
// reply marks the item, and clients answer again with the change key of before.
func (c *call) referenced(e *soap.Element) (*store.Item, error) {
	ref := e.Child(soap.NSTypes, "ReferenceItemId")
	if ref == nil {
		return nil, invalid(e, "ReferenceItemId is missing")
	}
	id, _, err := c.itemID(ref)
	if err != nil {
		return nil, err
	}
	return c.box(id).Item(c.ctx, id, store.Want{All: true, Recipients: true, Attachments: true})
}

// newBody reads NewBodyContent, the text of an answer alone.
func newBody(e *soap.Element) (m oxcmail.Message, err error) {
	text := e.Child(soap.NSTypes, "NewBodyContent")
	if text == nil {
		return m, nil
	}
	if len(text.Children) > 0 {
		return m, invalid(text, "NewBodyContent must not hold elements")
	}
	if len(text.Text) > oxcmail.MaxBody {
		return m, errTooLarge
	}
	switch typ, _ := text.Attr("BodyType"); typ {
	case "Text":
		m.Text = text.Text
	case "HTML":
		m.HTML = text.Text
	default:
		return m, invalid(text, "%q is no body type", typ)
	}
	return m, nil
}

// answering reads what a response object sets beside the item and the text; what it
// sets replaces what an answer has of itself.
func (c *call) answering(e *soap.Element, kind kinds) (*draft, error) {
	d := c.newDraft(kind)
	for _, child := range e.Children {
		switch child.Name.Local {
		case "ReferenceItemId", "NewBodyContent", "ReceivedBy", "ReceivedRepresenting":
		case "MimeContent", "Attachments":
			return nil, errUnsupported
		default:
			if err := d.element(child); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// me is the person of the request as an author.
func (c *call) me() oxcmail.Address {
	return oxcmail.Address{Name: c.person.DisplayName, Email: c.person.PrimarySMTP}
}

// answer makes a reply or a forward (MS-OXWSMSG 2.2.4.3, 2.2.4.6, 2.2.4.7).
func answer(verb transport.Verb) func(c *call, e *soap.Element, disposition string, folder *store.FolderID) (store.Stamp, string, error) {
	return func(c *call, e *soap.Element, disposition string, folder *store.FolderID) (store.Stamp, string, error) {
		if disposition == "" {
			return store.Stamp{}, "", errDisposition
		}
		original, err := c.referenced(e)
		if err != nil {
			return store.Stamp{}, "", err
		}
		if kindOf(original.Props.String(mapi.PidTagMessageClass)).kind&(message|postItem) == 0 {
			return store.Stamp{}, "", errUnsupported
		}
		text, err := newBody(e)
		if err != nil {
			return store.Stamp{}, "", err
		}
		d, err := c.answering(e, message)
		if err != nil {
			return store.Stamp{}, "", err
		}
		into := c.mailbox
		if folder != nil && disposition == "SaveOnly" {
			into = c.box(*folder)
		}
		item, err := c.door.mail.NewAnswer(c.ctx, c.box(original.ID), into, original, verb, c.me(), text)
		if err != nil {
			return store.Stamp{}, "", err
		}
		d.author()
		d.onto(&item)
		return d.store(item, kindOfNew("Message"), disposition, folder)
	}
}

// postReply makes a post that answers a post, beside it (MS-OXWSPOST 2.2.4.1).
func postReply(c *call, e *soap.Element, _ string, folder *store.FolderID) (store.Stamp, string, error) {
	original, err := c.referenced(e)
	if err != nil {
		return store.Stamp{}, "", err
	}
	kind := kindOfNew("PostItem")
	if kindOf(original.Props.String(mapi.PidTagMessageClass)).kind != postItem {
		return store.Stamp{}, "", errUnsupported
	}
	text, err := newBody(e)
	if err != nil {
		return store.Stamp{}, "", err
	}
	d, err := c.answering(e, postItem)
	if err != nil {
		return store.Stamp{}, "", err
	}
	if folder == nil {
		folder = &original.Folder
	}
	item, err := c.door.mail.NewAnswer(c.ctx, c.box(original.ID), c.box(*folder), original, transport.ReplyToSender, c.me(), text)
	if err != nil {
		return store.Stamp{}, "", err
	}
	// A post goes to a folder, not to people.
	item.Recipients = nil
	item.Props[mapi.PidTagMessageClass] = kind.class
	delete(item.Props, mapi.PidNameAnsweredItem)
	d.author()
	d.onto(&item)
	return d.store(item, kind, "SaveOnly", folder)
}
