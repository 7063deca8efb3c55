package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hma/client/mail"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
	"hma/wire/psobject"
)

// piloted applies a plan for pilots, or for everybody when there are none.
func piloted(t *testing.T, p *Procedure, pilots ...string) *Run {
	t.Helper()
	made, err := p.MakePlan(t.Context(), Choices{Pilots: pilots})
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Apply(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// offeredTo tells who is offered tokens by the policies, as the doors decide it.
func (o *organisation) offeredTo() (all []string) {
	on, _ := o.offered(mail.Door{})
	for _, name := range []string{"ada", "admin"} {
		if on && !o.blocks(name) {
			all = append(all, name)
		}
	}
	return all
}

// One pilot, then another, then everybody, and the way back through all three: what stood before
// the pilot stands again after it, whatever it was.
func TestRings(t *testing.T) {
	for name, before := range map[string]func(*organisation){
		"no policies": func(*organisation) {},
		"a default one": func(o *organisation) {
			o.policy("Org", "BlockLegacyAuthImap")
			o.org["DefaultAuthenticationPolicy"] = "Org"
		},
		"one of his own": func(o *organisation) {
			o.policy("Own", "BlockModernAuthMapi", "BlockLegacyAuthPop")
			o.assigned["ada"] = "Own"
		},
		"pilots by hand": func(o *organisation) { o.policy("Own", "BlockLegacyAuthPop"); o.assigned["ada"] = "Own" },
		"half held back": func(o *organisation) {
			o.policy("Org", "BlockModernAuthActiveSync")
			o.org["DefaultAuthenticationPolicy"] = "Org"
		},
		"the switch left": func(o *organisation) { o.org["OAuth2ClientProfileEnabled"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganisation()
			before(o)
			p := engine(t, o, t.TempDir())
			var seconds atomic.Int64 // doors are asked side by side
			p.o.Now = func() time.Time { return noon.Add(time.Duration(seconds.Add(1)) * time.Second) }
			first := o.state()
			stood, had := o.org["DefaultAuthenticationPolicy"], o.assigned["ada"]

			runs := []*Run{piloted(t, p, "ADA@contoso.com")}
			if got := o.offeredTo(); !slices.Equal(got, []string{"ada"}) {
				t.Fatalf("a pilot: tokens for %q", got)
			}
			if o.find("Owa", "EX1").ad["OAuthAuthentication"] == true {
				t.Error("the pilot touched OWA")
			}
			for _, f := range faults(t, p) {
				if strings.Contains(f, "policy") || strings.HasPrefix(f, "modern-auth-blocked") {
					t.Errorf("a pilot on its way is a fault: %s", f)
				}
			}
			runs = append(runs, piloted(t, p, "admin"))
			if got := o.offeredTo(); len(runs[1].Changes) > 2 || !slices.Equal(got, []string{"ada", "admin"}) {
				t.Fatalf("two pilots: tokens for %q by %d changes", got, len(runs[1].Changes))
			}
			runs = append(runs, piloted(t, p))
			if o.org["DefaultAuthenticationPolicy"] != stood || o.assigned["ada"] != had || o.assigned["admin"] != nil {
				t.Errorf("after the last ring: %s", o.state())
			}
			if o.find("Owa", "EX1").ad["OAuthAuthentication"] != true {
				t.Error("the last ring leaves OWA as it was")
			}
			if left := plan(t, p); len(left.Changes) > 0 {
				t.Errorf("after the last ring there is still %s", left.Changes[0].Address)
			}
			for _, run := range slices.Backward(runs) {
				if _, err := p.Rollback(t.Context(), run.ID, false); err != nil {
					t.Fatal(err)
				}
			}
			if o.state() != first {
				t.Errorf("not the first state: %s", o.state())
			}
		})
	}
}

func (o *organisation) policy(name string, switches ...string) {
	o.policies[name] = map[string]any{}
	for _, s := range switches {
		o.policies[name][s] = true
	}
}

// In a pilot's plan the policies stand before what makes the organisation offer tokens, and in the
// last ring's the default one is opened before a pilot loses his own: nobody is held back in between.
func TestRingsInOrder(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	var seen []string
	p.fault = func(point string) {
		if strings.HasPrefix(point, "after change") {
			seen = append(seen, fmt.Sprint(o.offeredTo()))
		}
	}
	piloted(t, p, "ada")
	piloted(t, p)
	if seen = slices.Compact(seen); !slices.Equal(seen, []string{"[]", "[ada]", "[ada admin]"}) {
		t.Errorf("tokens were for %q, one after the other", seen)
	}
}

// A pilot to whom somebody gave another policy meanwhile stops the run where it stands; the way back leaves that policy alone.
func TestPilotMoved(t *testing.T) {
	o := newOrganisation()
	p := engine(t, o, t.TempDir())
	made, err := p.MakePlan(t.Context(), Choices{Pilots: []string{"ada", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	given := slices.IndexFunc(made.Changes, func(c Change) bool { return c.Identity == "ada@contoso.com" }) + 1
	p.fault = func(point string) {
		if point == fmt.Sprintf("after done %d", given-1) {
			o.assigned["ada"] = "Else"
		}
	}
	run, err := p.Apply(t.Context(), made)
	if !errors.Is(err, ErrMoved) || run.Outcome != OutcomeFailed || run.Changes[given-1].State != "pending" || run.Changes[given].State != "pending" {
		t.Fatalf("got %v, want ErrMoved and neither pilot changed: %+v", err, run)
	}
	if got := o.offeredTo(); got != nil {
		t.Errorf("stopped before the switch, and tokens are for %q", got)
	}
	p.fault = func(string) {}
	if _, err := p.Rollback(t.Context(), run.ID, false); err != nil || o.assigned["ada"] != "Else" || len(o.policies) != 0 {
		t.Errorf("the way back: %v, %s", err, o.state())
	}
}

// A default policy that somebody made to hold people back is not the pilot's to open: the pilots keep tokens.
func TestPilotBesideAPolicyByHand(t *testing.T) {
	o := newOrganisation()
	o.policy("Staged", "BlockModernAuthActiveSync", "BlockModernAuthAutodiscover", "BlockModernAuthMapi", "BlockModernAuthOfflineAddressBook", "BlockModernAuthWebServices")
	o.org["DefaultAuthenticationPolicy"] = "Staged"
	p := engine(t, o, t.TempDir())
	piloted(t, p, "ada")
	if got := o.offeredTo(); !slices.Equal(got, []string{"ada"}) || o.policies["HMA later"] != nil {
		t.Errorf("tokens for %q, %s", got, o.state())
	}
	all := plan(t, p)
	if slices.ContainsFunc(all.Changes, func(c Change) bool { return c.Step == StepPolicy }) || len(all.Notes) != 1 || !strings.Contains(all.Notes[0], "Staged") {
		t.Errorf("the plan for everybody: %+v, notes %q", all.Changes, all.Notes)
	}
}

// Verifying a pilot asks for what was planned: tokens for a pilot, none for who signs in and is no pilot, OWA and ECP later.
func TestVerifyPilot(t *testing.T) {
	for name, c := range map[string]struct {
		pilot, note string
		spoil       func(*organisation)
		passes      bool
	}{
		"a pilot verifies":     {"ada", "not in it", func(*organisation) {}, true},
		"somebody else does":   {"admin", "offer tokens to the first alone", func(*organisation) {}, true},
		"who is none has some": {"admin", "the first alone", func(o *organisation) { o.policies["HMA later"]["BlockModernAuthMapi"] = false }, false},
		"a pilot has none":     {"admin", "the first alone", func(o *organisation) { o.policies["HMA pilot"]["BlockModernAuthMapi"] = true }, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganisation()
			o.delay = 0
			p := engine(t, o, t.TempDir())
			piloted(t, p, c.pilot)
			// What the doors do and what the policies say differ while servers have not taken a policy up.
			p.o.Target.Cmdlets = frozen(t, o)
			c.spoil(o)
			v, err := p.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if v.Passed != c.passes || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], c.note) {
				t.Errorf("passed %v, notes %q; want %v, %q", v.Passed, v.Notes, c.passes, c.note)
			}
			for _, row := range v.Rows {
				if row.Later != row.Protocol.Browser() {
					t.Errorf("%s on %s comes later: %v", row.Protocol, row.Server, row.Later)
				}
			}
		})
	}
}

// frozen answers for policies what the organisation shows now, whatever becomes of it.
func frozen(t *testing.T, o *organisation) target.Cmdlets {
	t.Helper()
	policies, err := o.Invoke(t.Context(), psobject.Invocation{Cmdlet: "Get-AuthenticationPolicy"})
	if err != nil {
		t.Fatal(err)
	}
	return frozenPolicies{o, policies}
}

type frozenPolicies struct {
	*organisation
	policies psobject.Result
}

func (f frozenPolicies) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	if call.Cmdlet == "Get-AuthenticationPolicy" {
		return f.policies, nil
	}
	return f.organisation.Invoke(ctx, call)
}

func TestPilotRefused(t *testing.T) {
	for name, c := range map[string]struct {
		says   string
		pilots []string
		spoil  func(*organisation)
	}{
		"nobody":           {"is nobody's", []string{"eve@contoso.com"}, func(*organisation) {}},
		"not synchronised": {"lose access", []string{"Administrator"}, func(*organisation) {}},
		"old servers":      {"2019", []string{"ada"}, func(o *organisation) { o.build = "Version 15.2 (Build 1118.7)" }},
		"enabled for all": {"enabled for everybody", []string{"ada"}, func(o *organisation) {
			o.org["OAuth2ClientProfileEnabled"], o.auth["IsDefaultAuthorizationEndpoint"] = true, true
		}},
		"passwords are closed": {"lock everybody out", []string{"ada"}, func(o *organisation) {
			o.policy("Org", "BlockLegacyAuthMapi")
			o.org["DefaultAuthenticationPolicy"] = "Org"
		}},
		"others let in":     {"admin@contoso.com (Own)", []string{"ada"}, func(o *organisation) { o.policy("Own"); o.assigned["admin"] = "Own" }},
		"another HMA later": {"another one", []string{"ada"}, func(o *organisation) { o.policy("HMA later") }},
		"another HMA pilot": {"another one", []string{"ada"}, func(o *organisation) { o.policy("HMA pilot", "BlockLegacyAuthMapi") }},
		"a pilot undone":    {"no longer blocks", []string{"ada"}, func(o *organisation) { o.policy("HMA later"); o.org["DefaultAuthenticationPolicy"] = "HMA later" }},
		"a long name": {"at most 64", []string{"ada"}, func(o *organisation) {
			long := strings.Repeat("x", 60)
			o.policy(long)
			o.org["DefaultAuthenticationPolicy"] = long
		}},
		"what stood is gone": {"is gone", nil, func(o *organisation) {
			o.policy("Org - HMA later")
			o.org["DefaultAuthenticationPolicy"] = "Org - HMA later"
		}},
		"what he had is gone": {"is gone", nil, func(o *organisation) { o.policy("Own - HMA pilot"); o.assigned["ada"] = "Own - HMA pilot" }},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganisation()
			c.spoil(o)
			p := engine(t, o, t.TempDir())
			if _, err := p.MakePlan(t.Context(), Choices{Pilots: c.pilots}); !errors.Is(err, ErrChoice) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want ErrChoice that says %q", err, c.says)
			}
		})
	}
	p := engine(t, newOrganisation(), t.TempDir())
	if _, err := p.MakePlan(t.Context(), Choices{Pilots: []string{"ada"}, Scope: ScopeBrowser}); !errors.Is(err, ErrChoice) {
		t.Errorf("a pilot of OWA and ECP: %v, want ErrChoice", err)
	}
}

