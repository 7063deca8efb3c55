package ews

import (
	"errors"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// conversationAction is one action on a conversation (MS-OXWSCONV 3.1.4.1.3.1).
type conversationAction struct {
	items       []*store.Item // what it is applied to
	destination store.FolderID
	read        bool
	how         store.Deletion
}

// conversationActions are what can be done to the items that are there. What is to
// be done to later ones too (Always...) needs a rule, which is not made.
var conversationActions = map[string]struct {
	needs string // the element that says more, "" for none
	do    func(c *call, box *store.Mailbox, a *conversationAction, it *store.Item) error
}{
	"Move": {"DestinationFolderId", func(c *call, box *store.Mailbox, a *conversationAction, it *store.Item) error {
		if it.Folder == a.destination {
			return nil
		}
		_, err := box.MoveItem(c.ctx, it.ID, a.destination)
		return err
	}},
	"Copy": {"DestinationFolderId", func(c *call, box *store.Mailbox, a *conversationAction, it *store.Item) error {
		_, err := box.CopyItem(c.ctx, it.ID, a.destination)
		return err
	}},
	"Delete": {"DeleteType", func(c *call, box *store.Mailbox, a *conversationAction, it *store.Item) error {
		_, err := box.DeleteItem(c.ctx, it.ID, a.how)
		return err
	}},
	"SetReadState": {"IsRead", func(c *call, box *store.Mailbox, a *conversationAction, it *store.Item) error {
		_, err := box.SetRead(c.ctx, it.ID, a.read)
		return err
	}},
}

// applyConversationAction answers ApplyConversationAction (MS-OXWSCONV 3.1.4.1): one
// message for each action, when it is done.
func applyConversationAction(c *call) error {
	list, err := c.ids("ConversationActions")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) { return nil, c.actOn(e) })
}

func (c *call) actOn(e *soap.Element) error {
	name := e.Child(soap.NSTypes, "Action")
	if name == nil {
		return invalid(e, "Action is missing")
	}
	action, known := conversationActions[name.Text]
	if !known {
		return errUnsupported
	}
	id, err := c.conversationID(e.Child(soap.NSTypes, "ConversationId"))
	if err != nil {
		return err
	}
	a := &conversationAction{}
	more := e.Child(soap.NSTypes, action.needs)
	if more == nil {
		return invalid(e, "%s is missing", action.needs)
	}
	switch action.needs {
	case "DestinationFolderId":
		if a.destination, err = c.target(more); err != nil {
			return err
		}
	case "DeleteType":
		if a.how, known = deletions[more.Text]; !known {
			return invalid(more, "%q is no way to delete", more.Text)
		}
	case "IsRead":
		v, ok := parseValue(mapi.Boolean, more.Text)
		if !ok {
			return invalid(more, "IsRead is no Boolean")
		}
		a.read = v.(bool)
	}
	box := c.box(id)
	if a.items, err = box.ConversationItems(c.ctx, id, store.Want{Tags: []mapi.Tag{mapi.PidTagMessageDeliveryTime}}); err != nil {
		return err
	}
	if context := e.Child(soap.NSTypes, "ContextFolderId"); context != nil {
		folder, err := c.target(context)
		if err != nil {
			return err
		}
		a.items = slices.DeleteFunc(a.items, func(it *store.Item) bool { return it.Folder != folder })
	}
	if last := e.Child(soap.NSTypes, "ConversationLastSyncTime"); last != nil {
		// What the client has not seen yet stays.
		until, ok := parseValue(mapi.Time, last.Text)
		if !ok {
			return invalid(last, "ConversationLastSyncTime is no time")
		}
		a.items = slices.DeleteFunc(a.items, func(it *store.Item) bool {
			return it.Props.Time(mapi.PidTagMessageDeliveryTime).After(until.(time.Time).Add(time.Second))
		})
	}
	for _, it := range a.items {
		// What went meanwhile is no failure of the others.
		if err := action.do(c, box, a, it); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}
