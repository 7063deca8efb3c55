package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// promotedColumn returns the column of a property that has one.
func promotedColumn(tag mapi.Tag) (query.Column, bool) { return query.Find(tag) }

// headColumns are read of every item, whatever is wanted.
const headColumns = "id, mid, fid, assoc, is_read, size, created_cn, cn, read_cn, change_key, pcl, deleted_from, deleted_at, next_attach, mime_hash, mime_size, creator, sensitivity"

// rowColumns are all columns that a write of an item sets, in the order of rowValues.
var rowColumns = func() []string {
	names := []string{"mid", "fid", "assoc", "created_cn", "cn", "read_cn", "deleted_cn", "deleted_from", "deleted_at", "change_key", "pcl",
		"next_attach", "goid_hash", "clip_start", "clip_end", "clip_span", "mime_hash", "mime_size", "props", "internet_msg_id_hash", "creator"}
	for _, c := range query.Columns {
		names = append(names, c.Name)
		if c.Fold != "" {
			names = append(names, c.Fold)
		}
		if c.Sort != "" {
			names = append(names, c.Sort)
		}
	}
	return names
}()

var insertItem, updateItem = func() (string, string) {
	var marks, sets []string
	for i, name := range rowColumns {
		marks = append(marks, fmt.Sprintf("$%d", i+3))
		sets = append(sets, fmt.Sprintf("%s = $%d", name, i+3))
	}
	return "INSERT INTO item (mailbox, id, " + strings.Join(rowColumns, ", ") + ") VALUES ($1, $2, " + strings.Join(marks, ", ") + ")",
		"UPDATE item SET " + strings.Join(sets, ", ") + " WHERE mailbox = $1 AND id = $2"
}()

// complete gives an item the properties that every item has and those that the
// store computes from others (MS-OXCMSG 2.2.1).
func (it *Item) complete(now time.Time) {
	p := it.Props
	give := func(tag mapi.Tag, v any) {
		if _, ok := p[tag]; !ok {
			p[tag] = v
		}
	}
	give(mapi.PidTagMessageClass, "IPM.Note")
	give(mapi.PidTagMessageDeliveryTime, now)
	give(mapi.PidTagCreationTime, now)
	give(mapi.PidTagImportance, int32(1)) // MS-OXCMSG 2.2.1.11: normal
	give(mapi.PidTagSensitivity, int32(0))
	give(mapi.PidTagMessageStatus, int32(0))
	if _, ok := p[mapi.PidTagSearchKey]; !ok {
		key := make([]byte, 16)
		rand.Read(key)
		p[mapi.PidTagSearchKey] = key
	}
	if subject, ok := p[mapi.PidTagSubject].(string); ok {
		give(mapi.PidTagNormalizedSubject, normalSubject(subject))
	}
	if it.Recipients != nil {
		give(mapi.PidTagDisplayTo, displayNames(it.Recipients, mapi.RecipientTo))
		give(mapi.PidTagDisplayCc, displayNames(it.Recipients, mapi.RecipientCc))
		give(mapi.PidTagDisplayBcc, displayNames(it.Recipients, mapi.RecipientBcc))
	}
	visible := false
	for _, a := range it.Attachments {
		visible = visible || !a.Hidden
	}
	p[mapi.PidTagHasAttachments] = visible
	p[mapi.PidTagRead] = it.Read
	flags := p.Int32(mapi.PidTagMessageFlags) &^ (mapi.MsgFlagRead | mapi.MsgFlagHasAttach | mapi.MsgFlagAssociated)
	for bit, set := range map[int32]bool{mapi.MsgFlagRead: it.Read, mapi.MsgFlagHasAttach: visible, mapi.MsgFlagAssociated: it.Associated} {
		if set {
			flags |= bit
		}
	}
	p[mapi.PidTagMessageFlags] = flags
}

// normalSubject takes the prefix off a subject: one to three letters before a
// colon and a space (MS-OXCMSG 3.2.5.2).
func normalSubject(subject string) string {
	i := strings.Index(subject, ": ")
	if i < 1 {
		return subject
	}
	prefix := []rune(subject[:i])
	if len(prefix) > 3 || strings.ContainsAny(subject[:i], "0123456789 ") {
		return subject
	}
	return subject[i+2:]
}

// maxDisplay is how many bytes of names stand in a display list: it is for
// looking at, the recipients themselves are in their table.
const maxDisplay = 2000

