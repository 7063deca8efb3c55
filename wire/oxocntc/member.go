package oxocntc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"hma/wire/oxcmail"
)

// Kind is what a member of a private distribution list is.
type Kind byte

// The kinds of members: the low half of a wrapped entry id's type (MS-OXOCNTC 2.2.2.4.1.1).
const (
	OneOff  Kind = 0 // an address and no more; its entry id is not wrapped
	Contact Kind = 3 // a contact of a mailbox
	List    Kind = 4 // another private distribution list
	User    Kind = 5 // a mailbox of the address list
	Group   Kind = 6 // a distribution group of the address list
)

// Member is a member of a private distribution list.
type Member struct {
	Kind Kind
	// Name and Address say who it is, whatever the kind; an address is an SMTP address.
	Name, Address string
	// ID is the entry id behind a member that is no OneOff: of a contact or list that of the
	// item, of others an address book entry id.
	ID []byte
}

// ErrSyntax says that bytes are no entry id of a member.
var ErrSyntax = errors.New("malformed member of a distribution list")

// wrapper begins a wrapped entry id, after four flag bytes (MS-OXOCNTC 2.2.2.4.1.1).
var wrapper = [16]byte{0xC0, 0x91, 0xAD, 0xD3, 0x51, 0x9D, 0xCF, 0x11, 0xA4, 0xA9, 0x00, 0xAA, 0x00, 0x47, 0xFA, 0xA4}

// Bits of the wrapped entry id's type: which address of a contact is meant, and that it is the default one.
const (
	noAddress    = 0x30
	firstAddress = 0x40
	isDefault    = 0x80
)

// EntryID returns the member's value in PidLidDistributionListMembers.
func (m Member) EntryID() []byte {
	if m.Kind == OneOff {
		return m.OneOff()
	}
	which := byte(noAddress)
	if m.Kind == Contact {
		which = firstAddress
	}
	out := append(make([]byte, 4, 21+len(m.ID)), wrapper[:]...)
	out = append(out, isDefault|which|byte(m.Kind))
	return append(out, m.ID...)
}

// OneOff returns the member's value in PidLidDistributionListOneOffMembers.
func (m Member) OneOff() []byte {
	return oxcmail.OneOff(oxcmail.Address{Name: m.Name, Email: m.Address})
}

// Parse reads a member from its values in both properties; oneOff may be nil for a member that is one itself.
func Parse(entry, oneOff []byte) (Member, error) {
	if a, ok := oxcmail.ParseOneOff(entry); ok {
		return Member{Name: a.Name, Address: a.Email}, nil
	}
	if len(entry) < 21 || binary.LittleEndian.Uint32(entry) != 0 || !bytes.Equal(entry[4:20], wrapper[:]) {
		return Member{}, ErrSyntax
	}
	m := Member{Kind: Kind(entry[20] & 0x0F), ID: bytes.Clone(entry[21:])}
	if m.Kind != Contact && m.Kind != List && m.Kind != User && m.Kind != Group || len(m.ID) == 0 {
		return Member{}, ErrSyntax
	}
	a, ok := oxcmail.ParseOneOff(oneOff)
	if !ok {
		return Member{}, ErrSyntax
	}
	m.Name, m.Address = a.Name, a.Email
	return m, nil
}

// addressBook begins an entry id of the address book, after four flag bytes (MS-OXCDATA 2.2.5.2).
var addressBook = [16]byte{0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82}

// DirectoryID returns the address book entry id of a mailbox or group with the legacy distinguished name.
func DirectoryID(group bool, dn string) []byte {
	out := append(make([]byte, 4, 29+len(dn)), addressBook[:]...)
	out = binary.LittleEndian.AppendUint32(out, 1)
	kind := uint32(0) // a local mail user
	if group {
		kind = 1
	}
	out = binary.LittleEndian.AppendUint32(out, kind)
	return append(append(out, dn...), 0)
}

// DirectoryName returns the legacy distinguished name in an address book entry id; "" for any other.
func DirectoryName(id []byte) string {
	if len(id) < 29 || !bytes.Equal(id[4:20], addressBook[:]) || id[len(id)-1] != 0 {
		return ""
	}
	return string(id[28 : len(id)-1])
}

// Checksum is PidLidDistributionListChecksum: CRC-32 over the members' entry ids (MS-OXOCNTC 2.2.2.3).
func Checksum(members [][]byte) int32 {
	h := crc32.NewIEEE()
	for _, m := range members {
		h.Write(m)
	}
	return int32(h.Sum32())
}
