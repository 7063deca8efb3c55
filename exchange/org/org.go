package org

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hma/internal/sealed"
	"hma/internal/sqldb"
	"hma/wire/ntlm"
)

// Kinds of refusal. The cmdlets turn them into error records.
var (
	// ErrNotFound says that no object or person has the identity.
	ErrNotFound = errors.New("no such object")
	// ErrExists says that another object of the class has the name.
	ErrExists = errors.New("an object with this name exists")
	// ErrPassword is the one answer to a wrong password, an unknown, an ambiguous and a disabled user.
	ErrPassword = errors.New("unknown user or wrong password")
)

// RuleError is a refusal by a rule of the organisation, in words for the administrator.
type RuleError struct {
	Message string
}

// Error returns the message.
func (e *RuleError) Error() string { return e.Message }

func refuse(format string, args ...any) error { return &RuleError{fmt.Sprintf(format, args...)} }

// Options are what an organisation needs from the wiring.
type Options struct {
	// Now is the wiring's clock; required.
	Now func() time.Time
	// Log takes what happens in the background; nil discards it.
	Log *slog.Logger
	// PickUp is how often the version row is polled, and so how long a server may take to run a
	// changed configuration. 0 means one second.
	PickUp time.Duration
	// Key seals private keys and password hashes; required.
	Key *sealed.Key
	// PasswordCost is bcrypt's cost; 0 means 10.
	PasswordCost int
	// InstallPath returns the folder that is a server's ExchangeInstallPath, where its web.config files lie, "" for a
	// server without one; nil means that none has one.
	InstallPath func(server string) string
}

// Organization is the on-premises organisation in its database. It is safe for
// concurrent use; several processes may open the same database.
type Organization struct {
	db   *sqldb.DB
	opts Options

	people atomic.Int64                  // newest people version seen
	kept   atomic.Pointer[Configuration] // a committed configuration, which nobody changes; nil before it is first read
	stop   context.CancelFunc
	ctx    context.Context
	polled sync.WaitGroup

	mu      sync.Mutex
	servers map[*ServerConfig]bool

	passwords chan struct{} // a slot for each password that is checked at the same time
	decoy     []byte        // a hash that no password matches, checked where there is none
	decoyNT   []byte        // and a sealed NT hash that nobody can know
}

var steps = []string{`
CREATE TABLE version (id INTEGER PRIMARY KEY, config BIGINT NOT NULL, people BIGINT NOT NULL, rid BIGINT NOT NULL);
INSERT INTO version (id, config, people, rid) VALUES (1, 1, 1, 1103);

CREATE TABLE config (
	class   TEXT NOT NULL,
	guid    TEXT NOT NULL,
	name    TEXT NOT NULL,
	body    TEXT NOT NULL,
	created BIGINT NOT NULL,
	changed BIGINT NOT NULL,
	PRIMARY KEY (class, guid)
);
CREATE UNIQUE INDEX config_name ON config (class, name);

CREATE TABLE live (
	server  TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	taken   BIGINT NOT NULL,
	body    TEXT NOT NULL
);

CREATE TABLE metadata_fetched (auth_server TEXT PRIMARY KEY, fetched BIGINT NOT NULL);

CREATE TABLE certificate_key (thumbprint TEXT PRIMARY KEY, sealed {{blob}} NOT NULL);

CREATE TABLE person (
	guid      TEXT {{search}} PRIMARY KEY,
	sid       TEXT NOT NULL,
	upn       TEXT NOT NULL,
	sam       TEXT NOT NULL,
	mailbox   TEXT NOT NULL,
	object_id TEXT NOT NULL,
	display   TEXT {{search}} NOT NULL,
	body      TEXT NOT NULL,
	created   BIGINT NOT NULL,
	changed   BIGINT NOT NULL
);
CREATE UNIQUE INDEX person_sid ON person (sid);
CREATE INDEX person_upn ON person (upn);
CREATE INDEX person_sam ON person (sam);
CREATE INDEX person_mailbox ON person (mailbox);
CREATE INDEX person_object ON person (object_id);
CREATE INDEX person_display ON person (display, guid);

CREATE TABLE person_address (person TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (person, address));
CREATE INDEX person_address_address ON person_address (address);

CREATE TABLE person_password (
	person  TEXT PRIMARY KEY,
	hash    {{blob}} NOT NULL,
	pph1    {{blob}} NOT NULL,
	changed BIGINT NOT NULL
);
`, `
ALTER TABLE live ADD COLUMN overrides TEXT NOT NULL DEFAULT '[]';
`, `
CREATE TABLE admin_audit (guid TEXT PRIMARY KEY, run BIGINT NOT NULL, body TEXT NOT NULL);
CREATE INDEX admin_audit_run ON admin_audit (run, guid);
`, `
ALTER TABLE person ADD COLUMN master_sid TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN master_account TEXT NOT NULL DEFAULT '';
CREATE INDEX person_master_sid ON person (master_sid);
CREATE INDEX person_master_account ON person (master_account);
`, `
ALTER TABLE person_password ADD COLUMN nt {{blob}};
`, `
CREATE TABLE group_member (grp TEXT {{search}} NOT NULL, member TEXT {{search}} NOT NULL, PRIMARY KEY (grp, member));
CREATE INDEX group_member_member ON group_member (member, grp);
`, `
CREATE TABLE mapped (trustee TEXT {{search}} NOT NULL, person TEXT {{search}} NOT NULL, PRIMARY KEY (trustee, person));
CREATE INDEX mapped_person ON mapped (person);
`, `
CREATE TABLE person_photo (person TEXT PRIMARY KEY, photo {{blob}} NOT NULL, changed BIGINT NOT NULL);
`}

