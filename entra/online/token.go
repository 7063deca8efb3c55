package online

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/entra"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// Limits of a token: bytes, and how far clocks may differ.
const (
	maxToken = 32 << 10
	skew     = 5 * time.Minute
)

// fullAccess is the app role that lets an application use EWS as anybody, and
// ewsScopes let it do so for the person who signed in.
const fullAccess = "full_access_as_app"

var ewsScopes = []string{"EWS.AccessAsUser.All", "full_access_as_user", "user_impersonation"}

// caller is who a verified token speaks for.
type caller struct {
	tenant *entra.Tenant
	user   *entra.User // nil: an application for itself
	shared bool        // as the Exchange principal that all tenants share
}

// refusal is a token that is not taken; without a reason there was none.
type refusal struct {
	code   bearer.Code
	reason string
}

func (r *refusal) Error() string { return r.reason }

func refuse(code bearer.Code, reason string) *refusal { return &refusal{code, reason} }

var errUnparsable = refuse(bearer.Unparsable, bearer.ReasonUnparsable)

// claims of the tokens that are taken: those of the token service for
// applications and people, those for servers, and a server's own around one.
type claims struct {
	Issuer     string              `json:"iss"`
	Audience   string              `json:"aud"`
	NotBefore  *bearer.NumericDate `json:"nbf"`
	Expires    *bearer.NumericDate `json:"exp"`
	Tenant     string              `json:"tid"`
	Object     string              `json:"oid"`
	Scope      string              `json:"scp"`
	Roles      []string            `json:"roles"`
	Version    string              `json:"ver"`
	NameID     string              `json:"nameid"`
	Delegation string              `json:"trustedfordelegation"`
	UPN        string              `json:"upn"`
	SMTP       string              `json:"smtp"`
	SIP        string              `json:"sip"`
	Actor      string              `json:"actortoken"`
}

// authenticate verifies the bearer token of a request: a token of the token
// service, one that a server got for itself (service_asserted_app_v1), or one
// that a server made for a person around it (app_asserted_user_v1).
func (s *service) authenticate(r *http.Request) (*caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, &refusal{}
	}
	if len(token) > maxToken {
		return nil, errUnparsable
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	if outer, ok := unsigned(token); ok {
		return s.acting(r.Context(), snapshot, outer)
	}
	c, err := s.verify(snapshot, token)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(c.Issuer, wellknown.ACS+"@") {
		tenant, err := s.server(snapshot, c)
		return &caller{tenant: tenant, shared: true}, err
	}
	return s.application(r.Context(), snapshot, c)
}

// unsigned reads the outer token of an actor pair: algorithm none and no signature (MS-SPS2SAUTH 2.2).
func unsigned(token string) (*claims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] != "" {
		return nil, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var c claims
	for i, into := range []any{&header, &c} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return nil, false
		}
	}
	return &c, header.Algorithm == "none" && c.Actor != ""
}

// verify checks signature and time of a token against the keys of this cloud.
func (s *service) verify(snapshot *entra.Snapshot, token string) (*claims, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Headers) != 1 {
		return nil, errUnparsable
	}
	i := slices.IndexFunc(snapshot.Keys(), func(k *entra.SigningKey) bool { return k.ID == parsed.Headers[0].KeyID })
	if i < 0 {
		return nil, refuse(bearer.InvalidSignature, bearer.ReasonSignature)
	}
	var c claims
	switch err := parsed.Claims(snapshot.Keys()[i].Certificate.PublicKey, &c); {
	case errors.Is(err, jose.ErrCryptoFailure):
		return nil, refuse(bearer.InvalidSignature, bearer.ReasonSignature)
	case err != nil:
		return nil, errUnparsable
	}
	return &c, s.inTime(&c)
}

func (s *service) inTime(c *claims) error {
	now := s.now()
	if c.Expires == nil || !now.Add(-skew).Before(c.Expires.Time()) || now.Add(skew).Before(c.NotBefore.Time()) {
		return refuse(bearer.Unparsable, bearer.ReasonExpired)
	}
	return nil
}

// server judges a token that the token service gave to a server, and returns the server's tenant.
func (s *service) server(snapshot *entra.Snapshot, c *claims) (*entra.Tenant, error) {
	tenant := snapshot.Tenant(strings.TrimPrefix(c.Issuer, wellknown.ACS+"@"))
	if tenant == nil || c.Issuer != wellknown.ACS+"@"+tenant.ID {
		return nil, refuse(bearer.InvalidIssuer, bearer.ReasonIssuer(c.Issuer))
	}
	if c.Audience != wellknown.Exchange+"/"+s.host+"@"+tenant.ID {
		return nil, refuse(bearer.InvalidResource, bearer.ReasonAudience)
	}
	sp := tenant.ServicePrincipal(c.Object)
	if sp == nil || !sp.Enabled || sp.AppID != wellknown.Exchange || c.NameID != sp.AppID+"@"+tenant.ID {
		return nil, refuse(bearer.InvalidGrant, bearer.ReasonPermissions)
	}
	return tenant, nil
}

