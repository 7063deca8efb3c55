package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// recorder runs statements and keeps them for EXPLAIN.
type recorder struct {
	querier
	texts []string
	args  [][]any
}

func (r *recorder) Query(query string, args ...any) (*sqldb.Rows, error) {
	r.texts, r.args = append(r.texts, query), append(r.args, args)
	return r.querier.Query(query, args...)
}

// fill makes a mailbox with n items in its Inbox through the ordinary write code,
// received in no order, and some tombstones.
func fill(t testing.TB, db *sqldb.DB, n int) *Mailbox {
	t.Helper()
	clock := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	s, err := Open(context.Background(), db, Options{Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	m, err := s.OpenMailbox(ctx, guid.New(), MailboxInfo{OwnerSID: "S-1-5-21-1"})
	if err != nil {
		t.Fatal(err)
	}
	inbox := FolderID{m.guid, fixed(RoleInbox)}
	const step = 500
	for from := 0; from < n; from += step {
		items := make([]NewItem, min(step, n-from))
		for i := range items {
			k := (from + i) * 7919 % 1_000_003
			items[i] = NewItem{Folder: inbox, Read: k%3 == 0,
				Props: mapi.Bag{
					mapi.PidTagSubject: fmt.Sprintf("Subject %d of the quarter", k), mapi.PidTagSentRepresentingName: fmt.Sprintf("Sender %d", k%97),
					mapi.PidTagSentRepresentingEmail: fmt.Sprintf("sender%d@contoso.com", k%97), mapi.PidTagInternetMessageID: fmt.Sprintf("<%d@contoso.com>", k),
					mapi.PidTagMessageDeliveryTime: clock.Add(time.Duration(from+i) * time.Second), mapi.PidTagBody: strings.Repeat("text ", 40),
					mapi.PidLidAppointmentStartWhole: clock.Add(time.Duration(k) * time.Hour), mapi.PidLidAppointmentEndWhole: clock.Add(time.Duration(k+k%50) * time.Hour),
					mapi.PidLidCleanGlobalObjectID: fmt.Appendf(nil, "meeting %d", k),
				},
				Recipients: []Recipient{{Type: mapi.RecipientTo, SMTP: "user@contoso.com", Name: "User"}},
			}
		}
		stamps, err := m.CreateItems(ctx, items)
		if err != nil {
			t.Fatal(err)
		}
		if from == 0 {
			archive := FolderID{m.guid, fixed(RoleArchive)}
			for _, stamp := range stamps[:min(20, len(stamps))] {
				moved, err := m.MoveItem(ctx, stamp.ID, archive)
				if err == nil {
					_, err = m.MoveItem(ctx, moved.ID, inbox)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	analyze(t, db)
	return m
}

// TestPlans shows that no hot statement scans a table or sorts.
func TestPlans(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		m := fill(t, db, 4000)
		inbox := FolderID{m.guid, fixed(RoleInbox)}
		last, err := m.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		page := func(q Query) func(querier) error {
			return func(r querier) error {
				q.Folder, q.Limit = inbox, 50
				for _, q.Offset = range []int{0, 50, 300} { // first page, next page, a jump
					l, err := m.compile(q, GenericFolder)
					if err != nil {
						return err
					}
					l.q, l.version = r, last
					if err := l.settle(4000); err != nil {
						return err
					}
					if _, err = l.page(q); err != nil {
						return err
					}
				}
				return nil
			}
		}
		sorts := func(tag mapi.Tag, desc bool) Query {
			return Query{Sort: []SortKey{{Tag: tag, Desc: desc}}, Want: Want{All: true}}
		}
		run := func(state SyncState) func(querier) error {
			return func(r querier) error {
				s := &syncRun{m: m, q: r, folder: inbox.Folder, state: state, limit: 100, only: " AND assoc = 0"}
				return s.run()
			}
		}
		someItem, err := m.List(t.Context(), Query{Folder: inbox, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		// A delegate who does not see private items.
		delegate := (&viewer{real: m}).within(&sight{sid: "S-1-5-21-2"})
		hot := map[string]func(querier) error{
			"newest first, delegate": func(r querier) error {
				l, err := delegate.compile(Query{Folder: inbox, Limit: 50}, GenericFolder)
				if err == nil {
					l.q = r
					_, err = l.page(Query{Limit: 50})
				}
				return err
			},
			"hidden from a delegate": func(r querier) error { _, err := delegate.hidden(r, inbox, false); return err },
			"newest first":           page(Query{Want: Want{Tags: []mapi.Tag{mapi.PidTagSubject}}}),
			"oldest first":           page(sorts(mapi.PidTagMessageDeliveryTime, false)),
			"by subject":             page(sorts(mapi.PidTagSubject, false)),
			"by sender":              page(sorts(mapi.PidTagSentRepresentingName, true)),
			"by size":                page(sorts(mapi.PidTagMessageSize, true)),
			"by change":              page(sorts(mapi.PidTagLastModificationTime, true)),
			"by article number":      page(sorts(mapi.PidTagInternetArticleNumber, false)),
			"from the end":           page(Query{FromEnd: true}),
			"unread":                 page(Query{Where: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRead, Value: false}}),
			"soft-deleted":           page(Query{View: SoftDeletedView}),
			"one item":               func(r querier) error { _, err := m.item(r, someItem.Items[0].ID, everything); return err },
			"first sync":             run(SyncState{Snapshot: last, Position: last + 1}),
			"sync of few":            run(SyncState{Since: last - 30, Snapshot: last, Position: last + 1}),
			"sync, changes":          run(SyncState{Since: last - 30, Snapshot: last, Position: last - 30, Changes: true}),
			"events": func(r querier) error {
				return (&eventRun{m: m, q: r, since: last - 30, limit: 100, all: true}).folders()
			},
			"calendar view": func(r querier) error {
				_, _, err := m.between(r, inbox, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC), Want{All: true}, 100)
				return err
			},
			"meeting": func(r querier) error {
				_, err := m.byGlobalObjectID(r, inbox.Folder, []byte("meeting 1"), Want{All: true})
				return err
			},
			"waiting to be sent": func(r querier) error {
				rows, err := r.Query(outgoingDue, micros(time.Now()), 64)
				if err == nil {
					err = rows.Close()
				}
				return err
			},
			"folder changes": func(r querier) error { _, err := m.folderStones(r, last-30); return err },
		}
		// This one has no index: if it passes, the test sees nothing.
		const cold = "by importance"
		hot[cold] = page(sorts(mapi.PidTagImportance, true))
		for name, fn := range hot {
			found := false
			r := &recorder{querier: m.reads(t.Context())}
			if err := fn(r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i, text := range r.texts {
				plan, err := db.Explain(t.Context(), text, r.args[i]...)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				bad := slices.ContainsFunc(plan, func(line string) bool {
					// PostgreSQL sorts a handful of rows of one item's children faster than it walks an index.
					return strings.HasPrefix(line, "SCAN") || strings.Contains(line, "TEMP B-TREE") ||
						strings.Contains(line, "Seq Scan on item") || strings.Contains(line, "Sort  (") && strings.Contains(text, " FROM item ")
				})
				found = found || bad
				if bad && name != cold {
					t.Errorf("%s: %s\n%s", name, text, strings.Join(plan, "\n"))
				}
			}
			if name == cold && !found {
				t.Errorf("a sort without an index was not noticed: %v", r.texts)
			}
		}
	})
}

// TestSearchPlans shows that what the index can find costs neither a look at the
// folder nor at other people's mail.
func TestSearchPlans(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		m := fill(t, db, 4000)
		indexAll(t, m.store)
		analyze(t, db)
		words := func(tag mapi.Tag, text string) mapi.Restriction {
			return mapi.Content{Tag: tag, Fuzzy: mapi.PrefixOnWords | mapi.IgnoreCase, Value: text}
		}
		searches := map[string]mapi.Restriction{
			"part of a subject": mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: "ect 7919 of"},
			"a subject":         mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagSubject, Value: "Subject 7919 of the quarter"},
			"a sender":          mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagSentRepresentingEmail, Value: "sender13@contoso.com"},
			"a word":            words(mapi.PidTagSearchAllIndexedProps, "7919"),
			"two words":         mapi.And{words(mapi.PidTagBody, "text"), words(mapi.PidTagSubject, "7919")},
			"a category":        mapi.Property{Op: mapi.EQ, Tag: mapi.PidNameKeywords, Value: "Blue"},
			"a recipient": mapi.Sub{Object: mapi.Recipients, Part: mapi.And{mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRecipientType, Value: mapi.RecipientTo},
				mapi.Content{Tag: mapi.PidTagDisplayName, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: "nobody"}}},
		}
		for name, where := range searches {
			searchPlan(t, db, m, name, where)
		}
		// What waits for the index is looked at beside it.
		waits := NewItem{Folder: FolderID{m.guid, fixed(RoleInbox)}, Props: mapi.Bag{mapi.PidTagSubject: "Subject 7919 of the quarter", mapi.PidTagBody: "text"}}
		if _, err := m.CreateItem(t.Context(), waits); err != nil {
			t.Fatal(err)
		}
		for name, where := range searches {
			searchPlan(t, db, m, name+", one waits", where)
		}
	})
}

