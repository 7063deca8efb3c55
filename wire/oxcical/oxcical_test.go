package oxcical

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/wire/mapi"
	"hma/wire/oxocal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// names are the words of the tags that a dump shows.
var names = map[mapi.Tag]string{
	mapi.PidTagMessageClass: "class", mapi.PidTagSubject: "subject", mapi.PidTagNormalizedSubject: "normalized subject", mapi.PidLidLocation: "location",
	mapi.PidLidAppointmentStartWhole: "start", mapi.PidLidAppointmentEndWhole: "end", mapi.PidLidCommonStart: "common start", mapi.PidLidCommonEnd: "common end",
	mapi.PidTagStartDate: "start date", mapi.PidTagEndDate: "end date", mapi.PidLidClipStart: "clip start", mapi.PidLidClipEnd: "clip end",
	mapi.PidLidAppointmentDuration: "duration", mapi.PidLidAppointmentSubType: "all day", mapi.PidLidRecurring: "recurring", mapi.PidLidIsRecurring: "is recurring",
	mapi.PidLidAppointmentTimeZoneStartDisplay: "start zone", mapi.PidLidAppointmentTimeZoneEndDisplay: "end zone", mapi.PidLidAppointmentTimeZoneRecur: "series zone",
	mapi.PidLidTimeZoneStruct: "zone rule", mapi.PidLidTimeZoneDescription: "zone name", mapi.PidLidAppointmentRecur: "recurrence", mapi.PidLidRecurrenceType: "recurrence type",
	mapi.PidNameKeywords: "keywords", mapi.PidTagSensitivity: "sensitivity", mapi.PidLidPrivate: "private", mapi.PidTagImportance: "importance",
	mapi.PidLidBusyStatus: "busy", mapi.PidLidIntendedBusyStatus: "intended busy", mapi.PidLidAppointmentStateFlags: "state", mapi.PidLidAppointmentSequence: "sequence",
	mapi.PidTagOwnerAppointmentID: "owner id", mapi.PidLidAppointmentNotAllowPropose: "no counter", mapi.PidLidReminderSet: "reminder", mapi.PidLidReminderDelta: "reminder minutes",
	mapi.PidLidReminderTime: "reminder time", mapi.PidLidReminderSignalTime: "reminder signal", mapi.PidLidGlobalObjectID: "id", mapi.PidLidCleanGlobalObjectID: "clean id",
	mapi.PidLidExceptionReplaceTime: "replaces", mapi.PidLidIsException: "exception", mapi.PidNameICalendar: "kept", mapi.PidLidOwnerCriticalChange: "owner changed",
	mapi.PidLidAttendeeCriticalChange: "attendee changed", mapi.PidLidAppointmentReplyTime: "reply time", mapi.PidLidAppointmentReplyName: "reply name", mapi.PidLidMeetingType: "meeting type",
	mapi.PidLidResponseStatus: "response", mapi.PidLidFInvited: "invited", mapi.PidTagResponseRequested: "response wanted", mapi.PidTagReplyRequested: "reply wanted",
	mapi.PidLidAppointmentCounterProposal: "counter", mapi.PidLidAppointmentProposedStartWhole: "proposed start", mapi.PidLidAppointmentProposedEndWhole: "proposed end",
	mapi.PidLidAppointmentProposedDuration: "proposed duration", mapi.PidLidAppointmentMessageClass: "appointment class", mapi.PidLidWhere: "where",
}

func dump(cal *Calendar) string {
	var b strings.Builder
	fmt.Fprintf(&b, "method %s left out %q\n", cal.Method, cal.Left)
	for _, e := range cal.Events {
		b.WriteString("event\n")
		lines := []string{}
		for tag, v := range e.Props {
			lines = append(lines, fmt.Sprintf("  %s: %s", names[tag], show(tag, v)))
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, "\n") + "\n")
		fmt.Fprintf(&b, "  organizer %q %q\n", e.Organizer.Name, e.Organizer.Email)
		for _, a := range e.Attendees {
			fmt.Fprintf(&b, "  attendee %q %q type %d status %d rsvp %v\n", a.Name, a.Email, a.Type, a.Status, a.RSVP)
		}
		fmt.Fprintf(&b, "  text %q\n  html %q\n", e.Text, e.HTML)
		for _, a := range e.Attachments {
			fmt.Fprintf(&b, "  attachment %q %q %q %q\n", a.Name, a.ContentType, a.URI, a.Data)
		}
		for _, x := range e.Exceptions {
			fmt.Fprintf(&b, "  exception %s text %q html %q attendees %+v\n", x.Original.Format(time.DateOnly), x.Text, x.HTML, x.Attendees)
		}
	}
	return b.String()
}

