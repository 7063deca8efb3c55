package ews

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/wire/oxocal"
	"hma/wire/soap"
)

// errTimeZone is the code for a zone that is not known or not well formed.
var errTimeZone = &problem{"ErrorCalendarInvalidTimeZone", "The time zone is not known or not valid."}

// clock returns the zone that the request names in the header TimeZoneContext
// (MS-OXWSTZ 2.2.3.1), in which it means dates and times without a zone; UTC by
// default.
func (c *call) clock(env *soap.Envelope) (*oxocal.Zone, error) {
	e := env.Block(soap.NSTypes, "TimeZoneContext").Child(soap.NSTypes, "TimeZoneDefinition")
	if e == nil {
		return oxocal.UTC(), nil
	}
	zone, err := parseZone(e)
	if err != nil {
		return nil, &soap.Fault{Code: errTimeZone.code, Message: errTimeZone.text}
	}
	return zone, nil
}

// parseZone reads a TimeZoneDefinition, StartTimeZone or EndTimeZone (MS-OXWSCDATA
// 2.2.4.72): a zone that Windows knows by its id, or one that is defined in full.
func parseZone(e *soap.Element) (*oxocal.Zone, error) {
	id, _ := e.Attr("Id")
	if zone, ok := oxocal.Find(id); ok {
		return zone, nil
	}
	name, _ := e.Attr("Name")
	groups := map[string]*soap.Element{}
	if list := e.Child(soap.NSTypes, "TransitionsGroups"); list != nil {
		for _, g := range list.Children {
			key, _ := g.Attr("Id")
			groups[key] = g
		}
	}
	periods := map[string]int{}
	if list := e.Child(soap.NSTypes, "Periods"); list != nil {
		for _, p := range list.Children {
			key, _ := p.Attr("Id")
			bias, _ := p.Attr("Bias")
			d, ok := parseDuration(bias)
			if !ok {
				return nil, errTimeZone
			}
			periods[key] = int(d / time.Minute)
		}
	}
	list := e.Child(soap.NSTypes, "Transitions")
	if list == nil || len(list.Children) > oxocal.MaxRules {
		return nil, errTimeZone
	}
	var rules []oxocal.Rule
	for _, t := range list.Children {
		rule, ok := parseGroup(groups[toOf(t)], periods)
		if !ok {
			return nil, errTimeZone
		}
		if date := t.Child(soap.NSTypes, "DateTime"); date != nil {
			if len(date.Text) < 4 {
				return nil, errTimeZone
			}
			year, err := strconv.Atoi(date.Text[:4])
			if err != nil {
				return nil, errTimeZone
			}
			rule.Year = year
		}
		if n := len(rules); n > 0 && rules[n-1].Year == rule.Year {
			rules = rules[:n-1]
		}
		rules = append(rules, rule)
	}
	zone, err := oxocal.NewZone(id, name, rules...)
	if err != nil {
		return nil, errTimeZone
	}
	return zone, nil
}

func toOf(e *soap.Element) string {
	if to := e.Child(soap.NSTypes, "To"); to != nil {
		return to.Text
	}
	return ""
}

// parseGroup reads a TransitionsGroup: one period for all the year, or two changes.
func parseGroup(e *soap.Element, periods map[string]int) (rule oxocal.Rule, ok bool) {
	if e == nil || len(e.Children) < 1 || len(e.Children) > 2 {
		return rule, false
	}
	bias, ok := periods[toOf(e.Children[0])]
	if !ok || len(e.Children) == 1 {
		return oxocal.Rule{Bias: bias}, ok
	}
	other, ok := periods[toOf(e.Children[1])]
	if !ok {
		return rule, false
	}
	first, ok1 := parseTransition(e.Children[0])
	second, ok2 := parseTransition(e.Children[1])
	if bias < other { // the greater bias is that of standard time
		bias, other, first, second = other, bias, second, first
	}
	return oxocal.Rule{Bias: bias, DaylightBias: other - bias, Standard: first, Daylight: second}, ok1 && ok2
}

// parseTransition reads a RecurringDayTransition or a RecurringDateTransition.
func parseTransition(e *soap.Element) (c oxocal.Change, ok bool) {
	for _, child := range e.Children {
		text, valid := strings.TrimSpace(child.Text), true
		switch child.Name.Local {
		case "TimeOffset":
			c.Clock, valid = parseDuration(text)
		case "Month":
			var month int
			month, valid = positive(text, 12)
			c.Month = time.Month(month)
		case "Day":
			c.Day, valid = positive(text, 31)
		case "DayOfWeek":
			day := slices.Index(weekdayNames, text)
			c.Weekday, valid = time.Weekday(day), day >= 0
		case "Occurrence":
			n, err := strconv.Atoi(text)
			if n == -1 {
				n = oxocal.Last
			}
			c.Week, valid = n, err == nil && n >= 1 && n <= oxocal.Last
		}
		if !valid {
			return c, false
		}
	}
	return c, c.Month != 0 && (c.Week == 0) != (c.Day == 0)
}

