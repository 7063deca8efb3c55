package graph

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"hma/entra"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

const (
	applicationSet = "applications"
	assignmentSet  = "appRoleAssignments"
)

// applications serves the tenant's own applications: the collection, and one by
// object id or by (appId='...').
func (s *service) applications(w http.ResponseWriter, req *request) (*answer, error) {
	if !req.caller.may("Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil, errForbidden
	}
	all, rest := req.tenant.Applications(), req.path[1:]
	at := -1
	switch {
	case req.key != "":
		m := appIDKey.FindStringSubmatch(req.key)
		if m == nil {
			return nil, badRequest("The key in '%s' is not valid.", clip(req.key))
		}
		if at = slices.IndexFunc(all, func(a *entra.Application) bool { return strings.EqualFold(a.AppID, m[1]) }); at < 0 {
			return nil, notFound(m[1])
		}
	case len(rest) > 0:
		if at = slices.IndexFunc(all, func(a *entra.Application) bool { return strings.EqualFold(a.ObjectID(), rest[0]) }); at < 0 {
			return nil, notFound(rest[0])
		}
		rest = rest[1:]
	case req.http.Method == http.MethodPost:
		return s.postApplication(w, req)
	default:
		if err := req.reading(); err != nil {
			return nil, err
		}
		var objects []object
		for _, a := range all {
			objects = append(objects, applicationObject(a, false))
		}
		return s.listed(req, applicationSet, objects)
	}
	if len(rest) > 0 {
		return nil, badRequest("Resource not found for the segment '%s'.", clip(rest[0]))
	}
	if req.http.Method == http.MethodPatch {
		return s.patchApplication(w, req, all[at])
	}
	if err := req.reading(); err != nil {
		return nil, err
	}
	return s.one(req, applicationSet, applicationObject(all[at], req.wholeKeys()))
}

func applicationObject(a *entra.Application, whole bool) object {
	access := a.RequiredAccess
	if access == nil {
		access = []entra.RequiredAccess{}
	}
	return object{{"id", a.ObjectID()}, {"appId", a.AppID}, {"createdDateTime", optionalTime(a.Created)}, {"displayName", a.DisplayName},
		{"signInAudience", "AzureADMyOrg"}, {"requiredResourceAccess", access}, {"keyCredentials", keyObjects(a.KeyCredentials, whole)},
		{"passwordCredentials", []object{}}}
}

// writing refuses who may not change applications.
func (req *request) writing() error {
	if !req.caller.may("Application.ReadWrite.All") || !req.caller.administers() {
		return errForbidden
	}
	return nil
}

// postApplication registers an application. It gets a service principal by a request of its own.
func (s *service) postApplication(w http.ResponseWriter, req *request) (*answer, error) {
	if err := req.writing(); err != nil {
		return nil, err
	}
	body, err := readBody(w, req.http)
	if err != nil {
		return nil, err
	}
	a := entra.Application{Tenant: req.tenant.ID}
	edits, err := readApplication(body, nil)
	if err != nil {
		return nil, err
	}
	for _, edit := range edits {
		edit(&a)
	}
	if a.DisplayName == "" {
		return nil, badRequest("A value is required for property 'displayName' of resource 'Application'.")
	}
	if a.AppID, err = s.dir.RegisterApplication(req.http.Context(), a); err != nil {
		return nil, refused(err, "")
	}
	a.Created = s.now()
	return s.made(req, applicationSet, applicationObject(&a, false))
}

// made is the answer to a POST.
func (s *service) made(req *request, set string, o object) (*answer, error) {
	a, err := s.one(req, set, o)
	if err != nil {
		return nil, err
	}
	a.status = http.StatusCreated
	return a, nil
}

