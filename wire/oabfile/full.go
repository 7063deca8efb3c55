package oabfile

import (
	"encoding/binary"
	"hash/crc32"
	"strings"

	"hma/wire/guid"
	"hma/wire/mapi"
)

// Version is that of a full details file, in its header and in a manifest (MS-OXOAB 2.9.1).
const Version = 32

// Book is what the header record says about the address list.
type Book struct {
	Name      string    // as shown, for example `\Global Address List`
	DN        string    // "/" for the global address list
	Sequence  uint32    // grows when the content changes
	Container guid.GUID // of the address list; the manifest names the same
}

// Kind is what an address record stands for.
type Kind int

// The kinds of records.
const (
	MailUser Kind = iota // a mailbox of somebody, or a shared one
	Room
	Equipment
	Group
)

// Record is one address record. EmailAddress and SMTPAddress are keys of the
// file and must not be empty; an empty text elsewhere is left out of the record.
type Record struct {
	Kind           Kind
	EmailAddress   string // legacy distinguished name, as NSPI gives it
	SMTPAddress    string
	DisplayName    string
	Account        string
	GivenName      string
	Surname        string
	ProxyAddresses []string // with prefix, SMTP: for the primary one
	ObjectGUID     guid.GUID
}

// Flags of a property in the table of properties (MS-OXOAB 2.9.4).
const (
	flagANR = 1 // looked up when a name is resolved
	flagKey = 2 // has a value in every record
)

type column struct {
	tag   mapi.Tag
	flags uint32
}

// headerColumns and recordColumns are the tables of properties; the values of a
// record come in the same order.
var (
	headerColumns = []column{
		{0x6800_001F, 0}, // PidTagOfflineAddressBookName
		{0x6804_001E, 0}, // PidTagOfflineAddressBookDistinguishedName
		{0x6801_0003, 0}, // PidTagOfflineAddressBookSequence
		{0x6802_001E, 0}, // PidTagOfflineAddressBookContainerGuid
	}
	recordColumns = []column{
		{0x3003_001E, flagKey}, // PidTagEmailAddress
		{0x39FE_001F, flagKey}, // PidTagSmtpAddress
		{0x3001_001F, flagANR}, // PidTagDisplayName
		{0x3A00_001F, flagANR}, // PidTagAccount
		{0x3A11_001F, flagANR}, // PidTagSurname
		{0x3A06_001F, 0},       // PidTagGivenName
		{0x800F_101F, flagANR}, // PidTagAddressBookProxyAddresses
		{0x0FFE_0003, 0},       // PidTagObjectType
		{0x3900_0003, 0},       // PidTagDisplayType
		{0x3905_0003, 0},       // PidTagDisplayTypeEx
		{0x8C6D_0102, 0},       // PidTagAddressBookObjectGuid
		{0x6805_1003, 0},       // PidTagOfflineAddressBookTruncatedProperties: nothing is
	}
)

// kinds are the values of PidTagObjectType, PidTagDisplayType and PidTagDisplayTypeEx by kind (MS-OXOABK 2.2.3.10 to 2.2.3.12).
var kinds = []struct{ object, display, displayEx uint32 }{
	MailUser:  {6, 0, 0x4000_0000}, // may be given permissions
	Room:      {6, 0, 7},
	Equipment: {6, 0, 8},
	Group:     {8, 1, 1},
}

// Full returns the uncompressed full details file. The same arguments give the
// same bytes.
func Full(book Book, records []Record) []byte {
	out := make([]byte, headerSize, headerSize+len(records)*256)
	out = appendMetadata(out)
	out = appendRecord(out, []value{
		text(book.Name), text(book.DN), integer(book.Sequence), text(book.Container.String()),
	})
	for i := range records {
		p := &records[i]
		kind := kinds[p.Kind]
		object := p.ObjectGUID.BytesLE()
		out = appendRecord(out, []value{
			text(p.EmailAddress), text(p.SMTPAddress), text(p.DisplayName), text(p.Account), text(p.Surname), text(p.GivenName),
			texts(p.ProxyAddresses), integer(kind.object), integer(kind.display), integer(kind.displayEx), binaryValue(object[:]), nil,
		})
	}
	// OAB_HDR: the serial number is the CRC of all that follows it (MS-OXOAB 2.9.1).
	binary.LittleEndian.PutUint32(out, Version)
	binary.LittleEndian.PutUint32(out[4:], CRC(out[headerSize:]))
	binary.LittleEndian.PutUint32(out[8:], uint32(len(records)))
	return out
}

const headerSize = 12

// CRC is the checksum of headers and blocks: CRC-32 of IEEE 802.3 without the
// final inversion (MS-OXOAB 2.9.1 and LZX_BLK).
func CRC(data []byte) uint32 { return ^crc32.ChecksumIEEE(data) }

// appendMetadata appends OAB_META_DATA (MS-OXOAB 2.9.2).
func appendMetadata(out []byte) []byte {
	size := 4 + 4 + 8*len(headerColumns) + 4 + 8*len(recordColumns)
	out = binary.LittleEndian.AppendUint32(out, uint32(size))
	for _, table := range [][]column{headerColumns, recordColumns} {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(table)))
		for _, c := range table {
			out = binary.LittleEndian.AppendUint32(out, uint32(c.tag))
			out = binary.LittleEndian.AppendUint32(out, c.flags)
		}
	}
	return out
}

// value is an encoded property value; nil stands for none.
type value []byte

// appendRecord appends OAB_V4_REC (MS-OXOAB 2.9.5): size, presence bits, values.
func appendRecord(out []byte, values []value) []byte {
	start := len(out)
	out = append(out, make([]byte, 4+(len(values)+7)/8)...)
	for i, v := range values {
		if v != nil {
			out[start+4+i/8] |= 0x80 >> (i % 8)
			out = append(out, v...)
		}
	}
	binary.LittleEndian.PutUint32(out[start:], uint32(len(out)-start))
	return out
}

// text encodes a string: UTF-8 with a NUL behind it. An empty one is no value.
func text(s string) value {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if s == "" {
		return nil
	}
	return append([]byte(s), 0)
}

// texts encodes several strings: their number, then each.
func texts(list []string) value {
	var encoded []byte
	n := uint32(0)
	for _, s := range list {
		if v := text(s); v != nil {
			encoded = append(encoded, v...)
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return append(integer(n), encoded...)
}

// integer encodes a number (MS-OXOAB 2.9.6.1): below 0x80 itself, otherwise a
// byte that tells how many bytes of it follow.
func integer(n uint32) value {
	switch {
	case n < 1<<7:
		return value{byte(n)}
	case n < 1<<8:
		return value{0x81, byte(n)}
	case n < 1<<16:
		return value{0x82, byte(n), byte(n >> 8)}
	case n < 1<<24:
		return value{0x83, byte(n), byte(n >> 8), byte(n >> 16)}
	}
	return value{0x84, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
}

// binaryValue encodes bytes behind their number.
func binaryValue(b []byte) value { return append(integer(uint32(len(b))), b...) }
