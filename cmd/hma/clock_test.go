package main

import (
	"testing"
	"time"
)

func TestParseClock(t *testing.T) {
	machine := time.Date(2026, 11, 26, 1, 0, 0, 400_000_000, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "+90d": 90 * day, "90d": 90 * day, "-2h": -2 * time.Hour, "+1d12h": 36 * time.Hour, "-1d30m10s": -(day + 30*time.Minute + 10*time.Second),
		"2026-11-26T02:00:00Z": time.Hour, "2026-11-25T02:00:00+01:00": -day,
	} {
		if got, err := parseClock(text, machine); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "90", "+", "d", "+-2h", "1d-2h", "1d+2h", "99999d", "9999d", "2562047h", "2126-11-26T02:00:00Z", "2026-11-26", "+90d ", "٣d"} {
		if got, err := parseClock(text, machine); err == nil {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
}

func TestClockText(t *testing.T) {
	at := time.Date(2027, 2, 24, 1, 0, 0, 0, time.UTC)
	for offset, want := range map[time.Duration]string{
		0: "2027-02-24 01:00:00Z, as this machine", 90 * day: "2027-02-24 01:00:00Z, 90 days ahead of this machine",
		-26 * time.Hour: "2027-02-24 01:00:00Z, 1 day 2h0m0s behind this machine",
	} {
		if got := clockText(at, int64(offset/time.Second)); got != want {
			t.Errorf("%s: %s", offset, got)
		}
	}
}
