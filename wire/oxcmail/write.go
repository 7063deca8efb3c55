package oxcmail

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/mail"
	"strings"

	"github.com/emersion/go-message"

	"hma/wire/mapi"
)

// dateLayout is the date-time of RFC 5322 3.3.
const dateLayout = "Mon, 02 Jan 2006 15:04:05 -0700"

// Write writes a message as MIME. open returns an attachment's content; it is
// called once for each attachment, in their order, and may be nil when there are
// none. Bcc recipients are written. What the properties lack is left out: the
// caller sees to PidTagInternetMessageID and PidTagClientSubmitTime.
func Write(w io.Writer, m *Message, open func(a *Attachment) (io.ReadCloser, error)) error {
	var inline, apart []*Attachment
	for _, a := range m.Attachments {
		if a.Inline && m.HTML != "" {
			inline = append(inline, a)
		} else {
			apart = append(apart, a)
		}
	}
	body := func(h message.Header, in creator) error { return writeBody(h, in, m) }
	if len(inline) > 0 {
		alternative := body
		body = func(h message.Header, in creator) error {
			return writeMultipart(h, in, "related", alternative, inline, open)
		}
	}
	if len(apart) > 0 {
		content := body
		body = func(h message.Header, in creator) error {
			return writeMultipart(h, in, "mixed", content, apart, open)
		}
	}
	err := body(m.writeHeader(), func(h message.Header) (*message.Writer, error) { return message.CreateWriter(w, h) })
	if err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	return nil
}

// creator begins a part, or the message itself.
type creator func(h message.Header) (*message.Writer, error)

func writeMultipart(h message.Header, in creator, subtype string, first func(message.Header, creator) error, attachments []*Attachment, open func(a *Attachment) (io.ReadCloser, error)) error {
	h.SetContentType("multipart/"+subtype, nil)
	mw, err := in(h)
	if err != nil {
		return err
	}
	if err := first(message.Header{}, mw.CreatePart); err != nil {
		return err
	}
	for _, a := range attachments {
		if err := writeAttachment(mw, a, open); err != nil {
			return err
		}
	}
	return mw.Close()
}

func writeBody(h message.Header, in creator, m *Message) error {
	if m.HTML == "" && m.Calendar == "" {
		return writeText(h, in, "text/plain", nil, m.Text)
	}
	plain := m.Text
	if plain == "" {
		plain = PlainFromHTML(m.HTML)
	}
	h.SetContentType("multipart/alternative", nil)
	mw, err := in(h)
	if err != nil {
		return err
	}
	if err := writeText(message.Header{}, mw.CreatePart, "text/plain", nil, plain); err != nil {
		return err
	}
	if m.HTML != "" {
		if err := writeText(message.Header{}, mw.CreatePart, "text/html", nil, m.HTML); err != nil {
			return err
		}
	}
	if m.Calendar != "" {
		params := map[string]string{}
		if m.CalendarMethod != "" {
			params["method"] = m.CalendarMethod
		}
		if err := writeText(message.Header{}, mw.CreatePart, "text/calendar", params, m.Calendar); err != nil {
			return err
		}
	}
	return mw.Close()
}

func writeText(h message.Header, in creator, contentType string, params map[string]string, s string) error {
	all := map[string]string{"charset": "utf-8"}
	maps.Copy(all, params)
	h.SetContentType(contentType, all)
	h.Set("Content-Transfer-Encoding", "quoted-printable")
	w, err := in(h)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, crlf(strings.ToValidUTF8(s, "\uFFFD"))); err != nil {
		return err
	}
	return w.Close()
}

func writeAttachment(in *message.Writer, a *Attachment, open func(a *Attachment) (io.ReadCloser, error)) error {
	var h message.Header
	contentType := strings.ToLower(a.ContentType)
	kind := mime.FormatMediaType(contentType, nil)
	if kind == "" || !strings.Contains(kind, "/") || strings.HasPrefix(contentType, "multipart/") {
		kind = "application/octet-stream"
	}
	encoding := "base64"
	if a.Embedded {
		kind, encoding = "message/rfc822", "8bit" // RFC 2046 5.2.1 allows no other encoding
	}
	name := clean(a.Name)
	if name != "" {
		if named := mime.FormatMediaType(kind, map[string]string{"name": name}); named != "" {
			kind = named
		}
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Transfer-Encoding", encoding)
	disposition := "attachment"
	if a.Inline {
		disposition = "inline"
	}
	if name != "" {
		disposition = mime.FormatMediaType(disposition, map[string]string{"filename": name})
	}
	h.Set("Content-Disposition", disposition)
	if id := strings.Trim(clean(a.ContentID), "<>"); id != "" {
		h.Set("Content-Id", "<"+id+">")
	}
	if location := clean(a.ContentLocation); location != "" {
		h.Set("Content-Location", location)
	}
	content, err := open(a)
	if err != nil {
		return err
	}
	defer content.Close()
	w, err := in.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, content); err != nil {
		return err
	}
	return w.Close()
}

