package mailfile

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// The letters of a Maildir's flags, in the order in which they stand.
const (
	letterDraft     = 'D'
	letterFlagged   = 'F'
	letterForwarded = 'P' // passed
	letterReplied   = 'R'
	letterSeen      = 'S'
	letterTrashed   = 'T'
)

// keywordsFile names a folder's keywords, as Dovecot keeps them: "0 NAME", in a file's flags the letter a.
const keywordsFile = "dovecot-keywords"

const maxKeywords = 26

// itemsFolder holds what is no mail of a Maildir, a tree of folders.
const itemsFolder = "items"

// isMaildir tells whether a folder is a Maildir. As in a tree, links in it are not followed:
// who gives it away would read what its importer may.
func isMaildir(path string) bool {
	for _, sub := range []string{"cur", "new"} {
		if info, err := os.Lstat(filepath.Join(path, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// readMaildir reads a Maildir and the folders of a Maildir++ in it. moved is of placesFile.
func readMaildir(path string, moved map[string][]string, fn func(Message, io.Reader) error) error {
	if err := readMaildirFolder(path, []string{inbox}, fn); err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		sub := filepath.Join(path, name)
		if !strings.HasPrefix(name, ".") || !e.IsDir() || !isMaildir(sub) {
			continue
		}
		var folder []string
		way := ""
		for part := range strings.SplitSeq(name[1:], ".") {
			way += "." + part
			if long, ok := moved[way]; ok {
				folder = slices.Clone(long)
				continue
			}
			if part = decodeUTF7(part); folder == nil && strings.EqualFold(part, "INBOX") {
				part = inbox
			}
			folder = append(folder, part)
		}
		if err := readMaildirFolder(sub, folder, fn); err != nil {
			return err
		}
	}
	info, err := os.Lstat(filepath.Join(path, itemsFolder))
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return (&tree{top: path, moved: moved, fn: func(m Message, r io.Reader) error {
		if r != nil && m.Kind == Mail {
			return nil
		}
		return fn(m, r)
	}}).read(itemsFolder, nil, 0)
}

func readMaildirFolder(path string, folder []string, fn func(Message, io.Reader) error) error {
	if err := fn(Message{Name: path, Folder: folder}, nil); err != nil {
		return err
	}
	keywords, err := readKeywords(filepath.Join(path, keywordsFile))
	if err != nil {
		return err
	}
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(path, sub))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if err := readMaildirMessage(filepath.Join(path, sub, e.Name()), folder, keywords, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

func readMaildirMessage(name string, folder []string, keywords map[rune]string, fn func(Message, io.Reader) error) error {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a program that uses it has renamed or removed it
	}
	if err != nil {
		return err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m := Message{Name: name, Folder: folder, Received: info.ModTime(), HasFlags: true}
	_, letters, _ := strings.Cut(filepath.Base(name), ":2,")
	for _, c := range letters {
		switch c {
		case letterDraft:
			m.Draft = true
		case letterFlagged:
			m.Flagged = true
		case letterForwarded:
			m.Forwarded = true
		case letterReplied:
			m.Answered = true
		case letterSeen:
			m.Read = true
		case letterTrashed:
			return nil // deleted, and only not yet removed
		default:
			if k := keywords[c]; k != "" {
				m.Keywords = append(m.Keywords, k)
			}
		}
	}
	return fn(m, f)
}

func readKeywords(name string) (map[rune]string, error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	keywords := map[rune]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var n rune
		number, word, ok := strings.Cut(lines.Text(), " ")
		if _, err := fmt.Sscan(number, &n); ok && err == nil && n >= 0 && n < maxKeywords {
			keywords['a'+n] = word
		}
	}
	return keywords, lines.Err()
}

// maildirWriter writes a Maildir++.
type maildirWriter struct {
	items
	places    *places
	itemsTree *places // of what is no mail
	path      string
	n         int
	folders   map[string]*maildirFolder // by name
}

type maildirFolder struct {
	path     string
	keywords []string
}

func newMaildir(path string) *maildirWriter {
	w := &maildirWriter{path: path, folders: map[string]*maildirFolder{}, itemsTree: newTree(itemsFolder)}
	w.places = newPlaces("", func(parent, name string) string {
		if parent == "" && name == inbox {
			name = "INBOX"
		}
		return parent + "." + encodeUTF7(name)
	})
	w.itemsTree.moved = w.places.moved // in one file
	return w
}

// name is the name of a folder's own folder, "" for the Inbox.
func (w *maildirWriter) name(folder []string) string {
	if len(folder) == 1 && folder[0] == inbox {
		return ""
	}
	return w.places.of(folder)
}

func (w *maildirWriter) folder(name string) (*maildirFolder, error) {
	if f := w.folders[name]; f != nil {
		return f, nil
	}
	f := &maildirFolder{path: filepath.Join(w.path, name)}
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(f.path, sub), 0o700); err != nil {
			return nil, err
		}
	}
	if name != "" {
		if err := os.WriteFile(filepath.Join(f.path, "maildirfolder"), nil, 0o600); err != nil {
			return nil, err
		}
	}
	w.folders[name] = f
	return f, nil
}

func (w *maildirWriter) Folder(folder []string) error {
	_, err := w.folder(w.name(folder))
	return err
}

func (w *maildirWriter) Write(m Message, r io.Reader) error {
	if m.Kind != Mail {
		return w.items.write(filepath.Join(w.path, w.itemsTree.of(m.Folder)), m, r)
	}
	f, err := w.folder(w.name(m.Folder))
	if err != nil {
		return err
	}
	var letters []rune
	for _, flag := range []struct {
		set    bool
		letter rune
	}{{m.Draft, letterDraft}, {m.Flagged, letterFlagged}, {m.Forwarded, letterForwarded}, {m.Answered, letterReplied}, {m.Read, letterSeen}} {
		if flag.set {
			letters = append(letters, flag.letter)
		}
	}
	for _, k := range m.Keywords {
		if strings.ContainsAny(k, "\r\n") {
			continue
		}
		i := slices.Index(f.keywords, k)
		if i < 0 && len(f.keywords) < maxKeywords {
			i = len(f.keywords)
			f.keywords = append(f.keywords, k)
		}
		if i >= 0 {
			letters = append(letters, 'a'+rune(i))
		}
	}
	slices.Sort(letters)
	w.n++
	unique := fmt.Sprintf("%d.M%dQ%d.hma", m.Received.Unix(), m.Received.Nanosecond()/1000, w.n)
	temporary := filepath.Join(f.path, "tmp", unique)
	if err := writeFile(temporary, m.Received, r); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(f.path, "cur", unique+":2,"+string(slices.Compact(letters))))
}

