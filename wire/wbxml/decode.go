package wbxml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Element is one element with what it contains: children, or text, or opaque
// bytes (Opaque is not nil then), or nothing.
type Element struct {
	Tag      Tag
	Children []*Element
	Text     string
	Opaque   []byte
}

// Child returns the first child with the tag, or nil. It may be called on nil.
func (e *Element) Child(tag Tag) *Element {
	if e != nil {
		for _, c := range e.Children {
			if c.Tag == tag {
				return c
			}
		}
	}
	return nil
}

// Limits bound what Decode builds.
type Limits struct {
	Depth    int // elements inside each other
	Elements int // elements in all
}

// ErrSyntax is inside every error of Decode: the document is cut short, not of
// this encoding, or beyond the limits.
var ErrSyntax = errors.New("not an ActiveSync WBXML document")

// Tokens of WBXML 1.3 that MS-ASWBXML 2.1.2 keeps, and the two flags of a tag.
const (
	switchPage = 0x00
	end        = 0x01
	strI       = 0x03
	opaque     = 0xC3

	hasContent    = 0x40
	hasAttributes = 0x80
)

// header is WBXML 1.3, public identifier unknown, UTF-8, no string table (MS-ASWBXML 2.1.1).
var header = []byte{0x03, 0x01, 0x6A, 0x00}

// Decode reads a whole document and returns its root element. Opaque bytes in
// the result are parts of data; nothing else of it is kept.
func Decode(data []byte, limits Limits) (*Element, error) {
	d := &decoder{data: data, left: limits.Elements}
	if !bytes.HasPrefix(data, header) {
		return nil, fmt.Errorf("%w: wrong header", ErrSyntax)
	}
	d.at = len(header)
	root, err := d.element(limits.Depth)
	if err != nil {
		return nil, fmt.Errorf("%w: byte %d: %w", ErrSyntax, d.at, err)
	}
	if root == nil {
		return nil, fmt.Errorf("%w: no root element", ErrSyntax)
	}
	if d.at != len(data) {
		return nil, fmt.Errorf("%w: %d bytes behind the root element", ErrSyntax, len(data)-d.at)
	}
	return root, nil
}

type decoder struct {
	data []byte
	at   int
	page byte
	left int // elements that may still come
}

var errCut = errors.New("cut short")

func (d *decoder) next() (byte, error) {
	if d.at >= len(d.data) {
		return 0, errCut
	}
	d.at++
	return d.data[d.at-1], nil
}

// element reads the next element; nil stands for the END of its parent.
func (d *decoder) element(depth int) (*Element, error) {
	token, err := d.tagOrEnd()
	if err != nil || token == end {
		return nil, err
	}
	if token&hasAttributes != 0 {
		return nil, errors.New("attributes")
	}
	tag := Tag(d.page)<<8 | Tag(token&^hasContent)
	if !tag.Known() {
		return nil, fmt.Errorf("unknown tag %v", tag)
	}
	if d.left--; d.left < 0 {
		return nil, errors.New("too many elements")
	}
	e := &Element{Tag: tag}
	if token&hasContent == 0 {
		return e, nil
	}
	if depth--; depth < 1 {
		return nil, errors.New("nested too deep")
	}
	return e, d.content(e, depth)
}

func (d *decoder) tagOrEnd() (byte, error) {
	for {
		token, err := d.next()
		if err != nil || token != switchPage {
			return token, err
		}
		if d.page, err = d.next(); err != nil {
			return 0, err
		}
	}
}

// content reads what is inside e up to its END.
func (d *decoder) content(e *Element, depth int) error {
	var text strings.Builder
	for {
		if d.at >= len(d.data) {
			return errCut
		}
		switch d.data[d.at] {
		case strI:
			d.at++
			n := bytes.IndexByte(d.data[d.at:], 0)
			if n < 0 {
				return errCut
			}
			if !utf8.Valid(d.data[d.at : d.at+n]) {
				return errors.New("text is not UTF-8")
			}
			text.Write(d.data[d.at : d.at+n])
			d.at += n + 1
		case opaque:
			d.at++
			n, err := d.length()
			if err != nil {
				return err
			}
			if e.Opaque != nil {
				return errors.New("two opaque parts in one element")
			}
			e.Opaque = d.data[d.at : d.at+n : d.at+n]
			d.at += n
		default:
			child, err := d.element(depth)
			if err != nil {
				return err
			}
			if child == nil {
				e.Text = clean(text.String())
				return oneKind(e)
			}
			e.Children = append(e.Children, child)
		}
	}
}

// oneKind refuses mixed content, which no element of the protocol has.
func oneKind(e *Element) error {
	kinds := 0
	for _, there := range []bool{len(e.Children) > 0, e.Text != "", e.Opaque != nil} {
		if there {
			kinds++
		}
	}
	if kinds > 1 {
		return errors.New("mixed content")
	}
	return nil
}

// length reads a multi-byte integer (WBXML 1.3, 5.1) that says how many bytes follow.
func (d *decoder) length() (int, error) {
	n := 0
	for range 5 {
		b, err := d.next()
		if err != nil {
			return 0, err
		}
		n = n<<7 | int(b&0x7f)
		if b&0x80 == 0 {
			if n > len(d.data)-d.at {
				return 0, errCut
			}
			return n, nil
		}
	}
	return 0, errors.New("length of more than five bytes")
}

// clean leaves out the characters that XML 1.0 (2.2) cannot hold: the binary
// form carries XML, and a client that turns it back would fail on them.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r < 0xFFFE || r >= 0x10000:
			return r
		}
		return -1
	}, text)
}
