package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// The search index is kept by a queue: a write of an item leaves a row in
// search_pending in its own transaction, and KeepIndex takes such rows in batches.
// Until then a search evaluates the item itself. Indexing within the write would
// make a delivery of 10 KiB wait for some 2 ms of FTS5; in a batch it takes 0.7.

// Limits of searches and of the index's keeper.
const (
	// maxPending is how many waiting items of a mailbox a search evaluates itself;
	// past it the index is not asked.
	maxPending = 1000
	// maxCandidates is how many items a search looks at one by one that the index named.
	maxCandidates = 2000
	// indexBatch is how many items one transaction indexes at most, and indexBytes the most of their texts.
	indexBatch = 64
	indexBytes = 4 << 20
)

// searchRow returns the row of an item in SQLite's index, which has one number
// for a row: 23 bits of mailbox and 40 of the item's row key, of which a mailbox
// would use up 1000 a second for 34 years. ok is false past that.
func searchRow(mailbox int64, item mapi.GlobCnt) (row int64, ok bool) {
	return mailbox<<40 | int64(item), mailbox < 1<<23 && item < 1<<40
}

// hitsSQL returns the statement that gives the items which the index finds; its
// parameters are the expression ($n) and the mailbox ($1).
func hitsSQL(flavour sqldb.Flavour, n int) string {
	if flavour == sqldb.PostgreSQL {
		return fmt.Sprintf("SELECT item FROM item_search WHERE mailbox = $1 AND terms @@ $%d::text::tsquery", n)
	}
	return fmt.Sprintf("SELECT rowid & %d FROM item_search WHERE item_search MATCH $%d", int64(1)<<40-1, n)
}

func (m *Mailbox) hitsArg(h *query.Hits) string {
	if m.store.db.Flavour() == sqldb.PostgreSQL {
		return h.TSQuery(m.id)
	}
	return h.FTS5(m.id)
}

// settle makes the list's statement whole: with the restriction's condition, or
// through the index when that finds what it can match with less work than looking
// at the folder. total is how many items the folder has.
func (l *list) settle(total int) error {
	if l.where == nil {
		return nil
	}
	if l.hits != nil {
		waiting, err := l.number(fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM search_pending WHERE mailbox = $1 LIMIT %d) AS waiting", maxPending+1), l.m.id)
		if err != nil {
			return err
		}
		if waiting <= maxPending {
			if done, err := l.narrow(total, waiting); done || err != nil {
				return err
			}
		}
	}
	l.base += " AND " + l.condition.SQL
	l.args = append(l.args, l.condition.Args...)
	l.exact = l.condition.Exact
	return nil
}

// queue are the items that wait for the index.
const queue = "SELECT item FROM search_pending WHERE mailbox = $1"

// narrow asks the index, and tells whether it was worth it.
func (l *list) narrow(total, waiting int) (done bool, err error) {
	flavour, most := l.m.store.db.Flavour(), maxCandidates
	var ids []string
	found := false
	if !l.sure {
		// Each hit is looked at: where they are many, the folder's own order is faster.
		if l.condition.Exact {
			most = max(most, total/8)
		}
		if ids, found, err = l.rare(); err != nil {
			return false, err
		}
	}
	if !found {
		if ids, err = l.found(l.hits, most+1); err != nil || !l.sure && len(ids) > most {
			return false, err
		}
	}
	many := len(ids) > most // and not all of them are here
	var matching []string
	if l.sure && waiting > 0 {
		var looked map[string]bool
		if looked, matching, err = l.evaluate(); err != nil {
			return false, err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return looked[id] })
	}
	// What was found is handed on, so that the index is asked once.
	args := slices.Clone(l.args)
	if !l.sure {
		args = append(args, l.condition.Args...)
	}
	if many {
		l.base += " AND (id IN (" + hitsSQL(flavour, len(args)+1) + ") AND id NOT IN (" + queue + ")"
		if len(matching) > 0 {
			l.base += " OR id IN (" + strings.Join(matching, ", ") + ")"
		}
		l.base += ")"
		l.args, l.exact = append(args, l.m.hitsArg(l.hits)), true
		return true, nil
	}
	ids = append(ids, matching...)
	few, arg := rowsOf(flavour, len(args)+1, ids)
	args = append(args, arg)
	if l.sure {
		l.base = l.few + " AND id IN (" + few + ")"
		l.exact = true
	} else {
		l.base = l.few + " AND id IN (" + few + " UNION ALL " + queue + ") AND " + l.condition.SQL
		l.exact, l.narrowed = l.condition.Exact, true
	}
	l.args = args
	return true, nil
}

