package graph

import (
	"errors"
	"strings"

	"hma/entra"
	"hma/wire/guid"
)

const userSet = "users"

// maxScanned bounds how many people one request looks at; the rest comes with the next page.
const maxScanned = 5000

// me serves the signed-in person.
func (s *service) me(req *request) (*answer, error) {
	if err := req.reading(); err != nil {
		return nil, err
	}
	if len(req.path) > 1 || req.key != "" {
		return nil, badRequest("Resource not found for the segment '%s'.", clip(req.path[len(req.path)-1]))
	}
	if req.caller.user == nil {
		return nil, badRequest("/me request is only valid with delegated authentication flow.")
	}
	if !req.caller.may("User.Read", "User.Read.All", "User.ReadBasic.All", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil, errForbidden
	}
	return s.one(req, userSet, userObject(req.caller.user))
}

// users serves the collection and an entity by id or user principal name.
func (s *service) users(req *request) (*answer, error) {
	if err := req.reading(); err != nil {
		return nil, err
	}
	if !req.caller.may("User.Read.All", "User.ReadBasic.All", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil, errForbidden
	}
	switch {
	case req.key != "" || len(req.path) > 2:
		return nil, badRequest("Resource not found for the segment '%s'.", clip(req.path[len(req.path)-1]))
	case len(req.path) == 1:
		return s.listUsers(req)
	}
	ctx, name := req.http.Context(), req.path[1]
	find := s.dir.UserByUPN
	if _, err := guid.Parse(name); err == nil {
		find = s.dir.User
	}
	u, err := find(ctx, req.tenant.ID, name)
	if errors.Is(err, entra.ErrNotFound) {
		return nil, notFound(name)
	}
	if err != nil {
		return nil, err
	}
	return s.one(req, userSet, userObject(u))
}

// indexed are the properties that people are looked up by.
var indexed = []struct {
	path string
	key  entra.UserKey
}{
	{"id", entra.ByID},
	{"userPrincipalName", entra.ByUPN},
	{"mail", entra.ByMail},
	{"onPremisesImmutableId", entra.ByImmutableID},
	{"onPremisesSecurityIdentifier", entra.ByOnPremSID},
}

func (s *service) listUsers(req *request) (*answer, error) {
	// The empty person has every property that a filter or $select may name.
	sample := userObject(&entra.User{})
	match, err := req.predicate([]object{sample})
	if err != nil {
		return nil, err
	}
	if _, err := sample.project(req.options.selected); err != nil {
		return nil, err
	}
	if req.options.count {
		return nil, unsupported("$count is not supported on users.")
	}
	after, err := req.after()
	if err != nil {
		return nil, err
	}
	key, value := entra.AnyUser, ""
	if req.options.filter != "" {
		f, err := parseFilter(req.options.filter)
		if err != nil {
			return nil, err
		}
		for _, p := range indexed {
			if v, ok := equals(f, p.path); ok {
				key, value = p.key, v
				break
			}
		}
	}
	var shown []object
	for scanned := 0; ; {
		users, err := s.dir.Users(req.http.Context(), req.tenant.ID, key, value, after, maxTop)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			o := userObject(u)
			ok, err := match(o)
			if err != nil {
				return nil, err
			}
			if ok && len(shown) == req.options.top {
				return s.page(req, userSet, shown, after, -1)
			}
			if ok {
				shown = append(shown, o)
			}
			after = u.PageKey()
		}
		scanned += len(users)
		if len(users) < maxTop {
			return s.page(req, userSet, shown, "", -1)
		}
		if scanned >= maxScanned {
			return s.page(req, userSet, shown, after, -1)
		}
	}
}

