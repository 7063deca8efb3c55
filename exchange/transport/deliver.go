package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// parallel is how many recipients' mailboxes one message is written to at a time;
// writes that wait together share a commit. A long one has commits of its own for
// each mailbox, and each that is being written holds some of it in memory.
const (
	parallel     = 16
	parallelLong = 2
)

// Deliver puts a message of somebody who did not sign in into the inbox of each
// recipient, who must be local.
// Return-Path and Received go on top; the rest is stored byte for byte. The error
// is for the message as a whole (it could not be read, it is too large) and means
// that nobody got it; what concerns one recipient is in the results, which are in
// the order of env.To. Two addresses of one mailbox get one item, and so does who is a
// member of several groups. For a member whose mailbox fails for the moment, where others
// of the group have the message, it waits to be sent later (outgoing.go).
func (t *Transport) Deliver(ctx context.Context, env Envelope, message io.Reader) ([]Result, error) {
	if err := env.check(); err != nil {
		return nil, err
	}
	results := make([]Result, len(env.To))
	var order []guid.GUID
	places := map[guid.GUID][]int{}   // the envelope's recipients behind a mailbox
	names := map[guid.GUID][]string{} // the addresses that are its own
	found := map[guid.GUID]*Mailbox{}
	for i, to := range env.To {
		results[i].Recipient = to
		boxes, direct, err := t.receivers(ctx, to, "")
		if err != nil {
			results[i].Err = err
			continue
		}
		for _, box := range boxes {
			if found[box.GUID] == nil {
				found[box.GUID] = box
				order = append(order, box.GUID)
			}
			places[box.GUID] = append(places[box.GUID], i)
			if direct {
				names[box.GUID] = append(names[box.GUID], to)
			}
		}
	}
	if len(order) == 0 {
		return results, nil
	}
	first, err := t.open(ctx, found[order[0]])
	if err != nil {
		return nil, err
	}
	arrival := arrival{at: env.Received, read: env.Read, from: env.From}
	if arrival.at.IsZero() {
		arrival.at = t.cfg.Now()
	}
	trace := t.trace(env, arrival.at)
	s, err := stage(ctx, first, io.MultiReader(strings.NewReader(trace), message))
	if err != nil {
		return nil, err
	}
	s.trace = len(trace)
	var wg sync.WaitGroup
	var mu sync.Mutex      // of the results of groups, and of
	var holder *Mailbox    // somebody who has the message
	var failing []*Mailbox // who may have it later
	at := parallel
	if s.mailbox != nil {
		at = parallelLong
	}
	slots := make(chan struct{}, at)
	for _, id := range order {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			arrival := arrival
			arrival.to = names[id]
			item, err := t.deliverTo(ctx, found[id], s, arrival)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				holder = found[id]
			} else if !unreachable(err) {
				failing = append(failing, found[id])
			}
			for _, i := range places[id] {
				results[i].note(found[id].Address, item, err)
			}
		})
	}
	wg.Wait()
	// Where nobody behind a recipient has it the message comes again, for all who are behind that one.
	failing = slices.DeleteFunc(failing, func(box *Mailbox) bool {
		return slices.ContainsFunc(places[box.GUID], func(i int) bool { return !results[i].reached })
	})
	if len(failing) > 0 {
		err := t.queue(ctx, env, s, holder, failing)
		for _, box := range failing {
			for _, i := range places[box.GUID] {
				results[i].later(box.Address, err)
			}
		}
	}
	for i := range results {
		results[i].settle()
	}
	return results, nil
}

// receivers are the mailboxes behind an address of the envelope: one, which it
// names directly, or those of a group's members.
func (t *Transport) receivers(ctx context.Context, address, sid string) (boxes []*Mailbox, direct bool, err error) {
	box, err := t.cfg.Directory.Mailbox(ctx, address)
	if errors.Is(err, ErrUnknownRecipient) {
		boxes, err = t.cfg.Directory.Members(ctx, address, sid, MaxMembers)
		return boxes, false, err
	}
	if err != nil {
		return nil, false, err
	}
	return []*Mailbox{box}, true, nil
}

// note adds what became of the message in one mailbox.
func (r *Result) note(address string, item store.ItemID, err error) {
	if err != nil {
		r.Members = append(r.Members, Result{Recipient: address, Err: err})
		return
	}
	r.Item, r.reached = item, true
}

// later notes that the message waits for a member of a group who failed to get it now. An
// error is that it does not: then it must come again, although others have it.
func (r *Result) later(address string, err error) {
	if err != nil {
		r.Err = err
		return
	}
	r.Members = slices.DeleteFunc(r.Members, func(m Result) bool { return m.Recipient == address })
}

// queue has a message wait, in the mailbox of somebody who has it, for others.
func (t *Transport) queue(ctx context.Context, env Envelope, s *staged, holder *Mailbox, to []*Mailbox) error {
	mailbox, err := t.open(ctx, holder)
	if err != nil {
		return err
	}
	contents := store.Contents{}
	blob, err := mailbox.Gather(ctx, s.open(ctx), contents)
	if err != nil {
		return err
	}
	var steps []store.Step
	for _, box := range to {
		step, err := mailbox.Sending(&store.Outgoing{Kind: store.OutgoingMember, From: env.From, To: box.Address, Message: blob, Skip: int64(s.trace), Contents: contents})
		if err != nil {
			return err
		}
		steps = append(steps, step)
		contents = nil // written once
	}
	return store.Together(ctx, steps...)
}

