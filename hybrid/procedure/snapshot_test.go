package procedure

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

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
			golden := filepath.Join(dir, "expected.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("the check says:\n%s", got.String())
			}
		})
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

// counted counts the findings and their evidence by rule and severity.
func counted(r *Report) map[string]int {
	n := map[string]int{}
	for _, f := range r.Findings {
		n[string(f.Severity)+" "+f.Rule] += 1 + len(f.Evidence)
	}
	return n
}
