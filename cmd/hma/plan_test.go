package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/script"
	"hma/hybrid/target"
	"hma/internal/testenv"
	"hma/lab"
)

// A plan from collected files needs no lab, is not kept unless it is asked for, and is for the
// scripts alone.
func TestPlanSnapshot(t *testing.T) {
	collected, err := filepath.Abs(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	hma := func(want int, args ...string) (out, errs string) {
		t.Helper()
		var o, e strings.Builder
		if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &o, err: &e}); code != want {
			t.Fatalf("hma %v ends with %d, want %d:\n%s%s", args, code, want, o.String(), e.String())
		}
		return o.String(), e.String()
	}
	plan := func(organization string, args ...string) []string {
		files := []string{"plan"}
		for _, part := range []string{"exchange", "graph"} {
			files = append(files, "--snapshot", filepath.Join(collected, organization, part+".json"))
		}
		return append(files, args...)
	}
	shown, _ := hma(exitOK, plan("mixed-2016-2019", "--script", "out", "--out", "plan.json")...)
	if !strings.Contains(shown, "apply.ps1") || !strings.Contains(shown, "4 changes") {
		t.Errorf("plan says:\n%s", shown)
	}
	text, err := os.ReadFile(filepath.Join("out", script.ApplyFile))
	if err != nil || !strings.Contains(string(text), "# Organisation: Contoso\r\n") {
		t.Errorf("%v, the script begins with %.200q", err, text)
	}
	if _, line := hma(exitUsage, "apply", "plan.json"); !strings.Contains(line, "--script DIR") {
		t.Errorf("apply says %q", line)
	}
	shown, _ = hma(exitOK, plan("mixed-2016-2019", "--markdown")...)
	if !strings.Contains(shown, "undo.ps1") || strings.Contains(shown, "hma apply") {
		t.Errorf("the change board is told:\n%s", shown)
	}
	all, _ := hma(exitOK, plan("broken", "--json")...)
	part, _ := hma(exitOK, plan("broken", "--json", "--only", "mobile")...)
	var a, b procedure.Plan
	if err := json.Unmarshal([]byte(all), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(part), &b); err != nil {
		t.Fatal(err)
	}
	if len(a.Changes) <= len(b.Changes) || len(b.Changes) == 0 || b.Scope != procedure.ScopeMobile {
		t.Errorf("%d changes, for phones %d", len(a.Changes), len(b.Changes))
	}
	if _, line := hma(exitUsage, plan("broken", "--script", "out2")...); !strings.Contains(line, "blocked") {
		t.Errorf("a blocked plan's scripts: %q", line)
	}
	if _, line := hma(exitUnreachable, "plan", "--snapshot", filepath.Join(collected, "broken", "exchange.json")); !strings.Contains(line, "the Graph part") {
		t.Errorf("a missing part: %q", line)
	}
	if left, _ := filepath.Glob("*"); len(left) != 2 { // out, plan.json
		t.Errorf("the folder holds %v", left)
	}
}

// The scripts of a plan for collected files run on the lab that is loaded with the same files, to the
// end where nothing is left to change, and back.
func TestPlanSnapshotRehearsed(t *testing.T) {
	organization, err := filepath.Abs(filepath.Join(snapshots, "mixed-2016-2019"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := target.ReadSnapshot(snapshotFiles(t, "mixed-2016-2019", false)...)
	if err != nil {
		t.Fatal(err)
	}
	e := testenv.Start(t, lab.Options{Snapshot: &o})
	data := filepath.Dir(e.Endpoints.CA)
	t.Chdir(t.TempDir()) // the scripts' records
	hma := func(args ...string) string {
		t.Helper()
		var out, errs strings.Builder
		if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK {
			t.Fatalf("hma %v ends with %d:\n%s%s", args, code, out.String(), errs.String())
		}
		return out.String()
	}
	left := func() string {
		t.Helper()
		var plan procedure.Plan
		if err := json.Unmarshal([]byte(hma("plan", "--json", "--data", data)), &plan); err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, c := range plan.Changes {
			fmt.Fprintln(&all, c.Address, c.Settings)
		}
		return all.String()
	}
	// until waits for servers to run what the directory has.
	until := func(want string) {
		t.Helper()
		for range 100 {
			if left() == want {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Fatalf("left to change:\n%s\nnot:\n%s", left(), want)
	}
	before := left()
	if before == "" {
		t.Fatal("nothing is to be changed")
	}
	hma("plan", "--snapshot", filepath.Join(organization, "exchange.json"), "--snapshot", filepath.Join(organization, "graph.json"), "--script", ".")
	hma("shell", "--data", data, script.ApplyFile)
	until("")
	hma("shell", "--data", data, script.UndoFile)
	until(before)
}
