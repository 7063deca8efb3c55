package transport

import (
	"context"
	"fmt"
	"io"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// maxPackedDepth is how many packed items may lie in each other.
const maxPackedDepth = 8

// OpenPacked returns a packed item as a MIME stream. open begins the packed form
// anew; it is read once for the item and once for each content.
func OpenPacked(ctx context.Context, mailbox *store.Mailbox, open func() io.ReadCloser) (io.ReadCloser, error) {
	return openPacked(ctx, mailbox, open, 1)
}

func openPacked(ctx context.Context, mailbox *store.Mailbox, open func() io.ReadCloser, depth int) (io.ReadCloser, error) {
	if depth > maxPackedDepth {
		return nil, fmt.Errorf("items packed %d times: %w", depth, store.ErrTooLarge)
	}
	in := open()
	item, err := mailbox.Look(ctx, in)
	in.Close()
	if err != nil {
		return nil, err
	}
	if !item.MIME.IsZero() {
		return Content(open, item.MIME), nil
	}
	m, err := Message(ctx, mailbox, item)
	if err != nil {
		return nil, err
	}
	if err := withCalendar(m, item, nil); err != nil {
		return nil, err
	}
	return piped(func(w io.Writer) error {
		return oxcmail.Write(w, m, func(a *oxcmail.Attachment) (io.ReadCloser, error) {
			inner := func() io.ReadCloser { return Content(open, a.Content) }
			if a.Embedded && a.ContentType == store.PackedType {
				return openPacked(ctx, mailbox, inner, depth+1)
			}
			return inner(), nil
		})
	}), nil
}

// Content returns one content of a packed item.
func Content(open func() io.ReadCloser, blob mapi.Blob) io.ReadCloser {
	return piped(func(w io.Writer) error {
		in := open()
		defer in.Close()
		return store.Packed(in, blob, w)
	})
}

// piped returns what write writes. Closing it ends write.
func piped(write func(w io.Writer) error) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	return r
}
