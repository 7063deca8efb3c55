package store

import (
	"context"
	"errors"
	"io"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

type hub struct{}
type cursors struct{}

// Open brings the tables to the newest version and returns the store.
func Open(ctx context.Context, db *sqldb.DB, opts Options) (*Store, error) {
	return nil, errors.ErrUnsupported
}

// OpenMailbox returns the mailbox with the GUID; the first call creates it with
// its distinguished folders. The caller acts as the server: use As to act for a person.
func (s *Store) OpenMailbox(ctx context.Context, id guid.GUID, info MailboxInfo) (*Mailbox, error) {
	return nil, errors.ErrUnsupported
}

// FindMailbox returns a mailbox that exists already, ErrNotFound otherwise.
func (s *Store) FindMailbox(ctx context.Context, id guid.GUID) (*Mailbox, error) {
	return nil, errors.ErrUnsupported
}

// As returns the mailbox as a person sees it, ErrDenied for anybody without rights in it.
func (m *Mailbox) As(sid string) (*Mailbox, error) { return nil, errors.ErrUnsupported }

// Size returns the mailbox's size and quota in bytes.
func (m *Mailbox) Size(ctx context.Context) (used, quota int64, err error) {
	return 0, 0, errors.ErrUnsupported
}

func (m *Mailbox) Role(ctx context.Context, role Role) (*Folder, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) Folder(ctx context.Context, id FolderID) (*Folder, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) Folders(ctx context.Context, parent FolderID, deep bool) ([]*Folder, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) CreateFolder(ctx context.Context, f NewFolder) (*Folder, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) UpdateFolder(ctx context.Context, id FolderID, u FolderUpdate) (*Folder, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) MoveFolder(ctx context.Context, id, parent FolderID) (*Folder, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) DeleteFolder(ctx context.Context, id FolderID, how Deletion) error {
	return errors.ErrUnsupported
}
func (m *Mailbox) EmptyFolder(ctx context.Context, id FolderID, how Deletion, subfolders bool) error {
	return errors.ErrUnsupported
}
func (m *Mailbox) Rights(ctx context.Context, id FolderID) (Rights, error) {
	return 0, errors.ErrUnsupported
}
func (m *Mailbox) ReceiveFolder(ctx context.Context, class string) (FolderID, error) {
	return FolderID{}, errors.ErrUnsupported
}

func (m *Mailbox) CreateItem(ctx context.Context, item NewItem) (Stamp, error) {
	return Stamp{}, errors.ErrUnsupported
}
func (m *Mailbox) CreateItems(ctx context.Context, items []NewItem) ([]Stamp, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) Item(ctx context.Context, id ItemID, want Want) (*Item, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) UpdateItem(ctx context.Context, id ItemID, u ItemUpdate) (Stamp, error) {
	return Stamp{}, errors.ErrUnsupported
}
func (m *Mailbox) SetRead(ctx context.Context, id ItemID, read bool) (Stamp, error) {
	return Stamp{}, errors.ErrUnsupported
}
func (m *Mailbox) MarkAllRead(ctx context.Context, id FolderID, read bool) error {
	return errors.ErrUnsupported
}
func (m *Mailbox) MoveItem(ctx context.Context, id ItemID, to FolderID) (Stamp, error) {
	return Stamp{}, errors.ErrUnsupported
}
func (m *Mailbox) CopyItem(ctx context.Context, id ItemID, to FolderID) (Stamp, error) {
	return Stamp{}, errors.ErrUnsupported
}
func (m *Mailbox) DeleteItem(ctx context.Context, id ItemID, how Deletion) (Stamp, error) {
	return Stamp{}, errors.ErrUnsupported
}
func (m *Mailbox) Attachment(ctx context.Context, id AttachmentID) (*Attachment, error) {
	return nil, errors.ErrUnsupported
}

func (m *Mailbox) List(ctx context.Context, q Query) (*Page, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) Count(ctx context.Context, q Query) (int, error) { return 0, errors.ErrUnsupported }

func (m *Mailbox) SyncItems(ctx context.Context, folder FolderID, state SyncState, limit int, associated bool) (*ItemChanges, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) SyncFolders(ctx context.Context, root FolderID, state SyncState, limit int) (*FolderChanges, error) {
	return nil, errors.ErrUnsupported
}

func (m *Mailbox) WriteBlob(ctx context.Context, r io.Reader) (mapi.Blob, error) {
	return mapi.Blob{}, errors.ErrUnsupported
}
func (m *Mailbox) OpenBlob(ctx context.Context, b mapi.Blob) *BlobReader { return nil }
func (m *Mailbox) Resolve(ctx context.Context, bag mapi.Bag, limit int64, tags ...mapi.Tag) error {
	return errors.ErrUnsupported
}

func (m *Mailbox) NamedIDs(ctx context.Context, names []mapi.Name, create bool) ([]uint16, error) {
	return nil, errors.ErrUnsupported
}
func (m *Mailbox) Names(ctx context.Context, ids []uint16) ([]mapi.Name, error) {
	return nil, errors.ErrUnsupported
}

func (s *Store) Subscribe(mailboxes ...guid.GUID) *Subscription { return nil }
func (s *Store) Sweep(ctx context.Context) (Swept, error)       { return Swept{}, errors.ErrUnsupported }

// BlobReader reads a blob.
type BlobReader struct{}

func (r *BlobReader) Read(p []byte) (int, error)         { return 0, errors.ErrUnsupported }
func (r *BlobReader) WriteTo(w io.Writer) (int64, error) { return 0, errors.ErrUnsupported }

// Close ends the subscription.
func (s *Subscription) Close() {}

// Missed tells whether changes were lost.
func (s *Subscription) Missed() bool { return false }

// Encode returns the state as text sealed with key.
func (s SyncState) Encode(key []byte) string { return "" }

// ParseSyncState reads what Encode wrote; anything else is ErrMalformedID.
func ParseSyncState(key []byte, text string) (SyncState, error) {
	return SyncState{}, errors.ErrUnsupported
}
