package graph

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/entra"
	"hma/wire/wellknown"
)

// caller is who a verified token speaks for.
type caller struct {
	scopes []string    // delegated
	roles  []string    // of an application itself
	user   *entra.User // nil for an application
}

// claims that Graph reads of a v1 access token.
type claims struct {
	jwt.Claims
	Tenant  string   `json:"tid"`
	Object  string   `json:"oid"`
	Scope   string   `json:"scp"`
	Roles   []string `json:"roles"`
	Version string   `json:"ver"`
}

const maxToken = 32 << 10

func unauthorized(message string) *graphError {
	return fail(http.StatusUnauthorized, "InvalidAuthenticationToken", "%s", message)
}

// authenticate verifies the bearer token: our signature by our algorithm, our
// issuer for that tenant, Graph as its audience, its time; then the person as
// they are now, so that a disabled one is out at once.
func (s *service) authenticate(r *http.Request, snapshot *entra.Snapshot) (*caller, *entra.Tenant, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, nil, unauthorized("Access token is empty.")
	}
	if len(token) > maxToken {
		return nil, nil, unauthorized("Access token is too long.")
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Headers) != 1 {
		return nil, nil, unauthorized("CompactToken parsing failed.")
	}
	i := slices.IndexFunc(snapshot.Keys(), func(k *entra.SigningKey) bool { return k.ID == parsed.Headers[0].KeyID })
	if i < 0 {
		return nil, nil, unauthorized("Signing key is invalid.")
	}
	var c claims
	if err := parsed.Claims(snapshot.Keys()[i].Certificate.PublicKey, &c); err != nil {
		return nil, nil, unauthorized("Access token validation failure. Invalid signature or claims.")
	}
	tenant := snapshot.Tenant(c.Tenant)
	if tenant == nil || tenant.ID != c.Tenant || c.Issuer != s.origin+"/"+tenant.ID+"/" || c.Version != "1.0" {
		return nil, nil, unauthorized("Access token validation failure. Invalid issuer.")
	}
	if c.Expiry == nil || c.ValidateWithLeeway(jwt.Expected{Time: s.now()}, jwt.DefaultLeeway) != nil {
		return nil, nil, unauthorized("Lifetime validation failed, the token is expired.")
	}
	if len(c.Audience) != 1 {
		return nil, nil, unauthorized("Access token validation failure. Invalid audience.")
	}
	if sp := tenant.Resource(c.Audience[0]); sp == nil || sp.AppID != wellknown.Graph {
		return nil, nil, unauthorized("Access token validation failure. Invalid audience.")
	}
	if c.Scope == "" {
		client := tenant.ServicePrincipal(c.Object)
		if client == nil || !client.Enabled || c.Subject != c.Object {
			return nil, nil, unauthorized("The identity of the calling application could not be established.")
		}
		return &caller{roles: c.Roles}, tenant, nil
	}
	user, err := s.dir.User(r.Context(), tenant.ID, c.Object)
	if err != nil && !errors.Is(err, entra.ErrNotFound) {
		return nil, nil, err
	}
	if user == nil || !user.Enabled {
		return nil, nil, unauthorized("The user account does not exist or is disabled.")
	}
	return &caller{scopes: strings.Fields(c.Scope), user: user}, tenant, nil
}

// may tells whether the token carries one of the permissions.
func (c *caller) may(permissions ...string) bool {
	held := c.scopes
	if c.user == nil {
		held = c.roles
	}
	return slices.ContainsFunc(held, func(p string) bool { return slices.Contains(permissions, p) })
}

// administers tells whether the person's directory role lets them change
// applications; an application needs its permission alone.
func (c *caller) administers() bool {
	return c.user == nil || c.user.HasRole(entra.RoleGlobalAdministrator, entra.RoleApplicationAdministrator, entra.RoleCloudApplicationAdministrator)
}
