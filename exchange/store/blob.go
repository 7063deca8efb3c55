package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// ChunkSize is the largest chunk row.
const ChunkSize = 256 << 10

// chunksPerWrite is how many chunks of an upload one transaction takes: it bounds
// the memory of an upload and how long others wait for the writer.
const chunksPerWrite = 4

// WriteBlob stores what r gives and returns its name for a NewItem, an ItemUpdate
// or a bag. Content that the mailbox has already is not stored again. A blob that
// no item comes to refer to is swept after Options.BlobGrace; of content that
// breaks off nothing is left. At most chunksPerWrite chunks are in memory.
func (m *Mailbox) WriteBlob(ctx context.Context, r io.Reader) (mapi.Blob, error) {
	m, err := m.writesGate(ctx)
	if err != nil {
		return mapi.Blob{}, fmt.Errorf("write blob: %w", err)
	}
	blob, err := m.writeBlob(ctx, r)
	if err != nil {
		return mapi.Blob{}, fmt.Errorf("write blob: %w", err)
	}
	return blob, nil
}

func (m *Mailbox) writeBlob(ctx context.Context, r io.Reader) (_ mapi.Blob, err error) {
	id := randomID()
	hash := sha256.New()
	var size, stored int64
	var buffers [chunksPerWrite][]byte // filled anew after each write
	n := 0
	defer func() {
		if err == nil || stored == 0 {
			return
		}
		// The sweep would come too late for one who breaks off again and again.
		err = errors.Join(err, m.store.db.Write(context.WithoutCancel(ctx), func(tx *sqldb.Tx) error { return m.dropBlob(tx, m.id, id) }))
	}()
	for last := false; !last; {
		if buffers[n] == nil && size > 0 {
			buffers[n] = make([]byte, ChunkSize) // the first one grows, most contents being short
		}
		chunk, err := readChunk(r, buffers[n])
		if err != nil {
			return mapi.Blob{}, err
		}
		last = len(chunk) < ChunkSize
		hash.Write(chunk)
		size += int64(len(chunk))
		if len(chunk) > 0 {
			buffers[n] = chunk
			n++
		}
		if last || n < chunksPerWrite {
			continue
		}
		err = m.store.db.Write(ctx, func(tx *sqldb.Tx) error {
			if stored == 0 {
				if err := m.insertBlob(tx, id, nil, 0); err != nil {
					return err
				}
			}
			return m.insertChunks(tx, id, stored, buffers[:])
		})
		if err != nil {
			return mapi.Blob{}, err
		}
		stored += chunksPerWrite
		n = 0
	}
	blob := mapi.Blob{Hash: [32]byte(hash.Sum(nil)), Size: size}
	finish := func(tx *sqldb.Tx) error {
		known, err := tx.Exec("UPDATE blob SET touched = $3 WHERE mailbox = $1 AND hash = $2", m.id, blob.Hash[:], micros(m.store.opts.Now()))
		if err != nil {
			return err
		}
		if n, err := known.RowsAffected(); err != nil || n > 0 {
			if err == nil && stored > 0 {
				err = m.dropBlob(tx, m.id, id)
			}
			return err
		}
		if stored == 0 {
			err = m.insertBlob(tx, id, blob.Hash[:], size)
		} else {
			_, err = tx.Exec("UPDATE blob SET hash = $3, size = $4, touched = $5 WHERE mailbox = $1 AND id = $2", m.id, id, blob.Hash[:], size, micros(m.store.opts.Now()))
		}
		if err != nil {
			return err
		}
		return m.insertChunks(tx, id, stored, buffers[:n])
	}
	err = m.store.db.Write(ctx, finish)
	if sqldb.IsUnique(err) {
		// Somebody else stored the same content between the look and the insert.
		err = m.store.db.Write(ctx, finish)
	}
	return blob, err
}

func randomID() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}

