package ews

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"hma/exchange/calendar"
	"hma/wire/soap"
)

// calendarView is the window of a CalendarView (MS-OXWSSRCH 2.2.4.8).
type calendarView struct {
	from, to time.Time
	max      int // 0 for none said
}

// readCalendarView reads the request's CalendarView, nil for none. It stands alone:
// no restriction, order or group goes with it.
func (c *call) readCalendarView() (*calendarView, error) {
	e := c.req.Child(soap.NSMessages, "CalendarView")
	if e == nil {
		return nil, nil
	}
	for _, local := range []string{"Restriction", "SortOrder", "QueryString", "GroupBy", "DistinguishedGroupBy"} {
		if c.req.Child(soap.NSMessages, local) != nil {
			return nil, errUnsupported
		}
	}
	v := &calendarView{}
	if err := readNumbers(e, map[string]*int{"MaxEntriesReturned": &v.max}); err != nil {
		return nil, err
	}
	for name, at := range map[string]*time.Time{"StartDate": &v.from, "EndDate": &v.to} {
		t, err := eventTime(strings.TrimSpace(attribute(e, name)), c.zone)
		if err != nil {
			return nil, invalid(e, "%s is no time", name)
		}
		*at = t
	}
	return v, nil
}

// findEvents answers FindItem with a CalendarView: one message for each folder, with
// the occurrences of series in place of the series.
func (c *call) findEvents(v *calendarView, shape *readItem, parents []*soap.Element) error {
	limit := calendar.MaxEvents
	if v.max > 0 {
		limit = min(limit, v.max)
	}
	c.begin()
	for _, e := range parents {
		folder, err := c.folderID(e)
		var events []*calendar.Event
		more := false
		if err == nil {
			events, more, err = calendar.View(c.ctx, c.box(folder), folder, v.from, v.to, shape.want, limit)
			if errors.Is(err, calendar.ErrEndBeforeStart) {
				err = errViewEnds
			}
			err = orFolder(err)
		}
		if err == nil && more && v.max == 0 {
			err = calendar.ErrTooMany // whoever set no limit would take a part for the whole
		}
		if err != nil {
			err = c.failure(err)
		} else {
			err = c.success(func() error {
				c.w.Start("m:RootFolder", "TotalItemsInView", strconv.Itoa(len(events)), "IncludesLastItemInRange", strconv.FormatBool(!more))
				c.w.Start("t:Items")
				for _, event := range events {
					if err := c.writeCalendarEvent(shape, event); err != nil {
						return err
					}
				}
				c.w.End("t:Items")
				c.w.End("m:RootFolder")
				return nil
			})
		}
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}
