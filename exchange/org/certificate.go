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

// CreateOAuthCertificate makes a self-signed OAuth certificate with the validity,
// puts it on every server and makes it AuthConfig's current one, the former becoming
// the previous one. It returns the thumbprint. Five years is what Exchange's setup gives.
func (o *Organization) CreateOAuthCertificate(ctx context.Context, notBefore, notAfter time.Time) (thumbprint string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", fmt.Errorf("create OAuth certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return "", fmt.Errorf("create OAuth certificate: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: OAuthCertificateSubject}, NotBefore: notBefore, NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: OAuthCertificateSubject}}, key.Public(), key)
	if err != nil {
		return "", fmt.Errorf("create OAuth certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("create OAuth certificate: %w", err)
	}
	sum := sha1.Sum(der)
	thumbprint = strings.ToUpper(hex.EncodeToString(sum[:]))
	box := o.opts.Key.Seal(certificatePurpose, private)
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("INSERT INTO certificate_key (thumbprint, sealed) VALUES ($1, $2)", thumbprint, box)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create OAuth certificate: %w", err)
	}
	_, _, err = o.Change(ctx, func(c *Configuration) error {
		for _, s := range c.Servers {
			c.Certificates = append(c.Certificates, &Certificate{Server: s.Name, Thumbprint: thumbprint,
				FriendlyName: OAuthCertificateSubject, Services: []string{"SMTP"}, DER: der})
		}
		c.Auth.PreviousCertificateThumbprint, c.Auth.CurrentCertificateThumbprint = c.Auth.CurrentCertificateThumbprint, thumbprint
		return nil
	})
	return thumbprint, err
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

// X509 parses the certificate.
func (c *Certificate) X509() (*x509.Certificate, error) {
	parsed, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", c.Thumbprint, err)
	}
	return parsed, nil
}
