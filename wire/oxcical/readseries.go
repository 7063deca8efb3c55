package oxcical

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// recur sets the properties of a series (MS-OXOCAL 2.2.1.44), or keeps the lines
// that MAPI has no place for.
func (rd *reader) recur(e *Event, c *component, t times, exceptions []*component) {
	rules := slices.Collect(c.all("RRULE"))
	dates := slices.Collect(c.all("RDATE"))
	if len(rules) == 0 && len(dates) == 0 {
		return
	}
	zone := t.startZone
	var r *oxocal.Recurrence
	ok := len(rules) == 1 && len(dates) == 0 && c.find("EXRULE") == nil
	if ok {
		r, ok = pattern(rules[0].Value, t.start, zone, rd.zones)
	}
	if ok {
		r.Duration = max(0, zone.Wall(t.endZone.UTC(t.end)).Sub(t.start).Truncate(time.Minute))
		ok = r.Check() == nil
	}
	if ok {
		ok = rd.exceptions(e, c, r, zone, exceptions)
	}
	if !ok {
		lines := rd.kept(c, exceptions)
		if len(lines) > maxLines {
			rd.left.add("the recurrence of %s, which is too long to be kept", c)
			return
		}
		e.Props[mapi.PidNameICalendar] = lines
		return
	}
	packed, err := r.AppendAppointment(nil)
	if err != nil {
		rd.left.add("the recurrence of %s, which is too long to be kept", c)
		return
	}
	p := e.Props
	if first, ok := r.First(); ok && first.Number == 1 && first.Exception == nil && first.Start != t.start {
		// MAPI has no series whose first occurrence is not one of its pattern.
		t.start, t.end, t.endZone = first.Start, first.End, zone
		rd.putTimes(p, t)
		remind(p, c, t)
	}
	p[mapi.PidLidAppointmentRecur] = packed
	p[mapi.PidLidRecurring], p[mapi.PidLidIsRecurring] = true, true
	p[mapi.PidLidRecurrenceType] = map[oxocal.Kind]int32{oxocal.Daily: 1, oxocal.Weekly: 2, oxocal.AbsoluteMonthly: 3, oxocal.RelativeMonthly: 3,
		oxocal.AbsoluteYearly: 4, oxocal.RelativeYearly: 4}[r.Kind]
	year := zone.UTC(t.start).Year()
	p[mapi.PidLidTimeZoneStruct] = zone.AppendStruct(nil, year)
	p[mapi.PidLidTimeZoneDescription] = zone.Name()
	p[mapi.PidLidAppointmentTimeZoneRecur] = zone.AppendDefinition(nil, year)
	first, last := t.start.Day(), oxocal.LastDay
	if o, ok := r.Last(); ok {
		last = o.End.Day()
	}
	for i := range r.Modified {
		first, last = min(first, r.Modified[i].Start.Day()), max(last, r.Modified[i].End.Day())
	}
	p[mapi.PidLidClipStart], p[mapi.PidLidClipEnd] = first.At(0).AsUTC(), last.At(0).AsUTC()
	if last == oxocal.LastDay {
		p[mapi.PidLidClipEnd] = noEnd
	}
}

// noEnd is PidLidClipEnd of a series without an end (MS-OXOCAL 2.2.1.15).
var noEnd = time.Date(4500, 8, 31, 23, 59, 0, 0, time.UTC)

// maxDates is how many dates of a series are looked at to find those that are exceptions.
const maxDates = 4 * oxocal.MaxExceptions

// exceptions fills the deleted and modified occurrences of a series. It is not ok
// when they are more than a series can have, or about more than one occurrence.
func (rd *reader) exceptions(e *Event, c *component, r *oxocal.Recurrence, zone *oxocal.Zone, list []*component) bool {
	day := func(m moment) oxocal.Day {
		if m.date || m.zone == nil && !m.utc {
			return m.wall.Day()
		}
		return zone.Wall(m.in(rd.floating)).Day()
	}
	n, looked := 0, 0
	for prop := range c.all("EXDATE") {
		for value := range strings.SplitSeq(prop.Value, ",") {
			if looked++; looked > maxDates {
				return false
			}
			m, ok := rd.value(prop, strings.TrimSpace(value))
			if !ok || !r.Falls(day(m)) {
				continue
			}
			if n++; n > oxocal.MaxExceptions {
				return false
			}
			r.Deleted = append(r.Deleted, day(m))
		}
	}
	for _, x := range list {
		at := x.find("RECURRENCE-ID")
		m, ok := rd.moment(at)
		if !ok || !r.Falls(day(m)) {
			continue
		}
		if at.Param("RANGE") != "" {
			return false
		}
		if n++; n > oxocal.MaxExceptions {
			return false
		}
		if strings.EqualFold(x.raw("STATUS"), "CANCELLED") && rd.method != Cancel {
			r.Deleted = append(r.Deleted, day(m))
			continue
		}
		rd.exception(e, x, r, day(m), zone)
	}
	slices.Sort(r.Deleted)
	r.Deleted = slices.Compact(r.Deleted)
	slices.SortStableFunc(r.Modified, func(a, b oxocal.Exception) int { return cmp.Compare(a.Day, b.Day) })
	r.Modified = slices.CompactFunc(r.Modified, func(a, b oxocal.Exception) bool { return a.Day == b.Day })
	r.Deleted = slices.DeleteFunc(r.Deleted, func(d oxocal.Day) bool {
		return slices.ContainsFunc(r.Modified, func(x oxocal.Exception) bool { return x.Day == d })
	})
	return true
}

