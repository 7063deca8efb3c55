package sts

import (
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"strings"

	"hma/wire/aadsts"
)

// issuerTemplate stands in a shared address's issuer where a token has the tenant.
const issuerTemplate = "{tenantid}"

// metadata is OpenID Connect Discovery 1.0, 3. Only what exists is named.
type metadata struct {
	TokenEndpoint         string   `json:"token_endpoint"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	KeysURI               string   `json:"jwks_uri"`
	ResponseModes         []string `json:"response_modes_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgorithms     []string `json:"id_token_signing_alg_values_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	Scopes                []string `json:"scopes_supported"`
	Issuer                string   `json:"issuer"`
	RefreshForAll         bool     `json:"microsoft_multi_refresh_token,omitempty"`
	RequestURI            *bool    `json:"request_uri_parameter_supported,omitempty"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	HTTPLogout            bool     `json:"http_logout_supported"`
	Claims                []string `json:"claims_supported"`
	Region                *string  `json:"tenant_region_scope"`
	CloudInstance         string   `json:"cloud_instance_name"`
	GraphHost             string   `json:"msgraph_host"`
}

// serveMetadata is the discovery document of an authority.
func (s *service) serveMetadata(w http.ResponseWriter, r *http.Request, v version) {
	if allowScript(w, r) {
		return
	}
	a, err := s.readAuthority(r)
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	segment, tenant := a.segment, issuerTemplate
	if a.tenant != nil {
		segment, tenant = a.tenant.ID, a.tenant.ID
	}
	base, infix := s.origin+"/"+segment, "/oauth2/"
	if v == v2 {
		infix = "/oauth2/v2.0/"
	}
	m := metadata{TokenEndpoint: base + infix + "token", TokenAuthMethods: []string{"client_secret_post", "client_secret_basic", "private_key_jwt"},
		ResponseModes: []string{"query", "fragment", "form_post"}, SubjectTypes: []string{"pairwise"}, IDTokenAlgorithms: []string{"RS256"},
		ResponseTypes: []string{"code", "id_token", "code id_token"}, ChallengeMethods: []string{"S256", "plain"},
		GrantTypes: []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "password", "client_credentials"},
		Issuer:     s.issuer(v, tenant), AuthorizationEndpoint: base + infix + "authorize", DeviceEndpoint: base + infix + "devicecode",
		EndSessionEndpoint: base + infix + "logout", HTTPLogout: true, CloudInstance: s.host, GraphHost: s.host,
		Claims: []string{"sub", "iss", "aud", "exp", "iat", "nbf", "auth_time", "acr", "nonce", "name", "tid", "oid", "ver", "c_hash", "email"}}
	if v == v1 {
		m.KeysURI, m.Scopes, m.RefreshForAll = s.origin+"/common/discovery/keys", []string{"openid"}, true
		m.Claims = append(m.Claims, "amr", "upn", "unique_name")
	} else {
		m.KeysURI, m.Scopes, m.RequestURI = base+"/discovery/v2.0/keys", []string{"openid", "profile", "email", "offline_access"}, new(false)
		m.Claims = append(m.Claims, "preferred_username")
	}
	writeJSON(w, http.StatusOK, m)
}

// readAuthority resolves the authority of a document's request.
func (s *service) readAuthority(r *http.Request) (authority, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return authority{}, refuse(aadsts.MethodNotAllowed, http.MethodGet)
	}
	_, a, err := s.addressed(r)
	return a, err
}

func (s *service) jsonError(w http.ResponseWriter, r *http.Request, err error) {
	t := newTrace(r, nil)
	t.header(w, r)
	writeError(w, s.describe(t, s.refusal(r.Context(), t, err)), s.origin)
}

// webKey is a key of a key set: RFC 7517 4 with Entra's two members.
type webKey struct {
	Type       string   `json:"kty"`
	Use        string   `json:"use"`
	ID         string   `json:"kid"`
	Thumbprint string   `json:"x5t"`
	Modulus    string   `json:"n"`
	Exponent   string   `json:"e"`
	Chain      []string `json:"x5c"`
	Issuer     string   `json:"issuer,omitempty"`
	Cloud      string   `json:"cloud_instance_name,omitempty"`
}

// serveKeys is the key set: the key that signs, its successor, and those before.
func (s *service) serveKeys(w http.ResponseWriter, r *http.Request, v version) {
	if allowScript(w, r) {
		return
	}
	a, err := s.readAuthority(r)
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	tenant := issuerTemplate
	if a.tenant != nil {
		tenant = a.tenant.ID
	}
	set := struct {
		Keys []webKey `json:"keys"`
	}{}
	for _, k := range snapshot.Keys() {
		public := k.Certificate.PublicKey.(*rsa.PublicKey) // openKey has seen that it is
		key := webKey{Type: "RSA", Use: "sig", ID: k.ID, Thumbprint: k.ID, Modulus: base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()), Chain: []string{base64.StdEncoding.EncodeToString(k.Certificate.Raw)}}
		if v == v2 {
			key.Issuer, key.Cloud = s.issuer(v2, tenant), s.host
		}
		set.Keys = append(set.Keys, key)
	}
	writeJSON(w, http.StatusOK, set)
}

type instanceMetadata struct {
	Network string   `json:"preferred_network"`
	Cache   string   `json:"preferred_cache"`
	Aliases []string `json:"aliases"`
}

// serveInstance tells a library whether it may trust an authority host. This
// cloud answers for its own host alone.
func (s *service) serveInstance(w http.ResponseWriter, r *http.Request) {
	if allowScript(w, r) {
		return
	}
	p, err := query(r)
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	if p["authorization_endpoint"] == "" {
		s.jsonError(w, r, refuse(aadsts.ParameterMissing, "authorization_endpoint"))
		return
	}
	u, err := url.Parse(p["authorization_endpoint"])
	// A client that reaches this service under another name, by a hosts file, asks about that name.
	if err != nil || u.Scheme != "https" || u.User != nil || !strings.EqualFold(u.Host, s.host) && !strings.EqualFold(u.Host, r.Host) {
		host := ""
		if u != nil {
			host = u.Host
		}
		s.jsonError(w, r, refuse(aadsts.InstanceUnknown, clip(host)))
		return
	}
	segment, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	if lower := strings.ToLower(segment); lower != "common" && lower != "organizations" && snapshot.Tenant(segment) == nil {
		s.jsonError(w, r, refuse(aadsts.TenantUnknown, clip(segment)))
		return
	}
	out := struct {
		Endpoint string             `json:"tenant_discovery_endpoint"`
		Version  string             `json:"api-version,omitempty"`
		Metadata []instanceMetadata `json:"metadata,omitempty"`
	}{Endpoint: "https://" + u.Host + "/" + segment + "/v2.0/.well-known/openid-configuration"}
	if p["api-version"] == "1.1" {
		out.Version = "1.1"
		out.Metadata = []instanceMetadata{{Network: u.Host, Cache: u.Host, Aliases: []string{u.Host}}}
	}
	writeJSON(w, http.StatusOK, out)
}
