package store

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// CreateItem puts an item into a folder.
func (m *Mailbox) CreateItem(ctx context.Context, item NewItem) (Stamp, error) {
	stamps, err := m.CreateItems(ctx, []NewItem{item})
	if err != nil {
		return Stamp{}, err
	}
	return stamps[0], nil
}

// CreateItems puts several items into folders, all or none. A few hundred in one
// call are much faster than one by one.
func (m *Mailbox) CreateItems(ctx context.Context, items []NewItem) ([]Stamp, error) {
	return m.createItems(ctx, items, nil, nil)
}

// createItems creates items if admit, when there is one, returns no error in the same
// write. first, when there is one, is done in it before the mailbox's lock is taken.
func (m *Mailbox) createItems(ctx context.Context, items []NewItem, first func(*sqldb.Tx) error, admit func(w *writer) error) ([]Stamp, error) {
	r, err := m.ready(ctx, items)
	if err != nil || len(items) == 0 && admit == nil {
		return nil, err
	}
	var stamps []Stamp
	err = writeAfter(ctx, first, []*Mailbox{r.m}, func(writers []*writer) error {
		w := writers[0]
		if admit != nil {
			if err := admit(w); err != nil {
				return err
			}
		}
		stamps, err = r.create(w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create item: %w", err)
	}
	return stamps, nil
}

// readied are items that can be created in a write.
type readied struct {
	m        *Mailbox // as whoever creates them sees it
	items    []NewItem
	contents Contents
}

// ready does what creating items needs to have done before the write.
func (m *Mailbox) ready(ctx context.Context, items []NewItem) (readied, error) {
	r, seen := readied{m: m, items: make([]NewItem, len(items)), contents: Contents{}}, m
	for i, n := range items {
		var err error
		r.m, err = seen.folderGate(ctx, n.Folder, RightCreate)
		if err == nil {
			n.Props, err = canonical(n.Props)
		}
		if err == nil {
			n.Props, err = r.m.shelve(ctx, n.Props, r.contents)
			maps.Copy(r.contents, n.Contents)
		}
		if err != nil {
			return r, fmt.Errorf("create item: %w", err)
		}
		r.items[i] = n
	}
	return r, nil
}

// create creates them.
func (r readied) create(w *writer) ([]Stamp, error) {
	if err := w.putContents(r.contents); err != nil {
		return nil, err
	}
	stamps := make([]Stamp, len(r.items))
	for i, n := range r.items {
		it := &Item{Folder: n.Folder, Associated: n.Associated, Read: n.Read, MIME: n.MIME, Props: maps.Clone(n.Props), Recipients: n.Recipients}
		if it.Recipients == nil {
			it.Recipients = []Recipient{}
		}
		if n.Alone {
			if err := w.alone(n); err != nil {
				return nil, err
			}
		}
		it.notify(n.NotifySender)
		w.grew = w.grew || !n.Unmetered
		added := it.attach(n.Attachments)
		if err := w.insert(it); err != nil {
			return nil, err
		}
		stamps[i] = it.stamp()
		stamps[i].Attachments = added
	}
	return stamps, nil
}

// alone refuses an item whose global object id another one of its folder has.
func (w *writer) alone(n NewItem) error {
	id := n.Props.Bytes(mapi.PidLidCleanGlobalObjectID)
	if len(id) == 0 {
		return nil
	}
	have, err := w.m.unsighted().byGlobalObjectID(w, n.Folder.Folder, id, Want{Tags: []mapi.Tag{mapi.PidLidCleanGlobalObjectID}})
	if err == nil && len(have) > 0 {
		err = fmt.Errorf("%v has the global object id: %w", have[0].ID, ErrExists)
	}
	return err
}

// canonical returns a bag in which a property that has a column stands under the
// column's tag, and without what the store computes.
func canonical(bag mapi.Bag) (mapi.Bag, error) {
	out := make(mapi.Bag, len(bag))
	for tag, v := range bag {
		if err := mapi.CheckValue(tag, v); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		if c, ok := promotedColumn(tag); ok {
			if c.Computed {
				continue
			}
			if _, err := inColumn(c, v); err != nil {
				return nil, err
			}
			tag = c.Tag
		}
		if _, _, twice := out.Find(tag); twice {
			return nil, fmt.Errorf("property %s is there twice: %w", tag, ErrInvalid)
		}
		out[tag] = v
	}
	return out, nil
}

// attach gives attachments their numbers, which an item never uses again
// (MS-OXCMSG 2.2.2.6), and returns them.
func (it *Item) attach(list []Attachment) (added []int32) {
	for _, a := range list {
		if a.Method == 0 {
			a.Method = mapi.AttachByValue
		}
		a.ID.Number = it.nextAttach
		it.nextAttach++
		it.Attachments = append(it.Attachments, a)
		added = append(added, a.ID.Number)
	}
	return added
}

// insert writes a new item with its subobjects: it takes a row key and a first mid.
func (w *writer) insert(it *Item) error {
	if s := w.m.sight; s != nil {
		it.Creator = s.sid
	}
	n := w.number()
	it.ID = ItemID{Mailbox: w.m.guid, Row: n, Mid: n}
	it.PCL = nil
	if err := w.enter(it); err != nil {
		return err
	}
	if err := w.putRow(insertItem, it); err != nil {
		return err
	}
	if err := w.putRecipients(it); err != nil {
		return err
	}
	for _, a := range it.Attachments {
		if err := w.putAttachment(it, a); err != nil {
			return err
		}
	}
	if err := w.reindex(it.ID.Row); err != nil {
		return err
	}
	w.referAll(it, 1)
	return w.count(it, 1)
}

// enter gives an item the numbers of one that comes into its folder now.
func (w *writer) enter(it *Item) error {
	c, err := w.counts(it.Folder.Folder)
	if err == nil && c.kind == SearchFolder {
		err = fmt.Errorf("nothing is put into a search folder: %w", ErrInvalid)
	}
	if err != nil {
		return err
	}
	it.deletedAt = 0
	if recoverable(it.Folder.Folder) {
		it.deletedAt = micros(w.now)
	}
	cn := w.change()
	it.CreatedCN, it.CN, it.ReadCN = cn, cn, cn
	it.Props[mapi.PidTagInternetArticleNumber] = int32(c.uid)
	c.uid++
	return w.sign(it, cn)
}

// sign sets an item's change key and change list to a change of this mailbox (MS-OXCFXICS 3.1.5.3).
func (w *writer) sign(it *Item, cn mapi.GlobCnt) (err error) {
	it.CN = cn
	it.ChangeKey = w.m.changeKey(cn).Bytes()
	it.PCL, err = w.m.nextPCL(it.PCL, cn)
	return err
}

// putRow writes an item's row by one of insertItem and updateItem.
func (w *writer) putRow(statement string, it *Item) error {
	values, err := it.rowValues(w.now)
	if err != nil {
		return err
	}
	if _, err := w.Exec(statement, append([]any{w.m.id, it.ID.Row}, values...)...); err != nil {
		return fmt.Errorf("write %v: %w", it.ID, err)
	}
	w.touch(it.ID.Row)
	return nil
}

func (w *writer) putRecipients(it *Item) error {
	for i, r := range it.Recipients {
		props, err := packBag(r.Props)
		if err != nil {
			return fmt.Errorf("recipient %d: %w", i, err)
		}
		_, err = w.Exec(`INSERT INTO recipient (mailbox, item, row_no, type, addr_type, address, smtp, name, entry_id, props)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			w.m.id, it.ID.Row, i, r.Type, clean(r.AddressType), clean(r.Address), clean(r.SMTP), clean(r.Name), r.EntryID, props)
		if err != nil {
			return fmt.Errorf("recipient %d: %w", i, err)
		}
	}
	return nil
}

func (w *writer) putAttachment(it *Item, a Attachment) error {
	props, err := packBag(a.Props)
	if err != nil {
		return fmt.Errorf("attachment %d: %w", a.ID.Number, err)
	}
	var hash any
	if !a.Content.IsZero() {
		hash = a.Content.Hash[:]
	}
	flags := attachInline*number(a.Inline) | attachHidden*number(a.Hidden)
	_, err = w.Exec(`INSERT INTO attachment (mailbox, item, attach_no, method, filename, content_type, content_id, flags, rendering_pos, blob_hash, blob_size, props)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		w.m.id, it.ID.Row, a.ID.Number, a.Method, clean(a.Filename), clean(a.ContentType), clean(a.ContentID), flags, a.Rendering, hash, a.Content.Size, props)
	if err != nil {
		return fmt.Errorf("attachment %d: %w", a.ID.Number, err)
	}
	return nil
}

// referAll counts all references of an item to blobs.
func (w *writer) referAll(it *Item, n int64) {
	w.refer(it.MIME, n)
	for _, v := range it.Props {
		if blob, ok := v.(mapi.Blob); ok {
			w.refer(blob, n)
		}
	}
	for _, a := range it.Attachments {
		w.refer(a.Content, n)
	}
}

// count adds an item to its folder's counters, or with -1 takes it away, and
// tells the folder that its content changed at the last number taken.
func (w *writer) count(it *Item, n int64) error {
	if err := w.tally(it, n); err != nil {
		return err
	}
	id, _ := it.Conversation()
	if err := w.converse(it, id, n); err != nil {
		return err
	}
	c, err := w.counts(it.Folder.Folder)
	if err != nil {
		return err
	}
	if n > 0 {
		c.content = w.last
	} else {
		c.gone = w.last
	}
	return nil
}

// tally changes the counters that the item alone decides about.
func (w *writer) tally(it *Item, n int64) error {
	c, err := w.counts(it.Folder.Folder)
	if err != nil {
		return err
	}
	c.size += n * it.Size
	if it.Associated {
		c.fai += n
	} else {
		c.total += n
		if !it.Read {
			c.unread += n
		}
	}
	if it.deletedFrom == 0 {
		return nil
	}
	from, err := w.counts(it.deletedFrom)
	if errors.Is(err, ErrNotFound) {
		return nil // the folder it was deleted from is gone
	}
	if err == nil {
		from.deleted += n
	}
	return err
}
