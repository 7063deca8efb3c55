package ews

import (
	"hma/wire/mapi"
	"hma/wire/soap"
)

// updateFolder answers UpdateFolder (MS-OXWSFOLD 3.1.4.8): one message for each
// change. What is not set stays; the last writer wins, as with Exchange.
func updateFolder(c *call) error {
	list, err := c.ids("FolderChanges")
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		updates := e.Child(soap.NSTypes, "Updates")
		if e.Name.Local != "FolderChange" || updates == nil || len(e.Children) != 2 {
			return nil, invalid(e, "malformed folder change")
		}
		id, err := c.folderID(e.Children[0])
		if err != nil {
			return nil, err
		}
		var u folderDraft
		for _, change := range updates.Children {
			if err := c.folderChange(&u, change); err != nil {
				return nil, err
			}
		}
		f, err := c.box(id).Folder(c.ctx, id)
		if err == nil {
			err = u.fits(f.Class)
		}
		if err == nil {
			f, err = c.box(id).UpdateFolder(c.ctx, id, u.FolderUpdate)
		}
		if err != nil {
			return nil, orFolder(err)
		}
		return c.folderResult(f), nil
	})
}

// settableFolder are the elements of a folder's properties that have a FieldURI and can be changed.
var settableFolder = map[string]string{"folder:DisplayName": "DisplayName", "folder:FolderClass": "FolderClass", "folder:PermissionSet": "PermissionSet", searchParametersURI: "SearchParameters"}

// folderChange takes one change of one property.
func (c *call) folderChange(u *folderDraft, change *soap.Element) error {
	if len(change.Children) == 0 {
		return invalid(change, "%s names no property", change.Name.Local)
	}
	path := change.Children[0]
	switch change.Name.Local {
	case "SetFolderField":
		if len(change.Children) != 2 || len(change.Children[1].Children) != 1 {
			return errUpdateCount
		}
		want := "ExtendedProperty"
		if path.Name.Local == "FieldURI" {
			uri, _ := path.Attr("FieldURI")
			if want = settableFolder[uri]; want == "" {
				return errPropertySet
			}
		}
		e := change.Children[1].Children[0]
		if e.Name.Local != want {
			return errUpdateMismatch
		}
		return c.folderField(u, e)
	case "DeleteFolderField":
		if path.Name.Local != "ExtendedFieldURI" {
			return errPropertySet
		}
		x, err := parseExtended(path)
		if err != nil {
			return err
		}
		tags, err := c.tags([]extended{x}, false)
		switch {
		case err != nil || tags[0] == 0:
			return err
		case tags[0] == mapi.PidTagAttributeHidden:
			u.Hidden = new(false)
		case computedFolder(tags[0]):
			return errPropertySet
		default:
			u.Delete = append(u.Delete, tags[0])
		}
		return nil
	}
	return errUnsupported
}
