package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
func (m *Mailbox) ConversationItems(ctx context.Context, id ConversationID, want Want) (items []*Item, err error) {
	err = m.EachConversation(ctx, []ConversationID{id}, want, func(_ ConversationID, list []*Item) error {
		items = list
		return nil
	})
	return items, err
}

// conversationsTogether is how many conversations one statement looks for.
const conversationsTogether = 50

// EachConversation calls visit with each of the conversations in turn and what
// ConversationItems returns of it, until one returns an error. It takes two statements
// for some fifty of them, and holds some MaxConversation items at a time. Between calls
// of visit no transaction is open: what goes meanwhile is not told.
func (m *Mailbox) EachConversation(ctx context.Context, ids []ConversationID, want Want, visit func(ConversationID, []*Item) error) error {
	m, e, err := m.everywhereGate(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := m.own(id); err != nil {
			return err
		}
	}
	m = m.unsighted()
	for some := range slices.Chunk(ids, conversationsTogether) {
		rows, err := m.conversationRows(m.reads(ctx), some)
		if err != nil {
			return fmt.Errorf("%v and others: %w", some[0], err)
		}
		for len(some) > 0 {
			n, together := 1, rows[some[0]]
			for n < len(some) && len(together)+len(rows[some[n]]) <= MaxConversation {
				together = slices.Concat(together, rows[some[n]])
				n++
			}
			var items map[mapi.GlobCnt]*Item
			err := m.store.db.View(ctx, func(tx *sqldb.Tx) (err error) {
				items, err = m.itemsOf(tx, together, want)
				return err
			})
			if err != nil {
				return fmt.Errorf("%v and others: %w", some[0], err)
			}
			for _, id := range some[:n] {
				var list []*Item
				for _, row := range rows[id] {
					if it := items[row]; it != nil && !recoverable(it.Folder.Folder) && e.sees(it) {
						list = append(list, it)
					}
				}
				if err := visit(id, list); err != nil {
					return err
				}
			}
			some = some[n:]
		}
	}
	return nil
}

// conversationRows returns the row keys of the items of conversations, as
// ConversationItems orders and bounds them; the index has all that it looks at.
func (m *Mailbox) conversationRows(q querier, ids []ConversationID) (map[ConversationID][]mapi.GlobCnt, error) {
	args, marks := []any{m.id}, make([]string, len(ids))
	for i, id := range ids {
		marks[i] = fmt.Sprintf("$%d", i+2)
		args = append(args, id.Conversation[:])
	}
	found, err := q.Query(fmt.Sprintf(`SELECT conversation_id, id FROM (SELECT conversation_id, id,
			ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY received DESC, id DESC) AS nth FROM item
			WHERE mailbox = $1 AND conversation_id IN (%s) AND conversation_id IS NOT NULL AND assoc = 0 AND fid NOT IN %s) AS own
		WHERE nth <= %d ORDER BY conversation_id, nth`, strings.Join(marks, ", "), recoverableFolders, MaxConversation), args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	rows := make(map[ConversationID][]mapi.GlobCnt, len(ids))
	for found.Next() {
		var raw []byte
		var row mapi.GlobCnt
		if err := found.Scan(&raw, &row); err != nil {
			return nil, err
		}
		id := ConversationID{m.guid, [16]byte(raw)}
		rows[id] = append(rows[id], row)
	}
	return rows, found.Err()
}

// itemsOf reads items by their row keys, without those that are gone.
func (m *Mailbox) itemsOf(q querier, rows []mapi.GlobCnt, want Want) (map[mapi.GlobCnt]*Item, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	s := newSelection(want)
	some, arg := rowsOf(m.store.db.Flavour(), 2, rowTexts(rows))
	found, err := q.Query("SELECT "+s.list()+" FROM item WHERE mailbox = $1 AND id IN ("+some+")", m.id, arg)
	list, _, err := m.scanItems(s, 0, found, err)
	if err != nil {
		return nil, err
	}
	items := make(map[mapi.GlobCnt]*Item, len(list))
	for _, it := range list {
		items[it.ID.Row] = it
	}
	return items, m.subobjectsOf(q, list, want)
}

// String shows the id in an error or a log.
func (id ConversationID) String() string {
	return fmt.Sprintf("conversation %x of mailbox %s", id.Conversation, id.Mailbox)
}
