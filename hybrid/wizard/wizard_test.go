package wizard_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hma/client/graph"
	"hma/hybrid/target"
	"hma/hybrid/wizard"
	"hma/internal/testenv"
	"hma/lab"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

var modern = []lab.Server{{Name: "EX1", Build: "15.2.1544.25"}}

// options are a run over a lab: its admin socket, and each tenant's Graph as its administrator.
func options(t *testing.T, e *testenv.Env) wizard.Options {
	t.Helper()
	socket := target.AdminAPI{Client: e.Admin()}
	o := wizard.Options{Cmdlets: socket, Lock: socket, Operator: "test"}
	for _, tenant := range e.Endpoints.Tenants {
		i := slices.IndexFunc(e.Endpoints.Users, func(u lab.User) bool {
			return u.Role == "admin" && u.Synced && (u.Tenant == tenant.Domain || u.Tenant == "" && tenant.ID == e.Endpoints.Tenant.ID)
		})
		token := e.Token(t, e.Endpoints.Users[i], wellknown.Graph)
		g, err := graph.New(e.Endpoints.Graph, e.HTTP, func(context.Context) (string, error) { return token, nil })
		if err != nil {
			t.Fatal(err)
		}
		o.Tenants = append(o.Tenants, wizard.Tenant{Graph: g, Login: e.Endpoints.Cloud, AccessControl: e.Endpoints.Cloud, Autodiscover: e.Endpoints.Cloud})
	}
	return o
}

// must runs the wizard and wants so many changes.
func must(t *testing.T, o wizard.Options, changes int) *wizard.Report {
	t.Helper()
	report, err := wizard.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if report.Changes != changes {
		t.Errorf("%d changes, want %d: %v", report.Changes, changes, report.Steps)
	}
	return report
}

// state is everything that the wizard looks after, without what only time and chance decide.
func state(t *testing.T, e *testenv.Env) map[string]any {
	t.Helper()
	all := map[string]any{}
	for noun, properties := range map[string][]string{
		"AuthServer":                 {"Type", "Realm", "IssuerIdentifier", "TokenIssuingEndpoint", "AuthorizationEndpoint", "CertificateStrings", "Enabled", "IsDefaultAuthorizationEndpoint", "ApplicationIdentifier"},
		"PartnerApplication":         {"Name", "Enabled", "ApplicationIdentifier", "Realm"},
		"IntraOrganizationConnector": {"TargetAddressDomains", "DiscoveryEndpoint", "Enabled"},
	} {
		var lines []string
		for _, o := range e.Run(t, "Get-"+noun) {
			var line []string
			for _, p := range properties {
				v, _ := o.Get(p)
				line = append(line, p+"="+psobject.Text(v))
			}
			lines = append(lines, strings.ReplaceAll(strings.Join(line, " "), e.Endpoints.Cloud, "CLOUD"))
		}
		slices.Sort(lines)
		all[noun] = lines
	}
	o := options(t, e)
	for i, tenant := range o.Tenants {
		sp, err := tenant.Graph.ServicePrincipal(t.Context(), wellknown.Exchange)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := tenant.Graph.KeyCredentials(t.Context(), sp.ID)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, k := range keys {
			names = append(names, fmt.Sprintf("%X", k.CustomIdentifier))
		}
		for i, name := range sp.ServicePrincipalNames {
			for _, s := range e.Endpoints.Servers {
				if rest, ok := strings.CutPrefix(name, s.URL); ok {
					sp.ServicePrincipalNames[i] = s.Name + rest
				}
			}
		}
		slices.Sort(sp.ServicePrincipalNames)
		all[fmt.Sprint("names ", i)], all[fmt.Sprint("keys ", i)] = sp.ServicePrincipalNames, names
	}
	return all
}

