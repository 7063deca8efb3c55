package ews

import (
	"hma/exchange/calendar"
	"hma/exchange/store"
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
	for _, e := range list {
		id, _, err := c.eventID(e)
		var write func() error
		if err == nil {
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
	c.finish()
	return nil
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
