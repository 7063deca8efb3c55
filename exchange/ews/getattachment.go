package ews

import (
	"io"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// getAttachment answers GetAttachment (MS-OXWSATT 3.1.4.3): one message for each
// id, with the content streamed. An item is told in the AttachmentShape.
func getAttachment(c *call) error {
	list, err := c.ids("AttachmentIds")
	if err != nil {
		return err
	}
	shape, err := c.attachmentShape()
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		a, open, err := c.attachment(e)
		if err != nil {
			return nil, err
		}
		var item *store.Item
		var in *embedded
		// The events that a series keeps of its exceptions are nobody's attachments.
		if a.Method == mapi.AttachEmbedded && len(calendar.Visible([]store.Attachment{*a})) > 0 {
			in = c.embeddedIn(a.ID, a, open)
			if item, err = in.item(c); err != nil {
				return nil, err
			}
		}
		return func() error {
			c.w.Start("m:Attachments")
			defer c.w.End("m:Attachments")
			element := c.startAttachment(a)
			defer c.w.End(element)
			switch {
			case item != nil:
				return (&itemWriter{call: c, r: shape, item: item, box: in.box, in: in}).writeItem()
			case a.Method == mapi.AttachByWebRef:
				return nil
			}
			return c.writeContent(a, open)
		}, nil
	})
}

func (c *call) writeContent(a *store.Attachment, open func() io.ReadCloser) error {
	c.w.Start("t:Content")
	defer c.w.End("t:Content")
	if a.Content.IsZero() && a.ID.Inner == "" {
		return nil
	}
	r := open()
	defer r.Close()
	return c.w.Base64(r)
}

// attachmentShape makes the ItemShape that an AttachmentShape stands for
// (MS-OXWSATT 2.2.4.4): everything that an item has by itself, and what else is asked for.
func (c *call) attachmentShape() (*readItem, error) {
	e := &soap.Element{Name: soap.Name{Space: soap.NSMessages, Local: "ItemShape"}, Children: []*soap.Element{
		{Name: soap.Name{Space: soap.NSTypes, Local: "BaseShape"}, Text: "AllProperties"}}}
	if given := c.req.Child(soap.NSMessages, "AttachmentShape"); given != nil {
		e.Children = append(e.Children, given.Children...)
	}
	s, err := c.door.itemShape(e, c.schema, false)
	if err != nil {
		return nil, err
	}
	return c.reading(s)
}