// Open migrates db and returns the organisation in it. An empty database is an
// organisation without a name until CreateOrganization. The caller keeps db and
// closes it after Close.
func Open(ctx context.Context, db *sqldb.DB, opts Options) (*Organization, error) {
	if opts.Now == nil || opts.Key == nil {
		return nil, errors.New("open organisation: a clock and a key are required")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.PickUp <= 0 {
		opts.PickUp = time.Second
	}
	if opts.PasswordCost == 0 {
		opts.PasswordCost = 10
	}
	if err := db.Migrate(ctx, "org", steps); err != nil {
		return nil, fmt.Errorf("open organisation: %w", err)
	}
	o := &Organization{db: db, opts: opts, servers: make(map[*ServerConfig]bool),
		passwords: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))}
	decoy, err := o.hash("")
	if err != nil {
		return nil, fmt.Errorf("open organisation: %w", err)
	}
	o.decoy = decoy
	unknown := make([]byte, len(ntlm.Hash{}))
	rand.Read(unknown)
	o.decoyNT = opts.Key.Seal(ntPurpose, unknown)
	if _, err := o.versions(ctx); err != nil {
		return nil, fmt.Errorf("open organisation: %w", err)
	}
	if err := o.completeStock(ctx); err != nil {
		return nil, fmt.Errorf("open organisation: %w", err)
	}
	o.ctx, o.stop = context.WithCancel(context.WithoutCancel(ctx))
	o.polled.Go(o.poll)
	return o, nil
}

// Close ends the polling. Snapshots that were published stay valid.
func (o *Organization) Close() {
	o.stop()
	o.polled.Wait()
}

// versions reads the version row, and remembers the people's part.
func (o *Organization) versions(ctx context.Context) (config int64, err error) {
	var people int64
	if err := o.db.QueryRow(ctx, "SELECT config, people FROM version WHERE id = 1").Scan(&config, &people); err != nil {
		return 0, fmt.Errorf("read version: %w", err)
	}
	o.sawPeople(people)
	return config, nil
}

// sawPeople keeps the newest people version: a poll may report an older one late.
func (o *Organization) sawPeople(version int64) {
	for {
		old := o.people.Load()
		if version <= old || o.people.CompareAndSwap(old, version) {
			return
		}
	}
}

// Version returns the configuration's version row.
func (o *Organization) Version(ctx context.Context) (int64, error) { return o.versions(ctx) }

// PeopleVersion returns the version of people and policies: it has moved when a
// cache of either must be emptied. It costs one atomic read; writes of this
// process show at once, those of another within Options.PickUp.
func (o *Organization) PeopleVersion() int64 { return o.people.Load() }

// poll watches the version row for all server handles of this process, and the date on
// which a staged OAuth certificate takes effect.
func (o *Organization) poll() {
	tick := time.NewTicker(o.opts.PickUp)
	defer tick.Stop()
	for {
		select {
		case <-o.ctx.Done():
			return
		case <-tick.C:
		}
		version, err := o.versions(o.ctx)
		if err != nil {
			if o.ctx.Err() == nil {
				o.opts.Log.Error("configuration version not read", "error", err)
			}
			continue
		}
		for _, s := range o.handles() {
			if s.behind(version) || s.fileChanged() {
				if err := s.Refresh(o.ctx); err != nil && o.ctx.Err() == nil {
					o.opts.Log.Error("configuration not taken up", "server", s.name, "error", err)
				}
			}
		}
		o.rollCertificate()
	}
}

func (o *Organization) handles() []*ServerConfig {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]*ServerConfig, 0, len(o.servers))
	for s := range o.servers {
		list = append(list, s)
	}
	return list
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
