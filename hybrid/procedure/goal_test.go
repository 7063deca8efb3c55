package procedure

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/target"
)

// export returns what the organisation is, by way of a file.
func export(t *testing.T, p *Procedure) *desired.State {
	t.Helper()
	s, err := p.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return goalOf(t, marshal(t, s))
}

func marshal(t *testing.T, s *desired.State) string {
	t.Helper()
	text, err := desired.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func goalOf(t *testing.T, text string) *desired.State {
	t.Helper()
	s, err := desired.Parse("dir/goal.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reach plans to the goal, by way of a plan file, and applies it.
func reach(t *testing.T, p *Procedure, goal *desired.State) (*Plan, *Run) {
	t.Helper()
	made, err := p.MakeGoalPlan(t.Context(), goal)
	if err != nil {
		t.Fatal(err)
	}
	name, err := p.SavePlan(made)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := p.LoadPlan(name)
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Apply(t.Context(), loaded)
	if err != nil {
		t.Fatalf("%v\n%s", err, made.Markdown())
	}
	return made, run
}

// differences are what is not as the goal says, without what a list has beyond it.
func differences(t *testing.T, p *Procedure, goal *desired.State) (lacking, extra []string) {
	t.Helper()
	s, err := p.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range desired.Compare(s, goal) {
		line := fmt.Sprintf("%s %s: %v, want %v", d.Address(), d.Property, d.Found, d.Wanted)
		if d.Extra != nil && d.Lacking == nil {
			extra = append(extra, line)
		} else {
			lacking = append(lacking, line)
		}
	}
	return lacking, extra
}

// steps are the plan's steps as runs of the same one.
func steps(plan *Plan) string {
	var all []string
	for _, c := range plan.Changes {
		if all == nil || all[len(all)-1] != string(c.Step) {
			all = append(all, string(c.Step))
		}
	}
	return strings.Join(all, " ")
}

// The way there from another organisation of the same servers, and the way back to what it was:
// everything but the entries of lists, which the plan names as left.
func TestGoal(t *testing.T) {
	there := newOrganisation()
	enabled := engine(t, there, t.TempDir())
	off := export(t, enabled)
	if _, err := enabled.Apply(t.Context(), plan(t, enabled)); err != nil {
		t.Fatal(err)
	}
	on := export(t, enabled)

	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	first := o.state()
	made, forth := reach(t, p, on)
	if got, want := steps(made), "spn oauth endpoint client-profile reply-url legacy-off browser-oauth legacy-off browser-oauth"; got != want {
		t.Errorf("the steps are %s, want %s", got, want)
	}
	if len(made.Left) > 0 || made.Goal != "goal.yaml" {
		t.Errorf("left %+v, goal %s", made.Left, made.Goal)
	}
	if lacking, extra := differences(t, p, on); lacking != nil || extra != nil {
		t.Errorf("it is not as the goal says: %q, %q", lacking, extra)
	}
	if again, err := p.MakeGoalPlan(t.Context(), on); err != nil || len(again.Changes) > 0 {
		t.Errorf("at its goal it has %d changes, %v", len(again.Changes), err)
	}

	made, back := reach(t, p, off)
	if got, want := steps(made), "browser-oauth-off legacy-on browser-oauth-off legacy-on client-profile endpoint oauth"; got != want {
		t.Errorf("the steps back are %s, want %s", got, want)
	}
	lacking, extra := differences(t, p, off)
	if lacking != nil || len(extra) != 3 || len(made.Left) != 3 { // names, reply URLs, domains
		t.Errorf("back it lacks %q, and has %q; left %+v", lacking, extra, made.Left)
	}
	for _, run := range []*Run{back, forth} {
		if _, err := p.Rollback(t.Context(), run.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	if o.state() != first {
		t.Errorf("rolled back it is\n%s\nwant\n%s", o.state(), first)
	}
}

// Whatever of its settings somebody changes, the plan to the former export brings the organisation there, and rollback
// brings back what somebody made of it.
func TestGoalProperty(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 20
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(4, uint64(seed)))
		o := newHealthy().organisation
		o.more["Get-AuthServer"] = o.more["Get-AuthServer"][:1] // of one tenant
		o.policies["Later"] = blocks("BlockModernAuth")
		o.policies["Pilot"] = map[string]any{}
		o.assigned["ada"] = "Pilot"
		o.org["DefaultAuthenticationPolicy"] = nil
		p := engine(t, o, t.TempDir())
		goal := export(t, p)

		var did []string
		for range 1 + r.IntN(6) {
			did = append(did, mutate(o, r))
		}
		mutated := o.state()
		made, err := p.MakeGoalPlan(t.Context(), goal)
		if err != nil {
			t.Fatalf("seed %d, after %q: %v", seed, did, err)
		}
		if len(made.Changes) == 0 {
			continue // one mutation took another back
		}
		run, err := p.Apply(t.Context(), made)
		if err != nil {
			t.Fatalf("seed %d, after %q: %v\n%s", seed, did, err, made.Markdown())
		}
		if lacking, extra := differences(t, p, goal); lacking != nil || len(extra) != len(made.Left) {
			t.Errorf("seed %d, after %q: lacks %q, has %q, left %+v", seed, did, lacking, extra, made.Left)
		}
		if _, err := p.Rollback(t.Context(), run.ID, false); err != nil {
			t.Fatalf("seed %d, after %q: %v", seed, did, err)
		}
		if o.state() != mutated {
			t.Errorf("seed %d, after %q: rolled back it is\n%s\nwant\n%s", seed, did, o.state(), mutated)
		}
	}
}

// blocks is a policy with all switches of a way.
func blocks(way string) map[string]any {
	p := map[string]any{}
	for _, s := range desired.PolicySwitches {
		if strings.HasPrefix(s, way) {
			p[s] = true
		}
	}
	return p
}

// mutate changes one thing that a plan may set, and says what.
func mutate(o *organisation, r *rand.Rand) string {
	d := o.dirs[r.IntN(len(o.dirs))]
	both := func(values map[string]any) {
		for k, v := range values {
			d.ad[k] = v
		}
		d.live = maps.Clone(d.ad)
	}
	without := func(list []string) []string {
		i := len(list) - 1 - r.IntN(len(list)-1) // not the first, which is the application's id
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	switch r.IntN(10) {
	case 0, 1, 2:
		switch {
		case d.kind.Browser(): // both of the server, as they go together
			way := []string{"BasicAuthentication", "DigestAuthentication", "AdfsAuthentication"}[r.IntN(3)]
			forms := way == "BasicAuthentication" && r.IntN(2) == 0
			for _, kind := range []facts.Kind{facts.Owa, facts.Ecp} {
				d = o.find(kind, d.server)
				both(map[string]any{"OAuthAuthentication": false, "BasicAuthentication": false, "DigestAuthentication": false, "AdfsAuthentication": false, "FormsAuthentication": forms})
				both(map[string]any{way: true})
			}
			return "browsers of " + d.server + " to " + way
		case d.kind == facts.Mapi:
			both(map[string]any{"IISAuthenticationMethods": []string{"Negotiate"}})
		case d.kind == facts.ActiveSync:
			return "nothing"
		default:
			both(map[string]any{"OAuthAuthentication": false})
		}
		return d.identity()
	case 3:
		o.auth["IsDefaultAuthorizationEndpoint"] = false
		return "endpoint"
	case 4:
		o.auth["DomainName"] = []string{}
		return "domain"
	case 5:
		o.org["OAuth2ClientProfileEnabled"] = false
		return "switch"
	case 6:
		o.org["DefaultAuthenticationPolicy"] = "Later"
		return "default policy"
	case 7:
		who := []string{"ada", "admin"}[r.IntN(2)]
		if o.assigned[who] = []any{nil, "Later"}[r.IntN(2)]; o.assigned[who] == nil {
			delete(o.assigned, who)
		}
		return "policy of " + who
	case 8:
		if o.assigned["ada"] != "Pilot" {
			delete(o.policies, "Pilot")
			return "policy removed"
		}
		o.sp.ServicePrincipalNames = append(o.sp.ServicePrincipalNames, fmt.Sprintf("https://other%d.contoso.com/", r.IntN(3)))
		return "another name"
	}
	o.sp.ServicePrincipalNames, o.sp.ReplyURLs = without(o.sp.ServicePrincipalNames), without(o.sp.ReplyURLs)
	return "lists"
}

// What nobody could sign in under, or what is not there, is refused; what a plan may not do is said.
func TestGoalRefused(t *testing.T) {
	owa := func(text string) string {
		return fmt.Sprintf("OwaVirtualDirectory: {'EX1\\owa (Default Web Site)': {%s}}", text)
	}
	for name, c := range map[string]struct{ goal, want string }{
		"tokens alone":       {"OrganizationConfig: {OAuth2ClientProfileEnabled: false}", "would take tokens alone"},
		"no endpoint":        {"AuthServer: {EvoSts - contoso.onmicrosoft.com: {IsDefaultAuthorizationEndpoint: false}}", "would take tokens alone"},
		"no way in":          {owa("OAuthAuthentication: false"), "would have no way to sign in"},
		"both ways":          {owa("BasicAuthentication: true"), "cannot have OAuth beside"},
		"OWA without ECP":    {owa("OAuthAuthentication: false, BasicAuthentication: true"), "OWA and ECP of EX1 must be signed in to in the same way"},
		"Forms alone":        {owa("OAuthAuthentication: false, FormsAuthentication: true"), "cannot have Forms without Basic"},
		"no such policy":     {"User: {ada@contoso.com: {AuthenticationPolicy: Nobody}}", "dir/goal.yaml:2: there is no authentication policy Nobody"},
		"no such default":    {"OrganizationConfig: {DefaultAuthenticationPolicy: Nobody}", "there is no authentication policy Nobody"},
		"policy of no way":   {"AuthenticationPolicy: {X: {BlockLegacyAuthMapi: true, BlockModernAuthMapi: true}}", "lets nobody in"},
		"policy's long name": {"AuthenticationPolicy: {" + strings.Repeat("x", 65) + ": {}}", "at most 64 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			p := engine(t, newHealthy().organisation, t.TempDir())
			made, err := p.MakeGoalPlan(t.Context(), goalOf(t, "version: 1\n"+c.goal))
			if !errors.Is(err, ErrChoice) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %+v, want %s", err, made, c.want)
			}
		})
	}
}

// Mail clients too must have a way in: where no tokens are offered, another one.
func TestGoalDoors(t *testing.T) {
	for goal, want := range map[string]string{
		`OabVirtualDirectory: {'EX1\OAB (Default Web Site)': {OAuthAuthentication: false}}`:                                                "would have no way to sign in",
		`ActiveSyncVirtualDirectory: {'EX1\Microsoft-Server-ActiveSync (Default Web Site)': {InternalAuthenticationMethods: [OAuth]}}`:     "would take tokens alone",
		`ActiveSyncVirtualDirectory: {'EX1\Microsoft-Server-ActiveSync (Default Web Site)': {ExternalAuthenticationMethods: [BasicAuth]}}`: "",
	} {
		o := newOrganisation()
		d := o.find(facts.Oab, "EX1")
		d.ad["WindowsAuthentication"], d.live["WindowsAuthentication"] = false, false
		_, err := engine(t, o, t.TempDir()).MakeGoalPlan(t.Context(), goalOf(t, "version: 1\n"+goal))
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrChoice) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", goal, err, want)
		}
	}
}

