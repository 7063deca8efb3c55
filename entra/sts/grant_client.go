package sts

import (
	"context"

	"hma/wire/aadsts"
)

// grantClientCredentials gives an application a token for itself (RFC 6749
// 4.4): the app roles it holds, no scopes, no refresh token.
func (s *service) grantClientCredentials(ctx context.Context, req *tokenRequest) (*tokenResponse, error) {
	tenant := req.authority.tenant
	if tenant == nil {
		return nil, refuse(aadsts.TenantRequired, req.authority.segment)
	}
	client, proof, err := req.authenticate(s, tenant)
	if err != nil {
		return nil, err
	}
	if client.Public {
		return nil, refuse(aadsts.SecretMissing)
	}
	scope, named, err := req.wanted("", "")
	if err != nil {
		return nil, err
	}
	asked, err := parseWish(req.version, scope, named)
	switch {
	case err != nil:
		return nil, err
	case asked.several:
		return nil, refuse(aadsts.SeveralResources)
	case req.version == v1 && asked.resource == "":
		return nil, refuse(aadsts.ParameterMissing, "resource")
	case req.version == v2 && scope == "":
		return nil, refuse(aadsts.ParameterMissing, "scope")
	case req.version == v2 && (len(asked.scopes) != 1 || asked.scopes[0] != ".default" || asked.prefix == ""):
		return nil, refuse(aadsts.ScopeWithoutResource, clip(scope))
	}
	sp, err := resource(tenant, asked.resource)
	if err != nil {
		return nil, err
	}
	token, life, err := s.appToken(req.snapshot, tenant, client, proof, asked.resource, client.Roles(sp))
	if err != nil {
		return nil, err
	}
	return s.respond(req.version, token, life, asked.resource), nil
}
