package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"hma/entra"
)

const principalSet = "servicePrincipals"

var appIDKey = regexp.MustCompile(`^\((?i:appId)='([0-9a-fA-F-]{36})'\)$`)

// servicePrincipals serves the collection, an entity by id or by
// (appId='...'), and an entity's consent.
func (s *service) servicePrincipals(w http.ResponseWriter, req *request) (*answer, error) {
	if !req.caller.may("Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil, errForbidden
	}
	rest := req.path[1:]
	var sp *entra.ServicePrincipal
	switch {
	case req.key != "":
		m := appIDKey.FindStringSubmatch(req.key)
		if m == nil {
			return nil, badRequest("The key in '%s' is not valid.", clip(req.key))
		}
		if sp = req.tenant.ServicePrincipalByAppID(m[1]); sp == nil {
			return nil, notFound(m[1])
		}
	case len(rest) == 0 && req.http.Method == http.MethodPost:
		return s.postPrincipal(w, req)
	case len(rest) == 0:
		if err := req.reading(); err != nil {
			return nil, err
		}
		var all []object
		for _, sp := range req.tenant.ServicePrincipals() {
			all = append(all, principalObject(sp))
		}
		return s.listed(req, principalSet, all)
	default:
		if sp = req.tenant.ServicePrincipal(rest[0]); sp == nil {
			return nil, notFound(rest[0])
		}
		rest = rest[1:]
	}
	switch {
	case len(rest) == 1 && strings.EqualFold(rest[0], "oauth2PermissionGrants"):
		if err := req.reading(); err != nil {
			return nil, err
		}
		return s.listed(req, grantSet, grantObjects(req.tenant, sp.ID))
	case len(rest) == 1 && strings.EqualFold(rest[0], assignmentSet):
		return s.assignments(w, req, sp)
	case len(rest) > 0:
		return nil, badRequest("Resource not found for the segment '%s'.", clip(rest[0]))
	case req.http.Method == http.MethodPatch:
		return s.patchPrincipal(w, req, sp)
	}
	if err := req.reading(); err != nil {
		return nil, err
	}
	o := principalObject(sp)
	if req.wholeKeys() {
		o = o.with("keyCredentials", keyObjects(sp.KeyCredentials, true))
	}
	return s.one(req, principalSet, o)
}

func principalObject(sp *entra.ServicePrincipal) object {
	scopes, roles := []object{}, []object{}
	for _, p := range sp.Scopes {
		kind := "User"
		if p.Admin {
			kind = "Admin"
		}
		scopes = append(scopes, object{{"id", p.ID}, {"value", p.Value}, {"type", kind}, {"isEnabled", true}, {"adminConsentDisplayName", p.Display}, {"adminConsentDescription", p.Display}})
	}
	for _, p := range sp.AppRoles {
		roles = append(roles, object{{"id", p.ID}, {"value", p.Value}, {"displayName", p.Display}, {"description", p.Display},
			{"allowedMemberTypes", []string{"Application"}}, {"isEnabled", true}})
	}
	return object{{"id", sp.ID}, {"accountEnabled", sp.Enabled}, {"appDisplayName", sp.DisplayName}, {"appId", sp.AppID},
		{"appOwnerOrganizationId", optional(sp.Owner)}, {"appRoleAssignmentRequired", sp.AssignmentRequired}, {"createdDateTime", optionalTime(sp.Created)},
		{"displayName", sp.DisplayName}, {"homepage", optional(sp.Homepage)}, {"logoutUrl", optional(sp.LogoutURL)}, {"replyUrls", texts(sp.ReplyURLs)},
		{"servicePrincipalNames", texts(sp.Names)}, {"servicePrincipalType", sp.Kind}, {"signInAudience", audience(sp)}, {"tags", texts(sp.Tags)}, {"appRoles", roles},
		{"oauth2PermissionScopes", scopes}, {"keyCredentials", keyObjects(sp.KeyCredentials, false)}, {"passwordCredentials", []object{}}}
}

// audience tells whose people an application may sign in: its own tenant's, or those of any organisation.
func audience(sp *entra.ServicePrincipal) string {
	if sp.Owner == sp.Tenant {
		return "AzureADMyOrg"
	}
	return "AzureADMultipleOrgs"
}

// patchPrincipal changes what the body names and nothing else. A collection in
// the body replaces the stored one.
func (s *service) patchPrincipal(w http.ResponseWriter, req *request, sp *entra.ServicePrincipal) (*answer, error) {
	if err := req.writing(); err != nil {
		return nil, err
	}
	body, err := readBody(w, req.http)
	if err != nil {
		return nil, err
	}
	edits, err := readPatch(body, sp)
	if err != nil {
		return nil, err
	}
	err = s.dir.UpdateServicePrincipal(req.http.Context(), req.tenant.ID, sp.ID, func(sp *entra.ServicePrincipal) error {
		for _, edit := range edits {
			edit(sp)
		}
		return nil
	})
	if clash, ok := errors.AsType[*entra.NameInUseError](err); ok {
		if clash.Within {
			return nil, badRequest("One or more properties contains duplicate values: servicePrincipalNames '%s'.", clip(clash.Name))
		}
		return nil, fail(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue",
			"The service principal cannot be updated because the service principal name %s is already in use.", clip(clash.Name))
	}
	if err != nil {
		return nil, refused(err, sp.ID)
	}
	if strings.Contains(strings.ToLower(req.http.Header.Get("Prefer")), "return=representation") {
		snapshot, err := s.dir.Snapshot(req.http.Context())
		if err != nil {
			return nil, err
		}
		if t := snapshot.Tenant(req.tenant.ID); t != nil && t.ServicePrincipal(sp.ID) != nil {
			return s.one(req, principalSet, principalObject(t.ServicePrincipal(sp.ID)))
		}
	}
	return &answer{status: http.StatusNoContent}, nil
}

