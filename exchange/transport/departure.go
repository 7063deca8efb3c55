package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Departure is a message that was admitted and is not sent yet. Its Steps belong into
// the write of what it tells of, or of the item that it was made of: with that it waits
// in the sender's mailbox as what mailboxes send by themselves does (outgoing.go), so
// that a crash neither loses it nor sends it twice. Send is called after the write.
type Departure struct {
	*Transport
	Receipt *Receipt // what is known of it; Send adds what became of it
	own     *store.Mailbox
	header  *header
	from    string // the reverse path
	rows    []*departing
	steps   []store.Step
}

// departing is the message on its way to one mailbox.
type departing struct {
	store.Outgoing
	of     *Mailbox
	places []int // the recipients behind it
}

// Depart admits a new message, made of an item to its recipients. A copy is kept in a
// folder of the sender's mailbox, none with the zero folder. Message and To of the
// submission are not looked at.
func (t *Transport) Depart(ctx context.Context, s Submission, item store.NewItem, keep store.FolderID) (*Departure, error) {
	message, err := mimeOf(ctx, s.Mailbox, &store.Item{Props: item.Props, Recipients: item.Recipients, Attachments: item.Attachments})
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	defer message.Close()
	s.Message, s.To = message, addressees(item.Recipients)
	d, err := t.admit(ctx, s)
	if err != nil || keep == (store.FolderID{}) {
		return d, err
	}
	item.Folder, item.Read, item.Props = keep, true, maps.Clone(item.Props)
	maps.Copy(item.Props, d.sent(item.Props.Int32(mapi.PidTagMessageFlags)))
	step, err := s.Mailbox.Creating(ctx, item, &store.Stamp{})
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	d.steps = append(d.steps, step)
	return d, nil
}

// sent are the properties of an item that was sent, flags what it had before.
func (d *Departure) sent(flags int32) mapi.Bag {
	return mapi.Bag{
		mapi.PidTagMessageFlags:        flags&^mapi.MsgFlagUnsent | mapi.MsgFlagFromMe,
		mapi.PidTagInternetMessageID:   d.Receipt.MessageID,
		mapi.PidTagClientSubmitTime:    d.Receipt.Date,
		mapi.PidTagMessageDeliveryTime: d.cfg.Now().UTC(),
	}
}

// addressees are the recipients of an item who get it, whatever the header of its MIME
// form says: a Bcc is often there only. Attendees of a meeting are named in each
// message about it, and get those that are for them.
func addressees(list []store.Recipient) []string {
	to := []string{}
	for _, r := range list {
		if _, _, set := r.Props.Find(mapi.PidTagRecipientFlags); !set || r.Props.Int32(mapi.PidTagRecipientFlags)&sendable != 0 {
			to = append(to, recipientAddress(r))
		}
	}
	return to
}

// once is a list of addresses without those that stand in it before, in any case of
// letters: a group is not expanded for every time that it is named.
func once(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, address := range list {
		if key := strings.ToLower(address); !seen[key] {
			seen[key] = true
			out = append(out, address)
		}
	}
	return out
}

// admit judges a submission and readies a row for each mailbox that gets it: the authors
// must be ones that the person may name (ErrSendAsDenied), Message-ID and Date are added
// where missing, and Bcc is taken away. Of whom it can never reach a report goes to the
// sender's inbox. A mailbox past its quota for sending is store.ErrQuota.
func (t *Transport) admit(ctx context.Context, s Submission) (d *Departure, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("submit: %w", err)
		}
	}()
	if err := s.Mailbox.MaySend(ctx); err != nil {
		return nil, err
	}
	br := bufio.NewReader(s.Message)
	fields, end, err := oxcmail.ReadFields(br)
	if errors.Is(err, oxcmail.ErrHeaderTooLarge) {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, err
	}
	d = &Departure{Transport: t, own: s.Mailbox, header: &header{fields: fields}, Receipt: &Receipt{}}
	if s.Author != "" {
		d.from, err = d.header.onlyAuthor(s.Author)
	} else {
		d.from, err = t.settleAuthors(ctx, d.header, s.SID)
	}
	if err != nil {
		return nil, err
	}
	d.header.receiptsTo(d.from)
	if len(s.To) == 0 {
		return nil, ErrNoRecipients
	}
	if len(s.To) > MaxRecipients {
		return nil, ErrTooMany
	}
	d.Receipt.MessageID, d.Receipt.Date = d.header.complete(s.MessageID, t.messageID, t.cfg.Now())
	if err := d.address(ctx, once(s.To), s.SID); err != nil || len(d.rows) == 0 {
		return d, err
	}
	if end == nil {
		end = []byte("\r\n")
	}
	return d, d.ready(ctx, io.MultiReader(bytes.NewReader(d.header.bytes()), bytes.NewReader(end), br))
}

