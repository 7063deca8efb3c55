package addressbook

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"
	"sync"
	"time"

	"hma/exchange/org"
	"hma/wire/guid"
)

// Name is the global address list's name as clients see it.
const Name = "Global Address List"

// Entry is one recipient as an address list shows it.
type Entry struct {
	GUID        guid.GUID // never changes
	Type        org.RecipientType
	LegacyDN    string // the X.500 name that MAPI clients use as e-mail address
	DisplayName string
	GivenName   string
	Surname     string
	Alias       string
	PrimarySMTP string
	Addresses   []string // the other SMTP addresses
}

// List is one state of the global address list: immutable, shared by all who read it.
type List struct {
	// Entries are in the order of their GUIDs, so that pages and files do not
	// shift when somebody is renamed.
	Entries []Entry
	// Hash is the SHA-256 of everything that the entries show.
	Hash [sha256.Size]byte
	// Sequence grows when the content changes and is the same on every server
	// of the organisation; Made is when it was given.
	Sequence uint32
	Made     time.Time

	once  sync.Once
	found *index // see index
}

// appendShown appends the recipients that are shown: those with an address and a
// legacy distinguished name that are not hidden from address lists.
func appendShown(entries []Entry, people []*org.Recipient) []Entry {
	for _, r := range people {
		if r.HiddenFromAddressLists || r.PrimarySMTP == "" || r.LegacyDN == "" {
			continue
		}
		entries = append(entries, Entry{
			GUID: r.GUID, Type: r.Type, LegacyDN: r.LegacyDN, DisplayName: r.DisplayName, GivenName: r.GivenName,
			Surname: r.Surname, Alias: r.Alias, PrimarySMTP: r.PrimarySMTP, Addresses: others(r),
		})
	}
	return entries
}

func newList(entries []Entry) *List {
	l := &List{Entries: entries}
	slices.SortFunc(l.Entries, func(a, b Entry) int { return bytes.Compare(a.GUID[:], b.GUID[:]) })
	h := sha256.New()
	for i := range l.Entries {
		l.Entries[i].write(h)
	}
	h.Sum(l.Hash[:0])
	return l
}

// others returns the recipient's addresses without the primary one, in a fixed order.
func others(r *org.Recipient) []string {
	var out []string
	for _, a := range r.Addresses {
		if !strings.EqualFold(a, r.PrimarySMTP) {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// write feeds the entry to a hash so that no two different entries give the same bytes.
func (e *Entry) write(h hash.Hash) {
	h.Write(e.GUID[:])
	texts := append([]string{string(e.Type), e.LegacyDN, e.DisplayName, e.GivenName, e.Surname, e.Alias, e.PrimarySMTP}, e.Addresses...)
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(texts)))
	h.Write(n[:])
	for _, text := range texts {
		binary.BigEndian.PutUint32(n[:], uint32(len(text)))
		h.Write(n[:])
		h.Write([]byte(text))
	}
}

// Page returns up to limit entries that come after the one with the GUID, which
// need not be in the list any more; the nil GUID gives the first page. No entry
// is left out or given twice when others come or go between two pages.
func (l *List) Page(after guid.GUID, limit int) []Entry {
	if limit <= 0 {
		return nil
	}
	i, found := slices.BinarySearchFunc(l.Entries, after, func(e Entry, g guid.GUID) int { return bytes.Compare(e.GUID[:], g[:]) })
	if found {
		i++
	}
	return l.Entries[i:min(i+limit, len(l.Entries))]
}

// ListGUID returns the GUID of an organisation's global address list, and
// OfflineGUID that of the offline address book made from it. Both follow from
// the organisation's GUID, so every server of it gives the same ones for ever.
func ListGUID(organisation guid.GUID) guid.GUID { return derive(organisation, Name) }

// OfflineGUID: see ListGUID.
func OfflineGUID(organisation guid.GUID) guid.GUID {
	return derive(organisation, "Default Offline Address Book")
}

// derive makes an RFC 9562 version 8 id of a GUID and a name.
func derive(organisation guid.GUID, name string) guid.GUID {
	sum := sha256.Sum256(append(organisation[:], name...))
	g := guid.GUID(sum[:16])
	g[6] = g[6]&0x0f | 0x80
	g[8] = g[8]&0x3f | 0x80
	return g
}
