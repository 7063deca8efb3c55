package cmdlet

import (
	"slices"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askPartner = `"Configure OAuth authentication between Exchange and Exchange Online organizations", step 2: the partner application is enabled`

// partnerApplication: the stock applications, Exchange Online among them, which the wizard enables.
func partnerApplication() []*cmdlet {
	params := slices.Concat(switchParams("Enabled", "AcceptSecurityIdentifierInformation"), []psobject.Parameter{param("ApplicationIdentifier", "string"),
		param("Realm", "string"), param("LinkedAccount", "string"), param("AppOnlyPermissions", "strings"), param("ActAsPermissions", "strings"), confirm})
	create := slices.Clone(params)
	create[2].Mandatory = true
	return []*cmdlet{
		{psobject.Command{Name: "Get-PartnerApplication", Synopsis: "Shows the applications that have rights of their own.", Asks: askPartner,
			Params: []psobject.Parameter{identity(false)}}, partners.get},
		{psobject.Command{Name: "New-PartnerApplication", Synopsis: "Adds an application that has its tokens from an AuthServer.", Asks: askPartner,
			Params: slices.Concat([]psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}}, create)}, newPartnerApplication},
		{psobject.Command{Name: "Set-PartnerApplication", Synopsis: "Changes a partner application.", Asks: askPartner,
			Params: slices.Concat([]psobject.Parameter{identity(true), param("Name", "string")}, params, []psobject.Parameter{param("Force", "switch")})}, setPartnerApplication},
	}
}

var partners = &noun[org.PartnerApplication]{
	list: func(cfg *org.Configuration) *[]*org.PartnerApplication { return &cfg.Partners },
	named: func(cfg *org.Configuration, p *org.PartnerApplication, identity string) bool {
		return is(identity, p.GUID, p.Name, partnerDN(cfg, p))
	},
	name: func(p *org.PartnerApplication) string { return p.Name },
	show: func(cfg *org.Configuration, p *org.PartnerApplication) psobject.Object {
		return newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.PartnerApplication").
			add("Enabled", p.Enabled).add("ApplicationIdentifier", p.ApplicationIdentifier).add("CertificateStrings", p.CertificateStrings).
			add("AuthMetadataUrl", blank(p.AuthMetadataURL)).add("Realm", blank(p.Realm)).add("UseAuthServer", p.UseAuthServer).
			add("AcceptSecurityIdentifierInformation", p.AcceptSecurityIdentifierInformation).add("LinkedAccount", blank(p.LinkedAccount)).
			add("DeploymentId", nil).add("IssuerIdentifier", nil).add("AccountType", "OrganizationalAccount").
			add("AppOnlyPermissions", p.AppOnlyPermissions).add("ActAsPermissions", p.ActAsPermissions).
			tail(cfg, tail{version: "0.20 (15.0.0.0)", name: p.Name, dn: partnerDN(cfg, p), identity: p.Name, guid: p.GUID,
				category: "ms-Exch-Auth-Partner-Application", classes: []string{"top", "msExchAuthPartnerApplication"}, stamp: p.Stamp}).Object
	},
}

func partnerDN(cfg *org.Configuration, p *org.PartnerApplication) string {
	return "CN=" + p.Name + ",CN=Partner Applications,CN=Auth Configuration," + orgDN(cfg)
}

// linkedAccount returns the canonical name of the person that -LinkedAccount names; "" is nobody.
func (c *call) linkedAccount() (string, error) {
	name := c.args.text("LinkedAccount")
	if name == "" {
		return "", nil
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return "", err
	}
	list, err := c.r.org.Find(c, name)
	if err != nil {
		return "", err
	}
	if len(list) != 1 {
		return "", notFound(name)
	}
	return personTail(cfg, list[0]).identity, nil
}

// editPartner applies what New and Set share, and checks the whole.
func (c *call) editPartner(p *org.PartnerApplication, account string) error {
	c.setText("Name", &p.Name)
	c.setText("ApplicationIdentifier", &p.ApplicationIdentifier)
	c.setText("Realm", &p.Realm)
	c.setSwitch("Enabled", &p.Enabled)
	c.setSwitch("AcceptSecurityIdentifierInformation", &p.AcceptSecurityIdentifierInformation)
	if c.args.has("LinkedAccount") {
		p.LinkedAccount = account
	}
	if err := c.setList(p.Name, "AppOnlyPermissions", &p.AppOnlyPermissions); err != nil {
		return err
	}
	if err := c.setList(p.Name, "ActAsPermissions", &p.ActAsPermissions); err != nil {
		return err
	}
	return p.Check()
}

func newPartnerApplication(c *call) error {
	account, err := c.linkedAccount()
	if err != nil {
		return err
	}
	p := org.PartnerApplication{GUID: guid.New(), Enabled: true, UseAuthServer: true}
	if err := c.editPartner(&p, account); err != nil {
		return err
	}
	return partners.create(c, p.GUID, p)
}

func setPartnerApplication(c *call) error {
	account, err := c.linkedAccount()
	if err != nil {
		return err
	}
	return partners.update(c, func(_ *org.Configuration, p *org.PartnerApplication) error { return c.editPartner(p, account) })
}
