package org

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/bcrypt"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/ntlm"
)

const (
	// passwordPurpose is what PPH1 strings are sealed for.
	passwordPurpose = "org password"
	// ntPurpose is what NT hashes are sealed for.
	ntPurpose = "org nt hash"
	// longestPassword is Windows' limit in characters, here in bytes of UTF-8 with room to spare.
	longestPassword = 1024
)

// SetPassword records the person's password: a bcrypt hash for signing in here, the
// salted PPH1 string that password hash synchronisation copies, sealed, and, while a
// virtual directory takes NTLM, the NT hash, sealed.
func (o *Organization) SetPassword(ctx context.Context, id guid.GUID, password string) error {
	p, err := o.newPassword(password)
	if err != nil {
		return err
	}
	var people int64
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		var there int
		if err := tx.QueryRow("SELECT count(*) FROM person WHERE guid = $1", id.String()).Scan(&there); err != nil {
			return err
		}
		if there == 0 {
			return fmt.Errorf("recipient %s: %w", id, ErrNotFound)
		}
		if people, err = movePeople(tx); err != nil {
			return err
		}
		windows, err := o.windows(tx)
		if err != nil {
			return err
		}
		return o.writePassword(tx, id, p, windows)
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	o.sawPeople(people)
	return nil
}

// password is a new password as it is kept.
type password struct{ hash, pph1, nt []byte }

// newPassword hashes a password, which is slow, and seals what is kept of it beside the hash.
func (o *Organization) newPassword(text string) (password, error) {
	if text == "" || len(text) > longestPassword {
		return password{}, refuse("A password has 1 to %d bytes.", longestPassword)
	}
	hash, err := o.hash(text)
	if err != nil {
		return password{}, fmt.Errorf("set password: %w", err)
	}
	salt := make([]byte, 10)
	rand.Read(salt)
	pph1, err := PPH1(text, salt)
	if err != nil {
		return password{}, fmt.Errorf("set password: %w", err)
	}
	return password{hash, o.opts.Key.Seal(passwordPurpose, []byte(pph1)), o.sealNT(text)}, nil
}

// writePassword writes the person's password; the NT hash only where a virtual directory takes NTLM, that is windows.
func (o *Organization) writePassword(tx *sqldb.Tx, id guid.GUID, p password, windows bool) error {
	if !windows {
		p.nt = nil
	}
	_, err := tx.Exec(`INSERT INTO person_password (person, hash, pph1, nt, changed) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, pph1 = excluded.pph1, nt = excluded.nt, changed = excluded.changed`,
		id.String(), p.hash, p.pph1, p.nt, micros(o.opts.Now()))
	return err
}

func (o *Organization) sealNT(password string) []byte {
	hash := ntlm.HashPassword(password)
	return o.opts.Key.Seal(ntPurpose, hash[:])
}

// VerifyPassword returns the enabled person whom login names, as UPN, DOMAIN\account or
// account, when the password is hers; otherwise ErrPassword, whatever was
// wrong. One bcrypt check is made in every case, so that the time tells nothing, and only
// as many at once as there are processors; whoever waits longer than ctx gets its error.
//
// A right password makes the NT hash again where it is wanted and missing: a directory of
// an older program has none, and none is kept while no virtual directory takes NTLM.
func (o *Organization) VerifyPassword(ctx context.Context, login, password string) (*Recipient, error) {
	found, err := o.byLogin(ctx, login)
	if err != nil {
		return nil, err
	}
	// Whether somebody was found, the same statements run.
	var id guid.GUID
	if len(found) == 1 {
		id = found[0].GUID
	}
	var hash []byte
	var hasNT bool
	err = o.db.QueryRow(ctx, "SELECT hash, nt IS NOT NULL FROM person_password WHERE person = $1", id.String()).Scan(&hash, &hasNT)
	if errors.Is(err, sql.ErrNoRows) {
		hash = o.decoy
	} else if err != nil {
		return nil, fmt.Errorf("verify password: %w", err)
	}
	select {
	case o.passwords <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("verify password: %w", context.Cause(ctx))
	}
	defer func() { <-o.passwords }()
	matches := bcrypt.CompareHashAndPassword(hash, squeeze(password)) == nil
	if !matches || len(found) != 1 || !found[0].Active() || password == "" || len(password) > longestPassword {
		return nil, ErrPassword
	}
	if !hasNT {
		if err := o.keepNT(ctx, id, hash, password); err != nil {
			o.opts.Log.Error("NT hash not kept", "error", err) // signing in by NTLM has to wait, this sign-in has not
		}
	}
	return found[0], nil
}

