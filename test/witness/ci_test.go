package witness

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCIPage runs the blocks of doc/ci.md as they stand, with hma on the PATH and nothing else prepared.
func TestCIPage(t *testing.T) {
	need(t, "go", "curl", "jq", "pytest-3")
	page, err := os.ReadFile("../../doc/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "hma"), "hma/cmd/hma").CombinedOutput(); err != nil {
		t.Fatalf("build hma: %v\n%s", err, out)
	}
	path := bin + string(os.PathListSeparator) + os.Getenv("PATH")

	blocks := codeBlocks(string(page))
	if len(blocks["sh"]) != 1 || len(blocks["python"]) != 1 {
		t.Fatalf("doc/ci.md has %d sh and %d python blocks, want one of each", len(blocks["sh"]), len(blocks["python"]))
	}
	t.Run("shell", func(t *testing.T) {
		out := runBlock(t, path, "sh", "-c", blocks["sh"][0])
		if n := strings.Count(out, "<t:Subject>"); n != 5 {
			t.Errorf("%d subjects, want the 5 that the block asks for:\n%s", n, out)
		}
	})
	t.Run("pytest", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "test_ci.py")
		if err := os.WriteFile(file, []byte(blocks["python"][0]), 0o644); err != nil {
			t.Fatal(err)
		}
		out := runBlock(t, path, "pytest-3", "-q", "-p", "no:cacheprovider", file)
		if !strings.Contains(out, "1 passed") {
			t.Errorf("pytest says\n%s", out)
		}
	})
}

// codeBlocks returns the fenced blocks of a page by language.
func codeBlocks(page string) map[string][]string {
	blocks := map[string][]string{}
	language := ""
	var block strings.Builder
	for line := range strings.Lines(page) {
		switch mark, fenced := strings.CutPrefix(line, "```"); {
		case fenced && language == "":
			language = strings.TrimSpace(mark)
			block.Reset()
		case fenced:
			blocks[language] = append(blocks[language], block.String())
			language = ""
		case language != "":
			block.WriteString(line)
		}
	}
	return blocks
}

// runBlock runs a block in an empty folder and returns what it prints. What the
// block leaves running ends with the test.
func runBlock(t *testing.T, path, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+path, "NO_PROXY=*", "no_proxy=*")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, tail(string(out), 60))
	}
	return string(out)
}
