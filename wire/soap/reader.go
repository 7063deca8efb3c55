package soap

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
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
	names    map[string]string
	elements int
	kept     int // bytes of text given out
	seenRoot bool
	started  bool
	selfEnd  bool // the start tag just read was an empty element
	attrs    []Attr
	rawAttrs []rawAttr
	text     []byte
}

type rawAttr struct{ prefix, local, value string }

// NewReader returns a reader of one document in UTF-8.
func NewReader(src io.Reader, limits Limits) *Reader {
	return &Reader{src: src, limits: limits, buf: make([]byte, 16<<10), line: 1, names: make(map[string]string)}
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

func isNameByte(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':'
}

func (r *Reader) intern(b []byte) string {
	if s, ok := r.names[string(b)]; ok {
		return s
	}
	s := string(b)
	r.names[s] = s
	return s
}

// rawName reads a name as written. Prefix and local part both begin a name.
func (r *Reader) rawName() (string, error) {
	name := make([]byte, 0, 64)
	for {
		c, ok := r.peek()
		if !ok {
			_, err := r.must()
			return "", err
		}
		if !isNameByte(c) {
			break
		}
		if len(name) == maxName {
			return "", r.failLimit("name is too long")
		}
		name = append(name, c)
		r.pos++
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

// markup reads what follows a '<'.
func (r *Reader) markup() (token Token, skip bool, err error) {
	c, ok := r.peek()
	switch {
	case !ok:
		_, err = r.must()
		return Token{}, false, err
	case c == '/':
		r.pos++
		token, err = r.endTag()
		return token, false, err
	case c == '?':
		return Token{}, false, r.fail("processing instructions are not allowed", nil)
	case c == '!':
		r.pos++
		switch c, _ := r.peek(); c {
		case '-':
			return Token{}, true, r.comment()
		case '[':
			if r.text, err = r.cdata(r.text[:0], r.limits.Text-r.kept+1); err != nil {
				return Token{}, false, err
			}
			token, err = r.textToken()
			return token, false, err
		}
		return Token{}, false, r.fail("a document type is not allowed", nil)
	}
	token, err = r.startTag()
	return token, false, err
}

func (r *Reader) startTag() (Token, error) {
	raw, err := r.rawName()
	if err != nil {
		return Token{}, err
	}
	switch {
	case len(r.stack) == 0 && r.seenRoot:
		return Token{}, r.fail("second root element", nil)
	case len(r.stack) == r.limits.Depth:
		return Token{}, r.failLimit("elements are nested too deeply")
	case r.elements == r.limits.Elements:
		return Token{}, r.failLimit("too many elements")
	}
	r.seenRoot = true
	r.elements++
	depth := len(r.stack) + 1
	r.rawAttrs = r.rawAttrs[:0]
	declared := 0
	for {
		spaced := r.skipSpace()
		c, err := r.must()
		if err != nil {
			return Token{}, err
		}
		if c == '/' {
			if err := r.expect(">"); err != nil {
				return Token{}, err
			}
			r.selfEnd = true
			break
		}
		if c == '>' {
			break
		}
		if !spaced {
			return Token{}, r.fail("white space is missing before an attribute", nil)
		}
		r.pos-- // c was the byte just taken, so it is still in the buffer
		name, err := r.rawName()
		if err != nil {
			return Token{}, err
		}
		value, err := r.attributeValue()
		if err != nil {
			return Token{}, err
		}
		if declared++; declared > r.limits.Attributes {
			return Token{}, r.failLimit("too many attributes")
		}
		prefix, local, has := strings.Cut(name, ":")
		if !has {
			prefix, local = "", name
		}
		if name != "xmlns" && prefix != "xmlns" {
			r.rawAttrs = append(r.rawAttrs, rawAttr{prefix, local, value})
			continue
		}
		if name == "xmlns" {
			local = ""
		}
		if err := r.bind(local, value, depth); err != nil {
			return Token{}, err
		}
	}
	name, err := r.resolve(raw)
	if err != nil {
		return Token{}, err
	}
	r.attrs = r.attrs[:0]
	for _, a := range r.rawAttrs {
		var space string
		if a.prefix != "" {
			var ok bool
			if space, ok = r.lookup(a.prefix); !ok {
				return Token{}, r.fail("undeclared namespace prefix", nil)
			}
		}
		attr := Attr{Name{space, a.local}, a.value}
		for _, other := range r.attrs {
			if other.Name == attr.Name {
				return Token{}, r.fail("attribute is given twice", nil)
			}
		}
		r.attrs = append(r.attrs, attr)
	}
	r.stack = append(r.stack, open{raw, name})
	return Token{Kind: Start, Name: name, Attrs: r.attrs}, nil
}

func (r *Reader) bind(prefix, uri string, depth int) error {
	if prefix == "xml" || prefix == "xmlns" || prefix != "" && uri == "" {
		return r.fail("malformed namespace declaration", nil)
	}
	for i := len(r.bindings) - 1; i >= 0 && r.bindings[i].depth == depth; i-- {
		if r.bindings[i].prefix == prefix {
			return r.fail("namespace prefix is declared twice", nil)
		}
	}
	if len(r.bindings) == maxBindings {
		return r.failLimit("too many namespace declarations")
	}
	r.bindings = append(r.bindings, binding{prefix, r.intern([]byte(uri)), depth})
	return nil
}

func (r *Reader) resolve(raw string) (Name, error) {
	prefix, local, has := strings.Cut(raw, ":")
	if !has {
		prefix, local = "", raw
	}
	space, ok := r.lookup(prefix)
	if !ok || prefix == "xmlns" {
		return Name{}, r.fail("undeclared namespace prefix", nil)
	}
	return Name{space, local}, nil
}

func (r *Reader) attributeValue() (string, error) {
	r.skipSpace()
	if err := r.expect("="); err != nil {
		return "", err
	}
	r.skipSpace()
	quote, err := r.must()
	if err != nil {
		return "", err
	}
	if quote != '"' && quote != '\'' {
		return "", r.fail("attribute value is not quoted", nil)
	}
	var value []byte
	for {
		c, err := r.must()
		if err != nil {
			return "", err
		}
		switch {
		case c == quote:
			return string(value), nil
		case c == '<':
			return "", r.fail("< in an attribute value", nil)
		default:
			if value, err = r.char(value, c); err != nil {
				return "", err
			}
		}
		if len(value) > r.limits.Attribute {
			return "", r.failLimit("attribute value is too long")
		}
	}
}

func (r *Reader) endTag() (Token, error) {
	raw, err := r.rawName()
	if err != nil {
		return Token{}, err
	}
	r.skipSpace()
	if err := r.expect(">"); err != nil {
		return Token{}, err
	}
	if len(r.stack) == 0 || r.stack[len(r.stack)-1].raw != raw {
		return Token{}, r.fail("end tag does not match", nil)
	}
	return r.endElement(), nil
}

func (r *Reader) endElement() Token {
	r.selfEnd = false
	depth := len(r.stack)
	name := r.stack[depth-1].name
	r.stack = r.stack[:depth-1]
	for i := len(r.bindings); i > 0 && r.bindings[i-1].depth == depth; i-- {
		r.bindings = r.bindings[:i-1]
	}
	return Token{Kind: End, Name: name}
}

// comment reads a comment from its first '-' on. "--" inside is an error (XML 1.0, 2.5).
func (r *Reader) comment() error {
	if err := r.expect("--"); err != nil {
		return err
	}
	var dashes int
	var scratch [8]byte
	for {
		c, err := r.must()
		if err != nil {
			return err
		}
		switch {
		case c == '-':
			dashes++
		case c == '>' && dashes == 2:
			return nil
		case dashes >= 2:
			return r.fail("-- in a comment", nil)
		default:
			dashes = 0
			if c != '&' {
				if _, err := r.char(scratch[:0], c); err != nil {
					return err
				}
			}
		}
		if dashes > 2 {
			return r.fail("-- in a comment", nil)
		}
	}
}

// cdata reads a CDATA section from its '[' on.
func (r *Reader) cdata(dst []byte, max int) ([]byte, error) {
	if err := r.expect("[CDATA["); err != nil {
		return nil, err
	}
	brackets := 0
	for {
		c, err := r.must()
		if err != nil {
			return nil, err
		}
		if c == '>' && brackets >= 2 {
			return dst[:len(dst)-2], nil
		}
		if c == ']' {
			brackets++
		} else {
			brackets = 0
		}
		if c == '&' {
			dst = append(dst, c)
		} else if dst, err = r.char(dst, c); err != nil {
			return nil, err
		}
		if len(dst) > max+2 {
			return nil, r.failLimit("too much text")
		}
	}
}

// readText appends text up to the next '<', at most a little more than max bytes.
func (r *Reader) readText(dst []byte, max int) ([]byte, error) {
	brackets := 0 // that stand before the current byte
	for len(dst) < max {
		c, ok := r.peek()
		if !ok {
			_, err := r.must()
			return nil, err
		}
		if c == '<' {
			return dst, nil
		}
		r.next()
		switch {
		case c == ']':
			brackets++
			dst = append(dst, c)
			continue
		case c == '>' && brackets >= 2: // XML 1.0, 2.4
			return nil, r.fail("]]> in text", nil)
		}
		brackets = 0
		var err error
		if dst, err = r.char(dst, c); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// char appends the character that begins with c: checked UTF-8, a reference
// resolved, an end of line as one line feed (XML 1.0, 2.11).
func (r *Reader) char(dst []byte, c byte) ([]byte, error) {
	switch {
	case c == '&':
		return r.reference(dst)
	case c == '\r':
		if n, ok := r.peek(); ok && n == '\n' {
			r.next()
		}
		return append(dst, '\n'), nil
	case c >= 0x20 && c < 0x80, c == '\t', c == '\n':
		return append(dst, c), nil
	case c < 0x20:
		return nil, r.fail("character is not allowed", nil)
	}
	var b [4]byte
	b[0] = c
	n := 1
	for n < 4 && !utf8.FullRune(b[:n]) {
		c, ok := r.peek()
		if !ok || c < 0x80 || c > 0xBF {
			break
		}
		b[n] = c
		n++
		r.pos++
	}
	if rn, size := utf8.DecodeRune(b[:n]); rn == utf8.RuneError && size == 1 || size != n || !allowed(rn) {
		return nil, r.fail("text is not UTF-8 or holds a character that is not allowed", nil)
	}
	return append(dst, b[:n]...), nil
}

// allowed is the production Char of XML 1.0, 2.2.
func allowed(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// reference reads what follows an '&': a character reference or one of the five predefined entities.
func (r *Reader) reference(dst []byte) ([]byte, error) {
	var name [12]byte
	n := 0
	for {
		c, err := r.must()
		if err != nil {
			return nil, err
		}
		if c == ';' {
			break
		}
		if n == len(name) {
			return nil, r.fail("malformed reference", nil)
		}
		name[n] = c
		n++
	}
	switch s := string(name[:n]); s {
	case "amp":
		return append(dst, '&'), nil
	case "lt":
		return append(dst, '<'), nil
	case "gt":
		return append(dst, '>'), nil
	case "quot":
		return append(dst, '"'), nil
	case "apos":
		return append(dst, '\''), nil
	default:
		digits, ok := strings.CutPrefix(s, "#")
		base := rune(10)
		if hex, is := strings.CutPrefix(digits, "x"); is {
			digits, base = hex, 16
		}
		var value rune
		for i := range len(digits) {
			d := digit(digits[i])
			if d >= base || value > 0x10FFFF {
				ok = false
				break
			}
			value = value*base + d
		}
		if !ok || digits == "" || !allowed(value) {
			return nil, r.fail("malformed or unknown reference", nil)
		}
		return utf8.AppendRune(dst, value), nil
	}
}

func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 99
}

// ErrBase64 is what Base64's reader returns for content that is no base64.
var ErrBase64 = errors.New("content is not base64")

// Base64 returns the decoded content of the element whose Start was just read.
// Nothing of it is kept: the caller reads it to its end before the next call of
// Next, which then returns the element's End. White space inside is ignored.
func (r *Reader) Base64() io.Reader {
	return &decoded{base64.NewDecoder(base64.StdEncoding, &base64Source{r: r})}
}

type decoded struct{ r io.Reader }

func (d *decoded) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if _, corrupt := errors.AsType[base64.CorruptInputError](err); corrupt || err == io.ErrUnexpectedEOF {
		err = ErrBase64
	}
	return n, err
}

// base64Source gives the letters between an element's tags, without white space.
type base64Source struct {
	r       *Reader
	pending []byte
	scratch []byte
	done    bool
}

func (s *base64Source) Read(p []byte) (int, error) {
	for len(s.pending) == 0 {
		if s.done {
			return 0, io.EOF
		}
		if err := s.pull(len(p)); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

// keep makes text without its white space what is read next; it changes text.
func (s *base64Source) keep(text []byte) {
	s.pending = text[:0]
	for _, c := range text {
		if !isSpace(c) {
			s.pending = append(s.pending, c)
		}
	}
}

func (s *base64Source) pull(max int) error {
	r := s.r
	if r.selfEnd {
		s.done = true
		return nil
	}
	c, ok := r.peek()
	if !ok {
		_, err := r.must()
		return err
	}
	if c != '<' {
		text, err := r.readText(s.scratch[:0], max)
		if err != nil {
			return err
		}
		s.scratch = text
		s.keep(text)
		return nil
	}
	for r.end-r.pos < 2 {
		if !r.more() {
			return r.err
		}
	}
	switch r.buf[r.pos+1] {
	case '/':
		s.done = true // Next reads the end tag
		return nil
	case '!':
		r.pos++
		token, skip, err := r.markup()
		if err == nil && !skip {
			s.keep(token.Text)
		}
		return err
	}
	return r.fail("element inside base64 content", nil)
}
