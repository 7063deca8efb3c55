package soap

// Envelope is a SOAP 1.1 envelope read as far as the start tag of the Body's
// first element, which decides the operation.
type Envelope struct {
	Header    []*Element // the header's blocks
	Operation Name
	reader    *Reader
	start     Token
}

// Envelope reads up to the start tag of the Body's first element. A document that
// is no SOAP 1.1 envelope is a SyntaxError.
func (r *Reader) Envelope() (*Envelope, error) {
	if err := r.startOf("Envelope"); err != nil {
		return nil, err
	}
	env := &Envelope{reader: r}
	token, err := r.markupToken()
	if err != nil {
		return nil, err
	}
	if token.Kind == Start && token.Name == (Name{NSEnvelope, "Header"}) {
		for {
			block, err := r.markupToken()
			if err != nil {
				return nil, err
			}
			if block.Kind == End {
				break
			}
			element, err := r.Element(block, nil, nil)
			if err != nil {
				return nil, err
			}
			env.Header = append(env.Header, element)
		}
		if token, err = r.markupToken(); err != nil {
			return nil, err
		}
	}
	if token.Kind != Start || token.Name != (Name{NSEnvelope, "Body"}) {
		return nil, r.fail("the envelope has no Body where it belongs", nil)
	}
	if env.start, err = r.markupToken(); err != nil {
		return nil, err
	}
	if env.start.Kind != Start {
		return nil, r.fail("the Body is empty", nil)
	}
	env.Operation = env.start.Name
	return env, nil
}

// Block returns the header block with the name, nil when there is none.
func (env *Envelope) Block(space, local string) *Element {
	for _, b := range env.Header {
		if b.Name.Space == space && b.Name.Local == local {
			return b
		}
	}
	return nil
}

// Request reads the Body's element and the rest of the document. See
// Reader.Element for streamed and content. It can be called once.
func (env *Envelope) Request(streamed map[Name]bool, content Content) (*Element, error) {
	r := env.reader
	request, err := r.Element(env.start, streamed, content)
	if err != nil {
		return nil, err
	}
	for range 2 { // Body and Envelope
		token, err := r.markupToken()
		if err != nil {
			return nil, err
		}
		if token.Kind != End {
			return nil, r.fail("more than one element in the Body or behind it", nil)
		}
	}
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	return request, nil
}

func (r *Reader) startOf(local string) error {
	token, err := r.markupToken()
	if err != nil {
		return err
	}
	if token.Kind != Start || token.Name != (Name{NSEnvelope, local}) {
		return r.fail("the document is no SOAP 1.1 envelope", nil)
	}
	return nil
}

// markupToken returns the next token that is no white space; other text is an error.
func (r *Reader) markupToken() (Token, error) {
	for {
		token, err := r.Next()
		if err != nil || token.Kind != Text {
			return token, err
		}
		for _, c := range token.Text {
			if !isSpace(c) {
				return Token{}, r.fail("text where only elements belong", nil)
			}
		}
	}
}
