package store

import (
	"context"
	"sync"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// Watch tells that one of some mailboxes has changed. It holds no changes: who is woken reads
// them (Mailbox.Events), so that a slow reader delays nobody and loses nothing.
type Watch struct {
	// C gets a value after changes were committed, one for any number of them.
	C <-chan struct{}

	hub       *hub
	wake      chan struct{}
	mailboxes []guid.GUID
}

// hub wakes everybody who waits for a mailbox. It is the only thing in the store
// that long waits hang on.
type hub struct {
	store   *Store
	mu      sync.Mutex
	watches map[guid.GUID]map[*Watch]bool
	known   map[guid.GUID]mapi.GlobCnt // the last number that the poller saw
	stop    context.CancelFunc         // of the poller, while it runs
}

// Watch begins to watch mailboxes, for changes that this process makes, and on
// PostgreSQL other processes too. Close ends it.
func (s *Store) Watch(mailboxes ...guid.GUID) *Watch {
	c := make(chan struct{}, 1)
	w := &Watch{C: c, wake: c, hub: &s.hub, mailboxes: mailboxes}
	h := &s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watches == nil {
		h.watches, h.known = map[guid.GUID]map[*Watch]bool{}, map[guid.GUID]mapi.GlobCnt{}
	}
	for _, mailbox := range mailboxes {
		if h.watches[mailbox] == nil {
			h.watches[mailbox] = map[*Watch]bool{}
		}
		h.watches[mailbox][w] = true
	}
	if h.stop == nil && s.db.Flavour() == sqldb.PostgreSQL {
		var ctx context.Context
		ctx, h.stop = context.WithCancel(context.Background())
		go h.poll(ctx)
	}
	return w
}

// Close ends the watch. It may be called more than once.
func (w *Watch) Close() {
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, mailbox := range w.mailboxes {
		delete(h.watches[mailbox], w)
		if len(h.watches[mailbox]) == 0 {
			delete(h.watches, mailbox)
			delete(h.known, mailbox)
		}
	}
	if len(h.watches) == 0 && h.stop != nil {
		h.stop()
		h.stop = nil
	}
}

// wake tells all who watch the mailbox, without ever waiting for one.
func (h *hub) wake(mailbox guid.GUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watches[mailbox] {
		select {
		case w.wake <- struct{}{}:
		default: // it has not looked since the last time
		}
	}
}

// poll looks for changes that other processes made.
func (h *hub) poll(ctx context.Context) {
	tick := time.NewTicker(h.store.opts.Poll)
	defer tick.Stop()
	for {
		for _, id := range h.watched() {
			var cn mapi.GlobCnt
			err := h.store.db.QueryRow(ctx, "SELECT last_cn FROM mailbox WHERE guid = $1", column(id)).Scan(&cn)
			if err != nil {
				continue // the database is away or the mailbox is not there yet: the next turn looks again
			}
			h.seen(id, cn)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *hub) watched() []guid.GUID {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]guid.GUID, 0, len(h.watches))
	for id := range h.watches {
		list = append(list, id)
	}
	return list
}

// seen wakes when a mailbox is past what the poller saw before. The first look and
// this process's own changes count too: a look too many costs little, a number
// that another process took in between would be lost.
func (h *hub) seen(id guid.GUID, cn mapi.GlobCnt) {
	h.mu.Lock()
	news := cn > h.known[id]
	if h.watches[id] != nil {
		h.known[id] = max(h.known[id], cn)
	}
	h.mu.Unlock()
	if news {
		h.wake(id)
	}
}
