package oxocal

import (
	"fmt"
	"math/bits"
	"time"
)

// Limits of a recurrence.
const (
	MaxInterval   = 999     // days, weeks, months or years
	MaxCount      = 999_999 // occurrences of a numbered range
	MaxExceptions = 5000    // deleted and modified occurrences together
	MaxDuration   = 5 * 365 * 24 * time.Hour
)

// Kind is the kind of a pattern.
type Kind uint8

// The kinds of pattern (MS-OXOCAL 2.2.1.44, MS-OXWSCDATA 2.2.4.61).
const (
	Daily           Kind = iota // every Interval days
	Weekly                      // on Days, every Interval weeks that begin on FirstDay
	AbsoluteMonthly             // on DayOfMonth, every Interval months
	RelativeMonthly             // on the Index'th of Days, every Interval months
	AbsoluteYearly              // on DayOfMonth of Month, every Interval years
	RelativeYearly              // on the Index'th of Days in Month, every Interval years
)

// Weekdays is a set of days of the week: bit 0 is Sunday (MS-OXOCAL 2.2.1.44.1.1).
type Weekdays uint8

// Sets of weekdays.
const (
	AllDays     Weekdays = 0x7F
	WorkDays    Weekdays = 0x3E
	WeekendDays Weekdays = 0x41
)

// On returns the set of some days.
func On(days ...time.Weekday) (w Weekdays) {
	for _, d := range days {
		w |= 1 << d
	}
	return w
}

// Has says whether a day is in the set.
func (w Weekdays) Has(d time.Weekday) bool { return w>>d&1 == 1 }

// Len returns the number of days in the set.
func (w Weekdays) Len() int { return bits.OnesCount8(uint8(w)) }

// Last is the Index that means the last one of a month.
const Last = 5

// Pattern says on which days a series happens. Only the fields that its Kind names
// count.
type Pattern struct {
	Kind       Kind
	Interval   int
	Days       Weekdays
	FirstDay   time.Weekday // day on which a week begins
	Index      int          // 1 to 4, or Last
	DayOfMonth int          // 1 to 31; in a shorter month its last day
	Month      time.Month

	// Regenerates says that there is no series: the next task is made when the one
	// before is completed, Interval days, weeks, months or years after that (MS-OXOTASK
	// 2.2.2.2.15). Kind is Daily, Weekly, AbsoluteMonthly or AbsoluteYearly, which
	// only name the unit.
	Regenerates bool
}

// Range says where a series begins and ends. Without an End and without a Count it
// does not end.
type Range struct {
	Start Day // the first occurrence is on this day or after it
	End   Day // no occurrence after this day; 0 for none
	Count int // number of occurrences, deleted ones counted; 0 for none
}

// Recurrence is a series in the wall clock of its time zone, which is not part of
// it (MS-OXOCAL 2.2.1.44.5). Every occurrence has a day of its own; the day that the
// pattern gives it names it for good, whether it was moved or deleted.
type Recurrence struct {
	Pattern
	Range
	Clock    time.Duration // start of an occurrence after its day's midnight, whole minutes
	Duration time.Duration // by the wall clock

	Deleted  []Day       // occurrences that are gone; in order, not among Modified
	Modified []Exception // occurrences that differ; in the order of Day
}

// Overrides says what an exception does not take from its series.
type Overrides uint16

// What an exception can have of its own (MS-OXOCAL 2.2.1.44.2 OverrideFlags). Its
// start and end always are.
const (
	OverrideSubject       Overrides = 0x0001
	OverrideMeetingType   Overrides = 0x0002 // PidLidAppointmentStateFlags
	OverrideReminderDelta Overrides = 0x0004
	OverrideReminder      Overrides = 0x0008
	OverrideLocation      Overrides = 0x0010
	OverrideBusyStatus    Overrides = 0x0020
	OverrideAttachment    Overrides = 0x0040
	OverrideAllDay        Overrides = 0x0080 // PidLidAppointmentSubType
	OverrideColor         Overrides = 0x0100
	OverrideBody          Overrides = 0x0200 // the body is in the exception's embedded message
)

// Exception is an occurrence that differs from its series. A field counts only when
// Overrides names it.
type Exception struct {
	Day        Day  // that the pattern gives
	Start, End Wall // when it happens

	Overrides     Overrides
	Subject       string
	Location      string
	MeetingType   int32
	ReminderDelta int32 // minutes
	Reminder      bool
	BusyStatus    int32
	Attachment    bool
	AllDay        bool
	Color         int32
	Highlight     uint32 // ChangeHighlightValue (MS-OXOCAL 2.2.1.44.3)
}

// Check returns ErrPattern when a field is out of its range, and ErrNoOccurrence
// when the pattern meets no day of the range.
func (r *Recurrence) Check() error {
	bad := func(what string, v any) error { return fmt.Errorf("%s %v: %w", what, v, ErrPattern) }
	p := &r.Pattern
	if p.Interval < 1 || p.Interval > MaxInterval {
		return bad("interval", p.Interval)
	}
	if p.Regenerates {
		if p.Kind == RelativeMonthly || p.Kind == RelativeYearly || p.Kind > RelativeYearly {
			return bad("regenerating kind", p.Kind)
		}
	} else if err := p.check(bad); err != nil {
		return err
	}
	switch {
	case r.Start < 1 || r.Start > LastDay:
		return bad("start", r.Start)
	case r.End < 0 || r.End > LastDay:
		return bad("end", r.End)
	case r.Count < 0 || r.Count > MaxCount:
		return bad("count", r.Count)
	case r.Count != 0 && r.End != 0:
		return fmt.Errorf("a count and an end: %w", ErrPattern)
	case r.Clock < 0 || r.Clock >= 24*time.Hour || r.Clock%time.Minute != 0:
		return bad("clock", r.Clock)
	case r.Duration < 0 || r.Duration > MaxDuration || r.Duration%time.Minute != 0:
		return bad("duration", r.Duration)
	case len(r.Deleted)+len(r.Modified) > MaxExceptions:
		return bad("number of exceptions", len(r.Deleted)+len(r.Modified))
	}
	if !p.Regenerates && (r.numberBefore(LastDay+1) < 1 || r.End != 0 && r.numberBefore(r.End+1) < 1) {
		return ErrNoOccurrence
	}
	return nil
}

func (p *Pattern) check(bad func(string, any) error) error {
	months := p.Kind == AbsoluteMonthly || p.Kind == RelativeMonthly
	years := p.Kind == AbsoluteYearly || p.Kind == RelativeYearly
	relative := p.Kind == RelativeMonthly || p.Kind == RelativeYearly
	switch {
	case p.Kind > RelativeYearly:
		return bad("kind", p.Kind)
	case (relative || p.Kind == Weekly) && (p.Days == 0 || p.Days > AllDays):
		return bad("days", p.Days)
	case p.Kind == Weekly && (p.FirstDay < time.Sunday || p.FirstDay > time.Saturday):
		return bad("first day of the week", p.FirstDay)
	case relative && (p.Index < 1 || p.Index > Last):
		return bad("index", p.Index)
	case (months || years) && !relative && (p.DayOfMonth < 1 || p.DayOfMonth > 31):
		return bad("day of month", p.DayOfMonth)
	case years && (p.Month < time.January || p.Month > time.December):
		return bad("month", p.Month)
	}
	return nil
}
