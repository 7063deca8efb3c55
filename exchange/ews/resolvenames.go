package ews

import (
	"slices"
	"strings"

	"hma/exchange/addressbook"
	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// The bounds of a name resolution.
const (
	// maxResolutions is how many one entry is resolved to at most, as on Exchange.
	maxResolutions = 100
	maxUnresolved  = 100  // entries of a request
	maxName        = 256  // bytes of an entry by which contacts are looked for
	maxWords       = 10   // and words of it
	maxContacts    = 1000 // that are looked at in a folder for one entry, once they match
)

var (
	errNoResults   = &problem{"ErrorNameResolutionNoResults", "No results were found."}
	errManyResults = &problem{"ErrorNameResolutionMultipleResults", "Multiple results were found."}
)

// resolution is one of those whom an entry may mean.
type resolution struct {
	addressee
	entry *addressbook.Entry // nil for a contact of the mailbox
	item  *store.Item
}

// resolveNames answers ResolveNames (MS-OXWSRSLNM 3.1.4.1): one message for each entry.
func resolveNames(c *call) error {
	full, err := c.flag("ReturnFullContactData")
	if err != nil {
		return err
	}
	scope, given := c.req.Attr("SearchScope")
	if !given {
		scope = "ActiveDirectoryContacts"
	}
	directory, contacts := strings.Contains(scope, "ActiveDirectory"), strings.Contains(scope, "Contacts")
	if !slices.Contains([]string{"ActiveDirectory", "ActiveDirectoryContacts", "Contacts", "ContactsActiveDirectory"}, scope) {
		return invalid(c.req, "%q is no search scope", scope)
	}
	shape, err := c.contactShape()
	if err != nil {
		return err
	}
	var entries []*soap.Element
	for _, e := range c.req.Children {
		if e.Name.Local == "UnresolvedEntry" {
			if entries = append(entries, e); e.Text == "" {
				return invalid(e, "UnresolvedEntry is empty")
			}
		}
	}
	if len(entries) == 0 {
		return invalid(c.req, "UnresolvedEntry is missing")
	}
	if len(entries) > maxUnresolved {
		return &soap.Fault{Code: "ErrorInvalidOperation", Message: "The request names too many entries."}
	}
	var folders []store.FolderID
	if contacts {
		if folders, err = c.contactFolders(c.req.Child(soap.NSMessages, "ParentFolderIds")); err != nil {
			return err
		}
	}
	c.begin()
	for _, e := range entries {
		var found, more = []resolution(nil), false
		if directory {
			if found, more, err = c.resolveInDirectory(e.Text); err != nil {
				return err
			}
		}
		if contacts {
			own, moreOwn, err := c.resolveInContacts(e.Text, folders, shape)
			if err != nil {
				return err
			}
			if more = more || moreOwn; scope == "ContactsActiveDirectory" {
				found, own = own, found
			}
			found = joinResolutions(found, own)
		}
		if err := c.writeResolutions(found, more, full, shape); err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// joinResolutions adds those with addresses that are not there already.
func joinResolutions(list, more []resolution) []resolution {
	for _, r := range more {
		if r.email == "" || !slices.ContainsFunc(list, func(o resolution) bool { return strings.EqualFold(o.email, r.email) }) {
			list = append(list, r)
		}
	}
	return list
}

// contactShape is the shape of the contacts that the answer shows.
func (c *call) contactShape() (*readItem, error) {
	base, given := c.req.Attr("ContactDataShape")
	if !given {
		base = "AllProperties"
	}
	e := &soap.Element{Name: soap.Name{Space: soap.NSMessages, Local: "ItemShape"}, Line: c.req.Line, Column: c.req.Column}
	e.Children = []*soap.Element{{Name: soap.Name{Space: soap.NSTypes, Local: "BaseShape"}, Text: base, Line: c.req.Line, Column: c.req.Column}}
	s, err := c.door.itemShape(e, c.schema, true)
	if err != nil {
		return nil, err
	}
	return c.reading(s)
}

// contactFolders are the folders of ParentFolderIds, the mailbox's contacts without it.
func (c *call) contactFolders(parents *soap.Element) ([]store.FolderID, error) {
	if parents == nil || len(parents.Children) == 0 {
		id, err := c.mailbox.RoleID(store.RoleContacts)
		return []store.FolderID{id}, orFolder(err)
	}
	var folders []store.FolderID
	for _, e := range parents.Children {
		id, err := c.folderID(e)
		if err != nil {
			return nil, err
		}
		if _, err := c.box(id).Folder(c.ctx, id); err != nil {
			return nil, orFolder(err)
		}
		if folders = append(folders, id); len(folders) > maxUnresolved {
			return nil, &soap.Fault{Code: "ErrorInvalidOperation", Message: "The request names too many folders."}
		}
	}
	return folders, nil
}

func (c *call) resolveInDirectory(text string) (found []resolution, more bool, err error) {
	list, err := c.addressList()
	if err != nil {
		return nil, false, err
	}
	entries, more := list.Find(text)
	for _, e := range entries {
		found = append(found, resolution{addressee: ofEntry(e), entry: e})
	}
	return found, more, nil
}

// resolveInContacts finds the contacts and private distribution lists of the folders by the words of a text, or by an address after "smtp:".
func (c *call) resolveInContacts(text string, folders []store.FolderID, shape *readItem) (found []resolution, more bool, err error) {
	where, wanted := whereContact(text)
	if where == nil {
		return nil, false, nil
	}
	want := shape.want
	want.Tags = append(slices.Clip(want.Tags), contactTags...)
	for _, folder := range folders {
		if len(found) > maxResolutions {
			return found, true, nil // no answer has more
		}
		page, err := c.box(folder).List(c.ctx, store.Query{Folder: folder, Where: where, Sort: []store.SortKey{{Tag: mapi.PidTagSubject}}, Want: want, Limit: maxContacts})
		if err != nil {
			return nil, false, orFolder(err)
		}
		more = more || !page.Last
		for _, item := range page.Items {
			found = append(found, resolution{addressee: c.ofContact(item, wanted), item: item})
		}
	}
	return found, more, nil
}

// contactClass is the condition for the items of a contacts folder that are somebody.
var contactClass = mapi.Or{mapi.Content{Tag: mapi.PidTagMessageClass, Fuzzy: mapi.Prefix | mapi.IgnoreCase, Value: "IPM.Contact"},
	mapi.Content{Tag: mapi.PidTagMessageClass, Fuzzy: mapi.Prefix | mapi.IgnoreCase, Value: "IPM.DistList"}}

// whereContact is the condition for contacts that a text may mean, nil for one that means nobody, and tells which of
// a contact's addresses it means.
func whereContact(text string) (mapi.Restriction, func(email string) bool) {
	if len(text) > maxName {
		return nil, nil
	}
	if kind, email, ok := strings.Cut(text, ":"); ok && strings.EqualFold(kind, "smtp") {
		email = strings.TrimSpace(email)
		any := mapi.Or{}
		for _, e := range emailEntries {
			any = append(any, mapi.Content{Tag: e.tag, Fuzzy: mapi.FullString | mapi.IgnoreCase, Value: email})
		}
		return mapi.And{contactClass, any}, func(a string) bool { return strings.EqualFold(a, email) }
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == ',' || r == ';' })
	if len(words) == 0 || len(words) > maxWords {
		return nil, nil
	}
	all := mapi.And{contactClass}
	for _, w := range words {
		any := mapi.Or{}
		for _, tag := range []mapi.Tag{mapi.PidTagDisplayName, mapi.PidTagGivenName, mapi.PidTagSurname, mapi.PidLidFileUnder, mapi.PidTagSubject} {
			any = append(any, mapi.Content{Tag: tag, Fuzzy: mapi.PrefixOnWords | mapi.IgnoreCase | mapi.IgnoreNonSpace, Value: w})
		}
		for _, e := range emailEntries {
			any = append(any, mapi.Content{Tag: e.tag, Fuzzy: mapi.Prefix | mapi.IgnoreCase, Value: w})
		}
		all = append(all, any)
	}
	return all, func(a string) bool { return strings.HasPrefix(query.Fold(a), query.Fold(words[0])) }
}

// writeResolutions writes the message of one entry: none is an error, several a warning.
func (c *call) writeResolutions(found []resolution, more, full bool, shape *readItem) error {
	if len(found) == 0 {
		return c.failure(errNoResults)
	}
	if len(found) > maxResolutions {
		found, more = found[:maxResolutions], true
	}
	write := func() error { return c.writeResolutionSet(found, more, full, shape) }
	if len(found) == 1 && !more {
		return c.success(write)
	}
	return c.warning(errManyResults, write)
}

func (c *call) writeResolutionSet(found []resolution, more, full bool, shape *readItem) error {
	c.startSet("m:ResolutionSet", len(found), !more)
	for _, r := range found {
		c.w.Start("t:Resolution")
		r.write(c.w, "t:Mailbox")
		switch {
		case !full:
		case r.entry != nil:
			writeEntry(c.w, r.entry)
		case r.kind == typeContact:
			if err := c.writeItem(shape, r.item); err != nil {
				return err
			}
		}
		c.w.End("t:Resolution")
	}
	c.w.End("m:ResolutionSet")
	return nil
}

// writeEntry writes an entry of the address list as a Contact (MS-OXWSCONT 2.2.4.3).
func writeEntry(w *soap.Writer, e *addressbook.Entry) {
	w.Start("t:Contact")
	text := func(element, value string) {
		if value != "" {
			w.Element(element, value)
		}
	}
	text("t:DisplayName", e.DisplayName)
	text("t:GivenName", e.GivenName)
	w.Start("t:EmailAddresses")
	for i, a := range append([]string{"SMTP:" + e.PrimarySMTP}, e.Addresses...) {
		if i == len(emailEntries) {
			break
		}
		if i > 0 {
			a = "smtp:" + a
		}
		w.Element("t:Entry", a, "Key", emailEntries[i].key)
	}
	w.End("t:EmailAddresses")
	w.Element("t:ContactSource", "ActiveDirectory")
	text("t:Surname", e.Surname)
	text("t:Alias", e.Alias)
	w.Element("t:DirectoryId", e.GUID.String())
	w.End("t:Contact")
}
