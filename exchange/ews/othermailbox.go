package ews

import (
	"errors"
	"strings"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// errMixed refuses named properties in a request about several mailboxes, in each of
// which they have other ids.
var errMixed = &problem{"ErrorInvalidOperation", "Named properties can be asked for and set in one mailbox at a time."}

// errCrossMailbox refuses what cannot be done from one mailbox to another.
var errCrossMailbox = &problem{"ErrorCrossMailboxMoveCopy", "A folder cannot be moved or copied to another mailbox."}

// look finds out which mailbox the request is about, by the ids in it, before
// anything of it is read: named properties have their ids there. What is named
// wrongly is refused where it is used.
func (c *call) look(e *soap.Element) error {
	id, named := guid.GUID{}, false
	if e.Name.Local == "DistinguishedFolderId" {
		m, _, err := c.distinguished(e)
		if _, refused := errors.AsType[*problem](err); refused || errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		id, named = m.GUID(), true
	} else if text, given := e.Attr("Id"); given {
		id, named = store.MailboxOf(text)
	}
	switch {
	case !named || c.about == id:
	case c.about.IsNil():
		c.about = id
	default:
		c.mixed = true
	}
	for _, child := range e.Children {
		if err := c.look(child); err != nil {
			return err
		}
	}
	return nil
}

// focus returns the mailbox in which named properties of the request have their ids.
// An id only says which one that is: one that the caller is not let into is refused
// where the id is used, forged or not.
func (c *call) focus() (*store.Mailbox, error) {
	if c.about.IsNil() || c.about == c.mailbox.GUID() {
		return c.mailbox, nil
	}
	box, err := c.admit(c.about)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) {
		return c.mailbox, nil
	}
	return box, err
}