// TestSearchFolderPlans shows that what a search folder has found is read in its own
// order, and that a write asks for one item's rows alone.
func TestSearchFolderPlans(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		m := fill(t, db, 4000)
		inbox := FolderID{m.guid, fixed(RoleInbox)}
		f, err := m.CreateFolder(t.Context(), NewFolder{Parent: FolderID{m.guid, fixed(RoleSearchFolders)}, Name: "Unread",
			Search: &Search{Bases: []FolderID{inbox}, Where: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRead, Value: false}}})
		if err != nil {
			t.Fatal(err)
		}
		indexAll(t, m.store)
		analyze(t, db)
		last, err := m.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{querier: m.reads(t.Context())}
		for _, q := range []Query{{Folder: f.ID, Limit: 50}, {Folder: f.ID, Limit: 50, FromEnd: true, Want: Want{All: true}}} {
			for _, q.Offset = range []int{0, 50, 300} {
				l, err := m.compile(q, SearchFolder)
				if err == nil {
					l.q, l.version = r, last
					_, err = l.page(q)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		s := &syncRun{m: m, q: r, folder: f.ID.Folder, search: true, limit: 100, state: SyncState{Since: last - 30, Snapshot: last, Position: last + 1}}
		events := &eventRun{m: m, q: r, since: last - 30, limit: 100, watched: map[mapi.GlobCnt]bool{f.ID.Folder: true}}
		for _, fn := range []func() error{s.run, func() error { return events.found(f.ID.Folder) },
			func() error { _, err := m.memberships(r, []mapi.GlobCnt{300, 301}); return err }, func() error { _, _, err := m.rowsBefore(r, 1000, 10, 1<<20); return err },
			func() error { _, err := m.searched(r, nil, []mapi.GlobCnt{300, 301}); return err }} {
			if err := fn(); err != nil {
				t.Fatal(err)
			}
		}
		for i, text := range r.texts {
			plan, err := db.Explain(t.Context(), text, r.args[i]...)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range plan {
				if strings.HasPrefix(strings.TrimSpace(line), "SCAN") && !strings.Contains(line, "SCAN json_each") || strings.Contains(line, "TEMP B-TREE") || strings.Contains(line, "Seq Scan on item") || strings.Contains(line, "Hash Join") ||
					strings.HasSuffix(strings.TrimSpace(line), "(mailbox=?)") {
					t.Errorf("%s\n%s", text, strings.Join(plan, "\n"))
				}
			}
		}
	})
}

