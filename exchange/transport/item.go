package transport

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Prepare returns the item that CreateItem makes of a message, for any folder
// (Folder is not set). Long MIME and long attachments are in the mailbox then, as
// blobs; short ones travel in the item's Contents, so that the message costs one
// commit. It is the one way from MIME to an item.
func Prepare(ctx context.Context, mailbox *store.Mailbox, message io.Reader) (store.NewItem, error) {
	s, err := stage(ctx, mailbox, message)
	if err != nil {
		return store.NewItem{}, err
	}
	return s.prepare(ctx, mailbox)
}

func (s *staged) prepare(ctx context.Context, mailbox *store.Mailbox) (store.NewItem, error) {
	g := &gatherer{mailbox: mailbox, contents: store.Contents{}}
	blob := s.blob
	if s.mailbox == nil || s.mailbox.GUID() != mailbox.GUID() {
		var err error
		if blob, err = g.gather(ctx, s.open(ctx)); err != nil {
			return store.NewItem{}, err
		}
	}
	calendar := &calendarPart{}
	m, err := oxcmail.Read(s.open(ctx), func(a *oxcmail.Attachment, r io.Reader) (blob mapi.Blob, err error) {
		if isCalendar(a) && calendar.cal == nil {
			if r, err = calendar.take(a, r, readCalendar); err != nil || calendar.told() {
				return blob, err // what the item tells is in its MIME form
			}
		}
		return g.gather(ctx, r)
	})
	if err != nil {
		return store.NewItem{}, err
	}
	meeting := calendar.meeting(m)
	item := NewItem(m)
	if meeting {
		calendar.describe(&item)
	}
	item.MIME, item.Contents = blob, g.contents
	return item, nil
}

// maxGathered is how many bytes of a message wait in memory for the item's own write.
const maxGathered = 2 << 20

// gatherer keeps short contents for the item's write, up to maxGathered in all.
type gatherer struct {
	mailbox  *store.Mailbox
	contents store.Contents
	size     int64
}

func (g *gatherer) gather(ctx context.Context, r io.Reader) (mapi.Blob, error) {
	if g.size > maxGathered {
		return g.mailbox.WriteBlob(ctx, r)
	}
	blob, err := g.mailbox.Gather(ctx, r, g.contents)
	if blob.Size < store.ChunkSize {
		g.size += blob.Size
	}
	return blob, err
}

// NewItem returns the item that stands for a message's elements. Attachments
// carry the blobs that they have in m.
func NewItem(m *oxcmail.Message) store.NewItem {
	item := store.NewItem{Props: maps.Clone(m.Props)}
	if m.Text != "" {
		item.Props[mapi.PidTagBody] = m.Text
	}
	if m.HTML != "" {
		item.Props[mapi.PidTagHTML] = []byte(m.HTML)
	}
	if !m.LongText.IsZero() {
		item.Props[mapi.PidTagBody] = m.LongText
	}
	if !m.LongHTML.IsZero() {
		item.Props[mapi.PidTagHTML] = m.LongHTML
	}
	for _, r := range m.Recipients {
		item.Recipients = append(item.Recipients, store.Recipient{
			Type: r.Type, AddressType: "SMTP", Address: r.Email, SMTP: r.Email, Name: r.Display(), EntryID: oxcmail.OneOff(r.Address),
		})
	}
	for _, a := range m.Attachments {
		method := mapi.AttachByValue
		if a.Embedded {
			method = mapi.AttachEmbedded
		}
		props := mapi.Bag{}
		if a.ContentLocation != "" {
			props[mapi.PidTagAttachContentLocation] = a.ContentLocation
		}
		item.Attachments = append(item.Attachments, store.Attachment{
			Method: method, Filename: a.Name, ContentType: a.ContentType, ContentID: a.ContentID,
			Inline: a.Inline, Hidden: a.Inline, Rendering: -1, Content: a.Content, Props: props,
		})
	}
	return item
}

// maxBody is the longest body that is made into MIME.
const maxBody = oxcmail.MaxBody

