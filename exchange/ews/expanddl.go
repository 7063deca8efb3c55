package ews

import (
	"cmp"
	"slices"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// maxExpanded is how many members of a list one answer has.
const maxExpanded = 5000

// expandDL answers ExpandDL (MS-OXWSDLIST 3.1.4.1) with the list's own members: groups among them are members
// like others, which the client expands if it wants to.
func expandDL(c *call) error {
	mailbox, err := c.child("Mailbox")
	if err != nil {
		return err
	}
	members, more, err := c.members(mailbox)
	if err != nil {
		return err
	}
	c.begin()
	err = c.success(func() error {
		c.startSet("m:DLExpansion", len(members), !more)
		for _, m := range members {
			m.write(c.w, "t:Mailbox")
		}
		c.w.End("m:DLExpansion")
		return nil
	})
	if err != nil {
		return err
	}
	c.finish()
	return nil
}

// members are those of the list that a Mailbox element names: by an id a private one, by an address a group. What is no
// list, and what the address list does not show, is told by one and the same error.
func (c *call) members(e *soap.Element) (members []addressee, more bool, err error) {
	if id := e.Child(soap.NSTypes, "ItemId"); id != nil {
		members, err = c.privateMembers(id)
		return members, false, err
	}
	email := e.Child(soap.NSTypes, "EmailAddress")
	if email == nil {
		return nil, false, errNoResults
	}
	list, err := c.addressList()
	if err != nil {
		return nil, false, err
	}
	group := list.ByAddress(email.Text)
	if group == nil || !group.Type.Group() || c.door.opts.Groups == nil {
		return nil, false, errNoResults
	}
	return c.groupMembers(group)
}

// privateMembers are those of a private distribution list.
func (c *call) privateMembers(e *soap.Element) ([]addressee, error) {
	id, _, err := c.itemID(e)
	if err != nil {
		return nil, err
	}
	box := c.box(id)
	item, err := box.Item(c.ctx, id, store.Want{Tags: append([]mapi.Tag{mapi.PidTagMessageClass}, memberTags...)})
	if err != nil {
		return nil, err
	}
	if kindOf(item.Props.String(mapi.PidTagMessageClass)).kind != distributionList {
		return nil, errNoResults
	}
	if err := box.Resolve(c.ctx, item.Props, maxValue, memberTags...); err != nil {
		return nil, err
	}
	var members []addressee
	for _, m := range membersIn(item.Props) {
		members = append(members, m.addressee())
	}
	return members, nil
}

// groupMembers are a group's own members that are not hidden from address lists, in the order of their names.
func (c *call) groupMembers(group *addressbook.Entry) (members []addressee, more bool, err error) {
	for after := guid.Nil; !more; {
		page, err := c.door.opts.Groups.Members(c.ctx, group.GUID, after, maxRows)
		if err != nil {
			return nil, false, err
		}
		for _, m := range page {
			if after = m.GUID; shown(m) {
				members = append(members, ofRecipient(m))
			}
		}
		if len(page) < maxRows {
			break
		}
		more = len(members) >= maxExpanded
	}
	slices.SortFunc(members, func(a, b addressee) int {
		return cmp.Or(cmp.Compare(query.Fold(a.name), query.Fold(b.name)), cmp.Compare(a.email, b.email))
	})
	return members, more, nil
}

// shown tells whether the address lists show the recipient.
func shown(r *org.Recipient) bool { return !r.HiddenFromAddressLists && r.PrimarySMTP != "" }
