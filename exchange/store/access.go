package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hma/wire/mapi"
)

// A mailbox as somebody else sees it is a Mailbox too, with a viewer. Its number is
// one that no mailbox has, so that a method which forgets to ask finds nothing and
// changes nothing; own refuses it as well. Every exported method begins with one of
// the gates of this file, which ask whether the viewer may and return the mailbox
// itself, for this one call, with what the viewer sees of the items there (sight).
// For the owner, and for the server, a gate costs no query. TestAccess goes through
// all exported methods by name.

// noMailbox is the number of a mailbox that has a viewer.
const noMailbox = -1

// viewer is somebody who is not the owner.
type viewer struct {
	sid  string // in capitals
	real *Mailbox
}

// sight is what a viewer sees of a folder's items.
type sight struct {
	sid     string
	own     bool // only what the viewer made
	private bool // private items of others too
}

// sees tells whether an item is in sight; everything is in no sight (nil).
func (s *sight) sees(it *Item) bool {
	return s == nil || it.Creator == s.sid || !s.own && (s.private || it.sensitivity != privateItem)
}

// privateItem is PidTagSensitivity of an item that only its owner is to see (MS-OXCMSG 2.2.1.13).
const privateItem = 2

// condition returns sees in SQL, to be appended to a condition, with its argument
// as the parameter of the number; "" and none for everything.
func (s *sight) condition(number int) (sql string, args []any) {
	switch {
	case s == nil || !s.own && s.private:
		return "", nil
	case s.own:
		return fmt.Sprintf(" AND creator = $%d", number), []any{s.sid}
	}
	return fmt.Sprintf(" AND (sensitivity <> %d OR creator = $%d)", privateItem, number), []any{s.sid}
}

// sidKey is a SID as rows have it; "default" and "anonymous" of permission tables stay.
func sidKey(sid string) string {
	for _, member := range []string{MemberDefault, MemberAnonymous} {
		if strings.EqualFold(sid, member) {
			return member
		}
	}
	return strings.ToUpper(clean(sid))
}

// As returns the mailbox as the person with the SID sees it: the whole of it for
// the owner, otherwise what the permissions of its folders let the person see and
// do (MS-OXCPERM). What the person may not see is ErrNotFound, what they see and
// may not do ErrDenied. Who may nothing at all in any folder gets ErrDenied here.
// Whoever has full access by the directory's word takes the mailbox without As.
func (m *Mailbox) As(ctx context.Context, sid string) (*Mailbox, error) {
	denied := func() error { return fmt.Errorf("open mailbox %s: %w", m.guid, ErrDenied) }
	switch {
	case sid == "":
		return nil, denied()
	case m.viewer != nil:
		if m.viewer.sid != sidKey(sid) {
			return nil, denied()
		}
		return m, nil
	case strings.EqualFold(sid, m.info.OwnerSID):
		return m, nil
	}
	v := &viewer{sid: sidKey(sid), real: m}
	e, err := v.everywhere(ctx, m.reads(ctx))
	if err != nil {
		return nil, fmt.Errorf("open mailbox %s: %w", m.guid, err)
	}
	if e.most == 0 {
		return nil, denied()
	}
	return &Mailbox{store: m.store, id: noMailbox, guid: m.guid, db: m.db, info: m.info, names: m.names, viewer: v}, nil
}

// Viewer returns the SID, in capitals, for whom As returned the mailbox; "" for its owner and the server.
func (m *Mailbox) Viewer() string {
	if m.viewer == nil {
		return ""
	}
	return m.viewer.sid
}

// extent is what a viewer may do in each folder of a mailbox. The nil extent is
// the owner's, who may do everything.
type extent struct {
	sid     string
	rights  map[mapi.GlobCnt]Rights
	private bool
	most    Rights // in any folder
}

// of returns the rights in a folder.
func (e *extent) of(fid mapi.GlobCnt) Rights {
	if e == nil {
		return AllRights
	}
	return e.rights[fid]
}

// sight returns what is seen of a folder's items; ok is false for nothing.
func (e *extent) sight(fid mapi.GlobCnt) (s *sight, ok bool) {
	if e == nil {
		return nil, true
	}
	return sightOf(e.sid, e.of(fid), e.private)
}

