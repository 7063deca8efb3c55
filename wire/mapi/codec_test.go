package mapi_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"hma/wire/guid"
	"hma/wire/mapi"
)

var when = time.Date(2026, 3, 1, 12, 30, 15, 123456700, time.UTC)

func everyType() mapi.Bag {
	values := map[mapi.Type]any{
		mapi.Integer16: int16(-3), mapi.Integer32: int32(math.MinInt32), mapi.Floating32: float32(1.5), mapi.Floating64: 2.25,
		mapi.Currency: int64(12345), mapi.AppTime: 45000.5, mapi.ErrorCode: uint32(0x8004010F), mapi.Boolean: true,
		mapi.Object: []byte{1}, mapi.Integer64: int64(math.MaxInt64), mapi.String8: "old", mapi.Unicode: "é\x00ß",
		mapi.Time: when, mapi.GUID: guid.MustParse("01234567-89ab-cdef-0123-456789abcdef"), mapi.ServerID: []byte{2, 3},
		mapi.Restrict: []byte{4}, mapi.RuleAction: []byte{5}, mapi.Binary: []byte{},
		mapi.MultiInteger16: []int16{1, -1}, mapi.MultiInteger32: []int32{2}, mapi.MultiFloating32: []float32{3},
		mapi.MultiFloating64: []float64{4}, mapi.MultiCurrency: []int64{5}, mapi.MultiAppTime: []float64{6},
		mapi.MultiInteger64: []int64{7, 8}, mapi.MultiString8: []string{"a"}, mapi.MultiUnicode: []string{"", "b"},
		mapi.MultiTime: []time.Time{when}, mapi.MultiGUID: []guid.GUID{{1}}, mapi.MultiBinary: [][]byte{{}, {9}},
	}
	bag := mapi.Bag{}
	id := uint16(0x6000)
	for typ, v := range values {
		bag[mapi.NewTag(id, typ)] = v
		id++
	}
	bag[mapi.PidTagBodyHTML] = mapi.Blob{Hash: [32]byte{7}, Size: 1 << 40}
	return bag
}

func TestBagRoundTrip(t *testing.T) {
	for _, bag := range []mapi.Bag{{}, everyType()} {
		packed, err := bag.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := mapi.DecodeBag(packed)
		if err != nil || !reflect.DeepEqual(got, bag) {
			t.Errorf("got %v, %v\nwant %v", got, err, bag)
		}
		for n := range packed {
			if _, err := mapi.DecodeBag(packed[:n]); !errors.Is(err, mapi.ErrSyntax) {
				t.Fatalf("cut to %d of %d bytes: %v", n, len(packed), err)
			}
		}
		if _, err := mapi.DecodeBag(append(packed, 0)); !errors.Is(err, mapi.ErrSyntax) {
			t.Errorf("a byte too many: %v", err)
		}
	}
}

func TestBagRefuses(t *testing.T) {
	many := mapi.Bag{}
	for i := range mapi.MaxBagProperties + 1 {
		many[mapi.NewTag(uint16(i), mapi.Integer16)] = int16(0)
	}
	for name, bag := range map[string]mapi.Bag{
		"wrong type":     {mapi.PidTagSubject: 5},
		"blob of int":    {mapi.PidTagImportance: mapi.Blob{Size: 1}},
		"unknown type":   {mapi.NewTag(0x6000, 0x0999): "x"},
		"same id twice":  {mapi.PidTagBodyHTML: "x", mapi.PidTagHTML: []byte("x")},
		"nil":            {mapi.PidTagSubject: nil},
		"too many":       many,
		"too long":       {mapi.PidTagBody: string(make([]byte, mapi.MaxBagBytes))},
		"negative blob":  {mapi.PidTagBody: mapi.Blob{Size: -1}},
		"multi for one":  {mapi.PidTagSubject: []string{"x"}},
		"one for multi":  {mapi.PidNameKeywords: "x"},
		"unsigned":       {mapi.PidTagImportance: uint32(1)},
		"null and value": {mapi.NewTag(0x6000, mapi.Null): "x"},
	} {
		if _, err := bag.Encode(); !errors.Is(err, mapi.ErrSyntax) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := mapi.DecodeBag([]byte{2, 0}); !errors.Is(err, mapi.ErrSyntax) {
		t.Errorf("unknown version: %v", err)
	}
	if _, err := mapi.DecodeBag([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x7f}); !errors.Is(err, mapi.ErrSyntax) {
		t.Errorf("count without bytes: %v", err)
	}
}

func FuzzDecodeBag(f *testing.F) {
	packed, err := everyType().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, packed []byte) {
		bag, err := mapi.DecodeBag(packed)
		if err != nil {
			return
		}
		again, err := bag.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		third, err := mapi.DecodeBag(again)
		if err != nil {
			t.Fatal(err)
		}
		fourth, err := third.Encode()
		if err != nil || !bytes.Equal(again, fourth) {
			t.Fatalf("not stable: %x, %x, %v", again, fourth, err)
		}
	})
}
