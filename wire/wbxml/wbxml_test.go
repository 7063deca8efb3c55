package wbxml

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

var limits = Limits{Depth: 16, Elements: 1000}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKnownDocuments(t *testing.T) {
	for _, tt := range []struct {
		name, wire string
		want       *Element
	}{
		{"Settings/UserInformation/Get as Test-HMAEAS posts it", "03 01 6A 00 00 12 45 5D 07 01 01",
			New(MustTag("Settings:Settings"), New(MustTag("Settings:UserInformation"), New(MustTag("Settings:Get"))))},
		{"FolderSync with key 0", "03 01 6A 00 00 07 56 52 03 30 00 01 01",
			New(MustTag("FolderHierarchy:FolderSync"), Text(MustTag("FolderHierarchy:SyncKey"), "0"))},
		{"page 0 needs no switch", "03 01 6A 00 45 4B 03 30 00 01 01",
			New(MustTag("AirSync:Sync"), Text(MustTag("AirSync:SyncKey"), "0"))},
		{"opaque MIME of 130 bytes", "03 01 6A 00 00 15 45 50 C3 81 02" + strings.Repeat("61", 130) + "01 01",
			New(MustTag("ComposeMail:SendMail"), &Element{Tag: MustTag("ComposeMail:Mime"), Opaque: bytes.Repeat([]byte("a"), 130)})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wire := unhex(t, tt.wire)
			got, err := Decode(wire, limits)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("decoded %+v", got)
			}
			if again := Encode(tt.want); !bytes.Equal(again, wire) {
				t.Errorf("encoded % x", again)
			}
		})
	}
}

// The tokens at which the pages' tables have gaps or end (MS-ASWBXML 2.1.2.1).
func TestTokens(t *testing.T) {
	for text, tag := range map[string]Tag{
		"AirSync:HeartbeatInterval": 0x0029, "Contacts:WeightedRank": 0x013E, "Email:DisallowNewTimeProposal": 0x023F,
		"AirNotify:DeviceFriendlyName": 0x0317, "Calendar:AttendeeType": 0x042A, "Calendar:DisallowNewTimeProposal": 0x0433,
		"Calendar:ClientUid": 0x043C, "Move:DstMsgId": 0x050C, "GetItemEstimate:Status": 0x060E, "FolderHierarchy:Count": 0x0717,
		"MeetingResponse:SendResponse": 0x0812, "Tasks:FirstDayOfWeek": 0x0926, "ResolveRecipients:MaxPictures": 0x0A1D,
		"ValidateCert:Status": 0x0B0A, "Contacts2:MMS": 0x0C0E, "Ping:MaxFolders": 0x0D0D, "Provision:AttachmentsEnabled": 0x0E13,
		"Provision:AccountOnlyRemoteWipe": 0x0E3B, "Search:DeepTraversal": 0x0F17, "Search:MaxPictures": 0x0F23,
		"GAL:Data": 0x1012, "AirSyncBase:InstanceId": 0x112D, "Settings:RightsManagementInformation": 0x122B,
		"DocumentLibrary:ContentType": 0x130C, "ItemOperations:MoveAlways": 0x1419, "ComposeMail:Email": 0x1518,
		"Email2:Send": 0x1617, "Notes:Category": 0x1709, "RightsManagement:RemoveRightsManagementProtection": 0x1818,
		"Find:Response": 0x1911, "Find:GalSearchCriterion": 0x1919, "Find:Picture": 0x1922,
	} {
		if got := MustTag(text); got != tag {
			t.Errorf("%s is 0x%04x, want 0x%04x", text, uint16(got), uint16(tag))
		}
	}
	if len(names) != len(byText) {
		t.Errorf("%d tags but %d names: a page names one twice", len(names), len(byText))
	}
}

func TestRefused(t *testing.T) {
	deep := append([]byte{3, 1, 0x6A, 0}, bytes.Repeat([]byte{0x45}, 10000)...)
	many := append([]byte{3, 1, 0x6A, 0, 0x45}, bytes.Repeat([]byte{0x05}, 2000)...)
	for name, wire := range map[string][]byte{
		"nothing":                 nil,
		"header alone":            unhex(t, "03 01 6A 00"),
		"other charset":           unhex(t, "03 01 04 00 05"),
		"string table":            unhex(t, "03 01 6A 01 00 05"),
		"END alone":               unhex(t, "03 01 6A 00 01"),
		"no END":                  unhex(t, "03 01 6A 00 45"),
		"attributes":              unhex(t, "03 01 6A 00 85"),
		"unknown token":           unhex(t, "03 01 6A 00 3F"),
		"unknown page":            unhex(t, "03 01 6A 00 00 63 05"),
		"cut after page switch":   unhex(t, "03 01 6A 00 00"),
		"string without end":      unhex(t, "03 01 6A 00 45 03 61 61"),
		"string that is no UTF-8": unhex(t, "03 01 6A 00 45 03 C3 28 00 01"),
		"opaque beyond the end":   unhex(t, "03 01 6A 00 45 C3 05 61 01"),
		"opaque of 4 GiB":         unhex(t, "03 01 6A 00 45 C3 8F FF FF FF 7F 61 01"),
		"endless length":          unhex(t, "03 01 6A 00 45 C3 FF FF FF FF FF FF FF 01"),
		"entity":                  unhex(t, "03 01 6A 00 45 02 60 01"),
		"text beside elements":    unhex(t, "03 01 6A 00 45 03 61 00 05 01"),
		"second root":             unhex(t, "03 01 6A 00 05 05"),
		"10,000 nested elements":  deep,
		"too many elements":       many,
	} {
		if e, err := Decode(wire, limits); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: got %v, %v", name, e, err)
		}
	}
}

func TestTextIsCleaned(t *testing.T) {
	wire := Encode(Text(MustTag("Email:Subject"), "a\x00b\x0bc\td\uFFFFé\xff"))
	got, err := Decode(wire, limits)
	if err != nil {
		t.Fatal(err)
	}
	if want := "abc\tdé\uFFFD"; got.Text != want {
		t.Errorf("got %q, want %q", got.Text, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"03016A000012455D070101", "03016A0000075652033000010 1", "03016A00001545 50C38102616101 01", "03016A0045C303616263 01",
	} {
		f.Add(unhex(f, text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Decode(data, limits)
		if err != nil {
			return
		}
		again, err := Decode(Encode(e), limits)
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if !reflect.DeepEqual(e, again) {
			t.Fatalf("%+v became %+v", e, again)
		}
	})
}
