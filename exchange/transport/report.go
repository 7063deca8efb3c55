package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-message"

	"hma/exchange/store"
)

// failures are those who did not get a message.
func failures(results []Result) (failed []Result) {
	for _, r := range results {
		if r.Err != nil {
			failed = append(failed, r)
		}
		failed = append(failed, r.Members...)
	}
	return failed
}

// report tells the sender who did not get a message, in one delivery status
// notification (RFC 3464) that goes straight to the sender's mailbox. waited is the
// message where it waited to be sent to them: it waits no longer then.
func (t *Transport) report(ctx context.Context, mailbox *store.Mailbox, sender string, h *header, failed []Result, waited ...*store.Outgoing) error {
	now := t.cfg.Now()
	var out bytes.Buffer
	out.WriteString(t.trace(Envelope{}, now)) // the null reverse path: nobody answers a report
	if err := t.writeReport(&out, sender, h, failed, now); err != nil {
		return fmt.Errorf("non-delivery report: %w", err)
	}
	s, err := stage(ctx, mailbox, &out)
	if err == nil {
		_, err = t.deliverInto(ctx, mailbox, sender, s, arrival{at: now, waited: waited})
	}
	if err != nil {
		return fmt.Errorf("non-delivery report: %w", err)
	}
	return nil
}

// maxReturned is how many bytes of the original header a report gives back.
const maxReturned = 32 << 10

func (t *Transport) writeReport(w io.Writer, sender string, original *header, failed []Result, now time.Time) error {
	var text, status strings.Builder
	text.WriteString("Your message did not reach everybody.\r\n\r\n")
	fmt.Fprintf(&status, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n", t.cfg.Host, now.UTC().Format(dateLayout))
	for _, r := range failed {
		code, words := reason(r.Err)
		to := printable(r.Recipient)
		fmt.Fprintf(&text, "%s\r\n    %s (%s)\r\n", to, words, code)
		fmt.Fprintf(&status, "\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: %s\r\nDiagnostic-Code: x-hma; %s\r\n", to, code, words)
	}
	return t.writeParts(w, notification{kind: "delivery-status", subject: "Undeliverable: " + original.subject(), to: sender, at: now, from: t.postmaster(),
		answers: original.messageID(), text: text.String(), fields: status.String(), original: original})
}

// postmaster is the author of reports about delivery.
func (t *Transport) postmaster() mail.Address {
	return mail.Address{Name: "Mail Delivery", Address: t.cfg.PostmasterAddress}
}

// subject is the message's, in words.
func (h *header) subject() string {
	if values := h.values("Subject"); len(values) > 0 {
		decoder := mime.WordDecoder{}
		if decoded, err := decoder.DecodeHeader(values[0]); err == nil && len(decoded) < 200 {
			return decoded
		}
	}
	return "your message"
}

// messageID is the message's own, "" without one.
func (h *header) messageID() string {
	if ids := h.values("Message-ID"); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// notification is a report about a message (RFC 6522).
type notification struct {
	kind     string // report-type, and the type of the part with the fields
	id       string // Message-ID; one is made without
	subject  string
	from     mail.Address
	to       string
	at       time.Time
	answers  string  // the message's Message-ID
	text     string  // for people
	fields   string  // for programs
	original *header // returned when not nil
}

func (t *Transport) writeParts(w io.Writer, n notification) error {
	if n.id == "" {
		n.id = t.messageID()
	}
	var h message.Header
	h.SetContentType("multipart/report", map[string]string{"report-type": n.kind})
	for _, f := range [][2]string{
		{"MIME-Version", "1.0"},
		{"Auto-Submitted", "auto-replied"}, // RFC 3834 5
		{"Message-ID", n.id},
		{"Subject", mime.QEncoding.Encode("utf-8", printable(n.subject))},
		{"To", (&mail.Address{Address: n.to}).String()},
		{"From", n.from.String()},
		{"Date", n.at.UTC().Format(dateLayout)},
	} {
		h.Add(f[0], f[1])
	}
	if n.answers != "" {
		h.Set("In-Reply-To", n.answers)
		h.Set("References", n.answers)
	}
	mw, err := message.CreateWriter(w, h)
	if err != nil {
		return err
	}
	parts := []struct{ contentType, encoding, body string }{
		{"text/plain; charset=utf-8", "quoted-printable", n.text},
		{"message/" + n.kind, "8bit", n.fields},
	}
	if n.original != nil {
		returned := n.original.bytes()
		if len(returned) > maxReturned {
			returned = returned[:bytes.LastIndexByte(returned[:maxReturned], '\n')+1]
		}
		parts = append(parts, struct{ contentType, encoding, body string }{"text/rfc822-headers", "8bit", string(returned)})
	}
	for _, part := range parts {
		var ph message.Header
		ph.Set("Content-Type", part.contentType)
		ph.Set("Content-Transfer-Encoding", part.encoding)
		pw, err := mw.CreatePart(ph)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(pw, part.body); err != nil {
			return err
		}
		if err := pw.Close(); err != nil {
			return err
		}
	}
	return mw.Close()
}

// printable keeps a stranger's text on one line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
