package store

import (
	"context"
	"fmt"
	"strings"

	"hma/internal/sqldb"
	"hma/wire/mapi"
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
	// The rights of a calendar's reader by availability alone: when the owner is
	// busy, and with what and where.
	RightFreeBusySimple   Rights = 0x0800
	RightFreeBusyDetailed Rights = 0x1000
)

// Members of a folder's permission table that are no SID.
const (
	MemberDefault   = "default"
	MemberAnonymous = "anonymous"
)

// Permission is one row of a folder's permission table.
type Permission struct {
	Member string // SID, MemberDefault or MemberAnonymous
	Rights Rights
}

// Permissions returns a folder's permission table. The owner of the mailbox needs no row.
func (m *Mailbox) Permissions(ctx context.Context, id FolderID) ([]Permission, error) {
	m, err := m.folderGate(ctx, id, RightFolderOwner)
	if err == nil {
		_, err = m.Folder(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("permissions: %w", err)
	}
	rows, err := m.store.db.Query(ctx, "SELECT member, rights FROM permission WHERE mailbox = $1 AND fid = $2 ORDER BY member", m.id, id.Folder)
	if err != nil {
		return nil, fmt.Errorf("permissions of %v: %w", id, err)
	}
	defer rows.Close()
	var list []Permission
	for rows.Next() {
		var p Permission
		if err := rows.Scan(&p.Member, &p.Rights); err != nil {
			return nil, fmt.Errorf("permissions of %v: %w", id, err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// SetPermissions replaces a folder's permission table, which is a change of the
// folder: whoever synchronises the folder tree hears of it.
func (m *Mailbox) SetPermissions(ctx context.Context, id FolderID, list []Permission) error {
	_, err := m.UpdateFolder(ctx, id, FolderUpdate{Permissions: &list})
	return err
}

// permit replaces a folder's permission table.
func (w *writer) permit(fid mapi.GlobCnt, list []Permission) error {
	if len(list) > MaxPermissions {
		return fmt.Errorf("%d permissions: %w", len(list), ErrTooMany)
	}
	if _, err := w.Exec("DELETE FROM permission WHERE mailbox = $1 AND fid = $2", w.m.id, fid); err != nil {
		return err
	}
	for _, p := range list {
		if p.Member == "" || p.Rights&^(AllRights|RightFreeBusySimple|RightFreeBusyDetailed) != 0 {
			return fmt.Errorf("permission of %q: %w", p.Member, ErrInvalid)
		}
		_, err := w.Exec("INSERT INTO permission (mailbox, fid, member, rights) VALUES ($1, $2, $3, $4)", w.m.id, fid, sidKey(p.Member), p.Rights)
		if sqldb.IsUnique(err) {
			return fmt.Errorf("permission of %q: %w", p.Member, ErrExists)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Rights returns what a person may do in a folder: everything for the owner,
// otherwise what the person's row says, or the default row, or nothing.
func (m *Mailbox) Rights(ctx context.Context, id FolderID, sid string) (Rights, error) {
	if m.viewer != nil && sid != "" && m.viewer.sid == sidKey(sid) {
		m = m.itself() // one's own rights are known to oneself
	}
	if sid != "" && strings.EqualFold(sid, m.info.OwnerSID) {
		return AllRights, m.own(id)
	}
	list, err := m.Permissions(ctx, id)
	if err != nil {
		return 0, err
	}
	var rights Rights
	for _, p := range list {
		if sid != "" && strings.EqualFold(p.Member, sid) {
			return p.Rights, nil
		}
		if p.Member == MemberDefault {
			rights = p.Rights
		}
	}
	return rights, nil
}

// Effective returns what the person for whom the mailbox was opened may do in a
// folder, free/busy rights left out, and whether they see private items there;
// everything for the owner.
func (m *Mailbox) Effective(ctx context.Context, id FolderID) (rights Rights, private bool, err error) {
	if m.viewer == nil {
		return AllRights, true, m.own(id)
	}
	return m.viewer.rights(ctx, id)
}

// MaxPermissions is how many rows a folder's permission table has at most.
const MaxPermissions = 1000

// inherit gives a new folder the permissions of its parent, and everything to
// somebody else who made it.
func (w *writer) inherit(parent, fid mapi.GlobCnt) error {
	_, err := w.Exec(`INSERT INTO permission (mailbox, fid, member, rights)
		SELECT mailbox, $3, member, rights FROM permission WHERE mailbox = $1 AND fid = $2`, w.m.id, parent, fid)
	if s := w.m.sight; err == nil && s != nil {
		_, err = w.Exec(`INSERT INTO permission (mailbox, fid, member, rights) VALUES ($1, $2, $3, $4)
			ON CONFLICT (mailbox, fid, member) DO UPDATE SET rights = excluded.rights`, w.m.id, fid, s.sid, AllRights)
	}
	return err
}
