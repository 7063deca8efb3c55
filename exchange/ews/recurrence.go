package ews

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/wire/oxocal"
	"hma/wire/soap"
)

// Failures of recurrences.
var (
	errRecurrence   = &problem{"ErrorCalendarInvalidRecurrence", "The recurrence is not valid."}
	errNoOccurrence = &problem{"ErrorRecurrenceHasNoOccurrence", "The recurrence has no occurrence."}
)

// patternNames are the elements of the kinds of pattern (MS-OXWSCDATA 2.2.7.1), and
// of those of tasks that regenerate (MS-OXWSTASK 2.2.7.1).
var (
	patternNames      = []string{"DailyRecurrence", "WeeklyRecurrence", "AbsoluteMonthlyRecurrence", "RelativeMonthlyRecurrence", "AbsoluteYearlyRecurrence", "RelativeYearlyRecurrence"}
	regenerationNames = []string{"DailyRegeneration", "WeeklyRegeneration", "MonthlyRegeneration", "", "YearlyRegeneration", ""}
	monthNames        = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	weekdayNames      = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	indexNames        = []string{"First", "Second", "Third", "Fourth", "Last"}
)

// daySets are the names of more than one day (MS-OXWSCDATA 2.2.5.9 DayOfWeekType).
var daySets = []struct {
	name string
	days oxocal.Weekdays
}{{"Day", oxocal.AllDays}, {"Weekday", oxocal.WorkDays}, {"WeekendDay", oxocal.WeekendDays}}

// parseRecurrence reads a Recurrence (MS-OXWSCDATA 2.2.4.61 RecurrenceType, and with
// tasks MS-OXWSTASK 2.2.4.4 TaskRecurrenceType). The time of day and the duration
// are not part of it. It need not have an occurrence yet: Check tells.
func parseRecurrence(e *soap.Element, tasks bool) (*oxocal.Recurrence, error) {
	if len(e.Children) != 2 {
		return nil, errRecurrence
	}
	r := &oxocal.Recurrence{}
	if !parsePattern(e.Children[0], &r.Pattern, tasks) || !parseRange(e.Children[1], &r.Range) {
		return nil, errRecurrence
	}
	return r, nil
}

func parsePattern(e *soap.Element, p *oxocal.Pattern, tasks bool) (ok bool) {
	kind := slices.Index(patternNames, e.Name.Local)
	if kind < 0 && tasks {
		kind = slices.Index(regenerationNames, e.Name.Local)
		p.Regenerates = true
	}
	if kind < 0 || e.Name.Space != soap.NSTypes {
		return false
	}
	p.Kind, p.Interval = oxocal.Kind(kind), 1
	for _, child := range e.Children {
		text, valid := strings.TrimSpace(child.Text), true
		switch child.Name.Local {
		case "Interval":
			p.Interval, valid = positive(text, oxocal.MaxInterval)
		case "DaysOfWeek":
			p.Days, valid = parseDays(text)
		case "FirstDayOfWeek":
			first := slices.Index(weekdayNames, text)
			p.FirstDay, valid = time.Weekday(first), first >= 0
		case "DayOfWeekIndex":
			p.Index = slices.Index(indexNames, text) + 1
			valid = p.Index > 0
		case "DayOfMonth":
			p.DayOfMonth, valid = positive(text, 31)
		case "Month":
			p.Month = time.Month(slices.Index(monthNames, text) + 1)
			valid = p.Month > 0
		default:
			valid = false
		}
		if !valid {
			return false
		}
	}
	return true
}

func positive(text string, most int) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= most
}

func parseDays(text string) (days oxocal.Weekdays, ok bool) {
	for name := range strings.FieldsSeq(text) {
		if day := slices.Index(weekdayNames, name); day >= 0 {
			days |= oxocal.On(time.Weekday(day))
			continue
		}
		found := false
		for _, set := range daySets {
			if set.name == name {
				days, found = days|set.days, true
			}
		}
		if !found {
			return 0, false
		}
	}
	return days, days != 0
}

