package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// writer is one write to a mailbox: it holds the mailbox's row lock, gives out
// numbers and gathers what the counters of folders, blobs and the mailbox must
// become, so that each row is updated once and in the same transaction.
type writer struct {
	*sqldb.Tx
	m   *Mailbox
	now time.Time

	next    mapi.GlobCnt // the next number
	last    mapi.GlobCnt // the last change number taken
	first   mapi.GlobCnt // and as it was before
	size    int64        // of the mailbox
	quota   int64
	grew    bool // something was added: the quota is looked at
	queued  bool // something waits for the search index, or a search folder looks anew
	sends   bool // something waits to be sent at once
	folders map[mapi.GlobCnt]*folderCounts
	blobs   map[mapi.Blob]int64             // changes of reference counts
	touched map[mapi.GlobCnt]bool           // items that search folders must look at; nil without such folders
	paths   map[mapi.GlobCnt][]mapi.GlobCnt // from folders to the root, for them
}

// folderCounts is what a write adds to a folder's row.
type folderCounts struct {
	total, unread, fai, deleted, children, size int64
	conversations                               int64
	content, read, gone                         mapi.GlobCnt
	uid, firstUID                               int64 // next and as read
	kind                                        FolderKind
}

// write runs fn under the mailbox's lock, and after the commit wakes who watches the mailbox.
func (m *Mailbox) write(ctx context.Context, fn func(*writer) error) error {
	return writeIn(ctx, []*Mailbox{m}, func(writers []*writer) error { return fn(writers[0]) })
}

// writeIn is write in several mailboxes of one database: all that fn does in them is one transaction. Their locks are
// taken in the order of their numbers, so that two such writes never wait for each other.
func writeIn(ctx context.Context, boxes []*Mailbox, fn func([]*writer) error) error {
	return writeAfter(ctx, nil, boxes, fn)
}

