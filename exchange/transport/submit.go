package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Submission is a message that a person sends.
type Submission struct {
	// Mailbox is the sender's; reports go to its inbox.
	Mailbox *store.Mailbox
	// SID is the person's, for MaySendAs.
	SID string
	// Author is the one address that may be the author when no person sends but the
	// server itself, such as the answer of a room; "" when a person does.
	Author string
	// Message is the message with its Bcc fields.
	Message io.Reader
	// To are the recipients, whatever the header says; one named twice counts once.
	To []string
	// MessageID, with angle brackets, is used where the message has none; one is made when empty.
	MessageID string
}

// errNoRoute is why a recipient elsewhere does not get a message.
var errNoRoute = errors.New("no route to other organisations")

// commit does steps with those of the message in one write, and sends it.
func (d *Departure) commit(ctx context.Context, steps ...store.Step) error {
	// Who can get neither the message to anybody nor a report is told so.
	err := d.nobody(ctx)
	if err == nil {
		err = store.Together(ctx, append(steps, d.steps...)...)
	}
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	d.deliver(context.WithoutCancel(ctx))
	return nil
}

// MaySubmit refuses what is refused whatever the message is: a mailbox past its quota
// for sending (store.ErrQuota), and an author whom the person with the SID may not name
// (ErrSendAsDenied).
func (t *Transport) MaySubmit(ctx context.Context, own *store.Mailbox, sid, author string) error {
	if err := own.MaySend(ctx); err != nil {
		return err
	}
	_, err := t.trust(ctx, sid, author)
	return err
}

// logFailed logs who did not get a message for a reason that is not the sender's doing.
func (t *Transport) logFailed(ctx context.Context, r Result) {
	for _, r := range append(r.Members, r) {
		if r.Err != nil && !errors.Is(r.Err, ErrUnknownRecipient) && !errors.Is(r.Err, ErrMayNotSend) {
			t.cfg.Log.WarnContext(ctx, "delivery failed", "recipient", r.Recipient, "error", r.Err)
		}
	}
}

// messageID makes one of its own (RFC 5322 3.6.4).
func (t *Transport) messageID() string {
	return "<" + strings.ToLower(rand.Text()) + "@" + t.cfg.Host + ">"
}

// header is a message's header block while it is judged and completed.
type header struct{ fields []oxcmail.Field }

func (h *header) values(name string) []string {
	var out []string
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, name) {
			out = append(out, f.Value())
		}
	}
	return out
}

// receiptsTo has the receipts that are asked for in an author's name come to the
// reverse path, which alone gets any: who sends on behalf of somebody hears of it.
func (h *header) receiptsTo(from string) {
	authors, _, err := h.authors()
	if err != nil {
		return
	}
	for i, f := range h.fields {
		if !strings.EqualFold(f.Name, readReceiptField) && !strings.EqualFold(f.Name, deliveryReceiptField) {
			continue
		}
		list := oxcmail.Addresses(f.Value())
		named := func(a string) bool { return strings.EqualFold(a, list[0].Email) }
		if len(list) == 1 && !named(from) && slices.ContainsFunc(authors, named) {
			h.fields[i].Raw = []byte(f.Name + ": <" + from + ">\r\n")
		}
	}
}

// complete takes away what must not travel and adds what must be there. It
// returns the message's id and date.
func (h *header) complete(id string, newID func() string, now time.Time) (string, time.Time) {
	var kept []oxcmail.Field
	for _, f := range h.fields {
		// Lines that are no field would end the header for many readers.
		if f.Name != "" && !strings.EqualFold(f.Name, "Bcc") && !strings.EqualFold(f.Name, "Return-Path") {
			kept = append(kept, f)
		}
	}
	h.fields = kept
	if ids := h.values("Message-ID"); len(ids) > 0 && ids[0] != "" {
		id = ids[0]
	} else {
		if id == "" {
			id = newID()
		}
		h.add("Message-ID", id)
	}
	sent := now
	if dates := h.values("Date"); len(dates) == 0 {
		h.add("Date", now.UTC().Format(dateLayout))
	} else if t, err := mail.ParseDate(dates[0]); err == nil {
		sent = t
	}
	return id, sent.UTC()
}

func (h *header) add(name, value string) {
	h.fields = append(h.fields, oxcmail.Field{Name: name, Raw: []byte(name + ": " + value + "\r\n")})
}

func (h *header) bytes() []byte {
	var out []byte
	for _, f := range h.fields {
		out = append(out, f.Raw...)
		if !bytes.HasSuffix(f.Raw, []byte("\n")) {
			out = append(out, "\r\n"...)
		}
	}
	return out
}

// SubmitItem sends an item that lies in mailbox to its recipients and moves it
// to the folder saveTo, read and no longer a draft; with the zero folder it deletes
// it for good. All of that is one write: an item is sent once, whoever asks for it at
// the same moment. A key that is not nil must be the item's change key (store.ErrConflict).
// What the item answers is marked as answered. The person with the SID sends it, whose
// own mailbox gets reports. It returns what became of the item (zero when deleted).
func (t *Transport) SubmitItem(ctx context.Context, own, mailbox *store.Mailbox, sid string, id store.ItemID, key []byte, saveTo store.FolderID) (store.Stamp, *Receipt, error) {
	item, err := mailbox.Item(ctx, id, store.Want{
		Tags: []mapi.Tag{mapi.PidTagInternetMessageID, mapi.PidTagMessageFlags, mapi.PidNameAnsweredItem}, Recipients: true})
	if err == nil && key != nil && !bytes.Equal(key, item.ChangeKey) {
		err = store.ErrConflict
	}
	if err != nil {
		return store.Stamp{}, nil, fmt.Errorf("submit: %w", err)
	}
	message, err := OpenMIME(ctx, mailbox, item)
	if err != nil {
		return store.Stamp{}, nil, fmt.Errorf("submit: %w", err)
	}
	defer message.Close()
	d, err := t.admit(ctx, Submission{Mailbox: own, SID: sid, Message: message, To: addressees(item.Recipients), MessageID: item.Props.String(mapi.PidTagInternetMessageID)})
	if err != nil {
		return store.Stamp{}, nil, err
	}
	stamp := store.Stamp{ID: id, Folder: item.Folder}
	step, err := mailbox.Updating(ctx, id, store.ItemUpdate{IfChangeKey: item.ChangeKey, Read: new(true), Delete: []mapi.Tag{mapi.PidNameAnsweredItem},
		Set: d.sent(item.Props.Int32(mapi.PidTagMessageFlags))}, &stamp)
	steps := []store.Step{step}
	if err == nil && saveTo == (store.FolderID{}) {
		step, err = mailbox.Deleting(ctx, id, nil, store.HardDelete, &stamp)
		steps = append(steps, step)
	} else if err == nil && saveTo != item.Folder {
		step, err = mailbox.Moving(ctx, id, saveTo, &stamp)
		steps = append(steps, step)
	}
	if err != nil {
		return store.Stamp{}, nil, fmt.Errorf("submit: %w", err)
	}
	if err := d.commit(ctx, steps...); err != nil {
		return store.Stamp{}, nil, err
	}
	t.markAnswered(context.WithoutCancel(ctx), mailbox, item)
	return stamp, d.Receipt, nil
}
