package oxcmail

import (
	"encoding/binary"
	"unicode/utf16"

	"hma/wire/mapi"
)

// oneOffProvider begins a one-off entry id after its four flag bytes (MS-OXCDATA 2.2.5.1).
var oneOffProvider = [16]byte{0x81, 0x2b, 0x1f, 0xa4, 0xbe, 0xa3, 0x10, 0x19, 0x9d, 0x6e, 0x00, 0xdd, 0x01, 0x0f, 0x54, 0x02}

// OneOff returns the entry id of an SMTP address that is in no directory, in its
// Unicode form without rich text (MS-OXCDATA 2.2.5.1).
func OneOff(a Address) []byte {
	out := append(make([]byte, 4, 64), oneOffProvider[:]...)
	out = append(out, 0, 0, 0x01, 0x90)
	for _, s := range []string{a.Display(), "SMTP", a.Email} {
		for _, u := range utf16.Encode([]rune(s)) {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
		out = append(out, 0, 0)
	}
	return out
}

// ParseOneOff reads what OneOff writes; ok is false for any other entry id.
func ParseOneOff(b []byte) (a Address, ok bool) {
	if len(b) < 24 || [16]byte(b[4:20]) != oneOffProvider || b[23]&0x80 == 0 {
		return Address{}, false
	}
	var texts [3]string
	b = b[24:]
	for i := range texts {
		var units []uint16
		for {
			if len(b) < 2 {
				return Address{}, false
			}
			u := binary.LittleEndian.Uint16(b)
			b = b[2:]
			if u == 0 {
				break
			}
			units = append(units, u)
		}
		texts[i] = string(utf16.Decode(units))
	}
	if texts[0] == texts[2] {
		texts[0] = ""
	}
	return Address{Name: texts[0], Email: texts[2]}, texts[1] == "SMTP"
}

// replyEntries is a FlatEntryList (MS-OXCDATA 2.3.3) of one-off entry ids.
func replyEntries(list []Address) []byte {
	var body []byte
	for i, a := range list {
		id := OneOff(a)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(id)))
		body = append(body, id...)
		for i < len(list)-1 && len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(list)))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
	return append(out, body...)
}

// ReplyTo reads PidTagReplyRecipientEntries. Entries that are not one-off ids of SMTP addresses are left out.
func ReplyTo(props mapi.Bag) []Address {
	b := props.Bytes(mapi.PidTagReplyRecipientEntries)
	if len(b) < 8 {
		return nil
	}
	var out []Address
	b = b[8:]
	for len(b) >= 4 && len(out) < MaxAddresses {
		size := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if uint64(size) > uint64(len(b)) {
			break
		}
		if a, ok := ParseOneOff(b[:size]); ok {
			out = append(out, a)
		}
		b = b[min(len(b), int(size+3)&^3):]
	}
	return out
}
