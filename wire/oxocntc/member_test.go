package oxocntc

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
)

func TestMembers(t *testing.T) {
	for _, m := range []Member{
		{Name: "Carol, C.", Address: "carol@example.net"},
		{Address: "bare@example.net"},
		{Kind: Contact, Name: "Zoë", Address: "zoe@example.org", ID: []byte{1, 2, 3}},
		{Kind: List, Name: "Friends", ID: []byte{9}},
		{Kind: User, Name: "Anna", Address: "anna@contoso.com", ID: DirectoryID(false, "/o=Contoso/cn=anna")},
		{Kind: Group, Name: "Sales", Address: "sales@contoso.com", ID: DirectoryID(true, "/o=Contoso/cn=sales")},
	} {
		got, err := Parse(m.EntryID(), m.OneOff())
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v came back as %+v, %v", m, got, err)
		}
	}
	// As Outlook packs a mailbox of the address list and the first address of a contact.
	for kind, want := range map[Kind]string{User: "b5", Contact: "c3", List: "b4", Group: "b6"} {
		if got := hex.EncodeToString(Member{Kind: kind, ID: []byte{7}}.EntryID()); got != "00000000c091add3519dcf11a4a900aa0047faa4"+want+"07" {
			t.Errorf("kind %d is %s", kind, got)
		}
	}
	if got := DirectoryName(DirectoryID(true, "/o=x")); got != "/o=x" {
		t.Errorf("distinguished name %q", got)
	}
}

func TestHostileMembers(t *testing.T) {
	good := Member{Kind: User, Name: "A", Address: "a@b", ID: DirectoryID(false, "/o=x")}
	entry, oneOff := good.EntryID(), good.OneOff()
	for what, c := range map[string][2][]byte{
		"nothing": {nil, nil}, "no one-off": {entry, nil}, "cut": {entry[:20], oneOff}, "no entry id": {entry[:21], oneOff}, "flags": {append([]byte{1}, entry[1:]...), oneOff},
		"unknown kind": {append(append([]byte{}, entry[:20]...), 0x87, 1), oneOff}, "cut one-off": {oneOff[:len(oneOff)-1], nil},
	} {
		if m, err := Parse(c[0], c[1]); err != ErrSyntax {
			t.Errorf("%s: %+v, %v", what, m, err)
		}
	}
	for _, id := range [][]byte{nil, make([]byte, 40), DirectoryID(false, "")[:28]} {
		if got := DirectoryName(id); got != "" {
			t.Errorf("%x is %q", id, got)
		}
	}
}

func TestChecksum(t *testing.T) {
	if got := Checksum([][]byte{[]byte("12345"), []byte("6789")}); got != -0x340bc6da { // the check value of CRC-32, cbf43926
		t.Errorf("%x", uint32(got))
	}
}

func FuzzParse(f *testing.F) {
	m := Member{Kind: Contact, Name: "Zoë", Address: "zoe@example.org", ID: []byte{1}}
	f.Add(m.EntryID(), m.OneOff())
	f.Add(m.OneOff(), []byte(nil))
	f.Fuzz(func(t *testing.T, entry, oneOff []byte) {
		m, err := Parse(entry, oneOff)
		if err != nil {
			return
		}
		again, err := Parse(m.EntryID(), m.OneOff())
		if err != nil || again.Kind != m.Kind || !bytes.Equal(again.ID, m.ID) || again.Address != m.Address {
			t.Errorf("%+v came back as %+v, %v", m, again, err)
		}
		DirectoryName(m.ID)
	})
}
