package transport

import (
	"context"
	"errors"
	"io"
	"time"

	"hma/exchange/store"
)

// ImportOptions say what the message itself does not.
type ImportOptions struct {
	Unread bool // the item is read otherwise
	// Received is the delivery time; when zero that of the newest Received field,
	// else the Date, else now.
	Received time.Time
}

// Import puts one message (eml) into a folder, byte for byte, as it was when it
// arrived: nothing is added, and nobody is told of new mail.
func (t *Transport) Import(ctx context.Context, mailbox *store.Mailbox, folder store.FolderID, message io.Reader, opts ImportOptions) (store.Stamp, error) {
	return store.Stamp{}, errors.ErrUnsupported
}
