package org

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"hma/internal/sqldb"
)

// certificatePurpose is what private keys are sealed for.
const certificatePurpose = "org certificate"

// OAuthCertificateSubject is the subject of the organisation's OAuth certificate.
const OAuthCertificateSubject = "Microsoft Exchange Server Auth Certificate"

// NewCertificate is what CreateCertificate needs to know.
type NewCertificate struct {
	Server       string // short name of the server that gets it
	Subject      string // common name
	FriendlyName string
	DomainNames  []string // alternative names, may be empty
	KeySize      int      // bits of the RSA key: 2048 or 4096
	Services     []string // SMTP, IIS; may be empty
	NotBefore    time.Time
	NotAfter     time.Time
}

// CreateCertificate makes a self-signed certificate with its key and puts it on one server. It returns the thumbprint.
func (o *Organization) CreateCertificate(ctx context.Context, n NewCertificate) (thumbprint string, err error) {
	made, err := o.makeCertificate(ctx, n)
	if err != nil {
		return "", err
	}
	_, _, err = o.Change(ctx, func(c *Configuration) error {
		srv := c.Server(n.Server)
		if srv == nil {
			return fmt.Errorf("server %q: %w", n.Server, ErrNotFound)
		}
		cert := made
		cert.Server = srv.Name
		c.Certificates = append(c.Certificates, &cert)
		return nil
	})
	return made.Thumbprint, err
}

// CreateOAuthCertificate makes a self-signed OAuth certificate with the validity,
// puts it on every server and makes it AuthConfig's current one, the former becoming
// the previous one. It returns the thumbprint. Five years is what Exchange's setup gives.
func (o *Organization) CreateOAuthCertificate(ctx context.Context, notBefore, notAfter time.Time) (thumbprint string, err error) {
	made, err := o.makeCertificate(ctx, NewCertificate{Subject: OAuthCertificateSubject, FriendlyName: OAuthCertificateSubject,
		KeySize: 2048, Services: []string{"SMTP"}, NotBefore: notBefore, NotAfter: notAfter})
	if err != nil {
		return "", err
	}
	_, _, err = o.Change(ctx, func(c *Configuration) error {
		c.deploy(made)
		c.Auth.PreviousCertificateThumbprint, c.Auth.CurrentCertificateThumbprint = c.Auth.CurrentCertificateThumbprint, made.Thumbprint
		return nil
	})
	return made.Thumbprint, err
}

// makeCertificate makes the certificate, without a server, and stores its sealed key.
func (o *Organization) makeCertificate(ctx context.Context, n NewCertificate) (Certificate, error) {
	var none Certificate
	if n.KeySize != 2048 && n.KeySize != 4096 {
		return none, refuse("A certificate's key has 2048 or 4096 bits, not %d.", n.KeySize)
	}
	if n.Subject == "" || len(n.Subject) > 64 || !n.NotBefore.Before(n.NotAfter) {
		return none, refuse("A certificate needs a subject of 1 to 64 characters and a validity.")
	}
	key, err := rsa.GenerateKey(rand.Reader, n.KeySize)
	if err != nil {
		return none, fmt.Errorf("create certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return none, fmt.Errorf("create certificate: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: n.Subject}, DNSNames: n.DomainNames, NotBefore: n.NotBefore, NotAfter: n.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: n.Subject}}, key.Public(), key)
	if err != nil {
		return none, fmt.Errorf("create certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return none, fmt.Errorf("create certificate: %w", err)
	}
	sum := sha1.Sum(der)
	thumbprint := strings.ToUpper(hex.EncodeToString(sum[:]))
	box := o.opts.Key.Seal(certificatePurpose, private)
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("INSERT INTO certificate_key (thumbprint, sealed) VALUES ($1, $2)", thumbprint, box)
		return err
	})
	if err != nil {
		return none, fmt.Errorf("create certificate: %w", err)
	}
	return Certificate{Thumbprint: thumbprint, FriendlyName: n.FriendlyName, Services: n.Services, DER: der}, nil
}

// CertificateKey returns the private key of a certificate, or ErrNotFound.
func (o *Organization) CertificateKey(ctx context.Context, thumbprint string) (crypto.Signer, error) {
	var box []byte
	err := o.db.QueryRow(ctx, "SELECT sealed FROM certificate_key WHERE thumbprint = $1", strings.ToUpper(thumbprint)).Scan(&box)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("key of certificate %s: %w", thumbprint, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("key of certificate %s: %w", thumbprint, err)
	}
	plain, err := o.opts.Key.Open(certificatePurpose, box)
	if err != nil {
		return nil, fmt.Errorf("key of certificate %s: %w", thumbprint, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fmt.Errorf("key of certificate %s: %w", thumbprint, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key of certificate %s: a %T cannot sign", thumbprint, key)
	}
	return signer, nil
}

// X5T is the certificate's name in the header of what it signed: base64url of SHA-1 (RFC 7515 4.1.7).
func (c *Certificate) X5T() string {
	sum := sha1.Sum(c.DER)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// X509 parses the certificate.
func (c *Certificate) X509() (*x509.Certificate, error) {
	parsed, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", c.Thumbprint, err)
	}
	return parsed, nil
}
