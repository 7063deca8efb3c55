package store

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"hma/wire/mapi"
)

// everything is what a write reads of an item before it changes it.
var everything = Want{All: true, Recipients: true, Attachments: true}

// UpdateItem changes an item. A change of the read flag alone is SetRead.
func (m *Mailbox) UpdateItem(ctx context.Context, id ItemID, u ItemUpdate) (Stamp, error) {
	var stamp Stamp
	step, err := m.updating(ctx, id, u, &stamp)
	if err == nil {
		err = Together(ctx, step)
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("update %v: %w", id, err)
	}
	return stamp, nil
}

func (m *Mailbox) updating(ctx context.Context, id ItemID, u ItemUpdate, stamp *Stamp) (_ Step, err error) {
	if m, err = m.itemGate(ctx, id, RightEditAny, RightEditOwned); err != nil {
		return Step{}, err
	}
	if u.Set, err = canonical(u.Set); err != nil {
		return Step{}, err
	}
	contents := maps.Clone(u.Contents)
	if contents == nil {
		contents = Contents{}
	}
	if u.Set, err = m.shelve(ctx, u.Set, contents); err != nil {
		return Step{}, err
	}
	return Step{m, func(w *writer) error {
		it, err := m.item(w, id, everything)
		if err != nil {
			return err
		}
		if u.IfChangeKey != nil && !bytes.Equal(u.IfChangeKey, it.ChangeKey) {
			return ErrConflict
		}
		if u.Read != nil && u.onlyRead() {
			*stamp, err = w.setRead(it, *u.Read, u.SuppressReceipts)
			return err
		}
		if err := w.putContents(contents); err != nil {
			return err
		}
		w.grew = w.grew || len(u.Set) > 0 || u.MIME != nil || len(u.AddAttachments) > 0
		if err := w.tally(it, -1); err != nil {
			return err
		}
		w.referAll(it, -1)
		read := it.Read
		conversation, _ := it.Conversation()
		added, err := it.apply(u)
		if err != nil {
			return err
		}
		cn := w.change()
		if it.Read != read {
			it.ReadCN = cn
		}
		if err := w.readReceipt(it, it.Read && !read, u.SuppressReceipts); err != nil {
			return err
		}
		if err := w.sign(it, cn); err != nil {
			return err
		}
		if err := w.putRow(updateItem, it); err != nil {
			return err
		}
		if u.Recipients != nil {
			if _, err := w.Exec("DELETE FROM recipient WHERE mailbox = $1 AND item = $2", m.id, id.Row); err != nil {
				return err
			}
			if err := w.putRecipients(it); err != nil {
				return err
			}
		}
		for _, no := range u.DeleteAttachments {
			if _, err := w.Exec("DELETE FROM attachment WHERE mailbox = $1 AND item = $2 AND attach_no = $3", m.id, id.Row, no); err != nil {
				return err
			}
		}
		for _, a := range it.Attachments[len(it.Attachments)-len(added):] {
			if err := w.putAttachment(it, a); err != nil {
				return err
			}
		}
		if u.indexed() {
			if err := w.reindex(id.Row); err != nil {
				return err
			}
		}
		w.referAll(it, 1)
		if err := w.tally(it, 1); err != nil {
			return err
		}
		if now, _ := it.Conversation(); now != conversation {
			if err := w.converse(it, conversation, -1); err != nil {
				return err
			}
			if err := w.converse(it, now, 1); err != nil {
				return err
			}
		}
		c, err := w.counts(it.Folder.Folder)
		if err != nil {
			return err
		}
		c.content = cn
		*stamp = it.stamp()
		stamp.Attachments = added
		return nil
	}}, nil
}

// onlyRead tells whether an update touches nothing but the read flag.
func (u *ItemUpdate) onlyRead() bool {
	return len(u.Set) == 0 && len(u.Delete) == 0 && u.MIME == nil && u.Recipients == nil && len(u.AddAttachments) == 0 && len(u.DeleteAttachments) == 0
}

