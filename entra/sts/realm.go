package sts

import (
	"net/http"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
)

// The answers below go by the domain alone: whether the person exists is not
// told, nor who checks the password.

// audienceURN is what WS-Federation tokens for this cloud are addressed to.
const audienceURN = "urn:federation:MicrosoftOnline"

// realmV1 is api-version 1.0, which libraries ask before a password grant.
type realmV1 struct {
	Version     string `json:"ver"`
	AccountType string `json:"account_type"`
	Domain      string `json:"domain_name,omitempty"`
	Cloud       string `json:"cloud_instance_name"`
	Audience    string `json:"cloud_audience_urn"`
}

// realmV2 is api-version 2.0, which sign-in pages ask.
type realmV2 struct {
	NameSpaceType string `json:"NameSpaceType"`
	Login         string `json:"Login"`
	Domain        string `json:"DomainName,omitempty"`
	Brand         string `json:"FederationBrandName,omitempty"`
	Cloud         string `json:"cloud_instance_name"`
}

// realmSRF is the oldest spelling. State 4 is managed.
type realmSRF struct {
	State         int    `json:"State"`
	UserState     int    `json:"UserState"`
	Login         string `json:"Login"`
	NameSpaceType string `json:"NameSpaceType"`
	Domain        string `json:"DomainName,omitempty"`
	GlobalVersion int    `json:"FederationGlobalVersion"`
	Brand         string `json:"FederationBrandName,omitempty"`
	Cloud         string `json:"CloudInstanceName"`
}

// realm finds the domain of a name among the verified ones.
func (s *service) realm(r *http.Request, user string) (domain string, tenant *entra.Tenant, err error) {
	if len(user) > 320 {
		return "", nil, refuse(aadsts.RequestMalformed, "the user name is too long")
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		return "", nil, err
	}
	if tenant = snapshot.TenantOf(user); tenant == nil {
		return "", nil, nil
	}
	return strings.ToLower(user[strings.LastIndexByte(user, '@')+1:]), tenant, nil
}

func (s *service) serveUserRealm(w http.ResponseWriter, r *http.Request) {
	if allowScript(w, r) {
		return
	}
	p, err := query(r)
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	user := first(r.PathValue("user"), p["user"])
	if user == "" {
		s.jsonError(w, r, refuse(aadsts.ParameterMissing, "user"))
		return
	}
	domain, tenant, err := s.realm(r, user)
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	newTrace(r, p).header(w, r)
	kind, brand := "Unknown", ""
	if tenant != nil {
		kind, brand = "Managed", tenant.DisplayName
	}
	if p["api-version"] == "2.0" || p["api-version"] == "2.1" {
		writeJSON(w, http.StatusOK, realmV2{NameSpaceType: kind, Login: user, Domain: domain, Brand: brand, Cloud: s.host})
		return
	}
	writeJSON(w, http.StatusOK, realmV1{Version: "1.0", AccountType: kind, Domain: domain, Cloud: s.host, Audience: audienceURN})
}

func (s *service) serveUserRealmSRF(w http.ResponseWriter, r *http.Request) {
	if allowScript(w, r) {
		return
	}
	p, err := query(r)
	if err == nil && r.Method == http.MethodPost {
		p, err = form(w, r)
	}
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	if p["login"] == "" {
		s.jsonError(w, r, refuse(aadsts.ParameterMissing, "login"))
		return
	}
	domain, tenant, err := s.realm(r, p["login"])
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	out := realmSRF{State: 4, UserState: 1, Login: p["login"], NameSpaceType: "Unknown", Domain: domain, GlobalVersion: -1, Cloud: s.host}
	if tenant != nil {
		out.NameSpaceType, out.Brand = "Managed", tenant.DisplayName
	}
	newTrace(r, p).header(w, r)
	writeJSON(w, http.StatusOK, out)
}
