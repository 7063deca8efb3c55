package sts

import (
	"net/http"
	"slices"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
	"hma/wire/wellknown"
)

// consent is what a client asks a person to let it do on one resource.
type consent struct {
	tenant   *entra.Tenant
	client   entra.Client
	resource *entra.ServicePrincipal
	asked    []entra.Scope // by name, as the request has them
	words    []entra.Scope // openid, profile, email and offline_access, where they were asked for
	missing  bool          // some of it nobody has consented to
	admin    bool          // some of what is missing only an administrator may consent to
}

// consentOf reads what a request asks of a person whose tenant knows the client. With v1 and
// .default a client takes what was consented before: there is nothing to ask (nil).
func consentOf(req *authorizeRequest, tenant *entra.Tenant, client entra.Client, user *entra.User) (*consent, error) {
	asked, err := parseWish(req.Version, firstResource(req.Scopes, ""), req.Resource)
	if err != nil {
		return nil, err
	}
	if !req.Code || asked.version == v1 || slices.Contains(asked.scopes, ".default") {
		return nil, nil
	}
	c := &consent{tenant: tenant, client: client}
	if c.resource, err = resource(tenant, first(asked.resource, wellknown.Graph)); err != nil {
		return nil, err
	}
	granted := client.Granted(c.resource, user.ID)
	for _, name := range asked.scopes {
		scope, ok := c.resource.Scope(name)
		if !ok {
			return nil, refuse(aadsts.ScopeUnknown, clip(name), clip(asked.resource))
		}
		c.asked = append(c.asked, scope)
		if !slices.Contains(granted, scope.Value) {
			c.missing = true
			c.admin = c.admin || scope.Admin
		}
	}
	graph := tenant.ServicePrincipalByAppID(wellknown.Graph)
	if graph == nil {
		return c, nil
	}
	for _, word := range []struct {
		name  string
		asked bool
	}{{"openid", asked.openID}, {"profile", asked.profile}, {"email", asked.email}, {"offline_access", asked.offline}} {
		if scope, ok := graph.Scope(word.name); ok && word.asked {
			c.words = append(c.words, scope)
		}
	}
	// They need no consent beside a resource's permissions, but alone they are Graph's.
	if asked.resource == "" && len(granted) == 0 {
		c.missing = true
	}
	return c, nil
}

// consents tells whether the person may consent for everybody, and to what only an administrator may.
func consents(user *entra.User) bool {
	return user.HasRole(entra.RoleGlobalAdministrator, entra.RoleApplicationAdministrator, entra.RoleCloudApplicationAdministrator)
}

// needsAdmin tells whether the person may not consent to what is asked.
func (c *consent) needsAdmin(req *authorizeRequest, user *entra.User) bool {
	return (c.admin || req.ForAll) && !consents(user)
}

// serveAdminConsent is where an application sends an administrator to consent for everybody,
// ahead of anybody's sign-in. The answer is admin_consent=True at the redirect URI, or an error.
func (s *service) serveAdminConsent(w http.ResponseWriter, r *http.Request) {
	p, err := query(r)
	if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		err = refuse(aadsts.MethodNotAllowed, http.MethodGet)
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
	req := &authorizeRequest{Version: v2, Segment: a.segment, ClientID: strings.ToLower(p["client_id"]), RedirectURI: p["redirect_uri"], State: p["state"], Mode: "query",
		Code: true, Scopes: p["scope"], Prompt: "consent", ForAll: true, Correlation: newTrace(r, p).correlation, Begun: s.now()}
	if err := s.identify(req, a, snapshot); err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	if asked, err := parseWish(v2, req.Scopes, ""); err != nil || len(req.Scopes) > maxScope || asked.several || len(asked.scopes) == 0 {
		s.answerError(w, r, req, refuse(aadsts.ScopeInvalid, clip(req.Scopes)))
		return
	}
	s.signIn(w, r, req, a)
}

