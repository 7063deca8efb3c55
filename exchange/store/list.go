package store

import "hma/wire/mapi"

// View is which items of a folder are meant.
type View int

// The views of a folder.
const (
	NormalView      View = iota
	AssociatedView       // FAI items
	SoftDeletedView      // items soft-deleted from this folder, now in Recoverable Items
)

// Query is a list of a folder's items.
type Query struct {
	Folder FolderID
	View   View
	Where  mapi.Restriction // nil is all
	Sort   []SortKey        // newest delivery first when empty
	Want   Want
	// Offset counts from the beginning, or back from the end with FromEnd (then
	// the page is still in the order of Sort).
	Offset  int
	FromEnd bool
	Limit   int // 1 to 1000; 1000 when zero
}

// SortKey is one level of order. Missing values come first ascending; text is
// ordered by its first 64 letters without case and accents.
type SortKey struct {
	Tag  mapi.Tag
	Desc bool
}

// Page is a part of a list.
type Page struct {
	Items []*Item
	Next  int  // the offset to go on with
	Total int  // items in the whole list
	Last  bool // nothing follows
}
