package oxocal

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// naive says whether a pattern has a day, by looking at that day alone.
func naive(r *Recurrence, day Day) bool {
	if day < r.Start || r.End > 0 && day > r.End {
		return false
	}
	y0, m0, _ := r.Start.Date()
	y, m, d := day.Date()
	months := (y-y0)*12 + int(m-m0)
	inMonth := NewDay(y, m+1, 0).dayOfMonth()
	switch r.Kind {
	case Daily:
		return int(day-r.Start)%r.Interval == 0
	case Weekly:
		start := r.Start
		for start.Weekday() != r.FirstDay {
			start--
		}
		return r.Days.Has(day.Weekday()) && int(day-start)/7%r.Interval == 0
	case AbsoluteYearly, RelativeYearly:
		if m != r.Month {
			return false
		}
		// Years are counted from the first one whose month is not over.
		first := y0
		if r.Month < m0 {
			first++
		}
		if (y-first)%r.Interval != 0 {
			return false
		}
	default:
		if months%r.Interval != 0 {
			return false
		}
	}
	if r.Kind == AbsoluteMonthly || r.Kind == AbsoluteYearly {
		return d == min(r.DayOfMonth, inMonth)
	}
	if !r.Days.Has(day.Weekday()) {
		return false
	}
	before, after := 0, 0
	for i := 1; i <= inMonth; i++ {
		if r.Days.Has(NewDay(y, m, i).Weekday()) {
			if i < d {
				before++
			} else if i > d {
				after++
			}
		}
	}
	return r.Index == Last && after == 0 || r.Index != Last && before == r.Index-1
}

// TestExpansion compares the arithmetic with a walk over the days.
func TestExpansion(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 20))
	for range 400 {
		r := &Recurrence{
			Pattern: Pattern{
				Kind: Kind(rnd.IntN(6)), Interval: 1 + rnd.IntN(5), Days: Weekdays(1 + rnd.IntN(127)), FirstDay: time.Weekday(rnd.IntN(7)),
				Index: 1 + rnd.IntN(5), DayOfMonth: 1 + rnd.IntN(31), Month: time.Month(1 + rnd.IntN(12)),
			},
			Range: Range{Start: NewDay(2024, 1, 1) + Day(rnd.IntN(800))},
			Clock: 9 * time.Hour, Duration: 90 * time.Minute,
		}
		switch rnd.IntN(3) {
		case 0:
			r.End = r.Start + Day(rnd.IntN(3000))
		case 1:
			r.Count = 1 + rnd.IntN(40)
		}
		var want []Day
		for day := r.Start; day < r.Start+6000; day++ {
			if naive(r, day) && (r.Count == 0 || len(want) < r.Count) {
				want = append(want, day)
			}
		}
		if err := r.Check(); (err == nil) != (len(want) > 0) {
			t.Fatalf("%+v: check %v with %d occurrences", r, err, len(want))
		}
		var got []Day
		for o := range r.Between(r.Start.At(0), (r.Start + 6000).At(0)) {
			got = append(got, o.Day)
			if o.Number != len(got) {
				t.Fatalf("%+v: occurrence %s has number %d, want %d", r, o.Day, o.Number, len(got))
			}
			if nth, ok := r.Nth(o.Number); !ok || nth != o {
				t.Fatalf("%+v: number %d is %v, want %v", r, o.Number, nth, o)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v:\n got %v\nwant %v", r, got, want)
		}
		if len(want) == 0 {
			continue
		}
		if first, ok := r.First(); !ok || first.Day != want[0] {
			t.Fatalf("%+v: first %v, want %v", r, first, want[0])
		}
		last, ok := r.Last()
		if bounded := r.End > 0 || r.Count > 0; ok != bounded || ok && (r.End > 0 || len(want) == r.Count) && (last.Day != want[len(want)-1] || r.Len() != len(want)) {
			t.Fatalf("%+v: last %v %v of %d, want %v of %d", r, last, ok, r.Len(), want[len(want)-1], len(want))
		}
		from := r.Start + Day(rnd.IntN(5000))
		to := from + Day(rnd.IntN(900))
		got = got[:0]
		for o := range r.Between(from.At(0), to.At(0)) {
			got = append(got, o.Day)
		}
		want = slices.DeleteFunc(want, func(d Day) bool { return d < from || d >= to })
		if !slices.Equal(got, want) {
			t.Fatalf("%+v from %s to %s:\n got %v\nwant %v", r, from, to, got, want)
		}
	}
}

