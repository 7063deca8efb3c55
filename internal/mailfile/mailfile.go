// Package mailfile reads and writes mail as files: a tree of eml files, a tree of
// mbox files, a Maildir (Maildir++ with Dovecot's keywords). It knows messages as
// bytes with folder, time and flags, and nothing of mailboxes. What a form cannot
// carry is in Lost. What is no mail is a file of its own kind in each form: a vCard, an
// iCalendar, or an item in the store's packed form; in a Maildir below the folder "items".
//
// Names of folders come from outside and never leave the folder that is written
// to. Start reading at Read and Create.
package mailfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hma/wire/mbox"
)

// Kind is the kind of what is no mail, as the end of a file's name.
type Kind string

// The kinds.
const (
	Mail     Kind = ""
	Contact  Kind = ".vcf"
	Event    Kind = ".ics"
	AnyOther Kind = ".hmaitem"
)

// kindOf returns the kind of a file by its name.
func kindOf(name string) Kind {
	switch k := Kind(strings.ToLower(filepath.Ext(name))); k {
	case Contact, Event, AnyOther:
		return k
	}
	return Mail
}

// Message is one message, or what is no mail, without its bytes. Of what is no mail Kind,
// Name and Folder count alone.
type Message struct {
	Kind     Kind
	Name     string   // the file it comes from, for people
	Folder   []string // from the top of the mailbox; the Inbox is "Inbox". nil where the source has no folders
	Sender   string   // of an mbox, may be empty
	Received time.Time
	// HasFlags tells that the form says whether it was read, and the rest.
	HasFlags  bool
	Forwarded bool
	mbox.Flags
}

// Format is a form of files.
type Format string

// The forms.
const (
	EML     Format = "eml"
	Mbox    Format = "mbox"
	Maildir Format = "maildir"
)

// Lost says in words what a form cannot carry.
var Lost = map[Format]string{
	// Of what is no mail each form carries what a vCard or an iCalendar says, and of the rest everything.
	EML:     "read, flagged, answered, forwarded and draft, categories, and times below a microsecond",
	Mbox:    "forwarded, the fraction of a second, and a missing last line end",
	Maildir: "categories past the 26th of a folder, and times below a microsecond",
}

// inbox is the Inbox's name in a Message.
const inbox = "Inbox"

// Read hands each message of a file or folder to fn, whose reader ends with the
// call, and before its messages each folder, with no reader: a file is an eml or an mbox, as its first line says; a folder with cur
// and new is a Maildir, any other a tree of eml and mbox files. An error of fn ends it.
// passed is how many files of a tree were passed over: by their names they are nothing that is
// read, or they are links. Those whose names begin with a dot do not count.
func Read(path string, fn func(Message, io.Reader) error) (passed int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if !info.IsDir() {
		return 0, readFile(path, nil, fn)
	}
	moved, err := readPlaces(path)
	if err != nil {
		return 0, err
	}
	if isMaildir(path) {
		return 0, readMaildir(path, moved, fn)
	}
	t := &tree{top: path, moved: moved, fn: fn}
	err = t.read("", nil, 0)
	return t.passed, err
}

// maxDepth bounds how deep a tree of folders is followed.
const maxDepth = 300

// tree reads a tree of eml and mbox files.
type tree struct {
	top    string
	moved  map[string][]string // of placesFile
	fn     func(Message, io.Reader) error
	passed int // files passed over
}

