package oxcical

import (
	"strconv"
	"strings"
	"time"

	"hma/wire/oxocal"
)

// moment is a DATE or DATE-TIME as it is written (RFC 5545 3.3.4, 3.3.5).
type moment struct {
	wall oxocal.Wall
	date bool         // without a time
	zone *oxocal.Zone // nil for UTC and for floating times
	utc  bool
}

// in returns the instant; floating is the zone of what names none.
func (m moment) in(floating *oxocal.Zone) time.Time {
	return m.clock(floating).UTC(m.wall)
}

// clock returns the zone that the moment is told in.
func (m moment) clock(floating *oxocal.Zone) *oxocal.Zone {
	switch {
	case m.utc:
		return oxocal.UTC()
	case m.zone != nil:
		return m.zone
	}
	return floating
}

// moment reads a property that holds one.
func (z zones) moment(p *property) (m moment, ok bool) {
	if p == nil {
		return m, false
	}
	return z.value(p, strings.TrimSpace(p.Value))
}

// separators are what some write between the digits of a date or a time.
var separators = strings.NewReplacer("-", "", ":", "")

// maxMoment bounds a date or a time that is read.
const maxMoment = 40

// value reads one value of a property of dates or times.
func (z zones) value(p *property, value string) (m moment, ok bool) {
	if len(value) > maxMoment {
		return m, false
	}
	digits := strings.TrimSuffix(strings.ToUpper(separators.Replace(value)), "Z")
	m.utc = len(digits) > 8 && len(value) > 0 && (value[len(value)-1] == 'Z' || value[len(value)-1] == 'z')
	if tzid := p.Param("TZID"); tzid != "" && !m.utc {
		m.zone = z.find(tzid)
		m.utc = m.zone == nil && (strings.EqualFold(tzid, "UTC") || strings.EqualFold(tzid, "Z"))
	}
	layout := "20060102T150405"
	switch len(digits) {
	case 8:
		layout, m.date, m.utc = "20060102", true, false
	case 13:
		layout = "20060102T1504"
	}
	t, err := time.Parse(layout, digits)
	if err != nil || t.Year() < 1601 || t.Year() > 4500 {
		return m, false
	}
	m.wall = oxocal.WallOf(t)
	return m, m.wall > 0
}

// duration reads a DURATION (RFC 5545 3.3.6).
func duration(s string) (d time.Duration, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	s, ok = strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return 0, false
	}
	clock := false
	for s != "" {
		if s[0] == 'T' {
			clock, s = true, s[1:]
			continue
		}
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 || i > 9 {
			return 0, false
		}
		n, _ := strconv.Atoi(s[:i])
		unit := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}[s[i]]
		if clock {
			unit = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}[s[i]]
		}
		if unit == 0 || time.Duration(n) > oxocal.MaxDuration/unit {
			return 0, false
		}
		d += time.Duration(n) * unit
		s = s[i+1:]
	}
	if negative {
		d = -d
	}
	return d, true
}

// zones finds the zones that a calendar names; defined are those of its VTIMEZONEs.
type zones struct {
	defined map[string]*component
	year    int // whose rules of a zone count that only the calendar defines
	made    map[string]*oxocal.Zone
}

// maxZones bounds the zones of a calendar.
const maxZones = 200

func newZones(calendar *component) zones {
	z := zones{defined: map[string]*component{}, made: map[string]*oxocal.Zone{}, year: 2000}
	for _, c := range calendar.children {
		if c.name == "VTIMEZONE" && len(z.defined) < maxZones {
			z.defined[c.text("TZID")] = c
		}
	}
	for _, c := range calendar.children {
		if p := c.find("DTSTART"); c.name == "VEVENT" && p != nil && len(p.Value) >= 4 {
			if year, err := strconv.Atoi(p.Value[:4]); err == nil && year > 1601 && year < 4500 {
				z.year = year
				break
			}
		}
	}
	return z
}

// find returns the zone of a TZID, nil when nobody knows it.
func (z zones) find(tzid string) *oxocal.Zone {
	if z.made == nil { // those of no calendar
		zone, _ := oxocal.Find(tzid)
		return zone
	}
	if zone, ok := z.made[tzid]; ok {
		return zone
	}
	if len(z.made) > maxZones {
		return nil
	}
	zone := z.make(tzid)
	z.made[tzid] = zone
	return zone
}

