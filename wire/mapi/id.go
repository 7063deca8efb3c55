package mapi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"hma/wire/guid"
)

// GlobCnt is a 48-bit counter value: the local part of folder ids, message ids
// and change numbers (MS-OXCDATA 2.2.1.1 and 2.2.1.2). Zero means none.
type GlobCnt uint64

// MaxGlobCnt is the largest value that six bytes hold.
const MaxGlobCnt GlobCnt = 1<<48 - 1

// Bytes returns the wire form, big endian, so that byte order is order in time.
func (c GlobCnt) Bytes() [6]byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(c))
	return [6]byte(b[2:])
}

// GlobCntFrom reads the wire form.
func GlobCntFrom(b [6]byte) GlobCnt {
	var full [8]byte
	copy(full[2:], b[:])
	return GlobCnt(binary.BigEndian.Uint64(full[:]))
}

// ErrSyntax is what the decoders of this package return for bytes that are not
// what they should be, or that pass a limit.
var ErrSyntax = errors.New("malformed MAPI structure")

// XID is a replica's GUID and a local id of at most eight bytes: a source key or
// a change key (MS-OXCFXICS 2.2.2.2).
type XID struct {
	Replica guid.GUID
	Local   GlobCnt
}

// Bytes returns the 22 byte form: the GUID in wire order, then six bytes.
func (x XID) Bytes() []byte {
	out := make([]byte, 0, 22)
	le, n := x.Replica.BytesLE(), x.Local.Bytes()
	return append(append(out, le[:]...), n[:]...)
}

// PCL is a predecessor change list: at most one change key for each replica,
// ordered by the bytes of the replica's GUID (MS-OXCFXICS 2.2.2.3). Local ids
// are kept as bytes because foreign replicas choose their width.
type PCL []Predecessor

// Predecessor is one entry of a PCL.
type Predecessor struct {
	Replica [16]byte // in wire order
	Local   []byte   // 1 to 8 bytes, big endian
}

// maxPredecessors bounds a change list that comes from outside.
const maxPredecessors = 256

// ParsePCL reads a list of size-prefixed change keys. More than 256 entries, an
// empty or too wide local id, or a second entry for a replica is ErrSyntax.
func ParsePCL(b []byte) (PCL, error) {
	var list PCL
	for len(b) > 0 {
		size := int(b[0])
		if size < 17 || size > 24 || len(b) < 1+size || len(list) == maxPredecessors {
			return nil, ErrSyntax
		}
		p := Predecessor{Replica: [16]byte(b[1:17]), Local: bytes.Clone(b[17 : 1+size])}
		if _, found := list.find(p.Replica); found {
			return nil, ErrSyntax
		}
		list = list.put(p)
		b = b[1+size:]
	}
	return list, nil
}

// Bytes returns the packed form.
func (l PCL) Bytes() []byte {
	var out []byte
	for _, p := range l {
		out = append(out, byte(16+len(p.Local)))
		out = append(append(out, p.Replica[:]...), p.Local...)
	}
	return out
}

func (l PCL) find(replica [16]byte) (int, bool) {
	return slices.BinarySearchFunc(l, replica, func(p Predecessor, r [16]byte) int { return bytes.Compare(p.Replica[:], r[:]) })
}

func (l PCL) put(p Predecessor) PCL {
	i, found := l.find(p.Replica)
	if !found {
		return slices.Insert(slices.Clone(l), i, p)
	}
	if compareLocal(l[i].Local, p.Local) >= 0 {
		return l
	}
	l = slices.Clone(l)
	l[i] = p
	return l
}

// With returns the list with one change key merged in: for each replica the largest local id stays.
func (l PCL) With(key XID) PCL {
	n := key.Local.Bytes()
	return l.put(Predecessor{Replica: key.Replica.BytesLE(), Local: n[:]})
}

// Merge returns what both lists know (MS-OXCFXICS 3.1.5.6.2).
func (l PCL) Merge(other PCL) PCL {
	for _, p := range other {
		l = l.put(p)
	}
	return l
}

