package calendar

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/oxocal"
)

// Values of PidLidMeetingType (MS-OXOCAL 2.2.6.5).
const (
	meetingFull     int32 = 0x00010000
	meetingInformed int32 = 0x00020000
	meetingOutdated int32 = 0x00080000
)

// Process does with a delivered meeting message what the calendar of its receiver
// must do: a request becomes a tentative event or changes the one that is there, a
// cancellation marks it, a response is noted with its attendee (MS-OXOCAL 3.1.5).
// Rooms and equipment answer by themselves.
//
// A message counts only from whom it speaks of: the author of a request or a
// cancellation must be the organizer whom the event names, that of a response one of
// the attendees. What somebody else says of an event that is there changes nothing.
func (c *Calendar) Process(ctx context.Context, d transport.Delivered) error {
	class := d.Item.Props.String(mapi.PidTagMessageClass)
	if d.For != "" {
		return nil // a delegate's copy: the calendar that it is about has its own
	}
	if !under(class, "IPM.Schedule.Meeting.") || len(d.Item.Props.Bytes(mapi.PidLidCleanGlobalObjectID)) == 0 {
		return nil
	}
	err := c.process(ctx, d, class)
	if errors.Is(err, store.ErrExists) {
		err = c.process(ctx, d, class) // another request for the meeting was faster
	}
	return err
}

func (c *Calendar) process(ctx context.Context, d transport.Delivered, class string) error {
	p := &process{Calendar: c, Delivered: d, author: author(d.Item.Props), props: d.Item.Props}
	known, err := Associated(ctx, d.Mailbox, p.props)
	if err != nil {
		return err
	}
	if known != nil {
		attachments := known.Attachments
		if p.known, err = Whole(known); err != nil {
			return err
		}
		p.organized = known.Props.Int32(mapi.PidLidAppointmentStateFlags)&StateReceived == 0
		p.now = p.known
		if day, one := occurrenceDay(p.props, known.Props); one {
			id := store.OccurrenceID{Item: known.ID, Day: int32(day)}
			switch e, err := Get(ctx, d.Mailbox, id, store.Want{}); {
			case err == nil:
				p.one, p.now = &id, e
			case errors.Is(err, ErrNoOccurrence):
				if !p.declined(day) {
					return nil // there is nothing to change, or never was
				}
				p.one, p.restored = &id, true
				s := p.known.Series
				if p.left, err = transport.ExceptionOf(ctx, d.Mailbox, attachments, s.Zone.UTC(day.At(s.Clock))); err != nil {
					return err
				}
			default:
				return err
			}
		}
	}
	switch {
	case under(class, classRequest):
		err = p.request(ctx)
	case under(class, classCanceled):
		err = p.canceled(ctx)
	case under(class, classResponse):
		err = p.response(ctx)
	}
	return err
}

type process struct {
	*Calendar
	transport.Delivered
	props     mapi.Bag // of the message
	author    string   // address of who wrote the message
	known     *Event   // the event that it is about; nil for none
	now       *Event   // known, or the occurrence of it that the message is about
	one       *store.OccurrenceID
	organized bool                 // the receiver called the meeting
	restored  bool                 // the occurrence was declined, and is asked about again
	left      *transport.Exception // the version of it that was declined; nil when that is not known
}

// declined tells whether a request is about an occurrence that its receiver deleted.
func (p *process) declined(day oxocal.Day) bool {
	return !p.organized && under(p.props.String(mapi.PidTagMessageClass), classRequest) && slices.Contains(p.known.Series.Deleted, day)
}