func show(tag mapi.Tag, v any) string {
	raw, _ := v.([]byte)
	switch tag {
	case mapi.PidLidAppointmentTimeZoneStartDisplay, mapi.PidLidAppointmentTimeZoneEndDisplay, mapi.PidLidAppointmentTimeZoneRecur:
		zone, err := oxocal.ParseDefinition(raw)
		return fmt.Sprint(zone.ID(), " ", err)
	case mapi.PidLidTimeZoneStruct:
		return hex.EncodeToString(raw)
	case mapi.PidLidAppointmentRecur:
		r, err := oxocal.ParseAppointment(raw)
		return fmt.Sprintf("%+v %v", r, err)
	case mapi.PidLidGlobalObjectID, mapi.PidLidCleanGlobalObjectID:
		id, err := oxocal.ParseGlobalID(raw)
		return fmt.Sprintf("%s day %v %v", id.UID(), int(id.Day), err)
	}
	if t, ok := v.(time.Time); ok {
		return t.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%#v", v)
}

// TestDialects reads what producers in use write, and compares with golden files.
// What is read is written and read again: nothing may be lost on the way.
func TestDialects(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(files) < 11 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cal, err := Read(bytes.NewReader(raw), nil)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		var out bytes.Buffer
		if err := Write(&out, cal); err != nil {
			t.Fatal(err)
		}
		got := dump(cal) + "\n" + strings.ReplaceAll(out.String(), "\r\n", "\n")
		golden := strings.TrimSuffix(file, ".ics") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("%s: differs from %s (%v):\n%s", file, golden, err, got)
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 75+2 || !strings.HasSuffix(line, "\r\n") {
				t.Errorf("%s: line %q", file, line)
			}
		}
		again, err := Read(bytes.NewReader(out.Bytes()), nil)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		cal.Left = nil
		if a, b := dump(cal), dump(again); a != b {
			t.Errorf("%s: there and back\n got %s\nwant %s", file, b, a)
		}
	}
}

// TestBombs reads what is made to cost much, and sees that it costs little.
func TestBombs(t *testing.T) {
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART:20260101T090000Z\r\nDTEND:20260101T100000Z\r\n" + lines + "END:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	var dates strings.Builder
	dates.WriteString("EXDATE:20260101T090000Z")
	for day := oxocal.NewDay(2026, 1, 2); day < oxocal.NewDay(2026, 1, 2)+900_000; day++ {
		dates.WriteString("," + date(day) + "T090000Z")
		if dates.Len() > MaxValue {
			break
		}
	}
	for name, text := range map[string]string{
		"a million occurrences":  event("RRULE:FREQ=DAILY;COUNT=1000000\r\n"),
		"every second":           event("RRULE:FREQ=SECONDLY\r\n"),
		"a million exceptions":   event("RRULE:FREQ=DAILY\r\n" + dates.String() + "\r\n"),
		"lines of exceptions":    event("RRULE:FREQ=DAILY\r\n" + strings.Repeat("EXDATE:20260102T090000Z\r\n", 300_000)),
		"nested":                 strings.Repeat("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", 200_000),
		"attendees":              event(strings.Repeat("ATTENDEE:mailto:a@b\r\n", 19_000)),
		"one line":               "BEGIN:VCALENDAR\r\nX:" + strings.Repeat("a", MaxBytes-100),
		"quotes":                 "BEGIN:VCALENDAR\r\nX;A=\"" + strings.Repeat("\";B=\"", 100_000) + "\r\n",
		"folds":                  event("SUMMARY:x\r\n" + strings.Repeat(" \r\n", 1_000_000)),
		"many events":            "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:VEVENT\r\nUID:x\r\nDTSTART:20260101T090000Z\r\nRECURRENCE-ID:20260101T090000Z\r\nEND:VEVENT\r\n", 100_000),
		"many zones":             "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:VTIMEZONE\r\nTZID:a\r\nEND:VTIMEZONE\r\n", 100_000),
		"a rule with many parts": event("RRULE:" + strings.Repeat("FREQ=DAILY;", 500_000) + "\r\n"),
		"a far duration":         event("DURATION:P999999999W\r\n"),
		"empty exceptions":       event("RRULE:FREQ=DAILY\r\nEXDATE:" + strings.Repeat(",", 4<<20) + "\r\n"),
		"a zone of many places":  event("DTSTART;TZID=\"" + strings.Repeat("/", 1<<20) + "\":20260101T090000\r\nX:y\r\nRECURRENCE-ID;TZID=" + strings.Repeat("a/", 1<<20) + ":20260101T090000\r\n"),
		"categories":             event("CATEGORIES:" + strings.Repeat(",", 4<<20) + "\r\n"),
	} {
		start := time.Now()
		cal, err := Read(strings.NewReader(text), nil)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var out bytes.Buffer
		if err := Write(&out, cal); err != nil {
			t.Error(err)
		}
	}
	if _, err := Read(strings.NewReader(strings.Repeat("x", MaxBytes+1)), nil); err == nil {
		t.Error("more than the limit was read")
	}
	if _, err := Read(strings.NewReader("Subject: hello\r\n\r\nhello"), nil); err == nil {
		t.Error("a message is no calendar")
	}
}

