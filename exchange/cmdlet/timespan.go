package cmdlet

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

const day = 24 * time.Hour

// timeSpan shows a time as TimeSpan does: 14.00:00:00.
func timeSpan(d time.Duration) string {
	s := int64(d / time.Second)
	text := fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
	if days := s / 86400; days > 0 {
		text = fmt.Sprintf("%d.%s", days, text)
	}
	return text
}

var timeSpanForm = regexp.MustCompile(`^(?:([0-9]{1,5})(?:\.([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?|([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)$`)

// parseTimeSpan reads 14 (days), 14.00:00:00 or 12:30:00, up to 99,999 days: a Duration holds 106,751.
func parseTimeSpan(text string) (d time.Duration, ok bool) {
	parts := timeSpanForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	for i, unit := range []time.Duration{day, time.Hour, time.Minute, time.Second, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(parts[i+1]) // digits or nothing
		if unit < day && n >= 60 || unit == time.Hour && n >= 24 {
			return 0, false
		}
		d += time.Duration(n) * unit
	}
	return d, true
}
