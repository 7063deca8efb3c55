package sts

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
)

// tokenRequest is a token request, parsed once. A grant reads nothing else.
type tokenRequest struct {
	version   version
	snapshot  *entra.Snapshot
	authority authority
	params    params
	clientID  string
	secret    string
	hasSecret bool
	assertion bool // client_assertion was sent
	origin    string
}

// grants has one entry for each grant type, and one file.
var grants = map[string]func(*service, context.Context, *tokenRequest) (*tokenResponse, error){
	"authorization_code": (*service).grantAuthorizationCode,
	"refresh_token":      (*service).grantRefreshToken,
	"password":           (*service).grantPassword,
	"client_credentials": (*service).grantClientCredentials,
	// RFC 8628 3.4 and the short name that some clients send.
	"urn:ietf:params:oauth:grant-type:device_code": (*service).grantDeviceCode,
	"device_code": (*service).grantDeviceCode,
}

// serveToken is the token endpoint (RFC 6749 3.2).
func (s *service) serveToken(w http.ResponseWriter, r *http.Request, v version) {
	if allowScript(w, r) {
		return
	}
	s.answerToken(w, r, func(p params) (*tokenResponse, error) {
		req, err := s.parseToken(r, v, p)
		if err != nil {
			return nil, err
		}
		grant := p["grant_type"]
		if grant == "" {
			return nil, refuse(aadsts.ParameterMissing, "grant_type")
		}
		run := grants[grant]
		if run == nil {
			return nil, refuse(aadsts.GrantUnsupported, clip(grant))
		}
		return run(s, r.Context(), req)
	})
}