// askConsent shows the consent page where the person has to decide something, and tells whether it did.
func (s *service) askConsent(w http.ResponseWriter, r *http.Request, req *authorizeRequest, tenant *entra.Tenant, client entra.Client, user *entra.User) bool {
	c, err := consentOf(req, tenant, client, user)
	if err != nil || c == nil || req.Prompt == "none" || !c.missing && req.Prompt != "consent" {
		return false // what is wrong is said where the answer is made
	}
	req.Consent = user.ID
	bindBrowser(w, r, req)
	flow, err := s.sealFlow(req)
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return true
	}
	page := ConsentPage{Action: "/" + req.Segment + "/consent", Flow: flow, FormTarget: req.formTarget(), ClientName: client.DisplayName, ClientID: client.AppID,
		TenantName: tenant.DisplayName, Username: user.UPN, Resource: c.resource.DisplayName, Microsoft: client.SP.Owner == wellknown.MicrosoftTenant,
		NeedsAdmin: c.needsAdmin(req, user), Everybody: req.ForAll, ForAll: consents(user) && !req.ForAll, Status: http.StatusOK}
	page.Permissions, page.Basics = permissions(c.asked), permissions(c.words)
	newTrace(r, nil).header(w, r)
	s.pages.ServeConsent(w, r, page)
	return true
}

func permissions(scopes []entra.Scope) []Permission {
	var all []Permission
	for _, scope := range scopes {
		all = append(all, Permission{Value: scope.Value, Text: first(scope.Display, scope.Value), Admin: scope.Admin})
	}
	return all
}

// serveConsent takes what the consent page posts. What is granted is what the sealed request
// asks for, and only by the person whom it was shown to.
func (s *service) serveConsent(w http.ResponseWriter, r *http.Request) {
	p, req, err := s.posted(w, r)
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	signIn, user := s.session(r)
	if user == nil || req.Consent != user.ID {
		s.showError(w, r, refuse(aadsts.SessionMissing), req.ClientName)
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	tenant, client, err := admit(snapshot, req, user)
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	c, err := consentOf(req, tenant, client, user)
	if err == nil && c == nil {
		err = refuse(aadsts.RequestMalformed, "there is nothing to consent to")
	}
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	req.Consent = "" // the next page is another one
	switch {
	case p[FieldDo] == DoOther:
		s.showSignIn(w, r, req, SignInPage{})
	case p[FieldDo] != DoAccept && req.UserCode != "":
		s.finishDevice(w, r, req, signIn, false)
	case c.needsAdmin(req, user):
		s.answerError(w, r, req, refuse(aadsts.AdminConsentRequired, client.DisplayName))
	case p[FieldDo] != DoAccept:
		s.answerError(w, r, req, refuse(aadsts.ConsentDeclined))
	default:
		if err := s.grantConsent(r, c, user, req.ForAll || p[FieldForAll] == "1" && consents(user)); err != nil {
			s.showError(w, r, err, req.ClientName)
			return
		}
		if req.ForAll {
			s.send(w, r, req, []field{{"admin_consent", "True"}, {"tenant", tenant.ID}, {"scope", req.Scopes}, {"state", req.State}})
			return
		}
		req.Prompt = "" // it has been shown
		if req.UserCode != "" {
			s.finishDevice(w, r, req, signIn, true)
			return
		}
		s.answer(w, r, req, signIn, user)
	}
}

// grantConsent writes down what the person consented to: for everybody of the tenant or for themself.
func (s *service) grantConsent(r *http.Request, c *consent, user *entra.User, all bool) error {
	person := user.ID
	if all {
		person = ""
	}
	scopes, words := valuesOf(c.asked), valuesOf(c.words)
	if c.resource.AppID == wellknown.Graph {
		scopes, words = append(scopes, words...), nil
	}
	if len(scopes) > 0 {
		if err := s.dir.Consent(r.Context(), c.tenant.ID, c.client.AppID, c.resource.AppID, person, scopes...); err != nil {
			return err
		}
	}
	if len(words) > 0 {
		if err := s.dir.Consent(r.Context(), c.tenant.ID, c.client.AppID, wellknown.Graph, person, words...); err != nil {
			return err
		}
	}
	s.log.InfoContext(r.Context(), "consent given", "client", c.client.AppID, "resource", c.resource.AppID, "user", user.ID, "everybody", all, "scopes", scopes)
	return nil
}

func valuesOf(scopes []entra.Scope) []string {
	var names []string
	for _, s := range scopes {
		names = append(names, s.Value)
	}
	return names
}