func (z zones) make(tzid string) *oxocal.Zone {
	if zone, ok := oxocal.Find(tzid); ok {
		return zone
	}
	c := z.defined[tzid]
	if c == nil {
		return nil
	}
	for _, name := range []string{"X-LIC-LOCATION", "TZUNTIL", "X-MICROSOFT-TZID", "X-TZINFO"} {
		if zone, ok := oxocal.Find(c.text(name)); ok {
			return zone
		}
	}
	standard, daylight := z.observance(c, "STANDARD"), z.observance(c, "DAYLIGHT")
	rule := oxocal.Rule{Year: 0}
	switch {
	case standard == nil && daylight == nil:
		return nil
	case standard == nil || daylight == nil || standard.from.Year() > daylight.from.Year()+1 && !daylight.repeats:
		if standard == nil {
			standard = daylight
		}
		rule.Bias = standard.bias
	default:
		rule.Bias, rule.DaylightBias = standard.bias, daylight.bias-standard.bias
		rule.Standard, rule.Daylight = standard.change, daylight.change
	}
	zone, err := oxocal.Match(rule, z.year)
	if err != nil {
		return nil
	}
	return zone
}

// observance is a STANDARD or DAYLIGHT of a zone (RFC 5545 3.6.5).
type observance struct {
	from    time.Time // by its wall clock
	repeats bool
	bias    int
	change  oxocal.Change
}

// observance returns the one that holds in the year of the calendar: the last that
// began until then, else the first.
func (z zones) observance(zone *component, name string) (best *observance) {
	for _, c := range zone.children {
		if c.name != name {
			continue
		}
		start, ok := zones{}.moment(c.find("DTSTART"))
		offset, valid := utcOffset(c.raw("TZOFFSETTO"))
		if !ok || !valid {
			continue
		}
		o := &observance{from: start.wall.AsUTC(), bias: -offset}
		_, month, day := start.wall.Day().Date()
		o.change = oxocal.Change{Month: month, Weekday: start.wall.Day().Weekday(), Week: (day-1)/7 + 1, Clock: start.wall.Clock()}
		if rule := c.raw("RRULE"); rule != "" {
			o.repeats = o.recur(rule, z.year)
		}
		if best == nil || o.from.Year() <= z.year && (best.from.Year() > z.year || o.from.After(best.from)) {
			best = o
		}
	}
	return best
}

// recur takes the yearly day of a rule; false when it has ended before a year.
func (o *observance) recur(rule string, year int) bool {
	r := parseRule(rule)
	if until := r["UNTIL"]; len(until) >= 4 {
		if last, err := strconv.Atoi(until[:4]); err == nil && last < year {
			return false
		}
	}
	if month, err := strconv.Atoi(r["BYMONTH"]); err == nil && month >= 1 && month <= 12 {
		o.change.Month = time.Month(month)
	}
	n, days, ok := parseByDay(r["BYDAY"])
	if !ok || days.Len() != 1 {
		return true
	}
	for o.change.Weekday = 0; !days.Has(o.change.Weekday); {
		o.change.Weekday++
	}
	switch monthday, _, _ := strings.Cut(r["BYMONTHDAY"], ","); {
	case n < 0:
		o.change.Week = oxocal.Last
	case n > 0:
		o.change.Week = min(n, oxocal.Last)
	case monthday != "": // the first such day on or after one: an older way to say the second
		if day, err := strconv.Atoi(monthday); err == nil && day >= 1 && day <= 31 {
			o.change.Week = (day-1)/7 + 1
		} else if err == nil && day < 0 {
			o.change.Week = oxocal.Last
		}
	}
	return true
}

// utcOffset reads +0100 as minutes.
func utcOffset(s string) (minutes int, ok bool) {
	s = strings.ReplaceAll(s, ":", "")
	if len(s) < 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s[1:5])
	if err != nil || n < 0 || n > 2400 || n%100 > 59 {
		return 0, false
	}
	minutes = n/100*60 + n%100
	if s[0] == '-' {
		minutes = -minutes
	}
	return minutes, true
}
