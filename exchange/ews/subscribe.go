package ews

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// eventTypes are the types of event that a subscription can ask for
// (MS-OXWSNTIF 2.2.6.3), in the order of their bits. A copy is told as a creation,
// and FreeBusyChangedEvent is never told.
var eventTypes = []string{"CopiedEvent", "CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent", "NewMailEvent", "FreeBusyChangedEvent"}

const (
	createdEvent uint64 = 1 << (iota + 1)
	deletedEvent
	modifiedEvent
	movedEvent
	newMailEvent
)

// streamingLife is how long a streaming subscription outlives its last connection.
const streamingLife = 30 * time.Minute

// maxPullTimeout is the longest life of a pull subscription between two looks (MS-OXWSNTIF 2.2.5.7).
const maxPullTimeout = 1440

var (
	errSubscription     = &problem{"ErrorSubscriptionNotFound", "The subscription was not found."}
	errInvalidWatermark = &problem{"ErrorInvalidWatermark", "The watermark is not one of this subscription."}
)

// subscribe answers Subscribe (MS-OXWSNTIF 3.1.4.3). Push notifications make the server
// call an address that a client names: it calls those alone that its operator allows.
func subscribe(c *call) error {
	if len(c.req.Children) != 1 {
		return invalid(c.req, "Subscribe must hold one subscription request")
	}
	e := c.req.Children[0]
	s := &subscription{&store.Subscription{SID: c.person.SID}, c.mailbox}
	s.Life = streamingLife
	switch e.Name.Local {
	case "StreamingSubscriptionRequest":
		s.Kind = store.Streaming
	case "PullSubscriptionRequest":
		s.Kind = store.Pull
		minutes := e.Child(soap.NSTypes, "Timeout")
		if minutes == nil {
			return invalid(e, "Timeout is missing")
		}
		n, err := strconv.Atoi(strings.TrimSpace(minutes.Text))
		if err != nil || n < 1 || n > maxPullTimeout {
			return invalid(minutes, "Timeout must be 1 to %d minutes", maxPullTimeout)
		}
		s.Life = time.Duration(n) * time.Minute
	case "PushSubscriptionRequest":
		if err := c.push(s, e); err != nil {
			return err
		}
	default:
		return errUnsupported
	}
	if err := c.wish(s, e); err != nil {
		return err
	}
	var err error
	if mark := e.Child(soap.NSTypes, "Watermark"); mark != nil {
		s.Mark, err = parseWatermark(mark.Text)
	} else {
		s.Mark, err = s.box.LastChange(c.ctx)
	}
	if err != nil {
		return err
	}
	if err := s.box.AddSubscription(c.ctx, s.Subscription); err != nil {
		if errors.Is(err, store.ErrTooMany) {
			return &problem{"ErrorExceededSubscriptionCount", "The mailbox has too many subscriptions."}
		}
		return orFolder(err)
	}
	if s.Kind == store.Push {
		c.door.pushes.wake()
	}
	c.begin()
	err = c.success(func() error {
		c.w.Element("m:SubscriptionId", s.id())
		if s.Kind != store.Streaming {
			c.w.Element("m:Watermark", watermark(s.Mark))
		}
		return nil
	})
	if err == nil {
		c.finish()
	}
	return err
}

// wish reads the folders and types of event that are asked for.
func (c *call) wish(s *subscription, e *soap.Element) error {
	all, _ := e.Attr("SubscribeToAllFolders")
	folders := e.Child(soap.NSTypes, "FolderIds")
	switch whole, _ := parseValue(mapi.Boolean, all); {
	case whole == true:
		if folders != nil {
			return &problem{"ErrorInvalidSubscriptionRequest", "All folders are subscribed to, and some are named."}
		}
	case folders == nil || len(folders.Children) == 0:
		return &problem{"ErrorInvalidSubscriptionRequest", "No folders are named."}
	case len(folders.Children) > store.MaxSubscribedFolders:
		return &problem{"ErrorInvalidSubscriptionRequest", "Too many folders are named."}
	default:
		for _, f := range folders.Children {
			id, err := c.folderID(f)
			if err != nil {
				return err
			}
			if len(s.Folders) > 0 && id.Mailbox != s.box.GUID() {
				return &problem{"ErrorInvalidSubscriptionRequest", "The folders are in several mailboxes."}
			}
			s.box = c.box(id)
			s.Folders = append(s.Folders, id)
		}
	}
	types := e.Child(soap.NSTypes, "EventTypes")
	if types == nil || len(types.Children) == 0 {
		return invalid(e, "EventTypes is missing or empty")
	}
next:
	for _, t := range types.Children {
		for bit, name := range eventTypes {
			if strings.TrimSpace(t.Text) == name {
				s.Events |= 1 << bit
				continue next
			}
		}
		return invalid(t, "%q is no type of event", t.Text)
	}
	return nil
}

// unsubscribe answers Unsubscribe (MS-OXWSNTIF 3.1.4.4).
func unsubscribe(c *call) error {
	e, err := c.child("SubscriptionId")
	if err != nil {
		return err
	}
	s, err := c.subscription(e)
	if err == nil {
		err = s.box.RemoveSubscription(c.ctx, s.ID)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = errSubscription
	}
	if err != nil {
		return err
	}
	c.door.streams.end(s.ID)
	c.begin()
	if err := c.success(nil); err != nil {
		return err
	}
	c.finish()
	return nil
}

// subscription is a subscription with the mailbox that it is about, as the caller sees it.
type subscription struct {
	*store.Subscription
	box *store.Mailbox
}

// id returns the text of a subscription's id: the mailbox and the row.
func (s *subscription) id() string {
	g := s.box.GUID()
	return base64.RawURLEncoding.EncodeToString(append(g[:], s.ID...))
}

// subscription reads a SubscriptionId of the caller's own. Those of others, and
// forged ones, are not found.
func (c *call) subscription(e *soap.Element) (*subscription, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(e.Text))
	if err != nil || len(raw) < 16 || len(raw) > 64 {
		return nil, errSubscription
	}
	box := c.mailbox
	if id := guid.GUID(raw[:16]); id != box.GUID() {
		// The id has no seal: whether there is such a mailbox is not told.
		if box, err = c.admit(id); errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) {
			return nil, errSubscription
		}
		if err != nil {
			return nil, err
		}
	}
	s, err := box.Subscription(c.ctx, string(raw[16:]))
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) || err == nil && !strings.EqualFold(s.SID, c.person.SID) {
		return nil, errSubscription
	}
	return &subscription{s, box}, err
}

// watermark returns the text of a place in the mailbox's numbers.
func watermark(n mapi.GlobCnt) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{1}, uint64(n)))
}

// parseWatermark reads what watermark wrote.
func parseWatermark(text string) (mapi.GlobCnt, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != 9 || raw[0] != 1 {
		return 0, errInvalidWatermark
	}
	n := mapi.GlobCnt(binary.BigEndian.Uint64(raw[1:]))
	if n > mapi.MaxGlobCnt {
		return 0, errInvalidWatermark
	}
	return n, nil
}
