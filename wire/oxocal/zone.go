package oxocal

import (
	"fmt"
	"time"
)

// Zone is a time zone: one of those that Windows knows, or one that somebody defined.
// A nil Zone is UTC.
type Zone struct {
	id     string         // of Windows, or the name that its maker gave it
	name   string         // display name of a defined zone
	places string         // those of the display name of a zone of Windows
	iana   string         // "" for a defined zone
	loc    *time.Location // of iana
	// rules of a defined zone, in the order of their first year. The first also holds
	// for the years before.
	rules []Rule
}

// Rule is what holds in a zone from the beginning of a year on: Windows knows at
// most two changes of the clock a year (MS-OXOCAL 2.2.1.41.1 TZRule, MS-DTYP
// TIME_ZONE_INFORMATION). Biases are minutes that are added to the wall clock to get
// UTC: -60 in Berlin.
type Rule struct {
	Year         int // first year in which it holds
	Bias         int
	StandardBias int    // added to Bias in standard time, mostly 0
	DaylightBias int    // added to Bias in daylight time, mostly -60
	Standard     Change // to standard time; zero when the clock is not changed
	Daylight     Change // to daylight time
}

// Change is when a clock is changed, by what it shows before: a day of every year by
// its place in the month, or the date of one year (MS-DTYP SYSTEMTIME as
// TIME_ZONE_INFORMATION uses it).
type Change struct {
	Month   time.Month // 0 for no change
	Weekday time.Weekday
	Week    int // 1 to 4, or Last; 0 when Day counts
	Day     int // day of the month, for a date
	Clock   time.Duration
}

// UTC returns the zone that never changes and is not anywhere.
func UTC() *Zone { return utcZone }

var utcZone = &Zone{id: "UTC", name: "(UTC) Coordinated Universal Time", places: "Coordinated Universal Time", iana: "Etc/UTC", loc: time.UTC}

// NewZone returns a zone by its rules, in the order of their years; ErrZone when
// they make none.
func NewZone(id, name string, rules ...Rule) (*Zone, error) {
	if len(rules) == 0 || len(rules) > MaxRules {
		return nil, fmt.Errorf("time zone with %d rules: %w", len(rules), ErrZone)
	}
	for i, r := range rules {
		if err := r.check(); err != nil {
			return nil, err
		}
		if i > 0 && r.Year <= rules[i-1].Year {
			return nil, fmt.Errorf("time zone rules of %d and %d: %w", rules[i-1].Year, r.Year, ErrZone)
		}
	}
	return &Zone{id: id, name: name, rules: rules}, nil
}

// MaxRules bounds the rules of a defined zone.
const MaxRules = 1000

func (r *Rule) check() error {
	const most = 24 * 60
	for _, bias := range [...]int{r.Bias + r.StandardBias, r.Bias + r.DaylightBias} {
		if bias < -most || bias > most {
			return fmt.Errorf("time zone bias of %d minutes: %w", bias, ErrZone)
		}
	}
	if (r.Standard.Month == 0) != (r.Daylight.Month == 0) {
		return fmt.Errorf("time zone with one change a year: %w", ErrZone)
	}
	for _, c := range [...]Change{r.Standard, r.Daylight} {
		if c.Month == 0 {
			continue
		}
		if c.Month < 1 || c.Month > 12 || c.Weekday < 0 || c.Weekday > 6 || c.Week < 0 || c.Week > Last ||
			c.Week == 0 && (c.Day < 1 || c.Day > 31) || c.Clock < 0 || c.Clock > 24*time.Hour {
			return fmt.Errorf("time zone change %+v: %w", c, ErrZone)
		}
	}
	return nil
}

// In returns when the clock is changed in a year, by what it shows before.
func (c Change) In(year int) Wall {
	if c.Week == 0 {
		return NewDay(year, c.Month, c.Day).At(c.Clock)
	}
	first := NewDay(year, c.Month, 1)
	day := first + Day((int(c.Weekday)-int(first.Weekday())+7)%7+7*(c.Week-1))
	for last := NewDay(year, c.Month+1, 1) - 1; day > last; {
		day -= 7
	}
	return day.At(c.Clock)
}

// ID returns the Windows id of the zone; for a defined one the name its maker gave it.
func (z *Zone) ID() string {
	if z == nil {
		z = utcZone
	}
	return z.id
}

// Name returns the display name, like "(UTC+01:00) Amsterdam, Berlin".
func (z *Zone) Name() string {
	switch {
	case z == nil || z.loc == time.UTC:
		return utcZone.name
	case z.loc == nil:
		return z.name
	}
	// The offset of standard time in a year far enough from today for all that is
	// known of the future to hold.
	winter, summer := z.offset(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)), z.offset(time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC))
	return display(z.places, -int(min(winter, summer)/time.Minute))
}

// IANA returns the name in the IANA database; "" for a zone that somebody defined.
func (z *Zone) IANA() string {
	if z == nil {
		z = utcZone
	}
	return z.iana
}

// Wall returns what the zone's clock shows at an instant.
func (z *Zone) Wall(t time.Time) Wall {
	return WallOf(t.UTC()).Add(z.offset(t))
}

// UTC returns the instant at which the zone's clock shows w. Of two such instants it
// is the first; where the clock leaps over w it is the one that the time before the
// leap would have given (RFC 5545 3.3.5).
func (z *Zone) UTC(w Wall) time.Time {
	t := w.AsUTC()
	// The offsets in force a day before and a day after w are those around a change.
	before, after := z.offset(t.Add(-24*time.Hour-z.offset(t))), z.offset(t.Add(24*time.Hour-z.offset(t)))
	early := t.Add(-max(before, after))
	if z.Wall(early) == w {
		return early
	}
	if late := t.Add(-min(before, after)); z.Wall(late) == w {
		return late
	}
	return t.Add(-before)
}

// offset returns what is added to UTC at an instant to get the wall clock.
func (z *Zone) offset(t time.Time) time.Duration {
	if z == nil {
		return 0
	}
	if z.loc != nil {
		_, seconds := t.In(z.loc).Zone()
		return time.Duration(seconds) * time.Second
	}
	rule := z.rule(WallOf(t.UTC()).Add(-time.Duration(z.rules[0].Bias) * time.Minute).year())
	standard := -time.Duration(rule.Bias+rule.StandardBias) * time.Minute
	daylight := -time.Duration(rule.Bias+rule.DaylightBias) * time.Minute
	if rule.Standard.Month == 0 {
		return standard
	}
	year := WallOf(t.UTC()).Add(standard).year()
	toDaylight := rule.Daylight.In(year).AsUTC().Add(-standard)
	toStandard := rule.Standard.In(year).AsUTC().Add(-daylight)
	between := func(from, to time.Time) bool { return !t.Before(from) && t.Before(to) }
	if toDaylight.Before(toStandard) && between(toDaylight, toStandard) || toStandard.Before(toDaylight) && !between(toStandard, toDaylight) {
		return daylight
	}
	return standard
}

func (w Wall) year() int { return w.AsUTC().Year() }

// rule returns the rule of a year of a defined zone.
func (z *Zone) rule(year int) *Rule {
	i := 0
	for i+1 < len(z.rules) && z.rules[i+1].Year <= year {
		i++
	}
	return &z.rules[i]
}
