package storetest

import (
	"errors"
	"fmt"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb/sqldbtest"
)

// TestFull fills a database to a limit of pages, which SQLite answers as it answers
// a full disk: what was acknowledged is there, what was refused is not, reading and
// deleting go on, and so does everything when there is room again.
func TestFull(t *testing.T) {
	db := sqldbtest.Disk(t)
	s, _ := Open(t, db)
	ctx := t.Context()
	m := mailbox(t, s)
	inbox := role(t, m, store.RoleInbox)
	create(t, m, mail(inbox, "first"))
	var pages int
	ok(t, db.QueryRow(ctx, "PRAGMA page_count").Scan(&pages))
	ok(t, db.Statement(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages+60)))
	made := 1
	var err error
	for made < 5000 {
		contents := store.Contents{}
		if _, err = m.CreateItem(ctx, store.NewItem{Folder: inbox, MIME: contents.Add(fmt.Appendf(make([]byte, 5000), "%d", made)), Contents: contents}); err != nil {
			break
		}
		made++
	}
	want(t, err, store.ErrFull)
	if made < 5 {
		t.Errorf("only %d items had room", made)
	}
	_, err = m.WriteBlob(ctx, &endless{left: 4 << 20})
	want(t, err, store.ErrFull)
	list, err := m.List(ctx, store.Query{Folder: inbox, Want: store.Want{All: true}})
	ok(t, err)
	if list.Total != made || len(list.Items) != made {
		t.Errorf("%d items, want %d", list.Total, made)
	}
	if _, err := m.DeleteItem(ctx, list.Items[0].ID, store.HardDelete); err != nil && !errors.Is(err, store.ErrFull) {
		t.Errorf("delete: %v", err)
	}
	ok(t, db.Statement(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages+10_000)))
	create(t, m, mail(inbox, "again"))
	checkMailboxes(t, db)
}

// endless gives that many bytes.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, errors.New("nobody stopped it")
	}
	n := min(len(p), e.left)
	e.left -= n
	for i := range p[:n] {
		p[i] = byte(e.left + i)
	}
	return n, nil
}
