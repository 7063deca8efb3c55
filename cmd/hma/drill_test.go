package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hma/hybrid/procedure"
	"hma/lab"
)

// TestKillDrill kills hma apply, and hma rollback, when its journal has n lines:
// the run is then resumed to the end, or rolled back to what was there before.
// HMA_DRILL=all kills it at every line.
func TestKillDrill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l, err := lab.Start(t.Context(), lab.Options{Dir: t.TempDir(), FreePorts: true, Messages: 5})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(l); err != nil {
			t.Error(err)
		}
	})
	d := drill{t: t, dir: filepath.Dir(l.Endpoints.CA)}
	before := d.organisation()
	// The journal of a run that nobody disturbs says how many lines there are.
	d.run(exitOK, "plan")
	d.run(exitOK, "apply", "--yes")
	whole := d.lines()
	d.run(exitOK, "rollback", "--yes", d.newest().ID)
	d.same(before)

	points := []int{1, 2 + whole/4, whole / 2, whole - 3}
	if os.Getenv("HMA_DRILL") == "all" {
		points = nil
		for n := range whole {
			points = append(points, n+1)
		}
	}
	for i, n := range points {
		t.Logf("killed when the journal has %d of %d lines", n, whole)
		d.run(exitOK, "plan")
		runs := len(d.history().Runs)
		d.kill(func() bool { return len(d.history().Runs) > runs && d.lines() >= n }, "apply", "--yes")
		id := d.newest().ID
		if i%2 == 1 {
			d.run(exitOK, "rollback", "--yes", id)
			d.same(before)
			continue
		}
		if d.newest().Unfinished() {
			d.run(exitOK, "apply", "--yes")
		}
		if r := d.newest(); r.ID != id || r.Outcome != procedure.OutcomeApplied {
			t.Fatalf("run %s was killed; after hma apply the newest is %s, %s", id, r.ID, r.Outcome)
		}
		d.run(exitOK, "verify")
		d.run(exitOK, "check")
		// The way back is killed too, first of a part: one server's OWA and ECP.
		if i == 0 {
			lines := d.lines()
			part := []string{"rollback", "--yes", "--change", "10-13", id}
			d.kill(func() bool { return d.lines() >= lines+n+3 }, part...)
			d.run(exitOK, part...)
			if r := d.newest(); r.ID != id || r.Outcome != procedure.OutcomeRolledBackInPart {
				t.Fatalf("run %s was rolled back in part; the newest is %s, %s", id, r.ID, r.Outcome)
			}
		}
		lines := d.lines()
		d.kill(func() bool { return d.lines() >= lines+n }, "rollback", "--yes", id)
		d.run(exitOK, "rollback", "--yes", id)
		d.same(before)
	}
}

// TestTwoProcesses holds that of two operators at once the first one's run is the only one: the second
// is told who holds the lock, and may go on with it at once when the first is killed.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l, err := lab.Start(t.Context(), lab.Options{Dir: t.TempDir(), FreePorts: true, Messages: 5})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(l); err != nil {
			t.Error(err)
		}
	})
	d := drill{t: t, dir: filepath.Dir(l.Endpoints.CA)}
	before := d.organisation()
	for _, killed := range []bool{false, true} {
		first, runs := d.stand()
		id, lines := d.newest().ID, d.lines()
		for _, second := range [][]string{{"apply", "--yes", "--json"}, {"rollback", "--yes", "--json", id}} {
			var refused struct{ Error string }
			if err := json.Unmarshal(d.run(exitUnreachable, second...), &refused); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(refused.Error, operator()) {
				t.Errorf("hma %s does not say who holds the lock: %s", second[0], refused.Error)
			}
		}
		if d.lines() != lines || len(d.history().Runs) != runs+1 {
			t.Error("the second operator wrote a journal")
		}
		end := syscall.SIGCONT
		if killed {
			end = syscall.SIGKILL
		}
		if err := first.Process.Signal(end); err != nil {
			t.Fatal(err)
		}
		if err := first.Wait(); err != nil && !killed {
			t.Fatal(err)
		}
		if killed {
			d.run(exitOK, "apply", "--yes") // at once
		}
		if r := d.newest(); r.ID != id || r.Outcome != procedure.OutcomeApplied {
			t.Fatalf("run %s ended as %s, %s", id, r.ID, r.Outcome)
		}
		d.run(exitOK, "verify")
		d.run(exitOK, "rollback", "--yes", id)
		d.same(before)
	}
}

