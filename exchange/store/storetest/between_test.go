package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// TestBetween holds windows of time against a plain model: items of every length,
// from nothing to decades, some of them series.
func TestBetween(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		calendar := role(t, m, store.RoleCalendar)
		random := rand.New(rand.NewPCG(rand.Uint64(), 5))
		base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		hours := func(n int) time.Duration { return time.Duration(n) * time.Hour }
		var items []store.NewItem
		type interval struct{ start, end time.Time }
		want := map[string]interval{}
		for i := range 300 {
			n := mail(calendar, fmt.Sprint(i))
			start := base.Add(hours(random.IntN(24 * 3000)))
			end := start.Add(hours([]int{0, 1, random.IntN(24), random.IntN(24 * 60), random.IntN(24 * 4000), 24 * 20000}[random.IntN(6)]))
			n.Props[mapi.PidLidAppointmentStartWhole], n.Props[mapi.PidLidAppointmentEndWhole] = start, end
			covers := interval{start, end}
			switch random.IntN(5) {
			case 0: // a series: the days of its first and last occurrence count, in any zone
				n.Props[mapi.PidLidRecurring] = true
				n.Props[mapi.PidLidAppointmentEndWhole] = start.Add(time.Hour)
				n.Props[mapi.PidLidClipStart], n.Props[mapi.PidLidClipEnd] = start, end
				covers = interval{start.Add(-hours(24)), end.Add(hours(48))}
			case 1: // no time at all
				delete(n.Props, mapi.PidLidAppointmentEndWhole)
				covers = interval{}
			}
			items = append(items, n)
			if !covers.start.IsZero() {
				want[fmt.Sprint(i)] = covers
			}
		}
		_, err := m.CreateItems(ctx, items)
		ok(t, err)
		for range 60 {
			from := base.Add(hours(random.IntN(24 * 3200)))
			to := from.Add(hours(1 + random.IntN(24*40)))
			found, more, err := m.Between(ctx, calendar, from, to, store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}}, 1000)
			ok(t, err)
			var got, model []string
			for _, it := range found {
				got = append(got, it.Props.String(mapi.PidTagSubject))
			}
			for name, v := range want {
				if v.start.Before(to) && !v.end.Before(from) {
					model = append(model, name)
				}
			}
			if !slices.IsSortedFunc(got, func(a, b string) int { return want[a].start.Compare(want[b].start) }) {
				t.Errorf("%v to %v is not in order: %v", from, to, got)
			}
			slices.Sort(got)
			slices.Sort(model)
			if more || !slices.Equal(got, model) {
				t.Errorf("%v to %v: %v, want %v", from, to, got, model)
			}
			if len(model) > 1 {
				if few, more, err := m.Between(ctx, calendar, from, to, store.Want{}, len(model)-1); err != nil || !more || len(few) != len(model)-1 {
					t.Errorf("with a limit: %d of %d, more %v, %v", len(few), len(model), more, err)
				}
			}
		}
		// A changed item is found where it is now.
		moved, err := m.List(ctx, store.Query{Folder: calendar, Limit: 1})
		ok(t, err)
		day := base.Add(hours(24 * 4000))
		_, err = m.UpdateItem(ctx, moved.Items[0].ID, store.ItemUpdate{Set: mapi.Bag{
			mapi.PidLidRecurring: false, mapi.PidLidAppointmentStartWhole: day, mapi.PidLidAppointmentEndWhole: day.Add(time.Hour)}})
		ok(t, err)
		found, _, err := m.Between(ctx, calendar, day, day.Add(time.Minute), store.Want{}, 1000)
		ok(t, err)
		if !slices.ContainsFunc(found, func(it *store.Item) bool { return it.ID == moved.Items[0].ID }) {
			t.Errorf("a moved appointment is not found at its new time")
		}
	})
}

func TestByGlobalObjectID(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		calendar := role(t, m, store.RoleCalendar)
		for i, folder := range []store.FolderID{calendar, role(t, m, store.RoleInbox), calendar} {
			n := mail(folder, fmt.Sprint(i))
			n.Props[mapi.PidLidCleanGlobalObjectID] = []byte{byte(i / 2), 1, 2, 3}
			_, err := m.CreateItem(t.Context(), n)
			ok(t, err)
		}
		for id, want := range map[byte]string{0: "0", 1: "2"} {
			found, err := m.ByGlobalObjectID(t.Context(), calendar, []byte{id, 1, 2, 3}, store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}})
			ok(t, err)
			if len(found) != 1 || found[0].Props.String(mapi.PidTagSubject) != want {
				t.Errorf("object %d: %v", id, found)
			}
		}
		n := mail(calendar, "alone")
		n.Alone, n.Props[mapi.PidLidCleanGlobalObjectID] = true, []byte{0, 1, 2, 3}
		_, err := m.CreateItem(t.Context(), n)
		want(t, err, store.ErrExists)
		n.Props[mapi.PidLidCleanGlobalObjectID] = []byte{9, 1, 2, 3}
		_, err = m.CreateItem(t.Context(), n)
		ok(t, err)
		if found, err := m.ByGlobalObjectID(t.Context(), calendar, []byte{9}, store.Want{}); err != nil || len(found) != 0 {
			t.Errorf("an unknown object: %v, %v", found, err)
		}
	})
}
