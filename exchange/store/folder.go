package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// Folder is one folder as it is now.
type Folder struct {
	ID       FolderID
	Parent   FolderID // Folder is zero for the root
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

// NewFolder is a folder to create.
type NewFolder struct {
	Parent FolderID
	Name   string
	Class  string // IPF.Note when empty
	Hidden bool
	Props  mapi.Bag
	Search *Search // makes a search folder
	// Permissions are its table; nil for that of its parent.
	Permissions *[]Permission // replaces the table
}

// FolderUpdate is a change of a folder; nil leaves a part as it is.
type FolderUpdate struct {
	IfChangeKey []byte // when set, ErrConflict unless it is the current one
	Name        *string
	Class       *string
	Hidden      *bool
	Set         mapi.Bag
	Delete      []mapi.Tag
	Search      *Search // what a search folder looks for from now on
	Permissions *[]Permission
}

// Limits of folders.
const (
	MaxFolderName  = 255 // letters
	MaxFolderDepth = 300
)

const insertFolder = `INSERT INTO folder (mailbox, fid, parent_fid, kind, class, role, display_name, name_key, hidden,
	created_cn, cn, change_key, pcl, ctime, mtime, content_cn_max, read_cn_max, deleted_max, total, unread, fai_count, deleted_count,
	children, size, next_imap_uid, props)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $13, 0, 0, 0, 0, 0, 0, 0, $14, 0, 1, $15)`

const folderColumns = `fid, parent_fid, kind, class, role, display_name, hidden, created_cn, cn, change_key, pcl, ctime, mtime,
	content_cn_max, read_cn_max, deleted_max, total, unread, fai_count, deleted_count, children, size, props`

// nameKey returns the form under which two folder names are the same: composed and without case.
func nameKey(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// folderName checks and cleans a name.
func folderName(name string) (string, error) {
	name = clean(name)
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > MaxFolderName {
		return "", fmt.Errorf("folder name of %d letters, want 1 to %d: %w", utf8.RuneCountInString(name), MaxFolderName, ErrInvalid)
	}
	return name, nil
}

// scanFolders reads rows of folderColumns and closes them.
func (m *Mailbox) scanFolders(rows *sqldb.Rows, err error) ([]*Folder, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*Folder
	for rows.Next() {
		f := &Folder{ID: FolderID{Mailbox: m.guid}, Parent: FolderID{Mailbox: m.guid}}
		var created, modified int64
		var read, gone mapi.GlobCnt
		var props []byte
		err := rows.Scan(&f.ID.Folder, &f.Parent.Folder, &f.Kind, &f.Class, &f.Role, &f.Name, &f.Hidden, &f.CreatedCN, &f.CN, &f.ChangeKey, &f.PCL,
			&created, &modified, &f.ContentCN, &read, &gone, &f.Total, &f.Unread, &f.Associated, &f.Deleted, &f.Children, &f.Size, &props)
		if err != nil {
			return nil, err
		}
		f.ContentCN = max(f.ContentCN, read, gone)
		f.Created, f.Modified = fromMicros(created), fromMicros(modified)
		if f.Props, err = mapi.DecodeBag(props); err != nil {
			return nil, fmt.Errorf("%v: %w", f.ID, err)
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// querier is what both a database and a transaction can do.
type querier interface {
	Query(query string, args ...any) (*sqldb.Rows, error)
}

// reads is a database as a querier.
type reads struct {
	ctx context.Context
	db  *sqldb.DB
}

func (r reads) Query(query string, args ...any) (*sqldb.Rows, error) {
	return r.db.Query(r.ctx, query, args...)
}

func (m *Mailbox) reads(ctx context.Context) querier { return reads{ctx, m.store.db} }

func (m *Mailbox) folder(q querier, fid mapi.GlobCnt) (*Folder, error) {
	list, err := m.scanFolders(q.Query("SELECT "+folderColumns+" FROM folder WHERE mailbox = $1 AND fid = $2", m.id, fid))
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", FolderID{m.guid, fid}, err)
	}
	return list[0], nil
}

// Folder returns a folder, ErrNotFound when there is none with the id.
func (m *Mailbox) Folder(ctx context.Context, id FolderID) (*Folder, error) {
	m, err := m.folderGate(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	return m.folder(m.reads(ctx), id.Folder)
}

// EnsureFolder returns the folder below a parent that has the name of f, case apart, and
// makes it where there is none; made tells whether it did.
func (m *Mailbox) EnsureFolder(ctx context.Context, f NewFolder) (id FolderID, made bool, err error) {
	created, err := m.CreateFolder(ctx, f)
	if err == nil {
		return created.ID, true, nil
	}
	if !errors.Is(err, ErrExists) {
		return FolderID{}, false, err
	}
	list, err := m.Folders(ctx, f.Parent, false)
	if err != nil {
		return FolderID{}, false, err
	}
	for _, have := range list {
		if SameName(have.Name, f.Name) {
			return have.ID, false, nil
		}
	}
	return FolderID{}, false, fmt.Errorf("folder %q went meanwhile: %w", clean(f.Name), ErrNotFound)
}

// Folders returns the folders below a parent, parents before children: those
// directly below, or with deep all of them. It reads the mailbox's whole folder
// tree when deep.
func (m *Mailbox) Folders(ctx context.Context, parent FolderID, deep bool) ([]*Folder, error) {
	var e *extent
	_, err := m.folderGate(ctx, parent, 0)
	if err == nil {
		m, e, err = m.everywhereGate(ctx)
	}
	if err != nil {
		return nil, err
	}
	if _, err := m.folder(m.reads(ctx), parent.Folder); err != nil {
		return nil, err
	}
	if !deep {
		list, err := m.scanFolders(m.reads(ctx).Query("SELECT "+folderColumns+" FROM folder WHERE mailbox = $1 AND parent_fid = $2 ORDER BY name_key", m.id, parent.Folder))
		if err != nil {
			return nil, fmt.Errorf("folders below %v: %w", parent, err)
		}
		return e.visible(list), nil
	}
	all, err := m.allFolders(m.reads(ctx))
	if err != nil {
		return nil, fmt.Errorf("folders below %v: %w", parent, err)
	}
	return e.visible(below(all, parent.Folder)), nil
}

func (m *Mailbox) allFolders(q querier) ([]*Folder, error) {
	return m.scanFolders(q.Query("SELECT "+folderColumns+" FROM folder WHERE mailbox = $1 ORDER BY parent_fid, name_key", m.id))
}

// below returns the folders under a parent from a list of all, parents before children.
func below(all []*Folder, parent mapi.GlobCnt) []*Folder {
	children := map[mapi.GlobCnt][]*Folder{}
	for _, f := range all {
		children[f.Parent.Folder] = append(children[f.Parent.Folder], f)
	}
	var out []*Folder
	var walk func(fid mapi.GlobCnt, depth int)
	walk = func(fid mapi.GlobCnt, depth int) {
		if depth > MaxFolderDepth {
			return
		}
		for _, f := range children[fid] {
			out = append(out, f)
			walk(f.ID.Folder, depth+1)
		}
	}
	walk(parent, 0)
	return out
}

// path returns the fids from a folder up to the root.
func (w *writer) path(fid mapi.GlobCnt) ([]mapi.GlobCnt, error) { return w.m.path(w, fid) }

func (m *Mailbox) path(q querier, fid mapi.GlobCnt) ([]mapi.GlobCnt, error) {
	var path []mapi.GlobCnt
	for fid != 0 && len(path) <= MaxFolderDepth {
		path = append(path, fid)
		rows, err := q.Query("SELECT parent_fid FROM folder WHERE mailbox = $1 AND fid = $2", m.id, fid)
		if err != nil {
			return nil, err
		}
		there := rows.Next()
		if there {
			err = rows.Scan(&fid)
		}
		if err = errors.Join(err, rows.Close()); err == nil && !there {
			err = ErrNotFound
		}
		if err != nil {
			return nil, fmt.Errorf("folder %d: %w", path[len(path)-1], err)
		}
	}
	return path, nil
}

// nameFree tells whether no other folder of the parent has the name.
func (w *writer) nameFree(parent, self mapi.GlobCnt, name string) error {
	var n int
	err := w.QueryRow("SELECT count(*) FROM folder WHERE mailbox = $1 AND parent_fid = $2 AND name_key = $3 AND fid <> $4", w.m.id, parent, nameKey(name), self).Scan(&n)
	if err == nil && n > 0 {
		return fmt.Errorf("a folder of that name: %w", ErrExists)
	}
	return err
}

// CreateFolder makes a folder. A name that a sibling has (case apart) is ErrExists.
func (m *Mailbox) CreateFolder(ctx context.Context, f NewFolder) (*Folder, error) {
	name, err := folderName(f.Name)
	if err == nil && f.Search != nil {
		m, err = m.wholeGate()
	}
	if err == nil {
		m, err = m.folderGate(ctx, f.Parent, RightCreateSubfolder)
	}
	if err != nil {
		return nil, fmt.Errorf("create folder: %w", err)
	}
	class := clean(f.Class)
	if class == "" {
		class = "IPF.Note"
	}
	f.Name, f.Class = name, class
	var made *Folder
	err = m.write(ctx, func(w *writer) (err error) {
		made, err = w.createFolder(f)
		return err
	})
	if err == nil && f.Search != nil {
		if err = m.searchSome(ctx); err == nil {
			made, err = m.folder(m.reads(ctx), made.ID.Folder)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create folder: %w", err)
	}
	return made, nil
}

// createFolder makes a folder whose name and class are clean.
func (w *writer) createFolder(f NewFolder) (*Folder, error) {
	props, err := packBag(f.Props)
	if err != nil {
		return nil, err
	}
	path, err := w.path(f.Parent.Folder)
	if err != nil {
		return nil, err
	}
	if len(path) >= MaxFolderDepth {
		return nil, fmt.Errorf("more than %d levels: %w", MaxFolderDepth, ErrInvalid)
	}
	parent, err := w.counts(f.Parent.Folder)
	if err != nil {
		return nil, err
	}
	if err := w.nameFree(f.Parent.Folder, 0, f.Name); err != nil {
		return nil, err
	}
	if parent.kind == SearchFolder {
		return nil, fmt.Errorf("a search folder has no folders below it: %w", ErrInvalid)
	}
	fid, cn := w.number(), w.change()
	key := w.m.changeKey(cn)
	kind := GenericFolder
	if f.Search != nil {
		kind = SearchFolder
		if err := w.putSearch(fid, f.Search); err != nil {
			return nil, err
		}
	}
	_, err = w.Exec(insertFolder, w.m.id, fid, f.Parent.Folder, kind, f.Class, "", f.Name, nameKey(f.Name), number(f.Hidden), cn,
		key.Bytes(), mapi.PCL(nil).With(key).Bytes(), micros(w.now), 0, props)
	if err != nil {
		return nil, err
	}
	parent.children++
	if f.Permissions != nil {
		err = w.permit(fid, *f.Permissions)
	} else {
		err = w.inherit(f.Parent.Folder, fid)
	}
	if err != nil {
		return nil, err
	}
	return w.m.folder(w, fid)
}

// touchFolder writes a folder's row with a new change number.
func (w *writer) touchFolder(f *Folder) error {
	cn := w.change()
	pcl, err := w.m.nextPCL(f.PCL, cn)
	if err != nil {
		return err
	}
	f.CN, f.PCL, f.ChangeKey = cn, pcl, w.m.changeKey(cn).Bytes()
	f.Modified = fromMicros(micros(w.now))
	props, err := packBag(f.Props)
	if err != nil {
		return err
	}
	_, err = w.Exec(`UPDATE folder SET parent_fid = $3, class = $4, display_name = $5, name_key = $6, hidden = $7, cn = $8, change_key = $9, pcl = $10,
		mtime = $11, props = $12 WHERE mailbox = $1 AND fid = $2`,
		w.m.id, f.ID.Folder, f.Parent.Folder, f.Class, f.Name, nameKey(f.Name), number(f.Hidden), cn, f.ChangeKey, pcl, micros(w.now), props)
	return err
}

// UpdateFolder changes a folder's own data. A distinguished folder keeps its name's
// role whatever it is called.
func (m *Mailbox) UpdateFolder(ctx context.Context, id FolderID, u FolderUpdate) (*Folder, error) {
	var after *Folder
	var err error
	if u.Search != nil {
		m, err = m.wholeGate()
	}
	if err == nil {
		m, err = m.folderGate(ctx, id, RightFolderOwner)
	}
	if err == nil {
		err = m.write(ctx, func(w *writer) error {
			f, err := m.folder(w, id.Folder)
			if err != nil {
				return err
			}
			if u.IfChangeKey != nil && string(u.IfChangeKey) != string(f.ChangeKey) {
				return ErrConflict
			}
			if u.Name != nil {
				if f.Name, err = folderName(*u.Name); err != nil {
					return err
				}
				if err := w.nameFree(f.Parent.Folder, id.Folder, f.Name); err != nil {
					return err
				}
			}
			if u.Class != nil {
				f.Class = clean(*u.Class)
			}
			if u.Hidden != nil {
				f.Hidden = *u.Hidden
			}
			for _, tag := range u.Delete {
				removeProperty(f.Props, tag)
			}
			for tag, v := range u.Set {
				removeProperty(f.Props, tag)
				f.Props[tag] = v
			}
			if u.Search != nil {
				if f.Kind != SearchFolder {
					return fmt.Errorf("it is no search folder: %w", ErrInvalid)
				}
				if err := w.putSearch(id.Folder, u.Search); err != nil {
					return err
				}
			}
			if u.Permissions != nil {
				if err := w.permit(id.Folder, *u.Permissions); err != nil {
					return err
				}
			}
			if err := w.touchFolder(f); err != nil {
				return err
			}
			after = f
			return nil
		})
	}
	if err == nil && u.Search != nil {
		if err = m.searchSome(ctx); err == nil {
			after, err = m.folder(m.reads(ctx), id.Folder)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("update %v: %w", id, err)
	}
	return after, nil
}

// MoveFolder hangs a folder below another parent; its id and those of everything
// in it stay. Moving a folder below itself, or a distinguished one, is ErrInvalid.
func (m *Mailbox) MoveFolder(ctx context.Context, id, parent FolderID) (*Folder, error) {
	var after *Folder
	_, err := m.folderGate(ctx, parent, RightCreateSubfolder)
	if err == nil {
		m, err = m.treeGate(ctx, id, RightFolderOwner)
	}
	if err == nil {
		err = m.write(ctx, func(w *writer) (err error) {
			after, err = w.moveFolder(id.Folder, parent.Folder, "")
			return err
		})
	}
	if err == nil {
		err = m.searchSome(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("move %v: %w", id, err)
	}
	return after, nil
}

// moveFolder moves a folder and, unless newName is empty, renames it.
func (w *writer) moveFolder(fid, parent mapi.GlobCnt, newName string) (*Folder, error) {
	m := w.m
	f, err := m.folder(w, fid)
	if err != nil {
		return nil, err
	}
	if f.Role != "" {
		return nil, fmt.Errorf("a distinguished folder stays where it is: %w", ErrInvalid)
	}
	path, err := w.path(parent)
	if err != nil {
		return nil, err
	}
	for _, above := range path {
		if above == fid {
			return nil, fmt.Errorf("a folder cannot be below itself: %w", ErrInvalid)
		}
	}
	all, err := m.allFolders(w)
	if err != nil {
		return nil, err
	}
	inside := below(all, fid)
	if len(path)+1+depth(inside, fid) > MaxFolderDepth {
		return nil, fmt.Errorf("more than %d levels: %w", MaxFolderDepth, ErrInvalid)
	}
	if newName != "" {
		f.Name = newName
	}
	if err := w.nameFree(parent, fid, f.Name); err != nil {
		return nil, err
	}
	from, err := w.counts(f.Parent.Folder)
	if err != nil {
		return nil, err
	}
	to, err := w.counts(parent)
	if err != nil {
		return nil, err
	}
	if to.kind == SearchFolder {
		return nil, fmt.Errorf("a search folder has no folders below it: %w", ErrInvalid)
	}
	if err := w.searchAnew(); err != nil {
		return nil, err
	}
	from.children--
	to.children++
	old := f.Parent
	f.Parent.Folder = parent
	if err := w.touchFolder(f); err != nil {
		return nil, err
	}
	stone := stone{kind: folderStone, cn: f.CN, folder: old.Folder, id: fid, created: f.CreatedCN, reason: goneMoved, movedTo: parent}
	if err := w.bury(stone); err != nil {
		return nil, err
	}
	// What hangs below enters and leaves the view of one who watches a part of the tree.
	for _, child := range inside {
		if err := w.touchFolder(child); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// depth returns how many levels lie below a folder.
func depth(inside []*Folder, fid mapi.GlobCnt) int {
	levels := map[mapi.GlobCnt]int{fid: 0}
	deepest := 0
	for _, f := range inside {
		levels[f.ID.Folder] = levels[f.Parent.Folder] + 1
		deepest = max(deepest, levels[f.ID.Folder])
	}
	return deepest
}

// removeProperty takes a property out of a bag, whatever its type.
func removeProperty(bag mapi.Bag, tag mapi.Tag) {
	if found, _, ok := bag.Find(tag); ok {
		delete(bag, found)
	}
}

// packBag packs a folder's, recipient's or attachment's properties, nil included.
func packBag(bag mapi.Bag) ([]byte, error) {
	packed, err := bag.Encode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return packed, nil
}

// Properties returns the folder's own properties together with those that MAPI
// computes, for a restriction on folders (query.Match).
func (f *Folder) Properties() mapi.Bag {
	bag := mapi.Bag{}
	for tag, v := range f.Props {
		bag[tag] = v
	}
	bag[mapi.PidTagDisplayName] = f.Name
	if f.Class != "" {
		bag[mapi.PidTagContainerClass] = f.Class
	}
	bag[mapi.PidTagContentCount] = int32(f.Total)
	bag[mapi.PidTagContentUnreadCount] = int32(f.Unread)
	bag[mapi.PidTagAssociatedContentCount] = int32(f.Associated)
	bag[mapi.PidTagDeletedCountTotal] = int32(f.Deleted)
	bag[mapi.PidTagSubfolders] = f.Children > 0
	bag[mapi.PidTagMessageSizeExtended] = f.Size
	bag[mapi.PidTagAttributeHidden] = f.Hidden
	bag[mapi.PidTagCreationTime] = f.Created
	bag[mapi.PidTagLastModificationTime] = f.Modified
	bag[mapi.PidTagChangeKey] = f.ChangeKey
	bag[mapi.PidTagPredecessorChangeList] = f.PCL
	return bag
}

// SameName tells whether two names are those of one folder.
func SameName(a, b string) bool { return nameKey(clean(a)) == nameKey(clean(b)) }
