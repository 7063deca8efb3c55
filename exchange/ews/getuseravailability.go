package ews

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/calendar"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocal"
	"hma/wire/soap"
)

// Limits of a request for availability (MS-OXWAVLS 3.1.4.1): mailboxes, the window
// and the interval of a merged view.
const (
	maxAvailabilityMailboxes = 100
	maxAvailabilityWindow    = 62 * 24 * time.Hour
	minMergedInterval        = 5
	maxMergedInterval        = 1440
)

var (
	errTooManyMailboxes = &soap.Fault{Code: "ErrorIdentityArrayTooBig", Message: "The request names too many mailboxes."}
	errNoView           = &soap.Fault{Code: "ErrorMissingArgument", Message: "The request asks for neither free/busy times nor suggestions."}
)

// freeBusyViews are the words of RequestedView and what each of them tells.
var freeBusyViews = map[string]struct{ merged, events, details bool }{
	"MergedOnly": {merged: true}, "FreeBusy": {events: true}, "FreeBusyMerged": {merged: true, events: true},
	"Detailed": {events: true, details: true}, "DetailedMerged": {merged: true, events: true, details: true},
}

// availability is what a GetUserAvailabilityRequest asks.
type availability struct {
	*call
	zone     *oxocal.Zone
	from, to time.Time
	interval time.Duration
	view     string         // "" when only suggestions are asked for
	wish     *calendar.Wish // nil when no suggestions are asked for
	people   []attendee
}

// attendee is one of the mailboxes asked about.
type attendee struct {
	address string
	role    string // Organizer, Required, Optional, Room, Resource
	exclude bool
	person  *org.Recipient
	box     *store.Mailbox
	busy    []calendar.Busy
	hours   calendar.WorkingHours
	level   freeBusyLevel
	err     error
}

// getUserAvailability answers GetUserAvailability (MS-OXWAVLS 3.1.4.1): when people
// are free and busy, and when they could meet. Everybody of the organisation is told
// when somebody is busy; what with, only who may read the calendar.
func getUserAvailability(c *call) error {
	a := &availability{call: c}
	if err := a.read(); err != nil {
		return err
	}
	for i := range a.people {
		p := &a.people[i]
		p.err = a.ask(p)
		if errors.Is(p.err, context.Canceled) || errors.Is(p.err, context.DeadlineExceeded) {
			return p.err
		}
	}
	c.begun = true
	c.w.Begin(c.version)
	c.w.Start("m:GetUserAvailabilityResponse")
	if a.view != "" {
		c.w.Start("m:FreeBusyResponseArray")
		for i := range a.people {
			a.writeView(&a.people[i])
		}
		c.w.End("m:FreeBusyResponseArray")
	}
	if a.wish != nil {
		a.writeSuggestions()
	}
	c.w.End("m:GetUserAvailabilityResponse")
	c.w.Finish()
	return c.w.Err()
}

func (a *availability) read() (err error) {
	if e := a.req.Child(soap.NSTypes, "TimeZone"); e != nil {
		if a.zone, err = parseSerializableZone(e, a.year()); err != nil {
			return &soap.Fault{Code: "ErrorInvalidTimeZone", Message: errTimeZone.text}
		}
	}
	list, err := a.child("MailboxDataArray")
	if err != nil {
		return err
	}
	if len(list.Children) > maxAvailabilityMailboxes {
		return errTooManyMailboxes
	}
	for _, e := range list.Children {
		p := attendee{role: "Required"}
		if email := e.Child(soap.NSTypes, "Email"); email != nil {
			if address := email.Child(soap.NSTypes, "Address"); address != nil {
				p.address = strings.TrimSpace(address.Text)
			}
		}
		if role := e.Child(soap.NSTypes, "AttendeeType"); role != nil {
			p.role = role.Text
		}
		if exclude := e.Child(soap.NSTypes, "ExcludeConflicts"); exclude != nil {
			v, _ := parseValue(mapi.Boolean, exclude.Text)
			p.exclude = v == true
		}
		a.people = append(a.people, p)
	}
	options := a.req.Child(soap.NSTypes, "FreeBusyViewOptions")
	suggestions := a.req.Child(soap.NSTypes, "SuggestionsViewOptions")
	if options == nil && suggestions == nil {
		return errNoView
	}
	a.interval = 30 * time.Minute
	if options != nil {
		if a.from, a.to, err = a.window(options, "TimeWindow"); err != nil {
			return err
		}
		if e := options.Child(soap.NSTypes, "MergedFreeBusyIntervalInMinutes"); e != nil {
			n, err := strconv.Atoi(strings.TrimSpace(e.Text))
			if err != nil || n < minMergedInterval || n > maxMergedInterval {
				return &soap.Fault{Code: "ErrorInvalidMergedFreeBusyInterval", Message: "The interval of the merged view is not between 5 minutes and a day."}
			}
			a.interval = time.Duration(n) * time.Minute
		}
		a.view = "FreeBusy"
		if e := options.Child(soap.NSTypes, "RequestedView"); e != nil {
			if _, known := freeBusyViews[e.Text]; !known {
				return &soap.Fault{Code: "ErrorInvalidFreeBusyViewType", Message: "The requested view is none."}
			}
			a.view = e.Text
		}
	}
	if suggestions != nil {
		if a.wish, err = a.readWish(suggestions); err != nil {
			return err
		}
		if options == nil || a.wish.From.Before(a.from) {
			a.from = a.wish.From
		}
		if options == nil || a.wish.To.After(a.to) {
			a.to = a.wish.To
		}
		if a.to.Sub(a.from) > maxAvailabilityWindow {
			return errInterval
		}
	}
	return nil
}

