package facts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Build is a server's build number in its four parts, for example 15.2.1544.11.
type Build [4]int

// Builds that the how-to names, and those at which a product begins.
var (
	Build2016        = Build{15, 1, 0, 0}
	Build2019        = Build{15, 2, 0, 0}
	Build2013CU19    = Build{15, 0, 1365, 1}
	Build2016CU8     = Build{15, 1, 1415, 2}
	Build2016CU18    = Build{15, 1, 2106, 2}
	Build2019CU1     = Build{15, 2, 330, 5}
	Build2019CU7     = Build{15, 2, 721, 2}
	Build2019CU13    = Build{15, 2, 1258, 12}
	Build2019CU14Apr = Build{15, 2, 1544, 11} // Exchange 2019 CU14 with the April 2024 HU
	BuildSE          = Build{15, 2, 2562, 0}  // Exchange Server SE begins with build 2562
)

// Compare orders builds.
func (b Build) Compare(o Build) int { return slices.Compare(b[:], o[:]) }

// AtLeast tells whether b is o or newer.
func (b Build) AtLeast(o Build) bool { return b.Compare(o) >= 0 }

// String returns 15.2.1544.11.
func (b Build) String() string { return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3]) }

// TakesDomainName tells whether Set-AuthServer of this build has -DomainName
// (Exchange 2016 CU18, Exchange 2019 CU7; the how-to, "Enable HMA").
func (b Build) TakesDomainName() bool {
	if b.AtLeast(Build2019) {
		return b.AtLeast(Build2019CU7)
	}
	return b.AtLeast(Build2016CU18)
}

// ParseBuild reads "Version 15.2 (Build 1544.11)" as AdminDisplayVersion shows it, or "15.2.1544.11".
func ParseBuild(text string) (Build, bool) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	var b Build
	if len(fields) != 4 {
		return b, false
	}
	for i, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil || n > 1<<20 {
			return Build{}, false
		}
		b[i] = n
	}
	return b, true
}
