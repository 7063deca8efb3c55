package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"hma/lab"
)

// TestConsole types into hma shell at a terminal.
func TestConsole(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l, err := lab.Start(t.Context(), lab.Options{Dir: t.TempDir(), FreePorts: true, Healthy: true, Messages: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(l); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Dir(l.Endpoints.CA)
	c := newTerminal(t, dir)
	c.await(prompt)

	// Completion: the cmdlet, its parameter, and the server, which the organisation names.
	c.typed("Get-MapiV\t -Ser\t E\t | fl server,*oauth*,name\r")
	c.await("Server : EX1\nName   : mapi (Default Web Site)\n", prompt)
	// A text over several lines.
	c.typed("if ($true) {\r'on ' + 'two lines'\r}\r")
	c.await("on two lines\n", prompt)
	// An error ends neither the shell nor what it knows.
	c.typed("$x = 41; Get-AuthServer nosuch\r")
	c.await("couldn't be found", "FullyQualifiedErrorId", prompt)
	c.typed("$x + 1\r")
	c.await("\n42\n", prompt)
	// Ctrl-C stops what runs, clears the line, and leaves a question.
	c.typed("'begun'; foreach ($i in 1..1000000) { 1..100 | where { $_ -lt 0 } }\r")
	c.await("\nbegun\n")
	c.typed("\x03")
	c.await(prompt)
	c.typed("this is given up\x03")
	c.await("^C", prompt)
	c.typed("Remove-AuthServer\r")
	c.await("cmdlet Remove-AuthServer at command pipeline position 1", "Identity: ")
	c.typed("\x03")
	c.await(prompt)
	// Questions.
	c.typed("Get-AuthServer | where Name -like EvoSts* | Remove-AuthServer\r")
	c.await("Are you sure you want to perform this action?\n", `Performing the operation "Remove-AuthServer" on target "EvoSts - `, `(default is "Y"): `)
	c.typed("n\r")
	c.await(prompt)
	c.typed("@(Get-AuthServer | where Name -like EvoSts*).Count\r")
	c.await("\n1\n", prompt)
	// History: the last text comes back; a secret is not kept.
	c.typed("ConvertTo-SecureString geheim\r")
	c.await("FullyQualifiedErrorId", prompt)
	c.typed("\x1b[A\x1b[A + 'again'\r")
	c.await("again", prompt)
	c.typed("exit 7\r")
	if code := c.ended(); code != 7 {
		t.Errorf("exit 7 ended with %d", code)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "shell_history"))
	if err != nil || !strings.Contains(string(kept), `"if ($true) {\n'on ' + 'two lines'\n}"`+"\n") || strings.Contains(string(kept), "geheim") {
		t.Errorf("history, %v:\n%s", err, kept)
	}
	if info, err := os.Stat(filepath.Join(dir, "shell_history")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("history: %v, %v", info, err)
	}

	// The next shell remembers, and Ctrl-D leaves it.
	c = newTerminal(t, dir)
	c.await(prompt)
	c.typed("\x1b[A\x1b[A\x1b[A\x03")
	c.await("EvoSts*", prompt)
	c.typed("\x04")
	if code := c.ended(); code != 0 {
		t.Errorf("Ctrl-D ended with %d", code)
	}
}

// terminal is hma shell at a pseudo-terminal.
type terminal struct {
	t   *testing.T
	cmd *exec.Cmd
	tty *os.File

	mu   sync.Mutex
	seen string // what was shown since the last await, without its control sequences
}

var sequences = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>]|\r`)

func newTerminal(t *testing.T, dir string) *terminal {
	t.Helper()
	c := &terminal{t: t, cmd: exec.CommandContext(t.Context(), "hma", "shell", "--data", dir)}
	c.cmd.Env = append(os.Environ(), "TERM=xterm", "INPUTRC=/dev/null")
	tty, err := pty.StartWithSize(c.cmd, &pty.Winsize{Rows: 30, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	c.tty = tty
	t.Cleanup(func() { tty.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := tty.Read(buffer)
			if err != nil {
				return
			}
			text := string(buffer[:n])
			if strings.Contains(text, "\x1b[6n") { // it asks where the cursor is
				_, _ = tty.WriteString("\x1b[1;1R")
			}
			c.mu.Lock()
			c.seen += text
			c.mu.Unlock()
		}
	}()
	return c
}

// typed types keys, each when the one before was taken.
func (c *terminal) typed(keys string) {
	c.t.Helper()
	if _, err := c.tty.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// await waits until the texts were shown one after the other, and forgets what was shown.
func (c *terminal) await(texts ...string) {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		rest := sequences.ReplaceAllString(c.seen, "")
		found := true
		for _, text := range texts {
			var ok bool
			_, rest, ok = strings.Cut(rest, text)
			found = found && ok
		}
		if found {
			c.seen = ""
		}
		shown := c.seen
		c.mu.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("waiting for %q, shown was %q", texts, shown)
		}
	}
}

// ended waits for the end of the process and returns its exit code.
func (c *terminal) ended() int {
	_ = c.cmd.Wait() // the exit code says it
	return c.cmd.ProcessState.ExitCode()
}
