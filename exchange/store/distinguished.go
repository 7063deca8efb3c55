package store

import (
	"context"
	"fmt"
	"strings"

	"hma/internal/sqldb"
	"hma/wire/mapi"
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

// distinguished is what a new mailbox gets. The fid of an entry is its place,
// counted from one, in every mailbox: append only.
var distinguished = [...]struct {
	role, parent Role
	name, class  string
	hidden       bool
}{
	{RoleRoot, "", "Root", "", false},
	{RoleMsgFolderRoot, RoleRoot, "Top of Information Store", "IPF.Note", false},
	{RoleInbox, RoleMsgFolderRoot, "Inbox", "IPF.Note", false},
	{RoleSentItems, RoleMsgFolderRoot, "Sent Items", "IPF.Note", false},
	{RoleDrafts, RoleMsgFolderRoot, "Drafts", "IPF.Note", false},
	{RoleDeletedItems, RoleMsgFolderRoot, "Deleted Items", "IPF.Note", false},
	{RoleOutbox, RoleMsgFolderRoot, "Outbox", "IPF.Note", false},
	{RoleJunkEmail, RoleMsgFolderRoot, "Junk Email", "IPF.Note", false},
	{RoleCalendar, RoleMsgFolderRoot, "Calendar", "IPF.Appointment", false},
	{RoleContacts, RoleMsgFolderRoot, "Contacts", "IPF.Contact", false},
	{RoleTasks, RoleMsgFolderRoot, "Tasks", "IPF.Task", false},
	{RoleNotes, RoleMsgFolderRoot, "Notes", "IPF.StickyNote", false},
	{RoleJournal, RoleMsgFolderRoot, "Journal", "IPF.Journal", false},
	{RoleArchive, RoleMsgFolderRoot, "Archive", "IPF.Note", false},
	{RoleConversationHistory, RoleMsgFolderRoot, "Conversation History", "IPF.Note", false},
	{RoleSearchFolders, RoleRoot, "Finder", "", true},
	{RoleRecoverableRoot, RoleRoot, "Recoverable Items", "", true},
	{RoleRecoverableDeletions, RoleRecoverableRoot, "Deletions", "", true},
	{RoleRecoverableVersions, RoleRecoverableRoot, "Versions", "", true},
	{RoleRecoverablePurges, RoleRecoverableRoot, "Purges", "", true},
	{RoleRecipientCache, RoleContacts, "Recipient Cache", "IPF.Contact.RecipientCache", true},
	{RoleSyncIssues, RoleMsgFolderRoot, "Sync Issues", "IPF.Note", false},
	{RoleConflicts, RoleSyncIssues, "Conflicts", "IPF.Note", false},
	{RoleLocalFailures, RoleSyncIssues, "Local Failures", "IPF.Note", false},
	{RoleServerFailures, RoleSyncIssues, "Server Failures", "IPF.Note", false},
}

// receiveFolders is where delivery puts a message by its class, longest prefix first
// (MS-OXCSTOR 3.2.5.2): what is no person-to-person mail of a special kind goes to the Inbox.
var receiveFolders = []struct {
	class string
	role  Role
}{
	{"", RoleInbox},
	{"IPM", RoleInbox},
	{"REPORT.IPM", RoleInbox},
	{"IPC", RoleRoot},
}

// fixed returns the fid of a role in every mailbox.
func fixed(role Role) mapi.GlobCnt {
	for i := range distinguished {
		if distinguished[i].role == role {
			return mapi.GlobCnt(i + 1)
		}
	}
	return 0
}

// createDistinguished makes the folders of a new mailbox.
func (m *Mailbox) createDistinguished(tx *sqldb.Tx, now int64) error {
	empty, err := mapi.Bag{}.Encode()
	if err != nil {
		return err
	}
	children := map[Role]int64{}
	for _, d := range distinguished {
		children[d.parent]++
	}
	for i, d := range distinguished {
		fid := mapi.GlobCnt(i + 1)
		key := m.changeKey(fid)
		kind := GenericFolder
		if d.role == RoleRoot {
			kind = RootFolder
		}
		_, err := tx.Exec(insertFolder, m.id, fid, fixed(d.parent), kind, d.class, string(d.role), d.name, nameKey(d.name), number(d.hidden),
			fid, key.Bytes(), mapi.PCL(nil).With(key).Bytes(), now, children[d.role], empty)
		if err != nil {
			return err
		}
	}
	for _, r := range receiveFolders {
		if _, err := tx.Exec("INSERT INTO receive_folder (mailbox, class, fid) VALUES ($1, $2, $3)", m.id, r.class, fixed(r.role)); err != nil {
			return err
		}
	}
	// A new mailbox tells everybody inside when its owner is free (MS-OXCPERM 2.2.7).
	_, err = tx.Exec("INSERT INTO permission (mailbox, fid, member, rights) VALUES ($1, $2, $3, $4)", m.id, fixed(RoleCalendar), MemberDefault, RightFreeBusySimple)
	return err
}

// number returns a flag as the columns keep it.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// RoleID returns the id of a distinguished folder; the role is compared without
// case. A role that the mailbox has no folder for is ErrNotFound.
func (m *Mailbox) RoleID(role Role) (FolderID, error) {
	role = Role(strings.ToLower(string(role)))
	if fid := fixed(role); fid != 0 {
		return FolderID{m.guid, fid}, nil
	}
	return FolderID{}, fmt.Errorf("distinguished folder %q: %w", clean(string(role)), ErrNotFound)
}

// Role returns a distinguished folder, like RoleID.
func (m *Mailbox) Role(ctx context.Context, role Role) (*Folder, error) {
	id, err := m.RoleID(role)
	if err != nil {
		return nil, err
	}
	return m.Folder(ctx, id)
}

// ReceiveFolder returns where delivery puts a message of a class: the folder of
// the longest prefix of dot-separated parts that has one (MS-OXCSTOR 2.2.1.3).
func (m *Mailbox) ReceiveFolder(ctx context.Context, class string) (FolderID, error) {
	m, err := m.wholeGate()
	if err != nil {
		return FolderID{}, fmt.Errorf("receive folder: %w", err)
	}
	class = strings.ToUpper(clean(class))
	for {
		var fid mapi.GlobCnt
		err := noRow(m.store.db.QueryRow(ctx, "SELECT fid FROM receive_folder WHERE mailbox = $1 AND class = $2", m.id, class).Scan(&fid))
		if err == nil {
			return FolderID{m.guid, fid}, nil
		}
		if class == "" || err != ErrNotFound {
			return FolderID{}, fmt.Errorf("receive folder: %w", err)
		}
		class = class[:max(strings.LastIndexByte(class, '.'), 0)]
	}
}