// author is the address of a message's From field: what a calendar part says of who
// organizes does not count for that. With two such fields (RFC 5322 3.6 has one) nobody
// wrote it: whoever looked at the message before may have looked at the other one.
func author(p mapi.Bag) string {
	header := p.String(mapi.PidTagTransportMessageHeaders)
	var value string
	in, fields := false, 0
	for line := range strings.Lines(header) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			if in {
				value += line
			}
			continue
		}
		name, rest, _ := strings.Cut(line, ":")
		if in = strings.EqualFold(strings.TrimSpace(name), "From"); in {
			value, fields = rest, fields+1
		}
	}
	list := oxcmail.Addresses(value)
	if len(list) != 1 || fields != 1 {
		return ""
	}
	return list[0].Email
}

// fromOrganizer tells whether the message is by the organizer whom the event names.
func (p *process) fromOrganizer() bool {
	return !p.organized && sameAddress(p.author, organizer(p.known.Props).Email)
}

// mark tells with the message what became of it.
func (p *process) mark(ctx context.Context, kind int32) error {
	set := mapi.Bag{mapi.PidTagProcessed: true}
	if kind == meetingOutdated || kind != 0 && p.props.Int32(mapi.PidLidMeetingType) != transport.PrincipalWantsCopy {
		set[mapi.PidLidMeetingType] = kind
	}
	_, err := p.Mailbox.UpdateItem(ctx, p.ID, store.ItemUpdate{Set: set})
	return err
}

// request takes a request (MS-OXOCAL 3.1.5.2).
func (p *process) request(ctx context.Context) error {
	switch {
	case sameAddress(organizer(p.props).Email, p.Address):
		return nil // one's own
	case p.known == nil:
		stamp, err := p.tentative(ctx, p.Mailbox, p.Mailbox, p.props, p.Item.Recipients, p.Item.Attachments)
		if err != nil {
			return err
		}
		if err := p.mark(ctx, 0); err != nil {
			return err
		}
		return p.book(ctx, stamp.ID)
	case !p.fromOrganizer():
		return nil
	case Outdated(p.props, p.now.Props), p.left != nil && !Outdated(p.left.Props, p.props):
		return p.mark(ctx, meetingOutdated)
	}
	full := p.restored || p.changed()
	id, err := p.update(ctx, full)
	if err != nil {
		return err
	}
	kind := meetingInformed
	if full {
		kind = meetingFull
	}
	answered := p.now.Props.Int32(mapi.PidLidResponseStatus) != ResponseNotResponded
	if err := p.mark(ctx, kind); err != nil || !full && answered {
		return err
	}
	return p.book(ctx, id)
}

// changed tells whether a request is about another time than the event's: what was
// answered does not hold for that.
func (p *process) changed() bool {
	known := p.now.Props
	for _, tag := range []mapi.Tag{mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole} {
		if !p.props.Time(tag).Equal(known.Time(tag)) {
			return true
		}
	}
	if p.one != nil {
		return known.Int32(mapi.PidLidAppointmentStateFlags)&StateCanceled != 0
	}
	s, err := SeriesOf(p.props)
	if err != nil || (s == nil) != (p.known.Series == nil) {
		return true
	}
	return s != nil && (s.Pattern != p.known.Series.Pattern || s.Range != p.known.Series.Range) || known.Int32(mapi.PidLidAppointmentStateFlags)&StateCanceled != 0
}

// update puts a newer request into the event; full takes back what was answered.
func (p *process) update(ctx context.Context, full bool) (store.ID, error) {
	set := shared(p.props)
	set[mapi.PidLidAppointmentStateFlags] = StateMeeting | StateReceived
	// What the owner decided stays.
	for _, tag := range []mapi.Tag{mapi.PidLidReminderSet, mapi.PidLidReminderDelta} {
		delete(set, tag)
	}
	if full {
		set[mapi.PidLidResponseStatus] = ResponseNotResponded
		set[mapi.PidLidBusyStatus] = tentativeStatus(p.props)
	} else {
		delete(set, mapi.PidLidBusyStatus)
	}
	ch := Change{Set: set, Recipients: func([]store.Recipient) []store.Recipient { return p.attendees() }}
	if p.one != nil {
		when := When{Start: p.props.Time(mapi.PidLidAppointmentStartWhole), End: p.props.Time(mapi.PidLidAppointmentEndWhole), AllDay: p.props.Bool(mapi.PidLidAppointmentSubType)}
		ch.When = func(When) (*When, error) { return &when, nil }
		ch.Restores = p.restored
		dropTimes(set)
		_, err := UpdateOccurrence(ctx, p.Mailbox, *p.one, ch, p.cfg.Now())
		return *p.one, err
	}
	w, err := WhenOf(p.props)
	if err != nil {
		return nil, err
	}
	if !full && w.Series != nil {
		w.Series = without(*w.Series, p.known.Series.Deleted) // what was declined stays so
	}
	dropTimes(set)
	ch.When = func(When) (*When, error) { return &w, nil }
	_, err = Update(ctx, p.Mailbox, p.known.Item.ID, ch, p.cfg.Now())
	return p.known.Item.ID, err
}

