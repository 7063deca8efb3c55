package sqldb

import (
	"path/filepath"
	"sync"
	"testing"
)

// TestDroppedStatement holds that a statement which is dropped for another text
// just before somebody uses it is no error.
func TestDroppedStatement(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			s := &db.readStmts
			s.mu.Lock()
			for text, stmt := range s.byText {
				delete(s.byText, text)
				stmt.Close()
			}
			s.mu.Unlock()
		}
	})
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for range 2000 {
				var n int
				if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&n); err != nil {
					t.Error(err)
					return
				}
				rows, err := db.Query(t.Context(), "SELECT 2")
				if err != nil {
					t.Error(err)
					return
				}
				rows.Close()
			}
		})
	}
	users.Wait()
	close(done)
	wg.Wait()
}
