package cmdlet

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/psobject"
)

var certificateServices = []string{"None", "IMAP", "POP", "IIS", "SMTP"}

// exchangeCertificate: whether the OAuth certificate of Get-AuthConfig is on every server and in its validity,
// and making another one.
func exchangeCertificate() []*cmdlet {
	services := psobject.Parameter{Name: "Services", Type: "strings", Values: certificateServices}
	mustServices := services
	mustServices.Mandatory = true
	return []*cmdlet{
		{psobject.Command{Name: "Get-ExchangeCertificate", Synopsis: "Shows the certificates of a server, or of all servers.", Asks: askCertificate,
			Params: []psobject.Parameter{{Name: "Thumbprint", Type: "string", Position: new(0)}, param("Server", "string")}}, getExchangeCertificate},
		{psobject.Command{Name: "New-ExchangeCertificate", Synopsis: "Makes a self-signed certificate on a server, five years valid.", Asks: askCertificate,
			Params: []psobject.Parameter{required("SubjectName", "string"), param("FriendlyName", "string"), param("DomainName", "strings"),
				param("KeySize", "int"), param("PrivateKeyExportable", "bool"), services, param("Server", "string"), param("Force", "switch"), confirm}}, newExchangeCertificate},
		{psobject.Command{Name: "Enable-ExchangeCertificate", Synopsis: "Adds services to those that a certificate is for.", Asks: askCertificate,
			Params: []psobject.Parameter{{Name: "Thumbprint", Type: "string", Mandatory: true, Position: new(0)}, mustServices, param("Server", "string"),
				param("Force", "switch"), confirm}}, enableExchangeCertificate},
	}
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
		if err := c.putCertificate(cert); err != nil {
			return err
		}
	}
	if !found && thumbprint != "" {
		return notFound(thumbprint)
	}
	return nil
}

func (c *call) putCertificate(cert *org.Certificate) error {
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
		add("RawData", base64.StdEncoding.EncodeToString(cert.DER)).
		add("Server", cert.Server).add("Identity", cert.Server+`\`+cert.Thumbprint).Object)
	return nil
}

// target is the server that -Server names, else the one that the caller talks to, else the first.
func (c *call) target(cfg *org.Configuration) (*org.Server, error) {
	name := c.args.text("Server")
	if name == "" {
		name = c.caller.Server
	}
	if s := cfg.Server(name); s != nil {
		return s, nil
	}
	if name == "" && len(cfg.Servers) > 0 {
		return cfg.Servers[0], nil
	}
	return nil, notFound(name)
}

// givenServices are the entries of -Services; None stands for no service.
func (c *call) givenServices() []string {
	return slices.DeleteFunc(slices.Clone(c.args.strings("Services")), func(s string) bool { return s == "None" })
}

// newExchangeCertificate makes the form of certificate that OAuth needs: one common name, an RSA key, which is
// never handed out, exportable or not.
// No certificate that a service uses now is replaced by it.
func newExchangeCertificate(c *call) error {
	kind, name, ok := strings.Cut(c.args.text("SubjectName"), "=")
	if name = strings.TrimSpace(name); !ok || !strings.EqualFold(strings.TrimSpace(kind), "CN") || name == "" || strings.ContainsAny(name, ",=+") {
		return invalid("SubjectName", "SubjectName '%s' is not supported; give one common name, for example 'CN=%s'.", c.args.text("SubjectName"), org.OAuthCertificateSubject)
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	server, err := c.target(cfg)
	if err != nil {
		return err
	}
	now := c.r.opts.Now().UTC()
	n := org.NewCertificate{Server: server.Name, Subject: name, FriendlyName: c.args.text("FriendlyName"), DomainNames: c.args.strings("DomainName"),
		KeySize: 2048, Services: c.givenServices(), NotBefore: now, NotAfter: now.AddDate(5, 0, 0)}
	for _, d := range n.DomainNames {
		if d == "" || strings.ContainsFunc(d, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return invalid("DomainName", "'%s' is no domain name.", d)
		}
	}
	if c.args.has("KeySize") {
		size := c.args["KeySize"].(int64)
		if size != 2048 && size != 4096 {
			return invalid("KeySize", "A certificate's key has 2048 or 4096 bits, not %d.", size)
		}
		n.KeySize = int(size)
	}
	if c.whatIf() {
		c.would(c.args.text("SubjectName"))
		return nil
	}
	thumbprint, err := c.r.org.CreateCertificate(c, n)
	if err != nil {
		return err
	}
	if cfg, err = c.r.org.Configuration(c); err != nil {
		return err
	}
	if cert := cfg.Certificate(thumbprint); cert != nil {
		return c.putCertificate(cert)
	}
	return notFound(thumbprint)
}

func enableExchangeCertificate(c *call) error {
	thumbprint := c.args.text("Thumbprint")
	return c.change(func() string { return thumbprint }, func(cfg *org.Configuration) error {
		server, err := c.target(cfg)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(cfg.Certificates, func(x *org.Certificate) bool {
			return x.Server == server.Name && strings.EqualFold(x.Thumbprint, thumbprint)
		})
		if i < 0 {
			return notFound(server.Name + `\` + thumbprint)
		}
		cert := cfg.Certificates[i]
		for _, s := range c.givenServices() {
			if !slices.Contains(cert.Services, s) {
				cert.Services = append(cert.Services, s)
			}
		}
		return nil
	})
}