// stand begins hma apply and stops it in the middle, where it stands still with the lock. runs is how many there were before.
func (d drill) stand() (first *exec.Cmd, runs int) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		d.run(exitOK, "plan")
		runs = len(d.history().Runs)
		first = exec.CommandContext(d.t.Context(), "hma", "apply", "--yes", "--data", d.dir)
		if err := first.Start(); err != nil {
			d.t.Fatal(err)
		}
		for len(d.history().Runs) == runs {
			if time.Now().After(deadline) {
				d.t.Fatal("the first operator's run does not begin")
			}
			time.Sleep(time.Millisecond)
		}
		// An error is that it has ended.
		if err := first.Process.Signal(syscall.SIGSTOP); err == nil && d.newest().Unfinished() {
			return first, runs
		}
		_ = first.Process.Signal(syscall.SIGCONT)
		if err := first.Wait(); err != nil {
			d.t.Fatal(err)
		}
		d.run(exitOK, "rollback", "--yes", d.newest().ID) // it was faster
	}
}

type drill struct {
	t   *testing.T
	dir string
}

// run runs hma as a process of its own and returns what it printed.
func (d drill) run(want int, args ...string) []byte {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "hma", append(args, "--data", d.dir)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	got := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	if got != want {
		d.t.Fatalf("hma %s exits %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
	}
	return out.Bytes()
}

// kill runs hma and kills it, not to be caught, as soon as the condition holds.
// One that was faster has ended well.
func (d drill) kill(now func() bool, args ...string) {
	d.t.Helper()
	ctx, kill := context.WithTimeout(d.t.Context(), patience)
	defer kill()
	cmd := exec.CommandContext(ctx, "hma", append(args, "--data", d.dir)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for tick := time.Tick(500 * time.Microsecond); ; {
		select {
		case err := <-ended:
			if err != nil {
				d.t.Fatalf("hma %s: %v\n%s", strings.Join(args, " "), err, out.String())
			}
			return
		case <-tick:
			if now() {
				kill()
				<-ended
				return
			}
		}
	}
}

// history reads the journals as another process finds them at this moment.
func (d drill) history() *procedure.History {
	d.t.Helper()
	p, err := procedure.New(procedure.Options{Dir: d.dir, Now: now})
	if err != nil {
		d.t.Fatal(err)
	}
	h, err := p.History()
	if err != nil {
		d.t.Fatal(err)
	}
	return h
}

func (d drill) newest() *procedure.Run {
	d.t.Helper()
	h := d.history()
	if len(h.Runs) == 0 {
		d.t.Fatal("no run")
	}
	return &h.Runs[0]
}

// lines is how many lines the newest journal has.
func (d drill) lines() int {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "journal", d.newest().ID+".jsonl"))
	if err != nil {
		d.t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}

// organisation is everything that the procedure reads of the organisation and
// its tenant (its hash), and the objects that it changes as the shell shows them.
func (d drill) organisation() string {
	d.t.Helper()
	var report procedure.Report
	if err := json.Unmarshal(d.run(exitFound, "check", "--json"), &report); err != nil {
		d.t.Fatal(err)
	}
	script := "Get-OrganizationConfig | fl; Get-AuthServer | fl; Get-ClientAccessService | fl;"
	for _, kind := range []string{"Autodiscover", "WebServices", "Mapi", "ActiveSync", "Oab", "Owa", "Ecp"} {
		script += fmt.Sprintf("Get-%sVirtualDirectory | fl; Get-%[1]sVirtualDirectory -ADPropertiesOnly | fl;", kind)
	}
	var text strings.Builder
	fmt.Fprintln(&text, report.Snapshot)
	for line := range strings.Lines(string(d.run(exitOK, "shell", "-c", script))) {
		if !strings.HasPrefix(line, "WhenChanged") {
			text.WriteString(line)
		}
	}
	return text.String()
}

func (d drill) same(before string) {
	d.t.Helper()
	after := d.organisation()
	if before == after {
		return
	}
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			d.t.Fatalf("after the way back line %d is\n%s\nand was\n%s", i+1, is[i], was[i])
		}
	}
	d.t.Fatalf("after the way back there are %d lines, before %d", len(is), len(was))
}