// admit opens another person's mailbox as the caller may see it, once for the
// request: the whole of it with full access, otherwise what the permissions of its
// folders give.
func (c *call) admit(id guid.GUID) (*store.Mailbox, error) {
	if m := c.boxes[id]; m != nil {
		return m, nil
	}
	if id == c.person.ArchiveGUID() {
		return c.archive()
	}
	r, err := c.door.opts.People.ByMailbox(c.ctx, id)
	if errors.Is(err, org.ErrNotFound) || err == nil && !r.Receives() {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	full, err := c.door.opts.People.Holds(c.ctx, r.FullAccess, c.person.GUID)
	if err != nil {
		return nil, err
	}
	m, err := c.door.store.OpenMailbox(c.ctx, r.MailboxGUID, addressbook.MailboxInfo(r))
	if err == nil && !full {
		m, err = m.As(c.ctx, c.person.SID)
	}
	if err != nil {
		return nil, err
	}
	c.admitted(id, m)
	return m, nil
}

// admitted keeps an open mailbox for the rest of the request.
func (c *call) admitted(id guid.GUID, m *store.Mailbox) {
	if c.boxes == nil {
		c.boxes = map[guid.GUID]*store.Mailbox{}
	}
	c.boxes[id] = m
}

// distinguished returns the mailbox and the role that a DistinguishedFolderId names.
func (c *call) distinguished(e *soap.Element) (*store.Mailbox, store.Role, error) {
	text, _ := e.Attr("Id")
	role := strings.ToLower(text)
	m, err := c.mailboxOf(e.Child(soap.NSTypes, "Mailbox"))
	archived, prefixed := strings.CutPrefix(role, archivePrefix)
	if err != nil || !prefixed || archived == "" {
		return m, store.Role(role), err
	}
	if m != c.mailbox {
		return nil, "", store.ErrNotFound // an archive is opened by its owner alone
	}
	m, err = c.archive()
	return m, store.Role(archived), err
}

// mailboxOf returns the mailbox that a Mailbox element names, the caller's without one.
func (c *call) mailboxOf(e *soap.Element) (*store.Mailbox, error) {
	r, err := c.ownerOf(e)
	if err != nil {
		return nil, err
	}
	return c.boxOf(r)
}

// boxOf opens somebody's mailbox as the caller may see it.
func (c *call) boxOf(r *org.Recipient) (*store.Mailbox, error) {
	if r.GUID == c.person.GUID {
		return c.mailbox, nil
	}
	return c.admit(r.MailboxGUID)
}

// ownerOf returns whose mailbox a Mailbox element names. Who has none, or shares
// the address with somebody, does not exist.
func (c *call) ownerOf(e *soap.Element) (*org.Recipient, error) {
	address := e.Child(soap.NSTypes, "EmailAddress")
	if address == nil {
		return c.person, nil
	}
	return c.ownerAt(address.Text)
}

// ownerAt returns whose mailbox has an address.
func (c *call) ownerAt(address string) (*org.Recipient, error) {
	if strings.EqualFold(address, c.person.PrimarySMTP) {
		return c.person, nil
	}
	list, err := c.door.opts.People.BySMTP(c.ctx, address)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 || !list[0].Receives() {
		return nil, errNoMailbox
	}
	return list[0], nil
}

// carry readies an item for the mailbox that it is to be put in: its content was
// written into the caller's while the request was read.
func (c *call) carry(box *store.Mailbox, item *store.NewItem) error {
	if err := c.namesFit(box); err != nil || box.GUID() == c.mailbox.GUID() {
		return err
	}
	return box.Carry(c.ctx, c.mailbox, item)
}

// namesFit refuses to set named properties in another mailbox than that in which their ids were found.
func (c *call) namesFit(box *store.Mailbox) error {
	if about := c.about; c.named && box.GUID() != about && !(about.IsNil() && box.GUID() == c.mailbox.GUID()) {
		return errMixed
	}
	return nil
}

// effective is what the caller may do in a folder.
type effective struct {
	store.Rights
	private bool // and sees private items
}

// rights returns what the caller may do in a folder, asked once for the request.
func (c *call) rights(folder store.FolderID) (effective, error) {
	if e, known := c.effective[folder]; known {
		return e, nil
	}
	rights, private, err := c.box(folder).Effective(c.ctx, folder)
	if err != nil {
		return effective{}, err
	}
	if c.effective == nil {
		c.effective = map[store.FolderID]effective{}
	}
	c.effective[folder] = effective{rights, private}
	return c.effective[folder], nil
}

// writeFolderRights writes EffectiveRights of a folder (MS-OXWSCDATA 2.2.4.26).
func (c *call) writeFolderRights(f *store.Folder) error {
	e, err := c.rights(f.ID)
	if err != nil {
		return err
	}
	owner := e.Rights&store.RightFolderOwner != 0
	holds := f.Kind != store.SearchFolder // which has only found what it shows
	c.writeRights(e, [6]bool{owner && holds, e.Rights&store.RightCreate != 0 && holds, e.Rights&store.RightCreateSubfolder != 0 && holds, owner, owner, e.Rights&store.RightReadAny != 0})
	return nil
}

// writeItemRights writes EffectiveRights of an item.
func (c *call) writeItemRights(it *store.Item) error {
	e, err := c.rights(it.Folder)
	if err != nil {
		return err
	}
	any := func(anybodys, owns store.Rights) bool {
		return e.Rights&anybodys != 0 || e.Rights&owns != 0 && it.Creator == c.box(it.ID).Viewer()
	}
	c.writeRights(e, [6]bool{4: any(store.RightEditAny, store.RightEditOwned), 3: any(store.RightDeleteAny, store.RightDeleteOwned), 5: true})
	return nil
}

// writeRights writes the rights in the order of the schema, ViewPrivateItems last.
func (c *call) writeRights(e effective, rights [6]bool) {
	c.w.Start("t:EffectiveRights")
	for i, name := range [6]string{"t:CreateAssociated", "t:CreateContents", "t:CreateHierarchy", "t:Delete", "t:Modify", "t:Read"} {
		c.w.Bool(name, rights[i])
	}
	if c.schema >= exchange2010 {
		c.w.Bool("t:ViewPrivateItems", e.private)
	}
	c.w.End("t:EffectiveRights")
}

// ofMailbox tells whether a property has an id of one mailbox's own.
func ofMailbox(id uint16) bool { return id >= mapi.FirstMailboxName }
