package store

import (
	"time"

	"hma/wire/guid"
	"hma/wire/mapi"
)

// EventKind is what a Change tells of.
type EventKind int

// The kinds of event.
const (
	ItemCreated EventKind = iota
	ItemModified
	ItemRead // the read flag
	ItemMoved
	ItemCopied
	ItemDeleted
	FolderCreated
	FolderModified
	FolderMoved
	FolderDeleted
	Elsewhere // another process changed the mailbox up to CN; look for yourself
)

// Change is one committed change. Changes made at the same time may arrive out of
// order; who needs order reads the store from its own mark (SyncItems).
type Change struct {
	Kind      EventKind
	Mailbox   guid.GUID
	CN        mapi.GlobCnt
	At        time.Time
	Folder    FolderID // the item's folder, or the folder itself
	Parent    FolderID // of a folder
	Item      ItemID
	OldItem   ItemID // before a move, or the original of a copy
	OldFolder FolderID
	Delivered bool // an item created by delivery (NewItem.Delivered)
}

// Subscription is a bounded queue of changes. Close ends it.
type Subscription struct {
	// C gives the changes. It is closed after Close, or when the reader fell so
	// far behind that changes were lost; Missed tells which.
	C <-chan Change
}
