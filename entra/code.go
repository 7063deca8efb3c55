package entra

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Code is what an authorization code stands for.
type Code struct {
	SignIn
	Family          string // of the refresh tokens that it may give
	AppID           string
	RedirectURI     string
	RedirectType    RedirectType
	Scopes          string // as asked for at authorize, separated by spaces
	Resource        string // v1's resource, may be empty
	Nonce           string
	Challenge       string // PKCE, RFC 7636; empty without
	ChallengeMethod string // S256 or plain
}

// codeLife is how long a code may be redeemed.
const codeLife = 10 * time.Minute

// Refusals of authorization codes and device codes.
var (
	ErrCodeUnknown  = errors.New("code is not known")
	ErrCodeExpired  = errors.New("code has expired")
	ErrCodeRedeemed = errors.New("code was redeemed before")
)

func newCode() string {
	var raw [48]byte
	rand.Read(raw[:])
	return "1.A" + base64.RawURLEncoding.EncodeToString(raw[:])
}

// IssueCode stores c for ten minutes and returns the code; it sets c's Family.
func (d *Directory) IssueCode(ctx context.Context, c Code) (string, error) {
	c.Family = guid.New().String()
	body, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("issue code: %w", err)
	}
	code := newCode()
	now := d.now()
	err = d.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec("DELETE FROM authorization_code WHERE expires < $1", micros(now.Add(-codeLife))); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO authorization_code (hash, body, family, redeemed, expires) VALUES ($1, $2, $3, 0, $4)",
			tokenHash(code), string(body), c.Family, micros(now.Add(codeLife)))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("issue code: %w", err)
	}
	return code, nil
}

// RedeemCode uses a code once and returns the refresh token that comes of it, "" for
// none. accept is asked with what the code stands for and returns what the token shall be of
// the code's family, nil for none. It may refuse with an error of its own, which leaves
// the code good (a thief without the verifier must not be able to spend it), and may run more than
// once. A second redemption is ErrCodeRedeemed and revokes the refresh tokens that the first one gave.
func (d *Directory) RedeemCode(ctx context.Context, code string, accept func(*Code, *User) (*RefreshToken, error)) (refresh string, err error) {
	hash := tokenHash(code)
	now := d.now()
	var refused error
	err = d.db.Write(ctx, func(tx *sqldb.Tx) error {
		refresh, refused = "", nil
		var body string
		var redeemed, expires int64
		err := tx.QueryRow("SELECT body, redeemed, expires FROM authorization_code WHERE hash = $1", hash).Scan(&body, &redeemed, &expires)
		if isNoRows(err) {
			return ErrCodeUnknown
		}
		if err != nil {
			return err
		}
		c := new(Code)
		if err := json.Unmarshal([]byte(body), c); err != nil {
			return err
		}
		again := func() error {
			refused = ErrCodeRedeemed
			return revokeFamily(tx, c.Family, "")
		}
		if redeemed != 0 {
			return again()
		}
		if now.UnixMicro() >= expires {
			return ErrCodeExpired
		}
		u, err := signedIn(tx, c.SignIn)
		if err != nil {
			return err
		}
		t, err := accept(c, u)
		if err != nil {
			return err
		}
		// The condition makes one of two at the same moment win on PostgreSQL too.
		res, err := tx.Exec("UPDATE authorization_code SET redeemed = $2 WHERE hash = $1 AND redeemed = 0", hash, micros(now))
		if err := needRow(res, err, "code", "redeemed"); errors.Is(err, ErrNotFound) {
			return again()
		} else if err != nil {
			return err
		}
		if t == nil {
			return nil
		}
		// In the same transaction: a second redemption finds the token, and revokes it.
		family, err := guid.Parse(c.Family)
		if err != nil {
			return err
		}
		refresh, err = d.beginFamily(tx, family, *t)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return "", err
	}
	return refresh, nil
}

// signedIn reads the person of a sign-in that must still hold.
func signedIn(tx *sqldb.Tx, s SignIn) (*User, error) {
	u, err := readUser(tx.QueryRow(selectUser+"WHERE id = $1", s.Person))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, ErrTokenRevoked
	case err != nil:
		return nil, err
	case !u.Enabled:
		return nil, ErrDisabled
	case s.AuthTime.Before(u.TokensValidFrom):
		return nil, ErrTokenRevoked
	}
	return u, nil
}
