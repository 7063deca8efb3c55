package calendar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// Change is what somebody changes of an event; what is nil stays.
type Change struct {
	IfChangeKey []byte // ErrConflict (of the store) unless it is the current one
	Set         mapi.Bag
	Delete      []mapi.Tag
	// When returns the time of the event after the change, which Set and Delete say
	// nothing of. Of an occurrence the series is nil.
	When        func(old When) (*When, error)
	Recipients  func(old []store.Recipient) []store.Recipient
	Attachments []store.Attachment // added
	// Invites tells that the attendees are told of the change.
	Invites bool
	// Restores brings an occurrence that was deleted back.
	Restores bool
	// With is done in the same write.
	With []store.Step
}

// maxAttempts is how often a change without a change key is made again on top of
// another one that came first.
const maxAttempts = 5

// retry runs fn again when somebody else changed the item meanwhile; with a change
// key of the client's it runs once.
func retry(key []byte, fn func() error) (err error) {
	for range maxAttempts {
		if err = fn(); key != nil || !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// Prepare completes a new event: its time, its name among all calendars, and what a
// calendar item has (MS-OXOCAL 2.2.1, 2.2.2). organizer tells whether others are
// asked to it by its owner.
func Prepare(item *store.NewItem, when When, now time.Time) error {
	p := item.Props
	give := func(tag mapi.Tag, v any) {
		if _, _, ok := p.Find(tag); !ok {
			p[tag] = v
		}
	}
	give(mapi.PidTagMessageClass, "IPM.Appointment")
	give(mapi.PidLidBusyStatus, BusyBusy)
	give(mapi.PidTagResponseRequested, true)
	give(mapi.PidLidReminderSet, false)
	give(mapi.PidLidReminderDelta, int32(15))
	give(mapi.PidLidAppointmentStateFlags, int32(0))
	give(mapi.PidLidAppointmentSequence, int32(0))
	give(mapi.PidLidOwnerCriticalChange, now.UTC().Truncate(time.Second))
	give(mapi.PidLidSideEffects, int32(0x171)) // MS-OXOCAL 2.2.2.1.16: opened to be deleted, moved or copied
	if _, _, ok := p.Find(mapi.PidLidGlobalObjectID); !ok {
		id := oxocal.NewGlobalID(now, guid.New()).Bytes()
		p[mapi.PidLidGlobalObjectID], p[mapi.PidLidCleanGlobalObjectID] = id, id
	}
	if err := when.Put(p); err != nil {
		return err
	}
	settle(p, item.Recipients, when, now)
	return nil
}

// settle makes the properties that follow from others agree.
func settle(p mapi.Bag, recipients []store.Recipient, when When, now time.Time) {
	meeting := len(recipients) > 0
	state := p.Int32(mapi.PidLidAppointmentStateFlags)
	if state&StateReceived == 0 {
		status := ResponseNone
		if meeting {
			state |= StateMeeting
			status = ResponseOrganized
		} else {
			state &^= StateMeeting
		}
		p[mapi.PidLidAppointmentStateFlags] = state
		p[mapi.PidLidResponseStatus] = status
	}
	icon := int32(1024) // MS-OXOCAL 2.2.1.49
	if when.Series != nil {
		icon++
	}
	if state&StateMeeting != 0 {
		icon += 2
	}
	p[mapi.PidTagIconIndex] = icon
	p[mapi.PidLidPrivate] = p.Int32(mapi.PidTagSensitivity) >= 2
	start := when.Start
	if when.Series != nil {
		zone := when.StartZone
		for o := range when.Series.Between(zone.Wall(now), zone.Wall(now).Add(2*366*24*time.Hour)) {
			if at := zone.UTC(o.Start); at.After(now) {
				start = at
				break
			}
		}
	}
	remind(p, start)
	to, cc, all := attendeeNames(recipients)
	p[mapi.PidLidToAttendeesString], p[mapi.PidLidCcAttendeesString], p[mapi.PidLidAllAttendeesString] = to, cc, all
}

// Update changes a single event or a series. A series whose pattern or clock is
// changed loses its exceptions, as they are exceptions of what is no more.
func Update(ctx context.Context, box *store.Mailbox, id store.ItemID, c Change, now time.Time) (stamp store.Stamp, err error) {
	err = retry(c.IfChangeKey, func() error {
		stamp, err = update(ctx, box, id, c, now)
		return err
	})
	return stamp, err
}

func update(ctx context.Context, box *store.Mailbox, id store.ItemID, c Change, now time.Time) (store.Stamp, error) {
	item, err := read(ctx, box, id)
	if err != nil {
		return store.Stamp{}, err
	}
	u := store.ItemUpdate{IfChangeKey: cmpKey(c.IfChangeKey, item.ChangeKey), Set: mapi.Bag{}, MIME: new(mapi.Blob{})}
	props := maps.Clone(item.Props)
	change(props, c)
	recipients := item.Recipients
	if c.Recipients != nil {
		recipients = c.Recipients(item.Recipients)
		u.Recipients = &recipients
	}
	old, err := WhenOf(item.Props)
	if err != nil {
		old.Series = nil
	}
	when := old
	if c.When != nil {
		w, err := c.When(old)
		if err != nil {
			return store.Stamp{}, err
		}
		when = *w
		if old.Series != nil && (when.Series == nil || !sameSeries(when, old)) {
			if when.Series != nil {
				when.Series = restarted(when, old)
			}
			for _, a := range item.Attachments {
				if transport.IsException(a) {
					u.DeleteAttachments = append(u.DeleteAttachments, a.ID.Number)
				}
			}
		}
		if err := when.Put(props); err != nil {
			return store.Stamp{}, err
		}
	}
	u.AddAttachments = c.Attachments
	if organized(props, recipients) {
		if c.Invites {
			props[mapi.PidLidFInvited] = true
		}
		if c.When != nil && !sameTime(when, old) {
			// What attendees answered to does not hold any more (RFC 5546 2.1.4).
			props[mapi.PidLidAppointmentSequence] = props.Int32(mapi.PidLidAppointmentSequence) + 1
		}
		if c.Invites || c.When != nil {
			props[mapi.PidLidOwnerCriticalChange] = now.UTC().Truncate(time.Second)
		}
	}
	settle(props, recipients, when, now)
	difference(&u, item.Props, props)
	return write(ctx, box, id, u, c.With)
}

// write changes an item, and does more in the same write.
func write(ctx context.Context, box *store.Mailbox, id store.ItemID, u store.ItemUpdate, with []store.Step) (stamp store.Stamp, err error) {
	step, err := box.Updating(ctx, id, u, &stamp)
	if err == nil {
		err = store.Together(ctx, append(slices.Clip(with), step)...)
	}
	return stamp, err
}

// cmpKey returns the client's change key, or that of the item as it was read: what
// is computed from it must not meet another one.
func cmpKey(client, read []byte) []byte {
	if client != nil {
		return client
	}
	return read
}

// read reads all of an event's item.
func read(ctx context.Context, box *store.Mailbox, id store.ItemID) (*store.Item, error) {
	item, err := box.Item(ctx, id, store.Want{All: true, Recipients: true, Attachments: true})
	if err != nil {
		return nil, err
	}
	return item, Resolve(ctx, box, item)
}

// Resolve reads the long values of an item that its time is told by.
func Resolve(ctx context.Context, box *store.Mailbox, item *store.Item) error {
	if err := box.Resolve(ctx, item.Props, maxRecurrence, mapi.PidLidAppointmentRecur); err != nil {
		return fmt.Errorf("read %v: %w", item.ID, err)
	}
	return nil
}

// change applies what is set and deleted.
func change(props mapi.Bag, c Change) {
	drop := func(tag mapi.Tag) {
		if t, _, ok := props.Find(tag); ok {
			delete(props, t)
		}
	}
	for _, tag := range c.Delete {
		drop(tag)
	}
	for tag, v := range c.Set {
		drop(tag)
		props[tag] = v
	}
}

// difference puts into an update what differs.
func difference(u *store.ItemUpdate, before, after mapi.Bag) {
	for tag, v := range after {
		if _, old, ok := before.Find(tag); !ok || !equal(old, v) {
			u.Set[tag] = v
		}
	}
	for tag := range before {
		if _, _, ok := after.Find(tag); !ok {
			u.Delete = append(u.Delete, tag)
		}
	}
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case string, int32, int16, int64, bool, float64, mapi.Blob:
		return a == b
	}
	return false
}

// sameTime tells whether an event takes place as before.
func sameTime(w, old When) bool {
	if !w.Start.Equal(old.Start) || !w.End.Equal(old.End) || (w.Series == nil) != (old.Series == nil) {
		return false
	}
	return w.Series == nil || sameSeries(w, old)
}

// sameSeries tells whether the exceptions of a series still fit it: it has the same
// pattern, clock and range.
func sameSeries(w, old When) bool {
	r, o := w.Series, old.Series
	zone := w.StartZone
	wall := zone.Wall(w.Start)
	return r.Pattern == o.Pattern && r.Range == o.Range && wall.Clock().Truncate(time.Minute) == o.Clock && zone.ID() == old.StartZone.ID() &&
		zone.Wall(w.End).Sub(wall).Truncate(time.Minute) == o.Duration
}

// restarted is the series without its exceptions; when only the start was moved, it
// begins on the day of that.
func restarted(w, old When) *oxocal.Recurrence {
	r := oxocal.Recurrence{Pattern: w.Series.Pattern, Range: w.Series.Range}
	if r.Range == old.Series.Range && !w.Start.Equal(old.Start) {
		r.Start = w.StartZone.Wall(w.Start).Day()
	}
	return &r
}

// occurrenceOf reads a series and the occurrence of a day; restored, it is there
// although it was deleted.
func occurrenceOf(ctx context.Context, box *store.Mailbox, id store.OccurrenceID, restored bool) (*store.Item, *Series, oxocal.Occurrence, error) {
	item, err := read(ctx, box, id.Item)
	if err != nil {
		return nil, nil, oxocal.Occurrence{}, err
	}
	s, err := SeriesOf(item.Props)
	if err != nil {
		return nil, nil, oxocal.Occurrence{}, err
	}
	if s == nil {
		return nil, nil, oxocal.Occurrence{}, ErrNotSeries
	}
	if restored {
		s.Deleted = slices.DeleteFunc(slices.Clone(s.Deleted), func(d oxocal.Day) bool { return d == oxocal.Day(id.Day) })
	}
	o, ok := s.On(oxocal.Day(id.Day))
	if !ok {
		return nil, nil, oxocal.Occurrence{}, ErrNoOccurrence
	}
	return item, s, o, nil
}

// Get returns the event that an id names.
func Get(ctx context.Context, box *store.Mailbox, id store.ID, want store.Want) (*Event, error) {
	switch id := id.(type) {
	case store.OccurrenceID:
		item, s, o, err := occurrenceOf(ctx, box, id, false)
		if err != nil {
			return nil, err
		}
		var own *transport.Exception
		if o.Exception != nil {
			if own, err = transport.ExceptionOf(ctx, box, item.Attachments, s.Zone.UTC(o.Day.At(s.Clock))); err != nil {
				return nil, err
			}
		}
		return occurrence(item, s, o, own), nil
	case store.ItemID:
		item, err := box.Item(ctx, id, Want(want))
		if err == nil {
			err = Resolve(ctx, box, item)
		}
		if err != nil {
			return nil, err
		}
		return Whole(item)
	}
	return nil, store.ErrNotFound
}

// Nth returns the id of the occurrence of a series with a number, 1 for the first;
// ErrNoOccurrence where there is none or it was deleted.
func Nth(ctx context.Context, box *store.Mailbox, id store.ItemID, n int) (store.OccurrenceID, error) {
	e, err := Get(ctx, box, id, store.Want{})
	if err != nil {
		return store.OccurrenceID{}, err
	}
	if e.Kind != Master {
		return store.OccurrenceID{}, ErrNotSeries
	}
	o, ok := e.Series.Nth(n)
	if !ok {
		return store.OccurrenceID{}, ErrNoOccurrence
	}
	return store.OccurrenceID{Item: id, Day: int32(o.Day)}, nil
}

// UpdateOccurrence changes one occurrence, which becomes an exception. It may not be
// moved to the day of its neighbours or beyond (ErrCrossing).
func UpdateOccurrence(ctx context.Context, box *store.Mailbox, id store.OccurrenceID, c Change, now time.Time) (stamp store.Stamp, err error) {
	err = retry(c.IfChangeKey, func() error {
		stamp, err = updateOccurrence(ctx, box, id, c, now)
		return err
	})
	return stamp, err
}

func updateOccurrence(ctx context.Context, box *store.Mailbox, id store.OccurrenceID, c Change, now time.Time) (store.Stamp, error) {
	item, s, o, err := occurrenceOf(ctx, box, id, c.Restores)
	if err != nil {
		return store.Stamp{}, err
	}
	original := s.Zone.UTC(o.Day.At(s.Clock))
	own, err := transport.ExceptionOf(ctx, box, item.Attachments, original)
	if err != nil {
		return store.Stamp{}, err
	}
	if own == nil {
		own = &transport.Exception{Props: mapi.Bag{}}
	}
	before := occurrence(item, s, o, own)
	x := oxocal.Exception{Day: o.Day, Start: o.Start, End: o.End}
	if o.Exception != nil {
		x = *o.Exception
	}
	if c.When != nil {
		old := When{Start: before.Start(), End: before.End(), StartZone: s.Zone, EndZone: s.Zone, AllDay: before.Props.Bool(mapi.PidLidAppointmentSubType)}
		w, err := c.When(old)
		if err != nil {
			return store.Stamp{}, err
		}
		if err := moveTo(s, o, &x, w); err != nil {
			return store.Stamp{}, err
		}
	}
	override(&x, c)
	for _, tag := range c.Delete {
		if t, _, ok := own.Props.Find(tag); ok {
			delete(own.Props, t)
		}
	}
	for tag, v := range c.Set {
		if !inRecurrence(tag) {
			own.Props[tag] = v
		}
	}
	if c.Recipients != nil {
		own.Recipients = c.Recipients(before.Recipients)
	}
	if organized(before.Props, before.Recipients) {
		if x.Start != o.Start || x.End != o.End {
			own.Props[mapi.PidLidAppointmentSequence] = before.Props.Int32(mapi.PidLidAppointmentSequence) + 1
		}
		if c.Invites || c.When != nil {
			own.Props[mapi.PidLidOwnerCriticalChange] = now.UTC().Truncate(time.Second)
		}
	}
	u := store.ItemUpdate{IfChangeKey: cmpKey(c.IfChangeKey, item.ChangeKey), Set: mapi.Bag{}, MIME: new(mapi.Blob{})}
	if a, ok := transport.ExceptionAttachment(item.Attachments, original); ok {
		u.DeleteAttachments = []int32{a.ID.Number}
	}
	if !own.Empty() {
		a, err := own.Attachment(ctx, box.WriteBlob, original, s.Zone.UTC(x.Start), s.Zone.UTC(x.End))
		if err != nil {
			return store.Stamp{}, err
		}
		u.AddAttachments = []store.Attachment{a}
	}
	at, found := slices.BinarySearchFunc(s.Modified, x.Day, func(e oxocal.Exception, d oxocal.Day) int { return int(e.Day - d) })
	s.Modified = slices.Clone(s.Modified)
	if found {
		s.Modified[at] = x
	} else {
		s.Modified = slices.Insert(s.Modified, at, x)
	}
	return putExceptions(ctx, box, item, s, u, c.With)
}

// putExceptions writes a series whose exceptions were changed.
func putExceptions(ctx context.Context, box *store.Mailbox, item *store.Item, s *Series, u store.ItemUpdate, with []store.Step) (store.Stamp, error) {
	if err := s.Check(); err != nil {
		return store.Stamp{}, fmt.Errorf("%w: %w", ErrRecurrence, err)
	}
	props := maps.Clone(item.Props)
	if err := putSeries(props, s); err != nil {
		return store.Stamp{}, err
	}
	props[mapi.PidLidClipStart], props[mapi.PidLidClipEnd] = clip(&s.Recurrence)
	difference(&u, item.Props, props)
	return write(ctx, box, item.ID, u, with)
}

// moveTo gives an exception another time.
func moveTo(s *Series, o oxocal.Occurrence, x *oxocal.Exception, w *When) error {
	if w.End.Before(w.Start) {
		return ErrEndBeforeStart
	}
	if w.AllDay {
		w.Start, w.End = wholeDays(w.Start, w.End, s.Zone, s.Zone)
	}
	if w.End.Sub(w.Start) > MaxDuration {
		return ErrTooLong
	}
	minutes := func(t oxocal.Wall) oxocal.Wall { return t.Day().At(t.Clock().Truncate(time.Minute)) }
	x.Start, x.End = minutes(s.Zone.Wall(w.Start)), minutes(s.Zone.Wall(w.End))
	if previous, ok := s.neighbour(o.Number, -1); ok && x.Start.Day() <= previous.Start.Day() {
		return ErrCrossing
	}
	if next, ok := s.neighbour(o.Number, 1); ok && x.Start.Day() >= next.Start.Day() {
		return ErrCrossing
	}
	x.AllDay = w.AllDay
	x.Overrides |= oxocal.OverrideAllDay
	return nil
}

// neighbour returns the occurrence before (step -1) or after (1) the one with a
// number that was not deleted.
func (s *Series) neighbour(number, step int) (oxocal.Occurrence, bool) {
	for range len(s.Deleted) + 1 {
		if number += step; number < 1 {
			break
		}
		if o, ok := s.Nth(number); ok {
			return o, true
		}
	}
	return oxocal.Occurrence{}, false
}

// inRecurrence tells whether the recurrence itself keeps a property of an exception.
func inRecurrence(tag mapi.Tag) bool {
	return slices.ContainsFunc(overridden, func(t mapi.Tag) bool { return t.ID() == tag.ID() })
}

var overridden = []mapi.Tag{mapi.PidTagSubject, mapi.PidTagNormalizedSubject, mapi.PidLidAppointmentStateFlags, mapi.PidLidReminderDelta, mapi.PidLidReminderSet,
	mapi.PidLidLocation, mapi.PidLidBusyStatus, mapi.PidLidAppointmentSubType}

// override sets what the recurrence keeps of a change.
func override(x *oxocal.Exception, c Change) {
	for _, tag := range c.Delete {
		switch tag {
		case mapi.PidTagSubject:
			x.Subject, x.Overrides = "", x.Overrides|oxocal.OverrideSubject
		case mapi.PidLidLocation:
			x.Location, x.Overrides = "", x.Overrides|oxocal.OverrideLocation
		}
	}
	for tag, v := range c.Set {
		switch v := v.(type) {
		case string:
			switch tag {
			case mapi.PidTagSubject:
				x.Subject, x.Overrides = v, x.Overrides|oxocal.OverrideSubject
			case mapi.PidLidLocation:
				x.Location, x.Overrides = v, x.Overrides|oxocal.OverrideLocation
			}
		case int32:
			switch tag {
			case mapi.PidLidAppointmentStateFlags:
				x.MeetingType, x.Overrides = v, x.Overrides|oxocal.OverrideMeetingType
			case mapi.PidLidReminderDelta:
				x.ReminderDelta, x.Overrides = v, x.Overrides|oxocal.OverrideReminderDelta
			case mapi.PidLidBusyStatus:
				x.BusyStatus, x.Overrides = v, x.Overrides|oxocal.OverrideBusyStatus
			}
		case bool:
			if tag == mapi.PidLidReminderSet {
				x.Reminder, x.Overrides = v, x.Overrides|oxocal.OverrideReminder
			}
		}
	}
}

// DeleteOccurrence takes one occurrence out of a series, and does more in the same
// write. The last one cannot go alone (ErrLastOccurrence).
func DeleteOccurrence(ctx context.Context, box *store.Mailbox, id store.OccurrenceID, key []byte, with ...store.Step) (stamp store.Stamp, err error) {
	err = retry(key, func() error {
		item, s, o, err := occurrenceOf(ctx, box, id, false)
		if err != nil {
			return err
		}
		original := s.Zone.UTC(o.Day.At(s.Clock))
		u := store.ItemUpdate{IfChangeKey: cmpKey(key, item.ChangeKey), Set: mapi.Bag{}, MIME: new(mapi.Blob{})}
		if a, ok := transport.ExceptionAttachment(item.Attachments, original); ok {
			u.DeleteAttachments = []int32{a.ID.Number}
		}
		if item.Props.Int32(mapi.PidLidAppointmentStateFlags)&StateReceived != 0 {
			a, err := left(ctx, box, item, s, o, original)
			if err != nil {
				return err
			}
			u.AddAttachments = []store.Attachment{a}
		}
		s.Modified = slices.DeleteFunc(slices.Clone(s.Modified), func(e oxocal.Exception) bool { return e.Day == o.Day })
		at, _ := slices.BinarySearch(s.Deleted, o.Day)
		s.Deleted = slices.Insert(slices.Clone(s.Deleted), at, o.Day)
		if _, left := s.First(); !left {
			return ErrLastOccurrence
		}
		stamp, err = putExceptions(ctx, box, item, s, u, with)
		return err
	})
	return stamp, err
}

// left keeps which version of an occurrence its attendee let go: only a later request
// about it brings it back.
func left(ctx context.Context, box *store.Mailbox, item *store.Item, s *Series, o oxocal.Occurrence, original time.Time) (store.Attachment, error) {
	own, err := transport.ExceptionOf(ctx, box, item.Attachments, original)
	if err != nil && !errors.Is(err, mapi.ErrSyntax) {
		return store.Attachment{}, err
	}
	p := occurrence(item, s, o, own).Props
	version := &transport.Exception{Props: mapi.Bag{mapi.PidLidAppointmentSequence: p.Int32(mapi.PidLidAppointmentSequence),
		mapi.PidLidOwnerCriticalChange: p.Time(mapi.PidLidOwnerCriticalChange)}}
	return version.Attachment(ctx, box.WriteBlob, original, s.Zone.UTC(o.Start), s.Zone.UTC(o.End))
}
