package entra

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"time"

	"hma/internal/sqldb"
)

// SigningKey is a key pair that signs tokens, with its self-signed certificate.
type SigningKey struct {
	ID          string // kid and x5t: base64url SHA-1 of the certificate, unpadded
	Certificate *x509.Certificate
	private     *rsa.PrivateKey
}

// Private returns the signing key itself.
func (k *SigningKey) Private() *rsa.PrivateKey { return k.private }

// States of a signing key: it signs; it is published and will sign; it signed
// and stays published until what it signed has expired.
const (
	keyCurrent = "current"
	keyNext    = "next"
	keyRetired = "retired"
)

// retiredFor is how long a retired key stays published: longer than any token lives.
const retiredFor = 24 * time.Hour

// keyLife is how long the certificates are valid; only the key in them matters.
const keyLife = 5 * 365 * 24 * time.Hour

const keyPurpose = "entra signing key"

// Keys returns the published keys: the one that signs first, then its
// successor, then retired ones. Nobody may change what it returns.
func (s *Snapshot) Keys() []*SigningKey { return s.keys }

func (d *Directory) newKey() (id string, cert, box []byte, err error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return "", nil, nil, err
	}
	now := d.now()
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "HMA token signing"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(keyLife), KeyUsage: x509.KeyUsageDigitalSignature}
	if cert, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private); err != nil {
		return "", nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", nil, nil, err
	}
	return thumbprint(cert), cert, d.key.Seal(keyPurpose, der), nil
}

func thumbprint(cert []byte) string { return base64.RawURLEncoding.EncodeToString(sha1Of(cert)) }

// sha1Of is the thumbprint of a certificate (RFC 7515 4.1.7).
func sha1Of(cert []byte) []byte {
	sum := sha1.Sum(cert)
	return sum[:]
}

// ensureKeys makes the current and the next key of an empty directory.
func (d *Directory) ensureKeys(ctx context.Context) error {
	var n int
	if err := d.db.QueryRow(ctx, "SELECT count(*) FROM signing_key").Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return nil
	}
	first, err := d.keyRow()
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	second, err := d.keyRow()
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		// Another process may have made them meanwhile.
		if err := tx.QueryRow("SELECT count(*) FROM signing_key").Scan(&n); err != nil || n > 0 {
			return err
		}
		if err := first.insert(tx, keyCurrent, d.now()); err != nil {
			return err
		}
		return second.insert(tx, keyNext, d.now())
	})
}

type keyRow struct {
	id        string
	cert, box []byte
}

func (d *Directory) keyRow() (r keyRow, err error) {
	r.id, r.cert, r.box, err = d.newKey()
	return r, err
}

func (r keyRow) insert(tx *sqldb.Tx, state string, now time.Time) error {
	_, err := tx.Exec("INSERT INTO signing_key (id, state, certificate, sealed, created, retired) VALUES ($1, $2, $3, $4, $5, 0)",
		r.id, state, r.cert, r.box, micros(now))
	return err
}

// RotateKeys lets the next key sign from now on, keeps the old one published
// until its tokens are gone, and makes a new next key. Validators have known
// the next key since the rotation before, so nobody notices.
func (d *Directory) RotateKeys(ctx context.Context) error {
	next, err := d.keyRow()
	if err != nil {
		return fmt.Errorf("rotate keys: %w", err)
	}
	err = d.configure(ctx, func(tx *sqldb.Tx) error {
		now := d.now()
		if _, err := tx.Exec("DELETE FROM signing_key WHERE state = $1 AND retired < $2", keyRetired, micros(now.Add(-retiredFor))); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE signing_key SET state = $1, retired = $2 WHERE state = $3", keyRetired, micros(now), keyCurrent); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE signing_key SET state = $1 WHERE state = $2", keyCurrent, keyNext); err != nil {
			return err
		}
		return next.insert(tx, keyNext, now)
	})
	if err != nil {
		return fmt.Errorf("rotate keys: %w", err)
	}
	return nil
}

func (d *Directory) readKeys(tx *sqldb.Tx) ([]*SigningKey, error) {
	// "current" < "next" < "retired" is the order wanted.
	rows, err := tx.Query("SELECT id, certificate, sealed FROM signing_key WHERE state <> $1 OR retired >= $2 ORDER BY state, retired DESC",
		keyRetired, micros(d.now().Add(-retiredFor)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[string]*SigningKey)
	if old := d.snapshot.Load(); old != nil {
		for _, k := range old.keys {
			known[k.ID] = k
		}
	}
	var keys []*SigningKey
	for rows.Next() {
		var id string
		var der, box []byte
		if err := rows.Scan(&id, &der, &box); err != nil {
			return nil, err
		}
		if k := known[id]; k != nil && bytes.Equal(k.Certificate.Raw, der) {
			keys = append(keys, k)
			continue
		}
		k, err := d.openKey(id, der, box)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", id, err)
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

func (d *Directory) openKey(id string, der, box []byte) (*SigningKey, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	plain, err := d.key.Open(keyPurpose, box)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errors.New("private key does not parse") // its text could show key bytes
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || !private.PublicKey.Equal(crypto.PublicKey(cert.PublicKey)) || id != thumbprint(der) {
		return nil, errors.New("private key and certificate do not belong together")
	}
	return &SigningKey{ID: id, Certificate: cert, private: private}, nil
}
