package ews

import (
	"encoding/base64"
	"slices"

	"hma/exchange/addressbook"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocntc"
	"hma/wire/soap"
)

// maxMembers is how many members a private distribution list has at most.
const maxMembers = 1000

var errMembers = &problem{"ErrorInvalidOperation", "The distribution list has too many members."}

var memberTags = []mapi.Tag{mapi.PidLidDistributionListMembers, mapi.PidLidDistributionListOneOffMembers}

// distributionListProperties are what DistributionListType has beside the properties that it shares
// with contacts (MS-OXWSDLIST 2.2.4.1), in the properties of MS-OXOCNTC 2.2.2.
var distributionListProperties = []*itemProperty{
	{uri: "distributionlist:Members", since: exchange2010, of: distributionList, element: "Members", in: onlyGet | noSearch, also: memberTags, write: writeMembers, set: setMembers, add: addMembers},
}

// member is a member of a private distribution list with its key, by which clients name it: its entry id.
type member struct {
	oxocntc.Member
	key []byte
}

// membersIn reads the members of a list. What is no member that could be read is left out.
func membersIn(props mapi.Bag) []member {
	entries, _ := props[mapi.PidLidDistributionListMembers].([][]byte)
	oneOffs, _ := props[mapi.PidLidDistributionListOneOffMembers].([][]byte)
	var list []member
	for i, entry := range entries {
		var oneOff []byte
		if i < len(oneOffs) {
			oneOff = oneOffs[i]
		}
		if m, err := oxocntc.Parse(entry, oneOff); err == nil {
			list = append(list, member{m, entry})
		}
	}
	return list
}

// memberTypes are the words of MailboxType by the kind of a member.
var memberTypes = map[oxocntc.Kind]string{oxocntc.OneOff: typeOneOff, oxocntc.Contact: typeContact, oxocntc.List: typePrivateDL,
	oxocntc.User: typeMailbox, oxocntc.Group: typePublicDL}

func (m member) addressee() addressee {
	a := addressee{name: m.Name, email: m.Address, kind: memberTypes[m.Kind]}
	if a.name == "" {
		a.name = m.Address
	}
	return a
}

func writeMembers(x *itemWriter, p *itemProperty) error {
	if err := x.box.Resolve(x.ctx, x.item.Props, maxValue, p.also...); err != nil {
		return err
	}
	list := membersIn(x.item.Props)
	if len(list) == 0 {
		return nil
	}
	x.w.Start("t:Members")
	for _, m := range list {
		x.w.Start("t:Member", "Key", base64.StdEncoding.EncodeToString(m.key))
		m.addressee().write(x.w, "t:Mailbox")
		x.w.Element("t:Status", "Normal")
		x.w.End("t:Member")
	}
	x.w.End("t:Members")
	return nil
}

func setMembers(d *draft, _ *itemProperty, e *soap.Element) error { return d.members(nil, e) }

func addMembers(d *draft, p *itemProperty, e *soap.Element) error {
	list, err := d.oldMembers(p)
	if err != nil {
		return err
	}
	return d.members(list, e)
}

// oldMembers are the members that the list has, or was given before.
func (d *draft) oldMembers(p *itemProperty) ([]member, error) {
	if _, given := d.props[mapi.PidLidDistributionListMembers]; given {
		return membersIn(d.props), nil
	}
	item, err := d.reread(p.also)
	if err != nil {
		return nil, err
	}
	return membersIn(item.Props), nil
}

// members sets the list's members to those that it has and those of the elements.
func (d *draft) members(list []member, e *soap.Element) error {
	directory, err := d.addressList()
	if err != nil {
		return err
	}
	for _, child := range e.Children {
		m, err := d.newMember(directory, child)
		if err != nil {
			return err
		}
		key := m.EntryID()
		if !slices.ContainsFunc(list, func(o member) bool { return slices.Equal(o.key, key) }) {
			list = append(list, member{m, key})
		}
		if len(list) > maxMembers {
			return errMembers
		}
	}
	return d.putMembers(list)
}

func (d *draft) putMembers(list []member) error {
	entries, oneOffs := [][]byte{}, [][]byte{}
	for _, m := range list {
		entries, oneOffs = append(entries, m.key), append(oneOffs, m.OneOff())
	}
	d.put(mapi.PidLidDistributionListMembers, entries)
	d.put(mapi.PidLidDistributionListOneOffMembers, oneOffs)
	d.put(mapi.PidLidDistributionListChecksum, oxocntc.Checksum(entries))
	return nil
}

// newMember reads a Member element: an item of a mailbox by its id, who is in the address list by the address, anybody else as an address alone.
func (d *draft) newMember(directory *addressbook.List, e *soap.Element) (oxocntc.Member, error) {
	mailbox := e.Child(soap.NSTypes, "Mailbox")
	if mailbox == nil {
		return oxocntc.Member{}, invalid(e, "%s holds no Mailbox", e.Name.Local)
	}
	if id := mailbox.Child(soap.NSTypes, "ItemId"); id != nil {
		return d.itemMember(id)
	}
	a, err := address(mailbox)
	if err != nil {
		return oxocntc.Member{}, err
	}
	m := oxocntc.Member{Name: a.Name, Address: a.Email}
	if kind := mailbox.Child(soap.NSTypes, "MailboxType"); kind == nil || kind.Text != typeOneOff {
		if entry := directory.ByAddress(a.Email); entry != nil {
			m = oxocntc.Member{Kind: oxocntc.User, Name: entry.DisplayName, Address: entry.PrimarySMTP, ID: oxocntc.DirectoryID(entry.Type.Group(), entry.LegacyDN)}
			if entry.Type.Group() {
				m.Kind = oxocntc.Group
			}
		}
	}
	return m, nil
}

// itemMember is a contact or another list as a member.
func (d *draft) itemMember(e *soap.Element) (m oxocntc.Member, err error) {
	id, _, err := d.itemID(e)
	if err != nil {
		return m, err
	}
	item, err := d.box(id).Item(d.ctx, id, store.Want{Tags: contactTags})
	if err != nil {
		return m, err
	}
	a := d.ofContact(item, func(string) bool { return false })
	m = oxocntc.Member{Kind: oxocntc.Contact, Name: a.name, Address: a.email, ID: itemEntryID(d.box(id), item)}
	switch kindOf(item.Props.String(mapi.PidTagMessageClass)).kind {
	case contactItem:
		return m, nil
	case distributionList:
		m.Kind, m.Address = oxocntc.List, ""
		return m, nil
	}
	return m, errPropertyValue
}

// removeMember takes one change of one member, which its key names: it can be taken off.
func (d *draft) removeMember(u *soap.Element, key string) error {
	p := itemByURI["distributionlist:Members"]
	if d.kind != distributionList {
		return errPropertyKind
	}
	if u.Name.Local != "DeleteItemField" {
		return errUnsupported
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return errPropertyValue
	}
	list, err := d.oldMembers(p)
	if err != nil {
		return err
	}
	return d.putMembers(slices.DeleteFunc(list, func(m member) bool { return slices.Equal(m.key, raw) }))
}

// completeList gives a new list the names by which lists and Outlook show it.
func (d *draft) completeList() {
	d.completeContact()
	d.nameList()
	if _, set := d.props[mapi.PidLidFileUnder]; !set {
		d.put(mapi.PidLidFileUnder, d.props.String(mapi.PidTagDisplayName))
	}
}

// nameList makes the list's own name the one that was set.
func (d *draft) nameList() {
	if name, set := d.props[mapi.PidTagDisplayName]; set {
		d.put(mapi.PidLidDistributionListName, name)
	}
}
