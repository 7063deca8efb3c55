package storetest

import (
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

// indexAll indexes what waits.
func indexAll(t *testing.T, s *store.Store) {
	t.Helper()
	for {
		n, err := s.Index(t.Context())
		ok(t, err)
		if n == 0 {
			return
		}
	}
}

// searchWords are what the random texts of these tests are made of: syntax of both
// databases' searches, letters of other scripts, and words that begin alike.
var searchWords = []string{"budget", "Budgets", "budge", "Zürich", "zurich", "ÅSA", "日本語", "日本", "и", "a", "OR", "NOT", "NEAR", "quarter's", `"`, "'",
	"*", "%", "_", `\`, ":", "&", "|", "!", "(", ")", "<->", "-x", "x@contoso.com", "100%", "½", "ﬁne", "fine", "\x01", "ß", "\U0001F600", strings.Repeat("long", 12)}

func someText(random *rand.Rand) string {
	var parts []string
	for range random.IntN(5) {
		parts = append(parts, searchWords[random.IntN(len(searchWords))])
	}
	return strings.Join(parts, []string{" ", "", ", "}[random.IntN(3)])
}

func someCondition(random *rand.Rand, depth int) mapi.Restriction {
	tags := []mapi.Tag{mapi.PidTagSubject, mapi.PidTagBody, mapi.PidTagSearchAllIndexedProps, mapi.PidTagSearchRecipientEmailTo, mapi.PidTagSearchAttachments,
		mapi.PidNameKeywords, mapi.PidTagSentRepresentingName, mapi.PidTagDisplayTo, mapi.PidTagComment}
	switch kind := random.IntN(8); {
	case depth > 0 && kind < 2:
		parts := make(mapi.And, random.IntN(4))
		for i := range parts {
			parts[i] = someCondition(random, depth-1)
		}
		if kind == 1 {
			return mapi.Or(parts)
		}
		return parts
	case depth > 0 && kind == 2:
		return mapi.Not{Part: someCondition(random, depth-1)}
	case kind == 3:
		return mapi.Sub{Object: mapi.Recipients, Part: mapi.And{mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRecipientType, Value: mapi.RecipientTo + int32(random.IntN(2))},
			mapi.Content{Tag: mapi.PidTagDisplayName, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: someText(random)}}}
	case kind == 4:
		return mapi.Property{Op: mapi.EQ, Tag: []mapi.Tag{mapi.PidNameKeywords, mapi.PidTagSubject}[random.IntN(2)], Value: someText(random)}
	}
	modes := []mapi.Fuzzy{mapi.FullString, mapi.Substring, mapi.Prefix, mapi.PrefixOnWords, mapi.PhraseMatch}
	return mapi.Content{Tag: tags[random.IntN(len(tags))], Value: someText(random),
		Fuzzy: modes[random.IntN(len(modes))] | []mapi.Fuzzy{0, mapi.IgnoreCase, mapi.Loose}[random.IntN(3)]}
}

// TestSearch holds that the index changes nothing of what a search finds: random
// conditions on random mail, before it is indexed, half of it, all of it, and after
// changes that the index has not seen.
func TestSearch(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m, other := mailbox(t, s), mailbox(t, s)
		ctx := t.Context()
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 5))
		inbox := role(t, m, store.RoleInbox)
		model := map[mapi.GlobCnt]query.Object{}
		randomItem := func() (store.NewItem, query.Object) {
			n := mail(inbox, someText(random))
			n.Props[mapi.PidTagSentRepresentingName] = someText(random)
			n.Props[mapi.PidTagComment] = someText(random)
			n.Props[mapi.PidNameKeywords] = []string{someText(random), someText(random)}
			if body := someText(random); random.IntN(3) == 0 {
				n.Props[mapi.PidTagHTML] = []byte("<p>" + strings.NewReplacer("<", "&lt;", "&", "&amp;").Replace(body) + "</p>")
			} else if random.IntN(9) == 0 {
				n.Props[mapi.PidTagBody] = body + strings.Repeat(" filling", 1000)
			} else {
				n.Props[mapi.PidTagBody] = body
			}
			n.Recipients = []store.Recipient{{Type: mapi.RecipientTo, Name: someText(random), SMTP: "x@contoso.com"}, {Type: mapi.RecipientCc, Name: someText(random)}}
			n.Attachments = []store.Attachment{{Filename: someText(random)}}
			o := query.Object{Props: mapi.Bag{}}
			for tag, v := range n.Props {
				o.Props[tag] = v
			}
			var names []string
			for _, r := range n.Recipients {
				name := r.Name
				if name == "" {
					name = r.SMTP
				}
				names = append(names, name)
				o.Recipients = append(o.Recipients, mapi.Bag{mapi.PidTagRecipientType: r.Type, mapi.PidTagDisplayName: r.Name, mapi.PidTagSmtpAddress: r.SMTP})
			}
			o.Props[mapi.PidTagDisplayTo], o.Props[mapi.PidTagDisplayCc] = names[0], names[1]
			o.Props[mapi.PidTagDisplayBcc] = ""
			o.Attachments = []mapi.Bag{{mapi.PidTagAttachLongFilename: n.Attachments[0].Filename}}
			return n, o
		}
		create := func(n int) {
			for range n {
				item, o := randomItem()
				stamp, err := m.CreateItem(ctx, item)
				ok(t, err)
				model[stamp.ID.Row] = o
				item.Folder = role(t, other, store.RoleInbox)
				_, err = other.CreateItem(ctx, item)
				ok(t, err)
			}
		}
		compare := func(when string) {
			for range 40 {
				where := someCondition(random, 3)
				var expected []mapi.GlobCnt
				for row, o := range model {
					if query.Match(where, o) {
						expected = append(expected, row)
					}
				}
				page, err := m.List(ctx, store.Query{Folder: inbox, Where: where})
				if err != nil {
					t.Fatalf("%s, seed %d: %#v: %v", when, seed, where, err)
				}
				var found []mapi.GlobCnt
				for _, it := range page.Items {
					found = append(found, it.ID.Row)
				}
				slices.Sort(found)
				slices.Sort(expected)
				if !slices.Equal(found, expected) || page.Total != len(found) {
					t.Fatalf("%s, seed %d: %#v\nfound %v (%d)\nwant  %v", when, seed, where, found, page.Total, expected)
				}
			}
		}
		create(50)
		compare("nothing indexed")
		_, err := s.Index(ctx) // of one of the mailboxes, and not all
		ok(t, err)
		compare("some indexed")
		indexAll(t, s)
		compare("all indexed")
		create(10)
		page, err := m.List(ctx, store.Query{Folder: inbox})
		ok(t, err)
		for i, it := range page.Items {
			o := model[it.ID.Row]
			switch i % 5 {
			case 0:
				_, err = m.DeleteItem(ctx, it.ID, store.HardDelete)
				delete(model, it.ID.Row)
			case 1:
				o.Props[mapi.PidTagSubject] = someText(random)
				o.Props[mapi.PidNameKeywords] = []string{someText(random)}
				_, err = m.UpdateItem(ctx, it.ID, store.ItemUpdate{Set: mapi.Bag{
					mapi.PidTagSubject: o.Props[mapi.PidTagSubject], mapi.PidNameKeywords: o.Props[mapi.PidNameKeywords]}})
			case 2:
				var moved store.Stamp
				if moved, err = m.MoveItem(ctx, it.ID, role(t, m, store.RoleArchive)); err == nil {
					_, err = m.MoveItem(ctx, moved.ID, inbox)
				}
			}
			ok(t, err)
		}
		compare("changed")
		indexAll(t, s)
		compare("indexed again")
		ok(t, m.Check(ctx, false, func(d store.Damage) { t.Error(d) }))
	})
}

// TestSearchPages holds that a found list is paged like any other.
func TestSearchPages(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		var items []store.NewItem
		for i := range 120 {
			n := mail(inbox, fmt.Sprintf("Report %d", i))
			n.Props[mapi.PidTagBody] = []string{"even numbers", "odd numbers"}[i%2]
			n.Props[mapi.PidTagMessageDeliveryTime] = time.Unix(int64(i), 0)
			items = append(items, n)
		}
		_, err := m.CreateItems(t.Context(), items)
		ok(t, err)
		words := func(tag mapi.Tag, text string) mapi.Restriction {
			return mapi.Content{Tag: tag, Fuzzy: mapi.PrefixOnWords | mapi.IgnoreCase, Value: text}
		}
		for range 2 { // before and after
			for _, c := range []struct {
				where mapi.Restriction
				want  int
				first string
			}{
				{words(mapi.PidTagBody, "ODD"), 60, "Report 119"},
				{words(mapi.PidTagSearchAllIndexedProps, "rep"), 120, "Report 119"},
				{words(mapi.PidTagSubject, "odd"), 0, ""},
				{mapi.And{words(mapi.PidTagBody, "odd"), mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: "7"}}, 16, "Report 117"},
			} {
				var seen []string
				q := store.Query{Folder: inbox, Where: c.where, Limit: 7, Want: store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}}}
				for last := false; !last; {
					page, err := m.List(t.Context(), q)
					ok(t, err)
					for _, it := range page.Items {
						seen = append(seen, it.Props.String(mapi.PidTagSubject))
					}
					if page.Total != c.want {
						t.Errorf("%v: total %d, want %d", c.where, page.Total, c.want)
					}
					q.Offset, last = page.Next, page.Last
				}
				if len(seen) != c.want || len(seen) > 0 && seen[0] != c.first {
					t.Errorf("%v: %d found, want %d from %s: %v", c.where, len(seen), c.want, c.first, seen)
				}
			}
			indexAll(t, s)
		}
	})
}

// TestSearchMerges holds that SQLite's index lies in few segments once nothing waits,
// however it came there: a search looks into each.
func TestSearchMerges(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *sqldb.DB{"memory": sqldbtest.Memory, "disk": sqldbtest.Disk} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			s, _ := Open(t, db)
			m := mailbox(t, s)
			inbox := role(t, m, store.RoleInbox)
			segments := func() (n int) {
				ok(t, db.QueryRow(t.Context(), "SELECT COUNT(DISTINCT segid) FROM item_search_idx").Scan(&n))
				return n
			}
			const batches, batch = 7, 64
			var items []store.NewItem
			for i := range batches * batch {
				items = append(items, mail(inbox, fmt.Sprintf("Report %d of many", i)))
			}
			_, err := m.CreateItems(t.Context(), items)
			ok(t, err)
			for range batches {
				_, err := s.Index(t.Context())
				ok(t, err)
			}
			before := segments()
			indexAll(t, s)
			if after := segments(); before < 2 || after != 1 {
				t.Errorf("%d segments were merged into %d", before, after)
			}
			for i := range 40 { // less than a share of all
				create(t, m, mail(inbox, fmt.Sprintf("Late %d of many", i)))
				indexAll(t, s)
				if n := segments(); n > 6 {
					t.Fatalf("%d segments after %d letters", n, i+1)
				}
			}
			for subject, want := range map[string]int{"Report 77 ": 1, "Late 3": 11, "of many": batches*batch + 40} {
				page, err := m.List(t.Context(), store.Query{Folder: inbox, Where: mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring, Value: subject}})
				ok(t, err)
				if page.Total != want {
					t.Errorf("%q: %d found, want %d", subject, page.Total, want)
				}
			}
			if list := damages(t, m, false); len(list) > 0 {
				t.Errorf("damaged: %+v", list)
			}
		})
	}
}
