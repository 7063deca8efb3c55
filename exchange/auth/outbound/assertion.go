package outbound

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

const (
	// assertionLife is how long an assertion and a user's claim are good; the token service takes up to an hour.
	assertionLife = 10 * time.Minute
	// backdate makes good for the clock of the other side.
	backdate = time.Minute
)

// signer makes assertions with the organisation's OAuth certificate.
type signer struct {
	jose.Signer
	thumbprint string
}

// signer returns the signer of the current OAuth certificate, which the server must have, valid, with its key.
func (c *Client) signer(ctx context.Context, s *org.Snapshot) (*signer, error) {
	thumbprint := s.Auth.CurrentCertificateThumbprint
	if thumbprint == "" {
		return nil, fail("The organisation has no OAuth certificate: AuthConfig names none.")
	}
	cert := s.Certificate(thumbprint)
	if cert == nil {
		return nil, fail("The OAuth certificate %s is not on the server %s.", thumbprint, s.Server.Name)
	}
	x, err := cert.X509()
	if err != nil {
		return nil, err
	}
	if now := c.now(); now.Before(x.NotBefore) || now.After(x.NotAfter) {
		return nil, fail("The OAuth certificate %s is not valid now: it is from %s until %s.", thumbprint,
			x.NotBefore.UTC().Format(time.RFC3339), x.NotAfter.UTC().Format(time.RFC3339))
	}
	private, err := c.keys.CertificateKey(ctx, thumbprint)
	if err != nil {
		return nil, fail("The private key of the OAuth certificate %s is missing.", thumbprint)
	}
	key, ok := private.(*rsa.PrivateKey)
	if !ok {
		return nil, fail("The OAuth certificate %s has no RSA key.", thumbprint)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("x5t", cert.X5T()))
	if err != nil {
		return nil, fmt.Errorf("sign with certificate %s: %w", thumbprint, err)
	}
	return &signer{made, thumbprint}, nil
}

// assertion says who the organisation is to the one that audience names; identifier is its own name there.
func (s *signer) assertion(identifier, audience string, now time.Time) (string, error) {
	return jwt.Signed(s).Claims(map[string]any{"iss": identifier, "sub": identifier, "nameid": identifier, "aud": audience,
		"nbf": now.Add(-backdate).Unix(), "exp": now.Add(assertionLife).Unix(), "jti": guid.New().String()}).Serialize()
}

// principal is how server-to-server OAuth names a service: application/host@realm, without a host application@realm.
func principal(application, host, realm string) string {
	if host != "" {
		application += "/" + host
	}
	return application + "@" + realm
}

// actAs wraps a token of the organisation in an unsigned one that says for whom it acts
// (app_asserted_user_v1): who may sign for the organisation may speak for its people.
func actAs(token, audience, realm string, user *org.Recipient, now time.Time) (string, error) {
	claims := map[string]any{"iss": principal(wellknown.Exchange, "", realm), "aud": audience,
		"nbf": now.Add(-backdate).Unix(), "exp": now.Add(assertionLife).Unix(),
		"nii": "urn:federation:MicrosoftOnline", "upn": user.UPN, "smtp": user.PrimarySMTP, "actortoken": token}
	if user.ObjectID != "" {
		claims["oid"] = user.ObjectID
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + encode(body) + ".", nil
}
