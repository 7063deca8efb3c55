package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"strings"
	"sync"

	"hma/wire/guid"
	"hma/wire/mapi"
)

// ID is what an opaque id of a client stands for: a FolderID, an ItemID, an
// OccurrenceID, an AttachmentID or a ConversationID.
type ID interface {
	// Encode returns the id as text that begins with "AAMk", sealed with key so
	// that ParseID with another key refuses it.
	Encode(key []byte) string
	// InMailbox returns the GUID of the mailbox that the id belongs to.
	InMailbox() guid.GUID
}

// FolderID names a folder. It stays the same when the folder moves.
type FolderID struct {
	Mailbox guid.GUID
	Folder  mapi.GlobCnt // fid
}

// ItemID names an item where it is now: after a move the item has another ItemID with the same Row.
type ItemID struct {
	Mailbox guid.GUID
	Row     mapi.GlobCnt // row key, never changes
	Mid     mapi.GlobCnt // renewed by each move
}

// AttachmentID names an attachment by its item and its number there, which is never used again.
type AttachmentID struct {
	Item   ItemID
	Number int32
	// Inner leads from the item of an attachment on to an attachment of that item:
	// two bytes for the place in each. The store knows nothing of what is within an
	// attachment; to it such an id names nothing.
	Inner string
}

// maxInner is how many items may lie in each other for an id to name something in the innermost.
const maxInner = 8

// Below returns the id of an attachment of the item that this attachment is, by its
// place there; false when it lies too deep to have one.
func (id AttachmentID) Below(place int) (AttachmentID, bool) {
	if place > math.MaxUint16 || len(id.Inner) >= 2*maxInner {
		return AttachmentID{}, false
	}
	id.Inner += string([]byte{byte(place >> 8), byte(place)})
	return id, true
}

// Path returns the places that lead to the attachment from the item's own attachment.
func (id AttachmentID) Path() (places []int) {
	for i := 0; i+1 < len(id.Inner); i += 2 {
		places = append(places, int(id.Inner[i])<<8|int(id.Inner[i+1]))
	}
	return places
}

// OccurrenceID names one occurrence of a series by the series' item and the day
// that the pattern gives the occurrence, in days since 1 January 1601. Whether the
// item is a series that has it, the store does not know.
type OccurrenceID struct {
	Item ItemID
	Day  int32
}

// ConversationID names a conversation within a mailbox by its PidTagConversationId.
type ConversationID struct {
	Mailbox      guid.GUID
	Conversation [16]byte
}

// InMailbox implements ID.
func (id ConversationID) InMailbox() guid.GUID { return id.Mailbox }

// MailboxOf returns which mailbox the text of an id says it is in. It is only said:
// whether the text is an id at all, ParseID tells.
func MailboxOf(text string) (id guid.GUID, ok bool) {
	const head = 5 // fixed bytes, version, kind
	if len(text) < 28 {
		return id, false
	}
	raw, err := base64.StdEncoding.DecodeString(text[:28])
	if err != nil {
		return id, false
	}
	return guid.GUID(raw[head : head+16]), true
}

// InMailbox implements ID.
func (id FolderID) InMailbox() guid.GUID { return id.Mailbox }

// InMailbox implements ID.
func (id ItemID) InMailbox() guid.GUID { return id.Mailbox }

// InMailbox implements ID.
func (id OccurrenceID) InMailbox() guid.GUID { return id.Item.Mailbox }

// InMailbox implements ID.
func (id AttachmentID) InMailbox() guid.GUID { return id.Item.Mailbox }

// An id's bytes: three fixed ones that read "AAMk" in base64 together with the
// kind's upper bits, version, kind, mailbox GUID, numbers of six bytes, and ten
// bytes of HMAC-SHA-256 over all of it.
const (
	idVersion = 1
	macSize   = 10

	kindFolder       = 1
	kindItem         = 2
	kindAttachment   = 3
	kindSync         = 4
	kindOccurrence   = 5
	kindConversation = 6
)

// idHead is "AAMk" in base64.
var idHead = [3]byte{0x00, 0x03, 0x24}

func seal(key []byte, kind byte, mailbox guid.GUID, rest ...[]byte) string {
	raw := append(make([]byte, 0, 64), idHead[:]...) // most have room in it
	raw = append(raw, idVersion, kind)
	raw = append(raw, mailbox[:]...)
	for _, part := range rest {
		raw = append(raw, part...)
	}
	return base64.StdEncoding.EncodeToString(append(raw, mac(key, raw)...))
}

