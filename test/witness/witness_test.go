package witness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// need skips the test when a program that it drives is not installed, and fails it in the gate.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getenv("HMA_WITNESS") == "none" {
		t.Skip("HMA_WITNESS=none leaves out the tests that drive installed clients")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing(t, p+" is not installed (test/scripts/install.sh installs it)")
		}
	}
}

// needPython does the same for a Python module of Debian's own interpreter.
func needPython(t *testing.T, module string) {
	t.Helper()
	need(t, python)
	if out, err := exec.Command(python, "-c", "import "+module).CombinedOutput(); err != nil {
		missing(t, "python3-"+module+" is not installed (test/scripts/install.sh installs it): "+lastLine(out))
	}
}

// python is Debian's interpreter, whose modules are Debian's packages.
const python = "/usr/bin/python3"

func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("HMA_WITNESS") == "all" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// script runs a client's script and returns its output lines. Its standard error is shown when it fails.
func script(t *testing.T, env map[string]string, name string, args ...string) []string {
	t.Helper()
	limit := 4 * time.Minute
	if os.Getenv("HMA_WITNESS_MESSAGES") != "" {
		limit = 3 * time.Hour // make soak
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = os.Environ()
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	begun := time.Now()
	err := cmd.Run()
	took(t, time.Since(begun), args)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), tail(errs.String(), 60))
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

// took adds a line to the file HMA_WITNESS_SECONDS: how long a script ran.
func took(t *testing.T, d time.Duration, args []string) {
	t.Helper()
	name := os.Getenv("HMA_WITNESS_SECONDS")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%7.1fs  %s\n", d.Seconds(), strings.Join(args, " ")); err != nil {
		t.Fatal(err)
	}
}

func lastLine(out []byte) string { return tail(strings.TrimSpace(string(out)), 1) }

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
