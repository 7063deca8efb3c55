package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

func TestPaging(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox := role(t, m, store.RoleInbox)
		random := rand.New(rand.NewPCG(rand.Uint64(), 3))
		var items []store.NewItem
		for i := range 230 {
			n := mail(inbox, []string{"", "Ärger", "arg", "ZEBRA", "zebra 2", "Łódź"}[random.IntN(6)])
			n.Props[mapi.PidTagMessageDeliveryTime] = time.Unix(int64(random.IntN(50)), 0)
			n.Props[mapi.PidTagComment] = fmt.Sprint(i % 3)
			n.Props[mapi.PidTagImportance] = int32(random.IntN(3))
			if random.IntN(2) == 0 {
				n.Props[mapi.PidLidTaskDueDate] = time.Unix(int64(random.IntN(9)-4), 0)
				n.Props[mapi.PidTagSentRepresentingEmail] = fmt.Sprint("P", random.IntN(5), "@x.test")
			}
			items = append(items, n)
		}
		_, err := m.CreateItems(ctx, items)
		ok(t, err)
		tags := []mapi.Tag{mapi.PidTagMessageDeliveryTime, mapi.PidTagSubject, mapi.PidTagImportance, mapi.PidLidTaskDueDate, mapi.PidTagMessageSize, mapi.PidTagSentRepresentingEmail, mapi.PidTagInternetArticleNumber}
		wheres := []mapi.Restriction{nil,
			mapi.Property{Op: mapi.GT, Tag: mapi.PidTagImportance, Value: int32(0)},
			mapi.Content{Tag: mapi.PidTagComment, Value: "1"}}
		for range 40 {
			q := store.Query{Folder: inbox, Where: wheres[random.IntN(3)], FromEnd: random.IntN(2) == 0, Want: store.Want{All: true}, Limit: 1000}
			for range 1 + random.IntN(3) {
				q.Sort = append(q.Sort, store.SortKey{Tag: tags[random.IntN(len(tags))], Desc: random.IntN(2) == 0})
			}
			whole, err := m.List(ctx, q)
			ok(t, err)
			if n, err := m.Count(ctx, q); err != nil || n != len(whole.Items) || whole.Total != n || !whole.Last {
				t.Fatalf("%+v: %d items, counted %d, %v", q, len(whole.Items), n, err)
			}
			if !slices.IsSortedFunc(whole.Items, func(a, b *store.Item) int { return compareItems(q.Sort, a, b) }) {
				t.Errorf("%+v is not in order", q.Sort)
			}
			// The same list, page by page and from a cold cache at a random place.
			cold, _ := Open(t, db)
			fresh, err := cold.FindMailbox(ctx, m.GUID())
			ok(t, err)
			q.Limit = 1 + random.IntN(60)
			var ids []store.ItemID
			for last := false; !last; {
				page, err := m.List(ctx, q)
				ok(t, err)
				again, err := fresh.List(ctx, q)
				ok(t, err)
				if q.FromEnd {
					slices.Reverse(page.Items)
					slices.Reverse(again.Items)
				}
				for i, it := range page.Items {
					ids = append(ids, it.ID)
					if i >= len(again.Items) || again.Items[i].ID != it.ID {
						t.Fatalf("offset %d differs without the pages before", q.Offset)
					}
				}
				cold, _ = Open(t, db)
				fresh, err = cold.FindMailbox(ctx, m.GUID())
				ok(t, err)
				q.Offset, last = page.Next, page.Last
			}
			if q.FromEnd {
				slices.Reverse(ids)
			}
			if len(ids) != len(whole.Items) {
				t.Fatalf("pages have %d items, the list %d", len(ids), len(whole.Items))
			}
			for i, it := range whole.Items {
				if ids[i] != it.ID {
					t.Fatalf("place %d differs", i)
				}
			}
		}
		page, err := m.List(ctx, store.Query{Folder: inbox, Offset: 1000, Limit: 10})
		if err != nil || len(page.Items) != 0 || !page.Last || page.Total != 230 {
			t.Errorf("past the end: %+v, %v", page, err)
		}
		_, err = m.List(ctx, store.Query{Folder: inbox, Offset: -1})
		want(t, err, store.ErrInvalid)
		_, err = m.List(ctx, store.Query{Folder: store.FolderID{Mailbox: m.GUID(), Folder: 9999}})
		want(t, err, store.ErrNotFound)
		_, err = m.List(ctx, store.Query{Folder: inbox, Where: make(mapi.And, 300)})
		want(t, err, store.ErrTooComplex)
	})
}

