package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestChecked holds the exit codes of a check and the line of a damage; an answer
// without its last line is no clean check.
func TestChecked(t *testing.T) {
	const damage = `{"mailbox":"Alice\u001b[2J","kind":"folder-total","where":"folder 3 (Inbox)","what":"total is 2, the rows say 1","repaired":true}` + "\n"
	for _, c := range []struct {
		name, answer string
		code         int
		shown        string
	}{
		{"clean", `{"checked":2}`, exitOK, "2 mailboxes, 0 found, 0 repaired\n"},
		{"found", damage + `{"checked":1}`, exitFound, "repaired: folder 3 (Inbox): total is 2, the rows say 1 (folder-total)\n1 mailboxes, 1 found, 1 repaired\n"},
		{"unreadable", damage + `{"error":"mailbox 1 could not be read"}`, exitUnreachable, ""},
		{"broken off", damage, exitUnreachable, ""},
		{"nothing", "", exitUnreachable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{view: &view{w: &out, width: 80}}
			err := a.checked(strings.NewReader(c.answer))
			code := exitOK
			var e exit
			if errors.As(err, &e) {
				code = e.code
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || !strings.Contains(out.String(), c.shown) || strings.Contains(out.String(), "\x1b[2J") {
				t.Errorf("exit %d, want %d, printed %q", code, c.code, out.String())
			}
		})
	}
}
