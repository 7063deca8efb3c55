package oxcmail

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
)

// longText gives a text as toUTF8 and crlf make it, at most MaxBody bytes of it.
type longText struct {
	r    *bufio.Reader
	crlf bool
	buf  [4 << 10]byte
	rest []byte // of buf, to be read
	size int
	cut  bool // there was more
	err  error
}

// newLongText returns the text that begins with head and goes on with rest.
func newLongText(label string, head []byte, rest io.Reader, crlf bool) *longText {
	r := io.MultiReader(bytes.NewReader(head), rest)
	name := ""
	e := charset(label)
	if e != nil {
		name, _ = htmlindex.Name(e)
	}
	switch {
	case e != nil && name != "utf-8":
		r = transform.NewReader(r, e.NewDecoder())
	case e == nil && !validBeginning(head):
		r = transform.NewReader(r, charmap.Windows1252.NewDecoder())
	}
	return &longText{r: bufio.NewReaderSize(r, 32<<10), crlf: crlf}
}

// validBeginning tells whether b is UTF-8, whose last character may be cut off.
func validBeginning(b []byte) bool {
	for range utf8.UTFMax - 1 {
		if utf8.Valid(b) || len(b) == 0 {
			break
		}
		b = b[:len(b)-1]
	}
	return utf8.Valid(b)
}

// Read implements io.Reader.
func (t *longText) Read(p []byte) (int, error) {
	for len(t.rest) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// fill makes the next piece of the text, of whole characters.
func (t *longText) fill() {
	out := t.buf[:0]
	for len(out)+utf8.UTFMax <= len(t.buf) {
		c, _, err := t.r.ReadRune() // what is no UTF-8 is U+FFFD
		if err != nil {
			t.err = err
			break
		}
		from := len(out)
		switch {
		case c == 0: // no property of type string can hold it
		case t.crlf && (c == '\r' || c == '\n'):
			if next, _ := t.r.Peek(1); c == '\r' && len(next) == 1 && next[0] == '\n' {
				t.r.Discard(1)
			}
			out = append(out, "\r\n"...)
		default:
			out = utf8.AppendRune(out, c)
		}
		if t.size += len(out) - from; t.size > MaxBody {
			out, t.cut, t.err = out[:from], true, io.EOF
			break
		}
	}
	t.rest = out
}

// idScanner collects shownIDs of an HTML body that flows through.
type idScanner struct {
	ids  map[string]bool
	tail []byte // an id may begin here
}

// Write implements io.Writer. An id that is cut in two is also taken for its beginning.
func (s *idScanner) Write(p []byte) (int, error) {
	s.tail = append(s.tail, p...)
	for id := range shownIDs(string(s.tail)) {
		if len(s.ids) < MaxParts {
			s.ids[id] = true
		}
	}
	s.tail = append(s.tail[:0], s.tail[max(0, len(s.tail)-1100):]...)
	return len(p), nil
}