// Message returns an item's elements as oxcmail has them, bodies resolved. The
// item must have been read with all properties, recipients and attachments.
func Message(ctx context.Context, mailbox *store.Mailbox, item *store.Item) (*oxcmail.Message, error) {
	props := maps.Clone(item.Props)
	if err := mailbox.Resolve(ctx, props, maxBody); err != nil {
		return nil, fmt.Errorf("read %v: %w", item.ID, err)
	}
	m := &oxcmail.Message{
		Props:   props,
		From:    person(props, mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingSmtp, mapi.PidTagSentRepresentingEmail),
		Sender:  person(props, mapi.PidTagSenderName, mapi.PidTagSenderSmtpAddress, mapi.PidTagSenderEmail),
		ReplyTo: oxcmail.ReplyTo(props),
		Text:    props.String(mapi.PidTagBody),
	}
	if m.From.IsZero() {
		m.From = m.Sender
	}
	switch _, v, _ := props.Find(mapi.PidTagHTML); v := v.(type) {
	case string:
		m.HTML = v
	case []byte:
		m.HTML = strings.ToValidUTF8(string(v), "\uFFFD")
	}
	for _, r := range item.Recipients {
		m.Recipients = append(m.Recipients, oxcmail.Recipient{Type: r.Type, Address: address(r.Name, recipientAddress(r))})
	}
	for _, a := range item.Attachments {
		m.Attachments = append(m.Attachments, mailAttachment(a))
	}
	return m, nil
}

func mailAttachment(a store.Attachment) *oxcmail.Attachment {
	return &oxcmail.Attachment{
		Name: a.Filename, ContentType: a.ContentType, ContentID: a.ContentID, ContentLocation: a.Props.String(mapi.PidTagAttachContentLocation),
		Inline: a.Inline, Embedded: a.Method == mapi.AttachEmbedded, Content: a.Content,
	}
}

// person reads an address from the first of the tags that has one.
func person(props mapi.Bag, name mapi.Tag, emails ...mapi.Tag) oxcmail.Address {
	for _, tag := range emails {
		if email := props.String(tag); email != "" {
			return address(props.String(name), email)
		}
	}
	return oxcmail.Address{}
}

// recipientAddress is the SMTP address of a recipient, or what stands for it.
func recipientAddress(r store.Recipient) string {
	if r.SMTP != "" {
		return r.SMTP
	}
	return r.Address
}

// address leaves out a display name that only repeats the address.
func address(name, email string) oxcmail.Address {
	if name == email {
		name = ""
	}
	return oxcmail.Address{Name: name, Email: email}
}

// OpenMIME returns an item as a MIME stream: the message that it came as, byte for
// byte, or one made of its properties, with a calendar when it is an event or a
// message about a meeting; the item is then read again, whole. Bcc is part of it;
// submission takes it away.
func OpenMIME(ctx context.Context, mailbox *store.Mailbox, item *store.Item) (io.ReadCloser, error) {
	if !item.MIME.IsZero() {
		return io.NopCloser(mailbox.OpenMIME(ctx, item)), nil
	}
	item, err := mailbox.Item(ctx, item.ID, store.Want{All: true, Recipients: true, Attachments: true})
	if err != nil {
		return nil, err
	}
	return mimeOf(ctx, mailbox, item)
}

// mimeOf makes the MIME form of an item, read whole, whose contents are in the mailbox.
func mimeOf(ctx context.Context, mailbox *store.Mailbox, item *store.Item) (io.ReadCloser, error) {
	m, err := Message(ctx, mailbox, item)
	if err != nil {
		return nil, err
	}
	if err := withCalendar(m, item, stored(ctx, mailbox)); err != nil {
		return nil, err
	}
	return piped(func(w io.Writer) error {
		return oxcmail.Write(w, m, func(a *oxcmail.Attachment) (io.ReadCloser, error) {
			open := func() io.ReadCloser { return io.NopCloser(mailbox.OpenBlob(ctx, a.Content)) }
			if a.Embedded && a.ContentType == store.PackedType {
				return OpenPacked(ctx, mailbox, open)
			}
			return open(), nil
		})
	}), nil
}
