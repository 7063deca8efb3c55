package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// inMemory is how many bytes of a message are held in memory; a longer one waits
// as a blob in the first mailbox that it goes to.
const inMemory = 1 << 20

// staged is a message that can be read more than once.
type staged struct {
	data    []byte
	mailbox *store.Mailbox
	blob    mapi.Blob
	trace   int // how many bytes at the beginning are what delivery put on top
}

// stage reads a message to its end. More than MaxMessage bytes are ErrTooLarge.
func stage(ctx context.Context, mailbox *store.Mailbox, r io.Reader) (*staged, error) {
	r = &limited{r: r, left: MaxMessage}
	data, err := io.ReadAll(io.LimitReader(r, inMemory+1))
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	if len(data) <= inMemory {
		return &staged{data: data}, nil
	}
	blob, err := mailbox.WriteBlob(ctx, io.MultiReader(bytes.NewReader(data), r))
	if err != nil {
		return nil, fmt.Errorf("stage message: %w", err)
	}
	return &staged{mailbox: mailbox, blob: blob}, nil
}

func (s *staged) open(ctx context.Context) io.Reader {
	if s.mailbox == nil {
		return bytes.NewReader(s.data)
	}
	return s.mailbox.OpenBlob(ctx, s.blob)
}

// original returns the message as it came, without what delivery put on top.
func (s *staged) original(ctx context.Context) (io.Reader, error) {
	r := s.open(ctx)
	_, err := io.CopyN(io.Discard, r, int64(s.trace))
	return r, err
}

// size is the message's length in bytes.
func (s *staged) size() int64 {
	if s.mailbox == nil {
		return int64(len(s.data))
	}
	return s.blob.Size
}

// limited says ErrTooLarge where the input goes on after left bytes.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, ErrTooLarge
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left+1)])
	if l.left -= int64(n); l.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
