package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

// recipient: everything that mail can be sent to, whatever its type.
func recipient() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-Recipient", Synopsis: "Shows all that mail can be sent to: mailboxes of every type, groups and room lists.", Asks: askGroups,
		Params: peopleParams(psobject.Parameter{Name: "RecipientTypeDetails", Type: "strings", Values: []string{"UserMailbox", "LinkedMailbox",
			string(org.TypeShared), string(org.TypeRoom), string(org.TypeEquipment), string(org.TypeDistributionGroup), string(org.TypeRoomList)}})},
		func(c *call) error { return c.eachPerson(c.detailed(hasAddress), simply(showRecipient)) }}}
}

func showRecipient(cfg *org.Configuration, p *org.Recipient) psobject.Object {
	return newObject("Microsoft.Exchange.Data.Directory.Management.ReducedRecipient").
		add("Alias", blank(p.Alias)).add("DisplayName", p.DisplayName).add("EmailAddresses", proxyAddresses(p)).
		add("ExternalDirectoryObjectId", blank(p.ObjectID)).add("FirstName", blank(p.GivenName)).
		add("HiddenFromAddressListsEnabled", p.HiddenFromAddressLists).add("LastName", blank(p.Surname)).add("ResourceType", resourceType(p)).
		add("PrimarySmtpAddress", blank(p.PrimarySMTP)).add("RecipientType", recipientType(p)).add("RecipientTypeDetails", recipientDetails(p)).
		add("SamAccountName", p.SAMAccount).tail(cfg, personTail(cfg, p)).Object
}

// resourceType is ResourceType: nothing unless the mailbox is booked.
func resourceType(p *org.Recipient) any {
	switch p.Type {
	case org.TypeRoom:
		return "Room"
	case org.TypeEquipment:
		return "Equipment"
	}
	return nil
}
