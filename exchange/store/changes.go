package store

import (
	"context"
	"sync"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// EventKind is what a Change tells of.
type EventKind int

// The kinds of event.
const (
	ItemCreated EventKind = iota
	ItemModified
	ItemRead // the read flag
	ItemMoved
	ItemCopied
	ItemDeleted
	FolderCreated
	FolderModified
	FolderMoved
	FolderDeleted
	Elsewhere // another process changed the mailbox up to CN; look for yourself
)

// Change is one committed change. Changes made at the same time may arrive out of
// order; who needs order reads the store from a mark (SyncItems).
type Change struct {
	Kind      EventKind
	Mailbox   guid.GUID
	CN        mapi.GlobCnt
	At        time.Time
	Folder    FolderID // the item's folder, or the folder itself
	Parent    FolderID // of a folder
	Item      ItemID
	OldItem   ItemID   // before a move, or the original of a copy
	OldFolder FolderID // where OldItem was, or a moved folder's old parent
	Delivered bool     // an item created by delivery (NewItem.Delivered)
}

// queueLength is how many changes a subscription keeps for a slow reader.
const queueLength = 1024

// Subscription is a bounded queue of changes. Close ends it.
type Subscription struct {
	// C gives the changes. It is closed after Close, or when the reader fell so
	// far behind that changes were lost; Missed tells which.
	C <-chan Change

	hub       *hub
	send      chan Change
	mailboxes map[guid.GUID]bool
	missed    bool
	closed    bool
}

// hub hands committed changes to everybody who waits. It is the only thing in the
// store that long waits hang on.
type hub struct {
	store *Store
	mu    sync.Mutex
	subs  map[*Subscription]bool
	known map[guid.GUID]mapi.GlobCnt // the last number that the poller saw
	stop  context.CancelFunc         // of the poller, while it runs
}

// Subscribe returns the changes of mailboxes from now on, those made by this
// process in detail, on PostgreSQL those of other processes as Elsewhere.
func (s *Store) Subscribe(mailboxes ...guid.GUID) *Subscription {
	c := make(chan Change, queueLength)
	sub := &Subscription{C: c, send: c, hub: &s.hub, mailboxes: map[guid.GUID]bool{}}
	for _, id := range mailboxes {
		sub.mailboxes[id] = true
	}
	h := &s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs, h.known = map[*Subscription]bool{}, map[guid.GUID]mapi.GlobCnt{}
	}
	h.subs[sub] = true
	if h.stop == nil && s.db.Flavour() == sqldb.PostgreSQL {
		var ctx context.Context
		ctx, h.stop = context.WithCancel(context.Background())
		go h.poll(ctx)
	}
	return sub
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.drop(s)
}

// Missed tells whether changes were lost because the reader was too slow: it must look for itself and subscribe again.
func (s *Subscription) Missed() bool {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.missed
}

// drop takes a subscription out; the hub is locked.
func (h *hub) drop(s *Subscription) {
	if s.closed {
		return
	}
	s.closed = true
	close(s.send)
	delete(h.subs, s)
	if len(h.subs) == 0 {
		clear(h.known)
		if h.stop != nil {
			h.stop()
			h.stop = nil
		}
	}
}

// publish hands out changes without ever waiting for a reader.
func (h *hub) publish(changes []Change) {
	if len(changes) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		for s := range h.subs {
			if !s.mailboxes[c.Mailbox] {
				continue
			}
			select {
			case s.send <- c:
			default:
				s.missed = true
				h.drop(s)
			}
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
	all := map[guid.GUID]bool{}
	for s := range h.subs {
		for id := range s.mailboxes {
			all[id] = true
		}
	}
	list := make([]guid.GUID, 0, len(all))
	for id := range all {
		list = append(list, id)
	}
	return list
}

// seen publishes Elsewhere when a mailbox is past what the poller saw before. The
// first look and this process's own changes count too: a look too many costs
// little, a number that another process took in between would be lost.
func (h *hub) seen(id guid.GUID, cn mapi.GlobCnt) {
	h.mu.Lock()
	news := cn > h.known[id]
	h.known[id] = max(h.known[id], cn)
	h.mu.Unlock()
	if news {
		h.publish([]Change{{Kind: Elsewhere, Mailbox: id, CN: cn, At: h.store.opts.Now().UTC()}})
	}
}
