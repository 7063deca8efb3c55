package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// Save writes all mailboxes as they are at one moment to a new SQLite file, beside
// everything else. On SQLite the file is made by VACUUM INTO; from PostgreSQL the
// rows are copied in one repeatable-read transaction.
func (s *Store) Save(ctx context.Context, path string) error {
	if s.db.Flavour() == sqldb.SQLite {
		return s.db.SaveTo(ctx, path)
	}
	if err := s.copyTo(ctx, path); err != nil {
		return fmt.Errorf("save mailboxes to %s: %w", path, err)
	}
	return nil
}

func (s *Store) copyTo(ctx context.Context, path string) (err error) {
	db, err := sqldb.Open(ctx, "sqlite:"+path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := db.Close(); err == nil {
			err = closed
		}
	}()
	to, err := Open(ctx, db, s.opts)
	if err != nil {
		return err
	}
	tables, err := commonTables(ctx, s.db, to.db)
	if err != nil {
		return err
	}
	columns, err := to.db.Tables(ctx, "db_guid") // the mailbox's own table
	if err != nil {
		return err
	}
	return s.db.View(ctx, func(tx *sqldb.Tx) error {
		c := &copier{ctx: ctx, from: tx, to: to.db}
		if err := c.table("mailbox", columns["mailbox"], "", nil); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			if err := c.table(name, tables[name], "", nil); err != nil {
				return err
			}
		}
		if err := c.flush(); err != nil {
			return err
		}
		return to.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec("INSERT INTO search_pending (mailbox, item) SELECT mailbox, id FROM item")
			return err
		})
	})
}

// OpenSaved opens what Save wrote, for reading. A file that an older program
// saved is ErrOlder: bring a copy of it up to date with Open.
func OpenSaved(ctx context.Context, db *sqldb.DB, opts Options) (*Store, error) {
	version, err := db.Version(ctx, component)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open saved mailboxes: %w", err)
	case version < len(migrations):
		return nil, fmt.Errorf("open saved mailboxes of version %d, this program has %d: %w", version, len(migrations), ErrOlder)
	case version > len(migrations):
		return nil, fmt.Errorf("open saved mailboxes: of version %d, this program knows up to %d: run the newer hma that saved them", version, len(migrations))
	}
	s := &Store{db: db, opts: opts.complete()}
	s.hub.store = s
	return s, nil
}

// commonTables returns the tables of a mailbox's rows in both databases with the
// columns that both have. The search index is made anew: its terms hold the mailbox's number.
func commonTables(ctx context.Context, from, to *sqldb.DB) (map[string][]string, error) {
	have, err := from.Tables(ctx, "mailbox")
	if err != nil {
		return nil, err
	}
	tables, err := to.Tables(ctx, "mailbox")
	if err != nil {
		return nil, err
	}
	for name, columns := range tables {
		if have[name] == nil || name == "item_search" || name == "search_pending" {
			delete(tables, name)
			continue
		}
		tables[name] = slices.DeleteFunc(columns, func(c string) bool { return !slices.Contains(have[name], c) })
	}
	return tables, nil
}

// copier copies rows between databases, some of them in one write.
type copier struct {
	ctx     context.Context
	from    querier
	to      *sqldb.DB
	number  int64 // what the column mailbox is to hold; 0 leaves it
	touch   func(*sqldb.Tx) error
	told    func(rows int)
	pending []row
	size    int
	rows    int
}

type row struct {
	statement string
	values    []any
}

// Limits of one write of a copy: others wait for it.
const (
	copyRows  = 500
	copyBytes = 2 << 20
)

// table copies the rows that the condition selects.
func (c *copier) table(name string, columns []string, where string, args []any) error {
	marks := make([]string, len(columns))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	statement := "INSERT INTO " + name + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	rows, err := c.from.Query("SELECT "+strings.Join(columns, ", ")+" FROM "+name+where, args...)
	if err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	defer rows.Close()
	at := slices.Index(columns, "mailbox")
	for rows.Next() {
		values, err := scanRow(rows, len(columns))
		if err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
		if c.number != 0 && at >= 0 {
			values[at] = c.number
		}
		for _, v := range values {
			switch v := v.(type) {
			case []byte:
				c.size += len(v)
			case string:
				c.size += len(v)
			}
		}
		c.pending = append(c.pending, row{statement, values})
		if len(c.pending) >= copyRows || c.size >= copyBytes {
			if err := c.flush(); err != nil {
				return fmt.Errorf("copy %s: %w", name, err)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	return nil
}

func scanRow(rows *sqldb.Rows, n int) ([]any, error) {
	values, dest := make([]any, n), make([]any, n)
	for i := range values {
		dest[i] = &values[i]
	}
	err := rows.Scan(dest...)
	for i, v := range values {
		// SQLite's driver has no bytes where there are none, and would write them as NULL.
		if b, ok := v.([]byte); ok && b == nil {
			values[i] = []byte{}
		}
	}
	return values, err
}

// flush writes what is pending.
func (c *copier) flush() error {
	err := c.to.Write(c.ctx, func(tx *sqldb.Tx) error {
		for _, r := range c.pending {
			if _, err := tx.Exec(r.statement, r.values...); err != nil {
				return err
			}
		}
		if c.touch != nil {
			return c.touch(tx)
		}
		return nil
	})
	c.rows += len(c.pending)
	c.pending, c.size = c.pending[:0], 0
	if err == nil && c.told != nil {
		c.told(c.rows)
	}
	return err
}

// Holding is what a store says of a mailbox for the list of what was saved.
type Holding struct {
	Mailbox guid.GUID    `json:"mailbox"`
	Name    string       `json:"name"`
	Items   int64        `json:"items"` // associated ones too
	Size    int64        `json:"size"`  // bytes
	Last    mapi.GlobCnt `json:"last"`  // the last change number
	Epoch   int64        `json:"epoch"`
}

// Holdings returns what the store has of each mailbox.
func (s *Store) Holdings(ctx context.Context) ([]Holding, error) {
	rows, err := s.db.Query(ctx, `SELECT guid, display_name, size, last_cn, epoch,
		(SELECT CAST(COALESCE(SUM(total + fai_count), 0) AS BIGINT) FROM folder WHERE mailbox = mailbox.id) FROM mailbox WHERE kind >= 0 ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list mailboxes: %w", err)
	}
	defer rows.Close()
	var list []Holding
	for rows.Next() {
		var h Holding
		var text string
		if err := rows.Scan(&text, &h.Name, &h.Size, &h.Last, &h.Epoch, &h.Items); err != nil {
			return nil, fmt.Errorf("list mailboxes: %w", err)
		}
		if h.Mailbox, err = guid.Parse(text); err != nil {
			return nil, fmt.Errorf("list mailboxes: %w", err)
		}
		list = append(list, h)
	}
	return list, rows.Err()
}
