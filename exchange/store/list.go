package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// View is which items of a folder are meant.
type View int

// The views of a folder.
const (
	NormalView      View = iota
	AssociatedView       // FAI items
	SoftDeletedView      // items soft-deleted from this folder, now in Recoverable Items
)

// Query is a list of a folder's items.
type Query struct {
	Folder FolderID
	View   View
	Where  mapi.Restriction // nil is all
	Sort   []SortKey        // newest delivery first when empty
	Want   Want
	// Offset counts from the beginning, or back from the end with FromEnd (then
	// the page is still in the order of Sort).
	Offset  int
	FromEnd bool
	Limit   int // 1 to MaxPage; MaxPage when zero
	// Seek puts the page at the first item that the restriction wants, from the
	// beginning or the end, in place of Offset. Each item before it is looked at.
	Seek  mapi.Restriction
	Group *Group // nil is a plain list
}

// MaxPage is the most items that a page holds.
const MaxPage = 1000

// SortKey is one level of order. Missing values come first ascending; text is
// ordered by its first query.SortLetters letters without case and accents.
type SortKey struct {
	Tag  mapi.Tag
	Desc bool
}

// Page is a part of a list.
type Page struct {
	Items []*Item
	Next  int  // the offset to go on with
	Total int  // items in the whole list
	Last  bool // nothing follows
	// Groups are the numbers of the items' groups, from 0, in a grouped list.
	Groups []int
}

// list is a query in SQL.
type list struct {
	ctx   context.Context
	m     *Mailbox
	q     querier
	from  string // the table
	where mapi.Restriction
	view  View
	base  string // the folder and, when settled, the condition
	few   string // the folder as base begins, where an index is to find items by their ids
	args  []any
	exact bool
	keys  []sortExpr

	condition query.Condition // of where, without the index
	hits      *query.Hits     // what the index can be asked, nil for nothing
	sure      bool            // the hits are the items that match
	narrowed  bool            // base holds few items
	memory    bool            // it is sorted in memory
	version   mapi.GlobCnt    // of the folder's content
	id        listID
}

type sortExpr struct {
	sql  string
	desc bool
}