// writeAfter is writeIn that does something in the transaction before the locks are taken, unless first is nil.
func writeAfter(ctx context.Context, first func(*sqldb.Tx) error, boxes []*Mailbox, fn func([]*writer) error) error {
	var writers []*writer
	err := boxes[0].store.db.Write(ctx, func(tx *sqldb.Tx) error {
		if first != nil {
			if err := first(tx); err != nil {
				return err
			}
		}
		writers = make([]*writer, len(boxes))
		order := make([]int, len(boxes))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(boxes[a].id, boxes[b].id) })
		for _, i := range order {
			w, err := boxes[i].lock(tx)
			if err != nil {
				return err
			}
			writers[i] = w
		}
		if err := fn(writers); err != nil {
			return err
		}
		for _, w := range writers {
			if err := w.finish(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range writers {
		w.committed()
	}
	return nil
}

// lock takes the mailbox's lock and begins a write.
func (m *Mailbox) lock(tx *sqldb.Tx) (*writer, error) {
	w := &writer{Tx: tx, m: m, now: m.store.opts.Now().UTC(), folders: map[mapi.GlobCnt]*folderCounts{}, blobs: map[mapi.Blob]int64{}}
	// Without the lock a larger number could be committed before a smaller
	// one, and a sync between the two would lose a change for ever.
	// With another GUID a restored mailbox has taken its place.
	lock := "SELECT EXISTS (SELECT 1 FROM search_folder WHERE mailbox = $1), next_counter, last_cn, size, quota FROM mailbox WHERE id = $1 AND guid = $2"
	if tx.Flavour() == sqldb.PostgreSQL {
		lock += " FOR UPDATE"
	}
	var searches bool
	if err := tx.QueryRow(lock, m.id, column(m.guid)).Scan(&searches, &w.next, &w.last, &w.size, &w.quota); err != nil {
		if err = noRow(err); err == ErrNotFound {
			m.store.boxes.drop(m.guid) // another server restored it: who opens it next finds the new one
		}
		return nil, fmt.Errorf("lock mailbox %s: %w", m.guid, err)
	}
	if searches {
		w.touched, w.paths = map[mapi.GlobCnt]bool{}, map[mapi.GlobCnt][]mapi.GlobCnt{}
	}
	w.first = w.last
	return w, nil
}

// committed wakes who waits for what the write did.
func (w *writer) committed() {
	if w.last > w.first {
		w.m.store.hub.wake(w.m.guid)
	}
	if w.queued {
		wake(w.m.store.indexer.wake)
	}
	if w.sends {
		wake(w.m.store.outgoing)
	}
}

// wake wakes who waits on the channel, or is about to.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// noRow turns the database's word for no row into ErrNotFound.
func noRow(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// number takes an id.
func (w *writer) number() mapi.GlobCnt {
	w.next++
	return w.next - 1
}

// change takes a change number.
func (w *writer) change() mapi.GlobCnt {
	w.last = w.number()
	return w.last
}

// counts returns the gathered counts of a folder, which must exist.
func (w *writer) counts(fid mapi.GlobCnt) (*folderCounts, error) {
	if c := w.folders[fid]; c != nil {
		return c, nil
	}
	c := &folderCounts{}
	err := w.QueryRow("SELECT next_imap_uid, kind FROM folder WHERE mailbox = $1 AND fid = $2 AND deleted_cn IS NULL", w.m.id, fid).Scan(&c.uid, &c.kind)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", FolderID{w.m.guid, fid}, noRow(err))
	}
	c.firstUID = c.uid
	w.folders[fid] = c
	return c, nil
}

// finish writes the gathered counts.
func (w *writer) finish() error {
	if err := w.settleSearches(); err != nil {
		return fmt.Errorf("search folders: %w", err)
	}
	for _, fid := range slices.Sorted(maps.Keys(w.folders)) {
		c := w.folders[fid]
		w.size += c.size
		if *c == (folderCounts{uid: c.uid, firstUID: c.uid, kind: c.kind}) {
			continue
		}
		_, err := w.Exec(`UPDATE folder SET total = total + $3, unread = unread + $4, fai_count = fai_count + $5,
			deleted_count = deleted_count + $6, children = children + $7, size = size + $8, next_imap_uid = next_imap_uid + $9,
			conversations = conversations + $13,
			content_cn_max = CASE WHEN $10 > content_cn_max THEN $10 ELSE content_cn_max END,
			read_cn_max = CASE WHEN $11 > read_cn_max THEN $11 ELSE read_cn_max END,
			deleted_max = CASE WHEN $12 > deleted_max THEN $12 ELSE deleted_max END
			WHERE mailbox = $1 AND fid = $2`,
			w.m.id, fid, c.total, c.unread, c.fai, c.deleted, c.children, c.size, c.uid-c.firstUID, c.content, c.read, c.gone, c.conversations)
		if err != nil {
			return fmt.Errorf("count folder %d: %w", fid, err)
		}
	}
	if w.grew && w.quota > 0 && w.size > w.quota {
		// What can be recovered does not count.
		deleted, err := w.m.recoverableSize(w)
		if err != nil {
			return err
		}
		if size := w.size - deleted; size > w.quota {
			return fmt.Errorf("mailbox %s would have %d bytes of %d: %w", w.m.guid, size, w.quota, ErrQuota)
		}
	}
	if err := w.countBlobs(); err != nil {
		return err
	}
	_, err := w.Exec("UPDATE mailbox SET next_counter = $2, last_cn = $3, size = $4 WHERE id = $1", w.m.id, w.next, w.last, w.size)
	if err != nil {
		return fmt.Errorf("count mailbox %s: %w", w.m.guid, err)
	}
	return nil
}

// changeKey returns the change key of a change that this mailbox made.
func (m *Mailbox) changeKey(cn mapi.GlobCnt) mapi.XID { return mapi.XID{Replica: m.db, Local: cn} }

// nextPCL merges a new change key into a stored change list.
func (m *Mailbox) nextPCL(stored []byte, cn mapi.GlobCnt) ([]byte, error) {
	list, err := mapi.ParsePCL(stored)
	if err != nil {
		return nil, fmt.Errorf("change list: %w", err)
	}
	return list.With(m.changeKey(cn)).Bytes(), nil
}

// The reasons of a tombstone.
const (
	goneHard = iota
	goneSoft
	goneMoved
)

// The kinds of tombstone.
const (
	itemStone = iota
	folderStone
	memberStone // of an item in a search folder
)