// displayNames joins the names of one type of recipient (MS-OXCMSG 2.2.1.9).
func displayNames(list []Recipient, typ int32) string {
	var names []string
	size := 0
	for _, r := range list {
		if r.Type != typ {
			continue
		}
		name := r.Name
		if name == "" {
			name = r.SMTP
		}
		if size += len(name) + len("; "); size > maxDisplay {
			break
		}
		names = append(names, name)
	}
	return strings.Join(names, "; ")
}

// maxRow is how many bytes an item's own row may take: a page of a list holds up to
// MaxPage rows in memory. Long values are not in it, see shelve.
const maxRow = 512 << 10

// rowValues returns what rowColumns are to hold and sets the item's size. Times
// are cut to the columns' microseconds.
func (it *Item) rowValues(now time.Time) ([]any, error) {
	it.complete(now)
	bag := mapi.Bag{}
	var text, blobs int64
	for tag, v := range it.Props {
		if _, ok := promotedColumn(tag); ok {
			continue
		}
		bag[tag] = v
		if blob, ok := v.(mapi.Blob); ok {
			blobs += blob.Size
		}
	}
	packed, err := bag.Encode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for _, c := range query.Columns {
		if s, ok := it.Props[c.Tag].(string); ok {
			text += int64(len(s))
		}
	}
	if text += int64(len(packed)); text > maxRow {
		return nil, fmt.Errorf("properties of %d bytes, want at most %d: %w", text, maxRow, ErrTooLarge)
	}
	it.Size = text + it.MIME.Size
	if it.MIME.IsZero() {
		it.Size += blobs
		for _, a := range it.Attachments {
			it.Size += a.Content.Size
		}
	}
	it.Props[mapi.PidTagMessageSize] = int32(min(it.Size, math.MaxInt32))
	it.Props[mapi.PidTagLastModificationTime] = fromMicros(micros(now))

	var mimeHash, mimeSize, from, deletedCN, deletedAt, goid, msgID any
	if !it.MIME.IsZero() {
		mimeHash, mimeSize = it.MIME.Hash[:], it.MIME.Size
	}
	if it.deletedFrom != 0 {
		from, deletedCN = it.deletedFrom, it.CN
	}
	if it.deletedAt != 0 {
		deletedAt = it.deletedAt
	}
	if id := it.Props.Bytes(mapi.PidLidCleanGlobalObjectID); id != nil {
		goid = query.Hash(string(id))
	}
	if id, ok := it.Props[mapi.PidTagInternetMessageID].(string); ok {
		msgID = query.Hash(query.Fold(clean(id)))
	}
	clipStart, clipEnd, clipSpan := it.clip()
	values := []any{it.ID.Mid, it.Folder.Folder, number(it.Associated), it.CreatedCN, it.CN, it.ReadCN, deletedCN, from, deletedAt, it.ChangeKey, it.PCL,
		it.nextAttach, goid, clipStart, clipEnd, clipSpan, mimeHash, mimeSize, packed, msgID, it.Creator}
	for _, c := range query.Columns {
		v, err := it.columnValue(c)
		if err != nil {
			return nil, err
		}
		if c.Kind != query.Text {
			values = append(values, v)
			continue
		}
		var fold any
		sort := ""
		if s, ok := v.(string); ok {
			folded := query.Fold(s)
			fold, sort = folded, query.SortKey(folded)
			// One letter may fold to many: U+FDFA to 33 bytes.
			if text += max(0, int64(len(folded)-len(s))); text > maxRow {
				return nil, fmt.Errorf("properties of more than %d bytes with their folds: %w", maxRow, ErrTooLarge)
			}
		}
		values = append(values, v, fold)
		if c.Sort != "" {
			values = append(values, sort)
		}
	}
	return values, nil
}

// maxIndexedBytes is the longest binary value of a column: an index entry must fit
// a database page. Real conversation ids have 16 bytes, indexes 22 + 5n.
const maxIndexedBytes = 2000

// columnValue returns what a promoted column is to hold: nil when the item has no such property.
func (it *Item) columnValue(c query.Column) (any, error) {
	if c.Tag == mapi.PidTagMessageSize {
		return it.Size, nil
	}
	_, v, ok := it.Props.Find(c.Tag)
	if !ok {
		return nil, nil
	}
	return inColumn(c, v)
}

