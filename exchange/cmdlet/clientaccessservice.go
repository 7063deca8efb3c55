package cmdlet

import (
	"slices"

	"hma/exchange/org"
	"hma/wire/psobject"
)

// clientAccessService: `Get-ClientAccessService | fl Name, AutodiscoverServiceInternalUri` of the how-to.
func clientAccessService() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-ClientAccessService", Synopsis: "Shows the servers' service connection points for Autodiscover.", Asks: askURLs,
			Params: []psobject.Parameter{identity(false)}}, getClientAccessService},
		{psobject.Command{Name: "Set-ClientAccessService", Synopsis: "Changes a server's service connection point for Autodiscover.", Asks: askURLs,
			Params: []psobject.Parameter{identity(true), param("AutoDiscoverServiceInternalUri", "string"), param("AutoDiscoverSiteScope", "strings"),
				param("Force", "switch"), confirm}}, setClientAccessService},
	}
}

// serviceNamed tells whether identity names the service, which goes by its server's names.
func serviceNamed(cfg *org.Configuration, s *org.ClientAccessService, identity string) bool {
	fqdn := ""
	if srv := cfg.Server(s.Server); srv != nil {
		fqdn = srv.FQDN
	}
	return is(identity, s.GUID, s.Server, fqdn, serverDN(cfg, s.Server))
}

func getClientAccessService(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	identity := c.args.text("Identity")
	found := identity == ""
	for _, s := range cfg.Services {
		if identity != "" && !serviceNamed(cfg, s, identity) {
			continue
		}
		found = true
		fqdn := s.Server
		if srv := cfg.Server(s.Server); srv != nil {
			fqdn = srv.FQDN
		}
		c.put(newObject("Microsoft.Exchange.Data.Directory.Management.ClientAccessServer").
			add("Name", s.Server).add("Fqdn", fqdn).add("ClientAccessArray", nil).add("OutlookAnywhereEnabled", true).
			add("AutoDiscoverServiceCN", s.Server).add("AutoDiscoverServiceClassName", "ms-Exchange-AutoDiscover-Service").
			add("AutoDiscoverServiceInternalUri", blank(s.AutoDiscoverServiceInternalURI)).
			// The keyword by which Outlook finds service connection points (MS-OXDISCO 3.1.5.2).
			add("AutoDiscoverServiceGuid", "77378f46-2c66-4aa9-a6a6-3e7a48b19596").
			add("AutoDiscoverSiteScope", s.AutoDiscoverSiteScope).add("AlternateServiceAccountConfiguration", nil).
			tail(cfg, tail{version: "0.1 (8.0.535.0)", dn: serverDN(cfg, s.Server), identity: s.Server, guid: s.GUID,
				category: "ms-Exch-Exchange-Server", classes: []string{"top", "server", "msExchExchangeServer"}, stamp: s.Stamp}).Object)
	}
	if !found {
		return notFound(identity)
	}
	return nil
}

func setClientAccessService(c *call) error {
	identity := c.args.text("Identity")
	return c.change(func() string { return identity }, func(cfg *org.Configuration) error {
		i := slices.IndexFunc(cfg.Services, func(s *org.ClientAccessService) bool { return serviceNamed(cfg, s, identity) })
		if i < 0 {
			return notFound(identity)
		}
		s := cfg.Services[i]
		if err := c.setURL("AutoDiscoverServiceInternalUri", &s.AutoDiscoverServiceInternalURI); err != nil {
			return err
		}
		if c.args.has("AutoDiscoverSiteScope") {
			next, err := c.args.list(s.Server, "AutoDiscoverSiteScope", s.AutoDiscoverSiteScope)
			if err != nil {
				return err
			}
			if !sameSet(s.AutoDiscoverSiteScope, next) {
				s.AutoDiscoverSiteScope = next
			}
		}
		return nil
	})
}
