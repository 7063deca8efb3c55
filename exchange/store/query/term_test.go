package query

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hma/wire/mapi"
)

// finds evaluates an expression on an item's terms, as the databases do.
func (h *Hits) finds(terms []string) bool {
	if h.term != "" {
		return slices.ContainsFunc(terms, func(t string) bool { return t == h.term || h.prefix && strings.HasPrefix(t, h.term) })
	}
	for _, part := range h.parts {
		if part.finds(terms) != h.and {
			return !h.and
		}
	}
	return h.and
}

func TestAsk(t *testing.T) {
	fold := mapi.IgnoreCase
	deep := mapi.Restriction(mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: "abc"})
	for range 40 {
		deep = mapi.And{mapi.Or{deep}}
	}
	for _, c := range []struct {
		where mapi.Restriction
		want  string // "" for nothing
		exact bool
	}{
		{mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.PrefixOnWords | fold, Value: "Bud"}, `"7mwbud" *`, true},
		{mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.PhraseMatch | fold, Value: "bud"}, `"7mwbud"`, true},
		{mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.PhraseMatch | fold, Value: "big bud"}, `("7mwbig" AND "7mwbud")`, false},
		{mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.Substring | fold, Value: "bud"}, "", false},
		{mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.PrefixOnWords, Value: "bud"}, "", false},
		{mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.PrefixOnWords | fold, Value: " ?!"}, "", false},
		{mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: `a" `}, "\"7sga\ue022\ue020\"", false},
		{mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: "ab"}, "", false},
		{mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: "a b"}, "\"7sga\ue020b\"", false},
		{mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: "a b c"}, "(\"7swb\" AND \"7sga\ue020b\" AND \"7sg\ue020b\ue020\" AND \"7sgb\ue020c\")", false},
		{mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Prefix, Value: "a b"}, "(\"7swa\" AND \"7sga\ue020b\")", false},
		{mapi.Content{Tag: mapi.PidTagComment, Fuzzy: mapi.Substring, Value: "abc"}, "", false},
		{mapi.Property{Op: mapi.EQ, Tag: mapi.PidNameKeywords, Value: "Red hat"}, "\"7kvred\ue020hat\"", true},
		{mapi.Property{Op: mapi.NE, Tag: mapi.PidNameKeywords, Value: "Red"}, "", false},
		{mapi.Not{Part: mapi.Property{Op: mapi.EQ, Tag: mapi.PidNameKeywords, Value: "Red"}}, "", false},
		{mapi.And{mapi.Property{Op: mapi.EQ, Tag: mapi.PidNameKeywords, Value: "a"}, mapi.Exist{Tag: mapi.PidTagComment}}, `"7kva"`, false},
		{mapi.Or{mapi.Property{Op: mapi.EQ, Tag: mapi.PidNameKeywords, Value: "a"}, mapi.Exist{Tag: mapi.PidTagComment}}, "", false},
		{mapi.Sub{Object: mapi.Recipients, Part: mapi.And{mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRecipientType, Value: mapi.RecipientCc},
			mapi.Content{Tag: mapi.PidTagDisplayName, Fuzzy: mapi.Substring | fold, Value: "abc"}}}, `"7cgabc"`, false},
		{deep, "", false},
	} {
		hits, exact := Ask(c.where)
		got := ""
		if hits != nil {
			got = hits.FTS5(7)
		}
		if got != c.want || exact != c.exact {
			t.Errorf("%#v: %s %t, want %s %t", c.where, got, exact, c.want, c.exact)
		}
	}
	hits, _ := Ask(mapi.Content{Tag: mapi.PidTagSearchAllIndexedProps, Fuzzy: mapi.PrefixOnWords | fold, Value: "x"})
	if got := hits.TSQuery(7); !strings.HasPrefix(got, `('7swx':* | '7fwx':* | `) {
		t.Error(got)
	}
}