// inColumn returns a value as a column keeps it; one of another type, or too long for it, is ErrInvalid.
func inColumn(c query.Column, v any) (any, error) {
	switch v := v.(type) {
	case string:
		if c.Kind == query.Text {
			return clean(v), nil
		}
	case []byte:
		switch {
		case c.Kind == query.Bytes && v == nil:
			return []byte{}, nil // nil would be NULL
		case c.Kind == query.Bytes && len(v) <= maxIndexedBytes:
			return v, nil
		}
	case bool:
		if c.Kind == query.Bool {
			return number(v), nil
		}
	case time.Time:
		if c.Kind == query.Time {
			return micros(v), nil
		}
	case int32:
		if c.Kind == query.Int {
			return int64(v), nil
		}
	case int16:
		if c.Kind == query.Int {
			return int64(v), nil
		}
	}
	return nil, fmt.Errorf("property %s cannot hold this %T: %w", c.Tag, v, ErrInvalid)
}

// selection is which columns a statement reads and how to make an Item of them.
type selection struct {
	columns []query.Column
	bag     bool
	all     bool
	wanted  map[uint16]bool
	mime    bool // short MIME forms
}

func newSelection(want Want) *selection {
	s := &selection{all: want.All, bag: want.All, wanted: map[uint16]bool{}}
	for _, tag := range want.Tags {
		s.wanted[tag.ID()] = true
		if _, ok := promotedColumn(tag); !ok {
			s.bag = true
		}
	}
	for _, c := range query.Columns {
		if s.all || s.wanted[c.Tag.ID()] {
			s.columns = append(s.columns, c)
		}
	}
	return s
}

// maxAlong is the longest MIME form that is read along with its item, and itemsTogether
// how many items one statement reads: what they hold of it stays below a MiB.
const (
	maxAlong      = 64 << 10
	itemsTogether = 16
)

var shortMIME = fmt.Sprintf(`, CASE WHEN mime_size <= %d THEN (SELECT data FROM chunk c WHERE c.mailbox = item.mailbox AND c.no = 0
	AND c.blob = (SELECT b.id FROM blob b WHERE b.mailbox = item.mailbox AND b.hash = item.mime_hash)) END`, maxAlong)

// list returns the columns' names, the head's first.
func (s *selection) list() string {
	var text strings.Builder
	text.Grow(1 << 10)
	text.WriteString(headColumns)
	for _, c := range s.columns {
		text.WriteString(", " + c.Name)
	}
	if s.bag {
		text.WriteString(", props")
	}
	if s.mime {
		text.WriteString(shortMIME)
	}
	return text.String()
}

// scan reads the rows of list, with extra more columns behind it, and closes them.
func (m *Mailbox) scanItems(s *selection, extra int, rows *sqldb.Rows, err error) (items []*Item, extras [][]any, _ error) {
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		it := &Item{ID: ItemID{Mailbox: m.guid}, Folder: FolderID{Mailbox: m.guid}, Props: make(mapi.Bag, len(s.columns))}
		var from, deletedAt, mimeSize sql.NullInt64
		var mimeHash, packed []byte
		dest := []any{&it.ID.Row, &it.ID.Mid, &it.Folder.Folder, &it.Associated, &it.Read, &it.Size, &it.CreatedCN, &it.CN, &it.ReadCN,
			&it.ChangeKey, &it.PCL, &from, &deletedAt, &it.nextAttach, &mimeHash, &mimeSize, &it.Creator, &it.sensitivity}
		values := make([]any, len(s.columns)+extra)
		for i := range s.columns {
			dest = append(dest, &values[i])
		}
		if s.bag {
			dest = append(dest, &packed)
		}
		if s.mime {
			dest = append(dest, (*sqldb.Owned)(&it.mime))
		}
		for i := range extra {
			dest = append(dest, &values[len(s.columns)+i])
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, nil, err
		}
		if !m.sight.sees(it) {
			continue
		}
		it.deletedFrom, it.deletedAt = mapi.GlobCnt(from.Int64), deletedAt.Int64
		if len(mimeHash) == len(it.MIME.Hash) {
			it.MIME = mapi.Blob{Hash: [32]byte(mimeHash), Size: mimeSize.Int64}
		}
		for i, c := range s.columns {
			if v := property(c, values[i]); v != nil {
				it.Props[c.Tag] = v
			}
		}
		if s.bag {
			bag, err := mapi.DecodeBag(packed)
			if err != nil {
				return nil, nil, fmt.Errorf("%v: %w", it.ID, err)
			}
			for tag, v := range bag {
				if s.all || s.wanted[tag.ID()] {
					it.Props[tag] = v
				}
			}
		}
		items = append(items, it)
		extras = append(extras, values[len(s.columns):])
	}
	return items, extras, rows.Err()
}