// writeHeader makes the header from the properties (MS-OXCMAIL 2.1.3).
func (m *Message) writeHeader() message.Header {
	p := m.Props
	type field struct{ name, value string }
	var fields []field
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, field{name, value})
		}
	}
	if t := p.Time(mapi.PidTagClientSubmitTime); !t.IsZero() {
		add("Date", t.UTC().Format(dateLayout))
	}
	add("From", formatAddresses(m.From))
	if m.Sender != m.From && !m.Sender.IsZero() {
		add("Sender", formatAddresses(m.Sender))
	}
	add("Reply-To", formatAddresses(m.ReplyTo...))
	for kind, name := range []string{mapi.RecipientTo: "To", mapi.RecipientCc: "Cc", mapi.RecipientBcc: "Bcc"} {
		var list []Address
		for _, r := range m.Recipients {
			if r.Type == int32(kind) && name != "" {
				list = append(list, r.Address)
			}
		}
		add(name, formatAddresses(list...))
	}
	add("Subject", encode(p.String(mapi.PidTagSubject)))
	add("Message-ID", oneID(p.String(mapi.PidTagInternetMessageID)))
	add("In-Reply-To", oneID(p.String(mapi.PidTagInReplyToID)))
	add("References", strings.Join(messageIDs(p.String(mapi.PidTagInternetReferences)), " "))
	if topic := p.String(mapi.PidTagConversationTopic); topic != p.String(mapi.PidTagNormalizedSubject) {
		add("Thread-Topic", encode(topic))
	}
	if index := p.Bytes(mapi.PidTagConversationIndex); len(index) >= indexHead {
		add("Thread-Index", base64.StdEncoding.EncodeToString(index))
	}
	if v, ok := p[mapi.PidTagImportance].(int32); ok && v != 1 {
		add("Importance", map[int32]string{0: "low", 2: "high"}[v])
	}
	add("Sensitivity", map[int32]string{1: "Personal", 2: "Private", 3: "Company-Confidential"}[p.Int32(mapi.PidTagSensitivity)])
	add("Priority", map[int32]string{1: "urgent", -1: "non-urgent"}[p.Int32(mapi.PidTagPriority)])
	if p.Bool(mapi.PidTagReadReceiptRequested) {
		add("Disposition-Notification-To", formatAddresses(m.From))
	}
	if p.Bool(mapi.PidTagOriginatorDeliveryReport) {
		add("Return-Receipt-To", formatAddresses(m.From))
	}
	add("Keywords", encode(strings.Join(p.Strings(mapi.PidNameKeywords), ", ")))
	add("MIME-Version", "1.0")
	var h message.Header
	for i := len(fields) - 1; i >= 0; i-- {
		h.Add(fields[i].name, fields[i].value) // Add puts a field on top
	}
	return h
}

// encode makes text fit for an unstructured field (RFC 2047).
func encode(s string) string { return mime.QEncoding.Encode("utf-8", clean(s)) }

// oneID returns the first msg-id of s, "" when there is none.
func oneID(s string) string {
	if ids := messageIDs(s); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// formatAddresses writes an address list. An address without domain has a place
// as the name of an empty group only (RFC 5322 3.4).
func formatAddresses(list ...Address) string {
	var parts []string
	for _, a := range list {
		name, email := clean(a.Name), clean(a.Email)
		switch {
		case strings.Contains(email, "@"):
			parts = append(parts, (&mail.Address{Name: name, Address: email}).String())
		case name != "" || email != "":
			quoted := (&mail.Address{Name: Address{name, email}.Display(), Address: "a@b"}).String()
			parts = append(parts, strings.TrimSuffix(quoted, " <a@b>")+":;")
		}
	}
	return strings.Join(parts, ", ")
}
