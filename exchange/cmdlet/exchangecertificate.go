package cmdlet

import (
	"fmt"
	"strings"

	"hma/wire/psobject"
)

// exchangeCertificate: whether the OAuth certificate of Get-AuthConfig is on every server and in its validity.
func exchangeCertificate() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-ExchangeCertificate", Synopsis: "Shows the certificates of a server, or of all servers.",
		Asks:   `how-to, prerequisite 5: "Ensure that the Exchange Server OAuth certificate is valid"`,
		Params: []psobject.Parameter{{Name: "Thumbprint", Type: "string", Position: new(0)}, param("Server", "string")}}, getExchangeCertificate}}
}

func getExchangeCertificate(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	server, thumbprint := c.args.text("Server"), c.args.text("Thumbprint")
	if server != "" {
		s := cfg.Server(server)
		if s == nil {
			return notFound(server)
		}
		server = s.Name
	}
	found := false
	for _, cert := range cfg.Certificates {
		if server != "" && cert.Server != server || thumbprint != "" && !strings.EqualFold(cert.Thumbprint, thumbprint) {
			continue
		}
		found = true
		x, err := cert.X509()
		if err != nil {
			return err
		}
		now := c.r.opts.Now()
		status := "Valid"
		if now.After(x.NotAfter) || now.Before(x.NotBefore) {
			status = "DateInvalid"
		}
		size := int64(0)
		if key, ok := x.PublicKey.(interface{ Size() int }); ok {
			size = int64(key.Size()) * 8
		}
		_, err = c.r.org.CertificateKey(c, cert.Thumbprint)
		c.put(newObject("Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate").
			add("AccessRules", nil).add("CertificateDomains", x.DNSNames).add("HasPrivateKey", err == nil).
			add("IsSelfSigned", x.Issuer.String() == x.Subject.String()).add("Issuer", x.Issuer.String()).
			add("NotAfter", x.NotAfter.UTC()).add("NotBefore", x.NotBefore.UTC()).add("PublicKeySize", size).add("RootCAType", "None").
			add("SerialNumber", fmt.Sprintf("%X", x.SerialNumber)).add("Services", strings.Join(cert.Services, ", ")).add("Status", status).
			add("Subject", x.Subject.String()).add("Thumbprint", cert.Thumbprint).
			add("Server", cert.Server).add("Identity", cert.Server+`\`+cert.Thumbprint).Object)
	}
	if !found && thumbprint != "" {
		return notFound(thumbprint)
	}
	return nil
}
