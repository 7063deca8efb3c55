package ews

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// conversationOrders are the orders of the nodes of a conversation (MS-OXWSCONV 3.1.4.3.3.x).
var conversationOrders = map[string]struct{ tree, newest bool }{
	"TreeOrderAscending": {true, false}, "TreeOrderDescending": {true, true}, "DateOrderAscending": {false, false}, "DateOrderDescending": {false, true},
}

// getConversationItems answers GetConversationItems (MS-OXWSCONV 3.1.4.3): the items
// of conversations, one message for each conversation, one node for each message of it.
func getConversationItems(c *call) error {
	shape, err := c.readShape(false)
	if err != nil {
		return err
	}
	order := conversationOrders["TreeOrderAscending"]
	if e := c.req.Child(soap.NSMessages, "SortOrder"); e != nil {
		known := false
		if order, known = conversationOrders[e.Text]; !known {
			return invalid(e, "%q is no order", e.Text)
		}
	}
	most := maxIDs
	if e := c.req.Child(soap.NSMessages, "MaxItemsToReturn"); e != nil {
		n, err := strconv.Atoi(e.Text)
		if err != nil || n < 1 {
			return invalid(e, "MaxItemsToReturn is no number")
		}
		most = min(n, most)
	}
	ignored := map[store.FolderID]bool{}
	if e := c.req.Child(soap.NSMessages, "FoldersToIgnore"); e != nil {
		for _, child := range e.Children[:min(len(e.Children), maxIDs)] {
			// A folder that is not there hides nothing.
			if id, err := c.folderID(child); err == nil {
				ignored[id] = true
			}
		}
	}
	list, err := c.ids("Conversations")
	if err != nil {
		return err
	}
	want := shape.want
	want.Tags = slices.Concat(want.Tags, []mapi.Tag{mapi.PidTagInternetMessageID, mapi.PidTagInReplyToID, mapi.PidTagConversationIndex, mapi.PidTagMessageDeliveryTime})
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, err := c.conversationID(e.Child(soap.NSTypes, "ConversationId"))
		if err != nil {
			return nil, err
		}
		since, err := parseConversationState(e.Child(soap.NSTypes, "SyncState"))
		if err != nil {
			return nil, err
		}
		box := c.box(id)
		last, err := box.LastChange(c.ctx)
		if err != nil {
			return nil, err
		}
		items, err := box.ConversationItems(c.ctx, id, want)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return nil, errItemNotFound
		}
		items = slices.DeleteFunc(items, func(it *store.Item) bool { return ignored[it.Folder] || max(it.CN, it.ReadCN) <= since })
		items = items[:min(len(items), most)]
		return func() error {
			c.w.Start("m:Conversation")
			c.w.Empty("t:ConversationId", "Id", id.Encode(c.door.opts.IDKey))
			c.w.Element("t:SyncState", base64.StdEncoding.EncodeToString([]byte("c1 "+strconv.FormatInt(int64(last), 10))))
			c.w.Start("t:ConversationNodes")
			for _, node := range conversationNodes(items, order.tree, order.newest) {
				if err := c.writeConversationNode(shape, node); err != nil {
					return err
				}
			}
			c.w.End("t:ConversationNodes")
			c.w.End("m:Conversation")
			return nil
		}, nil
	})
}

// parseConversationState reads what a client was told: the number of the mailbox's last change then.
func parseConversationState(e *soap.Element) (mapi.GlobCnt, error) {
	if e == nil || e.Text == "" {
		return 0, nil
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(e.Text)
	text, ours := strings.CutPrefix(string(raw), "c1 ")
	n, err2 := strconv.ParseUint(text, 10, 48)
	if err != nil || err2 != nil || !ours {
		return 0, errSyncState
	}
	return mapi.GlobCnt(n), nil
}

// conversationNodes puts the copies of a message together and the messages in
// order: by the conversation index, which is that of the tree, or by date.
func conversationNodes(items []*store.Item, tree, newest bool) (nodes [][]*store.Item) {
	at := map[string]int{}
	for _, it := range items {
		id := it.Props.String(mapi.PidTagInternetMessageID)
		if i, known := at[id]; known && id != "" {
			nodes[i] = append(nodes[i], it)
			continue
		}
		at[id] = len(nodes)
		nodes = append(nodes, []*store.Item{it})
	}
	slices.SortStableFunc(nodes, func(a, b []*store.Item) int {
		left, right := a[0].Props, b[0].Props
		c := 0
		if tree {
			c = bytes.Compare(left.Bytes(mapi.PidTagConversationIndex), right.Bytes(mapi.PidTagConversationIndex))
		}
		if c == 0 {
			c = left.Time(mapi.PidTagMessageDeliveryTime).Compare(right.Time(mapi.PidTagMessageDeliveryTime))
		}
		if newest {
			return -c
		}
		return c
	})
	return nodes
}

func (c *call) writeConversationNode(shape *readItem, node []*store.Item) error {
	c.w.Start("t:ConversationNode")
	if id := node[0].Props.String(mapi.PidTagInternetMessageID); id != "" {
		c.w.Element("t:InternetMessageId", id)
	}
	if id := node[0].Props.String(mapi.PidTagInReplyToID); id != "" {
		c.w.Element("t:ParentInternetMessageId", id)
	}
	c.w.Start("t:Items")
	for _, it := range node {
		if err := c.writeItem(shape, it); err != nil {
			return err
		}
	}
	c.w.End("t:Items")
	c.w.End("t:ConversationNode")
	return c.w.Err()
}
