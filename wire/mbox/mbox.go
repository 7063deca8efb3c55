// Package mbox reads and writes files of many messages (RFC 4155): each message
// behind a line "From SENDER DATE" and before an empty one.
//
// What it writes is mboxrd: a line of the message that begins with any number of
// ">" and "From " gets one ">" more, so that every message comes back byte for
// byte, but for a missing last line end. What it reads may be mboxrd, mboxo or
// mboxcl: of such lines one ">" is taken away, and a line "From ..." begins a
// message only where it ends in a date and an empty line (or nothing) is above it.
//
// What is known of a message beside its bytes stands in a block of three fields
// on top of it (Status, X-Status, X-Keywords, as mail programs read them), which
// is taken away again on reading. A message is read as a stream; a line has no limit.
package mbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// Flags are what is known of a message beside its bytes.
type Flags struct {
	Read, Answered, Flagged, Draft bool
	Keywords                       []string
}

// dateLayout is the date of a From line, in UTC.
const dateLayout = "Mon Jan _2 15:04:05 2006"

// dateLayouts are those that are read: with a zone before or behind the year some programs write.
var dateLayouts = []string{dateLayout, "Mon Jan _2 15:04:05 MST 2006", "Mon Jan _2 15:04:05 -0700 2006", "Mon Jan _2 15:04:05 2006 -0700", "Mon Jan _2 15:04:05 2006 MST", "Mon Jan _2 15:04 2006"}

// Writer writes messages one behind the other.
type Writer struct{ w *bufio.Writer }

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{bufio.NewWriter(w)} }

// Write writes one message, its bytes quoted. The sender may be empty.
func (w *Writer) Write(sender string, received time.Time, f Flags, message io.Reader) error {
	if sender == "" || strings.ContainsFunc(sender, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		sender = "MAILER-DAEMON"
	}
	fmt.Fprintf(w.w, "From %s %s\n", sender, received.UTC().Format(dateLayout))
	in := bufio.NewReader(message)
	first, err := in.Peek(2048)
	end := "\n"
	if i := bytes.IndexByte(first, '\n'); i > 0 && first[i-1] == '\r' {
		end = "\r\n"
	}
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return err
	}
	w.w.WriteString(f.block(end))
	begin, last := true, byte('\n')
	for {
		piece, err := in.ReadSlice('\n')
		if begin && fromLine(piece, true) {
			w.w.WriteByte('>')
		}
		if len(piece) > 0 {
			begin, last = false, piece[len(piece)-1]
			if _, err := w.w.Write(piece); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
			begin = true
		case err == io.EOF:
			if last != '\n' {
				w.w.WriteByte('\n')
			}
			w.w.WriteByte('\n')
			return w.w.Flush()
		case err != bufio.ErrBufferFull:
			return err
		}
	}
}

// fromLine tells whether a line begins with "From ", behind any number of ">" when quoted.
func fromLine(line []byte, quoted bool) bool {
	if quoted {
		line = bytes.TrimLeft(line, ">")
	}
	return bytes.HasPrefix(line, []byte("From "))
}

// block returns the fields on top of a message.
func (f Flags) block(end string) string {
	status, more := "O", ""
	if f.Read {
		status = "RO"
	}
	for _, flag := range []struct {
		set    bool
		letter string
	}{{f.Answered, "A"}, {f.Flagged, "F"}, {f.Draft, "T"}} {
		if flag.set {
			more += flag.letter
		}
	}
	words := make([]string, len(f.Keywords))
	for i, k := range f.Keywords {
		words[i] = encodeKeyword(k)
	}
	return "Status: " + status + end + "X-Status: " + more + end + "X-Keywords: " + strings.Join(words, " ") + end
}

