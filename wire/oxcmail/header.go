package oxcmail

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-message/textproto"
)

const (
	maxFields     = 10_000   // header fields of one message that are looked at
	maxPartHeader = 64 << 10 // bytes of the header of a part
	maxList       = 256 << 10
)

// Field is one header field as it came.
type Field struct {
	// Name is as written, "" for lines that are no header field.
	Name string
	// Raw is everything, folding and line ends included.
	Raw []byte
}

// Value returns the field's value unfolded and without outer white space.
func (f Field) Value() string {
	_, value, _ := strings.Cut(string(f.Raw), ":")
	return strings.TrimSpace(strings.NewReplacer("\r\n", "", "\n", "").Replace(value))
}

// ErrHeaderTooLarge is what ReadFields says of more than MaxHeader bytes or 10,000 fields.
var ErrHeaderTooLarge = errors.New("message header too large")

// ReadFields reads a header block and leaves br at the body. end is the empty
// line as it came, nil when the message ends with its header. Read sees the same
// fields, so who judges or changes a header by this list judges what will be read.
func ReadFields(br *bufio.Reader) (fields []Field, end []byte, err error) {
	total := 0
	for {
		line, err := readLine(br, MaxHeader-total)
		total += len(line)
		if err != nil && err != io.EOF {
			return fields, nil, err
		}
		bare := bytes.TrimRight(line, "\r\n")
		switch {
		case len(bare) == 0:
			return fields, line, nil
		case (bare[0] == ' ' || bare[0] == '\t') && len(fields) > 0:
			last := &fields[len(fields)-1]
			last.Raw = append(last.Raw, line...)
		case len(fields) == maxFields:
			return fields, nil, ErrHeaderTooLarge
		default:
			fields = append(fields, Field{Name: fieldName(bare), Raw: line})
		}
		if err == io.EOF {
			return fields, nil, nil
		}
	}
}

// readHeader reads a header block up to and including its empty line. Lines that
// are no header field are left out. raw is the block as it came, up to
// MaxTransportHeaders; complete tells that nothing had to be left out.
func readHeader(br *bufio.Reader) (h textproto.Header, raw []byte, complete bool, err error) {
	fields, _, err := ReadFields(br)
	complete = true
	if errors.Is(err, ErrHeaderTooLarge) {
		complete, err = false, nil
	}
	var kept bytes.Buffer
	for _, f := range fields {
		if room := MaxTransportHeaders - len(raw); room > 0 {
			raw = append(raw, f.Raw[:min(len(f.Raw), room)]...)
		}
		if f.Name == "" {
			complete = false
			continue
		}
		kept.Write(bytes.TrimRight(f.Raw, "\r\n"))
		kept.WriteString("\r\n")
	}
	kept.WriteString("\r\n")
	h, parseErr := textproto.ReadHeader(bufio.NewReader(&kept))
	return h, raw, complete && parseErr == nil, err
}

// readLine returns a line with its end; with the last line of the input comes io.EOF.
func readLine(br *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > limit:
			return nil, ErrHeaderTooLarge
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		default:
			return line, err
		}
	}
}

// fieldName returns the name with which a line begins (RFC 5322 2.2, space before
// the colon forgiven), "" when it is no header field.
func fieldName(line []byte) string {
	name, _, ok := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	if !ok {
		return ""
	}
	for _, c := range name {
		if c < 33 || c > 126 {
			return ""
		}
	}
	return string(name)
}

var words = mime.WordDecoder{CharsetReader: func(label string, input io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(input)
	return strings.NewReader(toUTF8(label, b)), err
}}

// text decodes an unstructured field: encoded words (RFC 2047), raw 8-bit text, no control characters.
func text(value string) string {
	value = toUTF8("", []byte(value))
	if decoded, err := words.DecodeHeader(value); err == nil {
		value = decoded
	}
	return clean(value)
}

// clean makes a header's text one line of printable characters.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s))
}

// maxText is how many characters of a subject, a name or an address are kept.
const maxText = 1000

// short is clean with an end to it.
func short(s string) string {
	s = clean(s)
	if len(s) <= maxText {
		return s
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), maxText)])
}

