package oxcical

import "hma/wire/mapi"

// meeting sets what the method makes of an event (MS-OXCICAL 2.1.3.1.1.1).
func (rd *reader) meeting(e *Event, c *component) {
	p := e.Props
	p[mapi.PidTagMessageClass] = classAppointment
	if len(e.Attendees) == 0 && rd.method == "" || e.Organizer.Email == "" && len(e.Attendees) == 0 {
		return
	}
	flags := p.Int32(mapi.PidLidAppointmentStateFlags) | stateMeeting
	stamp, stamped := rd.moment(c.find("DTSTAMP"))
	critical, said := rd.moment(c.find("X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE"))
	if !said {
		critical, said = stamp, stamped
	}
	switch rd.method {
	case Request, Cancel, Publish, "":
		if said {
			p[mapi.PidLidOwnerCriticalChange] = critical.in(nil)
		}
	}
	switch rd.method {
	case Request:
		p[mapi.PidTagMessageClass] = classRequest
		flags |= stateReceived
		p[mapi.PidLidMeetingType] = int32(1)
		p[mapi.PidLidResponseStatus] = responseNotResponded
		p[mapi.PidLidFInvited] = true
		if _, ok := p[mapi.PidLidIntendedBusyStatus]; !ok {
			p[mapi.PidLidIntendedBusyStatus] = p[mapi.PidLidBusyStatus]
		}
		if p.Int32(mapi.PidLidBusyStatus) != busyFree {
			p[mapi.PidLidBusyStatus] = busyTentative
		}
		wanted := len(e.Attendees) == 0
		for _, a := range e.Attendees {
			wanted = wanted || a.RSVP
		}
		p[mapi.PidTagResponseRequested], p[mapi.PidTagReplyRequested] = wanted, wanted
	case Cancel:
		p[mapi.PidTagMessageClass] = classCanceled
		flags |= stateReceived | stateCanceled
		p[mapi.PidLidMeetingType] = int32(0)
		p[mapi.PidLidBusyStatus], p[mapi.PidLidIntendedBusyStatus] = busyFree, busyFree
	case Reply, Counter:
		class, status := classResponse+".Tent", responseTentative
		if len(e.Attendees) > 0 {
			for _, answer := range answers {
				if answer.status == e.Attendees[0].Status && answer.class != "" && rd.method == Reply {
					class, status = classResponse+answer.class, answer.status
				}
			}
			p[mapi.PidLidAppointmentReplyName] = e.Attendees[0].Display()
		}
		p[mapi.PidTagMessageClass] = class
		p[mapi.PidLidResponseStatus] = status
		flags = stateMeeting | stateReceived
		if stamped {
			p[mapi.PidLidAttendeeCriticalChange], p[mapi.PidLidAppointmentReplyTime] = stamp.in(nil), stamp.in(nil)
		}
		if rd.method == Counter {
			p[mapi.PidLidAppointmentCounterProposal] = true
			for from, to := range map[mapi.Tag]mapi.Tag{mapi.PidLidAppointmentStartWhole: mapi.PidLidAppointmentProposedStartWhole, mapi.PidLidAppointmentEndWhole: mapi.PidLidAppointmentProposedEndWhole,
				mapi.PidLidAppointmentDuration: mapi.PidLidAppointmentProposedDuration} {
				if v, ok := p[from]; ok {
					p[to] = v
				}
			}
			rd.original(p, c)
		}
	}
	p[mapi.PidLidAppointmentStateFlags] = flags
	if IsMeeting(p.String(mapi.PidTagMessageClass)) {
		p[mapi.PidLidAppointmentMessageClass] = classAppointment
		if location := p.String(mapi.PidLidLocation); location != "" {
			p[mapi.PidLidWhere] = location
		}
	}
}

// original puts the times that a counter proposal is about in their place (MS-OXCICAL
// 2.1.3.1.1.20.47).
func (rd *reader) original(p mapi.Bag, c *component) {
	for name, tags := range map[string][]mapi.Tag{
		"X-MS-OLK-ORIGINALSTART": {mapi.PidLidAppointmentStartWhole, mapi.PidLidCommonStart, mapi.PidTagStartDate},
		"X-MS-OLK-ORIGINALEND":   {mapi.PidLidAppointmentEndWhole, mapi.PidLidCommonEnd, mapi.PidTagEndDate},
	} {
		if at, ok := rd.moment(c.find(name)); ok {
			for _, tag := range tags {
				p[tag] = at.in(rd.floating)
			}
		}
	}
}
