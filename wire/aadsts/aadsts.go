package aadsts

import (
	"slices"
	"strconv"
	"strings"
)

// Code is the number behind "AADSTS".
type Code int

// String returns the code as error descriptions show it, such as AADSTS50011.
func (c Code) String() string { return "AADSTS" + strconv.Itoa(int(c)) }

// Entry is what is known of a code.
type Entry struct {
	Code     Code
	Error    string // OAuth 2.0 error word; RFC 6749 5.2 and OpenID Connect Core 3.1.2.6
	Status   int    // HTTP status of a JSON answer
	Suberror string // machine-readable reason beside invalid_grant; may be empty
	Text     string // one sentence; {0}, {1} ... are filled in from the request
	Explain  string // what it means for the person who reads it
	Fix      string // what to do
}

// Describe returns Text with the placeholders filled in. Placeholders without
// an argument become "(unknown)".
func (e Entry) Describe(args ...string) string {
	pairs := make([]string, 0, 8)
	for i := range 4 {
		value := "(unknown)"
		if i < len(args) {
			value = args[i]
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", value)
	}
	// One pass: an argument that looks like a placeholder stays as it is.
	return strings.NewReplacer(pairs...).Replace(e.Text)
}

var byCode = func() map[Code]Entry {
	m := make(map[Code]Entry, len(table))
	for _, e := range table {
		m[e.Code] = e
	}
	return m
}()

// Lookup returns the entry of a code; false: the table has none.
func Lookup(c Code) (Entry, bool) {
	e, ok := byCode[c]
	return e, ok
}

// All returns every entry in the order of its number.
func All() []Entry {
	return slices.SortedFunc(slices.Values(table), func(a, b Entry) int { return int(a.Code) - int(b.Code) })
}

// Find returns the first code that a text names as AADSTSnnn, in any case, or,
// when the text is nothing but digits, that number. It need not be in the table.
func Find(text string) (Code, bool) {
	text = strings.TrimSpace(text)
	digits := text
	if i := strings.Index(strings.ToUpper(text), "AADSTS"); i >= 0 {
		digits = strings.ToUpper(text)[i+len("AADSTS"):]
		end := 0
		for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
			end++
		}
		digits = digits[:end]
	}
	if len(digits) < 4 || len(digits) > 8 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return Code(n), err == nil
}
