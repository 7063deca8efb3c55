package transport

import (
	"context"
	"errors"
	"io"

	"hma/exchange/store"
	"hma/wire/oxcmail"
)

// Deliver puts a message into the inbox of each recipient, who must be local. A
// Received field goes on top; the rest is stored byte for byte. The error is for
// the message as a whole (it could not be read, it is too large) and means that
// nobody got it; what concerns one recipient is in the results, which are in the
// order of env.To. Two addresses of one mailbox get one item.
func (t *Transport) Deliver(ctx context.Context, env Envelope, message io.Reader) ([]Result, error) {
	return nil, errors.ErrUnsupported
}

// Prepare writes a message's MIME, attachments and long bodies into the mailbox
// as blobs and returns the item that CreateItem makes of them, for any folder
// (Folder is not set). It is the one way from MIME to an item.
func Prepare(ctx context.Context, mailbox *store.Mailbox, message io.Reader) (store.NewItem, error) {
	return store.NewItem{}, errors.ErrUnsupported
}

// OpenMIME returns an item as a MIME stream: the message that it came as, byte for
// byte, or one made of its properties. The item is read again by its id. Bcc is
// part of it; Submit takes it away.
func OpenMIME(ctx context.Context, mailbox *store.Mailbox, id store.ItemID) (io.ReadCloser, error) {
	return nil, errors.ErrUnsupported
}

// Message returns an item's elements as oxcmail has them, bodies resolved.
func Message(ctx context.Context, mailbox *store.Mailbox, item *store.Item) (*oxcmail.Message, error) {
	return nil, errors.ErrUnsupported
}
