package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	// pairs is how often a figure's two sides are compared.
	pairs = 9
	// turns is how often the sides of one pair or round take turns, so that what the
	// machine does beside this falls on both alike.
	turns = 4
)

// A figure is one published number with its goal.
type figure struct {
	ID    string  `json:"id"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal"`
	Met   bool    `json:"met"`
	// Low and High are the quartiles of the pairs: a goal is met when they reach it.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Note says what stood beside it in the same run.
	Note string `json:"note,omitempty"`
}

// goal is a bound: "<", "<=" or ">=" a limit.
type goal struct {
	op    string
	limit float64
}

func below(limit float64) goal   { return goal{"<", limit} }
func atMost(limit float64) goal  { return goal{"<=", limit} }
func atLeast(limit float64) goal { return goal{">=", limit} }

func (g goal) String() string { return fmt.Sprintf("%s%g", g.op, g.limit) }

// judge makes a figure of samples: its value is their median.
func (g goal) judge(id, unit string, samples []float64, note string) figure {
	slices.Sort(samples)
	n := len(samples)
	f := figure{ID: id, Unit: unit, Goal: g.String(), Note: note,
		Value: samples[n/2], Low: samples[n/4], High: samples[n-1-n/4]}
	switch g.op {
	case "<":
		f.Met = f.Low < g.limit
	case "<=":
		f.Met = f.Low <= g.limit
	default:
		f.Met = f.High >= g.limit
	}
	return f
}

// ratio measures ours and the yardstick in turn and judges ours/yardstick.
// Both return the same unit: a time for an operation, or operations a second.
func ratio(id string, g goal, note string, ours, yardstick func() (float64, error)) (figure, error) {
	// One of each first: caches and connections are warm on both sides.
	for _, side := range []func() (float64, error){ours, yardstick} {
		if _, err := side(); err != nil {
			return figure{}, fmt.Errorf("%s: %w", id, err)
		}
	}
	var samples []float64
	for range pairs {
		var sums [2]float64
		for turn := range 2 * turns {
			// Ours, yardstick, yardstick, ours: neither is always the second one.
			i := (turn + turn/2) % 2
			v, err := [...]func() (float64, error){ours, yardstick}[i]()
			if err != nil {
				return figure{}, fmt.Errorf("%s: %w", id, err)
			}
			sums[i] += v
		}
		samples = append(samples, sums[0]/sums[1])
	}
	return g.judge(id, "ratio", samples, note), nil
}

// perOp runs fn in a loop for about d and returns the seconds that one call took.
func perOp(d time.Duration, fn func() error) (float64, error) {
	n := 0
	start := time.Now()
	for time.Since(start) < d {
		for range 8 {
			if err := fn(); err != nil {
				return 0, err
			}
			n++
		}
	}
	return time.Since(start).Seconds() / float64(n), nil
}

// perOpAfter runs fn for about d, with before in front of each call, and returns the
// seconds that one call of fn took.
func perOpAfter(d time.Duration, before, fn func() error) (float64, error) {
	n, spent := 0, time.Duration(0)
	for spent < d {
		if err := before(); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := fn(); err != nil {
			return 0, err
		}
		spent += time.Since(start)
		n++
	}
	return spent.Seconds() / float64(n), nil
}

// flatness measures one operation at several sizes in turn and judges the
// slowest size over the fastest, which their medians name, round by round. In a round
// each size has several turns, for the reason that turns gives.
func flatness(id string, g goal, sizes []string, op func(size int) (float64, error)) (figure, error) {
	times := make([][]float64, len(sizes))
	for round := range pairs + 1 {
		sums := make([]float64, len(sizes))
		for turn := range turns * len(sizes) {
			i := (round + turn + turn/len(sizes)) % len(sizes)
			t, err := op(i)
			if err != nil {
				return figure{}, fmt.Errorf("%s at %s: %w", id, sizes[i], err)
			}
			sums[i] += t / turns
		}
		for i, t := range sums {
			if round > 0 { // the first round warms up
				times[i] = append(times[i], t)
			}
		}
	}
	slowest, fastest := 0, 0
	note := make([]string, len(sizes))
	for i := range sizes {
		m := median(times[i])
		if m > median(times[slowest]) {
			slowest = i
		}
		if m < median(times[fastest]) {
			fastest = i
		}
		note[i] = fmt.Sprintf("%s items %.0f us", sizes[i], m*1e6)
	}
	samples := make([]float64, pairs)
	for round := range pairs {
		samples[round] = times[slowest][round] / times[fastest][round]
	}
	return g.judge(id, "ratio", samples, strings.Join(note, ", ")), nil
}

// median returns the middle of the samples, 0 of none.
func median(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(samples))[len(samples)/2]
}

// print writes the figure's line for people and scripts, and its JSON line.
func (f figure) print(text, jsonLines io.Writer) error {
	word := "missed"
	if f.Met {
		word = "met"
	}
	fmt.Fprintf(text, "figure %s value=%.4g unit=%s goal=%s %s\n", f.ID, f.Value, f.Unit, f.Goal, word)
	fmt.Fprintf(text, "       quartiles %.4g to %.4g", f.Low, f.High)
	if f.Note != "" {
		fmt.Fprintf(text, "; %s", f.Note)
	}
	fmt.Fprintln(text)
	return json.NewEncoder(jsonLines).Encode(f)
}
