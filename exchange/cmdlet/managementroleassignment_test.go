package cmdlet_test

import "testing"

// Who may impersonate whom follows from the assignments: a group's own members, or everybody; without one, nobody.
func TestManagementRoleAssignment(t *testing.T) {
	l := newLab(t)
	const app, role = "11111111-2222-3333-4444-555555555555", "ApplicationImpersonation"
	person := func(address string) bool {
		t.Helper()
		list, err := l.org.BySMTP(t.Context(), address)
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %v, %v", address, list, err)
		}
		ok, err := l.org.MayImpersonate(t.Context(), app, nil, list[0])
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	const anna, bob = "anna@contoso.com", "bob@contoso.com"
	expect := func(when string, a, b bool) {
		t.Helper()
		if person(anna) != a || person(bob) != b {
			t.Errorf("%s: %v %v, want %v %v", when, person(anna), person(bob), a, b)
		}
	}
	expect("without an assignment", false, false)
	l.ok("New-DistributionGroup", "Name", "Archived", "Members", []string{"Anna"})
	l.refused("ObjectNotFound", "Nobody", "New-ManagementRoleAssignment", "Role", role, "App", app, "RecipientGroupScope", "Nobody")
	l.refused("ObjectNotFound", "Bob", "New-ManagementRoleAssignment", "Role", role, "App", app, "RecipientGroupScope", "Bob")
	l.refused("InvalidOperation", "application or to a user", "New-ManagementRoleAssignment", "Role", role)
	l.refused("InvalidOperation", "application or to a user", "New-ManagementRoleAssignment", "Role", role, "App", app, "User", "Bob")
	l.refused("InvalidOperation", "no application id", "New-ManagementRoleAssignment", "Role", role, "App", "Archiver")
	l.refused("InvalidArgument", "Role", "New-ManagementRoleAssignment", "Role", "Mailbox Search", "App", app)
	expect("after refusals", false, false)

	made := l.ok("New-ManagementRoleAssignment", "Name", "archive", "Role", role, "App", app, "RecipientGroupScope", "Archived").Output
	if len(made) != 1 || made[0].String("RecipientWriteScope") != "CustomRecipientScope" || made[0].String("RoleAssignee") != app {
		t.Errorf("made %v", made)
	}
	expect("for a group", true, false)
	l.ok("Remove-DistributionGroup", "Identity", "Archived")
	expect("for a group that is gone", false, false)
	l.ok("Remove-ManagementRoleAssignment", "Identity", "archive")

	l.ok("New-ManagementRoleAssignment", "Role", role, "User", "Bob")
	expect("for a user, not for the application", false, false)
	owner, err := l.org.BySMTP(t.Context(), bob)
	if err != nil || len(owner) != 1 {
		t.Fatal(owner, err)
	}
	if ok, err := l.org.MayImpersonate(t.Context(), "", owner[0], owner[0]); err != nil || !ok {
		t.Errorf("the user: %v, %v", ok, err)
	}
	l.ok("New-ManagementRoleAssignment", "Name", "all", "Role", role, "App", app)
	expect("for everybody", true, true)
	l.ok("Remove-ManagementRoleAssignment", "Identity", "all")
	expect("removed", false, false)
	if got := l.ok("Get-ManagementRoleAssignment").Output; len(got) != 1 || got[0].String("Name") != role+"-Bob" {
		t.Errorf("left: %v", got)
	}
}
