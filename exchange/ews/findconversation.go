package ews

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// conversationWant is what a conversation's properties are made of.
var conversationWant = store.Want{Tags: []mapi.Tag{mapi.PidTagConversationTopic, mapi.PidTagNormalizedSubject, mapi.PidTagDisplayTo, mapi.PidTagDisplayCc,
	mapi.PidTagSentRepresentingName, mapi.PidTagMessageDeliveryTime, mapi.PidTagLastModificationTime, mapi.PidNameKeywords, mapi.PidTagFlagStatus,
	mapi.PidTagHasAttachments, mapi.PidTagMessageClass, mapi.PidTagImportance}}

// findConversation answers FindConversation (MS-OXWSCONV 3.1.4.2): the conversations
// of a folder, by their newest item there.
func findConversation(c *call) error {
	parent, err := c.child("ParentFolderId")
	if err != nil {
		return failedAlone(c, err)
	}
	view, err := c.readView("Item")
	if err != nil {
		return err
	}
	if order := c.req.Child(soap.NSMessages, "SortOrder"); order != nil && !newestConversation(order) || view.fromEnd || view.denominator > 0 {
		return failedAlone(c, errPathForSort)
	}
	if view.condition != nil {
		return failedAlone(c, errUnsupported)
	}
	q := store.Query{Offset: view.offset, Limit: view.limit(maxRows)}
	if words := c.req.Child(soap.NSMessages, "QueryString"); words != nil {
		if q.Where, err = query.ParseAQS(words.Text, c.wallClock()); err != nil {
			return failedAlone(c, errors.Join(store.ErrTooComplex, err))
		}
	}
	if q.Folder, err = c.target(parent); err != nil {
		return failedAlone(c, err)
	}
	box := c.box(q.Folder)
	if f, err := box.Folder(c.ctx, q.Folder); err != nil || f.Kind == store.SearchFolder {
		return failedAlone(c, cmp.Or(err, error(errUnsupported))) // its conversations lie in other folders
	}
	ids, total, err := box.Conversations(c.ctx, q)
	if err != nil {
		return failedAlone(c, orFolder(err))
	}
	return c.alone(func() error {
		c.w.Start("m:Conversations")
		err := box.EachConversation(c.ctx, ids, conversationWant, func(id store.ConversationID, items []*store.Item) error {
			c.writeConversation(id, q.Folder, items)
			return c.w.Err()
		})
		if err != nil {
			return err
		}
		c.w.End("m:Conversations")
		if c.schema < exchange2013 {
			return nil
		}
		if total >= 0 {
			c.w.Element("m:TotalConversationsInView", strconv.Itoa(total))
		}
		c.w.Element("m:IndexedOffset", strconv.Itoa(view.offset+len(ids)))
		return nil
	})
}

// newestConversation tells whether an order is the one that there is.
func newestConversation(order *soap.Element) bool {
	if len(order.Children) != 1 || len(order.Children[0].Children) != 1 {
		return false
	}
	uri, _ := order.Children[0].Children[0].Attr("FieldURI")
	direction, _ := order.Children[0].Attr("Order")
	return uri == "conversation:LastDeliveryTime" && direction == "Descending"
}

