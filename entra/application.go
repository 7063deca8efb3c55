package entra

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// RedirectType says what kind of client receives an answer at a redirect URI.
type RedirectType string

// The three kinds: a server, a script in a browser, a program on a device.
const (
	Web    RedirectType = "web"
	SPA    RedirectType = "spa"
	Native RedirectType = "native"
)

// Redirect is a registered redirect URI of an application.
type Redirect struct {
	URI  string       `json:"uri"`
	Type RedirectType `json:"type"`
}

// Application is a registered client as one tenant knows it. Its reply URLs
// live on the service principal (Graph writes them there); Redirects only says
// of which type they are, and web where it says nothing.
type Application struct {
	Tenant      string
	AppID       string // empty makes one
	PrincipalID string // object id of its service principal, only when it is made; empty makes one
	DisplayName string
	Public      bool // no secret: device code and password grants are allowed without one
	IDToken     bool // the authorize endpoint may answer with an ID token
	Family      bool // shares refresh tokens with other family clients ("foci")
	Redirects   []Redirect
	// RefreshWindow is how long a refresh token stays good after it was
	// replaced. 0 makes it single use: a second use revokes its family.
	RefreshWindow time.Duration
	Names         []string // identifier URIs; the application id itself is always a name
	Scopes        []Scope
	AppRoles      []AppRole
	Owner         string // owning tenant; empty is Tenant
	// KeyCredentials are the certificates that the client may sign assertions with.
	KeyCredentials []KeyCredential
	// RequiredAccess lists what the application says it needs (Graph:
	// requiredResourceAccess). It is a wish: role assignments and consent count.
	RequiredAccess []RequiredAccess
	Created        time.Time

	secrets []clientSecret
}

// RequiredAccess names the permissions of one resource that an application says it needs.
type RequiredAccess struct {
	ResourceAppID string           `json:"resourceAppId"`
	Access        []ResourceAccess `json:"resourceAccess"`
}

// ResourceAccess is one permission of RequiredAccess.
type ResourceAccess struct {
	ID   string `json:"id"`   // of the app role or scope
	Type string `json:"type"` // Role or Scope
}

// ObjectID is the application's object id, which is not its service principal's.
// It is made from tenant and application id and needs no row.
func (a *Application) ObjectID() string { return nameID("application " + a.Tenant + " " + a.AppID) }

// DefaultRefreshWindow is how long a replaced refresh token stays good unless a client says otherwise.
const DefaultRefreshWindow = 24 * time.Hour

type clientSecret struct {
	salt, hash      []byte
	starts, expires int64
}

// CreateApplication registers a client in a tenant together with its service
// principal and returns the application id. ErrExists: the id is registered
// already.
func (d *Directory) CreateApplication(ctx context.Context, a Application) (string, error) {
	if a.AppID == "" {
		a.AppID = guid.New().String()
	}
	err := d.configure(ctx, func(tx *sqldb.Tx) error { return d.insertApplication(tx, a, nil) })
	if err != nil {
		return "", fmt.Errorf("create application %s: %w", a.AppID, err)
	}
	return a.AppID, nil
}

// insertApplication writes an application and its service principal; replyURLs are added to those of Redirects.
func (d *Directory) insertApplication(tx *sqldb.Tx, a Application, replyURLs []string) error {
	id, err := guid.Parse(a.AppID)
	if err != nil {
		return fmt.Errorf("application id %q: %w", a.AppID, ErrInvalid)
	}
	a.AppID = id.String()
	if a.Owner == "" {
		a.Owner = a.Tenant
	}
	urls := slices.Clone(replyURLs)
	for _, r := range a.Redirects {
		if r.Type != Web && r.Type != SPA && r.Type != Native {
			return fmt.Errorf("redirect type %q: %w", r.Type, ErrInvalid)
		}
		if !slices.Contains(urls, r.URI) {
			urls = append(urls, r.URI)
		}
	}
	names := slices.Clone(a.Names)
	if !slices.ContainsFunc(names, func(n string) bool { return foldName(n) == foldName(a.AppID) }) {
		names = append(names, a.AppID)
	}
	if err := d.insertPrincipal(tx, &ServicePrincipal{ID: a.PrincipalID, Tenant: a.Tenant, AppID: a.AppID, DisplayName: a.DisplayName, Enabled: true, Owner: a.Owner,
		Names: names, ReplyURLs: urls, Scopes: a.Scopes, AppRoles: a.AppRoles}); err != nil {
		return err
	}
	return d.insertRegistration(tx, a)
}

// insertRegistration writes the application alone.
func (d *Directory) insertRegistration(tx *sqldb.Tx, a Application) error {
	if err := checkKeys(a.KeyCredentials); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO application (tenant, app_id, is_public, id_token, family, redirects, refresh_window, display_name, created,
		key_credentials, required_access) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		a.Tenant, a.AppID, flag(a.Public), flag(a.IDToken), flag(a.Family), list(a.Redirects), a.RefreshWindow.Microseconds(), a.DisplayName,
		micros(d.now()), list(a.KeyCredentials), list(a.RequiredAccess))
	return err
}

