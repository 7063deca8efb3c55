package procedure

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
)

// snapshots has one folder an organisation: what the scripts of hma collect wrote about a lab of
// that kind, changed by hand: the addresses of the real cloud, faults, and what other versions
// of ConvertTo-Json write. expected.txt is what a check finds.
const snapshots = "testdata/snapshots"

// TestSnapshots judges the collected organisations. Each has another form of the same values:
// what is broken is found, and what the enabled ones have is no finding.
func TestSnapshots(t *testing.T) {
	folders, err := os.ReadDir(snapshots)
	if err != nil || len(folders) < 6 {
		t.Fatal(folders, err)
	}
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			dir := filepath.Join(snapshots, folder.Name())
			names, err := filepath.Glob(filepath.Join(dir, "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			var files, hidden []io.Reader
			for _, name := range names {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, bytes.NewReader(text))
				other, err := target.Pseudonyms(bytes.NewReader(text), []byte("key"))
				if err != nil {
					t.Fatal(err)
				}
				if told := original.FindAll(other, -1); told != nil {
					t.Errorf("%s with pseudonyms tells %q", name, told)
				}
				hidden = append(hidden, bytes.NewReader(other))
			}
			planned(t, dir, names)
			report := judged(t, files)
			if a, b := counted(report), counted(judged(t, hidden)); !reflect.DeepEqual(a, b) {
				t.Errorf("findings: %v\nwith pseudonyms: %v", a, b)
			}
			var got strings.Builder
			for _, f := range report.Findings {
				if f.Severity == rule.Note {
					continue
				}
				fmt.Fprintf(&got, "%s [%s] %s\n", f.Severity, f.Rule, f.Summary)
				for _, e := range f.Evidence {
					fmt.Fprintf(&got, "    %s %s: %s\n", e.Object, e.Property, e.Found)
				}
			}
			text(t, filepath.Join(dir, "expected.txt"), got.String())
		})
	}
}

// text holds what was found against a golden file.
func text(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s", golden, got)
	}
}

// original are the names of the organisations, their servers and their people.
var original = regexp.MustCompile(`(?i)contoso|fabrikam|\bEX[12]\b|alice|bjorn|bj\x{00f6}rn|chen\b|dana\b|ines\b|administrator@`)