// List returns a page of a folder's items.
//
// A list by a property without column, or with groups, is sorted in memory, and of
// more than MaxSorted items ErrUnsortable; a restriction beyond the limits is
// ErrTooComplex. The page costs what it holds if the page before it was
// asked for and the folder has not changed since; otherwise index entries are
// stepped over from the nearest known place. The total of a restricted list is
// counted once for each state of the folder.
func (m *Mailbox) List(ctx context.Context, q Query) (page *Page, err error) {
	if q.Limit == 0 {
		q.Limit = MaxPage
	}
	if q.Offset < 0 || q.Limit < 1 || q.Limit > MaxPage {
		return nil, fmt.Errorf("list %v: offset %d, limit %d: %w", q.Folder, q.Offset, q.Limit, ErrInvalid)
	}
	err = m.view(ctx, q, func(l *list, total int) error {
		if l.memory {
			page, err = l.sorted(q, total)
			return err
		}
		if q.Seek != nil {
			if q.Offset, err = l.seek(q.Seek); err != nil {
				return err
			}
		}
		items, err := l.page(q)
		if err != nil {
			return err
		}
		switch {
		case total >= 0:
		case len(items) < q.Limit && (len(items) > 0 || q.Offset == 0):
			total = q.Offset + len(items) // the end was reached
			l.m.store.cursors.setTotal(l.id, l.version, total)
		default:
			if total, err = l.count(); err != nil {
				return err
			}
		}
		page = &Page{Items: items, Next: q.Offset + len(items), Total: total, Last: q.Offset+len(items) >= total || len(items) < q.Limit}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %v: %w", q.Folder, err)
	}
	return page, nil
}

// Count returns how many items a list has; Sort, Want, Offset and Limit do not matter.
func (m *Mailbox) Count(ctx context.Context, q Query) (total int, err error) {
	err = m.view(ctx, q, func(l *list, kept int) (err error) {
		if total = kept; kept < 0 {
			total, err = l.count()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count %v: %w", q.Folder, err)
	}
	return total, nil
}

// view prepares a list and runs fn on one state of the database. total is the kept
// counter, or -1 when the list has none.
func (m *Mailbox) view(ctx context.Context, q Query, fn func(l *list, total int) error) error {
	m, err := m.itemsGate(ctx, q.Folder)
	if err == nil && q.View == SoftDeletedView && m.sight != nil {
		err = fmt.Errorf("what was deleted from %v: %w", q.Folder, ErrDenied)
	}
	if err != nil {
		return err
	}
	return m.store.db.View(ctx, func(tx *sqldb.Tx) error {
		var kind FolderKind
		var total, fai, deleted int
		var content, read, gone, last mapi.GlobCnt
		err := tx.QueryRow(`SELECT folder.kind, total, fai_count, deleted_count, content_cn_max, read_cn_max, deleted_max, last_cn
			FROM folder JOIN mailbox ON mailbox.id = folder.mailbox WHERE folder.mailbox = $1 AND fid = $2`, m.id, q.Folder.Folder).
			Scan(&kind, &total, &fai, &deleted, &content, &read, &gone, &last)
		if err != nil {
			return noRow(err)
		}
		if kind == SearchFolder && m.sight != nil {
			return ErrDenied // what it has found lies in other folders
		}
		l, err := m.compile(q, kind)
		if err != nil {
			return err
		}
		l.ctx, l.q = ctx, tx
		l.version = max(content, read, gone)
		switch q.View {
		case AssociatedView:
			total = fai
		case SoftDeletedView:
			total, l.version = deleted, last // its items are another folder's content
		}
		if err := l.settle(total); err != nil {
			return err
		}
		switch {
		case q.Where != nil || m.sight != nil && m.sight.own:
			total = -1
		case m.sight != nil && !m.sight.private:
			hidden, err := m.hidden(tx, q.Folder, q.View == AssociatedView)
			if err != nil {
				return err
			}
			total -= hidden
		}
		return fn(l, total)
	})
}

// hidden counts the private items of others in a folder.
func (m *Mailbox) hidden(q querier, folder FolderID, associated bool) (n int, err error) {
	rows, err := q.Query("SELECT count(*) FROM item WHERE mailbox = $1 AND fid = $2 AND assoc = $3 AND sensitivity = 2 AND creator <> $4",
		m.id, folder.Folder, number(associated), m.sight.sid)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&n)
	}
	return n, errors.Join(err, rows.Err())
}

func (m *Mailbox) compile(q Query, kind FolderKind) (*list, error) {
	l := &list{m: m, from: "item", where: q.Where, view: q.View, exact: true, args: []any{m.id, q.Folder.Folder}}
	switch q.View {
	case NormalView:
		l.from, l.base = source(kind)
	case AssociatedView:
		l.base = "mailbox = $1 AND fid = $2 AND assoc = 1"
	case SoftDeletedView:
		l.base = "mailbox = $1 AND deleted_from = $2 AND deleted_from IS NOT NULL"
	default:
		return nil, fmt.Errorf("view %d: %w", q.View, ErrInvalid)
	}
	seen, sees := m.sight.condition(len(l.args) + 1)
	// A column behind a plus leads to no index.
	l.base, l.few = l.base+seen, strings.ReplaceAll(l.base, " AND ", " AND +")+seen
	l.args = append(l.args, sees...)
	if q.Where != nil {
		var err error
		if l.condition, err = query.Compile(q.Where, m.store.db.Flavour(), len(l.args)+1); err != nil {
			return nil, errors.Join(ErrTooComplex, err)
		}
		l.hits, l.sure = query.Ask(q.Where)
	}
	if q.Seek != nil && !mapi.WithinLimits(q.Seek) {
		return nil, ErrTooComplex
	}
	sort := q.Sort
	l.memory = q.Group != nil || slices.ContainsFunc(sort, func(key SortKey) bool {
		c, ok := promotedColumn(key.Tag)
		return !ok || c.Kind == query.Bytes
	})
	if len(sort) == 0 || l.memory {
		sort = []SortKey{{Tag: mapi.PidTagMessageDeliveryTime, Desc: true}}
	}
	for _, key := range sort {
		c, _ := promotedColumn(key.Tag)
		expr := orderOf(c)
		if kind == SearchFolder && c.Tag == mapi.PidTagMessageDeliveryTime {
			expr = "delivered" // which has an index
		}
		l.keys = append(l.keys, sortExpr{sql: expr, desc: key.Desc != (q.FromEnd && !l.memory)})
	}
	l.keys = append(l.keys, sortExpr{sql: "id", desc: l.keys[len(l.keys)-1].desc})
	what := fmt.Sprintf("%d %#v %v %s %v", q.View, q.Where, l.keys, seen, sees)
	l.id = listID{mailbox: m.id, folder: q.Folder.Folder, what: sha256.Sum256([]byte(what))}
	return l, nil
}

// orderOf returns a column's sort expression, which is never NULL.
func orderOf(c query.Column) string {
	switch {
	case c.Sort != "":
		return c.Sort
	case c.Kind == query.Text:
		return fmt.Sprintf("COALESCE(substr(%s, 1, %d), '')", c.Fold, query.SortLetters)
	case c.Always:
		return c.Name
	}
	return fmt.Sprintf("COALESCE(%s, -9000000000000000000)", c.Name)
}

// count counts the list's items, once for each state of the folder.
func (l *list) count() (int, error) {
	cursors := &l.m.store.cursors
	if n, ok := cursors.total(l.id, l.version); ok {
		return n, nil
	}
	n := 0
	if l.exact {
		rows, err := l.q.Query("SELECT count(*) FROM "+l.from+" WHERE "+l.base, l.args...)
		if err != nil {
			return 0, err
		}
		if rows.Next() {
			err = rows.Scan(&n)
		}
		if err := errors.Join(err, rows.Close()); err != nil {
			return 0, err
		}
	} else {
		err := l.walk(Want{}, place{}, func(*Item, place) bool { n++; return true })
		if err != nil {
			return 0, err
		}
	}
	cursors.setTotal(l.id, l.version, n)
	return n, nil
}

// page returns the items of a page in the order of the query.
func (l *list) page(q Query) ([]*Item, error) {
	cursors := &l.m.store.cursors
	at := cursors.nearest(l.id, l.version, q.Offset)
	var items []*Item
	if l.exact {
		if skip := q.Offset - at.offset; skip > 0 {
			// The row before the page, found in the index alone.
			_, key, err := l.rows(newSelection(Want{}), at.key, 1, skip-1, true)
			if err != nil || len(key) == 0 {
				return nil, err
			}
			at = place{offset: q.Offset, key: key[0]}
		}
		found, keys, err := l.rows(newSelection(q.Want), at.key, q.Limit, 0, false)
		if err != nil {
			return nil, err
		}
		items = found
		if len(keys) > 0 {
			at = place{offset: q.Offset + len(items), key: keys[len(keys)-1]}
		}
	} else {
		err := l.walk(q.Want, at, func(it *Item, here place) bool {
			at = here
			if here.offset > q.Offset {
				items = append(items, it)
			}
			return len(items) < q.Limit
		})
		if err != nil {
			return nil, err
		}
	}
	cursors.keep(l.id, l.version, at)
	if err := l.m.subobjectsOf(l.q, items, q.Want); err != nil {
		return nil, err
	}
	if q.FromEnd {
		slices.Reverse(items)
	}
	return items, nil
}

// rows reads up to limit rows behind a key, after stepping over skip more. With
// only the keys no column beside those of the order is read.
func (l *list) rows(s *selection, after []any, limit, skip int, onlyKeys bool) ([]*Item, [][]any, error) {
	var order, exprs []string
	for _, k := range l.keys {
		word := " ASC"
		if k.desc {
			word = " DESC"
		}
		order = append(order, k.sql+word)
		exprs = append(exprs, k.sql)
	}
	args := slices.Clone(l.args)
	where := l.base
	if after != nil {
		where += " AND " + l.behind(after, len(args)+1)
		args = append(args, after...)
	}
	args = append(args, limit)
	tail := fmt.Sprintf(" FROM %s WHERE %s ORDER BY %s LIMIT $%d", l.from, where, strings.Join(order, ", "), len(args))
	if skip > 0 {
		args = append(args, skip)
		tail += fmt.Sprintf(" OFFSET $%d", len(args))
	}
	if !onlyKeys {
		rows, err := l.q.Query("SELECT "+s.list()+", "+strings.Join(exprs, ", ")+tail, args...)
		return l.m.scanItems(s, len(exprs), rows, err)
	}
	rows, err := l.q.Query("SELECT "+strings.Join(exprs, ", ")+tail, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var keys [][]any
	for rows.Next() {
		key := make([]any, len(exprs))
		dest := make([]any, len(exprs))
		for i := range key {
			dest[i] = &key[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, nil, err
		}
		keys = append(keys, key)
	}
	return nil, keys, rows.Err()
}

// behind returns the condition for rows behind a key whose parameters begin at first.
func (l *list) behind(key []any, first int) string {
	uniform := true
	for _, k := range l.keys {
		uniform = uniform && k.desc == l.keys[0].desc
	}
	sign := func(k sortExpr) string {
		if k.desc {
			return " < "
		}
		return " > "
	}
	if uniform {
		// Row values let both databases start in the index at the key.
		var exprs, marks []string
		for i, k := range l.keys {
			exprs = append(exprs, k.sql)
			marks = append(marks, fmt.Sprintf("$%d", first+i))
		}
		return "(" + strings.Join(exprs, ", ") + ")" + sign(l.keys[0]) + "(" + strings.Join(marks, ", ") + ")"
	}
	condition := ""
	for i := len(l.keys) - 1; i >= 0; i-- {
		k := l.keys[i]
		this := fmt.Sprintf("%s%s$%d", k.sql, sign(k), first+i)
		if condition != "" {
			this = fmt.Sprintf("(%s OR (%s = $%d AND %s))", this, k.sql, first+i, condition)
		}
		condition = this
	}
	return condition
}

// place is a position in a list: so many items lie up to the one with the key.
type place struct {
	offset int
	key    []any
}

// walkBatch is how many rows a walk reads at a time, and resolveLimit the longest
// value that a restriction looks at.
const (
	walkBatch    = 200
	resolveLimit = 1 << 20
)

// walk calls visit with the items behind a place that really match, until it says no.
func (l *list) walk(want Want, from place, visit func(*Item, place) bool) error {
	tags, recipients, attachments := query.Needs(l.where)
	if l.exact {
		tags = nil // the statement has decided
	}
	read := Want{All: want.All, Tags: slices.Concat(want.Tags, tags)}
	s, wanted := newSelection(read), newSelection(want)
	batch := walkBatch
	if l.narrowed {
		batch = maxCandidates // each batch asks the index again
	}
	for {
		// SQLite's statements do not end with their caller, and a walk has many.
		if err := l.ctx.Err(); err != nil {
			return err
		}
		items, keys, err := l.rows(s, from.key, batch, 0, false)
		if err != nil {
			return err
		}
		for i, it := range items {
			from.key = keys[i]
			if !l.exact {
				object, err := l.m.object(l.q, it, tags, recipients, attachments)
				if err != nil {
					return err
				}
				if !query.Match(l.where, object) {
					continue
				}
			}
			from.offset++
			if !want.All && !l.exact {
				for tag := range it.Props {
					if !wanted.wanted[tag.ID()] {
						delete(it.Props, tag)
					}
				}
			}
			if !visit(it, from) {
				return nil
			}
		}
		if len(items) < batch {
			return nil
		}
	}
}

// object makes an item what a restriction is evaluated on.
func (m *Mailbox) object(q querier, it *Item, tags []mapi.Tag, recipients, attachments bool) (query.Object, error) {
	object := query.Object{Props: make(mapi.Bag, len(it.Props))}
	for tag, v := range it.Props {
		if blob, ok := v.(mapi.Blob); ok && blob.Size <= resolveLimit && slices.ContainsFunc(tags, func(t mapi.Tag) bool { return t.ID() == tag.ID() }) {
			long, err := m.blobBytes(q, blob)
			if err != nil {
				return object, err
			}
			v = long
			if tag.Type().IsString() {
				v = string(long)
			}
		}
		object.Props[tag] = v
	}
	if recipients {
		list, err := m.recipients(q, it.ID.Row)
		if err != nil {
			return object, err
		}
		for _, r := range list {
			object.Recipients = append(object.Recipients, r.properties())
		}
	}
	if attachments {
		list, err := m.attachments(q, it.ID, "")
		if err != nil {
			return object, err
		}
		for _, a := range list {
			object.Attachments = append(object.Attachments, a.properties())
		}
	}
	return object, nil
}

// properties returns a recipient's row as MAPI shows it (MS-OXCMSG 2.2.3.1).
func (r *Recipient) properties() mapi.Bag {
	bag := mapi.Bag{mapi.PidTagRecipientType: r.Type, mapi.PidTagAddressType: r.AddressType, mapi.PidTagEmailAddress: r.Address,
		mapi.PidTagSmtpAddress: r.SMTP, mapi.PidTagDisplayName: r.Name}
	for tag, v := range r.Props {
		bag[tag] = v
	}
	return bag
}

// properties returns an attachment's properties as MAPI shows them (MS-OXCMSG 2.2.2).
func (a *Attachment) properties() mapi.Bag {
	bag := mapi.Bag{mapi.PidTagAttachNumber: a.ID.Number, mapi.PidTagAttachMethod: a.Method, mapi.PidTagAttachLongFilename: a.Filename,
		mapi.PidTagAttachMimeTag: a.ContentType, mapi.PidTagAttachContentID: a.ContentID, mapi.PidTagAttachmentHidden: a.Hidden,
		mapi.PidTagRenderingPosition: a.Rendering, mapi.PidTagDisplayName: a.Filename}
	for tag, v := range a.Props {
		bag[tag] = v
	}
	return bag
}

// blobBytes reads a whole blob of at most resolveLimit bytes inside a transaction.
func (m *Mailbox) blobBytes(q querier, b mapi.Blob) ([]byte, error) {
	rows, err := q.Query("SELECT data FROM chunk WHERE mailbox = $1 AND blob = (SELECT id FROM blob WHERE mailbox = $1 AND hash = $2) ORDER BY no", m.id, b.Hash[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []byte
	for rows.Next() {
		var chunk []byte
		if err := rows.Scan(&chunk); err != nil {
			return nil, err
		}
		all = append(all, chunk...)
	}
	return all, rows.Err()
}
