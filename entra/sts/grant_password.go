package sts

import (
	"context"

	"hma/entra"
	"hma/wire/aadsts"
	"hma/wire/guid"
)

// grantPassword is the resource owner password grant (RFC 6749 4.3), which
// command line tools and old libraries use. Shared addresses other than
// organizations do not serve it.
func (s *service) grantPassword(ctx context.Context, req *tokenRequest) (*tokenResponse, error) {
	if req.authority.shared() && req.authority.segment != "organizations" {
		return nil, refuse(aadsts.TenantRequired, req.authority.segment)
	}
	for _, name := range []string{"username", "password"} {
		if req.params[name] == "" {
			return nil, refuse(aadsts.ParameterMissing, name)
		}
	}
	if req.origin != "" {
		return nil, refuse(aadsts.CrossOriginNotSPA)
	}
	tenant := req.authority.tenant
	if tenant == nil {
		if err := req.known(); err != nil {
			return nil, err
		}
		if tenant = req.snapshot.TenantOf(req.params["username"]); tenant == nil {
			return nil, refuse(aadsts.TenantNotDetermined)
		}
	}
	// The client first: who has none learns nothing of passwords.
	if _, _, err := req.authenticate(s, tenant); err != nil {
		return nil, err
	}
	scopes, resource, err := req.wanted("", "")
	if err != nil {
		return nil, err
	}
	user, err := s.dir.CheckPassword(ctx, tenant.ID, req.params["username"], req.params["password"])
	if err != nil {
		return nil, err
	}
	signIn := entra.SignIn{Tenant: tenant.ID, Person: user.ID, Session: guid.New().String(), AuthTime: s.now(), AMR: []string{"pwd"}}
	g, asked, t, err := req.delegated(s, signIn, user, scopes, resource)
	if err != nil {
		return nil, err
	}
	refresh, err := s.maybeRefresh(ctx, req, g, asked, scopes, resource)
	if err != nil {
		return nil, err
	}
	answer, err := s.complete(req, g, asked, t, "")
	if err != nil {
		return nil, err
	}
	return answer.renewable(refresh, g.client), nil
}

// maybeRefresh begins a family of refresh tokens where one is due: always on v1, for offline_access on v2.
func (s *service) maybeRefresh(ctx context.Context, req *tokenRequest, g grantee, asked wish, scopes, resource string) (string, error) {
	if req.version == v2 && !asked.offline {
		return "", nil
	}
	return s.dir.IssueRefreshToken(ctx, entra.RefreshToken{SignIn: g.signIn, AppID: g.client.AppID, Scopes: scopes, Resource: resource})
}
