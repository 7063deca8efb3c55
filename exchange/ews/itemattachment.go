package ews

import (
	"io"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// maxNested is how many item attachments made of elements may lie in each other.
const maxNested = 4

// packElements makes an item of the elements of an ItemAttachment (MS-OXWSATT
// 2.2.4.9) and puts it into the mailbox in its packed form.
func (c *call) packElements(e *soap.Element, depth int) (mapi.Blob, error) {
	kind := kindOfNew(e.Name.Local)
	if kind == nil || depth > maxNested {
		return mapi.Blob{}, errUnsupported
	}
	d := c.newDraft(kind.kind)
	d.depth = depth
	for _, child := range e.Children {
		if err := d.element(child); err != nil {
			return mapi.Blob{}, err
		}
	}
	var item store.NewItem
	var err error
	if kind.kind == calendarItem {
		item, err = d.eventItem(kind.class)
	} else {
		item, err = d.newItem(kind.class)
	}
	if err != nil {
		return mapi.Blob{}, err
	}
	// Nobody sends or edits it where it is.
	item.Props[mapi.PidTagMessageFlags] = mapi.MsgFlagUnmodified
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(c.mailbox.Pack(c.ctx, item, w)) }()
	return c.mailbox.WriteBlob(c.ctx, r)
}

// embedded is an item within an item: that of an item attachment.
type embedded struct {
	id     store.AttachmentID
	box    *store.Mailbox
	open   func() io.ReadCloser // the packed form, or the MIME form
	packed bool
}

// embeddedIn returns the item of an attachment whose content open gives.
func (c *call) embeddedIn(id store.AttachmentID, a *store.Attachment, open func() io.ReadCloser) *embedded {
	return &embedded{id: id, box: c.box(id), open: open, packed: a.ContentType == store.PackedType}
}

// mime returns the item's MIME form.
func (m *embedded) mime(c *call) (io.ReadCloser, error) {
	if m.packed {
		return transport.OpenPacked(c.ctx, m.box, m.open)
	}
	return m.open(), nil
}

// item reads the item. It is in no folder and has no id of its own; its attachments have ids below that of the item.
func (m *embedded) item(c *call) (*store.Item, error) {
	in := m.open()
	defer in.Close()
	var item *store.Item
	if m.packed {
		var err error
		if item, err = m.box.Look(c.ctx, in); err != nil {
			return nil, err
		}
	} else {
		message, err := oxcmail.Read(in, func(a *oxcmail.Attachment, r io.Reader) (mapi.Blob, error) {
			if a.Text {
				return mapi.Blob{}, nil // its beginning is shown
			}
			n, err := io.Copy(io.Discard, r)
			return mapi.Blob{Size: n}, err
		})
		if err != nil {
			return nil, err
		}
		n := transport.NewItem(message)
		item = &store.Item{Read: true, Props: n.Props, Recipients: n.Recipients, Attachments: n.Attachments}
	}
	item.ID = store.ItemID{Mailbox: m.box.GUID()}
	for i := range item.Attachments {
		item.Attachments[i].ID, _ = m.id.Below(i)
	}
	return item, nil
}

// content returns the content of the item's attachment with the number.
func (m *embedded) content(item *store.Item, number int) func() io.ReadCloser {
	if m.packed {
		return func() io.ReadCloser { return transport.Content(m.open, item.Attachments[number].Content) }
	}
	return func() io.ReadCloser {
		r, w := io.Pipe()
		go func() {
			in := m.open()
			defer in.Close()
			at := -1
			_, err := oxcmail.Read(in, func(a *oxcmail.Attachment, r io.Reader) (mapi.Blob, error) {
				if a.Text {
					return mapi.Blob{}, nil
				}
				if at++; at != number {
					return mapi.Blob{}, nil
				}
				_, err := io.Copy(w, r)
				return mapi.Blob{}, err
			})
			w.CloseWithError(err)
		}()
		return r
	}
}

// attachment finds an attachment by its id, of an item or of an item within an
// item, and what opens its content.
func (c *call) attachment(e *soap.Element) (*store.Attachment, func() io.ReadCloser, error) {
	text, _ := e.Attr("Id")
	parsed, err := c.parse(text)
	if err != nil {
		return nil, nil, err
	}
	id, ok := parsed.(store.AttachmentID)
	if !ok {
		return nil, nil, errInvalidID
	}
	at := store.AttachmentID{Item: id.Item, Number: id.Number}
	a, err := c.box(at).Attachment(c.ctx, at)
	if err != nil {
		return nil, nil, err
	}
	content := a.Content
	open := func() io.ReadCloser { return io.NopCloser(c.box(at).OpenBlob(c.ctx, content)) }
	for _, number := range id.Path() {
		if a.Method != mapi.AttachEmbedded || len(calendar.Visible([]store.Attachment{*a})) == 0 {
			return nil, nil, errItemNotFound
		}
		m := c.embeddedIn(a.ID, a, open)
		item, err := m.item(c)
		if err != nil {
			return nil, nil, err
		}
		if number >= len(item.Attachments) {
			return nil, nil, errItemNotFound
		}
		a, open = &item.Attachments[number], m.content(item, number)
	}
	return a, open, nil
}
