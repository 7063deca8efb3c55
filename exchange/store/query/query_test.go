package query_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "ABC def": "abc def", "Ärger": "arger", "A\u0308rger": "arger", "ÉCOLE": "ecole", "ﬁn": "fin", "ΣΑΣ": "σασ", "Łódź": "łodz", "日本": "日本", "İ": "i",
	} {
		if got := query.Fold(text); got != want {
			t.Errorf("%q folds to %q, want %q", text, got, want)
		}
	}
	if got := query.Clean("a\x00b\xffc"); got != "ab\uFFFDc" {
		t.Errorf("cleaned to %q", got)
	}
	long := strings.Repeat("é", 100)
	if got := query.SortKey(long); got != strings.Repeat("é", query.SortLetters) || query.SortKey("é") != "é" {
		t.Errorf("sorts by %q", got)
	}
}

func TestMatch(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	id := guid.New()
	object := query.Object{
		Props: mapi.Bag{
			mapi.PidTagSubject: "Re: the Quarterly-report", mapi.PidNameKeywords: []string{"Red", "Ärger"}, mapi.PidTagImportance: int32(2), mapi.PidTagSearchKey: []byte{1, 2, 3},
			mapi.PidTagMessageDeliveryTime: when, mapi.PidTagRead: true, mapi.NewTag(0x6001, mapi.GUID): id, mapi.NewTag(0x6002, mapi.Floating64): 1.5, mapi.PidTagBody: "body",
		},
		Recipients: []mapi.Bag{{mapi.PidTagDisplayName: "Anna", mapi.PidTagRecipientType: int32(1)}, {mapi.PidTagDisplayName: "Bob", mapi.PidTagRecipientType: int32(2)}},
	}
	content := func(fuzzy mapi.Fuzzy, text string) mapi.Restriction {
		return mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: fuzzy, Value: text}
	}
	name := func(text string, typ int32) mapi.Restriction {
		return mapi.Sub{Object: mapi.Recipients, Part: mapi.And{mapi.Content{Tag: mapi.PidTagDisplayName, Value: text}, mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRecipientType, Value: typ}}}
	}
	for _, c := range []struct {
		name string
		r    mapi.Restriction
		want bool
	}{
		{"word", content(mapi.PrefixOnWords, "Quart"), true},
		{"word after a hyphen", content(mapi.PrefixOnWords, "rep"), true},
		{"inside a word", content(mapi.PrefixOnWords, "uart"), false},
		{"phrase", content(mapi.PhraseMatch|mapi.IgnoreCase, "THE quarterly"), true},
		{"half a phrase", content(mapi.PhraseMatch, "the Quart"), false},
		{"case", content(mapi.Prefix, "re:"), false},
		{"no case", content(mapi.Prefix|mapi.IgnoreCase, "re:"), true},
		{"one of several", mapi.Property{Op: mapi.EQ, Tag: mapi.PidNameKeywords.WithType(mapi.Unicode), Value: "arger"}, true},
		{"none of several", mapi.Property{Op: mapi.EQ, Tag: mapi.PidNameKeywords, Value: "Blue"}, false},
		{"missing", mapi.Property{Op: mapi.NE, Tag: mapi.PidTagComment, Value: "x"}, false},
		{"not missing", mapi.Not{Part: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagComment, Value: "x"}}, true},
		{"empty and", mapi.And{}, true},
		{"empty or", mapi.Or{}, false},
		{"binary prefix", mapi.Content{Tag: mapi.PidTagSearchKey, Fuzzy: mapi.Prefix, Value: []byte{1, 2}}, true},
		{"wrong type", mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagImportance, Value: "2"}, false},
		{"integers of two widths", mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagImportance, Value: int16(2)}, true},
		{"time", mapi.Property{Op: mapi.LE, Tag: mapi.PidTagMessageDeliveryTime, Value: when.Add(100 * time.Nanosecond)}, true},
		{"later", mapi.Property{Op: mapi.GT, Tag: mapi.PidTagMessageDeliveryTime, Value: when}, false},
		{"flag", mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRead, Value: true}, true},
		{"guid", mapi.Property{Op: mapi.EQ, Tag: mapi.NewTag(0x6001, mapi.GUID), Value: id}, true},
		{"float", mapi.Property{Op: mapi.LT, Tag: mapi.NewTag(0x6002, mapi.Floating64), Value: float32(2)}, true},
		{"size in UTF-16", mapi.Size{Op: mapi.EQ, Tag: mapi.PidTagBody, Size: 8}, true},
		{"one recipient", name("Anna", 1), true},
		{"two halves of two recipients", name("Anna", 2), false},
		{"compare", mapi.Compare{Op: mapi.EQ, Left: mapi.PidTagImportance, Right: mapi.PidTagImportance}, true},
		{"mask", mapi.Bitmask{Tag: mapi.PidTagImportance, Mask: 3}, true},
		{"mask of nothing", mapi.Bitmask{Zero: true, Tag: mapi.PidTagFlagStatus, Mask: 3}, false},
		{"beyond the limits", make(mapi.And, mapi.MaxRestrictionNodes), false},
	} {
		if got := query.Match(c.r, object); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestCompile(t *testing.T) {
	subject := mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: "x"}
	unknown := mapi.Exist{Tag: mapi.PidTagComment}
	for _, c := range []struct {
		name  string
		r     mapi.Restriction
		sql   string
		exact bool
	}{
		{"column", subject, "instr(subject, $3) > 0", true},
		{"negated", mapi.Not{Part: subject}, "(CASE WHEN instr(subject, $3) > 0 THEN FALSE ELSE TRUE END)", true},
		{"with a bag property", mapi.And{subject, unknown}, "(instr(subject, $3) > 0 AND TRUE)", false},
		{"De Morgan", mapi.Not{Part: mapi.Or{mapi.Not{Part: subject}, unknown}}, "(instr(subject, $3) > 0 AND TRUE)", false},
		{"not a word", mapi.Not{Part: mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.PrefixOnWords, Value: "x"}}, "TRUE", false},
		{"empty", mapi.Not{Part: mapi.And{}}, "FALSE", true},
	} {
		got, err := query.Compile(c.r, sqldb.SQLite, 3)
		if err != nil || got.SQL != c.sql || got.Exact != c.exact {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if n := strings.Count(got.SQL, "$"); n != len(got.Args) {
			t.Errorf("%s: %d parameters, %d values", c.name, n, len(got.Args))
		}
	}
	pg, err := query.Compile(subject, sqldb.PostgreSQL, 1)
	if err != nil || pg.SQL != "strpos(subject, $1::text) > 0" {
		t.Errorf("%+v, %v", pg, err)
	}
	if _, err := query.Compile(make(mapi.Or, mapi.MaxRestrictionNodes), sqldb.SQLite, 1); !errors.Is(err, query.ErrTooComplex) {
		t.Errorf("too many nodes: %v", err)
	}
}