// exception adds what an occurrence has of its own.
func (rd *reader) exception(e *Event, c *component, r *oxocal.Recurrence, day oxocal.Day, zone *oxocal.Zone) {
	t, ok := rd.times(c)
	if !ok {
		return
	}
	own := &Event{Props: mapi.Bag{}}
	rd.describe(own, c)
	rd.status(own.Props, c)
	remind(own.Props, c, t)
	x := oxocal.Exception{Day: day}
	x.Start = zone.Wall(t.startZone.UTC(t.start)) / 60 * 60 // MAPI has whole minutes
	x.End = max(x.Start, zone.Wall(t.endZone.UTC(t.end))/60*60)
	differs := func(tag mapi.Tag) bool { return own.Props[tag] != e.Props[tag] }
	if differs(mapi.PidTagSubject) && own.Props[mapi.PidTagSubject] != nil {
		x.Overrides |= oxocal.OverrideSubject
		x.Subject = own.Props.String(mapi.PidTagSubject)
	}
	if differs(mapi.PidLidLocation) {
		x.Overrides |= oxocal.OverrideLocation
		x.Location = own.Props.String(mapi.PidLidLocation)
	}
	if differs(mapi.PidLidBusyStatus) {
		x.Overrides |= oxocal.OverrideBusyStatus
		x.BusyStatus = own.Props.Int32(mapi.PidLidBusyStatus)
	}
	if differs(mapi.PidLidReminderSet) {
		x.Overrides |= oxocal.OverrideReminder
		x.Reminder = own.Props.Bool(mapi.PidLidReminderSet)
	}
	if differs(mapi.PidLidReminderDelta) && own.Props.Bool(mapi.PidLidReminderSet) {
		x.Overrides |= oxocal.OverrideReminderDelta
		x.ReminderDelta = own.Props.Int32(mapi.PidLidReminderDelta)
	}
	if t.allDay != e.Props.Bool(mapi.PidLidAppointmentSubType) {
		x.Overrides |= oxocal.OverrideAllDay
		x.AllDay = t.allDay
	}
	more := &Exception{Original: zone.UTC(day.At(r.Clock)), Start: zone.UTC(x.Start), End: zone.UTC(x.End)}
	if (own.Text != e.Text && own.Text != "") || (own.HTML != e.HTML && own.HTML != "") {
		more.Text, more.HTML = own.Text, own.HTML
		x.Overrides |= oxocal.OverrideBody
	}
	if list := attendees(c, e.Organizer); len(list) > 0 && !slices.Equal(list, e.Attendees) {
		more.Attendees = list
	}
	if more.Text != "" || more.HTML != "" || more.Attendees != nil {
		e.Exceptions = append(e.Exceptions, more)
	}
	r.Modified = append(r.Modified, x)
}

// kept returns the lines of a recurrence that MAPI cannot hold, and the components
// of its exceptions.
func (rd *reader) kept(c *component, exceptions []*component) string {
	var b strings.Builder
	for _, p := range c.props {
		switch p.Name {
		case "RRULE", "RDATE", "EXDATE", "EXRULE":
			rd.rename(p)
			writeProperty(&b, p)
		}
		if b.Len() > maxLines {
			break
		}
	}
	for _, x := range exceptions {
		if b.Len() > maxLines {
			break
		}
		for _, p := range x.props {
			rd.rename(p)
		}
		writeComponent(&b, x)
	}
	return b.String()
}

// rename gives the time zone of a property the name that Write defines it by.
func (rd *reader) rename(p property) {
	for i, q := range p.Params {
		if q.Name != "TZID" {
			continue
		}
		if zone := rd.find(q.Value); zone != nil {
			p.Params[i].Value = zone.ID()
		}
	}
}
