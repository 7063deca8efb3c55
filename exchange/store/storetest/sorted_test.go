package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// TestSorted holds orders by properties without a column, groups and pages that begin
// at a condition against a plain model.
func TestSorted(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 11))
		inbox := role(t, m, store.RoleInbox)
		names := []string{"Ångström", "angstrom", "Zuse", "", "Élan", "elan"}
		items := make([]store.NewItem, 150)
		for i := range items {
			items[i] = mail(inbox, fmt.Sprintf("subject %03d", i))
			items[i].Read = random.IntN(2) == 0
			if random.IntN(5) > 0 {
				items[i].Props[mapi.PidTagComment] = names[random.IntN(len(names))]
			}
			if random.IntN(4) > 0 {
				items[i].Props[mapi.PidLidPercentComplete] = random.Float64()
			}
			if random.IntN(2) > 0 {
				items[i].Props[mapi.PidNameKeywords] = []string{names[random.IntN(3)], "x"}
			}
		}
		_, err := m.CreateItems(ctx, items)
		ok(t, err)
		tags := []mapi.Tag{mapi.PidTagComment, mapi.PidLidPercentComplete, mapi.PidNameKeywords, mapi.PidTagSubject}
		whole, err := m.List(ctx, store.Query{Folder: inbox, Want: store.Want{Tags: tags}})
		ok(t, err)
		// value is what an order sees of an item's property, by itself sortable.
		value := func(it *store.Item, tag mapi.Tag) string {
			switch v := it.Props[tag].(type) {
			case string:
				return "s" + query.Fold(v)
			case []string:
				return "s" + query.Fold(v[0])
			case float64:
				return fmt.Sprintf("n%.17f", v)
			}
			return ""
		}
		for range 40 {
			var keys []store.SortKey
			for range random.IntN(3) {
				keys = append(keys, store.SortKey{Tag: tags[random.IntN(len(tags))], Desc: random.IntN(2) == 0})
			}
			q := store.Query{Folder: inbox, Sort: append(keys, store.SortKey{Tag: tags[random.IntN(3)]}), FromEnd: random.IntN(3) == 0, Want: store.Want{Tags: tags}}
			if random.IntN(2) == 0 {
				q.Where = []mapi.Restriction{unread, subjectHas("1"), mapi.Exist{Tag: mapi.PidNameKeywords}}[random.IntN(3)]
			}
			if random.IntN(2) == 0 {
				q.Group = &store.Group{By: tags[random.IntN(3)], On: tags[random.IntN(len(tags))], Max: random.IntN(2) == 0, Desc: random.IntN(2) == 0}
			}
			model := slices.DeleteFunc(slices.Clone(whole.Items), func(it *store.Item) bool {
				o := query.Object{Props: mapi.Bag{mapi.PidTagRead: it.Read}}
				for tag, v := range it.Props {
					o.Props[tag] = v
				}
				return q.Where != nil && !query.Match(q.Where, o)
			})
			aggregate := map[string]string{}
			if g := q.Group; g != nil {
				for _, it := range model {
					group, on := value(it, g.By), value(it, g.On)
					if known, there := aggregate[group]; !there || g.Max && on > known || !g.Max && on < known {
						aggregate[group] = on
					}
				}
			}
			turned := func(c int, desc bool) int {
				if desc {
					return -c
				}
				return c
			}
			compare := func(a, b string) int {
				switch {
				case a < b:
					return -1
				case a > b:
					return 1
				}
				return 0
			}
			slices.SortStableFunc(model, func(a, b *store.Item) int {
				if g := q.Group; g != nil {
					left, right := value(a, g.By), value(b, g.By)
					if c := turned(compare(aggregate[left], aggregate[right]), g.Desc); c != 0 {
						return c
					}
					if c := compare(left, right); c != 0 {
						return c
					}
				}
				for _, key := range q.Sort {
					if c := turned(compare(value(a, key.Tag), value(b, key.Tag)), key.Desc); c != 0 {
						return c
					}
				}
				return 0
			})
			var got []*store.Item
			var groups []int
			q.Limit = 1 + random.IntN(70)
			for last := false; !last; {
				page, err := m.List(ctx, q)
				ok(t, err)
				if page.Total != len(model) || len(page.Groups) != 0 && len(page.Groups) != len(page.Items) {
					t.Fatalf("%+v: total %d, want %d; %d groups of %d items", q, page.Total, len(model), len(page.Groups), len(page.Items))
				}
				if q.FromEnd {
					got, groups = append(slices.Clone(page.Items), got...), append(slices.Clone(page.Groups), groups...)
				} else {
					got, groups = append(got, page.Items...), append(groups, page.Groups...)
				}
				q.Offset, last = page.Next, page.Last
			}
			if len(got) != len(model) {
				t.Fatalf("seed %d: %+v: %d items, want %d", seed, q, len(got), len(model))
			}
			index := 0
			for i, it := range model {
				if got[i].ID != it.ID {
					t.Fatalf("seed %d: %+v: place %d differs", seed, q, i)
				}
				if q.Group != nil {
					if i > 0 && value(it, q.Group.By) != value(model[i-1], q.Group.By) {
						index++
					}
					if groups[i] != index {
						t.Fatalf("seed %d: %+v: place %d is in group %d, want %d", seed, q, i, groups[i], index)
					}
				}
			}
		}

		// Seek, in an order by column and in one in memory.
		for _, sort := range [][]store.SortKey{{{Tag: mapi.PidTagSubject}}, {{Tag: mapi.PidTagComment}, {Tag: mapi.PidTagSubject}}} {
			for _, fromEnd := range []bool{false, true} {
				for _, where := range []mapi.Restriction{nil, unread, subjectHas("1")} {
					all, err := m.List(ctx, store.Query{Folder: inbox, Sort: sort, Where: where, Want: store.Want{Tags: tags}})
					ok(t, err)
					seek := subjectHas(fmt.Sprint(random.IntN(150)))
					at := func(it *store.Item) bool { return query.Match(seek, query.Object{Props: it.Props}) }
					first, last := slices.IndexFunc(all.Items, at), len(all.Items)-1
					for last >= 0 && !at(all.Items[last]) {
						last--
					}
					wanted := []*store.Item{}
					switch {
					case first < 0:
					case fromEnd:
						wanted = all.Items[max(last-6, 0) : last+1]
					default:
						wanted = all.Items[first:min(first+7, len(all.Items))]
					}
					page, err := m.List(ctx, store.Query{Folder: inbox, Sort: sort, Where: where, Seek: seek, FromEnd: fromEnd, Limit: 7})
					ok(t, err)
					if !slices.EqualFunc(page.Items, wanted, func(a, b *store.Item) bool { return a.ID == b.ID }) || page.Total != len(all.Items) {
						t.Errorf("seed %d: %v from the end %t to %v: %d items, want %d, of %d", seed, sort, fromEnd, seek, len(page.Items), len(wanted), page.Total)
					}
				}
			}
		}
		_, err = m.List(ctx, store.Query{Folder: inbox, Seek: make(mapi.And, 300)})
		want(t, err, store.ErrTooComplex)
	})
}

