package deps

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// A rule says what the packages that match From may not import, or all that they may.
type rule struct {
	from   string   // pattern of package paths below the module, "/..." for a tree
	except []string // packages of the tree that the rule leaves out
	never  []string // patterns that must not be imported
	only   []string // patterns of this module's packages that alone may be imported
	why    string
}

var doors = []string{
	"exchange/autodiscover/...", "exchange/ews/...", "exchange/activesync/...", "exchange/mapihttp/...",
	"exchange/oab/...", "exchange/owa/...", "exchange/ecp/...",
}

var rules = []rule{
	{from: "entra/...", never: []string{"exchange/...", "hybrid/...", "lab/...", "internal/roles"},
		why: "the cloud half can be replaced by the real one only if nothing but the wire ties it to the other half"},
	{from: "exchange/...", never: []string{"entra/...", "hybrid/...", "lab/...", "internal/roles", "client/..."},
		why: "the on-premises half learns to trust the cloud as a real server does, and the procedure acts on it from outside"},
	{from: "hybrid/...", only: []string{"hybrid/...", "client/...", "wire/..."}, except: []string{"hybrid/report"},
		why: "the procedure must be able to judge an organisation that is not ours"},
	{from: "hybrid/report", only: []string{"hybrid/...", "client/...", "wire/...", "internal/page"},
		why: "the report looks as every page does, and judges as the procedure does"},
	{from: "shell/...", only: []string{"shell/...", "client/...", "wire/..."},
		why: "the shell is a client of the Admin API"},
	{from: "client/...", only: []string{"client/...", "wire/..."},
		why: "a client knows a half by its wire only"},
	{from: "wire/...", only: []string{"wire/..."}, never: []string{"net", "net/http", "os", "database/sql", "log/slog"},
		why: "what both sides of a wire must know is pure, so that both can use it and fuzzing is cheap"},
	{from: "exchange/store/...", never: []string{"exchange/org", "exchange/auth/...", "exchange/clientaccess", "exchange/transport"},
		why: "the store knows a mailbox by GUID and a person by SID, and nothing of configuration"},
	{from: "exchange/addressbook", never: doors, why: "several doors ask it; it asks no door"},
	{from: "exchange/calendar", never: doors, why: "several doors ask it; it asks no door"},
	{from: "exchange/transport", never: doors, why: "several doors ask it; it asks no door"},
	{from: "exchange/org", never: append([]string{"exchange/auth/...", "exchange/clientaccess", "exchange/cmdlet", "exchange/store/..."}, doors...),
		why: "configuration and recipients are at the bottom of the half"},
	{from: "exchange/auth/...", never: append([]string{"exchange/clientaccess", "exchange/cmdlet", "exchange/store/..."}, doors...),
		why: "the validator stands below the front end and knows no protocol"},
	{from: "exchange/clientaccess", never: doors, why: "the front end hands over to doors that the wiring gives it"},
}

// onlyImporters says who alone may import a package from outside the module.
var onlyImporters = map[string]string{
	"modernc.org/sqlite":             "internal/sqldb",
	"github.com/jackc/pgx/v5/stdlib": "internal/sqldb",
	"github.com/jackc/pgx/v5/pgconn": "internal/sqldb",
	"github.com/spf13/cobra":         "cmd/hma",
	"charm.land/lipgloss/v2":         "cmd/hma",
	"github.com/emersion/go-smtp":    "exchange/transport",
}

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "hma/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func match(pattern, name string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == tree || strings.HasPrefix(name, tree+"/")
	}
	return pattern == name
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, "hma/")
		for _, imported := range p.Imports {
			name, ours := strings.CutPrefix(imported, "hma/")
			for _, r := range rules {
				if !match(r.from, from) || matchAny(r.except, from) {
					continue
				}
				if matchAny(r.never, name) {
					t.Errorf("%s imports %s: %s", from, name, r.why)
				}
				if ours && r.only != nil && !matchAny(r.only, name) {
					t.Errorf("%s imports %s: %s", from, name, r.why)
				}
			}
			if matchAny(doors, from) && matchAny(doors, name) && door(from) != door(name) {
				t.Errorf("%s imports %s: doors never import each other; what they share lives below them", from, name)
			}
			if only := onlyImporters[imported]; only != "" && from != only {
				t.Errorf("%s imports %s: only %s may", from, imported, only)
			}
			if ours && strings.HasPrefix(name, "test/") {
				t.Errorf("%s imports %s: test code is for tests", from, name)
			}
		}
	}
}

// door returns the top folder of a door: exchange/ews for exchange/ews/x.
func door(name string) string {
	parts := strings.SplitN(name, "/", 3)
	return path.Join(parts[:2]...)
}

// TestHalves holds the stronger rule for tests too: not even a half's tests see the other half.
func TestHalves(t *testing.T) {
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, "hma/")
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			name := strings.TrimPrefix(imported, "hma/")
			if match("entra/...", from) && match("exchange/...", name) || match("exchange/...", from) && match("entra/...", name) {
				t.Errorf("the tests of %s import %s: the halves meet only in lab, internal/roles and internal/testenv", from, name)
			}
		}
	}
}
