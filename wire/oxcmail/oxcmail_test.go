package oxcmail

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hma/wire/mapi"
)

// lines joins lines with CR LF.
func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

// keep returns a Content that keeps what it gets, and the list that it fills.
func keep() (Content, *[]string) {
	var got []string
	return func(a *Attachment, r io.Reader) (mapi.Blob, error) {
		b, err := io.ReadAll(r)
		got = append(got, string(b))
		return mapi.Blob{Hash: sha256.Sum256(b), Size: int64(len(b))}, err
	}, &got
}

func read(t *testing.T, s string) (*Message, []string) {
	t.Helper()
	content, got := keep()
	m, err := Read(strings.NewReader(s), content)
	if err != nil {
		t.Fatal(err)
	}
	return m, *got
}

func TestHeader(t *testing.T) {
	m, _ := read(t, lines(
		"Received: from a by b; Mon, 2 Nov 2026 10:00:05 +0100",
		"Received: from c by a; Mon, 2 Nov 2026 09:59:00 +0100",
		"From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <jm@contoso.com>",
		"Sender: \"Desk, Front\" <desk@contoso.com>",
		"Reply-To: Answers <answers@contoso.com>",
		"To: anna@contoso.com, Team: b@contoso.com, c@contoso.com;,",
		" \"Zoë\" <z@example.org>",
		"Cc: d@example.org",
		"Date: Mon, 2 Nov 2026 10:00:00 +0100",
		"Subject: RE: =?iso-8859-1?Q?Gr=FC=DFe?= aus",
		" Wien",
		"Message-ID: <2@contoso.com>",
		"In-Reply-To: <1@contoso.com>",
		"References: <0@contoso.com> <1@contoso.com>",
		"X-Priority: 1 (Highest)",
		"Sensitivity: Private",
		"Disposition-Notification-To: jm@contoso.com",
		"Keywords: plans, autumn",
		"",
		"Hallo"))
	want := mapi.Bag{
		mapi.PidTagSubject: "RE: Grüße aus Wien", mapi.PidTagSubjectPrefix: "RE: ", mapi.PidTagNormalizedSubject: "Grüße aus Wien",
		mapi.PidTagConversationTopic: "Grüße aus Wien", mapi.PidTagSentRepresentingName: "Jürgen Müller", mapi.PidTagSentRepresentingSmtp: "jm@contoso.com",
		mapi.PidTagSenderName: "Desk, Front", mapi.PidTagSenderEmail: "desk@contoso.com", mapi.PidTagDisplayTo: "anna@contoso.com; b@contoso.com; c@contoso.com; Zoë",
		mapi.PidTagDisplayCc: "d@example.org", mapi.PidTagDisplayBcc: "", mapi.PidTagInternetMessageID: "<2@contoso.com>", mapi.PidTagInReplyToID: "<1@contoso.com>",
		mapi.PidTagInternetReferences: "<0@contoso.com> <1@contoso.com>", mapi.PidTagImportance: int32(2), mapi.PidTagSensitivity: int32(2),
		mapi.PidTagReadReceiptRequested: true, mapi.PidTagClientSubmitTime: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
		mapi.PidTagMessageDeliveryTime: time.Date(2026, 11, 2, 9, 0, 5, 0, time.UTC), mapi.PidTagHasAttachments: false, mapi.PidTagNativeBody: int32(1),
		mapi.PidTagMessageClass: "IPM.Note",
	}
	for tag, v := range want {
		if got := m.Props[tag]; got != v {
			t.Errorf("%s: %#v, want %#v", tag, got, v)
		}
	}
	if got := m.Props.Strings(mapi.PidNameKeywords); !slices.Equal(got, []string{"plans", "autumn"}) {
		t.Errorf("keywords %q", got)
	}
	if got := ReplyTo(m.Props); len(got) != 1 || got[0] != (Address{"Answers", "answers@contoso.com"}) {
		t.Errorf("reply to %v", got)
	}
	if m.Damaged || m.Text != "Hallo\r\n" {
		t.Errorf("damaged %v, text %q", m.Damaged, m.Text)
	}
	for tag, v := range m.Props {
		if err := mapi.CheckValue(tag, v); err != nil {
			t.Error(err)
		}
	}
}

