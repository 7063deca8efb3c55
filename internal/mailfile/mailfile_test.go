package mailfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/wire/mbox"
)

type read struct {
	Message
	Text string
}

func readAll(t *testing.T, path string) (list []read) {
	t.Helper()
	_, err := Read(path, func(m Message, r io.Reader) error {
		if r == nil {
			if m.Folder[len(m.Folder)-1] == "Empty" {
				list = append(list, read{Text: "folder"})
			}
			return nil
		}
		text, err := io.ReadAll(r)
		m.Name, m.Received = "", m.Received.UTC()
		list = append(list, read{m, string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestItems holds that what is no mail comes back in each form, in its folder, and that
// a file of vCards is one for each.
func TestItems(t *testing.T) {
	want := []read{
		{Message{Kind: AnyOther, Folder: []string{"Tasks", "a/b"}}, "\x00packed"},
		{Message{Kind: AnyOther, Folder: []string{"Tasks.mbox"}}, "\x00packed"},
		{Message{Kind: Contact, Folder: []string{"Contacts"}}, "BEGIN:VCARD\r\nFN:x\r\nEND:VCARD\r\n"},
		{Message{Kind: Event, Folder: []string{"Calendar"}}, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"},
	}
	for _, format := range []Format{EML, Mbox, Maildir} {
		path := t.TempDir()
		w, err := Create(format, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range want {
			err = errors.Join(err, w.Folder(m.Folder[:1]), w.Folder([]string{"Tasks"}), w.Folder(m.Folder), w.Write(m.Message, strings.NewReader(m.Text)))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		got := readAll(t, path)
		for _, m := range want {
			if !slices.ContainsFunc(got, func(r read) bool { return reflect.DeepEqual(r, m) }) {
				t.Errorf("%s: %v is not in %v", format, m, got)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d items", format, len(got))
		}
	}
	book := filepath.Join(t.TempDir(), "book.VCF")
	if err := os.WriteFile(book, []byte("BEGIN:VCARD\nFN:a\nEND:VCARD\n\nbegin:vcard\nFN:b\nend:vcard\n\n BEGIN:VCARD\nFN:cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, book); len(got) != 3 || got[1].Text != "\nbegin:vcard\nFN:b\nend:vcard\n" || got[2].Kind != Contact {
		t.Errorf("an address book is %v", got)
	}
}

// TestCards holds that each vCard of a file is one, however the file is written.
func TestCards(t *testing.T) {
	const agent = "BEGIN:VCARD\nFN:a\nAGENT:\n\nBEGIN:VCARD\nFN:his agent\nEND:VCARD\nTEL:1\nEND:VCARD\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"CR LF":               {"BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:b\r\nEND:VCARD\r\n", []string{"BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\n", "BEGIN:VCARD\r\nFN:b\r\nEND:VCARD\r\n"}},
		"CR":                  {"BEGIN:VCARD\rFN:a\rEND:VCARD\rBEGIN:VCARD\rFN:b\rEND:VCARD\r", []string{"BEGIN:VCARD\rFN:a\rEND:VCARD\r", "BEGIN:VCARD\rFN:b\rEND:VCARD\r"}},
		"one in another":      {agent + agent, []string{agent, agent}},
		"without an end":      {"BEGIN:VCARD\nFN:a\nBEGIN:VCARD\nFN:b\nEND:VCARD\n", []string{"BEGIN:VCARD\nFN:a\n", "BEGIN:VCARD\nFN:b\nEND:VCARD\n"}},
		"an end too many":     {"BEGIN:VCARD\nEND:VCARD\nEND:VCARD\nBEGIN:VCARD\nEND:VCARD", []string{"BEGIN:VCARD\nEND:VCARD\n", "END:VCARD\n", "BEGIN:VCARD\nEND:VCARD"}},
		"agent on one line":   {"BEGIN:VCARD\nAGENT:BEGIN:VCARD\\nEND:VCARD\nEND:VCARD\nBEGIN:VCARD\nEND:VCARD\n", []string{"BEGIN:VCARD\nAGENT:BEGIN:VCARD\\nEND:VCARD\nEND:VCARD\n", "BEGIN:VCARD\nEND:VCARD\n"}},
		"a folded line":       {"BEGIN:VCARD\nNOTE:see\n END:VCARD\nTEL:1\nEND:VCARD\n", []string{"BEGIN:VCARD\nNOTE:see\n END:VCARD\nTEL:1\nEND:VCARD\n"}},
		"with a mark, spaces": {"\uFEFFBEGIN:VCARD \nEND:VCARD \n\n\n", []string{"\uFEFFBEGIN:VCARD \nEND:VCARD \n"}},
	} {
		file := filepath.Join(t.TempDir(), "book.vcf")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, card := range readAll(t, file) {
			got = append(got, card.Text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestRoundTrip writes a mailbox in each form and holds that what the form can carry comes back.
func TestRoundTrip(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.UTC)
	want := []read{
		{Message{Folder: []string{"Inbox"}, Received: at, HasFlags: true, Flags: mbox.Flags{Read: true, Keywords: []string{"Blue category", "x"}}}, "Subject: a\r\n\r\nFrom me\r\n"},
		{Message{Folder: []string{"Inbox"}, Received: at.Add(time.Hour), HasFlags: true, Forwarded: true, Flags: mbox.Flags{Answered: true, Flagged: true, Draft: true}}, "Subject: b\n\n"},
		{Message{Folder: []string{"Inbox", "Sub & more"}, Received: at, HasFlags: true}, "Subject: c\n\n"},
		{Message{Folder: []string{"../..", ".", "a/b.c", "Größe 邮件 😀", "100%41"}, Received: at, HasFlags: true, Flags: mbox.Flags{Keywords: []string{"x"}}}, "Subject: d\n\n"},
		{Message{Folder: []string{"Sent Items"}, Received: at, HasFlags: true, Flags: mbox.Flags{Read: true}}, "Subject: e\n\n"},
	}
	for _, format := range []Format{EML, Mbox, Maildir} {
		t.Run(string(format), func(t *testing.T) {
			top := t.TempDir()
			path := filepath.Join(top, "in", "here")
			w, err := Create(format, path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range want {
				if err := w.Write(m.Message, strings.NewReader(m.Text)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Folder([]string{"Sent Items", "Empty"}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got := readAll(t, path)
			expected := slices.Clone(want)
			for i, m := range expected {
				switch format {
				case EML:
					m.HasFlags, m.Forwarded, m.Flags = false, false, mbox.Flags{}
				case Mbox:
					m.Forwarded, m.Received, m.Sender = false, m.Received.Truncate(time.Second), "MAILER-DAEMON"
				}
				expected[i] = m
			}
			expected = append(expected, read{Text: "folder"})
			order := func(a, b read) int { return strings.Compare(a.Text, b.Text) }
			slices.SortFunc(got, order)
			if !reflect.DeepEqual(got, expected) {
				t.Errorf("got\n%v\nwant\n%v", got, expected)
			}
			// Nothing lies outside of the folder that was given.
			err = filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && !strings.HasPrefix(name, path+string(filepath.Separator)) {
					err = fmt.Errorf("%s lies outside", name)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := Create(format, path); err == nil {
				t.Error("a folder that is not empty was taken")
			}
		})
	}
}

// TestLongNames holds that folders whose names or whose way no file system takes come back
// as they were, with what lies in and below them, and are not mixed up with others.
func TestLongNames(t *testing.T) {
	deep := []string{"Deep"}
	for len(deep) < 300 {
		deep = append(deep, fmt.Sprintf("level %d of many", len(deep)))
	}
	long := strings.Repeat("ä", 300)
	want := [][]string{
		{long}, {long, "below"}, {long + "b"}, {strings.Repeat("n", 300), strings.Repeat("m", 300)},
		{"~1"}, {strings.Repeat("n", shortName) + "~4"}, {strings.Repeat("ä", shortName) + "~2", "below"}, // what a short name could be
		{"Inbox", long}, {"Inbox", strings.Repeat("x.", 150)}, {"Inbox", "ordinary"}, deep[:150], deep,
	}
	for _, format := range []Format{EML, Mbox, Maildir} {
		path := t.TempDir()
		w, err := Create(format, path)
		if err != nil {
			t.Fatal(err)
		}
		for i, folder := range want {
			for n := range folder {
				err = errors.Join(err, w.Folder(folder[:n+1])) // as an export does
			}
			err = errors.Join(err, w.Write(Message{Folder: folder}, strings.NewReader(fmt.Sprintf("Subject: %d\n\n", i))),
				w.Write(Message{Kind: Contact, Folder: folder}, strings.NewReader(fmt.Sprintf("%d END:VCARD\n", i))))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		got := readAll(t, path)
		for i, folder := range want {
			for _, text := range []string{fmt.Sprintf("Subject: %d\n\n", i), fmt.Sprintf("%d END:VCARD\n", i)} {
				if n := slices.IndexFunc(got, func(r read) bool { return r.Text == text }); n < 0 || !slices.Equal(got[n].Folder, folder) {
					t.Errorf("%s: %.60q is not in %.60q", format, text, folder)
				}
			}
		}
		if len(got) != 2*len(want) {
			t.Errorf("%s: %d files, want %d", format, len(got), 2*len(want))
		}
	}
	for name, text := range map[string]string{"no JSON": "{", "no names": `{"a":[]}`, "no list": `{"a":"b"}`} {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, placesFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path, func(Message, io.Reader) error { return nil }); err == nil || !strings.Contains(err.Error(), placesFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNamesOfFiles holds that folders called as an export calls its files, or as what a Maildir
// has, come back with what lies in and below them.
func TestNamesOfFiles(t *testing.T) {
	var want [][]string
	for _, name := range []string{"cur", "new", "tmp", "items", placesFile, "000001.eml", "000001.vcf", "000002.ICS", "000003.hmaitem", "a.b.eml", "x.MBOX"} {
		want = append(want, []string{name}, []string{name, name})
	}
	// Beside files of that name, and one that has placesFile written.
	want = append(want, []string{"cur", "000001.eml"}, []string{"cur", "000001.vcf"}, []string{strings.Repeat("long", 100)})
	for _, format := range []Format{EML, Mbox, Maildir} {
		path := t.TempDir()
		w, err := Create(format, path)
		if err != nil {
			t.Fatal(err)
		}
		for i, folder := range want {
			text := strings.NewReader(fmt.Sprintf("Subject: %d\n\n", i))
			err = errors.Join(err, w.Write(Message{Folder: folder}, text), w.Write(Message{Kind: Contact, Folder: folder}, strings.NewReader(fmt.Sprintf("%d END:VCARD\n", i))))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		got := readAll(t, path)
		for i, folder := range want {
			for _, text := range []string{fmt.Sprintf("Subject: %d\n\n", i), fmt.Sprintf("%d END:VCARD\n", i)} {
				if !slices.ContainsFunc(got, func(r read) bool { return r.Text == text && slices.Equal(r.Folder, folder) }) {
					t.Errorf("%s: %q is not in %.60q", format, text, folder)
				}
			}
		}
		if len(got) != 2*len(want) {
			t.Errorf("%s: %d files, want %d", format, len(got), 2*len(want))
		}
	}
}

// TestLinks holds that nothing is read by way of a link that lies in what is read.
func TestLinks(t *testing.T) {
	private := t.TempDir()
	for _, name := range []string{"secret", "secret.eml", "secret.vcf", placesFile} {
		if err := os.WriteFile(filepath.Join(private, name), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree, maildir := t.TempDir(), t.TempDir()
	err := errors.Join(os.Symlink(private, filepath.Join(tree, "cur")), os.Symlink(private, filepath.Join(tree, "new")), os.Symlink(filepath.Join(private, "secret.eml"), filepath.Join(tree, "a.eml")),
		os.Symlink(filepath.Join(private, placesFile), filepath.Join(tree, placesFile)),
		os.Mkdir(filepath.Join(maildir, "cur"), 0o700), os.Mkdir(filepath.Join(maildir, "new"), 0o700), os.Symlink(filepath.Join(private, "secret"), filepath.Join(maildir, "cur", "1:2,S")),
		os.Symlink(private, filepath.Join(maildir, itemsFolder)))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{tree, maildir} {
		if got := readAll(t, path); len(got) > 0 {
			t.Errorf("read %v", got)
		}
	}
}

// TestPassedOver counts the files of a tree that are not read.
func TestPassedOver(t *testing.T) {
	path := t.TempDir()
	below := filepath.Join(path, "below")
	err := os.Mkdir(below, 0o700)
	for _, name := range []string{"1", "a.msg", "a.eml", ".b.eml", ".DS_Store", placesFile} {
		err = errors.Join(err, os.WriteFile(filepath.Join(below, name), []byte("Subject: x\n\n"), 0o600))
	}
	if err := errors.Join(err, os.Symlink("a.eml", filepath.Join(below, "c.eml"))); err != nil {
		t.Fatal(err)
	}
	messages := 0
	passed, err := Read(path, func(_ Message, r io.Reader) error {
		if r != nil {
			messages++
		}
		return nil
	})
	if err != nil || messages != 2 || passed != 3 {
		t.Errorf("%d messages, %d passed over, error %v", messages, passed, err)
	}
}

// TestMaildirOfOthers reads what other programs leave: new mail, deleted mail, files that are none.
func TestMaildirOfOthers(t *testing.T) {
	path := t.TempDir()
	for name, text := range map[string]string{
		"cur/1.a:2,S": "seen", "cur/2.b:2,FST": "deleted", "new/3.c": "new", "tmp/4.d": "half", "cur/.hidden": "hidden",
		".Archiv&AOQ-/cur/5.e:2,": "other", ".Archiv&AOQ-/new/6.f": "x", "dovecot-uidlist": "1", ".notmail/file": "y",
	} {
		name = filepath.Join(path, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, m := range readAll(t, path) {
		got = append(got, fmt.Sprintf("%s %q %v", m.Text, m.Folder, m.Read))
	}
	if want := []string{`seen ["Inbox"] true`, `new ["Inbox"] false`, `other ["Archivä"] false`, `x ["Archivä"] false`}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzCards holds that the cards of a file are all of it.
func FuzzCards(f *testing.F) {
	f.Add("BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\nBEGIN:VCARD\rAGENT:\rBEGIN:VCARD\rEND:VCARD\rEND:VCARD")
	f.Add("END:VCARD\n\n\nBEGIN:VCARD\nBEGIN:VCARD\nx")
	f.Fuzz(func(t *testing.T, text string) {
		var all strings.Builder
		err := readCards(strings.NewReader(text), Message{}, func(_ Message, r io.Reader) error {
			card, err := io.ReadAll(r)
			if len(strings.TrimSpace(string(card))) == 0 {
				t.Error("a card of nothing")
			}
			all.Write(card)
			return err
		})
		if err != nil || strings.TrimSpace(all.String()) != strings.TrimSpace(text) {
			t.Errorf("%q became %q: %v", text, all.String(), err)
		}
	})
}

// FuzzNames holds that names of folders come back, and stay one element of a path.
func FuzzNames(f *testing.F) {
	f.Add("a/b")
	f.Add("..")
	f.Add("&Größe😀&-.")
	f.Fuzz(func(t *testing.T, name string) {
		name = strings.ToValidUTF8(name, "x")
		file, dir := encodeName(name), encodeUTF7(name)
		if strings.ContainsAny(file, "/\x00") || file == "." || file == ".." || strings.ContainsAny(dir, "/.\x00") {
			t.Fatalf("%q became %q and %q", name, file, dir)
		}
		for _, p := range []*places{newTree(""), newMaildir("").places} {
			folder := []string{"a", name, strings.Repeat(name, 9)}
			path := p.of(folder)
			again, moved := p.moved[path]
			if !filepath.IsLocal(path) || len(path) > maxPath || len(filepath.Base(path)) > maxName || moved && !slices.Equal(again, folder) || p.of(folder) != path {
				t.Errorf("%q lies at %q, of %q", folder, path, again)
			}
		}
		if decodeName(file) != name {
			t.Errorf("%q became %q and %q", name, file, decodeName(file))
		}
		if decodeUTF7(dir) != name {
			t.Errorf("%q became %q and %q", name, dir, decodeUTF7(dir))
		}
	})
}
