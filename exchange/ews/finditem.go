package ews

import (
	"errors"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/wire/soap"
)

// findItem answers FindItem (MS-OXWSSRCH 3.1.4.2): one message for each parent folder.
func findItem(c *call) error {
	var q store.Query
	switch traversal, _ := c.req.Attr("Traversal"); traversal {
	case "Shallow":
	case "Associated":
		q.View = store.AssociatedView
	case "SoftDeleted":
		q.View = store.SoftDeletedView
	default:
		return invalid(c.req, "%q is no traversal", traversal)
	}
	window, err := c.readCalendarView()
	if err != nil {
		return err
	}
	for _, local := range []string{"GroupBy", "DistinguishedGroupBy", "SeekToConditionPageItemView"} {
		if c.req.Child(soap.NSMessages, local) != nil {
			return errUnsupported
		}
	}
	shape, err := c.readShape(true)
	if err != nil {
		return err
	}
	view, err := c.readView("Item")
	if err != nil {
		return err
	}
	most, restriction := maxRows, c.req.Child(soap.NSMessages, "Restriction")
	if words := c.req.Child(soap.NSMessages, "QueryString"); words != nil {
		if restriction != nil {
			return invalid(words, "QueryString and Restriction exclude each other")
		}
		most = maxQueryRows
		if q.Where, err = query.ParseAQS(words.Text, c.wallClock()); err != nil {
			return errors.Join(store.ErrTooComplex, err)
		}
	} else if q.Where, err = c.restriction(restriction, itemField); err != nil {
		return err
	}
	if q.Sort, err = c.order(c.req.Child(soap.NSMessages, "SortOrder")); err != nil {
		return err
	}
	parents, err := c.ids("ParentFolderIds")
	if err != nil {
		return err
	}
	if window != nil {
		return c.findEvents(window, shape, parents)
	}
	q.Want, q.Limit, q.Offset, q.FromEnd = shape.want, view.limit(most), view.offset, view.fromEnd
	c.begin()
	for _, e := range parents {
		page, err := c.page(q, view, e)
		if err != nil {
			if err := c.failure(err); err != nil {
				return err
			}
			continue
		}
		err = c.success(func() error {
			c.startRoot(view, page.Next, page.Total, page.Last)
			c.w.Start("t:Items")
			for i, item := range page.Items {
				if err := c.writeItem(shape, item); err != nil {
					return err
				}
				page.Items[i] = nil // the long values that were read to write it go with it
			}
			c.w.End("t:Items")
			c.w.End("m:RootFolder")
			return nil
		})
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// maxQueryRows is how many entries one answer to a QueryString holds, as with Exchange.
const maxQueryRows = 250

// wallClock returns the time in the zone of the request, whose days a QueryString means.
func (c *call) wallClock() time.Time {
	now := c.door.opts.Now().Truncate(time.Second)
	if name := c.zone.IANA(); name != "" {
		if location, err := time.LoadLocation(name); err == nil {
			return now.In(location)
		}
	}
	return now.In(time.FixedZone(c.zone.ID(), int(c.zone.Wall(now).AsUTC().Sub(now)/time.Second)))
}

// page reads the page of one folder.
func (c *call) page(q store.Query, v view, parent *soap.Element) (page *store.Page, err error) {
	if q.Folder, err = c.folderID(parent); err != nil {
		return nil, err
	}
	if v.denominator > 0 {
		total, err := c.box(q.Folder).Count(c.ctx, q)
		if err != nil {
			return nil, orFolder(err)
		}
		q.Offset, _ = v.window(total)
	}
	page, err = c.box(q.Folder).List(c.ctx, q)
	return page, orFolder(err)
}
