package query

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns text without case and accents: compatibility decomposition,
// combining marks dropped, lower case. Two texts are the same to a search that
// ignores both exactly when their folds are the same bytes.
func Fold(text string) string {
	ascii := true
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(text)
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

// Clean returns text as a column can keep it: valid UTF-8 without NUL.
func Clean(text string) string {
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// SortKey returns the part of a fold that orders a list.
func SortKey(fold string) string {
	n := 0
	for i := range fold {
		if n == SortLetters {
			return fold[:i]
		}
		n++
	}
	return fold
}
