package org

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"image/jpeg"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// MaxPhoto is how large a photo may be in bytes.
const MaxPhoto = 512 << 10

// SetPhoto keeps a recipient's photo, a JPEG of at most MaxPhoto bytes; nil removes the one that is there.
func (o *Organization) SetPhoto(ctx context.Context, id guid.GUID, photo []byte) error {
	if photo != nil {
		if len(photo) > MaxPhoto {
			return refuse("A photo has at most %d bytes.", MaxPhoto)
		}
		if _, err := jpeg.DecodeConfig(bytes.NewReader(photo)); err != nil {
			return refuse("A photo is a JPEG image.")
		}
	}
	return o.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := recipient(tx, id); err != nil {
			return err
		}
		if photo == nil {
			_, err := tx.Exec("DELETE FROM person_photo WHERE person = $1", id.String())
			return err
		}
		_, err := tx.Exec(`INSERT INTO person_photo (person, photo, changed) VALUES ($1, $2, $3)
			ON CONFLICT (person) DO UPDATE SET photo = excluded.photo, changed = excluded.changed`, id.String(), photo, micros(o.opts.Now()))
		return err
	})
}

// Photo returns a recipient's photo and when it was set, or ErrNotFound while there is none.
func (o *Organization) Photo(ctx context.Context, id guid.GUID) (photo []byte, changed time.Time, err error) {
	var at int64
	err = o.db.QueryRow(ctx, "SELECT photo, changed FROM person_photo WHERE person = $1", id.String()).Scan(&photo, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, fmt.Errorf("photo of %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("photo of %s: %w", id, err)
	}
	return photo, fromMicros(at), nil
}