// Close writes the names of the keywords, and where folders lie.
func (w *maildirWriter) Close() error {
	if _, err := w.folder(""); err != nil { // an empty Maildir is one too
		return err
	}
	for _, f := range w.folders {
		text := ""
		for i, k := range f.keywords {
			text += fmt.Sprintf("%d %s\n", i, k)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(f.path, keywordsFile), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return w.places.write(w.path)
}

// base64UTF7 is the alphabet of RFC 3501 5.1.3.
var base64UTF7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// encodeUTF7 writes a folder's name in the modified UTF-7 of RFC 3501 5.1.3, which
// Dovecot's Maildir has on disk; also what is no letter of a name there (. and /).
func encodeUTF7(name string) string {
	var out strings.Builder
	var shifted []rune
	flush := func() {
		if len(shifted) == 0 {
			return
		}
		var raw []byte
		for _, u := range utf16.Encode(shifted) {
			raw = append(raw, byte(u>>8), byte(u))
		}
		out.WriteString("&" + base64UTF7.EncodeToString(raw) + "-")
		shifted = nil
	}
	for _, r := range name {
		switch {
		case r == '&':
			flush()
			out.WriteString("&-")
		case r < ' ' || r > '~' || r == '.' || r == '/':
			shifted = append(shifted, r)
		default:
			flush()
			out.WriteRune(r)
		}
	}
	flush()
	return out.String()
}

// decodeUTF7 is the way back; what is not encoded so stays as it is.
func decodeUTF7(name string) string {
	var out strings.Builder
	for rest := name; rest != ""; {
		plain, more, ok := strings.Cut(rest, "&")
		out.WriteString(plain)
		if !ok {
			break
		}
		code, after, ok := strings.Cut(more, "-")
		raw, err := base64UTF7.DecodeString(code)
		switch {
		case ok && code == "":
			out.WriteByte('&')
		case ok && err == nil && len(raw)%2 == 0:
			units := make([]uint16, len(raw)/2)
			for i := range units {
				units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
			}
			out.WriteString(string(utf16.Decode(units)))
		default:
			out.WriteByte('&')
			after = more
		}
		rest = after
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}
