package adminapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"hma/wire/bearer"
)

// ErrNoSignIn says that a server names no cloud at which its administrators could sign in.
var ErrNoSignIn = errors.New("admin API: the server trusts no cloud to sign in at (no enabled AuthServer of type AzureAD)")

// SignIn says where administrators get a token for an Admin API.
type SignIn struct {
	AuthorizationURI string
	// Tenants are the ids of the tenants whose people the server trusts.
	Tenants []string
}

// AskSignIn asks the Admin API at baseURL, as New takes it, without a token. ErrNoSignIn means
// that its challenge names no cloud.
func AskSignIn(ctx context.Context, baseURL string, hc *http.Client) (SignIn, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(baseURL, "/")+"/adminapi/v1/commands", nil)
	if err != nil {
		return SignIn{}, fmt.Errorf("admin API: %w", err)
	}
	resp, err := hc.Do(req)
	if err != nil {
		return SignIn{}, fmt.Errorf("admin API: %w", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		return SignIn{}, &StatusError{resp.StatusCode, "no Admin API asks for a token there"}
	}
	scheme, _ := bearer.Find(bearer.Parse(resp.Header.Values("WWW-Authenticate")), "Bearer")
	c := scheme.Challenge()
	if c.AuthorizationURI == "" {
		return SignIn{}, ErrNoSignIn
	}
	s := SignIn{AuthorizationURI: c.AuthorizationURI}
	for issuer := range strings.SplitSeq(c.TrustedIssuers, ",") {
		if _, tenant, ok := strings.Cut(issuer, "@"); ok {
			s.Tenants = append(s.Tenants, strings.TrimSpace(tenant))
		}
	}
	return s, nil
}
