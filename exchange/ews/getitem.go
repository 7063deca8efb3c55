package ews

import (
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
	parse := func(e *soap.Element) (store.ID, error) {
		id, _, err := c.eventID(e)
		return id, err
	}
	return c.eachItem(list, shape.want, parse, func(id store.ID, item *store.Item) (func() error, error) {
		write := func() error { return c.writeItem(shape, item) }
		if item == nil {
			occurrence, ok := id.(store.OccurrenceID)
			if !ok {
				return nil, errInvalidID
			}
			event, err := calendar.Get(c.ctx, c.box(id), occurrence, shape.want)
			if err != nil {
				return nil, err
			}
			write = func() error { return c.writeCalendarEvent(shape, event) }
		}
		return func() error {
			c.w.Start("m:Items")
			defer c.w.End("m:Items")
			return write()
		}, nil
	})
}
