package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

const askCertificate = `how-to, prerequisite 5: "Ensure that the Exchange Server OAuth certificate is valid"`

// authConfig: the thumbprint of the OAuth certificate that the how-to's prerequisites want valid, and its rotation.
func authConfig() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-AuthConfig", Synopsis: "Shows the organisation's own side of OAuth.", Asks: askCertificate}, getAuthConfig},
		{psobject.Command{Name: "Set-AuthConfig", Synopsis: "Changes the OAuth certificate: stages the next one, publishes it, forgets the previous one.", Asks: askCertificate,
			Params: []psobject.Parameter{param("CertificateThumbprint", "string"), param("NewCertificateThumbprint", "string"),
				param("NewCertificateEffectiveDate", "datetime"), param("PublishCertificate", "switch"), param("ClearPreviousCertificate", "switch"),
				param("Force", "switch"), confirm},
			Sets: map[string][]string{
				"CurrentCertificate": {"CertificateThumbprint", "Force", "Confirm"},
				"NewCertificate":     {"NewCertificateThumbprint", "NewCertificateEffectiveDate", "Force", "Confirm"},
				"PublishCertificate": {"PublishCertificate", "ClearPreviousCertificate", "Force", "Confirm"},
			}}, setAuthConfig},
	}
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

// setAuthConfig wants -Force for a certificate that takes effect at once.
func setAuthConfig(c *call) error {
	now := c.r.opts.Now()
	effective := c.args.time("NewCertificateEffectiveDate")
	if c.args.has("NewCertificateThumbprint") != c.args.has("NewCertificateEffectiveDate") {
		return invalid("NewCertificateThumbprint", "NewCertificateThumbprint and NewCertificateEffectiveDate go together.")
	}
	for _, name := range []string{"CertificateThumbprint", "NewCertificateThumbprint"} {
		if c.args.has(name) {
			if _, err := c.r.org.CertificateKey(c, c.args.text(name)); err != nil {
				return &failure{"There is no certificate with the thumbprint '" + c.args.text(name) + "' and its private key.", "ObjectNotFound", "ManagementObjectNotFoundException", name}
			}
		}
	}
	return c.change(func() string { return "Auth Configuration" }, func(cfg *org.Configuration) error {
		was := cfg.Auth.CurrentCertificateThumbprint
		if c.args.has("CertificateThumbprint") {
			if !c.args.bool("Force") {
				return invalid("CertificateThumbprint", "The certificate would take effect at once, before the cloud knows it. Stage it with NewCertificateThumbprint, or add -Force.")
			}
			if err := cfg.UseCertificate(c.args.text("CertificateThumbprint"), now); err != nil {
				return err
			}
		}
		if c.args.has("NewCertificateThumbprint") {
			if effective.Before(now.Add(org.OAuthNotice)) {
				c.warn("The effective date is less than 48 hours ahead: the certificate may not be on every server and in the cloud by then.")
			}
			if err := cfg.StageCertificate(c.args.text("NewCertificateThumbprint"), effective, now); err != nil {
				return err
			}
		}
		if c.args.bool("PublishCertificate") {
			if err := cfg.PublishCertificate(now); err != nil {
				return err
			}
		}
		if c.args.bool("ClearPreviousCertificate") {
			cfg.Auth.PreviousCertificateThumbprint = ""
		}
		if cfg.Auth.CurrentCertificateThumbprint != was {
			c.warn("The cloud does not know the new OAuth certificate until its public part is uploaded: run the Hybrid Configuration Wizard again.")
		}
		return nil
	})
}
