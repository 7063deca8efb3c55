package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"

	"hma/wire/guid"
	"hma/wire/mapi"
)

// The packed form of an item is the item whole, outside any mailbox: what it
// refers to travels with it. It is four bytes, a version, the contents, the
// record, and the SHA-256 of all of it. Numbers are unsigned varints unless said
// otherwise, lengths stand before what they count.
//
//	content:  'c', size, SHA-256, bytes
//	record:   'i', length, flags, MIME, names, bag, recipients, attachments
//
// A property set and a name stand for each named property that has an id of one
// mailbox alone. Every content that the record refers to is among the contents.
const packVersion = 1

// PackedType is the ContentType of an attachment whose content is a packed item.
const PackedType = "application/vnd.hma.item"

var packMagic = [4]byte{'H', 'M', 'A', 'i'}

// Limits of a packed item.
const (
	maxPackedRecord   = 24 << 20
	maxPackedContents = 10_000
	maxPackedNames    = 8192
	maxPackedRows     = 10_000 // recipients, attachments
	maxUnpackedInRAM  = 2 << 20
)

const (
	packAssociated = 1
	packRead       = 2
)

// Again returns what would make the item once more, for any folder of the mailbox.
// The item must have been read with all properties, recipients and attachments.
func (it *Item) Again() NewItem {
	return NewItem{Folder: it.Folder, Associated: it.Associated, Read: it.Read, MIME: it.MIME, Props: it.Props, Recipients: it.Recipients, Attachments: it.Attachments}
}

// Pack writes the packed form of an item, in this mailbox or for it. Long contents flow through.
func (m *Mailbox) Pack(ctx context.Context, item NewItem, w io.Writer) error {
	p := &packer{sum: sha256.New()}
	p.w = io.MultiWriter(w, p.sum)
	record, blobs, err := m.packRecord(ctx, item)
	if err != nil {
		return fmt.Errorf("pack item: %w", err)
	}
	p.write(append(packMagic[:], packVersion))
	for _, blob := range blobs {
		p.write(append(binary.AppendUvarint([]byte{'c'}, uint64(blob.Size)), blob.Hash[:]...))
		if data, short := item.Contents[blob]; short {
			p.write(data)
			continue
		}
		if p.err == nil {
			_, p.err = m.OpenBlob(ctx, blob).WriteTo(p.w)
		}
	}
	p.write(binary.AppendUvarint([]byte{'i'}, uint64(len(record))))
	p.write(record)
	p.write(p.sum.Sum(nil))
	if p.err != nil {
		return fmt.Errorf("pack item: %w", p.err)
	}
	return nil
}

type packer struct {
	w   io.Writer
	sum hash.Hash
	err error
}

func (p *packer) write(b []byte) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
}

// packRecord returns an item's record and the contents that it refers to, each once.
func (m *Mailbox) packRecord(ctx context.Context, item NewItem) (record []byte, blobs []mapi.Blob, err error) {
	seen := map[mapi.Blob]bool{}
	refer := func(b mapi.Blob) {
		if !b.IsZero() && !seen[b] {
			seen[b] = true
			blobs = append(blobs, b)
		}
	}
	ids := map[uint16]bool{}
	var bags []mapi.Bag
	bags = append(bags, item.Props)
	for _, r := range item.Recipients {
		bags = append(bags, r.Props)
	}
	for _, a := range item.Attachments {
		bags = append(bags, a.Props)
	}
	refer(item.MIME)
	for _, bag := range bags {
		for _, tag := range slices.Sorted(maps.Keys(bag)) {
			if tag.ID() >= mapi.FirstMailboxName {
				ids[tag.ID()] = true
			}
			if blob, long := bag[tag].(mapi.Blob); long {
				refer(blob)
			}
		}
	}
	for _, a := range item.Attachments {
		refer(a.Content)
	}
	var out appender
	flags := packAssociated*number(item.Associated) | packRead*number(item.Read)
	out = append(out, byte(flags))
	out.blob(item.MIME)
	used := slices.Sorted(maps.Keys(ids))
	names, err := m.Names(ctx, used)
	if err != nil {
		return nil, nil, err
	}
	out.uint(uint64(len(used)))
	for i, id := range used {
		out.uint(uint64(id))
		out = append(out, names[i].Set[:]...)
		out.uint(uint64(names[i].LID))
		out.bytes([]byte(names[i].Text))
	}
	if err := out.bag(item.Props); err != nil {
		return nil, nil, err
	}
	out.uint(uint64(len(item.Recipients)))
	for _, r := range item.Recipients {
		out.uint(uint64(uint32(r.Type)))
		for _, text := range []string{r.AddressType, r.Address, r.SMTP, r.Name, string(r.EntryID)} {
			out.bytes([]byte(text))
		}
		if err := out.bag(r.Props); err != nil {
			return nil, nil, err
		}
	}
	out.uint(uint64(len(item.Attachments)))
	for _, a := range item.Attachments {
		out.uint(uint64(uint32(a.Method)))
		out.uint(uint64(attachInline*number(a.Inline) | attachHidden*number(a.Hidden)))
		out.uint(uint64(uint32(a.Rendering)))
		for _, text := range []string{a.Filename, a.ContentType, a.ContentID} {
			out.bytes([]byte(text))
		}
		out.blob(a.Content)
		if err := out.bag(a.Props); err != nil {
			return nil, nil, err
		}
	}
	if len(out) > maxPackedRecord {
		return nil, nil, fmt.Errorf("record of %d bytes: %w", len(out), ErrTooLarge)
	}
	return out, blobs, nil
}

