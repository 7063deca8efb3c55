package entra

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// User is a person of a tenant. The on-premises fields are what directory
// synchronisation brings; they tie the person to the other half.
type User struct {
	ID             string // object id
	Tenant         string
	UPN            string
	DisplayName    string
	GivenName      string
	Surname        string
	Mail           string
	MailNickname   string
	ProxyAddresses []string // SMTP:primary and smtp:secondary
	Enabled        bool
	PUID           string   // 16 hexadecimal digits
	Roles          []string // display names of directory roles, such as RoleApplicationAdministrator
	// TokensValidFrom ends every refresh token and browser session that began before it.
	TokensValidFrom time.Time

	ImmutableID   string // onPremisesImmutableId
	OnPremSID     string // onPremisesSecurityIdentifier
	OnPremAccount string // onPremisesSamAccountName
	OnPremDomain  string // onPremisesDomainName
	OnPremDN      string // onPremisesDistinguishedName
	OnPremUPN     string // onPremisesUserPrincipalName
	SyncEnabled   bool   // onPremisesSyncEnabled
	LastSync      time.Time
	Created       time.Time
}

// Directory roles that rights are tied to.
const (
	RoleGlobalAdministrator           = "Global Administrator"
	RoleApplicationAdministrator      = "Application Administrator"
	RoleCloudApplicationAdministrator = "Cloud Application Administrator"
	RoleGlobalReader                  = "Global Reader"
)

// roleTemplates are the template ids that a token's wids claim carries.
var roleTemplates = map[string]string{
	RoleGlobalAdministrator:           "62e90394-69f5-4237-9190-012177145e10",
	RoleApplicationAdministrator:      "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
	RoleCloudApplicationAdministrator: "158c047a-c907-4556-b7ef-446551a6b5f7",
	RoleGlobalReader:                  "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
}

// RoleTemplates returns the template ids of the user's directory roles.
func (u *User) RoleTemplates() []string {
	var ids []string
	for _, role := range u.Roles {
		ids = append(ids, roleTemplates[role])
	}
	return ids
}

// HasRole tells whether the user holds one of the directory roles.
func (u *User) HasRole(roles ...string) bool {
	return slices.ContainsFunc(u.Roles, func(r string) bool { return slices.Contains(roles, r) })
}

// Secret is how a person's password comes to the cloud: one of the two, or
// none (then nobody signs in with a password).
type Secret struct {
	Password string // of a cloud-only person, or of a synchronised one in a lab that has it in clear
	PPH1     string // what password hash synchronisation copies: "v1;PPH1_MD4,salt,iterations,hash;"
}

// CreateUser makes a person and returns the object id. u.Tenant and u.UPN are
// required; the UPN's domain must be one of the tenant's. An empty ID is made;
// TokensValidFrom, PUID and Created are set here. ErrExists: the name or the
// immutable id is taken.
func (d *Directory) CreateUser(ctx context.Context, u User, s Secret) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("create user %s: %w", u.UPN, err) }
	record, err := d.newRecord(s)
	if err != nil {
		return fail(err)
	}
	snapshot, err := d.Snapshot(ctx)
	if err != nil {
		return fail(err)
	}
	if err := d.complete(snapshot, &u); err != nil {
		return fail(err)
	}
	if err := d.db.Write(ctx, func(tx *sqldb.Tx) error { return d.insertUser(tx, &u, record) }); err != nil {
		return fail(err)
	}
	return u.ID, nil
}

