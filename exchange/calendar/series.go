package calendar

import (
	"fmt"

	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// Series is a recurring event as its item tells it.
type Series struct {
	oxocal.Recurrence
	Zone *oxocal.Zone // by whose clock it runs
}

// maxRecurrence is the longest PidLidAppointmentRecur that is read.
const maxRecurrence = 8 << 20

// seriesTags are the properties that only a series has.
var seriesTags = []mapi.Tag{mapi.PidLidAppointmentRecur, mapi.PidLidAppointmentTimeZoneRecur, mapi.PidLidTimeZoneStruct, mapi.PidLidTimeZoneDescription,
	mapi.PidLidRecurrenceType}

// SeriesOf reads the series that an item is, nil for a single event. A long
// recurrence must have been resolved.
func SeriesOf(props mapi.Bag) (*Series, error) {
	if !props.Bool(mapi.PidLidRecurring) {
		return nil, nil
	}
	packed := props.Bytes(mapi.PidLidAppointmentRecur)
	if packed == nil {
		return nil, nil
	}
	r, err := oxocal.ParseAppointment(packed)
	if err != nil {
		return nil, fmt.Errorf("recurrence: %w", err)
	}
	s := &Series{Recurrence: *r, Zone: zone(props, mapi.PidLidAppointmentTimeZoneRecur)}
	if s.Zone == nil {
		s.Zone = zoneStruct(props)
	}
	if s.Zone == nil {
		s.Zone = zone(props, mapi.PidLidAppointmentTimeZoneStartDisplay)
	}
	return s, nil
}

// putSeries writes the properties of a series (MS-OXOCAL 2.2.1.44 and following).
func putSeries(props mapi.Bag, s *Series) error {
	packed, err := s.AppendAppointment(nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecurrence, err)
	}
	props[mapi.PidLidAppointmentRecur] = packed
	kind := map[oxocal.Kind]int32{oxocal.Daily: 1, oxocal.Weekly: 2, oxocal.AbsoluteMonthly: 3, oxocal.RelativeMonthly: 3, oxocal.AbsoluteYearly: 4, oxocal.RelativeYearly: 4}
	props[mapi.PidLidRecurrenceType] = kind[s.Kind]
	start := s.Zone.UTC(s.Start.At(s.Clock))
	putZone(props, mapi.PidLidAppointmentTimeZoneRecur, s.Zone, start)
	putZoneStruct(props, s.Zone, start)
	return nil
}

// Zones returns the time zones of an event's start and end, nil where it names none.
func Zones(props mapi.Bag) (start, end *oxocal.Zone) {
	start = zone(props, mapi.PidLidAppointmentTimeZoneStartDisplay)
	if start == nil {
		if start = zone(props, mapi.PidLidAppointmentTimeZoneRecur); start == nil {
			start = zoneStruct(props)
		}
	}
	if end = zone(props, mapi.PidLidAppointmentTimeZoneEndDisplay); end == nil {
		end = start
	}
	return start, end
}

// UID returns the UID of iCalendar that a packed global object id stands for, "" for none.
func UID(packed []byte) string {
	id, err := oxocal.ParseGlobalID(packed)
	if err != nil {
		return ""
	}
	return id.UID()
}

// ObjectID returns the packed global object id of a UID, nil for one that is none.
func ObjectID(uid string) []byte {
	if uid == "" || len(uid) > oxocal.MaxUID {
		return nil
	}
	return oxocal.ParseUID(uid).Clean()
}

// objectIDOn returns the global object id of one occurrence (MS-OXOCAL 2.2.1.27).
func objectIDOn(clean []byte, day oxocal.Day) []byte {
	id, err := oxocal.ParseGlobalID(clean)
	if err != nil {
		return clean
	}
	id.Day = day
	return id.Bytes()
}