// patchApplication changes what the body names and nothing else.
func (s *service) patchApplication(w http.ResponseWriter, req *request, a *entra.Application) (*answer, error) {
	if err := req.writing(); err != nil {
		return nil, err
	}
	body, err := readBody(w, req.http)
	if err != nil {
		return nil, err
	}
	edits, err := readApplication(body, a.KeyCredentials)
	if err != nil {
		return nil, err
	}
	err = s.dir.UpdateApplication(req.http.Context(), req.tenant.ID, a.AppID, func(a *entra.Application) error {
		for _, edit := range edits {
			edit(a)
		}
		return nil
	})
	if err != nil {
		return nil, refused(err, a.ObjectID())
	}
	return &answer{status: http.StatusNoContent}, nil
}

// readApplication turns the members of a body into changes; stored are the key credentials that it may refer to.
func readApplication(body map[string]json.RawMessage, stored []entra.KeyCredential) ([]func(*entra.Application), error) {
	var edits []func(*entra.Application)
	for name, raw := range body {
		invalid := badRequest("Invalid value specified for property '%s' of resource 'Application'.", clip(name))
		switch name {
		case "displayName":
			var value string
			if json.Unmarshal(raw, &value) != nil || value == "" || len(value) > 256 {
				return nil, invalid
			}
			edits = append(edits, func(a *entra.Application) { a.DisplayName = value })
		case "keyCredentials":
			keys, err := readKeyCredentials(raw, stored)
			if err != nil {
				return nil, err
			}
			edits = append(edits, func(a *entra.Application) { a.KeyCredentials = keys })
		case "requiredResourceAccess":
			access, ok := readRequiredAccess(raw)
			if !ok {
				return nil, invalid
			}
			edits = append(edits, func(a *entra.Application) { a.RequiredAccess = access })
		case "signInAudience":
			var value string
			if json.Unmarshal(raw, &value) != nil || value != "AzureADMyOrg" {
				return nil, invalid
			}
		default:
			if !strings.HasPrefix(name, "@") { // an annotation such as @odata.type
				return nil, badRequest("Invalid property '%s'.", clip(name))
			}
		}
	}
	return edits, nil
}

// Graph allows 50 resources and 400 permissions in requiredResourceAccess.
func readRequiredAccess(raw json.RawMessage) ([]entra.RequiredAccess, bool) {
	var access []entra.RequiredAccess
	if json.Unmarshal(raw, &access) != nil || access == nil || len(access) > 50 {
		return nil, false
	}
	n := 0
	for _, r := range access {
		if _, err := guid.Parse(r.ResourceAppID); err != nil {
			return nil, false
		}
		for _, p := range r.Access {
			if _, err := guid.Parse(p.ID); err != nil || p.Type != "Role" && p.Type != "Scope" {
				return nil, false
			}
		}
		n += len(r.Access)
	}
	return access, n <= 400
}

// postPrincipal makes the service principal of an application of the tenant.
func (s *service) postPrincipal(w http.ResponseWriter, req *request) (*answer, error) {
	if err := req.writing(); err != nil {
		return nil, err
	}
	body, err := readBody(w, req.http)
	if err != nil {
		return nil, err
	}
	var appID string
	for name, raw := range body {
		if name != "appId" {
			return nil, badRequest("Invalid property '%s'.", clip(name))
		}
		var id guid.GUID
		if json.Unmarshal(raw, &appID) == nil {
			id, err = guid.Parse(appID)
		}
		if appID == "" || err != nil {
			return nil, badRequest("Invalid value specified for property 'appId' of resource 'ServicePrincipal'.")
		}
		appID = id.String()
	}
	if appID == "" {
		return nil, badRequest("A value is required for property 'appId' of resource 'ServicePrincipal'.")
	}
	id, err := s.dir.CreateServicePrincipal(req.http.Context(), req.tenant.ID, appID)
	switch {
	case errors.Is(err, entra.ErrExists):
		return nil, fail(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue",
			"The service principal cannot be created because the service principal name %s is already in use.", appID)
	case errors.Is(err, entra.ErrNotFound):
		return nil, badRequest("The appId '%s' of the service principal does not reference a valid application object.", appID)
	case err != nil:
		return nil, refused(err, "")
	}
	snapshot, err := s.dir.Snapshot(req.http.Context())
	if err != nil {
		return nil, err
	}
	sp := snapshot.Tenant(req.tenant.ID).ServicePrincipal(id)
	if sp == nil {
		return nil, notFound(id)
	}
	return s.made(req, principalSet, principalObject(sp))
}