// CreateUsers makes many people at once, as CreateUser does, whose password is the same one: it is hashed
// once, so that thousands cost no more than their rows. Who has the database sees that they share it,
// which only a lab may want. The errors say by index who was refused; the others were made.
func (d *Directory) CreateUsers(ctx context.Context, all []User, s Secret) (refused map[int]error, err error) {
	record, err := d.newRecord(s)
	if err != nil {
		return nil, fmt.Errorf("create users: %w", err)
	}
	snapshot, err := d.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("create users: %w", err)
	}
	wrong := map[int]error{}
	all = slices.Clone(all)
	for i := range all {
		if err := d.complete(snapshot, &all[i]); err != nil {
			wrong[i] = err
		}
	}
	err = d.db.Write(ctx, func(tx *sqldb.Tx) error {
		refused = maps.Clone(wrong)
		for i := range all {
			if refused[i] != nil {
				continue
			}
			err := d.insertUser(tx, &all[i], record)
			if errors.Is(err, ErrExists) {
				refused[i] = err
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create users: %w", err)
	}
	return refused, nil
}

// complete checks a new person and sets what CreateUser says.
func (d *Directory) complete(s *Snapshot, u *User) error {
	if err := checkUser(s, u); err != nil {
		return err
	}
	if u.ID == "" {
		u.ID = guid.New().String()
	} else if id, err := guid.Parse(u.ID); err != nil {
		return fmt.Errorf("object id: %w", ErrInvalid)
	} else {
		u.ID = id.String()
	}
	var random [6]byte
	rand.Read(random[:])
	u.PUID = "1003" + strings.ToUpper(hex.EncodeToString(random[:]))
	u.Created = d.now()
	u.TokensValidFrom = u.Created
	return nil
}

// insertUser writes a new person with the password. ErrExists says that a name or an id is taken.
func (d *Directory) insertUser(tx *sqldb.Tx, u *User, r record) error {
	// Not a failed INSERT, which would end a transaction of PostgreSQL.
	res, err := tx.Exec(`INSERT INTO person (id, tenant, upn, upn_folded, display_name, given_name, surname, mail, mail_folded, mail_nickname, proxy_addresses,
		enabled, roles, tokens_valid_from, immutable_id, onprem_sid, onprem_account, onprem_domain, onprem_dn, onprem_upn, sync_enabled, last_sync, puid, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) ON CONFLICT DO NOTHING`,
		append([]any{u.ID, u.Tenant}, append(u.columns(), u.PUID, micros(u.Created))...)...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrExists, err)
	}
	return r.write(tx, u.ID, d.now())
}

// UpdateUser changes a person: edit receives a copy and may change everything
// but ID, Tenant, PUID and Created. It may run more than once.
func (d *Directory) UpdateUser(ctx context.Context, id string, edit func(*User) error) error {
	snapshot, err := d.Snapshot(ctx)
	if err != nil {
		return err
	}
	err = d.db.Write(ctx, func(tx *sqldb.Tx) error {
		u, err := readUser(tx.QueryRow(selectUser+"WHERE id = $1", id))
		if err != nil {
			return err
		}
		tenant := u.Tenant
		if err := edit(u); err != nil {
			return err
		}
		u.ID, u.Tenant = id, tenant
		if err := checkUser(snapshot, u); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE person SET upn = $2, upn_folded = $3, display_name = $4, given_name = $5, surname = $6, mail = $7, mail_folded = $8,
			mail_nickname = $9, proxy_addresses = $10, enabled = $11, roles = $12, tokens_valid_from = $13, immutable_id = $14, onprem_sid = $15,
			onprem_account = $16, onprem_domain = $17, onprem_dn = $18, onprem_upn = $19, sync_enabled = $20, last_sync = $21 WHERE id = $1`,
			append([]any{id}, u.columns()...)...)
		return err
	})
	if sqldb.IsUnique(err) {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("update user %s: %w", id, err)
	}
	return nil
}

// RevokeSignIns ends all refresh tokens and browser sessions of a person.
func (d *Directory) RevokeSignIns(ctx context.Context, id string) error {
	return d.UpdateUser(ctx, id, func(u *User) error {
		u.TokensValidFrom = d.now()
		return nil
	})
}

func checkUser(s *Snapshot, u *User) error {
	if len(u.UPN) > 113 || strings.Count(u.UPN, "@") != 1 || strings.HasPrefix(u.UPN, "@") || strings.ContainsAny(u.UPN, " \t\r\n\x00'\"<>&") {
		return fmt.Errorf("user principal name: %w", ErrInvalid)
	}
	if t := s.TenantOf(u.UPN); t == nil || t.ID != u.Tenant {
		return fmt.Errorf("the domain of the name is not verified in tenant %s: %w", u.Tenant, ErrInvalid)
	}
	for _, role := range u.Roles {
		if roleTemplates[role] == "" {
			return fmt.Errorf("directory role %q: %w", role, ErrInvalid)
		}
	}
	return nil
}

// columns are the values that may change, in the order of the UPDATE.
func (u *User) columns() []any {
	return []any{u.UPN, foldUPN(u.UPN), u.DisplayName, u.GivenName, u.Surname, u.Mail, foldUPN(u.Mail), u.MailNickname, list(u.ProxyAddresses),
		flag(u.Enabled), list(u.Roles), micros(u.TokensValidFrom), u.ImmutableID, u.OnPremSID, u.OnPremAccount, u.OnPremDomain, u.OnPremDN, u.OnPremUPN,
		flag(u.SyncEnabled), micros(u.LastSync)}
}

const (
	userColumns = `id, person.tenant, upn, display_name, given_name, surname, mail, mail_nickname, proxy_addresses, enabled, puid, roles, tokens_valid_from,
	immutable_id, onprem_sid, onprem_account, onprem_domain, onprem_dn, onprem_upn, sync_enabled, last_sync, created`
	selectUser = "SELECT " + userColumns + " FROM person "
)

// userRow receives userColumns.
type userRow struct {
	user                         User
	proxies, roles               string
	validFrom, lastSync, created int64
}

func (r *userRow) fields() []any {
	u := &r.user
	return []any{&u.ID, &u.Tenant, &u.UPN, &u.DisplayName, &u.GivenName, &u.Surname, &u.Mail, &u.MailNickname, &r.proxies, &u.Enabled, &u.PUID, &r.roles,
		&r.validFrom, &u.ImmutableID, &u.OnPremSID, &u.OnPremAccount, &u.OnPremDomain, &u.OnPremDN, &u.OnPremUPN, &u.SyncEnabled, &r.lastSync, &r.created}
}

// read returns the person of the row.
func (r *userRow) read() (*User, error) {
	u := &r.user
	u.TokensValidFrom, u.LastSync, u.Created = fromMicros(r.validFrom), fromMicros(r.lastSync), fromMicros(r.created)
	for _, column := range []struct {
		text string
		into *[]string
	}{{r.proxies, &u.ProxyAddresses}, {r.roles, &u.Roles}} {
		if column.text == "[]" {
			continue
		}
		if err := json.Unmarshal([]byte(column.text), column.into); err != nil {
			return nil, fmt.Errorf("user %s: %w", u.ID, err)
		}
	}
	return u, nil
}

// readUser reads a row of selectUser; ErrNotFound when there is none.
func readUser(row interface{ Scan(...any) error }) (*User, error) {
	var r userRow
	err := row.Scan(r.fields()...)
	if isNoRows(err) {
		return nil, fmt.Errorf("user: %w", ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return r.read()
}

// User finds a person of a tenant by object id; ErrNotFound.
func (d *Directory) User(ctx context.Context, tenant, id string) (*User, error) {
	return readUser(d.db.QueryRow(ctx, selectUser+"WHERE id = $1 AND tenant = $2", strings.ToLower(id), tenant))
}

// UserByUPN finds a person of a tenant by user principal name in any case; ErrNotFound.
func (d *Directory) UserByUPN(ctx context.Context, tenant, upn string) (*User, error) {
	return readUser(d.db.QueryRow(ctx, selectUser+"WHERE upn_folded = $1 AND tenant = $2", foldUPN(upn), tenant))
}

// UserKey names an indexed property that Users can look up by.
type UserKey int

// The indexed properties of a person.
const (
	AnyUser UserKey = iota
	ByID
	ByUPN
	ByMail
	ByImmutableID
	ByOnPremSID
)

// Users lists people of a tenant in the order of their folded names: at most
// limit of those after the name after (folded, "" begins), or those whose
// indexed property equals value.
func (d *Directory) Users(ctx context.Context, tenant string, key UserKey, value, after string, limit int) ([]*User, error) {
	where := "WHERE tenant = $1 AND upn_folded > $2 "
	args := []any{tenant, after, limit}
	switch key {
	case ByID:
		where, value = where+"AND id = $4 ", strings.ToLower(value)
	case ByUPN:
		where, value = where+"AND upn_folded = $4 ", foldUPN(value)
	case ByMail:
		where, value = where+"AND mail_folded = $4 ", foldUPN(value)
	case ByImmutableID:
		where += "AND immutable_id = $4 AND immutable_id <> '' "
	case ByOnPremSID:
		where += "AND onprem_sid = $4 "
	}
	if key != AnyUser {
		args = append(args, value)
	}
	rows, err := d.db.Query(ctx, selectUser+where+"ORDER BY upn_folded LIMIT $3", args...)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	defer rows.Close()
	var users []*User
	for rows.Next() {
		u, err := readUser(rows)
		if err != nil {
			return nil, fmt.Errorf("list users: %w", err)
		}
		users = append(users, u)
	}
	return users, rows.Err()
}

// PageKey is the value that a following Users call continues after.
func (u *User) PageKey() string { return foldUPN(u.UPN) }

func foldUPN(s string) string { return strings.ToLower(s) }
