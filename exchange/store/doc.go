// Package store keeps mailboxes: folders, items with their properties, recipients
// and attachments, and the numbers from which every protocol's synchronisation is
// made. It is MAPI-shaped (MS-OXCSTOR, MS-OXCFOLD, MS-OXCMSG, MS-OXCFXICS),
// whatever door asks.
//
// A mailbox is known by its GUID and a person by a SID: the store never asks a
// directory. What somebody else may see and do in a mailbox is decided here
// (Mailbox.As). It knows no wire format of a door, renders no MIME, sends nothing
// and decides nothing about meetings; those belong to transport, calendar and
// the doors.
//
// # Identity
//
// An item has a row key, which never changes and on which recipients and
// attachments hang, and a mid, renewed on each move; the old mid leaves a
// tombstone that says where the item went. An ItemID carries both: with the mid
// of before the move it names nothing any more (ErrNotFound). Ids and change
// numbers come from one 48-bit counter per mailbox, taken under the mailbox's row
// lock in the write that uses them, so numbers become visible in order.
//
// # Numbers
//
// created_cn is the number under which the mid entered its folder, cn that of the
// last change, read_cn that of the last change of the read flag alone. What
// happened in a folder since number F is: items with created_cn > F are new, else
// with cn > F changed, else with read_cn > F read or unread; tombstones with a
// number > F are gone. See SyncItems.
//
// # Long values
//
// MIME, attachments and long property values are blobs: rows of at most 256 KiB,
// written before the item that refers to them (WriteBlob) and read as a stream
// (OpenBlob). Equal content is kept once in a mailbox. What nothing refers to
// goes with Sweep. A property value of more than 4 KiB is moved to a blob on
// write; a read bag then holds a mapi.Blob for it, which Resolve replaces.
//
// # Cost
//
// Pages are found by key. A page by offset (List) starts at the nearest place
// that an earlier page of the same list left in a bounded cache; without one, it
// steps over index entries from the start, which costs time in proportion to the
// offset and happens on a jump into the middle or after the folder changed. A
// restriction on words, categories or parts of short texts asks the search index
// (search.go); one on other properties that have no column is evaluated row by row.
//
// Start reading at Store.OpenMailbox, then CreateItem, List and SyncItems.
package store
