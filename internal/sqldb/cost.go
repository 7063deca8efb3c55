package sqldb

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"
)

// Cost gathers what the statements of one request take. It is safe for concurrent use.
type Cost struct {
	now              func() time.Time
	reads, writes    atomic.Int64
	reading, writing atomic.Int64 // nanoseconds
}

// NewCost returns an empty account that tells time by now.
func NewCost(now func() time.Time) *Cost { return &Cost{now: now} }

// Spent is what an account holds.
type Spent struct {
	Reads, Writes int           // reading statements or views; writes
	Reading       time.Duration // in reading statements, and in views as a whole
	Writing       time.Duration // in writes, the wait for their group's commit included
}

// Spent returns what was gathered until now.
func (c *Cost) Spent() Spent {
	return Spent{Reads: int(c.reads.Load()), Writes: int(c.writes.Load()),
		Reading: time.Duration(c.reading.Load()), Writing: time.Duration(c.writing.Load())}
}

type costKey struct{}

// WithCost has every statement that runs under the returned context charged to c.
func WithCost(ctx context.Context, c *Cost) context.Context {
	return context.WithValue(ctx, costKey{}, c)
}

// costOf returns the account of a context, nil without one.
func costOf(ctx context.Context) *Cost {
	c, _ := ctx.Value(costKey{}).(*Cost)
	return c
}

// read counts a read that the returned function ends.
func (c *Cost) read() (end func()) {
	if c == nil {
		return func() {}
	}
	c.reads.Add(1)
	begun := c.now()
	return func() { c.reading.Add(int64(c.now().Sub(begun))) }
}

// write counts a write that the returned function ends.
func (c *Cost) write() (end func()) {
	if c == nil {
		return func() {}
	}
	c.writes.Add(1)
	begun := c.now()
	return func() { c.writing.Add(int64(c.now().Sub(begun))) }
}

// Rows are the rows of a query, charged as they are read.
type Rows struct {
	*sql.Rows
	cost *Cost // nil inside a transaction, which is charged as a whole
}

// Next prepares the next row for Scan, as sql.Rows does.
func (r *Rows) Next() bool {
	if r.cost == nil {
		return r.Rows.Next()
	}
	begun := r.cost.now()
	more := r.Rows.Next()
	r.cost.reading.Add(int64(r.cost.now().Sub(begun)))
	return more
}

// rows wraps what a driver returned.
func rows(r *sql.Rows, err error, cost *Cost) (*Rows, error) {
	if err != nil {
		return nil, err
	}
	return &Rows{r, cost}, nil
}
