package cmdlet

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"hma/exchange/org"
	"hma/wire/psobject"
)

const askPhoto = "rule: clients show people's photos (GetUserPhoto)"

// userPhoto: what people look like.
func userPhoto() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-UserPhoto", Synopsis: "Shows a person's photo, as base64 of a JPEG.", Asks: askPhoto, Params: []psobject.Parameter{identity(true)}}, getUserPhoto},
		{psobject.Command{Name: "Set-UserPhoto", Synopsis: "Sets a person's photo: -PictureData is base64 of a JPEG.", Asks: askPhoto,
			Params: []psobject.Parameter{identity(true), required("PictureData", "string"), confirm}}, setUserPhoto},
		{psobject.Command{Name: "Remove-UserPhoto", Synopsis: "Removes a person's photo.", Asks: askPhoto, Params: []psobject.Parameter{identity(true), confirm}},
			func(c *call) error { return c.putPhoto(nil) }},
	}
}

func getUserPhoto(c *call) error {
	p, err := c.onePerson(isAccount)
	if err != nil {
		return err
	}
	photo, _, err := c.r.org.Photo(c, p.GUID)
	if errors.Is(err, org.ErrNotFound) {
		return notFound(c.args.text("Identity"))
	}
	if err != nil {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	sum := sha1.Sum(photo) // a thumbprint, not a proof
	c.put(newObject("Microsoft.Exchange.Data.Storage.Management.UserPhotoConfiguration").
		add("PictureData", base64.StdEncoding.EncodeToString(photo)).add("Thumbprint", strings.ToUpper(hex.EncodeToString(sum[:]))).
		add("Identity", personTail(cfg, p).identity).add("Guid", p.GUID.String()).add("IsValid", true).add("ObjectState", "New").Object)
	return nil
}

func setUserPhoto(c *call) error {
	photo, err := base64.StdEncoding.DecodeString(c.args.text("PictureData"))
	if err != nil {
		return invalid("PictureData", "PictureData is no base64.")
	}
	return c.putPhoto(photo)
}

func (c *call) putPhoto(photo []byte) error {
	p, err := c.onePerson(isAccount)
	if err != nil {
		return err
	}
	c.object = p.DisplayName
	if c.whatIf() {
		c.would(p.DisplayName)
		return nil
	}
	return c.r.org.SetPhoto(c, p.GUID, photo)
}
