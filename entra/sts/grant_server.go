package sts

import (
	"net/http"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
	"hma/wire/s2s"
	"hma/wire/wellknown"
)

// The Access Control Service's part: a mail server on premises asks for a token
// with its OAuth certificate (MS-SPS2SAUTH 3.1), and puts it into the actor
// tokens that it makes for its own people. Names are ID@REALM and ID/HOST@REALM,
// REALM the tenant's id or one of its verified domains.

// Grant types of a server's assertion: the draft's name, which servers send, and RFC 7523's.
const (
	grantServer    = "http://oauth.net/grant_type/jwt/1.0/bearer"
	grantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// serverClaims of the token that a server gets.
type serverClaims struct {
	Audience             string `json:"aud"`
	Issuer               string `json:"iss"`
	IssuedAt             int64  `json:"iat"`
	NotBefore            int64  `json:"nbf"`
	Expires              int64  `json:"exp"`
	IdentityProvider     string `json:"identityprovider"`
	NameID               string `json:"nameid"`
	ObjectID             string `json:"oid"`
	Subject              string `json:"sub"`
	TrustedForDelegation string `json:"trustedfordelegation"`
}

// serveServerToken is the token endpoint for servers.
func (s *service) serveServerToken(w http.ResponseWriter, r *http.Request) {
	s.answerToken(w, r, func(p params) (*tokenResponse, error) {
		snapshot, a, err := s.addressed(r)
		if err != nil {
			return nil, err
		}
		if a.shared() {
			return nil, refuse(aadsts.TenantRequired, a.segment)
		}
		for _, name := range []string{"grant_type", "assertion", "resource"} {
			if p[name] == "" {
				return nil, refuse(aadsts.ParameterMissing, name)
			}
		}
		if grant := p["grant_type"]; grant != grantServer && grant != grantJWTBearer {
			return nil, refuse(aadsts.GrantUnsupported, clip(grant))
		}
		return s.serverToken(snapshot, a.tenant, p["assertion"], p["resource"])
	})
}

// serverToken gives the Exchange service principal of a tenant a token, for an
// assertion that one of its key credentials verifies.
func (s *service) serverToken(snapshot *entra.Snapshot, tenant *entra.Tenant, text, wanted string) (*tokenResponse, error) {
	sp := tenant.ServicePrincipalByAppID(wellknown.Exchange)
	if sp == nil {
		return nil, refuse(aadsts.ApplicationUnknown, wellknown.Exchange, tenant.DisplayName)
	}
	if !sp.Enabled {
		return nil, refuse(aadsts.PrincipalDisabled, sp.DisplayName)
	}
	refused := func(why string) *Error { return refuse(aadsts.ServerAssertionRefused, why) }
	a, err := s.readAssertion(text, sp.KeyCredentials, refused)
	if err != nil {
		return nil, err
	}
	id, realm, _ := strings.Cut(a.Issuer, "@")
	if snapshot.Tenant(realm) != tenant || !strings.EqualFold(id, wellknown.Exchange) {
		return nil, refuse(aadsts.ApplicationUnknown, clip(a.Issuer), tenant.DisplayName)
	}
	if a.NameID != "" && a.NameID != a.Issuer || a.Subject != "" && a.Subject != a.Issuer {
		return nil, refuse(aadsts.AssertionSubject)
	}
	audience, realm, _ := strings.Cut(a.Audience, "@")
	if snapshot.Tenant(realm) != tenant || !strings.EqualFold(audience, wellknown.ACS+"/"+s.host) {
		return nil, refused("audience claim does not match Realm issuer")
	}
	named, err := serverAudience(snapshot, tenant, wanted)
	if err != nil {
		return nil, err
	}
	life, err := accessLife()
	if err != nil {
		return nil, err
	}
	now := s.now()
	issuer := wellknown.ACS + "@" + tenant.ID
	token, err := s.signAny(snapshot, &serverClaims{Audience: named, Issuer: issuer, IssuedAt: now.Add(-backdating).Unix(),
		NotBefore: now.Add(-backdating).Unix(), Expires: now.Add(life).Unix(), IdentityProvider: issuer, NameID: sp.AppID + "@" + tenant.ID,
		ObjectID: sp.ID, Subject: sp.ID, TrustedForDelegation: "true"}, true)
	if err != nil {
		return nil, err
	}
	return s.respond(v1, token, life, wanted), nil
}

// serverAudience turns a resource, ID/HOST@REALM or a servicePrincipalName, into
// the audience ID/HOST@TENANT. Another tenant's realm is no resource of this one.
func serverAudience(snapshot *entra.Snapshot, tenant *entra.Tenant, wanted string) (string, error) {
	name, realm, hasRealm := strings.Cut(wanted, "@")
	if hasRealm && snapshot.Tenant(realm) != tenant {
		return "", refuse(aadsts.ResourceUnknown, clip(wanted), tenant.DisplayName)
	}
	sp, err := resource(tenant, name)
	if err != nil {
		return "", err
	}
	if _, rest, isURL := strings.Cut(name, "://"); isURL {
		host, _, _ := strings.Cut(rest, "/")
		name = sp.AppID + "/" + host
	}
	return strings.ToLower(name) + "@" + tenant.ID, nil
}

// serveServerMetadata tells a server where it gets tokens of the tenant, and the keys of those that it is shown.
func (s *service) serveServerMetadata(w http.ResponseWriter, r *http.Request) {
	a, err := s.readAuthority(r)
	if err == nil && a.shared() {
		err = refuse(aadsts.TenantRequired, a.segment)
	}
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	tenant := a.tenant.ID
	m := s2s.Metadata{Version: "1.0", Name: "HMA Access Control", Realm: tenant, ServiceName: wellknown.ACS, Issuer: wellknown.ACS + "@" + tenant,
		AllowedAudiences: []string{wellknown.ACS + "/" + s.host + "@" + tenant},
		Endpoints:        []s2s.Endpoint{{Location: s.origin + "/" + tenant + "/tokens/OAuth/2", Protocol: "OAuth2", Usage: "issuance"}}}
	for _, k := range snapshot.Keys() {
		m.Keys = append(m.Keys, s2s.SigningKey(k.ID, k.Certificate.Raw))
	}
	newTrace(r, nil).header(w, r)
	writeJSON(w, http.StatusOK, m)
}