// appender writes the parts of a record.
type appender []byte

func (a *appender) uint(n uint64)  { *a = binary.AppendUvarint(*a, n) }
func (a *appender) bytes(b []byte) { a.uint(uint64(len(b))); *a = append(*a, b...) }

func (a *appender) blob(b mapi.Blob) {
	if b.IsZero() {
		*a = append(*a, 0)
		return
	}
	*a = append(append(*a, 1), b.Hash[:]...)
	a.uint(uint64(b.Size))
}

func (a *appender) bag(b mapi.Bag) error {
	packed, err := b.Encode()
	if err != nil {
		return err
	}
	a.bytes(packed)
	return nil
}

// Unpack reads a packed item into this mailbox: its contents are among the item's
// Contents, long ones written, and its named properties have the mailbox's ids.
// What is cut, changed or not of a known version is ErrMalformedItem.
func (m *Mailbox) Unpack(ctx context.Context, r io.Reader) (NewItem, error) {
	contents, held := Contents{}, int64(0)
	item, names, err := readPacked(r, func(blob mapi.Blob, r io.Reader) error {
		if blob.Size < ChunkSize && held+blob.Size < maxUnpackedInRAM {
			held += blob.Size
			data, err := io.ReadAll(r)
			contents.Add(data)
			return err
		}
		_, err := m.WriteBlob(ctx, r)
		return err
	})
	if err == nil {
		item.Contents = contents
		err = m.rename(ctx, &item, names, true)
	}
	if err != nil {
		return NewItem{}, fmt.Errorf("unpack item: %w", err)
	}
	return item, nil
}

// Look reads a packed item without keeping anything of it: the contents that the
// item refers to are in the packed form only (Packed). Named properties that the
// mailbox does not know are left out.
func (m *Mailbox) Look(ctx context.Context, r io.Reader) (*Item, error) {
	n, names, err := readPacked(r, func(mapi.Blob, io.Reader) error { return nil })
	if err != nil {
		return nil, fmt.Errorf("read packed item: %w", err)
	}
	if err := m.rename(ctx, &n, names, false); err != nil {
		return nil, fmt.Errorf("read packed item: %w", err)
	}
	it := &Item{Folder: n.Folder, Associated: n.Associated, Read: n.Read, MIME: n.MIME, Props: n.Props, Recipients: n.Recipients, Attachments: n.Attachments}
	for i := range it.Attachments {
		it.Attachments[i].ID.Number = int32(i)
	}
	return it, nil
}

