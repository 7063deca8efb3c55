package soap

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
)

// Limits bound what one document may cost its reader.
type Limits struct {
	Bytes      int64 // of the document; Reader.SetBytes changes it on the way
	Depth      int   // of nested elements
	Elements   int
	Attributes int // of one element, namespace declarations included
	Attribute  int // bytes of one attribute's value
	Text       int // bytes of all text that is kept; streamed base64 does not count
}

// DefaultLimits are those of a request to Exchange Web Services.
var DefaultLimits = Limits{Bytes: 64 << 20, Depth: 64, Elements: 250_000, Attributes: 32, Attribute: 64 << 10, Text: 16 << 20}

// maxBindings bounds the namespace declarations in scope, so that a look-up stays cheap.
const maxBindings = 256

// maxName bounds one name.
const maxName = 256

// ErrLimit is wrapped by the error of a document that passes a limit.
var ErrLimit = errors.New("document passes a limit")

// SyntaxError tells what is wrong with a document and where.
type SyntaxError struct {
	Line, Column int // from 1, in bytes
	Reason       string
	err          error
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, position %d: %s", e.Line, e.Column, e.Reason)
}

// Unwrap gives ErrLimit, or why the document could not be read.
func (e *SyntaxError) Unwrap() error { return e.err }

// Name is an expanded name: a namespace and a local part.
type Name struct{ Space, Local string }

// Attr is an attribute that is no namespace declaration.
type Attr struct {
	Name  Name
	Value string
}

// Kind is a token's kind.
type Kind int

// The kinds of token. Comments and the declaration are skipped, CDATA is text.
const (
	EOF Kind = iota
	Start
	End
	Text
)

// Token is a piece of a document. Attrs and Text are good until the next call of Next.
type Token struct {
	Kind  Kind
	Name  Name // of Start and End
	Attrs []Attr
	Text  []byte
}

type binding struct {
	prefix, uri string
	depth       int
}

type open struct {
	raw  string // as written, for the end tag
	name Name
}

// Reader reads one document. Its first error sticks.
type Reader struct {
	src    io.Reader
	limits Limits
	err    error

	buf       []byte
	pos, end  int
	offset    int64 // of buf[0] in the document
	line      int
	lineStart int64

	stack    []open
	bindings []binding
	names    [64]string // some that were read, see intern
	elements int
	kept     int // bytes of text given out
	seenRoot bool
	started  bool
	selfEnd  bool // the start tag just read was an empty element
	attrs    []Attr
	rawAttrs []rawAttr
	text     []byte
	value    []byte // of an attribute
}

type rawAttr struct{ prefix, local, value string }

// A document is read in pieces of firstPiece bytes, which most are not longer than; one
// that fills them goes on in pieces of longPiece.
const (
	firstPiece = 4 << 10
	longPiece  = 16 << 10
)

// NewReader returns a reader of one document in UTF-8.
func NewReader(src io.Reader, limits Limits) *Reader {
	return &Reader{src: src, limits: limits, buf: make([]byte, firstPiece), line: 1}
}

// SetBytes changes how long the whole document may be.
func (r *Reader) SetBytes(n int64) { r.limits.Bytes = n }

// Position returns the line and the position in it, from 1, of what comes next.
func (r *Reader) Position() (line, column int) {
	return r.line, int(r.offset + int64(r.pos) - r.lineStart + 1)
}

func (r *Reader) fail(reason string, err error) error {
	if r.err == nil {
		line, column := r.Position()
		r.err = &SyntaxError{Line: line, Column: column, Reason: reason, err: err}
	}
	return r.err
}

func (r *Reader) failLimit(what string) error { return r.fail(what, ErrLimit) }

// fill makes at least one byte available; false at the end and on errors.
func (r *Reader) fill() bool {
	if r.err != nil {
		return false
	}
	if r.end == len(r.buf) && r.end < longPiece {
		r.buf = make([]byte, longPiece)
	}
	r.offset += int64(r.end)
	r.pos, r.end = 0, 0
	for range 100 {
		n, err := r.src.Read(r.buf)
		r.end = n
		switch {
		case r.offset+int64(n) > r.limits.Bytes:
			r.end = 0
			r.failLimit("document is too long")
			return false
		case n > 0:
			return true
		case err == io.EOF:
			return false
		case err != nil:
			r.fail("document ended early", err)
			return false
		}
	}
	r.fail("document could not be read", io.ErrNoProgress)
	return false
}

// next takes one byte.
func (r *Reader) next() (byte, bool) {
	if r.pos == r.end && !r.fill() {
		return 0, false
	}
	c := r.buf[r.pos]
	r.pos++
	if c == '\n' {
		r.line++
		r.lineStart = r.offset + int64(r.pos)
	}
	return c, true
}

// must takes one byte; the end of the document is an error.
func (r *Reader) must() (byte, error) {
	c, ok := r.next()
	if !ok {
		return 0, r.fail("document ended early", io.ErrUnexpectedEOF)
	}
	return c, nil
}

// peek shows the next byte; ok is false at the end of the document and on errors.
func (r *Reader) peek() (c byte, ok bool) {
	if r.pos == r.end && !r.fill() {
		return 0, false
	}
	return r.buf[r.pos], true
}

