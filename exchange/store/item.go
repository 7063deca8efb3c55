package store

import (
	"hma/exchange/store/query"
	"hma/wire/mapi"
)

// Item is one item as it is now.
type Item struct {
	ID         ItemID
	Folder     FolderID
	Associated bool // FAI: a folder's own data, not in the normal view
	Read       bool
	Size       int64 // bytes: of the MIME form when there is one, otherwise of properties and attachments
	CreatedCN  mapi.GlobCnt
	CN         mapi.GlobCnt
	ReadCN     mapi.GlobCnt
	ChangeKey  []byte    // 22 bytes
	PCL        []byte    // packed mapi.PCL
	MIME       mapi.Blob // the original message; zero when there is none or it no longer tells the truth
	// Props are the wanted properties that the item has, columns and bag alike.
	// A long value is a mapi.Blob, see Resolve.
	Props       mapi.Bag
	Recipients  []Recipient  // nil unless wanted
	Attachments []Attachment // nil unless wanted

	// Creator is the SID, in capitals, of who made the item in somebody else's mailbox; "" is the owner or the server.
	Creator string

	mime        []byte // the MIME form, when wanted and short
	sensitivity int32
	deletedFrom mapi.GlobCnt // soft-deleted from this folder
	deletedAt   int64        // when it came into Recoverable Items, microseconds; 0 elsewhere
	nextAttach  int32
}

// Want chooses what of an item is read.
type Want struct {
	// Tags are the wanted properties; All wants every one. Columns alone
	// (query.Columns) cost less than properties of the bag. The type of a tag is
	// not looked at.
	Tags        []mapi.Tag
	All         bool
	Recipients  bool
	Attachments bool
	// MIME has Item and Items read a short MIME form along with the item, for OpenMIME.
	MIME bool
}

// Recipient is one row of an item's recipient table, in the order of the message.
type Recipient struct {
	Type        int32  // mapi.RecipientTo ...
	AddressType string // SMTP, EX
	Address     string
	SMTP        string
	Name        string
	EntryID     []byte
	Props       mapi.Bag
}

// Attachment is one attachment without its content, which Content names. For an
// embedded item (Method mapi.AttachEmbedded) the content is its MIME form, or with
// the ContentType PackedType its packed form.
type Attachment struct {
	ID          AttachmentID // set by the store
	Method      int32        // mapi.AttachByValue when zero
	Filename    string
	ContentType string
	ContentID   string
	Inline      bool
	Hidden      bool
	Rendering   int32 // PidTagRenderingPosition; -1 is not in the text
	Content     mapi.Blob
	Props       mapi.Bag
}

// NewItem is an item to create. Its blobs were written before (WriteBlob) or are among its Contents.
type NewItem struct {
	Folder      FolderID
	Associated  bool
	Read        bool
	MIME        mapi.Blob
	Props       mapi.Bag // PidTagMessageClass is IPM.Note when missing, delivery time now
	Recipients  []Recipient
	Attachments []Attachment
	Contents    Contents // short blobs to write along; nil is none
	Unmetered   bool     // the server's own word to the owner: no quota refuses it
	// Alone is ErrExists where the folder's normal view has an item with the same
	// PidLidCleanGlobalObjectID already: one meeting is one event, however its requests come.
	Alone bool
	// NotifySender has the address in PidTagReadReceiptSmtpAddress told once when the item is read, or deleted unread.
	NotifySender bool
}

// Object returns the item as restrictions see it.
func (n NewItem) Object() query.Object {
	o := query.Object{Props: n.Props}
	for _, r := range n.Recipients {
		o.Recipients = append(o.Recipients, r.properties())
	}
	for _, a := range n.Attachments {
		o.Attachments = append(o.Attachments, a.properties())
	}
	return o
}

// ItemUpdate is a change of an item; what is nil stays. Who changes what the MIME
// form also says takes that away or replaces it in the same update.
type ItemUpdate struct {
	IfChangeKey       []byte // when set, ErrConflict unless it is the current one
	Set               mapi.Bag
	Delete            []mapi.Tag
	Read              *bool
	SuppressReceipts  bool       // the sender is told nothing of this, now or later
	MIME              *mapi.Blob // zero takes it away
	Recipients        *[]Recipient
	AddAttachments    []Attachment
	DeleteAttachments []int32 // numbers; one that is not there is ErrNotFound
	Contents          Contents
}

// Stamp is what a write leaves behind of an item.
type Stamp struct {
	ID          ItemID
	Folder      FolderID
	CN          mapi.GlobCnt
	ChangeKey   []byte  // 22 bytes; equal means unchanged
	Attachments []int32 // the numbers of the attachments that this write added, in their order
}

// stamp returns what is left of an item after a write.
func (it *Item) stamp() Stamp {
	return Stamp{ID: it.ID, Folder: it.Folder, CN: it.CN, ChangeKey: it.ChangeKey}
}
