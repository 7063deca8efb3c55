package store

import (
	"slices"
	"sync"

	"hma/wire/mapi"
)

// cursors remembers, for lists that were paged through, which key stands at which
// offset, so that the next page starts there. What it forgets costs time only.
type cursors struct {
	mu    sync.Mutex
	lists map[listID]*cursor
}

// listID names a list: a folder, a restriction and an order.
type listID struct {
	mailbox int64
	folder  mapi.GlobCnt
	what    [32]byte
}

// cursor is what is known of a list in one state of its folder.
type cursor struct {
	version mapi.GlobCnt
	places  []place // ascending offsets
	count   int
	counted bool
}

// Limits of the cache: at most some 16 MB.
const (
	maxCursors = 1024
	maxPlaces  = 256
)

// get returns the cursor of a list in a state, made when missing; the cache is locked.
func (c *cursors) get(id listID, version mapi.GlobCnt) *cursor {
	cur := c.lists[id]
	if cur == nil || cur.version != version {
		if c.lists == nil {
			c.lists = map[listID]*cursor{}
		}
		for old := range c.lists {
			if len(c.lists) < maxCursors {
				break
			}
			delete(c.lists, old) // any one will do, and map order is any
		}
		cur = &cursor{version: version}
		c.lists[id] = cur
	}
	return cur
}

// nearest returns the last known place at or before an offset.
func (c *cursors) nearest(id listID, version mapi.GlobCnt, offset int) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	cur := c.lists[id]
	if offset == 0 || cur == nil || cur.version != version {
		return place{}
	}
	i, found := slices.BinarySearchFunc(cur.places, offset, func(p place, o int) int { return p.offset - o })
	if found {
		return cur.places[i]
	}
	if i > 0 {
		return cur.places[i-1]
	}
	return place{}
}

// keep remembers a place. A full cursor forgets every second one: what is between
// two places is then stepped over.
func (c *cursors) keep(id listID, version mapi.GlobCnt, p place) {
	if p.offset == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cur := c.get(id, version)
	i, found := slices.BinarySearchFunc(cur.places, p.offset, func(q place, o int) int { return q.offset - o })
	if found {
		return
	}
	cur.places = slices.Insert(cur.places, i, p)
	if len(cur.places) > maxPlaces {
		kept := cur.places[:0]
		for i, p := range cur.places {
			if i%2 == 0 || i == len(cur.places)-1 {
				kept = append(kept, p)
			}
		}
		clear(cur.places[len(kept):])
		cur.places = kept
	}
}

func (c *cursors) total(id listID, version mapi.GlobCnt) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cur := c.lists[id]
	if cur == nil || cur.version != version || !cur.counted {
		return 0, false
	}
	return cur.count, true
}

func (c *cursors) setTotal(id listID, version mapi.GlobCnt, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cur := c.get(id, version)
	cur.count, cur.counted = n, true
}