// address finds the mailboxes behind the recipients. Two addresses of one mailbox are
// one row, and so is who is a member of several groups. Whom the message can never
// reach has an error in the results.
func (d *Departure) address(ctx context.Context, to []string, sid string) error {
	d.Receipt.Results = make([]Result, len(to))
	seen := map[guid.GUID]*departing{}
	for i, address := range to {
		result := &d.Receipt.Results[i]
		result.Recipient = address
		boxes, direct, err := d.reach(ctx, address, sid)
		if err != nil && !unreachable(err) {
			return err
		}
		result.Err = err
		for _, box := range boxes {
			r := seen[box.GUID]
			if r == nil {
				r = &departing{of: box, Outgoing: store.Outgoing{Kind: store.OutgoingSubmittedMember, From: d.from, To: box.Address, SID: sid}}
				seen[box.GUID] = r
				d.rows = append(d.rows, r)
			}
			if direct && r.Kind == store.OutgoingSubmittedMember {
				r.Kind, r.To = store.OutgoingSubmitted, address
			}
			r.places = append(r.places, i)
		}
		if len(d.rows) > MaxMembers {
			return ErrTooMany
		}
	}
	return nil
}

// ready makes the steps that have the message wait for all its mailboxes, and with it
// the report about whom it cannot reach.
func (d *Departure) ready(ctx context.Context, message io.Reader) error {
	contents := store.Contents{}
	blob, err := d.own.Gather(ctx, &limited{r: message, left: MaxMessage}, contents)
	if err != nil {
		return err
	}
	for i, r := range d.rows {
		r.Message = blob
		if i == 0 {
			r.Contents = contents // written once
		}
		step, err := d.own.Sending(&r.Outgoing)
		if err != nil {
			return err
		}
		d.steps = append(d.steps, step)
	}
	failed := failures(d.Receipt.Results)
	if len(failed) == 0 {
		return nil
	}
	var report bytes.Buffer
	if err := d.writeReport(&report, d.from, d.header, failed, d.cfg.Now()); err != nil {
		return err
	}
	r := &departing{Outgoing: store.Outgoing{Kind: store.OutgoingReport, To: d.from, Contents: store.Contents{}}}
	if r.Message, err = d.own.Gather(ctx, &report, r.Contents); err != nil {
		return err
	}
	step, err := d.own.Sending(&r.Outgoing)
	d.rows, d.steps = append(d.rows, r), append(d.steps, step)
	return err
}

// Steps are what belongs into the write of what the message tells of.
func (d *Departure) Steps() []store.Step { return slices.Clone(d.steps) }

// nobody reports to the sender of a message that can reach nobody; it does nothing when
// it can reach somebody.
func (d *Departure) nobody(ctx context.Context) error {
	if len(d.rows) > 0 {
		return nil
	}
	return d.report(ctx, d.own, d.from, d.header, failures(d.Receipt.Results))
}

// Send sends the message after the write, whether who asked for it is still there or
// not. What cannot arrive now waits, what never can is reported to the sender.
func (d *Departure) Send(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if err := d.nobody(ctx); err != nil {
		d.cfg.Log.WarnContext(ctx, "report about a message that reached nobody not kept", "mailbox", d.own.GUID(), "error", err)
	}
	d.deliver(ctx)
}

func (d *Departure) deliver(ctx context.Context) {
	at := parallel
	if len(d.rows) > 0 && d.rows[0].Message.Size > inMemory {
		at = parallelLong
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // of the results of groups, and of
	var lost []*store.Outgoing
	var failed []Result // why, one for each
	slots := make(chan struct{}, at)
	results := d.Receipt.Results
	for _, r := range d.rows {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			item, err := d.try(ctx, d.own, &r.Outgoing)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				lost, failed = append(lost, &r.Outgoing), append(failed, Result{Recipient: r.To, Err: err})
			}
			for _, i := range r.places {
				results[i].note(r.of.Address, item, err)
			}
		})
	}
	wg.Wait()
	d.lose(ctx, lost, failed)
	for i := range results {
		results[i].settle()
	}
}

// lose tells the sender in one report who never gets the message, or of each alone where
// that does not go.
func (d *Departure) lose(ctx context.Context, lost []*store.Outgoing, failed []Result) {
	if len(lost) > 1 && !slices.ContainsFunc(lost, func(o *store.Outgoing) bool { return o.Kind == store.OutgoingReport }) {
		err := d.report(ctx, d.own, d.from, d.header, failed, lost...)
		if err == nil {
			return
		}
		d.cfg.Log.InfoContext(ctx, "no report about all who do not get a message", "mailbox", d.own.GUID(), "error", err)
	}
	for i, o := range lost {
		d.fail(ctx, d.own, o, failed[i].Err)
	}
}
