package store

import (
	"context"
	"fmt"
	"slices"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// MaxConversation is how many items of a conversation are looked at, the newest ones.
const MaxConversation = 1000

// Conversations returns a page of the conversations that a folder's items belong to,
// by their newest item there, newest first; of q are looked at Folder, Where, Offset
// and Limit (MaxPage when zero). It steps over the items of the conversations before
// the page. total is how many there are, counted once for each state of the folder;
// -1 with q.Where and for who does not see the whole folder.
func (m *Mailbox) Conversations(ctx context.Context, q Query) (page []ConversationID, total int, err error) {
	limit, offset := q.Limit, q.Offset
	if limit == 0 {
		limit = MaxPage
	}
	q.View, q.Sort, q.FromEnd, q.Limit, q.Offset = NormalView, nil, false, min(limit, MaxPage), 0
	q.Want = Want{Tags: []mapi.Tag{mapi.PidTagConversationID}}
	seen := map[ConversationID]bool{}
	for len(page) < limit {
		items, err := m.List(ctx, q)
		if err != nil {
			return nil, 0, fmt.Errorf("conversations: %w", err)
		}
		for _, it := range items.Items {
			id, ok := it.Conversation()
			if !ok || seen[id] || len(page) == limit {
				continue
			}
			if seen[id] = true; len(seen) > offset {
				page = append(page, id)
			}
		}
		if items.Last {
			break
		}
		q.Offset, q.Limit = items.Next, min(2*q.Limit, MaxPage)
	}
	total = -1
	if q.Where == nil {
		if total, err = m.countConversations(ctx, q.Folder); err != nil {
			return nil, 0, fmt.Errorf("count conversations: %w", err)
		}
	}
	return page, total, nil
}

// Conversation returns the conversation that an item belongs to, read with PidTagConversationID.
func (it *Item) Conversation() (id ConversationID, ok bool) {
	raw := it.Props.Bytes(mapi.PidTagConversationID)
	if len(raw) != len(id.Conversation) {
		return id, false
	}
	return ConversationID{it.ID.Mailbox, [16]byte(raw)}, true
}

func (m *Mailbox) countConversations(ctx context.Context, folder FolderID) (n int, err error) {
	m, err = m.itemsGate(ctx, folder)
	if err != nil || m.sight != nil {
		return -1, err
	}
	var kind FolderKind
	var content, read, gone mapi.GlobCnt
	err = m.store.db.View(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow("SELECT kind, content_cn_max, read_cn_max, deleted_max FROM folder WHERE mailbox = $1 AND fid = $2", m.id, folder.Folder).Scan(&kind, &content, &read, &gone)
		if err != nil {
			return noRow(err)
		}
		known := listID{mailbox: m.id, folder: folder.Folder, what: [32]byte{'c'}}
		version := max(content, gone)
		var kept bool
		if n, kept = m.store.cursors.total(known, version); kept {
			return nil
		}
		from, where := source(kind)
		err = tx.QueryRow("SELECT COUNT(DISTINCT conversation_id) FROM "+from+" WHERE "+where+" AND length(conversation_id) = 16", m.id, folder.Folder).Scan(&n)
		if err == nil {
			m.store.cursors.setTotal(known, version, n)
		}
		return err
	})
	return n, err
}

// ConversationItems returns the items of a conversation in all folders but those
// below Recoverable Items, newest delivery first, at most MaxConversation of them.
func (m *Mailbox) ConversationItems(ctx context.Context, id ConversationID, want Want) ([]*Item, error) {
	m, e, err := m.everywhereGate(ctx)
	if err == nil {
		err = m.own(id)
	}
	if err != nil {
		return nil, err
	}
	var list []*Item
	err = m.store.db.View(ctx, func(tx *sqldb.Tx) (err error) {
		list, err = m.unsighted().conversationItems(tx, id, want)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%v: %w", id, err)
	}
	if e == nil {
		return list, nil
	}
	return slices.DeleteFunc(list, func(it *Item) bool {
		s, ok := sightOf(m.sight.sid, e.of(it.Folder.Folder), e.private)
		return !ok || !s.sees(it)
	}), nil
}

func (m *Mailbox) conversationItems(q querier, id ConversationID, want Want) ([]*Item, error) {
	s := newSelection(want)
	rows, err := q.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND conversation_id = $2 AND conversation_id IS NOT NULL AND assoc = 0 ORDER BY received DESC, id DESC LIMIT $3",
		m.id, id.Conversation[:], MaxConversation)
	items, _, err := m.scanItems(s, 0, rows, err)
	if err != nil {
		return nil, err
	}
	list := items[:0]
	for _, it := range items {
		if recoverable(it.Folder.Folder) {
			continue
		}
		if err := m.subobjects(q, it, want); err != nil {
			return nil, err
		}
		list = append(list, it)
	}
	return list, nil
}

// String shows the id in an error or a log.
func (id ConversationID) String() string {
	return fmt.Sprintf("conversation %x of mailbox %s", id.Conversation, id.Mailbox)
}
