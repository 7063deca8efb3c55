package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
	"hma/internal/testenv"
	"hma/lab"
)

const snapshots = "../../hybrid/procedure/testdata/snapshots"

// snapshotFiles reads the collected files of an organisation, with other names if hidden.
func snapshotFiles(t *testing.T, organization string, hidden bool) (files []io.Reader) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(snapshots, organization, "*.json"))
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil && hidden {
			text, err = target.Pseudonyms(bytes.NewReader(text), []byte("key"))
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, bytes.NewReader(text))
	}
	return files
}

// checked is what a check of the running lab finds.
func checked(t *testing.T, e *testenv.Env) *procedure.Report {
	t.Helper()
	var out, errs strings.Builder
	run(t.Context(), []string{"check", "--json", "--data", filepath.Dir(e.Endpoints.CA)}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
	r := new(procedure.Report)
	if err := json.Unmarshal([]byte(out.String()), r); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), errs.String())
	}
	return r
}

// said are the findings of the rules that are not left out, each with its evidence.
func said(r *procedure.Report, without []string) (all []string) {
	for _, f := range r.Findings {
		if slices.Contains(without, f.Rule) {
			continue
		}
		text := fmt.Sprintf("%s %s %s", f.Severity, f.Rule, f.Summary)
		for _, e := range f.Evidence {
			text += fmt.Sprintf("\n    %s %s: %s", e.Object, e.Property, e.Found)
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// A lab that was loaded with a snapshot is judged as the snapshot is: the same findings about the same objects. What
// only a server tells that can be reached, what the snapshot lacks, and the values that the loading says it
// replaced are apart.
func TestRehearsalIsTheSnapshot(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		for _, hidden := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s hidden %t", folder.Name(), hidden), func(t *testing.T) {
				o, err := target.ReadSnapshot(snapshotFiles(t, folder.Name(), hidden)...)
				if err != nil {
					t.Fatal(err)
				}
				e := testenv.Start(t, lab.Options{Snapshot: &o})
				p, err := procedure.New(procedure.Options{Target: o, Now: now})
				if err != nil {
					t.Fatal(err)
				}
				of, err := p.Check(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				outside := []string{"snapshot-age", "application-proxy", "ssl-offloading", "evosts-metadata", "evosts-keys", "servers-answer", "clock"}
				logs := slices.ContainsFunc(e.Rehearsal.LeftOut, func(x lab.LeftOut) bool { return x.Object == "request records" })
				if logs != (folder.Name() == "resource-forest") {
					t.Errorf("left out: %v", e.Rehearsal.LeftOut)
				}
				if logs {
					outside = append(outside, "legacy-clients")
				}
				for _, f := range of.Findings {
					if f.Severity == rule.NotChecked {
						outside = append(outside, f.Rule)
					}
				}
				var was []string
				for _, x := range e.Rehearsal.Replaced {
					if x.Was != "" {
						was = append(was, x.Was, x.Is)
					}
				}
				want, got := said(of, outside), said(checked(t, e), outside)
				for i := range want {
					want[i] = strings.NewReplacer(was...).Replace(want[i])
				}
				if len(want) == 0 || !reflect.DeepEqual(want, got) {
					t.Errorf("the snapshot's findings:\n%s\nthe lab's:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
				}
				if e.Rehearsal.Servers != len(e.Endpoints.Servers) || e.Rehearsal.People == 0 || e.Rehearsal.Accounts == 0 {
					t.Errorf("loaded: %+v", e.Rehearsal)
				}
				if lacks := slices.ContainsFunc(e.Rehearsal.LeftOut, func(x lab.LeftOut) bool { return x.Object == "Get-SettingOverride" }); lacks != (folder.Name() == "broken") {
					t.Errorf("left out: %v", e.Rehearsal.LeftOut)
				}
			})
		}
	}
}

// edited is the text of a collected file in which fn has changed the objects of each section.
func edited(t *testing.T, organization, file string, fn func(cmdlet string, objects []map[string]any) []map[string]any) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(snapshots, organization, file))
	if err != nil {
		t.Fatal(err)
	}
	var part struct {
		Version  int              `json:"version"`
		Part     string           `json:"part"`
		Sections []map[string]any `json:"sections"`
	}
	if err := json.Unmarshal(text, &part); err != nil {
		t.Fatal(err)
	}
	for _, s := range part.Sections {
		var objects []map[string]any
		items, list := s["objects"].([]any)
		if !list && s["objects"] != nil {
			items = []any{s["objects"]}
		}
		for _, item := range items {
			objects = append(objects, item.(map[string]any))
		}
		s["objects"] = fn(s["cmdlet"].(string), objects)
	}
	if text, err = json.Marshal(part); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a lab cannot be is left out, one thing at a time, and the rest is loaded: the lab runs and can be checked. A