// TestCostOfAFarView sees that the two-millionth day costs no more than the first.
func TestCostOfAFarView(t *testing.T) {
	r := &Recurrence{Pattern: Pattern{Kind: Weekly, Interval: 1, Days: AllDays}, Range: Range{Start: 1}, Clock: time.Hour, Duration: time.Hour}
	steps := 0
	for o := range r.Between((LastDay - 3).At(0), math.MaxInt64) {
		if steps++; o.Day < LastDay-3 {
			t.Fatal(o)
		}
	}
	if steps != 4 {
		t.Fatalf("%d occurrences, want 4", steps)
	}
}

func TestExceptions(t *testing.T) {
	start := NewDay(2026, 3, 2)
	r := &Recurrence{
		Pattern: Pattern{Kind: Daily, Interval: 1}, Range: Range{Start: start, Count: 5}, Clock: 9 * time.Hour, Duration: time.Hour,
		Deleted:  []Day{start, start + 4},
		Modified: []Exception{{Day: start + 1, Start: (start + 3).At(8 * time.Hour), End: (start + 3).At(10 * time.Hour), Overrides: OverrideSubject, Subject: "later"}},
	}
	var got []Day
	for o := range r.Between(start.At(0), (start + 10).At(0)) {
		got = append(got, o.Day)
	}
	if want := []Day{start + 2, start + 1, start + 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, ok := r.Nth(1); ok || !r.Falls(start) {
		t.Error("the first occurrence was deleted, and is one of the pattern")
	}
	if first, _ := r.First(); first.Number != 2 || first.Exception == nil || first.Exception.Subject != "later" {
		t.Errorf("first %+v", first)
	}
	if last, _ := r.Last(); last.Number != 4 {
		t.Errorf("last %+v", last)
	}
	// A view that begins within the moved occurrence has it.
	got = got[:0]
	for o := range r.Between((start + 3).At(9*time.Hour+30*time.Minute), (start + 4).At(0)) {
		got = append(got, o.Day)
	}
	if want := []Day{start + 1, start + 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestZones(t *testing.T) {
	berlin, _ := Find("/freeassociation.sourceforge.net/Europe/Berlin")
	if berlin.ID() != "W. Europe Standard Time" || berlin.Name() != "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna" {
		t.Fatalf("%q %q", berlin.ID(), berlin.Name())
	}
	sydney, _ := WindowsZone("aus eastern standard time")
	for _, c := range []struct {
		zone *Zone
		wall string
		utc  string
	}{
		{berlin, "2026-01-15T12:00:00", "2026-01-15T11:00:00Z"},
		{berlin, "2026-07-15T12:00:00", "2026-07-15T10:00:00Z"},
		{berlin, "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"},
		{berlin, "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"}, // is leapt over
		{berlin, "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
		{berlin, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, // is twice
		{berlin, "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{sydney, "2026-01-15T12:00:00", "2026-01-15T01:00:00Z"},
		{sydney, "2026-07-15T12:00:00", "2026-07-15T02:00:00Z"},
		{nil, "2026-07-15T12:00:00", "2026-07-15T12:00:00Z"},
	} {
		wall, err := ParseWall(c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.zone.UTC(wall).Format(time.RFC3339); got != c.utc {
			t.Errorf("%s of %s is %s, want %s", c.wall, c.zone.ID(), got, c.utc)
		}
	}
}

// TestEveryWindowsZone compares each zone with one that is defined by its rules.
func TestEveryWindowsZone(t *testing.T) {
	if n := len(WindowsZones()); n < 139 {
		t.Fatalf("%d zones", n)
	}
	for _, zone := range WindowsZones() {
		defined, err := NewZone(zone.ID(), zone.Name(), zone.Rules(2015, 2040)...)
		if err != nil {
			t.Errorf("%s: %v", zone.ID(), err)
			continue
		}
		if zone != UTC() && zone.loc == time.UTC {
			t.Errorf("%s: no data for %s", zone.ID(), zone.IANA())
		}
		for at := time.Date(2015, 1, 2, 0, 30, 0, 0, time.UTC); at.Year() < 2040; at = at.Add(67 * time.Hour) {
			if got, want := defined.Wall(at), zone.Wall(at); got != want && (zone.loc == time.UTC || len(zone.turns(at.Year())) <= 2) {
				t.Errorf("%s at %s: by its rules %s, is %s", zone.ID(), at.Format(time.RFC3339), got, want)
				break
			}
			if at.YearDay() < 3 || at.YearDay() > 362 {
				continue
			}
			if back := zone.UTC(zone.Wall(at)); !back.Equal(at) && back.Sub(at).Abs() > 3*time.Hour {
				t.Errorf("%s at %s: there and back is %s", zone.ID(), at, back)
				break
			}
		}
	}
}
