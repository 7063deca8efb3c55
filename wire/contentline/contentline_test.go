package contentline

import (
	"slices"
	"strings"
	"testing"
)

// TestWrite writes values that would begin another line, and reads them again.
func TestWrite(t *testing.T) {
	for _, text := range []string{"", "plain", "a\nb", "a\r\nb", strings.Repeat("é", 200), "\\;,:\"^"} {
		var b strings.Builder
		WriteText(&b, "NOTE;CN="+Quote(text), text)
		lines := slices.Collect(Lines(b.String()))
		if len(lines) != 1 {
			t.Fatalf("%q: %q", text, lines)
		}
		p, ok := Parse(lines[0])
		want := strings.ReplaceAll(text, "\r\n", "\n")
		if !ok || p.Name != "NOTE" || p.Text() != want || text != "" && p.Param("CN") != want {
			t.Errorf("%q: %q %v", text, p, ok)
		}
	}
	var b strings.Builder
	Write(&b, "ATTENDEE", "mailto:a@example.com\r\nATTENDEE:mailto:b@example.com\nX:y")
	if lines := slices.Collect(Lines(b.String())); len(lines) != 1 {
		t.Errorf("a value became %q", lines)
	}
}

func TestParts(t *testing.T) {
	p := Property{Value: strings.Repeat("a,;", 1_000_000)}
	if n := len(p.List()); n > maxParts {
		t.Errorf("%d texts", n)
	}
	if n := len(p.Fields()); n > maxParts {
		t.Errorf("%d fields", n)
	}
	p = Property{Value: `one\, two, ,three\nlines`}
	if got := p.List(); !slices.Equal(got, []string{"one, two", "three\nlines"}) {
		t.Errorf("%q", got)
	}
}

// FuzzParse holds that what is read and written again is one line that reads the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nb", `item1.TEL;TYPE="a,b";CN=x^ny:1\;2`, "A;B=\"c:d", "N:a;b;c\n d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for line := range Lines(Decode(text)) {
			p, ok := Parse(line)
			if !ok {
				continue
			}
			if len(p.Params) > maxParams || len(p.List()) > maxParts || len(p.Fields()) > maxParts {
				t.Fatalf("%q", p)
			}
			var b strings.Builder
			WriteText(&b, "X;P="+Quote(p.Param("TYPE")), p.Text())
			again := slices.Collect(Lines(b.String()))
			if len(again) != 1 {
				t.Fatalf("%q became %q", line, again)
			}
		}
	})
}
