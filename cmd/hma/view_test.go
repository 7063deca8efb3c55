package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
	"hma/lab"
)

// screen is a view of a terminal of that width, and what it shows without colours.
func screen(width int) (*view, *strings.Builder) {
	out := new(strings.Builder)
	return &view{w: out, terminal: true, width: width}, out
}

func TestHang(t *testing.T) {
	for _, test := range []struct {
		width, first, rest int
		text, want         string
	}{
		{20, 0, 2, "", ""},
		{20, 0, 2, "one two", "one two\n"},
		{20, 2, 4, "one two three four five", "  one two three four\n    five\n"},
		{20, 0, 2, "see https://mail.contoso.com/owa there", "see\n  https://mail.contoso.com/owa\n  there\n"},
		{20, 0, 0, styleBad.Render("one") + " two three four fi", "one two three four\nfi\n"},
	} {
		v, out := screen(test.width)
		v.hang(test.first, test.rest, test.text)
		if got := ansi.Strip(out.String()); got != test.want {
			t.Errorf("%q at %d gives\n%s", test.text, test.width, got)
		}
	}
}

// TestTable: a table has a frame where it fits, gives up width in its last
// column, then its frame, then its columns; it is never wider than the terminal.
func TestTable(t *testing.T) {
	for width, want := range map[int]string{
		100: "│ alice@contoso.com │ Bearer* │ Established and more │",
		70:  "│ alice@contoso.com │ Bearer* │ Established and more │",
		54:  "│ alice@contoso.com │ Bearer* │ Established and more │",
		50:  "alice@contoso.com  Bearer*  Established and more",
		40:  "alice@contoso.com Bearer* Established\n    and more",
	} {
		v, out := screen(width)
		v.table([]string{"SMTP address", "AuthN", "Status"}, [][]string{{"alice@contoso.com", styleGood.Render("Bearer*"), "Established and more"}})
		text := ansi.Strip(out.String())
		if !strings.Contains(text, want) {
			t.Errorf("at %d:\n%s", width, text)
		}
		for line := range strings.Lines(text) {
			if w := lipgloss.Width(strings.TrimRight(line, "\n")); w > width {
				t.Errorf("at %d a line is %d wide: %s", width, w, line)
			}
		}
	}
	v, out := screen(70)
	v.table([]string{"A", "Status"}, [][]string{{"x", strings.Repeat("word ", 30)}})
	if text := ansi.Strip(out.String()); lipgloss.Width(text) > 70 || !strings.Contains(text, "│   │ word") {
		t.Errorf("a wide last column is not broken:\n%s", text)
	}
}

func TestAsk(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	never, hold := io.Pipe()
	defer hold.Close()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		answer io.Reader
		yes    bool
		agreed bool
	}{
		{"yes", t.Context(), strings.NewReader("YES\n"), false, true},
		{"y", t.Context(), strings.NewReader("y\n"), false, true},
		{"no", t.Context(), strings.NewReader("n\n"), false, false},
		{"empty", t.Context(), strings.NewReader("\n"), false, false},
		{"end of input", t.Context(), strings.NewReader(""), false, false},
		{"interrupted", gone, never, false, false},
		{"not asked", t.Context(), strings.NewReader(""), true, true},
	} {
		v, _ := screen(80)
		a := &app{stdio: stdio{in: test.answer}, view: v, yes: test.yes}
		err := a.ask(test.ctx, "Apply?")
		if (err == nil) != test.agreed {
			t.Errorf("%s: %v", test.name, err)
		}
		if e, ok := errors.AsType[exit](err); err != nil && (!ok || e.code != exitUsage) {
			t.Errorf("%s: %v, want exit code 2", test.name, err)
		}
	}
	v, _ := screen(80)
	for name, a := range map[string]*app{
		"no terminal": {stdio: stdio{in: strings.NewReader("y\n")}, view: newView(discard{}, nil)},
		"JSON":        {stdio: stdio{in: strings.NewReader("y\n")}, view: v, json: true},
	} {
		if err := a.ask(t.Context(), "Apply?"); err == nil {
			t.Errorf("%s: agreed without --yes", name)
		}
	}
}

// What became of a snapshot has a line for each thing, and no line that a terminal would obey.
func TestRehearsalView(t *testing.T) {
	r := &lab.Rehearsal{Organization: "Contoso", Servers: 1, Tenants: 2, People: 3, Accounts: 4,
		Collected: []target.Collection{{Part: target.PartExchange, At: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}, {Part: target.PartGraph, Tenant: "contoso.onmicrosoft.com"}},
		Replaced:  []lab.Replaced{{Object: "OAuth certificate", Property: "Thumbprint", Was: "AA", Is: "BB"}, {Object: "3 linked mailboxes", Property: "MasterAccountSid", Is: "another"}}}
	for i := range mostSaid + 2 {
		r.LeftOut = append(r.LeftOut, lab.LeftOut{Object: fmt.Sprintf("person %d\x1b[2J", i), Why: "refused"})
	}
	v, out := screen(200)
	v.showRehearsal(r)
	got := ansi.Strip(out.String())
	for _, want := range []string{"rehearsal: Contoso", "1 server, 2 tenants, 3 people without their mail, 4 accounts", "  collected exchange: 2026-11-23 08:00Z\n", "  replaced  OAuth certificate Thumbprint: BB, was AA\n",
		"  replaced  3 linked mailboxes MasterAccountSid: another, was not collected\n", "  left out  person 0 [2J: refused\n", "  ... and 2 more: --json has them all\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said:\n%s", want, got)
		}
	}
}

func TestFindingView(t *testing.T) {
	v, out := screen(200)
	v.showFinding(rule.Finding{Rule: "spn-list", Severity: rule.Fault, Summary: "mail\x1b[2J is missing", Evidence: []rule.Evidence{{Object: "EX1\x1b]0;x\a", Found: "b\u009bc"}}, Why: "w", Repair: "r", Commands: []string{"Get-X \x1b[2J"}})
	if got := out.String(); strings.ContainsAny(got, "\a\u009b") || strings.Contains(got, "\x1b[2J") || strings.Contains(got, "\x1b]") || !strings.Contains(ansi.Strip(got), "EX1 ]0;x : b c") {
		t.Errorf("%q", got)
	}
}

// TestHarmless: colours come through, what else a terminal might obey does not.
func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		styleWarn.Render("a") + "\n" + styleTitle.Render("b"): styleWarn.Render("a") + "\n" + styleTitle.Render("b"),
		"x\x1b[2Jy\x1b]0;t\a\u202ez\u009b\t\r":                "x [2Jy ]0;t  z   ",
		"\x1b[8mhidden":                                       " [8mhidden",
		"\x1b\x1b[31m[2J":                                     " \x1b[31m[2J",
		"\x9b2J \x1b[1;33mz":                                  "\ufffd2J \x1b[1;33mz",
	} {
		if got := harmless(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	v, out := screen(100)
	v.showPlan(&procedure.Plan{Changes: []procedure.Change{{Step: procedure.StepOAuth, Address: "EX1\\OAB\x1b[2J", Settings: []procedure.Setting{{Property: "OAuthAuthentication"}}}}})
	if strings.Contains(out.String(), "\x1b[2J") {
		t.Errorf("%q", out.String())
	}
}
