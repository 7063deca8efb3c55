package contentline

import (
	"strings"
	"unicode/utf8"
)

// maxLine is how many bytes a line may have before it is folded (RFC 5545 3.1).
const maxLine = 75

// lineEnds are left out of a value: what follows one would be another property.
var lineEnds = strings.NewReplacer("\r", "", "\n", "")

// Write writes a property whose value needs no escapes; name may carry parameters.
func Write(b *strings.Builder, name, value string) {
	line := lineEnds.Replace(name + ":" + value)
	for first := true; ; first = false {
		room := maxLine
		if !first {
			b.WriteByte(' ')
			room--
		}
		if len(line) <= room {
			b.WriteString(line)
			b.WriteString("\r\n")
			return
		}
		for room > 1 && !utf8.RuneStart(line[room]) {
			room--
		}
		b.WriteString(line[:room])
		b.WriteString("\r\n")
		line = line[room:]
	}
}

// WriteText writes a property of text.
func WriteText(b *strings.Builder, name, text string) {
	Write(b, name, Escape(text))
}

var escaper = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// Escape makes text a value, or a part of one (RFC 5545 3.3.11).
func Escape(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' {
			return -1
		}
		return r
	}, escaper.Replace(strings.ToValidUTF8(text, "\uFFFD")))
}

// Quote makes text fit for a parameter (RFC 5545 3.2, RFC 6868), with quotes where
// they are needed.
func Quote(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.NewReplacer("^", "^^", "\n", "^n", `"`, "^'").Replace(text)
	if strings.ContainsAny(text, ";:,") {
		return `"` + text + `"`
	}
	return text
}
