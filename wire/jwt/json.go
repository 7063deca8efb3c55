package jwt

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// reader reads JSON (RFC 8259) from its front. It judges all of it and keeps only what it
// is asked for: a token is met once, most of it is of no interest, and decoding
// every claim costs more than the signature.
type reader struct {
	rest  string
	depth int
}

var errSyntax = errors.New("malformed")

// members reads an object that is the whole text. It calls value with each name as it is
// written, escapes included, and the reader before the value. Two members of one name are refused.
func members(text string, value func(name string, r *reader) error) error {
	r := &reader{rest: text}
	seen := make(map[string]struct{}, 32)
	r.space()
	if err := r.object(func(name string) error {
		if _, twice := seen[name]; twice {
			return errors.New("name twice")
		}
		seen[name] = struct{}{}
		return value(name, r)
	}); err != nil {
		return err
	}
	if r.space(); r.rest != "" {
		return errSyntax
	}
	return nil
}

func (r *reader) space() { r.rest = strings.TrimLeft(r.rest, " \t\r\n") }

// take tells whether the text goes on with c, and reads it.
func (r *reader) take(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// object reads {...}; value reads what follows each name.
func (r *reader) object(value func(name string) error) error {
	return r.list('{', '}', func() error {
		name, _, err := r.quoted()
		if err != nil {
			return err
		}
		if r.space(); !r.take(':') {
			return errSyntax
		}
		r.space()
		return value(name)
	})
}

// list reads what stands between two brackets, element by element.
func (r *reader) list(begin, end byte, element func() error) error {
	if !r.take(begin) {
		return errSyntax
	}
	if r.depth++; r.depth > maxDepth {
		return errors.New("nested too deep")
	}
	defer func() { r.depth-- }()
	if r.space(); r.take(end) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if r.space(); r.take(end) {
			return nil
		}
		if !r.take(',') {
			return errSyntax
		}
		r.space()
	}
}

// quoted reads a string and returns it as it is written, without its quotes. plain
// tells that it means just that: ASCII without escapes.
func (r *reader) quoted() (raw string, plain bool, err error) {
	if !r.take('"') {
		return "", false, errSyntax
	}
	plain = true
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			raw, r.rest = r.rest[:i], r.rest[i+1:]
			return raw, plain, nil
		case c < ' ':
			return "", false, errSyntax
		case c == '\\':
			plain = false
			if i++; i == len(r.rest) || strings.IndexByte(`"\/bfnrtu`, r.rest[i]) < 0 {
				return "", false, errSyntax
			}
			if r.rest[i] == 'u' {
				if len(r.rest) < i+5 || strings.Trim(r.rest[i+1:i+5], "0123456789abcdefABCDEF") != "" {
					return "", false, errSyntax
				}
				i += 4
			}
		case c >= 0x80:
			plain = false
		}
	}
	return "", false, errors.New("string without an end")
}

// text reads a string, or null, which leaves into as it is.
func (r *reader) text(into *string) error {
	if r.literal("null") {
		return nil
	}
	raw, plain, err := r.quoted()
	if err != nil {
		return err
	}
	if plain {
		*into = strings.Clone(raw) // what is kept of a token does not keep the rest of it
		return nil
	}
	return json.Unmarshal([]byte(`"`+raw+`"`), into)
}

// texts reads a list of strings, or null.
func (r *reader) texts(into *[]string) error {
	if r.literal("null") {
		return nil
	}
	return r.list('[', ']', func() error {
		if !strings.HasPrefix(r.rest, `"`) {
			return errSyntax
		}
		*into = append(*into, "")
		return r.text(&(*into)[len(*into)-1])
	})
}

// maxDate is far beyond any date, and below what time.Unix can add to.
const maxDate = 1 << 62

// date reads a NumericDate (RFC 7519 2), or null; fractions of a second are dropped.
func (r *reader) date(into *time.Time) error {
	if r.literal("null") {
		return nil
	}
	number, err := r.number()
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseFloat(number, 64)
	if err != nil || seconds >= maxDate || seconds <= -maxDate {
		return errors.New("date beyond all dates")
	}
	*into = time.Unix(int64(seconds), 0)
	return nil
}

// number reads a number and returns it as it is written.
func (r *reader) number() (string, error) {
	all := r.rest
	digits := func() bool {
		before := len(r.rest)
		r.rest = strings.TrimLeft(r.rest, "0123456789")
		return len(r.rest) < before
	}
	r.take('-')
	if !r.take('0') && !digits() {
		return "", errSyntax
	}
	if r.take('.') && !digits() {
		return "", errSyntax
	}
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		if !digits() {
			return "", errSyntax
		}
	}
	return all[:len(all)-len(r.rest)], nil
}

// literal reads the word if it stands here.
func (r *reader) literal(word string) (found bool) {
	r.rest, found = strings.CutPrefix(r.rest, word)
	return found
}

// skip reads a value of any kind.
func (r *reader) skip() error {
	if r.rest == "" {
		return errSyntax
	}
	switch r.rest[0] {
	case '"':
		_, _, err := r.quoted()
		return err
	case '{':
		return r.object(func(string) error { return r.skip() })
	case '[':
		return r.list('[', ']', r.skip)
	case 't', 'f', 'n':
		if r.literal("true") || r.literal("false") || r.literal("null") {
			return nil
		}
		return errSyntax
	}
	_, err := r.number()
	return err
}
