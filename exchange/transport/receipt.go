package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/mail"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Receipts tell the sender of a message that it arrived (RFC 3464), that it was
// read, or that it was deleted unread (RFC 8098). They go to nobody but the reverse
// path, have none themselves, and are never about a message of a program or a list:
// so there is no receipt for a receipt. There is none for a delegate's copy either.

// The fields that ask for receipts.
const (
	readReceiptField     = "Disposition-Notification-To"
	deliveryReceiptField = "Return-Receipt-To"
)

// receiptWanted tells whether the sender asks for a kind of receipt, by a header
// field that must name the reverse path alone (RFC 8098 2.1).
func (d *delivery) receiptWanted(ctx context.Context, field, kind string) (bool, error) {
	if d.from == "" || d.principal != nil || strings.EqualFold(d.from, d.me.Email) || strings.HasPrefix(strings.ToUpper(d.item.Props.String(mapi.PidTagMessageClass)), "REPORT.") {
		return false, nil
	}
	h, err := d.header(ctx)
	if err != nil || suppressed(h, kind) {
		return false, err
	}
	values := h.values(field)
	if len(values) != 1 {
		return false, nil
	}
	list := oxcmail.Addresses(values[0])
	return len(list) == 1 && strings.EqualFold(list[0].Email, d.from), nil
}

// askReceipt notes in the item that its sender is to be told when it is read, or
// deleted unread; the store does that once (store.NewItem).
func (d *delivery) askReceipt(ctx context.Context) error {
	if d.read || !d.item.Props.Bool(mapi.PidTagReadReceiptRequested) {
		return nil
	}
	wanted, err := d.receiptWanted(ctx, readReceiptField, "rn")
	if err == nil && wanted {
		d.item.NotifySender = true
		d.item.Props[mapi.PidTagReadReceiptSmtpAddress] = d.from
	}
	return err
}

// deliveryReceipt makes what tells the sender that the message arrived here; nil for
// nothing. Who got it as a member of a group is not told of.
func (d *delivery) deliveryReceipt(ctx context.Context) (*store.Outgoing, error) {
	if len(d.to) == 0 || !d.item.Props.Bool(mapi.PidTagOriginatorDeliveryReport) {
		return nil, nil
	}
	wanted, err := d.receiptWanted(ctx, deliveryReceiptField, "dr")
	if err != nil || !wanted {
		return nil, err
	}
	h, err := d.header(ctx)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	err = d.writeParts(&raw, notification{kind: "delivery-status", subject: "Delivered: " + h.subject(), from: d.postmaster(), to: d.from, at: d.cfg.Now(), answers: h.messageID(),
		text: fmt.Sprintf("Your message was delivered to %s.\r\n", printable(d.to[0])),
		fields: fmt.Sprintf("Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n\r\nFinal-Recipient: rfc822; %s\r\nAction: delivered\r\nStatus: 2.0.0\r\n",
			d.cfg.Host, d.at.UTC().Format(dateLayout), printable(d.to[0])),
		original: h})
	if err != nil {
		return nil, err
	}
	out := &store.Outgoing{Kind: store.OutgoingDelivered, To: d.from, Contents: store.Contents{}}
	out.Message, err = d.mailbox.Gather(ctx, &raw, out.Contents)
	return out, err
}

// readReceipt makes the message that a receipt is, of what the store kept of the one
// that was read or deleted: the same however often it is tried. A mailbox speaks for
// itself alone, whatever its items say.
func (t *Transport) readReceipt(ctx context.Context, o *store.Outgoing) (io.Reader, error) {
	p := o.Props
	box, err := t.cfg.Directory.Mailbox(ctx, p.String(mapi.PidTagReceivedByEmail))
	if err != nil {
		return nil, err
	}
	if box.GUID != o.Mailbox {
		return nil, fmt.Errorf("receipt of another mailbox: %w", ErrUnknownRecipient)
	}
	subject, what, disposition := "Read: ", "was read", "displayed"
	if o.Kind == store.OutgoingNotRead {
		subject, what, disposition = "Not read: ", "was deleted without being read", "deleted"
	}
	at := p.Time(mapi.PidTagReceiptTime)
	var text strings.Builder
	text.WriteString("Your message\r\n\r\n")
	fmt.Fprintf(&text, "   To: %s\r\n   Subject: %s\r\n", printable(p.String(mapi.PidTagDisplayTo)), printable(p.String(mapi.PidTagSubject)))
	if sent := p.Time(mapi.PidTagClientSubmitTime); !sent.IsZero() {
		fmt.Fprintf(&text, "   Sent: %s\r\n", sent.UTC().Format(dateLayout))
	}
	fmt.Fprintf(&text, "\r\n%s on %s.\r\n", what, at.UTC().Format(dateLayout))
	fields := fmt.Sprintf("Reporting-UA: %s; HMA\r\nFinal-Recipient: rfc822;%s\r\n", t.cfg.Host, box.Address)
	id := oneLine(p.String(mapi.PidTagInternetMessageID))
	if id != "" {
		fields += "Original-Message-ID: " + id + "\r\n"
	}
	fields += "Disposition: manual-action/MDN-sent-automatically; " + disposition + "\r\n"
	var raw bytes.Buffer
	err = t.writeParts(&raw, notification{kind: "disposition-notification", subject: subject + p.String(mapi.PidTagSubject), at: at, to: o.To,
		from: mail.Address{Name: box.Info.DisplayName, Address: box.Address}, id: fmt.Sprintf("<receipt.%s.%d@%s>", o.Mailbox, o.ID, t.cfg.Host),
		answers: id, text: text.String(), fields: fields})
	return &raw, err
}

// oneLine is an id as it can stand in a field, "" when it cannot.
func oneLine(id string) string {
	if id != printable(id) || len(id) > maxReferences {
		return ""
	}
	return id
}
