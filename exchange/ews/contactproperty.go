package ews

import (
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// postalAddresses are the words of PidLidPostalAddressId (MS-OXOCNTC 2.2.1.3).
var postalAddresses = []string{"None", "Home", "Business", "Other"}

// completeNameTags are what CompleteName is made of.
var completeNameTags = []mapi.Tag{mapi.PidTagDisplayNamePrefix, mapi.PidTagGivenName, mapi.PidTagMiddleName, mapi.PidTagSurname,
	mapi.PidTagGeneration, mapi.PidTagInitials, mapi.PidTagDisplayName, mapi.PidTagNickname}

// contactProperties are those of ContactItemType in its order (MS-OXWSCONT
// 2.2.4.3), with the properties of MS-OXOCNTC 2.2.1.
var contactProperties = []*itemProperty{
	{uri: "contacts:FileAs", of: contactItem | distributionList, element: "FileAs", tag: mapi.PidLidFileUnder, in: inDefault},
	{uri: "contacts:FileAsMapping", of: contactItem, element: "FileAsMapping", tag: mapi.PidLidFileUnderID, in: noSearch,
		write: writeFileAsMapping, set: setFileAsMapping},
	{uri: "contacts:DisplayName", of: contactItem | distributionList, element: "DisplayName", tag: mapi.PidTagDisplayName, in: inDefault},
	{uri: "contacts:GivenName", of: contactItem, element: "GivenName", tag: mapi.PidTagGivenName, in: inDefault},
	{uri: "contacts:Initials", of: contactItem, element: "Initials", tag: mapi.PidTagInitials},
	{uri: "contacts:MiddleName", of: contactItem, element: "MiddleName", tag: mapi.PidTagMiddleName},
	{uri: "contacts:Nickname", of: contactItem, element: "Nickname", tag: mapi.PidTagNickname},
	{uri: "contacts:CompleteName", of: contactItem, element: "CompleteName", also: completeNameTags, in: inDefault | readOnly | noSearch, write: writeCompleteName},
	{uri: "contacts:CompanyName", of: contactItem, element: "CompanyName", tag: mapi.PidTagCompanyName, in: inDefault},
	{uri: "contacts:EmailAddresses", of: contactItem, element: "EmailAddresses", in: inDefault, entries: emailEntries, write: writeDictionary, set: setDictionary},
	{uri: "contacts:PhysicalAddresses", of: contactItem, element: "PhysicalAddresses", in: inDefault, entries: physicalEntries, write: writeDictionary, set: setDictionary},
	{uri: "contacts:PhoneNumbers", of: contactItem, element: "PhoneNumbers", in: inDefault, entries: phoneEntries, write: writeDictionary, set: setDictionary},
	{uri: "contacts:AssistantName", of: contactItem, element: "AssistantName", tag: mapi.PidTagAssistant},
	{uri: "contacts:Birthday", of: contactItem, element: "Birthday", tag: mapi.PidTagBirthday},
	{uri: "contacts:BusinessHomePage", of: contactItem, element: "BusinessHomePage", tag: mapi.PidTagBusinessHomePage},
	{uri: "contacts:Children", of: contactItem, element: "Children", tag: mapi.PidTagChildrensNames, write: writeStrings, set: setStrings},
	{uri: "contacts:Companies", of: contactItem, element: "Companies", tag: mapi.PidLidCompanies, write: writeStrings, set: setStrings},
	{uri: "contacts:ContactSource", of: contactItem | distributionList, element: "ContactSource", in: readOnly | noSearch, write: writeContactSource},
	{uri: "contacts:Department", of: contactItem, element: "Department", tag: mapi.PidTagDepartmentName, in: inDefault},
	{uri: "contacts:Generation", of: contactItem, element: "Generation", tag: mapi.PidTagGeneration},
	{uri: "contacts:ImAddresses", of: contactItem, element: "ImAddresses", in: inDefault, entries: imEntries, write: writeDictionary, set: setDictionary},
	{uri: "contacts:JobTitle", of: contactItem, element: "JobTitle", tag: mapi.PidTagTitle, in: inDefault},
	{uri: "contacts:Manager", of: contactItem, element: "Manager", tag: mapi.PidTagManagerName},
	{uri: "contacts:Mileage", of: contactItem, element: "Mileage", tag: mapi.PidLidMileage},
	{uri: "contacts:OfficeLocation", of: contactItem, element: "OfficeLocation", tag: mapi.PidTagOfficeLocation},
	{uri: "contacts:PostalAddressIndex", of: contactItem, element: "PostalAddressIndex", tag: mapi.PidLidPostalAddressID, enum: postalAddresses, or: int32(0)},
	{uri: "contacts:Profession", of: contactItem, element: "Profession", tag: mapi.PidTagProfession},
	{uri: "contacts:SpouseName", of: contactItem, element: "SpouseName", tag: mapi.PidTagSpouseName},
	{uri: "contacts:Surname", of: contactItem, element: "Surname", tag: mapi.PidTagSurname, in: inDefault},
	{uri: "contacts:WeddingAnniversary", of: contactItem, element: "WeddingAnniversary", tag: mapi.PidTagWeddingAnniversary},
	{uri: "contacts:HasPicture", since: exchange2010, of: contactItem, element: "HasPicture", tag: mapi.PidLidHasPicture, in: readOnly, or: false},
}

// entry is a member of a dictionary: what an IndexedFieldURI names.
type entry struct {
	uri, key string
	part     string        // the element that holds the value, "" for the Entry itself
	tag      mapi.Tag      // of the value
	also     []mapi.Tag    // of an e-mail address: display name, type, original display name, entry id
	of       *itemProperty // the dictionary
}

// indexedPath is the FieldURI and the FieldIndex of an IndexedFieldURI.
type indexedPath struct{ uri, key string }

var entryByPath = make(map[indexedPath]*entry)

var emailEntries = []*entry{
	{uri: "contacts:EmailAddress", key: "EmailAddress1", tag: mapi.PidLidEmail1EmailAddress, also: []mapi.Tag{mapi.PidLidEmail1DisplayName,
		mapi.PidLidEmail1AddressType, mapi.PidLidEmail1OriginalDisplayName, mapi.PidLidEmail1OriginalEntryID}},
	{uri: "contacts:EmailAddress", key: "EmailAddress2", tag: mapi.PidLidEmail2EmailAddress, also: []mapi.Tag{mapi.PidLidEmail2DisplayName,
		mapi.PidLidEmail2AddressType, mapi.PidLidEmail2OriginalDisplayName, mapi.PidLidEmail2OriginalEntryID}},
	{uri: "contacts:EmailAddress", key: "EmailAddress3", tag: mapi.PidLidEmail3EmailAddress, also: []mapi.Tag{mapi.PidLidEmail3DisplayName,
		mapi.PidLidEmail3AddressType, mapi.PidLidEmail3OriginalDisplayName, mapi.PidLidEmail3OriginalEntryID}},
}

var physicalEntries = []*entry{
	{uri: "contacts:PhysicalAddress:Street", key: "Business", part: "Street", tag: mapi.PidLidWorkAddressStreet},
	{uri: "contacts:PhysicalAddress:City", key: "Business", part: "City", tag: mapi.PidLidWorkAddressCity},
	{uri: "contacts:PhysicalAddress:State", key: "Business", part: "State", tag: mapi.PidLidWorkAddressState},
	{uri: "contacts:PhysicalAddress:CountryOrRegion", key: "Business", part: "CountryOrRegion", tag: mapi.PidLidWorkAddressCountry},
	{uri: "contacts:PhysicalAddress:PostalCode", key: "Business", part: "PostalCode", tag: mapi.PidLidWorkAddressPostalCode},
	{uri: "contacts:PhysicalAddress:Street", key: "Home", part: "Street", tag: mapi.PidTagHomeAddressStreet},
	{uri: "contacts:PhysicalAddress:City", key: "Home", part: "City", tag: mapi.PidTagHomeAddressCity},
	{uri: "contacts:PhysicalAddress:State", key: "Home", part: "State", tag: mapi.PidTagHomeAddressStateOrProvince},
	{uri: "contacts:PhysicalAddress:CountryOrRegion", key: "Home", part: "CountryOrRegion", tag: mapi.PidTagHomeAddressCountry},
	{uri: "contacts:PhysicalAddress:PostalCode", key: "Home", part: "PostalCode", tag: mapi.PidTagHomeAddressPostalCode},
	{uri: "contacts:PhysicalAddress:Street", key: "Other", part: "Street", tag: mapi.PidTagOtherAddressStreet},
	{uri: "contacts:PhysicalAddress:City", key: "Other", part: "City", tag: mapi.PidTagOtherAddressCity},
	{uri: "contacts:PhysicalAddress:State", key: "Other", part: "State", tag: mapi.PidTagOtherAddressStateOrProvince},
	{uri: "contacts:PhysicalAddress:CountryOrRegion", key: "Other", part: "CountryOrRegion", tag: mapi.PidTagOtherAddressCountry},
	{uri: "contacts:PhysicalAddress:PostalCode", key: "Other", part: "PostalCode", tag: mapi.PidTagOtherAddressPostalCode},
}

var phoneEntries = []*entry{
	{uri: "contacts:PhoneNumber", key: "AssistantPhone", tag: mapi.PidTagAssistantTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "BusinessFax", tag: mapi.PidTagBusinessFaxNumber},
	{uri: "contacts:PhoneNumber", key: "BusinessPhone", tag: mapi.PidTagBusinessTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "BusinessPhone2", tag: mapi.PidTagBusiness2TelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "Callback", tag: mapi.PidTagCallbackTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "CarPhone", tag: mapi.PidTagCarTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "CompanyMainPhone", tag: mapi.PidTagCompanyMainTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "HomeFax", tag: mapi.PidTagHomeFaxNumber},
	{uri: "contacts:PhoneNumber", key: "HomePhone", tag: mapi.PidTagHomeTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "HomePhone2", tag: mapi.PidTagHome2TelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "Isdn", tag: mapi.PidTagISDNNumber},
	{uri: "contacts:PhoneNumber", key: "MobilePhone", tag: mapi.PidTagMobileTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "OtherFax", tag: mapi.PidTagPrimaryFaxNumber},
	{uri: "contacts:PhoneNumber", key: "OtherTelephone", tag: mapi.PidTagOtherTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "Pager", tag: mapi.PidTagPagerTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "PrimaryPhone", tag: mapi.PidTagPrimaryTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "RadioPhone", tag: mapi.PidTagRadioTelephoneNumber},
	{uri: "contacts:PhoneNumber", key: "Telex", tag: mapi.PidTagTelexNumber},
	{uri: "contacts:PhoneNumber", key: "TtyTddPhone", tag: mapi.PidTagTTYTDDPhoneNumber},
}

var imEntries = []*entry{
	{uri: "contacts:ImAddress", key: "ImAddress1", tag: mapi.PidLidInstantMessagingAddress},
	{uri: "contacts:ImAddress", key: "ImAddress2", tag: mapi.PidNameIMAddress2},
	{uri: "contacts:ImAddress", key: "ImAddress3", tag: mapi.PidNameIMAddress3},
}

// writeDictionary writes the entries that the shape asks for and the item has.
func writeDictionary(x *itemWriter, p *itemProperty) error {
	open, key := false, "" // key is that of the Entry of parts that is open
	for _, e := range p.entries {
		text := x.item.Props.String(e.tag)
		if text == "" || !x.r.entries[e] {
			continue
		}
		if !open {
			open = true
			x.w.Start("t:" + p.element)
		}
		if e.part == "" {
			attrs := []string{"Key", e.key}
			if len(e.also) > 0 && x.schema >= exchange2010 {
				attrs = append(attrs, "Name", x.item.Props.String(e.also[0]), "RoutingType", x.item.Props.String(e.also[1]))
			}
			x.w.Element("t:Entry", text, attrs...)
			continue
		}
		if key != e.key {
			if key != "" {
				x.w.End("t:Entry")
			}
			key = e.key
			x.w.Start("t:Entry", "Key", key)
		}
		x.w.Element("t:"+e.part, text)
	}
	if key != "" {
		x.w.End("t:Entry")
	}
	if open {
		x.w.End("t:" + p.element)
	}
	return nil
}

// setDictionary replaces a whole dictionary.
func setDictionary(d *draft, p *itemProperty, e *soap.Element) error {
	d.removeEntries(p.entries...)
	for _, child := range e.Children {
		key, _ := child.Attr("Key")
		values := []*soap.Element{child}
		if p.entries[0].part != "" {
			values = child.Children
		}
		for _, value := range values {
			known := false
			for _, member := range p.entries {
				if member.key == key && (member.part == "" || member.part == value.Name.Local) {
					known = true
					d.putEntry(member, value)
				}
			}
			if !known {
				return errPropertyValue
			}
		}
	}
	return nil
}

// putEntry sets a member to the text of its element; no text is no member.
func (d *draft) putEntry(e *entry, value *soap.Element) {
	if value.Text == "" {
		d.removeEntries(e)
		return
	}
	d.put(e.tag, value.Text)
	if len(e.also) == 0 {
		return
	}
	// MS-OXOCNTC 2.2.1.2: an address is known by five properties.
	name, _ := value.Attr("Name")
	a := oxcmail.Address{Name: name, Email: value.Text}
	routing, _ := value.Attr("RoutingType")
	if routing == "" {
		routing = "SMTP"
	}
	d.put(e.also[0], a.Display())
	d.put(e.also[1], routing)
	d.put(e.also[2], value.Text)
	if routing == "SMTP" {
		d.put(e.also[3], oxcmail.OneOff(a))
	} else {
		d.remove(e.also[3])
	}
}

func (d *draft) removeEntries(entries ...*entry) {
	for _, e := range entries {
		d.remove(e.tag)
		d.remove(e.also...)
	}
}

// updateEntry takes one change of one member of a dictionary, nil for one that
// there is not.
func (d *draft) updateEntry(u *soap.Element, e *entry) error {
	if e == nil {
		return errUnsupported
	}
	if e.of.of&d.kind == 0 {
		return errPropertyKind
	}
	switch u.Name.Local {
	case "DeleteItemField":
		d.removeEntries(e)
		return nil
	case "SetItemField":
	default:
		return errUnsupported
	}
	// SetItemField / Contact / EmailAddresses / Entry, and in an address its part.
	if len(u.Children) != 2 || len(u.Children[1].Children) != 1 {
		return errUpdateCount
	}
	dictionary := u.Children[1].Children[0]
	if len(dictionary.Children) != 1 {
		return errUpdateCount
	}
	value := dictionary.Children[0]
	key, _ := value.Attr("Key")
	if dictionary.Name.Local != e.of.element || key != e.key {
		return errUpdateMismatch
	}
	if e.part != "" {
		if len(value.Children) != 1 {
			return errUpdateCount
		}
		if value = value.Children[0]; value.Name.Local != e.part {
			return errUpdateMismatch
		}
	}
	d.putEntry(e, value)
	return nil
}

// fileAsMappings are the values of PidLidFileUnderId (MS-OXOCNTC 2.2.1.1) in
// the words of MS-OXWSCONT 2.2.5. Any other value is None: a text of the user's own.
var fileAsMappings = map[string]int32{
	"None": -1, "Empty": 0, "DisplayName": 0x3001, "FirstName": 0x3A06, "LastName": 0x3A11, "Company": 0x3A16,
	"LastCommaFirst": 0x8017, "CompanyLastCommaFirst": 0x8018, "LastCommaFirstCompany": 0x8019,
	"LastFirst": 0x8030, "LastSpaceFirst": 0x8031, "CompanyLastFirst": 0x8032, "CompanyLastSpaceFirst": 0x8033,
	"LastFirstCompany": 0x8034, "LastSpaceFirstCompany": 0x8035, "LastFirstSuffix": 0x8036, "FirstSpaceLast": 0x8037,
	"LastFirstMiddleSuffix": 0x8038,
}

func writeFileAsMapping(x *itemWriter, p *itemProperty) error {
	id, set := x.item.Props[p.tag].(int32)
	if !set {
		return nil
	}
	word := "None"
	for w, v := range fileAsMappings {
		if v == id {
			word = w
		}
	}
	x.w.Element("t:FileAsMapping", word)
	return nil
}

func setFileAsMapping(d *draft, p *itemProperty, e *soap.Element) error {
	id, ok := fileAsMappings[e.Text]
	if !ok {
		return errPropertyValue
	}
	d.put(p.tag, id)
	return nil
}

// writeCompleteName writes the parts of a name (MS-OXWSCONT 2.2.4).
func writeCompleteName(x *itemWriter, p *itemProperty) error {
	open := false
	for i, element := range []string{"Title", "FirstName", "MiddleName", "LastName", "Suffix", "Initials", "FullName", "Nickname"} {
		text := x.item.Props.String(p.also[i])
		if text == "" {
			continue
		}
		if !open {
			open = true
			x.w.Start("t:CompleteName")
		}
		x.w.Element("t:"+element, text)
	}
	if open {
		x.w.End("t:CompleteName")
	}
	return nil
}

// writeContactSource tells that the contact is of the mailbox, not of the address list.
func writeContactSource(x *itemWriter, _ *itemProperty) error {
	x.w.Element("t:ContactSource", "Store")
	return nil
}

// completeContact gives a new contact the subject that lists show it by: its name.
func (d *draft) completeContact() {
	if _, set := d.props[mapi.PidTagSubject]; set {
		return
	}
	for _, tag := range []mapi.Tag{mapi.PidTagDisplayName, mapi.PidLidFileUnder} {
		if name := d.props.String(tag); name != "" {
			d.put(mapi.PidTagSubject, name)
			d.put(mapi.PidTagNormalizedSubject, name)
			return
		}
	}
}
