package oxcical

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"hma/wire/contentline"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/oxocal"
)

// producer is who writes (RFC 5545 3.7.3).
const producer = "-//HMA//Mail//EN"

// maxShared is how long a calendar is before exceptions get short.
const maxShared = 1 << 20

// Write writes a calendar. Its properties are those that Read sets; the time zones
// are written in full. An event without a start is left out. An exception repeats what
// it shares with its series, but once maxShared bytes are written only its times, subject
// and place: a series with many exceptions may have a long text.
func Write(w io.Writer, cal *Calendar) error {
	var b strings.Builder
	begin(&b, "VCALENDAR")
	if cal.Method != "" {
		contentline.Write(&b, "METHOD", cal.Method)
	}
	contentline.Write(&b, "PRODID", producer)
	contentline.Write(&b, "VERSION", "2.0")
	var list []*writer
	zones := map[string]bool{}
	for _, e := range cal.Events {
		x := newWriter(e, cal.Method)
		if x.start.IsZero() && cal.Method != Reply && cal.Method != Cancel {
			continue
		}
		list = append(list, x)
		if x.allDay && x.series == nil {
			continue
		}
		for _, zone := range []*oxocal.Zone{x.zone, x.endZone} {
			if zone != nil && zone != oxocal.UTC() && !zones[zone.ID()] {
				zones[zone.ID()] = true
				writeZone(&b, zone, x.start.Year())
			}
		}
	}
	for _, x := range list {
		x.b = &b
		x.write()
	}
	end(&b, "VCALENDAR")
	_, err := io.WriteString(w, b.String())
	return err
}

func begin(b *strings.Builder, name string) { contentline.Write(b, "BEGIN", name) }
func end(b *strings.Builder, name string)   { contentline.Write(b, "END", name) }

// writeProperty writes a property as it was read.
func writeProperty(b *strings.Builder, p property) {
	name := p.Name
	for _, q := range p.Params {
		name += ";" + q.Name + "=" + contentline.Quote(q.Value)
	}
	contentline.Write(b, name, p.Value)
}

func writeComponent(b *strings.Builder, c *component) {
	begin(b, c.name)
	for _, p := range c.props {
		writeProperty(b, p)
	}
	for _, child := range c.children {
		writeComponent(b, child)
	}
	end(b, c.name)
}

func date(d oxocal.Day) string        { return d.At(0).AsUTC().Format("20060102") }
func local(w oxocal.Wall) string      { return w.AsUTC().Format("20060102T150405") }
func instant(t time.Time) string      { return t.UTC().Format("20060102T150405Z") }
func upperBool(v bool) string         { return strings.ToUpper(strconv.FormatBool(v)) }
func mailto(a oxcmail.Address) string { return "mailto:" + a.Email }

// writeZone writes a VTIMEZONE with the rule of a year (MS-OXCICAL 2.1.3.1.1.19).
func writeZone(b *strings.Builder, zone *oxocal.Zone, year int) {
	begin(b, "VTIMEZONE")
	contentline.WriteText(b, "TZID", zone.ID())
	r := zone.Rule(year)
	part := func(name string, from, to int, c oxocal.Change) {
		begin(b, name)
		first := oxocal.NewDay(1601, time.January, 1).At(c.Clock)
		if c.Month != 0 {
			first = c.In(1601)
		}
		contentline.Write(b, "DTSTART", local(first))
		contentline.Write(b, "TZOFFSETFROM", offset(from))
		contentline.Write(b, "TZOFFSETTO", offset(to))
		switch {
		case c.Month == 0:
		case c.Week == 0:
			contentline.Write(b, "RRULE", fmt.Sprintf("FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=%d;BYMONTH=%d", c.Day, int(c.Month)))
		default:
			week := c.Week
			if week == oxocal.Last {
				week = -1
			}
			contentline.Write(b, "RRULE", fmt.Sprintf("FREQ=YEARLY;INTERVAL=1;BYDAY=%d%s;BYMONTH=%d", week, dayNames[c.Weekday], int(c.Month)))
		}
		end(b, name)
	}
	standard, daylight := r.Bias+r.StandardBias, r.Bias+r.DaylightBias
	if r.Daylight.Month == 0 {
		part("STANDARD", standard, standard, oxocal.Change{})
	} else {
		part("STANDARD", daylight, standard, r.Standard)
		part("DAYLIGHT", standard, daylight, r.Daylight)
	}
	end(b, "VTIMEZONE")
}

// offset writes the offset of a bias, which counts the other way.
func offset(bias int) string {
	sign := '+'
	if bias = -bias; bias < 0 {
		sign, bias = '-', -bias
	}
	return fmt.Sprintf("%c%02d%02d", sign, bias/60, bias%60)
}