// readBody reads a JSON object's members, each once.
func readBody(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, badRequest("Write requests must have the content type application/json.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, fail(http.StatusRequestEntityTooLarge, "Request_BadRequest", "The request body is too large.")
	}
	bad := badRequest("Unable to read JSON request payload.")
	if err != nil || !plain(string(text)) {
		return nil, bad
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, bad
	}
	body := make(map[string]json.RawMessage)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, bad
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, bad
		}
		key, _ := name.(string)
		if _, twice := body[key]; twice {
			return nil, badRequest("The property '%s' stands twice in the body.", clip(key))
		}
		body[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad
	}
	return body, nil
}

// readPatch turns the members of a body into changes.
func readPatch(body map[string]json.RawMessage, current *entra.ServicePrincipal) ([]func(*entra.ServicePrincipal), error) {
	var edits []func(*entra.ServicePrincipal)
	var problem error
	invalid := func(name string) {
		problem = badRequest("Invalid value specified for property '%s' of resource 'ServicePrincipal'.", name)
	}
	list := func(name string, set func(*entra.ServicePrincipal, []string)) func(json.RawMessage) {
		return func(raw json.RawMessage) {
			var values []*string // a null element is no text
			if json.Unmarshal(raw, &values) != nil || values == nil || slices.Contains(values, nil) {
				invalid(name)
				return
			}
			texts := make([]string, len(values))
			for i, v := range values {
				texts[i] = *v
			}
			edits = append(edits, func(sp *entra.ServicePrincipal) { set(sp, texts) })
		}
	}
	text := func(name string, nullable bool, set func(*entra.ServicePrincipal, string)) func(json.RawMessage) {
		return func(raw json.RawMessage) {
			var value *string
			if json.Unmarshal(raw, &value) != nil || value == nil && !nullable || value != nil && len(*value) > 2048 {
				invalid(name)
				return
			}
			if value == nil {
				value = new("")
			}
			edits = append(edits, func(sp *entra.ServicePrincipal) { set(sp, *value) })
		}
	}
	truth := func(name string, set func(*entra.ServicePrincipal, bool)) func(json.RawMessage) {
		return func(raw json.RawMessage) {
			var value *bool
			if json.Unmarshal(raw, &value) != nil || value == nil {
				invalid(name)
				return
			}
			edits = append(edits, func(sp *entra.ServicePrincipal) { set(sp, *value) })
		}
	}
	// Read-only properties may be sent as they are: Update-MgServicePrincipal -AppId does.
	same := func(name, have string) func(json.RawMessage) {
		return func(raw json.RawMessage) {
			var value string
			if json.Unmarshal(raw, &value) != nil || !strings.EqualFold(value, have) {
				problem = badRequest("Property '%s' is read-only and cannot be set.", name)
			}
		}
	}
	readers := map[string]func(json.RawMessage){
		"id":                    same("id", current.ID),
		"appId":                 same("appId", current.AppID),
		"servicePrincipalNames": list("servicePrincipalNames", func(sp *entra.ServicePrincipal, v []string) { sp.Names = v }),
		"replyUrls":             list("replyUrls", func(sp *entra.ServicePrincipal, v []string) { sp.ReplyURLs = v }),
		"keyCredentials": func(raw json.RawMessage) {
			keys, err := readKeyCredentials(raw, current.KeyCredentials)
			if err != nil {
				problem = err
				return
			}
			edits = append(edits, func(sp *entra.ServicePrincipal) { sp.KeyCredentials = keys })
		},
		"tags":                      list("tags", func(sp *entra.ServicePrincipal, v []string) { sp.Tags = v }),
		"accountEnabled":            truth("accountEnabled", func(sp *entra.ServicePrincipal, v bool) { sp.Enabled = v }),
		"appRoleAssignmentRequired": truth("appRoleAssignmentRequired", func(sp *entra.ServicePrincipal, v bool) { sp.AssignmentRequired = v }),
		"displayName":               text("displayName", false, func(sp *entra.ServicePrincipal, v string) { sp.DisplayName = v }),
		"homepage":                  text("homepage", true, func(sp *entra.ServicePrincipal, v string) { sp.Homepage = v }),
		"logoutUrl":                 text("logoutUrl", true, func(sp *entra.ServicePrincipal, v string) { sp.LogoutURL = v }),
	}
	for name, raw := range body {
		if strings.HasPrefix(name, "@") {
			continue // an annotation such as @odata.type
		}
		read := readers[name]
		if read == nil {
			return nil, badRequest("Invalid property '%s'.", clip(name))
		}
		if read(raw); problem != nil {
			return nil, problem
		}
	}
	return edits, nil
}