// settle makes one answer of those of all mailboxes. When nobody got the message it may come again, and nobody gets it twice.
func (r *Result) settle() {
	if len(r.Members) > 0 && !r.reached {
		r.Err, r.Members = r.Members[0].Err, nil
	}
}

// arrival is when and how a message came, and whether it was read since.
type arrival struct {
	at   time.Time
	read bool
	from string   // the reverse path
	to   []string // the mailbox's own addresses in the envelope
	// waited is what the message is that waited to be sent, or what it reports about; nil for any other.
	waited []*store.Outgoing
	// principal is for whom it is a delegate's copy; nil for any other.
	principal *Mailbox
}

func (t *Transport) open(ctx context.Context, box *Mailbox) (*store.Mailbox, error) {
	return t.cfg.Store.OpenMailbox(ctx, box.GUID, box.Info)
}

func (t *Transport) deliverTo(ctx context.Context, box *Mailbox, s *staged, a arrival) (store.ItemID, error) {
	mailbox, err := t.open(ctx, box)
	if err != nil {
		return store.ItemID{}, err
	}
	return t.deliverInto(ctx, mailbox, box.Address, s, a)
}

// deliverInto puts a message where new mail of its class goes, or where a rule
// says, with the properties of who received it (MS-OXOMSG 2.2.1.37 to 2.2.1.40).
func (t *Transport) deliverInto(ctx context.Context, mailbox *store.Mailbox, to string, s *staged, a arrival) (store.ItemID, error) {
	item, err := s.prepare(ctx, mailbox)
	if err != nil {
		return store.ItemID{}, err
	}
	if item.Folder, err = mailbox.ReceiveFolder(ctx, item.Props.String(mapi.PidTagMessageClass)); err != nil {
		return store.ItemID{}, err
	}
	item.Read = a.read
	received := oxcmail.Address{Name: mailbox.Info().DisplayName, Email: to}
	item.Props[mapi.PidTagReceivedByName] = received.Display()
	item.Props[mapi.PidTagReceivedByAddressType] = "SMTP"
	item.Props[mapi.PidTagReceivedByEmail] = received.Email
	item.Props[mapi.PidTagReceivedByEntryID] = oxcmail.OneOff(received)
	item.Props[mapi.PidTagMessageDeliveryTime] = a.at.UTC()
	d := &delivery{Transport: t, mailbox: mailbox, me: received, message: s, arrival: a, item: item}
	d.address()
	represented := d.represent()
	if err := d.askReceipt(ctx); err != nil {
		return store.ItemID{}, err
	}
	id, err := d.store(ctx)
	if err != nil || id == (store.ItemID{}) || t.cfg.Delivered == nil {
		return id, err
	}
	if err := t.cfg.Delivered(ctx, Delivered{Mailbox: mailbox, Address: to, ID: id, Item: d.item, For: represented}); err != nil {
		t.cfg.Log.WarnContext(ctx, "delivered message not processed", "mailbox", mailbox.GUID(), "error", err)
	}
	return id, nil
}

// trace is what delivery writes on top of a message (RFC 5321 4.4).
func (t *Transport) trace(env Envelope, now time.Time) string {
	return fmt.Sprintf("Return-Path: <%s>\r\nReceived: by %s; %s\r\n", env.From, t.cfg.Host, now.UTC().Format(dateLayout))
}

// dateLayout is the date-time of RFC 5322 3.3.
const dateLayout = "Mon, 02 Jan 2006 15:04:05 -0700"

// check refuses an envelope that nobody could deliver or answer.
func (e Envelope) check() error {
	switch {
	case len(e.To) == 0:
		return ErrNoRecipients
	case len(e.To) > MaxRecipients:
		return ErrTooMany
	case e.From != "" && !validAddress(e.From):
		return fmt.Errorf("sender: %w", ErrInvalidAddress)
	}
	for _, to := range e.To {
		if !validAddress(to) {
			return fmt.Errorf("recipient: %w", ErrInvalidAddress)
		}
	}
	return nil
}

// validAddress tells whether s can stand in an envelope: a local part, a domain,
// and nothing that would end the line or the brackets around it. Quoted local
// parts are not taken.
func validAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	bad := func(r rune) bool { return r <= ' ' || unicode.IsControl(r) || strings.ContainsRune(`<>()[]",;:\@`, r) }
	return ok && local != "" && domain != "" && len(local) <= 64 && len(s) <= 254 && // RFC 5321 4.5.3.1
		!strings.ContainsFunc(local, bad) && !strings.ContainsFunc(domain, bad)
}

// domain is the part of an address after the at sign, in lower case.
func domain(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// reason is a failure in words for a report, with its status code (RFC 3463).
func reason(err error) (status, words string) {
	switch {
	case errors.Is(err, errNoRoute):
		return "5.4.4", "There is no route to other organisations from this server."
	case errors.Is(err, ErrMayNotSend):
		return "5.7.1", "This group does not take mail from you."
	case errors.Is(err, ErrTooMany):
		return "5.5.3", "The group has too many members."
	case errors.Is(err, ErrUnknownRecipient):
		return "5.1.1", "There is no mailbox with this address."
	case errors.Is(err, ErrInvalidAddress):
		return "5.1.3", "This is not a valid address."
	case errors.Is(err, store.ErrQuota):
		return "5.2.2", "The recipient's mailbox is full."
	case errors.Is(err, store.ErrTooLarge):
		return "5.3.4", "The message is too large."
	}
	return "5.3.0", "The message could not be stored."
}
