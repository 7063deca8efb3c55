package org_test

import (
	"testing"

	"hma/exchange/org"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
)

// TestOlderLiveRows opens the rows that a server left before overrides were recorded.
func TestOlderLiveRows(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		s, err := o.Server(t.Context(), "EX1")
		must(t, err)
		s.Close()
		o.Close()
		must(t, db.Write(t.Context(), func(tx *sqldb.Tx) error {
			for _, back := range []string{"ALTER TABLE live DROP COLUMN overrides", "DROP TABLE admin_audit",
				"DROP INDEX person_master_sid", "DROP INDEX person_master_account",
				"ALTER TABLE person DROP COLUMN master_sid", "ALTER TABLE person DROP COLUMN master_account", "ALTER TABLE person_password DROP COLUMN nt",
				"DROP TABLE group_member", "DROP TABLE person_photo", "DROP TABLE mapped"} {
				if _, err := tx.Exec(back); err != nil {
					return err
				}
			}
			_, err := tx.Exec("UPDATE schema_version SET version = 1 WHERE component = 'org'")
			return err
		}))
		o = open(t, db)
		live, err := o.LiveOverrides(t.Context())
		must(t, err)
		if ex1, ok := live[s.Snapshot().Server.GUID]; !ok || len(ex1.Overrides) != 0 || !ex1.Taken.Equal(start) {
			t.Errorf("EX1 runs %v", live)
		}
	})
}

func TestPreview(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		version, err := o.Version(t.Context())
		must(t, err)
		for want, fn := range map[bool]func(*org.Configuration) error{
			true:  func(c *org.Configuration) error { c.Org.OAuth2ClientProfileEnabled = true; return nil },
			false: func(*org.Configuration) error { return nil },
		} {
			if changed, err := o.Preview(t.Context(), fn); err != nil || changed != want {
				t.Errorf("previewed %v, %v; want %v", changed, err, want)
			}
		}
		_, err = o.Preview(t.Context(), func(c *org.Configuration) error {
			c.Overrides = append(c.Overrides, &org.SettingOverride{Name: "A"}, &org.SettingOverride{Name: "a"})
			return nil
		})
		if err == nil {
			t.Error("two objects of one name were previewed without an error")
		}
		c, err := o.Configuration(t.Context())
		must(t, err)
		if c.Version != version || c.Org.OAuth2ClientProfileEnabled || len(c.Overrides) != 0 {
			t.Errorf("a preview changed version %d to %d", version, c.Version)
		}
	})
}
