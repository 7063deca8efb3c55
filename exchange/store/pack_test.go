package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"hma/wire/mapi"
)

// sealed completes a packed form with its sum.
func sealed(contents []byte, record []byte) []byte {
	out := append(packMagic[:], packVersion)
	out = append(out, contents...)
	out = append(binary.AppendUvarint(append(out, 'i'), uint64(len(record))), record...)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

// FuzzReadPacked throws records at the reader: what it takes refers to nothing
// that did not come with it, and packs again.
func FuzzReadPacked(f *testing.F) {
	content := append(binary.AppendUvarint([]byte{'c'}, 3), make([]byte, 32)...)
	hash := sha256.Sum256([]byte("abc"))
	copy(content[2:], hash[:])
	content = append(content, "abc"...)
	var record appender
	record = append(record, packRead)
	record.blob(mapi.Blob{Hash: hash, Size: 3})
	record.uint(0)
	record.bag(mapi.Bag{mapi.PidTagSubject: "x"})
	record.uint(0)
	record.uint(0)
	f.Add([]byte(nil), []byte(record))
	f.Add(content, []byte(record))
	f.Fuzz(func(t *testing.T, contents, record []byte) {
		came := map[mapi.Blob]bool{}
		item, names, err := readPacked(bytes.NewReader(sealed(contents, record)), func(b mapi.Blob, r io.Reader) error {
			came[b] = true
			_, err := io.Copy(io.Discard, r)
			return err
		})
		if err != nil {
			if !errors.Is(err, ErrMalformedItem) {
				t.Error(err)
			}
			return
		}
		refers := func(b mapi.Blob) {
			if !b.IsZero() && !came[b] {
				t.Errorf("%x did not come", b.Hash[:4])
			}
		}
		refers(item.MIME)
		for _, a := range item.Attachments {
			refers(a.Content)
		}
		for tag, v := range item.Props {
			if b, long := v.(mapi.Blob); long {
				refers(b)
			}
			if _, told := names[tag.ID()]; tag.ID() >= mapi.FirstMailboxName && !told {
				t.Errorf("%s has no name", tag)
			}
		}
		if _, err := item.Props.Encode(); err != nil {
			t.Error(err)
		}
	})
}