// readChunk reads a whole chunk, or what is left, into a buffer that has room for
// one; nil for one that grows as needed.
func readChunk(r io.Reader, buffer []byte) ([]byte, error) {
	if buffer == nil {
		return io.ReadAll(io.LimitReader(r, ChunkSize))
	}
	n := 0
	for n < ChunkSize {
		got, err := r.Read(buffer[n:ChunkSize])
		n += got
		if err == io.EOF {
			break
		}
		if err != nil { // io.ErrUnexpectedEOF too: what breaks off is not whole
			return nil, err
		}
	}
	return buffer[:n], nil
}

func (m *Mailbox) insertBlob(tx *sqldb.Tx, id int64, hash any, size int64) error {
	_, err := tx.Exec("INSERT INTO blob (mailbox, id, hash, size, refs, touched) VALUES ($1, $2, $3, $4, 0, $5)", m.id, id, hash, size, micros(m.store.opts.Now()))
	return err
}

func (m *Mailbox) insertChunks(tx *sqldb.Tx, id, first int64, chunks [][]byte) error {
	for i, chunk := range chunks {
		if _, err := tx.Exec("INSERT INTO chunk (mailbox, blob, no, data) VALUES ($1, $2, $3, $4)", m.id, id, first+int64(i), chunk); err != nil {
			return err
		}
	}
	return nil
}

// dropBlob deletes a blob's rows.
func (m *Mailbox) dropBlob(tx *sqldb.Tx, mailbox, id int64) error {
	if _, err := tx.Exec("DELETE FROM chunk WHERE mailbox = $1 AND blob = $2", mailbox, id); err != nil {
		return err
	}
	_, err := tx.Exec("DELETE FROM blob WHERE mailbox = $1 AND id = $2", mailbox, id)
	return err
}

// refer counts references to a blob; the zero blob has none.
func (w *writer) refer(b mapi.Blob, n int64) {
	if !b.IsZero() {
		w.blobs[b] += n
	}
}