// TestLeft holds that a calendar says what of it is not among its events, and that a whole
// calendar of somebody's is read.
func TestLeft(t *testing.T) {
	calendar := func(lines string) string { return "BEGIN:VCALENDAR\r\n" + lines + "END:VCALENDAR\r\n" }
	event := func(lines string) string {
		return "BEGIN:VEVENT\r\n" + lines + "DTSTART:20260101T090000Z\r\nEND:VEVENT\r\n"
	}
	var many strings.Builder
	for i := range 5_000 {
		many.WriteString(event(fmt.Sprintf("UID:%d\r\nSUMMARY:x\r\nLOCATION:x\r\nCLASS:PUBLIC\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n", i)))
	}
	small := limits{15_001, 50_000}
	for name, c := range map[string]struct {
		text   string
		events int
		left   []string
	}{
		"nothing":        {calendar(event("UID:a\r\n")), 1, nil},
		"without a UID":  {calendar(event("") + event("")), 2, nil},
		"a whole one":    {calendar(many.String()), 5_000, nil},
		"the same UID":   {calendar(event("UID:a\r\n") + event("UID:a\r\nSUMMARY:b\r\n")), 1, []string{`event "a" ("b"): another event has the same UID`}},
		"no time":        {calendar("BEGIN:VEVENT\r\nUID:a\r\nEND:VEVENT\r\n" + event("UID:b\r\n")), 1, []string{`event "a" (""): it has no time that a calendar can hold`}},
		"others":         {calendar("BEGIN:VTODO\r\nEND:VTODO\r\nBEGIN:VTODO\r\nEND:VTODO\r\n" + event("UID:b\r\n")), 1, []string{"2 of VTODO: only events are read"}},
		"cut off":        {"BEGIN:VCALENDAR\r\n" + event("UID:b\r\n") + "BEGIN:VEVENT\r\nUID:c\r\nDTSTART:20260101T090000Z\r\nSUMMARY:cu", 2, []string{"the end of VCALENDAR: the text breaks off", `the end of event "c" ("cu"): the text breaks off`}},
		"out of place":   {event("UID:a\r\n") + calendar("BEGIN:VEVENT\r\nUID:b\r\nDTSTART:20260101T090000Z\r\nEND:VTODO\r\nX;A=b\r\nEND:VEVENT\r\n"), 1, []string{"1 lines that are", "2 components"}},
		"many":           {calendar(strings.Repeat("BEGIN:VALARM\r\nEND:VALARM\r\n", small.components) + event("UID:a\r\n") + event("UID:b\r\n")), 0, []string{"2 events past the limit", "VALARM: only events are read"}},
		"many lines":     {calendar("BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260101T090000Z\r\n" + strings.Repeat("X:y\r\n", small.properties) + "END:VEVENT\r\n" + event("UID:b\r\n")), 1, []string{`the end of event "a" (""): there are more than 50000 properties`, "1 events past"}},
		"many of others": {calendar(strings.Repeat("END:X\r\n", 2_000) + strings.Repeat("BEGIN:VEVENT\r\nUID:a\r\nEND:VEVENT\r\n", 2_000)), 0, []string{"2000 components or their ends where none belongs", "and 1001 more"}},
	} {
		root, left, err := parse(strings.NewReader(c.text), small)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cal := read(root, left, "", nil)
		if len(cal.Events) != c.events {
			t.Errorf("%s: %d events, want %d", name, len(cal.Events), c.events)
		}
		told := strings.Join(cal.Left, "\n")
		for _, want := range c.left {
			if !strings.Contains(told, want) {
				t.Errorf("%s: %.300q is told, want %q", name, told, want)
			}
		}
		if len(c.left) == 0 && told != "" || len(cal.Left) > maxLeft+1 {
			t.Errorf("%s: %.300q is told", name, told)
		}
	}
}