// expect takes exactly the bytes of s.
func (r *Reader) expect(s string) error {
	for i := range len(s) {
		c, err := r.must()
		if err != nil {
			return err
		}
		if c != s[i] {
			return r.fail("unexpected markup", nil)
		}
	}
	return nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// nameBytes are the bytes of a name as it is written.
var nameBytes = func() (t [256]bool) {
	for i := range t {
		c := byte(i)
		t[c] = isNameStart(c) || c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':'
	}
	return t
}()

// intern returns a name as a string, the same one for most of its occurrences.
func (r *Reader) intern(b []byte) string {
	slot := &r.names[maphash.Bytes(seed, b)%uint64(len(r.names))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

var seed = maphash.MakeSeed()

// rawName reads a name as written. Prefix and local part both begin a name.
func (r *Reader) rawName() (string, error) {
	name := make([]byte, 0, 64)
	for {
		c, ok := r.peek()
		if !ok {
			_, err := r.must()
			return "", err
		}
		if !nameBytes[c] {
			break
		}
		n := 1
		for r.pos+n < r.end && nameBytes[r.buf[r.pos+n]] {
			n++
		}
		if len(name)+n > maxName {
			return "", r.failLimit("name is too long")
		}
		name = append(name, r.buf[r.pos:r.pos+n]...)
		r.pos += n
	}
	prefix, local, has := bytes.Cut(name, []byte(":"))
	if len(name) == 0 || !isNameStart(name[0]) || has && (len(prefix) == 0 || len(local) == 0 || !isNameStart(local[0]) || bytes.IndexByte(local, ':') >= 0) {
		return "", r.fail("malformed name", nil)
	}
	return r.intern(name), nil
}

func (r *Reader) skipSpace() (skipped bool) {
	for {
		c, ok := r.peek()
		if !ok || !isSpace(c) {
			return skipped
		}
		r.next()
		skipped = true
	}
}

func (r *Reader) lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return nsXML, true
	}
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if r.bindings[i].prefix == prefix {
			return r.bindings[i].uri, true
		}
	}
	return "", prefix == ""
}

// Next returns the next token, EOF after the root's end. Text outside the root
// must be white space and is skipped.
func (r *Reader) Next() (Token, error) {
	if r.err != nil {
		return Token{}, r.err
	}
	if !r.started {
		if err := r.prolog(); err != nil {
			return Token{}, err
		}
	}
	if r.selfEnd {
		return r.endElement(), nil
	}
	for {
		if len(r.stack) == 0 {
			r.skipSpace()
		}
		c, ok := r.peek()
		if !ok {
			if r.err != nil {
				return Token{}, r.err
			}
			if !r.seenRoot || len(r.stack) > 0 {
				return Token{}, r.fail("document ended early", io.ErrUnexpectedEOF)
			}
			return Token{Kind: EOF}, nil
		}
		if c != '<' {
			if len(r.stack) == 0 {
				return Token{}, r.fail("text outside the root element", nil)
			}
			var err error
			if r.text, err = r.readText(r.text[:0], r.limits.Text-r.kept+1); err != nil {
				return Token{}, err
			}
			return r.textToken()
		}
		r.pos++
		token, skip, err := r.markup()
		if err != nil {
			return Token{}, err
		}
		if !skip {
			return token, nil
		}
	}
}

func (r *Reader) textToken() (Token, error) {
	if r.kept += len(r.text); r.kept > r.limits.Text {
		return Token{}, r.failLimit("too much text")
	}
	return Token{Kind: Text, Text: r.text}, nil
}

// prolog reads an optional byte order mark and XML declaration.
func (r *Reader) prolog() error {
	r.started = true
	if c, ok := r.peek(); ok && c == 0xEF {
		if err := r.expect("\uFEFF"); err != nil {
			return err
		}
	}
	if c, ok := r.peek(); !ok || c != '<' {
		return r.err
	}
	// Two bytes are looked at without taking them.
	for r.end-r.pos < 2 {
		if !r.more() {
			return r.err
		}
	}
	if r.buf[r.pos+1] != '?' {
		return nil
	}
	if err := r.expect("<?xml"); err != nil {
		return err
	}
	var decl []byte
	for !bytes.HasSuffix(decl, []byte("?>")) {
		c, err := r.must()
		if err != nil {
			return err
		}
		if len(decl) == 128 {
			return r.failLimit("declaration is too long")
		}
		decl = append(decl, c)
	}
	if !declaration(string(decl[:len(decl)-2])) {
		return r.fail("declaration is not one of XML 1.0 in UTF-8", nil)
	}
	return nil
}

// more reads behind what is buffered already.
func (r *Reader) more() bool {
	n := copy(r.buf, r.buf[r.pos:r.end])
	r.offset += int64(r.pos)
	r.pos, r.end = 0, n
	got, err := r.src.Read(r.buf[n:])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	r.end += got
	if r.offset+int64(r.end) > r.limits.Bytes {
		r.failLimit("document is too long")
		return false
	}
	if err != nil && got == 0 {
		r.fail("document ended early", err)
		return false
	}
	return true
}

// declaration checks what stands between <?xml and ?>.
func declaration(s string) bool {
	for i, param := range []string{"version", "encoding", "standalone"} {
		trimmed := strings.TrimLeft(s, " \t\r\n")
		rest, found := strings.CutPrefix(trimmed, param)
		if !found {
			if i == 0 {
				return false
			}
			continue
		}
		if trimmed == s { // white space must stand before it
			return false
		}
		rest, found = strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), "=")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !found || rest == "" || rest[0] != '"' && rest[0] != '\'' {
			return false
		}
		value, after, found := strings.Cut(rest[1:], rest[:1])
		if !found || i == 0 && value != "1.0" || i == 1 && !strings.EqualFold(value, "utf-8") || i == 2 && value != "yes" && value != "no" {
			return false
		}
		s = after
	}
	return strings.Trim(s, " \t\r\n") == ""
}