// without returns a recurrence that has no occurrence on the days.
func without(r oxocal.Recurrence, days []oxocal.Day) *oxocal.Recurrence {
	r.Deleted = append(slices.Clone(r.Deleted), days...)
	slices.Sort(r.Deleted)
	r.Deleted = slices.Compact(r.Deleted)
	r.Modified = slices.DeleteFunc(slices.Clone(r.Modified), func(x oxocal.Exception) bool { return slices.Contains(days, x.Day) })
	return &r
}

// dropTimes takes away what When.Put writes, and what an exception must not have.
func dropTimes(set mapi.Bag) {
	for _, tag := range slices.Concat(seriesTags, []mapi.Tag{
		mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidCommonStart, mapi.PidLidCommonEnd, mapi.PidTagStartDate, mapi.PidTagEndDate,
		mapi.PidLidAppointmentDuration, mapi.PidLidAppointmentSubType, mapi.PidLidClipStart, mapi.PidLidClipEnd, mapi.PidLidRecurring, mapi.PidLidIsRecurring,
		mapi.PidLidAppointmentTimeZoneStartDisplay, mapi.PidLidAppointmentTimeZoneEndDisplay, mapi.PidLidGlobalObjectID, mapi.PidLidCleanGlobalObjectID,
		mapi.PidLidExceptionReplaceTime, mapi.PidLidIsException,
	}) {
		delete(set, tag)
	}
}

// tentativeStatus is how busy a request makes that nobody has answered.
func tentativeStatus(props mapi.Bag) int32 {
	if _, v, ok := props.Find(mapi.PidLidIntendedBusyStatus); ok && v == BusyFree {
		return BusyFree
	}
	return BusyTentative
}

// attendees are those whom the message names.
func (p *process) attendees() []store.Recipient { return p.Item.Recipients }

// tentative makes the event of a request that is not answered yet (MS-OXOCAL
// 3.1.5.2.1); what is attached to the request is in the mailbox from. An event that is
// there already is store.ErrExists.
func (c *Calendar) tentative(ctx context.Context, box, from *store.Mailbox, message mapi.Bag, recipients []store.Recipient, attachments []store.Attachment) (store.Stamp, error) {
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		return store.Stamp{}, err
	}
	item := store.NewItem{Folder: folder, Alone: true, Read: true, Props: shared(message), Recipients: recipients, Attachments: attachments}
	item.Props[mapi.PidTagMessageClass] = "IPM.Appointment"
	item.Props[mapi.PidLidAppointmentStateFlags] = StateMeeting | StateReceived
	item.Props[mapi.PidLidResponseStatus] = ResponseNotResponded
	item.Props[mapi.PidLidBusyStatus] = tentativeStatus(message)
	item.Props[mapi.PidLidFInvited] = true
	when, err := WhenOf(item.Props)
	if err != nil {
		return store.Stamp{}, err
	}
	if err := Prepare(&item, when, c.cfg.Now()); err != nil {
		return store.Stamp{}, err
	}
	if from.GUID() != box.GUID() {
		if err := box.Carry(ctx, from, &item); err != nil {
			return store.Stamp{}, err
		}
	}
	return box.CreateItem(ctx, item)
}

