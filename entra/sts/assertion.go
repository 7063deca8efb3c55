package sts

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/entra"
	"hma/wire/aadsts"
	"hma/wire/bearer"
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
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub"`
	Audience  string              `json:"aud"`
	NameID    string              `json:"nameid"`
	NotBefore *bearer.NumericDate `json:"nbf"`
	Expires   *bearer.NumericDate `json:"exp"`
}

// assertionAlgorithms are RS256 and the RSA-PSS form of it, which MSAL for Node signs with.
var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256}

// assertionType is the client_assertion_type of RFC 7523 2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// checkAssertion lets a client prove itself with a certificate (RFC 7523 3): it
// names itself as issuer and subject, and as audience this tenant's token
// endpoint, of either generation, or its issuer.
func (req *tokenRequest) checkAssertion(s *service, tenant *entra.Tenant, client entra.Client) error {
	if kind := req.params["client_assertion_type"]; kind != assertionType {
		return refuse(aadsts.RequestMalformed, "client_assertion_type must be "+assertionType)
	}
	refused := func(why string) *Error { return refuse(aadsts.AssertionInvalid, why) }
	a, err := s.readAssertion(req.params["client_assertion"], client.KeyCredentials, refused)
	if err != nil {
		return err
	}
	if a.Subject != a.Issuer {
		return refuse(aadsts.AssertionSubject)
	}
	if !strings.EqualFold(a.Issuer, client.AppID) {
		return refuse(aadsts.AssertionOtherClient, clip(a.Issuer))
	}
	path, ours := strings.CutPrefix(a.Audience, s.origin+"/")
	segment, rest, _ := strings.Cut(path, "/")
	named := strings.EqualFold(segment, req.authority.segment) || req.snapshot.Tenant(segment) == tenant
	if !ours || !named || !slices.Contains([]string{"oauth2/v2.0/token", "oauth2/token", "v2.0", ""}, rest) {
		return refused("audience claim does not match Realm issuer")
	}
	return nil
}

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
	from, until := a.NotBefore.Time(), a.Expires.Time()
	if a.Expires == nil {
		return refuse(aadsts.AssertionMalformed, "it has no exp")
	}
	if now.Add(assertionSkew).Before(from) || !now.Add(-assertionSkew).Before(until) || until.After(now.Add(assertionLife+assertionSkew)) {
		return refuse(aadsts.AssertionTime, now.Format(time.RFC3339), from.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return nil
}