// TestSortedLimit holds that no order in memory grows without a bound.
func TestSortedLimit(t *testing.T) {
	s, _ := Open(t, sqldbtest.Memory(t))
	m := mailbox(t, s)
	ctx := t.Context()
	inbox := role(t, m, store.RoleInbox)
	for n := 0; n <= store.MaxSorted; n += 1000 {
		items := make([]store.NewItem, 1000)
		for i := range items {
			items[i] = mail(inbox, fmt.Sprintf("%06d", n+i))
			items[i].Read = n > 0
		}
		_, err := m.CreateItems(ctx, items)
		ok(t, err)
	}
	q := store.Query{Folder: inbox, Sort: []store.SortKey{{Tag: mapi.PidTagComment}}, Limit: 10}
	_, err := m.List(ctx, q)
	want(t, err, store.ErrUnsortable)
	_, err = m.List(ctx, store.Query{Folder: inbox, Group: &store.Group{By: mapi.PidTagSubject, On: mapi.PidTagSubject}})
	want(t, err, store.ErrUnsortable)
	q.Where = mapi.Property{Op: mapi.GE, Tag: mapi.PidTagSubject, Value: "0"}
	_, err = m.List(ctx, q)
	want(t, err, store.ErrUnsortable)
	q.Where = unread
	page, err := m.List(ctx, q)
	ok(t, err)
	if page.Total != 1000 || len(page.Items) != 10 {
		t.Errorf("a part of the list has %d items, want 1000", page.Total)
	}
}