// writeConversation writes a conversation (MS-OXWSCONV 3.1.4.2.3.4): what each
// property is of the items in the folder, and as Global of all.
func (c *call) writeConversation(id store.ConversationID, folder store.FolderID, items []*store.Item) {
	var here []*store.Item
	for _, it := range items {
		if it.Folder == folder {
			here = append(here, it)
		}
	}
	if len(here) == 0 {
		return // it went since
	}
	both := func(write func(prefix string, items []*store.Item)) {
		write("t:", here)
		write("t:Global", items)
	}
	texts := func(name string, of func(*store.Item) []string) {
		both(func(prefix string, items []*store.Item) {
			var list []string
			for _, it := range items {
				for _, text := range of(it) {
					if text != "" && !slices.Contains(list, text) {
						list = append(list, text)
					}
				}
			}
			if len(list) > 0 {
				c.w.Start(prefix + name)
				for _, text := range list {
					c.w.Element("t:String", text)
				}
				c.w.End(prefix + name)
			}
		})
	}
	number := func(name string, of func([]*store.Item) int64) {
		both(func(prefix string, items []*store.Item) { c.w.Element(prefix+name, strconv.FormatInt(of(items), 10)) })
	}
	people := func(it *store.Item) []string {
		return slices.Concat(strings.Split(it.Props.String(mapi.PidTagDisplayTo), "; "), strings.Split(it.Props.String(mapi.PidTagDisplayCc), "; "))
	}
	sender := func(it *store.Item) []string { return []string{it.Props.String(mapi.PidTagSentRepresentingName)} }
	any := func(items []*store.Item, is func(*store.Item) bool) bool { return slices.ContainsFunc(items, is) }

	c.w.Start("t:Conversation")
	c.w.Empty("t:ConversationId", "Id", id.Encode(c.door.opts.IDKey))
	topic := here[len(here)-1].Props.String(mapi.PidTagConversationTopic)
	if topic == "" {
		topic = here[len(here)-1].Props.String(mapi.PidTagNormalizedSubject)
	}
	c.w.Element("t:ConversationTopic", topic)
	texts("UniqueRecipients", people)
	texts("UniqueUnreadSenders", func(it *store.Item) []string {
		if it.Read {
			return nil
		}
		return sender(it)
	})
	texts("UniqueSenders", sender)
	both(func(prefix string, items []*store.Item) {
		c.w.Element(prefix+"LastDeliveryTime", items[0].Props.Time(mapi.PidTagMessageDeliveryTime).UTC().Format(time.RFC3339))
	})
	texts("Categories", func(it *store.Item) []string {
		list, _ := it.Props[mapi.PidNameKeywords].([]string)
		return list
	})
	both(func(prefix string, items []*store.Item) {
		// MS-OXOFLAG 2.2.1.1: 1 is complete, 2 flagged.
		status := "NotFlagged"
		for value, word := range []string{1: "Complete", 2: "Flagged"} {
			if value > 0 && any(items, func(it *store.Item) bool { return it.Props.Int32(mapi.PidTagFlagStatus) == int32(value) }) {
				status = word
			}
		}
		c.w.Element(prefix+"FlagStatus", status)
	})
	both(func(prefix string, items []*store.Item) {
		c.w.Bool(prefix+"HasAttachments", any(items, func(it *store.Item) bool { return it.Props[mapi.PidTagHasAttachments] == true }))
	})
	number("MessageCount", func(items []*store.Item) int64 { return int64(len(items)) })
	number("UnreadCount", func(items []*store.Item) (n int64) {
		for _, it := range items {
			if !it.Read {
				n++
			}
		}
		return n
	})
	number("Size", func(items []*store.Item) (n int64) {
		for _, it := range items {
			n += it.Size
		}
		return min(n, 1<<31-1)
	})
	both(func(prefix string, items []*store.Item) {
		c.w.Start(prefix + "ItemClasses")
		var list []string
		for _, it := range items {
			if class := it.Props.String(mapi.PidTagMessageClass); !slices.Contains(list, class) {
				list = append(list, class)
				c.w.Element("t:ItemClass", class)
			}
		}
		c.w.End(prefix + "ItemClasses")
	})
	both(func(prefix string, items []*store.Item) {
		highest := int32(0)
		for _, it := range items {
			highest = max(highest, it.Props.Int32(mapi.PidTagImportance))
		}
		c.w.Element(prefix+"Importance", []string{"Low", "Normal", "High"}[min(highest, 2)])
	})
	both(func(prefix string, items []*store.Item) {
		c.w.Start(prefix + "ItemIds")
		for _, it := range items {
			c.writeItemID(it.ID, it.ChangeKey)
		}
		c.w.End(prefix + "ItemIds")
	})
	if c.schema < exchange2013 {
		c.w.End("t:Conversation")
		return
	}
	changed := here[0].Props.Time(mapi.PidTagLastModificationTime)
	for _, it := range here {
		if t := it.Props.Time(mapi.PidTagLastModificationTime); t.After(changed) {
			changed = t
		}
	}
	c.w.Element("t:LastModifiedTime", changed.UTC().Format(time.RFC3339))
	c.w.End("t:Conversation")
}

// conversationID reads a ConversationId.
func (c *call) conversationID(e *soap.Element) (id store.ConversationID, err error) {
	if e == nil {
		return id, errIDEmpty
	}
	text, _ := e.Attr("Id")
	parsed, err := c.parse(text)
	if err != nil {
		return id, err
	}
	id, ok := parsed.(store.ConversationID)
	if !ok {
		return id, errInvalidID
	}
	return id, nil
}