// tenant without an administrator of the organisation's can be read all the same.
func TestRehearsalLeavesOut(t *testing.T) {
	t.Parallel()
	with := func(o map[string]any, changes ...any) map[string]any {
		n := maps.Clone(o)
		for i := 0; i < len(changes); i += 2 {
			n[changes[i].(string)] = changes[i+1]
		}
		return n
	}
	exchange := edited(t, "se-dedicated", "exchange.json", func(cmdlet string, all []map[string]any) []map[string]any {
		switch cmdlet {
		case "Get-ExchangeServer":
			return append(all, with(all[0], "Name", "OLD", "AdminDisplayVersion", "Version 14.3 (Build 123.4)"), with(all[0], "Name", "a b"), with(all[0], "Name", "../x"), with(all[0], "Name", "ex1"))
		case "Get-AuthServer":
			return append(all, with(all[1], "Name", "EvoSts - other", "Realm", "11111111-1111-1111-1111-111111111111", "AuthMetadataUrl", "https://login.windows.net/other.onmicrosoft.com/federationmetadata/2007-06/federationmetadata.xml"))
		case "Get-OwaVirtualDirectory":
			return append(all, with(all[0], "Identity", `EX1\owa (Second Site)`))
		case "Get-EcpVirtualDirectory":
			return all[:1]
		case "Get-ActiveSyncVirtualDirectory":
			all[0]["ClientCertAuth"] = "Required"
		case "Get-ClientAccessService":
			all[1]["AutoDiscoverServiceInternalUri"] = "https://*.contoso.com/Autodiscover/Autodiscover.xml"
		case "Get-SettingOverride":
			return append(all, with(all[0], "Name", "not name=value", "Parameters", []string{"on"}))
		case "Get-User":
			return append(all, with(all[1], "Name", "Nameless", "Guid", "11111111-2222-3333-4444-555555555555", "UserPrincipalName", "", "Sid", "S-1-5-21-9-9-9-1"),
				with(all[1], "Name", "Twin", "Guid", "11111111-2222-3333-4444-666666666666"))
		}
		return all
	})
	graphPart := edited(t, "se-dedicated", "graph.json", func(cmdlet string, all []map[string]any) []map[string]any {
		switch cmdlet {
		case "Get-MgUser":
			for i, u := range all {
				if u["UserPrincipalName"] == "ines@contoso.com" {
					all[i] = with(u, "OnPremisesSyncEnabled", nil, "OnPremisesSecurityIdentifier", "", "OnPremisesImmutableId", "")
				}
			}
			return append(all, with(all[0], "Id", "11111111-2222-3333-4444-777777777777", "UserPrincipalName", "o'brien@contoso.com", "OnPremisesSecurityIdentifier", "", "OnPremisesImmutableId", ""))
		case "Get-MgServicePrincipal":
			if len(all) > 1 {
				return append(all, map[string]any{"Id": "p", "AppId": "22222222-2222-2222-2222-222222222222", "DisplayName": "Holder", "ServicePrincipalNames": []string{"https://autodiscover.contoso.com/", "22222222-2222-2222-2222-222222222222"}})
			}
			all[0]["KeyCredentials"] = []map[string]any{{"KeyId": "33333333-3333-3333-3333-333333333333", "CustomKeyIdentifier": "q83vASNFZ4k=", "StartDateTime": "2026-01-01T00:00:00Z", "EndDateTime": "2030-01-01T00:00:00Z"}}
			all[0]["ServicePrincipalNames"] = slices.DeleteFunc(all[0]["ServicePrincipalNames"].([]any), func(name any) bool { return name == "https://autodiscover.contoso.com/" })
		}
		return all
	})
	o, err := target.ReadSnapshot(strings.NewReader(exchange), strings.NewReader(graphPart))
	if err != nil {
		t.Fatal(err)
	}
	e := testenv.Start(t, lab.Options{Snapshot: &o})
	for _, want := range []string{"server OLD", "server a b", "server ../x", "server ex1", "tenant 11111111-1111-1111-1111-111111111111", "IsDefaultAuthorizationEndpoint of EvoSts - other", "signing keys of EvoSts - other",
		`EX1\owa (Second Site)`, "host *.contoso.com", "setting override not name=value", "person ", "person alice@contoso.com", "account o'brien@contoso.com"} {
		if !slices.ContainsFunc(e.Rehearsal.LeftOut, func(x lab.LeftOut) bool { return x.Object == want && x.Why != "" }) {
			t.Errorf("%s is not said to be left out", want)
		}
	}
	if e.Rehearsal.Servers != 2 || e.Rehearsal.People != 6 || e.Rehearsal.Accounts != 6 {
		t.Errorf("loaded: %+v", e.Rehearsal)
	}
	operator := e.Endpoints.Users[len(e.Endpoints.Users)-1]
	if operator.Role != "operator" || !strings.HasSuffix(operator.UPN, "@contoso.onmicrosoft.com") {
		t.Errorf("nobody may read the tenant: %+v", e.Endpoints.Users)
	}
	found := map[string]bool{}
	for _, f := range checked(t, e).Findings {
		found[f.Rule] = true
		if f.Severity == rule.NotChecked && !strings.Contains(f.Evidence[0].Object, "*.contoso.com") {
			t.Errorf("not checked: %+v", f)
		}
	}
	for _, want := range []string{"spn-held-elsewhere", "activesync-client-certificate", "shared-principal-keys"} {
		if !found[want] {
			t.Errorf("%s is not found: %v", want, found)
		}
	}
}