// Packed writes one content of a packed item to w; ErrNotFound when it is not there.
func Packed(r io.Reader, blob mapi.Blob, w io.Writer) error {
	found := false
	_, _, err := readPacked(r, func(b mapi.Blob, r io.Reader) error {
		if b != blob || found {
			return nil
		}
		found = true
		_, err := io.Copy(w, r)
		return err
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return err
}

// rename gives the named properties of an unpacked item this mailbox's ids. Those
// of names that the mailbox does not know are left out, or with create made known.
func (m *Mailbox) rename(ctx context.Context, item *NewItem, names map[uint16]mapi.Name, create bool) error {
	old := slices.Sorted(maps.Keys(names))
	list := make([]mapi.Name, len(old))
	for i, id := range old {
		list[i] = names[id]
	}
	ids, err := m.NamedIDs(ctx, list, create)
	if err != nil {
		return err
	}
	to := map[uint16]uint16{}
	for i, id := range old {
		to[id] = ids[i]
	}
	renamed := func(bag mapi.Bag) mapi.Bag {
		out := make(mapi.Bag, len(bag))
		for tag, v := range bag {
			if tag.ID() >= mapi.FirstMailboxName {
				if to[tag.ID()] == 0 {
					continue
				}
				tag = mapi.NewTag(to[tag.ID()], tag.Type())
			}
			out[tag] = v
		}
		return out
	}
	item.Props = renamed(item.Props)
	for i := range item.Recipients {
		item.Recipients[i].Props = renamed(item.Recipients[i].Props)
	}
	for i := range item.Attachments {
		item.Attachments[i].Props = renamed(item.Attachments[i].Props)
	}
	return nil
}

// readPacked reads a packed item. content is called for each content, checked
// against its hash when it returns; what it leaves unread is read past. A reference to a
// content that did not come is refused, whether or not the mailbox has it.
func readPacked(r io.Reader, content func(mapi.Blob, io.Reader) error) (item NewItem, names map[uint16]mapi.Name, err error) {
	sum := sha256.New()
	br := bufio.NewReaderSize(r, 64<<10)
	in := &packedReader{r: br, sum: sum}
	var head [5]byte
	in.full(head[:])
	if in.err == nil && ([4]byte(head[:4]) != packMagic || head[4] != packVersion) {
		in.err = ErrMalformedItem
	}
	have := map[mapi.Blob]bool{}
	for in.err == nil {
		kind, err := in.ReadByte()
		if err != nil {
			break
		}
		size := in.uvarint()
		switch {
		case in.err != nil:
		case kind == 'c' && len(have) < maxPackedContents && size <= 1<<40:
			blob := mapi.Blob{Size: int64(size)}
			in.full(blob.Hash[:])
			if in.err == nil {
				in.content(blob, content)
				have[blob] = true
			}
		case kind == 'i' && size <= maxPackedRecord:
			record, err := io.ReadAll(io.LimitReader(in, int64(size)))
			if err == nil && uint64(len(record)) != size {
				err = ErrMalformedItem
			}
			if in.err = err; err != nil {
				break
			}
			want := sum.Sum(nil)
			var got [sha256.Size]byte
			in.full(got[:])
			if in.err != nil || !bytes.Equal(want, got[:]) {
				return item, nil, ErrMalformedItem
			}
			if _, err := br.ReadByte(); err != io.EOF {
				return item, nil, ErrMalformedItem
			}
			return parseRecord(record, have)
		default:
			in.err = ErrMalformedItem
		}
	}
	if in.err == nil || in.err == io.EOF || in.err == io.ErrUnexpectedEOF {
		in.err = ErrMalformedItem
	}
	return item, nil, in.err
}

// packedReader reads the outer form and sums it.
type packedReader struct {
	r   *bufio.Reader
	sum hash.Hash
	err error
}

func (p *packedReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.sum.Write(b[:n])
	return n, err
}

func (p *packedReader) ReadByte() (byte, error) {
	b, err := p.r.ReadByte()
	if err == nil {
		p.sum.Write([]byte{b})
	}
	p.err = err
	return b, err
}

func (p *packedReader) full(b []byte) {
	if p.err == nil {
		_, p.err = io.ReadFull(p, b)
	}
}

func (p *packedReader) uvarint() uint64 {
	n, err := binary.ReadUvarint(p)
	if err != nil && p.err == nil {
		p.err = ErrMalformedItem
	}
	return n
}

func (p *packedReader) content(blob mapi.Blob, fn func(mapi.Blob, io.Reader) error) {
	own := sha256.New()
	limited := &io.LimitedReader{R: p, N: blob.Size}
	r := io.TeeReader(limited, own)
	if p.err = fn(blob, r); p.err == nil {
		_, p.err = io.Copy(io.Discard, r)
	}
	if p.err == nil && (limited.N != 0 || !bytes.Equal(own.Sum(nil), blob.Hash[:])) {
		p.err = ErrMalformedItem
	}
}

// parseRecord reads a record; have are the contents that came before it.
func parseRecord(record []byte, have map[mapi.Blob]bool) (item NewItem, names map[uint16]mapi.Name, err error) {
	p := &recordReader{rest: record, have: have}
	flags := p.take(1)[0]
	item.Associated, item.Read = flags&packAssociated != 0, flags&packRead != 0
	p.bad = p.bad || flags&^(packAssociated|packRead) != 0
	item.MIME = p.blob()
	names = map[uint16]mapi.Name{}
	for range p.count(maxPackedNames) {
		id := p.uint(0xFFFF)
		name := mapi.Name{Set: guid.GUID(p.take(16)), LID: uint32(p.uint(0xFFFFFFFF)), Text: string(p.bytes())}
		p.bad = p.bad || uint16(id) < mapi.FirstMailboxName || name.Text != "" && name.LID != 0
		if p.bad {
			break
		}
		names[uint16(id)] = name
	}
	item.Props = p.bag(names)
	item.Recipients = []Recipient{}
	for range p.count(maxPackedRows) {
		r := Recipient{Type: int32(p.uint(0xFFFFFFFF)), AddressType: string(p.bytes()), Address: string(p.bytes()), SMTP: string(p.bytes()), Name: string(p.bytes()), EntryID: p.bytes()}
		r.Props = p.bag(names)
		if p.bad {
			break
		}
		item.Recipients = append(item.Recipients, r)
	}
	for range p.count(maxPackedRows) {
		a := Attachment{Method: int32(p.uint(0xFFFFFFFF))}
		bits := p.uint(attachInline | attachHidden)
		a.Inline, a.Hidden = bits&attachInline != 0, bits&attachHidden != 0
		a.Rendering = int32(p.uint(0xFFFFFFFF))
		a.Filename, a.ContentType, a.ContentID = string(p.bytes()), string(p.bytes()), string(p.bytes())
		a.Content = p.blob()
		a.Props = p.bag(names)
		if p.bad {
			break
		}
		item.Attachments = append(item.Attachments, a)
	}
	if p.bad || len(p.rest) > 0 {
		return NewItem{}, nil, ErrMalformedItem
	}
	return item, names, nil
}

// recordReader consumes a record; after the first fault everything it gives is zero.
type recordReader struct {
	rest []byte
	have map[mapi.Blob]bool
	bad  bool
}

func (p *recordReader) take(n int) []byte {
	if p.bad || n > len(p.rest) {
		p.bad = true
		return make([]byte, min(n, 32))
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *recordReader) uint(most uint64) uint64 {
	n, size := binary.Uvarint(p.rest)
	if p.bad || size <= 0 || n > most {
		p.bad = true
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

// count reads a number of rows, each of at least one byte.
func (p *recordReader) count(most uint64) int {
	n := p.uint(most)
	if n > uint64(len(p.rest)) {
		p.bad = true
		return 0
	}
	return int(n)
}

func (p *recordReader) bytes() []byte {
	n := p.uint(uint64(len(p.rest)))
	if p.bad {
		return nil
	}
	return bytes.Clone(p.take(int(n)))
}

func (p *recordReader) blob() mapi.Blob {
	if p.take(1)[0] == 0 || p.bad {
		return mapi.Blob{}
	}
	b := mapi.Blob{Hash: [32]byte(p.take(32)), Size: int64(p.uint(1 << 40))}
	p.bad = p.bad || !p.have[b]
	return b
}

// bag reads a bag whose named properties and contents are all told.
func (p *recordReader) bag(names map[uint16]mapi.Name) mapi.Bag {
	bag, err := mapi.DecodeBag(p.bytes())
	if err != nil || p.bad {
		p.bad = true
		return nil
	}
	for tag, v := range bag {
		if blob, long := v.(mapi.Blob); long && !p.have[blob] {
			p.bad = true
		}
		if _, told := names[tag.ID()]; tag.ID() >= mapi.FirstMailboxName && !told {
			p.bad = true
		}
		if _, known := mapi.WellKnownName(tag.ID()); tag.IsNamed() && tag.ID() < mapi.FirstMailboxName && !known {
			p.bad = true
		}
	}
	return bag
}

// Become returns the change that makes an item what another one is, whole. The item
// must have been read with all properties and attachments.
func (it *Item) Become(n NewItem) ItemUpdate {
	u := ItemUpdate{Set: n.Props, MIME: &n.MIME, Read: &n.Read, Recipients: &n.Recipients, AddAttachments: n.Attachments, Contents: n.Contents}
	for tag := range it.Props {
		if c, column := promotedColumn(tag); column && c.Computed {
			continue
		}
		if _, _, stays := n.Props.Find(tag); !stays {
			u.Delete = append(u.Delete, tag)
		}
	}
	for _, a := range it.Attachments {
		u.DeleteAttachments = append(u.DeleteAttachments, a.ID.Number)
	}
	return u
}
