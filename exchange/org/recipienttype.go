package org

import (
	"slices"

	"hma/wire/guid"
)

// RecipientType is what a recipient stands for, by its name in RecipientTypeDetails.
type RecipientType string

// The types of recipients.
const (
	// TypeUser is an account of a person, with a mailbox or without; a linked mailbox is one too.
	TypeUser RecipientType = ""
	// TypeShared, TypeRoom and TypeEquipment are mailboxes whose account is disabled: nobody signs in as one.
	TypeShared    RecipientType = "SharedMailbox"
	TypeRoom      RecipientType = "RoomMailbox"
	TypeEquipment RecipientType = "EquipmentMailbox"
	// TypeDistributionGroup is a group that mail is sent to, TypeRoomList one whose members are rooms.
	TypeDistributionGroup RecipientType = "MailUniversalDistributionGroup"
	TypeRoomList          RecipientType = "RoomList"
)

// Group tells whether recipients of the type are groups: they have members, and no account and no mailbox.
func (t RecipientType) Group() bool { return t == TypeDistributionGroup || t == TypeRoomList }

// Resource tells whether recipients of the type are booked: rooms and equipment.
func (t RecipientType) Resource() bool { return t == TypeRoom || t == TypeEquipment }

// mailboxAlone tells whether recipients of the type are mailboxes as which nobody signs in.
func (t RecipientType) mailboxAlone() bool { return t == TypeShared || t.Resource() }

// Resource is what a room or a piece of equipment has besides its mailbox.
type Resource struct {
	// Capacity is for how many people there is room; 0 for not said.
	Capacity int `json:",omitempty"`
	// Processing is how invitations are answered.
	Processing AutomateProcessing
	// AllowConflicts lets two bookings have one time.
	AllowConflicts bool `json:",omitempty"`
}

// AutomateProcessing is how a mailbox treats the meeting messages that it gets (Set-CalendarProcessing).
type AutomateProcessing string

// The values of AutomateProcessing.
const (
	// ProcessNone leaves meeting messages alone.
	ProcessNone AutomateProcessing = "None"
	// ProcessUpdate notes meetings in the calendar, tentatively, until somebody answers. It is what a person has.
	ProcessUpdate AutomateProcessing = "AutoUpdate"
	// ProcessAccept answers too, by the rules of the resource.
	ProcessAccept AutomateProcessing = "AutoAccept"
)

// Group is what a distribution group has besides its addresses; its members are rows of their own.
type Group struct {
	// ManagedBy are the owners, by GUID.
	ManagedBy []guid.GUID `json:",omitempty"`
	// InternalOnly refuses mail of senders who did not sign in (RequireSenderAuthenticationEnabled).
	InternalOnly bool
	// AcceptFrom are those who may send to the group, people and groups by GUID, whose members then may
	// (AcceptMessagesOnlyFromSendersOrMembers); nobody here means everybody.
	AcceptFrom []guid.GUID `json:",omitempty"`
}

// NewMailbox returns a shared, room or equipment mailbox with stock flags, whose account is disabled,
// ready for CreateRecipient. A resource accepts invitations while it is free.
func NewMailbox(t RecipientType, address, displayName string) Recipient {
	r := NewRecipient(address, displayName)
	r.SetType(t)
	return r
}

// NewRemoteMailbox returns a person whose mailbox is in the cloud, where target is its address, ready for
// CreateRecipient.
func NewRemoteMailbox(upn, displayName, target string) Recipient {
	r := NewRecipient(upn, displayName)
	r.MailboxGUID, r.RemoteRoutingAddress = guid.Nil, target
	return r
}

// SetType makes a mailbox one of another type (Set-Mailbox -Type): the account of one that is not a
// person's is disabled.
func (r *Recipient) SetType(t RecipientType) {
	if r.Type = t; t.mailboxAlone() {
		r.Enabled = false
	}
	switch {
	case !t.Resource():
		r.Resource = nil
	case r.Resource == nil:
		r.Resource = &Resource{Processing: ProcessAccept}
	}
}

// NewGroup returns a group without members that takes mail from inside the organisation alone, as
// New-DistributionGroup makes it, ready for CreateRecipient.
func NewGroup(t RecipientType, address, displayName string) Recipient {
	r := NewRecipient(address, displayName)
	return Recipient{GUID: r.GUID, Type: t, DisplayName: displayName, Alias: r.Alias, SAMAccount: r.Alias, PrimarySMTP: address, Addresses: r.Addresses,
		Group: &Group{InternalOnly: true}}
}

// checkType refuses what no recipient of its type has.
func (r *Recipient) checkType() error {
	switch {
	case !slices.Contains([]RecipientType{TypeUser, TypeShared, TypeRoom, TypeEquipment, TypeDistributionGroup, TypeRoomList}, r.Type):
		return refuse("%q is no type of recipient.", r.Type)
	case r.Type.Group() && (r.Group == nil || !r.MailboxGUID.IsNil() || r.Enabled || r.PrimarySMTP == ""):
		return refuse("A group has an address, and neither an account nor a mailbox.")
	case !r.Type.Group() && (r.Group != nil || r.UPN == ""):
		return refuse("A recipient needs a user principal name, a display name and an account name.")
	case r.Type.mailboxAlone() && (r.MailboxGUID.IsNil() || r.Enabled || r.MasterAccountSID != ""):
		return refuse("The account of a shared or resource mailbox is disabled.")
	case r.Type.Resource() != (r.Resource != nil):
		return refuse("A room or a piece of equipment says how it is booked, and nothing else does.")
	}
	return nil
}

// Receives tells whether mail is delivered to the recipient's own mailbox: that of an account in use, or
// one that is nobody's.
func (r *Recipient) Receives() bool {
	return !r.MailboxGUID.IsNil() && (r.Type.mailboxAlone() || r.Active())
}
