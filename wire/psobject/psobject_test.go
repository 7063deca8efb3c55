package psobject

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestRoundTrip(t *testing.T) {
	in := Object{Type: "T", Properties: []Property{
		{"Null", nil}, {"Text", "x"}, {"Empty", ""}, {"Yes", true}, {"Number", int64(-5)},
		{"When", time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)}, {"List", []string{"a", "b"}}, {"None", []string{}},
		{"Change", Edit{Add: []string{"a"}, Remove: []string{"b"}}}, {"Nothing", Edit{}},
	}}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Object
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got  %v\nwant %v", out, in)
	}
	if _, err := json.Marshal(Property{"Odd", 3.5}); err == nil {
		t.Error("a float travelled")
	}
}

func TestText(t *testing.T) {
	for want, value := range map[string]any{"": nil, "True": true, "{a, b}": []string{"a", "b"}, "{}": []string{}, "7": int64(7)} {
		if got := Text(value); got != want {
			t.Errorf("Text(%v) = %q, want %q", value, got, want)
		}
	}
}

// FuzzProperty decodes what a caller may send; what decodes travels back unchanged.
func FuzzProperty(f *testing.F) {
	for _, seed := range []string{`{"name":"a","null":true}`, `{"name":"a","list":[]}`, `{"name":"a","edit":{"add":["x"],"remove":["y"]}}`,
		`{"name":"a","time":"2026-11-23T01:02:03Z"}`, `{"name":"a","int":-1,"bool":true,"text":""}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, again Property
		if json.Unmarshal(data, &p) != nil {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			return // a time beyond year 9999 in UTC does not travel
		}
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(text) {
			t.Errorf("%s became %s and then %s: %v", data, text, twice, err)
		}
	})
}