// twoTenants is an organisation whose two tenants lack names and reply URLs: ada is of the second one, the administrator of the first.
func twoTenants(t *testing.T) (*healthy, *Procedure) {
	h := newHealthy()
	h.other.sp.ServicePrincipalNames, h.other.sp.ReplyURLs = []string{"https://outlook.office365.com/"}, nil
	h.sp.ServicePrincipalNames = h.sp.ServicePrincipalNames[:2]
	h.other.users, h.users = h.users[:1], h.users[1:]
	h.set("Get-AuthServer", otherSTS, "DomainName", []string{})
	p := engine(t, h.organisation, t.TempDir())
	p.o.Target.Tenants = append(p.o.Target.Tenants, target.Tenant{Name: "fabrikam.onmicrosoft.com", Graph: second{h.other}})
	return h, p
}

// An administrator whose tenant the plan leaves out proves nothing for OWA and ECP, when that tenant sends nobody back there.
func TestProofOfATenantLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		tenants []string
		want    error
	}{"his own": {[]string{"contoso.com"}, nil}, "the other": {[]string{"fabrikam.com"}, ErrLockout}} {
		h, p := twoTenants(t)
		h.sp.ReplyURLs = nil
		for _, d := range h.dirs {
			if d.kind.Browser() {
				h.both(d, "OAuthAuthentication", false)
			}
		}
		made, err := p.MakePlan(t.Context(), Choices{Tenants: c.tenants})
		if err != nil {
			t.Fatal(err)
		}
		before := h.state()
		if _, err = p.Apply(t.Context(), made); !errors.Is(err, c.want) {
			t.Errorf("a plan for %s: %v, want %v", name, err, c.want)
		}
		if c.want != nil && (h.state() != before || len(made.Administrators) != 0) {
			t.Errorf("a plan for %s: changed, or %q could sign in", name, made.Administrators)
		}
	}
}

