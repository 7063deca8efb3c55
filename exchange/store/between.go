package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// spans are the longest items of each class of length but the last, which has no
// bound. Items that meet a window begin, class by class, in it or so long before.
var spans = [...]time.Duration{day, 8 * day, 64 * day, 512 * day, 4096 * day}

// day is how far from UTC a time zone may be. The clip dates of a series are the
// midnights with which the days of its first and its last occurrence begin.
const day = 24 * time.Hour

// clip returns the time between which everything lies that a calendar shows of an
// item, and the class of its length; nothing for an item that has no time
// (MS-OXOCAL 2.2.1.14, 2.2.1.15).
func (it *Item) clip() (start, end, span any) {
	from, until := it.Props.Time(mapi.PidLidAppointmentStartWhole), it.Props.Time(mapi.PidLidAppointmentEndWhole)
	if it.Props.Bool(mapi.PidLidRecurring) {
		first, last := it.Props.Time(mapi.PidLidClipStart), it.Props.Time(mapi.PidLidClipEnd)
		if !first.IsZero() && !last.IsZero() {
			from, until = first.Add(-day), last.Add(2*day)
		}
	}
	if from.IsZero() || until.Before(from) {
		return nil, nil, nil
	}
	class := 0
	for class < len(spans) && until.Sub(from) > spans[class] {
		class++
	}
	return micros(from), micros(until), class
}

// Between returns the items of a folder's normal view that may share time with
// [from, to), in the order of their starts: appointments that do, and series whose
// first and last occurrence lie around it (for a series PidLidClipStart and
// PidLidClipEnd must say so, exceptions included). It reads at most limit items and
// tells whether there are more. Its cost is that of what it returns, however many
// items lie before and after.
func (m *Mailbox) Between(ctx context.Context, folder FolderID, from, to time.Time, want Want, limit int) (items []*Item, more bool, err error) {
	if m, err = m.itemsGate(ctx, folder); err == nil {
		err = m.store.db.View(ctx, func(tx *sqldb.Tx) error {
			items, more, err = m.between(tx, folder, from, to, want, limit)
			return err
		})
	}
	if err != nil {
		return nil, false, fmt.Errorf("items of %v between %v and %v: %w", folder, from, to, err)
	}
	return items, more, nil
}

func (m *Mailbox) between(q querier, folder FolderID, from, to time.Time, want Want, limit int) (items []*Item, more bool, err error) {
	if _, err := m.folder(q, folder.Folder); err != nil {
		return nil, false, err
	}
	s := newSelection(want)
	type timed struct {
		start int64
		item  *Item
	}
	var all []timed
	seen, sees := m.sight.condition(8)
	for class := range len(spans) + 1 {
		earliest := time.Time{}
		if class < len(spans) {
			earliest = from.Add(-spans[class])
		}
		rows, err := q.Query("SELECT "+s.list()+", clip_start FROM item WHERE mailbox = $1 AND fid = $2 AND clip_span = $3 AND clip_start >= $4 AND clip_start < $5"+
			" AND clip_end >= $6 AND clip_span IS NOT NULL AND assoc = 0"+seen+" ORDER BY clip_start, clip_end, id LIMIT $7",
			append([]any{m.id, folder.Folder, class, micros(earliest), micros(to), micros(from), limit + 1 - len(all)}, sees...)...)
		found, starts, err := m.scanItems(s, 1, rows, err)
		if err != nil {
			return nil, false, err
		}
		for i, it := range found {
			start, _ := starts[i][0].(int64)
			all = append(all, timed{start, it})
		}
		if len(all) > limit {
			all, more = all[:limit], true
			break
		}
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(a.start, b.start) })
	for _, t := range all {
		items = append(items, t.item)
	}
	return items, more, m.subobjectsOf(q, items, want)
}

// maxSameObject is how many items with one global object id are looked at.
const maxSameObject = 1000

// ByGlobalObjectID returns the items of a folder's normal view whose
// PidLidCleanGlobalObjectID is id, oldest first: the calendar item of a meeting, or
// the messages about it.
func (m *Mailbox) ByGlobalObjectID(ctx context.Context, folder FolderID, id []byte, want Want) (items []*Item, err error) {
	want.Tags = append(slices.Clip(want.Tags), mapi.PidLidCleanGlobalObjectID)
	if m, err = m.itemsGate(ctx, folder); err == nil {
		err = m.store.db.View(ctx, func(tx *sqldb.Tx) error {
			items, err = m.byGlobalObjectID(tx, folder.Folder, id, want)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("items of %v by global object id: %w", folder, err)
	}
	return items, nil
}

func (m *Mailbox) byGlobalObjectID(q querier, folder mapi.GlobCnt, id []byte, want Want) (items []*Item, err error) {
	s := newSelection(want)
	rows, err := q.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND goid_hash = $2 AND fid = $3 AND assoc = 0 ORDER BY id LIMIT $4",
		m.id, query.Hash(string(id)), folder, maxSameObject)
	found, _, err := m.scanItems(s, 0, rows, err)
	if err != nil {
		return nil, err
	}
	for _, it := range found {
		if !bytes.Equal(it.Props.Bytes(mapi.PidLidCleanGlobalObjectID), id) {
			continue
		}
		items = append(items, it)
	}
	return items, m.subobjectsOf(q, items, want)
}