func TestBodies(t *testing.T) {
	part := func(contentType, body string) string {
		return "--b\r\nContent-Type: " + contentType + "\r\n\r\n" + body + "\r\n"
	}
	for _, c := range []struct {
		name, message, text, html string
		attachments               int
		has                       bool
	}{
		{"plain", "Content-Type: text/plain; charset=windows-1251\r\n\r\n\xcf\xf0\xe8\xe2\xe5\xf2", "Привет", "", 0, false},
		{"wrong charset", "Content-Type: text/plain; charset=us-ascii\r\n\r\nsch\xf6n", "schön", "", 0, false},
		{"unknown charset", "Content-Type: text/plain; charset=klingon\r\n\r\nπ", "π", "", 0, false},
		{"shift_jis", "Content-Type: text/plain; charset=Shift_JIS\r\nContent-Transfer-Encoding: base64\r\n\r\nk/qWe4zq\r\n", "日本語", "", 0, false},
		{"quoted printable with faults", "Content-Transfer-Encoding: quoted-printable\r\n\r\nsoft =\r\nbreak =C3=A9 =ZZ end=", "soft break é =ZZ end", "", 0, false},
		{"html alone", "Content-Type: text/html\r\n\r\n<style>p{}</style><p>Dear  all,<br>see &amp; tell</p><ul><li>one<li>two</ul>",
			"Dear all,\r\nsee & tell\r\n\r\n* one\r\n* two", "<style>p{}</style><p>Dear  all,<br>see &amp; tell</p><ul><li>one<li>two</ul>", 0, false},
		{"alternative", "Content-Type: multipart/alternative; boundary=b\r\n\r\n" + part("text/plain", "plain") + part("text/html", "<b>rich</b>") + part("text/calendar", "BEGIN:VCALENDAR") + "--b--\r\n",
			"plain", "<b>rich</b>", 1, true},
		{"text, file, text", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part("text/plain", "one") + part("text/csv; name=x.csv", "a,b") + part("text/plain", "two") + "--b--\r\n",
			"one\r\ntwo", "", 1, true},
		{"plain then html", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part("text/plain", "one") + part("text/html", "<p>two</p>") + "--b--\r\n",
			"one\r\n\r\ntwo", "<div>one</div><p>two</p>", 0, false},
		{"no last boundary", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part("text/plain", "one"), "one", "", 0, false},
		{"attached text", "Content-Disposition: attachment; filename=x.txt\r\n\r\nfile", "", "", 1, true},
		{"bad type", "Content-Type: garbage\r\n\r\nstill text", "still text", "", 0, false},
		{"related", "Content-Type: multipart/related; boundary=b\r\n\r\n" + part("text/html", `<img src="CID:logo%40x">`) + part("image/png\r\nContent-ID: <logo@x>", "PNG") + "--b--\r\n",
			"", `<img src="CID:logo%40x">`, 1, false},
		{"related but not shown", "Content-Type: multipart/related; boundary=b\r\n\r\n" + part("text/html", "no picture") + part("image/png\r\nContent-ID: <logo@x>", "PNG") + "--b--\r\n",
			"no picture", "no picture", 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := read(t, c.message)
			if m.Text != c.text || m.HTML != c.html {
				t.Errorf("text %q\nhtml %q", m.Text, m.HTML)
			}
			if len(m.Attachments) != c.attachments || m.HasAttachments() != c.has {
				t.Errorf("%d attachments, has attachments %v", len(m.Attachments), m.HasAttachments())
			}
		})
	}
}

func TestFileNames(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{`Content-Disposition: attachment; filename="plan.pdf"`, "plan.pdf"},
		{`Content-Disposition: attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf`, "Grüße.pdf"},
		{`Content-Disposition: attachment; filename*=iso-8859-2'pl'za%BF%F3%B3%E6.txt`, "zażółć.txt"},
		{"Content-Disposition: attachment; filename*0*=UTF-8''%CE%91%CE%B8; filename*1*=%CE%AE%CE%BD; filename*2=\"a.txt\"", "Αθήνa.txt"},
		{`Content-Disposition: attachment; filename="=?utf-8?B?5pel5pys?=.txt"`, "日本.txt"},
		{`Content-Type: application/pdf; name="=?utf-8?q?z=C3=A4h?=.pdf"`, "zäh.pdf"},
		{`Content-Disposition: attachment; filename="..\..\evil/../x<y>.exe"`, "x_y_.exe"},
		{"Content-Disposition: attachment; filename=no quotes.txt; size=3", "no quotes.txt"},
		{"Content-Type: application/pdf", "ATT00001.pdf"},
		{"Content-Type: message/rfc822", "Old plans.eml"},
	} {
		if !strings.Contains(c.header, "Type") {
			c.header += "\r\nContent-Type: application/x-test"
		}
		m, _ := read(t, c.header+"\r\n\r\nSubject: Old plans\r\n\r\nbody")
		if len(m.Attachments) != 1 || m.Attachments[0].Name != c.want {
			t.Errorf("%s: %+v, want %q", c.header, m.Attachments, c.want)
		}
	}
}

