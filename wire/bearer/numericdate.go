package bearer

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// NumericDate is a time in a token: seconds since 1970 (RFC 7519 2), as a number
// or, as servers write it (MS-SPS2SAUTH 2.2), in a string. It is read only.
type NumericDate int64

// UnmarshalJSON implements json.Unmarshaler; what is no number within some ten thousand years is an error.
func (n *NumericDate) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 1<<38 {
		return errors.New("a time is no number of seconds")
	}
	*n = NumericDate(seconds)
	return nil
}

// Time returns the time in UTC, the zero time for nil.
func (n *NumericDate) Time() time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.Unix(int64(*n), 0).UTC()
}
