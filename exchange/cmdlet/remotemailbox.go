package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

const askRemote = "Autodiscover sends people whose mailbox is in the cloud to its address (MS-OXDSCLI, redirectAddr)"

// remoteMailbox: people of this organisation whose mailbox is in the cloud.
func remoteMailbox() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-RemoteMailbox", Synopsis: "Shows people whose mailbox is in the cloud.", Asks: askRemote, Params: peopleParams()},
			func(c *call) error { return c.eachPerson(isRemote, simply(showRemoteMailbox)) }},
		{psobject.Command{Name: "New-RemoteMailbox", Synopsis: "Makes a person whose mailbox is in the cloud.", Asks: askRemote,
			Params: []psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}, {Name: "UserPrincipalName", Type: "string", Mandatory: true},
				{Name: "RemoteRoutingAddress", Type: "string", Mandatory: true}, param("Alias", "string"), param("DisplayName", "string"), param("FirstName", "string"),
				param("LastName", "string"), param("PrimarySmtpAddress", "string"), confirm}}, newRemoteMailbox},
	}
}

func isRemote(p *org.Recipient) bool { return p.RemoteRoutingAddress != "" && !hasMailbox(p) }

func newRemoteMailbox(c *call) error {
	upn, target := c.args.text("UserPrincipalName"), c.args.text("RemoteRoutingAddress")
	for name, address := range map[string]string{"UserPrincipalName": upn, "RemoteRoutingAddress": target} {
		if !validAddress(address) {
			return invalid(name, "'%s' is no address.", address)
		}
	}
	p := org.NewRemoteMailbox(upn, c.args.text("Name"), target)
	if err := c.free(&p, upn); err != nil {
		return err
	}
	if err := c.newRecipient(&p); err != nil {
		return err
	}
	c.setText("FirstName", &p.GivenName)
	c.setText("LastName", &p.Surname)
	c.object = p.DisplayName
	if c.whatIf() {
		c.would(p.DisplayName)
		return nil
	}
	made, err := c.r.org.CreateRecipient(c, p)
	if err != nil {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	c.put(showRemoteMailbox(cfg, made))
	return nil
}

func showRemoteMailbox(cfg *org.Configuration, p *org.Recipient) psobject.Object {
	return newObject("Microsoft.Exchange.Data.Directory.Management.RemoteMailbox").
		add("RemoteRoutingAddress", "SMTP:"+p.RemoteRoutingAddress).add("SamAccountName", p.SAMAccount).add("UserPrincipalName", p.UPN).
		add("Alias", p.Alias).add("DisplayName", p.DisplayName).add("EmailAddresses", proxyAddresses(p)).
		add("HiddenFromAddressListsEnabled", p.HiddenFromAddressLists).add("LegacyExchangeDN", p.LegacyDN).
		add("PrimarySmtpAddress", blank(p.PrimarySMTP)).add("RecipientType", recipientType(p)).add("RecipientTypeDetails", recipientDetails(p)).
		tail(cfg, personTail(cfg, p)).Object
}