// FuzzAsk holds that the index never misses what Match finds, that an exact answer
// is the same, and that nothing of a text is syntax.
func FuzzAsk(f *testing.F) {
	for _, text := range []string{"budget", "½x", "日本語の本", `a" OR "b`, "'x' | 'y'", "ab\x00c", "ﬁne", "e\u0301a\u0327"} {
		for mode := range uint8(12) {
			f.Add("the Budget of ½x 日本語の本, a\" OR 'x'", text, mode)
		}
	}
	modes := []mapi.Fuzzy{mapi.FullString, mapi.Substring, mapi.Prefix, mapi.PrefixOnWords, mapi.PhraseMatch}
	f.Fuzz(func(t *testing.T, text, want string, mode uint8) {
		if len(text) > 4096 || len(want) > 1024 {
			return
		}
		tags := []mapi.Tag{mapi.PidTagSubject, mapi.PidTagBody, mapi.PidTagSearchAllIndexedProps}
		where := mapi.Content{Tag: tags[mode%3], Fuzzy: modes[mode/3%5], Value: want}
		if mode&0x80 != 0 {
			where.Fuzzy |= mapi.IgnoreCase
		}
		o := Object{Props: mapi.Bag{mapi.PidTagSubject: text, mapi.PidTagBody: text}}
		terms := Terms(o)
		hits, exact := Ask(where)
		if hits == nil {
			return
		}
		for _, r := range hits.FTS5(1) {
			if r < 0x80 && !strings.ContainsRune(`"()* `, r) && !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
				t.Fatalf("%q is in %s", r, hits.FTS5(1))
			}
		}
		matches, found := Match(where, o), hits.finds(terms)
		if matches && !found || exact && matches != found {
			t.Fatalf("%#v in %q: matches %t, found %t (exact %t)\n%v", where, text, matches, found, exact, terms)
		}
	})
}

// TestRare holds what is asked first: two lists that probably are short and tell of
// different letters, a prefix and an expression only behind another.
func TestRare(t *testing.T) {
	word := func(text string, fuzzy mapi.Fuzzy) mapi.Restriction {
		return mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: fuzzy | mapi.IgnoreCase, Value: text}
	}
	for _, c := range []struct {
		where mapi.Restriction
		want  []string
	}{
		{word("no 123456", mapi.Substring), []string{`("1sg123" AND "1sg456")`, `("1sg123" AND "1sg456" AND "1sg234")`}},
		{word("no 123456 at", mapi.Substring), []string{`"1sw123456"`, `("1sw123456" AND "1sg123")`, `("1sw123456" AND "1sg123" AND "1sg456")`}},
		{word("12345", mapi.Substring), []string{`("1sg123" AND "1sg234")`, `("1sg123" AND "1sg234" AND "1sg345")`}},
		{word("zz x", mapi.PrefixOnWords), []string{`"1swzz"`, `("1swzz" AND "1swx" *)`}},
		{mapi.And{mapi.Or{word("xyz", mapi.Substring), word("zyx", mapi.Substring)}, word("abc", mapi.Substring)},
			[]string{`("1sgxyz" OR "1sgzyx")`, `(("1sgxyz" OR "1sgzyx") AND "1sgabc")`}},
		{word("123", mapi.Substring), nil},
		{word("1111", mapi.Substring), nil}, // the same part twice
		{word("abcabc", mapi.Substring), []string{`("1sgabc" AND "1sgbca")`, `("1sgabc" AND "1sgbca" AND "1sgcab")`}},
	} {
		hits, _ := Ask(c.where)
		var asked []string
		found, err := hits.Rare(func(h *Hits) (bool, error) {
			asked = append(asked, h.FTS5(1))
			return false, nil
		})
		if found || err != nil || !slices.Equal(asked, c.want) {
			t.Errorf("%v: asked %q, want %q", c.where, asked, c.want)
		}
	}
}

// TestLongAsk holds that a text as long as a request can bring costs little to ask for:
// what is looked at of it has a bound.
func TestLongAsk(t *testing.T) {
	began := time.Now()
	for _, text := range []string{strings.Repeat("0123456789", 6000), strings.Repeat("12 34 56 78 90 ", 4000)} {
		for _, mode := range []mapi.Fuzzy{mapi.Substring, mapi.PhraseMatch, mapi.PrefixOnWords} {
			hits, exact := Ask(mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mode | mapi.IgnoreCase, Value: text})
			if hits == nil || exact || hits.count() > maxGrams || !hits.finds(Terms(Object{Props: mapi.Bag{mapi.PidTagSubject: text}})) {
				t.Errorf("%d of %.20q: %v, exact %t", mode, text, hits, exact)
			}
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
