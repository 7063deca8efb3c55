package sqldb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// batch is how many waiting closures one SQLite commit takes along.
const batch = 128

// ErrClosed is what Write returns after Close.
var ErrClosed = errors.New("database is closed")

// pending is a closure that waits for the SQLite writer.
type pending struct {
	ctx  context.Context
	fn   func(*Tx) error
	err  error
	done chan struct{}
}

// ErrFull is in the error of a write for which the disk has no room. Nothing of it
// is kept, reading goes on, and so does writing when there is room again.
var ErrFull = errors.New("no room on the database's disk")

// ErrUndecided is in the error of a write of which the database did not say whether it
// is kept: the connection broke off while it was committed. It may be there.
var ErrUndecided = errors.New("the database did not say whether it kept the write")

// Write runs fn in a transaction and returns when it is durable. What fn
// returns as an error rolls back fn's own changes only and is returned as it
// is, with ErrFull where that is why. fn may run more than once and must be written so.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	err := db.writeOnce(ctx, fn)
	if isFull(err) && !errors.Is(err, ErrFull) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func (db *DB) writeOnce(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer costOf(ctx).write()()
	if db.flavour == PostgreSQL {
		return db.writePostgreSQL(ctx, fn)
	}
	if db.queue == nil {
		return ErrReadOnly
	}
	p := &pending{ctx: db.detach(ctx), fn: fn, done: make(chan struct{})}
	select {
	case db.queue <- p:
	case <-db.stop:
		return ErrClosed
	}
	select {
	case <-p.done:
		return p.err
	case <-db.stop:
		// The writer answers everything that was queued before it stops.
		db.stopped.Wait()
		select {
		case <-p.done:
			return p.err
		default:
			return ErrClosed
		}
	}
}

// writer is the only goroutine that writes a SQLite database.
func (db *DB) writer() {
	for {
		var first *pending
		select {
		case first = <-db.queue:
		case <-db.stop:
			select {
			case first = <-db.queue:
			default:
				return
			}
		}
		group := []*pending{first}
	gather:
		for len(group) < batch {
			select {
			case p := <-db.queue:
				group = append(group, p)
			default:
				break gather
			}
		}
		db.commitGroup(group)
		for _, p := range group {
			close(p.done)
		}
		db.writeStmts.prepareWanted(context.Background(), db.write)
	}
}

// commitGroup runs a group's closures and commits once. Closures rarely fail, so
// they run one after the other first, without savepoints; when one does fail
// everything is rolled back and the group runs again, each closure behind a
// savepoint of its own. Closures are written to be run again.
func (db *DB) commitGroup(group []*pending) {
	err := db.commit(group, false)
	if err != nil && len(group) > 1 {
		err = db.commit(group, true)
	}
	if err != nil {
		for _, p := range group {
			if p.err == nil {
				p.err = err
			}
		}
	}
}

// commit runs the closures of a group in one transaction. Without savepoints it
// stops at the first closure that fails, and nothing of the group is kept. With
// them a closure's failure is its own. The error means that nothing was kept.
func (db *DB) commit(group []*pending, savepoints bool) error {
	ctx := context.Background()
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin write: %w", err)
	}
	defer tx.Rollback() // after Commit there is nothing to roll back
	for _, p := range group {
		if savepoints {
			if _, err := tx.ExecContext(ctx, "SAVEPOINT p"); err != nil {
				return fmt.Errorf("begin write: %w", err)
			}
		}
		p.err = run(&Tx{ctx: p.ctx, tx: tx, stmts: &db.writeStmts, flavour: SQLite}, p.fn)
		if !savepoints {
			if p.err != nil {
				return p.err
			}
			continue
		}
		if p.err != nil {
			// A full disk may have rolled back everything already; then this fails too.
			if _, err := tx.ExecContext(ctx, "ROLLBACK TO p"); err != nil {
				return fmt.Errorf("write: %w", p.err)
			}
		}
		if _, err := tx.ExecContext(ctx, "RELEASE p"); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// run calls fn and turns a panic into an error, so that one bad closure cannot stop the writer.
func run(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("write: panic: %v", r)
		}
	}()
	return fn(tx)
}

// attempts is how often a PostgreSQL transaction is repeated after a conflict.
const attempts = 10

func (db *DB) writePostgreSQL(ctx context.Context, fn func(*Tx) error) error {
	var err error
	for i := range attempts {
		if err = db.oncePostgreSQL(ctx, fn); err == nil || !conflict(err) {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(time.Millisecond) << i))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (db *DB) oncePostgreSQL(ctx context.Context, fn func(*Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin write: %w", err)
	}
	if err := run(&Tx{ctx: ctx, tx: tx, stmts: &db.writeStmts, flavour: PostgreSQL}, fn); err != nil {
		tx.Rollback()
		return err
	}
	if err := tx.Commit(); undecided(err) {
		return fmt.Errorf("commit: %w: %w", ErrUndecided, err)
	} else if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// undecided tells whether a commit failed otherwise than by the server's word that the
// transaction is not kept. What ends the whole session (FATAL, PANIC) is no such word.
func undecided(err error) bool {
	if err == nil || errors.Is(err, pgx.ErrTxCommitRollback) {
		return false
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return !ok || pg.SeverityUnlocalized != "ERROR"
}

// conflict tells whether a repeated transaction may succeed: serialization_failure, deadlock_detected.
func conflict(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40001" || pg.Code == "40P01")
}

// isFull tells whether err says that there is no room. Where SQLite cannot make
// its log or the index of the log longer it says that writing failed.
func isFull(err error) bool {
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		code := lite.Code()
		return code&0xFF == sqliteFull || code == sqliteWriteFailed || code == sqliteShmSize
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "53100" // disk_full
}

// SQLite result codes (sqlite.org/rescode.html).
const (
	sqliteFull             = 13
	sqliteWriteFailed      = 778  // SQLITE_IOERR_WRITE
	sqliteShmSize          = 4874 // SQLITE_IOERR_SHMSIZE
	sqliteConstraintPK     = 1555
	sqliteConstraintUnique = 2067
)

// IsUnique tells whether err says that a row with the same key exists.
func IsUnique(err error) bool {
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code() == sqliteConstraintUnique || lite.Code() == sqliteConstraintPK
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23505" // unique_violation
}
