package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"
)

// Flavour names the database family behind a DB.
type Flavour int

// The two families that one SQL text must run on.
const (
	SQLite Flavour = iota
	PostgreSQL
)

// String returns the family's name as a log shows it.
func (f Flavour) String() string {
	if f == PostgreSQL {
		return "PostgreSQL"
	}
	return "SQLite"
}

// readers is how many SQLite connections read beside the single writer.
const readers = 4

// How many KiB of pages a connection keeps at most. A reader's hold the upper pages of the
// trees of a large mailbox together with what is read again: with 2000 one of a thousand items among
// 100,000 took thirteen reads of the file, with 8000 one or two. All of a database keep some 34 MB at most.
const (
	writerCache = "&_pragma=cache_size(-2000)"
	readerCache = "&_pragma=cache_size(-8000)"
)

// DB is one open database. It is safe for concurrent use.
type DB struct {
	flavour Flavour
	read    *sql.DB
	write   *sql.DB
	name    string // the file's URL, of SQLite on disk

	queue   chan *pending // SQLite only: closures that wait for the writer
	stop    chan struct{}
	stopped sync.WaitGroup

	readStmts  statements
	writeStmts statements
}

// Open opens the database that url names and returns it ready for Migrate:
//
//	sqlite:PATH       a file, created when missing, in WAL mode, every commit durable
//	sqlite::memory:   a private database that ends with Close
//	postgres://...    PostgreSQL 15 or newer, as pgx reads the URL
//
// An unknown scheme, an unreadable file or a refused connection is an error that names the place.
func Open(ctx context.Context, url string) (*DB, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		return openSQLite(ctx, path)
	}
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return openPostgreSQL(ctx, url)
	}
	return nil, fmt.Errorf("open database %q: want sqlite:PATH, sqlite::memory: or postgres://", url)
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	// cell_size_check and trusted_schema=off: a database file is input too.
	const pragmas = "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)" +
		"&_pragma=trusted_schema(0)&_pragma=temp_store(MEMORY)"
	db := &DB{flavour: SQLite, queue: make(chan *pending, 256), stop: make(chan struct{})}
	var err error
	if path == ":memory:" {
		// One connection is the database: readers and the writer take turns.
		db.write, err = sql.Open("sqlite", "file::memory:?"+pragmas+writerCache)
		if err != nil {
			return nil, fmt.Errorf("open database in memory: %w", err)
		}
		db.write.SetMaxOpenConns(1)
		db.write.SetMaxIdleConns(1)
		db.read = db.write
	} else {
		// A new file is its owner's alone; what SQLite puts beside it has its mode.
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		name := fileURL(path)
		db.name = name
		if db.write, err = sql.Open("sqlite", name+"?_txlock=immediate&_pragma=journal_mode(WAL)&"+pragmas+writerCache); err != nil {
			return nil, fmt.Errorf("open database %s: %w", path, err)
		}
		db.write.SetMaxOpenConns(1)
		if db.read, err = sql.Open("sqlite", name+"?_pragma=query_only(1)&"+pragmas+readerCache); err != nil {
			return nil, fmt.Errorf("open database %s: %w", path, err)
		}
		db.read.SetMaxOpenConns(readers)
		db.read.SetMaxIdleConns(readers)
	}
	if err := db.write.PingContext(ctx); err != nil {
		db.closePools()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.stopped.Go(db.writer)
	return db, nil
}

// fileURL returns the path as SQLite takes it with options behind it.
func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
}

func openPostgreSQL(ctx context.Context, dsn string) (*DB, error) {
	shown := dsn
	if u, err := url.Parse(dsn); err == nil {
		shown = u.Redacted()
	}
	pool, err := sql.Open("pgx", dsn)
	if err == nil {
		err = pool.PingContext(ctx)
	}
	if err != nil {
		// The driver's text repeats the URL's parts, the password not among them.
		return nil, fmt.Errorf("open database %s: %w", shown, err)
	}
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	return &DB{flavour: PostgreSQL, read: pool, write: pool}, nil
}

// Flavour returns the database family.
func (db *DB) Flavour() Flavour { return db.flavour }

// Close waits for the writes that have begun and closes the database.
func (db *DB) Close() error {
	if db.stop != nil {
		close(db.stop)
		db.stopped.Wait()
	}
	return db.closePools()
}

func (db *DB) closePools() error {
	err := db.write.Close()
	if db.read != nil && db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	return err
}

// Query runs one reading statement outside a transaction. The caller closes the rows.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	cost := costOf(ctx)
	defer cost.read()()
	r, err := db.query(db.detach(ctx), query, args)
	return rows(r, err, cost)
}

func (db *DB) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if db.flavour == PostgreSQL {
		return db.read.QueryContext(ctx, query, args...)
	}
	stmt, err := db.readStmts.get(ctx, db.read, query)
	if err != nil {
		return nil, err
	}
	r, err := stmt.QueryContext(ctx, args...)
	if err != nil && db.readStmts.lookup(query) != stmt {
		return db.read.QueryContext(ctx, query, args...) // it was dropped and closed meanwhile
	}
	return r, err
}