// Certificates and keys whose dates nobody could have given one are left out, and the lab runs.
func TestRehearsalWithoutDates(t *testing.T) {
	t.Parallel()
	exchange := edited(t, "se-dedicated", "exchange.json", func(cmdlet string, all []map[string]any) []map[string]any {
		if cmdlet == "Get-ExchangeCertificate" {
			for _, c := range all {
				c["NotBefore"], c["NotAfter"] = nil, nil
			}
		}
		return all
	})
	graphPart := edited(t, "se-dedicated", "graph.json", func(cmdlet string, all []map[string]any) []map[string]any {
		if cmdlet == "Get-MgServicePrincipal" && len(all) == 1 {
			all[0]["KeyCredentials"] = []map[string]any{
				{"KeyId": "33333333-3333-3333-3333-333333333333", "CustomKeyIdentifier": "q83vASNFZ4k="},
				{"KeyId": "44444444-3333-3333-3333-333333333333", "CustomKeyIdentifier": "q83vASNFZ4k=", "StartDateTime": "/Date(0)/", "EndDateTime": "/Date(999999999999999)/"},
			}
		}
		return all
	})
	o, err := target.ReadSnapshot(strings.NewReader(exchange), strings.NewReader(graphPart))
	if err != nil {
		t.Fatal(err)
	}
	e := testenv.Start(t, lab.Options{Snapshot: &o})
	left := map[string]bool{}
	for _, x := range e.Rehearsal.LeftOut {
		if x.Why == "no certificate has its dates" {
			object, _, _ := strings.Cut(x.Object, " ")
			left[object] = true
		}
	}
	if !left["certificate"] || !left["key"] || e.Rehearsal.Servers != 2 {
		t.Errorf("left out: %+v", e.Rehearsal.LeftOut)
	}
}

