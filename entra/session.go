package entra

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Life of a browser session: a day where the browser forgets the cookie when
// it is closed, 90 days where the person chose to stay signed in.
const (
	sessionLife     = 24 * time.Hour
	sessionLifeLong = 90 * 24 * time.Hour
)

// BeginSession remembers that a person signed in with a browser and returns
// the cookie's value, what the sign-in is, and until when it holds.
func (d *Directory) BeginSession(ctx context.Context, u *User, amr []string, stay bool) (cookie string, s SignIn, expires time.Time, err error) {
	now := d.now()
	expires = now.Add(sessionLife)
	if stay {
		expires = now.Add(sessionLifeLong)
	}
	cookie = newCode()
	s = SignIn{Tenant: u.Tenant, Person: u.ID, Session: guid.New().String(), AuthTime: now, AMR: amr}
	err = d.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec("DELETE FROM browser_session WHERE expires < $1", micros(now)); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO browser_session (hash, id, tenant, person, amr, auth_time, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			tokenHash(cookie), s.Session, s.Tenant, s.Person, strings.Join(amr, " "), micros(now), micros(expires))
		return err
	})
	if err != nil {
		return "", SignIn{}, time.Time{}, fmt.Errorf("begin session: %w", err)
	}
	return cookie, s, expires, nil
}

// Session finds the sign-in behind a cookie, with the person as they are now.
// ErrNotFound: none, expired, revoked, or the person may not sign in any more.
func (d *Directory) Session(ctx context.Context, cookie string) (SignIn, *User, error) {
	var s SignIn
	var user *User
	err := d.db.View(ctx, func(tx *sqldb.Tx) error {
		var amr string
		var authTime, expires int64
		err := tx.QueryRow("SELECT id, tenant, person, amr, auth_time, expires FROM browser_session WHERE hash = $1", tokenHash(cookie)).
			Scan(&s.Session, &s.Tenant, &s.Person, &amr, &authTime, &expires)
		if isNoRows(err) || err == nil && d.now().UnixMicro() >= expires {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		s.AMR, s.AuthTime = strings.Fields(amr), fromMicros(authTime)
		if user, err = signedIn(tx, s); errors.Is(err, ErrTokenRevoked) || errors.Is(err, ErrDisabled) {
			return ErrNotFound
		}
		return err
	})
	if err != nil {
		return SignIn{}, nil, fmt.Errorf("session: %w", err)
	}
	return s, user, nil
}

// EndSession forgets the session behind a cookie; tokens live on.
func (d *Directory) EndSession(ctx context.Context, cookie string) error {
	return d.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("DELETE FROM browser_session WHERE hash = $1", tokenHash(cookie))
		return err
	})
}
