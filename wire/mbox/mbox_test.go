package mbox

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

type message struct {
	Sender   string
	Received time.Time
	Flags    Flags
	Text     string
}

func readAll(r io.Reader) (list []message, err error) {
	in := NewReader(r)
	for {
		m, err := in.Next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		text, err := io.ReadAll(m)
		if err != nil {
			return list, err
		}
		list = append(list, message{m.Sender, m.Received, m.Flags, string(text)})
	}
}

// TestRoundTrip writes messages that look like what stands between messages.
func TestRoundTrip(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 9, 0, time.UTC)
	long := strings.Repeat("x", 200_000)
	want := []message{
		{"a@contoso.com", at, Flags{Read: true, Answered: true, Flagged: true, Draft: true, Keywords: []string{"Red category", "100%", "Grün"}}, "Subject: a\r\n\r\nFrom me\r\n>From you\r\n>>From them\r\n\r\nFrom x Thu Nov 26 04:00:00 2026\r\n"},
		{"MAILER-DAEMON", at, Flags{}, "Subject: b\n\nbody\n\n\n\n"},
		{"MAILER-DAEMON", at, Flags{}, "Status: RO\nX-Status: F\nX-Keywords: mine\nSubject: c\n\n\n"},
		{"MAILER-DAEMON", at, Flags{Read: true}, "Subject: d\n\n" + long + "\n>" + long + "\nFrom " + long + "\n"},
		{"MAILER-DAEMON", at, Flags{}, "\n"},
		{"MAILER-DAEMON", at, Flags{}, "From: e\n"},
		{"MAILER-DAEMON", at, Flags{}, ""},
		{"MAILER-DAEMON", at, Flags{}, "From the first line on\n\nbody\n"},
	}
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, m := range want {
		sender := m.Sender
		if sender == "MAILER-DAEMON" {
			sender = ""
		}
		if err := w.Write(sender, m.Received, m.Flags, strings.NewReader(m.Text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, r := range map[string]io.Reader{"at once": bytes.NewReader(file.Bytes()), "by bytes": iotest.OneByteReader(bytes.NewReader(file.Bytes()))} {
		got, err := readAll(r)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d messages, want %d, error %v", name, len(got), len(want), err)
		}
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("%s: message %d: got %.300v, want %.300v", name, i, got[i], want[i])
			}
		}
	}
	// A missing last line end is what the form cannot carry.
	file.Reset()
	if err := w.Write("", at, Flags{}, strings.NewReader("Subject: f\n\nno end")); err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(&file); err != nil || len(got) != 1 || got[0].Text != "Subject: f\n\nno end\n" {
		t.Errorf("got %v, error %v", got, err)
	}
}

// TestDialects reads what other programs write.
func TestDialects(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
		flags    Flags // of the first
	}{
		{"mboxo", "From a Thu Jan  1 00:00:01 2026\nSubject: a\n\n>From here\n\nFrom b Thu Jan  1 00:00:02 2026\nSubject: b\n\n\n", []string{"Subject: a\n\nFrom here\n", "Subject: b\n\n"}, Flags{}},
		{"mboxcl2", "From a Thu Jan  1 00:00:01 2026\nContent-Length: 21\nStatus: RO\nX-Status: AF\nX-Keywords: a b\n\nx\n\nFrom here to there\n\nFrom b Thu Jan  1 00:00:02 2026 +0100\n\nb\n",
			[]string{"Content-Length: 21\nStatus: RO\nX-Status: AF\nX-Keywords: a b\n\nx\n\nFrom here to there\n", "\nb\n"}, Flags{Read: true, Answered: true, Flagged: true, Keywords: []string{"a", "b"}}},
		{"no empty line before", "From a Thu Jan  1 00:00:01 2026\nSubject: a\n\ntext\nFrom b Thu Jan  1 00:00:02 2026\n", []string{"Subject: a\n\ntext\nFrom b Thu Jan  1 00:00:02 2026\n"}, Flags{}},
		{"no date", "From a\nSubject: a\n", []string{"Subject: a\n"}, Flags{}},
		{"CRLF", "From a Thu Jan  1 00:00:01 2026\r\nSubject: a\r\n\r\nx\r\n\r\nFrom b Thu Jan  1 00:00:02 2026\r\n\r\n", []string{"Subject: a\r\n\r\nx\r\n", ""}, Flags{}},
		{"empty lines first", "\n\nFrom a Thu Jan  1 00:00:01 2026\nSubject: a\n\n", []string{"Subject: a\n"}, Flags{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readAll(strings.NewReader(c.in))
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, m := range got {
				texts = append(texts, m.Text)
			}
			if !reflect.DeepEqual(texts, c.want) || !reflect.DeepEqual(got[0].Flags, c.flags) {
				t.Errorf("got %q %+v, want %q %+v", texts, got[0].Flags, c.want, c.flags)
			}
		})
	}
	if _, err := readAll(strings.NewReader("Subject: a\n\n")); !errors.Is(err, ErrNoFrom) {
		t.Errorf("error %v, want ErrNoFrom", err)
	}
	if got, err := readAll(strings.NewReader("")); err != nil || got != nil {
		t.Errorf("an empty file: %v, error %v", got, err)
	}
}

// FuzzRead holds that what is read and written comes back as it was read.
func FuzzRead(f *testing.F) {
	f.Add([]byte("From a Thu Jan  1 00:00:01 2026\nStatus: RO\nX-Status: \nX-Keywords: a%20b\nSubject: a\n\n>From here\n\nFrom b Thu Jan  1 00:00:02 2026\n\n"))
	f.Add([]byte("From a Thu Jan  1 00:00:01 2026\nSubject: a\r\n\r\n\r\nFrom x\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		first, err := readAll(bytes.NewReader(in))
		if err != nil {
			return
		}
		var file bytes.Buffer
		w := NewWriter(&file)
		for _, m := range first {
			if err := w.Write(m.Sender, m.Received, m.Flags, strings.NewReader(m.Text)); err != nil {
				t.Fatal(err)
			}
		}
		again, err := readAll(bytes.NewReader(file.Bytes()))
		if err != nil || len(again) != len(first) {
			t.Fatalf("%d messages became %d, error %v\n%q", len(first), len(again), err, file.Bytes())
		}
		for i := range first {
			text := first[i].Text
			if text != "" && !strings.HasSuffix(text, "\n") {
				text += "\n"
			}
			if again[i].Text != text {
				t.Fatalf("message %d: %q became %q", i, first[i].Text, again[i].Text)
			}
		}
	})
}
