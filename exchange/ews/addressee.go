package ews

import (
	"strconv"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// addressee is an EmailAddressType (MS-OXWSCDATA 2.2.4.31): somebody or something that mail can be sent to.
type addressee struct {
	name, email string
	routing     string // SMTP where empty
	kind        string // MailboxType
	item        string // the id of a contact or private distribution list, "" for what is none
}

// The values of MailboxType that are written here (MS-OXWSCDATA 2.2.5.23).
const (
	typeMailbox   = "Mailbox"
	typePublicDL  = "PublicDL"
	typePrivateDL = "PrivateDL"
	typeContact   = "Contact"
	typeOneOff    = "OneOff"
)

// write writes the address as an element.
func (a addressee) write(w *soap.Writer, element string) {
	w.Start(element)
	if a.name != "" {
		w.Element("t:Name", a.name)
	}
	if a.email != "" {
		w.Element("t:EmailAddress", a.email)
		routing := a.routing
		if routing == "" {
			routing = "SMTP"
		}
		w.Element("t:RoutingType", routing)
	}
	w.Element("t:MailboxType", a.kind)
	if a.item != "" {
		w.Empty("t:ItemId", "Id", a.item)
	}
	w.End(element)
}

// ofEntry is the address of an entry of the address list.
func ofEntry(e *addressbook.Entry) addressee {
	return addressee{name: e.DisplayName, email: e.PrimarySMTP, kind: mailboxType(e.Type)}
}

// ofRecipient is the address of a recipient of the organisation.
func ofRecipient(r *org.Recipient) addressee {
	return addressee{name: r.DisplayName, email: r.PrimarySMTP, kind: mailboxType(r.Type)}
}

// mailboxType is the MailboxType of a recipient of the organisation.
func mailboxType(t org.RecipientType) string {
	if t.Group() {
		return typePublicDL
	}
	return typeMailbox
}

// startSet begins a list of addresses that is not paged.
func (c *call) startSet(element string, total int, last bool) {
	c.w.Start(element, "TotalItemsInView", strconv.Itoa(total), "IncludesLastItemInRange", strconv.FormatBool(last))
}

// addressList returns the organisation's address list, an empty one where there is none.
func (c *call) addressList() (*addressbook.List, error) {
	if c.door.opts.Book == nil {
		return &addressbook.List{}, nil
	}
	return c.door.opts.Book.List(c.ctx)
}

// contactTags are what the address of a contact or private distribution list is made of.
var contactTags = func() []mapi.Tag {
	tags := []mapi.Tag{mapi.PidTagMessageClass, mapi.PidTagDisplayName, mapi.PidTagGivenName, mapi.PidTagSurname, mapi.PidLidFileUnder, mapi.PidTagSubject}
	for _, e := range emailEntries {
		tags = append(tags, e.tag, e.also[0], e.also[1])
	}
	return tags
}()

// ofContact is the address of an item of a contacts folder that was read with contactTags: of several
// addresses the one that wanted admits, else the first.
func (c *call) ofContact(item *store.Item, wanted func(email string) bool) addressee {
	a := addressee{name: item.Props.String(mapi.PidTagDisplayName), kind: typeContact, item: item.ID.Encode(c.door.opts.IDKey)}
	if a.name == "" {
		a.name = item.Props.String(mapi.PidTagSubject)
	}
	if kindOf(item.Props.String(mapi.PidTagMessageClass)).kind == distributionList {
		a.kind, a.routing = typePrivateDL, "MAPIPDL"
		return a
	}
	for _, e := range emailEntries {
		if email := item.Props.String(e.tag); email != "" && (a.email == "" || wanted(email)) {
			a.email, a.routing = email, item.Props.String(e.also[1])
			if wanted(email) {
				break
			}
		}
	}
	return a
}