// read reads a folder in the order of its files' names. NAME.mbox is the folder NAME.
func (t *tree) read(path string, folder []string, depth int) error {
	entries, err := os.ReadDir(filepath.Join(t.top, path))
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return fmt.Errorf("%s: more than %d folders deep", filepath.Join(t.top, path), maxDepth)
	}
	for _, e := range entries {
		name := filepath.Join(t.top, path, e.Name())
		below := func(s string) []string {
			if moved, ok := t.moved[filepath.Join(path, s)]; ok {
				return moved
			}
			return append(append([]string{}, folder...), decodeName(s))
		}
		var err error
		switch {
		case e.IsDir():
			if err = t.fn(Message{Name: name, Folder: below(e.Name())}, nil); err == nil {
				err = t.read(filepath.Join(path, e.Name()), below(e.Name()), depth+1)
			}
		case e.Type().IsRegular() && (strings.EqualFold(filepath.Ext(name), ".eml") || kindOf(name) != Mail):
			err = readFile(name, folder, t.fn)
		case e.Type().IsRegular() && strings.EqualFold(filepath.Ext(name), ".mbox"):
			folder := below(e.Name()[:len(e.Name())-len(".mbox")])
			if err = t.fn(Message{Name: name, Folder: folder}, nil); err == nil && size(e) > 0 {
				err = readFile(name, folder, t.fn)
			}
		case !strings.HasPrefix(e.Name(), ".") && e.Name() != placesFile:
			t.passed++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func size(e os.DirEntry) int64 {
	info, err := e.Info()
	if err != nil {
		return 1 // reading it says why
	}
	return info.Size()
}

func readFile(name string, folder []string, fn func(Message, io.Reader) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	in := bufio.NewReader(f)
	switch kind := kindOf(name); kind {
	case Contact:
		return readCards(in, Message{Kind: kind, Name: name, Folder: folder}, fn)
	case Event, AnyOther:
		return fn(Message{Kind: kind, Name: name, Folder: folder}, in)
	}
	if head, err := in.Peek(len("From ")); err != nil || string(head) != "From " {
		if err != nil && err != io.EOF {
			return err
		}
		m := Message{Name: name, Folder: folder}
		if folder != nil {
			// In a tree that was written here the file's time is when it was received.
			info, err := f.Stat()
			if err != nil {
				return err
			}
			m.Received = info.ModTime()
		}
		return fn(m, in)
	}
	messages := mbox.NewReader(in)
	for n := 1; ; n++ {
		m, err := messages.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: message %d: %w", name, n, err)
		}
		err = fn(Message{Name: fmt.Sprintf("%s, message %d", name, n), Folder: folder, Sender: m.Sender, Received: m.Received, HasFlags: true, Flags: m.Flags}, m)
		if err != nil {
			return err
		}
	}
}

// maxCard bounds a line of a vCard, with its picture, and how much of one is handed on:
// more than anybody takes.
const maxCard = 16 << 20

// readCards hands each vCard of a file to fn: address books are many in one file. One that
// has no end ends where the next begins; one inside of another (AGENT of version 2.1, RFC
// 2426 3.5.4) belongs to that.
func readCards(in io.Reader, m Message, fn func(Message, io.Reader) error) error {
	name := m.Name
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxCard)
	lines.Split(splitLine)
	var card bytes.Buffer
	depth, n, agent := 0, 0, false
	hand := func() error {
		if len(bytes.TrimSpace(card.Bytes())) == 0 {
			return nil
		}
		n++
		m.Name = fmt.Sprintf("%s, card %d", name, n)
		err := fn(m, bytes.NewReader(card.Bytes()))
		card.Reset()
		return err
	}
	for lines.Scan() {
		line := lines.Bytes()
		text := strings.ToUpper(string(bytes.TrimSpace(bytes.TrimPrefix(line[:min(len(line), 100)], []byte("\uFEFF")))))
		if depth > 0 && (line[0] == ' ' || line[0] == '\t') {
			text = "" // more of the line before, whatever it looks like
		}
		switch {
		case text == "BEGIN:VCARD" && depth > 0 && agent:
			depth++
		case text == "BEGIN:VCARD":
			if depth > 0 {
				if err := hand(); err != nil {
					return err
				}
			}
			depth = 1
		case text == "END:VCARD":
			depth--
		}
		if text != "" {
			agent = strings.HasPrefix(text, "AGENT") && strings.HasSuffix(text, ":")
		}
		if card.Len() <= maxCard {
			card.Write(line)
		}
		if text == "END:VCARD" && depth <= 0 {
			depth = 0
			if err := hand(); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: card %d: %w", name, n+1, err)
	}
	return hand()
}

// splitLine is a bufio.SplitFunc of lines with their ends, of which old programs for the
// Macintosh write the carriage return alone.
func splitLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	if i < 0 {
		if atEOF && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	}
	if data[i] == '\r' {
		if i+1 == len(data) && !atEOF {
			return 0, nil, nil
		}
		if i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
	}
	return i + 1, data[:i+1], nil
}

// items writes what is no mail, a file for each.
type items struct{ n int }