// writer writes one event.
type writer struct {
	b             *strings.Builder
	e             *Event
	method        string
	start, end    time.Time
	zone, endZone *oxocal.Zone // nil where times are told in UTC
	allDay        bool
	series        *oxocal.Recurrence
	short         bool // the rest of the exceptions leave out what they share with the series
}

func newWriter(e *Event, method string) *writer {
	p := e.Props
	x := &writer{e: e, method: method, start: p.Time(mapi.PidLidAppointmentStartWhole), end: p.Time(mapi.PidLidAppointmentEndWhole), allDay: p.Bool(mapi.PidLidAppointmentSubType)}
	if method == Counter {
		if at := p.Time(mapi.PidLidAppointmentProposedStartWhole); !at.IsZero() {
			x.start, x.end = at, p.Time(mapi.PidLidAppointmentProposedEndWhole)
		}
	}
	if x.end.Before(x.start) {
		x.end = x.start
	}
	if p.Bool(mapi.PidLidRecurring) {
		if r, err := oxocal.ParseAppointment(p.Bytes(mapi.PidLidAppointmentRecur)); err == nil {
			x.series = r
		}
	}
	x.zone = zoneOf(p, mapi.PidLidAppointmentTimeZoneStartDisplay)
	if own := zoneOf(p, mapi.PidLidAppointmentTimeZoneRecur); own != nil && (x.series != nil || x.zone == nil) {
		x.zone = own
	}
	if x.zone == nil {
		if b := p.Bytes(mapi.PidLidTimeZoneStruct); b != nil && !x.start.IsZero() {
			x.zone, _ = oxocal.ParseStruct(b, x.start.Year())
		}
	}
	if x.endZone = zoneOf(p, mapi.PidLidAppointmentTimeZoneEndDisplay); x.endZone == nil {
		x.endZone = x.zone
	}
	return x
}

func zoneOf(p mapi.Bag, tag mapi.Tag) *oxocal.Zone {
	if b := p.Bytes(tag); b != nil {
		if zone, err := oxocal.ParseDefinition(b); err == nil {
			return zone
		}
	}
	return nil
}

// write writes the VEVENT and those of its exceptions.
func (x *writer) write() {
	p, b := x.e.Props, x.b
	own := occurrence{start: x.start, end: x.end, allDay: x.allDay, subject: p.String(mapi.PidTagSubject), location: p.String(mapi.PidLidLocation),
		busy: p.Int32(mapi.PidLidBusyStatus), remind: p.Bool(mapi.PidLidReminderSet), delta: p.Int32(mapi.PidLidReminderDelta)}
	if _, ok := p[mapi.PidLidBusyStatus]; !ok {
		own.busy = busyBusy
	}
	begin(b, "VEVENT")
	if at := p.Time(mapi.PidLidExceptionReplaceTime); !at.IsZero() && x.series == nil {
		x.moment("RECURRENCE-ID", at, x.zone, x.allDay)
	}
	if x.series != nil {
		contentline.Write(b, "RRULE", rule(x.series, x.allDay, x.zone))
		for _, day := range x.series.Deleted {
			x.moment("EXDATE", x.zone.UTC(day.At(x.series.Clock)), x.zone, x.allDay)
		}
	}
	lines, rest := x.kept()
	for _, line := range lines {
		writeProperty(b, line)
	}
	x.body(own, x.e.Attendees, x.e.Text, x.e.HTML)
	end(b, "VEVENT")
	for _, c := range rest {
		writeComponent(b, c)
	}
	if x.series == nil {
		return
	}
	for i := range x.series.Modified {
		x.exception(&x.series.Modified[i], own)
	}
}

// kept returns the lines and components that MAPI could not hold.
func (x *writer) kept() ([]property, []*component) {
	text := x.e.Props.String(mapi.PidNameICalendar)
	if text == "" || x.series != nil {
		return nil, nil
	}
	root, _, err := parse(strings.NewReader("BEGIN:VCALENDAR\r\n"+text+"\r\nEND:VCALENDAR\r\n"), ofMessage)
	if err != nil {
		return nil, nil
	}
	return root.props, root.children
}

