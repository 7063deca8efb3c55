package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Migrate brings a component's tables to the newest version. steps[0] makes
// version 1 and so on; a step is an SQL script in which {{blob}} stands for the
// flavour's type of raw bytes, {{search}} for its byte-wise text collation, and
// {{clustered}} behind a table whose rows lie in the order of the primary key.
// What follows a line {{sqlite}} or {{postgresql}} is for that flavour alone, up
// to a line {{both}}. Data of a version this program does not know is refused: an old program must
// not write where a newer one has been.
func (db *DB) Migrate(ctx context.Context, component string, steps []string) error {
	err := db.Write(ctx, func(tx *Tx) error {
		if tx.flavour == PostgreSQL {
			// Two programs that start together migrate one after the other.
			if _, err := tx.Exec("SELECT pg_advisory_xact_lock(7270001)"); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version BIGINT NOT NULL)"); err != nil {
			return err
		}
		var version int
		err := tx.QueryRow("SELECT version FROM schema_version WHERE component = $1", component).Scan(&version)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if version > len(steps) {
			return fmt.Errorf("data is of version %d and this program knows up to %d: run the newer hma that wrote it", version, len(steps))
		}
		for i, step := range steps[version:] {
			// Scripts have several statements: they run unprepared.
			if _, err := tx.tx.ExecContext(tx.ctx, dialect(tx.flavour).Replace(only(tx.flavour, step))); err != nil {
				return fmt.Errorf("step %d: %w", version+i+1, err)
			}
		}
		if version == len(steps) {
			return nil
		}
		_, err = tx.Exec(`INSERT INTO schema_version (component, version) VALUES ($1, $2)
			ON CONFLICT (component) DO UPDATE SET version = excluded.version`, component, len(steps))
		return err
	})
	if err != nil {
		return fmt.Errorf("migrate %s: %w", component, err)
	}
	return nil
}

// only leaves out what a step has for the other flavour.
func only(f Flavour, step string) string {
	var out strings.Builder
	mine := true
	for line := range strings.Lines(step) {
		switch strings.TrimSpace(line) {
		case "{{sqlite}}":
			mine = f == SQLite
		case "{{postgresql}}":
			mine = f == PostgreSQL
		case "{{both}}":
			mine = true
		default:
			if mine {
				out.WriteString(line)
			}
		}
	}
	return out.String()
}

func dialect(f Flavour) *strings.Replacer {
	if f == PostgreSQL {
		return strings.NewReplacer("{{blob}}", "BYTEA", "{{search}}", `COLLATE "C"`, "{{clustered}}", "")
	}
	return strings.NewReplacer("{{blob}}", "BLOB", "{{search}}", "COLLATE BINARY", "{{clustered}}", " WITHOUT ROWID")
}

// Explain returns the lines of the plan that the database makes for a reading
// statement, for tests which show that no hot query scans or sorts.
func (db *DB) Explain(ctx context.Context, query string, args ...any) ([]string, error) {
	prefix := "EXPLAIN QUERY PLAN "
	if db.flavour == PostgreSQL {
		prefix = "EXPLAIN "
	}
	rows, err := db.read.QueryContext(ctx, prefix+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if db.flavour == PostgreSQL {
			err = rows.Scan(&line)
		} else {
			var id, parent, unused int
			err = rows.Scan(&id, &parent, &unused, &line)
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, rows.Err()
}

// Statement runs one statement outside any transaction (CREATE DATABASE, VACUUM).
func (db *DB) Statement(ctx context.Context, statement string) error {
	_, err := db.write.ExecContext(ctx, statement)
	return err
}
