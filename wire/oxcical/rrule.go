package oxcical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hma/wire/oxocal"
)

// dayNames are the weekdays of BYDAY, from Sunday.
var dayNames = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// parseRule reads the parts of a RECUR value (RFC 5545 3.3.10), names in capitals.
func parseRule(s string) map[string]string {
	parts := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		name, value, ok := strings.Cut(part, "=")
		if ok && len(parts) < 20 {
			parts[strings.ToUpper(strings.TrimSpace(name))] = strings.ToUpper(strings.TrimSpace(value))
		}
	}
	return parts
}

// parseByDay reads BYDAY: days with one ordinal for all, 0 for none. More than one
// ordinal is not ok.
func parseByDay(s string) (n int, days oxocal.Weekdays, ok bool) {
	if s == "" || len(s) > 200 {
		return 0, 0, false
	}
	for i, item := range strings.Split(s, ",") {
		item = strings.TrimSpace(item)
		if len(item) < 2 {
			return 0, 0, false
		}
		ordinal, found := 0, false
		if head := strings.TrimPrefix(item[:len(item)-2], "+"); head != "" {
			var err error
			if ordinal, err = strconv.Atoi(head); err != nil || ordinal == 0 {
				return 0, 0, false
			}
		}
		for day, name := range dayNames {
			if strings.HasSuffix(item, name) {
				days, found = days|oxocal.On(time.Weekday(day)), true
			}
		}
		if !found || i > 0 && ordinal != n {
			return 0, 0, false
		}
		n = ordinal
	}
	return n, days, n == 0 || days.Len() == 1
}

// index returns the Index of an ordinal; 0 for what MAPI does not know.
func index(n int) int {
	switch {
	case n == -1:
		return oxocal.Last
	case n >= 1 && n <= 4:
		return n
	}
	return 0
}

// pattern makes a recurrence of an RRULE; false when MAPI cannot hold it. start is
// DTSTART by the clock of zone.
func pattern(rule string, start oxocal.Wall, zone *oxocal.Zone, z zones) (r *oxocal.Recurrence, ok bool) {
	parts := parseRule(rule)
	day := start.Day()
	_, month, dayOfMonth := day.Date()
	p := oxocal.Pattern{Interval: 1, FirstDay: time.Monday}
	for name, value := range parts {
		switch name {
		case "FREQ", "UNTIL", "COUNT", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS":
		case "INTERVAL":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > oxocal.MaxInterval {
				return nil, false
			}
			p.Interval = n
		case "WKST":
			for i, name := range dayNames {
				if name == value {
					p.FirstDay = time.Weekday(i)
				}
			}
		default:
			return nil, false
		}
	}
	ordinal, days, byDay := parseByDay(parts["BYDAY"])
	if parts["BYDAY"] != "" && !byDay {
		return nil, false
	}
	if setpos := parts["BYSETPOS"]; setpos != "" {
		n, err := strconv.Atoi(setpos)
		if err != nil || ordinal != 0 || !byDay {
			return nil, false
		}
		ordinal = n
	}
	months, monthDay := parts["BYMONTH"], parts["BYMONTHDAY"]
	if monthDay != "" {
		n, err := strconv.Atoi(monthDay)
		switch {
		case err != nil || n < -1 || n == 0 || n > 31 || byDay:
			return nil, false
		case n == -1:
			n = 31
		}
		dayOfMonth = n
	}
	relative := byDay && (ordinal != 0 || parts["FREQ"] == "MONTHLY" || parts["FREQ"] == "YEARLY")
	if relative {
		if p.Index = index(ordinal); p.Index == 0 {
			return nil, false
		}
	}
	switch parts["FREQ"] {
	case "DAILY":
		if months != "" || monthDay != "" || relative || byDay && p.Interval != 1 {
			return nil, false
		}
		if byDay {
			p.Kind, p.Days = oxocal.Weekly, days
		}
	case "WEEKLY":
		if months != "" || monthDay != "" || relative {
			return nil, false
		}
		if !byDay {
			days = oxocal.On(day.Weekday())
		}
		p.Kind, p.Days = oxocal.Weekly, days
	case "MONTHLY":
		if months != "" {
			return nil, false
		}
		p.Kind, p.DayOfMonth = oxocal.AbsoluteMonthly, dayOfMonth
		if relative {
			p.Kind, p.Days, p.DayOfMonth = oxocal.RelativeMonthly, days, 0
		}
	case "YEARLY":
		if months != "" {
			n, err := strconv.Atoi(months)
			if err != nil || n < 1 || n > 12 {
				return nil, false
			}
			month = time.Month(n)
		} else if relative {
			return nil, false // the n-th such day of the year
		}
		p.Kind, p.DayOfMonth, p.Month = oxocal.AbsoluteYearly, dayOfMonth, month
		if relative {
			p.Kind, p.Days, p.DayOfMonth = oxocal.RelativeYearly, days, 0
		}
	default:
		return nil, false
	}
	r = &oxocal.Recurrence{Pattern: p, Range: oxocal.Range{Start: day}, Clock: start.Clock().Truncate(time.Minute)}
	switch {
	case parts["COUNT"] != "":
		n, err := strconv.Atoi(parts["COUNT"])
		if err != nil || n < 1 {
			return nil, false
		}
		r.Count = min(n, oxocal.MaxCount)
	case parts["UNTIL"] != "":
		until, ok := z.value(&property{}, parts["UNTIL"])
		if !ok {
			return nil, false
		}
		wall := until.wall
		if until.utc {
			wall = zone.Wall(until.in(nil))
		}
		if r.End = wall.Day(); !until.date && wall.Clock() < r.Clock {
			r.End--
		}
		if r.End > oxocal.LastDay {
			r.End = 0
		}
	}
	return r, true
}

