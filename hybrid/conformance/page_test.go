package conformance

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"hma/hybrid/procedure/rule"
)

var update = flag.Bool("update", false, "rewrite doc/conformance.md")

// TestPage holds doc/conformance.md to the requirements.
func TestPage(t *testing.T) {
	const name = "../../doc/conformance.md"
	if *update {
		if err := os.WriteFile(name, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil || string(text) != page() {
		t.Errorf("%s is not what the requirements say (%v): go test ./hybrid/conformance -run TestPage -update", name, err)
	}
}

var groups = []struct{ letter, title, of string }{
	{"T", "TLS", "of each host; the doors of a host that fails T1 to T4 are not asked"},
	{"C", "Challenges", "of each door that takes bearer tokens: Autodiscover (POX and SOAP), MAPI, EWS, ActiveSync, OAB"},
	{"R", "Refusals", "of the same doors, with an unsigned token for nobody"},
	{"A", "Autodiscover for phones", "of each host where Autodiscover is asked, at `/autodiscover/autodiscover.json`"},
	{"B", "OWA and ECP", "of each of the two, as a browser without a session meets it"},
	{"S", "With somebody who signs in", "where `--user` is given"},
}

// page writes the page: how to run it, and a table for each group of requirements.
func page() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Conformance

What Hybrid Modern Authentication asks of a mail server on the wire, as %d numbered requirements, for authors of other servers and gateways. The table is
`+"`hybrid/conformance`"+`; this page is made from it by `+"`go test ./hybrid/conformance -run TestPage -update`"+`. A server is held to it with

`+"```console"+`
$ hma verify --url https://mail.example.org --conformance
$ hma verify --url https://gateway.example.org/EWS/Exchange.asmx --junit hma.xml
`+"```"+`

**must**: without it some client cannot sign in, or somebody gets in who may not; exit code 1. **should**: as Exchange Server does it, and some client may rely on it; told,
and no failure. Whatever needs a requirement that is not met is not tried. A door that answers 403, 404 or 410 is absent: who publishes only some doors is judged by those.

Nothing is written at the server. It is asked what a mail client asks first: POX and SOAP Autodiscover, PING of MAPI, GetFolder of EWS, OPTIONS of ActiveSync, HEAD of the offline
address book, GET of OWA and ECP. An answer is read up to 256 KiB of headers and 4 MiB of body, for 15 seconds. Redirects are followed at OWA and ECP alone, eight at most,
over https, with no credential. A token goes to the host for which it was issued and to no other; who signs in is sent to a cloud of Microsoft's, to the running lab's, or to the host that `+"`--sign-in`"+` names.

The ids stay: a requirement is added, never given another meaning. JSON (`+"`--json`"+`): `+"`judgements`"+` with `+"`requirement`, `level`, `server`, `door`, `expected`, `clause`, `outcome` (`pass`, `fail`, `not tried`), `found`, `fix`"+`.
`, len(Requirements))
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\nAsked %s.\n\n| Id | Level | The server | Clause | Needs |\n|---|---|---|---|---|\n", g.title, g.of)
		for _, q := range Requirements {
			if strings.HasPrefix(q.ID, g.letter) {
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", q.ID, q.Level, q.Expected, q.Clause, q.Needs)
			}
		}
	}
	b.WriteString(`
## What to do at an Exchange server

| Id | Not met: |
|---|---|
`)
	var fixes []string
	of := map[string][]string{}
	for _, q := range Requirements {
		if of[q.Fix] == nil {
			fixes = append(fixes, q.Fix)
		}
		of[q.Fix] = append(of[q.Fix], q.ID)
	}
	for _, fix := range fixes {
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(of[fix], ", "), fix)
	}
	b.WriteString("\nShown by: `hybrid/conformance` (a server as it should be, and one fault after the other, each found by the requirement meant for it; hostile answers; a fuzz target);\n" +
		"`cmd/hma/testdata/verifyurl.txtar` (a lab before and after `hma enable`). Nothing of it was run at a real Exchange Server.\n")
	return b.String()
}

// The table is whole: ids once and in order, what a requirement needs before it, rules that there are.
func TestRequirements(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range Requirements {
		if seen[q.ID] || q.Needs != "" && !seen[q.Needs] || q.Expected == "" || q.Clause == "" || q.Fix == "" || (q.door == nil) == (q.site == nil) || (q.of == nil) != (q.door == nil) {
			t.Errorf("%s is not whole", q.ID)
		}
		seen[q.ID] = true
		for _, m := range regexp.MustCompile(`\(rules? ([^)]*)\)`).FindAllStringSubmatch(q.Fix, -1) {
			for _, id := range regexp.MustCompile(`, | and `).Split(m[1], -1) {
				if _, ok := rule.Find(id); !ok {
					t.Errorf("%s: no rule %s", q.ID, id)
				}
			}
		}
		if known := strings.Contains("TCRABS", q.ID[:1]); !known {
			t.Errorf("%s is of no group", q.ID)
		}
	}
}
