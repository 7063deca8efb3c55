package oxcmail

import (
	"bufio"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// transferDecoder undoes a Content-Transfer-Encoding (RFC 2045 6). What cannot be
// decoded is passed over: mail with one bad character is still worth reading.
func transferDecoder(name string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "base64":
		return &lenientBase64{base64.NewDecoder(base64.RawStdEncoding, &alphabet{r: r})}
	case "quoted-printable":
		return &quotedPrintable{r: bufio.NewReader(r)}
	}
	return r
}

// alphabet lets only base64 digits through and ends at the padding.
type alphabet struct {
	r     io.Reader
	ended bool
}

func (a *alphabet) Read(p []byte) (int, error) {
	if a.ended {
		return 0, io.EOF
	}
	for {
		n, err := a.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			if c == '=' {
				a.ended = true
				return kept, io.EOF
			}
			if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}

// lenientBase64 ends quietly where a last group has one digit only.
type lenientBase64 struct{ r io.Reader }

func (l *lenientBase64) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	if _, corrupt := err.(base64.CorruptInputError); corrupt {
		err = io.EOF
	}
	return n, err
}

// quotedPrintable decodes RFC 2045 6.7; an equals sign that begins nothing stays as it is.
type quotedPrintable struct{ r *bufio.Reader }

func (q *quotedPrintable) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if n > 0 && q.r.Buffered() == 0 {
			return n, nil
		}
		c, err := q.r.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if c != '=' {
			p[n] = c
			n++
			continue
		}
		next, _ := q.r.Peek(2)
		switch {
		case len(next) == 2 && isHex(next[0]) && isHex(next[1]):
			p[n] = unhex(next[0])<<4 | unhex(next[1])
			n++
			q.r.Discard(2)
		case len(next) == 2 && next[0] == '\r' && next[1] == '\n':
			q.r.Discard(2)
		case len(next) >= 1 && next[0] == '\n':
			q.r.Discard(1)
		case len(next) == 0:
			// an equals sign as the last byte is a soft line break
		default:
			p[n] = '='
			n++
		}
	}
	return n, nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// charset finds an encoding by the name that a mail gives it; nil when nobody knows it.
func charset(label string) encoding.Encoding {
	label = strings.ToLower(strings.Trim(label, ` "'`))
	// The web's table comes first: it takes ISO-8859-1 for windows-1252, as every mail program does.
	if e, err := htmlindex.Get(label); err == nil {
		return e
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil {
		return e
	}
	return nil
}

// toUTF8 decodes text of a named charset. Without a name, or with a wrong one,
// text that is valid UTF-8 is taken for that and any other for windows-1252.
func toUTF8(label string, b []byte) string {
	if e := charset(label); e != nil {
		if name, _ := htmlindex.Name(e); name != "utf-8" {
			if out, err := e.NewDecoder().Bytes(b); err == nil {
				return dropNUL(string(out))
			}
		}
	}
	if utf8.Valid(b) {
		return dropNUL(string(b))
	}
	if strings.EqualFold(label, "utf-8") {
		return dropNUL(strings.ToValidUTF8(string(b), "\uFFFD"))
	}
	out, _ := charmap.Windows1252.NewDecoder().Bytes(b)
	return dropNUL(string(out))
}

// dropNUL takes away what no property of type string can hold.
func dropNUL(s string) string { return strings.ReplaceAll(s, "\x00", "") }
