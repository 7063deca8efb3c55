package store

import (
	"context"
	"fmt"

	"hma/wire/mapi"
)

// The sender of a message may want to know when it is read (MS-OXOMSG 2.2.1.29 and
// following). An item that was delivered so says it by bits of its flags, which
// nobody else can set. The write that marks it as read, or that deletes it unread,
// takes them away and writes what tells the sender: it happens once. In Junk Email
// nothing is told, and the bits stay for an item that is moved out of there.

const notifyBits = mapi.MsgFlagNotifyRead | mapi.MsgFlagNotifyUnread

// receiptTags are what a receipt says of the message.
var receiptTags = []mapi.Tag{mapi.PidTagMessageFlags, mapi.PidTagReadReceiptSmtpAddress, mapi.PidTagReceivedByEmail, mapi.PidTagSubject,
	mapi.PidTagInternetMessageID, mapi.PidTagClientSubmitTime, mapi.PidTagDisplayTo}

// notify sets whether the sender is to be told.
func (it *Item) notify(sender bool) {
	bits := int32(0)
	if sender {
		bits = notifyBits
	}
	it.notifyAs(bits)
}

// notifyAs sets the bits as they are in other flags.
func (it *Item) notifyAs(flags int32) {
	if own := it.Props.Int32(mapi.PidTagMessageFlags); own&notifyBits != flags&notifyBits {
		it.Props[mapi.PidTagMessageFlags] = own&^notifyBits | flags&notifyBits
	}
}

// disposition is what becomes of an item for which a receipt may be wanted.
type disposition int

const (
	itemRead disposition = iota
	itemDeletedUnread
	itemSettled // the sender is told nothing
)

// receipt takes the bits away from an item in memory, whose row the caller writes,
// and writes what tells the sender.
func (w *writer) receipt(it *Item, d disposition) error {
	if it.Props.Int32(mapi.PidTagMessageFlags)&notifyBits == 0 || d != itemSettled && it.Folder.Folder == fixed(RoleJunkEmail) {
		return nil
	}
	it.notify(false)
	if d == itemSettled {
		return nil
	}
	full, err := w.m.item(w, it.ID, Want{Tags: receiptTags})
	if err != nil {
		return err
	}
	o := &Outgoing{Kind: OutgoingRead, To: full.Props.String(mapi.PidTagReadReceiptSmtpAddress), Props: mapi.Bag{mapi.PidTagReceiptTime: w.now}}
	if d == itemDeletedUnread {
		o.Kind = OutgoingNotRead
	}
	for _, tag := range receiptTags {
		if v, known := full.Props[tag]; known {
			o.Props[tag] = v
		}
	}
	return w.putOutgoing(o, w.now)
}

// readReceipt is receipt for an item that is read, or of which the sender is told nothing.
func (w *writer) readReceipt(it *Item, read, suppress bool) error {
	switch {
	case suppress:
		return w.receipt(it, itemSettled)
	case read:
		return w.receipt(it, itemRead)
	}
	return nil
}

// SettleReceipts has the sender of an item told nothing of what becomes of it.
func (m *Mailbox) SettleReceipts(ctx context.Context, id ItemID) error {
	m, err := m.itemGate(ctx, id, RightEditAny, RightEditOwned)
	if err == nil {
		err = m.write(ctx, func(w *writer) error {
			it, err := m.item(w, id, Want{Tags: []mapi.Tag{mapi.PidTagMessageFlags}})
			if err == nil {
				err = w.receipt(it, itemSettled)
			}
			if err == nil {
				_, err = w.Exec("UPDATE item SET msg_flags = $3 WHERE mailbox = $1 AND id = $2", m.id, id.Row, it.Props.Int32(mapi.PidTagMessageFlags))
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("settle receipts of %v: %w", id, err)
	}
	return nil
}