func parseRange(e *soap.Element, r *oxocal.Range) (ok bool) {
	if e.Name.Space != soap.NSTypes {
		return false
	}
	if r.Start, ok = parseDate(e.Child(soap.NSTypes, "StartDate")); !ok {
		return false
	}
	switch e.Name.Local {
	case "NoEndRecurrence":
	case "EndDateRecurrence":
		r.End, ok = parseDate(e.Child(soap.NSTypes, "EndDate"))
	case "NumberedRecurrence":
		count := e.Child(soap.NSTypes, "NumberOfOccurrences")
		if count == nil {
			return false
		}
		r.Count, ok = positive(strings.TrimSpace(count.Text), oxocal.MaxCount)
	default:
		return false
	}
	return ok
}

// parseDate reads an xs:date; a zone behind it says where the day is, not which.
func parseDate(e *soap.Element) (oxocal.Day, bool) {
	if e == nil {
		return 0, false
	}
	text := strings.TrimSpace(e.Text)
	if len(text) < len(time.DateOnly) {
		return 0, false
	}
	date, zone := text[:len(time.DateOnly)], text[len(time.DateOnly):]
	if zone != "" && zone != "Z" {
		// Some clients send a date and time.
		if _, err := time.Parse("-07:00", zone); err != nil && zone[0] != 'T' {
			return 0, false
		}
	}
	day, err := oxocal.ParseDay(date)
	return day, err == nil && day > 0
}

// writePattern writes a Recurrence with its pattern and range.
func writePattern(w *soap.Writer, r *oxocal.Recurrence) {
	w.Start("t:Recurrence")
	defer w.End("t:Recurrence")
	kind, interval := r.Kind, r.Interval
	if !r.Regenerates && interval > 1 && (kind == oxocal.AbsoluteYearly || kind == oxocal.RelativeYearly) {
		// The schema has no interval of years.
		kind, interval = kind-oxocal.AbsoluteYearly+oxocal.AbsoluteMonthly, 12*interval
	}
	name := "t:" + patternNames[kind]
	if r.Regenerates {
		name = "t:" + regenerationNames[kind]
	}
	w.Start(name)
	yearly := kind == oxocal.AbsoluteYearly || kind == oxocal.RelativeYearly
	if r.Regenerates || !yearly {
		w.Element("t:Interval", strconv.Itoa(interval))
	}
	if !r.Regenerates {
		switch kind {
		case oxocal.Weekly:
			w.Element("t:DaysOfWeek", daysText(r.Days))
			w.Element("t:FirstDayOfWeek", weekdayNames[r.FirstDay])
		case oxocal.AbsoluteMonthly, oxocal.AbsoluteYearly:
			w.Element("t:DayOfMonth", strconv.Itoa(r.DayOfMonth))
		case oxocal.RelativeMonthly, oxocal.RelativeYearly:
			days := daysText(r.Days)
			for _, set := range daySets {
				if set.days == r.Days {
					days = set.name
				}
			}
			w.Element("t:DaysOfWeek", days)
			w.Element("t:DayOfWeekIndex", indexNames[r.Index-1])
		}
		if yearly {
			w.Element("t:Month", monthNames[r.Month-1])
		}
	}
	w.End(name)
	switch {
	case r.Count > 0:
		w.Start("t:NumberedRecurrence")
		w.Element("t:StartDate", r.Start.String())
		w.Element("t:NumberOfOccurrences", strconv.Itoa(r.Count))
		w.End("t:NumberedRecurrence")
	case r.End > 0:
		w.Start("t:EndDateRecurrence")
		w.Element("t:StartDate", r.Start.String())
		w.Element("t:EndDate", r.End.String())
		w.End("t:EndDateRecurrence")
	default:
		w.Start("t:NoEndRecurrence")
		w.Element("t:StartDate", r.Start.String())
		w.End("t:NoEndRecurrence")
	}
}

func daysText(days oxocal.Weekdays) string {
	var names []string
	for day, name := range weekdayNames {
		if days.Has(time.Weekday(day)) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
