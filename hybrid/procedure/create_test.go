package procedure

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// creating is a plan that makes a policy, then gives it to ada and makes it the default.
func creating(t *testing.T, p *Procedure) *Plan {
	t.Helper()
	made := plan(t, p)
	made.Changes = []Change{
		{Number: 1, Step: StepPolicy, Action: ActionCreate, Address: "authentication policy Later", Cmdlet: newPolicy, Identity: "Later",
			Settings: []Setting{{"BlockModernAuthMapi", Value{nil}, Value{true}}, {"BlockModernAuthPop", Value{nil}, Value{false}}}},
		{Number: 2, Step: StepPolicy, Action: ActionSet, Address: "ada@contoso.com", Cmdlet: "Set-User", Identity: "ada@contoso.com",
			Settings: []Setting{{"AuthenticationPolicy", Value{nil}, Value{"Later"}}}},
		{Number: 3, Step: StepPolicy, Action: ActionSet, Address: "organisation", Cmdlet: "Set-OrganizationConfig",
			Settings: []Setting{{"DefaultAuthenticationPolicy", Value{nil}, Value{"Later"}}}},
	}
	return made
}

// A policy that a run made goes with the run, and one that somebody else needs by then stays.
func TestCreate(t *testing.T) {
	for name, c := range map[string]struct {
		between func(*organisation)
		first   string // what became of the creation on the way back
		there   bool
	}{
		"nobody needs it":        {func(*organisation) {}, "undone", false},
		"given to somebody else": {func(o *organisation) { o.assigned["admin"] = "Later" }, "left", true},
		"it is gone already": {func(o *organisation) {
			delete(o.policies, "Later")
			clear(o.assigned)
			delete(o.org, "DefaultAuthenticationPolicy")
		}, "undone", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganisation()
			p := engine(t, o, t.TempDir())
			first := o.state()
			run, err := p.Apply(t.Context(), creating(t, p))
			if err != nil {
				t.Fatal(err)
			}
			if o.policies["Later"]["BlockModernAuthMapi"] != true || o.assigned["ada"] != "Later" || o.org["DefaultAuthenticationPolicy"] != "Later" {
				t.Fatalf("not made: %s", o.state())
			}
			c.between(o)
			if run, err = p.Rollback(t.Context(), run.ID, false); err != nil || run.Outcome != OutcomeRolledBack {
				t.Fatal(run, err)
			}
			if _, there := o.policies["Later"]; there != c.there || run.Changes[0].State != c.first {
				t.Errorf("the policy is there: %v, and the change %s; want %v, %s", there, run.Changes[0].State, c.there, c.first)
			}
			if !c.there && o.state() != first {
				t.Errorf("not the first state: %s", o.state())
			}
		})
	}
}

// A policy that was there before is not the run's, and one with other switches stops it.
func TestCreateWhatIsThere(t *testing.T) {
	for name, c := range map[string]struct {
		switches map[string]any
		want     error
	}{
		"the same": {map[string]any{"BlockModernAuthMapi": true}, nil},
		"another":  {map[string]any{"BlockModernAuthPop": true}, ErrMoved},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganisation()
			p := engine(t, o, t.TempDir())
			o.policies["Later"] = c.switches
			run, err := p.Apply(t.Context(), creating(t, p))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if _, err := p.Rollback(t.Context(), run.ID, false); err != nil {
				t.Fatal(err)
			}
			if o.policies["Later"] == nil || len(o.assigned) != 0 {
				t.Errorf("after the way back: %s", o.state())
			}
		})
	}
}

// Dying at every boundary of a plan that creates ends in the end state or in the first one.
func TestKillCreate(t *testing.T) {
	for n := 1; ; n++ {
		for _, way := range []string{"resume", "rollback"} {
			o, dir := newOrganisation(), t.TempDir()
			p := engine(t, o, dir)
			first, made := o.state(), creating(t, p)
			died, err := attempt(p, n, func() error { _, err := p.Apply(t.Context(), made); return err })
			if err != nil {
				t.Fatal(err)
			}
			if died == "" {
				return
			}
			p = engine(t, o, dir)
			open, err := p.Unfinished()
			if err != nil || open == nil {
				continue // before the journal began, or after it was complete
			}
			if way == "resume" {
				if run, err := p.Resume(t.Context(), open.ID); err != nil || run.Outcome != OutcomeApplied || o.org["DefaultAuthenticationPolicy"] != "Later" {
					t.Errorf("killed at %s, resumed: %v, %s", died, err, o.state())
				}
			}
			if _, err := p.Rollback(t.Context(), open.ID, false); err != nil || o.state() != first {
				t.Errorf("killed at %s, %s, rolled back: %v, not the first state", died, way, err)
			}
		}
	}
}

func TestParsePlanRefusesCreations(t *testing.T) {
	good := `{"version":1,"id":"a","snapshot":"b","changes":[{"number":1,"action":"%s","cmdlet":"%s","identity":"x","settings":[%s]}]}`
	on := func(property string) string {
		return fmt.Sprintf(`{"property":%q,"before":null,"after":true}`, property)
	}
	for name, text := range map[string]string{
		"another object": fmt.Sprintf(good, "create", "Set-User", on("AuthenticationPolicy")),
		"no creation":    fmt.Sprintf(good, "set", "New-AuthenticationPolicy", on("BlockModernAuthMapi")),
		"both ways in":   fmt.Sprintf(good, "create", "New-AuthenticationPolicy", on("BlockModernAuthMapi")+","+on("BlockLegacyAuthMapi")),
		"other switch":   fmt.Sprintf(good, "create", "New-AuthenticationPolicy", on("AllowBasicAuthMapi")),
		"values before":  fmt.Sprintf(good, "create", "New-AuthenticationPolicy", strings.Replace(on("BlockModernAuthMapi"), "null", "false", 1)),
	} {
		if _, err := ParsePlan([]byte(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	if _, err := ParsePlan([]byte(fmt.Sprintf(good, "create", "New-AuthenticationPolicy", on("BlockModernAuthMapi")))); err != nil {
		t.Error(err)
	}
}