// answerToken reads the posted form, lets decide judge it, and writes the token or the refusal.
func (s *service) answerToken(w http.ResponseWriter, r *http.Request, decide func(params) (*tokenResponse, error)) {
	var p params
	out, err := func() (*tokenResponse, error) {
		if r.Method != http.MethodPost {
			return nil, refuse(aadsts.MethodNotAllowed, http.MethodPost)
		}
		var err error
		if p, err = form(w, r); err != nil {
			return nil, err
		}
		return decide(p)
	}()
	t := newTrace(r, p)
	t.header(w, r)
	if err != nil {
		e := s.refusal(r.Context(), t, err)
		s.log.InfoContext(r.Context(), "token refused", "trace", t.id, "code", int(e.Code), "grant", clip(p["grant_type"]), "client", clip(p["client_id"]))
		writeError(w, s.describe(t, e), s.origin)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

// allowScript lets browser scripts of any origin read the answer: these
// endpoints take no cookie, so an answer holds nothing that the script did not
// bring the means for. It ends a preflight and says so.
func allowScript(w http.ResponseWriter, r *http.Request) (done bool) {
	if r.Header.Get("Origin") == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "content-type, client-request-id, return-client-request-id, x-client-sku, x-client-ver, x-anchormailbox")
	h.Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// parseToken reads authority and client of a token request.
func (s *service) parseToken(r *http.Request, v version, p params) (*tokenRequest, error) {
	snapshot, a, err := s.addressed(r)
	if err != nil {
		return nil, err
	}
	req := &tokenRequest{version: v, snapshot: snapshot, authority: a, params: p, clientID: p["client_id"], origin: r.Header.Get("Origin")}
	req.secret, req.hasSecret = p["client_secret"]
	req.assertion = p["client_assertion"] != ""
	if id, secret, ok, err := basicClient(r); err != nil {
		return nil, err
	} else if ok {
		if req.clientID != "" && req.clientID != id || req.hasSecret && req.secret != secret {
			return nil, refuse(aadsts.RequestMalformed, "the client authenticates in two ways") // RFC 6749 2.3
		}
		req.clientID, req.secret, req.hasSecret = id, secret, secret != ""
	}
	if req.clientID == "" {
		return nil, refuse(aadsts.ParameterMissing, "client_id")
	}
	return req, nil
}

// basicClient reads client credentials from the header; both parts are form-encoded (RFC 6749 2.3.1).
func basicClient(r *http.Request) (id, secret string, ok bool, err error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", "", false, nil
	}
	bad := refuse(aadsts.RequestMalformed, "the Authorization header cannot be read")
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") || len(encoded) > 4<<10 {
		return "", "", false, bad
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || !plain(string(raw)) {
		return "", "", false, bad
	}
	id, secret, found := strings.Cut(string(raw), ":")
	if !found {
		return "", "", false, bad
	}
	if id, err = url.QueryUnescape(id); err != nil || !plain(id) {
		return "", "", false, bad
	}
	if secret, err = url.QueryUnescape(secret); err != nil || !plain(secret) {
		return "", "", false, bad
	}
	return id, secret, true, nil
}

// authenticate finds the request's client in a tenant and checks its proof.
// It returns the proof's kind as appidacr shows it.
func (req *tokenRequest) authenticate(s *service, tenant *entra.Tenant) (entra.Client, string, error) {
	client, err := findClient(tenant, req.clientID)
	if err != nil {
		return entra.Client{}, "", err
	}
	if client.Public {
		if req.hasSecret || req.assertion {
			return entra.Client{}, "", refuse(aadsts.PublicClientSecret, client.DisplayName)
		}
		return client, "0", nil
	}
	switch {
	case req.origin != "" && (req.hasSecret || req.assertion):
		// A secret in a browser is none.
		return entra.Client{}, "", refuse(aadsts.CrossOriginNotSPA)
	case req.hasSecret && req.assertion:
		return entra.Client{}, "", refuse(aadsts.RequestMalformed, "the client authenticates in two ways") // RFC 6749 2.3
	case req.assertion:
		return client, "2", req.checkAssertion(s, tenant, client)
	case !req.hasSecret:
		return entra.Client{}, "", refuse(aadsts.SecretMissing)
	}
	switch client.CheckSecret(req.secret, s.now()) {
	case entra.SecretGood:
		return client, "1", nil
	case entra.SecretExpired:
		return entra.Client{}, "", refuse(aadsts.SecretExpired, client.DisplayName)
	default:
		return entra.Client{}, "", refuse(aadsts.SecretWrong, client.DisplayName)
	}
}

func findClient(tenant *entra.Tenant, id string) (entra.Client, error) {
	client, ok := tenant.Client(id)
	if !ok {
		return entra.Client{}, refuse(aadsts.ApplicationUnknown, clip(id), tenant.DisplayName)
	}
	if !client.SP.Enabled {
		return entra.Client{}, refuse(aadsts.PrincipalDisabled, client.DisplayName)
	}
	return client, nil
}

// known refuses a client that no tenant of the authority has, before a grant looks further.
func (req *tokenRequest) known() error {
	for _, t := range req.authority.candidates(req.snapshot) {
		if _, ok := t.Client(req.clientID); ok {
			return nil
		}
	}
	return refuse(aadsts.ApplicationUnknown, clip(req.clientID), req.authority.name())
}

// home finds the tenant that a code or token belongs to and checks that the request came to it.
func (req *tokenRequest) home(tenant string) (*entra.Tenant, error) {
	if !req.authority.admits(tenant) {
		return nil, refuse(aadsts.CodeOtherTenant)
	}
	t := req.snapshot.Tenant(tenant)
	if t == nil {
		return nil, refuse(aadsts.GrantInvalid)
	}
	return t, nil
}

// delegated decides who gets what, before anything is spent: it uses memory only
// and may be called inside a write.
func (req *tokenRequest) delegated(s *service, signIn entra.SignIn, user *entra.User, scopes, resource string) (grantee, wish, target, error) {
	tenant, err := req.home(signIn.Tenant)
	if err != nil {
		return grantee{}, wish{}, target{}, err
	}
	client, proof, err := req.authenticate(s, tenant)
	if err != nil {
		return grantee{}, wish{}, target{}, err
	}
	asked, err := parseWish(req.version, scopes, resource)
	if err != nil {
		return grantee{}, wish{}, target{}, err
	}
	t, err := asked.delegated(tenant, client, user.ID)
	return grantee{tenant: tenant, client: client, proof: proof, signIn: signIn, user: user}, asked, t, err
}

// complete signs the tokens of a delegated answer. nonce goes into the ID token.
func (s *service) complete(req *tokenRequest, g grantee, asked wish, t target, nonce string) (*tokenResponse, error) {
	access, life, err := s.accessToken(req.snapshot, g, t)
	if err != nil {
		return nil, err
	}
	out := s.respond(req.version, access, life, t.audience)
	out.Scope = t.shown
	if req.version == v1 || asked.openID {
		if out.IDToken, err = s.idToken(req.snapshot, req.version, g, nonce, "", asked.email); err != nil {
			return nil, err
		}
	}
	if req.params["client_info"] == "1" {
		out.ClientInfo = clientInfo(g.user)
	}
	return out, nil
}

// first returns the first word that is not empty.
func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// Requested scope and resource are capped so that what is stored stays small.
const maxScope = 4 << 10

// wanted reads scope and resource of a request, with what was asked before as the default.
func (req *tokenRequest) wanted(scopes, resource string) (string, string, error) {
	scope, res := req.params["scope"], req.params["resource"]
	if len(scope) > maxScope || len(res) > maxScope {
		return "", "", refuse(aadsts.ScopeInvalid, "longer than 4 KiB")
	}
	if req.version == v2 && res != "" {
		return "", "", refuse(aadsts.ResourceOnV2)
	}
	if req.version == v2 {
		return first(scope, scopes), "", nil
	}
	return scopes, first(res, resource), nil
}
