package target

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/client/graph"
	"hma/wire/psobject"
)

// tenantPart is the Graph of a Graph part.
type tenantPart struct{ sections []section }

// entity is one object of Graph.
type entity struct {
	values map[string]any
	err    error // the first thing that is not as Graph has it
}

// value returns a property in any case of its letters: the cmdlets write Id, Graph itself id.
func (e *entity) value(name string) any {
	for _, key := range slices.Sorted(maps.Keys(e.values)) {
		if strings.EqualFold(key, name) {
			return e.values[key]
		}
	}
	return nil
}

func (e *entity) fail(name string, err error) {
	e.err = cmp.Or(e.err, fmt.Errorf("%s %w", name, err))
}

func (e *entity) text(name string) string {
	x, err := scalar(e.value(name))
	if err != nil {
		e.fail(name, err)
	}
	return psobject.Text(x)
}

func (e *entity) list(name string) []string {
	var all []string
	for _, item := range items(e.value(name)) {
		x, err := scalar(item)
		if err != nil {
			e.fail(name, err)
		}
		all = append(all, psobject.Text(x))
	}
	return all
}

// flag returns a Boolean. null is False where Graph has null for it; else it has to be shown.
func (e *entity) flag(name string, null bool) bool {
	x, err := scalar(e.value(name))
	on, ok := x.(bool)
	if err == nil && !ok && (x != nil || !null) {
		err = errors.New("is not shown")
	}
	if err != nil {
		e.fail(name, err)
	}
	return on
}

func (e *entity) time(name string) time.Time {
	x, err := scalar(e.value(name))
	t, ok := x.(time.Time)
	if err == nil && !ok && x != nil && x != "" {
		err = errors.New("is no time")
	}
	if err != nil {
		e.fail(name, err)
	}
	return t
}

// bytes returns octets: base64 in Graph's own JSON, a list of numbers where a cmdlet had them.
func (e *entity) bytes(name string) []byte {
	var all []byte
	for _, item := range items(e.value(name)) {
		switch item := item.(type) {
		case json.Number:
			n, err := strconv.ParseUint(item.String(), 10, 8)
			if err != nil {
				e.fail(name, errors.New("holds what is no octet"))
			}
			all = append(all, byte(n))
		case string:
			decoded, err := base64.StdEncoding.DecodeString(item)
			if err != nil {
				e.fail(name, errors.New("is no base64"))
			}
			all = append(all, decoded...)
		}
	}
	return all
}

// entities returns what is inside of a value of nested objects.
func (e *entity) entities(name string) []*entity {
	var all []*entity
	for _, item := range items(e.value(name)) {
		object, ok := item.(map[string]any)
		if !ok {
			e.fail(name, errors.New("holds something else than objects: cut off at ConvertTo-Json's depth"))
		}
		all = append(all, &entity{values: object})
	}
	return all
}

func read[T any](g tenantPart, cmdlet string, parameters map[string]string, each func(*entity) T) ([]T, error) {
	objects, err := find(g.sections, cmdlet, parameters)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmdlet, err)
	}
	var all []T
	for _, object := range objects {
		e := &entity{values: object}
		all = append(all, each(e))
		if e.err != nil {
			return nil, fmt.Errorf("%s: %w", cmdlet, e.err)
		}
	}
	return all, nil
}

func principal(e *entity) graph.ServicePrincipal {
	sp := graph.ServicePrincipal{ID: e.text("id"), AppID: e.text("appId"), DisplayName: e.text("displayName"),
		ServicePrincipalNames: e.list("servicePrincipalNames"), ReplyURLs: e.list("replyUrls")}
	sp.KeyCredentials = e.keys()
	return sp
}

// keys returns the certificates of a principal or an application.
func (e *entity) keys() []graph.KeyCredential {
	var all []graph.KeyCredential
	for _, k := range e.entities("keyCredentials") {
		all = append(all, graph.KeyCredential{ID: k.text("keyId"), CustomIdentifier: k.bytes("customKeyIdentifier"),
			DisplayName: k.text("displayName"), Starts: k.time("startDateTime"), Ends: k.time("endDateTime")})
		e.err = cmp.Or(e.err, k.err)
	}
	return all
}

// ApplicationsURI is what the collector asks Graph for the dedicated hybrid application,
// which bears the name that Microsoft's script gives it.
const ApplicationsURI = "/v1.0/applications?$filter=startswith(displayName,'ExchangeServerApp')&$select=id,appId,displayName,keyCredentials"