// RegisterApplication registers a confidential client without a service
// principal, as Graph's POST /applications does, and returns its application
// id. Nobody gets a token with it until CreateServicePrincipal.
func (d *Directory) RegisterApplication(ctx context.Context, a Application) (string, error) {
	a.AppID = guid.New().String()
	err := d.configure(ctx, func(tx *sqldb.Tx) error { return d.insertRegistration(tx, a) })
	if err != nil {
		return "", fmt.Errorf("register application %q: %w", a.DisplayName, err)
	}
	return a.AppID, nil
}

// UpdateApplication changes one application of a tenant: edit receives a copy
// of what is stored and changes DisplayName (the service principal's with it),
// KeyCredentials or RequiredAccess. edit may run more than once. ErrInvalid and
// ErrNotFound are the refusals; nothing is changed then.
func (d *Directory) UpdateApplication(ctx context.Context, tenant, appID string, edit func(*Application) error) error {
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		stored, err := readApplications(tx, "WHERE tenant = $1 AND app_id = $2", tenant, appID)
		if err != nil {
			return err
		}
		if len(stored) == 0 {
			return fmt.Errorf("application %s: %w", appID, ErrNotFound)
		}
		a := stored[0]
		name := a.DisplayName
		if err := edit(a); err != nil {
			return err
		}
		if err := checkKeys(a.KeyCredentials); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE application SET display_name = $3, key_credentials = $4, required_access = $5 WHERE tenant = $1 AND app_id = $2",
			tenant, appID, a.DisplayName, list(a.KeyCredentials), list(a.RequiredAccess)); err != nil || a.DisplayName == name {
			return err
		}
		_, err = tx.Exec("UPDATE service_principal SET display_name = $3 WHERE tenant = $1 AND app_id = $2", tenant, appID, a.DisplayName)
		return err
	})
}

// minSecret keeps client secrets long enough that one fast hash guards them.
const minSecret = 20

// NewSecret makes a client secret of 130 bits.
func NewSecret() string { return rand.Text() }

// SetSecret adds a secret to an application; it is good until expires (zero:
// for two years). Secrets shorter than 20 bytes are refused with ErrInvalid:
// they are stored as one salted SHA-256, which only suits random text.
func (d *Directory) SetSecret(ctx context.Context, tenant, appID, secret string, expires time.Time) error {
	if len(secret) < minSecret {
		return fmt.Errorf("set secret of %s: shorter than %d bytes: %w", appID, minSecret, ErrInvalid)
	}
	now := d.now()
	if expires.IsZero() {
		expires = now.AddDate(2, 0, 0)
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	return d.configure(ctx, func(tx *sqldb.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT count(*) FROM application WHERE tenant = $1 AND app_id = $2", tenant, appID).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("set secret: application %s: %w", appID, ErrNotFound)
		}
		_, err := tx.Exec("INSERT INTO client_secret (id, tenant, app_id, hint, salt, hash, starts, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			guid.New().String(), tenant, appID, secret[:3], salt, secretHash(salt, secret), micros(now), micros(expires))
		return err
	})
}

func secretHash(salt []byte, secret string) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(secret))
	return h.Sum(nil)
}

// SecretResult says how a client secret compared.
type SecretResult int

// What CheckSecret finds.
const (
	SecretWrong SecretResult = iota
	SecretExpired
	SecretGood
)

// CheckSecret compares a presented secret with the application's in constant time per secret.
func (a *Application) CheckSecret(secret string, now time.Time) SecretResult {
	result := SecretWrong
	for _, s := range a.secrets {
		if subtle.ConstantTimeCompare(secretHash(s.salt, secret), s.hash) == 1 {
			if s.expires > now.UnixMicro() {
				return SecretGood
			}
			result = SecretExpired
		}
	}
	return result
}

// redirectType returns the type of a registered reply URL.
func (a *Application) redirectType(uri string) RedirectType {
	for _, r := range a.Redirects {
		if r.URI == uri {
			return r.Type
		}
	}
	return Web
}

func readApplications(tx *sqldb.Tx, where string, args ...any) ([]*Application, error) {
	rows, err := tx.Query(`SELECT tenant, app_id, is_public, id_token, family, redirects, refresh_window, display_name, created, key_credentials,
		required_access FROM application `+where+` ORDER BY tenant, app_id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*Application
	for rows.Next() {
		a := new(Application)
		var redirects, keys, access string
		var window, created int64
		if err := rows.Scan(&a.Tenant, &a.AppID, &a.Public, &a.IDToken, &a.Family, &redirects, &window, &a.DisplayName, &created, &keys, &access); err != nil {
			return nil, err
		}
		a.RefreshWindow, a.Created = time.Duration(window)*time.Microsecond, fromMicros(created)
		for _, column := range []struct {
			text string
			into any
		}{{redirects, &a.Redirects}, {keys, &a.KeyCredentials}, {access, &a.RequiredAccess}} {
			if err := json.Unmarshal([]byte(column.text), column.into); err != nil {
				return nil, fmt.Errorf("application %s: %w", a.AppID, err)
			}
		}
		all = append(all, a)
	}
	return all, rows.Err()
}
