package entra

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/internal/sqldb"
)

// MaxPassword is how many bytes of a password are looked at before it is refused as wrong.
const MaxPassword = 256

// record is a password at rest. A cloud-only password is bcrypt over its
// SHA-256 (bcrypt alone reads 72 bytes). A synchronised one is bcrypt over the
// PPH1 hash, with PPH1's salt and iterations beside it: the copied hash is a
// thousand rounds over an unsalted one, too little to lie in a database bare.
// Both kinds cost the same to check, so time does not tell them apart.
type record struct {
	none       bool
	salt       []byte // PPH1's; empty for a cloud-only password
	iterations int
	hash       string
}

func (d *Directory) newRecord(s Secret) (record, error) {
	var r record
	var digest []byte
	switch {
	case s.PPH1 != "" && s.Password != "":
		return r, fmt.Errorf("a password and a synchronised hash: %w", ErrInvalid)
	case s.PPH1 != "":
		p, err := parsePPH1(s.PPH1)
		if err != nil {
			return r, err
		}
		r.salt, r.iterations, digest = p.salt, p.iterations, p.hash
	case s.Password != "":
		if len(s.Password) > MaxPassword {
			return r, fmt.Errorf("password longer than %d bytes: %w", MaxPassword, ErrInvalid)
		}
		digest = cloudDigest(s.Password)
	default:
		return record{none: true}, nil
	}
	hash, err := bcrypt.GenerateFromPassword(encodeDigest(digest), d.passwordCost)
	r.hash = string(hash)
	return r, err
}

func (d *Directory) newDecoy() (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), d.passwordCost)
	return string(hash), err
}

func cloudDigest(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return sum[:]
}

// encodeDigest keeps zero bytes away from bcrypt.
func encodeDigest(digest []byte) []byte {
	return base64.RawStdEncoding.AppendEncode(nil, digest)
}

func (r record) write(tx *sqldb.Tx, person string, now time.Time) error {
	if r.none {
		_, err := tx.Exec("DELETE FROM password WHERE person = $1", person)
		return err
	}
	_, err := tx.Exec(`INSERT INTO password (person, salt, iterations, hash, changed) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person) DO UPDATE SET salt = excluded.salt, iterations = excluded.iterations, hash = excluded.hash, changed = excluded.changed`,
		person, r.salt, r.iterations, r.hash, micros(now))
	return err
}

func (r record) match(password string) bool {
	p := pph1{salt: r.salt, iterations: r.iterations}
	if len(r.salt) == 0 {
		// A cloud-only person, or nobody: derived for the time that it takes.
		p = pph1{salt: make([]byte, 10), iterations: 1000}
	}
	digest := p.derive(password)
	if len(r.salt) == 0 {
		digest = cloudDigest(password)
	}
	return bcrypt.CompareHashAndPassword([]byte(r.hash), encodeDigest(digest)) == nil
}

// SetPassword replaces a person's password. A changed password ends the refresh
// tokens that the old one opened; a synchronised hash leaves sessions alone.
func (d *Directory) SetPassword(ctx context.Context, id string, s Secret) error {
	r, err := d.newRecord(s)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return d.db.Write(ctx, func(tx *sqldb.Tx) error {
		if s.PPH1 == "" {
			res, err := tx.Exec("UPDATE person SET tokens_valid_from = $2 WHERE id = $1", id, micros(d.now()))
			if err := needRow(res, err, "user", id); err != nil {
				return err
			}
		}
		return r.write(tx, id, d.now())
	})
}

// Refusals of a sign-in. ErrBadPassword stands for an unknown person too.
var (
	ErrBadPassword = errors.New("wrong user name or password")
	ErrLocked      = errors.New("too many wrong passwords: locked for a while")
	ErrDisabled    = errors.New("account is disabled")
)

// CheckPassword verifies a password and returns the person. It takes the same
// time whether the person exists or not, and tells of a disabled account only
// to who knows its password. At most one check per processor runs at once;
// others wait until ctx ends.
//
// Smart lockout: after 10 wrong passwords a name is locked for a minute, then
// for twice as long each time; the same wrong password again does not count.
// Unknown names lock too, so that a lock is no answer either.
func (d *Directory) CheckPassword(ctx context.Context, tenant, upn, password string) (*User, error) {
	name := tenant + "/" + foldUPN(upn)
	if len(upn) > 320 || len(password) > MaxPassword || password == "" {
		return nil, ErrBadPassword
	}
	failed, err := d.failures(ctx, name)
	if err != nil {
		return nil, err
	}
	if failed.lockedUntil > d.now().UnixMicro() {
		return nil, ErrLocked
	}
	user, err := d.UserByUPN(ctx, tenant, upn)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	r := record{hash: d.decoy}
	person := ""
	if user != nil {
		person = user.ID
	}
	// Asked for nobody too: an unknown name costs the same statements.
	err = d.db.QueryRow(ctx, "SELECT salt, iterations, hash FROM password WHERE person = $1", person).Scan(&r.salt, &r.iterations, &r.hash)
	if err != nil && !isNoRows(err) {
		return nil, fmt.Errorf("read password: %w", err)
	}
	known := err == nil
	select {
	case d.checks <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	good := r.match(password) && known
	<-d.checks
	if !good {
		if err := d.recordFailure(ctx, name, password); err != nil {
			return nil, err
		}
		return nil, ErrBadPassword
	}
	if failed.failures > 0 {
		if err := d.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec("DELETE FROM signin_failure WHERE name = $1", name)
			return err
		}); err != nil {
			return nil, err
		}
	}
	if !user.Enabled {
		return nil, ErrDisabled
	}
	return user, nil
}

// Smart lockout's figures.
const (
	lockAfter   = 10
	lockFirst   = time.Minute
	lockLongest = time.Hour
	lockMemory  = 24 * time.Hour // a name without failures for so long is forgotten
)

type failures struct {
	failures    int
	lastBad     []byte
	lockedUntil int64
}

func (d *Directory) failures(ctx context.Context, name string) (failures, error) {
	var f failures
	err := d.db.QueryRow(ctx, "SELECT failures, last_bad, locked_until FROM signin_failure WHERE name = $1", name).Scan(&f.failures, &f.lastBad, &f.lockedUntil)
	if isNoRows(err) {
		err = nil
	}
	return f, err
}

func (d *Directory) recordFailure(ctx context.Context, name, password string) error {
	mac := hmac.New(sha256.New, d.key.Derive("entra last wrong password", 32))
	mac.Write([]byte(name + "\x00" + password))
	bad := mac.Sum(nil)
	return d.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := d.now()
		var f failures
		err := tx.QueryRow("SELECT failures, last_bad, locked_until FROM signin_failure WHERE name = $1", name).Scan(&f.failures, &f.lastBad, &f.lockedUntil)
		if err != nil && !isNoRows(err) {
			return err
		}
		if hmac.Equal(f.lastBad, bad) {
			return nil
		}
		f.failures++
		if over := f.failures - lockAfter; over >= 0 {
			lock := lockLongest
			if over < 6 {
				lock = lockFirst << over
			}
			f.lockedUntil = now.Add(lock).UnixMicro()
		}
		if _, err := tx.Exec("DELETE FROM signin_failure WHERE at < $1", now.Add(-lockMemory).UnixMicro()); err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO signin_failure (name, failures, last_bad, locked_until, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, last_bad = excluded.last_bad, locked_until = excluded.locked_until, at = excluded.at`,
			name, f.failures, bad, f.lockedUntil, now.UnixMicro())
		return err
	})
}
