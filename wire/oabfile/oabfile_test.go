package oabfile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"hma/wire/guid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, data []byte) {
	t.Helper()
	got := hex.Dump(data)
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || got != string(want) {
		t.Errorf("%s differs (%v); got:\n%s", path, err, got)
	}
}

var book = Book{Name: `\Global Address List`, DN: "/", Sequence: 29_000_000, Container: guid.MustParse("00112233-4455-6677-8899-aabbccddeeff")}

var people = []Record{
	{EmailAddress: "/o=Contoso/cn=jane", SMTPAddress: "jane@contoso.com", DisplayName: "Jané", Account: "jane", GivenName: "Jane", Surname: "Doe",
		ProxyAddresses: []string{"SMTP:jane@contoso.com", "smtp:j.doe@contoso.com"}, ObjectGUID: guid.MustParse("0a000000-0b00-0c00-0d00-0e0000000001")},
	{EmailAddress: "/o=Contoso/cn=bare", SMTPAddress: "bare@contoso.com", DisplayName: "nul\x00 and \xff"},
}

func TestFull(t *testing.T) {
	file := Full(book, people)
	golden(t, "full.txt", file)
	if !bytes.Equal(file, Full(book, people)) {
		t.Error("the same arguments gave other bytes")
	}
	if got := binary.LittleEndian.Uint32(file[4:]); got != CRC(file[12:]) {
		t.Errorf("serial 0x%08x", got)
	}
	golden(t, "empty.txt", Full(book, nil))
}

func TestIntegers(t *testing.T) {
	for n, want := range map[uint32]string{0: "00", 0x7f: "7f", 0x80: "8180", 0xff: "81ff", 0x100: "820001", 0xffff: "82ffff", 0x10000: "83000001", 0x1000000: "8400000001", 0xffffffff: "84ffffffff"} {
		if got := hex.EncodeToString(integer(n)); got != want {
			t.Errorf("0x%x is %s, want %s", n, got, want)
		}
	}
}

// The check value of CRC-32 is cbf43926; without the final inversion it is 340bc6d9.
func TestCRC(t *testing.T) {
	if got := CRC([]byte("123456789")); got != 0x340bc6d9 {
		t.Errorf("0x%08x", got)
	}
}

func TestPack(t *testing.T) {
	packed, err := Pack(Full(book, people))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "packed.txt", packed)
	nothing, err := Pack(nil)
	if err != nil || hex.EncodeToString(nothing) != "03000000010000000000020000000000" {
		t.Errorf("nothing packed is %x, %v", nothing, err)
	}
}

func TestTemplate(t *testing.T) {
	if file := Template(); len(file) != 256 || file[0] != 7 {
		t.Errorf("%d bytes, version %d", len(file), file[0])
	}
}

// Rooms are mail users of another display type, groups are distribution lists.
func TestKinds(t *testing.T) {
	golden(t, "kinds.txt", Full(book, []Record{
		{Kind: Room, EmailAddress: "/o=Contoso/cn=room", SMTPAddress: "room@contoso.com"},
		{Kind: Equipment, EmailAddress: "/o=Contoso/cn=beamer", SMTPAddress: "beamer@contoso.com"},
		{Kind: Group, EmailAddress: "/o=Contoso/cn=sales", SMTPAddress: "sales@contoso.com"},
	}))
}
