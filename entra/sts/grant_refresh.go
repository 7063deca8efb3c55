package sts

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hma/entra"
	"hma/wire/aadsts"
)

// grantRefreshToken renews (RFC 6749 6). The token is bound to person and
// client, not to a resource: the request may name any that was consented.
func (s *service) grantRefreshToken(ctx context.Context, req *tokenRequest) (*tokenResponse, error) {
	token := req.params["refresh_token"]
	if token == "" {
		return nil, refuse(aadsts.ParameterMissing, "refresh_token")
	}
	if err := req.known(); err != nil {
		return nil, err
	}
	window, err := s.refreshWindow(ctx, req, token)
	if err != nil {
		return nil, err
	}
	// The answer is signed while the renewal is on its way to the disk, and given away when it is there.
	var signed chan signature
	successor, err := s.dir.RotateRefreshToken(ctx, token, strings.ToLower(req.clientID), window, func(old *entra.RefreshToken, u *entra.User) error {
		scopes, resource, err := req.wanted(firstResource(old.Scopes, req.params["scope"]), old.Resource)
		if err != nil {
			return err
		}
		if err := checkOrigin(req.origin, old.Fixed); err != nil {
			return err
		}
		g, asked, t, err := req.delegated(s, old.SignIn, u, scopes, resource)
		if err != nil {
			return err
		}
		if old.AppID != g.client.AppID {
			// A family's token is good for all of the family, as "foci" in the answer said.
			issuedTo, ok := g.tenant.Client(old.AppID)
			if !ok || !issuedTo.Family || !g.client.Family {
				return refuse(aadsts.GrantInvalid)
			}
		}
		own := make(chan signature, 1) // when this runs again, the one before is thrown away
		go func() {
			defer func() {
				// What would end the request in its own goroutine would end the process in this one.
				if x := recover(); x != nil {
					own <- signature{err: fmt.Errorf("sign renewal: panic: %v", x)}
				}
			}()
			answer, err := s.complete(req, g, asked, t, "")
			own <- signature{answer, g.client, err}
		}()
		signed = own
		return nil
	})
	if err != nil {
		return nil, err
	}
	done := <-signed
	if done.err != nil {
		return nil, done.err
	}
	return done.answer.renewable(successor, done.client), nil
}

// signature is an answer that is signed but lacks its refresh token.
type signature struct {
	answer *tokenResponse
	client entra.Client
	err    error
}

// refreshWindow is how long the client's replaced tokens stay good. On a shared
// address only the token itself tells the tenant, and so the client.
func (s *service) refreshWindow(ctx context.Context, req *tokenRequest, token string) (time.Duration, error) {
	tenant := req.authority.tenant
	if tenant == nil {
		if all := req.snapshot.Tenants(); len(all) == 1 {
			tenant = all[0]
		} else {
			old, err := s.dir.LookRefreshToken(ctx, token)
			if err != nil {
				return 0, err
			}
			if tenant, err = req.home(old.Tenant); err != nil {
				return 0, err
			}
		}
	}
	client, _, err := req.authenticate(s, tenant)
	if err != nil {
		return 0, err
	}
	return client.RefreshWindow, nil
}
