package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Scope is a delegated permission that a resource publishes (Graph: permissionScope).
type Scope struct {
	ID      string `json:"id"`
	Value   string `json:"value"`
	Admin   bool   `json:"admin,omitempty"` // only an administrator may consent
	Display string `json:"display,omitempty"`
}

// AppRole is a permission that an application holds by itself (Graph: appRole).
type AppRole struct {
	ID      string `json:"id"`
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
}

// ServicePrincipal is an application as one tenant knows it. Values reached
// through a Snapshot are shared and must not be changed.
type ServicePrincipal struct {
	ID                 string // object id
	Tenant             string
	AppID              string
	DisplayName        string
	Enabled            bool
	Kind               string // servicePrincipalType, "Application"
	Owner              string // tenant that owns the application
	AssignmentRequired bool
	Names              []string // servicePrincipalNames: a literal list, order and slashes kept
	ReplyURLs          []string // replyUrls: a literal list, compared exactly
	Scopes             []Scope
	AppRoles           []AppRole
	Homepage           string
	LogoutURL          string
	Tags               []string
	// KeyCredentials are certificates that prove the principal itself: Exchange
	// on premises signs its server-to-server assertions with one of them.
	KeyCredentials []KeyCredential
	Created        time.Time
}

// Limits of the literal lists; Graph documents 1,000 for both.
const (
	maxNames     = 1000
	maxReplyURLs = 1000
	maxURL       = 2048
)

// NameInUseError says that a servicePrincipalName belongs to another service
// principal of the tenant, or stands twice in one list.
type NameInUseError struct {
	Name   string
	Within bool // twice in the list itself
}

// Error implements error.
func (e *NameInUseError) Error() string {
	if e.Within {
		return fmt.Sprintf("service principal name %q stands twice in the list", e.Name)
	}
	return fmt.Sprintf("service principal name %q is already in use", e.Name)
}

// UpdateServicePrincipal changes one service principal: edit receives a copy of
// what is stored and changes Names, ReplyURLs, Enabled, AssignmentRequired,
// DisplayName, Homepage, LogoutURL, Tags or KeyCredentials; a list it sets replaces the stored
// list. edit may run more than once. NameInUseError, ErrInvalid and ErrNotFound
// are the refusals; nothing is changed then.
func (d *Directory) UpdateServicePrincipal(ctx context.Context, tenant, id string, edit func(*ServicePrincipal) error) error {
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		stored, err := readPrincipals(tx, "WHERE tenant = $1 AND id = $2", tenant, id)
		if err != nil {
			return err
		}
		if len(stored) == 0 {
			return fmt.Errorf("service principal %s: %w", id, ErrNotFound)
		}
		sp := stored[0]
		sp.Names, sp.ReplyURLs, sp.Tags = slices.Clone(sp.Names), slices.Clone(sp.ReplyURLs), slices.Clone(sp.Tags)
		if err := edit(sp); err != nil {
			return err
		}
		sp.ID, sp.Tenant = id, tenant
		if err := checkLists(sp); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM service_principal_name WHERE principal = $1", id); err != nil {
			return err
		}
		if err := insertNames(tx, sp); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE service_principal SET display_name = $2, enabled = $3, assignment_required = $4, names = $5, reply_urls = $6,
			homepage = $7, logout_url = $8, tags = $9, key_credentials = $10 WHERE id = $1`,
			id, sp.DisplayName, flag(sp.Enabled), flag(sp.AssignmentRequired), list(sp.Names), list(sp.ReplyURLs), sp.Homepage, sp.LogoutURL, list(sp.Tags),
			list(sp.KeyCredentials))
		return err
	})
}

// checkLists holds the rules of the literal lists, and makes them non-nil.
func checkLists(sp *ServicePrincipal) error {
	if len(sp.Names) > maxNames || len(sp.ReplyURLs) > maxReplyURLs {
		return fmt.Errorf("more than %d entries in a list: %w", maxNames, ErrInvalid)
	}
	seen := make(map[string]bool, len(sp.Names))
	for _, name := range sp.Names {
		if err := plainText("servicePrincipalNames", name); err != nil {
			return err
		}
		folded := foldName(name)
		if seen[folded] {
			return &NameInUseError{Name: name, Within: true}
		}
		seen[folded] = true
	}
	if err := checkKeys(sp.KeyCredentials); err != nil {
		return err
	}
	clear(seen)
	for _, u := range sp.ReplyURLs {
		if err := plainText("replyUrls", u); err != nil {
			return err
		}
		if seen[u] {
			return fmt.Errorf("replyUrls: %q stands twice in the list: %w", u, ErrInvalid)
		}
		seen[u] = true
		if !strings.Contains(u, ":") {
			return fmt.Errorf("replyUrls: %q is no absolute URL: %w", u, ErrInvalid)
		}
		if strings.ContainsAny(u, "*#") {
			return fmt.Errorf("replyUrls: %q has a wildcard or a fragment: %w", u, ErrInvalid)
		}
		scheme, _, _ := strings.Cut(strings.ToLower(u), ":")
		if slices.Contains([]string{"javascript", "data", "vbscript", "file", "blob", "about"}, scheme) {
			return fmt.Errorf("replyUrls: %q has a scheme that is not allowed: %w", u, ErrInvalid)
		}
	}
	return nil
}

func plainText(property, s string) error {
	if s == "" || len(s) > maxURL {
		return fmt.Errorf("%s: an entry is empty or longer than %d bytes: %w", property, maxURL, ErrInvalid)
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == '\uFFFD' {
			return fmt.Errorf("%s: %q has a space or a control character: %w", property, s, ErrInvalid)
		}
	}
	return nil
}

func insertNames(tx *sqldb.Tx, sp *ServicePrincipal) error {
	for _, name := range sp.Names {
		folded := foldName(name)
		// Asked first: after a failed INSERT a PostgreSQL transaction is lost, and the caller wants the name.
		var n int
		if err := tx.QueryRow("SELECT count(*) FROM service_principal_name WHERE tenant = $1 AND name_folded = $2", sp.Tenant, folded).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return &NameInUseError{Name: name}
		}
		if _, err := tx.Exec("INSERT INTO service_principal_name (tenant, name_folded, principal) VALUES ($1, $2, $3)",
			sp.Tenant, folded, sp.ID); err != nil {
			return err
		}
	}
	return nil
}

// insertPrincipal writes a new service principal. It fills Created, and ID where there is none.
func (d *Directory) insertPrincipal(tx *sqldb.Tx, sp *ServicePrincipal) error {
	if err := checkLists(sp); err != nil {
		return err
	}
	sp.Created = d.now()
	if sp.ID == "" {
		sp.ID = guid.New().String()
	} else if id, err := guid.Parse(sp.ID); err != nil || id.String() != sp.ID {
		return fmt.Errorf("object id %q: %w", sp.ID, ErrInvalid)
	}
	if sp.Kind == "" {
		sp.Kind = "Application"
	}
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM service_principal WHERE tenant = $1 AND app_id = $2", sp.Tenant, sp.AppID).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("service principal of %s: %w", sp.AppID, ErrExists)
	}
	_, err := tx.Exec(`INSERT INTO service_principal (id, tenant, app_id, display_name, enabled, kind, owner, assignment_required, names, reply_urls,
		scopes, app_roles, homepage, logout_url, tags, created, key_credentials) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		sp.ID, sp.Tenant, sp.AppID, sp.DisplayName, flag(sp.Enabled), sp.Kind, sp.Owner, flag(sp.AssignmentRequired), list(sp.Names), list(sp.ReplyURLs),
		list(sp.Scopes), list(sp.AppRoles), sp.Homepage, sp.LogoutURL, list(sp.Tags), micros(sp.Created), list(sp.KeyCredentials))
	if err != nil {
		return err
	}
	return insertNames(tx, sp)
}

