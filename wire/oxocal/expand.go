package oxocal

import (
	"iter"
	"math"
	"slices"
	"time"
)

// Occurrence is one time that a series happens.
type Occurrence struct {
	Day        Day  // that the pattern gives: the occurrence's name
	Number     int  // 1 for the first of the pattern; deleted ones are counted
	Start, End Wall // when it happens, in the series' wall clock
	Exception  *Exception
}

// Instance is an occurrence with the instants at which it happens.
type Instance struct {
	Occurrence
	StartUTC, EndUTC time.Time
}

// Between yields the occurrences that share time with [from, to), in the order of
// their starts; one without a duration does when it starts in it. It costs what it
// yields, however far from the start of the series that is.
func (r *Recurrence) Between(from, to Wall) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		if r.Regenerates || from >= to {
			return
		}
		meets := func(start, end Wall) bool { return start < to && (end > from || start >= from) }
		var moved []Occurrence
		for i := range r.Modified {
			if e := &r.Modified[i]; meets(e.Start, e.End) {
				if o, ok := r.On(e.Day); ok {
					moved = append(moved, o)
				}
			}
		}
		slices.SortStableFunc(moved, func(a, b Occurrence) int { return int(min(1, max(-1, a.Start-b.Start))) })
		first := max(from.Add(-r.Duration-r.Clock).Day(), r.Start)
		for n := r.numberBefore(first) + 1; ; n++ {
			o, ok := r.regular(n)
			if !ok || o.Start >= to {
				break
			}
			if _, special := r.exception(o.Day); special || !meets(o.Start, o.End) {
				continue
			}
			for len(moved) > 0 && moved[0].Start < o.Start {
				if !yield(moved[0]) {
					return
				}
				moved = moved[1:]
			}
			if !yield(o) {
				return
			}
		}
		for _, o := range moved {
			if !yield(o) {
				return
			}
		}
	}
}

// Instances yields the occurrences that share time with [from, to) when the series
// runs by the clock of zone, as Between does.
func (r *Recurrence) Instances(zone *Zone, from, to time.Time) iter.Seq[Instance] {
	return func(yield func(Instance) bool) {
		// A clock that is turned never moves a wall clock value by a day.
		for o := range r.Between(zone.Wall(from).Add(-24*time.Hour), zone.Wall(to).Add(24*time.Hour)) {
			in := Instance{o, zone.UTC(o.Start), zone.UTC(o.End)}
			if in.EndUTC.Before(in.StartUTC) {
				in.EndUTC = in.StartUTC
			}
			if in.StartUTC.Before(to) && (in.EndUTC.After(from) || !in.StartUTC.Before(from)) && !yield(in) {
				return
			}
		}
	}
}

// Nth returns the occurrence with a number, 1 for the first; false when it was
// deleted or the series has fewer.
func (r *Recurrence) Nth(n int) (Occurrence, bool) {
	o, ok := r.regular(n)
	if !ok {
		return Occurrence{}, false
	}
	return r.apply(o)
}

// On returns the occurrence that the pattern gives to a day; false when it was
// deleted or there is none.
func (r *Recurrence) On(day Day) (Occurrence, bool) {
	o, ok := r.regular(r.numberBefore(day) + 1)
	if !ok || o.Day != day {
		return Occurrence{}, false
	}
	return r.apply(o)
}

// After returns the first occurrence by number that the pattern gives to a later
// day and that was not deleted; false when there is none.
func (r *Recurrence) After(day Day) (Occurrence, bool) {
	for n := r.numberBefore(day+1) + 1; ; n++ {
		o, ok := r.regular(n)
		if !ok {
			return Occurrence{}, false
		}
		if o, ok = r.apply(o); ok {
			return o, true
		}
	}
}

// Regenerated returns the day of the next task of a pattern that regenerates, when
// the one before was done on a day.
func (r *Recurrence) Regenerated(done Day) Day {
	months := r.Interval
	switch r.Kind {
	case Daily:
		return done + Day(r.Interval)
	case Weekly:
		return done + Day(7*r.Interval)
	case AbsoluteYearly:
		months *= 12
	}
	year, month, day := done.Date()
	last := NewDay(year, month+time.Month(months)+1, 1) - 1
	return min(NewDay(year, month+time.Month(months), 1)+Day(day)-1, last)
}

// Falls says whether the pattern gives a day an occurrence, deleted or not.
func (r *Recurrence) Falls(day Day) bool {
	o, ok := r.regular(r.numberBefore(day) + 1)
	return ok && o.Day == day
}

// First returns the first occurrence by number that was not deleted.
func (r *Recurrence) First() (Occurrence, bool) {
	for n := 1; n <= len(r.Deleted)+1; n++ {
		if o, ok := r.Nth(n); ok {
			return o, true
		}
	}
	return Occurrence{}, false
}

// Last returns the last occurrence by number that was not deleted; false also for
// a series without an end.
func (r *Recurrence) Last() (Occurrence, bool) {
	n := r.Len()
	if n == math.MaxInt {
		return Occurrence{}, false
	}
	for last := n - len(r.Deleted); n >= 1 && n >= last; n-- {
		if o, ok := r.Nth(n); ok {
			return o, true
		}
	}
	return Occurrence{}, false
}

// Len returns the number of occurrences, deleted ones counted; math.MaxInt for a
// series without an end.
func (r *Recurrence) Len() int {
	switch {
	case r.Regenerates:
		return 0
	case r.Count > 0:
		return min(r.Count, r.numberBefore(LastDay+1))
	case r.End > 0:
		return r.numberBefore(r.End + 1)
	}
	return math.MaxInt
}

