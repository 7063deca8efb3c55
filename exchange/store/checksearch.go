package store

import (
	"fmt"

	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// checkedTerms is how many terms of an item are looked for in the index.
const checkedTerms = 16

// search holds that the search index has an entry for every item that does not
// wait for it, finds it by what it says, and has none for an item that is gone.
func (c *checker) search() error {
	const waits = "(SELECT item FROM search_pending WHERE mailbox = $1)"
	entries := "(SELECT item FROM item_search WHERE mailbox = $1)"
	if c.m.store.db.Flavour() == sqldb.SQLite {
		from, _ := searchRow(c.m.id, 0)
		to, _ := searchRow(c.m.id+1, 0)
		entries = fmt.Sprintf("(SELECT rowid & %d AS item FROM item_search WHERE rowid >= %d AND rowid < %d)", int64(1)<<40-1, from, to)
	}
	wait := func(row mapi.GlobCnt) func(*writer) error {
		return func(w *writer) error { return w.reindex(row) }
	}
	err := c.each("SELECT item FROM "+entries+" AS entries WHERE item NOT IN (SELECT id FROM item WHERE mailbox = $1) AND item NOT IN "+waits,
		func(scan func(...any) error) error {
			var row mapi.GlobCnt
			err := scan(&row)
			c.add("search-entry", itemPlace(row), wait(row), "the search index has an entry for it, and it is gone")
			return err
		})
	if err != nil {
		return err
	}
	var rows []mapi.GlobCnt
	err = c.each("SELECT id FROM item WHERE mailbox = $1 AND id NOT IN "+waits+" ORDER BY id", func(scan func(...any) error) error {
		var row mapi.GlobCnt
		err := scan(&row)
		rows = append(rows, row)
		return err
	})
	for _, row := range rows {
		if err != nil || c.full() {
			return err
		}
		e := indexEntry{row: row}
		if err = c.m.indexEntry(c.q, &e); err != nil {
			return err
		}
		found := true
		if e.cn != 0 {
			found, err = c.finds(e)
		}
		if !found {
			c.add("search-item", itemPlace(row), wait(row), "the search index does not find it by what it says")
		}
	}
	return err
}

// finds tells whether the index finds an item by some of its terms.
func (c *checker) finds(e indexEntry) (found bool, err error) {
	statement := "SELECT count(*) FROM item_search WHERE mailbox = $1 AND item = $2 AND terms @@ $3::text::tsquery"
	args := []any{c.m.id, e.row}
	if c.m.store.db.Flavour() == sqldb.SQLite {
		row, _ := searchRow(c.m.id, e.row)
		statement, args = "SELECT count(*) FROM item_search WHERE rowid = $1 AND item_search MATCH $2", []any{row}
	}
	rows, err := c.q.Query(statement, append(args, c.m.hitsArg(query.AllOf(e.terms, checkedTerms)))...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return false, err
		}
	}
	return n > 0, rows.Err()
}
