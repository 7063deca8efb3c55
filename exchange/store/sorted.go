package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/exchange/store/query"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// An order by a property without a column, and a grouped list, are made in memory:
// of each of the list's items its sort values are read, never more than MaxSorted
// items', and only the page's items as wanted. Each page costs the whole list.

// MaxSorted is how many items a list has at most that is sorted in memory.
const MaxSorted = 10_000

// Group groups a list (MS-OXWSSRCH 2.2.4.16): items with one value of By, text
// without case and accents, stand together, in the order of Query.Sort. A group
// stands by the least or greatest value of On in it.
type Group struct {
	By   mapi.Tag
	On   mapi.Tag
	Max  bool
	Desc bool
}

// sortValue is what an order looks at of a property: nothing comes before a number
// and that before text.
type sortValue struct {
	kind   int
	number float64
	text   string
}

const (
	noValue = iota
	numberValue
	textValue
)

// sortValueOf returns the sort value of an item's property: text as lists by column
// order it, of several values the first. A long value, which lies in a blob, counts as none.
func sortValueOf(it *Item, tag mapi.Tag) sortValue {
	number := func(n float64) sortValue { return sortValue{kind: numberValue, number: n} }
	text := func(s string) sortValue { return sortValue{kind: textValue, text: s} }
	_, v, _ := it.Props.Find(tag)
	if tag.ID() == mapi.PidTagRead.ID() {
		v = it.Read
	}
	switch v := v.(type) {
	case string:
		return text(query.SortKey(query.Fold(v)))
	case []string:
		if len(v) > 0 {
			return text(query.SortKey(query.Fold(v[0])))
		}
	case []byte:
		return text(string(v[:min(len(v), query.SortLetters)]))
	case guid.GUID:
		return text(v.String())
	case bool:
		if v {
			return number(1)
		}
		return number(0)
	case int16:
		return number(float64(v))
	case int32:
		return number(float64(v))
	case int64:
		return number(float64(v))
	case float32:
		return number(float64(v))
	case float64:
		return number(v)
	case time.Time:
		return number(float64(micros(v)))
	}
	return sortValue{}
}

func (v sortValue) compare(w sortValue) int {
	return cmp.Or(cmp.Compare(v.kind, w.kind), cmp.Compare(v.number, w.number), strings.Compare(v.text, w.text))
}

// sortEntry is what is kept of an item while a list is sorted.
type sortEntry struct {
	row    mapi.GlobCnt
	group  sortValue
	keys   []sortValue
	sought bool // Query.Seek wants it
}

// sorted returns a page of a list that is sorted in memory.
func (l *list) sorted(q Query, total int) (*Page, error) {
	if total > MaxSorted {
		return nil, fmt.Errorf("%d items: %w", total, ErrUnsortable)
	}
	var read Want
	for _, key := range q.Sort {
		read.Tags = append(read.Tags, key.Tag)
	}
	if q.Group != nil {
		read.Tags = append(read.Tags, q.Group.By, q.Group.On)
	}
	tags, recipients, attachments := query.Needs(q.Seek)
	read.Tags = append(read.Tags, tags...)
	var entries []sortEntry
	var failed error
	order := map[sortValue]sortValue{} // of groups, by their values
	err := l.walk(read, place{}, func(it *Item, _ place) bool {
		e := sortEntry{row: it.ID.Row}
		for _, key := range q.Sort {
			e.keys = append(e.keys, sortValueOf(it, key.Tag))
		}
		if g := q.Group; g != nil {
			e.group = sortValueOf(it, g.By)
			on := sortValueOf(it, g.On)
			if known, there := order[e.group]; !there || g.Max == (on.compare(known) > 0) {
				order[e.group] = on
			}
		}
		if q.Seek != nil {
			var object query.Object
			if object, failed = l.m.object(l.q, it, tags, recipients, attachments); failed != nil {
				return false
			}
			e.sought = query.Match(q.Seek, object)
		}
		entries = append(entries, e)
		return len(entries) <= MaxSorted
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	if len(entries) > MaxSorted {
		return nil, fmt.Errorf("more than %d items: %w", MaxSorted, ErrUnsortable)
	}
	// Without an order the walk's stands, newest first.
	slices.SortStableFunc(entries, func(a, b sortEntry) int {
		if g := q.Group; g != nil {
			c := order[a.group].compare(order[b.group])
			if g.Desc {
				c = -c
			}
			if c = cmp.Or(c, a.group.compare(b.group)); c != 0 {
				return c
			}
		}
		for i, key := range q.Sort {
			c := a.keys[i].compare(b.keys[i])
			if key.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	total = len(entries)
	if q.Seek != nil {
		for q.Offset = 0; q.Offset < total; q.Offset++ {
			if q.FromEnd && entries[total-1-q.Offset].sought || !q.FromEnd && entries[q.Offset].sought {
				break
			}
		}
	}
	from, to := min(q.Offset, total), min(q.Offset+q.Limit, total)
	if q.FromEnd {
		from, to = total-to, total-from
	}
	page := &Page{Next: q.Offset + to - from, Total: total, Last: q.Offset+to-from >= total}
	if page.Items, err = l.fetch(entries[from:to], q.Want); err != nil {
		return nil, err
	}
	if q.Group != nil {
		index := 0
		for i, e := range entries[:to] {
			if i > 0 && e.group != entries[i-1].group {
				index++
			}
			if i >= from {
				page.Groups = append(page.Groups, index)
			}
		}
	}
	return page, nil
}

// fetch reads items by their rows, in that order.
func (l *list) fetch(entries []sortEntry, want Want) ([]*Item, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	rows := make([]string, len(entries))
	for i, e := range entries {
		rows[i] = fmt.Sprint(e.row)
	}
	s := newSelection(want)
	found, err := l.q.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND id IN ("+strings.Join(rows, ", ")+")", l.m.id)
	items, _, err := l.m.scanItems(s, 0, found, err)
	if err != nil {
		return nil, err
	}
	byRow := make(map[mapi.GlobCnt]*Item, len(items))
	for _, it := range items {
		byRow[it.ID.Row] = it
	}
	out := make([]*Item, len(entries))
	for i, e := range entries {
		if out[i] = byRow[e.row]; out[i] == nil {
			return nil, fmt.Errorf("item %d: %w", e.row, ErrNotFound)
		}
	}
	return out, l.m.subobjectsOf(l.q, out, want)
}

// seek returns the offset of the first item of the list that a restriction wants,
// counted from where the list begins, or how many items there are. It looks at each
// of the items before it.
func (l *list) seek(to mapi.Restriction) (offset int, err error) {
	tags, recipients, attachments := query.Needs(to)
	var at place
	var failed error
	err = l.walk(Want{Tags: tags}, place{}, func(it *Item, here place) bool {
		var object query.Object
		if object, failed = l.m.object(l.q, it, tags, recipients, attachments); failed != nil || query.Match(to, object) {
			return false
		}
		at, offset = here, here.offset
		return true
	})
	l.m.store.cursors.keep(l.id, l.version, at) // for the page there
	return offset, errors.Join(err, failed)
}
