package oxocal

import (
	"fmt"
	"time"
)

// Day is a day of the Gregorian calendar, in no time zone: days since Monday,
// 1 January 1601. Days compare and subtract as numbers; the zero Day stands for no
// day where a day is optional.
type Day int32

// Wall is what a clock on somebody's wall shows, in no time zone: seconds since
// 1 January 1601 by that clock. Only a Zone makes an instant of it. Walls compare
// and subtract as numbers.
type Wall int64

// Seconds in an hour of a wall clock and in its day, which always has 24 hours.
const (
	daySeconds   = 86400
	minuteOfWall = 60
)

// LastDay is the day that stands for "no end" in packed recurrences (MS-OXOCAL
// 2.2.1.44.1 EndDate): 31 December 4500. No occurrence lies after it.
const LastDay Day = 0x5AE980DF / (24 * 60)

// unixDays is 1 January 1601 in days since 1970.
const unixDays = -134774

// NewDay returns the day of a date; like time.Date it takes months and days beyond
// their range as the days that they run on to.
func NewDay(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()/daySeconds - unixDays)
}

// ParseDay reads a date like 2006-01-02.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1601 || t.Year() > 4500 {
		return 0, fmt.Errorf("date %.20q: %w", s, ErrSyntax)
	}
	return WallOf(t).Day(), nil
}

func (d Day) utc() time.Time { return time.Unix((int64(d)+unixDays)*daySeconds, 0).UTC() }

// Date returns the year, month and day of month.
func (d Day) Date() (year int, month time.Month, day int) { return d.utc().Date() }

// Weekday returns the day of the week.
func (d Day) Weekday() time.Weekday { return time.Weekday(((int(d)+1)%7 + 7) % 7) }

// At returns what the wall clock shows so long after this day's midnight.
func (d Day) At(clock time.Duration) Wall { return Wall(d)*daySeconds + Wall(clock/time.Second) }

// String returns the date like 2006-01-02.
func (d Day) String() string { return d.utc().Format(time.DateOnly) }

// NewWall returns a wall clock value by its parts; beyond their range they run on
// as with time.Date.
func NewWall(year int, month time.Month, day, hour, minute, second int) Wall {
	return WallOf(time.Date(year, month, day, hour, minute, second, 0, time.UTC))
}

// WallOf returns what t shows in the location that t carries, to the second.
func WallOf(t time.Time) Wall {
	_, offset := t.Zone()
	return Wall(t.Unix() + int64(offset) - unixDays*daySeconds)
}

// ParseWall reads a wall clock value like 2006-01-02T15:04:05, without a zone.
func ParseWall(s string) (Wall, error) {
	t, err := time.Parse("2006-01-02T15:04:05", s)
	if err != nil || t.Year() < 1601 || t.Year() > 4500 {
		return 0, fmt.Errorf("date and time %.30q: %w", s, ErrSyntax)
	}
	return WallOf(t), nil
}

// AsUTC returns the instant at which a clock that shows UTC would show this: the
// way to the parts and the formats of package time, not to the instant meant.
func (w Wall) AsUTC() time.Time { return time.Unix(int64(w)+unixDays*daySeconds, 0).UTC() }

// Day returns the day that the clock is in.
func (w Wall) Day() Day {
	if w < 0 {
		return Day((w+1)/daySeconds - 1)
	}
	return Day(w / daySeconds)
}

// Clock returns the time since midnight.
func (w Wall) Clock() time.Duration {
	return time.Duration(w-Wall(w.Day())*daySeconds) * time.Second
}

// Add returns the wall clock so much later, by that clock.
func (w Wall) Add(d time.Duration) Wall { return w + Wall(d/time.Second) }

// Sub returns how much later w is than u, by the wall clock.
func (w Wall) Sub(u Wall) time.Duration { return time.Duration(w-u) * time.Second }

// String returns the value like 2006-01-02T15:04:05.
func (w Wall) String() string { return w.AsUTC().Format("2006-01-02T15:04:05") }
