package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
	"hma/hybrid/target/collect"
	"hma/internal/testenv"
	"hma/lab"
)

// The scripts run in the lab's shell, and what they collect is judged as the lab itself is: the
// facts are the same to the last value. What only a server that can be reached tells is a note.
func TestCollectAndCheck(t *testing.T) {
	e := testenv.Start(t, lab.Options{Messages: 5})
	dir := filepath.Dir(e.Endpoints.CA)
	t.Chdir(t.TempDir())
	hma := func(want int, args ...string) string {
		var out, errs strings.Builder
		if code := run(t.Context(), append(args, "--data", dir), stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != want {
			t.Fatalf("hma %v ends with %d, want %d:\n%s%s", args, code, want, out.String(), errs.String())
		}
		return out.String()
	}
	check := func(want int, args ...string) (r procedure.Report) {
		if err := json.Unmarshal([]byte(hma(want, append([]string{"check", "--json"}, args...)...)), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	// Of EX1's logs the newest two files are enough to see; EX2's cannot be read.
	for file, lines := range map[string]string{
		"Eas/HttpProxy_1.LOG": "2026-11-20T08:00:00.1Z,Eas,Basic,CONTOSO\\alice,Apple-iPhone9C1/1401.403\n2026-11-20T09:00:00.1Z,Eas,Basic,CONTOSO\\alice,Apple-iPhone9C1/1401.403\n",
		"Eas/HttpProxy_2.LOG": "2026-11-19T08:00:00.1Z,Eas,Basic,CONTOSO\\alice,Apple-iPhone9C1/1401.403\n",
		"Mapi/HttpProxy_1.LOG": "2026-11-20T08:00:00.1Z,Mapi,Bearer,bjorn@contoso.com,\"Microsoft Office/16.0 (Windows NT 10.0; Outlook, Pro)\"\n2026-11-20T08:00:00.1Z,Mapi,Negotiate,HealthMailbox1@contoso.com,AMProbe\n" +
			"2026-11-20T08:00:00.1Z,Mapi,,,nobody\n",
		"Other/HttpProxy_1.LOG": "2026-11-20T08:00:00.1Z,Other,Basic,CONTOSO\\bjorn,x\n",
	} {
		file = filepath.Join("logs", "ex1.contoso.com", file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		columns := "DateTime,Protocol,AuthenticationType,AuthenticatedUser,UserAgent\n"
		if err := os.WriteFile(file, []byte(columns+"#Fields: "+columns+lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"exchange", "graph"} {
		script := strings.Replace(hma(exitOK, "collect", part), collect.LogFolder, "logs/$($server.Fqdn)", 1)
		if err := os.WriteFile(part+".ps1", []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		hma(exitOK, "shell", part+".ps1")
	}
	live, collected := check(exitFound), check(exitFound, "--snapshot", "exchange.json", "--snapshot", "graph.json")
	if a, b := factsOf(t, labTarget(t, e)), factsOf(t, fileTarget(t, "exchange.json", "graph.json")); a != b {
		t.Errorf("the lab's facts:\n%s\nthe snapshot's:\n%s", a, b)
	}
	if a, b := faults(live), faults(collected); len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Errorf("the lab's findings: %q\nthe snapshot's: %q", a, b)
	}
	// What the logs tell is the same by the snapshot and by a log itself.
	came := func(r procedure.Report) (all []rule.Evidence) {
		for _, f := range r.Findings {
			if f.Rule == "legacy-clients" {
				all = append(all, f.Evidence...)
			}
		}
		return all
	}
	phone := rule.Evidence{Object: `contoso\alice`, Property: "ActiveSync", Found: "Basic by Apple-iPhone9C1/1401.403, last 2026-11-20 09:00", Wanted: "another client: this one cannot do modern authentication"}
	if got := came(collected); len(got) != 2 || got[0] != phone || got[1].Object != "EX2" {
		t.Errorf("who comes with a password, by the snapshot: %+v", got)
	}
	if got := came(check(exitFound, "--records", "logs/ex1.contoso.com/Eas/HttpProxy_1.LOG")); len(got) != 1 || got[0] != phone {
		t.Errorf("who comes with a password, by the log: %+v", got)
	}
	if len(collected.Collected) != 2 || collected.Collected[0].At.IsZero() || collected.Collected[0].Script != collect.Version || collected.Collected[1].Tenant != "contoso.onmicrosoft.com" {
		t.Errorf("collected: %+v", collected.Collected)
	}
	if alone := check(exitUnreachable, "--snapshot", "exchange.json"); alone.Count(rule.NotChecked) == 0 {
		t.Error("a missing Graph part is not said")
	}
	if alone := check(exitUnreachable, "--snapshot", "graph.json"); alone.Count(rule.NotChecked) == 0 {
		t.Error("a missing Exchange part is not said")
	}
	hma(exitOK, "collect", "pseudonyms", "exchange.json", "graph.json")
	hidden := check(exitFound, "--snapshot", "exchange.pseudonyms.json", "--snapshot", "graph.pseudonyms.json")
	if len(faults(hidden)) != len(faults(live)) || len(hidden.Collected) != 2 || hidden.Collected[0] != collected.Collected[0] {
		t.Errorf("with pseudonyms the findings are %q of %+v", faults(hidden), hidden.Collected)
	}
	if got := came(hidden); len(got) != 2 || strings.Contains(got[0].Object+got[1].Object+got[1].Found, "alice") || strings.Contains(got[1].Found, "contoso") || got[0].Found != phone.Found {
		t.Errorf("who comes with a password, with pseudonyms: %+v", got)
	}
	before, err := os.ReadFile("graph.pseudonyms.json")
	if err != nil {
		t.Fatal(err)
	}
	hma(exitOK, "collect", "pseudonyms", "graph.json")
	if again, err := os.ReadFile("graph.pseudonyms.json"); err != nil || !bytes.Equal(before, again) || bytes.Contains(again, []byte("alice")) {
		t.Errorf("the pseudonyms are not stable, or none: %v", err)
	}
	hma(exitUsage, "collect", "pseudonyms", "exchange.ps1")
	hma(exitUsage, "collect", "pseudonyms", "--key", "graph.json", "graph.json")
	hma(exitUsage, "check", "--snapshot", "exchange.ps1")
	hma(exitUsage, "check", "--snapshot", "none.json")
}

// labTarget is the lab without a probe, as a snapshot is.
func labTarget(t *testing.T, e *testenv.Env) target.Target {
	t.Helper()
	r, err := reach(&e.Endpoints)
	if err != nil {
		t.Fatal(err)
	}
	tenants, err := r.tenants()
	if err != nil {
		t.Fatal(err)
	}
	return target.Target{Cmdlets: target.AdminAPI{Client: r.admin}, Tenants: tenants}
}

func fileTarget(t *testing.T, names ...string) target.Target {
	t.Helper()
	var files []io.Reader
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, bytes.NewReader(text))
	}
	o, err := target.ReadSnapshot(files...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func factsOf(t *testing.T, o target.Target) string {
	t.Helper()
	f, err := facts.Read(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func faults(r procedure.Report) (all []string) {
	for _, f := range r.Findings {
		if f.Severity == rule.Fault {
			all = append(all, f.Rule+": "+f.Summary)
		}
	}
	return all
}

// The scripts hold only commands that read, and one file is written.
func TestCollectOnlyReads(t *testing.T) {
	allowed := regexp.MustCompile(`^(Get-\w+|ConvertFrom-Csv|Group-Object|Sort-Object|Select-Object|Where-Object|ForEach-Object|ConvertTo-Json|Out-File|Connect-MgGraph|Invoke-MgGraphRequest)$`)
	for _, script := range []string{collect.Exchange(), collect.Graph()} {
		for line := range strings.Lines(script) {
			code, _, _ := strings.Cut(line, "#")
			for _, name := range regexp.MustCompile(`\b[A-Z]\w+-[A-Z]\w+`).FindAllString(code, -1) {
				if !allowed.MatchString(name) {
					t.Errorf("%s does more than read: %s", name, line)
				}
			}
			if strings.Contains(code, "Invoke-MgGraphRequest -") && !strings.Contains(code, "-Method GET ") {
				t.Errorf("a request that is no GET: %s", line)
			}
		}
	}
}