// QueryRow runs one reading statement outside a transaction and returns its
// first row; Scan reports [sql.ErrNoRows] when there is none.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	defer costOf(ctx).read()()
	ctx = db.detach(ctx)
	if db.flavour == PostgreSQL {
		return db.read.QueryRowContext(ctx, query, args...)
	}
	stmt, err := db.readStmts.get(ctx, db.read, query)
	if err != nil {
		// The plain way reports the same error through Scan.
		return db.read.QueryRowContext(ctx, query, args...)
	}
	row := stmt.QueryRowContext(ctx, args...)
	if row.Err() != nil && db.readStmts.lookup(query) != stmt {
		return db.read.QueryRowContext(ctx, query, args...) // see Query
	}
	return row
}

// View runs fn in a read-only transaction: all its statements see one state.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	defer costOf(ctx).read()()
	ctx = db.detach(ctx)
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: db.flavour == PostgreSQL, Isolation: db.viewIsolation()})
	if err != nil {
		return fmt.Errorf("begin read: %w", err)
	}
	err = func() error {
		defer tx.Rollback() // nothing to keep; a panic must not keep the connection
		return fn(&Tx{ctx: ctx, tx: tx, stmts: &db.readStmts, flavour: db.flavour})
	}()
	db.readStmts.prepareWanted(ctx, db.read)
	return err
}

func (db *DB) viewIsolation() sql.IsolationLevel {
	if db.flavour == PostgreSQL {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// detach keeps a request's values but not its cancellation on SQLite: statements
// there are short, and the driver starts a goroutine for each one it could interrupt.
func (db *DB) detach(ctx context.Context) context.Context {
	if db.flavour == SQLite {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Tx is one transaction, valid until the closure that received it returns.
type Tx struct {
	ctx     context.Context
	tx      *sql.Tx
	stmts   *statements
	flavour Flavour
}

// Context returns the context that the transaction runs under.
func (t *Tx) Context() context.Context { return t.ctx }

// Flavour returns the database family, for the few statements that differ.
func (t *Tx) Flavour() Flavour { return t.flavour }

// Exec runs a statement that returns no rows.
func (t *Tx) Exec(query string, args ...any) (sql.Result, error) {
	stmt, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return t.tx.ExecContext(t.ctx, query, args...)
	}
	return stmt.ExecContext(t.ctx, args...)
}

// Query runs a statement that returns rows. The caller closes them before the next statement.
func (t *Tx) Query(query string, args ...any) (*Rows, error) {
	stmt, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	var r *sql.Rows
	if stmt == nil {
		r, err = t.tx.QueryContext(t.ctx, query, args...)
	} else {
		r, err = stmt.QueryContext(t.ctx, args...)
	}
	return rows(r, err, nil)
}

// QueryRow runs a statement that returns at most one row.
func (t *Tx) QueryRow(query string, args ...any) *sql.Row {
	if stmt, err := t.prepared(query); err == nil && stmt != nil {
		return stmt.QueryRowContext(t.ctx, args...)
	}
	return t.tx.QueryRowContext(t.ctx, query, args...)
}

// prepared returns the kept statement for query inside this transaction, or nil
// where the driver keeps statements by itself (pgx does).
func (t *Tx) prepared(query string) (*sql.Stmt, error) {
	if t.flavour == PostgreSQL {
		return nil, nil
	}
	if stmt := t.stmts.lookup(query); stmt != nil {
		return t.tx.StmtContext(t.ctx, stmt), nil
	}
	// A new text is prepared on the transaction's own connection: the pool may
	// have just that one. Preparing it for later turns happens after the commit.
	t.stmts.want(query)
	return nil, nil
}

// statements keeps prepared statements by their text. A package's set of texts
// is fixed, except for compiled searches; past the limit any other text is dropped.
type statements struct {
	mu     sync.RWMutex
	byText map[string]*sql.Stmt
	wanted map[string]bool
}

const maxStatements = 512

func (s *statements) lookup(query string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byText[query]
}

func (s *statements) get(ctx context.Context, pool *sql.DB, query string) (*sql.Stmt, error) {
	if stmt := s.lookup(query); stmt != nil {
		return stmt, nil
	}
	stmt, err := pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.keep(query, stmt), nil
}

func (s *statements) keep(query string, stmt *sql.Stmt) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.byText[query]; kept != nil {
		stmt.Close()
		return kept
	}
	if s.byText == nil {
		s.byText = make(map[string]*sql.Stmt)
	}
	if len(s.byText) >= maxStatements {
		// Full: drop one at random, as map order is. Rows and transactions keep it
		// alive; DB.Query and DB.QueryRow notice when it goes just before they use it.
		for text, old := range s.byText {
			delete(s.byText, text)
			old.Close()
			break
		}
	}
	s.byText[query] = stmt
	return stmt
}

func (s *statements) want(query string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == nil {
		s.wanted = make(map[string]bool)
	}
	if len(s.wanted) < maxStatements {
		s.wanted[query] = true
	}
}

// prepareWanted prepares the texts that ran unprepared, outside any transaction.
func (s *statements) prepareWanted(ctx context.Context, pool *sql.DB) {
	s.mu.RLock()
	none := len(s.wanted) == 0
	s.mu.RUnlock()
	if none {
		return
	}
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for query := range wanted {
		// A text that cannot be prepared (a migration's) stays unprepared.
		if stmt, err := pool.PrepareContext(ctx, query); err == nil {
			s.keep(query, stmt)
		}
	}
}
