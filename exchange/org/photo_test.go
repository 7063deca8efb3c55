package org_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"testing"

	"hma/exchange/org"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

func TestPhoto(t *testing.T) {
	var picture bytes.Buffer
	must(t, jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8)), nil))
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		anna := create(t, o, org.NewRecipient("anna@contoso.com", "Anna"))
		if _, _, err := o.Photo(t.Context(), anna.GUID); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("a photo before there is one: %v", err)
		}
		for range 2 {
			must(t, o.SetPhoto(t.Context(), anna.GUID, picture.Bytes()))
			if got, at, err := o.Photo(t.Context(), anna.GUID); err != nil || !bytes.Equal(got, picture.Bytes()) || !at.Equal(start) {
				t.Errorf("photo of %v: %d bytes, %v", at, len(got), err)
			}
		}
		for what, photo := range map[string][]byte{"no image": []byte("GIF89a"), "empty": {}, "too large": append(picture.Bytes(), make([]byte, org.MaxPhoto)...)} {
			if rule, ok := errors.AsType[*org.RuleError](o.SetPhoto(t.Context(), anna.GUID, photo)); !ok {
				t.Errorf("%s: %v", what, rule)
			}
		}
		if err := o.SetPhoto(t.Context(), guid.New(), picture.Bytes()); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		must(t, o.SetPhoto(t.Context(), anna.GUID, nil))
		if _, _, err := o.Photo(t.Context(), anna.GUID); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("a photo that was removed: %v", err)
		}
	})
}