// rule writes the RRULE of a recurrence.
func rule(r *oxocal.Recurrence, allDay bool, zone *oxocal.Zone) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	switch r.Kind {
	case oxocal.Daily:
		add("FREQ=DAILY")
	case oxocal.Weekly:
		add("FREQ=WEEKLY")
	case oxocal.AbsoluteMonthly, oxocal.RelativeMonthly:
		add("FREQ=MONTHLY")
	default:
		add("FREQ=YEARLY")
	}
	switch {
	case r.Count > 0:
		add(";COUNT=%d", r.Count)
	case r.End > 0 && allDay:
		add(";UNTIL=%s", date(r.End))
	case r.End > 0:
		add(";UNTIL=%s", instant(zone.UTC(r.End.At(r.Clock))))
	}
	add(";INTERVAL=%d", r.Interval)
	names := func() string {
		var list []string
		for day, name := range dayNames {
			if r.Days.Has(time.Weekday(day)) {
				list = append(list, name)
			}
		}
		return strings.Join(list, ",")
	}
	position := r.Index
	if position == oxocal.Last {
		position = -1
	}
	switch r.Kind {
	case oxocal.Weekly:
		add(";BYDAY=%s", names())
	case oxocal.AbsoluteMonthly, oxocal.AbsoluteYearly:
		if r.DayOfMonth == 31 && r.Kind == oxocal.AbsoluteMonthly {
			add(";BYMONTHDAY=-1") // MAPI means the last day where a month has no 31st
		} else {
			add(";BYMONTHDAY=%d", r.DayOfMonth)
		}
	case oxocal.RelativeMonthly, oxocal.RelativeYearly:
		if r.Days.Len() == 1 {
			add(";BYDAY=%d%s", position, names())
		} else {
			add(";BYDAY=%s;BYSETPOS=%d", names(), position)
		}
	}
	if r.Kind == oxocal.AbsoluteYearly || r.Kind == oxocal.RelativeYearly {
		add(";BYMONTH=%d", int(r.Month))
	}
	if r.Kind == oxocal.Weekly {
		add(";WKST=%s", dayNames[r.FirstDay])
	}
	return b.String()
}
