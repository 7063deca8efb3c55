package mapihttp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

// errBody is what every parse function returns for a body that is cut short, too
// long or not of its form.
var errBody = errors.New("malformed body")

// body reads the fields of a request; the first error sticks.
type body struct {
	rest []byte
	err  error
}

func (b *body) take(n uint32) []byte {
	if b.err != nil || uint64(n) > uint64(len(b.rest)) {
		b.err = errBody
		return nil
	}
	out := b.rest[:n]
	b.rest = b.rest[n:]
	return out
}

func (b *body) uint32() uint32 {
	if field := b.take(4); field != nil {
		return binary.LittleEndian.Uint32(field)
	}
	return 0
}

// text reads bytes up to a NUL.
func (b *body) text() string {
	n := bytes.IndexByte(b.rest, 0)
	if b.err != nil || n < 0 {
		b.err = errBody
		return ""
	}
	out := string(b.rest[:n])
	b.rest = b.rest[n+1:]
	return out
}

// end reads the auxiliary buffer that ends every body (MS-OXCMAPIHTTP 2.2.2.1),
// of which nothing is used, and makes sure that nothing follows.
func (b *body) end() error {
	b.take(b.uint32())
	if b.err == nil && len(b.rest) > 0 {
		b.err = errBody
	}
	return b.err
}

// appendUTF16 appends the text in UTF-16LE with a NUL behind it.
func appendUTF16(out []byte, text string) []byte {
	for _, unit := range utf16.Encode([]rune(text)) {
		if unit != 0 {
			out = binary.LittleEndian.AppendUint16(out, unit)
		}
	}
	return append(out, 0, 0)
}

func appendUint32(out []byte, values ...uint32) []byte {
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}