// exception returns what became of the occurrence of a day: deleted (nil, true),
// modified, or neither.
func (r *Recurrence) exception(day Day) (*Exception, bool) {
	if i, ok := slices.BinarySearchFunc(r.Modified, day, func(e Exception, d Day) int { return int(e.Day - d) }); ok {
		return &r.Modified[i], true
	}
	_, deleted := slices.BinarySearch(r.Deleted, day)
	return nil, deleted
}

func (r *Recurrence) apply(o Occurrence) (Occurrence, bool) {
	e, special := r.exception(o.Day)
	if !special {
		return o, true
	}
	if e == nil {
		return Occurrence{}, false
	}
	o.Start, o.End, o.Exception = e.Start, e.End, e
	return o, true
}

// regular returns the occurrence with a number as the pattern gives it.
func (r *Recurrence) regular(n int) (Occurrence, bool) {
	if n < 1 || r.Regenerates || r.Count > 0 && n > r.Count {
		return Occurrence{}, false
	}
	day := r.day(n)
	if day > LastDay || r.End > 0 && day > r.End {
		return Occurrence{}, false
	}
	start := day.At(r.Clock)
	return Occurrence{Day: day, Number: n, Start: start, End: start.Add(r.Duration)}, true
}

// The arithmetic below counts periods: the day of the start is in period 0, a
// period is a day for Daily, a week for Weekly and a month for the others, and the
// pattern has its days in every step'th period. All but Weekly have one day there.

// step returns how many periods lie between two that have occurrences, and the
// first period from 0 that has one.
func (p *Pattern) step(start Day) (step, phase int) {
	if p.Kind != AbsoluteYearly && p.Kind != RelativeYearly {
		return p.Interval, 0
	}
	_, month, _ := start.Date()
	return 12 * p.Interval, (int(p.Month-month) + 12) % 12
}

// period returns the period that a day lies in.
func (r *Recurrence) period(day Day) int {
	switch r.Kind {
	case Daily:
		return int(day - r.Start)
	case Weekly:
		return int(day-weekStart(r.Start, r.FirstDay)) / 7
	}
	y0, m0, _ := r.Start.Date()
	y, m, _ := day.Date()
	return (y-y0)*12 + int(m-m0)
}

// dayIn returns the day that the pattern has in a period; not for Weekly.
func (r *Recurrence) dayIn(period int) Day {
	if r.Kind == Daily {
		return r.Start + Day(period)
	}
	y, m, _ := r.Start.Date()
	first := NewDay(y, m+time.Month(period), 1)
	last := NewDay(y, m+time.Month(period)+1, 1) - 1
	if r.Kind == AbsoluteMonthly || r.Kind == AbsoluteYearly {
		return min(first+Day(r.DayOfMonth)-1, last)
	}
	if r.Index == Last {
		for !r.Days.Has(last.Weekday()) {
			last--
		}
		return last
	}
	day := first + Day(r.Index-1)/Day(r.Days.Len())*7
	for left := (r.Index-1)%r.Days.Len() + 1; ; day++ {
		if r.Days.Has(day.Weekday()) {
			if left--; left == 0 {
				return day
			}
		}
	}
}

// skipped returns how many days the pattern has in the period of the start, but
// before it.
func (r *Recurrence) skipped() int {
	if r.Kind == Weekly {
		return r.inWeek(weekStart(r.Start, r.FirstDay), r.Start)
	}
	if _, phase := r.step(r.Start); phase == 0 && r.dayIn(0) < r.Start {
		return 1
	}
	return 0
}

// day returns the day of occurrence n, from 1; one after LastDay when it is beyond.
func (r *Recurrence) day(n int) Day {
	step, phase := r.step(r.Start)
	k := n - 1 + r.skipped() // from 0, in the order of all days of the pattern
	if r.Kind != Weekly {
		if k > (int(LastDay)+1)/step+1 {
			return LastDay + 1
		}
		return min(r.dayIn(phase+k*step), LastDay+1)
	}
	week := k / r.Days.Len()
	if week > (int(LastDay)+1)/step+1 {
		return LastDay + 1
	}
	day := weekStart(r.Start, r.FirstDay) + Day(week*step*7)
	for left := k%r.Days.Len() + 1; ; day++ {
		if r.Days.Has(day.Weekday()) {
			if left--; left == 0 {
				return min(day, LastDay+1)
			}
		}
	}
}

// numberBefore returns how many days the pattern has before a day, from the start.
func (r *Recurrence) numberBefore(day Day) int {
	if day <= r.Start {
		return 0
	}
	step, phase := r.step(r.Start)
	period := r.period(day) - phase
	if period < 0 {
		return 0
	}
	if r.Kind == Weekly {
		n := (period + step - 1) / step * r.Days.Len()
		if period%step == 0 {
			n += r.inWeek(weekStart(day, r.FirstDay), day)
		}
		return n - r.skipped()
	}
	n := (period + step - 1) / step
	if period%step == 0 && r.dayIn(phase+period) < day {
		n++
	}
	return n - r.skipped()
}

// inWeek counts the pattern's weekdays in [week, day).
func (r *Recurrence) inWeek(week, day Day) (n int) {
	for ; week < day; week++ {
		if r.Days.Has(week.Weekday()) {
			n++
		}
	}
	return n
}

// weekStart returns the first day of the week that a day is in.
func weekStart(day Day, first time.Weekday) Day {
	return day - Day((int(day.Weekday())-int(first)+7)%7)
}
