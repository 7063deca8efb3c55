package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/client/graph"
	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// made makes the report of collected files.
func made(t *testing.T, folder string) *Report {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("../procedure/testdata/snapshots", folder, "*.json"))
	if err != nil || names == nil {
		t.Fatal(err, names)
	}
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
	p, err := procedure.New(procedure.Options{Target: o, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	overview, err := p.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return Make(overview)
}

func shown(t *testing.T, r *Report) string {
	t.Helper()
	html, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return string(html)
}

// TestGolden holds the data of one organisation.
func TestGolden(t *testing.T) {
	r := made(t, "multi-tenant")
	r.Plan.ID = "*" // random
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile("testdata/multi-tenant.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/multi-tenant.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v: the report says\n%s", err, got)
	}
}

var number = regexp.MustCompile(`<li>([A-Z][a-z ]+) <b>(\d+)(?: or more)?</b></li>`)

// TestNumbers holds that the numbers on the page are those of the data, and that the
// tables show as many rows as they count.
func TestNumbers(t *testing.T) {
	folders, err := os.ReadDir("../procedure/testdata/snapshots")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			r := made(t, folder.Name())
			html := shown(t, r)
			c := r.Counts
			want := map[string]int{"Findings": c.Findings, "Not checked": c.NotChecked, "Notes": c.Notes, "Rules": c.Rules, "Servers": c.Servers, "Tenants": c.Tenants,
				"People": c.People, "Losing access": c.Losing, "Names missing": c.Missing, "Changes planned": c.Changes}
			got := map[string]int{}
			for _, m := range number.FindAllStringSubmatch(html, -1) {
				var n int
				fmt.Sscan(m[2], &n)
				got[m[1]] = n
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v, want %v", got, want)
			}
			if n := strings.Count(html, `<article class="finding">`); n != len(r.Findings) {
				t.Errorf("%d findings are shown of %d", n, len(r.Findings))
			}
			servers := 0
			for _, row := range r.Doors {
				servers += len(row.Servers)
			}
			if servers != c.Servers {
				t.Errorf("%d servers are in the matrix of %d", servers, c.Servers)
			}
			if r.Plan != nil {
				for _, change := range r.Plan.Changes {
					if !strings.Contains(html, fmt.Sprintf("<td>%d %s</td>", change.Number, strings.ReplaceAll(change.Action.Symbol(), "+", "&#43;"))) {
						t.Errorf("change %d is not on the page", change.Number)
					}
				}
			}
			if strings.Contains(html, "<script") || regexp.MustCompile(`(?i)(src|href)=`).MatchString(html) {
				t.Error("the page loads something")
			}
		})
	}
}

// TestVerdict holds what the page says first.
func TestVerdict(t *testing.T) {
	for folder, want := range map[string]string{"fresh-2019": "blocked", "se-dedicated": "on", "broken": "unknown"} {
		if r := made(t, folder); r.Verdict.State != want {
			t.Errorf("%s: %+v, want %s", folder, r.Verdict, want)
		}
	}
}

// overview is a look at an organisation that was never read.
func overview(f *facts.Facts) *procedure.Overview {
	return &procedure.Overview{Facts: f, Check: &procedure.Report{At: noon, Findings: []rule.Finding{}}, Plan: &procedure.Plan{}, History: &procedure.History{}}
}