// property makes a property of a column's value.
func property(c query.Column, v any) any {
	switch v := v.(type) {
	case int64:
		switch c.Kind {
		case query.Bool:
			return v != 0
		case query.Time:
			return fromMicros(v)
		}
		return int32(max(min(v, math.MaxInt32), math.MinInt32))
	case string:
		return v
	case []byte:
		if c.Kind == query.Text {
			return string(v)
		}
		return bytes.Clone(v)
	}
	return nil
}

// item reads one item, with its subobjects as wanted.
func (m *Mailbox) item(q querier, id ItemID, want Want) (*Item, error) {
	s := newSelection(want)
	s.mime = want.MIME
	rows, err := q.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND id = $2 AND mid = $3", m.id, id.Row, id.Mid)
	items, _, err := m.scanItems(s, 0, rows, err)
	if err == nil && len(items) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", id, err)
	}
	if err := m.subobjects(q, items[0], want); err != nil {
		return nil, fmt.Errorf("%v: %w", id, err)
	}
	return items[0], nil
}

// subobjects reads an item's recipients and attachments as wanted.
func (m *Mailbox) subobjects(q querier, it *Item, want Want) (err error) {
	if want.Recipients {
		if it.Recipients, err = m.recipients(q, it.ID.Row); err != nil {
			return err
		}
	}
	if want.Attachments {
		it.Attachments, err = m.attachments(q, it.ID, "")
	}
	return err
}

// subobjectsOf is subobjects for several items, with a question for each kind.
func (m *Mailbox) subobjectsOf(q querier, items []*Item, want Want) error {
	if len(items) == 0 || !want.Recipients && !want.Attachments {
		return nil
	}
	if len(items) == 1 {
		return m.subobjects(q, items[0], want)
	}
	byRow := make(map[mapi.GlobCnt]*Item, len(items))
	rows := make([]string, len(items))
	for i, it := range items {
		byRow[it.ID.Row] = it
		rows[i] = fmt.Sprint(it.ID.Row)
		// Nil is for what is not wanted.
		if want.Recipients {
			it.Recipients = []Recipient{}
		}
		if want.Attachments {
			it.Attachments = []Attachment{}
		}
	}
	some, arg := rowsOf(m.store.db.Flavour(), 2, rows)
	if want.Recipients {
		err := m.eachRecipient(q, func(row mapi.GlobCnt, r Recipient) {
			it := byRow[row]
			it.Recipients = append(it.Recipients, r)
		}, " IN ("+some+")", arg)
		if err != nil {
			return err
		}
	}
	if want.Attachments {
		return m.eachAttachment(q, func(row mapi.GlobCnt, a Attachment) {
			it := byRow[row]
			a.ID.Item = it.ID
			it.Attachments = append(it.Attachments, a)
		}, " IN ("+some+")", arg)
	}
	return nil
}

func (m *Mailbox) recipients(q querier, row mapi.GlobCnt) ([]Recipient, error) {
	list := []Recipient{}
	err := m.eachRecipient(q, func(_ mapi.GlobCnt, r Recipient) { list = append(list, r) }, " = $2", row)
	return list, err
}

// eachRecipient calls fn for the recipients of the items whose row a condition means, in the order of each item.
func (m *Mailbox) eachRecipient(q querier, fn func(item mapi.GlobCnt, r Recipient), which string, arg any) error {
	rows, err := q.Query("SELECT item, type, addr_type, address, smtp, name, entry_id, props FROM recipient WHERE mailbox = $1 AND item"+which+" ORDER BY item, row_no", m.id, arg)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var item mapi.GlobCnt
		var r Recipient
		var props []byte
		if err := rows.Scan(&item, &r.Type, &r.AddressType, &r.Address, &r.SMTP, &r.Name, &r.EntryID, &props); err != nil {
			return err
		}
		if r.Props, err = mapi.DecodeBag(props); err != nil {
			return err
		}
		fn(item, r)
	}
	return rows.Err()
}

const (
	attachInline = 1
	attachHidden = 2
)

func (m *Mailbox) attachments(q querier, item ItemID, only string, args ...any) ([]Attachment, error) {
	list := []Attachment{}
	err := m.eachAttachment(q, func(_ mapi.GlobCnt, a Attachment) {
		a.ID.Item = item
		list = append(list, a)
	}, " = $2"+only, append([]any{item.Row}, args...)...)
	return list, err
}

