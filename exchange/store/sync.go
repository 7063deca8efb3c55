package store

import "hma/wire/mapi"

// ChangeKind is what happened to an object, seen from a client's last state.
type ChangeKind int

// The kinds of change.
const (
	Created ChangeKind = iota
	Updated
	ReadFlag // only the read flag changed
	Removed  // deleted or moved away
)

// SyncState is how far a client has come in one folder's items or one folder
// tree. The zero value knows nothing. It is a plain value: Encode makes a text
// of it that a client can keep, ParseSyncState reads it back.
type SyncState struct {
	Scope    FolderID     // the folder or root that the state belongs to
	Tree     bool         // of SyncFolders
	Epoch    int64        // of the mailbox, changed by a restore
	Since    mapi.GlobCnt // everything up to here is known
	Snapshot mapi.GlobCnt // set during the first enumeration: where it began
	Position mapi.GlobCnt // and the number it has come down to
}

// ItemChanges is one page of changes of a folder's items.
type ItemChanges struct {
	Changes []ItemChange
	State   SyncState // covers exactly what was reported
	More    bool
}

// ItemChange is the net change of one item.
type ItemChange struct {
	Kind ChangeKind
	ID   ItemID
	Read bool  // of an item that is still there
	Item *Item // state without Props; nil when Removed
}

// FolderChanges is one page of changes of a folder tree.
type FolderChanges struct {
	Changes []FolderChange
	State   SyncState
	More    bool
}

// FolderChange is the net change of one folder.
type FolderChange struct {
	Kind   ChangeKind
	ID     FolderID
	Folder *Folder // nil when Removed
}

// Swept is what Sweep took away.
type Swept struct {
	Blobs      int
	Tombstones int
}
