package transport

import (
	"bufio"
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
	// author is the one address that may be the author when no person sends but the
	// server itself; "" when a person does.
	author string
	// Message is the message with its Bcc fields.
	Message io.Reader
	// From is the reverse path; the address of Sender, else of From, when empty.
	From string
	// To are the recipients; those of To, Cc and Bcc when nil.
	To []string
	// MessageID, with angle brackets, is used where the message has none; one is made when empty.
	MessageID string
}

// errNoRoute is why a recipient elsewhere does not get a message.
var errNoRoute = errors.New("no route to other organisations")

// Submit sends a message: the authors must be ones that the person may name
// (ErrSendAsDenied), Message-ID and Date are added where missing, Bcc is taken
// away, and every local recipient gets it. For the others one report goes to the
// sender's inbox. A mailbox past its quota for sending is store.ErrQuota. When Submit returns no error, all of that is durable. When
// somebody got the message and the report could not be kept, both the receipt and
// an error are returned: sending again would deliver it twice.
func (t *Transport) Submit(ctx context.Context, s Submission) (*Receipt, error) {
	if err := s.Mailbox.MaySend(ctx); err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	br := bufio.NewReader(s.Message)
	fields, end, err := oxcmail.ReadFields(br)
	if errors.Is(err, oxcmail.ErrHeaderTooLarge) {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	h := &header{fields: fields}
	var from string
	if s.author != "" {
		from, err = h.onlyAuthor(s.author)
	} else {
		from, err = t.settleAuthors(ctx, h, s.SID)
	}
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	env := Envelope{From: s.From, To: s.To, SID: s.SID}
	if env.From == "" {
		env.From = from
	} else if err := t.mayReturn(ctx, s.SID, env.From); err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	h.receiptsTo(env.From)
	if env.To == nil {
		env.To = h.recipients()
	}
	if len(env.To) == 0 {
		return nil, fmt.Errorf("submit: %w", ErrNoRecipients)
	}
	if len(env.To) > MaxRecipients {
		return nil, fmt.Errorf("submit: %w", ErrTooMany)
	}
	receipt := &Receipt{}
	receipt.MessageID, receipt.Date = h.complete(s.MessageID, t.messageID, t.cfg.Now())
	if end == nil {
		end = []byte("\r\n")
	}
	receipt.Results, err = t.dispatch(ctx, env, io.MultiReader(bytes.NewReader(h.bytes()), bytes.NewReader(end), br))
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	if err := t.report(ctx, s.Mailbox, env.From, h, receipt.Results); err != nil {
		if !slices.ContainsFunc(receipt.Results, func(r Result) bool { return r.Err == nil }) {
			receipt = nil
		}
		return receipt, fmt.Errorf("submit: %w", err)
	}
	return receipt, nil
}

// MaySubmit refuses what Submit would refuse whatever the message is: a mailbox past
// its quota for sending (store.ErrQuota), and an author whom the person with the SID
// may not name (ErrSendAsDenied).
func (t *Transport) MaySubmit(ctx context.Context, own *store.Mailbox, sid, author string) error {
	if err := own.MaySend(ctx); err != nil {
		return err
	}
	_, err := t.trust(ctx, sid, author)
	return err
}

// dispatch delivers to those who are local and says of the others why not.
func (t *Transport) dispatch(ctx context.Context, env Envelope, message io.Reader) ([]Result, error) {
	results := make([]Result, len(env.To))
	local := Envelope{From: env.From, SID: env.SID}
	var places []int
	for i, to := range env.To {
		results[i].Recipient = to
		if !validAddress(to) {
			results[i].Err = ErrInvalidAddress
			continue
		}
		accepted, err := t.cfg.Directory.Accepted(ctx, domain(to))
		switch {
		case err != nil:
			return nil, err
		case !accepted:
			results[i].Err = errNoRoute
		default:
			local.To = append(local.To, to)
			places = append(places, i)
		}
	}
	if len(local.To) == 0 {
		return results, nil
	}
	delivered, err := t.Deliver(ctx, local, message)
	if err != nil {
		return nil, err
	}
	for i, r := range delivered {
		t.logFailed(ctx, r)
		results[places[i]] = r
	}
	return results, nil
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

// recipients are the addresses of To, Cc and Bcc, each once.
func (h *header) recipients() []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range []string{"To", "Cc", "Bcc"} {
		for _, value := range h.values(name) {
			for _, a := range oxcmail.Addresses(value) {
				if key := strings.ToLower(a.Email); a.Email != "" && !seen[key] {
					seen[key] = true
					out = append(out, a.Email)
				}
			}
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

// SubmitItem sends an item that lies in mailbox to its recipients and then moves it
// to the folder saveTo, read and no longer a draft; with the zero folder it deletes
// it for good. What the item answers is marked as answered. The person with the SID
// sends it, whose own mailbox gets reports. It returns what became of the item (zero
// when deleted). When sending succeeded and keeping the item or a report did not,
// both the receipt and an error are returned.
func (t *Transport) SubmitItem(ctx context.Context, own, mailbox *store.Mailbox, sid string, id store.ItemID, saveTo store.FolderID) (store.Stamp, *Receipt, error) {
	return t.submitItem(ctx, Submission{Mailbox: own, SID: sid}, mailbox, id, saveTo)
}

// SubmitOwn is SubmitItem for what the server itself sends in the name of a mailbox's
// owner, such as the answer of a room: nobody asks, and the author can be nobody else
// than address.
func (t *Transport) SubmitOwn(ctx context.Context, mailbox *store.Mailbox, address string, id store.ItemID, saveTo store.FolderID) (store.Stamp, *Receipt, error) {
	return t.submitItem(ctx, Submission{Mailbox: mailbox, author: address}, mailbox, id, saveTo)
}

func (t *Transport) submitItem(ctx context.Context, s Submission, mailbox *store.Mailbox, id store.ItemID, saveTo store.FolderID) (store.Stamp, *Receipt, error) {
	item, err := mailbox.Item(ctx, id, store.Want{
		Tags: []mapi.Tag{mapi.PidTagInternetMessageID, mapi.PidTagMessageFlags, mapi.PidNameAnsweredItem}, Recipients: true})
	if err != nil {
		return store.Stamp{}, nil, fmt.Errorf("submit: %w", err)
	}
	// The item's recipients count and not the header of its MIME form: a Bcc is often there only.
	to := []string{}
	for _, r := range item.Recipients {
		// Attendees of a meeting are named in each message about it, and get those that are for them.
		if _, _, set := r.Props.Find(mapi.PidTagRecipientFlags); !set || r.Props.Int32(mapi.PidTagRecipientFlags)&sendable != 0 {
			to = append(to, recipientAddress(r))
		}
	}
	message, err := OpenMIME(ctx, mailbox, item)
	if err != nil {
		return store.Stamp{}, nil, fmt.Errorf("submit: %w", err)
	}
	defer message.Close()
	s.Message, s.To, s.MessageID = message, to, item.Props.String(mapi.PidTagInternetMessageID)
	receipt, err := t.Submit(ctx, s)
	if receipt == nil {
		return store.Stamp{}, nil, err
	}
	// It is sent: that who asked is gone must not leave it as a draft, which is sent once more.
	ctx = context.WithoutCancel(ctx)
	t.markAnswered(ctx, mailbox, item)
	stamp, kept := t.keepSent(ctx, mailbox, item, receipt, saveTo)
	return stamp, receipt, errors.Join(err, kept)
}

// keepSent moves an item that was sent to where it belongs, or deletes it.
func (t *Transport) keepSent(ctx context.Context, mailbox *store.Mailbox, item *store.Item, receipt *Receipt, saveTo store.FolderID) (stamp store.Stamp, err error) {
	if saveTo == (store.FolderID{}) {
		if _, err := mailbox.DeleteItem(ctx, item.ID, store.HardDelete); err != nil {
			return store.Stamp{}, fmt.Errorf("delete sent %v: %w", item.ID, err)
		}
		return store.Stamp{}, nil
	}
	stamp, err = mailbox.UpdateItem(ctx, item.ID, store.ItemUpdate{Read: new(true), Delete: []mapi.Tag{mapi.PidNameAnsweredItem}, Set: mapi.Bag{
		mapi.PidTagMessageFlags:        item.Props.Int32(mapi.PidTagMessageFlags)&^mapi.MsgFlagUnsent | mapi.MsgFlagFromMe,
		mapi.PidTagInternetMessageID:   receipt.MessageID,
		mapi.PidTagClientSubmitTime:    receipt.Date,
		mapi.PidTagMessageDeliveryTime: t.cfg.Now().UTC(),
	}})
	if err == nil && stamp.Folder != saveTo {
		stamp, err = mailbox.MoveItem(ctx, item.ID, saveTo)
	}
	if err != nil {
		return store.Stamp{}, fmt.Errorf("keep sent %v: %w", item.ID, err)
	}
	return stamp, nil
}
