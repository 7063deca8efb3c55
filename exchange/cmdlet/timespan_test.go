package cmdlet

import (
	"testing"
	"time"
)

func TestTimeSpan(t *testing.T) {
	for text, want := range map[string]struct {
		d     time.Duration
		shown string
	}{
		"14": {14 * day, "14.00:00:00"}, "14.00:00:00": {14 * day, "14.00:00:00"}, "1.02:03:04": {day + 2*time.Hour + 3*time.Minute + 4*time.Second, "1.02:03:04"},
		"12:30": {12*time.Hour + 30*time.Minute, "12:30:00"}, "00:00:01": {time.Second, "00:00:01"},
		"99999.23:59:59": {100_000*day - time.Second, "99999.23:59:59"},
	} {
		if d, ok := parseTimeSpan(text); !ok || d != want.d || timeSpan(d) != want.shown {
			t.Errorf("%q is %v, shown as %q; want %v, %q", text, d, timeSpan(d), want.d, want.shown)
		}
	}
	for _, text := range []string{"", "-1", "1.24:00:00", "12:60", "1.2", "x", "1.00:00:00.5", "213504"} {
		if d, ok := parseTimeSpan(text); ok {
			t.Errorf("%q is taken as %v", text, d)
		}
	}
}
