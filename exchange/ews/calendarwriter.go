package ews

import (
	"fmt"
	"strings"
	"time"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// theEvent returns the item as an event; read once.
func (x *itemWriter) theEvent() (*calendar.Event, error) {
	if x.event == nil {
		if err := calendar.Resolve(x.ctx, x.box, x.item); err != nil {
			return nil, err
		}
		e, err := calendar.Whole(x.item)
		if err != nil {
			e = &calendar.Event{Item: x.item} // what cannot be read is told as a single event
		}
		x.event = e
	}
	return x.event, nil
}

func writeUID(x *itemWriter, p *itemProperty) error {
	for _, tag := range p.also {
		if uid := calendar.UID(x.item.Props.Bytes(tag)); uid != "" {
			x.w.Element("t:UID", uid)
			return nil
		}
	}
	return nil
}

// writeState writes a Boolean that is made of PidLidAppointmentStateFlags.
func writeState(x *itemWriter, p *itemProperty) error {
	state := x.item.Props.Int32(p.tag)
	value := map[string]bool{
		"IsMeeting": state&calendar.StateMeeting != 0, "IsCancelled": state&calendar.StateCanceled != 0, "IsOrganizer": state&calendar.StateReceived == 0,
	}
	x.w.Bool("t:"+p.element, value[p.element])
	return nil
}

func writeItemType(x *itemWriter, _ *itemProperty) error {
	e, err := x.theEvent()
	if err != nil {
		return err
	}
	kind := e.Kind
	if kind == calendar.Single {
		// A row of a list is told without its recurrence.
		_, _, told := x.item.Props.Find(mapi.PidLidAppointmentRecur)
		switch {
		case !x.item.Props.Time(mapi.PidLidExceptionReplaceTime).IsZero():
			kind = calendar.Exception // a message about one occurrence
		case !told && x.item.Props.Bool(mapi.PidLidRecurring):
			kind = calendar.Master
		}
	}
	x.w.Element("t:CalendarItemType", itemTypes[kind])
	return nil
}

// writeAttendees writes the attendees of one type with what they answered.
func writeAttendees(x *itemWriter, p *itemProperty) error {
	open := false
	for _, r := range x.item.Recipients {
		if r.Type != p.rcpt || r.Props.Int32(mapi.PidTagRecipientFlags)&calendar.RecipientOrganizer != 0 {
			continue
		}
		if !open {
			open = true
			x.w.Start("t:" + p.element)
		}
		address, routing := r.SMTP, "SMTP"
		if address == "" {
			address, routing = r.Address, r.AddressType
		}
		x.w.Start("t:Attendee")
		writeMailbox(x.w, r.Name, address, routing)
		status := r.Props.Int32(mapi.PidTagRecipientTrackStatus)
		if status < 0 || int(status) >= len(responseTypes) {
			status = 0
		}
		x.w.Element("t:ResponseType", responseTypes[status])
		if at := r.Props.Time(mapi.PidTagRecipientTrackStatusTime); !at.IsZero() {
			x.w.Element("t:LastResponseTime", timeText(at))
		}
		if start, end := r.Props.Time(mapi.PidTagRecipientProposedStartTime), r.Props.Time(mapi.PidTagRecipientProposedEndTime); r.Props.Bool(mapi.PidTagRecipientProposed) {
			x.w.Element("t:ProposedStart", timeText(start))
			x.w.Element("t:ProposedEnd", timeText(end))
		}
		x.w.End("t:Attendee")
	}
	if open {
		x.w.End("t:" + p.element)
	}
	return nil
}

// writeDuration writes an xs:duration as Exchange does: PT1H30M, P2DT1H.
func writeDuration(x *itemWriter, p *itemProperty) error {
	start, end := x.item.Props.Time(p.also[0]), x.item.Props.Time(p.also[1])
	if start.IsZero() || end.Before(start) {
		return nil
	}
	x.w.Element("t:Duration", durationText(end.Sub(start)))
	return nil
}

// zones returns the time zones of the event's start and end, nil for none.
func (x *itemWriter) zones() (start, end *oxocal.Zone) { return calendar.Zones(x.item.Props) }

// zoneOf returns the zone that a property's name speaks of.
func (x *itemWriter) zoneOf(p *itemProperty) *oxocal.Zone {
	start, end := x.zones()
	if strings.HasPrefix(p.element, "End") && end != nil {
		return end
	}
	return start
}

func writeZoneName(x *itemWriter, _ *itemProperty) error {
	if start, _ := x.zones(); start != nil {
		x.w.Element("t:TimeZone", start.Name())
	}
	return nil
}

func writeEventZone(x *itemWriter, p *itemProperty) error {
	if z := x.zoneOf(p); z != nil {
		writeZone(x.w, "t:"+p.element, z)
	}
	return nil
}

func writeZoneID(x *itemWriter, p *itemProperty) error {
	if z := x.zoneOf(p); z != nil {
		x.w.Element("t:"+p.element, z.ID())
	}
	return nil
}

func writeMeetingZone(x *itemWriter, p *itemProperty) error {
	if z := x.zoneOf(p); z != nil {
		x.w.Empty("t:MeetingTimeZone", "TimeZoneName", z.ID())
	}
	return nil
}

// writeWallClock writes a start or an end as the clock of its zone shows it.
func writeWallClock(x *itemWriter, p *itemProperty) error {
	at := x.item.Props.Time(mapi.PidLidAppointmentStartWhole)
	if p.element == "EndWallClock" {
		at = x.item.Props.Time(mapi.PidLidAppointmentEndWhole)
	}
	if at.IsZero() {
		return nil
	}
	wall := x.zoneOf(p).Wall(at)
	offset := wall.AsUTC().Sub(at.UTC().Truncate(time.Second))
	x.w.Element("t:"+p.element, wall.AsUTC().In(time.FixedZone("", 0)).Format("2006-01-02T15:04:05")+offsetText(offset))
	return nil
}

func offsetText(d time.Duration) string {
	sign := '+'
	if d < 0 {
		sign, d = '-', -d
	}
	return fmt.Sprintf("%c%02d:%02d", sign, int(d.Hours()), int(d.Minutes())%60)
}

func writeAllowProposal(x *itemWriter, p *itemProperty) error {
	x.w.Bool("t:AllowNewTimeProposal", !x.item.Props.Bool(p.tag))
	return nil
}

func writeEventRecurrence(x *itemWriter, _ *itemProperty) error {
	e, err := x.theEvent()
	if err != nil || e.Kind != calendar.Master {
		return err
	}
	writePattern(x.w, &e.Series.Recurrence)
	return nil
}

// writeOccurrence writes an OccurrenceInfoType.
func (x *itemWriter) writeOccurrence(element string, e *calendar.Event, o oxocal.Occurrence) {
	zone := e.Series.Zone
	x.w.Start(element)
	id := store.OccurrenceID{Item: x.item.ID, Day: int32(o.Day)}
	x.w.Empty("t:ItemId", "Id", id.Encode(x.door.opts.IDKey), "ChangeKey", changeKey(itemKey, x.item.ChangeKey))
	x.w.Element("t:Start", timeText(zone.UTC(o.Start)))
	x.w.Element("t:End", timeText(zone.UTC(o.End)))
	x.w.Element("t:OriginalStart", timeText(zone.UTC(o.Day.At(e.Series.Clock))))
	x.w.End(element)
}

// master returns the event when it is a series, nil otherwise.
func (x *itemWriter) master() (*calendar.Event, error) {
	e, err := x.theEvent()
	if err != nil || e.Kind != calendar.Master {
		return nil, err
	}
	return e, nil
}

func writeFirstOccurrence(x *itemWriter, _ *itemProperty) error {
	e, err := x.master()
	if e == nil {
		return err
	}
	if o, ok := e.Series.First(); ok {
		x.writeOccurrence("t:FirstOccurrence", e, o)
	}
	return nil
}

func writeLastOccurrence(x *itemWriter, _ *itemProperty) error {
	e, err := x.master()
	if e == nil {
		return err
	}
	if o, ok := e.Series.Last(); ok {
		x.writeOccurrence("t:LastOccurrence", e, o)
	}
	return nil
}

func writeModifiedOccurrences(x *itemWriter, _ *itemProperty) error {
	e, err := x.master()
	if e == nil || len(e.Series.Modified) == 0 {
		return err
	}
	x.w.Start("t:ModifiedOccurrences")
	for i := range e.Series.Modified {
		m := &e.Series.Modified[i]
		x.writeOccurrence("t:Occurrence", e, oxocal.Occurrence{Day: m.Day, Start: m.Start, End: m.End})
	}
	x.w.End("t:ModifiedOccurrences")
	return nil
}

func writeDeletedOccurrences(x *itemWriter, _ *itemProperty) error {
	e, err := x.master()
	if e == nil || len(e.Series.Deleted) == 0 {
		return err
	}
	x.w.Start("t:DeletedOccurrences")
	for _, day := range e.Series.Deleted {
		x.w.Start("t:DeletedOccurrence")
		x.w.Element("t:Start", timeText(e.Series.Zone.UTC(day.At(e.Series.Clock))))
		x.w.End("t:DeletedOccurrence")
	}
	x.w.End("t:DeletedOccurrences")
	return nil
}

// writeNeighbours writes how many events overlap this one, or touch it.
func writeNeighbours(x *itemWriter, p *itemProperty) error {
	e, err := x.theEvent()
	if err != nil {
		return err
	}
	if x.neighbours == nil {
		n, err := calendar.Neighbours(x.ctx, x.box, e)
		if err != nil {
			return err
		}
		x.neighbours = &n
	}
	n := x.neighbours.Conflicting
	if p.element == "AdjacentMeetingCount" {
		n = x.neighbours.Adjacent
	}
	x.w.Element("t:"+p.element, fmt.Sprint(n))
	return nil
}

// writeMessageResponse writes the answer that a meeting message carries.
func writeMessageResponse(x *itemWriter, _ *itemProperty) error {
	x.w.Element("t:ResponseType", responseTypes[calendar.MessageResponse(x.item.Props)])
	return nil
}

// writeMeetingType writes what sort of request it is (MS-OXOCAL 2.2.6.5).
func writeMeetingType(x *itemWriter, p *itemProperty) error {
	word := "None"
	switch x.item.Props.Int32(p.tag) {
	case 0x1:
		word = "NewMeetingRequest"
	case 0x10000:
		word = "FullUpdate"
	case 0x20000:
		word = "InformationalUpdate"
	case 0x80000:
		word = "Outdated"
	case transport.PrincipalWantsCopy:
		word = "PrincipalWantsCopy"
	}
	x.w.Element("t:MeetingRequestType", word)
	return nil
}

// associatedTags are what associated asks of a meeting message.
var associatedTags = []mapi.Tag{mapi.PidLidCleanGlobalObjectID, mapi.PidTagDelegatedByRule, mapi.PidTagReceivedRepresentingEmail}

// associated returns the calendar item of a meeting message, nil for none and for one
// that the caller may not see: a delegate's message is about the principal's calendar.
func (x *itemWriter) associated() (*store.Item, error) {
	who := calendar.ReceivedFor(x.item.Props)
	if who == "" {
		return calendar.Associated(x.ctx, x.box, x.item.Props)
	}
	box, _, err := x.principal(who)
	if err == nil {
		var it *store.Item
		if it, err = calendar.Associated(x.ctx, box, x.item.Props); err == nil {
			return it, nil
		}
	}
	if told(err) {
		return nil, nil
	}
	return nil, err
}

func writeAssociatedItem(x *itemWriter, _ *itemProperty) error {
	it, err := x.associated()
	if it == nil {
		return err
	}
	x.w.Empty("t:AssociatedCalendarItemId", "Id", it.ID.Encode(x.door.opts.IDKey), "ChangeKey", changeKey(itemKey, it.ChangeKey))
	return nil
}

func writeOutOfDate(x *itemWriter, _ *itemProperty) error {
	it, err := x.associated()
	if err != nil {
		return err
	}
	x.w.Bool("t:IsOutOfDate", it != nil && calendar.Outdated(x.item.Props, it.Props))
	return nil
}

// writeCalendarEvent writes one event, which may be an occurrence.
func (c *call) writeCalendarEvent(r *readItem, e *calendar.Event) error {
	return (&itemWriter{call: c, r: r, item: e.Item, box: c.box(e.Item.ID), event: e}).writeItem()
}
