package cmdlet

import (
	"strings"

	"hma/exchange/org"
	"hma/wire/psobject"
)

// organizationManagement is the role group whose members may run every cmdlet; there is no other.
const organizationManagement = "Organization Management"

// roleGroupMember: the administrators, of whom one must be able to sign in when OWA and ECP are on tokens.
func roleGroupMember() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-RoleGroupMember", Synopsis: "Shows the members of Organization Management: the administrators.",
		Asks:   `how-to, "Steps to enable ... OWA and ECP", step 10: "especially all accounts which are used for administration"`,
		Params: []psobject.Parameter{identity(true), param("ResultSize", "string")}}, getRoleGroupMember}}
}

func getRoleGroupMember(c *call) error {
	group := c.args.text("Identity")
	if !strings.EqualFold(group, organizationManagement) {
		return notFound(group)
	}
	delete(c.args, "Identity") // it named the group; the people are found by their role
	return c.eachPerson(func(p *org.Recipient) bool { return p.Administrator }, func(cfg *org.Configuration, p *org.Recipient) psobject.Object {
		return newObject("Microsoft.Exchange.Data.Directory.Management.ReducedRecipient").
			add("Alias", blank(p.Alias)).add("DisplayName", p.DisplayName).add("ExternalDirectoryObjectId", blank(p.ObjectID)).
			add("PrimarySmtpAddress", blank(p.PrimarySMTP)).add("RecipientType", recipientType(p)).add("SamAccountName", p.SAMAccount).
			tail(cfg, personTail(cfg, p)).Object
	})
}
