package ews

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// convertID answers ConvertId (MS-OXWSCVTID 3.1.4.1). EwsId and EwsLegacyId are
// the same text here, EntryId and HexEntryId are MAPI entry ids, OwaId is the
// EwsId with the characters that a URL takes.
func convertID(c *call) error {
	to, _ := c.req.Attr("DestinationFormat")
	if !idFormats[to] {
		return invalid(c.req, "%q is no id format", to)
	}
	list, err := c.ids("SourceIds")
	if err != nil {
		return err
	}
	c.begin()
	for _, e := range list {
		text, err := c.convert(e, to)
		if err != nil {
			err = c.failure(err)
		} else {
			err = c.success(func() error {
				c.w.Empty("m:AlternateId", "xmlns:xsi", soap.NSInstance, "xsi:type", "t:AlternateIdType",
					"Format", to, "Id", text, "Mailbox", c.person.PrimarySMTP)
				return nil
			})
		}
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

var idFormats = map[string]bool{"EwsLegacyId": true, "EwsId": true, "EntryId": true, "HexEntryId": true, "StoreId": true, "OwaId": true}

// urlSafe makes an OwaId of base64, urlSafeBack the other way round.
var (
	urlSafe     = strings.NewReplacer("/", "-", "+", "_")
	urlSafeBack = strings.NewReplacer("-", "/", "_", "+")
)

func (c *call) convert(e *soap.Element, to string) (string, error) {
	if e.Name.Local != "AlternateId" {
		return "", errUnsupported // public folders
	}
	format, _ := e.Attr("Format")
	source, _ := e.Attr("Id")
	var id store.ID
	var err error
	switch format {
	case "EwsId", "EwsLegacyId":
		id, err = c.parse(source)
	case "OwaId":
		id, err = c.parse(urlSafeBack.Replace(source))
	case "EntryId":
		id, err = c.fromEntryID(base64.StdEncoding.DecodeString(source))
	case "HexEntryId":
		id, err = c.fromEntryID(hex.DecodeString(source))
	case "StoreId":
		id, err = c.fromEntryID(base64.StdEncoding.DecodeString(urlSafeBack.Replace(source)))
	default:
		return "", errIDMalformed
	}
	if err != nil {
		return "", err
	}
	switch to {
	case "EwsId", "EwsLegacyId":
		return id.Encode(c.door.opts.IDKey), nil
	case "OwaId":
		return urlSafe.Replace(id.Encode(c.door.opts.IDKey)), nil
	}
	entry, err := c.entryID(id)
	if err != nil {
		return "", err
	}
	switch to {
	case "HexEntryId":
		return strings.ToUpper(hex.EncodeToString(entry)), nil
	case "StoreId":
		return urlSafe.Replace(base64.StdEncoding.EncodeToString(entry)), nil
	}
	return base64.StdEncoding.EncodeToString(entry), nil
}

// fromEntryID reads a folder's entry id. An item's holds no row key, and the store
// finds an item by nothing else.
func (c *call) fromEntryID(raw []byte, err error) (store.ID, error) {
	if err != nil {
		return nil, errIDMalformed
	}
	if e, err := mapi.ParseFolderEntryID(raw); err == nil {
		if e.Mailbox != c.mailbox.GUID() {
			if _, err := c.admit(e.Mailbox); err != nil {
				return nil, errAccessDenied // an entry id has no seal: whether there is such a mailbox is not told
			}
		}
		return store.FolderID{Mailbox: e.Mailbox, Folder: e.Folder}, nil
	}
	if _, err := mapi.ParseMessageEntryID(raw); err == nil {
		return nil, errUnsupported
	}
	return nil, errIDMalformed
}

// entryID returns the MAPI entry id of a folder or an item.
func (c *call) entryID(id store.ID) ([]byte, error) {
	switch id := id.(type) {
	case store.FolderID:
		return folderEntryID(c.box(id), id), nil
	case store.ItemID:
		item, err := c.box(id).Item(c.ctx, id, store.Want{})
		if err != nil {
			return nil, err
		}
		return itemEntryID(c.box(id), item), nil
	}
	return nil, errInvalidID
}