// TestWizard: a lab is built by the wizard, so that running it again changes nothing; what is taken away is repaired,
// and a new certificate is uploaded beside the old one.
func TestWizard(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, lab.Options{Tenants: 2})
	o := options(t, e)
	must(t, o, 0)
	before := state(t, e)
	if len(before["AuthServer"].([]string)) != 4 || len(before["keys 1"].([]string)) != 1 {
		t.Fatalf("the lab has %v", before)
	}
	for _, a := range e.Run(t, "Get-AuthServer") {
		if a.Bool("IsDefaultAuthorizationEndpoint") {
			t.Errorf("%s is the default authorization endpoint", a.String("Name"))
		}
	}
	for _, a := range e.Run(t, "Get-AuthServer") {
		if a.String("Realm") == e.Endpoints.Tenants[1].ID {
			e.Run(t, "Remove-AuthServer", "Identity", a.String("Name"))
		}
	}
	e.Run(t, "Set-PartnerApplication", "Identity", "Exchange Online", "Enabled", false)
	dry := o
	dry.DryRun = true
	if got := must(t, dry, 3).Steps[0]; got.Action != wizard.Changed || !strings.HasPrefix(got.Command, "Set-PartnerApplication -Identity '") {
		t.Errorf("first step %v", got)
	}
	must(t, o, 3)
	if after := state(t, e); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter  %v", before, after)
	}
	must(t, o, 0)

	made := e.Run(t, "New-ExchangeCertificate", "SubjectName", "CN=Microsoft Exchange Server Auth Certificate", "Services", "SMTP")
	e.Run(t, "Set-AuthConfig", "CertificateThumbprint", made[0].String("Thumbprint"), "Force", true)
	must(t, o, 2)
	if keys := state(t, e)["keys 0"].([]string); len(keys) != 2 || keys[1] != made[0].String("Thumbprint") {
		t.Errorf("keys %v", keys)
	}
	must(t, o, 0)
}

// failing fails the n-th write of a run, cmdlets and Graph requests counted together.
type failing struct{ left int }

var errPlanned = errors.New("planned")

func (f *failing) fail() error {
	if f.left--; f.left == 0 {
		return errPlanned
	}
	return nil
}

type failingCmdlets struct {
	target.Cmdlets
	*failing
}

func (f failingCmdlets) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	if !strings.HasPrefix(call.Cmdlet, "Get-") {
		if err := f.fail(); err != nil {
			return psobject.Result{}, err
		}
	}
	return f.Cmdlets.Invoke(ctx, call)
}

type failingGraph struct {
	wizard.Graph
	*failing
}

func (f failingGraph) SetServicePrincipalNames(ctx context.Context, id string, names []string) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Graph.SetServicePrincipalNames(ctx, id, names)
}

func (f failingGraph) SetKeyCredentials(ctx context.Context, id string, keys []graph.KeyCredential) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Graph.SetKeyCredentials(ctx, id, keys)
}

func (f failingGraph) CreateApplication(ctx context.Context, a graph.Application) (graph.Application, error) {
	if err := f.fail(); err != nil {
		return graph.Application{}, err
	}
	return f.Graph.CreateApplication(ctx, a)
}

func (f failingGraph) CreateServicePrincipal(ctx context.Context, appID string) (graph.ServicePrincipal, error) {
	if err := f.fail(); err != nil {
		return graph.ServicePrincipal{}, err
	}
	return f.Graph.CreateServicePrincipal(ctx, appID)
}

func (f failingGraph) AssignAppRole(ctx context.Context, principalID, resourceID, roleID string) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Graph.AssignAppRole(ctx, principalID, resourceID, roleID)
}

