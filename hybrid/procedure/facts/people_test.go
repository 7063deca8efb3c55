package facts

import (
	"context"
	"errors"
	"testing"

	"hma/client/graph"
	"hma/hybrid/target"
	"hma/wire/psobject"
)

// people is an organisation that shows people and administrators, with its tenant.
type people struct {
	members, users []psobject.Object
	cloud          []graph.User
}

func (p people) Invoke(_ context.Context, call psobject.Invocation) (psobject.Result, error) {
	switch call.Cmdlet {
	case "Get-RoleGroupMember":
		return psobject.Result{Output: p.members}, nil
	case "Get-User":
		return psobject.Result{Output: p.users}, nil
	}
	return psobject.Result{}, errors.New("not asked for here")
}

func (p people) Users(context.Context) ([]graph.User, error) { return p.cloud, nil }
func (p people) ServicePrincipal(context.Context, string) (graph.ServicePrincipal, error) {
	return graph.ServicePrincipal{}, nil
}
func (p people) Grants(context.Context, string) ([]graph.Grant, error) { return nil, nil }
func (p people) NameHolders(context.Context, string) ([]graph.ServicePrincipal, error) {
	return nil, nil
}
func (p people) SetServicePrincipalNames(context.Context, string, []string) error { return nil }
func (p people) SetReplyURLs(context.Context, string, []string) error             { return nil }
func (p people) Application(context.Context, string) (graph.Application, bool, error) {
	return graph.Application{}, false, nil
}
func (p people) Organization(context.Context) (graph.Organization, error) {
	return graph.Organization{}, nil
}

func object(pairs ...string) psobject.Object {
	var o psobject.Object
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Properties = append(o.Properties, psobject.Property{Name: pairs[i], Value: pairs[i+1]})
	}
	return o
}

const (
	guidA, guidB = "11111111-0000-0000-0000-00000000000a", "11111111-0000-0000-0000-00000000000b"
	sidA, sidB   = "S-1-5-21-1-2-3-1101", "S-1-5-21-1-2-3-1102"
)

// Who could administer after the switch decides about a lock-out: neither a name
// that two people share nor a cloud account that comes from another may count.
func TestAdministratorsAreNotMistaken(t *testing.T) {
	p := people{
		members: []psobject.Object{object("Guid", guidA, "Name", "John Smith")},
		users: []psobject.Object{
			object("Guid", guidA, "Name", "John Smith", "SamAccountName", "jsmith", "UserPrincipalName", "john@contoso.com", "Sid", sidA, "RecipientTypeDetails", "UserMailbox"),
			object("Guid", guidB, "Name", "John Smith", "SamAccountName", "jsmith2", "UserPrincipalName", "john2@contoso.com", "Sid", sidB, "RecipientTypeDetails", "UserMailbox"),
		},
		cloud: []graph.User{
			{UserPrincipalName: "john@contoso.com", AccountEnabled: true, OnPremisesSyncEnabled: true, OnPremisesSecurityIdentifier: "S-1-5-21-9-9-9-1101"},
			{UserPrincipalName: "j2@contoso.com", AccountEnabled: true, OnPremisesSyncEnabled: true, OnPremisesSecurityIdentifier: sidB},
		},
	}
	f, err := Read(t.Context(), target.Target{Cmdlets: p, Tenants: []target.Tenant{{Name: "contoso.onmicrosoft.com", Graph: p}}})
	if err != nil || len(f.People) != 2 {
		t.Fatalf("%+v, %v", f, err)
	}
	first, second := f.People[0], f.People[1]
	if first.UPN != "john@contoso.com" || !first.Administrator || first.Synced || first.Problem == "" {
		t.Errorf("the administrator, whose name a foreign account has in the tenant: %+v", first)
	}
	if second.Administrator || !second.Synced || second.Cloud != "j2@contoso.com" {
		t.Errorf("the other one of the name: %+v", second)
	}
}
