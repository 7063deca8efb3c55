package org

import (
	"crypto/rsa"
	"slices"
	"strings"
	"time"

	"hma/wire/guid"
)

// OAuthNotice is how far ahead a new OAuth certificate should take effect, so that
// every server has it by then (Set-AuthConfig -NewCertificateEffectiveDate).
const OAuthNotice = 48 * time.Hour

// Certificate returns the certificate with the thumbprint, in any case, from one of the servers that have it, or nil.
func (c *Configuration) Certificate(thumbprint string) *Certificate {
	for _, cert := range c.Certificates {
		if strings.EqualFold(cert.Thumbprint, thumbprint) {
			return cert
		}
	}
	return nil
}

// deploy puts the certificate on every server that does not have it.
func (c *Configuration) deploy(cert Certificate) {
	have := make(map[string]bool)
	for _, other := range c.Certificates {
		if other.Thumbprint == cert.Thumbprint {
			have[other.Server] = true
		}
	}
	for _, s := range c.Servers {
		if !have[s.Name] {
			onServer := cert
			onServer.GUID, onServer.Stamp, onServer.Server = guid.Nil, Stamp{}, s.Name
			c.Certificates = append(c.Certificates, &onServer)
		}
	}
}

// oauthCertificate returns the certificate when it can sign as the organisation from the time on.
func (c *Configuration) oauthCertificate(thumbprint string, from time.Time) (*Certificate, error) {
	cert := c.Certificate(thumbprint)
	if cert == nil {
		return nil, refuse("No server has a certificate with the thumbprint %s.", strings.ToUpper(thumbprint))
	}
	x, err := cert.X509()
	if err != nil {
		return nil, err
	}
	if key, ok := x.PublicKey.(*rsa.PublicKey); !ok || key.Size() < 256 {
		return nil, refuse("The certificate %s has no RSA key of at least 2048 bits.", cert.Thumbprint)
	}
	if from.Before(x.NotBefore) || !from.Before(x.NotAfter) {
		return nil, refuse("The certificate %s is not valid at %s: it is from %s until %s.", cert.Thumbprint,
			from.UTC().Format(time.RFC3339), x.NotBefore.UTC().Format(time.RFC3339), x.NotAfter.UTC().Format(time.RFC3339))
	}
	return cert, nil
}

// StageCertificate makes the certificate AuthConfig's next one from the time on, and puts it on every
// server (Set-AuthConfig -NewCertificateThumbprint). The current one and a time before now are refused.
func (c *Configuration) StageCertificate(thumbprint string, effective, now time.Time) error {
	if effective.Before(now) {
		return refuse("The effective date %s has passed.", effective.UTC().Format(time.RFC3339))
	}
	cert, err := c.oauthCertificate(thumbprint, effective)
	if err != nil {
		return err
	}
	if cert.Thumbprint == c.Auth.CurrentCertificateThumbprint {
		return refuse("The certificate %s is the current one already.", cert.Thumbprint)
	}
	c.deploy(*cert)
	c.Auth.NextCertificateThumbprint, c.Auth.NextCertificateEffectiveDate = cert.Thumbprint, effective.UTC()
	return nil
}

// PublishCertificate makes the next certificate the current one, which becomes the
// previous one, whatever its effective date (Set-AuthConfig -PublishCertificate).
func (c *Configuration) PublishCertificate(now time.Time) error {
	if c.Auth.NextCertificateThumbprint == "" {
		return refuse("There is no next certificate; name one with NewCertificateThumbprint and NewCertificateEffectiveDate first.")
	}
	if err := c.UseCertificate(c.Auth.NextCertificateThumbprint, now); err != nil {
		return err
	}
	c.Auth.NextCertificateThumbprint, c.Auth.NextCertificateEffectiveDate = "", time.Time{}
	return nil
}

// UseCertificate makes the certificate the current one at once, and the former one the previous one
// (Set-AuthConfig -CertificateThumbprint).
func (c *Configuration) UseCertificate(thumbprint string, now time.Time) error {
	cert, err := c.oauthCertificate(thumbprint, now)
	if err != nil {
		return err
	}
	c.deploy(*cert)
	if a := &c.Auth; cert.Thumbprint != a.CurrentCertificateThumbprint {
		a.PreviousCertificateThumbprint, a.CurrentCertificateThumbprint = a.CurrentCertificateThumbprint, cert.Thumbprint
	}
	return nil
}

// rollCertificate publishes the next certificate when its effective date has come. One that cannot be
// used by then, because it expired while no server ran, is dropped.
func (o *Organization) rollCertificate() {
	now := o.opts.Now()
	due := func(a *AuthConfig) bool {
		return a.NextCertificateThumbprint != "" && !now.Before(a.NextCertificateEffectiveDate)
	}
	if !slices.ContainsFunc(o.handles(), func(s *ServerConfig) bool { return due(&s.Snapshot().Auth) }) {
		return
	}
	var dropped error
	_, changed, err := o.Change(o.ctx, func(c *Configuration) error {
		dropped = nil
		if !due(&c.Auth) {
			return nil
		}
		if dropped = c.PublishCertificate(now); dropped != nil {
			c.Auth.NextCertificateThumbprint, c.Auth.NextCertificateEffectiveDate = "", time.Time{}
		}
		return nil
	})
	switch {
	case err != nil && o.ctx.Err() == nil:
		o.opts.Log.Error("next OAuth certificate not published", "error", err)
	case changed && dropped != nil:
		o.opts.Log.Error("next OAuth certificate dropped", "error", dropped)
	case changed:
		o.opts.Log.Info("next OAuth certificate published")
	}
}