// encodeKeyword writes a keyword as one word: what would end it, and "%", as %XX.
func encodeKeyword(k string) string {
	var b strings.Builder
	for _, c := range []byte(k) {
		if c <= ' ' || c == '%' || c == 0x7F {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func decodeKeyword(k string) string {
	var b strings.Builder
	for i := 0; i < len(k); i++ {
		var c byte
		if k[i] == '%' && i+3 <= len(k) {
			if n, err := fmt.Sscanf(k[i+1:i+3], "%02X", &c); n == 1 && err == nil {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(k[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// ErrNoFrom is input that does not begin with a From line.
var ErrNoFrom = errors.New("not an mbox: no line \"From SENDER DATE\" at the beginning")

// Message is one message of a file. Reading goes on where the message before ends,
// so each is read before the next one.
type Message struct {
	Sender   string
	Received time.Time // of the From line; zero where it cannot be read
	Flags    Flags
	io.Reader
}

// Reader reads messages one behind the other.
type Reader struct {
	in      *bufio.Reader
	head    []byte // the From line of the next message
	begun   bool
	current *body
}

// NewReader returns a reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(r, maxBlock)} }

// maxBlock is how much of a message is looked at for its fields before it is read.
const maxBlock = 64 << 10

// Next skips what is left of the message before and returns the next one; io.EOF after the last.
func (r *Reader) Next() (*Message, error) {
	if !r.begun {
		r.begun = true
		for {
			line, err := r.in.ReadBytes('\n')
			if len(bytes.TrimSpace(line)) > 0 {
				if !fromLine(line, false) {
					return nil, ErrNoFrom
				}
				r.head = line
				break
			}
			if err != nil {
				return nil, err
			}
		}
	} else if r.current != nil {
		if _, err := io.Copy(io.Discard, r.current); err != nil {
			return nil, err
		}
	}
	if r.head == nil {
		return nil, io.EOF
	}
	m := &Message{}
	m.Sender, m.Received, _ = parseFrom(string(r.head))
	r.head, r.current = nil, &body{r: r, begin: true, blank: true}
	own, err := r.flags(&m.Flags)
	if err != nil {
		return nil, err
	}
	if own > 0 {
		if _, err := r.in.Discard(own); err != nil {
			return nil, err
		}
		r.current.blank = false
	}
	m.Reader = r.current
	return m, nil
}

// parseFrom reads "From SENDER DATE" and tells whether there is a date.
func parseFrom(line string) (sender string, received time.Time, ok bool) {
	rest := strings.TrimRight(strings.TrimPrefix(line, "From "), "\r\n ")
	sender, date, _ := strings.Cut(rest, " ")
	date = strings.TrimSpace(strings.TrimSuffix(date, "remote from "))
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, date); err == nil {
			return sender, t, true
		}
	}
	return sender, time.Time{}, false
}

// flags reads the fields of the header as far as they lie in the first maxBlock
// bytes, and returns the length of the block that Write put on top, 0 without one.
func (r *Reader) flags(f *Flags) (own int, err error) {
	head, err := r.in.Peek(maxBlock)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return 0, err
	}
	ours := []string{"Status", "X-Status", "X-Keywords"}
	at := 0
	for i := 0; ; i++ {
		n := bytes.IndexByte(head[at:], '\n')
		if n < 0 {
			return own, nil
		}
		line := string(bytes.TrimRight(head[at:at+n], "\r"))
		at += n + 1
		name, value, ok := strings.Cut(line, ":")
		if line == "" || i == 0 && own == 0 && fromLine([]byte(line), true) {
			return own, nil
		}
		if i < len(ours) && name == ours[i] && strings.HasPrefix(value, " ") {
			if i == len(ours)-1 {
				own = at
			}
		} else {
			ours = nil
		}
		if !ok {
			continue
		}
		switch strings.ToLower(name) {
		case "status":
			f.Read = strings.Contains(value, "R")
		case "x-status":
			f.Answered, f.Flagged, f.Draft = strings.Contains(value, "A"), strings.Contains(value, "F"), strings.Contains(value, "T")
		case "x-keywords":
			f.Keywords = nil
			for _, k := range strings.Fields(value) {
				f.Keywords = append(f.Keywords, decodeKeyword(k))
			}
		}
		if own > 0 {
			return own, nil // what stands below is the message's own
		}
	}
}

// body is the rest of a message.
type body struct {
	r     *Reader
	begin bool   // the next byte begins a line
	blank bool   // the line before was empty or there is none
	held  []byte // empty line that may be the one before the next message
	rest  []byte
	err   error
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.fill()
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// fill reads a piece of a line.
func (b *body) fill() {
	piece, err := b.r.in.ReadSlice('\n')
	whole := err == nil
	if err == bufio.ErrBufferFull {
		err = nil
	}
	if b.begin && fromLine(piece, false) && (b.held != nil || b.blank) {
		line := append([]byte{}, piece...)
		if !whole && err == nil {
			more, next := b.r.in.ReadBytes('\n')
			line, err = append(line, more...), next
		}
		if _, _, dated := parseFrom(string(line)); dated {
			b.r.head, b.err = line, io.EOF
			return
		}
		b.take(line)
		b.begin = true
	} else if b.begin && whole && len(bytes.TrimRight(piece, "\r\n")) == 0 {
		// It is the message's own unless a From line or the end comes behind it.
		b.rest = b.held
		b.held = append([]byte{}, piece...)
	} else if len(piece) > 0 {
		if b.begin && piece[0] == '>' && fromLine(piece, true) {
			piece = piece[1:]
		}
		b.take(piece)
		b.begin = whole
	}
	if err != nil {
		b.err = err
	}
}

// take lets the reader have a piece, behind what was held back.
func (b *body) take(piece []byte) {
	b.rest = append(append([]byte{}, b.held...), piece...)
	b.held, b.blank = nil, false
}
