package ews

import (
	"slices"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/wire/soap"
)

// getItem answers GetItem (MS-OXWSCORE 3.1.4.4): one message for each id. Message
// texts are streamed from the store as they are written.
func getItem(c *call) error {
	shape, err := c.readShape(false)
	if err != nil {
		return err
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	c.begin()
	for group := range slices.Chunk(list, itemsTogether) {
		ids, errs, items := c.readTogether(shape, group)
		for i, id := range ids {
			var write func() error
			switch item := items[id]; {
			case errs[i] != nil:
				err = errs[i]
			case item != nil:
				write, err = func() error { return c.writeItem(shape, item) }, nil
			default:
				write, err = c.load(shape, id)
			}
			if err != nil {
				err = c.failure(err)
			} else {
				err = c.success(func() error {
					c.w.Start("m:Items")
					defer c.w.End("m:Items")
					return write()
				})
			}
			if err != nil {
				return err
			}
		}
	}
	c.finish()
	return nil
}

// itemsTogether is how many items are read before they are written.
const itemsTogether = 16

// readTogether reads the ids of elements, or says why not, and the items with these
// ids, several with one question; load tells why one is not among them.
func (c *call) readTogether(shape *readItem, group []*soap.Element) (ids []store.ID, errs []error, items map[store.ID]*store.Item) {
	ids, errs = make([]store.ID, len(group)), make([]error, len(group))
	boxes := map[*store.Mailbox][]store.ItemID{}
	for i, e := range group {
		ids[i], _, errs[i] = c.eventID(e)
		if id, ok := ids[i].(store.ItemID); ok && errs[i] == nil {
			boxes[c.box(id)] = append(boxes[c.box(id)], id)
		}
	}
	items = map[store.ID]*store.Item{}
	for box, some := range boxes {
		if len(some) == 1 {
			continue
		}
		// Where this fails, asking for each tells which one it is.
		found, _ := box.Items(c.ctx, some, shape.want)
		for _, item := range found {
			if item != nil {
				items[item.ID] = item
			}
		}
	}
	return ids, errs, items
}

// load reads an item, or an occurrence of one, and returns what writes it.
func (c *call) load(shape *readItem, id store.ID) (write func() error, err error) {
	switch id := id.(type) {
	case store.ItemID:
		item, err := c.box(id).Item(c.ctx, id, shape.want)
		return func() error { return c.writeItem(shape, item) }, err
	case store.OccurrenceID:
		event, err := calendar.Get(c.ctx, c.box(id), id, shape.want)
		return func() error { return c.writeCalendarEvent(shape, event) }, err
	}
	return nil, errInvalidID
}
