package query

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hma/wire/mapi"
)

// Limits of the index: letters of a word and of a whole value that are looked at,
// bytes of one item's terms (PostgreSQL keeps at most 1 MiB of them), terms of one
// search and levels of its expression (FTS5's parser has a stack of 100).
const (
	maxWord      = 32
	maxValue     = 64
	maxTermBytes = 256 << 10
	maxHitTerms  = 64
	maxHitDepth  = 12
	maxGrams     = 8
	maxGuessed   = 256 // words of a text, or letters, among which the rarest are looked for
)

// Marks of a term behind its field's letter: what sort of term it is.
const (
	wordMark  = "w"
	gramMark  = "g"
	valueMark = "v"
)

// anyItem is a term of every item.
const anyItem = "i"

// Terms returns the terms under which the search index finds an item, each once:
// one that every item has, the words of its texts, the parts of three letters of short ones, and whole
// categories. What of a very long item goes past maxTermBytes is not found.
func Terms(o Object) []string {
	seen := make(map[string]bool, 512)
	list := []string{anyItem}
	size := len(anyItem) + termOverhead
	add := func(term string) {
		if !seen[term] && size+len(term) <= maxTermBytes {
			seen[term] = true
			list = append(list, term)
			size += len(term) + termOverhead
		}
	}
	for i := range fields {
		f := &fields[i]
		head := string(f.letter)
		texts([]int{i}, o, func(text string) bool {
			fold := Fold(Clean(text))
			for word := range words(fold) {
				add(head + wordMark + word)
			}
			if f.grams {
				for gram := range grams(fold) {
					add(head + gramMark + gram)
				}
			}
			if f.values {
				add(head + valueMark + token(firstRunes(fold, maxValue)))
			}
			return size < maxTermBytes
		})
	}
	return list
}

// termOverhead is what the mailbox's number in front of a term takes at most.
const termOverhead = 20

// words yields the words of a fold, cut to maxWord letters.
func words(fold string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for word := range strings.FieldsFuncSeq(fold, func(r rune) bool { return !wordRune(r) }) {
			if !yield(firstRunes(word, maxWord)) {
				return
			}
		}
	}
}

// firstRunes returns at most n letters from the start of a text.
func firstRunes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// grams yields every three letters in a row of a fold, as tokens.
func grams(fold string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var at [2]int // where the last two letters began
		n := 0
		for i, r := range fold {
			if n >= 2 && !yield(token(fold[at[0]:i+utf8.RuneLen(r)])) {
				return
			}
			at[0], at[1] = at[1], i
			n++
		}
	}
}

// token returns a text in which every letter is one of a word to the database:
// ASCII letters that are none stand in a private area of Unicode.
func token(text string) string {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < utf8.RuneSelf && !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && !wordRune(r) {
			return 0xE000 + r
		}
		return r
	}, text)
}

// Hits is what the index is asked: a term, or an expression of others.
type Hits struct {
	term   string // empty for an expression
	prefix bool   // every term that begins so
	and    bool   // all parts, otherwise one of them
	parts  []*Hits
}

// Ask returns what the index can be asked to find the items that a restriction
// may match, nil when it knows nothing of use. Exact tells that it finds those
// items and no others.
func Ask(r mapi.Restriction) (hits *Hits, exact bool) {
	if !mapi.WithinLimits(r) {
		return nil, false
	}
	hits, exact = ask(r, itemScope, maxHitDepth)
	if hits == nil || hits.count() > maxHitTerms {
		return nil, false
	}
	return hits, exact
}

func (h *Hits) count() int {
	if h.term != "" {
		return 1
	}
	n := 0
	for _, part := range h.parts {
		n += part.count()
	}
	return n
}

// scope tells in which fields a condition on a property is looked for.
type scope func(tag mapi.Tag) (group []int, whole bool)

func itemScope(tag mapi.Tag) ([]int, bool) { return groupOf(tag) }

// subScope is the scope within a recipient of one of the types, or an attachment.
func subScope(object mapi.SubObject, types []int32) scope {
	return func(tag mapi.Tag) (group []int, whole bool) {
		names := recipientTags
		if object == mapi.Attachments {
			names = []mapi.Tag{mapi.PidTagAttachLongFilename, mapi.PidTagDisplayName}
		}
		if !slices.ContainsFunc(names, func(t mapi.Tag) bool { return t.ID() == tag.ID() }) {
			return nil, false
		}
		for i, f := range fields {
			if object == mapi.Attachments && f.attachments || object == mapi.Recipients && f.recipient != 0 && (types == nil || slices.Contains(types, f.recipient)) {
				group = append(group, i)
			}
		}
		return group, false
	}
}

