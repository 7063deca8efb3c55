package store

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"hma/wire/mapi"
)

// references holds the reference counts of blobs against the items and
// attachments that refer to them, and that what is referred to is there. While an
// item cannot be read no count is lowered: it may refer to anything.
func (c *checker) references() error {
	type blob struct{ id, refs, counted int64 }
	after, whole := []byte{}, true
	for more := true; more && !c.full(); {
		var blobs []*blob
		byHash := map[[32]byte]*blob{}
		upTo := after
		err := c.each("SELECT id, hash, refs FROM blob WHERE mailbox = $1 AND hash > $2 ORDER BY hash LIMIT $3", func(scan func(...any) error) error {
			b := &blob{}
			var hash []byte
			if err := scan(&b.id, &hash, &b.refs); err != nil {
				return err
			}
			upTo = bytes.Clone(hash)
			if len(hash) == 32 {
				byHash[[32]byte(hash)] = b
			}
			blobs = append(blobs, b)
			return nil
		}, after, blobsPerPass)
		if err != nil {
			return err
		}
		more = len(blobs) == blobsPerPass
		refer := func(hash []byte, where string) {
			if len(hash) != 32 || bytes.Compare(hash, after) <= 0 || more && bytes.Compare(hash, upTo) > 0 {
				return // of another pass
			}
			if b := byHash[[32]byte(hash)]; b != nil {
				b.counted++
			} else {
				c.add("blob-missing", where, nil, "its content %x is gone", hash[:8])
			}
		}
		err = c.each("SELECT id, mime_hash, props FROM item WHERE mailbox = $1", func(scan func(...any) error) error {
			var row mapi.GlobCnt
			var mime, packed []byte
			if err := scan(&row, &mime, &packed); err != nil {
				return err
			}
			refer(mime, itemPlace(row))
			bag, err := mapi.DecodeBag(packed)
			whole = whole && err == nil
			for tag, v := range bag {
				if b, ok := v.(mapi.Blob); ok && !b.IsZero() {
					refer(b.Hash[:], fmt.Sprintf("item %d, property %s", row, tag))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		err = c.each("SELECT item, attach_no, blob_hash FROM attachment WHERE mailbox = $1 AND blob_hash IS NOT NULL", func(scan func(...any) error) error {
			var row mapi.GlobCnt
			var no int32
			var hash []byte
			err := scan(&row, &no, &hash)
			refer(hash, fmt.Sprintf("item %d, attachment %d", row, no))
			return err
		})
		if err != nil {
			return err
		}
		err = c.each("SELECT id, blob_hash FROM outgoing WHERE mailbox = $1 AND blob_hash IS NOT NULL", func(scan func(...any) error) error {
			var id int64
			var hash []byte
			err := scan(&id, &hash)
			refer(hash, fmt.Sprintf("outgoing message %d", id))
			return err
		})
		if err != nil {
			return err
		}
		for _, b := range blobs {
			if b.refs < b.counted || whole && b.refs > b.counted {
				c.add("blob-references", fmt.Sprintf("blob %d", b.id), func(w *writer) error {
					return c.exec("UPDATE blob SET refs = $3, touched = $4 WHERE mailbox = $1 AND id = $2", b.id, b.counted, micros(w.now))(w)
				}, "%d references are counted, there are %d", b.refs, b.counted)
			}
		}
		after = upTo
	}
	return nil
}

// contents holds that each blob's chunks are all there, with its size and hash.
func (c *checker) contents() error {
	type blob struct {
		id, size int64
		hash     []byte
	}
	after := []byte{}
	for more := true; more && !c.full(); {
		var page []blob
		err := c.each("SELECT id, size, hash FROM blob WHERE mailbox = $1 AND hash > $2 ORDER BY hash LIMIT $3", func(scan func(...any) error) error {
			var b blob
			err := scan(&b.id, &b.size, &b.hash)
			b.hash = bytes.Clone(b.hash)
			page = append(page, b)
			return err
		}, after, maxDamages)
		if err != nil {
			return err
		}
		for _, b := range page {
			if err := c.content(b.id, b.size, b.hash); err != nil {
				return err
			}
			after = b.hash
		}
		more = len(page) == maxDamages
	}
	return nil
}

func (c *checker) content(id, size int64, hash []byte) error {
	where := fmt.Sprintf("blob %d", id)
	sum := sha256.New()
	var next, length int64
	gap := int64(-1)
	err := c.each("SELECT no, data FROM chunk WHERE mailbox = $1 AND blob = $2 ORDER BY no", func(scan func(...any) error) error {
		var no int64
		var data []byte
		if err := scan(&no, &data); err != nil {
			return err
		}
		if no != next && gap < 0 {
			gap = next
		}
		next = no + 1
		length += int64(len(data))
		sum.Write(data)
		return nil
	}, id)
	switch right := bytes.Equal(sum.Sum(nil), hash); {
	case err != nil || c.full():
	case gap >= 0:
		c.add("blob-chunk", where, nil, "chunk %d is gone", gap)
	case length != size && right:
		c.add("blob-size", where, c.exec("UPDATE blob SET size = $3 WHERE mailbox = $1 AND id = $2", id, length), "the size is %d, the chunks have %d", size, length)
	case length != size:
		c.add("blob-chunk", where, nil, "the chunks have %d bytes, want %d", length, size)
	case !right:
		c.add("blob-hash", where, nil, "the content is not what was written")
	}
	return err
}
