package addressbook

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/org"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

// named is a list of some people, a room and a group.
func named(t testing.TB) *List {
	one := func(n byte, name, given, surname, alias string, more ...string) *org.Recipient {
		r := org.NewRecipient(alias+"@contoso.com", name)
		r.GUID, r.GivenName, r.Surname, r.LegacyDN = guid.GUID{0: n, 15: 1}, given, surname, "/o=Contoso/cn="+alias
		r.Addresses = append(r.Addresses, more...)
		return &r
	}
	room := org.NewMailbox(org.TypeRoom, "danube@contoso.com", "Room Danube")
	list := org.NewGroup(org.TypeRoomList, "rooms@contoso.com", "All rooms")
	hidden := one(6, "Anna Hidden", "Anna", "Hidden", "spy")
	hidden.HiddenFromAddressLists = true
	room.GUID, room.LegacyDN, list.GUID, list.LegacyDN = guid.GUID{0: 7}, "/o=Contoso/cn=danube", guid.GUID{0: 8}, "/o=Contoso/cn=rooms"
	dir := &directory{people: []*org.Recipient{one(1, "Anna Berg", "Anna", "Berg", "anna", "a.berg@contoso.com"), one(2, "Änne Lund", "Änne", "Lund", "anne"),
		one(3, "Berg, Annika", "Annika", "Berg", "annika"), one(4, "Bob", "", "", "bob", "shared@contoso.com"), one(5, "Bob", "", "", "bob2", "shared@contoso.com"), hidden, &room, &list}}
	book, err := Open(t.Context(), sqldbtest.Memory(t), dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := book.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func aliases(list []*Entry) string {
	var all []string
	for _, e := range list {
		all = append(all, e.Alias)
	}
	return strings.Join(all, " ")
}

func TestFind(t *testing.T) {
	l := named(t)
	for text, want := range map[string]string{
		"anna": "anna", "ANN": "anna anne annika", "än": "anna anne annika", "berg": "anna annika", "berg ann": "anna annika", "ann berg": "anna annika",
		"Berg, Annika": "annika", "anna lund": "", "bob": "bob bob2", "room": "rooms danube", "danube": "danube", "nube": "",
		"anna@contoso.com": "anna", "A.Berg@Contoso.com": "anna", "a.berg@": "anna", "smtp:a.berg@contoso.com": "anna", "SMTP: bob@contoso.com": "bob",
		"smtp:a.berg@": "", "shared@contoso.com": "bob bob2", "smtp:shared@contoso.com": "", "bob@contoso.com": "bob",
		"/o=contoso/cn=ANNE": "anne", "/o=Contoso": "", "/": "",
		"": "", "  ": "", ",": "", "*": "", "a*": "", "%": "", "ann_": "", "\x00": "", "\xff": "", "hidden": "", "spy@contoso.com": "", "smtp:spy@contoso.com": "", "/o=Contoso/cn=spy": "",
		strings.Repeat("a", 65536): "", strings.Repeat("a ", 128): "rooms anna anne annika", "smtp:" + strings.Repeat("x", 251): "",
	} {
		found, more := l.Find(text)
		if got := aliases(found); got != want || more {
			t.Errorf("%.40q finds %q (more: %v), want %q", text, got, more, want)
		}
	}
	if got := aliases(l.ByName(0, 100)); got != "rooms anna anne annika bob bob2 danube" {
		t.Errorf("in the order of names: %q", got)
	}
	if got := aliases(l.ByName(2, 2)); got != "anne annika" {
		t.Errorf("the third and the fourth: %q", got)
	}
	for _, out := range [][2]int{{-1, 0}, {7, 5}, {99, 5}, {3, -1}} {
		if got := l.ByName(out[0], out[1]); len(got) != 0 {
			t.Errorf("%v gives %q", out, aliases(got))
		}
	}
	if got := aliases(l.OfType(org.TypeRoomList)) + "/" + aliases(l.OfType(org.TypeRoom)); got != "rooms/danube" {
		t.Errorf("by type: %q", got)
	}
	for i := range l.Entries {
		if e := l.ByGUID(l.Entries[i].GUID); e != &l.Entries[i] || l.ByGUID(guid.GUID{15: byte(i)}) != nil {
			t.Errorf("by GUID: %v", e)
		}
	}
	if l.ByAddress("shared@contoso.com") != nil || l.ByAddress(strings.Repeat("x", 400)) != nil || l.ByAddress("Rooms@contoso.com").Type != org.TypeRoomList || l.ByDN("/O=CONTOSO/cn=bob").Alias != "bob" {
		t.Error("addresses and names find somebody else")
	}
}

// many is a list of n people, of whom ten are called Zoe.
func many(t testing.TB, n int) *List {
	dir := &directory{}
	for i := range n {
		p := person(i)
		p.DisplayName, p.GivenName = fmt.Sprintf("Person %d", i), "Pat"
		if i%(n/10) == 0 {
			p.GivenName = "Zoe"
		}
		dir.people = append(dir.people, p)
	}
	list := newList(appendShown(nil, dir.people))
	list.index()
	return list
}

func TestFindIsBounded(t *testing.T) {
	l := many(t, MaxMatches+100)
	if found, more := l.Find("pat"); len(found) != MaxMatches || !more {
		t.Errorf("found %d, more %v", len(found), more)
	}
	if found, more := l.Find("pat zoe"); len(found) != 0 || more {
		t.Errorf("nobody has both names: found %d, more %v", len(found), more)
	}
	if found, more := l.Find("person zoe"); len(found) != 10 || more {
		t.Errorf("found %d, more %v", len(found), more)
	}
	if !slices.IsSortedFunc(l.ByName(0, 100), func(a, b *Entry) int { return strings.Compare(a.DisplayName, b.DisplayName) }) {
		t.Error("not in the order of names")
	}
}

// BenchmarkFind finds ten people among few and among many: it costs the same.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		l := many(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if found, _ := l.Find("zo"); len(found) != 10 {
					b.Fatal(len(found))
				}
			}
		})
	}
}

func FuzzFind(f *testing.F) {
	l := named(f)
	for _, s := range []string{"ann", "smtp:bob@contoso.com", "/o=", "a,b;c\"d", "\xff", "İ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, more := l.Find(text)
		if more || len(found) > len(l.Entries) || strings.Contains(aliases(found), "spy") {
			t.Errorf("%q finds %q, %v", text, aliases(found), more)
		}
	})
}