func ask(r mapi.Restriction, in scope, depth int) (*Hits, bool) {
	if depth == 0 {
		return nil, false
	}
	switch r := r.(type) {
	case mapi.And:
		all, exact := &Hits{and: true}, len(r) > 0
		for _, part := range r {
			h, e := ask(part, in, depth-1)
			exact = exact && e
			if h != nil {
				all.parts = append(all.parts, h)
			}
		}
		return all.simple(), exact
	case mapi.Or:
		one, exact := &Hits{}, len(r) > 0
		for _, part := range r {
			h, e := ask(part, in, depth-1)
			if h == nil {
				return nil, false
			}
			exact = exact && e
			one.parts = append(one.parts, h)
		}
		return one.simple(), exact
	case mapi.Sub:
		h, _ := ask(r.Part, subScope(r.Object, recipientTypes(r.Part)), depth-1)
		return h, false
	case mapi.Content:
		return askContent(r, in)
	case mapi.Property:
		text, ok := r.Value.(string)
		if !ok || r.Op != mapi.EQ {
			return nil, false
		}
		return askContent(mapi.Content{Tag: r.Tag, Fuzzy: mapi.FullString | mapi.IgnoreCase, Value: text}, in)
	}
	return nil, false
}

// recipientTypes returns the type that a condition on a recipient asks for, nil for any.
func recipientTypes(r mapi.Restriction) []int32 {
	parts, _ := r.(mapi.And)
	for _, part := range parts {
		if p, ok := part.(mapi.Property); ok && p.Op == mapi.EQ && p.Tag.ID() == mapi.PidTagRecipientType.ID() {
			if n, ok := integer(p.Value); ok && n >= 0 && n <= math.MaxInt32 {
				return []int32{int32(n)}
			}
		}
	}
	return nil
}

// simple takes away what an expression of no or one part is not needed for.
func (h *Hits) simple() *Hits {
	switch len(h.parts) {
	case 0:
		return nil
	case 1:
		return h.parts[0]
	}
	return h
}

func askContent(r mapi.Content, in scope) (*Hits, bool) {
	group, whole := in(r.Tag)
	text, ok := r.Value.(string)
	if !ok || len(group) == 0 {
		return nil, false
	}
	mode := r.Fuzzy.Mode()
	if !r.Fuzzy.Folds() && (mode == mapi.PrefixOnWords || mode == mapi.PhraseMatch) {
		return nil, false // a word may begin elsewhere in the fold: "½x" folds to "1⁄2x"
	}
	fold := Fold(Clean(text))
	one, exact := &Hits{}, whole && r.Fuzzy.Folds()
	for _, i := range group {
		h, e := askField(&fields[i], mode, fold)
		if h == nil {
			return nil, false
		}
		exact = exact && e
		one.parts = append(one.parts, h)
	}
	return one.simple(), exact
}

// askField asks for a folded text in one field.
func askField(f *field, mode mapi.Fuzzy, fold string) (*Hits, bool) {
	head := string(f.letter)
	switch mode {
	case mapi.PrefixOnWords, mapi.PhraseMatch:
		all := &Hits{and: true}
		for word := range words(fold) {
			if all.parts = append(all.parts, &Hits{term: head + wordMark + word}); len(all.parts) == maxGuessed {
				break
			}
		}
		if len(all.parts) == 0 {
			return nil, false
		}
		last, _ := utf8.DecodeLastRuneInString(fold)
		final := all.parts[len(all.parts)-1]
		long := utf8.RuneCountInString(final.term) >= 2+maxWord
		final.prefix = mode == mapi.PrefixOnWords && wordRune(last)
		// One word that is not cut is all that there is to know.
		return all.rarest(maxGrams).simple(), len(all.parts) == 1 && len(final.term) == 2+len(fold) && !long
	case mapi.FullString:
		if f.values && fold != "" && utf8.RuneCountInString(fold) < maxValue {
			return &Hits{term: head + valueMark + token(fold)}, true
		}
	case mapi.Substring, mapi.Prefix:
	default:
		return nil, false
	}
	if !f.grams {
		return nil, false
	}
	all := &Hits{and: true}
	add := func(term string) {
		if !slices.ContainsFunc(all.parts, func(h *Hits) bool { return h.term == term }) {
			all.parts = append(all.parts, &Hits{term: term})
		}
	}
	fold = firstRunes(fold, maxGuessed)
	for word := range words(inner(fold, mode == mapi.Prefix)) {
		add(head + wordMark + word)
	}
	for gram := range grams(fold) {
		add(head + gramMark + gram)
	}
	return all.rarest(maxGrams).simple(), false
}

// inner returns what of a folded part of a text lies between two ends of words: its
// words are whole ones of the text. begins tells that the text begins with the part.
func inner(fold string, begins bool) string {
	other := func(r rune) bool { return !wordRune(r) }
	from, to := strings.IndexFunc(fold, other), strings.LastIndexFunc(fold, other)
	if begins {
		from = 0
	}
	if from < 0 || to < from {
		return ""
	}
	return fold[from:to]
}