// year is the one that the request asks about: the rules of its zone are those of it.
func (a *availability) year() int {
	for _, names := range [][2]string{{"FreeBusyViewOptions", "TimeWindow"}, {"SuggestionsViewOptions", "DetailedSuggestionsWindow"}} {
		if start := a.req.Child(soap.NSTypes, names[0]).Child(soap.NSTypes, names[1]).Child(soap.NSTypes, "StartTime"); start != nil {
			if n, err := strconv.Atoi(strings.TrimSpace(start.Text)[:min(4, len(strings.TrimSpace(start.Text)))]); err == nil {
				return n
			}
		}
	}
	return a.door.opts.Now().Year()
}

var errInterval = &soap.Fault{Code: "ErrorTimeIntervalTooBig", Message: "The time window is longer than 62 days."}

// window reads a Duration.
func (a *availability) window(options *soap.Element, local string) (from, to time.Time, err error) {
	e := options.Child(soap.NSTypes, local)
	bad := &soap.Fault{Code: "ErrorInvalidTimeInterval", Message: "The time window is not valid."}
	if e == nil {
		return from, to, bad
	}
	for name, at := range map[string]*time.Time{"StartTime": &from, "EndTime": &to} {
		child := e.Child(soap.NSTypes, name)
		if child == nil {
			return from, to, bad
		}
		if *at, err = eventTime(strings.TrimSpace(child.Text), a.zone); err != nil {
			return from, to, bad
		}
	}
	if !from.Before(to) {
		return from, to, bad
	}
	if to.Sub(from) > maxAvailabilityWindow {
		return from, to, errInterval
	}
	return from, to, nil
}

// freeBusyLevel is how much of a calendar somebody is told.
type freeBusyLevel int

const (
	busyTimes  freeBusyLevel = iota // when, not what
	busyDetail                      // what with, but of private events
	busyOwner                       // everything, as the owner and who has full access know it
)

// ask reads when somebody is busy.
func (a *availability) ask(p *attendee) error {
	list, err := a.door.opts.People.BySMTP(a.ctx, p.address)
	if err != nil {
		return err
	}
	if len(list) != 1 || !list[0].Receives() {
		return errMailRecipient
	}
	p.person = list[0]
	if p.box, err = a.door.store.OpenMailbox(a.ctx, p.person.MailboxGUID, addressbook.MailboxInfo(p.person)); err != nil {
		return err
	}
	if p.level, err = a.level(p.box, p.person); err != nil {
		return err
	}
	if p.hours, err = calendar.Hours(a.ctx, p.box); err != nil {
		return err
	}
	p.busy, err = calendar.FreeBusy(a.ctx, p.box, a.from, a.to)
	if errors.Is(err, calendar.ErrTooMany) {
		return errResultTooBig
	}
	return err
}

// level tells how much the caller may know of somebody's calendar.
func (a *availability) level(box *store.Mailbox, owner *org.Recipient) (freeBusyLevel, error) {
	if owner.GUID == a.person.GUID {
		return busyOwner, nil
	}
	if full, err := a.door.opts.People.Holds(a.ctx, owner.FullAccess, a.person.GUID); err != nil || full {
		return busyOwner, err
	}
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		return busyTimes, err
	}
	rights, err := box.Rights(a.ctx, folder, a.person.SID)
	switch {
	case err != nil:
		return busyTimes, err
	case rights&(store.RightReadAny|store.RightFreeBusyDetailed) != 0:
		return busyDetail, nil
	case rights&store.RightFreeBusySimple != 0:
		return busyTimes, nil
	}
	return busyTimes, errNoFreeBusy
}

