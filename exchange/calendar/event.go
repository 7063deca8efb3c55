package calendar

import (
	"maps"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// Kind is what an event is to its series.
type Kind int

// The kinds of event (MS-OXWSMTGS 2.2.5.4).
const (
	Single Kind = iota
	Occurrence
	Exception
	Master // the series itself
)

// Event is an event: a single one, a series, or one occurrence of a series.
type Event struct {
	// Item holds the event's properties. That of an occurrence is made: the series'
	// item with the times of the occurrence and what an exception has of its own.
	*store.Item
	Kind   Kind
	Series *Series // nil for a single event

	// The occurrence; zero for a single event and a series.
	oxocal.Occurrence
	OriginalStart time.Time // when the pattern has it
}

// ID returns what names the event: an ItemID or an OccurrenceID.
func (e *Event) ID() store.ID {
	if e.Kind == Occurrence || e.Kind == Exception {
		return store.OccurrenceID{Item: e.Item.ID, Day: int32(e.Day)}
	}
	return e.Item.ID
}

// Start returns when the event, or the first occurrence of the series, begins.
func (e *Event) Start() time.Time { return e.Props.Time(mapi.PidLidAppointmentStartWhole) }

// End returns when the event, or the first occurrence of the series, ends.
func (e *Event) End() time.Time { return e.Props.Time(mapi.PidLidAppointmentEndWhole) }

// Whole returns an item as the event that it is by itself. Long values that Tags
// names must have been resolved.
func Whole(item *store.Item) (*Event, error) {
	s, err := SeriesOf(item.Props)
	if err != nil {
		return nil, err
	}
	item.Attachments = Visible(item.Attachments)
	if s == nil {
		return &Event{Item: item}, nil
	}
	return &Event{Item: item, Kind: Master, Series: s}, nil
}

// Visible returns the attachments that are not exceptions'.
func Visible(list []store.Attachment) []store.Attachment {
	return slices.DeleteFunc(slices.Clone(list), transport.IsException)
}

// occurrence makes the event of one occurrence of a series' item; own is what an
// exception has of its own, nil for nothing.
func occurrence(item *store.Item, s *Series, o oxocal.Occurrence, own *transport.Exception) *Event {
	e := &Event{Kind: Occurrence, Series: s, Occurrence: o}
	it := *item
	it.Attachments = Visible(item.Attachments)
	it.Props = maps.Clone(item.Props)
	e.Item = &it
	start, end := s.Zone.UTC(o.Start), s.Zone.UTC(o.End)
	e.OriginalStart = s.Zone.UTC(o.Day.At(s.Clock))
	p := it.Props
	for _, tag := range seriesTags {
		delete(p, tag)
	}
	for _, tag := range []mapi.Tag{mapi.PidLidAppointmentStartWhole, mapi.PidLidCommonStart, mapi.PidTagStartDate, mapi.PidLidClipStart} {
		p[tag] = start
	}
	for _, tag := range []mapi.Tag{mapi.PidLidAppointmentEndWhole, mapi.PidLidCommonEnd, mapi.PidTagEndDate, mapi.PidLidClipEnd} {
		p[tag] = end
	}
	p[mapi.PidLidAppointmentDuration] = int32(end.Sub(start) / time.Minute)
	p[mapi.PidLidRecurring] = false
	p[mapi.PidLidExceptionReplaceTime] = e.OriginalStart
	if id := p.Bytes(mapi.PidLidCleanGlobalObjectID); id != nil {
		p[mapi.PidLidGlobalObjectID] = objectIDOn(id, o.Day)
	}
	if x := o.Exception; x != nil {
		e.Kind = Exception
		p[mapi.PidLidIsException] = true
		overlay(p, x)
		if own != nil {
			for tag, v := range own.Props {
				if t, _, ok := p.Find(tag); ok {
					delete(p, t)
				}
				p[tag] = v
			}
			if own.Recipients != nil {
				it.Recipients = own.Recipients
			}
		}
	}
	if state := item.Props.Int32(mapi.PidLidAppointmentStateFlags); state&StateCanceled != 0 {
		// With the series every exception is canceled, whatever it says of itself.
		p[mapi.PidLidAppointmentStateFlags] = p.Int32(mapi.PidLidAppointmentStateFlags) | StateCanceled
		p[mapi.PidLidBusyStatus] = BusyFree
	}
	remind(p, start)
	return e
}

// overlay puts what the recurrence itself tells of an exception over its series'
// properties (MS-OXOCAL 2.2.1.44.2).
func overlay(p mapi.Bag, x *oxocal.Exception) {
	set := func(flag oxocal.Overrides, tag mapi.Tag, v any) {
		if x.Overrides&flag != 0 {
			p[tag] = v
		}
	}
	set(oxocal.OverrideSubject, mapi.PidTagSubject, x.Subject)
	set(oxocal.OverrideSubject, mapi.PidTagNormalizedSubject, x.Subject)
	set(oxocal.OverrideMeetingType, mapi.PidLidAppointmentStateFlags, x.MeetingType)
	set(oxocal.OverrideReminderDelta, mapi.PidLidReminderDelta, x.ReminderDelta)
	set(oxocal.OverrideReminder, mapi.PidLidReminderSet, x.Reminder)
	set(oxocal.OverrideLocation, mapi.PidLidLocation, x.Location)
	set(oxocal.OverrideBusyStatus, mapi.PidLidBusyStatus, x.BusyStatus)
	set(oxocal.OverrideAllDay, mapi.PidLidAppointmentSubType, x.AllDay)
}
