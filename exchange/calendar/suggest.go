package calendar

import (
	"slices"
	"time"

	"hma/wire/oxocal"
)

// Quality is how well a time suits those who are asked to a meeting.
type Quality int

// The qualities, worst first (MS-OXWAVLS 2.2.5.4).
const (
	Poor Quality = iota
	Fair
	Good
	Excellent
)

// Invitee is what suggestions look at of somebody who is asked to a meeting.
type Invitee struct {
	Known    bool // nothing is known of others
	Ignored  bool // a conflict of theirs does not count
	Busy     []Busy
	Hours    WorkingHours
	Required bool
}

// Wish is what somebody wants of suggestions.
type Wish struct {
	From, To    time.Time
	Zone        *oxocal.Zone // by whose clock days begin
	Length      time.Duration
	Threshold   int // percent of conflicts up to which a time is good
	Minimum     Quality
	MostByDay   int
	MostOutside int // of these outside the working hours
}

// Suggestion is a time at which a meeting could be.
type Suggestion struct {
	Start   time.Time
	Work    bool // in everybody's working hours
	Quality Quality
	Status  []int32 // the busiest of each invitee meanwhile; -1 where nothing is known
}

// DaySuggestions are the suggestions of one day, best first.
type DaySuggestions struct {
	Day     oxocal.Day
	Quality Quality // of the best of them
	List    []Suggestion
}

// step is how far apart the times are that are looked at.
const step = 30 * time.Minute

// Suggest finds times for a meeting, day by day: the better ones first, of equal ones
// the earlier (MS-OXWAVLS 3.1.4.1.4.2).
func Suggest(w Wish, people []Invitee) []DaySuggestions {
	var out []DaySuggestions
	for day := w.Zone.Wall(w.From).Day(); w.Zone.UTC(day.At(0)).Before(w.To); day++ {
		d := DaySuggestions{Day: day}
		outside := 0
		var all []Suggestion
		for at := w.Zone.UTC(day.At(0)); at.Before(w.Zone.UTC((day + 1).At(0))); at = at.Add(step) {
			if at.Before(w.From) || at.Add(w.Length).After(w.To) {
				continue
			}
			if s := judge(w, people, at); s.Quality >= w.Minimum {
				all = append(all, s)
			}
		}
		slices.SortStableFunc(all, func(a, b Suggestion) int {
			if a.Work != b.Work {
				if a.Work {
					return -1
				}
				return 1
			}
			return int(b.Quality - a.Quality)
		})
		for _, s := range all {
			if len(d.List) == w.MostByDay || !s.Work && outside == w.MostOutside {
				continue
			}
			if !s.Work {
				outside++
			}
			d.Quality = max(d.Quality, s.Quality)
			d.List = append(d.List, s)
		}
		out = append(out, d)
	}
	return out
}

// judge looks at one time.
func judge(w Wish, people []Invitee, at time.Time) Suggestion {
	s := Suggestion{Start: at, Work: true}
	conflicts, counted := 0, 0
	for _, p := range people {
		if !p.Known {
			s.Status = append(s.Status, -1)
			continue
		}
		status := Merge(meanwhile(p.Busy, at, at.Add(w.Length)), at, at.Add(w.Length), w.Length)[0]
		s.Status = append(s.Status, status)
		s.Work = s.Work && p.Hours.covers(at, at.Add(w.Length))
		if p.Ignored {
			continue
		}
		weight := 1
		if p.Required {
			weight = 2
		}
		counted += weight
		switch status {
		case BusyBusy, BusyOutOfOffice, BusyTentative:
			conflicts += weight
		}
	}
	switch {
	case conflicts == 0:
		s.Quality = Excellent
	case conflicts*100 <= counted*w.Threshold:
		s.Quality = Good
	case conflicts*2 <= counted:
		s.Quality = Fair
	}
	return s
}

// meanwhile returns what shares time with [from, to). The list is in the order of starts.
func meanwhile(list []Busy, from, to time.Time) []Busy {
	var out []Busy
	for _, b := range list {
		if !b.Start.Before(to) {
			break
		}
		if b.End.After(from) {
			out = append(out, b)
		}
	}
	return out
}

// covers tells whether a time lies in working hours.
func (h WorkingHours) covers(start, end time.Time) bool {
	from, to := h.Zone.Wall(start), h.Zone.Wall(end)
	return from.Day() == to.Day() && h.Days.Has(from.Day().Weekday()) && from.Clock() >= h.Start && to.Clock() <= h.End
}