// maxRare is how many parts Rare joins: their lists are read to their ends.
const maxRare = 3

// Rare calls rare with one, two and three of the parts that must all be there, those that
// probably few items have first, until it says yes: they find the same and perhaps
// more. Parts of three letters are asked two at once, which costs less than to look at
// what has the first of them in a large folder. It tells whether it did.
func (h *Hits) Rare(rare func(*Hits) (bool, error)) (bool, error) {
	if !h.and {
		return false, nil
	}
	parts := h.byRarity(maxRare)
	first := 1
	if len(parts) > 1 && parts[0].whole() && parts[0].term[1:2] == gramMark && parts[1].whole() {
		first = 2
	}
	for n := first; n <= len(parts); n++ {
		if yes, err := rare((&Hits{and: true, parts: parts[:n]}).simple()); yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}

// whole tells whether a part is one list of the index.
func (h *Hits) whole() bool { return h.term != "" && !h.prefix }

// byRarity returns up to most of the parts, those that probably few items have first, and of
// equally rare ones those that share no letters with one before: the others tell little new.
func (h *Hits) byRarity(most int) []*Hits {
	parts := slices.SortedStableFunc(slices.Values(h.parts), func(a, b *Hits) int { return b.rarity() - a.rarity() })
	most = min(most, len(parts))
	for n := range most {
		for i := n; i < len(parts) && parts[i].rarity() == parts[n].rarity(); i++ {
			if !slices.ContainsFunc(parts[:n], parts[i].overlaps) {
				part := parts[i]
				copy(parts[n+1:], parts[n:i])
				parts[n] = part
				break
			}
		}
	}
	return parts[:most]
}

// overlaps tells whether two parts of a text may share letters in it.
func (h *Hits) overlaps(with *Hits) bool {
	if !h.whole() || !with.whole() || h.term[1:2] != gramMark || h.term[:2] != with.term[:2] {
		return false
	}
	a, b := []rune(h.term[2:]), []rune(with.term[2:])
	return a[1] == b[0] && a[2] == b[1] || a[2] == b[0] || b[1] == a[0] && b[2] == a[1] || b[2] == a[0]
}

// frequent are letters as often as they are in texts, which is much the same in the
// languages of Europe; what else there is, digits among it, tells items better apart.
const frequent = "\ue020eaitnorsldhcumpgfbvykwjxqz"

// rarity guesses how few items have a part. It only says what to ask first.
func (h *Hits) rarity() int {
	sum := 0
	for _, r := range h.term {
		if i := strings.IndexRune(frequent, r); i >= 0 {
			sum += i
		} else {
			sum += len(frequent)
		}
	}
	for i, part := range h.parts {
		switch n := part.rarity(); {
		case i == 0:
			sum = n
		case h.and:
			sum = max(sum, n)
		default:
			sum = min(sum, n)
		}
	}
	return sum
}

// AllOf asks for items that have n of the terms, spread over all of them.
func AllOf(terms []string, n int) *Hits {
	all := &Hits{and: true}
	for _, term := range terms {
		all.parts = append(all.parts, &Hits{term: term})
	}
	return all.few(n).simple()
}

// rarest keeps at most n parts that probably few items have: each is needed, none is enough.
func (h *Hits) rarest(n int) *Hits {
	if len(h.parts) > n {
		h.parts = h.byRarity(n)
	}
	return h
}

// few keeps at most n parts, spread over all of them.
func (h *Hits) few(n int) *Hits {
	if len(h.parts) > n {
		kept := make([]*Hits, n)
		for i := range kept {
			kept[i] = h.parts[i*len(h.parts)/n]
		}
		h.parts = kept
	}
	return h
}

// Prefix returns what stands before every term of a mailbox.
func Prefix(mailbox int64) string { return strconv.FormatInt(mailbox, 10) }

// FTS5 returns the expression for SQLite's MATCH, of one mailbox. Terms hold
// letters and digits only, so that nothing in them is syntax.
func (h *Hits) FTS5(mailbox int64) string {
	return h.text(Prefix(mailbox), `"`, `" *`, " AND ", " OR ")
}

// TSQuery returns the expression for PostgreSQL's tsquery, of one mailbox.
func (h *Hits) TSQuery(mailbox int64) string {
	return h.text(Prefix(mailbox), `'`, `':*`, " & ", " | ")
}

func (h *Hits) text(mailbox, quote, prefix, and, or string) string {
	if h.term != "" {
		if h.prefix {
			return quote + mailbox + h.term + prefix
		}
		return quote + mailbox + h.term + quote
	}
	parts := make([]string, len(h.parts))
	for i, part := range h.parts {
		parts[i] = part.text(mailbox, quote, prefix, and, or)
	}
	word := or
	if h.and {
		word = and
	}
	return "(" + strings.Join(parts, word) + ")"
}
