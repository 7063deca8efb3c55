package ews

import (
	"errors"

	"hma/exchange/store"
	"hma/wire/soap"
)

// sendItem answers SendItem (MS-OXWSMSG 3.1.4.6): one message for each id. The
// change key is required and must be the current one. Of two requests for one item the
// first sends it, and the second finds it no more.
func sendItem(c *call) error {
	text, _ := c.req.Attr("SaveItemToFolder")
	save := text == "true" || text == "1"
	if !save && text != "false" && text != "0" {
		return invalid(c.req, "SaveItemToFolder is no Boolean")
	}
	list, err := c.ids("ItemIds")
	if err != nil {
		return err
	}
	var folder store.FolderID
	var ferr error
	if save {
		folder, ferr = c.savedFolder()
		if _, fault := ferr.(*soap.Fault); fault {
			return ferr
		}
	}
	c.begin()
	for _, e := range list {
		err := ferr
		if err == nil {
			err = c.send(e, folder)
		}
		if err != nil {
			err = c.failure(err)
		} else {
			err = c.success(nil)
		}
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

func (c *call) send(e *soap.Element, folder store.FolderID) error {
	id, key, err := c.itemID(e)
	if err != nil {
		return err
	}
	if key == nil {
		return errNeedsChangeKey
	}
	if err = c.submit(id, key, folder); errors.Is(err, store.ErrConflict) {
		return errStale
	}
	return err
}
