package main

import (
	"fmt"
	"io"
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
	"hma/shell"
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
	c := sitDown(t, dir)
	c.await(prompt)

	// Completion: the cmdlet, its parameter, and the server, which the organisation names.
	c.typed("Get-MapiV\t -Ser\t E\t\t | fl server,*oauth*,name\r")
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
	if err != nil || !strings.Contains(string(kept), "\"'on ' + 'two lines'\"\n") || strings.Contains(string(kept), "geheim") {
		t.Errorf("history, %v:\n%s", err, kept)
	}
	if info, err := os.Stat(filepath.Join(dir, "shell_history")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("history: %v, %v", info, err)
	}

	// The next shell remembers, and Ctrl-D leaves it.
	c = sitDown(t, dir)
	c.await(prompt)
	c.typed("\x1b[A\x1b[A\x1b[A\x03")
	c.await("EvoSts*", prompt)
	c.typed("\x04")
	if code := c.ended(); code != 0 {
		t.Errorf("Ctrl-D ended with %d", code)
	}
}

func TestCompleter(t *testing.T) {
	names := []shell.Candidate{{Text: "'EX1 a'", Shown: "EX1 a"}, {Text: "'EX2 b'", Shown: "EX2 b"}}
	for _, test := range []struct {
		list []shell.Candidate
		keys string // typed behind "x E"; a tab each
		want string
	}{
		{names, "\t", "x 'EX|.t"}, {names, "\t\t", "x 'EX1 a'|.t"}, {names, "\t\t\t", "x 'EX2 b'|.t"}, {names, "\t\t\t\t", "x 'EX1 a'|.t"}, {names[:1], "\t", "x 'EX1 a'|.t"}, {nil, "\t", "x E|.t"},
		{[]shell.Candidate{{Text: "é1"}, {Text: "è2"}}, "\t", "x E|.t"},
	} {
		c := &completer{out: io.Discard, width: func() int { return 80 }, complete: func(text string) (int, []shell.Candidate) { return strings.LastIndexByte(text, ' ') + 1, test.list }, before: "first\n"}
		line, pos := "x E.t", 3
		for _, key := range test.keys {
			line, pos, _ = c.key(line, pos, key)
		}
		if got := line[:pos] + "|" + line[pos:]; got != test.want {
			t.Errorf("%q with %d: %s, want %s", test.keys, len(test.list), got, test.want)
		}
	}
	c := &completer{complete: func(string) (int, []shell.Candidate) { return 0, names }}
	if _, _, ok := c.key("abc", 3, 'd'); ok {
		t.Error("a letter is no tab")
	}
}

func TestMenu(t *testing.T) {
	noted := []shell.Candidate{{Shown: "Get-A", Note: "Shows it."}, {Shown: "Get-Long", Note: "Shows what is long, in words."}}
	many := make([]shell.Candidate, 100)
	for i := range many {
		many[i] = shell.Candidate{Shown: fmt.Sprint("item", i), Note: "x"}
	}
	for _, test := range []struct {
		list  []shell.Candidate
		width int
		want  string
	}{
		{noted, 30, "Get-A     Shows it.\nGet-Long  Shows what is lo...\n"},
		{[]shell.Candidate{{Shown: "EX1"}, {Shown: "EX2"}, {Shown: "EX3"}}, 10, "EX1  EX3\nEX2\n"},
		{many[:21], 40, "item0   item5   item10  item15  item20\nitem1   item6   item11  item16\nitem2   item7   item12  item17\nitem3   item8   item13  item18\nitem4   item9   item14  item19\n"},
	} {
		if got := menu(test.list, test.width); got != test.want {
			t.Errorf("%d: %q, want %q", len(test.list), got, test.want)
		}
	}
	if got := menu(many, 8); strings.Count(got, "\n") != 21 || !strings.HasSuffix(got, "and 80 more\n") {
		t.Errorf("%q", got)
	}
}

// sitting is hma shell at a pseudo-terminal.
type sitting struct {
	t   *testing.T
	cmd *exec.Cmd
	tty *os.File

	mu   sync.Mutex
	seen string // what was shown since the last await, without its control sequences
}

var sequences = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>]|\r`)

func sitDown(t *testing.T, dir string) *sitting {
	t.Helper()
	c := &sitting{t: t, cmd: exec.CommandContext(t.Context(), "hma", "shell", "--data", dir)}
	c.cmd.Env = append(os.Environ(), "TERM=xterm")
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
			c.mu.Lock()
			c.seen += string(buffer[:n])
			c.mu.Unlock()
		}
	}()
	return c
}

// typed types keys, each when the one before was taken.
func (c *sitting) typed(keys string) {
	c.t.Helper()
	if _, err := c.tty.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// await waits until the texts were shown one after the other, and forgets what was shown.
func (c *sitting) await(texts ...string) {
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
func (c *sitting) ended() int {
	timer := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	_ = c.cmd.Wait() // the exit code says it
	return c.cmd.ProcessState.ExitCode()
}
