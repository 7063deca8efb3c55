package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/internal/testenv"
	"hma/lab"
	"hma/shell"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

// seedFolder has the how-to's blocks in its order, one file an organisation; lines of ---
// part the blocks.
const seedFolder = "../../shell/testdata/seed"

// TestSeed pastes each block of the how-to into a shell of a healthy lab, in the page's
// order. At the end Hybrid Modern Authentication is on for Outlook, phones, OWA and ECP:
// every door verifies, and somebody signs in through the cloud at all seven.
func TestSeed(t *testing.T) {
	one := []lab.Server{{Name: "EX1", Build: lab.DefaultBuild}}
	for name, o := range map[string]lab.Options{
		"one-tenant":      {Servers: one, PublicNames: true},
		"two-tenants":     {Tenants: 2, PublicNames: true},
		"resource-forest": {Servers: one, PublicNames: true, Forest: true},
		"by-hand":         {Servers: one, PublicNames: true, Bare: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Healthy, o.Messages = true, 10
			e := inOrder(t, o)
			dir := filepath.Dir(e.Endpoints.CA)
			file := filepath.Join(seedFolder, name)
			input, err := os.ReadFile(file + ".ps1")
			if err != nil {
				t.Fatal(err)
			}
			got := transcript(t, e, dir, string(input))
			if *update {
				if err := os.WriteFile(file+".golden", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the transcript is another:\n%s", got)
			}
			commands := [][]string{{"verify"}}
			for _, tenant := range e.Endpoints.Tenants {
				i := slices.IndexFunc(e.Endpoints.Users, func(u lab.User) bool {
					return u.Role == "user" && cmp.Or(u.Tenant, e.Endpoints.Tenant.Domain) == tenant.Domain
				})
				commands = append(commands, []string{"connect", e.Endpoints.Users[i].UPN})
			}
			for _, command := range commands {
				var said strings.Builder
				if code := run(t.Context(), append(command, "--data", dir), stdio{in: strings.NewReader(""), out: &said, err: &said}); code != 0 {
					t.Errorf("hma %v ended with %d:\n%s", command, code, said.String())
				}
			}
		})
	}
}

// inOrder starts a lab whose AuthServers are listed in the order of its tenants: their names hold
// ids that each lab makes anew, and a transcript has one order.
func inOrder(t *testing.T, o lab.Options) *testenv.Env {
	t.Helper()
	for {
		e := testenv.Start(t, o)
		var realms []string
		for _, server := range e.Run(t, "Get-AuthServer") {
			if strings.HasPrefix(server.String("Name"), "EvoSts") {
				realms = append(realms, server.String("Realm"))
			}
		}
		if len(realms) < 2 || realms[0] == e.Endpoints.Tenant.ID {
			return e
		}
	}
}

// transcript plays the blocks in one session and returns what an administrator sees, with
// the lab's ids, ports and times replaced by fixed ones of the same width.
func transcript(t *testing.T, e *testenv.Env, dir, input string) string {
	t.Helper()
	var out strings.Builder
	a := &app{stdio: stdio{in: strings.NewReader(""), out: &out, err: &out}, view: newView(&out, nil), data: dir}
	reached, err := reach(&e.Endpoints)
	if err != nil {
		t.Fatal(err)
	}
	session := &shell.Session{Client: reached.admin, Out: &out, Err: &out, Width: 120, Graph: a.graph(reached)}
	m := &mask{map[string]string{}, map[string]string{}}
	for block := range strings.SplitSeq(strings.TrimSpace(input), "\n---\n") {
		m.of(t, e)
		real := m.in(e, block)
		prompt := `[PS] C:\>`
		for line := range strings.Lines(real) {
			fmt.Fprintf(&out, "%s%s\n", prompt, strings.TrimSuffix(line, "\n"))
			prompt = ">> "
		}
		if _, xml, ok := strings.Cut(block, "#notepad\n"); ok {
			for _, s := range e.Endpoints.Servers {
				addSettings(t, filepath.Join(dir, s.Name, "ClientAccess", "Owa", "web.config"), xml)
			}
			continue
		}
		_ = session.Run(t.Context(), real) // an error is part of what is seen; the next block goes on, as at a prompt
	}
	return m.out(out.String())
}

// addSettings puts lines into the <appSettings> node of a web.config.
func addSettings(t *testing.T, file, lines string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "</appSettings>", lines+"\n</appSettings>", 1)
	if changed == string(text) {
		t.Fatalf("%s has no <appSettings>", file)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mask stands between a lab, which makes ids, ports and times, and a transcript, which must
// not change: it puts fixed ones of the same width in their place.
type mask struct {
	fixed map[string]string // by the lab's own
	given map[string]string // the lab's own, by the fixed ones that blocks name
}

var (
	anyID         = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyPort       = regexp.MustCompile(`localhost:\d+`)
	anyTime       = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	anyMoment     = regexp.MustCompile(`\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M`)
	anyThumbprint = regexp.MustCompile(`\b[0-9A-F]{40}\b`)
)

// of ties the tenants and their AuthServers to the names that blocks use: the i-th tenant is
// bbbbbbbb-0000-0000-0000-00000000000i, its Exchange organisation aaaaaaaa-....
func (m *mask) of(t *testing.T, e *testenv.Env) {
	t.Helper()
	for i, tenant := range e.Endpoints.Tenants {
		m.tie(tenant.ID, fmt.Sprintf("bbbbbbbb-0000-0000-0000-%012d", i+1))
		for _, server := range e.Run(t, "Get-AuthServer") {
			if id := anyID.FindString(server.String("Name")); id != "" && server.String("Realm") == tenant.ID {
				m.tie(id, fmt.Sprintf("aaaaaaaa-0000-0000-0000-%012d", i+1))
			}
		}
	}
}

// wellknownID tells an id that is the same in every tenant: those of Microsoft's first applications.
func wellknownID(id string) bool {
	return id == guid.Nil.String() || id == wellknown.GraphPowerShell || strings.HasSuffix(id, "-0ff1-ce00-000000000000") || strings.HasSuffix(id, "-0000-c000-000000000000")
}

func (m *mask) tie(own, fixed string) { m.fixed[own], m.given[fixed] = fixed, own }

// in gives a block the lab's ids and the cloud's port.
func (m *mask) in(e *testenv.Env, block string) string {
	block = strings.ReplaceAll(block, "https://localhost:12345", e.Endpoints.Cloud)
	return anyID.ReplaceAllStringFunc(block, func(id string) string { return cmp.Or(m.given[id], id) })
}

// out gives what was shown the fixed ids. Application ids that are everywhere the same stay.
func (m *mask) out(shown string) string {
	n := 0
	shown = anyID.ReplaceAllStringFunc(shown, func(id string) string {
		if m.fixed[id] == "" && m.given[id] == "" && !wellknownID(id) {
			n++
			m.tie(id, fmt.Sprintf("dddddddd-0000-0000-0000-%012d", n))
		}
		return cmp.Or(m.fixed[id], id)
	})
	shown = anyPort.ReplaceAllString(shown, "localhost:12345")
	shown = anyTime.ReplaceAllString(shown, "2024-02-01T00:00:00Z")
	shown = anyMoment.ReplaceAllString(shown, "2/1/2024 9:00:00 AM")
	return anyThumbprint.ReplaceAllString(shown, strings.Repeat("A", 40))
}
