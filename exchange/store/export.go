package store

import (
	"context"
	"fmt"
	"time"

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

// Alike returns how many items of a folder are the same message: of the message id
// and, with exact, of the same bytes too; where there is no id, received at the
// same time with the same bytes.
func (m *Mailbox) Alike(ctx context.Context, folder FolderID, messageID string, received time.Time, mime mapi.Blob, exact bool) (n int, err error) {
	if m, err = m.wholeGate(); err == nil {
		err = m.own(folder)
	}
	if err != nil {
		return 0, err
	}
	switch {
	case messageID == "":
		err = m.store.db.QueryRow(ctx, "SELECT COUNT(*) FROM item WHERE mailbox = $1 AND fid = $2 AND assoc = 0 AND received = $3 AND internet_msg_id_hash IS NULL AND mime_hash = $4",
			m.id, folder.Folder, micros(received), mime.Hash[:]).Scan(&n)
	case exact:
		err = m.store.db.QueryRow(ctx, "SELECT COUNT(*) FROM item WHERE mailbox = $1 AND internet_msg_id_hash = $2 AND fid = $3 AND assoc = 0 AND internet_msg_id_fold = $4 AND mime_hash = $5",
			m.id, query.Hash(query.Fold(clean(messageID))), folder.Folder, query.Fold(clean(messageID)), mime.Hash[:]).Scan(&n)
	default:
		err = m.store.db.QueryRow(ctx, "SELECT COUNT(*) FROM item WHERE mailbox = $1 AND internet_msg_id_hash = $2 AND fid = $3 AND assoc = 0 AND internet_msg_id_fold = $4",
			m.id, query.Hash(query.Fold(clean(messageID))), folder.Folder, query.Fold(clean(messageID))).Scan(&n)
	}
	if err != nil {
		return 0, fmt.Errorf("look for a message in %v: %w", folder, err)
	}
	return n, nil
}
