package addressbook

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode"

	"hma/exchange/org"
	"hma/exchange/store/query"
	"hma/wire/guid"
)

// The bounds of a look-up by a text that somebody typed.
const (
	// maxText is how long such a text may be in bytes; nobody is called by a longer one.
	maxText    = 256
	maxAddress = 320
	// MaxMatches is how many entries at most are looked at for one text, and so found.
	MaxMatches = 5000
)

// index finds the entries of a list by what they are called.
type index struct {
	keys      []key          // in the order of their texts
	byAddress map[string]int // SMTP address in lower case; -1 for one of several entries
	byDN      map[string]int // legacy distinguished name in lower case
	byName    []int          // all entries in the order of their names
	rank      []int          // an entry's place in byName
}

// key is a text by whose beginning an entry is found: a word of a name, an alias, an address.
type key struct {
	text  string
	entry int
}

// index returns the index, which is made when it is first wanted.
func (l *List) index() *index {
	l.once.Do(func() {
		x := &index{byAddress: make(map[string]int), byDN: make(map[string]int), rank: make([]int, len(l.Entries))}
		names := make([]string, len(l.Entries))
		for i := range l.Entries {
			e := &l.Entries[i]
			names[i] = query.Fold(e.DisplayName)
			for _, text := range e.keys() {
				x.keys = append(x.keys, key{text, i})
			}
			for _, a := range append([]string{e.PrimarySMTP}, e.Addresses...) {
				a = strings.ToLower(a)
				if other, taken := x.byAddress[a]; taken && other != i {
					x.byAddress[a] = -1
				} else {
					x.byAddress[a] = i
				}
			}
			x.byDN[strings.ToLower(e.LegacyDN)] = i
			x.byName = append(x.byName, i)
		}
		slices.SortFunc(x.keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.entry, b.entry)) })
		slices.SortFunc(x.byName, func(a, b int) int { return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b)) })
		for place, i := range x.byName {
			x.rank[i] = place
		}
		l.found = x
	})
	return l.found
}

// keys are the folded texts by whose beginnings the entry is found.
func (e *Entry) keys() []string {
	keys := words(e.DisplayName)
	keys = append(keys, words(e.GivenName)...)
	keys = append(keys, words(e.Surname)...)
	keys = append(keys, query.Fold(e.Alias), query.Fold(e.PrimarySMTP))
	for _, a := range e.Addresses {
		keys = append(keys, query.Fold(a))
	}
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(k string) bool { return k == "" })
}

// words are the folded words of a name or of what somebody typed.
func words(text string) []string {
	return strings.FieldsFunc(query.Fold(text), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' || r == '"' })
}

// beginning returns the keys that begin with a text, by their places.
func (x *index) beginning(text string) (from, to int) {
	from, _ = slices.BinarySearchFunc(x.keys, text, func(k key, t string) int { return cmp.Compare(k.text, t) })
	n, _ := slices.BinarySearchFunc(x.keys[from:], text, func(k key, t string) int {
		if strings.HasPrefix(k.text, t) {
			return -1
		}
		return cmp.Compare(k.text, t)
	})
	return from, from + n
}

// Find returns the entries that somebody may mean by a text, in the order of their names: those of which
// every word of the text begins a word of the name, the alias or an address, without case and
// accents (ambiguous name resolution, MS-OXNSPI 3.1.4.7). "smtp:" with an address, an address that is
// somebody's, and a legacy distinguished name mean one entry alone. No character stands for
// others. What it costs follows from how many are found; more is true when not all were looked at.
func (l *List) Find(text string) (found []*Entry, more bool) {
	if len(text) > maxText {
		return nil, false
	}
	x := l.index()
	text = strings.TrimSpace(text)
	if kind, address, ok := strings.Cut(text, ":"); ok && strings.EqualFold(kind, "smtp") {
		return only(l.ByAddress(address)), false
	}
	if e := l.ByAddress(text); e != nil {
		return only(e), false
	}
	if strings.HasPrefix(text, "/") {
		return only(l.ByDN(text)), false
	}
	wanted := words(text)
	if len(wanted) == 0 {
		return nil, false
	}
	// The rarest word says who is looked at, the others who stays.
	from, to := x.beginning(wanted[0])
	for _, w := range wanted[1:] {
		if f, t := x.beginning(w); t-f < to-from {
			from, to = f, t
		}
	}
	if to-from > MaxMatches {
		to, more = from+MaxMatches, true
	}
	var places []int
	for _, k := range x.keys[from:to] {
		places = append(places, x.rank[k.entry])
	}
	slices.Sort(places)
	for _, place := range slices.Compact(places) {
		if e := &l.Entries[x.byName[place]]; len(wanted) == 1 || e.begins(wanted) {
			found = append(found, e)
		}
	}
	return found, more
}

// begins tells whether each of the words begins one of the entry's keys.
func (e *Entry) begins(wanted []string) bool {
	keys := e.keys()
	for _, w := range wanted {
		if !slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, w) }) {
			return false
		}
	}
	return true
}

func only(e *Entry) []*Entry {
	if e == nil {
		return nil
	}
	return []*Entry{e}
}

// at returns the entry that a text in any case of letters stands for.
func (l *List) at(of map[string]int, text string) *Entry {
	if i, ok := of[strings.ToLower(strings.TrimSpace(text))]; ok && i >= 0 {
		return &l.Entries[i]
	}
	return nil
}

// ByAddress returns the entry with the SMTP address, in any case of letters; nil for nobody and for an
// address that several have.
func (l *List) ByAddress(address string) *Entry {
	if len(address) > maxAddress {
		return nil
	}
	return l.at(l.index().byAddress, address)
}

// ByDN returns the entry with the legacy distinguished name, in any case of letters, or nil.
func (l *List) ByDN(name string) *Entry { return l.at(l.index().byDN, name) }

// ByGUID returns the entry with the GUID, or nil.
func (l *List) ByGUID(id guid.GUID) *Entry {
	i, found := slices.BinarySearchFunc(l.Entries, id, func(e Entry, g guid.GUID) int { return bytes.Compare(e.GUID[:], g[:]) })
	if !found {
		return nil
	}
	return &l.Entries[i]
}

// ByName returns up to limit entries in the order of their names, beginning with the one at the offset.
func (l *List) ByName(offset, limit int) []*Entry {
	x := l.index()
	offset = min(max(offset, 0), len(x.byName))
	var page []*Entry
	for _, i := range x.byName[offset:min(offset+max(limit, 0), len(x.byName))] {
		page = append(page, &l.Entries[i])
	}
	return page
}

// OfType returns the entries of a type in the order of their names.
func (l *List) OfType(t org.RecipientType) []*Entry {
	var list []*Entry
	for _, i := range l.index().byName {
		if e := &l.Entries[i]; e.Type == t {
			list = append(list, e)
		}
	}
	return list
}
