package calendar

import (
	"context"
	"errors"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/oxocal"
)

// Answer is what an attendee answers to a request.
type Answer struct {
	Status     int32 // ResponseTentative, ResponseAccepted or ResponseDeclined
	Text       *oxcmail.Message
	Start, End time.Time // another time that is proposed; zero for none
	Send       bool      // the organizer is told
	first      bool      // nothing is done where somebody has answered
}

// answers are the classes of responses and the prefixes of their subjects (MS-OXOCAL
// 2.2.7).
var answers = map[int32]struct{ class, prefix string }{
	ResponseTentative: {classResponse + "Tent", "Tentative: "},
	ResponseAccepted:  {classResponse + "Pos", "Accepted: "},
	ResponseDeclined:  {classResponse + "Neg", "Declined: "},
}

// Respond answers a meeting: about is the event, one occurrence of it, or the request
// in the Inbox, which then goes to Deleted Items. Who declines loses the event to
// Deleted Items. It returns what became of the event. The event, the request and what
// the organizer is told are one write: none of them says what the others do not.
//
// Who got the request as a delegate answers for whom it is meant, in that calendar.
func (c *Calendar) Respond(ctx context.Context, from Sender, about store.ID, a Answer) (store.Stamp, error) {
	in, id, message, err := c.meeting(ctx, from, about)
	if err != nil {
		return store.Stamp{}, err
	}
	with, err := discard(ctx, from.Box, message)
	if err != nil {
		return store.Stamp{}, err
	}
	return c.answer(ctx, in, id, a, with...)
}

// answer answers an event, and does more in the same write.
func (c *Calendar) answer(ctx context.Context, from Sender, id store.ID, a Answer, with ...store.Step) (stamp store.Stamp, err error) {
	err = retry(nil, func() error {
		e, err := event(ctx, from.Box, id)
		if err != nil {
			return err
		}
		state := e.Props.Int32(mapi.PidLidAppointmentStateFlags)
		switch {
		case state&StateMeeting == 0:
			return ErrNoMeeting
		case state&StateReceived == 0:
			return ErrOrganizer
		case state&StateCanceled != 0:
			return ErrCanceled
		case a.first && e.Props.Int32(mapi.PidLidResponseStatus) != ResponseNotResponded:
			return nil
		}
		if a.Status == ResponseDeclined {
			err = mayGo(ctx, from.Box, id, e.Item)
		} else {
			err = mayEdit(ctx, from.Box, e.Item)
		}
		if err != nil {
			return err
		}
		var d *transport.Departure
		steps := with
		if a.Send {
			if d, err = c.depart(ctx, from, c.response(e, from, a)); err != nil {
				return err
			}
			steps = slices.Concat(with, d.Steps())
		}
		if stamp, err = c.settleAnswer(ctx, from.Box, id, e, a, steps); err == nil && d != nil {
			d.Send(ctx)
		}
		return err
	})
	return stamp, err
}

// discard returns the step that puts an answered request among the deleted items, none without one.
func discard(ctx context.Context, box *store.Mailbox, request *store.Item) ([]store.Step, error) {
	if request == nil {
		return nil, nil
	}
	step, err := box.Deleting(ctx, request.ID, nil, store.ToDeletedItems, &store.Stamp{})
	if err != nil {
		return nil, err
	}
	return []store.Step{step}, nil
}

// meeting finds the event that an id is about; message is the request, when that is
// what the id names. A request without an event makes one. in is from where the event
// is: in another calendar when the message is a delegate's.
func (c *Calendar) meeting(ctx context.Context, from Sender, about store.ID) (in Sender, id store.ID, message *store.Item, err error) {
	in, id, message, err = c.eventOf(ctx, from, about)
	if errors.Is(err, store.ErrExists) {
		in, id, message, err = c.eventOf(ctx, from, about) // another request for it was faster
	}
	return in, id, message, err
}

func (c *Calendar) eventOf(ctx context.Context, from Sender, about store.ID) (in Sender, id store.ID, message *store.Item, err error) {
	item, whole := about.(store.ItemID)
	if !whole {
		return from, about, nil, nil
	}
	if message, err = from.Box.Item(ctx, item, store.Want{All: true, Recipients: true, Attachments: true}); err != nil {
		return from, nil, nil, err
	}
	class := message.Props.String(mapi.PidTagMessageClass)
	if !under(class, "IPM.Schedule.Meeting.") {
		return from, about, nil, nil
	}
	if !under(class, classRequest) && !under(class, classCanceled) {
		return from, nil, nil, ErrNoMeeting
	}
	in = from
	if who := ReceivedFor(message.Props); who != "" {
		if in.Box, in.For, err = from.Principal(who); err != nil {
			return from, nil, nil, err
		}
	}
	known, err := Associated(ctx, in.Box, message.Props)
	if err != nil {
		return from, nil, nil, err
	}
	if known == nil {
		if !under(class, classRequest) {
			return from, nil, nil, store.ErrNotFound
		}
		if err := from.Box.Resolve(ctx, message.Props, maxText); err != nil {
			return from, nil, nil, err
		}
		stamp, err := c.tentative(ctx, in.Box, from.Box, message.Props, message.Recipients, message.Attachments)
		return in, stamp.ID, message, err
	}
	if Outdated(message.Props, known.Props) {
		return from, nil, nil, ErrOutdated
	}
	id = known.ID
	if day, one := occurrenceDay(message.Props, known.Props); one {
		id = store.OccurrenceID{Item: known.ID, Day: int32(day)}
	}
	return in, id, message, nil
}

