package entra

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// SignIn is the act of signing in that tokens descend from.
type SignIn struct {
	Tenant   string
	Person   string // object id
	Session  string // GUID of the browser session or of this sign-in
	AuthTime time.Time
	AMR      []string // how: pwd, ...
}

// RefreshToken is what a refresh token stands for. It is bound to a person and
// a client, not to a resource: any consented resource may be asked for.
type RefreshToken struct {
	SignIn
	Family   string
	AppID    string // client that it was issued to
	Scopes   string // scopes asked for at sign-in, separated by spaces
	Resource string // resource asked for at sign-in, the default of a v1 request
	Expires  time.Time
	Fixed    bool // a renewal inherits Expires (clients in a browser)
}

// Life of refresh tokens: 90 days from the last use, 24 hours in all for
// clients in a browser.
const (
	refreshLife    = 90 * 24 * time.Hour
	refreshLifeSPA = 24 * time.Hour
)

// Refusals of refresh tokens.
var (
	ErrTokenUnknown = errors.New("refresh token is not known")
	ErrTokenExpired = errors.New("refresh token has expired")
	// ErrTokenFixedExpired is ErrTokenExpired of a token whose life renewals inherit.
	ErrTokenFixedExpired = errors.New("refresh token of a browser client has expired")
	ErrTokenRevoked      = errors.New("refresh token was revoked")
	ErrTokenReused       = errors.New("refresh token was used before")
)

// refreshPrefix marks refresh tokens, as Entra's begin with a version and a dot.
const refreshPrefix = "1.A"