// sightOf makes the sight of rights: own items are seen by whoever may make them
// (MS-OXCPERM 2.2.7: without ReadAny, messages "owned by other users" are not read).
func sightOf(sid string, rights Rights, private bool) (s *sight, ok bool) {
	const makes = RightCreate | RightEditOwned | RightDeleteOwned
	return &sight{sid: sid, own: rights&RightReadAny == 0, private: private}, rights&(RightReadAny|makes) != 0
}

// everywhere reads what the viewer may do in all folders.
func (v *viewer) everywhere(ctx context.Context, q querier) (*extent, error) {
	return v.look(q, "", v.real.id, v.sid)
}

// look reads what the viewer may do in the folders of a condition. A row of the
// viewer's own counts before that of everybody.
func (v *viewer) look(q querier, only string, args ...any) (*extent, error) {
	rows, err := q.Query(`SELECT fid, member, rights, COALESCE((SELECT view_private FROM delegate WHERE mailbox = $1 AND sid = $2), 0)
		FROM permission WHERE mailbox = $1 AND (member = $2 OR member = 'default')`+only, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	e := &extent{sid: v.sid, rights: map[mapi.GlobCnt]Rights{}}
	own := map[mapi.GlobCnt]bool{}
	for rows.Next() {
		var fid mapi.GlobCnt
		var member string
		var rights Rights
		if err := rows.Scan(&fid, &member, &rights, &e.private); err != nil {
			return nil, err
		}
		// Rights to know when the owner is free are none in the store.
		if rights &= AllRights; member != MemberDefault || !own[fid] {
			e.rights[fid] = rights
		}
		own[fid] = own[fid] || member != MemberDefault
	}
	for _, rights := range e.rights {
		e.most |= rights
	}
	return e, rows.Err()
}

// within is the mailbox itself, for one call, with a sight.
func (v *viewer) within(s *sight) *Mailbox {
	m := *v.real
	m.sight = s
	return &m
}

// rights reads what the viewer may do in one folder.
func (v *viewer) rights(ctx context.Context, folder FolderID) (Rights, bool, error) {
	if err := v.real.own(folder); err != nil {
		return 0, false, err
	}
	e, err := v.look(v.real.reads(ctx), " AND fid = $3", v.real.id, v.sid, folder.Folder)
	if err != nil {
		return 0, false, err
	}
	if e.most == 0 {
		return 0, false, fmt.Errorf("%v: %w", folder, ErrNotFound)
	}
	return e.most, e.private, nil
}

// folderGate lets in whom a folder gives the rights: 0 whoever has any there. A
// folder in which the viewer has none is ErrNotFound.
func (m *Mailbox) folderGate(ctx context.Context, folder FolderID, need Rights) (*Mailbox, error) {
	if m.viewer == nil {
		return m, m.own(folder)
	}
	rights, private, err := m.viewer.rights(ctx, folder)
	if err != nil {
		return nil, err
	}
	if rights&need != need {
		return nil, fmt.Errorf("%v: %w", folder, ErrDenied)
	}
	s, _ := sightOf(m.viewer.sid, rights, private)
	return m.viewer.within(s), nil
}

// itemsGate lets in who may read items of a folder: all, or their own, which the
// sight of the mailbox says.
func (m *Mailbox) itemsGate(ctx context.Context, folder FolderID) (*Mailbox, error) {
	if m.viewer == nil {
		return m, m.own(folder)
	}
	rights, private, err := m.viewer.rights(ctx, folder)
	if err != nil {
		return nil, err
	}
	s, ok := sightOf(m.viewer.sid, rights, private)
	if !ok {
		return nil, fmt.Errorf("%v: %w", folder, ErrDenied)
	}
	return m.viewer.within(s), nil
}

// itemGate lets in who sees the item and has one of two rights in its folder: one
// for anybody's items, or one for their own.
func (m *Mailbox) itemGate(ctx context.Context, id ItemID, anybodys, owns Rights) (*Mailbox, error) {
	if err := m.itself().own(id); err != nil || m.viewer == nil {
		return m, err
	}
	notFound := fmt.Errorf("%v: %w", id, ErrNotFound)
	it, err := m.viewer.real.item(m.viewer.real.reads(ctx), id, Want{})
	if err != nil {
		return nil, err
	}
	rights, private, err := m.viewer.rights(ctx, it.Folder)
	if err != nil {
		return nil, notFound // not which folder it would be in
	}
	s, ok := sightOf(m.viewer.sid, rights, private)
	if !ok || !s.sees(it) {
		return nil, notFound
	}
	if rights&anybodys == 0 && (rights&owns == 0 || it.Creator != m.viewer.sid) {
		return nil, fmt.Errorf("%v: %w", id, ErrDenied)
	}
	return m.viewer.within(s), nil
}

// readGate lets in who may read the item.
func (m *Mailbox) readGate(ctx context.Context, id ItemID) (*Mailbox, error) {
	return m.itemGate(ctx, id, AllRights, AllRights)
}

// treeGate lets in who owns a folder and every folder below it, for what happens
// to all of them and all that is in them.
func (m *Mailbox) treeGate(ctx context.Context, folder FolderID, need Rights) (*Mailbox, error) {
	if m.viewer == nil {
		return m, m.own(folder)
	}
	if _, err := m.folderGate(ctx, folder, need); err != nil {
		return nil, err
	}
	real := m.viewer.real
	all, err := real.allFolders(real.reads(ctx))
	if err != nil {
		return nil, err
	}
	e, err := m.viewer.everywhere(ctx, real.reads(ctx))
	if err != nil {
		return nil, err
	}
	for _, f := range below(all, folder.Folder) {
		if e.of(f.ID.Folder)&need != need {
			return nil, fmt.Errorf("below %v: %w", folder, ErrDenied)
		}
	}
	return m.viewer.within(&sight{sid: m.viewer.sid, private: e.private}), nil
}

// sees tells whether an item is in sight.
func (e *extent) sees(it *Item) bool {
	s, ok := e.sight(it.Folder.Folder)
	return ok && s.sees(it)
}

// everywhereGate lets everybody in, with what they may do in each folder; nil for the owner.
func (m *Mailbox) everywhereGate(ctx context.Context) (*Mailbox, *extent, error) {
	if m.viewer == nil {
		return m, nil, nil
	}
	e, err := m.viewer.everywhere(ctx, m.viewer.real.reads(ctx))
	if err != nil {
		return nil, nil, err
	}
	if e.most == 0 {
		return nil, nil, ErrDenied
	}
	return m.viewer.within(&sight{sid: m.viewer.sid, own: true}), e, nil
}

// contentGate lets in who may have content in the mailbox: values of items that
// they read, and of items that they are about to write. Content is asked for by its
// hash, which only those know who have read it or the item it belongs to.
func (m *Mailbox) contentGate() *Mailbox { return m.itself() }

// writesGate lets in who may write in some folder.
func (m *Mailbox) writesGate(ctx context.Context) (*Mailbox, error) {
	m, e, err := m.everywhereGate(ctx)
	if err != nil || e == nil {
		return m, err
	}
	if e.most&(RightCreate|RightEditOwned|RightEditAny|RightCreateSubfolder|RightFolderOwner) == 0 {
		return nil, ErrDenied
	}
	return m, nil
}

// wholeGate lets in the owner alone.
func (m *Mailbox) wholeGate() (*Mailbox, error) {
	if m.viewer != nil {
		return nil, fmt.Errorf("mailbox %s: %w", m.guid, ErrDenied)
	}
	return m, nil
}

// subscriberGate lets in whoever asks for a subscription of their own.
func (m *Mailbox) subscriberGate(ctx context.Context, sid string) (*Mailbox, *extent, error) {
	if m.viewer != nil && m.viewer.sid != sidKey(sid) {
		return nil, nil, fmt.Errorf("subscription of another person: %w", ErrNotFound)
	}
	return m.everywhereGate(ctx)
}

// unsighted is the mailbox with everything in it, inside a call that a gate let in for that.
func (m *Mailbox) unsighted() *Mailbox {
	whole := *m
	whole.sight = nil
	return &whole
}

// visible returns those of the folders that are seen in the hierarchy.
func (e *extent) visible(list []*Folder) []*Folder {
	if e == nil {
		return list
	}
	return slices.DeleteFunc(list, func(f *Folder) bool { return e.of(f.ID.Folder)&RightFolderVisible == 0 })
}

// itself returns the mailbox behind a viewer.
func (m *Mailbox) itself() *Mailbox {
	if m.viewer != nil {
		return m.viewer.real
	}
	return m
}
