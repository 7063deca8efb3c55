package entra

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Domain is a verified domain of a tenant. Only managed domains exist: the
// cloud checks passwords itself.
type Domain struct {
	Name    string // lower case
	Initial bool   // the tenant's first name, x.onmicrosoft.com
	Default bool   // new people get it
}

// NewTenant is what CreateTenant is told.
type NewTenant struct {
	ID          string // GUID; empty makes one
	DisplayName string
	Initial     string   // x.onmicrosoft.com; required
	Domains     []string // further verified domains; the first becomes the default
	SyncEnabled bool     // directory synchronisation is on
}

var domainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

// CreateTenant makes a tenant with its verified domains and returns its GUID.
// ErrExists says that the id or one of the domains is taken, ErrInvalid that a name is no domain.
func (d *Directory) CreateTenant(ctx context.Context, n NewTenant) (string, error) {
	id := guid.New()
	if n.ID != "" {
		var err error
		if id, err = guid.Parse(n.ID); err != nil {
			return "", fmt.Errorf("create tenant: id %q: %w", n.ID, ErrInvalid)
		}
	}
	names := append([]string{n.Initial}, n.Domains...)
	for i, name := range names {
		names[i] = strings.ToLower(name)
		if len(name) > 253 || !domainForm.MatchString(names[i]) {
			return "", fmt.Errorf("create tenant: domain %q: %w", name, ErrInvalid)
		}
	}
	err := d.configure(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec("INSERT INTO tenant (id, display_name, created, sync_enabled) VALUES ($1, $2, $3, $4)",
			id.String(), n.DisplayName, micros(d.now()), flag(n.SyncEnabled)); err != nil {
			return err
		}
		for i, name := range names {
			isDefault := i == 1 || len(names) == 1
			if _, err := tx.Exec("INSERT INTO tenant_domain (name, tenant, is_initial, is_default) VALUES ($1, $2, $3, $4)",
				name, id.String(), flag(i == 0), flag(isDefault)); err != nil {
				return err
			}
		}
		return nil
	})
	if sqldb.IsUnique(err) {
		err = fmt.Errorf("create tenant %s: %w", n.Initial, ErrExists)
	}
	return id.String(), err
}

// RecordSync notes that directory synchronisation of a tenant ended at the given time.
func (d *Directory) RecordSync(ctx context.Context, tenant string, at time.Time) error {
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		res, err := tx.Exec("UPDATE tenant SET sync_enabled = 1, last_sync = $2 WHERE id = $1", tenant, micros(at))
		return needRow(res, err, "tenant", tenant)
	})
}

// BlockSharedPrincipal says whether Exchange Online refuses EWS calls of servers
// that use the service principal which all tenants share. The real service has
// refused them since 2025-10-31; a new tenant here does not.
func (d *Directory) BlockSharedPrincipal(ctx context.Context, tenant string, blocked bool) error {
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		res, err := tx.Exec("UPDATE tenant SET shared_principal_blocked = $2 WHERE id = $1", tenant, flag(blocked))
		return needRow(res, err, "tenant", tenant)
	})
}

// needRow turns "no row changed" into ErrNotFound.
func needRow(res sql.Result, err error, what, id string) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("%s %s: %w", what, id, ErrNotFound)
	}
	return nil
}