// apply changes the item as it is in memory and returns the numbers of new attachments.
func (it *Item) apply(u ItemUpdate) ([]int32, error) {
	if _, ok := u.Set[mapi.PidTagSubject]; ok {
		delete(it.Props, mapi.PidTagNormalizedSubject)
	}
	if u.Recipients != nil {
		it.Recipients = append([]Recipient{}, *u.Recipients...)
		for _, tag := range []mapi.Tag{mapi.PidTagDisplayTo, mapi.PidTagDisplayCc, mapi.PidTagDisplayBcc} {
			delete(it.Props, tag)
		}
	}
	for _, tag := range u.Delete {
		if c, ok := promotedColumn(tag); ok && c.Computed {
			return nil, fmt.Errorf("property %s is computed: %w", tag, ErrInvalid)
		}
		removeProperty(it.Props, tag)
	}
	flags := it.Props.Int32(mapi.PidTagMessageFlags)
	for tag, v := range u.Set {
		removeProperty(it.Props, tag)
		it.Props[tag] = v
	}
	it.notifyAs(flags)
	if u.Read != nil {
		it.Read = *u.Read
	}
	if u.MIME != nil {
		it.MIME = *u.MIME
	}
	for _, no := range u.DeleteAttachments {
		i := slices.IndexFunc(it.Attachments, func(a Attachment) bool { return a.ID.Number == no })
		if i < 0 {
			return nil, fmt.Errorf("attachment %d: %w", no, ErrNotFound)
		}
		it.Attachments = slices.Delete(it.Attachments, i, i+1)
	}
	return it.attach(u.AddAttachments), nil
}

// SetRead changes an item's read flag: it takes a new read_cn and leaves cn and
// the change key as they are. Setting what is set already changes nothing.
func (m *Mailbox) SetRead(ctx context.Context, id ItemID, read bool) (stamp Stamp, err error) {
	if m, err = m.itemGate(ctx, id, RightEditAny, RightEditOwned); err == nil {
		err = m.write(ctx, func(w *writer) error {
			it, err := m.item(w, id, Want{Tags: []mapi.Tag{mapi.PidTagMessageFlags}})
			if err != nil {
				return err
			}
			stamp, err = w.setRead(it, read, false)
			return err
		})
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("mark %v: %w", id, err)
	}
	return stamp, nil
}

func (w *writer) setRead(it *Item, read, suppress bool) (Stamp, error) {
	if it.Read == read {
		return it.stamp(), nil
	}
	c, err := w.counts(it.Folder.Folder)
	if err != nil {
		return Stamp{}, err
	}
	if err := w.readReceipt(it, read, suppress); err != nil {
		return Stamp{}, err
	}
	it.Read, it.ReadCN = read, w.change()
	flags := it.Props.Int32(mapi.PidTagMessageFlags) &^ mapi.MsgFlagRead
	step := int64(1)
	if read {
		flags |= mapi.MsgFlagRead
		step = -1
	}
	if !it.Associated {
		c.unread += step
	}
	c.read = it.ReadCN
	if _, err := w.Exec("UPDATE item SET is_read = $3, msg_flags = $4, read_cn = $5 WHERE mailbox = $1 AND id = $2", w.m.id, it.ID.Row, number(read), flags, it.ReadCN); err != nil {
		return Stamp{}, err
	}
	w.touch(it.ID.Row)
	return it.stamp(), nil
}

// batch is how many items one transaction of a bulk operation takes.
const batch = 500

// MarkAllRead sets the read flag of all items in a folder's normal view. Items that
// arrive meanwhile may be missed. With suppress no sender is told.
func (m *Mailbox) MarkAllRead(ctx context.Context, folder FolderID, read, suppress bool) error {
	m, err := m.folderGate(ctx, folder, RightReadAny|RightEditAny)
	var f *Folder
	if err == nil {
		f, err = m.Folder(ctx, folder)
	}
	if err == nil && f.Kind == SearchFolder && m.sight != nil {
		err = ErrDenied // what it has found lies in other folders
	}
	if err != nil {
		return fmt.Errorf("mark all: %w", err)
	}
	from, where := source(f.Kind)
	only, sees := m.sight.condition(5)
	last := mapi.GlobCnt(0)
	for {
		var done int
		var seen mapi.GlobCnt
		err := m.write(ctx, func(w *writer) error {
			s := newSelection(Want{Tags: []mapi.Tag{mapi.PidTagMessageFlags}})
			rows, err := w.Query("SELECT "+s.list()+" FROM "+from+" WHERE "+where+" AND is_read = "+
				fmt.Sprint(number(!read))+" AND id > $3"+only+" ORDER BY id LIMIT $4", append([]any{m.id, folder.Folder, last, batch}, sees...)...)
			items, _, err := m.scanItems(s, 0, rows, err)
			if err != nil {
				return err
			}
			done, seen = len(items), last
			for _, it := range items {
				if _, err := w.setRead(it, read, suppress); err != nil {
					return err
				}
				seen = it.ID.Row
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("mark all of %v: %w", folder, err)
		}
		if done < batch {
			return nil
		}
		last = seen
	}
}
