package shell

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hma/wire/psobject"
)

// picky is a server that refuses one of the objects it gets.
type picky struct {
	recorder
	refused string
}

func (p *picky) Invoke(_ context.Context, inv psobject.Invocation) (psobject.Result, error) {
	p.asked = append(p.asked, inv)
	var res psobject.Result
	for _, in := range inv.Input {
		if in.String("Identity") == p.refused {
			return res, &psobject.ErrorRecord{Message: "refused " + p.refused, Category: "InvalidOperation", Reason: "R", Cmdlet: inv.Cmdlet}
		}
		res.Output = append(res.Output, in)
	}
	return res, nil
}

func TestErrorActionOfAServersCmdlet(t *testing.T) {
	for action, want := range map[string]struct {
		out   string
		calls int
		shown bool
		ended bool
	}{
		"":                              {"a", 1, true, true},
		"-ErrorAction Stop":             {"a", 1, true, true},
		"-ErrorAction Continue":         {"a|c|1", 3, true, false},
		"-ErrorAction SilentlyContinue": {"a|c|1", 3, false, false},
		"-ErrorAction Ignore":           {"a|c|0", 3, false, false},
	} {
		p := &picky{refused: "b"}
		var out, errs strings.Builder
		err := Run(t.Context(), "'a','b','c' | Set-Thing "+action+" | % Identity; $Error.Count", Session{Client: p, Out: &out, Err: &errs})
		got := strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", "|")
		if got != want.out || len(p.asked) != want.calls || strings.Contains(errs.String(), "refused b") != want.shown || (err != nil) != want.ended {
			t.Errorf("%q: %q, %d calls, %q, %v", action, got, len(p.asked), errs.String(), err)
		}
	}
}

func TestManyObjectsGoInBatches(t *testing.T) {
	p := &picky{}
	var out strings.Builder
	if err := Run(t.Context(), "(1..2500 | Set-Thing).Count", Session{Client: p, Out: &out, Err: io.Discard}); err != nil || out.String() != "2500\n" || len(p.asked) != 3 {
		t.Errorf("%v, %q, %d calls", err, out.String(), len(p.asked))
	}
	p = &picky{}
	if err := Run(t.Context(), "1..2500 | Set-Thing | select -First 1 | Out-File "+filepath.Join(t.TempDir(), "x"), Session{Client: p, Out: &out, Err: io.Discard}); err != nil || len(p.asked) != 1 {
		t.Errorf("enough after the first: %v, %d calls", err, len(p.asked))
	}
}

func TestSessionKeepsVariables(t *testing.T) {
	var out strings.Builder
	s := &Session{Client: &recorder{}, Out: &out, Err: io.Discard}
	for _, text := range []string{"$x = { $_ / $y }", "$y = 2", "8 | % $x", "$nosuch[0]", "$Error.Count", "$y = 0", "8 | % $x"} {
		_ = s.Run(t.Context(), text)
	}
	if out.String() != "4\n1\n" {
		t.Errorf("got %q", out.String())
	}
	if !Incomplete("if ($x) {") || Incomplete("$x") || Incomplete(")") {
		t.Error("a prompt would not know when to ask for more")
	}
}

// TestPlaceOfABlockFromAnEarlierText: the error's line is the block's, not one of the text that runs it.
func TestPlaceOfABlockFromAnEarlierText(t *testing.T) {
	var errs strings.Builder
	s := &Session{Client: &recorder{}, Out: io.Discard, Err: &errs}
	_ = s.Run(t.Context(), "\n\n$f = { 1 / 0 }")
	_ = s.Run(t.Context(), "1 | % $f")
	if !strings.Contains(errs.String(), "At line:3 char:8\n+ $f = { 1 / 0 }\n+        ~~~~~\n") {
		t.Errorf("got %s", errs.String())
	}
}

func TestCancelled(t *testing.T) {
	for _, text := range []string{"foreach ($i in 1..100000) { $i }", "1..100000 | % { $_ }", "1 + 1 + 1", "1,2"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := Run(ctx, text, Session{Client: &recorder{}, Out: io.Discard, Err: io.Discard})
		if _, ok := errors.AsType[*Failure](err); ok || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// stopping cancels when it has written a little: the pipeline stops, and its file is closed.
type stopping struct {
	cancel context.CancelFunc
	n      int
}

func (s *stopping) Write(p []byte) (int, error) {
	if s.n += len(p); s.n > 100 {
		s.cancel()
	}
	return len(p), nil
}

func TestCancelledOnTheWay(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &stopping{cancel: cancel}
	err := Run(ctx, "1..1000000 | % { $_ }", Session{Client: &recorder{}, Out: out, Err: io.Discard})
	if !errors.Is(err, context.Canceled) || out.n > 200 {
		t.Errorf("%v after %d bytes", err, out.n)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	marked := write("marked", "\ufeffa\r\nb\r\n")
	for text, want := range map[string]string{
		"gc " + marked:                                                  "a|b",
		"(gc " + marked + " -Raw).Length":                               "4",
		"gc " + marked + " -TotalCount 1":                               "a",
		"gc " + marked + " -Tail 1":                                     "b",
		"gc " + dir + " -ea SilentlyContinue; $Error.Count":             "1",
		"'x' | Out-File " + marked + " -NoClobber -ea SilentlyContinue": "",
		"'x' | Out-File " + dir + "/n -NoClobber; 'y' | Out-File " + dir + "/n -Append; gc " + dir + "/n":          "x|y",
		"'a\tb' > " + dir + "/c; (gc " + dir + "/c) -eq \"a\tb\"":                                                  "True",
		"1 | select Nope > " + dir + "/d; (gc " + dir + "/d).Count":                                                "5",
		"'q' | Export-Csv " + dir + "/e; gc " + dir + "/e":                                                         `#TYPE System.String|"Length"|"1"`,
		"'{\"a\":\"x\\\"y\"}' | ConvertFrom-Json | Export-Csv " + dir + "/f -Delimiter ';' -NTI; gc " + dir + "/f": `"a"|"x""y"`,
		"1..3 | tee " + dir + "/g | select -First 1; 'over'":                                                       "1|over",
	} {
		out, _, err := run(t, &recorder{}, text)
		if got := strings.ReplaceAll(strings.TrimSpace(out), "\n", "|"); got != want || err != nil && want != "" {
			t.Errorf("%s: %q (%v)", text, got, err)
		}
	}
	data, err := os.ReadFile(marked)
	if err != nil || string(data) != "\ufeffa\r\nb\r\n" {
		t.Errorf("-NoClobber: %q, %v", data, err)
	}
}

func TestExit(t *testing.T) {
	for text, want := range map[string]Exit{"1; exit; 2": {}, "1; exit 3; 2": {3}, "1; if ($true) { exit (1 + 1) }; 2": {2}, "1; 1..3 | % { exit $_ }": {1}, "1; exit\n2": {}, "1; EXIT 255": {255}} {
		out, errs, err := run(t, &recorder{}, text)
		if err != want || out != "1\n" || errs != "" {
			t.Errorf("%s: %q, %q, %v", text, out, errs, err)
		}
	}
	for _, text := range []string{"exit 256", "exit -1", "exit 'x'"} {
		if _, errs, err := run(t, &recorder{}, text); !strings.Contains(errs, "An exit code is a whole number") {
			t.Errorf("%s: %q, %v", text, errs, err)
		}
	}
}
