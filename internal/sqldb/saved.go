package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrReadOnly is what Write returns of a database that OpenSaved opened.
var ErrReadOnly = errors.New("database is read only")

// SaveTo writes the whole database as it is at one moment to a new SQLite file,
// beside everything that reads and writes it, and returns when the file is
// complete; whether it is on disk is for the caller to see to. What is there of a
// file when it fails is the caller's to remove. PostgreSQL has tools of its own: an error.
func (db *DB) SaveTo(ctx context.Context, path string) error {
	if db.flavour != SQLite {
		return fmt.Errorf("save database: %v is saved with pg_dump", db.flavour)
	}
	pool := db.write // in memory: the one connection
	if db.read != db.write {
		// A connection of its own, which may take long and disturbs nobody; those of db.read may not write anywhere.
		own, err := sql.Open("sqlite", db.name+"?_pragma=busy_timeout(5000)&_pragma=trusted_schema(0)&_pragma=cache_size(-2000)")
		if err != nil {
			return fmt.Errorf("save database: %w", err)
		}
		defer own.Close()
		pool = own
	}
	if _, err := pool.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return fmt.Errorf("save database to %s: %w", path, err)
	}
	return nil
}

// OpenSaved opens a file that SaveTo wrote, for reading alone: nothing beside it
// is made and its bytes stay as they are.
func OpenSaved(ctx context.Context, path string) (*DB, error) {
	db := &DB{flavour: SQLite, name: fileURL(path)}
	var err error
	if db.read, err = sql.Open("sqlite", db.name+"?mode=ro&immutable=1&_pragma=query_only(1)&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)&_pragma=cache_size(-2000)"); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.write = db.read
	db.read.SetMaxOpenConns(readers)
	if err := db.read.PingContext(ctx); err != nil {
		db.read.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

// Integrity reads every page of a SQLite database and says what is wrong with
// their structure; what PostgreSQL keeps is its own to check, nil.
func (db *DB) Integrity(ctx context.Context) error {
	if db.flavour != SQLite {
		return nil
	}
	rows, err := db.read.QueryContext(ctx, "PRAGMA integrity_check(10)")
	if err != nil {
		return fmt.Errorf("check database: %w", err)
	}
	defer rows.Close()
	var wrong []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return fmt.Errorf("check database: %w", err)
		}
		if line != "ok" {
			wrong = append(wrong, line)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("check database: %w", err)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("check database: it is damaged: %s", strings.Join(wrong, "; "))
	}
	return nil
}

// Version returns the version of a component's tables, 0 when there are none.
func (db *DB) Version(ctx context.Context, component string) (version int, err error) {
	err = db.QueryRow(ctx, "SELECT version FROM schema_version WHERE component = $1", component).Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("version of %s: %w", component, err)
	}
	return version, nil
}

// Tables returns the tables that have the column, each with the columns that can
// be written. Virtual tables are none.
func (db *DB) Tables(ctx context.Context, column string) (map[string][]string, error) {
	query := `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'
		AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) k WHERE k.name = $1) ORDER BY m.name, c.cid`
	if db.flavour == PostgreSQL {
		query = `SELECT c.table_name, c.column_name FROM information_schema.columns c WHERE c.table_schema = current_schema() AND c.is_generated = 'NEVER'
			AND EXISTS (SELECT 1 FROM information_schema.columns k WHERE k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = $1)
			ORDER BY c.table_name, c.ordinal_position`
	}
	rows, err := db.read.QueryContext(ctx, query, column)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table, name string
		if err := rows.Scan(&table, &name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		tables[table] = append(tables[table], name)
	}
	return tables, rows.Err()
}
