package ews

import (
	"encoding/base64"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// persona is somebody as FindPeople and GetPersona show him: an entry of the address list, or a contact of a mailbox.
type persona struct {
	id        string
	kind      string // PersonaType
	name      string
	given     string
	surname   string
	fileAs    string
	addresses []addressee
	// texts are what a contact says besides, by element.
	texts map[string]string
	from  string // where it comes from, for people
}

// The values of PersonaType that are written here (MS-OXWSPERS 2.2.5.4).
const (
	personPersona = "Person"
	groupPersona  = "DistributionList"
	roomPersona   = "Room"
)

// personaTexts are the elements of a persona that a contact's texts fill.
var personaTexts = []struct {
	element string
	tag     mapi.Tag
}{
	{"Title", mapi.PidTagTitle}, {"Department", mapi.PidTagDepartmentName}, {"CompanyName", mapi.PidTagCompanyName},
	{"MiddleName", mapi.PidTagMiddleName}, {"Nickname", mapi.PidTagNickname}, {"ImAddress", mapi.PidLidInstantMessagingAddress},
}

// personaWant is what is read of a contact to make a persona of it.
var personaWant = func() store.Want {
	w := store.Want{Tags: contactTags}
	for _, t := range personaTexts {
		w.Tags = append(w.Tags[:len(w.Tags):len(w.Tags)], t.tag)
	}
	return w
}()

// entryPersona begins the id of a persona of the address list, before the GUID of the entry. That of a contact is the item's id.
const entryPersona = 1

// personaOfEntry makes a persona of an entry of the address list.
func personaOfEntry(e *addressbook.Entry) *persona {
	p := &persona{id: base64.StdEncoding.EncodeToString(append([]byte{entryPersona}, e.GUID[:]...)), kind: personPersona, name: e.DisplayName,
		given: e.GivenName, surname: e.Surname, addresses: []addressee{ofEntry(e)}, from: addressbook.Name}
	switch {
	case e.Type.Group():
		p.kind = groupPersona
	case e.Type == org.TypeRoom:
		p.kind = roomPersona
	}
	return p
}

// personaOfItem makes a persona of a contact or private distribution list that was read with personaWant.
func (c *call) personaOfItem(item *store.Item) *persona {
	a := c.ofContact(item, func(string) bool { return false })
	p := &persona{id: a.item, kind: personPersona, name: a.name, given: item.Props.String(mapi.PidTagGivenName), surname: item.Props.String(mapi.PidTagSurname),
		fileAs: item.Props.String(mapi.PidLidFileUnder), texts: map[string]string{}, from: "Outlook Contacts"}
	if a.kind == typePrivateDL {
		p.kind = groupPersona
	}
	for _, e := range emailEntries {
		if email := item.Props.String(e.tag); email != "" {
			p.addresses = append(p.addresses, addressee{name: a.name, email: email, routing: item.Props.String(e.also[1]), kind: typeContact})
		}
	}
	for _, t := range personaTexts {
		p.texts[t.element] = item.Props.String(t.tag)
	}
	return p
}

// persona finds the one of an id.
func (c *call) persona(text string) (*persona, error) {
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) == 17 && raw[0] == entryPersona {
		list, err := c.addressList()
		if err != nil {
			return nil, err
		}
		if e := list.ByGUID(guid.GUID(raw[1:])); e != nil {
			return personaOfEntry(e), nil
		}
		return nil, errItemNotFound
	}
	id, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	item, ok := id.(store.ItemID)
	if !ok {
		return nil, errInvalidID
	}
	found, err := c.box(item).Item(c.ctx, item, personaWant)
	if err != nil {
		return nil, err
	}
	if k := kindOf(found.Props.String(mapi.PidTagMessageClass)).kind; k != contactItem && k != distributionList {
		return nil, errItemNotFound
	}
	return c.personaOfItem(found), nil
}

// personaShape is which elements of a persona are written; nil writes all.
type personaShape map[string]bool