// parseMeetingZone reads a MeetingTimeZone (MS-OXWSCDATA 2.2.4.70 TimeZoneType), the
// form of Exchange 2007; year is the one of the meeting.
func parseMeetingZone(e *soap.Element, year int) (*oxocal.Zone, error) {
	name, _ := e.Attr("TimeZoneName")
	if zone, ok := oxocal.Find(name); ok {
		return zone, nil
	}
	var rule oxocal.Rule
	ok := true
	minutes := func(parent *soap.Element, child string) int {
		text := parent.Child(soap.NSTypes, child)
		if text == nil {
			return 0
		}
		d, valid := parseDuration(strings.TrimSpace(text.Text))
		ok = ok && valid
		return int(d / time.Minute)
	}
	change := func(e *soap.Element) (c oxocal.Change) {
		at := e.Child(soap.NSTypes, "Time")
		if at == nil {
			return c
		}
		clock, err := time.Parse(time.TimeOnly, strings.TrimSuffix(strings.TrimSpace(at.Text), "Z"))
		c.Clock = oxocal.WallOf(clock).Clock()
		ok = ok && err == nil
		if date := e.Child(soap.NSTypes, "AbsoluteDate"); date != nil {
			day, valid := parseDate(date)
			ok = ok && valid
			_, c.Month, c.Day = day.Date()
			return c
		}
		var p oxocal.Pattern
		rel := e.Child(soap.NSTypes, "RelativeYearlyRecurrence")
		if ok = ok && rel != nil && parsePattern(rel, &p, false) && p.Days.Len() == 1; ok {
			c.Month, c.Week = p.Month, p.Index
			for !p.Days.Has(c.Weekday) {
				c.Weekday++
			}
		}
		return c
	}
	rule.Bias = minutes(e, "BaseOffset")
	standard, daylight := e.Child(soap.NSTypes, "Standard"), e.Child(soap.NSTypes, "Daylight")
	rule.StandardBias, rule.DaylightBias = minutes(standard, "Offset"), minutes(daylight, "Offset")
	rule.Standard, rule.Daylight = change(standard), change(daylight)
	if !ok {
		return nil, errTimeZone
	}
	return match(rule, year)
}

// parseSerializableZone reads the TimeZone of an availability request (MS-OXWSAVAIL
// 2.2.4.22 SerializableTimeZone); year is the one that is asked about.
func parseSerializableZone(e *soap.Element, year int) (*oxocal.Zone, error) {
	ok := true
	number := func(parent *soap.Element, child string) int {
		text := parent.Child(soap.NSTypes, child)
		if text == nil {
			return 0
		}
		n, err := strconv.Atoi(strings.TrimSpace(text.Text))
		ok = ok && err == nil
		return n
	}
	change := func(e *soap.Element) (c oxocal.Change) {
		if e == nil {
			return c
		}
		c.Month, c.Week = time.Month(number(e, "Month")), number(e, "DayOrder")
		if day := e.Child(soap.NSTypes, "DayOfWeek"); day != nil {
			c.Weekday = time.Weekday(slices.Index(weekdayNames, strings.TrimSpace(day.Text)))
		}
		if number(e, "Year") != 0 {
			c = oxocal.Change{Month: c.Month, Day: c.Week}
		}
		at := e.Child(soap.NSTypes, "Time")
		if at == nil {
			ok = false
			return c
		}
		clock, err := time.Parse(time.TimeOnly, strings.TrimSpace(at.Text))
		c.Clock = oxocal.WallOf(clock).Clock()
		ok = ok && err == nil
		return c
	}
	standard, daylight := e.Child(soap.NSTypes, "StandardTime"), e.Child(soap.NSTypes, "DaylightTime")
	rule := oxocal.Rule{
		Bias: number(e, "Bias"), StandardBias: number(standard, "Bias"), DaylightBias: number(daylight, "Bias"),
		Standard: change(standard), Daylight: change(daylight),
	}
	if !ok {
		return nil, errTimeZone
	}
	return match(rule, year)
}

func match(rule oxocal.Rule, year int) (*oxocal.Zone, error) {
	zone, err := oxocal.Match(rule, year)
	if err != nil {
		return nil, errTimeZone
	}
	return zone, nil
}

