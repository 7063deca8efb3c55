package store

import (
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// Options are the store's settings.
type Options struct {
	// Now is the clock; it must be set.
	Now func() time.Time
	// TombstoneRetention is how long the store can tell a client what was deleted;
	// 60 days when zero.
	TombstoneRetention time.Duration
	// BlobGrace is how long a blob may wait for the item that refers to it; 24 hours when zero.
	BlobGrace time.Duration
	// Poll is how often other processes' changes are looked for while somebody
	// waits on PostgreSQL; one second when zero.
	Poll time.Duration
}

// Store is all mailboxes of one database. It is safe for concurrent use.
type Store struct {
	db   *sqldb.DB
	opts Options
	hub  hub
	cur  cursors
}

// MailboxInfo is what the directory knows of a mailbox.
type MailboxInfo struct {
	OwnerSID    string // who may do everything in it
	LegacyDN    string // for entry ids and recipient tables
	DisplayName string
	Quota       int64 // bytes; 0 is no limit
	Kind        MailboxKind
}

// MailboxKind is what sort of mailbox it is.
type MailboxKind int

// The kinds of mailbox.
const (
	UserMailbox MailboxKind = iota
	SharedMailbox
	PublicFolderMailbox
)

// Mailbox is one open mailbox, or a person's view of it (As). It holds no
// connection and need not be closed.
type Mailbox struct {
	store *Store
	id    int64 // the mailbox's number, first in every key
	guid  guid.GUID
	db    guid.GUID // replica GUID of the ids that this mailbox mints
	owner string
	sid   string // who acts; "" is the server itself
	epoch int64
}

// GUID returns the mailbox's GUID.
func (m *Mailbox) GUID() guid.GUID { return m.guid }

// DatabaseGUID returns the replica GUID of the ids that the mailbox mints (replid 1).
func (m *Mailbox) DatabaseGUID() guid.GUID { return m.db }

// Stamp is what a write leaves behind of an item.
type Stamp struct {
	ID        ItemID
	Folder    FolderID
	CN        mapi.GlobCnt
	ChangeKey []byte // 22 bytes; equal means unchanged
}
