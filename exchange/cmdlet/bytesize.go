package cmdlet

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// unlimited is how a size without limit is shown and given.
const unlimited = "Unlimited"

var byteUnits = []struct {
	name  string
	bytes float64
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}}

// byteSize shows bytes as ByteQuantifiedSize does: 1.899 GB (2,039,480,320 bytes).
func byteSize(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	for _, u := range byteUnits {
		if float64(n) >= u.bytes {
			return strconv.FormatFloat(float64(n)/u.bytes, 'g', 4, 64) + " " + u.name + " (" + digits + " bytes)"
		}
	}
	return fmt.Sprintf("%d B (%s bytes)", n, digits)
}

// byteLimit shows a limit, of which 0 is none.
func byteLimit(n int64) string {
	if n == 0 {
		return unlimited
	}
	return byteSize(n)
}

var sizeForm = regexp.MustCompile(`^(?i)([0-9]+(?:\.[0-9]+)?) ?(B|KB|MB|GB|TB)?(?: ?\(([0-9,]+) bytes\))?$`)

// parseByteLimit reads a limit: 2GB, 1.9 GB, 2147483648, Unlimited, or what byteLimit shows.
func parseByteLimit(name, text string) (int64, error) {
	if strings.EqualFold(text, unlimited) {
		return 0, nil
	}
	parts := sizeForm.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return 0, invalid(name, "'%s' is no size; want 2GB, 2147483648 or Unlimited.", text)
	}
	n, err := strconv.ParseFloat(parts[1], 64)
	for _, u := range byteUnits {
		if strings.EqualFold(u.name, parts[2]) {
			n *= u.bytes
		}
	}
	if parts[3] != "" { // the exact number behind a rounded one
		n, err = strconv.ParseFloat(strings.ReplaceAll(parts[3], ",", ""), 64)
	}
	if err != nil || n < 1 || n > math.MaxInt64/2 {
		return 0, invalid(name, "'%s' is no size from 1 byte to %s.", text, byteSize(math.MaxInt64/2))
	}
	return int64(n), nil
}