// writeView writes one FreeBusyResponse.
func (a *availability) writeView(p *attendee) {
	w := a.w
	w.Start("m:FreeBusyResponse")
	defer w.End("m:FreeBusyResponse")
	if p.err != nil {
		code, text := a.door.codeOf(a.request, p.err)
		w.Start("m:ResponseMessage", "ResponseClass", "Error")
		w.Element("m:MessageText", text)
		w.Element("m:ResponseCode", code)
		w.Element("m:DescriptiveLinkKey", "0")
		w.End("m:ResponseMessage")
		w.Start("m:FreeBusyView")
		w.Element("t:FreeBusyViewType", "None")
		w.End("m:FreeBusyView")
		return
	}
	w.Start("m:ResponseMessage", "ResponseClass", "Success")
	w.Element("m:ResponseCode", "NoError")
	w.End("m:ResponseMessage")
	view := freeBusyViews[a.view]
	view.details = view.details && p.level > busyTimes
	name := a.view
	if !view.details {
		name = strings.Replace(name, "Detailed", "FreeBusy", 1)
	}
	w.Start("m:FreeBusyView")
	w.Element("t:FreeBusyViewType", name)
	if view.merged {
		digits := make([]byte, 0, 64)
		for _, status := range calendar.Merge(p.busy, a.from, a.to, a.interval) {
			digits = append(digits, '0'+byte(status))
		}
		w.Element("t:MergedFreeBusy", string(digits))
	}
	if view.events && len(p.busy) > 0 {
		w.Start("t:CalendarEventArray")
		for i := range p.busy {
			a.writeBusy(p, &p.busy[i], view.details)
		}
		w.End("t:CalendarEventArray")
	}
	a.writeHours(p.hours)
	w.End("m:FreeBusyView")
}

// local is an instant by the clock of the request's zone, without an offset.
func (a *availability) local(t time.Time) string { return a.zone.Wall(t).String() }

func (a *availability) writeBusy(of *attendee, b *calendar.Busy, details bool) {
	w := a.w
	w.Start("t:CalendarEvent")
	w.Element("t:StartTime", a.local(b.Start))
	w.Element("t:EndTime", a.local(b.End))
	w.Element("t:BusyType", busyStatuses[b.Status])
	private := b.Event.Props.Int32(mapi.PidTagSensitivity) >= 2
	if details {
		p := b.Event.Props
		w.Start("t:CalendarEventDetails")
		if of.level == busyOwner || !private {
			w.Element("t:ID", strings.ToUpper(hex.EncodeToString(itemEntryID(of.box, b.Event.Item))))
			w.Element("t:Subject", p.String(mapi.PidTagSubject))
			w.Element("t:Location", p.String(mapi.PidLidLocation))
		}
		w.Bool("t:IsMeeting", p.Int32(mapi.PidLidAppointmentStateFlags)&calendar.StateMeeting != 0)
		w.Bool("t:IsRecurring", b.Event.Kind != calendar.Single)
		w.Bool("t:IsException", b.Event.Kind == calendar.Exception)
		w.Bool("t:IsReminderSet", p.Bool(mapi.PidLidReminderSet))
		w.Bool("t:IsPrivate", private)
		w.End("t:CalendarEventDetails")
	}
	w.End("t:CalendarEvent")
}

func (a *availability) writeHours(h calendar.WorkingHours) {
	w := a.w
	w.Start("t:WorkingHours")
	writeSerializableZone(w, h.Zone, a.from.Year())
	w.Start("t:WorkingPeriodArray")
	w.Start("t:WorkingPeriod")
	w.Element("t:DayOfWeek", daysText(h.Days))
	w.Element("t:StartTimeInMinutes", strconv.Itoa(int(h.Start/time.Minute)))
	w.Element("t:EndTimeInMinutes", strconv.Itoa(int(h.End/time.Minute)))
	w.End("t:WorkingPeriod")
	w.End("t:WorkingPeriodArray")
	w.End("t:WorkingHours")
}