// Addresses reads an address list (RFC 5322 3.4). A list that breaks the grammar
// is taken apart at its commas and angle brackets.
func Addresses(value string) []Address {
	if len(value) > maxList {
		value = value[:maxList]
	}
	value = toUTF8("", []byte(value))
	if strings.TrimSpace(value) == "" {
		return nil
	}
	parser := mail.AddressParser{WordDecoder: &words}
	var out []Address
	if list, err := parser.ParseList(value); err == nil {
		for _, a := range list[:min(len(list), MaxAddresses)] {
			out = append(out, Address{Name: short(a.Name), Email: short(a.Address)})
		}
		return out
	}
	for _, part := range splitList(value) {
		if len(out) == MaxAddresses {
			break
		}
		name, rest, ok := strings.Cut(part, "<")
		email, _, _ := strings.Cut(rest, ">")
		if !ok {
			name, email = "", part
		}
		a := Address{Name: short(text(strings.Trim(strings.TrimSpace(name), `"`))), Email: short(email)}
		if !a.IsZero() {
			out = append(out, a)
		}
	}
	return out
}

// splitList cuts at commas outside quotes.
func splitList(s string) []string {
	var out []string
	quoted, start := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// date reads a date-time (RFC 5322 3.3); the zero time for what is none or lies
// outside the years that a MAPI time and a mail can have.
func date(value string) time.Time {
	t, err := mail.ParseDate(strings.TrimSpace(value))
	if err != nil || t.Year() < 1970 || t.Year() > 4000 {
		return time.Time{}
	}
	return t.UTC()
}

// messageIDs returns the msg-ids of a field, with angle brackets, in their order.
func messageIDs(value string) []string {
	var out []string
	for len(out) < MaxAddresses {
		_, rest, ok := strings.Cut(value, "<")
		id, rest, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			break
		}
		if id = clean(id); id != "" && len(id) < maxText && !strings.ContainsAny(id, " <") {
			out = append(out, "<"+id+">")
		}
		value = rest
	}
	return out
}

// parameters reads a value with parameters (RFC 2045 5.1) in the forms that mail
// programs write: continued and encoded ones of RFC 2231, encoded words in
// quotes, and quotes forgotten. Names and the value itself are in lower case.
func parameters(field string) (string, map[string]string) {
	value, rest, _ := strings.Cut(field, ";")
	value = strings.ToLower(strings.TrimSpace(value))
	params := map[string]string{}
	type piece struct {
		text    string
		encoded bool
	}
	pieces := map[string]map[int]piece{}
	for n := 0; rest != "" && n < 200; n++ {
		var name, val string
		name, val, rest = nextParameter(rest)
		if name == "" {
			continue
		}
		base, star, split := strings.Cut(name, "*")
		if !split {
			if _, dup := params[name]; !dup {
				params[name] = text(val)
			}
			continue
		}
		star, encoded := strings.CutSuffix(star, "*")
		index, err := strconv.Atoi(star)
		if star == "" { // name*=charset'language'text
			index, encoded = 0, true
		} else if err != nil || index < 0 || index >= 200 {
			continue
		}
		if pieces[base] == nil {
			pieces[base] = map[int]piece{}
		}
		pieces[base][index] = piece{val, encoded}
	}
	for base, parts := range pieces {
		var joined []byte
		label := ""
		for i := 0; ; i++ {
			p, ok := parts[i]
			if !ok {
				break
			}
			if p.encoded && i == 0 {
				if fields := strings.SplitN(p.text, "'", 3); len(fields) == 3 {
					label, p.text = fields[0], fields[2]
				}
			}
			if p.encoded {
				joined = append(joined, percentDecode(p.text)...)
			} else {
				joined = append(joined, p.text...)
			}
		}
		params[base] = clean(toUTF8(label, joined))
	}
	return value, params
}

func nextParameter(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, " \t\r\n;")
	end := strings.IndexAny(s, "=;")
	if end < 0 {
		return "", "", ""
	}
	if s[end] == ';' {
		return "", "", s[end+1:]
	}
	name = strings.ToLower(strings.TrimSpace(s[:end]))
	s = strings.TrimLeft(s[end+1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return name, strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return name, b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return name, b.String(), ""
}

func percentDecode(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return out
}
