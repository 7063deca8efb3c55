package org_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"hma/exchange/org"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/ntlm"
)

// create adds a recipient.
func create(t *testing.T, o *org.Organization, r org.Recipient) *org.Recipient {
	t.Helper()
	made, err := o.CreateRecipient(t.Context(), r)
	must(t, err)
	return made
}

// Nobody signs in as a mailbox that is no person's, whatever password it has, and mail is delivered to it.
func TestMailboxesOfNobody(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		anna := create(t, o, org.NewRecipient("anna@contoso.com", "Anna"))
		if !anna.Active() || !anna.Receives() {
			t.Error("Anna cannot sign in, or gets no mail")
		}
		for _, kind := range []org.RecipientType{org.TypeShared, org.TypeRoom, org.TypeEquipment} {
			address := string(kind) + "@contoso.com"
			made := create(t, o, org.NewMailbox(kind, address, string(kind)))
			must(t, o.SetPassword(t.Context(), made.GUID, "Correct1-horse"))
			found, err := o.BySMTP(t.Context(), address)
			if err != nil || len(found) != 1 || found[0].Active() || !found[0].Receives() || found[0].Type != kind || kind.Resource() != (found[0].Resource != nil) {
				t.Errorf("%s is %+v, %v", kind, found, err)
			}
			if _, err := o.VerifyPassword(t.Context(), address, "Correct1-horse"); !errors.Is(err, org.ErrPassword) {
				t.Errorf("%s: somebody signed in: %v", kind, err)
			}
			if _, err := o.VerifyNT(t.Context(), address, func(ntlm.Hash) bool { return true }); !errors.Is(err, org.ErrPassword) {
				t.Errorf("%s: somebody signed in by NTLM: %v", kind, err)
			}
			_, err = o.UpdateRecipient(t.Context(), made.GUID, func(r *org.Recipient) error { r.Enabled = true; return nil })
			if rule, ok := errors.AsType[*org.RuleError](err); !ok {
				t.Errorf("%s: the account was enabled: %v, %v", kind, rule, err)
			}
		}
		// What was somebody's and is shared now: they are out at once.
		must(t, o.SetPassword(t.Context(), anna.GUID, "Correct1-horse"))
		_, err := o.UpdateRecipient(t.Context(), anna.GUID, func(r *org.Recipient) error { r.SetType(org.TypeShared); return nil })
		must(t, err)
		if _, err := o.VerifyPassword(t.Context(), "anna@contoso.com", "Correct1-horse"); !errors.Is(err, org.ErrPassword) {
			t.Errorf("Anna's mailbox is shared now, and she signed in as it: %v", err)
		}
	})
}

func TestRecipientsOfNoType(t *testing.T) {
	o := contoso(t, sqldbtest.Memory(t))
	group := org.NewGroup(org.TypeDistributionGroup, "all@contoso.com", "All")
	for what, edit := range map[string]func(r *org.Recipient){
		"an unknown type":         func(r *org.Recipient) { r.Type = "Robot" },
		"a group with a mailbox":  func(r *org.Recipient) { r.MailboxGUID = guid.New() },
		"a group with an account": func(r *org.Recipient) { r.Enabled = true },
		"a group without address": func(r *org.Recipient) { r.PrimarySMTP = "" },
		"a person's group":        func(r *org.Recipient) { r.Type, r.UPN = org.TypeUser, "all@contoso.com" },
		"a room that has no rules": func(r *org.Recipient) {
			r.Type, r.UPN, r.MailboxGUID, r.Group = org.TypeRoom, "all@contoso.com", guid.New(), nil
		},
		"a group with a capacity": func(r *org.Recipient) { r.Resource = new(org.Resource) },
	} {
		wrong := group
		wrong.Group = new(*group.Group)
		edit(&wrong)
		if _, err := o.CreateRecipient(t.Context(), wrong); err == nil {
			t.Errorf("%s was made", what)
		}
	}
}

