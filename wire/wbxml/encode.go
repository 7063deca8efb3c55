package wbxml

// Encode returns the document with the root element. Characters that XML cannot
// hold are left out of texts.
func Encode(root *Element) []byte {
	e := &encoder{out: append([]byte(nil), header...)}
	e.element(root)
	return e.out
}

type encoder struct {
	out  []byte
	page byte
}

func (e *encoder) element(el *Element) {
	if page := byte(el.Tag >> 8); page != e.page {
		e.out = append(e.out, switchPage, page)
		e.page = page
	}
	token, text := byte(el.Tag), clean(el.Text)
	if len(el.Children) == 0 && text == "" && el.Opaque == nil {
		e.out = append(e.out, token)
		return
	}
	e.out = append(e.out, token|hasContent)
	switch {
	case el.Opaque != nil:
		e.out = append(e.out, opaque)
		e.length(len(el.Opaque))
		e.out = append(e.out, el.Opaque...)
	case text != "":
		e.out = append(e.out, strI)
		e.out = append(e.out, text...)
		e.out = append(e.out, 0)
	}
	for _, child := range el.Children {
		e.element(child)
	}
	e.out = append(e.out, end)
}

// length writes a multi-byte integer, most significant seven bits first.
func (e *encoder) length(n int) {
	var b [5]byte
	i := len(b) - 1
	b[i] = byte(n & 0x7f)
	for n >>= 7; n > 0; n >>= 7 {
		i--
		b[i] = byte(n&0x7f) | 0x80
	}
	e.out = append(e.out, b[i:]...)
}

// New returns an element with children; nil ones are left out.
func New(tag Tag, children ...*Element) *Element {
	e := &Element{Tag: tag}
	for _, c := range children {
		if c != nil {
			e.Children = append(e.Children, c)
		}
	}
	return e
}

// Text returns an element with a text.
func Text(tag Tag, text string) *Element { return &Element{Tag: tag, Text: text} }
