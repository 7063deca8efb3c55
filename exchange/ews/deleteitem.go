package ews

import (
	"errors"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// deleteItem answers DeleteItem (MS-OXWSCORE 3.1.4.3): one message for each id.
// A task goes only when the request says what to do with its occurrences, a calendar
// item when it says whether its attendees are told.
func deleteItem(c *call) error {
	how, err := c.deletion()
	if err != nil {
		return err
	}
	occurrences, given := c.req.Attr("AffectedTaskOccurrences")
	switch occurrences {
	case "AllOccurrences", "SpecifiedOccurrenceOnly":
	default:
		if given {
			return invalid(c.req, "%q names no occurrences", occurrences)
		}
	}
	suppress, err := c.suppress()
	if err != nil {
		return err
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		named, key, err := c.eventID(e)
		if err != nil {
			return nil, err
		}
		id, whole := named.(store.ItemID)
		if !whole {
			return nil, c.deleteEvent(named, key, how)
		}
		item, err := c.box(id).Item(c.ctx, id, store.Want{Tags: []mapi.Tag{mapi.PidTagMessageClass}})
		if err != nil {
			return nil, err
		}
		switch kindOf(item.Props.String(mapi.PidTagMessageClass)).kind {
		case calendarItem:
			return nil, c.deleteEvent(named, key, how)
		case taskItem:
			if !given {
				return nil, errOccurrences
			}
			if occurrences == "SpecifiedOccurrenceOnly" {
				if skipped, err := calendar.SkipTask(c.ctx, c.box(id), id, c.door.opts.Now()); skipped || err != nil {
					return nil, err
				}
			}
		}
		if suppress {
			if err := c.box(id).SettleReceipts(c.ctx, id); err != nil && !errors.Is(err, store.ErrDenied) { // who may not change it may still delete it
				return nil, err
			}
		}
		_, err = c.box(id).DeleteItem(c.ctx, id, how)
		return nil, err
	})
}