// writeSerializableZone writes a zone with the rules of one year (MS-OXWSAVAIL 2.2.4.22).
func writeSerializableZone(w *soap.Writer, zone *oxocal.Zone, year int) {
	rule := zone.Rule(year)
	w.Start("t:TimeZone")
	w.Element("t:Bias", strconv.Itoa(rule.Bias))
	for _, part := range []struct {
		element string
		bias    int
		change  oxocal.Change
	}{{"t:StandardTime", rule.StandardBias, rule.Standard}, {"t:DaylightTime", rule.DaylightBias, rule.Daylight}} {
		c := part.change
		if c.Month == 0 {
			c = oxocal.Change{Month: time.January, Week: 1} // a zone without changes has both on one day
		}
		w.Start(part.element)
		w.Element("t:Bias", strconv.Itoa(part.bias))
		w.Element("t:Time", oxocal.Day(0).At(c.Clock).AsUTC().Format(time.TimeOnly))
		order := c.Week
		if c.Week == 0 {
			order = c.Day
		}
		w.Element("t:DayOrder", strconv.Itoa(order))
		w.Element("t:Month", strconv.Itoa(int(c.Month)))
		w.Element("t:DayOfWeek", c.Weekday.String())
		if c.Week == 0 {
			w.Element("t:Year", strconv.Itoa(year))
		}
		w.End(part.element)
	}
	w.End("t:TimeZone")
}

// qualities are the words of calendar.Quality.
var qualities = [...]string{"Poor", "Fair", "Good", "Excellent"}

// readWish reads SuggestionsViewOptions (MS-OXWAVLS 2.2.4.26).
func (a *availability) readWish(e *soap.Element) (*calendar.Wish, error) {
	from, to, err := a.window(e, "DetailedSuggestionsWindow")
	if err != nil {
		return nil, err
	}
	wish := &calendar.Wish{From: from, To: to, Zone: a.zone, Minimum: calendar.Fair}
	numbers := map[string]struct{ value, least, most int }{
		"GoodThreshold": {25, 1, 49}, "MaximumResultsByDay": {10, 0, 48}, "MaximumNonWorkHourResultsByDay": {0, 0, 48}, "MeetingDurationInMinutes": {60, 30, 1440},
	}
	value := func(name string) int {
		n := numbers[name]
		if child := e.Child(soap.NSTypes, name); child != nil {
			v, ok := parseValue(mapi.Integer32, child.Text)
			if number, _ := v.(int32); ok && int(number) >= n.least && int(number) <= n.most {
				return int(number)
			}
			err = &soap.Fault{Code: "ErrorInvalidArgument", Message: name + " is out of its range."}
		}
		return n.value
	}
	wish.Threshold, wish.MostByDay, wish.MostOutside = value("GoodThreshold"), value("MaximumResultsByDay"), value("MaximumNonWorkHourResultsByDay")
	wish.Length = time.Duration(value("MeetingDurationInMinutes")) * time.Minute
	if child := e.Child(soap.NSTypes, "MinimumSuggestionQuality"); child != nil {
		at := slices.Index(qualities[:], child.Text)
		if at < 0 {
			err = &soap.Fault{Code: "ErrorInvalidArgument", Message: "The quality is none."}
		}
		wish.Minimum = calendar.Quality(at)
	}
	return wish, err
}

// writeSuggestions writes the times at which those who are asked could meet.
func (a *availability) writeSuggestions() {
	var people []calendar.Invitee
	for i := range a.people {
		p := &a.people[i]
		people = append(people, calendar.Invitee{Known: p.err == nil, Ignored: p.exclude, Busy: p.busy, Hours: p.hours, Required: p.role != "Optional"})
	}
	w := a.w
	w.Start("m:SuggestionsResponse")
	w.Start("m:ResponseMessage", "ResponseClass", "Success")
	w.Element("m:ResponseCode", "NoError")
	w.End("m:ResponseMessage")
	w.Start("m:SuggestionDayResultArray")
	for _, day := range calendar.Suggest(*a.wish, people) {
		w.Start("t:SuggestionDayResult")
		w.Element("t:Date", day.Day.At(0).String())
		w.Element("t:DayQuality", qualities[day.Quality])
		w.Start("t:SuggestionArray")
		for _, s := range day.List {
			w.Start("t:Suggestion")
			w.Element("t:MeetingTime", a.local(s.Start))
			w.Bool("t:IsWorkTime", s.Work)
			w.Element("t:SuggestionQuality", qualities[s.Quality])
			w.Start("t:AttendeeConflictDataArray")
			for _, status := range s.Status {
				if status < 0 {
					w.Empty("t:UnknownAttendeeConflictData")
					continue
				}
				w.Start("t:IndividualAttendeeConflictData")
				w.Element("t:BusyType", busyStatuses[status])
				w.End("t:IndividualAttendeeConflictData")
			}
			w.End("t:AttendeeConflictDataArray")
			w.End("t:Suggestion")
		}
		w.End("t:SuggestionArray")
		w.End("t:SuggestionDayResult")
	}
	w.End("m:SuggestionDayResultArray")
	w.End("m:SuggestionsResponse")
}