// Includes tells whether l knows every change that other knows (MS-OXCFXICS 3.1.5.6.1).
func (l PCL) Includes(other PCL) bool {
	for _, p := range other {
		i, found := l.find(p.Replica)
		if !found || compareLocal(l[i].Local, p.Local) < 0 {
			return false
		}
	}
	return true
}

// compareLocal compares big-endian numbers of any width.
func compareLocal(a, b []byte) int {
	a, b = bytes.TrimLeft(a, "\x00"), bytes.TrimLeft(b, "\x00")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// FolderEntryID is the 46 byte entry id of a folder in a private mailbox (MS-OXCDATA 2.2.4.1).
type FolderEntryID struct {
	Mailbox  guid.GUID // the store's GUID
	Database guid.GUID // the replica GUID that minted the folder
	Folder   GlobCnt
}

// MessageEntryID is the 70 byte entry id of a message in a private mailbox (MS-OXCDATA 2.2.4.2).
type MessageEntryID struct {
	Mailbox        guid.GUID
	FolderDatabase guid.GUID
	Folder         GlobCnt
	Database       guid.GUID
	Message        GlobCnt
}

// Types of entry ids in a private mailbox (MS-OXCDATA 2.2.4).
const (
	privateFolder  = 0x0001
	privateMessage = 0x0007
)

// Bytes returns the wire form.
func (e FolderEntryID) Bytes() []byte {
	out := appendEntryHead(make([]byte, 0, 46), e.Mailbox, privateFolder)
	return appendLongTerm(out, e.Database, e.Folder)
}

// Bytes returns the wire form.
func (e MessageEntryID) Bytes() []byte {
	out := appendEntryHead(make([]byte, 0, 70), e.Mailbox, privateMessage)
	out = appendLongTerm(out, e.FolderDatabase, e.Folder)
	return appendLongTerm(out, e.Database, e.Message)
}

func appendEntryHead(out []byte, mailbox guid.GUID, kind uint16) []byte {
	le := mailbox.BytesLE()
	out = append(out, 0, 0, 0, 0)
	out = append(out, le[:]...)
	return binary.LittleEndian.AppendUint16(out, kind)
}

func appendLongTerm(out []byte, database guid.GUID, n GlobCnt) []byte {
	le, local := database.BytesLE(), n.Bytes()
	out = append(append(out, le[:]...), local[:]...)
	return append(out, 0, 0)
}

// ParseFolderEntryID reads the wire form; anything else is ErrSyntax.
func ParseFolderEntryID(b []byte) (FolderEntryID, error) {
	if len(b) != 46 || !bytes.Equal(b[:4], make([]byte, 4)) || binary.LittleEndian.Uint16(b[20:]) != privateFolder || b[44] != 0 || b[45] != 0 {
		return FolderEntryID{}, ErrSyntax
	}
	return FolderEntryID{
		Mailbox:  guid.FromBytesLE([16]byte(b[4:20])),
		Database: guid.FromBytesLE([16]byte(b[22:38])),
		Folder:   GlobCntFrom([6]byte(b[38:44])),
	}, nil
}

// ParseMessageEntryID reads the wire form; anything else is ErrSyntax.
func ParseMessageEntryID(b []byte) (MessageEntryID, error) {
	if len(b) != 70 || !bytes.Equal(b[:4], make([]byte, 4)) || binary.LittleEndian.Uint16(b[20:]) != privateMessage ||
		b[44] != 0 || b[45] != 0 || b[68] != 0 || b[69] != 0 {
		return MessageEntryID{}, ErrSyntax
	}
	return MessageEntryID{
		Mailbox:        guid.FromBytesLE([16]byte(b[4:20])),
		FolderDatabase: guid.FromBytesLE([16]byte(b[22:38])),
		Folder:         GlobCntFrom([6]byte(b[38:44])),
		Database:       guid.FromBytesLE([16]byte(b[46:62])),
		Message:        GlobCntFrom([6]byte(b[62:68])),
	}, nil
}