// assignments serves the app roles that a service principal holds.
func (s *service) assignments(w http.ResponseWriter, req *request, sp *entra.ServicePrincipal) (*answer, error) {
	if req.http.Method == http.MethodPost {
		return s.postAssignment(w, req, sp)
	}
	if err := req.reading(); err != nil {
		return nil, err
	}
	return s.listed(req, assignmentSet, assignmentObjects(req.tenant, sp))
}

func assignmentObjects(t *entra.Tenant, sp *entra.ServicePrincipal) []object {
	var all []object
	for _, a := range t.RoleAssignments() {
		resource := t.ServicePrincipal(a.Resource)
		if a.Client != sp.ID || resource == nil {
			continue
		}
		at := slices.IndexFunc(resource.AppRoles, func(r entra.AppRole) bool { return r.Value == a.Role })
		if at < 0 {
			continue
		}
		all = append(all, object{{"id", a.ID}, {"appRoleId", resource.AppRoles[at].ID}, {"principalDisplayName", sp.DisplayName}, {"principalId", sp.ID},
			{"principalType", "ServicePrincipal"}, {"resourceDisplayName", resource.DisplayName}, {"resourceId", resource.ID}})
	}
	return all
}

// postAssignment gives a service principal an app role of a resource: the
// administrator's consent to what an application does by itself. Roles of Graph
// give power over the directory and want a Global Administrator.
func (s *service) postAssignment(w http.ResponseWriter, req *request, sp *entra.ServicePrincipal) (*answer, error) {
	if err := req.writing(); err != nil {
		return nil, err
	}
	body, err := readBody(w, req.http)
	if err != nil {
		return nil, err
	}
	members := map[string]string{"principalId": "", "resourceId": "", "appRoleId": ""}
	for name, raw := range body {
		var value string
		if _, known := members[name]; !known {
			return nil, badRequest("Invalid property '%s'.", clip(name))
		}
		if json.Unmarshal(raw, &value) != nil {
			return nil, badRequest("Invalid value specified for property '%s' of resource 'AppRoleAssignment'.", name)
		}
		members[name] = value
	}
	if !strings.EqualFold(members["principalId"], sp.ID) {
		return nil, badRequest("The principalId must be the id of the service principal.")
	}
	resource := req.tenant.ServicePrincipal(members["resourceId"])
	if resource == nil {
		return nil, notFound(members["resourceId"])
	}
	at := slices.IndexFunc(resource.AppRoles, func(r entra.AppRole) bool { return strings.EqualFold(r.ID, members["appRoleId"]) })
	if at < 0 {
		return nil, badRequest("Permission being assigned was not found on application '%s'.", resource.AppID)
	}
	role := resource.AppRoles[at]
	if resource.AppID == wellknown.Graph && (req.caller.user == nil || !req.caller.user.HasRole(entra.RoleGlobalAdministrator)) {
		return nil, errForbidden
	}
	holds := func(t *entra.Tenant) (object, bool) {
		for _, o := range assignmentObjects(t, sp) {
			if id, _ := o.get("appRoleId"); id.value == role.ID {
				if of, _ := o.get("resourceId"); of.value == resource.ID {
					return o, true
				}
			}
		}
		return nil, false
	}
	if _, twice := holds(req.tenant); twice {
		return nil, badRequest("Permission being assigned already exists on the object.")
	}
	if err := s.dir.AssignRole(req.http.Context(), req.tenant.ID, sp.AppID, resource.AppID, role.Value); err != nil {
		return nil, refused(err, sp.ID)
	}
	snapshot, err := s.dir.Snapshot(req.http.Context())
	if err != nil {
		return nil, err
	}
	o, _ := holds(snapshot.Tenant(req.tenant.ID))
	return s.made(req, assignmentSet, o)
}
