package cmdlet

import (
	"strings"

	"hma/exchange/org"
	"hma/wire/psobject"
)

const askAdministers = "rule: who administers, and who may only look"

// roleGroupMember: the administrators, of whom one must be able to sign in when OWA and ECP are on tokens.
func roleGroupMember() []*cmdlet {
	member := []psobject.Parameter{identity(true), {Name: "Member", Type: "string", Mandatory: true, Position: new(1)}, bypassManager, confirm}
	return []*cmdlet{
		{psobject.Command{Name: "Get-RoleGroupMember", Synopsis: "Shows the members of a role group: the administrators.",
			Asks:   `how-to, "Steps to enable ... OWA and ECP", step 10: "especially all accounts which are used for administration"`,
			Params: []psobject.Parameter{identity(true), param("ResultSize", "string")}}, getRoleGroupMember},
		{psobject.Command{Name: "Add-RoleGroupMember", Synopsis: "Makes a person a member of a role group.", Asks: askAdministers, Params: member},
			func(c *call) error { return c.setRoleGroupMember(true) }},
		{psobject.Command{Name: "Remove-RoleGroupMember", Synopsis: "Takes a person out of a role group; the last administrator stays.", Asks: askAdministers, Params: member},
			func(c *call) error { return c.setRoleGroupMember(false) }},
	}
}

// roleGroup finds the role group that the call's identity names.
func (c *call) roleGroup() (org.RoleGroup, error) {
	identity := c.args.text("Identity")
	for _, g := range roleGroups {
		if strings.EqualFold(identity, string(g.name)) {
			return g.name, nil
		}
	}
	return "", notFound(identity)
}

func getRoleGroupMember(c *call) error {
	group, err := c.roleGroup()
	if err != nil {
		return err
	}
	delete(c.args, "Identity") // it named the group; the people are found by their role
	return c.eachPerson(func(p *org.Recipient) bool { return p.In(group) }, simply(func(cfg *org.Configuration, p *org.Recipient) psobject.Object {
		return newObject("Microsoft.Exchange.Data.Directory.Management.ReducedRecipient").
			add("Alias", blank(p.Alias)).add("DisplayName", p.DisplayName).add("ExternalDirectoryObjectId", blank(p.ObjectID)).
			add("PrimarySmtpAddress", blank(p.PrimarySMTP)).add("RecipientType", recipientType(p)).add("SamAccountName", p.SAMAccount).
			tail(cfg, personTail(cfg, p)).Object
	}))
}

// setRoleGroupMember makes the call's Member a member of the group, or no member any more.
func (c *call) setRoleGroupMember(member bool) error {
	group, err := c.roleGroup()
	if err != nil {
		return err
	}
	c.args["Identity"] = c.args["Member"]
	p, err := c.onePerson(isAccount)
	if err != nil {
		return err
	}
	c.object = string(group)
	if p.In(group) == member {
		return notChanged(p, string(group), member)
	}
	if c.whatIf() {
		c.would(string(group))
		return nil
	}
	_, err = c.r.org.UpdateRecipient(c, p.GUID, func(p *org.Recipient) error {
		p.SetIn(group, member)
		return nil
	})
	return err
}
