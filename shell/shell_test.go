package shell

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// recorder is a server with two commands that keeps what it was asked.
type recorder struct {
	asked  []psobject.Invocation
	output []psobject.Object
	err    error
}

func (r *recorder) Commands(context.Context) ([]psobject.Command, error) {
	return []psobject.Command{
		{Name: "Get-Thing", Params: []psobject.Parameter{{Name: "Identity", Type: "string", Position: new(0), Pipeline: true}, {Name: "Force", Type: "switch"},
			{Name: "Filter", Type: "string", Aliases: []string{"Where"}}}},
		{Name: "Set-Thing", Params: []psobject.Parameter{{Name: "Identity", Type: "string", Position: new(0), Pipeline: true}, {Name: "On", Type: "bool"}, {Name: "Names", Type: "strings"}}},
	}, nil
}

func (r *recorder) Invoke(_ context.Context, inv psobject.Invocation) (psobject.Result, error) {
	r.asked = append(r.asked, inv)
	return psobject.Result{Output: r.output, Warnings: []string{"careful\x1b[31m"}}, r.err
}

func run(t *testing.T, r *recorder, text string) (string, string, error) {
	t.Helper()
	var out, errs strings.Builder
	err := Run(t.Context(), text, Session{Client: r, Out: &out, Err: &errs})
	return out.String(), errs.String(), err
}

