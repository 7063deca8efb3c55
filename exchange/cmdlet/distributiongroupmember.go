package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// distributionGroupMember: who gets what is sent to a group.
func distributionGroupMember() []*cmdlet {
	member := []psobject.Parameter{identity(true), {Name: "Member", Type: "string", Mandatory: true, Position: new(1)}, bypassManager, confirm}
	return []*cmdlet{
		{psobject.Command{Name: "Get-DistributionGroupMember", Synopsis: "Shows the members of a distribution group, groups among them as such.", Asks: askGroups,
			Params: []psobject.Parameter{identity(true), param("ResultSize", "string")}}, getDistributionGroupMember},
		{psobject.Command{Name: "Add-DistributionGroupMember", Synopsis: "Makes somebody a member of a distribution group.", Asks: askGroups, Params: member},
			func(c *call) error { return c.setGroupMember(true) }},
		{psobject.Command{Name: "Remove-DistributionGroupMember", Synopsis: "Takes a member out of a distribution group.", Asks: askGroups, Params: member},
			func(c *call) error { return c.setGroupMember(false) }},
	}
}

func getDistributionGroupMember(c *call) error {
	g, err := c.onePerson(isGroup)
	if err != nil {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	limit, err := resultSize(c.args.text("ResultSize"))
	if err != nil {
		return err
	}
	shown := 0
	for after := guid.Nil; ; {
		page, err := c.r.org.Members(c, g.GUID, after, pageSize)
		if err != nil {
			return err
		}
		for _, p := range page {
			if after = p.GUID; shown == limit {
				c.warn(moreResults)
				return nil
			}
			c.put(showRecipient(cfg, p))
			shown++
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// setGroupMember makes the call's Member a member of the group, or no member any more.
func (c *call) setGroupMember(member bool) error {
	g, err := c.onePerson(isGroup)
	if err != nil {
		return err
	}
	p, err := c.one(c.args.text("Member"), hasAddress)
	if err != nil {
		return err
	}
	c.object = g.DisplayName
	if c.whatIf() {
		c.would(g.DisplayName)
		return nil
	}
	add, remove := []guid.GUID{p.GUID}, []guid.GUID(nil)
	if !member {
		add, remove = remove, add
	}
	changed, err := c.r.org.ChangeMembers(c, g.GUID, add, remove)
	if err == nil && !changed {
		return notChanged(p, g.DisplayName, member)
	}
	return err
}

// notChanged is the error of adding a member that a group has, or of taking one out that it has not.
func notChanged(p *org.Recipient, group string, member bool) error {
	if member {
		return &failure{"The recipient '" + p.DisplayName + "' is already a member of the group '" + group + "'.", "InvalidOperation", "MemberAlreadyExistsException", p.DisplayName}
	}
	return &failure{"The recipient '" + p.DisplayName + "' isn't a member of the group '" + group + "'.", "InvalidOperation", "MemberNotFoundException", p.DisplayName}
}