// countBlobs writes the gathered reference counts. A reference to content that was
// never written is ErrNotFound.
func (w *writer) countBlobs() error {
	order := slices.SortedFunc(maps.Keys(w.blobs), func(a, b mapi.Blob) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	for _, b := range order {
		n := w.blobs[b]
		if n == 0 {
			continue
		}
		result, err := w.Exec("UPDATE blob SET refs = refs + $4, touched = $5 WHERE mailbox = $1 AND hash = $2 AND size = $3", w.m.id, b.Hash[:], b.Size, n, micros(w.now))
		if err != nil {
			return fmt.Errorf("count blob: %w", err)
		}
		if rows, err := result.RowsAffected(); err != nil || rows != 1 {
			return fmt.Errorf("blob %x: %w", b.Hash[:8], errors.Join(ErrNotFound, err))
		}
	}
	return nil
}

// BlobReader reads a blob chunk by chunk; one chunk is in memory.
type BlobReader struct {
	ctx  context.Context
	m    *Mailbox
	blob mapi.Blob
	id   int64
	no   int64 // of the next chunk
	rest []byte
	left int64 // bytes not yet in rest
	err  error
}

// OpenBlob returns a reader of a blob. Nothing is read before the first Read or
// WriteTo, which says ErrNotFound when the blob is gone.
func (m *Mailbox) OpenBlob(ctx context.Context, b mapi.Blob) *BlobReader {
	return &BlobReader{ctx: ctx, m: m.contentGate(), blob: b, left: b.Size}
}

// OpenMIME returns a reader of an item's MIME form, as OpenBlob does. What Want.MIME
// brought along is not asked for again.
func (m *Mailbox) OpenMIME(ctx context.Context, it *Item) *BlobReader {
	r := m.OpenBlob(ctx, it.MIME)
	if it.mime != nil && int64(len(it.mime)) == r.left {
		r.rest, r.left, r.no = it.mime, 0, 1
	}
	return r
}

// blobsTogether is how many blobs one statement of ShortBlobs reads: 1 MiB.
const blobsTogether = 16

// ShortBlobs reads those of the blobs that have at most 64 KiB, a few with each
// statement. What is longer or gone is not among them: OpenBlob reads it, or says so.
func (m *Mailbox) ShortBlobs(ctx context.Context, blobs []mapi.Blob) (Contents, error) {
	m = m.contentGate()
	short := map[[32]byte]mapi.Blob{}
	for _, b := range blobs {
		if !b.IsZero() && b.Size <= maxAlong {
			short[b.Hash] = b
		}
	}
	contents := Contents{}
	for some := range slices.Chunk(slices.Collect(maps.Values(short)), blobsTogether) {
		args, marks := []any{m.id}, make([]string, len(some))
		for i, b := range some {
			args, marks[i] = append(args, b.Hash[:]), fmt.Sprintf("$%d", i+2)
		}
		rows, err := m.store.db.Query(ctx, `SELECT b.hash, c.data FROM blob b JOIN chunk c ON c.mailbox = b.mailbox AND c.blob = b.id AND c.no = 0
			WHERE b.mailbox = $1 AND b.hash IN (`+strings.Join(marks, ", ")+")", args...)
		if err == nil {
			for rows.Next() {
				var hash, data []byte
				if err = rows.Scan(&hash, &data); err != nil {
					break
				}
				if b := short[[32]byte(hash)]; int64(len(data)) == b.Size {
					contents[b] = data
				}
			}
			err = errors.Join(err, rows.Err(), rows.Close())
		}
		if err != nil {
			return nil, fmt.Errorf("read %d blobs: %w", len(some), err)
		}
	}
	return contents, nil
}

// fill gets the next chunk when rest is empty. The first one, which most blobs
// are made of, is found together with the blob.
func (r *BlobReader) fill() error {
	switch {
	case r.err != nil || len(r.rest) > 0:
		return r.err
	case r.blob.IsZero() || r.no > 0 && r.left == 0:
		r.err = io.EOF
		return r.err
	}
	db, err := r.m.store.db, error(nil)
	if r.no == 0 {
		err = db.QueryRow(r.ctx, `SELECT b.id, c.data FROM blob b LEFT JOIN chunk c ON c.mailbox = b.mailbox AND c.blob = b.id AND c.no = 0
			WHERE b.mailbox = $1 AND b.hash = $2`, r.m.id, r.blob.Hash[:]).Scan(&r.id, (*sqldb.Owned)(&r.rest))
	} else {
		err = db.QueryRow(r.ctx, "SELECT data FROM chunk WHERE mailbox = $1 AND blob = $2 AND no = $3", r.m.id, r.id, r.no).Scan((*sqldb.Owned)(&r.rest))
	}
	if err == nil && (len(r.rest) == 0) != (r.left == 0) || int64(len(r.rest)) > r.left {
		err = io.ErrUnexpectedEOF
	}
	switch {
	case err != nil:
		r.err = fmt.Errorf("read blob %x: chunk %d: %w", r.blob.Hash[:8], r.no, noRow(err))
	case r.left == 0:
		r.err = io.EOF // an empty blob
	default:
		r.no++
		r.left -= int64(len(r.rest))
	}
	return r.err
}

// Read implements io.Reader.
func (r *BlobReader) Read(p []byte) (int, error) {
	if err := r.fill(); err != nil {
		return 0, err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// WriteTo implements io.WriterTo.
func (r *BlobReader) WriteTo(w io.Writer) (int64, error) {
	var sum int64
	for {
		if err := r.fill(); err == io.EOF {
			return sum, nil
		} else if err != nil {
			return sum, err
		}
		n, err := w.Write(r.rest)
		sum += int64(n)
		r.rest = r.rest[n:]
		if err != nil {
			return sum, err
		}
	}
}

// Contents are blobs of at most ChunkSize bytes that are written together with the
// item that refers to them, in the same transaction: an item with a few short
// parts costs one commit. What is longer goes through WriteBlob first.
type Contents map[mapi.Blob][]byte

// Add puts a content in and returns its name. The bytes must not change before the item is written.
func (c Contents) Add(data []byte) mapi.Blob {
	blob := mapi.Blob{Hash: sha256.Sum256(data), Size: int64(len(data))}
	c[blob] = data
	return blob
}

// Gather reads r to its end: a content that fits into a chunk is added to into, a
// longer one is written with WriteBlob.
func (m *Mailbox) Gather(ctx context.Context, r io.Reader, into Contents) (mapi.Blob, error) {
	head, err := readChunk(r, nil)
	if err != nil {
		return mapi.Blob{}, fmt.Errorf("write blob: %w", err)
	}
	if len(head) < ChunkSize {
		return into.Add(head), nil
	}
	return m.WriteBlob(ctx, io.MultiReader(bytes.NewReader(head), r))
}

// putContents writes the contents that the mailbox does not have yet.
func (w *writer) putContents(c Contents) error {
	for blob, data := range c {
		if len(data) > ChunkSize {
			return fmt.Errorf("content of %d bytes, want at most %d: %w", len(data), ChunkSize, ErrInvalid)
		}
		mine, id := randomID(), int64(0)
		_, err := w.Exec(`INSERT INTO blob (mailbox, id, hash, size, refs, touched) VALUES ($1, $2, $3, $4, 0, $5)
			ON CONFLICT (mailbox, hash) DO UPDATE SET touched = excluded.touched`, w.m.id, mine, blob.Hash[:], blob.Size, micros(w.now))
		if err == nil {
			err = w.QueryRow("SELECT id FROM blob WHERE mailbox = $1 AND hash = $2", w.m.id, blob.Hash[:]).Scan(&id)
		}
		if err == nil && id == mine && len(data) > 0 {
			err = w.m.insertChunks(w.Tx, id, 0, [][]byte{data})
		}
		if err != nil {
			return fmt.Errorf("write content: %w", err)
		}
	}
	return nil
}

// inlineValue is the longest property value that stays in its bag.
const inlineValue = 4 << 10

// shelve returns the bag with long values moved to blobs, short ones among the
// contents. Properties with a column stay.
func (m *Mailbox) shelve(ctx context.Context, bag mapi.Bag, contents Contents) (mapi.Bag, error) {
	out := make(mapi.Bag, len(bag))
	for tag, v := range bag {
		var long []byte
		switch v := v.(type) {
		case string:
			if len(v) > inlineValue {
				long = []byte(v)
			}
		case []byte:
			if len(v) > inlineValue {
				long = v
			}
		}
		t := tag.Type()
		if _, column := promotedColumn(tag); long != nil && !column && (t.IsString() || t == mapi.Binary || t == mapi.Object) {
			blob, err := m.Gather(ctx, bytes.NewReader(long), contents)
			if err != nil {
				return nil, err
			}
			v = blob
		}
		out[tag] = v
	}
	return out, nil
}

// Resolve replaces values that are kept as blobs by the values themselves: those
// of the tags, or all without any. A value of more than limit bytes stays a blob.
func (m *Mailbox) Resolve(ctx context.Context, bag mapi.Bag, limit int64, tags ...mapi.Tag) error {
	for tag, v := range bag {
		blob, ok := v.(mapi.Blob)
		if !ok || blob.Size > limit || len(tags) > 0 && !slices.ContainsFunc(tags, func(t mapi.Tag) bool { return t.ID() == tag.ID() }) {
			continue
		}
		var buf bytes.Buffer
		buf.Grow(int(blob.Size))
		if _, err := m.OpenBlob(ctx, blob).WriteTo(&buf); err != nil {
			return fmt.Errorf("property %s: %w", tag, err)
		}
		if tag.Type().IsString() {
			bag[tag] = buf.String()
		} else {
			bag[tag] = buf.Bytes()
		}
	}
	return nil
}
