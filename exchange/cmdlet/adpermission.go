package cmdlet

import (
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// adPermission: who else may send as a recipient.
func adPermission() []*cmdlet {
	change := []psobject.Parameter{identity(true), {Name: "User", Type: "string", Mandatory: true}, {Name: "ExtendedRights", Type: "strings", Mandatory: true},
		{Name: "AccessRights", Type: "strings", Values: []string{"ExtendedRight"}}, confirm}
	return []*cmdlet{
		{psobject.Command{Name: "Get-ADPermission", Synopsis: "Shows who may send as a mailbox or a group.", Asks: askTrustees,
			Params: []psobject.Parameter{identity(true), param("User", "string")}}, getADPermission},
		{psobject.Command{Name: "Add-ADPermission", Synopsis: "Lets a person or the members of a group send as a mailbox or a group.", Asks: askTrustees, Params: change},
			func(c *call) error {
				return c.changeSendAs(func(p, who *org.Recipient) { p.SendAs = with(p.SendAs, who.GUID) }, getADPermission)
			}},
		{psobject.Command{Name: "Remove-ADPermission", Synopsis: "Takes that away.", Asks: askTrustees, Params: change},
			func(c *call) error {
				return c.changeSendAs(func(p, who *org.Recipient) { p.SendAs = without(p.SendAs, who.GUID) }, nil)
			}},
	}
}

func getADPermission(c *call) error {
	return c.eachTrustee(hasAddress, func(p *org.Recipient) []guid.GUID { return p.SendAs }, func(user, identity string) psobject.Object {
		return newObject("Microsoft.Exchange.Management.RecipientTasks.ADAcePresentationObject").
			add("AccessRights", []string{"ExtendedRight"}).add("ExtendedRights", []string{"Send-As"}).add("Deny", false).
			add("InheritanceType", "None").add("User", user).add("Identity", identity).add("IsInherited", false).Object
	})
}

// changeSendAs is changeTrustees for the one extended right that there is.
func (c *call) changeSendAs(change func(p, who *org.Recipient), get func(*call) error) error {
	for _, right := range c.args.strings("ExtendedRights") {
		if !strings.EqualFold(right, "Send As") && !strings.EqualFold(right, "Send-As") {
			return invalid("ExtendedRights", "The extended right is Send As, not '%s'.", right)
		}
	}
	return c.changeTrustees(hasAddress, change, get)
}