func searchPlan(t *testing.T, db *sqldb.DB, m *Mailbox, name string, where mapi.Restriction) {
	t.Helper()
	l, err := m.compile(Query{Folder: FolderID{m.guid, fixed(RoleInbox)}, Where: where}, GenericFolder)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{querier: m.reads(t.Context())}
	l.ctx, l.q = t.Context(), r
	if err := l.settle(4000); err != nil {
		t.Fatal(err)
	}
	if _, err := l.count(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := l.page(Query{Limit: 50}); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i, text := range r.texts {
		plan, err := db.Explain(t.Context(), text, r.args[i]...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, line := range plan {
			line = strings.TrimSpace(line)
			matched := strings.HasPrefix(line, "SCAN item_search VIRTUAL TABLE INDEX") && strings.Contains(line, "M")
			if strings.HasPrefix(line, "SCAN item") && !matched || strings.Contains(line, "Seq Scan on item ") || strings.Contains(line, "item_received") {
				t.Errorf("%s: %s\n%s", name, text, strings.Join(plan, "\n"))
			}
		}
	}
	if !strings.Contains(strings.Join(r.texts, " "), "FROM item_search") {
		t.Errorf("%s does not ask the index", name)
	}
}

// TestItemsTogether shows that several items take a statement for all of them, and one
// for their recipients and attachments each.
func TestItemsTogether(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		m := fill(t, db, itemsTogether)
		page, err := m.List(t.Context(), Query{Folder: FolderID{m.guid, fixed(RoleInbox)}, Limit: itemsTogether})
		if err != nil || len(page.Items) < 2 {
			t.Fatal(err, page)
		}
		var ids []ItemID
		var rows []mapi.GlobCnt
		for _, it := range page.Items {
			ids, rows = append(ids, it.ID), append(rows, it.ID.Row)
		}
		r := &recorder{querier: m.reads(t.Context())}
		if err := m.items(r, nil, ids, everything, make([]*Item, len(ids))); err != nil || len(r.texts) != 3 {
			t.Errorf("items: %v, %q", err, r.texts)
		}
		r = &recorder{querier: m.reads(t.Context())}
		if _, err := m.itemsOf(r, rows, everything); err != nil || len(r.texts) != 3 {
			t.Errorf("of conversations: %v, %q", err, r.texts)
		}
	})
}