func TestBinding(t *testing.T) {
	r := &recorder{}
	_, errs, err := run(t, r, `Get-Thing "a b" -fo -where x; set-thing -O $false -n 1,two 'c'; Get-Other -Any 1`)
	if err != nil {
		t.Fatal(err)
	}
	want := []psobject.Invocation{
		{Cmdlet: "Get-Thing", Parameters: []psobject.Property{{Name: "Force", Value: true}, {Name: "Filter", Value: "x"}, {Name: "Identity", Value: "a b"}}},
		{Cmdlet: "set-thing", Parameters: []psobject.Property{{Name: "On", Value: false}, {Name: "Names", Value: []string{"1", "two"}}, {Name: "Identity", Value: "c"}}},
		{Cmdlet: "Get-Other"}, // the server knows what to say about the name
	}
	if got, want := text2(r.asked), text2(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(errs, "\x1b") || !strings.HasPrefix(errs, "WARNING: careful?[31m\n") {
		t.Errorf("warnings %q", errs)
	}
	for text, want := range map[string]string{
		"Get-Thing -F x":             "may mean -Force or -Filter",
		"Get-Thing a b":              `takes no value "b" here`,
		"Get-Thing -Identity":        "a value is missing behind -Identity",
		"Get-Thing a -Identity b":    `takes no value "a" here`,
		"Set-Thing -On $true -On 1":  "more than once",
		"fl Name":                    "nothing comes to fl",
		"Get-Thing | fl | Set-Thing": "must be the last",
		"Get-Thing | fl -Nope":       "no parameter -Nope",
	} {
		r := &recorder{}
		_, errs, err := run(t, r, text)
		failure, ok := errors.AsType[*Failure](err)
		if !ok || failure.Pos.Line != 1 || !strings.Contains(errs, want) || len(r.asked) > 0 {
			t.Errorf("%s: %v, %q, %d invocations", text, err, errs, len(r.asked))
		}
	}
}

func text2(list []psobject.Invocation) string {
	var b strings.Builder
	for _, inv := range list {
		b.WriteString(inv.Cmdlet)
		for _, p := range inv.Parameters {
			b.WriteString(" " + p.Name + "=" + psobject.Text(p.Value))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestPipeline(t *testing.T) {
	r := &recorder{output: []psobject.Object{{Type: "T", Properties: []psobject.Property{{Name: "Identity", Value: "x"}}}}}
	if _, _, err := run(t, r, "Get-Thing | Set-Thing -On $true | ft"); err != nil || len(r.asked) != 2 || len(r.asked[1].Input) != 1 {
		t.Errorf("%v, asked %v", err, r.asked)
	}
	r = &recorder{}
	if out, _, err := run(t, r, "Get-Thing | Set-Thing -On $true | fl"); err != nil || len(r.asked) != 1 || out != "" {
		t.Errorf("an empty pipeline: %v, %d invocations, %q", err, len(r.asked), out)
	}
	r = &recorder{err: &psobject.ErrorRecord{Message: "no\x07", Category: "InvalidArgument", Reason: "R", Target: "x", Cmdlet: "Get-Thing"}}
	_, errs, err := run(t, r, "\n Get-Thing; Set-Thing")
	failure, ok := errors.AsType[*Failure](err)
	if !ok || failure.Pos != (parse.Pos{Line: 2, Column: 2}) || len(r.asked) != 1 {
		t.Errorf("an error: %v, %d invocations", err, len(r.asked))
	}
	if want := "Get-Thing : no?\nAt line:2 char:2\n+  Get-Thing; Set-Thing\n+  ~~~~~~~~~\n    + CategoryInfo          : InvalidArgument: (x:String) [Get-Thing], R\n    + FullyQualifiedErrorId : R,Get-Thing\n"; !strings.HasSuffix(errs, want) {
		t.Errorf("got %q", errs)
	}
}

var things = []psobject.Object{
	{Type: "T", Properties: []psobject.Property{{Name: "B", Value: "one"}, {Name: "AuthA", Value: []string{"x", "y"}}, {Name: "Count", Value: int64(5)},
		{Name: "AuthB", Value: nil}, {Name: "When", Value: time.Date(2026, 11, 23, 14, 5, 6, 0, time.UTC)}}},
	{Type: "T", Properties: []psobject.Property{{Name: "B", Value: "a\nb\x1b]0;x\x07"}, {Name: "AuthA", Value: []string{}}, {Name: "Count", Value: int64(1000)},
		{Name: "AuthB", Value: true}, {Name: "When", Value: nil}}},
}

func TestFormats(t *testing.T) {
	long := []psobject.Object{{Type: "T", Properties: []psobject.Property{{Name: "P", Value: strings.Split(strings.Repeat("a", 17), "")}}}}
	for _, test := range []struct {
		name    string
		objects []psobject.Object
		width   int
		text    string
		want    string
	}{
		{"list in the order asked", things[:1], 0, "Get-Thing | fl when,auth*,b,none",
			"\nWhen  : 11/23/2026 2:05:06 PM\nAuthA : {x, y}\nAuthB :\nB     : one\n\n"},
		{"list with lines and controls", things[1:], 0, "Get-Thing | fl B,AuthA",
			"\nB     : a\n        b?]0;x?\nAuthA : {}\n\n"},
		{"list that is folded", []psobject.Object{{Properties: []psobject.Property{{Name: "P", Value: "0123456789abcdef"}}}}, 14, "Get-Thing | fl",
			"\nP : 0123456789\n    abcdef\n\n"},
		{"list of nothing", things, 0, "Get-Thing | fl zzz", ""},
		{"table", things, 0, "Get-Thing | ft count,B,auth?",
			"\nCount B         AuthA  AuthB\n----- -         -----  -----\n    5 one       {x, y}\n 1000 a b?]0;x? {}     True\n\n"},
		{"narrow table", []psobject.Object{{Properties: []psobject.Property{{Name: "Name", Value: "a very long name"}, {Name: "On", Value: true}}}}, 15, "Get-Thing | ft",
			"\nName       On\n----       --\na very ... True\n\n"},
		{"long list", long, 0, "Get-Thing | fl", "\nP : {" + strings.Repeat("a, ", 15) + "a...}\n\n"},
		{"longer list", long, 0, "$FormatEnumerationLimit = 17; Get-Thing | fl", "\nP : {" + strings.Repeat("a, ", 16) + "a}\n\n"},
		{"no such column", things[:1], 0, "Get-Thing | ft b,nosuch", "\nB   nosuch\n-   ------\none\n\n"},
		{"no header", things[:1], 0, "Get-Thing | ft b -HideTableHeaders", "\none\n\n"},
		{"wrap", []psobject.Object{{Properties: []psobject.Property{{Name: "Name", Value: "a very long name"}, {Name: "On", Value: true}}}}, 15, "Get-Thing | ft -Wrap",
			"\nName       On\n----       --\na very lon True\ng name\n\n"},
	} {
		var out, errs strings.Builder
		err := Run(t.Context(), test.text, Session{Client: &recorder{output: test.objects}, Out: &out, Err: &errs, Width: test.width})
		if err != nil || out.String() != test.want {
			t.Errorf("%s:\ngot  %q (%v, %s)\nwant %q", test.name, out.String(), err, errs.String(), test.want)
		}
	}
}

func TestHelpDoesNothing(t *testing.T) {
	for _, text := range []string{"Set-Thing x -?", "Get-Thing -?", "1 | fl -?", "ft -?", "Out-File /nosuch/x -?"} {
		r := &recorder{}
		out, _, err := run(t, r, text)
		if err != nil || !strings.HasPrefix(out, "\nNAME\n    ") || len(r.asked) > 0 {
			t.Errorf("%s: %q, %v, %d invocations", text, out, err, len(r.asked))
		}
	}
}

func TestWild(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"*auth*", "iisauthenticationmethods", true}, {"auth*", "iisauth", false}, {"*", "", true}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"", "a", false}, {"*a*b*", "xxaxxbxx", true}, {"*a*b", "ab c", false}, {strings.Repeat("*a", 50), strings.Repeat("a", 49), false},
	} {
		if got := wild(test.pattern, test.name); got != test.want {
			t.Errorf("%q of %q: %v", test.pattern, test.name, got)
		}
	}
}

// failing is an output that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestOutputThatFails(t *testing.T) {
	err := Run(t.Context(), "Get-Thing | fl", Session{Client: &recorder{output: things}, Out: failing{}, Err: io.Discard})
	if _, ok := errors.AsType[*Failure](err); ok || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	_, errs, err := run(t, &recorder{err: io.ErrUnexpectedEOF}, "Get-Thing")
	if _, ok := errors.AsType[*Failure](err); ok || !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(errs, "line:1") {
		t.Errorf("a server that is gone: %v, %q", err, errs)
	}
}
