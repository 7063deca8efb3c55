package entra

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/internal/sqldb"
)

// Snapshot is the whole configuration at one generation: immutable, shared,
// read without locks.
type Snapshot struct {
	generation int64
	tenants    []*Tenant
	byName     map[string]*Tenant // GUID and verified domains, lower case
	keys       []*SigningKey      // current first, then next, then retired ones that are still published
}

// Tenant is one tenant of a Snapshot.
type Tenant struct {
	ID          string
	DisplayName string
	Created     time.Time
	SyncEnabled bool
	LastSync    time.Time
	Domains     []Domain

	principals []*ServicePrincipal
	byID       map[string]*ServicePrincipal
	byAppID    map[string]*ServicePrincipal
	byName     map[string]*ServicePrincipal // folded literal servicePrincipalNames
	wildcards  []wildcard
	clients    map[string]*Application
	owned      []*Application // registered here, not Microsoft's
	grants     map[pair][]*Grant
	allGrants  []*Grant
	roles      map[pair][]string
	assigned   []RoleAssignment
	// SharedPrincipalBlocked is whether Exchange Online refuses EWS calls that
	// servers make as the service principal that all tenants share.
	SharedPrincipalBlocked bool
}

// pair is a client and a resource, by object id.
type pair struct{ client, resource string }

// Snapshot returns the configuration as it is now. Writes of this process show
// at once; those of another within a second. It fails only when the database does.
func (d *Directory) Snapshot(ctx context.Context) (*Snapshot, error) {
	now, last := d.now().UnixMicro(), d.checked.Load()
	// A clock that went back asks too.
	if now-last < pollEvery.Microseconds() && now >= last {
		return d.snapshot.Load(), nil
	}
	if !d.checked.CompareAndSwap(last, now) {
		return d.snapshot.Load(), nil // another request asks
	}
	var generation int64
	if err := d.db.QueryRow(ctx, "SELECT value FROM generation WHERE id = 1").Scan(&generation); err != nil {
		return nil, fmt.Errorf("read generation: %w", err)
	}
	if generation != d.snapshot.Load().generation {
		if err := d.refresh(ctx); err != nil {
			return nil, err
		}
	}
	return d.snapshot.Load(), nil
}