// A plan for one of two tenants leaves the lists and the EvoSTS of the other as they are, and says who of it loses access.
func TestPlanForOneTenant(t *testing.T) {
	for _, c := range []struct {
		names  []string
		of     []string // whose changes stand in it
		losing string
	}{
		{nil, []string{"contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"}, ""},
		{[]string{"Contoso.com"}, []string{"contoso.onmicrosoft.com"}, "ada@contoso.com"},
		{[]string{otherID}, []string{"fabrikam.onmicrosoft.com"}, "admin@contoso.com"},
		{[]string{"contoso.com", "fabrikam.com"}, []string{"contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"}, ""},
	} {
		_, p := twoTenants(t)
		made, err := p.MakePlan(t.Context(), Choices{Tenants: c.names})
		if err != nil {
			t.Fatal(err)
		}
		var of []string
		for _, change := range made.Changes {
			if tenant := change.Tenant; tenant != "" && !slices.Contains(of, tenant) {
				of = append(of, tenant)
			}
			if change.Identity == otherSTS && !slices.Contains(c.of, "fabrikam.onmicrosoft.com") {
				t.Errorf("%q changes %s", c.names, change.Address)
			}
		}
		losing := ""
		if i := slices.IndexFunc(made.Losses, func(l rule.Loss) bool { return strings.Contains(l.Reason, "leaves") }); i >= 0 {
			losing = made.Losses[i].Person
		}
		if !slices.Equal(of, c.of) || losing != c.losing {
			t.Errorf("%q: changes of %q, %q loses access; want %q, %q", c.names, of, losing, c.of, c.losing)
		}
	}
	_, p := twoTenants(t)
	if _, err := p.MakePlan(t.Context(), Choices{Tenants: []string{"contoso.com", "tailspin.com"}}); !errors.Is(err, ErrChoice) || !strings.Contains(err.Error(), "tailspin.com here, but contoso.onmicrosoft.com, fabrikam") {
		t.Errorf("an unknown tenant: %v", err)
	}
}

// TestEditedPilot: a plan for pilots from which what holds the others back was cut offers nobody anything.
func TestEditedPilot(t *testing.T) {
	for name, gone := range map[string]func(c *Change) bool{
		"the default policy": func(c *Change) bool { return c.Settings[0].Property == "DefaultAuthenticationPolicy" },
		"the policies":       func(c *Change) bool { return c.Step == StepPolicy },
		"the switches":       func(c *Change) bool { return false },
	} {
		o := newOrganisation()
		p := engine(t, o, t.TempDir())
		made, err := p.MakePlan(t.Context(), Choices{Pilots: []string{"ada"}})
		if err != nil {
			t.Fatal(err)
		}
		made.Changes = slices.DeleteFunc(made.Changes, func(c Change) bool { return gone(&c) })
		for i := range made.Changes {
			made.Changes[i].Number = i + 1
			for n := range made.Changes[i].Settings {
				if s := &made.Changes[i].Settings[n]; name == "the switches" && strings.HasPrefix(s.Property, "BlockModernAuth") {
					s.After = Value{false}
				}
			}
		}
		before := o.state()
		if _, err := p.Apply(t.Context(), made); !errors.Is(err, ErrInvalid) || o.state() != before {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
