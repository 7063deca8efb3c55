package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// outgoing is what is sent because a message came: what rules send on, and that the
// owner is out of office. What cannot be made is logged and left out.
func (d *delivery) outgoing(ctx context.Context, v *verdict) []store.Outgoing {
	var list []store.Outgoing
	for _, f := range v.forwards {
		made, err := d.forward(ctx, f)
		if err != nil {
			d.cfg.Log.WarnContext(ctx, "inbox rule could not forward", "mailbox", d.mailbox.GUID(), "error", err)
			continue
		}
		list = append(list, made...)
	}
	for _, to := range v.delegates {
		list = append(list, d.asCame(store.Outgoing{Kind: store.OutgoingDelegate, SID: d.mailbox.Info().OwnerSID, To: to, Contents: store.Contents{}}))
	}
	if d.junk(v) {
		return list
	}
	arrived, err := d.deliveryReceipt(ctx)
	if err != nil {
		d.cfg.Log.InfoContext(ctx, "delivery receipt not sent", "mailbox", d.mailbox.GUID(), "error", err)
	} else if arrived != nil {
		list = append(list, *arrived)
	}
	if v.gone {
		return list
	}
	oof, err := d.tellOof(ctx)
	if err != nil {
		d.cfg.Log.InfoContext(ctx, "out-of-office reply not sent", "mailbox", d.mailbox.GUID(), "error", err)
	} else if oof != nil {
		list = append(list, *oof)
	}
	return list
}

// asCame puts the message that came into what is sent, from whom it came.
func (d *delivery) asCame(o store.Outgoing) store.Outgoing {
	o.From, o.Message, o.Skip = d.from, d.item.MIME, int64(d.message.trace)
	if data, short := d.item.Contents[d.item.MIME]; short {
		o.Contents[d.item.MIME] = data
	}
	return o
}

// junk tells whether the message goes to Junk Email.
func (d *delivery) junk(v *verdict) bool {
	folder := d.item.Folder
	if v.folder != (store.FolderID{}) {
		folder = v.folder
	}
	junk, err := d.mailbox.RoleID(store.RoleJunkEmail)
	return err != nil || folder == junk
}

// compose writes a message in MIME, where it waits with what is delivered.
func (d *delivery) compose(ctx context.Context, m *oxcmail.Message, content func(*oxcmail.Attachment) (io.ReadCloser, error), into store.Contents) (mapi.Blob, error) {
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(oxcmail.Write(w, m, content)) }()
	return d.mailbox.Gather(ctx, r, into)
}

// Limits of KeepSending.
const (
	// sendAtOnce is how many waiting messages are taken at a time.
	sendAtOnce = 64
	// maxAttempts is how often a message is tried: for a day.
	maxAttempts = 30
	maxPause    = time.Hour
)

// KeepSending sends what waits, of all mailboxes, until ctx ends: what was written
// by who could not send it, or died before. Several processes may do so at a time.
func (t *Transport) KeepSending(ctx context.Context) {
	for ctx.Err() == nil {
		next, err := t.SendWaiting(ctx)
		if err != nil && ctx.Err() == nil {
			t.cfg.Log.ErrorContext(ctx, "waiting messages not sent", "error", err)
		}
		t.cfg.Store.AwaitOutgoing(ctx, next)
	}
}

// SendWaiting sends what has waited long enough, and returns when more will have,
// zero when nothing waits.
func (t *Transport) SendWaiting(ctx context.Context) (next time.Time, err error) {
	for {
		list, next, err := t.cfg.Store.TakeOutgoing(ctx, sendAtOnce)
		if err != nil || len(list) == 0 {
			return next, err
		}
		var wg sync.WaitGroup
		slots := make(chan struct{}, parallel)
		for _, o := range list {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				owner, err := t.cfg.Store.FindMailbox(ctx, o.Mailbox)
				if err != nil {
					t.cfg.Log.WarnContext(ctx, "message not sent", "mailbox", o.Mailbox, "error", err)
					return
				}
				t.send(ctx, owner, o)
			})
		}
		wg.Wait()
	}
}

// send sends what waits in a mailbox. What can never arrive is reported to who
// submitted it, or logged and dropped. For anything else there is another time.
func (t *Transport) send(ctx context.Context, owner *store.Mailbox, o *store.Outgoing) {
	if _, err := t.try(ctx, owner, o); err != nil {
		t.fail(ctx, owner, o, err)
	}
}

// try is send that returns the item which the message is then, and leaves what can
// never arrive where it is, with an error.
func (t *Transport) try(ctx context.Context, owner *store.Mailbox, o *store.Outgoing) (store.ItemID, error) {
	id, err := t.sendOne(ctx, owner, o)
	switch {
	case err == nil || errors.Is(err, store.ErrSent):
		return id, nil
	case unreachable(err) || o.Attempts >= maxAttempts:
		t.cfg.Log.WarnContext(ctx, "message not sent", "mailbox", o.Mailbox, "recipient", o.To, "error", err)
		return id, err
	}
	t.putOff(ctx, o, err)
	return id, nil
}