// TestCutOff fails every write of a bare organisation's first run once: each run gets one step further, and
// the last finds what it would have found without the failures.
func TestCutOff(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, lab.Options{Bare: true, Servers: modern})
	o := options(t, e)
	o.DedicatedApp = true
	inner, directory := o.Cmdlets, o.Tenants[0].Graph
	runs, unnamed := 0, 0
	for ; runs < 20; runs++ {
		f := &failing{left: 2} // one write passes
		o.Cmdlets, o.Tenants[0].Graph = failingCmdlets{inner, f}, failingGraph{directory, f}
		report, err := wizard.Run(t.Context(), o)
		if err == nil {
			break
		}
		if errors.Is(err, wizard.ErrInput) && strings.Contains(err.Error(), "does not name") && unnamed == 0 {
			// Cut off between the application and its name at EvoSTS: anybody could have made it.
			unnamed++
			app, _, err := directory.Application(t.Context(), "ExchangeServerApp-"+e.Run(t, "Get-OrganizationConfig")[0].String("Guid"))
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range e.Run(t, "Get-AuthServer") {
				if a.String("Type") == "AzureAD" {
					e.Run(t, "Set-AuthServer", "Identity", a.String("Name"), "ApplicationIdentifier", app.AppID)
				}
			}
			continue
		}
		if !errors.Is(err, errPlanned) || report.Changes != 1 {
			t.Fatalf("%v %v", err, report)
		}
	}
	if runs < 8 || unnamed != 1 {
		t.Errorf("done after %d failures; an application that nobody names was refused %d times", runs, unnamed)
	}
	o.Cmdlets, o.Tenants[0].Graph = inner, directory
	must(t, o, 0)
	app, found, err := directory.Application(t.Context(), "ExchangeServerApp-"+e.Run(t, "Get-OrganizationConfig")[0].String("Guid"))
	if err != nil || !found {
		t.Fatal(found, err)
	}
	for _, a := range e.Run(t, "Get-AuthServer") {
		want := ""
		if a.String("Type") == "AzureAD" {
			want = app.AppID
		}
		if a.String("ApplicationIdentifier") != want {
			t.Errorf("%s has the application %q", a.String("Name"), a.String("ApplicationIdentifier"))
		}
	}
	// Nothing went to the shared principal; what somebody else put there stays when ours is cleaned away.
	if keys := state(t, e)["keys 0"].([]string); len(keys) != 0 {
		t.Errorf("the shared principal has the keys %v", keys)
	}
	o.DedicatedApp = false
	must(t, o, 1)
	o.DedicatedApp, o.CleanUp = true, true
	must(t, o, 1)
	if keys := state(t, e)["keys 0"].([]string); len(keys) != 0 {
		t.Errorf("after the clean-up the shared principal has the keys %v", keys)
	}
}

// TestRefused: what the organisation cannot have is said before anything is changed.
func TestRefused(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, lab.Options{Bare: true})
	o := options(t, e)
	for _, tt := range []struct {
		edit func(*wizard.Options)
		want string
	}{
		{func(o *wizard.Options) { o.DedicatedApp = true }, "EX1 has build 15.2.1544.11"},
		{func(o *wizard.Options) { o.CleanUp = true }, "dedicated application"},
		{func(o *wizard.Options) { o.OldNames = true; o.Tenants = append(o.Tenants, o.Tenants[0]) }, "room for one tenant"},
	} {
		o := o
		o.Tenants = slices.Clone(o.Tenants)
		tt.edit(&o)
		report, err := wizard.Run(t.Context(), o)
		if !errors.Is(err, wizard.ErrInput) || !strings.Contains(err.Error(), tt.want) || report.Changes != 0 {
			t.Errorf("%v; want %s", err, tt.want)
		}
	}
	lease, err := o.Lock.Acquire(t.Context(), "somebody")
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	if _, err := wizard.Run(t.Context(), o); !errors.As(err, new(*target.HeldError)) {
		t.Errorf("beside a lock: %v", err)
	}
}

