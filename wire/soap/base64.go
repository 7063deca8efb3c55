package soap

import (
	"encoding/base64"
	"errors"
	"io"
)

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