// Collected organisations of every kind are their own goal.
func TestStateOfSnapshots(t *testing.T) {
	folders, err := os.ReadDir(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			names, err := filepath.Glob(filepath.Join(snapshots, folder.Name(), "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			var files []io.Reader
			for _, name := range names {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, bytes.NewReader(text))
			}
			from, err := target.ReadSnapshot(files...)
			if err != nil {
				t.Fatal(err)
			}
			p, err := New(Options{Target: from, Now: func() time.Time { return noon }})
			if err != nil {
				t.Fatal(err)
			}
			goal := export(t, p)
			made, err := p.MakeGoalPlan(t.Context(), goal)
			if err != nil {
				t.Fatal(err)
			}
			if len(goal.Objects) < 10 || len(made.Changes) > 0 || made.Left != nil {
				t.Errorf("%d objects, %d changes, left %+v", len(goal.Objects), len(made.Changes), made.Left)
			}
		})
	}
}

func TestGoalLeft(t *testing.T) {
	for name, c := range map[string]struct{ goal, want string }{
		"server":     {`OabVirtualDirectory: {'EX9\OAB (Default Web Site)': {OAuthAuthentication: true}}`, "a plan makes none"},
		"AuthServer": {"AuthServer: {EvoSts - 2: {Enabled: true}}", "the wizard makes"},
		"metadata":   {"AuthServer: {EvoSts - contoso.onmicrosoft.com: {AuthMetadataUrl: https://x/}}", "the wizard sets it"},
		"tenant":     {"ServicePrincipal: {fabrikam.com: {replyUrls: []}}", "not in hybrid"},
		"name":       {"ServicePrincipal: {contoso.onmicrosoft.com: {replyUrls: []}}", "a plan removes nothing"},
		"odd name":   {"ServicePrincipal: {contoso.onmicrosoft.com: {replyUrls: [https://outlook.office365.com/owa, 'http://x/']}}", "a plan adds https URLs alone"},
		"MAPI":       {"OrganizationConfig: {MapiHttpEnabled: false}", "Set-OrganizationConfig -MapiHttpEnabled"},
		"URL":        {`EcpVirtualDirectory: {'EX1\ecp (Default Web Site)': {ExternalUrl: https://x/ecp}}`, "Set-EcpVirtualDirectory -ExternalUrl"},
		"nobody":     {"User: {eve@contoso.com: {AuthenticationPolicy: Pilot}}", "nobody with a mailbox"},
		"policy":     {"AuthenticationPolicy: {Pilot: {BlockLegacyAuthPop: true}}", "a policy that is there is not changed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newHealthy().organisation
			o.policies["Pilot"] = map[string]any{}
			made, err := engine(t, o, t.TempDir()).MakeGoalPlan(t.Context(), goalOf(t, "version: 1\n"+c.goal))
			if err != nil {
				t.Fatal(err)
			}
			if len(made.Changes) != 0 || !slices.ContainsFunc(made.Left, func(l Left) bool { return strings.Contains(l.Reason, c.want) }) {
				t.Errorf("%d changes, left %+v", len(made.Changes), made.Left)
			}
		})
	}
}