// writeZone writes a zone under the name of an element, with its id and its display
// name; clients that want its rules ask GetServerTimeZones.
func writeZone(w *soap.Writer, element string, zone *oxocal.Zone) {
	w.Empty(element, "Id", zone.ID(), "Name", zone.Name())
}

// writeZoneDefinition writes a TimeZoneDefinition (MS-OXWSCDATA 2.2.4.72) with the
// rules of the years from first to last.
func writeZoneDefinition(w *soap.Writer, zone *oxocal.Zone, first, last int) {
	w.Start("t:TimeZoneDefinition", "Id", zone.ID(), "Name", zone.Name())
	defer w.End("t:TimeZoneDefinition")
	rules := zone.Rules(first, last)
	// Ids of one length: some clients sort them as texts.
	id := func(i int) string { return strconv.Itoa(i + 100)[1:] }
	period := func(i int, name string) string {
		return "trule:" + zone.ID() + "/" + strconv.Itoa(rules[i].Year) + "-" + name
	}
	w.Start("t:Periods")
	for i, r := range rules {
		w.Empty("t:Period", "Bias", durationText(time.Duration(r.Bias)*time.Minute), "Name", "Standard", "Id", period(i, "Standard"))
		if r.Daylight.Month != 0 {
			w.Empty("t:Period", "Bias", durationText(time.Duration(r.Bias+r.DaylightBias)*time.Minute), "Name", "Daylight", "Id", period(i, "Daylight"))
		}
	}
	w.End("t:Periods")
	w.Start("t:TransitionsGroups")
	for i, r := range rules {
		w.Start("t:TransitionsGroup", "Id", id(i))
		if r.Daylight.Month == 0 {
			w.Start("t:Transition")
			w.Element("t:To", period(i, "Standard"), "Kind", "Period")
			w.End("t:Transition")
		} else {
			writeTransition(w, period(i, "Daylight"), r.Daylight)
			writeTransition(w, period(i, "Standard"), r.Standard)
		}
		w.End("t:TransitionsGroup")
	}
	w.End("t:TransitionsGroups")
	w.Start("t:Transitions")
	for i, r := range rules {
		element := "t:AbsoluteDateTransition"
		if i == 0 {
			element = "t:Transition"
		}
		w.Start(element)
		w.Element("t:To", id(i), "Kind", "Group")
		if i > 0 {
			w.Element("t:DateTime", oxocal.NewDay(r.Year, 1, 1).At(0).String())
		}
		w.End(element)
	}
	w.End("t:Transitions")
}

func writeTransition(w *soap.Writer, to string, c oxocal.Change) {
	element := "t:RecurringDayTransition"
	if c.Week == 0 {
		element = "t:RecurringDateTransition"
	}
	w.Start(element)
	w.Element("t:To", to, "Kind", "Period")
	w.Element("t:TimeOffset", durationText(c.Clock))
	w.Element("t:Month", strconv.Itoa(int(c.Month)))
	if c.Week == 0 {
		w.Element("t:Day", strconv.Itoa(c.Day))
	} else {
		w.Element("t:DayOfWeek", weekdayNames[c.Weekday])
		occurrence := c.Week
		if occurrence == oxocal.Last {
			occurrence = -1
		}
		w.Element("t:Occurrence", strconv.Itoa(occurrence))
	}
	w.End(element)
}

// parseDuration reads an xs:duration of days, hours, minutes and seconds.
func parseDuration(text string) (d time.Duration, ok bool) {
	rest, negative := strings.CutPrefix(text, "-")
	rest, ok = strings.CutPrefix(rest, "P")
	if !ok || rest == "" {
		return 0, false
	}
	days, clock, _ := strings.Cut(rest, "T")
	if days != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(days, "D"))
		if err != nil || !strings.HasSuffix(days, "D") || n < 0 || n > 100_000 {
			return 0, false
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if clock != "" {
		// What is left is what Go writes, but in small letters: PT1H30M.
		part, err := time.ParseDuration(strings.ToLower(clock))
		if err != nil || part < 0 || part > 100_000*24*time.Hour {
			return 0, false
		}
		d += part
	}
	if negative {
		d = -d
	}
	return d, true
}

// durationText writes an xs:duration, to the second.
func durationText(d time.Duration) string {
	if d == 0 {
		return "PT0S"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	b.WriteByte('P')
	part := func(unit time.Duration, letter byte) {
		if n := d / unit; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10))
			b.WriteByte(letter)
			d %= unit
		}
	}
	part(24*time.Hour, 'D')
	if d > 0 {
		b.WriteByte('T')
	}
	part(time.Hour, 'H')
	part(time.Minute, 'M')
	part(time.Second, 'S')
	return b.String()
}
