package soap

import (
	"encoding/base64"
	"io"
	"slices"
	"sync"
	"unicode/utf8"
)

// flushAt is the size from which a Writer hands its bytes on.
const flushAt = 32 << 10

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, flushAt+8<<10)) }}

// Writer writes a document by appending. Names carry the prefixes that Begin
// declares: s, m and t. Its first error sticks and is returned by Flush; the
// calls in between write nothing then.
type Writer struct {
	dst      io.Writer
	buf      *[]byte
	sent     int64 // bytes that left the buffer
	err      error
	streamed bool // see Streamed
}

// NewWriter returns a writer with a buffer from a pool; Release gives it back.
func NewWriter(dst io.Writer) *Writer {
	return &Writer{dst: dst, buf: buffers.Get().(*[]byte)}
}

// Release gives the buffer back. The writer must not be used afterwards.
func (w *Writer) Release() {
	if cap(*w.buf) >= flushAt {
		*w.buf = (*w.buf)[:0]
		buffers.Put(w.buf)
	}
	w.buf = nil
}

// Rest gives the buffer back until something is written again. Nothing may be waiting in it.
func (w *Writer) Rest() {
	w.Release()
	w.buf = new([]byte)
}

// Flushed tells whether anything left the buffer.
func (w *Writer) Flushed() bool { return w.sent > 0 }

// Mark returns a place to which Cut can go back.
func (w *Writer) Mark() int64 { return w.sent + int64(len(*w.buf)) }

// Cut takes back what was written since Mark returned mark; false when some of it
// left the buffer already. Cut(0) takes back everything.
func (w *Writer) Cut(mark int64) bool {
	if mark < w.sent {
		return false
	}
	*w.buf = (*w.buf)[:mark-w.sent]
	return true
}

// Err returns the first error of the destination.
func (w *Writer) Err() error { return w.err }

// Flush hands on what is buffered.
func (w *Writer) Flush() error {
	if w.err == nil && len(*w.buf) > 0 {
		w.sent += int64(len(*w.buf))
		_, w.err = w.dst.Write(*w.buf)
	}
	*w.buf = (*w.buf)[:0]
	return w.err
}

func (w *Writer) raw(s string) { *w.buf = append(*w.buf, s...) }

func (w *Writer) room() {
	if len(*w.buf) >= flushAt {
		w.Flush()
	}
}

// Declare writes the XML declaration, for a document whose envelope Begin does not make.
func (w *Writer) Declare() { w.raw(`<?xml version="1.0" encoding="utf-8"?>`) }

// Start writes a start tag; attrs are names and values in turn.
func (w *Writer) Start(name string, attrs ...string) {
	w.open(name, attrs)
	w.raw(">")
	w.room()
}

// Empty writes an element without content.
func (w *Writer) Empty(name string, attrs ...string) {
	w.open(name, attrs)
	w.raw("/>")
	w.room()
}

func (w *Writer) open(name string, attrs []string) {
	w.raw("<")
	w.raw(name)
	for i := 0; i+1 < len(attrs); i += 2 {
		w.raw(" ")
		w.raw(attrs[i])
		w.raw(`="`)
		*w.buf = appendEscaped(*w.buf, attrs[i+1], true)
		w.raw(`"`)
	}
}

// End writes an end tag.
func (w *Writer) End(name string) {
	w.raw("</")
	w.raw(name)
	w.raw(">")
}

// Element writes a leaf.
func (w *Writer) Element(name, text string, attrs ...string) {
	w.open(name, attrs)
	w.raw(">")
	w.Text(text)
	w.End(name)
	w.room()
}

// Bool writes a leaf that is true or false.
func (w *Writer) Bool(name string, v bool) {
	if v {
		w.Element(name, "true")
	} else {
		w.Element(name, "false")
	}
}

// Text writes character data. What XML cannot hold is dropped.
func (w *Writer) Text(s string) {
	for len(s) > flushAt {
		cut := flushAt
		for cut > flushAt-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		*w.buf = appendEscaped(*w.buf, s[:cut], false)
		w.room()
		s = s[cut:]
	}
	*w.buf = appendEscaped(*w.buf, s, false)
	w.room()
}

// Base64 writes everything that r gives, encoded. The error is r's; the
// destination's shows in Flush.
func (w *Writer) Base64(r io.Reader) error {
	e := encoder{w: w}
	_, err := io.Copy(&e, r)
	e.end()
	return err
}

// encoder writes what it is given as base64, without a buffer of its own.
type encoder struct {
	w    *Writer
	rest [3]byte // what waits until it is three bytes
	n    int     // how many wait
}

// encodedAtOnce is how many bytes become base64 in one step: four thirds of them fit
// behind what a buffer of the pool holds at most.
const encodedAtOnce = 6 << 10

// Write implements io.Writer.
func (e *encoder) Write(p []byte) (int, error) {
	size := len(p)
	if e.n > 0 {
		taken := copy(e.rest[e.n:], p)
		e.n, p = e.n+taken, p[taken:]
		if e.n < len(e.rest) {
			return size, e.w.err
		}
		e.append(e.rest[:])
	}
	whole := len(p) / 3 * 3
	for piece := range slices.Chunk(p[:whole], encodedAtOnce) {
		e.append(piece)
	}
	e.n = copy(e.rest[:], p[whole:])
	return size, e.w.err
}

// end writes what waits.
func (e *encoder) end() { e.append(e.rest[:e.n]) }

func (e *encoder) append(p []byte) {
	*e.w.buf = base64.StdEncoding.AppendEncode(*e.w.buf, p)
	e.w.room()
}

// appendEscaped appends character data or an attribute's value. A carriage
// return, and white space in attributes, is written as a reference, because a
// reader would change it (XML 1.0, 2.11 and 3.3.3).
func appendEscaped(dst []byte, s string, attribute bool) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		size := 1
		var esc string
		switch {
		case c == '&':
			esc = "&amp;"
		case c == '<':
			esc = "&lt;"
		case c == '>':
			esc = "&gt;"
		case c == '\r':
			esc = "&#xD;"
		case c == '"' && attribute:
			esc = "&quot;"
		case c == '\t' && attribute:
			esc = "&#x9;"
		case c == '\n' && attribute:
			esc = "&#xA;"
		case c >= 0x20 && c < 0x80, c == '\t', c == '\n':
			i++
			continue
		case c >= 0x80:
			var rn rune
			rn, size = utf8.DecodeRuneInString(s[i:])
			if !(rn == utf8.RuneError && size == 1) && allowed(rn) {
				i += size
				continue
			}
		}
		dst = append(append(dst, s[from:i]...), esc...)
		i += size
		from = i
	}
	return append(dst, s[from:]...)
}
