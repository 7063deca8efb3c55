package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

func TestConfiguration(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox, calendar := role(t, m, store.RoleInbox), role(t, m, store.RoleCalendar)
		if _, err := m.Configuration(t.Context(), inbox, "Work"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		long := []byte(strings.Repeat("x", 100<<10))
		stamp, err := m.CreateConfiguration(t.Context(), inbox, "Work", mapi.Bag{mapi.PidTagRoamingBinary: long})
		ok(t, err)
		for _, name := range []string{"work", "WORK"} {
			it, err := m.Configuration(t.Context(), inbox, name)
			if err != nil || it.ID != stamp.ID || len(it.Props.Bytes(mapi.PidTagRoamingBinary)) != len(long) || !it.Associated {
				t.Errorf("%s: %+v, %v", name, it, err)
			}
			if _, err := m.CreateConfiguration(t.Context(), inbox, name, nil); !errors.Is(err, store.ErrExists) {
				t.Errorf("%s again: %v", name, err)
			}
		}
		if f, err := m.Folder(t.Context(), inbox); err != nil || f.Total != 0 || f.Associated != 1 {
			t.Errorf("folder %+v, %v", f, err)
		}
		// Those who ask at once find one list of categories.
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				it, err := m.Configuration(t.Context(), calendar, "categorylist")
				if err != nil || !strings.Contains(string(it.Props.Bytes(mapi.PidTagRoamingXMLStream)), "Red Category") {
					t.Errorf("categories: %+v, %v", it, err)
				}
			})
		}
		wg.Wait()
		if f, err := m.Folder(t.Context(), calendar); err != nil || f.Associated != 1 {
			t.Errorf("folder %+v, %v", f, err)
		}
		if _, err := m.Configuration(t.Context(), inbox, "CategoryList"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("categories of the inbox: %v", err)
		}
	})
}

func TestConfigurationLimit(t *testing.T) {
	m := NewMailbox(t)
	inbox := role(t, m, store.RoleInbox)
	items := make([]store.NewItem, store.MaxAssociated)
	for i := range items {
		items[i] = store.NewItem{Folder: inbox, Associated: true, Props: mapi.Bag{mapi.PidTagMessageClass: fmt.Sprintf("IPM.Configuration.%d", i)}}
	}
	_, err := m.CreateItems(t.Context(), items)
	ok(t, err)
	if _, err := m.CreateConfiguration(t.Context(), inbox, "one", nil); !errors.Is(err, store.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}
