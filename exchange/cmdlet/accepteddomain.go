package cmdlet

import "hma/wire/psobject"

// acceptedDomain: the mail domains whose Autodiscover hosts a client asks.
func acceptedDomain() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-AcceptedDomain", Synopsis: "Shows the organisation's mail domains.",
		Asks: "rule: the Autodiscover host of each mail domain is an SPN", Params: []psobject.Parameter{identity(false)}}, getAcceptedDomain}}
}

func getAcceptedDomain(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	identity := c.args.text("Identity")
	found := identity == ""
	for _, d := range cfg.AcceptedDomains {
		dn := "CN=" + d.DomainName + ",CN=Accepted Domains,CN=Transport Settings," + orgDN(cfg)
		if identity != "" && !is(identity, d.GUID, d.DomainName, dn) {
			continue
		}
		found = true
		c.put(newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.AcceptedDomain").
			add("DomainName", d.DomainName).add("CatchAllRecipientID", nil).add("DomainType", "Authoritative").add("MatchSubDomains", false).
			add("AddressBookEnabled", true).add("Default", d.Default).
			tail(cfg, tail{version: "0.1 (8.0.535.0)", name: d.DomainName, dn: dn, identity: d.DomainName, guid: d.GUID,
				category: "ms-Exch-Accepted-Domain", classes: []string{"top", "msExchAcceptedDomain"}, stamp: d.Stamp}).Object)
	}
	if !found {
		return notFound(identity)
	}
	return nil
}
