package ews

import (
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// deleteItem answers DeleteItem (MS-OXWSCORE 3.1.4.3): one message for each id.
// A task goes only when the request says what to do with its occurrences.
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
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		id, _, err := c.itemID(e)
		if err == nil && !given {
			err = c.notTask(id)
		}
		if err == nil {
			_, err = c.box(id).DeleteItem(c.ctx, id, how)
		}
		return nil, err
	})
}

// notTask fails for a task.
func (c *call) notTask(id store.ItemID) error {
	item, err := c.box(id).Item(c.ctx, id, store.Want{Tags: []mapi.Tag{mapi.PidTagMessageClass}})
	if err == nil && kindOf(item.Props.String(mapi.PidTagMessageClass)).kind == taskItem {
		return errOccurrences
	}
	return err
}