// TestByHand runs the commands of "Configure OAuth authentication between Exchange and Exchange Online
// organizations" in one organisation and the wizard in another: both end in the same state, names and ids aside.
func TestByHand(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, lab.Options{Bare: true})
	o := options(t, e)
	cloud, domain := e.Endpoints.Cloud, e.Endpoints.Tenant.Domain
	// Step 1.
	e.Run(t, "New-AuthServer", "Name", "WindowsAzureACS", "AuthMetadataUrl", cloud+"/"+domain+"/metadata/json/1")
	e.Run(t, "New-AuthServer", "Name", "evoSTS", "Type", "AzureAD", "AuthMetadataUrl", cloud+"/"+domain+"/federationmetadata/2007-06/federationmetadata.xml")
	// Step 2.
	for _, p := range e.Run(t, "Get-PartnerApplication") {
		if p.String("ApplicationIdentifier") == wellknown.Exchange && p.String("Realm") == "" {
			e.Run(t, "Set-PartnerApplication", "Identity", p.String("Guid"), "Enabled", true)
		}
	}
	// Steps 3 to 5, with Graph in the place of the retired module.
	g := o.Tenants[0].Graph.(*graph.Client)
	sp, err := g.ServicePrincipal(t.Context(), wellknown.Exchange)
	if err != nil {
		t.Fatal(err)
	}
	thumbprint := e.Run(t, "Get-AuthConfig")[0].String("CurrentCertificateThumbprint")
	key := e.Run(t, "Get-ExchangeCertificate", "Thumbprint", thumbprint)[0].String("RawData")
	if _, err := g.Raw(t.Context(), "PATCH", "/servicePrincipals/"+sp.ID,
		[]byte(`{"keyCredentials":[{"type":"AsymmetricX509Cert","usage":"Verify","key":"`+key+`"}]}`)); err != nil {
		t.Fatal(err)
	}
	if err := g.SetServicePrincipalNames(t.Context(), sp.ID, append(sp.ServicePrincipalNames, "https://mail.contoso.com/")); err != nil {
		t.Fatal(err)
	}
	// Step 6.
	e.Run(t, "New-IntraOrganizationConnector", "Name", "ExchangeHybridOnPremisesToOnline", "DiscoveryEndpoint", cloud+"/autodiscover/autodiscover.svc",
		"TargetAddressDomains", "contoso.mail.onmicrosoft.com")
	byHand := state(t, e)

	// The wizard finds all of it: what is left for it are the domains of an AuthServer, and its own record.
	report := must(t, o, 2)
	for _, s := range report.Steps {
		if s.Action != wizard.Unchanged && s.Object != "AuthServer 'WindowsAzureACS'" && s.Object != "HybridConfiguration" {
			t.Errorf("after the manual way the wizard did %v", s)
		}
	}
	if after := state(t, e); !reflect.DeepEqual(byHand, after) {
		t.Errorf("by hand %v\nafter   %v", byHand, after)
	}

	other := testenv.Start(t, lab.Options{Bare: true})
	if wizard, err := wizard.Run(t.Context(), options(t, other)); err != nil {
		t.Fatal(err, wizard)
	}
	own := func(e *testenv.Env) string {
		certs := e.Run(t, "Get-AuthServer")[0].Strings("CertificateStrings")
		text := strings.ReplaceAll(fmt.Sprint(state(t, e)), e.Endpoints.Tenant.ID, "TENANT")
		for _, c := range certs {
			text = strings.ReplaceAll(text, c, "CERT")
		}
		text = strings.ReplaceAll(text, e.Run(t, "Get-AuthConfig")[0].String("CurrentCertificateThumbprint"), "THUMBPRINT")
		text = strings.ReplaceAll(text, strings.TrimPrefix(e.Endpoints.Cloud, "https://"), "HOST")
		return text
	}
	if one, two := own(e), own(other); one != two {
		t.Errorf("by hand    %s\nby wizard  %s", one, two)
	}
}

// TestOldNames names what it makes as wizards of before 2020 did, and finds it again.
func TestOldNames(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, lab.Options{Bare: true})
	o := options(t, e)
	o.OldNames = true
	if _, err := wizard.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range e.Run(t, "Get-AuthServer") {
		names = append(names, a.String("Name"))
	}
	if slices.Sort(names); !slices.Equal(names, []string{"EvoSTS", "WindowsAzureACS"}) {
		t.Errorf("AuthServer objects %v", names)
	}
	o.OldNames = false
	must(t, o, 0)
}

func TestText(t *testing.T) {
	call := psobject.Invocation{Cmdlet: "Set-X", Parameters: []psobject.Property{{Name: "Identity", Value: "it's"}, {Name: "A", Value: true}, {Name: "B", Value: []string{"x", "y"}},
		{Name: "C", Value: psobject.Edit{Add: []string{"a", "b"}, Remove: []string{"c"}}}, {Name: "D", Value: nil}, {Name: "E", Value: []string{}}, {Name: "F", Value: int64(3)}}}
	if got, want := wizard.Text(call), "Set-X -Identity 'it''s' -A $true -B 'x','y' -C @{Add='a','b'; Remove='c'} -D $null -E @() -F 3"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
