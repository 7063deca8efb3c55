package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"hma/shell"
)

var yesNo = []shell.Choice{{Key: "Y", Label: "Yes", Help: "Do it."}, {Key: "A", Label: "Yes to All", Help: "Do all."}, {Key: "N", Label: "No", Help: "Leave it."}}

func TestAsker(t *testing.T) {
	for typed, want := range map[string]int{"\r": 2, "y\r": 0, "A\r": 1, "yes to all\r": 1, " n \r": 2, "?\rY\r": 0, "maybe\r\ry\r": 2} {
		var out strings.Builder
		a := asker{typist(typed, &out)}
		got, err := a.Choose(t.Context(), "Confirm", "Really?", yesNo, 2)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v", typed, got, err)
		}
		if !strings.HasPrefix(out.String(), "\nConfirm\nReally?\n[Y] Yes  [A] Yes to All  [N] No  [?] Help (default is \"N\"): ") {
			t.Errorf("%q: asked %q", typed, out.String())
		}
		if strings.Contains(out.String(), "Y - Do it.\nA - Do all.\nN - Leave it.\n") != strings.HasPrefix(typed, "?") {
			t.Errorf("%q: help in %q", typed, out.String())
		}
	}
}

// TestAskerKeepsWhatIsBehind: a pasted text's next lines are not swallowed with an answer.
func TestAskerKeepsWhatIsBehind(t *testing.T) {
	in := strings.NewReader("EX1\rGet-More\r")
	a := asker{typist("", io.Discard)}
	a.in = in
	if got, err := a.Value(t.Context(), "Server"); err != nil || got != "EX1" || in.Len() != len("Get-More\r") {
		t.Errorf("%q, %v, %d bytes left", got, err, in.Len())
	}
}

func TestAskerWithoutAnswer(t *testing.T) {
	restored := 0
	for _, typed := range []string{"", "\x03", "\x04", "ab\x03"} {
		a := asker{typist(typed, io.Discard)}
		a.raw = func() (func(), error) { return func() { restored++ }, nil }
		if got, err := a.Value(t.Context(), "Name"); !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
	if restored != 4 {
		t.Errorf("the terminal was restored %d times", restored)
	}
}

// typist is a terminal at which so many keys were typed.
func typist(keys string, out io.Writer) *terminal {
	return &terminal{in: strings.NewReader(keys), out: out, width: func() int { return 200 }, raw: func() (func(), error) { return func() {}, nil }}
}