func userObject(u *entra.User) object {
	return object{{"id", u.ID}, {"userPrincipalName", u.UPN}, {"displayName", u.DisplayName}, {"givenName", optional(u.GivenName)}, {"surname", optional(u.Surname)},
		{"mail", optional(u.Mail)}, {"mailNickname", optional(u.MailNickname)}, {"proxyAddresses", texts(u.ProxyAddresses)}, {"accountEnabled", u.Enabled},
		{"userType", "Member"}, {"createdDateTime", optionalTime(u.Created)}, {"onPremisesSyncEnabled", synced(u)}, {"onPremisesLastSyncDateTime", optionalTime(u.LastSync)},
		{"onPremisesImmutableId", optional(u.ImmutableID)}, {"onPremisesSecurityIdentifier", optional(u.OnPremSID)},
		{"onPremisesSamAccountName", optional(u.OnPremAccount)}, {"onPremisesDomainName", optional(u.OnPremDomain)},
		{"onPremisesDistinguishedName", optional(u.OnPremDN)}, {"onPremisesUserPrincipalName", optional(u.OnPremUPN)}}
}

// synced is true for synchronised people and null for those who never were.
func synced(u *entra.User) any {
	if u.SyncEnabled {
		return true
	}
	if u.ImmutableID != "" || !u.LastSync.IsZero() {
		return false
	}
	return nil
}

// organization serves the tenant itself.
func (s *service) organization(req *request) (*answer, error) {
	if err := req.reading(); err != nil {
		return nil, err
	}
	if !req.caller.may("Organization.Read.All", "User.Read", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil, errForbidden
	}
	t := req.tenant
	domains := []object{}
	for _, d := range t.Domains {
		domains = append(domains, object{{"capabilities", "Email, OfficeCommunicationsOnline"}, {"isDefault", d.Default}, {"isInitial", d.Initial}, {"name", d.Name}, {"type", "Managed"}})
	}
	var sync any
	if t.SyncEnabled {
		sync = true
	}
	o := object{{"id", t.ID}, {"displayName", t.DisplayName}, {"createdDateTime", optionalTime(t.Created)}, {"onPremisesSyncEnabled", sync},
		{"onPremisesLastSyncDateTime", optionalTime(t.LastSync)}, {"tenantType", "AAD"}, {"verifiedDomains", domains}}
	if len(req.path) == 1 {
		return s.listed(req, "organization", []object{o})
	}
	if len(req.path) > 2 || !strings.EqualFold(req.path[1], t.ID) {
		return nil, notFound(req.path[1])
	}
	return s.one(req, "organization", o)
}

// domains serves the verified domains.
func (s *service) domains(req *request) (*answer, error) {
	if err := req.reading(); err != nil {
		return nil, err
	}
	if !req.caller.may("Domain.Read.All", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil, errForbidden
	}
	var all []object
	for _, d := range req.tenant.Domains {
		o := object{{"id", d.Name}, {"authenticationType", "Managed"}, {"isDefault", d.Default}, {"isInitial", d.Initial}, {"isRoot", true}, {"isVerified", true},
			{"isAdminManaged", true}, {"supportedServices", []string{"Email", "OfficeCommunicationsOnline"}}}
		if len(req.path) == 2 && strings.EqualFold(req.path[1], d.Name) {
			return s.one(req, "domains", o)
		}
		all = append(all, o)
	}
	if len(req.path) > 1 {
		return nil, notFound(req.path[1])
	}
	return s.listed(req, "domains", all)
}

const grantSet = "oauth2PermissionGrants"

// grants serves consent.
func (s *service) grants(req *request) (*answer, error) {
	if err := req.reading(); err != nil {
		return nil, err
	}
	if !req.caller.may("DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil, errForbidden
	}
	all := grantObjects(req.tenant, "")
	if len(req.path) == 1 {
		return s.listed(req, grantSet, all)
	}
	for _, o := range all {
		if id, _ := o[0].value.(string); len(req.path) == 2 && id == req.path[1] {
			return s.one(req, grantSet, o)
		}
	}
	return nil, notFound(req.path[1])
}

// grantObjects lists the consent of a client, or of all with client empty.
func grantObjects(t *entra.Tenant, client string) []object {
	var all []object
	for _, g := range t.Grants() {
		if client != "" && g.Client != client {
			continue
		}
		kind := "AllPrincipals"
		if g.Person != "" {
			kind = "Principal"
		}
		all = append(all, object{{"id", g.ID}, {"clientId", g.Client}, {"consentType", kind}, {"principalId", optional(g.Person)}, {"resourceId", g.Resource},
			{"scope", strings.Join(g.Scopes, " ")}})
	}
	return all
}