// canceled takes a cancellation: the event stays until its owner removes it, free and
// marked (MS-OXOCAL 3.1.5.6). A room has no owner who would.
func (p *process) canceled(ctx context.Context) error {
	if p.known == nil || !p.fromOrganizer() {
		return nil
	}
	if Outdated(p.props, p.now.Props) {
		return p.mark(ctx, meetingOutdated)
	}
	room, err := p.resource(ctx)
	if err != nil {
		return err
	}
	set := mapi.Bag{
		mapi.PidLidAppointmentStateFlags: StateMeeting | StateReceived | StateCanceled, mapi.PidLidBusyStatus: BusyFree,
		mapi.PidTagSubject: p.props.String(mapi.PidTagSubject), mapi.PidLidReminderSet: false,
		mapi.PidLidAppointmentSequence: p.props.Int32(mapi.PidLidAppointmentSequence), mapi.PidLidOwnerCriticalChange: p.props.Time(mapi.PidLidOwnerCriticalChange),
	}
	switch {
	case p.one != nil && room:
		_, err = DeleteOccurrence(ctx, p.Mailbox, *p.one, nil)
	case p.one != nil:
		_, err = UpdateOccurrence(ctx, p.Mailbox, *p.one, Change{Set: set}, p.cfg.Now())
	case room:
		_, err = p.Mailbox.DeleteItem(ctx, p.known.Item.ID, store.ToDeletedItems)
	default:
		_, err = Update(ctx, p.Mailbox, p.known.Item.ID, Change{Set: set}, p.cfg.Now())
	}
	if err != nil {
		return err
	}
	if room {
		_, err = p.Mailbox.DeleteItem(ctx, p.ID, store.ToDeletedItems)
		return err
	}
	return p.mark(ctx, 0)
}

// response notes what an attendee answered (MS-OXOCAL 3.1.5.4).
func (p *process) response(ctx context.Context) error {
	if p.known == nil || !p.organized {
		return nil
	}
	attendees := p.now.Recipients
	at := find(attendees, p.author)
	if at < 0 {
		return nil
	}
	if p.props.Int32(mapi.PidLidAppointmentSequence) < p.now.Props.Int32(mapi.PidLidAppointmentSequence) {
		return p.mark(ctx, 0) // an answer to what was asked before
	}
	said := p.props.Time(mapi.PidLidAttendeeCriticalChange)
	if said.IsZero() {
		said = p.cfg.Now()
	}
	if before := attendees[at].Props.Time(mapi.PidTagRecipientTrackStatusTime); said.Before(before) {
		return p.mark(ctx, 0)
	}
	ch := Change{Set: mapi.Bag{}, Recipients: func(old []store.Recipient) []store.Recipient { return p.noted(old, said) }}
	if p.props.Bool(mapi.PidLidAppointmentCounterProposal) {
		ch.Set[mapi.PidLidAppointmentCounterProposal] = true
		ch.Set[mapi.PidLidAppointmentProposalNumber] = p.known.Props.Int32(mapi.PidLidAppointmentProposalNumber) + 1
	}
	var err error
	if p.one != nil {
		_, err = UpdateOccurrence(ctx, p.Mailbox, *p.one, ch, p.cfg.Now())
	} else {
		_, err = Update(ctx, p.Mailbox, p.known.Item.ID, ch, p.cfg.Now())
	}
	if err != nil {
		return err
	}
	return p.mark(ctx, 0)
}

