package ews

import (
	"io"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// getAttachment answers GetAttachment (MS-OXWSATT 3.1.4.3): one message for each
// id, with the content streamed.
func getAttachment(c *call) error {
	list, err := c.ids("AttachmentIds")
	if err != nil {
		return err
	}
	bodyType := "Best"
	if e := c.req.Child(soap.NSMessages, "AttachmentShape").Child(soap.NSTypes, "BodyType"); e != nil {
		bodyType = e.Text
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		a, err := c.attachment(e)
		if err != nil {
			return nil, err
		}
		return func() error {
			c.w.Start("m:Attachments")
			defer c.w.End("m:Attachments")
			return c.writeAttachment(a, bodyType)
		}, nil
	})
}

func (c *call) attachment(e *soap.Element) (*store.Attachment, error) {
	text, _ := e.Attr("Id")
	parsed, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	id, ok := parsed.(store.AttachmentID)
	if !ok {
		return nil, errInvalidID
	}
	return c.box(id).Attachment(c.ctx, id)
}

// writeAttachment writes a file with its bytes, or a message with what its MIME form tells.
func (c *call) writeAttachment(a *store.Attachment, bodyType string) error {
	element := c.startAttachment(a)
	defer c.w.End(element)
	if a.Method != mapi.AttachEmbedded {
		c.w.Start("t:Content")
		defer c.w.End("t:Content")
		if a.Content.IsZero() {
			return nil
		}
		return c.w.Base64(c.box(a.ID).OpenBlob(c.ctx, a.Content))
	}
	m, err := oxcmail.Read(c.box(a.ID).OpenBlob(c.ctx, a.Content), func(_ *oxcmail.Attachment, r io.Reader) (mapi.Blob, error) {
		return mapi.Blob{}, nil
	})
	if err != nil {
		return err
	}
	c.w.Start("t:Message")
	defer c.w.End("t:Message")
	c.w.Start("t:MimeContent", "CharacterSet", "UTF-8")
	if err := c.w.Base64(c.box(a.ID).OpenBlob(c.ctx, a.Content)); err != nil {
		return err
	}
	c.w.End("t:MimeContent")
	class := m.Props.String(mapi.PidTagMessageClass)
	if class == "" {
		class = "IPM.Note"
	}
	c.w.Element("t:ItemClass", class)
	c.w.Element("t:Subject", m.Props.String(mapi.PidTagSubject))
	switch {
	case bodyType == "HTML" && m.HTML == "":
		c.w.Element("t:Body", oxcmail.HTMLFromPlain(m.Text), "BodyType", "HTML")
	case m.HTML != "" && bodyType != "Text":
		c.w.Element("t:Body", m.HTML, "BodyType", "HTML")
	default:
		c.w.Element("t:Body", m.Text, "BodyType", "Text")
	}
	if at := m.Props.Time(mapi.PidTagClientSubmitTime); !at.IsZero() {
		c.w.Element("t:DateTimeSent", timeText(at))
	}
	if !m.Sender.IsZero() {
		c.w.Start("t:Sender")
		writeMailbox(c.w, m.Sender.Name, m.Sender.Email, "SMTP")
		c.w.End("t:Sender")
	}
	if !m.From.IsZero() {
		c.w.Start("t:From")
		writeMailbox(c.w, m.From.Name, m.From.Email, "SMTP")
		c.w.End("t:From")
	}
	return nil
}
