package cmdlet

import (
	"slices"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askConnector = `"Configure OAuth authentication between Exchange and Exchange Online organizations": the connector to the cloud, "HybridIOC - GUID" when the wizard makes it`

// intraOrganizationConnector: where the other side of the hybrid organisation answers for its domains.
func intraOrganizationConnector() []*cmdlet {
	params := []psobject.Parameter{param("DiscoveryEndpoint", "string"), param("TargetAddressDomains", "strings"),
		param("TargetSharingEpr", "string"), param("Enabled", "bool"), confirm}
	create := slices.Clone(params)
	create[0].Mandatory, create[1].Mandatory = true, true
	return []*cmdlet{
		{psobject.Command{Name: "Get-IntraOrganizationConnector", Synopsis: "Shows the connectors to the other side of the organisation.", Asks: askConnector,
			Params: []psobject.Parameter{identity(false)}}, connectors.get},
		{psobject.Command{Name: "New-IntraOrganizationConnector", Synopsis: "Adds a connector to the other side of the organisation.", Asks: askConnector,
			Params: slices.Concat([]psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}}, create)}, newConnector},
		{psobject.Command{Name: "Set-IntraOrganizationConnector", Synopsis: "Changes a connector.", Asks: askConnector,
			Params: slices.Concat([]psobject.Parameter{identity(true), param("Name", "string")}, params, []psobject.Parameter{param("Force", "switch")})}, func(c *call) error {
			return connectors.update(c, func(_ *org.Configuration, x *org.IntraOrganizationConnector) error { return c.editConnector(x) })
		}},
		{psobject.Command{Name: "Remove-IntraOrganizationConnector", Synopsis: "Removes a connector.", Asks: askConnector,
			Params: []psobject.Parameter{identity(true), confirm}}, connectors.remove},
	}
}

var connectors = &noun[org.IntraOrganizationConnector]{
	list: func(cfg *org.Configuration) *[]*org.IntraOrganizationConnector { return &cfg.Connectors },
	named: func(cfg *org.Configuration, x *org.IntraOrganizationConnector, identity string) bool {
		return is(identity, x.GUID, x.Name, connectorDN(cfg, x))
	},
	name: func(x *org.IntraOrganizationConnector) string { return x.Name },
	show: func(cfg *org.Configuration, x *org.IntraOrganizationConnector) psobject.Object {
		return newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.IntraOrganizationConnector").
			add("Name", x.Name).add("TargetAddressDomains", x.TargetAddressDomains).add("DiscoveryEndpoint", x.DiscoveryEndpoint).
			add("TargetSharingEpr", blank(x.TargetSharingEpr)).add("Enabled", x.Enabled).
			tail(cfg, tail{version: "0.20 (15.0.0.0)", dn: connectorDN(cfg, x), identity: x.Name, guid: x.GUID,
				category: "ms-Exch-Intra-Organization-Connector", classes: []string{"top", "msExchIntraOrganizationConnector"}, stamp: x.Stamp}).Object
	},
}

func connectorDN(cfg *org.Configuration, x *org.IntraOrganizationConnector) string {
	return "CN=" + x.Name + ",CN=Intra Organization Connectors," + orgDN(cfg)
}

// editConnector applies what New and Set share, and checks the whole.
func (c *call) editConnector(x *org.IntraOrganizationConnector) error {
	c.setText("Name", &x.Name)
	c.setText("DiscoveryEndpoint", &x.DiscoveryEndpoint)
	c.setText("TargetSharingEpr", &x.TargetSharingEpr)
	c.setSwitch("Enabled", &x.Enabled)
	if err := c.setList(x.Name, "TargetAddressDomains", &x.TargetAddressDomains); err != nil {
		return err
	}
	return x.Check()
}

func newConnector(c *call) error {
	x := org.IntraOrganizationConnector{GUID: guid.New(), Enabled: true}
	if err := c.editConnector(&x); err != nil {
		return err
	}
	return connectors.create(c, x.GUID, x)
}
