package cmdlet

import "hma/wire/psobject"

// exchangeServer: the build of every server, which OWA and ECP on tokens depend on.
func exchangeServer() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-ExchangeServer", Synopsis: "Shows the servers and their builds.",
		Asks:   `how-to, "Prerequisites to enable Hybrid Modern Authentication for OWA and ECP": the build of all servers`,
		Params: []psobject.Parameter{identity(false)}}, getExchangeServer}}
}

func getExchangeServer(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	identity := c.args.text("Identity")
	found := identity == ""
	for _, s := range cfg.Servers {
		if identity != "" && !is(identity, s.GUID, s.Name, s.FQDN, serverDN(cfg, s.Name)) {
			continue
		}
		found = true
		c.put(newObject("Microsoft.Exchange.Data.Directory.Management.ExchangeServer").
			add("Name", s.Name).add("DataPath", `C:\Program Files\Microsoft\Exchange Server\V15\Mailbox`).add("Domain", cfg.Org.Domain).
			add("Edition", "StandardEvaluation").
			add("ExchangeLegacyDN", "/o="+cfg.Org.Name+"/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn="+s.Name).
			add("Fqdn", s.FQDN).add("InternetWebProxy", blank(s.InternetWebProxy)).add("AdminDisplayVersion", s.Version.Display()).
			add("Site", cfg.Org.Domain+"/Configuration/Sites/Default-First-Site-Name").add("ServerRole", "Mailbox").
			tail(cfg, tail{version: "0.1 (8.0.535.0)", dn: serverDN(cfg, s.Name), identity: s.Name, guid: s.GUID,
				category: "ms-Exch-Exchange-Server", classes: []string{"top", "server", "msExchExchangeServer"}, stamp: s.Stamp}).Object)
	}
	if !found {
		return notFound(identity)
	}
	return nil
}