func TestReportClass(t *testing.T) {
	for action, want := range map[string]string{"failed": "REPORT.IPM.Note.NDR", "delivered": "REPORT.IPM.Note.DR", "delayed": "IPM.Note"} {
		m, got := read(t, lines("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "",
			"--b", "", "Sorry", "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; x", "", "Action: "+action, "--b--"))
		if class := m.Props.String(mapi.PidTagMessageClass); class != want || len(got) != 1 || !strings.Contains(got[0], "Action: "+action) {
			t.Errorf("%s: class %q, attachments %q", action, class, got)
		}
	}
}

func TestThread(t *testing.T) {
	id := func(header ...string) string {
		m, _ := read(t, lines(append(header, "", "x")...))
		return string(m.Props.Bytes(mapi.PidTagConversationID))
	}
	first := id("Message-ID: <1@x>", "Subject: Plans")
	answer := id("Message-ID: <2@x>", "References: <1@x>", "In-Reply-To: <1@x>", "Subject: Re: Plans")
	later := id("Message-ID: <3@x>", "References: <1@x> <2@x>", "Subject: AW: Re: Plans")
	other := id("Message-ID: <4@x>", "Subject: Plans")
	if len(first) != 16 || first != answer || first != later || first == other {
		t.Errorf("conversation ids %x %x %x %x", first, answer, later, other)
	}
	sent := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	root := NewConversationIndex(nil, "<1@x>", sent)
	child := NewConversationIndex(root, "", sent.Add(time.Hour))
	if len(root) != 22 || len(child) != 27 || !bytes.Equal(child[:22], root) || string(ConversationID(child)) != first {
		t.Errorf("index %x, answer %x", root, child)
	}
	if got := id("Thread-Index: "+base64.StdEncoding.EncodeToString(child), "Message-ID: <9@x>"); got != first {
		t.Errorf("conversation of an index: %x", got)
	}
	for subject, want := range map[string]string{"RE: x": "x", "Re: FW: x": "x", "Note: x": "Note: x", "a1: x": "a1: x", "Re:x": "Re:x", "RE: ": "", ": x": ": x"} {
		if prefix, got := SplitSubject(subject); got != want || prefix+got != subject {
			t.Errorf("%q is %q and %q", subject, prefix, got)
		}
	}
}

// repeat gives the same bytes until n are read.
type repeat struct {
	piece string
	n     int64
	at    int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && r.n > 0 {
		c := copy(p[n:min(int64(len(p)), int64(n)+r.n)], r.piece[r.at:])
		r.at = (r.at + c) % len(r.piece)
		r.n -= int64(c)
		n += c
	}
	return n, nil
}

