// Package powershell has tree-sitter-powershell, a grammar that others made, read the scripts of a plan.
package powershell

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

const scripts = "../../../hybrid/procedure/script/testdata"

// The scripts of a plan with a step of each form are PowerShell to a grammar that knows nothing of them.
func TestScriptsParse(t *testing.T) {
	if os.Getenv("HMA_WITNESS") == "none" {
		t.Skip("HMA_WITNESS=none leaves out the tests that drive installed clients")
	}
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("node_modules/tree-sitter-powershell")
	}
	if err != nil {
		if os.Getenv("HMA_WITNESS") == "all" {
			t.Fatal(err)
		}
		t.Skip("tree-sitter-powershell is not installed (test/scripts/install.sh installs it): ", err)
	}
	dir := t.TempDir()
	// One process for all: the grammar takes seconds to load.
	args := []string{"parse.mjs"}
	wrong := map[string]bool{"apply.ps1": false, "undo.ps1": false, "broken.ps1": true}
	for name, broken := range wrong {
		text := []byte("if ($x -eq 'a {\n")
		if !broken {
			if text, err = os.ReadFile(filepath.Join(scripts, name)); err != nil {
				t.Fatal(err)
			}
		}
		// The grammar takes letters alone in a parameter's name; the how-to's own has a digit.
		text = bytes.ReplaceAll(text, []byte("-OAuth2ClientProfileEnabled"), []byte("-OAuthClientProfileEnabled"))
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, broken := range wrong {
		verdict := regexp.MustCompile(regexp.QuoteMeta(filepath.Join(dir, name)) + `: (\d+) nodes, (\d+) of them wrong\n`).FindSubmatch(out)
		if verdict == nil || len(verdict[1]) < 2 && !broken || (string(verdict[2]) != "0") != broken {
			t.Errorf("%s:\n%s", name, out)
		}
	}
}