// found returns up to limit of the items that the index finds.
func (l *list) found(h *query.Hits, limit int) (ids []string, err error) {
	rows, err := l.q.Query(fmt.Sprintf("%s LIMIT %d", hitsSQL(l.m.store.db.Flavour(), 2), limit), l.m.id, l.m.hitsArg(h))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// fewItems is how many items a rare term has at most.
const fewItems = 250

// rare returns the items of a rare term among those that must all be there, when
// there is one: to join the lists of the others too would cost their length.
// PostgreSQL knows by itself.
func (l *list) rare() (ids []string, found bool, err error) {
	if l.m.store.db.Flavour() == sqldb.PostgreSQL {
		return nil, false, nil
	}
	found, err = l.hits.Rare(func(part *query.Hits) (bool, error) {
		var err error
		ids, err = l.found(part, fewItems+1)
		return len(ids) <= fewItems, err
	})
	return ids, found, err
}

// evaluate looks at the list's items that wait for the index, and tells which match.
func (l *list) evaluate() (looked map[string]bool, matching []string, err error) {
	looked = map[string]bool{}
	tags, recipients, attachments := query.Needs(l.where)
	s := newSelection(Want{Tags: tags})
	rows, err := l.q.Query("SELECT "+s.list()+" FROM "+l.from+" WHERE "+l.few+" AND id IN ("+queue+")", l.args...)
	items, _, err := l.m.scanItems(s, 0, rows, err)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range items {
		object, err := l.m.object(l.q, it, tags, recipients, attachments)
		if err != nil {
			return nil, nil, err
		}
		id := fmt.Sprint(it.ID.Row)
		looked[id] = true
		if query.Match(l.where, object) {
			matching = append(matching, id)
		}
	}
	return looked, matching, nil
}

// number returns the only number of a statement's only row.
func (l *list) number(query string, args ...any) (n int, err error) {
	rows, err := l.q.Query(query, args...)
	if err != nil {
		return 0, err
	}
	if rows.Next() {
		err = rows.Scan(&n)
	}
	return n, errors.Join(err, rows.Close())
}

// reindex tells the index, in the write itself, that it must look at an item.
func (w *writer) reindex(row mapi.GlobCnt) error {
	w.queued = true
	_, err := w.Exec("INSERT INTO search_pending (mailbox, item) VALUES ($1, $2) ON CONFLICT DO NOTHING", w.m.id, row)
	return err
}

// indexed are the properties that the index looks at, by their ids.
var indexed = func() map[uint16]bool {
	tags, _, _ := query.Indexed()
	ids := make(map[uint16]bool, len(tags))
	for _, tag := range tags {
		ids[tag.ID()] = true
	}
	return ids
}()

// indexed tells whether an update changes something that the index looks at.
func (u *ItemUpdate) indexed() bool {
	for tag := range u.Set {
		if indexed[tag.ID()] {
			return true
		}
	}
	for _, tag := range u.Delete {
		if indexed[tag.ID()] {
			return true
		}
	}
	return u.Recipients != nil || len(u.AddAttachments)+len(u.DeleteAttachments) > 0
}

// indexer is the state of the index's keeper.
type indexer struct {
	wake chan struct{}
	mu   sync.Mutex
	last int64 // the mailbox that was served last: each has its turn

	// SQLite's index alone: see mergeIndex.
	begun  bool  // this process has begun to merge
	merged bool  // nothing was written since there was nothing to merge
	added  int64 // entries since everything was merged into one
	size   int64 // entries, more or less, once it has begun
}

// How long the keeper of the index waits: between two batches, so that others
// write meanwhile, and for more to come when there is something to do.
const (
	indexPause  = 100 * time.Millisecond
	indexGather = time.Second
	indexIdle   = time.Minute // then it looks without being woken, for other processes and after failures
)

// KeepIndex keeps the search index until ctx ends, beginning with what waits since
// an earlier run. It takes at most a third of the writer's time. A failure is handed
// to failed and tried again after a while.
func (s *Store) KeepIndex(ctx context.Context, failed func(error)) {
	for {
		n, err := s.Index(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := indexPause
		switch {
		case err != nil:
			failed(err)
			pause = indexIdle
		case n == 0:
			select {
			case <-ctx.Done():
				return
			case <-s.indexer.wake:
			case <-time.After(indexIdle):
			}
			pause = indexGather
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Index indexes one batch of the items that wait, the newest of a mailbox first, and
// lets a search folder that is not done look at another batch; when there is neither,
// it merges some of the index. It returns how much it did, 0 when there was nothing.
// A search is right with or without it.
func (s *Store) Index(ctx context.Context) (n int, err error) {
	s.indexer.mu.Lock()
	defer s.indexer.mu.Unlock()
	looked, err := s.searchNext(ctx)
	if err == nil {
		n, err = s.indexSome(ctx)
	}
	s.indexer.wrote(int64(n))
	if err == nil && n == 0 && !looked {
		looked, err = s.mergeIndex(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("search index: %w", err)
	}
	if looked {
		n++
	}
	return n, nil
}

// Limits of merging the index.
const (
	mergePages = 64 // of 4 KiB, written by one transaction, some 15 ms
	mergeShare = 8  // everything is merged when one entry in so many is new
)

// wrote tells the keeper that entries were written.
func (x *indexer) wrote(n int64) {
	x.merged = x.merged && n == 0
	x.added += n
	x.size += n
}

// mergeIndex merges some of the segments in which SQLite's index lies, and tells
// whether it did: each batch leaves one, and a search looks for each of its terms in
// each segment. FTS5 merges by itself when four are alike, this when two are; and when
// a good part of the index is new, all into one, so that an entry is written again some
// ten times in its life and no more. PostgreSQL's index has no segments.
func (s *Store) mergeIndex(ctx context.Context) (did bool, err error) {
	x := &s.indexer
	if x.merged || s.db.Flavour() == sqldb.PostgreSQL {
		return false, nil
	}
	if !x.begun {
		if err := s.db.QueryRow(ctx, "SELECT COALESCE(SUM(total + fai_count), 0) FROM folder WHERE kind <> $1", SearchFolder).Scan(&x.size); err != nil {
			return false, err
		}
	}
	pages, all := mergePages, x.added > 0 && x.added >= x.size/mergeShare
	if all {
		pages = -mergePages // FTS5's word for everything; it goes on with what it has begun
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if !x.begun {
			if _, err := tx.Exec("INSERT INTO item_search (item_search, rank) VALUES ('usermerge', 2)"); err != nil {
				return err
			}
		}
		var before, after int64
		if err := tx.QueryRow("SELECT total_changes()").Scan(&before); err != nil {
			return err
		}
		if _, err := tx.Exec("INSERT INTO item_search (item_search, rank) VALUES ('merge', $1)", pages); err != nil {
			return err
		}
		err := tx.QueryRow("SELECT total_changes()").Scan(&after)
		did = after-before > 1 // one change is the statement itself
		return err
	})
	if err == nil {
		x.begun, x.merged = true, !did
		if all {
			x.added = 0
		}
	}
	return did, err
}

// indexEntry is an item's new entry in the index.
type indexEntry struct {
	row   mapi.GlobCnt
	cn    mapi.GlobCnt // of the item that it was made of, 0 for one that is gone
	terms []string
}

func (s *Store) indexSome(ctx context.Context) (int, error) {
	var mailbox int64
	var id string
	next := "SELECT mailbox, guid FROM search_pending JOIN mailbox ON mailbox.id = search_pending.mailbox WHERE mailbox > $1 AND kind >= 0 ORDER BY mailbox LIMIT 1"
	err := noRow(s.db.QueryRow(ctx, next, s.indexer.last).Scan(&mailbox, &id))
	if err == ErrNotFound && s.indexer.last > 0 {
		err = noRow(s.db.QueryRow(ctx, next, 0).Scan(&mailbox, &id))
	}
	if err != nil {
		if err == ErrNotFound {
			err = nil
		}
		return 0, err
	}
	s.indexer.last = mailbox
	m, err := s.findColumn(ctx, id)
	if err != nil {
		return 0, err
	}
	var entries []indexEntry
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		entries, err = m.indexEntries(tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(entries), m.write(ctx, func(w *writer) error {
		for _, e := range entries {
			if err := w.putEntry(e); err != nil {
				return fmt.Errorf("item %d: %w", e.row, err)
			}
		}
		return nil
	})
}

// findColumn opens the mailbox of a GUID as a column has it.
func (s *Store) findColumn(ctx context.Context, text string) (*Mailbox, error) {
	id, err := guid.Parse(text)
	if err != nil {
		return nil, err
	}
	return s.FindMailbox(ctx, id)
}

// indexEntries makes the entries of the newest items that wait.
func (m *Mailbox) indexEntries(q querier) ([]indexEntry, error) {
	rows, err := q.Query("SELECT item FROM search_pending WHERE mailbox = $1 ORDER BY item DESC LIMIT $2", m.id, indexBatch)
	if err != nil {
		return nil, err
	}
	var entries []indexEntry
	for rows.Next() {
		var e indexEntry
		if err := rows.Scan(&e.row); err != nil {
			rows.Close()
			return nil, err
		}
		entries = append(entries, e)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	size := 0
	for i := range entries {
		if size > indexBytes {
			return entries[:i], nil
		}
		if err := m.indexEntry(q, &entries[i]); err != nil {
			return nil, fmt.Errorf("item %d: %w", entries[i].row, err)
		}
		for _, term := range entries[i].terms {
			size += len(term)
		}
	}
	return entries, nil
}

func (m *Mailbox) indexEntry(q querier, e *indexEntry) error {
	tags, recipients, attachments := query.Indexed()
	s := newSelection(Want{Tags: tags})
	rows, err := q.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND id = $2", m.id, e.row)
	items, _, err := m.scanItems(s, 0, rows, err)
	switch {
	case errors.Is(err, mapi.ErrSyntax): // damaged: nobody can find it, and Check tells of it
		return nil
	case err != nil || len(items) == 0:
		return err
	}
	object, err := m.object(q, items[0], tags, recipients, attachments)
	if err != nil {
		return err
	}
	e.cn, e.terms = items[0].CN, query.Terms(object)
	return nil
}

// putEntry writes an entry, unless the item has changed since it was made: then it waits on.
func (w *writer) putEntry(e indexEntry) error {
	var cn mapi.GlobCnt
	err := noRow(w.QueryRow("SELECT cn FROM item WHERE mailbox = $1 AND id = $2", w.m.id, e.row).Scan(&cn))
	switch {
	case err != nil && err != ErrNotFound:
		return err
	case e.cn != 0 && cn != e.cn:
		return nil
	}
	if err := w.putTerms(e.row, e.terms); err != nil {
		return err
	}
	_, err = w.Exec("DELETE FROM search_pending WHERE mailbox = $1 AND item = $2", w.m.id, e.row)
	return err
}

func (w *writer) putTerms(item mapi.GlobCnt, terms []string) (err error) {
	prefix := query.Prefix(w.m.id)
	var text strings.Builder
	for i, term := range terms {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(prefix)
		text.WriteString(term)
	}
	if w.Flavour() == sqldb.PostgreSQL {
		if len(terms) == 0 {
			_, err = w.Exec("DELETE FROM item_search WHERE mailbox = $1 AND item = $2", w.m.id, item)
			return err
		}
		_, err = w.Exec(`INSERT INTO item_search (mailbox, item, terms) VALUES ($1, $2, array_to_tsvector(string_to_array($3, ' ')))
			ON CONFLICT (mailbox, item) DO UPDATE SET terms = excluded.terms`, w.m.id, item, text.String())
		return err
	}
	row, ok := searchRow(w.m.id, item)
	switch {
	case !ok:
		return fmt.Errorf("its number does not fit the search index: %w", ErrInvalid)
	case len(terms) == 0:
		_, err = w.Exec("DELETE FROM item_search WHERE rowid = $1", row)
	default:
		_, err = w.Exec("INSERT OR REPLACE INTO item_search (rowid, terms) VALUES ($1, $2)", row, text.String())
	}
	return err
}

// removeIndex takes a removed mailbox out of SQLite's index, which has no column for it.
func (s *Store) removeIndex(ctx context.Context, mailbox int64) error {
	from, _ := searchRow(mailbox, 0)
	to, _ := searchRow(mailbox+1, 0)
	for again := true; again; {
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			result, err := tx.Exec("DELETE FROM item_search WHERE rowid IN (SELECT rowid FROM item_search WHERE rowid >= $1 AND rowid < $2 LIMIT $3)", from, to, batch)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			again = n > 0
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
