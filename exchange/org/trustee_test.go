package org_test

import (
	"slices"
	"testing"

	"hma/exchange/org"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

// A trustee is a person or a group, whose members then are trustees too; clients open
// the mailboxes that are mapped to a person, until they are no more.
func TestTrustees(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		anna := create(t, o, org.NewRecipient("anna@contoso.com", "Anna"))
		ben := create(t, o, org.NewRecipient("ben@contoso.com", "Ben"))
		cleo := create(t, o, org.NewRecipient("cleo@contoso.com", "Cleo"))
		team := create(t, o, org.NewGroup(org.TypeDistributionGroup, "team@contoso.com", "Team"))
		outer := create(t, o, org.NewGroup(org.TypeDistributionGroup, "outer@contoso.com", "Outer"))
		for group, member := range map[*org.Recipient]*org.Recipient{team: ben, outer: team} {
			_, err := o.ChangeMembers(t.Context(), group.GUID, []guid.GUID{member.GUID}, nil)
			must(t, err)
		}
		list := []guid.GUID{anna.GUID, outer.GUID}
		for who, want := range map[*org.Recipient]bool{anna: true, ben: true, cleo: false} {
			if got, err := o.Holds(t.Context(), list, who.GUID); err != nil || got != want {
				t.Errorf("%s: %v, %v, want %v", who.DisplayName, got, err, want)
			}
		}
		if got, err := o.Holds(t.Context(), nil, anna.GUID); err != nil || got {
			t.Errorf("an empty list has Anna: %v, %v", got, err)
		}

		shared := org.NewMailbox(org.TypeShared, "info@contoso.com", "Info")
		shared.FullAccess, shared.AutoMapped = []guid.GUID{anna.GUID, cleo.GUID}, []guid.GUID{anna.GUID}
		info := create(t, o, shared)
		mapped := func(who *org.Recipient, want ...string) {
			t.Helper()
			found, err := o.MappedTo(t.Context(), who.GUID)
			must(t, err)
			var got []string
			for _, r := range found {
				got = append(got, r.DisplayName)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s has %q mapped, want %q", who.DisplayName, got, want)
			}
		}
		mapped(anna, "Info")
		mapped(cleo)
		_, err := o.UpdateRecipient(t.Context(), info.GUID, func(r *org.Recipient) error { r.AutoMapped = []guid.GUID{cleo.GUID}; return nil })
		must(t, err)
		mapped(anna)
		mapped(cleo, "Info")
	})
}