// Application looks through the applications that were collected. One of another name is not among them.
func (g tenantPart) Application(_ context.Context, appID string) (graph.Application, bool, error) {
	all, err := read(g, "Invoke-MgGraphRequest", map[string]string{"uri": ApplicationsURI}, func(e *entity) graph.Application {
		return graph.Application{ID: e.text("id"), AppID: e.text("appId"), DisplayName: e.text("displayName"), KeyCredentials: e.keys()}
	})
	for _, a := range all {
		if strings.EqualFold(a.AppID, appID) {
			return a, true, err
		}
	}
	if err == nil {
		err = fmt.Errorf("%s is not among the collected applications, whose names begin with ExchangeServerApp", appID)
	}
	return graph.Application{}, false, err
}

// ServicePrincipal returns the principal that was collected by itself.
func (g tenantPart) ServicePrincipal(_ context.Context, appID string) (graph.ServicePrincipal, error) {
	found, err := read(g, "Get-MgServicePrincipal", map[string]string{"filter": "appId eq '" + appID + "'"}, principal)
	if err == nil && len(found) == 0 {
		err = graph.ErrNotFound
	}
	if err == nil && (len(found) != 1 || found[0].ID == "") {
		err = fmt.Errorf("want one service principal of %s, found %d", appID, len(found))
	}
	if err != nil {
		return graph.ServicePrincipal{}, err
	}
	return found[0], nil
}

func (g tenantPart) principals() ([]graph.ServicePrincipal, error) {
	return read(g, "Get-MgServicePrincipal", map[string]string{"all": "True"}, principal)
}

// NameHolders looks through all service principals.
func (g tenantPart) NameHolders(_ context.Context, name string) ([]graph.ServicePrincipal, error) {
	all, err := g.principals()
	name = strings.TrimSuffix(name, "/")
	return slices.DeleteFunc(all, func(sp graph.ServicePrincipal) bool {
		return !slices.ContainsFunc(sp.ServicePrincipalNames, func(n string) bool { return strings.EqualFold(strings.TrimSuffix(n, "/"), name) })
	}), err
}

// Grants returns what was collected for each service principal of the application.
func (g tenantPart) Grants(_ context.Context, appID string) ([]graph.Grant, error) {
	all, err := g.principals()
	if err != nil {
		return nil, err
	}
	var grants []graph.Grant
	for _, sp := range all {
		if !strings.EqualFold(sp.AppID, appID) {
			continue
		}
		found, err := read(g, "Invoke-MgGraphRequest", map[string]string{"uri": "/v1.0/servicePrincipals/" + sp.ID + "/oauth2PermissionGrants"}, func(e *entity) graph.Grant {
			return graph.Grant{ClientID: e.text("clientId"), ConsentType: e.text("consentType"), ResourceID: e.text("resourceId"), Scope: e.text("scope")}
		})
		if err != nil {
			return nil, err
		}
		grants = append(grants, found...)
	}
	return grants, nil
}

// Users returns the people of the tenant.
func (g tenantPart) Users(context.Context) ([]graph.User, error) {
	return read(g, "Get-MgUser", map[string]string{"all": "True"}, func(e *entity) graph.User {
		return graph.User{ID: e.text("id"), UserPrincipalName: e.text("userPrincipalName"), DisplayName: e.text("displayName"), Mail: e.text("mail"),
			AccountEnabled: e.flag("accountEnabled", false), OnPremisesSyncEnabled: e.flag("onPremisesSyncEnabled", true),
			OnPremisesImmutableID: e.text("onPremisesImmutableId"), OnPremisesSecurityIdentifier: e.text("onPremisesSecurityIdentifier"),
			OnPremisesSamAccountName: e.text("onPremisesSamAccountName")}
	})
}

// Organization returns the tenant.
func (g tenantPart) Organization(context.Context) (graph.Organization, error) {
	found, err := read(g, "Get-MgOrganization", nil, func(e *entity) graph.Organization {
		o := graph.Organization{ID: e.text("id"), DisplayName: e.text("displayName")}
		for _, d := range e.entities("verifiedDomains") {
			o.VerifiedDomains = append(o.VerifiedDomains, graph.VerifiedDomain{Name: d.text("name"), IsDefault: d.flag("isDefault", false), IsInitial: d.flag("isInitial", false)})
			e.err = cmp.Or(e.err, d.err)
		}
		return o
	})
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("want one organization, found %d", len(found))
	}
	if err != nil {
		return graph.Organization{}, err
	}
	return found[0], nil
}

// errReadOnly is what changing a snapshot gives.
var errReadOnly = errors.New("a snapshot is only read")

// SetServicePrincipalNames refuses.
func (g tenantPart) SetServicePrincipalNames(context.Context, string, []string) error {
	return errReadOnly
}

// SetReplyURLs refuses.
func (g tenantPart) SetReplyURLs(context.Context, string, []string) error { return errReadOnly }
