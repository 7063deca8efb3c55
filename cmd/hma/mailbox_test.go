package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRestoreInterrupted holds that who ends a restore where no lab runs is told what that leaves.
func TestRestoreInterrupted(t *testing.T) {
	data, backup := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{filepath.Join(data, "hma.json"): "{}", filepath.Join(backup, "manifest.json"): `{"version":1}`, filepath.Join(backup, "mailbox.db"): "x"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"mailbox", "restore", "--yes", "--data", data, backup}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
	if code != exitUnreachable || errs.String() != "hma: restore: interrupted: the mail is as it was\n" {
		t.Errorf("exit %d, %q", code, errs.String())
	}
	if left, err := filepath.Glob(filepath.Join(data, "mailbox.db*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

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