// acting judges a token that a server made around its own for a person. Nothing
// but the inner token is signed: it decides for which tenant the server may
// speak, and only a person of that tenant is believed.
func (s *service) acting(ctx context.Context, snapshot *entra.Snapshot, outer *claims) (*caller, error) {
	inner, err := s.verify(snapshot, outer.Actor)
	if err != nil {
		return nil, err
	}
	tenant, err := s.server(snapshot, inner)
	if err != nil {
		return nil, err
	}
	if inner.Delegation != "true" {
		return nil, refuse(bearer.InvalidGrant, bearer.ReasonPermissions)
	}
	if err := s.inTime(outer); err != nil {
		return nil, err
	}
	name, realm, _ := strings.Cut(outer.Issuer, "@")
	if !strings.EqualFold(name, wellknown.Exchange) || snapshot.Tenant(realm) != tenant {
		return nil, refuse(bearer.InvalidIssuer, bearer.ReasonIssuer(outer.Issuer))
	}
	name, realm, _ = strings.Cut(outer.Audience, "@")
	if !strings.EqualFold(name, wellknown.Exchange+"/"+s.host) || snapshot.Tenant(realm) != tenant {
		return nil, refuse(bearer.InvalidResource, bearer.ReasonAudience)
	}
	user, err := s.person(ctx, tenant, outer)
	return &caller{tenant: tenant, user: user, shared: true}, err
}

// person finds whom an actor speaks for. Everything that the token says must name the same person.
func (s *service) person(ctx context.Context, tenant *entra.Tenant, c *claims) (*entra.User, error) {
	var found *entra.User
	for _, named := range []struct {
		value string
		find  func(context.Context, string, string) (*entra.User, error)
	}{
		{c.Object, s.dir.User},
		{c.UPN, s.dir.UserByUPN},
		{c.SMTP, s.byAddress},
		{strings.TrimPrefix(c.SIP, "sip:"), s.byAddress},
	} {
		if named.value == "" {
			continue
		}
		user, err := named.find(ctx, tenant.ID, named.value)
		if errors.Is(err, entra.ErrNotFound) {
			return nil, refuse(bearer.InvalidUser, bearer.ReasonNoUser)
		}
		if err != nil {
			return nil, err
		}
		if found != nil && found.ID != user.ID {
			return nil, refuse(bearer.InvalidUser, bearer.ReasonAmbiguous)
		}
		found = user
	}
	if found == nil || !found.Enabled {
		return nil, refuse(bearer.InvalidUser, bearer.ReasonNoUser)
	}
	return found, nil
}

// byAddress finds a person by primary mail address or, for addresses that
// equal it, by user principal name.
func (s *service) byAddress(ctx context.Context, tenant, address string) (*entra.User, error) {
	if address == "" {
		return nil, entra.ErrNotFound
	}
	found, err := s.dir.Users(ctx, tenant, entra.ByMail, address, "", 2)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return s.dir.UserByUPN(ctx, tenant, address)
}

// application judges a token of the token service: of an application that holds
// full_access_as_app, or of a person's client with a scope of EWS.
func (s *service) application(ctx context.Context, snapshot *entra.Snapshot, c *claims) (*caller, error) {
	tenant := snapshot.Tenant(c.Tenant)
	if tenant == nil || tenant.ID != c.Tenant || c.Issuer != s.origin+"/"+tenant.ID+"/" || c.Version != "1.0" {
		return nil, refuse(bearer.InvalidIssuer, bearer.ReasonIssuer(c.Issuer))
	}
	if sp := tenant.Resource(c.Audience); sp == nil || sp.AppID != wellknown.Exchange || !s.addressed(c.Audience) {
		return nil, refuse(bearer.InvalidResource, bearer.ReasonAudience)
	}
	if c.Scope == "" {
		client := tenant.ServicePrincipal(c.Object)
		if client == nil || !client.Enabled || !slices.Contains(c.Roles, fullAccess) {
			return nil, refuse(bearer.InvalidGrant, bearer.ReasonPermissions)
		}
		return &caller{tenant: tenant, shared: client.AppID == wellknown.Exchange}, nil
	}
	if !slices.ContainsFunc(strings.Fields(c.Scope), func(scope string) bool { return slices.Contains(ewsScopes, scope) }) {
		return nil, refuse(bearer.InvalidGrant, bearer.ReasonPermissions)
	}
	user, err := s.dir.User(ctx, tenant.ID, c.Object)
	if errors.Is(err, entra.ErrNotFound) || err == nil && !user.Enabled {
		return nil, refuse(bearer.InvalidUser, bearer.ReasonNoUser)
	}
	return &caller{tenant: tenant, user: user}, err
}

// addressed tells whether an audience is this end and not a server on premises,
// whose names the Exchange principal holds as well.
func (s *service) addressed(audience string) bool {
	switch strings.TrimSuffix(strings.ToLower(audience), "/") {
	case wellknown.Exchange, wellknown.Exchange + "/" + s.host, "https://outlook.office365.com", "https://outlook.office.com":
		return true
	}
	return false
}
