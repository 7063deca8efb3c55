package calendar

import (
	"errors"
	"fmt"
	"math"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// The kinds of failure that a caller can act on, for errors.Is.
var (
	ErrEndBeforeStart = errors.New("the event ends before it starts")
	ErrTooLong        = errors.New("the event is too long")
	ErrRecurrence     = errors.New("not a recurrence that an event can have")
	ErrNoOccurrence   = errors.New("the series has no such occurrence")
	ErrNotSeries      = errors.New("the item is no series")
	ErrCrossing       = errors.New("the occurrence would lie on its neighbour or beyond it")
	ErrLastOccurrence = errors.New("the series would have no occurrence left")
	ErrRange          = errors.New("the window of time is too long")
	ErrTooMany        = errors.New("more events than can be told at once")
)

// MaxDuration is the longest event.
const MaxDuration = oxocal.MaxDuration

// When is the time of an event: of a single one, or of a series and its first occurrence.
type When struct {
	Start, End         time.Time
	StartZone, EndZone *oxocal.Zone // nil is UTC; a series runs by the clock of StartZone
	AllDay             bool
	Series             *oxocal.Recurrence // nil for a single event
}

// WhenOf reads the time of an event. Long values must have been resolved.
func WhenOf(props mapi.Bag) (When, error) {
	w := When{
		Start: props.Time(mapi.PidLidAppointmentStartWhole), End: props.Time(mapi.PidLidAppointmentEndWhole),
		StartZone: zone(props, mapi.PidLidAppointmentTimeZoneStartDisplay), EndZone: zone(props, mapi.PidLidAppointmentTimeZoneEndDisplay),
		AllDay: props.Bool(mapi.PidLidAppointmentSubType),
	}
	s, err := SeriesOf(props)
	if s != nil {
		w.Series, w.StartZone = &s.Recurrence, s.Zone
	}
	return w, err
}

// Put checks the time and writes every property that follows from it (MS-OXOCAL
// 2.2.1). An event that lasts all day is stretched to whole days; the times of a
// series become those of its first occurrence. The exceptions of w.Series are kept.
func (w *When) Put(props mapi.Bag) error {
	if w.Start.IsZero() || w.End.Before(w.Start) {
		return ErrEndBeforeStart
	}
	if w.AllDay {
		w.Start, w.End = wholeDays(w.Start, w.End, w.StartZone, w.EndZone)
	}
	if w.End.Sub(w.Start) > MaxDuration {
		return ErrTooLong
	}
	recurring := w.Series != nil
	props[mapi.PidLidRecurring] = recurring
	props[mapi.PidLidIsRecurring] = recurring
	props[mapi.PidLidAppointmentSubType] = w.AllDay
	putZone(props, mapi.PidLidAppointmentTimeZoneStartDisplay, w.StartZone, w.Start)
	putZone(props, mapi.PidLidAppointmentTimeZoneEndDisplay, w.EndZone, w.End)
	clipStart, clipEnd := w.Start, w.End
	if recurring {
		r := w.Series
		start, end := w.StartZone.Wall(w.Start), w.StartZone.Wall(w.End)
		r.Clock = start.Clock().Truncate(time.Minute)
		r.Duration = max(0, end.Sub(start).Truncate(time.Minute))
		if err := r.Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrRecurrence, err)
		}
		first, ok := r.First()
		if !ok {
			return fmt.Errorf("%w: %w", ErrRecurrence, oxocal.ErrNoOccurrence)
		}
		// The first of the pattern, also where it was moved or deleted.
		regular := first.Day.At(r.Clock)
		if first.Number > 1 {
			regular = first.Start
		}
		w.Start, w.End = w.StartZone.UTC(regular), w.StartZone.UTC(regular.Add(r.Duration))
		if err := putSeries(props, &Series{*r, w.StartZone}); err != nil {
			return err
		}
		clipStart, clipEnd = clip(r)
	} else {
		for _, tag := range seriesTags {
			delete(props, tag)
		}
	}
	props[mapi.PidLidClipStart], props[mapi.PidLidClipEnd] = clipStart, clipEnd
	for _, tag := range []mapi.Tag{mapi.PidLidAppointmentStartWhole, mapi.PidLidCommonStart, mapi.PidTagStartDate} {
		props[tag] = w.Start
	}
	for _, tag := range []mapi.Tag{mapi.PidLidAppointmentEndWhole, mapi.PidLidCommonEnd, mapi.PidTagEndDate} {
		props[tag] = w.End
	}
	props[mapi.PidLidAppointmentDuration] = int32(min(w.End.Sub(w.Start)/time.Minute, math.MaxInt32))
	return nil
}

// wholeDays moves a start back and an end on to midnight, by their clocks.
func wholeDays(start, end time.Time, startZone, endZone *oxocal.Zone) (time.Time, time.Time) {
	first, last := startZone.Wall(start).Day(), endZone.Wall(end)
	after := last.Day()
	if last.Clock() > 0 {
		after++
	}
	return startZone.UTC(first.At(0)), endZone.UTC(max(after, first+1).At(0))
}

// noEnd is PidLidClipEnd of a series without an end (MS-OXOCAL 2.2.1.15).
var noEnd = time.Date(4500, 8, 31, 23, 59, 0, 0, time.UTC)

// clip returns the days, as midnights of UTC, around all occurrences of a series
// (MS-OXOCAL 2.2.1.14), those that were moved out of its range included.
func clip(r *oxocal.Recurrence) (start, end time.Time) {
	from, until := r.Start, oxocal.Day(0)
	if first, ok := r.Nth(1); ok {
		from = first.Start.Day()
	}
	last, ends := r.Last()
	if ends {
		until = last.End.Day()
	}
	for i := range r.Modified {
		from, until = min(from, r.Modified[i].Start.Day()), max(until, r.Modified[i].End.Day())
	}
	if ends {
		return from.At(0).AsUTC(), until.At(0).AsUTC()
	}
	return from.At(0).AsUTC(), noEnd
}

// remind sets when the reminder of an event fires (MS-OXORMDR 2.2.1): before the
// first occurrence that starts after now.
func remind(props mapi.Bag, start time.Time) {
	if !props.Bool(mapi.PidLidReminderSet) {
		return
	}
	props[mapi.PidLidReminderTime] = start
	props[mapi.PidLidReminderSignalTime] = start.Add(-time.Duration(props.Int32(mapi.PidLidReminderDelta)) * time.Minute)
}

// Tags are the properties that an event's time, and whether it is canceled, are read from, for store.Want.
var Tags = []mapi.Tag{
	mapi.PidTagMessageClass, mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidAppointmentTimeZoneStartDisplay,
	mapi.PidLidAppointmentTimeZoneEndDisplay, mapi.PidLidAppointmentTimeZoneRecur, mapi.PidLidTimeZoneStruct, mapi.PidLidTimeZoneDescription,
	mapi.PidLidAppointmentSubType, mapi.PidLidRecurring, mapi.PidLidAppointmentRecur, mapi.PidLidAppointmentStateFlags,
}

// Want returns what to read of an item to be able to tell when it is, beside want.
func Want(want store.Want) store.Want {
	want.Tags = append(want.Tags[:len(want.Tags):len(want.Tags)], Tags...)
	return want
}