// fail ends the waiting of what can never arrive.
func (t *Transport) fail(ctx context.Context, owner *store.Mailbox, o *store.Outgoing, cause error) {
	ctx = context.WithoutCancel(ctx)
	if err := t.giveUp(ctx, owner, o, cause); err != nil && !errors.Is(err, store.ErrSent) {
		t.putOff(ctx, o, err)
	}
}

// putOff has what could not be sent, or ended, tried another time.
func (t *Transport) putOff(ctx context.Context, o *store.Outgoing, err error) {
	ctx = context.WithoutCancel(ctx)
	pause := min(time.Minute<<min(o.Attempts, 10), maxPause)
	t.cfg.Log.InfoContext(ctx, "message waits", "mailbox", o.Mailbox, "recipient", o.To, "attempts", o.Attempts+1, "error", err)
	if err := t.cfg.Store.PutOffOutgoing(ctx, o, t.cfg.Now().Add(pause)); err != nil {
		t.cfg.Log.ErrorContext(ctx, "waiting message not put off", "mailbox", o.Mailbox, "error", err)
	}
}

// giveUp ends the waiting of a message that never arrives. Who submitted it is told,
// unless there is no room for that.
func (t *Transport) giveUp(ctx context.Context, owner *store.Mailbox, o *store.Outgoing, cause error) error {
	if o.Kind == store.OutgoingSubmitted || o.Kind == store.OutgoingSubmittedMember {
		fields, _, err := oxcmail.ReadFields(bufio.NewReader(owner.OpenBlob(ctx, o.Message)))
		if err == nil {
			err = t.report(ctx, owner, o.From, &header{fields: fields}, []Result{{Recipient: o.To, Err: cause}}, o)
		}
		if err == nil || !unreachable(err) && o.Attempts < maxAttempts {
			return err
		}
		t.cfg.Log.WarnContext(ctx, "report about a message not kept", "mailbox", o.Mailbox, "error", err)
	}
	return owner.SpreadOutgoing(ctx, o, nil)
}

// unreachable tells whether a failure would be the same at any other time.
func unreachable(err error) bool {
	for _, kind := range []error{errNoRoute, ErrInvalidAddress, ErrUnknownRecipient, ErrMayNotSend, ErrTooMany, ErrTooLarge, store.ErrTooLarge, store.ErrQuota} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// reach returns the mailboxes behind an address: one, which it names directly, or those
// of a group's members. errNoRoute of another organisation's.
func (t *Transport) reach(ctx context.Context, address, sid string) (boxes []*Mailbox, direct bool, err error) {
	if !validAddress(address) {
		return nil, false, ErrInvalidAddress
	}
	accepted, err := t.cfg.Directory.Accepted(ctx, domain(address))
	if err == nil && !accepted {
		err = errNoRoute
	}
	if err != nil {
		return nil, false, err
	}
	return t.receivers(ctx, address, sid)
}

// sendOne delivers what waits, or puts the members of a group in its place.
func (t *Transport) sendOne(ctx context.Context, owner *store.Mailbox, o *store.Outgoing) (id store.ItemID, err error) {
	mailbox, address, to := owner, o.To, []string{o.To} // of a report
	if o.Kind != store.OutgoingReport {
		boxes, direct, err := t.reach(ctx, o.To, o.SID)
		if err != nil {
			return id, err
		}
		member := o.Kind == store.OutgoingMember || o.Kind == store.OutgoingSubmittedMember
		switch {
		case !direct && member:
			return id, ErrUnknownRecipient // so that groups do not go round
		case !direct:
			var members []string
			for _, box := range boxes {
				members = append(members, box.Address)
			}
			return id, owner.SpreadOutgoing(ctx, o, members)
		}
		if mailbox, err = t.open(ctx, boxes[0]); err != nil {
			return id, err
		}
		if address = boxes[0].Address; member {
			to = nil
		}
	}
	message := io.Reader(owner.OpenBlob(ctx, o.Message))
	if _, err := io.CopyN(io.Discard, message, o.Skip); err != nil {
		return id, fmt.Errorf("waiting message: %w", err)
	}
	if o.Kind == store.OutgoingRead || o.Kind == store.OutgoingNotRead {
		if message, err = t.readReceipt(ctx, o); err != nil {
			return id, err
		}
	}
	a := arrival{at: t.cfg.Now(), from: o.From, to: to, waited: []*store.Outgoing{o}}
	if o.Kind == store.OutgoingDelegate {
		if a.principal, err = t.person(ctx, o.SID); err != nil {
			return id, err
		}
	}
	trace := t.trace(Envelope{From: o.From}, a.at)
	s, err := stage(ctx, mailbox, io.MultiReader(strings.NewReader(trace), strings.NewReader(string(o.Head)), message))
	if err != nil {
		return id, err
	}
	s.trace = len(trace)
	return t.deliverInto(ctx, mailbox, address, s, a)
}
