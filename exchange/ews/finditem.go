package ews

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/wire/mapi"
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
	if q.Group, err = c.grouping(); err != nil {
		return err
	}
	if q.Seek, err = c.restriction(view.condition, itemField); err != nil {
		return err
	}
	if view.contacts {
		view.byName(&q)
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
			err := c.writeFound(shape, page)
			c.w.End("m:RootFolder")
			return err
		})
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// writeFound writes the items of a page, in their groups where it has some.
func (c *call) writeFound(shape *readItem, page *store.Page) error {
	grouped, group := c.req.Child(soap.NSMessages, "GroupBy") != nil || c.req.Child(soap.NSMessages, "DistinguishedGroupBy") != nil, -1
	end := func() {
		c.w.End("t:Items")
		if grouped {
			c.w.End("t:GroupedItems")
		}
	}
	if grouped {
		c.w.Start("t:Groups")
	} else {
		c.w.Start("t:Items")
	}
	for i, item := range page.Items {
		if grouped && page.Groups[i] != group {
			if i > 0 {
				end()
			}
			group = page.Groups[i]
			c.w.Start("t:GroupedItems")
			c.w.Element("t:GroupIndex", strconv.Itoa(group))
			c.w.Start("t:Items")
		}
		if err := c.writeItem(shape, item); err != nil {
			return err
		}
		page.Items[i] = nil // the long values that were read to write it go with it
	}
	if !grouped || len(page.Items) > 0 {
		end()
	}
	if grouped {
		c.w.End("t:Groups")
	}
	return nil
}

// grouping reads GroupBy or DistinguishedGroupBy (MS-OXWSSRCH 2.2.4.16 and 2.2.4.10),
// nil for neither.
func (c *call) grouping() (*store.Group, error) {
	by, standard := c.req.Child(soap.NSMessages, "GroupBy"), c.req.Child(soap.NSMessages, "DistinguishedGroupBy")
	if by == nil && standard == nil {
		return nil, nil
	}
	if by != nil && standard != nil {
		return nil, invalid(standard, "GroupBy and DistinguishedGroupBy exclude each other")
	}
	e := cmp.Or(by, standard)
	order := attribute(e, "Order")
	if order != "Ascending" && order != "Descending" {
		return nil, invalid(e, "%q is no order", order)
	}
	g := &store.Group{Desc: order == "Descending"}
	if standard != nil {
		if name := e.Child(soap.NSTypes, "StandardGroupBy"); name == nil || name.Text != "ConversationTopic" {
			return nil, invalid(e, "StandardGroupBy is not ConversationTopic")
		}
		g.By, g.On, g.Max = mapi.PidTagConversationTopic, mapi.PidTagMessageDeliveryTime, true
		return g, nil
	}
	on := e.Child(soap.NSTypes, "AggregateOn")
	if len(e.Children) != 2 || on == nil || on == e.Children[0] || len(on.Children) != 1 {
		return nil, invalid(e, "GroupBy must hold a path and AggregateOn with a path")
	}
	switch aggregate := attribute(on, "Aggregate"); aggregate {
	case "Maximum":
		g.Max = true
	case "Minimum":
	default:
		return nil, invalid(on, "%q is no aggregate", aggregate)
	}
	var err error
	if g.By, err = c.sortTag(e.Children[0]); err == nil {
		g.On, err = c.sortTag(on.Children[0])
	}
	return g, err
}

// byName makes a list one of contacts by their names, from the first to the last.
func (v view) byName(q *store.Query) {
	name := itemByURI["contacts:DisplayName"].tag
	where := mapi.And{}
	if v.first != "" {
		where = append(where, mapi.Property{Op: mapi.GE, Tag: name, Value: v.first})
	}
	if v.last != "" {
		where = append(where, mapi.Property{Op: mapi.LE, Tag: name, Value: v.last})
	}
	if len(where) > 0 {
		if q.Where != nil {
			where = append(where, q.Where)
		}
		q.Where = where
	}
	if q.Sort == nil {
		q.Sort = []store.SortKey{{Tag: name}}
	}
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