// TestReadFile holds that the calendar of a file may be larger than that of a message.
func TestReadFile(t *testing.T) {
	text := "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:VEVENT\r\nDTSTART:20260101T090000Z\r\nEND:VEVENT\r\n", ofMessage.components+1) + "END:VCALENDAR\r\n"
	for _, c := range []struct {
		read func(r io.Reader) (*Calendar, error)
		more int // than a message's components
		left string
	}{
		{ReadFile, 1, ""},
		{func(r io.Reader) (*Calendar, error) { return ReadEvents(r, nil) }, -1, "2 events past the limit of what is read"},
	} {
		cal, err := c.read(strings.NewReader(text))
		if err != nil || len(cal.Events) != ofMessage.components+c.more || strings.Join(cal.Left, "; ") != c.left {
			t.Errorf("%d events, left out %q, want %d and %q: %v", len(cal.Events), cal.Left, ofMessage.components+c.more, c.left, err)
		}
	}
}

// TestManyExceptions writes a series with a long text and many exceptions: it stays
// short, and comes back whole.
func TestManyExceptions(t *testing.T) {
	const many = 1000
	note := strings.Repeat("x", 256<<10)
	var in strings.Builder
	in.WriteString("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART:20260101T090000Z\r\nDTEND:20260101T100000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:Daily\r\nLOCATION:Room 1\r\nCATEGORIES:Work\r\n" +
		"ATTACH;ENCODING=BASE64;VALUE=BINARY:" + strings.Repeat("AAAA", 64<<10) + "\r\nDESCRIPTION:" + note + "\r\nATTENDEE:mailto:jane@example.com\r\nEND:VEVENT\r\n")
	for i := range many {
		day := date(oxocal.NewDay(2026, 1, 2+i))
		in.WriteString("BEGIN:VEVENT\r\nUID:x\r\nRECURRENCE-ID:" + day + "T090000Z\r\nDTSTART:" + day + "T120000Z\r\nDTEND:" + day + "T123000Z\r\nSUMMARY:At noon\r\nLOCATION:Room 1\r\nEND:VEVENT\r\n")
	}
	in.WriteString("END:VCALENDAR\r\n")
	cal, err := Read(strings.NewReader(in.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Write(&out, cal); err != nil || out.Len() > 3*maxShared {
		t.Fatalf("%v: %d bytes became %d", err, in.Len(), out.Len())
	}
	root, err := ReadEvents(&out, nil)
	if err != nil || len(root.Events) != 1 || root.Events[0].Text != note || len(root.Events[0].Attachments) != 1 || root.Events[0].Exceptions != nil {
		t.Fatalf("%v %d", err, len(root.Events))
	}
	series, err := oxocal.ParseAppointment(root.Events[0].Props.Bytes(mapi.PidLidAppointmentRecur))
	if err != nil || len(series.Modified) != many {
		t.Fatalf("%v, %d exceptions", err, len(series.Modified))
	}
	for _, x := range series.Modified {
		if x.Overrides != oxocal.OverrideSubject || x.Subject != "At noon" {
			t.Fatalf("%+v", x)
		}
	}
}

// TestRules reads rules that MAPI has, and rules that it has not.
func TestRules(t *testing.T) {
	start := oxocal.NewWall(2026, 3, 4, 9, 0, 0) // a Wednesday
	berlin, _ := oxocal.IANAZone("Europe/Berlin")
	for in, want := range map[string]string{
		"FREQ=DAILY":                                         "FREQ=DAILY;INTERVAL=1",
		"FREQ=DAILY;INTERVAL=3;COUNT=5":                      "FREQ=DAILY;COUNT=5;INTERVAL=3",
		"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR":                    "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;WKST=MO",
		"FREQ=WEEKLY;WKST=SU;INTERVAL=2":                     "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE;WKST=SU",
		"FREQ=MONTHLY":                                       "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=4",
		"FREQ=MONTHLY;BYMONTHDAY=-1":                         "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1",
		"FREQ=MONTHLY;BYDAY=-1FR":                            "FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR",
		"FREQ=MONTHLY;BYDAY=SU,MO,TU,WE,TH,FR,SA;BYSETPOS=2": "FREQ=MONTHLY;INTERVAL=1;BYDAY=SU,MO,TU,WE,TH,FR,SA;BYSETPOS=2",
		"FREQ=YEARLY":                                        "FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=4;BYMONTH=3",
		"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH":                   "FREQ=YEARLY;INTERVAL=1;BYDAY=4TH;BYMONTH=11",
		"FREQ=DAILY;UNTIL=20260310T080000Z":                  "FREQ=DAILY;UNTIL=20260310T080000Z;INTERVAL=1",
		"FREQ=DAILY;UNTIL=20260310T075959Z":                  "FREQ=DAILY;UNTIL=20260309T080000Z;INTERVAL=1",
		"FREQ=DAILY;UNTIL=20260310":                          "FREQ=DAILY;UNTIL=20260310T080000Z;INTERVAL=1",
		"FREQ=DAILY;COUNT=1000000":                           "FREQ=DAILY;COUNT=999999;INTERVAL=1",
		"FREQ=HOURLY":                                        "",
		"FREQ=SECONDLY;COUNT=3":                              "",
		"FREQ=DAILY;BYHOUR=9,17":                             "",
		"FREQ=MONTHLY;BYMONTHDAY=1,15":                       "",
		"FREQ=MONTHLY;BYDAY=1MO,3MO":                         "",
		"FREQ=MONTHLY;BYDAY=5MO":                             "",
		"FREQ=MONTHLY;BYDAY=MO":                              "",
		"FREQ=YEARLY;BYMONTH=1,6":                            "",
		"FREQ=YEARLY;BYDAY=20MO":                             "",
		"FREQ=YEARLY;BYWEEKNO=20":                            "",
		"FREQ=DAILY;INTERVAL=0":                              "",
		"FREQ=DAILY;INTERVAL=1000":                           "",
		"COUNT=3":                                            "",
		"":                                                   "",
	} {
		r, ok := pattern(in, start, berlin, zones{})
		if ok != (want != "") {
			t.Errorf("%s: %v %+v", in, ok, r)
			continue
		}
		if ok {
			if got := rule(r, false, berlin); got != want {
				t.Errorf("%s is %s, want %s", in, got, want)
			}
		}
	}
}

// TestZones reads zones that only the calendar defines.
func TestZones(t *testing.T) {
	for name, c := range map[string]struct{ zone, want string }{
		"by rules": {"BEGIN:STANDARD\nDTSTART:19701101T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\nEND:STANDARD\n" +
			"BEGIN:DAYLIGHT\nDTSTART:19700308T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nRRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\nEND:DAYLIGHT\n", "Eastern Standard Time"},
		"by rules of several years": {"BEGIN:STANDARD\nDTSTART:19671029T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;UNTIL=20061029T060000Z\nEND:STANDARD\n" +
			"BEGIN:STANDARD\nDTSTART:20071104T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRRULE:FREQ=YEARLY;BYDAY=SU;BYMONTHDAY=1,2,3,4,5,6,7;BYMONTH=11\nEND:STANDARD\n" +
			"BEGIN:DAYLIGHT\nDTSTART:20070311T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nRRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\nEND:DAYLIGHT\n", "Eastern Standard Time"},
		"without changes": {"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0545\nTZOFFSETTO:+0545\nEND:STANDARD\n", "Nepal Standard Time"},
		"nobody's":        {"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0123\nTZOFFSETTO:+0123\nEND:STANDARD\n", "Customized Time Zone"},
		"empty":           {"", "UTC"},
	} {
		text := "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:mine\n" + c.zone + "END:VTIMEZONE\nBEGIN:VEVENT\nUID:x\nDTSTART;TZID=mine:20260701T120000\nEND:VEVENT\nEND:VCALENDAR\n"
		cal, err := Read(strings.NewReader(text), nil)
		if err != nil || len(cal.Events) != 1 {
			t.Fatal(name, err, len(cal.Events))
		}
		zone, err := oxocal.ParseDefinition(cal.Events[0].Props.Bytes(mapi.PidLidAppointmentTimeZoneStartDisplay))
		if err != nil || zone.ID() != c.want {
			t.Errorf("%s: %s (%v), want %s", name, zone.ID(), err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.ics")
	for _, file := range files {
		raw, _ := os.ReadFile(file)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		cal, err := Read(bytes.NewReader(raw), nil)
		if err != nil {
			return
		}
		for _, e := range cal.Events {
			for tag, v := range e.Props {
				if err := mapi.CheckValue(tag, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		var out bytes.Buffer
		if err := Write(&out, cal); err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(out.Bytes()), nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if len(again.Events) > len(cal.Events) {
			t.Fatalf("%d events became %d\n%s", len(cal.Events), len(again.Events), out.String())
		}
		if len(again.Events) != len(cal.Events) {
			return // one without a start has no place in a calendar that is published
		}
		for i, e := range again.Events {
			before, after := cal.Events[i].Props.Time(mapi.PidLidAppointmentStartWhole), e.Props.Time(mapi.PidLidAppointmentStartWhole)
			if !before.Equal(after) && cal.Method != Counter && !e.Props.Bool(mapi.PidLidAppointmentSubType) {
				t.Fatalf("start %s became %s\n%s", before, after, out.String())
			}
		}
	})
}
