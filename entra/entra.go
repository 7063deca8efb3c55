package entra

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/internal/sealed"
	"hma/internal/sqldb"
)

// Options are what a Directory is given by the wiring.
type Options struct {
	Now func() time.Time // the one clock; required
	Key *sealed.Key      // seals signing keys and flow state; required
	Log *slog.Logger     // nil discards
	// PasswordCost is bcrypt's cost; 0 means 10, some 50 ms a check.
	PasswordCost int
}

// Directory is one cloud's state in one database. It is safe for concurrent use.
type Directory struct {
	db  *sqldb.DB
	now func() time.Time
	key *sealed.Key
	log *slog.Logger

	passwordCost int

	snapshot atomic.Pointer[Snapshot]
	reload   sync.Mutex    // held while a new snapshot is read
	checked  atomic.Int64  // when the generation was last compared, Unix microseconds
	checks   chan struct{} // bounds password checks that run at once
	pairwise []byte        // key of pairwise subjects
	decoy    string        // a bcrypt hash that nothing matches, so that an unknown person costs the same
}

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("already exists")
	ErrInvalid  = errors.New("invalid value")
)

// pollEvery is how long a snapshot is trusted before the generation row is
// asked whether another process has written.
const pollEvery = time.Second

// Open brings the tables in db to the newest version, makes the first signing
// keys when there are none, and reads the configuration. The caller keeps db
// open for as long as the Directory is used and closes it.
func Open(ctx context.Context, db *sqldb.DB, o Options) (*Directory, error) {
	if o.Now == nil || o.Key == nil {
		return nil, errors.New("open directory: a clock and a key are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.PasswordCost == 0 {
		o.PasswordCost = bcrypt.DefaultCost
	}
	d := &Directory{db: db, now: o.Now, key: o.Key, log: o.Log, passwordCost: o.PasswordCost, checks: make(chan struct{}, max(1, runtime.GOMAXPROCS(0))),
		pairwise: o.Key.Derive("entra pairwise subject", 32)}
	if err := db.Migrate(ctx, "entra", schema); err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	var err error
	if d.decoy, err = d.newDecoy(); err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	if err := d.ensureKeys(ctx); err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	if err := d.refresh(ctx); err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	return d, nil
}

// Seal encrypts state that a browser carries for the token service (sign-in
// flows). The purpose separates the uses.
func (d *Directory) Seal(purpose string, plain []byte) []byte {
	return d.key.Seal("entra "+purpose, plain)
}

// OpenSealed decrypts what Seal made for the same purpose.
func (d *Directory) OpenSealed(purpose string, box []byte) ([]byte, error) {
	return d.key.Open("entra "+purpose, box)
}

// Subject returns the pairwise subject of a person towards one application: 43
// characters that two applications cannot compare (OpenID Connect Core 8.1).
func (d *Directory) Subject(appID, person string) string {
	mac := hmac.New(sha256.New, d.pairwise)
	mac.Write([]byte(appID + "/" + person))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// configure runs a write that changes what a Snapshot holds and moves the
// generation with it, in one transaction; then it takes up the new state.
func (d *Directory) configure(ctx context.Context, fn func(*sqldb.Tx) error) error {
	err := d.db.Write(ctx, func(tx *sqldb.Tx) error {
		// First, so that two writers of configuration take turns on PostgreSQL too.
		if _, err := tx.Exec("UPDATE generation SET value = value + 1 WHERE id = 1"); err != nil {
			return err
		}
		return fn(tx)
	})
	if err != nil {
		return err
	}
	return d.refresh(ctx)
}

// micros is a time as the database holds it.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