// noted returns the attendees with what the message's author answered.
func (p *process) noted(list []store.Recipient, said time.Time) []store.Recipient {
	out := slices.Clone(list)
	at := find(out, p.author)
	if at < 0 {
		return out
	}
	props := mapi.Bag{}
	for tag, v := range out[at].Props {
		props[tag] = v
	}
	props[mapi.PidTagRecipientTrackStatus] = MessageResponse(p.props)
	props[mapi.PidTagRecipientTrackStatusTime] = said.UTC()
	delete(props, mapi.PidTagRecipientProposed)
	if p.props.Bool(mapi.PidLidAppointmentCounterProposal) {
		props[mapi.PidTagRecipientProposed] = true
		props[mapi.PidTagRecipientProposedStartTime] = p.props.Time(mapi.PidLidAppointmentProposedStartWhole)
		props[mapi.PidTagRecipientProposedEndTime] = p.props.Time(mapi.PidLidAppointmentProposedEndWhole)
	}
	out[at].Props = props
	return out
}

// resource tells whether the receiver is a room or equipment.
func (p *process) resource(ctx context.Context) (bool, error) {
	if p.cfg.Resource == nil {
		return false, nil
	}
	return p.cfg.Resource(ctx, p.Address)
}

// bookingWindow is how far into the future a resource looks for conflicts and takes
// bookings (the default of Set-CalendarProcessing -BookingWindowInDays).
const bookingWindow = 180 * 24 * time.Hour

// book lets a resource answer a request: it accepts what conflicts with nothing and
// declines the rest. Of two requests that come together the event that was made
// first wins, whoever looks first.
func (p *process) book(ctx context.Context, id store.ID) error {
	room, err := p.resource(ctx)
	if err != nil || !room {
		return err
	}
	free, err := p.free(ctx, id)
	if err != nil {
		return err
	}
	a := Answer{Status: ResponseAccepted, Send: true, first: true}
	if !free {
		a.Status, a.Text = ResponseDeclined, &oxcmail.Message{Text: "The resource is booked at that time, or the time is too far ahead."}
	}
	me := oxcmail.Address{Name: p.Mailbox.Info().DisplayName, Email: p.Address}
	request, err := p.Mailbox.Deleting(ctx, p.ID, nil, store.ToDeletedItems, &store.Stamp{})
	if err == nil {
		_, err = p.answer(ctx, Sender{Box: p.Mailbox, For: me, Own: p.Mailbox, Me: me}, id, a, request)
	}
	return err
}

// free tells whether an event conflicts with nothing that was booked before it.
func (p *process) free(ctx context.Context, id store.ID) (bool, error) {
	e, err := Get(ctx, p.Mailbox, id, store.Want{All: true})
	if err != nil {
		return false, err
	}
	now := p.cfg.Now()
	from, to := e.Start(), e.End()
	if e.Kind == Master {
		from, to = now, now.Add(bookingWindow)
		if last, ends := e.Series.Last(); !ends || e.Series.Zone.UTC(last.End).After(to) {
			return false, nil
		}
	}
	if to.After(now.Add(bookingWindow)) {
		return false, nil
	}
	folder, err := p.Mailbox.RoleID(store.RoleCalendar)
	if err != nil {
		return false, err
	}
	events, more, err := View(ctx, p.Mailbox, folder, from, to, store.Want{Tags: append(slices.Clone(busyTags), mapi.PidLidResponseStatus)}, MaxEvents)
	if err != nil || more {
		return false, err
	}
	var own, others []*Event
	for _, o := range events {
		switch {
		case o.Item.ID == e.Item.ID && (e.Kind == Master || o.Day == e.Day):
			own = append(own, o)
		case o.Item.ID == e.Item.ID || o.Props.Int32(mapi.PidLidBusyStatus) == BusyFree:
		case o.Props.Int32(mapi.PidLidResponseStatus) == ResponseAccepted || o.Item.ID.Row < e.Item.ID.Row:
			others = append(others, o)
		}
	}
	// Both lists are in the order of starts.
	for _, o := range own {
		for _, b := range others {
			if !b.Start().Before(o.End()) {
				break
			}
			if b.End().After(o.Start()) {
				return false, nil
			}
		}
	}
	return true, nil
}
