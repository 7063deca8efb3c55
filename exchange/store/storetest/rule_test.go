package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

func subjectRule(name string, sequence int32) *store.Rule {
	return &store.Rule{Name: name, Sequence: sequence, State: store.RuleEnabled,
		Condition: mapi.And{mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: name}},
		Actions:   []mapi.Action{{Type: mapi.ActionMarkAsRead}}}
}

func names(rules []*store.Rule) string {
	var list []string
	for _, r := range rules {
		list = append(list, r.Name)
	}
	return strings.Join(list, " ")
}

func TestRules(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox, _ := m.RoleID(store.RoleInbox)
		rules := func() []*store.Rule {
			t.Helper()
			list, err := m.Rules(t.Context(), inbox)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		if list := rules(); len(list) != 0 {
			t.Errorf("a new mailbox has rules %v", list)
		}
		change := func(fn func([]*store.Rule) ([]*store.Rule, error)) {
			t.Helper()
			if err := m.UpdateRules(t.Context(), inbox, fn); err != nil {
				t.Fatal(err)
			}
		}
		change(func(list []*store.Rule) ([]*store.Rule, error) {
			return append(list, subjectRule("second", 2), subjectRule("third", 2), subjectRule("first", 1)), nil
		})
		list := rules()
		if got := names(list); got != "first second third" {
			t.Errorf("order %s", got)
		}
		want := subjectRule("first", 1)
		if got := list[0]; !reflect.DeepEqual(got.Condition, want.Condition) || len(got.Actions) != 1 || got.Actions[0].Type != mapi.ActionMarkAsRead || got.State != store.RuleEnabled || got.ID == 0 {
			t.Errorf("got %+v", got)
		}
		first := list[0].ID
		change(func(list []*store.Rule) ([]*store.Rule, error) {
			list[0].Name = "changed"
			return list[:2], nil
		})
		if list = rules(); names(list) != "changed second" || list[0].ID != first {
			t.Errorf("got %s", names(list))
		}
		if err := m.FailRule(t.Context(), inbox, first); err != nil {
			t.Fatal(err)
		}
		if list = rules(); list[0].State != store.RuleEnabled|store.RuleInError || list[1].State != store.RuleEnabled {
			t.Errorf("states %x, %x", list[0].State, list[1].State)
		}
		broken := errors.New("no")
		if err := m.UpdateRules(t.Context(), inbox, func([]*store.Rule) ([]*store.Rule, error) { return nil, broken }); !errors.Is(err, broken) {
			t.Errorf("a change that fails: %v", err)
		}
		for name, c := range map[string]struct {
			add  []*store.Rule
			want error
		}{
			"many":     {make([]*store.Rule, store.MaxRules), store.ErrTooMany},
			"large":    {[]*store.Rule{{Condition: mapi.And{}, ProviderData: make([]byte, store.MaxRuleBytes)}}, store.ErrTooMany},
			"no value": {[]*store.Rule{{Condition: mapi.Property{Tag: mapi.PidTagSubject}}}, store.ErrInvalid},
			"name":     {[]*store.Rule{{Condition: mapi.And{}, Name: strings.Repeat("ä", store.MaxRuleName+1)}}, store.ErrInvalid},
		} {
			err := m.UpdateRules(t.Context(), inbox, func(list []*store.Rule) ([]*store.Rule, error) { return append(list, c.add...), nil })
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if list = rules(); names(list) != "changed second" {
			t.Errorf("what failed left %s", names(list))
		}
		// A rule that this program cannot read stays as it is.
		if err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec("UPDATE rule SET conditions = $1 WHERE id = $2", []byte{99}, first)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		change(func(list []*store.Rule) ([]*store.Rule, error) { return append(list, subjectRule("new", 9)), nil })
		if list = rules(); names(list) != "changed second new" || list[0].State&store.RuleParseError == 0 {
			t.Errorf("got %s, state %x", names(list), list[0].State)
		}
		if err := m.Check(t.Context(), false, func(d store.Damage) { t.Errorf("check: %v", d) }); err != nil {
			t.Error(err)
		}
	})
}

// tellOof delivers what an out-of-office reply answers, and tells whether it is sent.
func tellOof(t *testing.T, m *store.Mailbox, sender string) (bool, error) {
	_, waiting, err := m.Deliver(t.Context(), store.Delivery{Send: []store.Outgoing{{Kind: store.OutgoingOofReply, To: sender}}})
	return len(waiting) == 1, err
}

func TestOof(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		m, other := mailbox(t, s), mailbox(t, s)
		now := clock.Now()
		if o, err := m.Oof(t.Context()); err != nil || o.Active(now) || o.Audience != store.OofEverybody {
			t.Errorf("a new mailbox: %+v, %v", o, err)
		}
		if first, err := tellOof(t, m, "a@contoso.com"); err != nil || first {
			t.Errorf("told without settings: %v, %v", first, err)
		}
		set := func(o store.Oof) {
			t.Helper()
			if err := m.SetOof(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if got, err := m.Oof(t.Context()); err != nil || got != o {
				t.Errorf("got %+v, %v, want %+v", got, err, o)
			}
		}
		tell := func(sender string, want bool) {
			t.Helper()
			if first, err := tellOof(t, m, sender); err != nil || first != want {
				t.Errorf("%s: %v, %v", sender, first, err)
			}
		}
		on := store.Oof{State: store.OofEnabled, Audience: store.OofKnown, Internal: store.OofReply{Text: "weg", Language: "de-DE"}, External: store.OofReply{Text: "away"}}
		set(on)
		tell("A@contoso.com", true)
		tell("a@contoso.com", false)
		on.Internal.Text = "anders"
		set(on) // another text is no new period
		tell("a@contoso.com", false)
		off := on
		off.State = store.OofDisabled
		set(off)
		set(on)
		tell("a@contoso.com", true)
		planned := on
		planned.State, planned.Start, planned.End = store.OofScheduled, now.Truncate(time.Microsecond), now.Add(time.Hour).Truncate(time.Microsecond)
		set(planned)
		tell("a@contoso.com", true)
		for at, want := range map[time.Duration]bool{-time.Second: false, time.Second: true, time.Hour: false} {
			if planned.Active(planned.Start.Add(at)) != want {
				t.Errorf("active after %v: not %v", at, want)
			}
		}
		if o, err := other.Oof(t.Context()); err != nil || o.State != store.OofDisabled {
			t.Errorf("another mailbox: %+v, %v", o, err)
		}
		for name, bad := range map[string]store.Oof{
			"long":     {Internal: store.OofReply{Text: strings.Repeat("x", store.MaxOofText+1)}},
			"backward": {State: store.OofScheduled, Start: now, End: now.Add(-time.Hour)},
			"state":    {State: 7},
			"language": {Internal: store.OofReply{Language: strings.Repeat("x", 65)}},
		} {
			if err := m.SetOof(t.Context(), bad); !errors.Is(err, store.ErrInvalid) && !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestOofSenders holds that the list of senders is bounded.
func TestOofSenders(t *testing.T) {
	db := sqldbtest.Memory(t)
	s, _ := Open(t, db)
	m := mailbox(t, s)
	if err := m.SetOof(t.Context(), store.Oof{State: store.OofEnabled}); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE oof SET senders = $1", store.MaxOofSenders-1)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, false} {
		if first, err := tellOof(t, m, fmt.Sprintf("%d@contoso.com", i)); err != nil || first != want {
			t.Errorf("sender %d: %v, %v", i, first, err)
		}
	}
}
