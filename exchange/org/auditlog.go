package org

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// auditAge is how long records are kept: the stock AdminAuditLogAgeLimit, 90 days.
const auditAge = 90 * 24 * time.Hour

// AuditRecord is one cmdlet call that changed something, or was to (Search-AdminAuditLog).
type AuditRecord struct {
	GUID    guid.GUID `json:"-"`
	RunDate time.Time `json:"-"` // UTC
	Caller  string
	Cmdlet  string
	// Parameters are the given ones, Name=Value. What secrets are is left out by whoever writes the record.
	Parameters     []string `json:",omitempty"`
	ObjectModified string   `json:",omitempty"`
	Server         string   `json:",omitempty"` // which the caller talked to; "" over the admin socket
	ClientIP       string   `json:",omitempty"`
	// Succeeded and Error say how the call ended; both are empty for one of which nothing more is
	// known, because the process ended with it.
	Succeeded bool
	Error     string `json:",omitempty"`
}

// BeginAudit writes the record of a call that is about to run, gives it its GUID and RunDate,
// and drops records that are too old.
func (o *Organization) BeginAudit(ctx context.Context, r *AuditRecord) error {
	r.GUID, r.RunDate = guid.New(), fromMicros(micros(o.opts.Now()))
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec("DELETE FROM admin_audit WHERE run < $1", micros(r.RunDate.Add(-auditAge))); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO admin_audit (guid, run, body) VALUES ($1, $2, $3)", r.GUID.String(), micros(r.RunDate), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// EndAudit writes how the call of a record ended.
func (o *Organization) EndAudit(ctx context.Context, r *AuditRecord) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE admin_audit SET body = $1 WHERE guid = $2", string(body), r.GUID.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// AuditLog gives fn the records from one time to another, both included, the newest first, until it returns
// false. Records older than 90 days are not among them. A zero time is no bound.
func (o *Organization) AuditLog(ctx context.Context, from, to time.Time, fn func(*AuditRecord) bool) error {
	now := o.opts.Now()
	if oldest := now.Add(-auditAge); from.Before(oldest) {
		from = oldest
	}
	if to.IsZero() {
		to = now
	}
	rows, err := o.db.Query(ctx, "SELECT guid, run, body FROM admin_audit WHERE run >= $1 AND run <= $2 ORDER BY run DESC, guid DESC",
		micros(from), micros(to))
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, body string
		var run int64
		if err := rows.Scan(&id, &run, &body); err != nil {
			return fmt.Errorf("read audit log: %w", err)
		}
		r := AuditRecord{RunDate: fromMicros(run)}
		if r.GUID, err = guid.Parse(id); err != nil {
			return fmt.Errorf("read audit log: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return fmt.Errorf("read audit log: %w", err)
		}
		if !fn(&r) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	return nil
}