// macs are what mac has used before: every id of a request takes one, and the key of all
// is the same.
var macs sync.Pool

// keyed is an HMAC with its key.
type keyed struct {
	hash.Hash
	key []byte
}

var macLabel = []byte("hma store id\x00")

func mac(key, raw []byte) []byte {
	h, _ := macs.Get().(*keyed)
	if h == nil || !hmac.Equal(h.key, key) {
		h = &keyed{hmac.New(sha256.New, key), bytes.Clone(key)}
	}
	defer macs.Put(h)
	h.Reset()
	h.Write(macLabel)
	h.Write(raw)
	return h.Sum(nil)[:macSize]
}

// unseal checks text and returns its kind, mailbox and the bytes behind them.
func unseal(key []byte, text string) (kind byte, mailbox guid.GUID, rest []byte, err error) {
	const head = len(idHead) + 2 + 16
	if len(text) > 256 {
		return 0, guid.Nil, nil, ErrMalformedID
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	// The decoder skips line ends; an id has one text only.
	if err != nil || strings.ContainsAny(text, "\r\n") || len(raw) < head+macSize {
		return 0, guid.Nil, nil, ErrMalformedID
	}
	body, sum := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !hmac.Equal(mac(key, body), sum) || [3]byte(body[:3]) != idHead || body[3] != idVersion {
		return 0, guid.Nil, nil, ErrMalformedID
	}
	return body[4], guid.GUID(body[5:head]), body[head:], nil
}

// Encode implements ID.
func (id FolderID) Encode(key []byte) string {
	n := id.Folder.Bytes()
	return seal(key, kindFolder, id.Mailbox, n[:])
}

// Encode implements ID.
func (id ItemID) Encode(key []byte) string {
	row, mid := id.Row.Bytes(), id.Mid.Bytes()
	return seal(key, kindItem, id.Mailbox, row[:], mid[:])
}

// Encode implements ID.
func (id AttachmentID) Encode(key []byte) string {
	row, mid := id.Item.Row.Bytes(), id.Item.Mid.Bytes()
	return seal(key, kindAttachment, id.Item.Mailbox, row[:], mid[:], binary.BigEndian.AppendUint32(nil, uint32(id.Number)), []byte(id.Inner))
}

// Encode implements ID.
func (id OccurrenceID) Encode(key []byte) string {
	row, mid := id.Item.Row.Bytes(), id.Item.Mid.Bytes()
	return seal(key, kindOccurrence, id.Item.Mailbox, row[:], mid[:], binary.BigEndian.AppendUint32(nil, uint32(id.Day)))
}

// Encode implements ID.
func (id ConversationID) Encode(key []byte) string {
	return seal(key, kindConversation, id.Mailbox, id.Conversation[:])
}

// ParseID reads what Encode wrote under the same key. Text that is forged,
// truncated, of another version or no id at all is ErrMalformedID; whether the
// object exists is not looked at.
func ParseID(key []byte, text string) (ID, error) {
	kind, mailbox, rest, err := unseal(key, text)
	if err != nil {
		return nil, err
	}
	number := func(i int) mapi.GlobCnt { return mapi.GlobCntFrom([6]byte(rest[i : i+6])) }
	switch {
	case kind == kindFolder && len(rest) == 6:
		return FolderID{mailbox, number(0)}, nil
	case kind == kindItem && len(rest) == 12:
		return ItemID{mailbox, number(0), number(6)}, nil
	case kind == kindAttachment && len(rest) >= 16 && len(rest) <= 16+2*maxInner && len(rest)%2 == 0:
		return AttachmentID{ItemID{mailbox, number(0), number(6)}, int32(binary.BigEndian.Uint32(rest[12:])), string(rest[16:])}, nil
	case kind == kindOccurrence && len(rest) == 16:
		return OccurrenceID{ItemID{mailbox, number(0), number(6)}, int32(binary.BigEndian.Uint32(rest[12:]))}, nil
	case kind == kindConversation && len(rest) == 16:
		return ConversationID{mailbox, [16]byte(rest)}, nil
	}
	return nil, ErrMalformedID
}

// String shows the id in an error or a log.
func (id FolderID) String() string {
	return fmt.Sprintf("folder %d of mailbox %s", id.Folder, id.Mailbox)
}

// String shows the id in an error or a log.
func (id ItemID) String() string {
	return fmt.Sprintf("item %d/%d of mailbox %s", id.Row, id.Mid, id.Mailbox)
}
