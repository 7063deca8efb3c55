package cmdlet

import (
	"slices"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const (
	askHybrid  = `how-to, prerequisites: "run the Hybrid Configuration Wizard"; this is what it was told`
	hybridName = "Hybrid Configuration"
)

// features are the words of -Features.
var features = []string{"FreeBusy", "MoveMailbox", "Mailtips", "MessageTracking", "OwaRedirection", "OnlineArchive", "SecureMail", "CentralizedTransport", "Photos", "OAuthConnector"}

// hybridConfiguration: the servers, domains and features of the hybrid organisation.
func hybridConfiguration() []*cmdlet {
	params := []psobject.Parameter{param("ClientAccessServers", "strings"), param("EdgeTransportServers", "strings"), param("ReceivingTransportServers", "strings"),
		param("SendingTransportServers", "strings"), param("OnPremisesSmartHost", "string"), param("Domains", "strings"),
		{Name: "Features", Type: "strings", Values: features}, param("ExternalIPAddresses", "strings"), param("TlsCertificateName", "string"),
		param("ServiceInstance", "int"), confirm}
	return []*cmdlet{
		{psobject.Command{Name: "Get-HybridConfiguration", Synopsis: "Shows what the Hybrid Configuration Wizard was told.", Asks: askHybrid}, hybrids.get},
		{psobject.Command{Name: "New-HybridConfiguration", Synopsis: "Makes the one hybrid configuration.", Asks: askHybrid, Params: params}, newHybridConfiguration},
		{psobject.Command{Name: "Set-HybridConfiguration", Synopsis: "Changes the hybrid configuration.", Asks: askHybrid,
			Params: slices.Concat(params, []psobject.Parameter{param("Force", "switch")})}, func(c *call) error {
			return hybrids.update(c, func(cfg *org.Configuration, h *org.HybridConfiguration) error { return c.editHybrid(cfg, h) })
		}},
	}
}

var hybrids = &noun[org.HybridConfiguration]{
	list: func(cfg *org.Configuration) *[]*org.HybridConfiguration { return &cfg.Hybrids },
	// There is one, and its cmdlets take no identity.
	named: func(*org.Configuration, *org.HybridConfiguration, string) bool { return true },
	name:  func(*org.HybridConfiguration) string { return hybridName },
	show: func(cfg *org.Configuration, h *org.HybridConfiguration) psobject.Object {
		return newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.HybridConfiguration").
			add("ClientAccessServers", h.ClientAccessServers).add("EdgeTransportServers", h.EdgeTransportServers).
			add("ReceivingTransportServers", h.ReceivingTransportServers).add("SendingTransportServers", h.SendingTransportServers).
			add("OnPremisesSmartHost", blank(h.OnPremisesSmartHost)).add("Domains", h.Domains).add("Features", h.Features).
			add("ExternalIPAddresses", h.ExternalIPAddresses).add("TlsCertificateName", blank(h.TLSCertificateName)).
			add("ServiceInstance", int64(h.ServiceInstance)).
			tail(cfg, tail{version: "0.20 (15.0.0.0)", name: hybridName, dn: "CN=" + hybridName + ",CN=Hybrid Configuration," + orgDN(cfg),
				identity: hybridName, guid: h.GUID, category: "ms-Exch-Coexistence-Relationship",
				classes: []string{"top", "msExchCoexistenceRelationship"}, stamp: h.Stamp}).Object
	},
}

// editHybrid applies what New and Set share. Servers of the organisation take their short names, and an
// unknown one is refused; edge servers are outside the organisation.
func (c *call) editHybrid(cfg *org.Configuration, h *org.HybridConfiguration) error {
	for name, field := range map[string]*[]string{"ClientAccessServers": &h.ClientAccessServers, "ReceivingTransportServers": &h.ReceivingTransportServers,
		"SendingTransportServers": &h.SendingTransportServers} {
		if err := c.setList(hybridName, name, field); err != nil {
			return err
		}
		for i, server := range *field {
			s := cfg.Server(server)
			if s == nil {
				return notFound(server)
			}
			(*field)[i] = s.Name
		}
	}
	for name, field := range map[string]*[]string{"EdgeTransportServers": &h.EdgeTransportServers, "Domains": &h.Domains, "Features": &h.Features,
		"ExternalIPAddresses": &h.ExternalIPAddresses} {
		if err := c.setList(hybridName, name, field); err != nil {
			return err
		}
	}
	c.setText("OnPremisesSmartHost", &h.OnPremisesSmartHost)
	c.setText("TlsCertificateName", &h.TLSCertificateName)
	if n, ok := c.args["ServiceInstance"].(int64); ok {
		if n < 0 || n > 100 {
			return invalid("ServiceInstance", "'%d' is no service instance; 0 is the worldwide one.", n)
		}
		h.ServiceInstance = int(n)
	}
	return nil
}

func newHybridConfiguration(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	h := org.HybridConfiguration{GUID: guid.New()}
	if err := c.editHybrid(cfg, &h); err != nil {
		return err
	}
	return hybrids.create(c, h.GUID, h)
}
