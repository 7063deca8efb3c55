package oxcical

import (
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/oxocal"
)

// Limits of an event.
const (
	maxAttendees   = 5_000
	maxAttachments = 200
	maxLines       = 64 << 10 // bytes of PidNameICalendar
	maxText        = 8 << 20
	maxTitle       = 1000 // bytes of a subject or a place
)

// Read reads a calendar. floating is the time zone of times that name none, nil for
// UTC. What is no calendar is ErrNoCalendar; one that is badly formed is no error.
func Read(r io.Reader, floating *oxocal.Zone) (*Calendar, error) {
	root, left, err := parse(r, ofMessage)
	if err != nil {
		return nil, err
	}
	return read(root, left, strings.ToUpper(root.raw("METHOD")), floating), nil
}

// ReadEvents reads a calendar as events of one's own: its method says nothing.
func ReadEvents(r io.Reader, floating *oxocal.Zone) (*Calendar, error) {
	root, left, err := parse(r, ofMessage)
	if err != nil {
		return nil, err
	}
	return read(root, left, "", floating), nil
}

// ReadFile is ReadEvents of a file, which is somebody's whole calendar.
func ReadFile(r io.Reader) (*Calendar, error) {
	root, left, err := parse(r, ofFile)
	if err != nil {
		return nil, err
	}
	return read(root, left, "", nil), nil
}

