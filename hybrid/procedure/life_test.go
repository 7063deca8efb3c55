package procedure

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/client/graph"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, what any) {
	t.Helper()
	data, err := json.MarshalIndent(what, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := string(data) + "\n"
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s", name, got)
	}
}

func faults(t *testing.T, p *Procedure) []string {
	t.Helper()
	r, err := p.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range r.Findings {
		if f.Severity != rule.Note {
			list = append(list, f.Rule+": "+f.Summary)
		}
	}
	return list
}

func plan(t *testing.T, p *Procedure) *Plan {
	t.Helper()
	made, err := p.MakePlan(t.Context(), Choices{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// The whole life: check, plan, apply, verify, clean check, rollback, as before.
func TestLife(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	first := o.state()

	report, err := p.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "check.json", report.Findings)
	if got := faults(t, p); len(got) != 3 {
		t.Errorf("findings: %q, want the three planted ones", got)
	}

	made := plan(t, p)
	golden(t, "plan.json", made.Changes)
	board := *made
	board.ID, board.Snapshot = "20261123-120000-abcd", "0123456789abcdef"
	golden(t, "plan.md.json", strings.Split(board.Markdown(), "\n"))
	if _, err := p.SavePlan(made); err != nil {
		t.Fatal(err)
	}
	loaded, err := p.LoadPlan("")
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Apply(t.Context(), loaded)
	if err != nil {
		t.Fatal(err)
	}
	if run.Outcome != OutcomeApplied {
		t.Fatalf("outcome %s", run.Outcome)
	}
	v, err := p.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !v.Passed || len(v.Rows) != 14 || v.Run != run.ID {
		t.Errorf("verification: passed %v, %d rows, run %s", v.Passed, len(v.Rows), v.Run)
	}
	for _, r := range v.Rows {
		want := "Bearer*"
		if r.Protocol.Browser() {
			want = "OpenID"
		}
		if r.After != want || r.Before == "" || r.Before == want || len(r.Handshakes) == 0 {
			t.Errorf("%s %s: before %q, after %q, want %q; %v", r.Server, r.Protocol, r.Before, r.After, want, r.Problems)
		}
	}
	if got := faults(t, p); got != nil {
		t.Errorf("after enabling: %q", got)
	}
	if made := plan(t, p); len(made.Changes) != 0 {
		t.Errorf("an enabled organisation has %d changes", len(made.Changes))
	}
	if run, err = p.Rollback(t.Context(), run.ID, false); err != nil {
		t.Fatal(err)
	}
	if run.Outcome != OutcomeRolledBack || o.state() != first {
		t.Errorf("after rollback (%s):\n%s\nwant\n%s", run.Outcome, o.state(), first)
	}
	h, err := p.History()
	if err != nil || len(h.Runs) != 1 || h.Runs[0].Operator != "ada" || h.Runs[0].Plan != loaded.ID || h.Runs[0].Ended == nil {
		t.Errorf("history %+v, %v", h, err)
	}
}

type death struct{ point string }

// attempt runs fn with a fault hook that dies at the n-th boundary, and tells whether it did.
func attempt(p *Procedure, n int, fn func() error) (died string, err error) {
	seen := 0
	p.fault = func(point string) {
		if seen++; seen == n {
			panic(death{point})
		}
	}
	defer func() {
		p.fault = func(string) {}
		if r := recover(); r != nil {
			d, ok := r.(death)
			if !ok {
				panic(r)
			}
			died = d.point
		}
	}()
	return "", fn()
}

// tear cuts the last line of the only journal in two, as a crash in the middle of a write does.
func tear(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "journal", "*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndexByte(strings.TrimSuffix(string(data), "\n"), '\n') + 1
	if err := os.WriteFile(files[0], data[:last+(len(data)-last)/2], 0o600); err != nil {
		t.Fatal(err)
	}
}

// Dying at every boundary of apply must end, by resuming, in the full end state,
// and by rollback in exactly the first state, also when the last line is torn.
func TestKillApply(t *testing.T) {
	healthy := newOrganisation()
	p := engine(t, healthy, t.TempDir())
	first := healthy.state()
	if _, err := p.Apply(t.Context(), plan(t, p)); err != nil {
		t.Fatal(err)
	}
	enabled := healthy.state()
	points := 0
	for n := 1; ; n++ {
		over := false
		for _, way := range []string{"resume", "rollback", "resume torn", "rollback torn"} {
			o, dir := newOrganisation(), t.TempDir()
			p := engine(t, o, dir)
			made := plan(t, p)
			died, err := attempt(p, n, func() error { _, err := p.Apply(t.Context(), made); return err })
			if err != nil {
				t.Fatal(err)
			}
			if died == "" {
				over = true
				break
			}
			points++
			if strings.HasSuffix(way, "torn") {
				if !strings.HasPrefix(died, "after ") || strings.HasPrefix(died, "after change") {
					continue
				}
				tear(t, dir)
			}
			p = engine(t, o, dir)
			open, err := p.Unfinished()
			if err != nil {
				t.Fatalf("killed at %s: %v", died, err)
			}
			switch {
			case open == nil && o.state() == enabled:
				// It died after the last line.
			case open == nil && o.state() == first:
				// It died before the journal began: nothing was changed, and a plan can be applied.
				if _, err := p.Apply(t.Context(), plan(t, p)); err != nil {
					t.Errorf("killed at %s, apply: %v", died, err)
				}
			case open == nil:
				t.Errorf("killed at %s: a half state that nobody knows of", died)
			case strings.HasPrefix(way, "resume"):
				if run, err := p.Resume(t.Context(), open.ID); err != nil || run.Outcome != OutcomeApplied {
					t.Errorf("killed at %s, resume: %v", died, err)
				} else if o.state() != enabled {
					t.Errorf("killed at %s, resumed: not the end state", died)
				} else if _, err := p.Rollback(t.Context(), open.ID, false); err != nil || o.state() != first {
					t.Errorf("killed at %s, resumed, rolled back: %v, not the first state", died, err)
				}
			default:
				if _, err := p.Rollback(t.Context(), open.ID, false); err != nil {
					t.Errorf("killed at %s, rollback: %v", died, err)
				} else if o.state() != first {
					t.Errorf("killed at %s, rolled back: not the first state", died)
				}
			}
		}
		if over {
			break
		}
	}
	if points < 100 {
		t.Errorf("only %d deaths: boundaries are missing", points)
	}
}

// Dying at every boundary of rollback: a second rollback ends in the first state.
func TestKillRollback(t *testing.T) {
	for n := 1; ; n++ {
		o, dir := newOrganisation(), t.TempDir()
		p := engine(t, o, dir)
		first := o.state()
		run, err := p.Apply(t.Context(), plan(t, p))
		if err != nil {
			t.Fatal(err)
		}
		died, err := attempt(p, n, func() error { _, err := p.Rollback(t.Context(), run.ID, false); return err })
		if err != nil {
			t.Fatal(err)
		}
		if died == "" {
			if n < 20 {
				t.Errorf("only %d boundaries", n)
			}
			return
		}
		p = engine(t, o, dir)
		if run, err = p.Rollback(t.Context(), run.ID, false); err != nil || run.Outcome != OutcomeRolledBack || o.state() != first {
			t.Errorf("killed at %s: %v, not the first state", died, err)
		}
	}
}

func TestStale(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	made := plan(t, p)
	o.sp.ServicePrincipalNames = append(o.sp.ServicePrincipalNames, "https://new.contoso.com/")
	if _, err := p.Apply(t.Context(), made); !errors.Is(err, ErrStale) {
		t.Errorf("got %v, want ErrStale", err)
	}
}

func TestTwoOperators(t *testing.T) {
	o := newOrganisation()
	dir := t.TempDir()
	p := engine(t, o, dir)
	made := plan(t, p)
	o.holder = "bob"
	_, err := p.Apply(t.Context(), made)
	if held, ok := errors.AsType[*target.HeldError](err); !ok || held.Operator != "bob" {
		t.Errorf("got %v, want HeldError of bob", err)
	}
	if o.holder = ""; o.state() != newOrganisation().state() {
		t.Error("changed without the lock")
	}
}

// A list that somebody changes between the two reads is left alone; what somebody
// adds later survives the rollback.
func TestListsOfOthers(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	made := plan(t, p)
	reads := 0
	o.onGraphRead = func(o *organisation) {
		// Apply reads once for the facts, once before and once after the intention.
		if reads++; reads == 3 {
			o.sp.ServicePrincipalNames = append(o.sp.ServicePrincipalNames, "https://theirs.contoso.com/")
		}
	}
	run, err := p.Apply(t.Context(), made)
	if !errors.Is(err, ErrMoved) {
		t.Fatalf("got %v, want ErrMoved", err)
	}
	if run, err = p.Resume(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	o.sp.ReplyURLs = append(o.sp.ReplyURLs, "https://theirs.contoso.com/owa")
	if _, err := p.Rollback(t.Context(), run.ID, false); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(o.sp.ServicePrincipalNames, "https://theirs.contoso.com/") || !slices.Contains(o.sp.ReplyURLs, "https://theirs.contoso.com/owa") {
		t.Error("an entry of somebody else is gone")
	}
	if slices.Contains(o.sp.ServicePrincipalNames, "https://autodiscover.contoso.com/") || len(o.sp.ReplyURLs) != 2 {
		t.Error("an entry of the run is still there")
	}
}

// An entry that somebody else adds while a run is about to add it stays when the run is taken back.
func TestEntryThatSomebodyElseAddedFirst(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	made := plan(t, p)
	const entry = "https://autodiscover.contoso.com/"
	reads := 0
	o.onGraphRead = func(o *organisation) {
		if reads++; reads == 3 { // as in TestListsOfOthers, after the intention
			o.sp.ServicePrincipalNames = append(o.sp.ServicePrincipalNames, entry)
		}
	}
	run, err := p.Apply(t.Context(), made)
	if !errors.Is(err, ErrMoved) || run.Changes[0].State != "pending" {
		t.Fatalf("got %v, %+v, want ErrMoved and nothing of the run's own", err, run)
	}
	if run, err = p.Resume(t.Context(), run.ID); err != nil || run.Changes[0].State != "already" {
		t.Fatalf("resume: %v, %+v", err, run)
	}
	if _, err := p.Rollback(t.Context(), run.ID, false); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(o.sp.ServicePrincipalNames, entry) {
		t.Error("rollback took away what somebody else added")
	}
}

// A run that another one stands on is not taken back: OWA and ECP on tokens without
// an authorization endpoint would let nobody in.
func TestRollbackNewestFirst(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	at := noon
	p.o.Now = func() time.Time { at = at.Add(time.Second); return at }
	o.build = "Version 15.2 (Build 1118.7)" // too old for OWA and ECP
	first, err := p.Apply(t.Context(), plan(t, p))
	if err != nil {
		t.Fatal(err)
	}
	o.build = "Version 15.2 (Build 1544.11)"
	second, err := p.Apply(t.Context(), plan(t, p))
	if err != nil {
		t.Fatal(err)
	}
	before := o.state()
	if _, err := p.Rollback(t.Context(), first.ID, true); !errors.Is(err, ErrLater) || !strings.Contains(err.Error(), second.ID) || o.state() != before {
		t.Fatalf("got %v, want ErrLater naming %s and nothing restored", err, second.ID)
	}
	for _, id := range []string{second.ID, first.ID} {
		if _, err := p.Rollback(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
	}
	if o.state() != newOrganisation().state() {
		t.Errorf("after both:\n%s", o.state())
	}
}

// Whoever edits a plan file does not get round the proof: the cmdlet decides what a change is.
func TestEditedPlanStillNeedsTheProof(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	p.o.Prove = nil
	made := plan(t, p)
	for i := range made.Changes {
		made.Changes[i].Step = StepSPN
	}
	before := o.state()
	if _, err := p.Apply(t.Context(), made); !errors.Is(err, ErrLockout) || o.state() != before {
		t.Errorf("got %v, want ErrLockout and nothing changed", err)
	}
}

// What blocked a plan blocks it still when the file no longer says so.
func TestEditedPlanStaysBlocked(t *testing.T) {
	o := newOrganisation()
	o.expires = noon.AddDate(0, 0, -1)
	p := engine(t, o, t.TempDir())
	made := plan(t, p)
	if len(made.Blocked) == 0 {
		t.Fatal("an expired OAuth certificate blocks nothing")
	}
	made.Blocked = nil
	before := o.state()
	if _, err := p.Apply(t.Context(), made); !errors.Is(err, ErrBlocked) || o.state() != before {
		t.Errorf("got %v, want ErrBlocked and nothing changed", err)
	}
}

func TestRollbackOfMovedValue(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	run, err := p.Apply(t.Context(), plan(t, p))
	if err != nil {
		t.Fatal(err)
	}
	o.auth["DomainName"] = []string{"fabrikam.com"}
	before := o.state()
	if _, err := p.Rollback(t.Context(), run.ID, false); !errors.Is(err, ErrMoved) || o.state() != before {
		t.Fatalf("got %v, want ErrMoved and nothing restored", err)
	}
	run, err = p.Rollback(t.Context(), run.ID, true)
	if err != nil || run.Outcome != OutcomeRolledBack || o.org["OAuth2ClientProfileEnabled"] != false {
		t.Errorf("with leaveMoved: %v, %v", run, err)
	}
	if got := o.auth["DomainName"].([]string); !slices.Equal(got, []string{"fabrikam.com"}) {
		t.Errorf("the moved value was overwritten: %q", got)
	}
}

func TestLockout(t *testing.T) {
	for name, prove := range map[string]func(*Procedure){
		"nobody asked":    func(p *Procedure) { p.o.Prove = nil },
		"somebody else":   func(p *Procedure) { p.o.Prove = nil; p.o.AcceptLockout = []string{"admin"} },
		"sign-in refused": func(p *Procedure) { proof := errors.New("AADSTS50126"); p.o.Prove = failing(proof) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganisation()
			p := engine(t, o, t.TempDir())
			before := o.state()
			prove(p)
			if _, err := p.Apply(t.Context(), plan(t, p)); !errors.Is(err, ErrLockout) || o.state() != before {
				t.Errorf("got %v, want ErrLockout and nothing changed", err)
			}
		})
	}
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	p.o.Prove, p.o.AcceptLockout = nil, []string{"admin@contoso.com", "administrator"}
	if _, err := p.Apply(t.Context(), plan(t, p)); err != nil {
		t.Errorf("with every administrator named: %v", err)
	}
	if got := faults(t, p); len(got) != 1 {
		t.Errorf("unproven, the built-in Administrator stays a finding: %q", got)
	}
}

// A sign-in proves what the cloud account can do that comes from the administrator, not one that has his name.
func TestProofByANamesake(t *testing.T) {
	o := newOrganisation()
	o.users[1].UserPrincipalName = "admin@contoso.onmicrosoft.com"
	o.users = append(o.users, graph.User{ID: "3", UserPrincipalName: "admin@contoso.com", AccountEnabled: true})
	p := engine(t, o, t.TempDir())
	p.o.Prove = func(context.Context, []facts.Person) (string, error) { return "admin@contoso.com", nil }
	before := o.state()
	if _, err := p.Apply(t.Context(), plan(t, p)); !errors.Is(err, ErrLockout) || o.state() != before {
		t.Errorf("got %v, want ErrLockout and nothing changed", err)
	}
}

// A change that fails stops the run, says so, and is gone on with.
func TestFailureStops(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	made := plan(t, p)
	o.broken = func(name string) error {
		if name == "Set-EcpVirtualDirectory" {
			return errors.New("no answer")
		}
		return nil
	}
	run, err := p.Apply(t.Context(), made)
	if err == nil || run.Outcome != OutcomeFailed || !strings.Contains(run.Problem, "no answer") {
		t.Fatalf("got %v, %+v", err, run)
	}
	if _, err := p.Apply(t.Context(), made); !errors.Is(err, ErrUnfinished) {
		t.Errorf("got %v, want ErrUnfinished", err)
	}
	o.broken = nil
	if run, err = p.Resume(t.Context(), run.ID); err != nil || run.Outcome != OutcomeApplied {
		t.Errorf("resume: %v", err)
	}
}

func TestUnreadIsNotFine(t *testing.T) {
	for _, name := range []string{"graph", "Get-User", "Get-OwaVirtualDirectory", "Get-AuthServer", "Get-ExchangeCertificate", "Get-RoleGroupMember"} {
		o := newOrganisation()
		p := engine(t, o, t.TempDir())
		o.broken = func(n string) error {
			if n == name {
				return errors.New("no answer")
			}
			return nil
		}
		r, err := p.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Count(rule.NotChecked) == 0 {
			t.Errorf("%s unread: nothing is not checked", name)
		}
		if _, err := p.MakePlan(t.Context(), Choices{}); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s unread: plan %v", name, err)
		}
	}
}

func TestParsePlanRefuses(t *testing.T) {
	good := `{"version":1,"id":"a","snapshot":"b","changes":[%s]}`
	for name, text := range map[string]string{
		"newer":            `{"version":2,"id":"a","snapshot":"b"}`,
		"no json":          `x`,
		"foreign cmdlet":   fmt.Sprintf(good, `{"number":1,"cmdlet":"Remove-Mailbox","identity":"x","settings":[{"property":"a","before":null,"after":true}]}`),
		"foreign property": fmt.Sprintf(good, `{"number":1,"cmdlet":"Set-AuthServer","identity":"x","settings":[{"property":"AuthMetadataUrl","before":"a","after":"b"}]}`),
		"removal":          fmt.Sprintf(good, `{"number":1,"cmdlet":"Set-MapiVirtualDirectory","identity":"x","settings":[{"property":"IISAuthenticationMethods","before":["Ntlm"],"after":["OAuth"]}]}`),
		"not an address":   fmt.Sprintf(good, `{"number":1,"action":"add","object_id":"x","settings":[{"property":"replyUrls","before":[],"after":["http://evil"]}]}`),
		"numbering":        fmt.Sprintf(good, `{"number":2,"cmdlet":"Set-OrganizationConfig","settings":[{"property":"OAuth2ClientProfileEnabled","before":false,"after":true}]}`),
	} {
		if _, err := ParsePlan([]byte(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

func failing(err error) func(context.Context, []facts.Person) (string, error) {
	return func(context.Context, []facts.Person) (string, error) { return "", err }
}

// TestMarkdownOfHostileNames: what a name says neither steers a terminal nor leads out of the page.
func TestMarkdownOfHostileNames(t *testing.T) {
	p := Plan{Changes: []Change{{Number: 1, Address: "EX1\x1b[2J\u202e|<b>![x](https://evil.example)", Settings: []Setting{{Property: "OAuthAuthentication"}}}}}
	if got := p.Markdown(); strings.ContainsAny(got, "\x1b\u202e") || strings.Contains(got, "<b>") || strings.Contains(got, "![x]") || !strings.Contains(got, "\\|&lt;b>!&#91;x]") {
		t.Errorf("%q", got)
	}
}
