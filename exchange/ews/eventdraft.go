package ews

import (
	"strconv"
	"strings"
	"time"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocal"
	"hma/wire/soap"
)

// eventDraft gathers what the elements of a CalendarItem say of its time. Only
// together do they mean something: a start without a zone is one by the clock of
// StartTimeZone, which comes after it.
type eventDraft struct {
	start, end         string
	startZone, endZone *oxocal.Zone
	allDay             *bool
	recurrence         *oxocal.Recurrence
	single             bool // the recurrence is deleted
}

// indispensable are the properties that a change of a calendar item cannot delete.
var indispensable = map[string]bool{"calendar:Start": true, "calendar:End": true, "calendar:UID": true, "calendar:IsAllDayEvent": true}

func setEventTime(d *draft, p *itemProperty, e *soap.Element) error {
	if p.element == "Start" {
		d.event.start = strings.TrimSpace(e.Text)
	} else {
		d.event.end = strings.TrimSpace(e.Text)
	}
	return nil
}

func setAllDay(d *draft, _ *itemProperty, e *soap.Element) error {
	v, ok := parseValue(mapi.Boolean, e.Text)
	if !ok {
		return errPropertyValue
	}
	d.event.allDay = new(v.(bool))
	return nil
}

func setEventRecurrence(d *draft, _ *itemProperty, e *soap.Element) error {
	r, err := parseRecurrence(e, false)
	d.event.recurrence = r
	return err
}

func setStartZone(d *draft, _ *itemProperty, e *soap.Element) (err error) {
	d.event.startZone, err = parseZone(e)
	return err
}

func setEndZone(d *draft, _ *itemProperty, e *soap.Element) (err error) {
	d.event.endZone, err = parseZone(e)
	return err
}

// setMeetingZone takes the zone as Exchange 2007 has it. Which year its rules are
// those of, the start says, which comes before it.
func setMeetingZone(d *draft, _ *itemProperty, e *soap.Element) (err error) {
	year := d.door.opts.Now().Year()
	if len(d.event.start) >= 4 {
		if n, err := strconv.Atoi(d.event.start[:4]); err == nil {
			year = n
		}
	}
	d.event.startZone, err = parseMeetingZone(e, year)
	return err
}

func setAllowProposal(d *draft, p *itemProperty, e *soap.Element) error {
	v, ok := parseValue(mapi.Boolean, e.Text)
	if !ok {
		return errPropertyValue
	}
	d.put(p.tag, !v.(bool))
	return nil
}

func setUID(d *draft, p *itemProperty, e *soap.Element) error {
	id := calendar.ObjectID(strings.TrimSpace(e.Text))
	if id == nil {
		return errPropertyValue
	}
	for _, tag := range p.also {
		d.put(tag, id)
	}
	return nil
}

// setAttendees reads the attendees of one type.
func setAttendees(d *draft, p *itemProperty, e *soap.Element) error {
	list := []store.Recipient{}
	for _, child := range e.Children {
		a, err := address(child.Child(soap.NSTypes, "Mailbox"))
		if err != nil {
			return err
		}
		list = append(list, calendar.NewAttendee(p.rcpt, a))
	}
	d.recipients[p.rcpt] = list
	d.rewritten = true
	return nil
}

// timeChanged tells whether the elements said anything of the event's time.
func (d *draft) timeChanged() bool { return d.event != (eventDraft{}) }

// when returns the time of the event after the change; old is that before, nil for
// a new one.
func (d *draft) when(old *calendar.When) (*calendar.When, error) {
	var w calendar.When
	if old != nil {
		w = *old
	} else {
		w.StartZone = d.zone
	}
	ev := d.event
	if ev.startZone != nil {
		w.StartZone = ev.startZone
	}
	if ev.endZone != nil {
		w.EndZone = ev.endZone
	} else if old == nil || ev.startZone != nil {
		w.EndZone = w.StartZone
	}
	var err error
	if ev.start != "" {
		if w.Start, err = eventTime(ev.start, w.StartZone); err != nil {
			return nil, err
		}
	}
	if ev.end != "" {
		if w.End, err = eventTime(ev.end, w.EndZone); err != nil {
			return nil, err
		}
	}
	if ev.allDay != nil {
		w.AllDay = *ev.allDay
	}
	switch {
	case ev.recurrence != nil:
		w.Series = ev.recurrence
	case ev.single:
		w.Series = nil
	}
	if old == nil && ev.start == "" {
		// A client that says nothing gets the next half hour, as Exchange gives it.
		w.Start = d.door.opts.Now().UTC().Truncate(30 * time.Minute).Add(30 * time.Minute)
	}
	if old == nil && ev.end == "" {
		w.End = w.Start.Add(30 * time.Minute)
	}
	return &w, nil
}

// eventTime reads an xs:dateTime: an instant, or a time by the clock of zone when it
// has no offset.
func eventTime(text string, zone *oxocal.Zone) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			if t.Year() < 1601 || t.Year() > 4500 {
				return time.Time{}, errPropertyValue
			}
			return zone.UTC(oxocal.WallOf(t)), nil
		}
	}
	v, ok := parseTime(text)
	if !ok || v.(time.Time).Year() > 4500 {
		return time.Time{}, errPropertyValue
	}
	return v.(time.Time), nil
}
