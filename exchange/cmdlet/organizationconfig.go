package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askEnable = `how-to, "Enable HMA": Set-OrganizationConfig -OAuth2ClientProfileEnabled $true`

// organizationConfig: the switch that offers modern authentication to clients.
func organizationConfig() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-OrganizationConfig", Synopsis: "Shows the organisation's settings that modern authentication reads.", Asks: askEnable}, getOrganizationConfig},
		{psobject.Command{Name: "Set-OrganizationConfig", Synopsis: "Changes the organisation's settings.", Asks: askEnable + "; " + askOverride,
			Params: []psobject.Parameter{param("OAuth2ClientProfileEnabled", "bool"), param("MapiHttpEnabled", "bool"), param("EnableDownloadDomains", "bool"),
				param("DefaultAuthenticationPolicy", "string"), param("Force", "switch"), confirm}}, setOrganizationConfig},
	}
}

func getOrganizationConfig(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	g := &cfg.Org
	c.put(newObject("Microsoft.Exchange.Data.Directory.Management.OrganizationConfig").
		add("ActivityBasedAuthenticationTimeoutEnabled", true).add("ActivityBasedAuthenticationTimeoutInterval", "06:00:00").
		add("ActivityBasedAuthenticationTimeoutWithSingleSignOnEnabled", true).
		add("EwsAllowEntourage", nil).add("EwsAllowList", nil).add("EwsAllowMacOutlook", nil).add("EwsAllowOutlook", nil).
		add("EwsApplicationAccessPolicy", nil).add("EwsBlockList", nil).add("EwsEnabled", nil).
		add("MapiHttpEnabled", g.MapiHttpEnabled).add("OAuth2ClientProfileEnabled", g.OAuth2ClientProfileEnabled).add("PerTenantSwitchToESTSEnabled", false).
		add("AdfsAuthenticationConfiguration", nil).add("AdfsIssuer", nil).add("AdfsAudienceUris", []string{}).
		add("AdfsSignCertificateThumbprints", []string{}).add("AdfsEncryptCertificateThumbprint", nil).
		add("EnableDownloadDomains", g.EnableDownloadDomains).add("MitigationsEnabled", true).add("EnableAuthAdminReadSession", false).
		add("DefaultAuthenticationPolicy", policyName(cfg, g.DefaultAuthenticationPolicy)).
		tail(cfg, tail{version: "0.20 (15.0.0.0)", name: g.Name, dn: orgDN(cfg), identity: g.Name, guid: g.GUID,
			category: "ms-Exch-Organization-Container", classes: []string{"top", "container", "msExchOrganizationContainer"}, stamp: g.Stamp}).Object)
	return nil
}

// policyName is how a reference to a policy is shown.
func policyName(cfg *org.Configuration, id guid.GUID) any {
	if p := cfg.Policy(id); p != nil {
		return p.Name
	}
	return nil
}

// policyID resolves a policy by identity; "" is none.
func policyID(cfg *org.Configuration, identity string) (guid.GUID, error) {
	if identity == "" {
		return guid.Nil, nil
	}
	if p := findPolicy(cfg, identity); p != nil {
		return p.GUID, nil
	}
	return guid.Nil, notFound(identity)
}

func setOrganizationConfig(c *call) error {
	name := ""
	return c.change(func() string { return name }, func(cfg *org.Configuration) error {
		if cfg.Org.Name == "" {
			return &failure{"There is no organisation yet.", "ObjectNotFound", "ManagementObjectNotFoundException", ""}
		}
		name = cfg.Org.Name
		c.setSwitch("OAuth2ClientProfileEnabled", &cfg.Org.OAuth2ClientProfileEnabled)
		c.setSwitch("MapiHttpEnabled", &cfg.Org.MapiHttpEnabled)
		c.setSwitch("EnableDownloadDomains", &cfg.Org.EnableDownloadDomains)
		if c.args.bool("EnableDownloadDomains") {
			for _, vd := range cfg.VirtualDirectories {
				c.warnDownloads(cfg, vd)
			}
		}
		if c.args.has("DefaultAuthenticationPolicy") {
			id, err := policyID(cfg, c.args.text("DefaultAuthenticationPolicy"))
			if err != nil {
				return err
			}
			cfg.Org.DefaultAuthenticationPolicy = id
		}
		return nil
	})
}