// A policy that blocks passwords comes when tokens are there, and goes before they do.
func TestGoalPasswords(t *testing.T) {
	o := newOrganisation()
	o.delay = 0
	p := engine(t, o, t.TempDir())
	off := export(t, p)
	if _, err := p.Apply(t.Context(), plan(t, p)); err != nil {
		t.Fatal(err)
	}
	on := strings.Replace(marshal(t, export(t, p)), "DefaultAuthenticationPolicy: null", "DefaultAuthenticationPolicy: Tokens", 1)
	on += "AuthenticationPolicy:\n  Tokens:\n    BlockLegacyAuthMapi: true\n"

	made, _ := reach(t, p, off)
	if _, err := p.MakeGoalPlan(t.Context(), goalOf(t, strings.Replace(on, "OAuth2ClientProfileEnabled: true", "OAuth2ClientProfileEnabled: false", 1))); !errors.Is(err, ErrChoice) {
		t.Errorf("passwords blocked and no tokens: %v", err)
	}
	if made.Notes == nil {
		t.Error("who has no password is not told")
	}
	made, _ = reach(t, p, goalOf(t, on))
	if got := steps(made); !strings.Contains(got, "policy oauth") || !strings.Contains(got, "client-profile policy") {
		t.Errorf("there: %s", got)
	}
	made, _ = reach(t, p, off)
	if got := steps(made); !strings.HasPrefix(got, "policy browser-oauth-off") {
		t.Errorf("back: %s", got)
	}
}
