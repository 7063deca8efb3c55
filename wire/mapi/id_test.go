package mapi_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"hma/wire/guid"
	"hma/wire/mapi"
)

func TestGlobCnt(t *testing.T) {
	for _, c := range []mapi.GlobCnt{0, 1, 0x0102030405, mapi.MaxGlobCnt} {
		if got := mapi.GlobCntFrom(c.Bytes()); got != c {
			t.Errorf("%d came back as %d", c, got)
		}
	}
	if b := mapi.GlobCnt(1).Bytes(); b != [6]byte{0, 0, 0, 0, 0, 1} {
		t.Errorf("not big endian: %x", b)
	}
}

func TestEntryIDs(t *testing.T) {
	f := mapi.FolderEntryID{Mailbox: guid.New(), Database: guid.New(), Folder: 0x1234}
	packed := f.Bytes()
	if got, err := mapi.ParseFolderEntryID(packed); len(packed) != 46 || err != nil || got != f {
		t.Errorf("%d bytes, %v, %v", len(packed), got, err)
	}
	m := mapi.MessageEntryID{Mailbox: f.Mailbox, FolderDatabase: f.Database, Folder: 7, Database: guid.New(), Message: mapi.MaxGlobCnt}
	packed = m.Bytes()
	if got, err := mapi.ParseMessageEntryID(packed); len(packed) != 70 || err != nil || got != m {
		t.Errorf("%d bytes, %v, %v", len(packed), got, err)
	}
	for _, at := range []int{0, 20, 44, 69} {
		bad := bytes.Clone(packed)
		bad[at] ^= 0x40
		if _, err := mapi.ParseMessageEntryID(bad); !errors.Is(err, mapi.ErrSyntax) {
			t.Errorf("byte %d changed: %v", at, err)
		}
	}
	if _, err := mapi.ParseFolderEntryID(packed); !errors.Is(err, mapi.ErrSyntax) {
		t.Errorf("a message for a folder: %v", err)
	}
}

func TestPCL(t *testing.T) {
	a, b := guid.New(), guid.New()
	one := mapi.PCL(nil).With(mapi.XID{Replica: a, Local: 5})
	two := one.With(mapi.XID{Replica: b, Local: 1}).With(mapi.XID{Replica: a, Local: 3})
	if len(two) != 2 || !two.Includes(one) || one.Includes(two) {
		t.Errorf("lists %v, %v", one, two)
	}
	newer := one.With(mapi.XID{Replica: a, Local: 300})
	if !newer.Includes(one) || one.Includes(newer) || newer.Includes(two) {
		t.Error("a larger local id must include the smaller one")
	}
	if m := newer.Merge(two); !m.Includes(newer) || !m.Includes(two) || len(m) != 2 {
		t.Errorf("merged %v", m)
	}
	back, err := mapi.ParsePCL(two.Bytes())
	if err != nil || !back.Includes(two) || !two.Includes(back) {
		t.Errorf("%v, %v", back, err)
	}
	twice := append(one.Bytes(), newer.Bytes()...)
	for _, bad := range [][]byte{{16}, {25}, two.Bytes()[:30], twice} {
		if _, err := mapi.ParsePCL(bad); !errors.Is(err, mapi.ErrSyntax) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}

func FuzzParsePCL(f *testing.F) {
	f.Add(mapi.PCL(nil).With(mapi.XID{Replica: guid.New(), Local: 5}).Bytes())
	f.Fuzz(func(t *testing.T, packed []byte) {
		list, err := mapi.ParsePCL(packed)
		if err != nil {
			return
		}
		again, err := mapi.ParsePCL(list.Bytes())
		if err != nil || !again.Includes(list) || !list.Includes(again) {
			t.Fatalf("%v, %v", again, err)
		}
	})
}

func TestFileTime(t *testing.T) {
	// MS-DTYP 2.3.3: the Unix epoch is 116444736000000000.
	if ft := mapi.FileTime(time.Unix(0, 0)); ft != 116444736000000000 {
		t.Errorf("epoch is %d", ft)
	}
	if got := mapi.FromFileTime(mapi.FileTime(when)); !got.Equal(when) {
		t.Errorf("%v came back as %v", when, got)
	}
	if mapi.FileTime(time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC)) != 0 {
		t.Error("a time before 1601 is no FILETIME")
	}
}

func TestWellKnownNames(t *testing.T) {
	for tag, want := range map[mapi.Tag]mapi.Name{
		mapi.PidNameKeywords:             {Set: mapi.PSPublicStrings, Text: "Keywords"},
		mapi.PidLidAppointmentStartWhole: {Set: mapi.PSETIDAppointment, LID: 0x820D},
		mapi.PidLidGlobalObjectID:        {Set: mapi.PSETIDMeeting, LID: 3},
		mapi.PidLidReminderSet:           {Set: mapi.PSETIDCommon, LID: 0x8503},
		mapi.PidLidTaskDueDate:           {Set: mapi.PSETIDTask, LID: 0x8105},
		mapi.PidLidFileUnder:             {Set: mapi.PSETIDAddress, LID: 0x8005},
		mapi.PidNameAcceptLanguage:       {Set: mapi.PSInternetHeaders, Text: "accept-language"},
		mapi.PidLidValidFlagStringProof:  {Set: mapi.PSETIDCommon, LID: 0x85BF},
		mapi.PidLidEmail3OriginalEntryID: {Set: mapi.PSETIDAddress, LID: 0x80A5},
		mapi.PidLidHasPicture:            {Set: mapi.PSETIDAddress, LID: 0x8015},
		mapi.PidLidContacts:              {Set: mapi.PSETIDCommon, LID: 0x853A},
		mapi.PidNameIMAddress3:           {Set: mapi.PSETIDAirSync, Text: "AirSync:IMAddress3"},
	} {
		if name, ok := mapi.WellKnownName(tag.ID()); !ok || name != want {
			t.Errorf("%s is %v, want %v", tag, name, want)
		}
		if id, ok := mapi.WellKnownID(want); !ok || id != tag.ID() {
			t.Errorf("%v is %#x, want %#x", want, id, tag.ID())
		}
	}
	if _, ok := mapi.WellKnownName(0x7FFF); ok {
		t.Error("0x7FFF is no named property")
	}
	if id, ok := mapi.WellKnownID(mapi.Name{Set: mapi.PSInternetHeaders, Text: "Content-Class"}); !ok || id != mapi.PidNameContentClass.ID() {
		t.Error("internet header names are compared without case")
	}
}

func TestWithinLimits(t *testing.T) {
	var deep mapi.Restriction = mapi.Exist{}
	for range mapi.MaxRestrictionDepth - 1 {
		deep = mapi.Not{Part: deep}
	}
	wide := make(mapi.And, mapi.MaxRestrictionNodes-1)
	for i := range wide {
		wide[i] = mapi.Exist{}
	}
	for _, c := range []struct {
		name string
		r    mapi.Restriction
		want bool
	}{
		{"deep", deep, true}, {"deeper", mapi.Not{Part: deep}, false},
		{"wide", wide, true}, {"wider", append(wide, mapi.Exist{}), false},
		{"nil part", mapi.Not{}, false}, {"nil", nil, false},
	} {
		if got := mapi.WithinLimits(c.r); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
