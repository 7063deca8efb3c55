package cmdlet

import "hma/wire/psobject"

// authConfig: the thumbprint of the OAuth certificate that the how-to's prerequisites want valid.
func authConfig() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-AuthConfig", Synopsis: "Shows the organisation's own side of OAuth.",
		Asks: `how-to, prerequisite 5: "Ensure that the Exchange Server OAuth certificate is valid"`}, getAuthConfig}}
}

func getAuthConfig(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	a := &cfg.Auth
	c.put(newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthConfig").
		add("CurrentCertificateThumbprint", blank(a.CurrentCertificateThumbprint)).
		add("PreviousCertificateThumbprint", blank(a.PreviousCertificateThumbprint)).
		add("NextCertificateThumbprint", blank(a.NextCertificateThumbprint)).
		add("NextCertificateEffectiveDate", when(a.NextCertificateEffectiveDate)).
		add("ServiceName", a.ServiceName).add("Realm", blank(a.Realm)).add("DeploymentId", nil).add("IssuerIdentifier", nil).add("Name", "Auth Configuration").
		tail(cfg, tail{version: "0.20 (15.0.0.0)", dn: "CN=Auth Configuration," + orgDN(cfg), identity: "Auth Configuration", guid: a.GUID,
			category: "ms-Exch-Auth-Auth-Config", classes: []string{"top", "container", "msExchContainer", "msExchAuthAuthConfig"}, stamp: a.Stamp}).Object)
	return nil
}
