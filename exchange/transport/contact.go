package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/oxvcard"
)

// ErrNoContact is the error of PrepareContact for what is no vCard.
var ErrNoContact = errors.New("no vCard")

// photoName is the file name of a contact's picture (MS-OXOCNTC 2.2.1.8.2).
const photoName = "ContactPicture.jpg"

// PrepareContact returns the contact that a vCard makes (MS-OXVCARD). Folder is not
// set, and the vCard is not kept: what the contact says then is told by OpenContact.
// What is no vCard is ErrNoContact.
func PrepareContact(ctx context.Context, mailbox *store.Mailbox, r io.Reader) (store.NewItem, error) {
	card, err := oxvcard.Read(r)
	if errors.Is(err, oxvcard.ErrNoCard) {
		return store.NewItem{}, fmt.Errorf("%w: %w", ErrNoContact, err)
	}
	if err != nil {
		return store.NewItem{}, err
	}
	m := &oxcmail.Message{Props: card.Props, Text: card.Props.String(mapi.PidTagBody)}
	if m.Text != "" {
		m.Props[mapi.PidTagNativeBody] = m.NativeBody()
	}
	item := NewItem(m)
	if card.Photo == nil {
		return item, nil
	}
	item.Contents = store.Contents{}
	g := &gatherer{mailbox: mailbox, contents: item.Contents}
	photo, err := g.gather(ctx, bytes.NewReader(card.Photo))
	if err != nil {
		return store.NewItem{}, fmt.Errorf("photo of a contact: %w", err)
	}
	item.Props[mapi.PidLidHasPicture], item.Props[mapi.PidTagHasAttachments] = true, true
	item.Attachments = []store.Attachment{{Method: mapi.AttachByValue, Filename: photoName, Rendering: -1, Content: photo,
		Props: mapi.Bag{mapi.PidTagAttachmentContactPhoto: true}}}
	return item, nil
}

// OpenContact returns a contact as the vCard that tells the same. It is read again by
// its id.
func OpenContact(ctx context.Context, mailbox *store.Mailbox, id store.ItemID) (io.Reader, error) {
	item, err := mailbox.Item(ctx, id, store.Want{All: true, Attachments: true})
	if err != nil {
		return nil, err
	}
	m, err := Message(ctx, mailbox, item)
	if err != nil {
		return nil, err
	}
	var photo []byte
	for _, a := range item.Attachments {
		if a.Props.Bool(mapi.PidTagAttachmentContactPhoto) && a.Content.Size <= oxvcard.MaxPhoto {
			if photo, err = io.ReadAll(mailbox.OpenBlob(ctx, a.Content)); err != nil {
				return nil, fmt.Errorf("photo of %v: %w", id, err)
			}
			break
		}
	}
	var b bytes.Buffer
	if err := oxvcard.Write(&b, m.Props, photo); err != nil {
		return nil, fmt.Errorf("vCard of %v: %w", id, err)
	}
	return &b, nil
}