func judged(t *testing.T, files []io.Reader) *Report {
	t.Helper()
	o, err := target.ReadSnapshot(files...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Target: o, Now: func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	report, err := p.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// planned holds the plan of an organisation against plan.txt. It is all for the scripts: a target that
// cannot be written to has nothing to apply.
func planned(t *testing.T, dir string, names []string) {
	t.Helper()
	var files []io.Reader
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, bytes.NewReader(text))
	}
	o, err := target.ReadSnapshot(files...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Target: o, Now: func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.MakePlan(t.Context(), Choices{})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	fmt.Fprintf(&got, "%s, from %s\n", plan.Organization, strings.Join(plan.Collected, " and "))
	for _, f := range plan.Blocked {
		fmt.Fprintf(&got, "blocked [%s] %s\n", f.Rule, f.Summary)
	}
	for _, c := range plan.Changes {
		fmt.Fprintf(&got, "%d %s %s\n", c.Number, c.Action.Symbol(), c.Address)
		for _, s := range c.Settings {
			fmt.Fprintf(&got, "    %s: %s -> %s\n", s.Property, s.Before, s.After)
		}
	}
	text(t, filepath.Join(dir, "plan.txt"), got.String())
	if len(plan.Changes) > 0 {
		if run, err := p.Apply(t.Context(), plan); !errors.Is(err, ErrCollected) {
			t.Errorf("apply: %v, %v, want ErrCollected", run, err)
		}
	}
	for _, scope := range Scopes {
		part, err := p.MakePlan(t.Context(), Choices{Scope: scope})
		if err != nil || part.Snapshot != plan.Snapshot || len(part.Changes) > len(plan.Changes) {
			t.Errorf("for %s: %d changes, %v", scope, len(part.Changes), err)
		}
	}
}

// TestMissingParts: a plan is made from whole snapshots alone, and says what is missing.
func TestMissingParts(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"no Graph part":        {[]string{"fresh-2019/exchange.json"}, ": the Graph part is missing"},
		"no Exchange part":     {[]string{"fresh-2019/graph.json"}, ": the Exchange part is missing"},
		"one tenant of two":    {[]string{"multi-tenant/exchange.json", "multi-tenant/graph-contoso.json"}, ": the Graph part of "},
		"a section is missing": {[]string{"broken/exchange.json", "fresh-2019/graph.json"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var files []io.Reader
			for _, f := range c.files {
				text, err := os.ReadFile(filepath.Join(snapshots, f))
				if err != nil {
					t.Fatal(err)
				}
				if c.want == "" {
					text = bytes.Replace(text, []byte("Get-AuthServer"), []byte("Get-Other"), 1)
				}
				files = append(files, bytes.NewReader(text))
			}
			o, err := target.ReadSnapshot(files...)
			if err != nil {
				t.Fatal(err)
			}
			p, err := New(Options{Target: o, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.MakePlan(t.Context(), Choices{})
			if !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), cmp.Or(c.want, "(Get-AuthServer): not in the snapshot")) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// counted counts the findings and their evidence by rule and severity.
func counted(r *Report) map[string]int {
	n := map[string]int{}
	for _, f := range r.Findings {
		n[string(f.Severity)+" "+f.Rule] += 1 + len(f.Evidence)
	}
	return n
}

// What of a plan can be applied is what was not read from collected files, numbered anew.
func TestApplicable(t *testing.T) {
	plan := func(collected ...string) *Plan {
		p := &Plan{Version: PlanVersion, ID: "x", Snapshot: "y", Collected: collected, Losses: []rule.Loss{{Person: "root"}}}
		for i, cmdlet := range []string{"", "Set-AuthServer", "Set-OrganizationConfig", ""} {
			c := Change{Number: i + 1, Cmdlet: cmdlet, Identity: "i", ObjectID: "o", Action: ActionAdd, Settings: []Setting{{desired.ReplyURLs, Value{[]string{}}, Value{[]string{"https://mail.contoso.com/owa"}}}}}
			switch cmdlet {
			case "Set-AuthServer":
				c.Settings = []Setting{{"IsDefaultAuthorizationEndpoint", Value{false}, Value{true}}}
			case "Set-OrganizationConfig":
				c.Settings = []Setting{{"OAuth2ClientProfileEnabled", Value{false}, Value{true}}}
			}
			p.Changes = append(p.Changes, c)
		}
		return p
	}
	for name, c := range map[string]struct {
		collected []string
		cmdlets   []string
	}{
		"asked itself":       {nil, []string{"", "Set-AuthServer", "Set-OrganizationConfig", ""}},
		"tenants asked":      {[]string{target.PartExchange}, []string{"", ""}},
		"organisation asked": {[]string{target.PartGraph}, []string{"Set-AuthServer", "Set-OrganizationConfig"}},
		"from files":         {[]string{target.PartExchange, target.PartGraph}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			whole := plan(c.collected...)
			part, err := whole.Applicable()
			if c.cmdlets == nil {
				if !errors.Is(err, ErrCollected) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || len(whole.Changes) != 4 {
				t.Fatal(err)
			}
			var cmdlets []string
			for _, change := range part.Changes {
				cmdlets = append(cmdlets, change.Cmdlet)
			}
			if !slices.Equal(cmdlets, c.cmdlets) {
				t.Errorf("got %q", cmdlets)
			}
			if loses := part.Losses != nil; loses != slices.Contains(cmdlets, "Set-AuthServer") {
				t.Errorf("somebody loses: %t", loses)
			}
			data, err := json.Marshal(part)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParsePlan(data); err != nil {
				t.Errorf("no plan: %v", err)
			}
		})
	}
	if part, err := (&Plan{Collected: []string{target.PartExchange}}).Applicable(); err != nil || part.Changes != nil {
		t.Errorf("nothing to change: %v", err)
	}
}
