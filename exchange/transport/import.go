package transport

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// ImportOptions say what the message itself does not.
type ImportOptions struct {
	Unread bool // the item is read otherwise
	// Received is the delivery time; when zero that of the newest Received field,
	// else the Date, else now.
	Received time.Time
	Marks    Marks
}

// Import puts one message (eml) into a folder, byte for byte, as it was when it
// arrived: nothing is added, and nobody is told of new mail.
func (t *Transport) Import(ctx context.Context, mailbox *store.Mailbox, folder store.FolderID, message io.Reader, opts ImportOptions) (store.Stamp, error) {
	item, err := t.Imported(ctx, mailbox, folder, message, opts)
	if err != nil {
		return store.Stamp{}, fmt.Errorf("import: %w", err)
	}
	stamp, err := mailbox.CreateItem(ctx, item)
	if err != nil {
		return store.Stamp{}, fmt.Errorf("import: %w", err)
	}
	return stamp, nil
}

// Imported returns the item that Import makes of a message.
func (t *Transport) Imported(ctx context.Context, mailbox *store.Mailbox, folder store.FolderID, message io.Reader, opts ImportOptions) (store.NewItem, error) {
	item, err := Prepare(ctx, mailbox, message)
	if err != nil {
		return store.NewItem{}, err
	}
	item.Folder, item.Read = folder, !opts.Unread
	received := opts.Received
	for _, tag := range []mapi.Tag{mapi.PidTagMessageDeliveryTime, mapi.PidTagClientSubmitTime} {
		if received.IsZero() {
			received = item.Props.Time(tag)
		}
	}
	if received.IsZero() {
		received = t.cfg.Now()
	}
	item.Props[mapi.PidTagMessageDeliveryTime] = received.UTC()
	opts.Marks.set(item.Props)
	return item, nil
}

// ImportMessage is one message of ImportAll.
type ImportMessage struct {
	Folder  store.FolderID
	Message io.Reader
	ImportOptions
}

// ImportAll imports many messages into one mailbox, all or none, in their order.
// It is much faster than one by one, because messages are prepared side by side
// and share commits; more than a few hundred at a time gain nothing.
func (t *Transport) ImportAll(ctx context.Context, mailbox *store.Mailbox, messages []ImportMessage) ([]store.Stamp, error) {
	items := make([]store.NewItem, len(messages))
	errs := make([]error, len(messages))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4*parallel)
	for i, m := range messages {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			items[i], errs[i] = t.Imported(ctx, mailbox, m.Folder, m.Message, m.ImportOptions)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("import message %d: %w", i+1, err)
		}
	}
	stamps, err := mailbox.CreateItems(ctx, items)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return stamps, nil
}
