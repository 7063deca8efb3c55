package sts

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/entra"
	"hma/wire/aadsts"
)

// Limits of an assertion: its size in bytes, how long it may be valid, and how
// far its signer's clock may be off.
const (
	maxAssertion  = 16 << 10
	assertionLife = time.Hour
	assertionSkew = 5 * time.Minute
)

// assertion are the claims of a JWT that a client signed to prove who it is
// (RFC 7523 3). An audience of several entries is refused, as in Entra.
type assertion struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  string       `json:"aud"`
	NameID    string       `json:"nameid"`
	NotBefore *numericDate `json:"nbf"`
	Expires   *numericDate `json:"exp"`
}

// numericDate is seconds since 1970 (RFC 7519 2), as a number or, as in
// MS-SPS2SAUTH 2.2, in a string.
type numericDate int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *numericDate) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 1<<40 {
		return errors.New("a time is no number of seconds")
	}
	*n = numericDate(seconds)
	return nil
}

func (n *numericDate) time() time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.Unix(int64(*n), 0).UTC()
}

// assertionAlgorithms are RS256 and the RSA-PSS form of it, which MSAL for Node signs with.
var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256}

// readAssertion verifies an assertion with one of the key credentials, which its
// header names by thumbprint, and judges its time. badKey makes the refusal for
// a key or signature that does not do.
func (s *service) readAssertion(text string, keys []entra.KeyCredential, badKey func(why string) *Error) (*assertion, error) {
	if len(text) > maxAssertion {
		return nil, refuse(aadsts.AssertionMalformed, "it is too long")
	}
	parsed, err := jwt.ParseSigned(text, assertionAlgorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return nil, refuse(aadsts.AssertionMalformed, "it is no JWT signed with RS256 or PS256")
	}
	header := parsed.Headers[0]
	x5t, _ := header.ExtraHeaders["x5t"].(string)
	x5tS256, _ := header.ExtraHeaders["x5t#S256"].(string)
	key, err := findKey(keys, x5t, x5tS256, header.KeyID, s.now())
	if err != nil {
		return nil, badKey("contains an invalid signature. [Reason - " + err.Error() + ", Thumbprint of key used by client: '" + thumbOf(x5t, x5tS256, header.KeyID) + "']")
	}
	var a assertion
	switch err := parsed.Claims(key.Certificate.PublicKey, &a); {
	case errors.Is(err, jose.ErrCryptoFailure):
		return nil, badKey("contains an invalid signature. [Reason - The signature does not match the key.]")
	case err != nil:
		return nil, refuse(aadsts.AssertionMalformed, "its claims cannot be read")
	}
	return &a, s.inTime(&a)
}

// keyError is why no key credential verifies an assertion.
type keyError string

func (e keyError) Error() string { return string(e) }

const (
	keyNotFound = keyError("The key was not found.")
	keyExpired  = keyError("The key used is expired.")
)

// findKey finds the key credential that the header names, and that is in date.
func findKey(keys []entra.KeyCredential, x5t, x5tS256, kid string, now time.Time) (entra.KeyCredential, error) {
	err := keyNotFound
	for _, k := range keys {
		if k.Names(x5t, x5tS256, kid) {
			if k.Good(now) {
				return k, nil
			}
			err = keyExpired
		}
	}
	return entra.KeyCredential{}, err
}

// thumbOf is the key's name in an error: the thumbprint in hex, as certificate
// stores show it, where it is one.
func thumbOf(x5t, x5tS256, kid string) string {
	named := first(x5t, x5tS256, kid)
	if raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(named, "=")); err == nil && (len(raw) == 20 || len(raw) == 32) {
		return strings.ToUpper(hex.EncodeToString(raw))
	}
	return clip(named)
}

// inTime judges nbf and exp: exp is required and lies at most assertionLife ahead.
func (s *service) inTime(a *assertion) error {
	now := s.now().UTC()
	from, until := a.NotBefore.time(), a.Expires.time()
	if a.Expires == nil {
		return refuse(aadsts.AssertionMalformed, "it has no exp")
	}
	if now.Add(assertionSkew).Before(from) || !now.Add(-assertionSkew).Before(until) || until.After(now.Add(assertionLife+assertionSkew)) {
		return refuse(aadsts.AssertionTime, now.Format(time.RFC3339), from.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return nil
}
