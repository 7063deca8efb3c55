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
// the page. total is how many there are, from a kept counter; -1 with q.Where, in a
// search folder, and for who does not see the whole folder.
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

// countConversations returns the kept count of a folder's conversations, -1 for a
// search folder and for who does not see the whole folder.
func (m *Mailbox) countConversations(ctx context.Context, folder FolderID) (n int, err error) {
	m, err = m.itemsGate(ctx, folder)
	if err != nil || m.sight != nil {
		return -1, err
	}
	var kind FolderKind
	err = m.store.db.QueryRow(ctx, "SELECT kind, conversations FROM folder WHERE mailbox = $1 AND fid = $2", m.id, folder.Folder).Scan(&kind, &n)
	if err == nil && kind == SearchFolder {
		n = -1
	}
	return n, noRow(err)
}

// converse counts a conversation in a folder that an item of it came into, or with
// -1 left, unless another item of it is there.
func (w *writer) converse(it *Item, id ConversationID, n int64) error {
	if id == (ConversationID{}) || it.Associated {
		return nil
	}
	c, err := w.counts(it.Folder.Folder)
	if err != nil {
		return err
	}
	var others bool
	err = w.QueryRow(otherOfConversation, w.m.id, id.Conversation[:], it.Folder.Folder, it.ID.Row).Scan(&others)
	if err != nil {
		return fmt.Errorf("%v: %w", id, err)
	}
	if !others {
		c.conversations += n
	}
	return nil
}

// otherOfConversation tells whether a folder has an item of a conversation beside one.
const otherOfConversation = `SELECT EXISTS (SELECT 1 FROM item
	WHERE mailbox = $1 AND conversation_id = $2 AND fid = $3 AND id <> $4 AND conversation_id IS NOT NULL AND assoc = 0)`

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
