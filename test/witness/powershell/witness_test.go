// Package powershell has tree-sitter-powershell, a grammar that others made, read the scripts of a plan.
package powershell

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	broken := []byte("if ($x -eq 'a {\n")
	for name, whole := range map[string]bool{"apply.ps1": true, "undo.ps1": true, "broken.ps1": false} {
		text := broken
		if whole {
			if text, err = os.ReadFile(filepath.Join(scripts, name)); err != nil {
				t.Fatal(err)
			}
		}
		// The grammar takes letters alone in a parameter's name; the how-to's own has a digit.
		text = bytes.ReplaceAll(text, []byte("-OAuth2ClientProfileEnabled"), []byte("-OAuthClientProfileEnabled"))
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "node", "parse.mjs", file).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var nodes int
		if _, err := fmt.Sscanf(string(out), "parsed %d nodes\n", &nodes); (err == nil && nodes > 1) != whole {
			t.Errorf("%s:\n%s", name, out)
		}
	}
}