func (x *writer) exception(e *oxocal.Exception, o occurrence) {
	b := x.b
	original := x.zone.UTC(e.Day.At(x.series.Clock))
	o.start, o.end = x.zone.UTC(e.Start), x.zone.UTC(e.End)
	has := func(flag oxocal.Overrides) bool { return e.Overrides&flag != 0 }
	if has(oxocal.OverrideSubject) {
		o.subject = e.Subject
	}
	if has(oxocal.OverrideLocation) {
		o.location = e.Location
	}
	if has(oxocal.OverrideBusyStatus) {
		o.busy = e.BusyStatus
	}
	if has(oxocal.OverrideReminder) {
		o.remind = e.Reminder
	}
	if has(oxocal.OverrideReminderDelta) {
		o.delta = e.ReminderDelta
	}
	if has(oxocal.OverrideAllDay) {
		o.allDay = e.AllDay
	}
	attendees, text, html := x.e.Attendees, x.e.Text, x.e.HTML
	for _, own := range x.e.Exceptions {
		if own.Original.Equal(original) {
			if own.Attendees != nil {
				attendees = own.Attendees
			}
			if own.Text != "" || own.HTML != "" {
				text, html = own.Text, own.HTML
			}
		}
	}
	if x.short = x.short || b.Len() > maxShared; x.short {
		attendees, text, html = nil, "", ""
		o.subject, o.location = clip(o.subject, maxTitle), clip(o.location, maxTitle)
	}
	begin(b, "VEVENT")
	x.moment("RECURRENCE-ID", original, x.zone, x.allDay)
	x.body(o, attendees, text, html)
	end(b, "VEVENT")
}

// occurrence is what the VEVENTs of a series differ in.
type occurrence struct {
	start, end        time.Time
	allDay            bool
	subject, location string
	busy              int32
	remind            bool
	delta             int32
}

// moment writes a property of a time.
func (x *writer) moment(name string, t time.Time, zone *oxocal.Zone, allDay bool) {
	switch {
	case allDay:
		day := zone.Wall(t)
		contentline.Write(x.b, name+";VALUE=DATE", date(day.Day()))
	case zone == nil || zone == oxocal.UTC():
		contentline.Write(x.b, name, instant(t))
	default:
		contentline.Write(x.b, name+";TZID="+contentline.Quote(zone.ID()), local(zone.Wall(t)))
	}
}

