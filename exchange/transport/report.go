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

// report tells the sender who did not get a message, in one delivery status
// notification (RFC 3464) that goes straight to the sender's mailbox. Without
// failures it does nothing.
func (t *Transport) report(ctx context.Context, mailbox *store.Mailbox, sender string, h *header, results []Result) error {
	var failed []Result
	for _, r := range results {
		if r.Err != nil {
			failed = append(failed, r)
		}
		failed = append(failed, r.Members...)
	}
	if len(failed) == 0 {
		return nil
	}
	now := t.cfg.Now()
	var out bytes.Buffer
	out.WriteString(t.trace(Envelope{}, now)) // the null reverse path: nobody answers a report
	if err := t.writeReport(&out, sender, h, failed, now); err != nil {
		return fmt.Errorf("non-delivery report: %w", err)
	}
	s, err := stage(ctx, mailbox, &out)
	if err == nil {
		_, err = t.deliverInto(ctx, mailbox, sender, s, arrival{at: now})
	}
	if err != nil {
		return fmt.Errorf("non-delivery report: %w", err)
	}
	return nil
}

// maxReturned is how many bytes of the original header a report gives back.
const maxReturned = 32 << 10

func (t *Transport) writeReport(w io.Writer, sender string, original *header, failed []Result, now time.Time) error {
	subject := "your message"
	if values := original.values("Subject"); len(values) > 0 {
		decoder := mime.WordDecoder{}
		if decoded, err := decoder.DecodeHeader(values[0]); err == nil && len(decoded) < 200 {
			subject = decoded
		}
	}
	var text, status strings.Builder
	text.WriteString("Your message did not reach everybody.\r\n\r\n")
	fmt.Fprintf(&status, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n", t.cfg.Host, now.UTC().Format(dateLayout))
	for _, r := range failed {
		code, words := reason(r.Err)
		to := printable(r.Recipient)
		fmt.Fprintf(&text, "%s\r\n    %s (%s)\r\n", to, words, code)
		fmt.Fprintf(&status, "\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: %s\r\nDiagnostic-Code: x-hma; %s\r\n", to, code, words)
	}
	returned := original.bytes()
	if len(returned) > maxReturned {
		returned = returned[:bytes.LastIndexByte(returned[:maxReturned], '\n')+1]
	}

	var h message.Header
	h.SetContentType("multipart/report", map[string]string{"report-type": "delivery-status"})
	for _, f := range [][2]string{
		{"MIME-Version", "1.0"},
		{"Auto-Submitted", "auto-replied"}, // RFC 3834 5
		{"Message-ID", t.messageID()},
		{"Subject", mime.QEncoding.Encode("utf-8", "Undeliverable: "+printable(subject))},
		{"To", (&mail.Address{Address: sender}).String()},
		{"From", (&mail.Address{Name: "Mail Delivery", Address: t.cfg.PostmasterAddress}).String()},
		{"Date", now.UTC().Format(dateLayout)},
	} {
		h.Add(f[0], f[1])
	}
	if ids := original.values("Message-ID"); len(ids) > 0 {
		h.Set("In-Reply-To", ids[0])
		h.Set("References", ids[0])
	}
	mw, err := message.CreateWriter(w, h)
	if err != nil {
		return err
	}
	for _, part := range []struct{ contentType, encoding, body string }{
		{"text/plain; charset=utf-8", "quoted-printable", text.String()},
		{"message/delivery-status", "8bit", status.String()},
		{"text/rfc822-headers", "8bit", string(returned)},
	} {
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
