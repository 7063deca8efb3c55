package soap

import (
	"bytes"
	"strings"
)

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
			r.rawAttrs = append(r.rawAttrs, rawAttr{prefix, local, string(value)})
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

func (r *Reader) bind(prefix string, uri []byte, depth int) error {
	if prefix == "xml" || prefix == "xmlns" || prefix != "" && len(uri) == 0 {
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
	r.bindings = append(r.bindings, binding{prefix, r.intern(uri), depth})
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

// attributeValue reads from the '=' on; the value is good until the next one.
func (r *Reader) attributeValue() ([]byte, error) {
	r.skipSpace()
	if err := r.expect("="); err != nil {
		return nil, err
	}
	r.skipSpace()
	quote, err := r.must()
	if err != nil {
		return nil, err
	}
	if quote != '"' && quote != '\'' {
		return nil, r.fail("attribute value is not quoted", nil)
	}
	value := r.value[:0]
	for {
		run := r.buf[r.pos:r.end]
		run = run[:plainLen(run)]
		if i := bytes.IndexByte(run, quote); i >= 0 {
			run = run[:i]
		}
		value = append(value, run...)
		r.pos += len(run)
		if len(value) > r.limits.Attribute {
			return nil, r.failLimit("attribute value is too long")
		}
		c, err := r.must()
		if err != nil {
			return nil, err
		}
		switch {
		case c == quote:
			r.value = value
			return value, nil
		case c == '<':
			return nil, r.fail("< in an attribute value", nil)
		default:
			if value, err = r.char(value, c); err != nil {
				return nil, err
			}
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
