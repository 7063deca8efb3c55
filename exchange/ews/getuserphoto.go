package ews

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// Photos is where people's photos come from. *org.Organization is one.
type Photos interface {
	// Photo returns a recipient's photo, a JPEG, and when it was set; org.ErrNotFound while there is none.
	Photo(ctx context.Context, id guid.GUID) ([]byte, time.Time, error)
}

// photoSizes are the values of SizeRequested (MS-OXWSPHOTO 2.2.5.1). A photo has one size, the one it was set in.
var photoSizes = []string{"HR48x48", "HR64x64", "HR96x96", "HR120x120", "HR240x240", "HR360x360", "HR432x432", "HR504x504", "HR648x648"}

// maxContactPhoto is how large the photo of a contact may be to be given.
const maxContactPhoto = 1 << 20

// getUserPhoto answers GetUserPhoto (MS-OXWSPHOTO 3.1.4.1) with the photo of somebody in the address list, else
// with that of a contact with the address.
func getUserPhoto(c *call) error {
	email, err := c.child("Email")
	if err != nil {
		return err
	}
	size, err := c.child("SizeRequested")
	if err != nil {
		return err
	}
	if !slices.Contains(photoSizes, size.Text) {
		return invalid(size, "%q is no size of a photo", size.Text)
	}
	photo, err := c.door.photo(c.ctx, email.Text)
	if errors.Is(err, org.ErrNotFound) {
		photo, err = c.contactPhoto(email.Text)
	}
	if err != nil {
		return err
	}
	return c.alone(func() error {
		c.w.Bool("m:HasChanged", true)
		c.w.Start("m:PictureData")
		err := c.w.Base64(bytes.NewReader(photo))
		c.w.End("m:PictureData")
		return err
	})
}

// photo returns the photo of somebody whom the address list shows; org.ErrNotFound is the answer for everybody else, too.
func (d *Door) photo(ctx context.Context, email string) ([]byte, error) {
	if d.opts.Book == nil || d.opts.Photos == nil {
		return nil, org.ErrNotFound
	}
	list, err := d.opts.Book.List(ctx)
	if err != nil {
		return nil, err
	}
	e := list.ByAddress(email)
	if e == nil {
		return nil, org.ErrNotFound
	}
	photo, _, err := d.opts.Photos.Photo(ctx, e.GUID)
	return photo, err
}

// contactPhoto returns the photo of a contact with the address.
func (c *call) contactPhoto(email string) ([]byte, error) {
	where, _ := whereContact("smtp:" + email)
	if where == nil {
		return nil, errItemNotFound
	}
	folder, err := c.mailbox.RoleID(store.RoleContacts)
	if err != nil {
		return nil, errItemNotFound
	}
	page, err := c.mailbox.List(c.ctx, store.Query{Folder: folder, Where: where, Want: store.Want{Attachments: true}, Limit: 10})
	if err != nil {
		return nil, err
	}
	for _, item := range page.Items {
		for _, a := range item.Attachments {
			if a.Props.Bool(mapi.PidTagAttachmentContactPhoto) && a.Content.Size <= maxContactPhoto {
				return io.ReadAll(c.mailbox.OpenBlob(c.ctx, a.Content))
			}
		}
	}
	return nil, errItemNotFound
}

// servePhoto answers the GET of a photo by address and size (MS-OXWSPHOTO 3.1.4.1, over HTTP without SOAP).
func (d *Door) servePhoto(w http.ResponseWriter, r *clientaccess.Request) {
	r.Record.Begin("GetUserPhoto", false)
	if r.Identity == nil || r.Identity.Recipient == nil || !r.Identity.Recipient.EwsEnabled {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	if !slices.Contains(photoSizes, r.URL.Query().Get("size")) {
		http.Error(w, "size is none of a photo's", http.StatusBadRequest)
		return
	}
	photo, err := d.photo(r.Context(), r.URL.Query().Get("email"))
	switch {
	case errors.Is(err, org.ErrNotFound):
		http.NotFound(w, r.Request)
		return
	case err != nil:
		d.opts.Log.Error("photo not read", "request", r.ID, "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(photo)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r.Request, "", time.Time{}, bytes.NewReader(photo))
}

// photoPath is where servePhoto answers.
const photoPath = "/Exchange.asmx/s/GetUserPhoto"
