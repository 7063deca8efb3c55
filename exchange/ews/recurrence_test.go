package ews

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hma/wire/oxocal"
	"hma/wire/soap"
)

const typesNS = `xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"`

func parseElement(t *testing.T, text string) *soap.Element {
	t.Helper()
	r := soap.NewReader(strings.NewReader(text), soap.DefaultLimits)
	start, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Element(start, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func written(write func(w *soap.Writer)) string {
	var b bytes.Buffer
	w := soap.NewWriter(&b)
	write(w)
	_ = w.Flush()
	return b.String()
}

// TestRecurrenceElements reads each kind of Recurrence and writes it again.
func TestRecurrenceElements(t *testing.T) {
	const end = `<t:NoEndRecurrence><t:StartDate>2026-03-04</t:StartDate></t:NoEndRecurrence>`
	for _, c := range []struct {
		in, out string // out is in when it is empty
		tasks   bool
		bad     bool
	}{
		{in: `<t:DailyRecurrence><t:Interval>3</t:Interval></t:DailyRecurrence>` + end},
		{in: `<t:WeeklyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>Monday Friday</t:DaysOfWeek><t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence>` +
			`<t:EndDateRecurrence><t:StartDate>2026-03-04</t:StartDate><t:EndDate>2026-09-30</t:EndDate></t:EndDateRecurrence>`},
		{in: `<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Weekday</t:DaysOfWeek></t:WeeklyRecurrence>` + end,
			out: `<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday Tuesday Wednesday Thursday Friday</t:DaysOfWeek><t:FirstDayOfWeek>Sunday</t:FirstDayOfWeek></t:WeeklyRecurrence>` + end},
		{in: `<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>31</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>` +
			`<t:NumberedRecurrence><t:StartDate>2026-03-04</t:StartDate><t:NumberOfOccurrences>7</t:NumberOfOccurrences></t:NumberedRecurrence>`},
		{in: `<t:RelativeMonthlyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Weekday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>` + end},
		{in: `<t:AbsoluteYearlyRecurrence><t:DayOfMonth>29</t:DayOfMonth><t:Month>February</t:Month></t:AbsoluteYearlyRecurrence>` + end},
		{in: `<t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>Second</t:DayOfWeekIndex><t:Month>May</t:Month></t:RelativeYearlyRecurrence>` +
			`<t:NoEndRecurrence><t:StartDate>2026-03-04+01:00</t:StartDate></t:NoEndRecurrence>`,
			out: `<t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>Second</t:DayOfWeekIndex><t:Month>May</t:Month></t:RelativeYearlyRecurrence>` + end},
		{in: `<t:WeeklyRegeneration><t:Interval>2</t:Interval></t:WeeklyRegeneration>` + end, tasks: true},
		{in: `<t:YearlyRegeneration><t:Interval>1</t:Interval></t:YearlyRegeneration>` + end, tasks: true},
		{in: `<t:WeeklyRegeneration><t:Interval>2</t:Interval></t:WeeklyRegeneration>` + end, bad: true},
		{in: `<t:DailyRecurrence><t:Interval>0</t:Interval></t:DailyRecurrence>` + end, bad: true},
		{in: `<t:DailyRecurrence><t:Interval>1000</t:Interval></t:DailyRecurrence>` + end, bad: true},
		{in: `<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Mon</t:DaysOfWeek></t:WeeklyRecurrence>` + end, bad: true},
		{in: end, bad: true},
		{in: `<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2026-02-30</t:StartDate></t:NoEndRecurrence>`, bad: true},
	} {
		r, err := parseRecurrence(parseElement(t, `<t:Recurrence `+typesNS+`>`+c.in+`</t:Recurrence>`), c.tasks)
		if (err != nil) != c.bad {
			t.Errorf("%s: %v", c.in, err)
		}
		if err != nil {
			continue
		}
		if c.out == "" {
			c.out = c.in
		}
		if got := written(func(w *soap.Writer) { writePattern(w, r) }); got != `<t:Recurrence>`+c.out+`</t:Recurrence>` {
			t.Errorf("\n got %s\nwant %s", got, c.out)
		}
	}
}

// TestZoneDefinition reads the definition that GetServerTimeZones gives of a zone
// under a name that nobody knows, and compares the two zones.
func TestZoneDefinition(t *testing.T) {
	for _, id := range []string{"W. Europe Standard Time", "AUS Eastern Standard Time", "Namibia Standard Time", "Russian Standard Time", "India Standard Time", "Nepal Standard Time"} {
		zone, _ := oxocal.WindowsZone(id)
		text := written(func(w *soap.Writer) { writeZoneDefinition(w, zone, 2008, 2030) })
		text = strings.Replace(text, `Id="`+id+`"`, typesNS+` Id="Our own"`, 1)
		got, err := parseZone(parseElement(t, text))
		if err != nil || got.ID() != "Our own" {
			t.Errorf("%s: %v\n%s", id, err, text)
			continue
		}
		for at := time.Date(2008, 1, 10, 0, 0, 0, 0, time.UTC); at.Year() < 2031; at = at.Add(11 * time.Hour) {
			if got.Wall(at) != zone.Wall(at) {
				t.Errorf("%s at %s: %s, want %s\n%s", id, at, got.Wall(at), zone.Wall(at), text)
				break
			}
		}
	}
	for _, bad := range []string{
		`<t:StartTimeZone ` + typesNS + ` Id="Nowhere Standard Time"/>`,
		`<t:StartTimeZone ` + typesNS + ` Id="x"><t:Periods><t:Period Bias="P1Y" Id="a"/></t:Periods></t:StartTimeZone>`,
		`<t:StartTimeZone ` + typesNS + ` Id="x"><t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions></t:StartTimeZone>`,
	} {
		if zone, err := parseZone(parseElement(t, bad)); err == nil {
			t.Errorf("%s is %s", bad, zone.ID())
		}
	}
}

// TestOlderZones reads the forms that a zone has with Exchange 2007 and in
// availability requests.
func TestOlderZones(t *testing.T) {
	meeting := parseElement(t, `<t:MeetingTimeZone `+typesNS+`><t:BaseOffset>-PT1H</t:BaseOffset><t:Standard><t:Offset>PT0H</t:Offset>`+
		`<t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex><t:Month>October</t:Month></t:RelativeYearlyRecurrence><t:Time>03:00:00</t:Time></t:Standard>`+
		`<t:Daylight><t:Offset>-PT1H</t:Offset><t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex><t:Month>March</t:Month></t:RelativeYearlyRecurrence>`+
		`<t:Time>02:00:00</t:Time></t:Daylight></t:MeetingTimeZone>`)
	if zone, err := parseMeetingZone(meeting, 2026); err != nil || zone.ID() != "W. Europe Standard Time" {
		t.Errorf("%v %v", zone.ID(), err)
	}
	named := parseElement(t, `<t:MeetingTimeZone `+typesNS+` TimeZoneName="Pacific Standard Time"/>`)
	if zone, err := parseMeetingZone(named, 2026); err != nil || zone.ID() != "Pacific Standard Time" {
		t.Errorf("%v %v", zone.ID(), err)
	}
	asked := parseElement(t, `<t:TimeZone `+typesNS+`><t:Bias>480</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>11</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>`+
		`<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>2</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`)
	zone, err := parseSerializableZone(asked, 2026)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{"2026-01-10T20:00:00Z": "2026-01-10T12:00:00", "2026-07-10T20:00:00Z": "2026-07-10T13:00:00"} {
		instant, _ := time.Parse(time.RFC3339, at)
		if got := zone.Wall(instant).String(); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
	// What exchangelib sends for a zone that never changes its clock.
	still := parseElement(t, `<t:TimeZone `+typesNS+`><t:Bias>-330</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>1</t:Month><t:DayOfWeek>Monday</t:DayOfWeek></t:StandardTime>`+
		`<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>12</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`)
	if zone, err := parseSerializableZone(still, 2026); err != nil || zone.Rule(2026).Bias != -330 || zone.Rule(2026).Daylight.Month != 0 {
		t.Errorf("%v %v", zone, err)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT0S": 0, "PT2H": 2 * time.Hour, "-PT5H30M": -5*time.Hour - 30*time.Minute, "P1D": 24 * time.Hour, "PT10M5S": 10*time.Minute + 5*time.Second} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%s: %v %v", text, got, ok)
		}
		if got := durationText(want); got != text {
			t.Errorf("%v is %s, want %s", want, got, text)
		}
	}
	for _, text := range []string{"", "P", "P1Y", "1H", "PT1", "PTx", "PT-1H", "P-1D"} {
		if d, ok := parseDuration(text); ok && text != "PT" {
			t.Errorf("%q is %v", text, d)
		}
	}
}
