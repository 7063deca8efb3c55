package addressbook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"hma/exchange/org"
	"hma/wire/guid"
)

// The organisation is the source of members for which Expand is made.
var _ Groups = (*org.Organization)(nil)

// groups are the members of groups by GUID.
type groups map[guid.GUID][]*org.Recipient

func (g groups) Members(_ context.Context, group, after guid.GUID, limit int) ([]*org.Recipient, error) {
	var page []*org.Recipient
	list := slices.SortedFunc(slices.Values(g[group]), func(a, b *org.Recipient) int { return bytes.Compare(a.GUID[:], b.GUID[:]) })
	for _, m := range list {
		if bytes.Compare(m.GUID[:], after[:]) > 0 && len(page) < limit {
			page = append(page, m)
		}
	}
	return page, nil
}

func group(n int) *org.Recipient {
	g := org.NewGroup(org.TypeDistributionGroup, fmt.Sprintf("group%d@contoso.com", n), "Group")
	g.GUID = guid.GUID{0: byte(n >> 8), 1: byte(n), 15: 2}
	return &g
}

func TestExpand(t *testing.T) {
	all, inner, shut := group(1), group(2), group(3)
	from := groups{
		all.GUID:   {person(1), inner, all, shut, person(2)},
		inner.GUID: {person(2), person(3), all},
		shut.GUID:  {person(4)},
	}
	for name, c := range map[string]struct {
		open func(*org.Recipient) (bool, error)
		want []string
	}{
		"everything":   {nil, []string{"user00001", "user00002", "user00003", "user00004"}},
		"not the last": {func(g *org.Recipient) (bool, error) { return g != shut, nil }, []string{"user00001", "user00002", "user00003"}},
	} {
		list, err := Expand(t.Context(), from, all, 4, c.open)
		var got []string
		for _, m := range list {
			got = append(got, m.Alias)
		}
		if slices.Sort(got); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := Expand(t.Context(), from, all, 3, nil); !errors.Is(err, ErrTooMany) {
		t.Errorf("four of at most three: %v", err)
	}
	boom := errors.New("boom")
	if _, err := Expand(t.Context(), from, all, 9, func(*org.Recipient) (bool, error) { return false, boom }); !errors.Is(err, boom) {
		t.Errorf("got %v, want the caller's error", err)
	}
	if list, err := Expand(t.Context(), from, group(9), 9, nil); err != nil || len(list) != 0 {
		t.Errorf("an empty group has %v, %v", list, err)
	}

	// Groups in groups in groups: a long chain ends, a wider one than anybody has is refused.
	chain := groups{}
	for n := range maxGroups + 5 {
		chain[group(n).GUID] = []*org.Recipient{group(n + 1), person(n % 7)}
	}
	if _, err := Expand(t.Context(), chain, group(0), 9, nil); !errors.Is(err, ErrTooMany) {
		t.Errorf("a chain without end: %v", err)
	}
	if list, err := Expand(t.Context(), chain, group(100), 9, nil); err != nil || len(list) != 7 {
		t.Errorf("a long chain has %d, %v", len(list), err)
	}
}

func TestExpandManyMembers(t *testing.T) {
	g := group(1)
	from := groups{g.GUID: nil}
	for n := range 2*pageSize + 3 {
		from[g.GUID] = append(from[g.GUID], person(n))
	}
	if list, err := Expand(t.Context(), from, g, 5000, nil); err != nil || len(list) != 2*pageSize+3 {
		t.Errorf("%d members, %v", len(list), err)
	}
}
