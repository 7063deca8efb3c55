package transport

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// loopField names each mailbox whose rules sent a message on.
const loopField = "X-MS-Exchange-Inbox-Rules-Loop"

// forward is a message that a rule sends on.
type forward struct {
	flavor uint32 // mapi.ForwardPreserveSender ...
	to     []oxcmail.Address
}

// forward makes what is sent on, a message to each recipient. A redirection is the
// message as it came, from whom it came; a forward is a message of the owner's with
// the other one in it.
func (d *delivery) forward(ctx context.Context, f forward) ([]store.Outgoing, error) {
	out := store.Outgoing{Kind: store.OutgoingForward, From: d.me.Email, SID: d.mailbox.Info().OwnerSID, Contents: store.Contents{}}
	head := loopField + ": " + d.me.Email + "\r\n"
	if f.flavor&mapi.ForwardPreserveSender != 0 {
		out = d.asCame(out)
	} else {
		// RFC 3834 5: nobody answers it by a program.
		head += "Auto-Submitted: auto-generated\r\n"
		m, err := d.forwarded(ctx, f)
		if err == nil {
			out.Message, err = d.compose(ctx, m, d.content(ctx, f.flavor&mapi.ForwardAsAttachment != 0), out.Contents)
		}
		if err != nil {
			return nil, err
		}
	}
	out.Head = []byte(head)
	var list []store.Outgoing
	for _, a := range f.to {
		out.To = a.Email
		list = append(list, out)
	}
	return list, nil
}

// forwarded is the owner's message that carries the one that came.
func (d *delivery) forwarded(ctx context.Context, f forward) (*oxcmail.Message, error) {
	m, err := Message(ctx, d.mailbox, &store.Item{Props: d.item.Props, Recipients: d.item.Recipients, Attachments: d.item.Attachments})
	if err != nil {
		return nil, err
	}
	_, subject := oxcmail.SplitSubject(m.Props.String(mapi.PidTagSubject))
	out := &oxcmail.Message{From: d.me, Sender: d.me, Props: mapi.Bag{
		mapi.PidTagSubject:           "FW: " + subject,
		mapi.PidTagInternetMessageID: d.messageID(),
		mapi.PidTagClientSubmitTime:  d.cfg.Now(),
	}}
	for _, a := range f.to {
		out.Recipients = append(out.Recipients, oxcmail.Recipient{Type: mapi.RecipientTo, Address: a})
	}
	if f.flavor&mapi.ForwardAsAttachment != 0 {
		name := printable(subject)
		if name == "" {
			name = "message"
		}
		out.Attachments = []*oxcmail.Attachment{{Name: name + ".eml", ContentType: "message/rfc822", Embedded: true}}
		return out, nil
	}
	above := d.quoted(m)
	out.Text = above + m.Text
	if m.HTML != "" {
		out.HTML = afterBody(m.HTML, "<p>"+strings.ReplaceAll(html.EscapeString(strings.TrimSpace(above)), "\r\n", "<br>")+"</p>")
	}
	out.Attachments = m.Attachments
	return out, nil
}

// quoted is the head of a message in words.
func (d *delivery) quoted(m *oxcmail.Message) string {
	var b strings.Builder
	b.WriteString("\r\n-----Original Message-----\r\n")
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, printable(value))
		}
	}
	line("From", strings.TrimSpace(m.From.Name+" <"+m.From.Email+">"))
	if sent := m.Props.Time(mapi.PidTagClientSubmitTime); !sent.IsZero() {
		line("Sent", sent.UTC().Format(dateLayout))
	}
	line("To", m.Props.String(mapi.PidTagDisplayTo))
	line("Cc", m.Props.String(mapi.PidTagDisplayCc))
	line("Subject", m.Props.String(mapi.PidTagSubject))
	b.WriteString("\r\n")
	return b.String()
}

var bodyTag = regexp.MustCompile(`(?i)<body[^>]*>`)

// afterBody puts text where an HTML document's body begins.
func afterBody(document, text string) string {
	if at := bodyTag.FindStringIndex(document); at != nil {
		return document[:at[1]] + text + document[at[1]:]
	}
	return text + document
}

// content opens what a forwarded message attaches: the whole message that came, or
// content of its attachments, whether it has been written or not.
func (d *delivery) content(ctx context.Context, whole bool) func(a *oxcmail.Attachment) (io.ReadCloser, error) {
	return func(a *oxcmail.Attachment) (io.ReadCloser, error) {
		if whole {
			r, err := d.message.original(ctx)
			return io.NopCloser(r), err
		}
		if data, short := d.item.Contents[a.Content]; short {
			return io.NopCloser(bytes.NewReader(data)), nil
		}
		return io.NopCloser(d.mailbox.OpenBlob(ctx, a.Content)), nil
	}
}
