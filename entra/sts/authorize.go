package sts

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"hma/entra"
	"hma/wire/aadsts"
)

// authorizeRequest is a validated authorization request. It travels through
// the sign-in pages sealed, so nothing in it has to be believed twice but what
// may have changed meanwhile.
type authorizeRequest struct {
	Version      version
	Segment      string // as the path gave it
	ClientID     string
	ClientName   string
	RedirectURI  string
	RedirectType entra.RedirectType
	Code         bool // response_type has code
	IDToken      bool // response_type has id_token
	Mode         string
	Scopes       string
	Resource     string
	State        string
	Nonce        string
	Challenge    string
	Method       string
	LoginHint    string
	ClientInfo   bool
	Correlation  string
	UserCode     string // a device code's sign-in: there is no redirect URI
	Prompt       string
	Consent      string // object id of the person whom the consent page was shown to
	ForAll       bool   // an administrator is asked to consent for everybody; there is no code
	Begun        time.Time
	Browser      string // hash of the cookie that ties the flow to a browser
}

// serveAuthorize is the authorization endpoint (RFC 6749 3.1). The whole
// request is validated before anybody is asked for a password; until client
// and redirect URI are known to belong together, errors are shown here.
func (s *service) serveAuthorize(w http.ResponseWriter, r *http.Request, v version) {
	var p params
	var err error
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		p, err = query(r)
	case http.MethodPost:
		p, err = form(w, r)
	default:
		err = refuse(aadsts.MethodNotAllowed, "GET and POST")
	}
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	snapshot, a, err := s.addressed(r)
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	req := &authorizeRequest{Version: v, Segment: a.segment, ClientID: strings.ToLower(p["client_id"]), RedirectURI: p["redirect_uri"], State: p["state"],
		LoginHint: clip(p["login_hint"]), ClientInfo: p["client_info"] == "1", Correlation: newTrace(r, p).correlation, Begun: s.now()}
	if err := s.identify(req, a, snapshot); err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	if err := readAuthorize(req, p, a, snapshot); err != nil {
		s.answerError(w, r, req, err)
		return
	}
	req.Prompt = p["prompt"]
	s.signIn(w, r, req, a)
}

// identify finds the client and holds the redirect URI against its reply URLs.
// On a shared address some tenant must know both; the person's own is asked
// again before anything is issued.
func (s *service) identify(req *authorizeRequest, a authority, snapshot *entra.Snapshot) error {
	if req.ClientID == "" {
		return refuse(aadsts.ParameterMissing, "client_id")
	}
	if len(req.State) > maxState || len(req.RedirectURI) > maxPath {
		return refuse(aadsts.RequestMalformed, "state or redirect_uri is too long")
	}
	var found *entra.Client
	for _, t := range a.candidates(snapshot) {
		client, ok := t.Client(req.ClientID)
		if !ok {
			continue
		}
		found = &client
		if kind, ok := client.Redirect(req.RedirectURI); ok {
			if !client.SP.Enabled {
				return refuse(aadsts.PrincipalDisabled, client.DisplayName)
			}
			req.ClientName, req.RedirectType = client.DisplayName, kind
			return nil
		}
	}
	switch {
	case found == nil:
		return refuse(aadsts.ApplicationUnknown, clip(req.ClientID), a.name())
	case req.RedirectURI == "":
		return refuse(aadsts.ParameterMissing, "redirect_uri")
	}
	req.ClientName = found.DisplayName
	return refuse(aadsts.ReplyURLUnknown, clip(req.RedirectURI), found.AppID)
}

var challengeForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`) // RFC 7636 4.1

// readAuthorize checks everything else. Its errors go to the redirect URI.
func readAuthorize(req *authorizeRequest, p params, a authority, snapshot *entra.Snapshot) error {
	types := strings.Fields(p["response_type"])
	for _, t := range types {
		switch {
		case t == "code" && !req.Code:
			req.Code = true
		case t == "id_token" && !req.IDToken:
			req.IDToken = true
		default:
			return refuse(aadsts.ResponseTypeUnsupported, clip(p["response_type"]))
		}
	}
	// OAuth 2.0 Multiple Response Type Encoding Practices: query for a code, fragment once a token is in the answer.
	mode := p["response_mode"]
	req.Mode = "query"
	if req.IDToken {
		req.Mode = "fragment"
	}
	switch mode {
	case "":
	case "fragment", "form_post":
		req.Mode = mode
	case "query":
		if req.IDToken {
			return refuse(aadsts.ResponseModeUnsupported, mode)
		}
	default:
		return refuse(aadsts.ResponseModeUnsupported, clip(mode))
	}
	if len(types) == 0 {
		return refuse(aadsts.ParameterMissing, "response_type")
	}
	for _, name := range []string{"request", "request_uri"} {
		if p[name] != "" {
			return refuse(aadsts.RequestMalformed, "the parameter '"+name+"' is not supported")
		}
	}
	if len(p["scope"]) > maxScope || len(p["resource"]) > maxScope {
		return refuse(aadsts.ScopeInvalid, "longer than 4 KiB")
	}
	if len(p["nonce"]) > maxPath {
		return refuse(aadsts.RequestMalformed, "nonce is too long")
	}
	req.Scopes, req.Resource, req.Nonce = p["scope"], p["resource"], p["nonce"]
	if req.IDToken && req.Nonce == "" {
		return refuse(aadsts.ParameterMissing, "nonce") // OpenID Connect Core 3.2.2.1
	}
	if err := readChallenge(req, p); err != nil {
		return err
	}
	switch p["prompt"] {
	case "", "login", "none", "consent", "select_account", "admin_consent", "refresh_session", "attempt_none", "create":
	default:
		return refuse(aadsts.RequestMalformed, "the value of 'prompt' is not known")
	}
	asked, err := parseWish(req.Version, req.Scopes, req.Resource)
	if err != nil {
		return err
	}
	if req.Version == v2 && req.Scopes == "" {
		return refuse(aadsts.ParameterMissing, "scope")
	}
	if req.Version == v2 && req.IDToken && !asked.openID {
		return refuse(aadsts.ScopeInvalid, clip(req.Scopes))
	}
	return checkClient(req, asked, a, snapshot)
}

func readChallenge(req *authorizeRequest, p params) error {
	req.Challenge, req.Method = p["code_challenge"], first(p["code_challenge_method"], "plain")
	switch {
	case req.Challenge == "" && p["code_challenge_method"] != "":
		return refuse(aadsts.ChallengeInvalid)
	case req.Challenge == "" && req.Code && req.RedirectType == entra.SPA:
		return refuse(aadsts.ParameterMissing, "code_challenge")
	case req.Challenge == "":
		req.Method = ""
		return nil
	case req.Method != "S256" && req.Method != "plain", !challengeForm.MatchString(req.Challenge):
		return refuse(aadsts.ChallengeInvalid)
	}
	return nil
}

// checkClient asks whether some tenant of the authority would serve the request.
func checkClient(req *authorizeRequest, asked wish, a authority, snapshot *entra.Snapshot) error {
	var last error
	for _, t := range a.candidates(snapshot) {
		client, ok := t.Client(req.ClientID)
		if !ok {
			continue
		}
		if req.IDToken && !client.IDToken {
			last = refuse(aadsts.IDTokenDisabled, client.DisplayName)
			continue
		}
		if asked.resource == "" {
			return nil
		}
		if _, err := resource(t, asked.resource); err != nil {
			last = err
			continue
		}
		return nil
	}
	return last
}

// signIn goes on with the browser's session where it fits, and asks otherwise.
func (s *service) signIn(w http.ResponseWriter, r *http.Request, req *authorizeRequest, a authority) {
	prompt := req.Prompt
	session, user := s.session(r)
	if user != nil && (!a.admits(user.Tenant) || req.LoginHint != "" && !strings.EqualFold(req.LoginHint, user.UPN)) {
		user = nil
	}
	switch {
	case prompt == "none" && user == nil:
		s.answerError(w, r, req, refuse(aadsts.SessionMissing))
	case prompt == "none", user != nil && !slices.Contains([]string{"login", "select_account", "refresh_session"}, prompt):
		s.answer(w, r, req, session, user)
	default:
		page := SignInPage{Username: req.LoginHint}
		if user != nil && prompt == "select_account" {
			page.SignedIn = user.UPN
		}
		s.showSignIn(w, r, req, page)
	}
}

// flowPurpose names sealed flows; flowLife is how long a person may take.
const (
	flowPurpose = "sign-in flow"
	flowLife    = time.Hour
)

// sealFlow packs a request for the hidden field of a page.
func (s *service) sealFlow(req *authorizeRequest) (string, error) {
	text, err := json.Marshal(req)
	if err != nil {
		return "", err
	}
	return encodeBox(s.dir.Seal(flowPurpose, text)), nil
}

// openFlow reads what sealFlow packed, for the same browser, in time.
func (s *service) openFlow(r *http.Request, sealed string) (*authorizeRequest, error) {
	bad := refuse(aadsts.RequestMalformed, "the sign-in was begun in another browser or too long ago; start it again")
	box, err := decodeBox(sealed)
	if err != nil {
		return nil, bad
	}
	text, err := s.dir.OpenSealed(flowPurpose, box)
	if err != nil {
		return nil, bad
	}
	req := new(authorizeRequest)
	if err := json.Unmarshal(text, req); err != nil {
		return nil, bad
	}
	if age := s.now().Sub(req.Begun); age > flowLife || age < -time.Minute || req.Browser == "" || req.Browser != browserHash(r) {
		return nil, bad
	}
	return req, nil
}

// formTarget is where a page's form may end up, for Content-Security-Policy.
func (req *authorizeRequest) formTarget() string {
	u, err := url.Parse(req.RedirectURI)
	if err != nil || u.Scheme == "" {
		return ""
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}
