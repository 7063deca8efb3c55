package entra

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hma/wire/guid"
)

// KeyCredential is a certificate with which an application or a service
// principal proves who it is: it signs assertions (Graph: keyCredential of type
// AsymmetricX509Cert, usage Verify). Nothing but the key in it is trusted, so it
// may be self-signed.
type KeyCredential struct {
	ID          string // keyId
	DisplayName string
	CustomID    []byte // customKeyIdentifier, the SHA-1 thumbprint unless it was set
	Certificate *x509.Certificate
	Starts      time.Time
	Ends        time.Time
}

// Limits of key credentials: how many one object has, and the size of an RSA
// key in bits; a larger one makes each check dear.
const (
	maxKeys    = 50
	minKeyBits = 2048
	maxKeyBits = 8192
)

// NewKeyCredential reads a DER certificate with an RSA key. Times that are zero
// are the certificate's own; others must lie within them. What it refuses is ErrInvalid.
func NewKeyCredential(der []byte, name string, starts, ends time.Time) (KeyCredential, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return KeyCredential{}, fmt.Errorf("key is no DER certificate: %w", ErrInvalid)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minKeyBits || key.N.BitLen() > maxKeyBits {
		return KeyCredential{}, fmt.Errorf("key of the certificate is not RSA of %d to %d bits: %w", minKeyBits, maxKeyBits, ErrInvalid)
	}
	if starts.IsZero() {
		starts = cert.NotBefore
	}
	if ends.IsZero() {
		ends = cert.NotAfter
	}
	if starts.Before(cert.NotBefore) || ends.After(cert.NotAfter) || !ends.After(starts) {
		return KeyCredential{}, fmt.Errorf("the credential's time lies outside the certificate's, or ends before it starts: %w", ErrInvalid)
	}
	return KeyCredential{ID: guid.New().String(), DisplayName: name, CustomID: sha1Of(der), Certificate: cert,
		Starts: starts.UTC(), Ends: ends.UTC()}, nil
}

// Good tells whether the credential is in date.
func (k KeyCredential) Good(now time.Time) bool { return !now.Before(k.Starts) && now.Before(k.Ends) }

// Names tells whether the headers of a JWS (RFC 7515 4.1) name this certificate:
// x5t and x5t#S256 are base64url thumbprints, and where neither is there kid is
// the SHA-1 one, in base64url or hex. Padding, which some libraries add, is ignored.
func (k KeyCredential) Names(x5t, x5tS256, kid string) bool {
	x5t, x5tS256 = strings.TrimRight(x5t, "="), strings.TrimRight(x5tS256, "=")
	first, second := sha1Of(k.Certificate.Raw), sha256.Sum256(k.Certificate.Raw)
	if x5t == "" && x5tS256 == "" {
		return kid != "" && (kid == base64.RawURLEncoding.EncodeToString(first) || strings.EqualFold(kid, hex.EncodeToString(first)))
	}
	return (x5t == "" || x5t == base64.RawURLEncoding.EncodeToString(first)) &&
		(x5tS256 == "" || x5tS256 == base64.RawURLEncoding.EncodeToString(second[:]))
}

// storedKey is a key credential as a column holds it.
type storedKey struct {
	ID          string    `json:"id"`
	DisplayName string    `json:"name,omitempty"`
	CustomID    []byte    `json:"custom,omitempty"`
	Certificate []byte    `json:"der"`
	Starts      time.Time `json:"starts"`
	Ends        time.Time `json:"ends"`
}

// MarshalJSON writes the credential as a column holds it.
func (k KeyCredential) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedKey{k.ID, k.DisplayName, k.CustomID, k.Certificate.Raw, k.Starts, k.Ends})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (k *KeyCredential) UnmarshalJSON(text []byte) error {
	var s storedKey
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(s.Certificate)
	if err != nil {
		return fmt.Errorf("key credential %s: %w", s.ID, err)
	}
	*k = KeyCredential{ID: s.ID, DisplayName: s.DisplayName, CustomID: s.CustomID, Certificate: cert, Starts: s.Starts, Ends: s.Ends}
	return nil
}

// checkKeys holds the rules of a list of key credentials.
func checkKeys(keys []KeyCredential) error {
	if len(keys) > maxKeys {
		return fmt.Errorf("more than %d key credentials: %w", maxKeys, ErrInvalid)
	}
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		if k.Certificate == nil || k.ID == "" || seen[k.ID] {
			return fmt.Errorf("a key credential has no certificate, or its keyId stands twice: %w", ErrInvalid)
		}
		seen[k.ID] = true
	}
	return nil
}
