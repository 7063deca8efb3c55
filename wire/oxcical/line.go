package oxcical

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Limits of Read. What is past them is left out, and Calendar.Damaged is set.
const (
	MaxBytes      = 16 << 20 // of a calendar; more is an error
	MaxProperties = 20_000   // of all components
	MaxComponents = 2_000
	MaxDepth      = 4
	MaxValue      = 8 << 20 // bytes of one value
)

// ErrNoCalendar is the error for what is no iCalendar at all.
var ErrNoCalendar = errors.New("not an iCalendar")

// component is a component of iCalendar (RFC 5545 3.6).
type component struct {
	name     string
	props    []property
	children []*component
}

// property is a content line (RFC 5545 3.1); names are in capitals.
type property struct {
	name   string
	params []param
	value  string
}

type param struct{ name, value string }

// find returns the first property with a name, nil for none.
func (c *component) find(name string) *property {
	for i := range c.props {
		if c.props[i].name == name {
			return &c.props[i]
		}
	}
	return nil
}

// all yields the properties with a name.
func (c *component) all(name string) func(yield func(*property) bool) {
	return func(yield func(*property) bool) {
		for i := range c.props {
			if c.props[i].name == name && !yield(&c.props[i]) {
				return
			}
		}
	}
}

// raw returns the value of the first property with a name, without space around it.
func (c *component) raw(name string) string {
	if p := c.find(name); p != nil {
		return strings.TrimSpace(p.value)
	}
	return ""
}

// text returns the text of the first property with a name.
func (c *component) text(name string) string {
	if p := c.find(name); p != nil {
		return p.text()
	}
	return ""
}

func (p *property) param(name string) string {
	for _, q := range p.params {
		if q.name == name {
			return q.value
		}
	}
	return ""
}

// text undoes the escapes of a TEXT value (RFC 5545 3.3.11), and the encoding of
// vCalendar 1.0.
func (p *property) text() string {
	value := p.value
	if strings.EqualFold(p.param("ENCODING"), "QUOTED-PRINTABLE") {
		if b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value))); err == nil {
			value = strings.ToValidUTF8(string(b), "\uFFFD")
		}
	}
	return unescape(value)
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

// list splits a value at commas that are not escaped, and undoes the escapes.
func (p *property) list() (out []string) {
	value, from := p.value, 0
	for i := 0; i <= len(value); i++ {
		switch {
		case i == len(value) || value[i] == ',':
			if text := strings.TrimSpace(unescape(value[from:i])); text != "" {
				out = append(out, text)
			}
			from = i + 1
		case value[i] == '\\':
			i++
		}
	}
	return out
}

// binary returns the bytes of a value in base64.
func (p *property) binary() ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, p.value))
}

// parse reads the components of a calendar: those named VCALENDAR, as one.
func parse(r io.Reader) (root *component, damaged bool, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, false, fmt.Errorf("read calendar: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, false, fmt.Errorf("calendar of more than %d bytes: %w", MaxBytes, ErrNoCalendar)
	}
	text := strings.TrimPrefix(string(raw), "\uFEFF")
	if !utf8.ValidString(text) {
		// What is not UTF-8, although it has to be, is mostly this.
		if decoded, err := charmap.Windows1252.NewDecoder().String(text); err == nil {
			text = decoded
		}
	}
	text = strings.ReplaceAll(text, "\x00", "")
	p := &parser{root: &component{}}
	p.stack = []*component{p.root}
	for line := range unfold(text) {
		if !p.line(line) {
			break
		}
	}
	if len(p.root.children) == 0 {
		return nil, false, ErrNoCalendar
	}
	root = p.root.children[0]
	for _, more := range p.root.children[1:] {
		root.children = append(root.children, more.children...)
	}
	return root, p.damaged || len(p.stack) != 1, nil
}

// unfold yields content lines (RFC 5545 3.1). A line that begins with no name is
// taken for a continuation whose space was lost.
func unfold(text string) func(yield func(string) bool) {
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

type parser struct {
	root       *component
	stack      []*component
	skip       int // components below the last of stack that are passed over
	components int
	properties int
	damaged    bool
}

// line takes a content line; false ends the reading.
func (p *parser) line(line string) bool {
	prop, ok := parseLine(line)
	if !ok {
		p.damaged = true
		return true
	}
	top := p.stack[len(p.stack)-1]
	switch prop.name {
	case "BEGIN":
		name := strings.ToUpper(strings.TrimSpace(prop.value))
		if p.components++; p.components > MaxComponents {
			p.damaged = true
			return false
		}
		if p.skip > 0 || len(p.stack) > MaxDepth || len(p.stack) == 1 && name != "VCALENDAR" {
			p.skip++
			return true
		}
		c := &component{name: name}
		top.children = append(top.children, c)
		p.stack = append(p.stack, c)
	case "END":
		if p.skip > 0 {
			p.skip--
			return true
		}
		name := strings.ToUpper(strings.TrimSpace(prop.value))
		for i := len(p.stack) - 1; i > 0; i-- {
			if p.stack[i].name == name {
				p.damaged = p.damaged || i != len(p.stack)-1
				p.stack = p.stack[:i]
				return true
			}
		}
		p.damaged = true
	default:
		if p.skip > 0 || len(p.stack) == 1 {
			return true
		}
		if p.properties++; p.properties > MaxProperties || len(prop.value) > MaxValue {
			p.damaged = true
			return p.properties <= MaxProperties
		}
		top.props = append(top.props, prop)
	}
	return true
}

// maxParams bounds the parameters of a property.
const maxParams = 50

// parseLine reads a content line: a name, parameters and a value.
func parseLine(line string) (p property, ok bool) {
	end := strings.IndexAny(line, ":;")
	if end <= 0 {
		return p, false
	}
	p.name = strings.ToUpper(line[:end])
	if _, name, grouped := strings.Cut(p.name, "."); grouped {
		p.name = name
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
		if len(p.params) < maxParams {
			if value == "" { // vCalendar 1.0: ;QUOTED-PRINTABLE
				name, value = "ENCODING", name
			}
			p.params = append(p.params, param{strings.ToUpper(strings.TrimSpace(name)), decodeParam(value)})
		}
		rest = rest[end:]
	}
	p.value = rest[1:]
	return p, true
}

// decodeParam undoes quotes and the escapes of RFC 6868.
func decodeParam(s string) string {
	s = strings.ReplaceAll(s, `"`, "")
	if strings.Contains(s, "^") {
		s = strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`).Replace(s)
	}
	return s
}