// CreateServicePrincipal makes the service principal of an application that the
// tenant has registered and returns its object id. ErrNotFound: no such
// application; ErrExists: it has one.
func (d *Directory) CreateServicePrincipal(ctx context.Context, tenant, appID string) (string, error) {
	var id string
	err := d.configure(ctx, func(tx *sqldb.Tx) error {
		registered, err := readApplications(tx, "WHERE tenant = $1 AND app_id = $2", tenant, appID)
		if err != nil {
			return err
		}
		if len(registered) == 0 {
			return fmt.Errorf("application: %w", ErrNotFound)
		}
		sp := &ServicePrincipal{Tenant: tenant, AppID: appID, DisplayName: registered[0].DisplayName, Enabled: true, Owner: tenant, Names: []string{appID}}
		err = d.insertPrincipal(tx, sp)
		id = sp.ID
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create service principal of %s: %w", appID, err)
	}
	return id, nil
}

// readPrincipals reads service principals in the order in which they were made.
func readPrincipals(tx *sqldb.Tx, where string, args ...any) ([]*ServicePrincipal, error) {
	rows, err := tx.Query(`SELECT id, tenant, app_id, display_name, enabled, kind, owner, assignment_required, names, reply_urls, scopes, app_roles,
		homepage, logout_url, tags, created, key_credentials FROM service_principal `+where+` ORDER BY created, id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*ServicePrincipal
	for rows.Next() {
		sp := new(ServicePrincipal)
		var names, replies, scopes, roles, tags, keys string
		var created int64
		if err := rows.Scan(&sp.ID, &sp.Tenant, &sp.AppID, &sp.DisplayName, &sp.Enabled, &sp.Kind, &sp.Owner, &sp.AssignmentRequired, &names, &replies,
			&scopes, &roles, &sp.Homepage, &sp.LogoutURL, &tags, &created, &keys); err != nil {
			return nil, err
		}
		sp.Created = fromMicros(created)
		for _, column := range []struct {
			text string
			into any
		}{{names, &sp.Names}, {replies, &sp.ReplyURLs}, {scopes, &sp.Scopes}, {roles, &sp.AppRoles}, {tags, &sp.Tags}, {keys, &sp.KeyCredentials}} {
			if err := json.Unmarshal([]byte(column.text), column.into); err != nil {
				return nil, fmt.Errorf("service principal %s: %w", sp.ID, err)
			}
		}
		all = append(all, sp)
	}
	return all, rows.Err()
}

// list is a slice as a column holds it.
func list[T any](s []T) string {
	if len(s) == 0 {
		return "[]"
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic("entra: " + err.Error()) // strings and plain structs always marshal
	}
	return string(text)
}
