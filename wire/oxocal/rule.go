package oxocal

import (
	"time"
)

// Rule returns what holds in the zone in a year. For a zone of Windows it is made of
// the time zone data; of more than two changes in a year the first two count.
func (z *Zone) Rule(year int) Rule {
	if z == nil {
		return Rule{Year: year}
	}
	if z.loc == nil {
		return *z.rule(year)
	}
	turns := z.turns(year)
	rule := Rule{Year: year}
	minutes := func(d time.Duration) int { return int(d / time.Minute) }
	switch len(turns) {
	case 0:
		rule.Bias = -minutes(z.offset(time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC)))
	case 1:
		// A clock that was changed for good, or that is changed back only next year: the
		// other change is put on New Year's Day.
		newYear, t := Change{Month: time.January, Weekday: NewDay(year, 1, 1).Weekday(), Week: 1}, turns[0]
		rule.Bias = -minutes(min(t.before, t.after))
		rule.DaylightBias = -minutes(max(t.before, t.after)) - rule.Bias
		if t.after > t.before {
			rule.Standard, rule.Daylight = newYear, z.change(t)
		} else {
			rule.Standard, rule.Daylight = z.change(t), newYear
		}
	default:
		spring, autumn := turns[0], turns[1]
		if spring.after < spring.before {
			spring, autumn = autumn, spring
		}
		rule.Bias = -minutes(autumn.after)
		rule.DaylightBias = -minutes(spring.after) - rule.Bias
		rule.Standard, rule.Daylight = z.change(autumn), z.change(spring)
	}
	return rule
}

// Rules returns the rules of the years from first to last, each with the first year
// in which it holds; a year whose rule is that of the year before has none of its own.
func (z *Zone) Rules(first, last int) []Rule {
	rules := []Rule{z.Rule(first)}
	rules[0].Year = first
	for year := first + 1; year <= last; year++ {
		rule, before := z.Rule(year), rules[len(rules)-1]
		rule.Year = before.Year
		if rule != before {
			rule.Year = year
			rules = append(rules, rule)
		}
	}
	return rules
}

// turn is a change of the clock.
type turn struct {
	at            time.Time
	before, after time.Duration // offsets
}

// turns returns the changes of the clock in a year by the clock before them, those
// alone that move the offset.
func (z *Zone) turns(year int) (turns []turn) {
	t := NewDay(year, 1, 1).At(0).AsUTC().Add(-26 * time.Hour).In(z.loc)
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() || end.Year() > year+1 {
			return turns
		}
		if !end.After(t) { // so package time says in the last days of some leap years
			end = t.Add(48 * time.Hour)
		}
		before, after := z.offset(t), z.offset(end)
		if t = end.In(z.loc); before == after {
			continue
		}
		if shown := WallOf(end.UTC()).Add(before).year(); shown == year {
			turns = append(turns, turn{end, before, after})
		} else if shown > year {
			return turns
		}
	}
}

// change returns a change of the clock as Windows says it. The last week of a month is
// told from the fourth by the years around.
func (z *Zone) change(t turn) Change {
	wall := WallOf(t.at.UTC()).Add(t.before)
	year, month, day := wall.Day().Date()
	c := Change{Month: month, Weekday: wall.Day().Weekday(), Week: (day-1)/7 + 1, Clock: wall.Clock()}
	if c.Week != 4 || day+7 <= NewDay(year, month+1, 0).dayOfMonth() {
		return c
	}
	last := c
	last.Week = Last
	for _, y := range [...]int{year + 1, year - 1, year + 2, year - 2} {
		for _, other := range z.turns(y) {
			shown := WallOf(other.at.UTC()).Add(other.before)
			if (other.after > other.before) == (t.after > t.before) && last.In(y) != c.In(y) {
				switch shown {
				case last.In(y):
					return last
				case c.In(y):
					return c
				}
			}
		}
	}
	return last
}

func (d Day) dayOfMonth() int {
	_, _, day := d.Date()
	return day
}
