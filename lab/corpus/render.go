package corpus

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
)

// draft is a message before it is bytes.
type draft struct {
	id         string
	from       Person
	to         []Person
	date       time.Time
	subject    string
	text, html string // with LF line ends; of a draft with html, text is made
	charset    string // of the text; utf-8 when empty
	files      []*file
	references []string
	list       bool
	important  bool
	read       bool
	seed       uint64
}

// file is an attachment; one with an id is shown within the HTML.
type file struct {
	name, contentType string
	id                string
	data              []byte
}

// charsets are the ones that the mail uses beside UTF-8.
var charsets = map[string]encoding.Encoding{
	"iso-8859-1":  charmap.ISO8859_1,
	"iso-8859-2":  charmap.ISO8859_2,
	"iso-8859-7":  charmap.ISO8859_7,
	"iso-2022-jp": japanese.ISO2022JP,
}

func (d *draft) render() (Message, error) {
	w := &writer{boundary: fmt.Sprintf("=_%016x", d.seed)}
	w.header("Date", d.date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	w.header("From", (&mail.Address{Name: d.from.Name, Address: d.from.Address}).String())
	var to, envelope []string
	for _, p := range d.to {
		to = append(to, (&mail.Address{Name: p.Name, Address: p.Address}).String())
		envelope = append(envelope, p.Address)
	}
	w.header("To", strings.Join(to, ",\r\n "))
	w.header("Subject", mime.QEncoding.Encode("utf-8", d.subject))
	w.header("Message-ID", d.id)
	if n := len(d.references); n > 0 {
		w.header("In-Reply-To", d.references[n-1])
		w.header("References", strings.Join(d.references, "\r\n "))
	}
	if d.list {
		domain := d.from.Address[strings.LastIndexByte(d.from.Address, '@')+1:]
		w.header("List-Id", "<news."+domain+">")
		w.header("List-Unsubscribe", fmt.Sprintf("<https://news.%s/unsubscribe/%08x>", domain, uint32(d.seed)))
		w.header("Precedence", "bulk")
	}
	if d.important {
		w.header("Importance", "high")
		w.header("X-Priority", "1")
	}
	w.header("MIME-Version", "1.0")

	var inline, apart []*file
	for _, f := range d.files {
		if f.id != "" {
			inline = append(inline, f)
		} else {
			apart = append(apart, f)
		}
	}
	body := func() error { return w.body(d) }
	if len(inline) > 0 {
		inner := body
		body = func() error { return w.multipart("related", inner, inline) }
	}
	if len(apart) > 0 {
		inner := body
		body = func() error { return w.multipart("mixed", inner, apart) }
	}
	if err := body(); err != nil {
		return Message{}, err
	}
	return Message{From: d.from.Address, To: envelope, Date: d.date, Read: d.read, Bytes: w.out.Bytes()}, nil
}

// writer writes MIME with CR LF line ends.
type writer struct {
	out      bytes.Buffer
	boundary string
	depth    int
}

func (w *writer) header(name, value string) { w.out.WriteString(name + ": " + value + "\r\n") }

// begin opens a multipart and returns its boundary.
func (w *writer) begin(subtype string) string {
	w.depth++
	boundary := fmt.Sprintf("%s_%d", w.boundary, w.depth)
	w.header("Content-Type", "multipart/"+subtype+";\r\n boundary=\""+boundary+"\"")
	w.out.WriteString("\r\n")
	return boundary
}

func (w *writer) multipart(subtype string, first func() error, files []*file) error {
	boundary := w.begin(subtype)
	w.out.WriteString("--" + boundary + "\r\n")
	if err := first(); err != nil {
		return err
	}
	for _, f := range files {
		w.out.WriteString("\r\n--" + boundary + "\r\n")
		w.file(f)
	}
	w.out.WriteString("\r\n--" + boundary + "--\r\n")
	return nil
}

func (w *writer) body(d *draft) error {
	if d.html == "" {
		return w.text("text/plain", d.charset, d.text)
	}
	boundary := w.begin("alternative")
	w.out.WriteString("--" + boundary + "\r\n")
	if err := w.text("text/plain", "", plain(d.html)); err != nil {
		return err
	}
	w.out.WriteString("\r\n--" + boundary + "\r\n")
	if err := w.text("text/html", "", d.html); err != nil {
		return err
	}
	w.out.WriteString("\r\n--" + boundary + "--\r\n")
	return nil
}

func (w *writer) text(contentType, charset, s string) error {
	s = strings.ReplaceAll(strings.TrimRight(s, "\n")+"\n", "\n", "\r\n")
	if charset == "" {
		charset = "utf-8"
	} else if encoded, err := charsets[charset].NewEncoder().String(s); err == nil {
		s = encoded
	} else {
		charset = "utf-8" // a reader's name has letters that the charset lacks
	}
	w.header("Content-Type", contentType+"; charset="+charset)
	if charset == "iso-2022-jp" { // seven bits by design (RFC 1468)
		w.header("Content-Transfer-Encoding", "7bit")
		w.out.WriteString("\r\n" + s)
		return nil
	}
	w.header("Content-Transfer-Encoding", "quoted-printable")
	w.out.WriteString("\r\n")
	qp := quotedprintable.NewWriter(&w.out)
	if _, err := qp.Write([]byte(s)); err != nil {
		return err
	}
	return qp.Close()
}

func (w *writer) file(f *file) {
	name := mime.FormatMediaType("attachment", map[string]string{"filename": f.name})
	w.header("Content-Type", f.contentType)
	w.header("Content-Transfer-Encoding", "base64")
	if f.id != "" {
		w.header("Content-ID", "<"+f.id+">")
		name = "inline" + strings.TrimPrefix(name, "attachment")
	}
	w.header("Content-Disposition", name)
	w.out.WriteString("\r\n")
	text := base64.StdEncoding.EncodeToString(f.data)
	for len(text) > 76 {
		w.out.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	w.out.WriteString(text + "\r\n")
}

// plain is the text form of the small HTML that this package writes.
func plain(s string) string {
	s = strings.NewReplacer("\n", "", "<li>", "\n* ", "<br>", "\n", "</p>", "\n\n", "</h1>", "\n\n", "</h2>", "\n\n", "</tr>", "\n", "</td>", "\t", "</th>", "\t", "</ul>", "\n\n").Replace(s)
	var b strings.Builder
	tag := false
	for _, r := range s {
		switch {
		case r == '<':
			tag = true
		case r == '>':
			tag = false
		case !tag:
			b.WriteRune(r)
		}
	}
	text := strings.NewReplacer("&amp;", "&", "\t\n", "\n", "\n\n\n\n", "\n\n").Replace(b.String())
	return strings.TrimSpace(text) + "\n"
}
