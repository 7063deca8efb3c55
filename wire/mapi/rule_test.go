package mapi_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"hma/wire/guid"
	"hma/wire/mapi"
)

// everyNode has each kind of node and of value.
func everyNode() mapi.Restriction {
	const fold = mapi.IgnoreCase | mapi.Substring
	return mapi.And{
		mapi.Or{
			mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: fold, Value: "Größe 💶"},
			mapi.Content{Tag: mapi.PidNameKeywords, Fuzzy: mapi.FullString, Value: "red"},
			mapi.Content{Tag: mapi.PidTagSearchKey, Value: []byte{1, 2}},
		},
		mapi.Not{Part: mapi.Sub{Object: mapi.Recipients, Part: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagSmtpAddress, Value: "a@b"}}},
		mapi.Sub{Object: mapi.Attachments, Part: mapi.Exist{Tag: mapi.PidTagAttachLongFilename}},
		mapi.Property{Op: mapi.GE, Tag: mapi.PidTagMessageDeliveryTime, Value: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)},
		mapi.Property{Op: mapi.NE, Tag: mapi.PidTagImportance, Value: int32(2)},
		mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagHasAttachments, Value: true},
		mapi.Property{Op: mapi.EQ, Tag: mapi.NewTag(0x6000, mapi.GUID), Value: guid.GUID{1, 2, 3}},
		mapi.Property{Op: mapi.LT, Tag: mapi.NewTag(0x6001, mapi.Floating64), Value: 1.5},
		mapi.Compare{Op: mapi.LE, Left: mapi.PidTagCreationTime, Right: mapi.PidTagLastModificationTime},
		mapi.Bitmask{Zero: true, Tag: mapi.PidTagMessageFlags, Mask: 8},
		mapi.Bitmask{Tag: mapi.PidTagMessageFlags, Mask: 1},
		mapi.Size{Op: mapi.GT, Tag: mapi.PidTagBody, Size: 100},
		mapi.And{},
	}
}

func TestRestrictionRoundTrip(t *testing.T) {
	want := everyNode()
	b, err := mapi.EncodeRestriction(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := mapi.DecodeRestriction(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
	for n := range b {
		if _, err := mapi.DecodeRestriction(b[:n]); !errors.Is(err, mapi.ErrSyntax) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
	// MS-OXCDATA 2.12.5 and 2.11.4, by hand.
	b, err = mapi.EncodeRestriction(mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagSubject, Value: "Hi"})
	if golden := "\x04\x04\x1f\x00\x37\x00\x1f\x00\x37\x00H\x00i\x00\x00\x00"; err != nil || string(b) != golden {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestRestrictionRefuses(t *testing.T) {
	deep := mapi.Restriction(mapi.Exist{Tag: mapi.PidTagSubject})
	for range mapi.MaxRestrictionDepth {
		deep = mapi.Not{Part: deep}
	}
	for name, r := range map[string]mapi.Restriction{
		"nil": nil, "deep": deep, "wide": make(mapi.And, mapi.MaxRestrictionNodes),
		"wrong value": mapi.Property{Tag: mapi.PidTagSubject, Value: 5},
		"zero":        mapi.Content{Tag: mapi.PidTagSubject, Value: "a\x00b"},
		"long":        mapi.Property{Tag: mapi.PidTagSearchKey, Value: make([]byte, 1<<16)},
	} {
		if _, err := mapi.EncodeRestriction(r); !errors.Is(err, mapi.ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string]string{
		"deep":        strings.Repeat("\x02", 100) + "\x08\x1f\x00\x37\x00",
		"wide":        "\x00\xff\xff" + strings.Repeat("\x00\x00\x00", 300),
		"kind":        "\x0a\x00\x00",
		"other tag":   "\x04\x04\x1f\x00\x37\x00\x1f\x00\x38\x00\x00\x00",
		"sub":         "\x09\x0d\x00\x14\x0e\x08\x1f\x00\x37\x00",
		"bad bitmask": "\x06\x02\x03\x00\x07\x0e\x01\x00\x00\x00",
		"many values": "\x04\x04\x1f\x10\x00\x60\x1f\x10\x00\x60\xff\xff\xff\xff",
	} {
		if _, err := mapi.DecodeRestriction([]byte(b)); !errors.Is(err, mapi.ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeRestriction(f *testing.F) {
	b, err := mapi.EncodeRestriction(everyNode())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := mapi.DecodeRestriction(b)
		if err != nil {
			return
		}
		again, err := mapi.EncodeRestriction(r)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		r, err = mapi.DecodeRestriction(again)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := mapi.EncodeRestriction(r); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("not stable: %x, %x, %v", again, third, err)
		}
	})
}

func everyAction() []mapi.Action {
	return []mapi.Action{
		{Type: mapi.ActionMove, Folder: 0x1234},
		{Type: mapi.ActionCopy, Folder: 4},
		{Type: mapi.ActionForward, Flavor: mapi.ForwardPreserveSender | mapi.ForwardNoChange, Recipients: []mapi.Bag{
			{mapi.PidTagDisplayName: "Ann", mapi.PidTagSmtpAddress: "ann@contoso.com"}, {mapi.PidTagSmtpAddress: "ben@contoso.com"}}},
		{Type: mapi.ActionTag, Tag: mapi.PidTagImportance, Value: int32(2)},
		{Type: mapi.ActionTag, Tag: mapi.PidNameKeywords, Value: []string{"red", "blue"}},
		{Type: mapi.ActionDelete},
		{Type: mapi.ActionMarkAsRead},
		{Type: mapi.ActionDefer, Flags: 7, Data: []byte{1, 2, 3}},
	}
}

func TestActionsRoundTrip(t *testing.T) {
	want := everyAction()
	b, err := mapi.EncodeActions(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := mapi.DecodeActions(b)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := mapi.EncodeActions(got); err != nil || !bytes.Equal(b, again) || len(got) != len(want) {
		t.Errorf("got %#v, %v", got, err)
	}
	for i := range want {
		if want[i].Data == nil {
			got[i].Data = nil
		}
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("action %d: got %#v", i, got[i])
		}
	}
	for n := range b {
		if _, err := mapi.DecodeActions(b[:n]); !errors.Is(err, mapi.ErrSyntax) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
	// A move to the Inbox (folder 3): length, type, flavor, flags, in this store, no
	// StoreEID, a ServerEid of 21 bytes.
	b, err = mapi.EncodeActions([]mapi.Action{{Type: mapi.ActionMove, Folder: 3}})
	golden := "\x01\x00\x23\x00\x01" + strings.Repeat("\x00", 8) + "\x01\x00\x00\x15\x00\x01\x01\x00\x00\x00\x00\x00\x00\x03" + strings.Repeat("\x00", 12)
	if err != nil || string(b) != golden {
		t.Errorf("got %x, %v", b, err)
	}
}

func FuzzDecodeActions(f *testing.F) {
	b, err := mapi.EncodeActions(everyAction())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := mapi.DecodeActions(b)
		if err != nil {
			return
		}
		again, err := mapi.EncodeActions(list)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if list, err = mapi.DecodeActions(again); err != nil {
			t.Fatal(err)
		}
		if third, err := mapi.EncodeActions(list); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("not stable: %x, %x, %v", again, third, err)
		}
	})
}