// TestConversationPlan shows that a conversation costs its own items, which are sorted.
func TestConversationPlan(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		m := fill(t, db, 500)
		r := &recorder{querier: m.reads(t.Context())}
		if _, err := m.conversationRows(r, []ConversationID{{m.guid, [16]byte{1}}, {m.guid, [16]byte{2}}}); err != nil {
			t.Fatal(err)
		}
		plan, err := db.Explain(t.Context(), r.texts[0], r.args[0]...)
		if err != nil || !strings.Contains(strings.Join(plan, " "), "item_conversation") || db.Flavour() == sqldb.SQLite && !strings.Contains(strings.Join(plan, " "), "COVERING INDEX item_conversation (mailbox=? AND conversation_id=?)") {
			t.Errorf("%v, %v", plan, err)
		}
		// To look for another one in the folder costs that folder's entries of the conversation, of which the first two decide.
		plan, err = db.Explain(t.Context(), otherOfConversation, m.id, make([]byte, 16), int64(fixed(RoleInbox)), int64(1))
		text := strings.Join(plan, " ")
		if err != nil || !strings.Contains(text, "(mailbox=? AND conversation_id=? AND fid=?)") && !strings.Contains(text, "Index Cond: ((mailbox = '1'::bigint) AND (conversation_id =") {
			t.Errorf("%v, %v", plan, err)
		}
	})
}

// TestAlikePlans shows that to look for an item that is there already costs no folder.
func TestAlikePlans(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		m := fill(t, db, 4000)
		analyze(t, db)
		mime := mapi.Blob{Size: 1}
		for name, item := range map[string]NewItem{
			"item_search_key": {Props: mapi.Bag{mapi.PidTagSearchKey: []byte("sixteen bytes ...")}},
			"item_msg_id":     {Props: mapi.Bag{mapi.PidTagInternetMessageID: "<1@contoso.com>"}, MIME: mime},
			"item_received":   {Props: mapi.Bag{mapi.PidTagMessageDeliveryTime: time.Unix(1, 0)}, MIME: mime},
		} {
			item.Folder = FolderID{m.guid, fixed(RoleInbox)}
			r := &recorder{querier: m.reads(t.Context())}
			if _, err := m.alike(r, item, false); err != nil {
				t.Fatal(err)
			}
			plan, err := db.Explain(t.Context(), r.texts[0], r.args[0]...)
			if err != nil || !strings.Contains(strings.Join(plan, " "), name) {
				t.Errorf("%s: %v, error %v", name, plan, err)
			}
		}
	})
}

// analyze has PostgreSQL count what is in its tables, as it does by itself after a
// while. SQLite does not, and must find its plans without.
func analyze(t testing.TB, db *sqldb.DB) {
	t.Helper()
	if db.Flavour() == sqldb.PostgreSQL {
		if err := db.Statement(context.Background(), "ANALYZE"); err != nil {
			t.Fatal(err)
		}
	}
}

// indexAll indexes what waits.
func indexAll(t testing.TB, s *Store) {
	t.Helper()
	for {
		n, err := s.Index(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}
