package ews

import (
	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/wire/soap"
)

// maxRows is how many entries one answer to FindItem or FindFolder holds.
const maxRows = store.MaxPage

// findFolder answers FindFolder (MS-OXWSSRCH 3.1.4.1): one message for each parent.
func findFolder(c *call) error {
	traversal, _ := c.req.Attr("Traversal")
	deep := traversal == "Deep"
	if !deep && traversal != "Shallow" {
		if traversal == "SoftDeleted" {
			return errUnsupported // folders go to Recoverable Items as items only
		}
		return invalid(c.req, "%q is no traversal", traversal)
	}
	shape, err := c.folderShape()
	if err != nil {
		return err
	}
	delete(shape.uris, searchParametersURI)
	view, err := c.readView("Folder")
	if err != nil {
		return err
	}
	where, err := c.restriction(c.req.Child(soap.NSMessages, "Restriction"), folderField)
	if err != nil {
		return err
	}
	parents, err := c.ids("ParentFolderIds")
	if err != nil {
		return err
	}
	c.begin()
	for _, e := range parents {
		id, err := c.folderID(e)
		var found []*store.Folder
		if err == nil {
			found, err = c.box(id).Folders(c.ctx, id, deep)
			err = orFolder(err)
		}
		if err != nil {
			if err := c.failure(err); err != nil {
				return err
			}
			continue
		}
		var list []*store.Folder
		for _, f := range found {
			if where == nil || query.Match(where, query.Object{Props: f.Properties()}) {
				list = append(list, f)
			}
		}
		from, to := view.window(len(list))
		err = c.success(func() error {
			c.startRoot(view, to, len(list), view.fromEnd && from == 0 || !view.fromEnd && to == len(list))
			c.w.Start("t:Folders")
			for _, f := range list[from:to] {
				if err := c.writeFolder(shape, f); err != nil {
					return err
				}
			}
			c.w.End("t:Folders")
			c.w.End("m:RootFolder")
			return nil
		})
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// window returns the part of a list of n that the view shows.
func (v view) window(n int) (from, to int) {
	switch {
	case v.denominator > 0:
		from = int(int64(n) * int64(v.numerator) / int64(v.denominator))
	case v.fromEnd:
		to = max(n-v.offset, 0)
		return max(to-v.limit(maxRows), 0), to
	default:
		from = min(v.offset, n)
	}
	return from, min(from+v.limit(maxRows), n)
}
