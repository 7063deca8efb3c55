package sts

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
)

// grantAuthorizationCode redeems a code (RFC 6749 4.1.3, RFC 7636 4.6). What
// is refused leaves the code good, except a second redemption.
func (s *service) grantAuthorizationCode(ctx context.Context, req *tokenRequest) (*tokenResponse, error) {
	for _, name := range []string{"code", "redirect_uri"} {
		if req.params[name] == "" {
			return nil, refuse(aadsts.ParameterMissing, name)
		}
	}
	if err := req.known(); err != nil {
		return nil, err
	}
	var g grantee
	var asked wish
	var t target
	var nonce string
	refresh, err := s.dir.RedeemCode(ctx, req.params["code"], func(c *entra.Code, u *entra.User) (*entra.RefreshToken, error) {
		scopes, resource, err := req.wanted(firstResource(c.Scopes, req.params["scope"]), c.Resource)
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(c.AppID, req.clientID) {
			return nil, refuse(aadsts.GrantInvalid)
		}
		if c.RedirectURI != req.params["redirect_uri"] {
			return nil, refuse(aadsts.RedirectMismatch, clip(req.params["redirect_uri"]))
		}
		if err := checkVerifier(c, req.params["code_verifier"]); err != nil {
			return nil, err
		}
		if err := checkOrigin(req.origin, c.RedirectType == entra.SPA); err != nil {
			return nil, err
		}
		if g, asked, t, err = req.delegated(s, c.SignIn, u, scopes, resource); err != nil {
			return nil, err
		}
		nonce = c.Nonce
		original, _ := parseWish(req.version, c.Scopes, "") // what was refused at authorize made no code
		asked.openID = asked.openID || original.openID
		asked.email = asked.email || original.email
		if req.version == v2 && !original.offline && !asked.offline {
			return nil, nil
		}
		return &entra.RefreshToken{SignIn: c.SignIn, AppID: g.client.AppID, Scopes: c.Scopes, Resource: first(c.Resource, req.params["resource"]),
			Fixed: c.RedirectType == entra.SPA}, nil
	})
	if err != nil {
		return nil, err
	}
	answer, err := s.complete(req, g, asked, t, nonce)
	if err != nil {
		return nil, err
	}
	return answer.renewable(refresh, g.client), nil
}

// firstResource keeps the scopes of the first resource when a request leaves it
// to the code: authorize may name several, a token is for one.
func firstResource(stored, sent string) string {
	if sent != "" {
		return stored
	}
	var kept []string
	resource := ""
	for word := range strings.FieldsSeq(stored) {
		w, err := parseWish(v2, word, "")
		if err != nil {
			continue
		}
		if w.resource != "" && resource == "" {
			resource = w.resource
		}
		if w.resource == "" || w.resource == resource {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// checkVerifier is RFC 7636 4.6. A verifier without a challenge is refused too:
// somebody took the challenge out of the authorization request.
func checkVerifier(c *entra.Code, verifier string) error {
	if c.Challenge == "" && verifier == "" {
		return nil
	}
	computed := verifier
	if c.ChallengeMethod == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		computed = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if c.Challenge == "" || verifier == "" || subtle.ConstantTimeCompare([]byte(computed), []byte(c.Challenge)) != 1 {
		return refuse(aadsts.VerifierMismatch)
	}
	return nil
}

// checkOrigin pairs browser scripts with redirect URIs of type spa.
func checkOrigin(origin string, spa bool) error {
	switch {
	case origin != "" && !spa:
		return refuse(aadsts.CrossOriginNotSPA)
	case origin == "" && spa:
		return refuse(aadsts.SPAWithoutOrigin)
	}
	return nil
}
