package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"

	"hma/internal/sealed"
)

// authority is the lab's own certificate authority: what a client must trust.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// caYears is how long the lab's authority is valid: a lab directory may be old, or its clock ahead. It is valid since a
// year ago too, because the clock may be put back.
const caYears = 10

// loadAuthority reads the authority of the directory or makes one. The key is
// kept sealed, the certificate in ca.pem.
func loadAuthority(d *dir, key *sealed.Key, now time.Time) (*authority, error) {
	certPEM, err := os.ReadFile(d.file("ca.pem"))
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthority(d, key, now)
	}
	if err != nil {
		return nil, fmt.Errorf("read the lab's CA: %w", err)
	}
	box, err := os.ReadFile(d.file("ca.key"))
	if err != nil {
		return nil, fmt.Errorf("read the lab's CA: %w", err)
	}
	der, err := key.Open("lab ca", box)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.file("ca.key"), err)
	}
	private, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.file("ca.key"), err)
	}
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return nil, fmt.Errorf("read %s: no certificate in it", d.file("ca.pem"))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.file("ca.pem"), err)
	}
	return &authority{cert: cert, key: private, pem: certPEM}, nil
}

func newAuthority(d *dir, key *sealed.Key, now time.Time) (*authority, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the lab's CA: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "HMA lab CA (this machine only)"},
		NotBefore:             now.AddDate(-1, 0, 0),
		NotAfter:              now.AddDate(caYears, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, fmt.Errorf("make the lab's CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the lab's CA: %w", err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("make the lab's CA: %w", err)
	}
	a := &authority{cert: cert, key: private, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	if err := d.replace("ca.key", key.Seal("lab ca", keyDER)); err != nil {
		return nil, err
	}
	if err := d.replace("ca.pem", a.pem); err != nil {
		return nil, err
	}
	return a, nil
}

// issue makes a server certificate for the names and addresses, valid from now; it lives in
// memory and is made anew at each start and when the clock is moved.
func (a *authority) issue(now time.Time, names ...string) (tls.Certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: names[0]},
		NotBefore:    now.Add(-time.Hour),
		// Chromium and Apple refuse certificates that are valid for longer than 398 days.
		NotAfter:    now.AddDate(0, 0, 397),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: private}, nil
}

// pool returns a pool that trusts the authority alone.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic("lab: " + err.Error()) // crypto/rand does not fail
	}
	return n
}