func TestMembers(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		anna := create(t, o, org.NewRecipient("anna@contoso.com", "Anna"))
		bob := create(t, o, org.NewRecipient("bob@contoso.com", "Bob"))
		room := create(t, o, org.NewMailbox(org.TypeRoom, "room@contoso.com", "Room"))
		sales := create(t, o, org.NewGroup(org.TypeDistributionGroup, "sales@contoso.com", "Sales"))
		all := create(t, o, org.NewGroup(org.TypeDistributionGroup, "all@contoso.com", "All"))
		list := create(t, o, org.NewGroup(org.TypeRoomList, "rooms@contoso.com", "Rooms"))

		version := o.PeopleVersion()
		changed, err := o.ChangeMembers(t.Context(), sales.GUID, []guid.GUID{anna.GUID, all.GUID, anna.GUID}, nil)
		if err != nil || !changed || o.PeopleVersion() == version {
			t.Fatalf("members were not added: %v", err)
		}
		for _, c := range []struct {
			group, add *org.Recipient
			ok         bool
		}{{all, sales, true}, {all, bob, true}, {sales, sales, false}, {list, room, true}, {list, anna, false}, {anna, bob, false}} {
			if _, err := o.ChangeMembers(t.Context(), c.group.GUID, []guid.GUID{c.add.GUID}, nil); (err == nil) != c.ok {
				t.Errorf("%s in %s: %v", c.add.DisplayName, c.group.DisplayName, err)
			}
		}
		version = o.PeopleVersion()
		if changed, err := o.ChangeMembers(t.Context(), sales.GUID, []guid.GUID{anna.GUID}, []guid.GUID{bob.GUID}); changed || err != nil || o.PeopleVersion() != version {
			t.Errorf("nothing to do changed something: %v, %v", changed, err)
		}
		if _, err := o.ChangeMembers(t.Context(), sales.GUID, []guid.GUID{guid.New()}, nil); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("nobody was added: %v", err)
		}
		if got := pages(t, o.Members, sales.GUID); !slices.Equal(got, sorted("Anna", "All")) {
			t.Errorf("members of Sales are %q", got)
		}
		if got := pages(t, o.GroupsOf, anna.GUID); !slices.Equal(got, []string{"Sales"}) {
			t.Errorf("groups of Anna are %q", got)
		}

		for _, c := range []struct {
			sid  string
			edit func(*org.Group)
			want bool
		}{
			{anna.SID, func(g *org.Group) {}, true},
			{"", func(g *org.Group) {}, false},
			{"", func(g *org.Group) { g.InternalOnly = false }, true},
			{"", func(g *org.Group) { g.AcceptFrom = []guid.GUID{anna.GUID} }, false},
			{anna.SID, func(g *org.Group) {}, true},
			{bob.SID, func(g *org.Group) {}, false},
			{bob.SID, func(g *org.Group) { g.AcceptFrom = []guid.GUID{sales.GUID} }, true}, // through All, in a circle
			{room.SID, func(g *org.Group) {}, false},
			{"S-1-5-21-0", func(g *org.Group) {}, false},
		} {
			_, err := o.UpdateRecipient(t.Context(), list.GUID, func(r *org.Recipient) error { c.edit(r.Group); return nil })
			must(t, err)
			group, err := o.ByGUID(t.Context(), list.GUID)
			must(t, err)
			if may, err := o.MaySend(t.Context(), group, c.sid); may != c.want || err != nil {
				t.Errorf("%q may send to %+v: %v, %v", c.sid, group.Group, may, err)
			}
		}

		must(t, o.RemoveGroup(t.Context(), all.GUID))
		if err := o.RemoveGroup(t.Context(), anna.GUID); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("Anna was removed as a group: %v", err)
		}
		if got := pages(t, o.Members, sales.GUID); !slices.Equal(got, []string{"Anna"}) {
			t.Errorf("members of Sales are %q", got)
		}
		if found, err := o.BySMTP(t.Context(), "all@contoso.com"); len(found) != 0 || err != nil {
			t.Errorf("the address of what is gone finds %v, %v", found, err)
		}
	})
}

// pages reads all pages, one recipient at a time, and returns their names in order.
func pages(t *testing.T, read func(ctx context.Context, of, after guid.GUID, limit int) ([]*org.Recipient, error), of guid.GUID) []string {
	t.Helper()
	var names []string
	for after := guid.Nil; ; {
		page, err := read(t.Context(), of, after, 1)
		must(t, err)
		if len(page) == 0 {
			return sorted(names...)
		}
		after = page[0].GUID
		names = append(names, page[0].DisplayName)
	}
}

func sorted(names ...string) []string {
	slices.Sort(names)
	return names
}