// body writes what every VEVENT has (MS-OXCICAL 2.1.3.1.1.20).
func (x *writer) body(o occurrence, attendees []Attendee, text, html string) {
	b, p := x.b, x.e.Props
	if a := x.e.Organizer; a.Email != "" && (len(attendees) > 0 || x.method != "") {
		name := "ORGANIZER"
		if a.Name != "" {
			name += ";CN=" + contentline.Quote(a.Name)
		}
		contentline.Write(b, name, mailto(a))
	}
	for _, a := range attendees {
		if a.Email == "" {
			continue
		}
		name := "ATTENDEE"
		switch a.Type {
		case mapi.RecipientCc:
			name += ";ROLE=OPT-PARTICIPANT"
		case mapi.RecipientBcc:
			name += ";CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT"
		default:
			name += ";ROLE=REQ-PARTICIPANT"
		}
		for _, answer := range answers {
			if answer.status == a.Status || a.Status == responseNotResponded && answer.word == "NEEDS-ACTION" {
				name += ";PARTSTAT=" + answer.word
			}
		}
		if a.RSVP && x.method != Reply {
			name += ";RSVP=TRUE"
		}
		if a.Name != "" {
			name += ";CN=" + contentline.Quote(a.Name)
		}
		contentline.Write(b, name, mailto(a.Address))
	}
	if text != "" {
		contentline.WriteText(b, "DESCRIPTION", text)
	}
	if html != "" {
		contentline.WriteText(b, "X-ALT-DESC;FMTTYPE=text/html", html)
	}
	if id, err := oxocal.ParseGlobalID(p.Bytes(mapi.PidLidGlobalObjectID)); err == nil {
		contentline.WriteText(b, "UID", id.UID())
	}
	contentline.WriteText(b, "SUMMARY", o.subject)
	if !o.start.IsZero() {
		x.moment("DTSTART", o.start, x.zone, o.allDay)
		x.moment("DTEND", o.end, x.endZone, o.allDay)
	}
	class := map[int32]string{0: "PUBLIC", 1: "X-PERSONAL", 2: "PRIVATE", 3: "CONFIDENTIAL"}[p.Int32(mapi.PidTagSensitivity)]
	if class == "" {
		class = "PUBLIC"
	}
	contentline.Write(b, "CLASS", class)
	importance := int32(1)
	if v, ok := p[mapi.PidTagImportance].(int32); ok && v >= 0 && v <= 2 {
		importance = v
	}
	contentline.Write(b, "PRIORITY", []string{"9", "5", "1"}[importance])
	contentline.Write(b, "DTSTAMP", instant(x.stamp()))
	transparency := "OPAQUE"
	if o.busy == busyFree {
		transparency = "TRANSPARENT"
	}
	contentline.Write(b, "TRANSP", transparency)
	switch {
	case x.method == Reply || x.method == Counter:
	case p.Int32(mapi.PidLidAppointmentStateFlags)&stateCanceled != 0:
		contentline.Write(b, "STATUS", "CANCELLED")
	case o.busy == busyTentative && x.method != Request:
		contentline.Write(b, "STATUS", "TENTATIVE")
	default:
		contentline.Write(b, "STATUS", "CONFIRMED")
	}
	sequence := strconv.Itoa(int(p.Int32(mapi.PidLidAppointmentSequence)))
	contentline.Write(b, "SEQUENCE", sequence)
	if o.location != "" {
		contentline.WriteText(b, "LOCATION", o.location)
	}
	if words := p.Strings(mapi.PidNameKeywords); len(words) > 0 && !x.short {
		list := make([]string, len(words))
		for i, word := range words {
			list[i] = contentline.Escape(word)
		}
		contentline.Write(b, "CATEGORIES", strings.Join(list, ","))
	}
	if !x.short {
		x.attachments()
	}
	contentline.Write(b, "X-MICROSOFT-CDO-APPT-SEQUENCE", sequence)
	if v, ok := p[mapi.PidTagOwnerAppointmentID].(int32); ok {
		contentline.Write(b, "X-MICROSOFT-CDO-OWNERAPPTID", strconv.Itoa(int(v)))
	}
	if o.busy >= 0 && int(o.busy) < len(busyWords) {
		contentline.Write(b, "X-MICROSOFT-CDO-BUSYSTATUS", busyWords[o.busy])
	}
	if v, ok := p[mapi.PidLidIntendedBusyStatus].(int32); ok && v >= 0 && int(v) < len(busyWords) {
		contentline.Write(b, "X-MICROSOFT-CDO-INTENDEDSTATUS", busyWords[v])
	}
	contentline.Write(b, "X-MICROSOFT-CDO-ALLDAYEVENT", upperBool(o.allDay))
	contentline.Write(b, "X-MICROSOFT-CDO-IMPORTANCE", strconv.Itoa(int(importance)))
	instance := "0"
	if x.series != nil {
		instance = "1"
	} else if p.Bool(mapi.PidLidIsException) {
		instance = "3"
	}
	contentline.Write(b, "X-MICROSOFT-CDO-INSTTYPE", instance)
	contentline.Write(b, "X-MICROSOFT-DISALLOW-COUNTER", upperBool(p.Bool(mapi.PidLidAppointmentNotAllowPropose)))
	if x.method == Counter {
		if at := p.Time(mapi.PidLidAppointmentStartWhole); !at.IsZero() {
			x.moment("X-MS-OLK-ORIGINALSTART", at, x.zone, o.allDay)
		}
		if at := p.Time(mapi.PidLidAppointmentEndWhole); !at.IsZero() {
			x.moment("X-MS-OLK-ORIGINALEND", at, x.endZone, o.allDay)
		}
	}
	if o.remind && x.method != Reply && x.method != Cancel {
		begin(b, "VALARM")
		contentline.Write(b, "ACTION", "DISPLAY")
		contentline.Write(b, "DESCRIPTION", "REMINDER")
		contentline.Write(b, "TRIGGER;RELATED=START", "-PT"+strconv.Itoa(int(max(0, o.delta)))+"M")
		end(b, "VALARM")
	}
}

func (x *writer) attachments() {
	for _, a := range x.e.Attachments {
		name := "ATTACH"
		if a.ContentType != "" {
			name += ";FMTTYPE=" + contentline.Quote(a.ContentType)
		}
		if a.Name != "" {
			name += ";X-FILENAME=" + contentline.Quote(a.Name)
		}
		if a.URI != "" {
			contentline.Write(x.b, name, a.URI)
			continue
		}
		contentline.Write(x.b, name+";ENCODING=BASE64;VALUE=BINARY", base64.StdEncoding.EncodeToString(a.Data))
	}
}

// stamp is when what is written was decided: the last change that matters, else the
// last change at all.
func (x *writer) stamp() time.Time {
	p := x.e.Props
	tags := []mapi.Tag{mapi.PidLidOwnerCriticalChange, mapi.PidTagLastModificationTime, mapi.PidTagClientSubmitTime, mapi.PidTagCreationTime, mapi.PidLidAppointmentStartWhole}
	if x.method == Reply || x.method == Counter {
		tags = append([]mapi.Tag{mapi.PidLidAttendeeCriticalChange}, tags...)
	}
	for _, tag := range tags {
		if t := p.Time(tag); !t.IsZero() {
			return t
		}
	}
	return time.Unix(0, 0)
}