// compareItems is the order that SortKey promises.
func compareItems(keys []store.SortKey, a, b *store.Item) int {
	for _, key := range keys {
		c := 0
		left, right := a.Props[key.Tag], b.Props[key.Tag]
		switch l := left.(type) {
		case nil:
			if right != nil {
				c = -1
			}
		case string:
			r, _ := right.(string)
			c = strings.Compare(query.Fold(l), query.Fold(r))
		case int32:
			c = int(l) - int(right.(int32))
		case time.Time:
			if c = 1; right != nil {
				c = l.Compare(right.(time.Time))
			}
		}
		if key.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// restrictions makes random trees over columns, bag properties and subobjects.
type restrictions struct{ *rand.Rand }

func (r restrictions) value(tag mapi.Tag) any {
	switch tag.Type() {
	case mapi.Unicode, mapi.MultiUnicode:
		return []string{"", "a", "Ä", "ARG", "z", "Red", "red blue", "x_%\\", "é"}[r.IntN(9)]
	case mapi.Integer32:
		return int32(r.IntN(4) - 1)
	case mapi.Boolean:
		return r.IntN(2) == 0
	case mapi.Time:
		return time.UnixMicro(int64(r.IntN(6))).UTC()
	}
	return []byte{byte(r.IntN(3))}
}

var searched = []mapi.Tag{
	mapi.PidTagSubject, mapi.PidTagSentRepresentingName, mapi.PidTagDisplayTo, mapi.PidTagMessageClass, mapi.PidTagInternetMessageID, mapi.PidTagImportance,
	mapi.PidTagFlagStatus, mapi.PidTagRead, mapi.PidTagMessageFlags, mapi.PidTagMessageDeliveryTime, mapi.PidTagClientSubmitTime, mapi.PidTagConversationIndex,
	mapi.PidTagComment, mapi.PidNameKeywords, mapi.PidTagBody, mapi.PidTagAccessLevel, mapi.PidTagHasAttachments, mapi.PidLidAppointmentStartWhole,
}

func (r restrictions) tag() mapi.Tag { return searched[r.IntN(len(searched))] }

func (r restrictions) tree(depth int) mapi.Restriction {
	op := mapi.RelOp(r.IntN(6))
	if depth == 0 {
		switch tag := r.tag(); r.IntN(7) {
		case 0, 1:
			return mapi.Property{Op: op, Tag: tag, Value: r.value(tag)}
		case 2:
			return mapi.Exist{Tag: tag}
		case 3:
			fuzzy := []mapi.Fuzzy{mapi.FullString, mapi.Substring, mapi.Prefix, mapi.PrefixOnWords, mapi.PhraseMatch}[r.IntN(5)]
			if r.IntN(2) == 0 {
				fuzzy |= mapi.IgnoreCase
			}
			return mapi.Content{Tag: tag, Fuzzy: fuzzy, Value: r.value(tag)}
		case 4:
			return mapi.Bitmask{Zero: r.IntN(2) == 0, Tag: tag, Mask: uint32(r.IntN(8))}
		case 5:
			return mapi.Compare{Op: op, Left: tag, Right: r.tag()}
		default:
			return mapi.Size{Op: op, Tag: tag, Size: uint32(r.IntN(12))}
		}
	}
	parts := make([]mapi.Restriction, r.IntN(4))
	for i := range parts {
		parts[i] = r.tree(depth - 1)
	}
	switch r.IntN(4) {
	case 0:
		return mapi.And(parts)
	case 1:
		return mapi.Or(parts)
	case 2:
		return mapi.Not{Part: r.tree(depth - 1)}
	}
	return mapi.Sub{Object: mapi.SubObject(r.IntN(2)), Part: mapi.Content{Tag: mapi.PidTagDisplayName, Fuzzy: mapi.Substring, Value: r.value(mapi.PidTagSubject)}}
}

// TestRestrictions compares what the database selects with what the evaluator says of each item.
func TestRestrictions(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		inbox := role(t, m, store.RoleInbox)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := restrictions{rand.New(rand.NewPCG(seed, 4))}
		for range 50 {
			n := store.NewItem{Folder: inbox, Read: r.IntN(2) == 0, Props: mapi.Bag{}}
			for _, tag := range searched {
				if r.IntN(3) == 0 {
					continue
				}
				v := r.value(tag)
				switch tag {
				case mapi.PidNameKeywords:
					v = []string{v.(string), "Red"}
				case mapi.PidTagBody:
					if r.IntN(4) == 0 {
						v = strings.Repeat(v.(string)+" red", 2000)
					}
				}
				n.Props[tag] = v
			}
			for range r.IntN(3) {
				n.Recipients = append(n.Recipients, store.Recipient{Type: mapi.RecipientTo, Name: r.value(mapi.PidTagSubject).(string)})
				n.Attachments = append(n.Attachments, store.Attachment{Filename: r.value(mapi.PidTagSubject).(string)})
			}
			create(t, m, n)
		}
		whole, err := m.List(ctx, store.Query{Folder: inbox, Want: store.Want{All: true, Recipients: true, Attachments: true}})
		ok(t, err)
		exact, some := 0, 0
		for range 400 {
			where := r.tree(r.IntN(4))
			compiled, err := query.Compile(where, db.Flavour(), 1)
			ok(t, err)
			if compiled.Exact {
				exact++
			}
			page, err := m.List(ctx, store.Query{Folder: inbox, Where: where})
			ok(t, err)
			got := map[store.ItemID]bool{}
			for _, it := range page.Items {
				got[it.ID] = true
			}
			if len(got) > 0 && len(got) < len(whole.Items) {
				some++
			}
			for _, it := range whole.Items {
				object := query.Object{Props: it.Props}
				ok(t, m.Resolve(ctx, object.Props, 1<<20))
				for _, rec := range it.Recipients {
					object.Recipients = append(object.Recipients, mapi.Bag{mapi.PidTagDisplayName: rec.Name})
				}
				for _, a := range it.Attachments {
					object.Attachments = append(object.Attachments, mapi.Bag{mapi.PidTagDisplayName: a.Filename})
				}
				if matches := query.Match(where, object); matches != got[it.ID] {
					t.Fatalf("%#v\nSQL %s (exact %v) selects %v: %v, evaluator says %v: %v", where, compiled.SQL, compiled.Exact, it.ID, got[it.ID], matches, it.Props)
				}
			}
		}
		if exact < 50 || some < 50 {
			t.Errorf("of 400 trees %d compiled exactly and %d told items apart: the test has become too weak", exact, some)
		}
	})
}

// TestWalkEnds holds that a search which must look at every item ends with its caller.
func TestWalkEnds(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := m.List(ctx, store.Query{Folder: role(t, m, store.RoleInbox), Where: mapi.Content{Tag: mapi.PidTagComment, Value: "1"}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