// occurrenceDay returns the day of the occurrence that a message is about, when the
// event is the series.
func occurrenceDay(message, known mapi.Bag) (oxocal.Day, bool) {
	at := message.Time(mapi.PidLidExceptionReplaceTime)
	if at.IsZero() {
		return 0, false
	}
	s, err := SeriesOf(known)
	if err != nil || s == nil {
		return 0, false
	}
	return s.Zone.Wall(at).Day(), true
}

// response makes the message that answers (MS-OXOCAL 2.2.7).
func (c *Calendar) response(e *Event, from Sender, a Answer) store.NewItem {
	m := store.NewItem{Props: shared(e.Props)}
	p := m.Props
	to := organizer(e.Props)
	m.Recipients = []store.Recipient{{Type: mapi.RecipientTo, AddressType: "SMTP", Address: to.Email, SMTP: to.Email, Name: to.Display(), EntryID: oxcmail.OneOff(to)}}
	p[mapi.PidTagMessageClass] = answers[a.Status].class
	retitle(p, answers[a.Status].prefix)
	if a.Text == nil {
		a.Text = &oxcmail.Message{}
	}
	replaceText(p, a.Text)
	now := c.cfg.Now().UTC().Truncate(time.Second)
	p[mapi.PidLidAppointmentReplyTime], p[mapi.PidLidAttendeeCriticalChange] = now, now
	p[mapi.PidLidAppointmentReplyName] = from.Me.Display()
	putAuthor(p, from.For)
	if !a.Start.IsZero() {
		p[mapi.PidLidAppointmentCounterProposal] = true
		p[mapi.PidLidAppointmentProposedStartWhole], p[mapi.PidLidAppointmentProposedEndWhole] = a.Start, a.End
		p[mapi.PidLidAppointmentProposedDuration] = int32(a.End.Sub(a.Start) / time.Minute)
	}
	return m
}

// settleAnswer writes an answer into the event as it was read, and does more in the same write.
func (c *Calendar) settleAnswer(ctx context.Context, box *store.Mailbox, id store.ID, e *Event, a Answer, with []store.Step) (store.Stamp, error) {
	occurrence, one := id.(store.OccurrenceID)
	if a.Status == ResponseDeclined {
		key := e.Item.ChangeKey
		if !one {
			step, err := box.Updating(ctx, e.Item.ID, store.ItemUpdate{IfChangeKey: key, Set: mapi.Bag{mapi.PidLidResponseStatus: a.Status}}, &store.Stamp{})
			if err != nil {
				return store.Stamp{}, err
			}
			with, key = append(slices.Clip(with), step), nil // it has another one then
		}
		return drop(ctx, box, id, key, store.ToDeletedItems, with...)
	}
	busy := BusyTentative
	if a.Status == ResponseAccepted {
		busy = BusyBusy
		if _, v, ok := e.Props.Find(mapi.PidLidIntendedBusyStatus); ok {
			busy, _ = v.(int32)
		}
	}
	ch := Change{IfChangeKey: e.Item.ChangeKey, With: with,
		Set: mapi.Bag{mapi.PidLidResponseStatus: a.Status, mapi.PidLidBusyStatus: busy, mapi.PidLidAppointmentReplyTime: c.cfg.Now().UTC().Truncate(time.Second)}}
	if one {
		return UpdateOccurrence(ctx, box, occurrence, ch, c.cfg.Now())
	}
	return Update(ctx, box, e.Item.ID, ch, c.cfg.Now())
}

// Remove takes a canceled meeting off the calendar; about is the event or the
// cancellation, which goes to Deleted Items too.
func (c *Calendar) Remove(ctx context.Context, from Sender, about store.ID) (store.Stamp, error) {
	in, id, message, err := c.meeting(ctx, from, about)
	if err != nil {
		return store.Stamp{}, err
	}
	e, err := Get(ctx, in.Box, id, store.Want{Tags: []mapi.Tag{mapi.PidLidAppointmentStateFlags}})
	if err != nil {
		return store.Stamp{}, err
	}
	if e.Props.Int32(mapi.PidLidAppointmentStateFlags)&StateReceived == 0 {
		return store.Stamp{}, ErrOrganizer
	}
	with, err := discard(ctx, from.Box, message)
	if err != nil {
		return store.Stamp{}, err
	}
	return drop(ctx, in.Box, id, nil, store.ToDeletedItems, with...)
}
