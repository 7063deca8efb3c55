package cmdlet_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"slices"
	"testing"

	"hma/internal/sqldb"
	"hma/wire/psobject"
)

// texts are one property of all objects, in order.
func texts(list []psobject.Object, name string) []string {
	var all []string
	for i := range list {
		all = append(all, list[i].String(name))
	}
	slices.Sort(all)
	return all
}

func TestMailboxTypes(t *testing.T) {
	l := newLab(t)
	l.refused("InvalidArgument", "-Shared, -Room or -Equipment", "New-Mailbox", "Name", "Carol")
	l.refused("InvalidArgument", "set cannot be resolved", "New-Mailbox", "Name", "Both", "Shared", true, "Room", true)
	l.refused("InvalidArgument", "set cannot be resolved", "New-Mailbox", "Name", "Full", "Shared", true, "ResourceCapacity", int64(3))
	info := l.ok("New-Mailbox", "Name", "Info Desk", "Shared", true).Output[0]
	if info.String("PrimarySmtpAddress") != "InfoDesk@contoso.com" || info.String("RecipientTypeDetails") != "SharedMailbox" || !info.Bool("AccountDisabled") || info.Bool("IsDirSynced") {
		t.Errorf("made %v", info)
	}
	l.ok("New-Mailbox", "Name", "Room 1", "Room", true, "ResourceCapacity", int64(8), "Alias", "room1", "DisplayName", "The first room")
	l.ok("New-Mailbox", "Name", "Projector", "Equipment", true, "PrimarySmtpAddress", "beamer@contoso.com")
	l.refused("InvalidOperation", "already used by 'Info Desk'", "New-Mailbox", "Name", "Again", "Shared", true, "PrimarySmtpAddress", "infodesk@contoso.com")
	if res := l.ok("New-Mailbox", "Name", "Never", "Shared", true, "WhatIf", true); len(res.WhatIf) != 1 || l.run("Get-Mailbox", "Identity", "Never").Error == nil {
		t.Errorf("-WhatIf made a mailbox: %v", res)
	}
	for kind, want := range map[string][]string{"SharedMailbox": {"Info Desk"}, "RoomMailbox": {"The first room"}, "UserMailbox": {"Administrator", "Anna", "Bob"}} {
		if got := texts(l.ok("Get-Mailbox", "RecipientTypeDetails", kind).Output, "Name"); !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
	// An account that is disabled is shown as such: what asks who could be locked out passes over it.
	if got := l.ok("Get-User", "Identity", "Info Desk").Output[0]; got.String("UserAccountControl") != "AccountDisabled, NormalAccount" || got.String("RecipientTypeDetails") != "SharedMailbox" {
		t.Errorf("the user is %v", got)
	}

	for identity, want := range map[string]string{"room1": "AutoAccept", "beamer@contoso.com": "AutoAccept", "Anna": "AutoUpdate", "Info Desk": "AutoUpdate"} {
		if got := l.ok("Get-CalendarProcessing", "Identity", identity).Output[0]; got.String("AutomateProcessing") != want || got.Bool("AllowConflicts") {
			t.Errorf("%s: %v", identity, got)
		}
	}
	l.ok("Set-CalendarProcessing", "Identity", "room1", "AutomateProcessing", "none", "AllowConflicts", true)
	if got := l.ok("Get-CalendarProcessing", "Identity", "room1").Output[0]; got.String("AutomateProcessing") != "None" || !got.Bool("AllowConflicts") {
		t.Errorf("the room is booked by %v", got)
	}
	l.refused("InvalidOperation", "neither a room", "Set-CalendarProcessing", "Identity", "Anna", "AllowConflicts", true)
	l.refused("InvalidArgument", "holds people only", "Set-Mailbox", "Identity", "Info Desk", "ResourceCapacity", int64(3))
	l.refused("InvalidOperation", "last member", "Set-Mailbox", "Identity", "Administrator", "Type", "Shared")

	l.ok("Set-Mailbox", "Identity", "Bob", "Type", "shared")
	if got := l.ok("Get-Mailbox", "Identity", "Bob").Output[0]; got.String("RecipientTypeDetails") != "SharedMailbox" || !got.Bool("AccountDisabled") {
		t.Errorf("Bob's mailbox is %v", got)
	}
}

func TestDistributionGroups(t *testing.T) {
	l := newLab(t)
	made := l.ok("New-DistributionGroup", "Name", "Sales & more", "Members", []string{"anna@contoso.com", "Bob", "bob"}, "ManagedBy", "Anna").Output[0]
	if got := names(made); !slices.Equal(got[:8], []string{"GroupType", "SamAccountName", "IsDirSynced", "ManagedBy", "AcceptMessagesOnlyFromSendersOrMembers", "Alias", "DisplayName", "EmailAddresses"}) {
		t.Errorf("properties are %q", got)
	}
	if made.String("PrimarySmtpAddress") != "Salesmore@contoso.com" || made.String("RecipientType") != "MailUniversalDistributionGroup" ||
		!made.Bool("RequireSenderAuthenticationEnabled") || made.String("ManagedBy") != "{contoso.com/Users/Anna}" || made.String("LegacyExchangeDN") == "" {
		t.Errorf("made %v", made)
	}
	l.ok("New-Mailbox", "Name", "Room 1", "Room", true)
	l.ok("New-DistributionGroup", "Name", "Rooms", "RoomList", true, "Members", "Room 1")
	l.refused("InvalidOperation", "no room", "Add-DistributionGroupMember", "Identity", "Rooms", "Member", "Anna")
	l.refused("InvalidOperation", "already used by 'Anna'", "New-DistributionGroup", "Name", "anna")
	l.refused("ObjectNotFound", "couldn't be found", "New-DistributionGroup", "Name", "Nobodies", "Members", "nobody")

	// A group is no account, and no mailbox.
	for _, get := range []string{"Get-User", "Get-Mailbox", "Get-CASMailbox"} {
		l.refused("ObjectNotFound", "couldn't be found", get, "Identity", "Rooms")
		if got := texts(l.ok(get).Output, "Name"); slices.Contains(got, "Rooms") {
			t.Errorf("%s shows %q", get, got)
		}
	}
	if got := texts(l.ok("Get-ADUser", "Filter", "*").Output, "Name"); !slices.Equal(got, []string{"Administrator", "Anna", "Bob", "Room 1"}) {
		t.Errorf("accounts are %q", got)
	}
	l.refused("ObjectNotFound", "couldn't be found", "Get-DistributionGroup", "Identity", "Anna")
	l.refused("ObjectNotFound", "couldn't be found", "Add-RoleGroupMember", "Identity", "Organization Management", "Member", "Rooms")

	if got := texts(l.ok("Get-DistributionGroupMember", "Identity", "Sales & more").Output, "Name"); !slices.Equal(got, []string{"Anna", "Bob"}) {
		t.Errorf("members are %q", got)
	}
	if res := l.ok("Get-DistributionGroupMember", "Identity", "Sales & more", "ResultSize", "1"); len(res.Output) != 1 || len(res.Warnings) != 1 {
		t.Errorf("one member of two: %v", res)
	}
	l.ok("Add-DistributionGroupMember", "Identity", "Sales & more", "Member", "Rooms")
	l.refused("InvalidOperation", "already a member", "Add-DistributionGroupMember", "Identity", "Sales & more", "Member", "Rooms")
	l.ok("Remove-DistributionGroupMember", "Identity", "Sales & more", "Member", "Bob")
	l.refused("InvalidOperation", "isn't a member", "Remove-DistributionGroupMember", "Identity", "Sales & more", "Member", "Bob")

	l.refused("InvalidOperation", "no room", "Set-DistributionGroup", "Identity", "Sales & more", "RoomList", true)
	l.ok("Set-DistributionGroup", "Identity", "Sales & more", "EmailAddresses", psobject.Edit{Add: []string{"team@contoso.com"}}, "RequireSenderAuthenticationEnabled", false,
		"HiddenFromAddressListsEnabled", true, "ManagedBy", psobject.Edit{Add: []string{"Bob"}}, "AcceptMessagesOnlyFromSendersOrMembers", []string{"Bob", "Rooms"})
	l.ok("Set-DistributionGroup", "Identity", "team@contoso.com", "ManagedBy", psobject.Edit{Remove: []string{"Anna"}})
	got := l.ok("Get-DistributionGroup", "Identity", "team@contoso.com").Output[0]
	if got.Bool("RequireSenderAuthenticationEnabled") || !got.Bool("HiddenFromAddressListsEnabled") || got.String("ManagedBy") != "{contoso.com/Users/Bob}" ||
		got.String("AcceptMessagesOnlyFromSendersOrMembers") != "{contoso.com/Users/Bob, contoso.com/Users/Rooms}" || got.String("EmailAddresses") != "{SMTP:Salesmore@contoso.com, smtp:team@contoso.com}" {
		t.Errorf("the group is %v", got)
	}
	// A list that would lose somebody, an empty one that opens the group to everybody among them, wants -Force.
	for _, list := range []string{"ManagedBy", "AcceptMessagesOnlyFromSendersOrMembers"} {
		l.refused("InvalidOperation", "contoso.com/Users/Bob", "Set-DistributionGroup", "Identity", "team@contoso.com", list, []string{"Anna"})
		l.refused("InvalidOperation", "contoso.com/Users/Bob", "Set-DistributionGroup", "Identity", "team@contoso.com", list, []string{})
		l.ok("Set-DistributionGroup", "Identity", "team@contoso.com", list, []string{"Anna"}, "Force", true)
		if got := l.ok("Get-DistributionGroup", "Identity", "team@contoso.com").Output[0]; got.String(list) != "{contoso.com/Users/Anna}" {
			t.Errorf("%s with -Force: %v", list, got)
		}
	}
	for kind, want := range map[string][]string{"RoomList": {"Rooms"}, "RoomMailbox": {"Room 1"}, "UserMailbox": {"Administrator", "Anna", "Bob"}} {
		if got := texts(l.ok("Get-Recipient", "RecipientTypeDetails", kind).Output, "Name"); !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
	l.ok("Remove-DistributionGroup", "Identity", "team@contoso.com", "Confirm", false)
	if got := texts(l.ok("Get-DistributionGroup").Output, "Name"); !slices.Equal(got, []string{"Rooms"}) {
		t.Errorf("groups are %q", got)
	}
	l.refused("ObjectNotFound", "couldn't be found", "Remove-DistributionGroup", "Identity", "Anna")
}

// A remote mailbox is a person without a mailbox here.
func TestRemoteMailbox(t *testing.T) {
	l := newLab(t)
	made := l.ok("New-RemoteMailbox", "Name", "Mia Moved", "UserPrincipalName", "mia@contoso.com", "RemoteRoutingAddress", "mia@contoso.mail.onmicrosoft.com", "PrimarySmtpAddress", "mia@contoso.com").Output[0]
	if made.String("RemoteRoutingAddress") != "SMTP:mia@contoso.mail.onmicrosoft.com" || made.String("RecipientTypeDetails") != "RemoteUserMailbox" || made.String("RecipientType") != "MailUser" {
		t.Errorf("made %v", made)
	}
	if got := texts(l.ok("Get-RemoteMailbox").Output, "UserPrincipalName"); !slices.Equal(got, []string{"mia@contoso.com"}) {
		t.Errorf("Get-RemoteMailbox: %q", got)
	}
	if got := texts(l.ok("Get-Mailbox").Output, "UserPrincipalName"); slices.Contains(got, "mia@contoso.com") {
		t.Errorf("Get-Mailbox shows a remote mailbox: %q", got)
	}
	if got := l.ok("Get-Recipient", "Identity", "mia@contoso.com").Output[0]; got.String("RecipientTypeDetails") != "RemoteUserMailbox" {
		t.Errorf("Get-Recipient: %v", got)
	}
}

func TestUserPhoto(t *testing.T) {
	l := newLab(t)
	var picture bytes.Buffer
	l.must(jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 4)), nil))
	data := base64.StdEncoding.EncodeToString(picture.Bytes())
	l.refused("ObjectNotFound", "couldn't be found", "Get-UserPhoto", "Identity", "Anna")
	l.refused("InvalidArgument", "no base64", "Set-UserPhoto", "Identity", "Anna", "PictureData", "?")
	l.refused("InvalidOperation", "JPEG", "Set-UserPhoto", "Identity", "Anna", "PictureData", "AAAA")
	l.ok("Set-UserPhoto", "Identity", "Anna", "PictureData", data, "WhatIf", true)
	l.refused("ObjectNotFound", "couldn't be found", "Get-UserPhoto", "Identity", "Anna")
	l.ok("Set-UserPhoto", "Identity", "Anna", "PictureData", data)
	if got := l.ok("Get-UserPhoto", "Identity", "anna@contoso.com").Output[0]; got.String("PictureData") != data || len(got.String("Thumbprint")) != 40 {
		t.Errorf("the photo is %v", got)
	}
	l.ok("Remove-UserPhoto", "Identity", "Anna")
	l.refused("ObjectNotFound", "couldn't be found", "Get-UserPhoto", "Identity", "Anna")
}

// TestUnreadableRecipient: who cannot be read is no reason to show a group or a mailbox as if he were not in it.
func TestUnreadableRecipient(t *testing.T) {
	l := newLab(t)
	l.ok("New-DistributionGroup", "Name", "Staff", "ManagedBy", []string{"Bob"})
	l.ok("Set-Mailbox", "Identity", "Anna", "GrantSendOnBehalfTo", []string{"Bob"})
	bob := l.ok("Get-Mailbox", "Identity", "Bob").Output[0].String("Guid")
	l.must(l.db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE person SET body = '{' WHERE guid = $1", bob)
		return err
	}))
	for name, identity := range map[string]string{"Get-DistributionGroup": "Staff", "Get-Mailbox": "Anna"} {
		if res := l.run(name, "Identity", identity); res.Error == nil {
			t.Errorf("%s shows %v", name, res.Output)
		}
	}
	if res := l.run("Set-Mailbox", "Identity", "Anna", "GrantSendOnBehalfTo", []string{"Administrator"}); res.Error == nil {
		t.Error("a list was replaced that could not be read")
	}
}