// refresh reads the configuration anew.
func (d *Directory) refresh(ctx context.Context) error {
	d.reload.Lock()
	defer d.reload.Unlock()
	var s *Snapshot
	err := d.db.View(ctx, func(tx *sqldb.Tx) (err error) {
		s, err = d.readSnapshot(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	d.snapshot.Store(s)
	d.checked.Store(d.now().UnixMicro())
	return nil
}

func (d *Directory) readSnapshot(tx *sqldb.Tx) (*Snapshot, error) {
	s := &Snapshot{byName: make(map[string]*Tenant)}
	if err := tx.QueryRow("SELECT value FROM generation WHERE id = 1").Scan(&s.generation); err != nil {
		return nil, err
	}
	if err := s.readTenants(tx); err != nil {
		return nil, err
	}
	principals, err := readPrincipals(tx, "")
	if err != nil {
		return nil, err
	}
	for _, sp := range principals {
		t := s.byName[sp.Tenant]
		t.principals = append(t.principals, sp)
		t.byID[sp.ID] = sp
		t.byAppID[sp.AppID] = sp
		for _, name := range sp.Names {
			folded := foldName(name)
			t.byName[folded] = sp
			if w, ok := newWildcard(folded, sp); ok {
				t.wildcards = append(t.wildcards, w)
			}
		}
	}
	clients, err := readApplications(tx, "")
	if err != nil {
		return nil, err
	}
	for _, a := range clients {
		t := s.byName[a.Tenant]
		t.clients[a.AppID] = a
		sp := t.byAppID[a.AppID]
		if sp == nil || sp.Owner == t.ID {
			t.owned = append(t.owned, a)
		}
		if sp != nil {
			a.DisplayName = sp.DisplayName
		}
	}
	if err := s.readSecrets(tx); err != nil {
		return nil, err
	}
	if err := s.readGrants(tx); err != nil {
		return nil, err
	}
	s.keys, err = d.readKeys(tx)
	return s, err
}

func (s *Snapshot) readTenants(tx *sqldb.Tx) error {
	rows, err := tx.Query("SELECT id, display_name, created, sync_enabled, last_sync, shared_principal_blocked FROM tenant ORDER BY created, id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		t := &Tenant{byID: map[string]*ServicePrincipal{}, byAppID: map[string]*ServicePrincipal{}, byName: map[string]*ServicePrincipal{},
			clients: map[string]*Application{}, grants: map[pair][]*Grant{}, roles: map[pair][]string{}}
		var created, lastSync int64
		if err := rows.Scan(&t.ID, &t.DisplayName, &created, &t.SyncEnabled, &lastSync, &t.SharedPrincipalBlocked); err != nil {
			return err
		}
		t.Created, t.LastSync = fromMicros(created), fromMicros(lastSync)
		s.tenants = append(s.tenants, t)
		s.byName[t.ID] = t
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	rows, err = tx.Query("SELECT name, tenant, is_initial, is_default FROM tenant_domain ORDER BY is_default DESC, name")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var domain Domain
		var tenant string
		if err := rows.Scan(&domain.Name, &tenant, &domain.Initial, &domain.Default); err != nil {
			return err
		}
		t := s.byName[tenant]
		t.Domains = append(t.Domains, domain)
		s.byName[domain.Name] = t
	}
	return rows.Err()
}

func (s *Snapshot) readSecrets(tx *sqldb.Tx) error {
	rows, err := tx.Query("SELECT tenant, app_id, salt, hash, starts, expires FROM client_secret")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tenant, appID string
		var secret clientSecret
		if err := rows.Scan(&tenant, &appID, &secret.salt, &secret.hash, &secret.starts, &secret.expires); err != nil {
			return err
		}
		a := s.byName[tenant].clients[appID]
		a.secrets = append(a.secrets, secret)
	}
	return rows.Err()
}

func (s *Snapshot) readGrants(tx *sqldb.Tx) error {
	rows, err := tx.Query("SELECT id, tenant, client, resource, person, scopes FROM permission_grant ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		g := new(Grant)
		var scopes string
		if err := rows.Scan(&g.ID, &g.Tenant, &g.Client, &g.Resource, &g.Person, &scopes); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(scopes), &g.Scopes); err != nil {
			return fmt.Errorf("grant %s: %w", g.ID, err)
		}
		t := s.byName[g.Tenant]
		t.allGrants = append(t.allGrants, g)
		key := pair{g.Client, g.Resource}
		t.grants[key] = append(t.grants[key], g)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	rows, err = tx.Query("SELECT id, tenant, client, resource, role FROM role_assignment ORDER BY role, id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tenant string
		var a RoleAssignment
		if err := rows.Scan(&a.ID, &tenant, &a.Client, &a.Resource, &a.Role); err != nil {
			return err
		}
		t := s.byName[tenant]
		key := pair{a.Client, a.Resource}
		t.roles[key] = append(t.roles[key], a.Role)
		t.assigned = append(t.assigned, a)
	}
	return rows.Err()
}

// Tenants returns all tenants in the order in which they were made.
func (s *Snapshot) Tenants() []*Tenant { return s.tenants }

// Tenant finds a tenant by its GUID or one of its verified domains, in any case; nil: there is none.
func (s *Snapshot) Tenant(name string) *Tenant {
	if t := s.byName[name]; t != nil {
		return t
	}
	return s.byName[strings.ToLower(name)]
}

// TenantOf finds the tenant whose verified domain a user principal name is in; nil: there is none.
func (s *Snapshot) TenantOf(upn string) *Tenant {
	at := strings.LastIndexByte(upn, '@')
	if at < 0 {
		return nil
	}
	t := s.Tenant(upn[at+1:])
	if t == nil || !slices.ContainsFunc(t.Domains, func(d Domain) bool { return strings.EqualFold(d.Name, upn[at+1:]) }) {
		return nil // the part behind the @ was a GUID
	}
	return t
}

// ServicePrincipals returns the tenant's service principals in the order in which they were made.
func (t *Tenant) ServicePrincipals() []*ServicePrincipal { return t.principals }

// ServicePrincipal finds one by object id in any case; nil: there is none.
func (t *Tenant) ServicePrincipal(id string) *ServicePrincipal { return t.byID[strings.ToLower(id)] }

// ServicePrincipalByAppID finds one by application id in any case; nil: there is none.
func (t *Tenant) ServicePrincipalByAppID(appID string) *ServicePrincipal {
	if sp := t.byAppID[appID]; sp != nil {
		return sp
	}
	return t.byAppID[strings.ToLower(appID)]
}

// Applications returns the applications that the tenant has registered itself, in the order of their ids.
func (t *Tenant) Applications() []*Application { return t.owned }

// RoleAssignments returns all app roles that clients hold in the tenant.
func (t *Tenant) RoleAssignments() []RoleAssignment { return t.assigned }

// Grants returns all consent of the tenant.
func (t *Tenant) Grants() []*Grant { return t.allGrants }

// DefaultDomain is the name that new people get.
func (t *Tenant) DefaultDomain() string {
	for _, d := range t.Domains {
		if d.Default {
			return d.Name
		}
	}
	return ""
}

// Client is an application with its service principal, as a request finds it.
type Client struct {
	*Application
	SP     *ServicePrincipal
	tenant *Tenant
}

// Client finds a registered client by its application id; false: the tenant knows none, or it has no service principal.
func (t *Tenant) Client(appID string) (Client, bool) {
	a := t.clients[appID]
	if a == nil {
		if a = t.clients[strings.ToLower(appID)]; a == nil {
			return Client{}, false
		}
	}
	sp := t.byAppID[a.AppID]
	return Client{Application: a, SP: sp, tenant: t}, sp != nil
}

// Granted returns the delegated scopes that the client may use on a resource for a person.
func (c Client) Granted(resource *ServicePrincipal, person string) []string {
	grants := c.tenant.grants[pair{c.SP.ID, resource.ID}]
	if len(grants) == 1 && (grants[0].Person == "" || grants[0].Person == person) {
		return grants[0].Scopes
	}
	var scopes []string
	for _, g := range grants {
		if g.Person == "" || g.Person == person {
			for _, s := range g.Scopes {
				if !slices.Contains(scopes, s) {
					scopes = append(scopes, s)
				}
			}
		}
	}
	return scopes
}

// Roles returns the app roles that the client holds on a resource.
func (c Client) Roles(resource *ServicePrincipal) []string {
	return c.tenant.roles[pair{c.SP.ID, resource.ID}]
}

func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
