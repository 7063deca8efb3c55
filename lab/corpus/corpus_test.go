package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

var (
	now    = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	people = []Person{
		{Name: "Alice Novak", Address: "alice@contoso.com"}, {Name: "Björn Lindqvist", Address: "bjorn@contoso.com"},
		{Name: "Chen Wei", Address: "chen@contoso.com", Given: "Wei"}, {Name: "Inês Duarte", Address: "ines@contoso.com"},
	}
)

func all(t testing.TB, seed uint64, n int) []Message {
	t.Helper()
	var out []Message
	for m, err := range Messages(seed, now, people, n) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func TestSameSeedSameMail(t *testing.T) {
	a, b, other := all(t, 7, 200), all(t, 7, 200), all(t, 8, 200)
	same := func(x, y Message) bool {
		return bytes.Equal(x.Bytes, y.Bytes) && x.Date.Equal(y.Date) && x.Read == y.Read
	}
	if !slices.EqualFunc(a, b, same) {
		t.Error("the same seed gave other mail")
	}
	if slices.EqualFunc(a, other, same) {
		t.Error("another seed gave the same mail")
	}
}

// TestMessages reads every message back and counts what a lab should have.
func TestMessages(t *testing.T) {
	local := map[string]bool{}
	for _, p := range people {
		local[p.Address] = true
	}
	counts := map[string]int{}
	ids := map[string]bool{}
	conversations := map[string]int{}
	var last time.Time
	list := all(t, 1, 300)
	if len(list) != 300 {
		t.Fatalf("%d messages", len(list))
	}
	for _, m := range list {
		var contents [][]byte
		got, err := oxcmail.Read(bytes.NewReader(m.Bytes), func(_ *oxcmail.Attachment, r io.Reader) (mapi.Blob, error) {
			b, err := io.ReadAll(r)
			contents = append(contents, b)
			return mapi.Blob{}, err
		})
		if err != nil || got.Damaged {
			t.Fatalf("damaged, %v:\n%s", err, m.Bytes)
		}
		subject := got.Props.String(mapi.PidTagSubject)
		if subject == "" || got.From.Email != m.From || strings.ContainsAny(subject+got.Text, "{}\uFFFD") {
			t.Errorf("subject %q, from %v, text %q", subject, got.From, got.Text)
		}
		if m.Date.Before(last) || m.Date.After(now) || now.Sub(m.Date) > days*24*time.Hour || !got.Props.Time(mapi.PidTagClientSubmitTime).Equal(m.Date) {
			t.Errorf("%q: date %v after %v", subject, m.Date, last)
		}
		last = m.Date
		id := got.Props.String(mapi.PidTagInternetMessageID)
		if id == "" || ids[id] {
			t.Errorf("%q: message id %q", subject, id)
		}
		ids[id] = true
		if len(m.To) == 0 || len(m.To) != len(got.Recipients) {
			t.Errorf("%q: to %v, header %v", subject, m.To, got.Recipients)
		}
		for _, to := range m.To {
			if !local[to] || to == m.From {
				t.Errorf("%q from %s to %s", subject, m.From, to)
			}
		}
		if !local[m.From] {
			counts["from outside"]++
			if domain := m.From[strings.IndexByte(m.From, '@')+1:]; domain != "example.org" && domain != "example.net" {
				t.Errorf("sender %s", m.From)
			}
		}
		conversations[string(got.Props.Bytes(mapi.PidTagConversationID))]++
		for i, a := range got.Attachments {
			counts[a.ContentType]++
			if a.Inline {
				counts["inline"]++
			}
			switch {
			case a.ContentType == "image/png":
				if _, err := png.Decode(bytes.NewReader(contents[i])); err != nil {
					t.Errorf("%s: %v", a.Name, err)
				}
			case a.ContentType == "application/pdf" && !bytes.HasPrefix(contents[i], []byte("%PDF-1.4\n")), len(contents[i]) == 0:
				t.Errorf("%s: %.40q", a.Name, contents[i])
			}
			if strings.ContainsFunc(a.Name, func(r rune) bool { return r > 0x7f }) {
				counts["name beyond ASCII"]++
			}
		}
		for what, is := range map[string]bool{
			"html": got.HTML != "", "plain": got.HTML == "", "read": m.Read, "unread": !m.Read, "answer": got.Props.String(mapi.PidTagInReplyToID) != "",
			"list": got.Props.String(mapi.PidTagListUnsubscribe) != "", "important": got.Props.Int32(mapi.PidTagImportance) == 2,
		} {
			if is {
				counts[what]++
			}
		}
		for name, script := range map[string]string{"German": "üß", "Polish": "łż", "Greek": "αλ", "Japanese": "のテ", "Arabic": "ال", "emoji": "🌷🍰"} {
			if strings.ContainsAny(subject+got.Text, script) {
				counts[name]++
			}
		}
		for _, charset := range []string{"iso-8859-1", "iso-8859-2", "iso-2022-jp"} {
			if bytes.Contains(m.Bytes, []byte("charset="+charset)) {
				counts[charset]++
			}
		}
	}
	counts["longest thread"] = slices.Max(slices.Collect(maps.Values(conversations)))
	for what, least := range map[string]int{
		"html": 80, "plain": 120, "read": 150, "unread": 20, "answer": 50, "list": 10, "important": 3, "longest thread": 7, "from outside": 60,
		"text/csv": 8, "application/pdf": 6, "image/png": 15, "text/plain": 4, "text/calendar": 5, "inline": 10, "name beyond ASCII": 8,
		"German": 4, "Polish": 4, "Greek": 4, "Japanese": 4, "Arabic": 4, "emoji": 4, "iso-8859-1": 1, "iso-8859-2": 1, "iso-2022-jp": 1,
	} {
		if counts[what] < least {
			t.Errorf("%s: %d, want at least %d", what, counts[what], least)
		}
	}
	if t.Failed() {
		t.Log(counts)
	}
}

func TestFewPeople(t *testing.T) {
	for n := range 12 {
		if got := len(all(t, 3, n)); got != n {
			t.Errorf("%d messages, want %d", got, n)
		}
	}
	alone := 0
	for m, err := range Messages(3, now, people[:1], 100) {
		if err != nil || !slices.Equal(m.To, []string{people[0].Address}) {
			t.Fatal(m.To, err)
		}
		alone++
	}
	if alone != 100 {
		t.Errorf("%d messages to one person", alone)
	}
	for _, err := range Messages(3, now, nil, 1) {
		if !errors.Is(err, ErrNoPeople) {
			t.Errorf("mail to nobody: %v", err)
		}
	}
}

func BenchmarkMessages(b *testing.B) {
	size := 0
	for b.Loop() {
		size = 0
		for _, m := range all(b, 1, 300) {
			size += len(m.Bytes)
		}
	}
	b.ReportMetric(float64(size)/300, "bytes/message")
}

// Example shows the subjects of a small lab.
func Example() {
	for m, err := range Messages(1, now, people, 3) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(m.Date.Weekday() != time.Sunday, len(m.Bytes) > 100)
	}
	// Output:
	// true true
	// true true
	// true true
}
