package addressbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hma/exchange/org"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

// The organisation is the source of people for which this package is made.
var _ People = (*org.Organization)(nil)

// directory is a fake of the organisation's people.
type directory struct {
	mu     sync.Mutex
	people []*org.Recipient
	reads  int
	err    error
}

func (d *directory) RecipientsByGUID(_ context.Context, after guid.GUID, limit int) ([]*org.Recipient, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if after.IsNil() {
		d.reads++
	}
	if d.err != nil {
		return nil, d.err
	}
	slices.SortFunc(d.people, func(a, b *org.Recipient) int { return slices.Compare(a.GUID[:], b.GUID[:]) })
	var page []*org.Recipient
	for _, r := range d.people {
		if slices.Compare(r.GUID[:], after[:]) > 0 && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, nil
}

func (d *directory) set(fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fn()
}

func person(n int) *org.Recipient {
	name := fmt.Sprintf("user%05d", n)
	return &org.Recipient{
		GUID: guid.GUID{0: byte(n >> 8), 1: byte(n), 15: 1}, DisplayName: "User " + name, Alias: name,
		PrimarySMTP: name + "@contoso.com", LegacyDN: "/o=Contoso/cn=" + name,
		Addresses: []string{name + "@contoso.com", "z." + name + "@contoso.com", "a." + name + "@contoso.com"},
	}
}

func TestListShowsPeopleWithAnAddressWhoAreNotHidden(t *testing.T) {
	hidden, bare := person(2), person(3)
	hidden.HiddenFromAddressLists = true
	bare.PrimarySMTP = ""
	dir := &directory{people: []*org.Recipient{person(4), hidden, bare, person(1)}}
	book, err := Open(t.Context(), sqldbtest.Memory(t), dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	list, err := book.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list.Entries {
		got = append(got, e.Alias)
	}
	if !slices.Equal(got, []string{"user00001", "user00004"}) {
		t.Errorf("list shows %v", got)
	}
	if others := list.Entries[0].Addresses; !slices.Equal(others, []string{"a.user00001@contoso.com", "z.user00001@contoso.com"}) {
		t.Errorf("other addresses are %v", others)
	}
}

func TestPages(t *testing.T) {
	dir := &directory{}
	for n := range 2*pageSize + 7 {
		dir.people = append(dir.people, person(n))
	}
	book, err := Open(t.Context(), sqldbtest.Memory(t), dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	list, err := book.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Entries) != len(dir.people) {
		t.Fatalf("list has %d entries, want %d", len(list.Entries), len(dir.people))
	}
	var seen []guid.GUID
	for after := guid.Nil; ; {
		page := list.Page(after, 100)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			seen = append(seen, e.GUID)
		}
		after = page[len(page)-1].GUID
	}
	if len(seen) != len(list.Entries) {
		t.Errorf("pages have %d entries, want %d", len(seen), len(list.Entries))
	}
	// Between user 5 and user 6, an id that is not in the list.
	if page := list.Page(guid.GUID{0: 0, 1: 5, 15: 2}, 1); len(page) != 1 || page[0].Alias != "user00006" {
		t.Errorf("page after a missing id is %v", page)
	}
	if page := list.Page(guid.Nil, 0); page != nil {
		t.Errorf("page of nothing is %v", page)
	}
}

func TestSequenceGrowsOnlyWithContent(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		dir := &directory{people: []*org.Recipient{person(1), person(2)}}
		ex1, err := Open(t.Context(), db, dir, clock)
		if err != nil {
			t.Fatal(err)
		}
		ex2, err := Open(t.Context(), db, dir, clock)
		if err != nil {
			t.Fatal(err)
		}
		list := func(b *Book) *List {
			t.Helper()
			l, err := b.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		first := list(ex1)
		if first.Sequence == 0 || !first.Made.Equal(now) {
			t.Fatalf("first list is %d, made %v", first.Sequence, first.Made)
		}
		now = now.Add(time.Hour)
		if again := list(ex1); again != first {
			t.Error("unchanged people made a new list")
		}
		if other := list(ex2); other.Sequence != first.Sequence || !other.Made.Equal(first.Made) {
			t.Errorf("the other server gives %d of %v, want %d of %v", other.Sequence, other.Made, first.Sequence, first.Made)
		}
		changed := *dir.people[0]
		changed.DisplayName = "Renamed"
		dir.set(func() { dir.people[0] = &changed })
		now = now.Add(MaxAge)
		second := list(ex1)
		if second.Sequence <= first.Sequence || second.Hash == first.Hash {
			t.Errorf("changed people: sequence %d after %d", second.Sequence, first.Sequence)
		}
		if other := list(ex2); other.Sequence != second.Sequence {
			t.Errorf("the other server gives %d, want %d", other.Sequence, second.Sequence)
		}
	})
}

func TestReadingIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	dir := &directory{people: []*org.Recipient{person(1)}}
	book, err := Open(t.Context(), sqldbtest.Memory(t), dir, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := book.List(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if dir.reads != 1 {
		t.Errorf("50 callers made %d readings, want 1", dir.reads)
	}
	dir.set(func() { dir.err = errors.New("directory is away") })
	now = now.Add(MaxAge)
	for range 3 {
		if list, err := book.List(t.Context()); err != nil || len(list.Entries) != 1 {
			t.Fatalf("directory away: got %v, %v, want the last list", list, err)
		}
	}
	if dir.reads != 2 {
		t.Errorf("while the directory is away %d readings, want 2", dir.reads)
	}
	fresh, err := Open(t.Context(), sqldbtest.Memory(t), dir, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.List(t.Context()); err == nil {
		t.Error("no list and no directory, but no error")
	}
}

func TestIDsFollowFromTheOrganisation(t *testing.T) {
	// Clients keep these ids: the same organisation must give the same ones in every version.
	a, b := guid.MustParse("5ab3a3a0-0000-4000-8000-000000000001"), guid.New()
	if got := ListGUID(a).String(); got != "b93163a7-ce11-8ef8-9ad9-ac53aba27fc1" {
		t.Errorf("list %s", got)
	}
	if got := OfflineGUID(a).String(); got != "71648de3-533e-840d-b002-123a60f52592" {
		t.Errorf("offline address book %s", got)
	}
	if ListGUID(a) == ListGUID(b) || OfflineGUID(a) == OfflineGUID(b) {
		t.Error("two organisations share an id")
	}
}
