package main

import (
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/rule"
)

// TestPlanView: a plan is a diff that fits the terminal. What stays as it is is left out, what
// changes alike shares a line, and who is kept out is named.
func TestPlanView(t *testing.T) {
	set := func(property string, before, after any) procedure.Setting {
		return procedure.Setting{Property: property, Before: procedure.Value{V: before}, After: procedure.Value{V: after}}
	}
	plan := &procedure.Plan{Pilots: []string{"ada@contoso.com"}, Notes: []string{"a policy takes its time"},
		Losses: []rule.Loss{{Person: "root@contoso.com", Administrator: true, Ways: []string{"OWA", "ECP"}, Reason: "has no account in the tenant"}},
		Changes: []procedure.Change{
			{Number: 1, Step: procedure.StepOAuth, Action: procedure.ActionAdd, Address: `EX1\mapi (Default Web Site)`, Interruption: "none",
				Settings: []procedure.Setting{set("IISAuthenticationMethods", []string{"Ntlm", "Negotiate"}, []string{"Ntlm", "Negotiate", "OAuth"})}},
			{Number: 2, Step: procedure.StepPolicy, Action: procedure.ActionCreate, Address: "authentication policy HMA later",
				Settings: []procedure.Setting{set("BlockModernAuthMapi", nil, true), set("BlockModernAuthPop", nil, false)}},
			{Number: 3, Step: procedure.StepPolicy, Action: procedure.ActionSet, Address: "organisation Contoso", Settings: []procedure.Setting{set("DefaultAuthenticationPolicy", nil, "HMA later")}},
			{Number: 4, Step: procedure.StepLegacyOff, Action: procedure.ActionSet, Address: `EX1\owa (Default Web Site)`, Server: "EX1", Affects: "everybody at OWA", Interruption: "seconds",
				Settings: []procedure.Setting{set("AdfsAuthentication", false, false), set("BasicAuthentication", true, false), set("FormsAuthentication", true, false)}},
		}}
	for _, width := range []int{40, 80, 120} {
		v, out := screen(width)
		v.showPlan(plan)
		text := ansi.Strip(out.String())
		for line := range strings.Lines(text) {
			if w := lipgloss.Width(strings.TrimRight(line, "\n")); w > width {
				t.Errorf("at %d a line is %d wide: %s", width, w, line)
			}
		}
		joined := strings.Join(strings.Fields(text), " ")
		for _, want := range []string{"For the pilots ada@contoso.com", "IISAuthenticationMethods + OAuth", "+ blocks modern authentication of Mapi", "DefaultAuthenticationPolicy none -> HMA later",
			"BasicAuthentication, FormsAuthentication True -> False keeps out everybody at OWA", "root@contoso.com (administrator) loses OWA, ECP: has no account", "4 changes: 1 to create, 1 to add, 2 to set"} {
			if !strings.Contains(joined, want) {
				t.Errorf("at %d: want %q in\n%s", width, want, text)
			}
		}
		for _, no := range []string{"+ Ntlm", "Adfs", "Pop"} {
			if strings.Contains(joined, no) {
				t.Errorf("at %d: %q is in\n%s", width, no, text)
			}
		}
	}
}

// A status stays on its line of a terminal that can erase it, and is gone when something is printed.
func TestStatus(t *testing.T) {
	v, out := screen(12)
	v.status("waiting")
	if out.Len() > 0 {
		t.Errorf("a status where nothing can be erased: %q", out)
	}
	v.live = true
	v.status("waiting for EX1")
	v.status("ready")
	v.printf("done\n")
	v.clear()
	if want := eraseLine + "waiting fo…" + eraseLine + "ready" + eraseLine + "done\n"; out.String() != want {
		t.Errorf("got %q, want %q", out, want)
	}
}