func read(root *component, left *left, method string, floating *oxocal.Zone) *Calendar {
	cal := &Calendar{Method: method}
	z := newZones(root)
	if zone, ok := oxocal.Find(root.text("X-WR-TIMEZONE")); ok {
		floating = zone
	} else if floating == nil && len(z.defined) == 1 {
		for tzid := range z.defined {
			floating = z.find(tzid)
		}
	}
	if floating == nil {
		floating = oxocal.UTC()
	}
	rd := &reader{zones: z, floating: floating, method: method, left: left}
	// A series and its exceptions are one event; their order says nothing.
	var uids []string
	byUID := map[string][]*component{}
	others := map[string]int{}
	for i, c := range root.children {
		if c.name != "VEVENT" {
			if c.name != "VTIMEZONE" {
				others[c.name]++
			}
			continue
		}
		uid := c.text("UID")
		if uid == "" {
			uid = "\x00" + strconv.Itoa(i) // which is in no text
		}
		if byUID[uid] == nil {
			uids = append(uids, uid)
		}
		byUID[uid] = append(byUID[uid], c)
	}
	take := func(c *component, exceptions []*component) {
		if e, ok := rd.event(c, exceptions); ok {
			cal.Events = append(cal.Events, e)
		} else {
			left.add("%s: it has no time that a calendar can hold", c)
		}
	}
	for _, uid := range uids {
		var master *component
		var exceptions []*component
		for _, c := range byUID[uid] {
			switch {
			case c.find("RECURRENCE-ID") != nil:
				exceptions = append(exceptions, c)
			case master == nil:
				master = c
			default:
				left.add("%s: another event has the same UID", c)
			}
		}
		if master != nil {
			take(master, exceptions)
			continue
		}
		for _, c := range exceptions {
			take(c, nil)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		left.add("%d of %.40s: only events are read", others[name], name)
	}
	cal.Left = left.words()
	return cal
}

type reader struct {
	zones
	floating *oxocal.Zone
	method   string
	left     *left
}

// times are when a VEVENT takes place.
type times struct {
	start, end         oxocal.Wall
	startZone, endZone *oxocal.Zone
	allDay             bool
}

// times reads DTSTART with DTEND or DURATION.
func (rd *reader) times(c *component) (t times, ok bool) {
	start, ok := rd.moment(c.find("DTSTART"))
	if !ok {
		return t, false
	}
	t.start, t.startZone = start.wall, start.clock(rd.floating)
	t.end, t.endZone = t.start, t.startZone
	t.allDay = start.date
	if end, ok := rd.moment(c.find("DTEND")); ok {
		t.end, t.endZone = end.wall, end.clock(rd.floating)
	} else if d, ok := duration(c.raw("DURATION")); ok && d >= 0 {
		t.end = t.start.Add(d)
	} else if start.date {
		t.end = t.start.Add(24 * time.Hour)
	}
	if strings.EqualFold(c.raw("X-MICROSOFT-CDO-ALLDAYEVENT"), "TRUE") && t.start.Clock() == 0 && t.end.Clock() == 0 && t.end > t.start {
		t.allDay = true
	}
	if t.allDay {
		if t.end <= t.start { // some say the same day, or nothing
			t.end = t.start.Add(24 * time.Hour)
		}
	}
	if t.endZone.UTC(t.end).Before(t.startZone.UTC(t.start)) {
		t.end, t.endZone = t.start, t.startZone
	}
	if t.end.Sub(t.start) > oxocal.MaxDuration || t.end.Sub(t.start) < -24*time.Hour {
		return t, false
	}
	return t, true
}

// event makes the event of a VEVENT; exceptions are the VEVENTs of its occurrences.
func (rd *reader) event(c *component, exceptions []*component) (*Event, bool) {
	e := &Event{Props: mapi.Bag{}}
	p := e.Props
	t, ok := rd.times(c)
	if !ok && rd.method != Reply && rd.method != Cancel {
		return nil, false
	}
	if ok {
		rd.putTimes(p, t)
	}
	rd.describe(e, c)
	rd.people(e, c)
	rd.status(p, c)
	if ok {
		remind(p, c, t)
	}
	id := oxocal.ParseUID(c.text("UID"))
	id.Day = 0
	if at, is := rd.moment(c.find("RECURRENCE-ID")); is {
		zone := at.clock(rd.floating)
		if at.utc && ok {
			zone = t.startZone
		}
		original := at.in(rd.floating)
		id.Day = zone.Wall(original).Day()
		if at.date {
			id.Day = at.wall.Day()
		}
		p[mapi.PidLidExceptionReplaceTime] = original
		p[mapi.PidLidIsException] = true
	}
	if c.text("UID") != "" {
		p[mapi.PidLidGlobalObjectID], p[mapi.PidLidCleanGlobalObjectID] = id.Bytes(), id.Clean()
	}
	if ok {
		rd.recur(e, c, t, exceptions)
	}
	rd.meeting(e, c)
	return e, true
}

// putTimes sets the properties of when an event is (MS-OXOCAL 2.2.1.5 and following).
func (rd *reader) putTimes(p mapi.Bag, t times) {
	start, end := t.startZone.UTC(t.start), t.endZone.UTC(t.end)
	for _, tag := range []mapi.Tag{mapi.PidLidAppointmentStartWhole, mapi.PidLidCommonStart, mapi.PidTagStartDate, mapi.PidLidClipStart} {
		p[tag] = start
	}
	for _, tag := range []mapi.Tag{mapi.PidLidAppointmentEndWhole, mapi.PidLidCommonEnd, mapi.PidTagEndDate, mapi.PidLidClipEnd} {
		p[tag] = end
	}
	p[mapi.PidLidAppointmentDuration] = int32(end.Sub(start) / time.Minute)
	p[mapi.PidLidAppointmentSubType] = t.allDay
	p[mapi.PidLidRecurring], p[mapi.PidLidIsRecurring] = false, false
	year := start.Year()
	p[mapi.PidLidAppointmentTimeZoneStartDisplay] = t.startZone.AppendDefinition(nil, year)
	p[mapi.PidLidAppointmentTimeZoneEndDisplay] = t.endZone.AppendDefinition(nil, year)
}

// describe takes what an event says of itself.
func (rd *reader) describe(e *Event, c *component) {
	p := e.Props
	if c.find("SUMMARY") != nil {
		subject := strings.Join(strings.Fields(clip(c.text("SUMMARY"), maxTitle)), " ")
		p[mapi.PidTagSubject], p[mapi.PidTagNormalizedSubject] = subject, subject
	}
	if location := strings.Join(strings.Fields(clip(c.text("LOCATION"), maxTitle)), " "); location != "" {
		p[mapi.PidLidLocation] = location
	}
	e.Text, e.HTML = bodies(c)
	var keywords []string
	for prop := range c.all("CATEGORIES") {
		for _, word := range prop.List() {
			if len(keywords) < 100 && len(word) <= 255 && !slices.Contains(keywords, word) {
				keywords = append(keywords, word)
			}
		}
	}
	if keywords != nil {
		p[mapi.PidNameKeywords] = keywords
	}
	switch strings.ToUpper(c.raw("CLASS")) {
	case "PRIVATE":
		p[mapi.PidTagSensitivity], p[mapi.PidLidPrivate] = int32(2), true
	case "CONFIDENTIAL":
		p[mapi.PidTagSensitivity], p[mapi.PidLidPrivate] = int32(3), true
	case "X-PERSONAL", "PERSONAL":
		p[mapi.PidTagSensitivity] = int32(1)
	}
	p[mapi.PidTagImportance] = int32(1)
	if n, err := strconv.Atoi(c.raw("X-MICROSOFT-CDO-IMPORTANCE")); err == nil && n >= 0 && n <= 2 {
		p[mapi.PidTagImportance] = int32(n)
	} else if n, err := strconv.Atoi(c.raw("PRIORITY")); err == nil && n >= 1 && n <= 4 {
		p[mapi.PidTagImportance] = int32(2)
	} else if err == nil && n >= 6 && n <= 9 {
		p[mapi.PidTagImportance] = int32(0)
	}
	for prop := range c.all("ATTACH") {
		if len(e.Attachments) == maxAttachments {
			break
		}
		if a, ok := attachment(prop); ok {
			e.Attachments = append(e.Attachments, a)
		}
	}
}

// bodies returns DESCRIPTION, and X-ALT-DESC where it is HTML.
func bodies(c *component) (text, html string) {
	text = strings.ReplaceAll(strings.ReplaceAll(clip(c.text("DESCRIPTION"), maxText), "\r\n", "\n"), "\n", "\r\n")
	if p := c.find("X-ALT-DESC"); p != nil && strings.EqualFold(p.Param("FMTTYPE"), "text/html") {
		html = clip(p.Text(), maxText)
	}
	return text, html
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

func attachment(p *property) (a Attachment, ok bool) {
	a.ContentType = strings.ToLower(p.Param("FMTTYPE"))
	for _, name := range []string{"X-FILENAME", "FILENAME", "X-APPLE-FILENAME", "X-ORACLE-FILENAME", "X-LABEL"} {
		if a.Name = path.Base(p.Param(name)); a.Name != "." && a.Name != "/" {
			break
		}
		a.Name = ""
	}
	if strings.EqualFold(p.Param("VALUE"), "BINARY") || strings.EqualFold(p.Param("ENCODING"), "BASE64") {
		b, err := p.Binary()
		a.Data = b
		return a, err == nil
	}
	a.URI = strings.TrimSpace(p.Value)
	lower := strings.ToLower(a.URI)
	// Nothing on the reader's own machine, and no programs.
	ok = len(a.URI) < 4096 && (strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://"))
	if a.Name == "" && ok {
		a.Name = clip(path.Base(strings.SplitN(a.URI, "?", 2)[0]), 255)
	}
	return a, ok
}

// people takes ORGANIZER and ATTENDEE.
func (rd *reader) people(e *Event, c *component) {
	if p := c.find("ORGANIZER"); p != nil {
		e.Organizer, _ = address(p)
	}
	e.Attendees = attendees(c, e.Organizer)
}

func attendees(c *component, organizer oxcmail.Address) (list []Attendee) {
	seen := map[string]bool{strings.ToLower(organizer.Email): organizer.Email != ""}
	for p := range c.all("ATTENDEE") {
		a, ok := address(p)
		key := strings.ToLower(a.Email)
		if !ok || seen[key] || len(list) == maxAttendees {
			continue
		}
		seen[key] = true
		at := Attendee{Address: a, Type: mapi.RecipientTo, RSVP: strings.EqualFold(p.Param("RSVP"), "TRUE")}
		switch strings.ToUpper(p.Param("ROLE")) {
		case "OPT-PARTICIPANT":
			at.Type = mapi.RecipientCc
		case "NON-PARTICIPANT":
			at.Type = mapi.RecipientCc
			if kind := strings.ToUpper(p.Param("CUTYPE")); kind == "RESOURCE" || kind == "ROOM" {
				at.Type = mapi.RecipientBcc
			}
		}
		if kind := strings.ToUpper(p.Param("CUTYPE")); kind == "RESOURCE" || kind == "ROOM" {
			at.Type = mapi.RecipientBcc
		}
		for _, answer := range answers {
			if strings.EqualFold(p.Param("PARTSTAT"), answer.word) {
				at.Status = answer.status
			}
		}
		list = append(list, at)
	}
	return list
}

// address reads a CAL-ADDRESS with its name.
func address(p *property) (a oxcmail.Address, ok bool) {
	value := strings.TrimSpace(p.Value)
	if len(value) > 7 && strings.EqualFold(value[:7], "mailto:") {
		value = value[7:]
	}
	for _, email := range []string{strings.TrimSpace(value), p.Param("EMAIL"), p.Param("X-EMAIL")} {
		local, domain, found := strings.Cut(email, "@")
		if found && local != "" && domain != "" && len(email) <= 254 && !strings.ContainsAny(email, " <>\r\n\t\"/:;,") {
			a.Email = email
			break
		}
	}
	a.Name = strings.Join(strings.Fields(clip(p.Param("CN"), 255)), " ")
	if a.Name == a.Email {
		a.Name = ""
	}
	return a, a.Email != ""
}

// status takes how busy an event makes, and whether it takes place.
func (rd *reader) status(p mapi.Bag, c *component) {
	busy := busyBusy
	switch {
	case strings.EqualFold(c.raw("TRANSP"), "TRANSPARENT"):
		busy = busyFree
	case strings.EqualFold(c.raw("STATUS"), "TENTATIVE"):
		busy = busyTentative
	}
	word := func(names ...string) (int32, bool) {
		for _, name := range names {
			if i := slices.Index(busyWords, strings.ToUpper(c.raw(name))); i >= 0 {
				return int32(i), true
			}
		}
		return 0, false
	}
	if v, ok := word("X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS"); ok {
		busy = v
	}
	p[mapi.PidLidBusyStatus] = busy
	if v, ok := word("X-MICROSOFT-CDO-INTENDEDSTATUS", "X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS"); ok {
		p[mapi.PidLidIntendedBusyStatus] = v
	}
	if strings.EqualFold(c.raw("STATUS"), "CANCELLED") {
		p[mapi.PidLidAppointmentStateFlags] = stateCanceled
	}
	p[mapi.PidLidAppointmentSequence] = int32(0)
	for _, name := range []string{"X-MICROSOFT-CDO-APPT-SEQUENCE", "SEQUENCE"} {
		if n, err := strconv.ParseInt(c.raw(name), 10, 32); err == nil && n >= 0 {
			p[mapi.PidLidAppointmentSequence] = int32(n)
			break
		}
	}
	if n, err := strconv.ParseInt(c.raw("X-MICROSOFT-CDO-OWNERAPPTID"), 10, 32); err == nil {
		p[mapi.PidTagOwnerAppointmentID] = int32(n)
	}
	if strings.EqualFold(c.raw("X-MICROSOFT-DISALLOW-COUNTER"), "TRUE") {
		p[mapi.PidLidAppointmentNotAllowPropose] = true
	}
}

// remind takes the first alarm that is shown before the start (MS-OXCICAL 2.1.3.1.1.20.62).
func remind(p mapi.Bag, c *component, t times) {
	for _, alarm := range c.children {
		if alarm.name != "VALARM" || strings.EqualFold(alarm.raw("ACTION"), "NONE") || strings.EqualFold(alarm.raw("ACTION"), "EMAIL") {
			continue
		}
		trigger := alarm.find("TRIGGER")
		if trigger == nil {
			continue
		}
		start := t.startZone.UTC(t.start)
		before := time.Duration(0)
		if at, ok := (zones{}).moment(trigger); ok && at.utc {
			before = start.Sub(at.in(nil))
		} else if d, ok := duration(trigger.Value); ok {
			before = -d
			if strings.EqualFold(trigger.Param("RELATED"), "END") {
				before -= t.endZone.UTC(t.end).Sub(start)
			}
		} else {
			continue
		}
		delta := int32(max(0, min(before/time.Minute, math.MaxInt32/2)))
		p[mapi.PidLidReminderSet], p[mapi.PidLidReminderDelta] = true, delta
		p[mapi.PidLidReminderTime] = start
		p[mapi.PidLidReminderSignalTime] = start.Add(-time.Duration(delta) * time.Minute)
		return
	}
	p[mapi.PidLidReminderSet] = false
}
