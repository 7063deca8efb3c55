package oxocfg_test

import (
	"encoding/xml"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"hma/wire/guid"
	"hma/wire/oxocfg"
)

func text(s string) oxocfg.Object { return oxocfg.Object{Type: oxocfg.String, Texts: []string{s}} }

var everyType = []oxocfg.Entry{
	{text("bool"), oxocfg.Object{Type: oxocfg.Boolean, Texts: []string{"true"}}},
	{text("byte"), oxocfg.Object{Type: oxocfg.Byte, Texts: []string{"255"}}},
	{text("int"), oxocfg.Object{Type: oxocfg.Integer32, Texts: []string{"-5"}}},
	{text("uint"), oxocfg.Object{Type: oxocfg.UnsignedInteger32, Texts: []string{"4000000000"}}},
	{text("long"), oxocfg.Object{Type: oxocfg.Integer64, Texts: []string{"-5000000000"}}},
	{text("ulong"), oxocfg.Object{Type: oxocfg.UnsignedInteger64, Texts: []string{"18446744073709551615"}}},
	{text("time"), oxocfg.Object{Type: oxocfg.DateTime, Texts: []string{"2026-03-01T08:00:00Z"}}},
	{text("<ä & \"b\">\n"), text("18-x")},
	{oxocfg.Object{Type: oxocfg.Integer32, Texts: []string{"7"}}, oxocfg.Object{Type: oxocfg.StringArray, Texts: []string{"a b", "", "c"}}},
	{text("none"), oxocfg.Object{Type: oxocfg.StringArray, Texts: []string{}}},
	{text("bytes"), oxocfg.Object{Type: oxocfg.ByteArray, Texts: []string{"AAEC"}}},
}

func TestDictionary(t *testing.T) {
	b, err := oxocfg.EncodeDictionary(everyType)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := oxocfg.DecodeDictionary(b); err != nil || !reflect.DeepEqual(got, everyType) {
		t.Errorf("got %v, %v\nof %s", got, err, b)
	}
	// The example of MS-OXOCFG 4.1, as Outlook writes it.
	got, err := oxocfg.DecodeDictionary([]byte(`<?xml version="1.0"?><UserConfiguration><Info version="Outlook.12"/><Data><e k="18-piAutoProcess" v="3-True"/><e k="18-piRemindDefault" v="9-15"/></Data></UserConfiguration>`))
	want := []oxocfg.Entry{{text("piAutoProcess"), oxocfg.Object{Type: oxocfg.Boolean, Texts: []string{"true"}}}, {text("piRemindDefault"), oxocfg.Object{Type: oxocfg.Integer32, Texts: []string{"15"}}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestDictionaryRefuses(t *testing.T) {
	for name, entries := range map[string][]oxocfg.Entry{
		"key twice": {{text("a"), text("b")}, {text("a"), text("c")}},
		"many":      make([]oxocfg.Entry, oxocfg.MaxEntries+1),
		"no text":   {{text("a"), oxocfg.Object{Type: oxocfg.String}}},
		"number":    {{text("a"), oxocfg.Object{Type: oxocfg.Byte, Texts: []string{"256"}}}},
		"bool":      {{text("a"), oxocfg.Object{Type: oxocfg.Boolean, Texts: []string{"maybe"}}}},
		"control":   {{text("a"), text("\x01")}},
		"type":      {{text("a"), oxocfg.Object{Type: 1, Texts: []string{"x"}}}},
		"large":     {{text("a"), text(strings.Repeat("x", oxocfg.MaxDictionary))}},
		"at end":    {{text("a"), text(strings.Repeat("x", oxocfg.MaxDictionary-150))}},
	} {
		if _, err := oxocfg.EncodeDictionary(entries); !errors.Is(err, oxocfg.ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, document := range map[string]string{
		"nothing": "", "no xml": "x", "open": "<UserConfiguration>", "other": "<a/>", "doctype": "<!DOCTYPE a [<!ENTITY b 'c'>]><UserConfiguration/>",
		"deep": "<UserConfiguration><a><b><c/></b></a></UserConfiguration>",
		"many": "<UserConfiguration><Data>" + manyEntries(oxocfg.MaxEntries+1) + "</Data></UserConfiguration>",
	} {
		if got, err := oxocfg.DecodeDictionary([]byte(document)); !errors.Is(err, oxocfg.ErrSyntax) && len(got) > 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func manyEntries(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`<e k="9-` + strings.Repeat("1", 1+i%9) + strings.Repeat("0", i/9%9) + `" v="3-True"/><e k="18-` + strings.Repeat("x", i) + `" v="3-True"/>`)
	}
	return b.String()
}

func FuzzDecodeDictionary(f *testing.F) {
	b, err := oxocfg.EncodeDictionary(everyType)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := oxocfg.DecodeDictionary(b)
		if err != nil {
			return
		}
		again, err := oxocfg.EncodeDictionary(entries)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if got, err := oxocfg.DecodeDictionary(again); err != nil || !reflect.DeepEqual(got, entries) {
			t.Fatalf("%v came back as %v, %v", entries, got, err)
		}
	})
}

func TestDefaultCategories(t *testing.T) {
	var list struct {
		XMLName    xml.Name `xml:"CategoryList.xsd categories"`
		Default    string   `xml:"default,attr"`
		Categories []struct {
			Name  string `xml:"name,attr"`
			Color int    `xml:"color,attr"`
			GUID  string `xml:"guid,attr"`
		} `xml:"category"`
	}
	if err := xml.Unmarshal(oxocfg.DefaultCategories(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), guid.New), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Categories) != 6 || list.Categories[5].Name != "Purple Category" || list.Categories[5].Color != 8 || len(list.Categories[0].GUID) != 38 || list.Default != "Red Category" {
		t.Errorf("got %+v", list)
	}
}
