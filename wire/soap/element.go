package soap

import "io"

// Element is one element with everything in it. White space between child
// elements is dropped, so Text is that of a leaf.
type Element struct {
	Name         Name
	Attrs        []Attr
	Text         string
	Children     []*Element
	Content      any // what the Content function made of a streamed element
	Line, Column int // where the start tag ended
}

// Attr returns an attribute without namespace; ok tells whether it is there.
func (e *Element) Attr(local string) (value string, ok bool) {
	for _, a := range e.Attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// Child returns the first child with the name, nil when there is none. A nil
// element has no child.
func (e *Element) Child(space, local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name.Local == local && c.Name.Space == space {
			return c
		}
	}
	return nil
}

// Content takes an element's decoded base64 content and returns what the tree is
// to hold in its place. It need not read to the end. A malformed content shows as
// ErrBase64 while reading.
type Content func(name Name, content io.Reader) (any, error)

// Element reads the rest of the element whose Start was just read. Elements
// whose name is in streamed go to content instead of being kept.
func (r *Reader) Element(start Token, streamed map[Name]bool, content Content) (*Element, error) {
	e := &Element{Name: start.Name}
	e.Line, e.Column = r.Position()
	if len(start.Attrs) > 0 {
		e.Attrs = append(e.Attrs, start.Attrs...)
	}
	if streamed[e.Name] {
		return e, r.stream(e, content)
	}
	var text []byte
	for {
		token, err := r.Next()
		if err != nil {
			return nil, err
		}
		switch token.Kind {
		case Text:
			text = append(text, token.Text...)
		case Start:
			child, err := r.Element(token, streamed, content)
			if err != nil {
				return nil, err
			}
			e.Children = append(e.Children, child)
		case End:
			if len(e.Children) == 0 {
				e.Text = string(text)
			}
			return e, nil
		}
	}
}

func (r *Reader) stream(e *Element, content Content) (err error) {
	decoded := r.Base64()
	if e.Content, err = content(e.Name, decoded); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, decoded); err != nil {
		return err
	}
	_, err = r.Next()
	return err
}