// The main job on a real farm's copy: the wizard, enable to a verified end, and the way back.
func TestRehearse(t *testing.T) {
	t.Parallel()
	o, err := target.ReadSnapshot(snapshotFiles(t, "fresh-2019", false)...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	first, err := lab.Start(t.Context(), lab.Options{Dir: dir, FreePorts: true, Snapshot: &o})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Start(t.Context(), lab.Options{Dir: dir, Snapshot: &o}); !errors.Is(err, lab.ErrUsed) {
		t.Errorf("a snapshot over a used directory: %v", err)
	}
	// Later starts need no snapshot, and still say what was loaded.
	e := testenv.Start(t, lab.Options{Dir: dir})
	if !reflect.DeepEqual(e.Rehearsal, first.Rehearsal) || e.Endpoints.Names["mail.contoso.com"] == "" || e.Endpoints.Tenant != first.Endpoints.Tenant {
		t.Errorf("after a restart: %+v, %+v", e.Rehearsal, e.Endpoints)
	}
	hma := func(want int, args ...string) string {
		t.Helper()
		var out, errs strings.Builder
		if code := run(t.Context(), append(args, "--data", dir), stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != want {
			t.Fatalf("hma %v ends with %d, want %d:\n%s%s", args, code, want, out.String(), errs.String())
		}
		return out.String()
	}
	hma(exitOK, "wizard", "--yes")
	before := factsOf(t, labTarget(t, e))
	hma(exitOK, "enable", "--yes")
	if out := hma(exitOK, "connect", "bjorn@contoso.com"); strings.Count(out, "Bearer*") != 5 {
		t.Errorf("Björn's client:\n%s", out)
	}
	if factsOf(t, labTarget(t, e)) == before {
		t.Error("nothing was enabled")
	}
	var runs struct{ Runs []struct{ ID string } }
	if err := json.Unmarshal([]byte(hma(exitOK, "history", "--json")), &runs); err != nil || len(runs.Runs) != 1 {
		t.Fatal(runs, err)
	}
	hma(exitOK, "rollback", runs.Runs[0].ID, "--yes")
	if after := factsOf(t, labTarget(t, e)); after != before {
		t.Errorf("before:\n%s\nafter the way back:\n%s", before, after)
	}
}

// The scripts that a plan of the snapshot gives for the real servers are rehearsed as they are: applied they leave
// nothing to plan, and taken back the organisation is as it was.
func TestRehearseScripts(t *testing.T) {
	o, err := target.ReadSnapshot(snapshotFiles(t, "mixed-2016-2019", false)...)
	if err != nil {
		t.Fatal(err)
	}
	e := testenv.Start(t, lab.Options{Snapshot: &o})
	files, err := filepath.Abs(filepath.Join(snapshots, "mixed-2016-2019"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // the scripts record into the folder where they run
	hma := func(args ...string) string {
		t.Helper()
		var out, errs strings.Builder
		if code := run(t.Context(), append(args, "--data", filepath.Dir(e.Endpoints.CA)), stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK {
			t.Fatalf("hma %v ends with %d:\n%s%s", args, code, out.String(), errs.String())
		}
		return out.String()
	}
	planned := func(args ...string) int {
		t.Helper()
		var plan struct{ Changes []any }
		if err := json.Unmarshal([]byte(hma(append([]string{"plan", "--json"}, args...)...)), &plan); err != nil {
			t.Fatal(err)
		}
		return len(plan.Changes)
	}
	n := planned("--snapshot", filepath.Join(files, "exchange.json"), "--snapshot", filepath.Join(files, "graph.json"), "--script", ".")
	if here := planned(); n == 0 || here != n {
		t.Errorf("%d changes by the snapshot, %d by the lab", n, here)
	}
	before := factsOf(t, labTarget(t, e))
	if out := hma("shell", "apply.ps1"); strings.Count(out, ": done") != n {
		t.Errorf("apply.ps1:\n%s", out)
	}
	eventually(t, func() bool { return planned() == 0 })
	hma("shell", "undo.ps1")
	eventually(t, func() bool { return factsOf(t, labTarget(t, e)) == before })
}

// eventually waits for servers, which take a change up after a moment.
func eventually(t *testing.T, as func() bool) {
	t.Helper()
	for range 100 {
		if as() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("it does not come to that")
}

// What cannot be rehearsed on is said, and nothing is left running.
func TestNothingToRehearse(t *testing.T) {
	t.Parallel()
	part := func(part string, sections ...string) string {
		return `{"version":1,"part":"` + part + `","sections":[` + strings.Join(sections, ",") + `]}`
	}
	section := func(cmdlet, parameters, objects string) string {
		return fmt.Sprintf(`{"cmdlet":%q,"parameters":{%s},"error":"","objects":%s}`, cmdlet, parameters, objects)
	}
	tenant := section("Get-MgOrganization", "", `{"Id":"11111111-1111-1111-1111-111111111111","VerifiedDomains":[{"Name":"a.onmicrosoft.com","IsInitial":true,"IsDefault":true}]}`)
	server := section("Get-ExchangeServer", "", `{"Name":"EX1","Fqdn":"ex1.a.com","AdminDisplayVersion":"Version 15.2 (Build 1544.11)"}`)
	for name, texts := range map[string][]string{
		"no Graph part":    {part("exchange", server)},
		"no Exchange part": {part("graph", tenant)},
		"no servers":       {part("exchange"), part("graph", tenant)},
		"an old server":    {part("exchange", section("Get-ExchangeServer", "", `{"Name":"EX1","AdminDisplayVersion":"Version 14.3 (Build 123.4)"}`)), part("graph", tenant)},
		"no people":        {part("exchange", server), part("graph", tenant)},
		"no tenant":        {part("exchange", server), part("graph")},
	} {
		var args []string
		dir := t.TempDir()
		for i, text := range texts {
			file := filepath.Join(dir, fmt.Sprint(i, ".json"))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, "--snapshot", file)
		}
		var out, errs strings.Builder
		if code := run(t.Context(), append([]string{"up", "--ports", "auto", "--data", filepath.Join(dir, "data")}, args...), stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != exitUsage {
			t.Errorf("%s: %d\n%s%s", name, code, out.String(), errs.String())
		}
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"up", "--snapshot", "x.json", "--tenants", "2", "--data", t.TempDir()}, stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != exitUsage || !strings.Contains(errs.String(), "leave --tenants out") {
		t.Errorf("a snapshot of two tenants: %d %s", code, errs.String())
	}
}