// TestHostileNames holds that no name becomes markup.
func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=y>`
	f := &facts.Facts{Organization: facts.Organization{Name: evil}, Servers: []facts.Server{{Name: evil}}, Tenants: []facts.Tenant{{Name: evil}},
		Auth: facts.AuthConfig{CurrentThumbprint: "AB" + evil}, Certificates: []facts.Certificate{{Server: evil, Thumbprint: "AB" + evil, NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0)}}}
	o := overview(f)
	o.Check.Findings = []rule.Finding{{Rule: evil, Severity: rule.Fault, Summary: evil, Why: evil, Repair: evil, Commands: []string{evil}, Evidence: []rule.Evidence{{Object: evil, Property: evil, Found: evil, Wanted: evil}}}}
	o.Losses = []rule.Loss{{Person: evil, Ways: []string{evil}, Reason: evil}}
	o.Plan.Changes = []procedure.Change{{Number: 1, Address: evil, Reason: evil, Affects: evil}}
	o.History.Runs = []procedure.Run{{ID: evil, Operator: evil, Problem: evil}}
	html := shown(t, Make(o))
	if strings.Contains(html, "<script") || strings.Contains(html, "<img") {
		t.Error(html)
	}
	if n := strings.Count(html, "&lt;script&gt;"); n < 15 {
		t.Errorf("only %d of the names are shown", n)
	}
}

// TestManyServers holds that servers that are alike are one row, so that a large
// organisation's page stays one that a person reads.
func TestManyServers(t *testing.T) {
	f := &facts.Facts{}
	for i := range 500 {
		name := fmt.Sprintf("EX%03d", i)
		f.Servers = append(f.Servers, facts.Server{Name: name})
		for _, k := range facts.Kinds {
			on := facts.Methods{OAuth: i != 7, IIS: []string{"OAuth"}}
			f.Directories = append(f.Directories, facts.Directory{Server: name, Kind: k, InternalURL: "https://" + name + ".contoso.com/x", AD: on, Live: on})
		}
	}
	for i := range 20 {
		f.Tenants = append(f.Tenants, facts.Tenant{Name: fmt.Sprintf("tenant%d.onmicrosoft.com", i), Principal: graph.ServicePrincipal{ServicePrincipalNames: []string{"https://ex007.contoso.com/"}}})
	}
	r := Make(overview(f))
	if len(r.Doors) != 2 || len(r.Names) != 2 || r.Counts.Missing != 499*20 {
		t.Errorf("%d rows of servers, %d of names, %d missing", len(r.Doors), len(r.Names), r.Counts.Missing)
	}
	html := shown(t, r)
	if len(html) > 200<<10 || !strings.Contains(html, "and 493 more") {
		t.Errorf("%d bytes", len(html))
	}
	if i := slices.IndexFunc(r.Doors, func(d DoorRow) bool { return len(d.Servers) == 1 }); i < 0 || r.Doors[i].Servers[0] != "EX007" {
		t.Errorf("%+v", r.Doors)
	}
}

// TestCertificates holds the words and the drawing of their time.
func TestCertificates(t *testing.T) {
	f := &facts.Facts{Auth: facts.AuthConfig{CurrentThumbprint: "AAAAAAAA1", NextThumbprint: "BBBBBBBB2"}}
	for _, server := range []string{"EX1", "EX2"} {
		f.Certificates = append(f.Certificates, facts.Certificate{Server: server, Thumbprint: "AAAAAAAA1", NotBefore: noon.AddDate(-5, 0, 0), NotAfter: noon.AddDate(0, 1, 0)},
			facts.Certificate{Server: server, Thumbprint: "BBBBBBBB2", NotBefore: noon.AddDate(0, 0, 1), NotAfter: noon.AddDate(5, 0, 0)})
	}
	r := Make(overview(f))
	if len(r.Certificates) != 2 || r.Certificates[0].State != "soon" || r.Certificates[1].State != "early" || len(r.Certificates[0].Servers) != 2 {
		t.Fatalf("%+v", r.Certificates)
	}
	line := r.timeline()
	if line.Bars[0].X >= line.Today || line.Bars[1].X < line.Today || line.Bars[1].X+line.Bars[1].Width > drawn {
		t.Errorf("%+v", line)
	}
	if html := shown(t, r); strings.Count(html, "<rect ") != 3 || !strings.Contains(html, "ends within 60 days") {
		t.Error("the drawing is not on the page")
	}
	// A server without it, no next one, and a thumbprint that is none.
	f.Servers = []facts.Server{{Name: "EX1"}, {Name: "EX2"}}
	f.Auth = facts.AuthConfig{CurrentThumbprint: "C"}
	f.Certificates = []facts.Certificate{{Server: "ex1", Thumbprint: "C", NotBefore: noon, NotAfter: noon.AddDate(5, 0, 0)}}
	if html := shown(t, Make(overview(f))); !strings.Contains(html, "on 1 server, not on EX2") || !strings.Contains(html, "No next certificate is planned") {
		t.Error("the server that lacks it, or the missing next one, is not on the page")
	}
}

// TestNamesTwice holds that a second spelling of a name is told.
func TestNamesTwice(t *testing.T) {
	f := &facts.Facts{Servers: []facts.Server{{Name: "EX1"}}, Directories: []facts.Directory{{Server: "EX1", Kind: facts.WebServices, InternalURL: "https://mail.contoso.com/EWS/Exchange.asmx"}}}
	for _, names := range [][]string{{"https://mail.contoso.com", "https://MAIL.contoso.com:443/"}, {"https://mail.contoso.com", "https://mail.contoso.com/ews"}, {"https://mail.contoso.com/ews"}} {
		f.Tenants = append(f.Tenants, facts.Tenant{Principal: graph.ServicePrincipal{ServicePrincipalNames: names}})
	}
	r := Make(overview(f))
	if len(r.Names) != 1 || !slices.Equal(r.Names[0].States, []string{"twice", "registered", "missing"}) {
		t.Errorf("%+v", r.Names)
	}
}

// TestUnread holds that what could not be read is not known: nobody loses access by it and no name is missing.
func TestUnread(t *testing.T) {
	o := overview(&facts.Facts{Servers: []facts.Server{{Name: "EX1"}}, People: make([]facts.Person, 2),
		Directories: []facts.Directory{{Server: "EX1", Kind: facts.WebServices, InternalURL: "https://mail.contoso.com/EWS/Exchange.asmx"}},
		Tenants:     []facts.Tenant{{Name: "contoso"}, {Name: "fabrikam"}},
		Unread: []facts.Unread{{Source: facts.SourcePrincipal, Object: "contoso", Problem: "does not answer"},
			{Source: facts.SourceUsers, Object: "contoso", Problem: "does not answer"}}})
	o.Losses = []rule.Loss{{Person: "ada@contoso.com", Ways: []string{"Outlook"}, Reason: "has no account in the tenant"}}
	same := []rule.Evidence{{Object: "contoso", Found: "read users: does not answer"}}
	o.Check.Findings = []rule.Finding{{Rule: "who-loses-access", Severity: rule.NotChecked, Evidence: same}, {Rule: "users-synchronised", Severity: rule.NotChecked, Evidence: same}}
	r := Make(o)
	if len(r.Names) != 1 || !slices.Equal(r.Names[0].States, []string{"unknown", "missing"}) || r.Counts.Missing != 1 || r.Losing != nil || r.Counts.Losing != 0 {
		t.Errorf("%+v, %+v, losing %v", r.Names, r.Counts, r.Losing)
	}
	html := shown(t, r)
	for _, says := range []string{"Losing access <b>not known</b>", "Names missing <b>1 or more</b>", "Not known: not everything could be read"} {
		if !strings.Contains(html, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	if n := strings.Count(html, "because contoso: read users: does not answer"); n != 1 {
		t.Errorf("the same reason stands %d times", n)
	}
	if strings.Contains(html, "Nobody of 2 people") || strings.Contains(html, "ada@contoso.com") {
		t.Error("the page tells who loses access")
	}
	o.Facts.Unread[1].Source = facts.SourceOverrides
	if html := shown(t, Make(o)); !strings.Contains(html, "Losing access <b>1 or more</b>") || !strings.Contains(html, "There may be more") || !strings.Contains(html, "ada@contoso.com") {
		t.Error("the page does not tell who loses access as far as that is known")
	}
	o.Facts.Tenants = o.Facts.Tenants[:1]
	if html := shown(t, Make(o)); !strings.Contains(html, "Names missing <b>not known</b>") {
		t.Error("the page counts the names of a list that nobody read")
	}
}

// TestComing holds that who still comes with a password is told, and that this is not known where nobody recorded it.
func TestComing(t *testing.T) {
	o := overview(&facts.Facts{})
	note := rule.Finding{Rule: coming, Severity: rule.Note, Kind: rule.NotGiven, Summary: "not checked"}
	for _, x := range []struct {
		notes []rule.Finding
		want  string
	}{
		{nil, "Nobody, by the request records"},
		{[]rule.Finding{note}, "Not known: no request records were given"},
		{[]rule.Finding{{Rule: coming, Severity: rule.Note, Evidence: []rule.Evidence{{Object: "anna@contoso.com", Property: "EWS", Found: "Basic by Old/1", Wanted: "a token"}}}}, "<th scope=\"row\">anna@contoso.com</th><td>EWS</td>"},
	} {
		o.Check.Findings = x.notes
		if html := shown(t, Make(o)); !strings.Contains(html, x.want) {
			t.Errorf("%q is not on the page", x.want)
		}
	}
}
