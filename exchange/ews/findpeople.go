package ews

import (
	"strconv"

	"hma/exchange/addressbook"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// people is a page of people and how many there are in all.
type people struct {
	page  []*persona
	total int
}

// findPeople answers FindPeople (MS-OXWSPERS 3.1.4.1): the people of a contacts folder, or of the address list as the
// folder "directory"; without a folder those of both whom the query string means.
func findPeople(c *call) error {
	for _, local := range []string{"Restriction", "AggregationRestriction"} {
		if c.req.Child(soap.NSMessages, local) != nil {
			return errUnsupported
		}
	}
	shape, err := readPersonaShape(c.req.Child(soap.NSMessages, "PersonaShape"))
	if err != nil {
		return err
	}
	v, err := c.readView("Item")
	if err != nil {
		return err
	}
	if v.fromEnd || v.denominator > 0 {
		return errUnsupported
	}
	text := ""
	if e := c.req.Child(soap.NSMessages, "QueryString"); e != nil {
		text = e.Text
	}
	found, err := c.people(c.req.Child(soap.NSMessages, "ParentFolderId"), text, v.offset, v.limit(maxRows))
	if err != nil {
		return err
	}
	return c.alone(func() error {
		c.w.Start("m:People")
		for _, p := range found.page {
			p.write(c.w, "t:Persona", shape)
		}
		c.w.End("m:People")
		c.w.Element("m:TotalNumberOfPeopleInView", strconv.Itoa(found.total))
		c.w.Element("m:FirstMatchingRowIndex", "0")
		c.w.Element("m:FirstLoadedRowIndex", strconv.Itoa(min(v.offset, found.total)))
		return nil
	})
}

func (c *call) people(parent *soap.Element, text string, offset, limit int) (people, error) {
	list, err := c.addressList()
	if err != nil {
		return people{}, err
	}
	if parent == nil {
		if text == "" {
			return people{}, errUnsupported
		}
		return c.peopleAnywhere(list, text, offset, limit)
	}
	if len(parent.Children) != 1 {
		return people{}, invalid(parent, "%s must hold one folder id", parent.Name.Local)
	}
	if inDirectory(parent.Children[0]) {
		if text == "" {
			return people{personasOf(list.ByName(offset, limit)), len(list.Entries)}, nil
		}
		found, _ := list.Find(text)
		return people{personasOf(window(found, offset, limit)), len(found)}, nil
	}
	folder, err := c.target(parent)
	if err != nil {
		return people{}, err
	}
	return c.peopleIn(folder, text, offset, limit)
}

// inDirectory tells whether an element names the address list instead of a folder.
func inDirectory(e *soap.Element) bool {
	id, _ := e.Attr("Id")
	return e.Name.Local == "AddressListId" || e.Name.Local == "DistinguishedFolderId" && id == "directory"
}

// peopleIn are the contacts and distribution lists of a folder in the order of their names.
func (c *call) peopleIn(folder store.FolderID, text string, offset, limit int) (people, error) {
	where := mapi.Restriction(contactClass)
	if text != "" {
		if where, _ = whereContact(text); where == nil {
			return people{}, nil
		}
	}
	page, err := c.box(folder).List(c.ctx, store.Query{Folder: folder, Where: where, Sort: []store.SortKey{{Tag: mapi.PidTagSubject}}, Want: personaWant, Offset: offset, Limit: limit})
	if err != nil {
		return people{}, orFolder(err)
	}
	found := people{total: page.Total}
	for _, item := range page.Items {
		found.page = append(found.page, c.personaOfItem(item))
	}
	return found, nil
}

// peopleAnywhere are those of the address list and after them those of the contacts folder.
func (c *call) peopleAnywhere(list *addressbook.List, text string, offset, limit int) (people, error) {
	entries, _ := list.Find(text)
	page := personasOf(window(entries, offset, limit))
	contacts, err := c.mailbox.RoleID(store.RoleContacts)
	if err != nil {
		return people{}, orFolder(err)
	}
	// One row is asked for even when the page is full: the total wants it.
	own, err := c.peopleIn(contacts, text, max(offset-len(entries), 0), max(limit-len(page), 1))
	if err != nil {
		return people{}, err
	}
	return people{append(page, window(own.page, 0, limit-len(page))...), len(entries) + own.total}, nil
}

func personasOf(entries []*addressbook.Entry) (list []*persona) {
	for _, e := range entries {
		list = append(list, personaOfEntry(e))
	}
	return list
}

// window is the part of a list from the offset on, at most limit of it.
func window[T any](list []T, offset, limit int) []T {
	offset = min(offset, len(list))
	return list[offset:min(offset+limit, len(list))]
}
