package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hma/lab"
)

// TestPlanScripts holds that the scripts of a plan, run by the management shell, leave the very
// organisation that hma apply leaves, change nothing the second time, and restore the first state.
func TestPlanScripts(t *testing.T) {
	t.Parallel()
	bin := program(t)
	for name, tenants := range map[string]int{"one tenant": 1, "two tenants": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, scripts := t.TempDir(), t.TempDir()
			run := func(data string, args ...string) string {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), bin, append(args, "--data", data)...)
				cmd.Dir = scripts
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("hma %s: %v\n%s", strings.Join(args, " "), err, out)
				}
				return string(out)
			}
			e := Start(t, lab.Options{Dir: data, Messages: 5, Tenants: tenants})
			before := describe(t, e)
			run(data, "plan", "--script", ".")
			first := run(data, "shell", "apply.ps1")
			done := strings.Count(first, ": done")
			if done == 0 || strings.Contains(first, "already") {
				t.Errorf("the first time:\n%s", first)
			}
			run(data, "verify")
			want := describe(t, e)
			if tenants == 1 { // the AuthServers of several have no order that two labs share
				dir := t.TempDir()
				applied := Start(t, lab.Options{Dir: dir, Messages: 5})
				run(dir, "enable", "--yes")
				settled(t, "after apply.ps1", describe(t, applied), e)
			}

			second := run(data, "shell", "apply.ps1")
			if strings.Contains(second, ": done") || strings.Count(second, "is as wanted already") != done {
				t.Errorf("the second time:\n%s", second)
			}
			settled(t, "after apply.ps1 again", want, e)
			if back := run(data, "shell", "undo.ps1"); strings.Count(back, ": restored") != done {
				t.Errorf("not everything was restored:\n%s", back)
			}
			settled(t, "after undo.ps1", before, e)

			records, err := filepath.Glob(filepath.Join(scripts, "hma-*"))
			if err != nil || len(records) != done {
				t.Errorf("%d records (%v) of %d changes", len(records), err, done)
			}
			for _, r := range records {
				if err := os.Remove(r); err != nil {
					t.Fatal(err)
				}
			}
			if back := run(data, "shell", "undo.ps1"); strings.Contains(back, ": restored") {
				t.Errorf("restored what is not recorded:\n%s", back)
			}
			settled(t, "after undo.ps1 without records", before, e)
		})
	}
}

// settled waits until the organisation is as it should be: a server takes a change up after a moment.
func settled(t *testing.T, when string, want map[string]string, e *Env) {
	t.Helper()
	var left []string
	for range 50 {
		if left = differences(want, describe(t, e)); len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, difference := range left {
		t.Errorf("%s: %s", when, difference)
	}
}
