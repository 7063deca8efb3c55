package ews

import (
	"hma/exchange/addressbook"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// getSearchableMailboxes answers GetSearchableMailboxes (MS-OXWSEDISC 3.1.4.2): the mailboxes and groups of the
// address list that a text means, or all mailboxes, for members of Organization Management. Everybody else is denied,
// as on Exchange who is not in Discovery Management.
func getSearchableMailboxes(c *call) error {
	if !c.person.Administrator || c.request.Identity.Recipient != c.person {
		return errAccessDenied
	}
	expand := false
	if e := c.req.Child(soap.NSMessages, "ExpandGroupMembership"); e != nil {
		v, ok := parseValue(mapi.Boolean, e.Text)
		if !ok {
			return invalid(e, "%s is no Boolean", e.Name.Local)
		}
		expand = v.(bool)
	}
	list, err := c.addressList()
	if err != nil {
		return err
	}
	entries := list.ByName(0, maxExpanded)
	filter := c.req.Child(soap.NSMessages, "SearchFilter")
	if filter != nil && filter.Text != "" {
		entries, _ = list.Find(filter.Text)
	}
	return c.alone(func() error {
		c.w.Start("m:SearchableMailboxes")
		for _, e := range entries {
			if e.Type.Group() && expand {
				if err := c.writeSearchableMembers(list, e); err != nil {
					return err
				}
				continue
			}
			c.writeSearchable(e)
		}
		c.w.End("m:SearchableMailboxes")
		return nil
	})
}

// writeSearchableMembers writes the mailboxes that are a group's own members.
func (c *call) writeSearchableMembers(list *addressbook.List, group *addressbook.Entry) error {
	if c.door.opts.Groups == nil {
		return nil
	}
	members, _, err := c.groupMembers(group)
	if err != nil {
		return err
	}
	for _, m := range members {
		if e := list.ByAddress(m.email); e != nil && !e.Type.Group() {
			c.writeSearchable(e)
		}
	}
	return nil
}

func (c *call) writeSearchable(e *addressbook.Entry) {
	c.w.Start("t:SearchableMailbox")
	c.w.Element("t:Guid", e.GUID.String())
	c.w.Element("t:PrimarySmtpAddress", e.PrimarySMTP)
	c.w.Bool("t:IsExternalMailbox", false)
	c.w.Element("t:DisplayName", e.DisplayName)
	c.w.Bool("t:IsMembershipGroup", e.Type.Group())
	c.w.Element("t:ReferenceId", e.LegacyDN)
	c.w.End("t:SearchableMailbox")
}
