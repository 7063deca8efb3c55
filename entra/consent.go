package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Grant says which delegated scopes a client may use on a resource
// (Graph: oAuth2PermissionGrant).
type Grant struct {
	ID       string
	Tenant   string
	Client   string // service principal object id
	Resource string // service principal object id
	Person   string // object id, or empty for everybody in the tenant (AllPrincipals)
	Scopes   []string
}

// Consent lets a client use delegated scopes of a resource, for one person or,
// with person empty, for everybody in the tenant. It adds to what was granted
// before. Clients and resources are named by application id; ErrInvalid names a
// scope that the resource does not publish.
func (d *Directory) Consent(ctx context.Context, tenant, clientAppID, resourceAppID, person string, scopes ...string) error {
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		return d.consent(tx, tenant, clientAppID, resourceAppID, person, scopes)
	})
}

// Revoke takes back whatever was consented to for a client, which is named by application id.
func (d *Directory) Revoke(ctx context.Context, tenant, clientAppID string) error {
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("DELETE FROM permission_grant WHERE client IN (SELECT id FROM service_principal WHERE tenant = $1 AND app_id = $2)", tenant, clientAppID)
		return err
	})
}

func (d *Directory) consent(tx *sqldb.Tx, tenant, clientAppID, resourceAppID, person string, scopes []string) error {
	client, resource, err := readPair(tx, tenant, clientAppID, resourceAppID)
	if err != nil {
		return fmt.Errorf("consent: %w", err)
	}
	var granted []string
	var stored string
	err = tx.QueryRow("SELECT scopes FROM permission_grant WHERE client = $1 AND resource = $2 AND person = $3", client.ID, resource.ID, person).Scan(&stored)
	if err == nil {
		if err := json.Unmarshal([]byte(stored), &granted); err != nil {
			return err
		}
	} else if !isNoRows(err) {
		return err
	}
	for _, scope := range scopes {
		published, ok := resource.Scope(scope)
		if !ok {
			return fmt.Errorf("consent: %s publishes no scope %q: %w", resource.DisplayName, scope, ErrInvalid)
		}
		if !slices.Contains(granted, published.Value) {
			granted = append(granted, published.Value)
		}
	}
	_, err = tx.Exec(`INSERT INTO permission_grant (id, tenant, client, resource, person, scopes) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (client, resource, person) DO UPDATE SET scopes = excluded.scopes`,
		guid.New().String(), tenant, client.ID, resource.ID, person, list(granted))
	return err
}

// AssignRole gives a client an app role of a resource, both named by
// application id. ErrInvalid: the resource has no such role.
func (d *Directory) AssignRole(ctx context.Context, tenant, clientAppID, resourceAppID, role string) error {
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		client, resource, err := readPair(tx, tenant, clientAppID, resourceAppID)
		if err != nil {
			return fmt.Errorf("assign role: %w", err)
		}
		if !slices.ContainsFunc(resource.AppRoles, func(r AppRole) bool { return r.Value == role }) {
			return fmt.Errorf("assign role: %s has no role %q: %w", resource.DisplayName, role, ErrInvalid)
		}
		_, err = tx.Exec(`INSERT INTO role_assignment (id, tenant, client, resource, role) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (client, resource, role) DO NOTHING`, guid.New().String(), tenant, client.ID, resource.ID, role)
		return err
	})
}

// RoleAssignment says that a client holds an app role of a resource (Graph: appRoleAssignment).
type RoleAssignment struct {
	ID       string
	Client   string // service principal object id
	Resource string // service principal object id
	Role     string // the role's value
}

// Scope finds a delegated scope of the resource by its value in any case.
func (sp *ServicePrincipal) Scope(value string) (Scope, bool) {
	for _, s := range sp.Scopes {
		if strings.EqualFold(s.Value, value) {
			return s, true
		}
	}
	return Scope{}, false
}

func readPair(tx *sqldb.Tx, tenant, clientAppID, resourceAppID string) (client, resource *ServicePrincipal, err error) {
	for appID, into := range map[string]**ServicePrincipal{clientAppID: &client, resourceAppID: &resource} {
		found, err := readPrincipals(tx, "WHERE tenant = $1 AND app_id = $2", tenant, appID)
		if err != nil {
			return nil, nil, err
		}
		if len(found) == 0 {
			return nil, nil, fmt.Errorf("application %s: %w", appID, ErrNotFound)
		}
		*into = found[0]
	}
	if client == nil || resource == nil {
		return nil, nil, fmt.Errorf("an application on itself: %w", ErrInvalid)
	}
	return client, resource, nil
}
