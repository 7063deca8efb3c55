package ews

import (
	"errors"
	"slices"
	"strconv"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// maxEvents is how many events one notification tells of.
const maxEvents = 250

// getEvents answers GetEvents (MS-OXWSNTIF 3.1.4.1): what happened since a
// watermark. Asking again with the same one tells the same again.
func getEvents(c *call) error {
	e, err := c.child("SubscriptionId")
	if err != nil {
		return err
	}
	mark, err := c.child("Watermark")
	if err != nil {
		return err
	}
	s, err := c.subscription(e)
	if err != nil {
		return err
	}
	if s.Kind != store.Pull {
		return &problem{"ErrorInvalidPullSubscriptionId", "The subscription is not one for pull notifications."}
	}
	if s.Mark, err = parseWatermark(mark.Text); err != nil {
		return err
	}
	page, err := c.events(s)
	if err != nil {
		return err
	}
	if err := s.box.KeepSubscription(c.ctx, s.Subscription, 0); err != nil {
		return err
	}
	c.begin()
	err = c.success(func() error {
		c.writeNotification(s, page)
		return nil
	})
	if err == nil {
		c.finish()
	}
	return err
}

// writeNotification writes what a page tells of, with the places in the mailbox's
// numbers; when there is nothing that was asked for, that there is nothing.
func (c *call) writeNotification(s *subscription, page *store.EventPage) {
	c.w.Start("m:Notification")
	c.w.Element("t:SubscriptionId", s.id())
	c.w.Element("t:PreviousWatermark", watermark(s.Mark))
	c.w.Bool("t:MoreEvents", page.More)
	if c.wants(s, page) {
		c.writeEvents(s, page, true)
	} else {
		c.w.Start("t:StatusEvent")
		c.w.Element("t:Watermark", watermark(page.Mark))
		c.w.End("t:StatusEvent")
	}
	c.w.End("m:Notification")
}

// events reads what happened since the subscription's mark.
func (c *call) events(s *subscription) (*store.EventPage, error) {
	last, err := s.box.LastChange(c.ctx)
	if errors.Is(err, store.ErrDenied) {
		return nil, errSubscription // whose rights were taken away
	}
	if err != nil {
		return nil, err
	}
	if s.Mark > last {
		return nil, errInvalidWatermark
	}
	page, err := s.box.Events(c.ctx, s.Mark, s.Folders, maxEvents)
	if errors.Is(err, store.ErrStateTooOld) {
		return nil, &problem{"ErrorMissedNotificationEvents", "What happened since the watermark is no longer known: synchronise, and subscribe anew."}
	}
	return page, err
}

// typeOf returns an event's bit and element.
func typeOf(e *store.Event) (bit uint64, element string) {
	switch e.Kind {
	case store.ItemCreated, store.FolderCreated:
		return createdEvent, "t:CreatedEvent"
	case store.ItemDeleted, store.FolderDeleted:
		return deletedEvent, "t:DeletedEvent"
	case store.ItemMoved, store.FolderMoved:
		return movedEvent, "t:MovedEvent"
	}
	return modifiedEvent, "t:ModifiedEvent"
}

// wants tells whether a page has an event that the subscription asks for.
func (c *call) wants(s *subscription, page *store.EventPage) bool {
	return slices.ContainsFunc(page.Events, func(e store.Event) bool {
		bit, _ := typeOf(&e)
		return s.Events&bit != 0 || e.Delivered && s.Events&newMailEvent != 0
	})
}

// writeEvents writes the wanted ones of a page. Pull notifications have a watermark with each.
func (c *call) writeEvents(s *subscription, page *store.EventPage, pull bool) {
	for i := range page.Events {
		e := &page.Events[i]
		// What comes behind it may have its number.
		mark := page.Mark
		if i+1 < len(page.Events) {
			mark = min(e.CN, page.Events[i+1].CN-1)
		}
		if e.Delivered && s.Events&newMailEvent != 0 {
			c.writeEvent("t:NewMailEvent", e, mark, pull)
		}
		if bit, element := typeOf(e); s.Events&bit != 0 {
			c.writeEvent(element, e, mark, pull)
		}
	}
}

// writeEvent writes one event (MS-OXWSNTIF 2.2.4.6).
func (c *call) writeEvent(element string, e *store.Event, mark mapi.GlobCnt, pull bool) {
	key := c.door.opts.IDKey
	c.w.Start(element)
	if pull {
		c.w.Element("t:Watermark", watermark(mark))
	}
	c.w.Element("t:TimeStamp", timeText(e.At))
	if e.Item != (store.ItemID{}) {
		c.w.Empty("t:ItemId", "Id", e.Item.Encode(key))
		c.w.Empty("t:ParentFolderId", "Id", e.Folder.Encode(key))
		if e.Kind == store.ItemMoved {
			c.w.Empty("t:OldItemId", "Id", e.OldItem.Encode(key))
			c.w.Empty("t:OldParentFolderId", "Id", e.OldFolder.Encode(key))
		}
	} else {
		c.w.Empty("t:FolderId", "Id", e.Folder.Encode(key))
		c.w.Empty("t:ParentFolderId", "Id", e.Parent.Encode(key))
		switch e.Kind {
		case store.FolderMoved:
			c.w.Empty("t:OldFolderId", "Id", e.Folder.Encode(key))
			c.w.Empty("t:OldParentFolderId", "Id", e.OldFolder.Encode(key))
		case store.FolderModified:
			c.w.Element("t:UnreadCount", strconv.Itoa(e.Unread))
		}
	}
	c.w.End(element)
}

// subscriptions reads a list of SubscriptionId elements, each once; bad are those that do not name one.
func (c *call) subscriptions(list []*soap.Element) (good []*subscription, bad []string, err error) {
	for _, e := range list {
		s, err := c.subscription(e)
		switch _, told := errors.AsType[*problem](err); {
		case told || err == nil && s.Kind != store.Streaming:
			bad = append(bad, e.Text)
		case err != nil:
			return nil, nil, err
		case !slices.ContainsFunc(good, func(o *subscription) bool { return o.ID == s.ID }):
			good = append(good, s)
		}
	}
	return good, bad, nil
}
