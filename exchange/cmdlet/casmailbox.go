package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

// casMailbox: the protocols that a mailbox may use; a token does not open one that is off.
func casMailbox() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-CASMailbox", Synopsis: "Shows which protocols mailboxes may use.", Asks: "rule: protocols that are off for a mailbox (Set-CASMailbox)",
			Params: peopleParams()}, func(c *call) error { return c.eachPerson(hasMailbox, simply(showCASMailbox)) }},
		{psobject.Command{Name: "Set-CASMailbox", Synopsis: "Changes which protocols a mailbox may use.", Asks: "rule: protocols that are off for a mailbox (Set-CASMailbox)",
			Params: append([]psobject.Parameter{identity(true), confirm, {Name: "MapiHttpEnabled", Type: "bool", Nullable: true}},
				switchParams("ActiveSyncEnabled", "OWAEnabled", "ECPEnabled", "PopEnabled", "ImapEnabled", "MAPIEnabled", "EwsEnabled")...)}, setCASMailbox},
	}
}

func showCASMailbox(cfg *org.Configuration, p *org.Recipient) psobject.Object {
	return newObject("Microsoft.Exchange.Data.Directory.Management.CASMailbox").
		add("EmailAddresses", proxyAddresses(p)).add("LegacyExchangeDN", p.LegacyDN).add("PrimarySmtpAddress", blank(p.PrimarySMTP)).
		add("SamAccountName", p.SAMAccount).add("ServerLegacyDN", nil).add("DisplayName", p.DisplayName).
		add("ActiveSyncEnabled", p.ActiveSyncEnabled).add("OWAEnabled", p.OWAEnabled).add("ECPEnabled", p.ECPEnabled).
		add("PopEnabled", p.PopEnabled).add("ImapEnabled", p.ImapEnabled).add("MAPIEnabled", p.MAPIEnabled).add("MapiHttpEnabled", optional(p.MapiHTTPEnabled)).
		add("EwsEnabled", p.EwsEnabled).add("EwsApplicationAccessPolicy", nil).tail(cfg, personTail(cfg, p)).Object
}

func setCASMailbox(c *call) error {
	return c.updatePerson(hasMailbox, func(p *org.Recipient) error {
		c.setSwitch("ActiveSyncEnabled", &p.ActiveSyncEnabled)
		c.setSwitch("OWAEnabled", &p.OWAEnabled)
		c.setSwitch("ECPEnabled", &p.ECPEnabled)
		c.setSwitch("PopEnabled", &p.PopEnabled)
		c.setSwitch("ImapEnabled", &p.ImapEnabled)
		c.setSwitch("MAPIEnabled", &p.MAPIEnabled)
		c.setSwitch("EwsEnabled", &p.EwsEnabled)
		if c.args.has("MapiHttpEnabled") {
			p.MapiHTTPEnabled = nil // $null: what the organisation has
			if on, ok := c.args["MapiHttpEnabled"].(bool); ok {
				p.MapiHTTPEnabled = &on
			}
		}
		return nil
	})
}

// optional is a switch that may be unset.
func optional(on *bool) any {
	if on == nil {
		return nil
	}
	return *on
}
