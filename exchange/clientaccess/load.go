package clientaccess

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Load is what goes on at the front ends of a process, within a time that ends now.
type Load struct {
	At time.Time `json:"at"`
	// Seconds is how long the time is that the rest tells of: what was asked for, or
	// less where there were more requests than are remembered.
	Seconds    float64   `json:"seconds"`
	Running    []Running `json:"running"` // the oldest first, at most 100
	InFlight   int       `json:"in_flight"`
	Total      Group     `json:"total"`
	Doors      []Group   `json:"doors"`
	Operations []Group   `json:"operations"` // the 20 on which most time went
	Users      []Group   `json:"users"`      // the 20 with most requests
	Refusals   []Refusal `json:"refusals"`   // the 20 most frequent answers 401 and 403
}

// Running is a request that runs.
type Running struct {
	ID        string  `json:"id"`
	Server    string  `json:"server"`
	Door      string  `json:"door"`
	Operation string  `json:"operation,omitempty"`
	User      string  `json:"user,omitempty"`
	Waits     bool    `json:"waits,omitempty"` // it is meant to take long
	Seconds   float64 `json:"seconds"`         // since it began
}

// Group is the requests that have something in common. The times leave out those
// that are meant to take long.
type Group struct {
	Name     string  `json:"name"`
	Requests int     `json:"requests"`
	Refused  int     `json:"refused"` // 401 and 403
	Failed   int     `json:"failed"`  // 5xx
	Bytes    int64   `json:"bytes"`   // of the answers
	Seconds  float64 `json:"seconds"` // the sum
	Median   float64 `json:"median"`  // seconds
	P95      float64 `json:"p95"`     // seconds
	Longest  float64 `json:"longest"` // seconds
}

// Refusal is a reason for which requests were refused.
type Refusal struct {
	Door     string `json:"door"`
	Status   int    `json:"status"`
	Reason   string `json:"reason"`
	Requests int    `json:"requests"`
}

// Bounds of a Load's lists.
const (
	shownRunning = 100
	shownGroups  = 20
)

// Load returns what runs now, and what ended within the last window.
func (w *Watch) Load(window time.Duration) Load {
	l := Load{Running: []Running{}}
	w.mu.Lock()
	now := w.now()
	l.At, l.Seconds, l.InFlight = now, window.Seconds(), w.open.Len()
	for e := w.open.Front(); e != nil && len(l.Running) < shownRunning; e = e.Next() {
		l.Running = append(l.Running, e.Value.(*exchange).running(now))
	}
	var list []ended // the newest first
	for i := range w.last {
		e := &w.last[(w.next-1-i+2*len(w.last))%len(w.last)]
		if now.Sub(e.at) > window {
			break
		}
		list = append(list, *e)
	}
	w.mu.Unlock()
	if len(list) == remembered {
		l.Seconds = now.Sub(list[remembered-1].at).Seconds()
	}
	all := group(list, func(*ended) string { return "all" }, nil)
	if len(all) == 1 {
		l.Total = all[0]
	} else {
		l.Total.Name = "all"
	}
	byRequests := func(a, b Group) int { return cmp.Compare(b.Requests, a.Requests) }
	l.Doors = group(list, func(e *ended) string { return cmp.Or(e.door, "none") }, byRequests)
	l.Operations = group(list, func(e *ended) string {
		if e.operation == "" {
			return ""
		}
		return e.door + " " + e.operation
	}, func(a, b Group) int { return cmp.Compare(b.Seconds, a.Seconds) })
	l.Users = group(list, func(e *ended) string { return e.user }, byRequests)
	l.Refusals = refusals(list)
	return l
}

// group puts requests into groups by name; those with the name "" are left out.
func group(list []ended, name func(*ended) string, order func(a, b Group) int) []Group {
	type members struct {
		Group
		took []time.Duration
	}
	found := map[string]*members{}
	for i := range list {
		e := &list[i]
		n := name(e)
		if n == "" {
			continue
		}
		m := found[n]
		if m == nil {
			m = &members{Group: Group{Name: n}}
			found[n] = m
		}
		m.Requests++
		m.Bytes += e.bytes
		switch {
		case refused(e.status):
			m.Refused++
		case e.status >= 500:
			m.Failed++
		}
		if !e.waits {
			m.took = append(m.took, e.took)
			m.Seconds += e.took.Seconds()
		}
	}
	groups := []Group{}
	for _, n := range slices.Sorted(maps.Keys(found)) {
		m := found[n]
		slices.Sort(m.took)
		m.Median, m.P95, m.Longest = quantile(m.took, .5), quantile(m.took, .95), quantile(m.took, 1)
		groups = append(groups, m.Group)
	}
	if order != nil {
		slices.SortStableFunc(groups, order)
	}
	return groups[:min(len(groups), shownGroups)]
}

func refused(status int) bool { return status == 401 || status == 403 }

// quantile returns the duration below which the part q of the sorted ones lies, in seconds.
func quantile(took []time.Duration, q float64) float64 {
	if len(took) == 0 {
		return 0
	}
	return took[max(int(math.Ceil(q*float64(len(took))))-1, 0)].Seconds()
}

func refusals(list []ended) []Refusal {
	found := map[Refusal]int{}
	for i := range list {
		if e := &list[i]; refused(e.status) {
			found[Refusal{Door: e.door, Status: e.status, Reason: e.reason}]++
		}
	}
	out := []Refusal{}
	for r, n := range found {
		r.Requests = n
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), strings.Compare(a.Door, b.Door), strings.Compare(a.Reason, b.Reason), cmp.Compare(a.Status, b.Status))
	})
	return out[:min(len(out), shownGroups)]
}

// running returns a request that runs.
func (x *exchange) running(now time.Time) Running {
	x.record.mu.Lock()
	defer x.record.mu.Unlock()
	return Running{ID: x.request.ID, Server: x.server(), Door: x.door(), Operation: x.record.Operation, User: x.record.user,
		Waits: x.record.Waits, Seconds: now.Sub(x.start).Seconds()}
}
