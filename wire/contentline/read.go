package contentline

import (
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Property is one content line. Names are in capitals.
type Property struct {
	Name   string
	Group  string // of vCard: ITEM1 in item1.TEL
	Params []Param
	Value  string // with its escapes
}

// Param is one parameter without quotes and escapes. Several values of one stand in
// Value with commas between them.
type Param struct{ Name, Value string }

// Param returns the value of the first parameter with a name in capitals, "" for none.
func (p *Property) Param(name string) string {
	for _, q := range p.Params {
		if q.Name == name {
			return q.Value
		}
	}
	return ""
}

// Text returns the text of the value, its escapes undone (RFC 5545 3.3.11).
func (p *Property) Text() string { return unescape(p.plain()) }

// List splits the value at commas that are not escaped, undoes the escapes, and leaves
// out what is empty.
func (p *Property) List() (out []string) {
	for _, text := range split(p.plain(), ',') {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// Fields splits the value at semicolons that are not escaped, as a structured value is
// (RFC 6350 3.3), and undoes the escapes.
func (p *Property) Fields() []string { return split(p.plain(), ';') }

// Binary returns the bytes of a value in base64.
func (p *Property) Binary() ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, p.Value))
}

// plain returns the value without the encoding of version 1.0.
func (p *Property) plain() string {
	if strings.EqualFold(p.Param("ENCODING"), "QUOTED-PRINTABLE") {
		if b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(p.Value))); err == nil {
			return Decode(string(b))
		}
	}
	return p.Value
}

// maxParts bounds what List and Fields return; what is past them is left out.
const maxParts = 1000

func split(value string, at byte) (out []string) {
	from := 0
	for i := 0; i < len(value); i++ {
		if len(out) == maxParts {
			return out
		}
		switch value[i] {
		case at:
			out = append(out, unescape(value[from:i]))
			from = i + 1
		case '\\':
			i++
		}
	}
	return append(out, unescape(value[from:]))
}

func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			b.WriteByte(value[i])
			continue
		}
		i++
		if value[i] == 'n' || value[i] == 'N' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(value[i])
		}
	}
	return b.String()
}

// Decode returns text as UTF-8. What is not, although it has to be, is mostly
// Windows-1252; a null character is in no text.
func Decode(text string) string {
	text = strings.TrimPrefix(text, "\uFEFF")
	if !utf8.ValidString(text) {
		if decoded, err := charmap.Windows1252.NewDecoder().String(text); err == nil {
			text = decoded
		}
	}
	return strings.ReplaceAll(text, "\x00", "")
}

// Lines yields the content lines of a text, unfolded (RFC 5545 3.1). A line that begins with no name is
// taken for a continuation whose space was lost.
func Lines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var line []byte
		for len(text) > 0 {
			end := strings.IndexAny(text, "\r\n")
			next := ""
			if end < 0 {
				end = len(text)
			} else if next = text[end+1:]; text[end] == '\r' && strings.HasPrefix(next, "\n") {
				next = next[1:]
			}
			piece := text[:end]
			text = next
			switch {
			case piece == "":
				continue
			case len(line) > 0 && softBreak(line):
				line = append(line[:len(line)-1], piece...)
				continue
			case piece[0] == ' ' || piece[0] == '\t':
				line = append(line, piece[1:]...)
				continue
			case len(line) > 0 && !named(piece):
				line = append(line, piece...)
				continue
			}
			if len(line) > 0 && !yield(string(line)) {
				return
			}
			line = append(line[:0], piece...)
		}
		if len(line) > 0 {
			yield(string(line))
		}
	}
}

// softBreak tells a line of vCalendar 1.0 that goes on: quoted-printable, with = at its end.
func softBreak(line []byte) bool {
	if line[len(line)-1] != '=' {
		return false
	}
	head, _, _ := strings.Cut(string(line[:min(len(line), 200)]), ":")
	return strings.Contains(strings.ToUpper(head), "QUOTED-PRINTABLE")
}

// named tells whether a line begins with a name and what follows one.
func named(line string) bool {
	for i := range len(line) {
		c := line[i]
		switch {
		case c == ':' || c == ';':
			return i > 0
		case c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'):
			return false
		}
	}
	return false
}

// maxParams bounds the parameters of a property; those past it are left out.
const maxParams = 50

// Parse reads an unfolded line; false for what is none.
func Parse(line string) (p Property, ok bool) {
	end := strings.IndexAny(line, ":;")
	if end <= 0 {
		return p, false
	}
	p.Name = strings.ToUpper(line[:end])
	if group, name, grouped := strings.Cut(p.Name, "."); grouped {
		p.Group, p.Name = group, name
	}
	rest := line[end:]
	for rest[0] == ';' {
		rest = rest[1:]
		end, quoted := -1, false
		for i := range len(rest) {
			if rest[i] == '"' {
				quoted = !quoted
			}
			if !quoted && (rest[i] == ';' || rest[i] == ':') {
				end = i
				break
			}
		}
		if end < 0 {
			// A quote that does not end: the value begins at the first colon.
			if end = strings.IndexByte(rest, ':'); end < 0 {
				return p, false
			}
		}
		name, value, _ := strings.Cut(rest[:end], "=")
		if len(p.Params) < maxParams {
			if value == "" {
				name, value = unnamed(name), name
			}
			p.Params = append(p.Params, Param{strings.ToUpper(strings.TrimSpace(name)), decodeParam(value)})
		}
		rest = rest[end:]
	}
	p.Value = rest[1:]
	return p, true
}

// unnamed is the name of a parameter of version 1.0 that is a value alone.
func unnamed(value string) string {
	switch strings.ToUpper(value) {
	case "QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT":
		return "ENCODING"
	}
	return "TYPE"
}

// decodeParam undoes quotes and the escapes of RFC 6868.
func decodeParam(s string) string {
	s = strings.ReplaceAll(s, `"`, "")
	if strings.Contains(s, "^") {
		s = strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`).Replace(s)
	}
	return s
}
