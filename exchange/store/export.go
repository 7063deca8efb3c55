package store

import (
	"context"
	"fmt"

	"hma/exchange/store/query"
	"hma/wire/mapi"
)

// ItemsAfter returns the items of a folder's normal view that entered it after a
// number, oldest first, at most limit: the way through a whole folder that misses
// nothing while others change it. The number to go on with is the last one's
// CreatedCN.
func (m *Mailbox) ItemsAfter(ctx context.Context, folder FolderID, after mapi.GlobCnt, limit int, want Want) ([]*Item, error) {
	m, err := m.wholeGate()
	if err == nil {
		err = m.own(folder)
	}
	if err != nil {
		return nil, err
	}
	s := newSelection(want)
	rows, err := m.reads(ctx).Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND fid = $2 AND created_cn > $3 AND assoc = 0 ORDER BY created_cn LIMIT $4",
		m.id, folder.Folder, after, min(max(limit, 1), MaxPage))
	items, _, err := m.scanItems(s, 0, rows, err)
	if err != nil {
		return nil, fmt.Errorf("items of %v: %w", folder, err)
	}
	return items, nil
}

// Alike returns how many items of the item's folder are the same: of its message id
// and, with exact, of the same bytes too; where there is no id, received at the same
// time with the same bytes. What has no MIME form is known by its PidTagSearchKey,
// which it keeps through changes, moves and Pack.
func (m *Mailbox) Alike(ctx context.Context, item NewItem, exact bool) (n int, err error) {
	if m, err = m.wholeGate(); err == nil {
		err = m.own(item.Folder)
	}
	if err != nil {
		return 0, err
	}
	if n, err = m.alike(m.reads(ctx), item, exact); err != nil {
		return 0, fmt.Errorf("look for an item in %v: %w", item.Folder, err)
	}
	return n, nil
}

func (m *Mailbox) alike(q querier, item NewItem, exact bool) (n int, err error) {
	condition, args := "", []any{m.id, item.Folder.Folder}
	id := query.Fold(clean(item.Props.String(mapi.PidTagInternetMessageID)))
	switch {
	case item.MIME.IsZero():
		condition, args = "mime_hash IS NULL AND search_key = $3", append(args, item.Props.Bytes(mapi.PidTagSearchKey))
	case id == "":
		condition, args = "fid = $2 AND assoc = 0 AND received = $3 AND internet_msg_id_hash IS NULL AND mime_hash = $4", append(args, micros(item.Props.Time(mapi.PidTagMessageDeliveryTime)), item.MIME.Hash[:])
	case exact:
		condition, args = "internet_msg_id_hash = $3 AND internet_msg_id_fold = $4 AND mime_hash = $5", append(args, query.Hash(id), id, item.MIME.Hash[:])
	default:
		condition, args = "internet_msg_id_hash = $3 AND internet_msg_id_fold = $4", append(args, query.Hash(id), id)
	}
	// The signs keep SQLite, which counts nothing, from looking through the folder instead.
	rows, err := q.Query("SELECT COUNT(*) FROM item WHERE mailbox = $1 AND +fid = $2 AND +assoc = 0 AND "+condition, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}