// personaElements are those that are known, in the order of the schema (MS-OXWSPERS 2.2.4.12).
var personaElements = []string{"PersonaId", "PersonaType", "DisplayNameFirstLastSortKey", "DisplayNameLastFirstSortKey", "DisplayName", "DisplayNameFirstLast", "DisplayNameLastFirst", "FileAs",
	"GivenName", "MiddleName", "Surname", "Nickname", "Title", "Department", "CompanyName", "EmailAddress", "EmailAddresses", "ImAddress", "Attributions"}

// defaultPersona is the Default shape.
var defaultPersona = personaShape{"PersonaId": true, "PersonaType": true, "DisplayName": true, "DisplayNameFirstLast": true, "DisplayNameLastFirst": true, "GivenName": true, "Surname": true,
	"Title": true, "CompanyName": true, "EmailAddress": true, "EmailAddresses": true, "ImAddress": true}

// readPersonaShape reads a PersonaShape; without one it is the Default shape. Properties of
// personas that nobody has here are left out.
func readPersonaShape(e *soap.Element) (personaShape, error) {
	if e == nil {
		return defaultPersona, nil
	}
	shape := personaShape{"PersonaId": true}
	switch base := e.Child(soap.NSTypes, "BaseShape"); {
	case base == nil:
		return nil, invalid(e, "BaseShape is missing")
	case base.Text == "IdOnly":
	case base.Text == "Default":
		for name := range defaultPersona {
			shape[name] = true
		}
	case base.Text == "AllProperties":
		for _, name := range personaElements {
			shape[name] = true
		}
	default:
		return nil, invalid(base, "%q is no base shape", base.Text)
	}
	if more := e.Child(soap.NSTypes, "AdditionalProperties"); more != nil {
		for _, path := range more.Children {
			uri, _ := path.Attr("FieldURI")
			name, ok := cutPersona(uri)
			if path.Name.Local != "FieldURI" || !ok {
				return nil, invalid(path, "%q is no property of a persona", uri)
			}
			shape[name] = true
		}
	}
	return shape, nil
}

func cutPersona(uri string) (name string, ok bool) {
	const prefix = "persona:"
	if len(uri) <= len(prefix) || uri[:len(prefix)] != prefix {
		return "", false
	}
	return uri[len(prefix):], true
}

// write writes the persona as an element.
func (p *persona) write(w *soap.Writer, element string, shape personaShape) {
	w.Start(element)
	for _, name := range personaElements {
		if shape[name] {
			p.writeElement(w, name)
		}
	}
	w.End(element)
}

func (p *persona) writeElement(w *soap.Writer, name string) {
	text := p.texts[name]
	switch name {
	case "PersonaId":
		w.Empty("t:PersonaId", "Id", p.id)
		return
	case "EmailAddress":
		if len(p.addresses) > 0 {
			p.addresses[0].write(w, "t:EmailAddress")
		}
		return
	case "EmailAddresses":
		if len(p.addresses) > 0 {
			w.Start("t:EmailAddresses")
			for _, a := range p.addresses {
				a.write(w, "t:Address")
			}
			w.End("t:EmailAddresses")
		}
		return
	case "Attributions":
		w.Start("t:Attributions")
		w.Start("t:Attribution")
		w.Element("t:Id", "0")
		w.Empty("t:SourceId", "Id", p.id)
		w.Element("t:DisplayName", p.from)
		w.Bool("t:IsWritable", p.from != addressbook.Name)
		w.Bool("t:IsQuickContact", false)
		w.Bool("t:IsHidden", false)
		w.End("t:Attribution")
		w.End("t:Attributions")
		return
	case "PersonaType":
		text = p.kind
	case "DisplayName", "DisplayNameFirstLast", "DisplayNameFirstLastSortKey":
		text = p.name
	case "DisplayNameLastFirst", "DisplayNameLastFirstSortKey":
		if text = p.name; p.given != "" && p.surname != "" {
			text = p.surname + " " + p.given
		}
	case "FileAs":
		text = p.fileAs
	case "GivenName":
		text = p.given
	case "Surname":
		text = p.surname
	}
	if text != "" {
		w.Element("t:"+name, text)
	}
}
