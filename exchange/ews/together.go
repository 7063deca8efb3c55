package ews

import (
	"hma/exchange/store"
	"hma/wire/soap"
)

// itemsTogether is how many items are read before they are written.
const itemsTogether = 16

// together reads items, several of a mailbox with one question, for oneOf. One that is not
// among them is gone or out of sight, or is the only one of its mailbox.
func (c *call) together(ids []store.ItemID, want store.Want) map[store.ItemID]*store.Item {
	if len(ids) < 2 {
		return nil
	}
	boxes := map[*store.Mailbox][]store.ItemID{}
	for _, id := range ids {
		boxes[c.box(id)] = append(boxes[c.box(id)], id)
	}
	items := make(map[store.ItemID]*store.Item, len(ids))
	for box, some := range boxes {
		if len(some) == 1 {
			continue
		}
		// Where this fails, asking for each tells which one it is.
		found, _ := box.Items(c.ctx, some, want)
		for _, item := range found {
			if item != nil {
				items[item.ID] = item
			}
		}
	}
	return items
}

// oneOf takes an item out of those that together read, so that the long values which are
// read to write it go with it, or asks for it alone.
func (c *call) oneOf(items map[store.ItemID]*store.Item, id store.ItemID, want store.Want) (*store.Item, error) {
	if item := items[id]; item != nil {
		delete(items, id)
		return item, nil
	}
	return c.box(id).Item(c.ctx, id, want)
}

// eachItem is each for a list of ids, whose items are read together, a few at a time.
// parse reads an id; item is nil where it names something else.
func (c *call) eachItem(list []*soap.Element, want store.Want, parse func(*soap.Element) (store.ID, error),
	one func(id store.ID, item *store.Item) (payload func() error, err error)) error {
	type parsed struct {
		id  store.ID
		err error
	}
	var ahead []parsed
	var items map[store.ItemID]*store.Item
	return c.each(list, func(*soap.Element) (func() error, error) {
		if len(ahead) == 0 {
			group := list[:min(len(list), itemsTogether)]
			list = list[len(group):]
			var ids []store.ItemID
			for _, e := range group {
				id, err := parse(e)
				ahead = append(ahead, parsed{id, err})
				if id, ok := id.(store.ItemID); ok && err == nil {
					ids = append(ids, id)
				}
			}
			items = c.together(ids, want)
		}
		id, err := ahead[0].id, ahead[0].err
		ahead = ahead[1:]
		if err != nil {
			return nil, err
		}
		itemID, ok := id.(store.ItemID)
		if !ok {
			return one(id, nil)
		}
		item, err := c.oneOf(items, itemID, want)
		if err != nil {
			return nil, err
		}
		return one(id, item)
	})
}
