package cmdlet_test

import (
	"slices"
	"testing"

	"hma/wire/psobject"
)

// Full access and Send As are given, shown and taken away; who may send on behalf is a list of the mailbox.
func TestTrustees(t *testing.T) {
	l := newLab(t)
	l.ok("New-Mailbox", "Name", "Info Desk", "Shared", true)
	users := func(res psobject.Result) []string { return texts(res.Output, "User") }
	const self, anna, bob = `NT AUTHORITY\SELF`, `CONTOSO\anna`, `CONTOSO\bob`
	added := l.ok("Add-MailboxPermission", "Identity", "Info Desk", "User", "anna@contoso.com", "AccessRights", []string{"FullAccess"})
	if got := users(added); !slices.Equal(got, []string{anna}) {
		t.Errorf("added %q", got)
	}
	l.ok("Add-MailboxPermission", "Identity", "Info Desk", "User", "bob@contoso.com", "AccessRights", []string{"FullAccess"}, "AutoMapping", false)
	if got := users(l.ok("Get-MailboxPermission", "Identity", "Info Desk")); !slices.Equal(got, []string{anna, bob, self}) {
		t.Errorf("full access: %q", got)
	}
	found, err := l.org.Find(t.Context(), "Info Desk")
	if err != nil || len(found) != 1 || len(found[0].FullAccess) != 2 || len(found[0].AutoMapped) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	l.refused("InvalidArgument", "AccessRights", "Add-MailboxPermission", "Identity", "Info Desk", "User", "Anna", "AccessRights", []string{"ReadPermission"})
	l.refused("ObjectNotFound", "Nobody", "Add-MailboxPermission", "Identity", "Info Desk", "User", "Nobody", "AccessRights", []string{"FullAccess"})
	l.ok("Remove-MailboxPermission", "Identity", "Info Desk", "User", "Anna", "AccessRights", []string{"FullAccess"})
	if got := users(l.ok("Get-MailboxPermission", "Identity", "Info Desk")); !slices.Equal(got, []string{bob, self}) {
		t.Errorf("full access: %q", got)
	}

	l.ok("Add-ADPermission", "Identity", "Info Desk", "User", "Anna", "ExtendedRights", []string{"Send As"})
	if got := users(l.ok("Get-ADPermission", "Identity", "Info Desk")); !slices.Equal(got, []string{anna, self}) {
		t.Errorf("send as: %q", got)
	}
	if res := l.ok("Remove-ADPermission", "Identity", "Info Desk", "User", "Anna", "ExtendedRights", []string{"Send-As"}, "WhatIf", true); len(res.WhatIf) != 1 {
		t.Errorf("what if: %v", res)
	}
	l.ok("Remove-ADPermission", "Identity", "Info Desk", "User", "Anna", "ExtendedRights", []string{"Send-As"})
	if got := users(l.ok("Get-ADPermission", "Identity", "Info Desk", "User", "Anna")); len(got) != 0 {
		t.Errorf("send as: %q", got)
	}
	l.refused("InvalidArgument", "Send As", "Add-ADPermission", "Identity", "Info Desk", "User", "Anna", "ExtendedRights", []string{"Receive As"})

	l.ok("Set-Mailbox", "Identity", "Info Desk", "GrantSendOnBehalfTo", []string{"Anna", "Bob"})
	l.refused("InvalidOperation", "would lose 1 entry", "Set-Mailbox", "Identity", "Info Desk", "GrantSendOnBehalfTo", []string{"Bob"})
	l.ok("Set-Mailbox", "Identity", "Info Desk", "GrantSendOnBehalfTo", psobject.Edit{Remove: []string{"Anna"}})
	if got := l.ok("Get-Mailbox", "Identity", "Info Desk").Output[0].Strings("GrantSendOnBehalfTo"); !slices.Equal(got, []string{"contoso.com/Users/Bob"}) {
		t.Errorf("on behalf: %q", got)
	}
}
