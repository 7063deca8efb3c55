package soap

import (
	"strings"
	"unicode/utf8"
)

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
		if n := plainLen(r.buf[r.pos:min(r.end, r.pos+max-len(dst))]); n > 0 {
			dst = append(dst, r.buf[r.pos:r.pos+n]...)
			r.pos += n
			brackets = 0
			continue
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

// plain are the bytes of text that stand for themselves, wherever they are.
var plain = func() (t [256]bool) {
	for c := byte(' '); c < 0x7F; c++ {
		t[c] = c != '<' && c != '>' && c != '&' && c != ']'
	}
	return t
}()

// plainLen is how many bytes at the beginning are plain.
func plainLen(b []byte) int {
	for i, c := range b {
		if !plain[c] {
			return i
		}
	}
	return len(b)
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
