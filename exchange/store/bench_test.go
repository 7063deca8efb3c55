package store

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// The flatness figures: a page, an item and a sync without news must cost the same
// in a folder of 100, 10,000 and 100,000 items, and of HMA_BENCH_ITEMS when it is set.
var sizes = benchSizes()

func benchSizes() []int {
	list := []int{100, 10_000, 100_000}
	if text := os.Getenv("HMA_BENCH_ITEMS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 100 {
			panic("HMA_BENCH_ITEMS: want a number of at least 100")
		}
		list = append(list, n)
	}
	return list
}

// benchSet is a filled mailbox that all benchmarks of a run share.
type benchSet struct {
	once sync.Once
	m    *Mailbox
	err  error
}

var benchSets = func() map[int]*benchSet {
	sets := make(map[int]*benchSet)
	for _, n := range sizes {
		sets[n] = &benchSet{}
	}
	return sets
}()

func benchMailbox(b *testing.B, n int) *Mailbox {
	set := benchSets[n]
	set.once.Do(func() {
		var db *sqldb.DB
		if db, set.err = sqldb.Open(context.Background(), fmt.Sprintf("sqlite:%s/mailbox-%d.db", benchDir, n)); set.err == nil {
			set.m = fill(b, db, n)
		}
	})
	if set.err != nil {
		b.Fatal(set.err)
	}
	return set.m
}

func eachSize(b *testing.B, fn func(b *testing.B, m *Mailbox, inbox FolderID)) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := benchMailbox(b, n)
			b.ReportAllocs()
			fn(b, m, FolderID{m.guid, fixed(RoleInbox)})
		})
	}
}

// BenchmarkFindItem is ews.finditem.flatness: the 50 newest.
func BenchmarkFindItem(b *testing.B) {
	tags := []mapi.Tag{mapi.PidTagSubject, mapi.PidTagSentRepresentingName, mapi.PidTagMessageDeliveryTime, mapi.PidTagHasAttachments}
	eachSize(b, func(b *testing.B, m *Mailbox, inbox FolderID) {
		for b.Loop() {
			page, err := m.List(context.Background(), Query{Folder: inbox, Limit: 50, Want: Want{Tags: tags}})
			if err != nil || len(page.Items) != 50 {
				b.Fatal(page, err)
			}
		}
	})
}

// BenchmarkFindItemDeep pages through the middle of the folder, each page after the one before.
func BenchmarkFindItemDeep(b *testing.B) {
	eachSize(b, func(b *testing.B, m *Mailbox, inbox FolderID) {
		offset := 0
		for b.Loop() {
			page, err := m.List(context.Background(), Query{Folder: inbox, Limit: 50, Offset: offset})
			if err != nil || len(page.Items) != 50 {
				b.Fatal(page, err)
			}
			if offset = page.Next; page.Last {
				offset = 0
			}
		}
	})
}

// BenchmarkGetItem is ews.getitem.flatness: one item with everything.
func BenchmarkGetItem(b *testing.B) {
	eachSize(b, func(b *testing.B, m *Mailbox, inbox FolderID) {
		page, err := m.List(context.Background(), Query{Folder: inbox, Limit: 50})
		if err != nil {
			b.Fatal(err)
		}
		i := 0
		for b.Loop() {
			i++
			if _, err := m.Item(context.Background(), page.Items[i%50].ID, everything); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSyncNoChange is ews.sync.nochange.flatness.
func BenchmarkSyncNoChange(b *testing.B) {
	eachSize(b, func(b *testing.B, m *Mailbox, inbox FolderID) {
		var state SyncState
		for more := true; more; {
			page, err := m.SyncItems(context.Background(), inbox, state, MaxChanges, false)
			if err != nil {
				b.Fatal(err)
			}
			state, more = page.State, page.More
		}
		for b.Loop() {
			page, err := m.SyncItems(context.Background(), inbox, state, 512, false)
			if err != nil || len(page.Changes) != 0 {
				b.Fatal(page, err)
			}
		}
	})
}

// BenchmarkCreateItem is one delivery at a time, durable each.
func BenchmarkCreateItem(b *testing.B) {
	eachSize(b, func(b *testing.B, m *Mailbox, inbox FolderID) {
		archive := FolderID{m.guid, fixed(RoleArchive)}
		for b.Loop() {
			if _, err := m.CreateItem(context.Background(), NewItem{Folder: archive, Props: mapi.Bag{mapi.PidTagSubject: "new"}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSearchSubject is ews.search.ratio without the door: the 50 newest of
// those whose subject has a part that one in a thousand has. Each round is another
// part, so that no kept count helps.
func BenchmarkSearchSubject(b *testing.B) {
	eachSize(b, func(b *testing.B, m *Mailbox, inbox FolderID) {
		indexAll(b, m.store)
		for i := 0; b.Loop(); i++ {
			where := mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: fmt.Sprintf("ct %d", 100+i%900)}
			if _, err := m.List(context.Background(), Query{Folder: inbox, Where: where, Limit: 50}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSearchWords finds what has a word that every message has, and one that few have.
func BenchmarkSearchWords(b *testing.B) {
	eachSize(b, func(b *testing.B, m *Mailbox, inbox FolderID) {
		word := func(tag mapi.Tag, text string) mapi.Restriction {
			return mapi.Content{Tag: tag, Fuzzy: mapi.PrefixOnWords | mapi.IgnoreCase, Value: text}
		}
		indexAll(b, m.store)
		for i := 0; b.Loop(); i++ {
			where := mapi.And{word(mapi.PidTagBody, "text"), word(mapi.PidTagSearchAllIndexedProps, fmt.Sprint(100+i%900))}
			if _, err := m.List(context.Background(), Query{Folder: inbox, Where: where, Limit: 50}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