func (w *items) write(dir string, m Message, r io.Reader) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	w.n++
	return writeFile(filepath.Join(dir, fmt.Sprintf("%06d%s", w.n, m.Kind)), time.Time{}, r)
}

// Writer writes messages. Close ends it; without it the last ones may be missing.
type Writer interface {
	// Folder makes a folder, which may stay empty.
	Folder(folder []string) error
	Write(m Message, r io.Reader) error
	Close() error
}

// Check says why Create would refuse; it makes nothing.
func Check(format Format, path string) error {
	if Lost[format] == "" {
		return fmt.Errorf("form %q, want %s, %s or %s", format, EML, Mbox, Maildir)
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: want a new folder", path)
	}
	return nil
}

// Create begins to write into a folder, which is made, or is there and empty.
func Create(format Format, path string) (Writer, error) {
	if err := Check(format, path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	switch format {
	case EML:
		return &emlWriter{top: path, places: newTree("")}, nil
	case Mbox:
		return &mboxWriter{top: path, places: newTree("")}, nil
	default:
		return newMaildir(path), nil
	}
}

// encodeName makes a folder's name a file's: what a file system could take for
// something else, or a reader of ours (NAME.mbox, a file that lies beside it), and "%", is %XX.
func encodeName(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c < ' ' || c == 0x7F || strings.IndexByte(`/\:*?"<>|%`, c) >= 0 || c == '.' && (i == 0 || i == len(name)-1 || endsFile(name[i:])) || c == ' ' && i == len(name)-1 ||
			i == 0 && (name == "cur" || name == "new" || name == placesFile) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// endsFile tells whether the names of files end so that hold mail, or what is none.
func endsFile(ending string) bool {
	switch strings.ToLower(ending) {
	case ".mbox", ".eml", string(Contact), string(Event), string(AnyOther):
		return true
	}
	return false
}

// decodeName is the way back; what is no %XX stays as it is.
func decodeName(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		var c byte
		if name[i] == '%' && i+3 <= len(name) {
			if n, err := fmt.Sscanf(name[i+1:i+3], "%02X", &c); n == 1 && err == nil {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// emlWriter writes a file for each message, its time when it was received.
type emlWriter struct {
	items
	*places
	top string
	n   int
}

func (w *emlWriter) path(folder []string) string { return filepath.Join(w.top, w.of(folder)) }

func (w *emlWriter) Write(m Message, r io.Reader) error {
	if m.Kind != Mail {
		return w.items.write(w.path(m.Folder), m, r)
	}
	if err := w.Folder(m.Folder); err != nil {
		return err
	}
	w.n++
	return writeFile(filepath.Join(w.path(m.Folder), fmt.Sprintf("%06d.eml", w.n)), m.Received, r)
}

func (w *emlWriter) Folder(folder []string) error { return os.MkdirAll(w.path(folder), 0o700) }

func (w *emlWriter) Close() error { return w.places.write(w.top) }

// writeFile writes a new file with a time of its own, unless that is zero.
func writeFile(name string, at time.Time, r io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if at.IsZero() {
		return nil
	}
	return os.Chtimes(name, at, at)
}

// mboxWriter writes a file for each folder. Messages of one folder come one behind the other.
type mboxWriter struct {
	items
	*places
	top  string
	name string
	file *os.File
	out  *mbox.Writer
}

func (w *mboxWriter) path(folder []string) string { return filepath.Join(w.top, w.of(folder)) }

func (w *mboxWriter) Folder(folder []string) error {
	name := w.path(folder) + ".mbox"
	if name == w.name {
		return nil
	}
	if err := w.end(); err != nil {
		return err
	}
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		w.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	}
	if err != nil {
		return err
	}
	w.name, w.out = name, mbox.NewWriter(w.file)
	return nil
}

func (w *mboxWriter) Write(m Message, r io.Reader) error {
	if m.Kind != Mail {
		return w.items.write(w.path(m.Folder), m, r)
	}
	if err := w.Folder(m.Folder); err != nil {
		return err
	}
	return w.out.Write(m.Sender, m.Received, m.Flags, r)
}

// end closes the file that is written to.
func (w *mboxWriter) end() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file, w.name = nil, ""
	return err
}

func (w *mboxWriter) Close() error { return errors.Join(w.end(), w.places.write(w.top)) }
