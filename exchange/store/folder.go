package store

import (
	"time"

	"hma/wire/mapi"
)

// Folder is one folder as it is now.
type Folder struct {
	ID       FolderID
	Parent   FolderID // zero Folder number for the root
	Role     Role     // "" for a folder that people made
	Kind     FolderKind
	Class    string // IPF.Note ...
	Name     string
	Hidden   bool
	Created  time.Time
	Modified time.Time

	CreatedCN mapi.GlobCnt
	CN        mapi.GlobCnt // of the folder itself: name, parent, class, properties; not of its content
	ContentCN mapi.GlobCnt // of the last change of its content, deletions and read flags too
	ChangeKey []byte
	PCL       []byte

	Total      int   // items in the normal view
	Unread     int   // those of them that are not read
	Associated int   // FAI items
	Deleted    int   // items soft-deleted from here that can still be recovered
	Size       int64 // bytes of all its items
	Children   int   // folders directly below
	Props      mapi.Bag
}

// FolderKind is what a folder is made of.
type FolderKind int

// The kinds of folder (MS-OXCFOLD 2.2.1.1.1).
const (
	RootFolder FolderKind = iota
	GenericFolder
	SearchFolder
)

// Role is the part that a distinguished folder plays, in EWS's words
// (DistinguishedFolderIdNameType).
type Role string

// The distinguished folders that every mailbox has.
const (
	RoleRoot                 Role = "root"
	RoleMsgFolderRoot        Role = "msgfolderroot"
	RoleInbox                Role = "inbox"
	RoleSentItems            Role = "sentitems"
	RoleDrafts               Role = "drafts"
	RoleDeletedItems         Role = "deleteditems"
	RoleOutbox               Role = "outbox"
	RoleJunkEmail            Role = "junkemail"
	RoleCalendar             Role = "calendar"
	RoleContacts             Role = "contacts"
	RoleTasks                Role = "tasks"
	RoleNotes                Role = "notes"
	RoleJournal              Role = "journal"
	RoleArchive              Role = "archive" // one-click archive folder, not the archive mailbox
	RoleConversationHistory  Role = "conversationhistory"
	RoleSearchFolders        Role = "searchfolders"
	RoleRecoverableRoot      Role = "recoverableitemsroot"
	RoleRecoverableDeletions Role = "recoverableitemsdeletions"
	RoleRecoverableVersions  Role = "recoverableitemsversions"
	RoleRecoverablePurges    Role = "recoverableitemspurges"
	RoleRecipientCache       Role = "recipientcache"
	RoleSyncIssues           Role = "syncissues"
	RoleConflicts            Role = "conflicts"
	RoleLocalFailures        Role = "localfailures"
	RoleServerFailures       Role = "serverfailures"
)

// NewFolder is a folder to create.
type NewFolder struct {
	Parent FolderID
	Name   string
	Class  string // IPF.Note when empty
	Hidden bool
	Props  mapi.Bag
}

// FolderUpdate is a change of a folder; nil leaves a part as it is.
type FolderUpdate struct {
	IfChangeKey []byte // when set, ErrConflict unless it is the current one
	Name        *string
	Class       *string
	Hidden      *bool
	Set         mapi.Bag
	Delete      []mapi.Tag
}

// Deletion is how something is deleted.
type Deletion int

// The ways to delete: to the Deleted Items folder, to Recoverable Items, or for good.
const (
	ToDeletedItems Deletion = iota
	SoftDelete
	HardDelete
)

// Rights are what a person may do in a folder (MS-OXCPERM 2.2.7).
type Rights uint32

// The single rights and the owner's sum.
const (
	RightReadAny         Rights = 0x0001
	RightCreate          Rights = 0x0002
	RightEditOwned       Rights = 0x0008
	RightDeleteOwned     Rights = 0x0010
	RightEditAny         Rights = 0x0020
	RightDeleteAny       Rights = 0x0040
	RightCreateSubfolder Rights = 0x0080
	RightFolderOwner     Rights = 0x0100
	RightFolderContact   Rights = 0x0200
	RightFolderVisible   Rights = 0x0400
	AllRights            Rights = 0x07FB
)
