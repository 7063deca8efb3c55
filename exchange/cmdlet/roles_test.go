package cmdlet_test

import (
	"strings"
	"testing"

	"hma/exchange/cmdlet"
	"hma/exchange/org"
	"hma/wire/psobject"
)

// TestWhoMayRunWhat holds every cmdlet there is to its callers: a new one cannot slip through.
func TestWhoMayRunWhat(t *testing.T) {
	l := newLab(t)
	viewer := cmdlet.Caller{Name: "viewer@contoso.com", ViewOnly: true}
	user := cmdlet.Caller{Name: "anna@contoso.com"}
	denied := func(caller cmdlet.Caller, name string) bool {
		res := l.reg.Run(t.Context(), caller, psobject.Invocation{Cmdlet: name, Parameters: []psobject.Property{{Name: "NoSuch", Value: "x"}}})
		if res.Error == nil {
			t.Fatalf("%s took a parameter that nothing has", name)
		}
		return res.Error.Category == "PermissionDenied"
	}
	shown := map[string]bool{}
	for _, c := range l.reg.CommandsFor(viewer) {
		shown[c.Name] = true
	}
	if list := l.reg.CommandsFor(user); len(list) != 0 {
		t.Errorf("an ordinary user is shown %d cmdlets", len(list))
	}
	for _, c := range l.reg.Commands() {
		changes := true
		for _, verb := range []string{"Get-", "Test-", "Search-"} {
			changes = changes && !strings.HasPrefix(c.Name, verb)
		}
		// It changes nothing, but it acts in the organisation's name.
		changes = changes || c.Name == "Test-OAuthConnectivity"
		hasConfirm := false
		for _, p := range c.Params {
			hasConfirm = hasConfirm || p.Name == "Confirm"
		}
		if hasConfirm != changes {
			t.Errorf("%s: has -Confirm %v, changes something by its verb %v", c.Name, hasConfirm, changes)
		}
		if denied(admin, c.Name) {
			t.Errorf("an administrator may not run %s", c.Name)
		}
		if denied(viewer, c.Name) != changes || shown[c.Name] == changes {
			t.Errorf("a view-only administrator and %s: denied %v, shown %v", c.Name, denied(viewer, c.Name), shown[c.Name])
		}
		if !denied(user, c.Name) {
			t.Errorf("an ordinary user may run %s", c.Name)
		}
	}
	res := l.reg.Run(t.Context(), viewer, psobject.Invocation{Cmdlet: "Get-ExchangeDiagnosticInfo", Parameters: []psobject.Property{
		{Name: "Process", Value: "Microsoft.Exchange.Directory.TopologyService"}, {Name: "Component", Value: "VariantConfiguration"}, {Name: "Argument", Value: "Refresh"}}})
	if res.Error == nil || res.Error.Category != "PermissionDenied" {
		t.Errorf("a view-only administrator refreshed a server: %v", res.Error)
	}
}

func TestRoleGroups(t *testing.T) {
	l := newLab(t)
	const view = "View-Only Organization Management"
	l.refused("ObjectNotFound", "couldn't be found", "Add-RoleGroupMember", "Identity", "Help Desk", "Member", "Anna")
	l.refused("ObjectNotFound", "couldn't be found", "Add-RoleGroupMember", "Identity", view, "Member", "Nobody")
	l.ok("Add-RoleGroupMember", "Identity", view, "Member", "anna@contoso.com", "WhatIf", true)
	l.ok("Add-RoleGroupMember", "Identity", view, "Member", "anna@contoso.com")
	l.refused("InvalidOperation", "already a member", "Add-RoleGroupMember", "Identity", view, "Member", "anna@contoso.com")
	if got := l.ok("Get-RoleGroupMember", "Identity", view).Output; len(got) != 1 || got[0].String("Name") != "Anna" {
		t.Errorf("view-only members: %v", got)
	}
	groups := l.ok("Get-RoleGroup").Output
	if len(groups) != 2 || groups[0].String("Members") != "{contoso.com/Users/Administrator}" || groups[1].String("Members") != "{contoso.com/Users/Anna}" {
		t.Errorf("role groups: %v", groups)
	}
	if got := l.ok("Get-RoleGroup", "Identity", groups[1].String("Guid")).Output; len(got) != 1 || got[0].String("Name") != view {
		t.Errorf("a role group by its GUID: %v", got)
	}
	l.ok("Remove-RoleGroupMember", "Identity", view, "Member", "Anna")
	l.refused("InvalidOperation", "isn't a member", "Remove-RoleGroupMember", "Identity", view, "Member", "Anna")

	// The last administrator stays, and one whose account is off counts for nothing.
	l.refused("InvalidOperation", "last member", "Remove-RoleGroupMember", "Identity", "Organization Management", "Member", "Administrator")
	l.ok("Add-RoleGroupMember", "Identity", "Organization Management", "Member", "Bob")
	bob, err := l.org.ByUPN(t.Context(), "bob@contoso.com")
	l.must(err)
	enable := func(on bool) {
		t.Helper()
		_, err := l.org.UpdateRecipient(t.Context(), bob[0].GUID, func(p *org.Recipient) error { p.Enabled = on; return nil })
		l.must(err)
	}
	enable(false)
	l.refused("InvalidOperation", "last member", "Remove-RoleGroupMember", "Identity", "Organization Management", "Member", "Administrator")
	enable(true)
	l.ok("Remove-RoleGroupMember", "Identity", "Organization Management", "Member", "Administrator")
	l.refused("InvalidOperation", "last member", "Remove-RoleGroupMember", "Identity", "Organization Management", "Member", "Bob")
}