// TestHostile reads messages made to hurt: each must end, within the limits, and say that something was left out.
func TestHostile(t *testing.T) {
	nested := func(depth int) io.Reader {
		var b strings.Builder
		for i := range depth {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		return strings.NewReader(b.String() + "\r\ndeep")
	}
	for _, c := range []struct {
		name string
		r    io.Reader
		most int // attachments
	}{
		{"parts", io.MultiReader(strings.NewReader("Content-Type: multipart/mixed; boundary=b\r\n\r\n"), &repeat{piece: "--b\r\nContent-Type: a/b\r\n\r\n\r\n", n: 2 << 20}), MaxParts},
		{"depth", nested(5000), 0},
		{"header line", &repeat{piece: "Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", n: 8 << 20}, 0},
		{"header fields", &repeat{piece: "A:\r\n", n: 8 << 20}, 0},
		{"part header", io.MultiReader(strings.NewReader("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"), &repeat{piece: "X: aaaaaaaaaaaaaaaaaa\r\n", n: 8 << 20}), 0},
		{"body", io.MultiReader(strings.NewReader("\r\n"), &repeat{piece: "all work and no play\r\n", n: 20 << 20}), 0},
		{"bodies", io.MultiReader(strings.NewReader("Content-Type: multipart/mixed; boundary=b\r\n\r\n"), &repeat{piece: "--b\r\n\r\n" + strings.Repeat("text ", 10000) + "\r\n", n: 20 << 20}), 400},
		{"not a header", strings.NewReader("no colon here\r\nSubject: x\r\n\r\nbody"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Read(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Damaged || len(m.Attachments) > c.most || len(m.Text) > MaxHeld || len(m.HTML) > MaxHeld {
				t.Errorf("damaged %v, %d attachments, %d bytes of text", m.Damaged, len(m.Attachments), len(m.Text))
			}
		})
	}
}

// A text that is too long to be held flows through when it is the message's body, and is
// an attachment where it comes too late for that. Nothing of a message is lost.
func TestLongText(t *testing.T) {
	of := func(line string, size int) string { return strings.Repeat(line, size/len(line)+1) }
	const n = MaxHeld / 2 // lines
	const parts = "Content-Type: multipart/%s; boundary=b\r\n\r\n"
	page := "<p>begin</p>" + of("<p>line of a page</p>\n", 2*MaxHeld) + "<img src=cid:a@b>"
	for _, c := range []struct {
		name, message string
		text, html    string // as far as they are long, whole
		attachments   []string
		inline        bool
	}{
		{name: "plain", message: "\r\n" + strings.Repeat("f\u00fcr \u2603\n", n), text: strings.Repeat("f\u00fcr \u2603\r\n", n)},
		{name: "charset", message: "Content-Type: text/plain; charset=iso-8859-15\r\n\r\n" + strings.Repeat("\xa4 5\r\n", n), text: strings.Repeat("\u20ac 5\r\n", n)},
		{name: "no charset", message: "\r\n" + strings.Repeat("f\xfcr\x00\r\n", n), text: strings.Repeat("f\u00fcr\r\n", n)},
		{name: "html", message: fmt.Sprintf(parts, "related") + "--b\r\nContent-Type: text/html\r\n\r\n" + page + "\r\n--b\r\nContent-Type: image/png\r\nContent-Id: <a@b>\r\n\r\nx\r\n--b--",
			html: page, attachments: []string{"x"}, inline: true},
		{name: "alternative", message: fmt.Sprintf(parts, "alternative") + "--b\r\n\r\nshort\r\n--b\r\nContent-Type: text/html\r\n\r\n" + page + "\r\n--b--", html: page},
		{name: "both", message: fmt.Sprintf(parts, "alternative") + "--b\r\n\r\n" + of("x", 2*MaxHeld) + "\r\n--b\r\nContent-Type: text/html\r\n\r\n" + page + "\r\n--b--",
			text: of("x", 2*MaxHeld), html: page},
		{name: "footer", message: fmt.Sprintf(parts, "mixed") + "--b\r\n\r\n" + of("x", 2*MaxHeld) + "\r\n--b\r\n\r\nfooter\r\n--b--",
			text: of("x", 2*MaxHeld), attachments: []string{"footer"}},
		{name: "second", message: fmt.Sprintf(parts, "mixed") + "--b\r\n\r\nshort\r\n--b\r\n\r\n" + of("x", 2*MaxHeld) + "\r\n--b\r\n\r\nfooter\r\n--b--",
			attachments: []string{of("x", 2*MaxHeld), "footer"}},
		{name: "too long", message: "\r\n" + of("x", 2*MaxBody), text: of("x", MaxBody)[:MaxBody]},
	} {
		t.Run(c.name, func(t *testing.T) {
			contents := map[mapi.Blob]string{}
			m, err := Read(strings.NewReader(c.message), func(a *Attachment, r io.Reader) (mapi.Blob, error) {
				b, err := io.ReadAll(r)
				blob := mapi.Blob{Hash: sha256.Sum256(b), Size: int64(len(b))}
				contents[blob] = string(b)
				return blob, err
			})
			if err != nil {
				t.Fatal(err)
			}
			if contents[m.LongText] != c.text || contents[m.LongHTML] != c.html {
				t.Errorf("long texts of %d and %d bytes, want %d and %d", len(contents[m.LongText]), len(contents[m.LongHTML]), len(c.text), len(c.html))
			}
			if c.text != "" && (len(m.Text) < MaxHeld-utf8.UTFMax || !strings.HasPrefix(c.text, m.Text)) || !strings.HasPrefix(c.html, m.HTML) || m.Text == "" || len(m.Text) > MaxHeld {
				t.Errorf("held are %d and %d bytes: %.20q, %.20q", len(m.Text), len(m.HTML), m.Text, m.HTML)
			}
			var attachments []string
			for _, a := range m.Attachments {
				attachments = append(attachments, contents[a.Content])
			}
			if !slices.Equal(attachments, c.attachments) || c.inline != (len(attachments) > 0 && m.Attachments[0].Inline) {
				t.Errorf("%d attachments, want %d", len(attachments), len(c.attachments))
			}
			if m.Damaged != (c.name == "too long") {
				t.Errorf("damaged %v", m.Damaged)
			}
		})
	}
}

// TestLargeAttachmentStreams reads 50 MB of base64 and looks at what stays on the heap meanwhile.
func TestLargeAttachmentStreams(t *testing.T) {
	const size = 50 << 20
	line := strings.Repeat("QUJD", 19) + "\r\n"
	r := io.MultiReader(strings.NewReader("Content-Type: application/x-large\r\nContent-Transfer-Encoding: base64\r\n\r\n"), &repeat{piece: line, n: size / 78 * 78})
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var total int64
	_, err := Read(r, func(a *Attachment, r io.Reader) (mapi.Blob, error) {
		var err error
		total, err = io.Copy(io.Discard, r)
		runtime.ReadMemStats(&during)
		return mapi.Blob{}, err
	})
	if err != nil || total != size/78*57 {
		t.Fatalf("%d bytes, %v", total, err)
	}
	if grown := int64(during.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("heap grew by %d MiB", grown>>20)
	}
}

func TestReadErrors(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("Subject: x\r\n\r\nbody"), &failing{})
	if _, err := Read(broken, nil); err == nil {
		t.Error("an error of the reader was taken for a short message")
	}
	_, err := Read(strings.NewReader("Content-Type: a/b\r\n\r\nx"), func(*Attachment, io.Reader) (mapi.Blob, error) { return mapi.Blob{}, io.ErrShortWrite })
	if err == nil {
		t.Error("an error of the attachment's function was lost")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestRoundTrip writes a message and reads it again.
func TestRoundTrip(t *testing.T) {
	sent := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	picture, file := "\x89PNG\x00\xff", "a;b\r\n1;2\r\n"
	embedded := "Subject: inner\r\n\r\nHello\r\n"
	for _, c := range []*Message{
		{Text: "Grüße,\r\n.\r\nFrom here " + strings.Repeat("long ", 300)},
		{Text: "Hello", HTML: "<p>Hello <b>日本語</b></p>"},
		{Text: "See", HTML: `<img src="cid:pic@x">`, Attachments: []*Attachment{
			{Name: "Bild ä.png", ContentType: "image/png", ContentID: "pic@x", Inline: true},
			{Name: "τιμές.csv", ContentType: "text/csv"},
			{Name: "inner.eml", ContentType: "message/rfc822", Embedded: true}}},
		{Attachments: []*Attachment{{Name: "τιμές.csv", ContentType: "text/csv"}}},
	} {
		c.From = Address{"Zoë, \"the\" Boss", "zoe@contoso.com"}
		c.Sender = Address{"Desk", "desk@contoso.com"}
		c.ReplyTo = []Address{{"", "answers@contoso.com"}}
		c.Recipients = []Recipient{{mapi.RecipientTo, Address{"Łukasz", "l@contoso.com"}}, {mapi.RecipientCc, Address{"", "c@example.org"}}, {mapi.RecipientBcc, Address{"B", "b@contoso.com"}}}
		c.Props = mapi.Bag{
			mapi.PidTagSubject: "RE: 計画 and a long subject that has to be folded somewhere in the middle, שלום", mapi.PidTagNormalizedSubject: "計画 and a long subject that has to be folded somewhere in the middle, שלום",
			mapi.PidTagConversationTopic: "計画", mapi.PidTagClientSubmitTime: sent, mapi.PidTagInternetMessageID: "<2@contoso.com>",
			mapi.PidTagInReplyToID: "<1@contoso.com>", mapi.PidTagInternetReferences: "<0@contoso.com> <1@contoso.com>",
			mapi.PidTagConversationIndex: NewConversationIndex(nil, "x", sent), mapi.PidTagImportance: int32(0), mapi.PidTagSensitivity: int32(3), mapi.PidTagPriority: int32(1),
			mapi.PidTagReadReceiptRequested: true, mapi.PidNameKeywords: []string{"grün", "blue"},
		}
		var out bytes.Buffer
		err := Write(&out, c, func(a *Attachment) (io.ReadCloser, error) {
			s := file
			switch {
			case a.Embedded:
				s = embedded
			case a.Inline:
				s = picture
			}
			return io.NopCloser(strings.NewReader(s)), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		m, contents := read(t, out.String())
		for tag, v := range c.Props {
			if fmt.Sprint(m.Props[tag]) != fmt.Sprint(v) {
				t.Errorf("%s: %v, want %v", tag, m.Props[tag], v)
			}
		}
		if m.Damaged || m.From != c.From || m.Sender != c.Sender || !slices.Equal(m.Recipients, c.Recipients) || !slices.Equal(m.ReplyTo, c.ReplyTo) {
			t.Errorf("people: %+v", m)
		}
		if m.Text != c.Text || m.HTML != c.HTML {
			t.Errorf("text %q\nwant %q\nhtml %q\nwant %q", m.Text, c.Text, m.HTML, c.HTML)
		}
		if len(m.Attachments) != len(c.Attachments) {
			t.Fatalf("%d attachments, want %d", len(m.Attachments), len(c.Attachments))
		}
		for i, a := range m.Attachments {
			want := *c.Attachments[i]
			want.Content = a.Content
			if *a != want {
				t.Errorf("attachment %+v, want %+v", *a, want)
			}
			if s := contents[i]; s != picture && s != file && s != embedded {
				t.Errorf("content %q", s)
			}
		}
		for line := range strings.Lines(out.String() + "\r\n") {
			if len(line) > 1000 || !strings.HasSuffix(line, "\r\n") {
				t.Errorf("line of %d bytes: %.40q", len(line), line)
			}
		}
	}
}

// TestNoInjection puts line ends where a property becomes a header field.
func TestNoInjection(t *testing.T) {
	evil := "x\r\nBcc: victim@example.org\r\n\r\nbody"
	m := &Message{Text: "x", From: Address{evil, evil + "@x"}, Sender: Address{evil, "a@b"}, Recipients: []Recipient{{mapi.RecipientTo, Address{evil, evil}}},
		Props:       mapi.Bag{mapi.PidTagSubject: evil, mapi.PidTagInternetMessageID: "<" + evil + ">", mapi.PidTagInternetReferences: "<" + evil + ">", mapi.PidTagConversationTopic: evil, mapi.PidNameKeywords: []string{evil}},
		Attachments: []*Attachment{{Name: evil, ContentType: "a/b\r\nX: y", ContentID: evil, ContentLocation: evil}}}
	var out bytes.Buffer
	if err := Write(&out, m, func(*Attachment) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }); err != nil {
		t.Fatal(err)
	}
	fields, _, err := ReadFields(bufio.NewReader(&out))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		if strings.EqualFold(f.Name, "Bcc") || f.Name == "" || f.Name == "X" {
			t.Errorf("field %q", f.Raw)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(lines("From: a@b", "Content-Type: multipart/alternative; boundary=b", "", "--b", "", "x", "--b", "Content-Type: text/html", "Content-Transfer-Encoding: quoted-printable", "", "=3Cb>", "--b--")))
	f.Add([]byte(lines("Subject: =?utf-8?b?4pi6?=", "Content-Disposition: attachment; filename*0*=a''%20; filename*1=b", "Content-Transfer-Encoding: base64", "", "QUJD=", "x")))
	f.Add([]byte(lines("To: \"a, <b@c>, :;", "Thread-Index: AQ==", "Date: never", "Content-Type: multipart/report; report-type=delivery-status; boundary=\"\"", "", "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(bytes.NewReader(b), func(a *Attachment, r io.Reader) (mapi.Blob, error) {
			_, err := io.Copy(io.Discard, r)
			return mapi.Blob{}, err
		})
		if err != nil {
			t.Fatalf("a message is never refused: %v", err)
		}
		for tag, v := range m.Props {
			if err := mapi.CheckValue(tag, v); err != nil {
				t.Error(err)
			}
		}
		if err := Write(io.Discard, m, func(*Attachment) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }); err != nil {
			t.Errorf("write what was read: %v", err)
		}
	})
}

// TestKeywordsAreBounded holds that keywords, which are kept in an item's row, stay short.
func TestKeywordsAreBounded(t *testing.T) {
	m, err := Read(strings.NewReader("Keywords: "+strings.Repeat("k", 500_000)+", short\r\n\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Props.Strings(mapi.PidNameKeywords); len(got) != 2 || len(got[0]) != maxText || got[1] != "short" {
		t.Errorf("%d keywords, the first of %d bytes", len(got), len(got[0]))
	}
}