// eachAttachment calls fn for the attachments of the items whose row a condition means,
// in the order of each item. Their ids have the number alone.
func (m *Mailbox) eachAttachment(q querier, fn func(item mapi.GlobCnt, a Attachment), which string, args ...any) error {
	rows, err := q.Query(`SELECT item, attach_no, method, filename, content_type, content_id, flags, rendering_pos, blob_hash, blob_size, props
		FROM attachment WHERE mailbox = $1 AND item`+which+" ORDER BY item, attach_no", append([]any{m.id}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var item mapi.GlobCnt
		var a Attachment
		var flags, size int64
		var hash, props []byte
		if err := rows.Scan(&item, &a.ID.Number, &a.Method, &a.Filename, &a.ContentType, &a.ContentID, &flags, &a.Rendering, &hash, &size, &props); err != nil {
			return err
		}
		a.Inline, a.Hidden = flags&attachInline != 0, flags&attachHidden != 0
		if len(hash) == len(a.Content.Hash) {
			a.Content = mapi.Blob{Hash: [32]byte(hash), Size: size}
		}
		if a.Props, err = mapi.DecodeBag(props); err != nil {
			return err
		}
		fn(item, a)
	}
	return rows.Err()
}

// Item returns an item. An id from before a move, or of something deleted, is ErrNotFound.
func (m *Mailbox) Item(ctx context.Context, id ItemID, want Want) (*Item, error) {
	m, err := m.readGate(ctx, id)
	if err != nil {
		return nil, err
	}
	if !want.Recipients && !want.Attachments {
		return m.item(m.reads(ctx), id, want)
	}
	var it *Item
	err = m.store.db.View(ctx, func(tx *sqldb.Tx) (err error) {
		it, err = m.item(tx, id, want)
		return err
	})
	return it, err
}

// Items returns several items, as Item does one by one; nil stands for an item that
// Item would not return. It takes a statement for a few at a time, and asks once what
// a viewer may see.
func (m *Mailbox) Items(ctx context.Context, ids []ItemID, want Want) ([]*Item, error) {
	items := make([]*Item, len(ids))
	real := m.itself()
	err := real.store.db.View(ctx, func(tx *sqldb.Tx) error {
		var e *extent
		if m.viewer != nil {
			var err error
			if e, err = m.viewer.everywhere(ctx, tx); err != nil {
				return err
			}
		}
		for from := 0; from < len(ids); from += itemsTogether {
			to := min(from+itemsTogether, len(ids))
			if err := real.items(tx, e, ids[from:to], want, items[from:to]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%d items of mailbox %s: %w", len(ids), m.guid, err)
	}
	return items, nil
}

// items sets each element of into to the item with the id, when the viewer of the extent sees it.
func (m *Mailbox) items(q querier, e *extent, ids []ItemID, want Want, into []*Item) error {
	rows := make([]string, len(ids))
	for i, id := range ids {
		rows[i] = fmt.Sprint(id.Row)
	}
	s := newSelection(want)
	s.mime = want.MIME
	some, arg := rowsOf(m.store.db.Flavour(), 2, rows)
	found, err := q.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND id IN ("+some+")", m.id, arg)
	list, _, err := m.scanItems(s, 0, found, err)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(it *Item) bool { return !slices.Contains(ids, it.ID) || !e.sees(it) })
	for _, it := range list {
		for i, id := range ids {
			if id == it.ID {
				into[i] = it
			}
		}
	}
	return m.subobjectsOf(q, list, want)
}

// rowTexts returns row keys as rowsOf takes them.
func rowTexts(rows []mapi.GlobCnt) []string {
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = fmt.Sprint(row)
	}
	return texts
}

// rowsOf returns a statement that gives the row keys, and its parameter with the number.
func rowsOf(flavour sqldb.Flavour, number int, rows []string) (sql, arg string) {
	if flavour == sqldb.PostgreSQL {
		return fmt.Sprintf("SELECT unnest(string_to_array($%d, ',')::bigint[])", number), strings.Join(rows, ",")
	}
	return fmt.Sprintf("SELECT value FROM json_each($%d)", number), "[" + strings.Join(rows, ",") + "]"
}

// Attachment returns one attachment of an item.
func (m *Mailbox) Attachment(ctx context.Context, id AttachmentID) (*Attachment, error) {
	m, err := m.readGate(ctx, id.Item)
	if err != nil {
		return nil, err
	}
	if _, err := m.item(m.reads(ctx), id.Item, Want{}); err != nil {
		return nil, err
	}
	if id.Inner != "" {
		return nil, fmt.Errorf("attachment %d of %v: %w", id.Number, id.Item, ErrNotFound)
	}
	list, err := m.attachments(m.reads(ctx), id.Item, " AND attach_no = $3", id.Number)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("attachment %d of %v: %w", id.Number, id.Item, err)
	}
	return &list[0], nil
}