// keepNT keeps the NT hash of a password that is known to be right, if a virtual
// directory takes NTLM and the password has not changed since.
func (o *Organization) keepNT(ctx context.Context, id guid.GUID, hash []byte, password string) error {
	c, err := o.Configuration(ctx)
	if err != nil || !c.windows() {
		return err
	}
	box := o.sealNT(password)
	return o.db.Write(ctx, func(tx *sqldb.Tx) error {
		if windows, err := o.windows(tx); err != nil || !windows {
			return err
		}
		_, err := tx.Exec("UPDATE person_password SET nt = $1 WHERE person = $2 AND hash = $3", box, id.String(), hash)
		return err
	})
}

// VerifyNT returns the person whom login names, as VerifyPassword does, when check
// takes the NT hash of her password; otherwise ErrPassword, whatever was wrong. check runs
// once in every case, for nobody with a hash that no password has.
func (o *Organization) VerifyNT(ctx context.Context, login string, check func(ntlm.Hash) bool) (*Recipient, error) {
	found, err := o.byLogin(ctx, login)
	if err != nil {
		return nil, err
	}
	var id guid.GUID
	if len(found) == 1 {
		id = found[0].GUID
	}
	var box []byte
	err = o.db.QueryRow(ctx, "SELECT nt FROM person_password WHERE person = $1", id.String()).Scan(&box)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("verify NT hash: %w", err)
	}
	known := box != nil
	if !known {
		box = o.decoyNT
	}
	plain, err := o.opts.Key.Open(ntPurpose, box)
	if err != nil {
		return nil, fmt.Errorf("verify NT hash of %s: %w", id, err)
	}
	if len(plain) != len(ntlm.Hash{}) {
		return nil, fmt.Errorf("verify NT hash of %s: it has %d bytes", id, len(plain))
	}
	if !check(ntlm.Hash(plain)) || !known || !found[0].Active() {
		return nil, ErrPassword
	}
	return found[0], nil
}

// byLogin finds the people whom a login name may mean: DOMAIN\account, where the domain
// is the directory's by its NetBIOS or DNS name or empty, a UPN, or an account alone.
func (o *Organization) byLogin(ctx context.Context, login string) ([]*Recipient, error) {
	domain, account, ok := strings.Cut(login, `\`)
	if !ok {
		domain, account = "", login
	}
	if domain == "" && strings.Contains(account, "@") {
		return o.ByUPN(ctx, account)
	}
	c, err := o.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	if domain != "" && !strings.EqualFold(domain, c.Org.NetBIOS()) && !strings.EqualFold(domain, c.Org.Domain) {
		// The account of another forest: its owner's password lies beside the linked mailbox.
		return o.people1(ctx, "SELECT body, created, changed FROM person WHERE master_account = $1", asciiLower(login))
	}
	return o.bySAM(ctx, account)
}

// PasswordHash returns the PPH1 string that synchronisation copies and when the
// password was set, or ErrNotFound while there is none.
func (o *Organization) PasswordHash(ctx context.Context, id guid.GUID) (pph1 string, changed time.Time, err error) {
	var box []byte
	var at int64
	err = o.db.QueryRow(ctx, "SELECT pph1, changed FROM person_password WHERE person = $1", id.String()).Scan(&box, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return "", time.Time{}, fmt.Errorf("password of %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("password of %s: %w", id, err)
	}
	plain, err := o.opts.Key.Open(passwordPurpose, box)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("password of %s: %w", id, err)
	}
	return string(plain), fromMicros(at), nil
}

// PasswordChanged returns when the person's password was set, or ErrNotFound while there is none.
func (o *Organization) PasswordChanged(ctx context.Context, id guid.GUID) (time.Time, error) {
	var at int64
	err := o.db.QueryRow(ctx, "SELECT changed FROM person_password WHERE person = $1", id.String()).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("password of %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("password of %s: %w", id, err)
	}
	return fromMicros(at), nil
}

func (o *Organization) hash(password string) ([]byte, error) {
	return bcrypt.GenerateFromPassword(squeeze(password), o.opts.PasswordCost)
}

// squeeze brings a password of any length under bcrypt's 72 bytes, without the zero bytes at which bcrypt would stop.
func squeeze(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}

// pph1Iterations is the count that Microsoft documents for password hash synchronisation.
const pph1Iterations = 1000

// PPH1 returns the string that password hash synchronisation sends for a password
// and a salt of 10 bytes: PBKDF2-HMAC-SHA256, 1000 iterations, 32 bytes, over the
// UTF-16LE text of the NT hash in upper-case hexadecimal ("Implement password hash
// synchronization with Microsoft Entra Connect Sync", how it works in detail).
func PPH1(password string, salt []byte) (string, error) {
	nt := ntlm.HashPassword(password)
	secret := utf16le(strings.ToUpper(hex.EncodeToString(nt[:])))
	key, err := pbkdf2.Key(sha256.New, string(secret), salt, pph1Iterations, 32)
	if err != nil {
		return "", fmt.Errorf("PPH1: %w", err)
	}
	return fmt.Sprintf("v1;PPH1_MD4,%x,%d,%x;", salt, pph1Iterations, key), nil
}

func utf16le(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}