// newToken returns a token of a family with 32 random bytes.
func newToken(family guid.GUID) string {
	var raw [48]byte
	copy(raw[:], family[:])
	rand.Read(raw[16:])
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

// familyOf reads the family that a token claims to be of.
func familyOf(token string) (string, bool) {
	body, ok := strings.CutPrefix(token, refreshPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if !ok || err != nil || len(raw) != 48 {
		return "", false
	}
	return guid.GUID(raw[:16]).String(), true
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// IssueRefreshToken begins a family and returns its first token; Family and Expires are set here.
func (d *Directory) IssueRefreshToken(ctx context.Context, t RefreshToken) (token string, err error) {
	err = d.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		token, err = d.beginFamily(tx, guid.New(), t)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("issue refresh token: %w", err)
	}
	return token, nil
}

// beginFamily inserts the first token of a family and returns it.
func (d *Directory) beginFamily(tx *sqldb.Tx, family guid.GUID, t RefreshToken) (string, error) {
	now := d.now()
	t.Family, t.Expires = family.String(), now.Add(refreshLife)
	if t.Fixed {
		t.Expires = now.Add(refreshLifeSPA)
	}
	// A token that is never used again goes when the next sign-in comes.
	if _, err := tx.Exec("DELETE FROM refresh_token WHERE expires < $1", micros(now)); err != nil {
		return "", err
	}
	token := newToken(family)
	return token, insertToken(tx, tokenHash(token), &t, now)
}

func insertToken(tx *sqldb.Tx, hash []byte, t *RefreshToken, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO refresh_token (hash, family, tenant, app_id, person, scopes, resource, amr, session, auth_time, issued, expires, fixed, replaced)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)`,
		hash, t.Family, t.Tenant, t.AppID, t.Person, t.Scopes, t.Resource, strings.Join(t.AMR, " "), t.Session, micros(t.AuthTime), micros(now), micros(t.Expires), flag(t.Fixed))
	return err
}

// LookRefreshToken reads what a refresh token stands for without using it.
// ErrTokenUnknown says nothing of its state: RotateRefreshToken does.
func (d *Directory) LookRefreshToken(ctx context.Context, token string) (*RefreshToken, error) {
	family, wellFormed := familyOf(token)
	if !wellFormed {
		return nil, ErrTokenUnknown
	}
	return readToken(d.db.QueryRow(ctx, selectToken, family, tokenHash(token)))
}

const (
	tokenColumns = "family, refresh_token.tenant, app_id, person, scopes, resource, amr, session, auth_time, expires, fixed, replaced"
	selectToken  = "SELECT " + tokenColumns + " FROM refresh_token WHERE family = $1 AND hash = $2"
	// selectTokenUser is the token and its person in one row; none when either is gone.
	selectTokenUser = "SELECT " + tokenColumns + ", " + userColumns + " FROM refresh_token JOIN person ON id = person WHERE family = $1 AND hash = $2"
)

// tokenRow receives tokenColumns.
type tokenRow struct {
	token                       RefreshToken
	amr                         string
	authTime, expires, replaced int64
}

func (r *tokenRow) fields() []any {
	t := &r.token
	return []any{&t.Family, &t.Tenant, &t.AppID, &t.Person, &t.Scopes, &t.Resource, &r.amr, &t.Session, &r.authTime, &r.expires, &t.Fixed, &r.replaced}
}

// read returns the token of the row, and when it was replaced, 0 while it is unused.
func (r *tokenRow) read() (t *RefreshToken, replaced int64) {
	t = &r.token
	t.AMR, t.AuthTime, t.Expires = strings.Fields(r.amr), fromMicros(r.authTime), fromMicros(r.expires)
	return t, r.replaced
}

// readToken reads a row of selectToken; ErrTokenUnknown when there is none.
func readToken(row interface{ Scan(...any) error }) (*RefreshToken, error) {
	var r tokenRow
	err := row.Scan(r.fields()...)
	if isNoRows(err) {
		return nil, ErrTokenUnknown
	}
	if err != nil {
		return nil, err
	}
	t, _ := r.read()
	return t, nil
}

// readTokenUser reads a token, when it was replaced, and its person; ErrTokenUnknown, or
// ErrTokenRevoked when only the person is gone.
func readTokenUser(tx *sqldb.Tx, family string, hash []byte) (t *RefreshToken, replaced int64, u *User, err error) {
	var token tokenRow
	var user userRow
	query := selectTokenUser
	if tx.Flavour() == sqldb.PostgreSQL {
		query += " FOR UPDATE OF refresh_token" // whoever else uses or revokes it waits; SQLite has one writer
	}
	err = tx.QueryRow(query, family, hash).Scan(append(token.fields(), user.fields()...)...)
	if isNoRows(err) {
		if _, err := readToken(tx.QueryRow(selectToken, family, hash)); err != nil {
			return nil, 0, nil, err
		}
		return nil, 0, nil, ErrTokenRevoked
	}
	if err != nil {
		return nil, 0, nil, err
	}
	t, replaced = token.read()
	u, err = user.read()
	return t, replaced, u, err
}

// RotateRefreshToken uses a refresh token and returns its successor, issued to
// appID, durably. The old token stays good for window after its first use;
// with window 0 a second use revokes the whole family. accept is asked with
// what was read, before anything is written, and may refuse with an error of
// its own; it may run more than once.
func (d *Directory) RotateRefreshToken(ctx context.Context, token, appID string, window time.Duration, accept func(*RefreshToken, *User) error) (successor string, err error) {
	claimed, wellFormed := familyOf(token)
	if !wellFormed {
		return "", ErrTokenUnknown
	}
	family, err := guid.Parse(claimed)
	if err != nil {
		return "", ErrTokenUnknown
	}
	hash := tokenHash(token)
	successor = newToken(family)
	successorHash := tokenHash(successor)
	now := d.now()
	var refused error // a refusal that writes something is committed
	err = d.db.Write(ctx, func(tx *sqldb.Tx) error {
		refused = nil
		old, replaced, user, err := readTokenUser(tx, claimed, hash)
		if errors.Is(err, ErrTokenUnknown) && window == 0 {
			// A token of this family that was swept: only who had one knows the family's name.
			refused = err
			return revokeFamily(tx, claimed, appID)
		}
		switch {
		case err != nil:
			return err
		case old.AuthTime.Before(user.TokensValidFrom):
			return ErrTokenRevoked
		case !user.Enabled:
			return ErrDisabled
		case replaced != 0 && window == 0:
			if err := accept(old, user); err != nil {
				return err // another client's token: not this one's to revoke
			}
			refused = ErrTokenReused
			return revokeFamily(tx, old.Family, "")
		case replaced != 0 && now.UnixMicro() >= replaced+window.Microseconds():
			return ErrTokenReused
		case !now.Before(old.Expires) && old.Fixed:
			return ErrTokenFixedExpired
		case !now.Before(old.Expires):
			return ErrTokenExpired
		}
		if err := accept(old, user); err != nil {
			return err
		}
		next := *old
		next.AppID = appID
		if !old.Fixed {
			next.Expires = now.Add(refreshLife)
		}
		// A fixed token keeps its expiry when it is replaced too: successors inherit it.
		if replaced == 0 {
			_, err := tx.Exec("UPDATE refresh_token SET replaced = $3, expires = $4 WHERE family = $1 AND hash = $2",
				claimed, hash, micros(now), micros(keepReplaced(old, now, window)))
			if err != nil {
				return err
			}
		}
		return insertToken(tx, successorHash, &next, now)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return "", err
	}
	return successor, nil
}

// keepReplaced is until when a replaced token is remembered: its window, and at
// least a day, so that a reuse is told from a forgery.
func keepReplaced(old *RefreshToken, now time.Time, window time.Duration) time.Time {
	until := now.Add(max(window, 24*time.Hour))
	if old.Fixed || old.Expires.Before(until) {
		return old.Expires
	}
	return until
}

// revokeFamily ends a family; with appID set only tokens of that client.
func revokeFamily(tx *sqldb.Tx, family, appID string) error {
	query, args := "DELETE FROM refresh_token WHERE family = $1", []any{family}
	if appID != "" {
		query, args = query+" AND app_id = $2", append(args, appID)
	}
	// On PostgreSQL a renewal that it waited for may have left a successor, which only the next statement sees.
	for {
		res, err := tx.Exec(query, args...)
		if err := needRow(res, err, "refresh token", "of the family"); errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
